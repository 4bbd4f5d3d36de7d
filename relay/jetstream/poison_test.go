package jetstream_test

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/relay"
	"github.com/jovepay/jovepay-go/relay/relaytest"
)

// TestPoisonedOnce has an event fail again and again, each time because its
// notification is sent again after the window: the poison queue holds it once,
// with its last failure, next to other events.
func TestPoisonedOnce(t *testing.T) {
	t.Parallel()
	engine, js := connected(t)
	shop := relaytest.NewShop(t)
	consumer := shop.Relay(t, engine, relay.WithRetryFor(0))
	var failures atomic.Int32
	shop.Work(func(context.Context, jovepay.Event) error {
		return fmt.Errorf("failure %d", failures.Add(1))
	})
	require.Equal(t, http.StatusOK, shop.Deliver(consumer, relaytest.Body(1, finished)))
	stream, err := js.Stream(t.Context(), engine.Topic)
	require.NoError(t, err)
	sent, err := stream.GetLastMsgForSubject(t.Context(), engine.Topic)
	require.NoError(t, err)
	stop := shop.Start(t, consumer)
	settled := func(n int32) {
		require.Eventually(t, func() bool {
			info, err := stream.Info(t.Context())
			return err == nil && failures.Load() == n && info.State.Msgs == 0
		}, 10*time.Second, time.Millisecond)
	}
	settled(1)
	for i := range int32(10) {
		again := &nats.Msg{Subject: engine.Topic, Header: sent.Header, Data: sent.Data}
		again.Header.Del(nats.MsgIdHdr) // the window is over
		_, err = js.PublishMsg(t.Context(), again)
		require.NoError(t, err)
		settled(i + 2)
	}
	assert.Contains(t, shop.Poisoned(t, consumer, 1)[0].Reason, "failure 11")

	require.Equal(t, http.StatusOK, shop.Deliver(consumer, relaytest.Body(2, finished)))
	settled(12)
	shop.Poisoned(t, consumer, 2)
	require.NoError(t, stop())
}
