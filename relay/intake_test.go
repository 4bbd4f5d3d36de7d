package relay_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/relay"
	"github.com/jovepay/jovepay-go/relay/internal/testshop"
)

// subscription is a subscriber: what it does when the context of Subscribe ends.
type subscription func(out chan *message.Message)

func (s subscription) Subscribe(ctx context.Context, _ string) (<-chan *message.Message, error) {
	out := make(chan *message.Message)
	context.AfterFunc(ctx, func() { s(out) })
	return out, nil
}

func (subscription) Close() error { return nil }

// relayOver starts a relay on a subscriber, and returns a function that stops it.
func relayOver(t *testing.T, s subscription) (stop func() error) {
	t.Helper()
	shop := testshop.New(t)
	broker := &relay.Broker{Topic: "events", PoisonTopic: "poison", Publisher: new(fake), Subscriber: s}
	return shop.Start(t, shop.Relay(t, broker, single))
}

// TestLateMessage delivers a message while a relay ends: Run returns only after the
// message was given back, since the process may exit then.
func TestLateMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var givenBack bool
		stop := relayOver(t, func(out chan *message.Message) {
			defer close(out)
			time.Sleep(time.Second) //nolint:forbidigo // the clock of the bubble; the broker is slow
			late := message.NewMessage("1", []byte(testshop.Body(1, "finished")))
			out <- late
			<-late.Nacked()
			givenBack = true
		})
		synctest.Wait()
		require.NoError(t, stop())
		assert.True(t, givenBack)
	})
}

// TestEndlessSubscription has a subscriber that never closes its channel: Run ends
// anyway.
func TestEndlessSubscription(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stop := relayOver(t, func(chan *message.Message) {})
		synctest.Wait()
		began := time.Now()
		require.NoError(t, stop())
		assert.Equal(t, 5*time.Second, time.Since(began))
	})
}
