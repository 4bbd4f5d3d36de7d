package relay_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/relay"
	"github.com/jovepay/jovepay-go/relay/internal/testshop"
)

// newRetryShop returns a shop on a broker with a retry topic that ignores delays.
func newRetryShop(t *testing.T) (*testshop.Shop, *relay.Relay, *fake) {
	t.Helper()
	f, broker := newFake(t)
	broker.RetryTopic = "retries"
	shop := testshop.New(t)
	return shop, shop.Relay(t, broker, single), f
}

// TestFailingHoldUpNobody makes 80 events fail until they are poisoned, with one
// worker, on any Watermill broker that has a retry topic: a good event does not wait.
func TestFailingHoldUpNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, r, _ := newRetryShop(t)
		const failing = 80
		attempts := map[string][]time.Time{}
		shop.Work(func(_ context.Context, event jovepay.Event) error {
			if payment, ok := event.(*jovepay.PaymentEvent); ok && payment.ID == "9000" {
				return nil
			}
			attempts[event.Key()] = append(attempts[event.Key()], time.Now())
			return errors.New("no such order")
		})
		stop := shop.Start(t, r)
		for id := range failing {
			shop.Notify(t, r, id)
		}
		synctest.Wait()
		began := time.Now()
		shop.Notify(t, r, 9000)
		shop.Expect(t, 9000, finished, inbox.Applied)
		assert.Zero(t, time.Since(began))
		shop.PoisonEvents(t, r, 0)
		<-time.After(5 * time.Minute)
		shop.PoisonEvents(t, r, failing)
		require.NoError(t, stop())
		require.Len(t, attempts, failing)
		for _, at := range attempts {
			assert.Less(t, at[1].Sub(at[0]), time.Second)
			assert.Greater(t, len(at), 4)
			assert.Less(t, len(at), 40)
			last := len(at) - 1
			assert.Greater(t, at[last].Sub(at[last-1]), at[1].Sub(at[0]), "the intervals grow")
		}
	})
}

// TestRetryTopicDown sends a failed event to the poison queue, where it can be
// replayed, if the retry topic rejects it: it is not lost and holds up nothing.
func TestRetryTopicDown(t *testing.T) {
	t.Parallel()
	shop, r, f := newRetryShop(t)
	f.fails("retries", true)
	shop.Work(func(context.Context, jovepay.Event) error { return errors.New("no such order") })
	shop.Start(t, r)
	shop.Notify(t, r, 1)
	p := shop.PoisonEvents(t, r, 1)[0]
	assert.Contains(t, p.Reason, "no such order")
	assert.Contains(t, p.Reason, errDown.Error())
}

// TestReplayRetriesInFull replays an event that failed for the whole retry time: it is
// retried for that long again.
func TestReplayRetriesInFull(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, r, _ := newRetryShop(t)
		var attempts int
		shop.Work(func(context.Context, jovepay.Event) error {
			attempts++
			return errors.New("no such order")
		})
		stop := shop.Start(t, r)
		shop.Notify(t, r, 1)
		<-time.After(3 * time.Minute)
		shop.PoisonEvents(t, r, 1)
		attempts = 0
		_, err := r.ReplayAll(t.Context())
		require.NoError(t, err)
		<-time.After(3 * time.Minute)
		shop.PoisonEvents(t, r, 1)
		assert.Greater(t, attempts, 4)
		require.NoError(t, stop())
	})
}

// TestDelay reads metadata that anyone could have written to the broker.
func TestDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for value, want := range map[string]time.Duration{
			"":                                  0,
			"soon":                              0,
			time.Now().Format(time.RFC3339Nano): 0,
			time.Now().Add(-time.Hour).Format(time.RFC3339Nano):       0,
			time.Now().Add(time.Minute).Format(time.RFC3339Nano):      time.Minute,
			time.Now().Add(1000 * time.Hour).Format(time.RFC3339Nano): time.Hour,
		} {
			msg := message.NewMessage("1", nil)
			msg.Metadata.Set("not_before", value)
			assert.Equal(t, want, relay.Delay(msg), value)
		}
		assert.Zero(t, relay.Delay(message.NewMessage("1", nil)))
	})
}

// TestForgedHistory delivers messages that claim to have failed in the future, at no
// time, or absurdly often.
func TestForgedHistory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, r, f := newRetryShop(t)
		shop.Work(testshop.FailFirst(1))
		stop := shop.Start(t, r)
		for i, metadata := range []message.Metadata{
			{"failing_since": time.Now().Add(time.Hour).Format(time.RFC3339Nano)},
			{"failing_since": "x", "failures": "-1"},
			{"failures": "99999999999999999999", "not_before": "y"},
		} {
			body := testshop.Body(i, finished)
			msg := message.NewMessage("a", []byte(body))
			msg.Metadata = metadata
			msg.Metadata.Set(jovepay.IPNSignatureHeader, shop.Verifier.Sign([]byte(body)))
			require.NoError(t, f.Publish("events", msg))
			shop.Expect(t, i, finished, inbox.Applied)
		}
		require.NoError(t, stop())
	})
}
