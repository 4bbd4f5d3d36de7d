package embedded_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/relay"
	"github.com/jovepay/jovepay-go/relay/internal/testshop"
	"github.com/jovepay/jovepay-go/relay/jetstream"
)

// TestStreamGone deletes each stream, as an administrator may: the first to need it
// creates it again with its previous settings.
func TestStreamGone(t *testing.T) {
	t.Parallel()
	srv := natsServer(t, t.TempDir(), server.RANDOM_PORT)
	t.Cleanup(func() { stopServer(srv) })
	js := management(t, srv)
	const name = "shop"
	_, err := js.CreateStream(t.Context(), natsjs.StreamConfig{
		Name: name, Subjects: []string{name}, Retention: natsjs.WorkQueuePolicy, Description: "mine", Duplicates: 24 * time.Hour,
	})
	require.NoError(t, err)
	broker, err := jetstream.Connect(t.Context(), srv.ClientURL(), jetstream.WithName(name))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, broker.Close()) })
	shop := testshop.New(t)
	r := shop.Relay(t, broker, relay.WithRetryFor(time.Second))

	require.NoError(t, js.DeleteStream(t.Context(), name))
	require.Equal(t, http.StatusOK, shop.Deliver(r, testshop.Body(1, finished)), "the stream is created again")
	stream, err := js.Stream(t.Context(), name)
	require.NoError(t, err)
	assert.Equal(t, "mine", stream.CachedInfo().Config.Description)
	assert.Equal(t, 24*time.Hour, stream.CachedInfo().Config.Duplicates)

	require.NoError(t, js.DeleteStream(t.Context(), name))
	shop.Start(t, r)
	require.Equal(t, http.StatusOK, shop.Deliver(r, testshop.Body(1, finished)), "a lost message is not a duplicate")
	shop.Expect(t, 1, finished, inbox.Applied)
	for id, gone := range []string{name, broker.RetryTopic, broker.PoisonTopic} {
		require.NoError(t, js.DeleteStream(t.Context(), gone))
		shop.Work(testshop.FailFirst(1))
		require.Equal(t, http.StatusOK, shop.Deliver(r, testshop.Body(10+id, finished)), gone)
		shop.Expect(t, 10+id, finished, inbox.Applied)
	}
	shop.Work(testshop.FailFirst(1000))
	shop.Notify(t, r, 20)
	shop.PoisonEvents(t, r, 1)
}

// TestServerLosesData restarts the server on an empty directory: notifications are
// accepted and applied again, without a restart of the shop.
func TestServerLosesData(t *testing.T) {
	t.Parallel()
	srv := natsServer(t, t.TempDir(), server.RANDOM_PORT)
	port := srv.Addr().(*net.TCPAddr).Port
	broker, err := jetstream.Connect(t.Context(), srv.ClientURL(),
		jetstream.WithNATS(nats.ReconnectWait(10*time.Millisecond), nats.ReconnectJitter(0, 0)))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, broker.Close()) })
	shop := testshop.New(t)
	r := shop.Relay(t, broker)
	shop.Start(t, r)
	shop.Notify(t, r, 0)
	shop.Expect(t, 0, finished, inbox.Applied)
	stopServer(srv)

	srv = natsServer(t, t.TempDir(), port)
	t.Cleanup(func() { stopServer(srv) })
	require.Eventually(t, func() bool {
		return shop.Deliver(r, testshop.Body(1, finished)) == http.StatusOK
	}, 10*time.Second, 10*time.Millisecond)
	shop.Expect(t, 1, finished, inbox.Applied)
}

// TestManyRetries has more events wait for their next attempt than the server lets a
// consumer leave unacknowledged by default: they hold up nothing.
func TestManyRetries(t *testing.T) {
	t.Parallel()
	broker, js := newBroker(t)
	shop := testshop.New(t)
	r := shop.Relay(t, broker, relay.WithRetryFor(time.Hour))
	const n = 1100
	shop.Work(func(_ context.Context, event jovepay.Event) error {
		if payment, ok := event.(*jovepay.PaymentEvent); ok && payment.ID == jovepay.ID(strconv.Itoa(n)) {
			return nil
		}
		return errors.New("no such order")
	})
	shop.Start(t, r)
	for id := range n {
		shop.Notify(t, r, id)
	}
	waiting, err := js.Consumer(t.Context(), broker.RetryTopic, broker.RetryTopic)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		info, err := waiting.Info(t.Context())
		return err == nil && info.NumAckPending > 1000
	}, 40*time.Second, 10*time.Millisecond)
	shop.Notify(t, r, n)
	shop.Expect(t, n, finished, inbox.Applied)
}
