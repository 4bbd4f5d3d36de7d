package relay_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/relay"
	"github.com/jovepay/jovepay-go/relay/internal/testshop"
)

func TestNew(t *testing.T) {
	t.Parallel()
	f := new(fake)
	verifier, err := jovepay.NewIPNVerifier(testshop.Secret)
	require.NoError(t, err)
	good := relay.Broker{Topic: "a", PoisonTopic: "b", Publisher: f, Subscriber: f}
	_, err = relay.New(&good, verifier, nil, relay.WithRetryFor(0), relay.WithLogger(slog.Default()))
	require.NoError(t, err)

	_, err = relay.New(nil, verifier)
	require.ErrorContains(t, err, "broker")
	_, err = relay.New(&good, nil)
	require.ErrorContains(t, err, "verifier")
	for _, broker := range []relay.Broker{
		{},
		{Topic: "a", PoisonTopic: "b", Publisher: f},
		{Topic: "a", PoisonTopic: "b", Subscriber: f},
		{PoisonTopic: "b", Publisher: f, Subscriber: f},
		{Topic: "a", Publisher: f, Subscriber: f},
		{Topic: "a", PoisonTopic: "a", Publisher: f, Subscriber: f},
		{Topic: "a", RetryTopic: "a", PoisonTopic: "b", Publisher: f, Subscriber: f},
		{Topic: "a", RetryTopic: "b", PoisonTopic: "b", Publisher: f, Subscriber: f},
	} {
		_, err = relay.New(&broker, verifier)
		require.ErrorContains(t, err, "relay: ")
	}
	for _, opt := range []relay.Option{
		relay.WithLogger(nil),
		relay.WithWorkers(0), relay.WithWorkers(1001),
		relay.WithRetryFor(-1), relay.WithRetryFor(2 * time.Hour),
		relay.WithTimeout(0), relay.WithTimeout(2 * time.Hour),
		relay.WithDrain(0), relay.WithDrain(2 * time.Hour),
	} {
		_, err = relay.New(&good, verifier, opt)
		require.ErrorContains(t, err, "relay: ")
	}
}
