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

// subscription is what a [message.Subscriber] does when the context ends that it
// was given.
type subscription func(out chan *message.Message)

func (s subscription) Subscribe(ctx context.Context, _ string) (<-chan *message.Message, error) {
	out := make(chan *message.Message)
	context.AfterFunc(ctx, func() { s(out) })
	return out, nil
}

func (subscription) Close() error { return nil }

// relayOver returns a relay that runs, and what stops it.
func relayOver(t *testing.T, s subscription) (stop func() error) {
	t.Helper()
	shop := testshop.New(t)
	broker := &relay.Broker{Topic: "events", PoisonTopic: "poison", Publisher: new(fake), Subscriber: s}
	return shop.Start(t, shop.Relay(t, broker, single))
}

// TestLateMessage comes while a relay ends: Run returns only after it was given
// back, since the process may end then.
func TestLateMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var givenBack bool
		stop := relayOver(t, func(out chan *message.Message) {
			defer close(out)
			time.Sleep(time.Second) //nolint:forbidigo // on the bubble's clock: the broker is slow
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

// TestEndlessSubscription is that of a broker that does not close its channel:
// Run ends all the same.
func TestEndlessSubscription(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stop := relayOver(t, func(chan *message.Message) {})
		synctest.Wait()
		begun := time.Now()
		require.NoError(t, stop())
		assert.Equal(t, 5*time.Second, time.Since(begun))
	})
}
