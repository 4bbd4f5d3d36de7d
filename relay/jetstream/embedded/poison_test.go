package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/relay"
	"github.com/jovepay/jovepay-go/relay/internal/testshop"
)

// TestPoisonedOnce makes an event fail again and again, each time because its
// notification arrives after the deduplication window: the poison queue holds it once,
// with its last failure, next to other events.
func TestPoisonedOnce(t *testing.T) {
	t.Parallel()
	broker, js := newBroker(t)
	shop := testshop.New(t)
	r := shop.Relay(t, broker, relay.WithRetryFor(0))
	var failures atomic.Int32
	shop.Work(func(context.Context, jovepay.Event) error {
		return fmt.Errorf("failure %d", failures.Add(1))
	})
	shop.Notify(t, r, 1)
	stream, err := js.Stream(t.Context(), broker.Topic)
	require.NoError(t, err)
	sent, err := stream.GetLastMsgForSubject(t.Context(), broker.Topic)
	require.NoError(t, err)
	stop := shop.Start(t, r)
	settled := func(n int32) {
		require.Eventually(t, func() bool {
			info, err := stream.Info(t.Context())
			return err == nil && failures.Load() == n && info.State.Msgs == 0
		}, 10*time.Second, time.Millisecond)
	}
	settled(1)
	for i := range int32(10) {
		again := &nats.Msg{Subject: broker.Topic, Header: sent.Header, Data: sent.Data}
		again.Header.Del(nats.MsgIdHdr) // as if the window were over
		_, err = js.PublishMsg(t.Context(), again)
		require.NoError(t, err)
		settled(i + 2)
	}
	assert.Contains(t, shop.PoisonEvents(t, r, 1)[0].Reason, "failure 11")

	shop.Notify(t, r, 2)
	settled(12)
	shop.PoisonEvents(t, r, 2)
	require.NoError(t, stop())
}

// TestPoisonedTwice discards an event, whose notification then arrives again after the
// window: the poison queue accepts its second failure, although it has seen the id.
func TestPoisonedTwice(t *testing.T) {
	t.Parallel()
	broker, js := newBroker(t)
	shop := testshop.New(t)
	r := shop.Relay(t, broker, relay.WithRetryFor(0))
	shop.Work(func(context.Context, jovepay.Event) error { return errors.New("broken") })
	shop.Notify(t, r, 1)
	stream, err := js.Stream(t.Context(), broker.Topic)
	require.NoError(t, err)
	first, err := stream.GetLastMsgForSubject(t.Context(), broker.Topic)
	require.NoError(t, err)
	shop.Start(t, r)
	require.NoError(t, r.Discard(t.Context(), shop.PoisonEvents(t, r, 1)[0]))

	again := &nats.Msg{Subject: broker.Topic, Header: first.Header, Data: first.Data}
	again.Header.Del(nats.MsgIdHdr) // as if the window were over
	_, err = js.PublishMsg(t.Context(), again)
	require.NoError(t, err)
	shop.PoisonEvents(t, r, 1)
}
