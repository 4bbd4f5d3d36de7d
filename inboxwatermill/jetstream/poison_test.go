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
	"github.com/jovepay/jovepay-go/inboxwatermill"
	"github.com/jovepay/jovepay-go/inboxwatermill/internal/enginetest"
)

// TestPoisonedOnce has an event fail again and again, each time because its
// notification is sent again after the window: the poison queue holds it once,
// with its last failure, next to other events.
func TestPoisonedOnce(t *testing.T) {
	t.Parallel()
	engine, js := connected(t)
	shop := enginetest.NewShop(t)
	relay := shop.Relay(t, engine, inboxwatermill.WithRetryFor(0))
	attempts := make(chan int32, 100)
	var n atomic.Int32
	shop.Work(func(context.Context, jovepay.Event) error {
		attempts <- n.Add(1)
		return fmt.Errorf("failure %d", n.Load())
	})
	require.Equal(t, http.StatusOK, shop.Deliver(relay, enginetest.Body(1, finished)))
	stream, err := js.Stream(t.Context(), engine.Topic)
	require.NoError(t, err)
	sent, err := stream.GetLastMsgForSubject(t.Context(), engine.Topic)
	require.NoError(t, err)
	stop := shop.Start(t, relay)
	<-attempts
	for range 10 {
		again := &nats.Msg{Subject: engine.Topic, Header: sent.Header, Data: sent.Data}
		again.Header.Del(nats.MsgIdHdr) // the window is over
		_, err = js.PublishMsg(t.Context(), again)
		require.NoError(t, err)
		<-attempts
	}
	require.Eventually(t, func() bool {
		info, err := stream.Info(t.Context())
		return err == nil && info.State.Msgs == 0
	}, 10*time.Second, time.Millisecond)
	all := shop.Poisoned(t, relay, 1)
	assert.Contains(t, all[0].Reason, "failure 11")

	require.Equal(t, http.StatusOK, shop.Deliver(relay, enginetest.Body(2, finished)))
	<-attempts
	shop.Poisoned(t, relay, 2)
	require.NoError(t, stop())
}
