package relay_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/relay"
	"github.com/jovepay/jovepay-go/relay/internal/testshop"
)

// TestRetries checks the intervals of the default retry time, and when it ends.
func TestRetries(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		outage time.Duration
		want   inbox.Outcome
	}{
		"4/5 of the retry time": {96 * time.Second, inbox.Applied},
		"an hour":               {time.Hour, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				shop, r, _ := newShop(t)
				began := time.Now()
				var attempts []time.Duration
				shop.Work(func(context.Context, jovepay.Event) error {
					attempts = append(attempts, time.Since(began))
					if time.Since(began) < test.outage {
						return errDown
					}
					return nil
				})
				stop := shop.Start(t, r)
				shop.Notify(t, r, 1)
				<-time.After(3 * time.Minute)
				if test.want != "" {
					shop.Expect(t, 1, finished, test.want)
				} else {
					shop.PoisonEvents(t, r, 1)
					assert.Less(t, attempts[len(attempts)-1], 2*time.Minute)
					assert.Greater(t, attempts[len(attempts)-1], 96*time.Second)
				}
				require.NoError(t, stop())
				assert.Greater(t, len(attempts), 8)
				assert.Less(t, len(attempts), 40)
				assert.Less(t, attempts[1], 500*time.Millisecond)
			})
		})
	}
}

// TestTimeout makes an attempt hang: its context ends, which is a failure of the
// event.
func TestTimeout(t *testing.T) {
	t.Parallel()
	shop, r, _ := newShop(t, relay.WithTimeout(10*time.Millisecond), relay.WithRetryFor(0))
	shop.Work(func(ctx context.Context, _ jovepay.Event) error {
		<-ctx.Done()
		return ctx.Err()
	})
	shop.Start(t, r)
	shop.Notify(t, r, 1)
	assert.Contains(t, shop.PoisonEvents(t, r, 1)[0].Reason, context.DeadlineExceeded.Error())
}

// TestPermanent returns an error that the shop knows to be permanent.
func TestPermanent(t *testing.T) {
	t.Parallel()
	shop, r, _ := newShop(t, relay.WithRetryFor(time.Hour))
	shop.Work(func(context.Context, jovepay.Event) error { return backoff.Permanent(errors.New("no such order")) })
	shop.Start(t, r)
	shop.Notify(t, r, 1)
	assert.Contains(t, shop.PoisonEvents(t, r, 1)[0].Reason, "no such order")
}

// TestPoisonQueueDown leaves a message in place if neither the retry topic nor the
// poison queue accepts it.
func TestPoisonQueueDown(t *testing.T) {
	t.Parallel()
	shop, r, f := newShop(t, relay.WithRetryFor(0))
	f.fails("poison", true)
	attempts := make(chan struct{}, 1000)
	shop.Work(func(context.Context, jovepay.Event) error {
		select {
		case attempts <- struct{}{}:
		default:
		}
		return errDown
	})
	shop.Start(t, r)
	shop.Notify(t, r, 1)
	for range 3 {
		<-attempts
	}
	shop.PoisonEvents(t, r, 0)
	f.fails("poison", false)
	shop.PoisonEvents(t, r, 1)
}

// TestReason checks what the poison queue keeps of an error.
func TestReason(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ err, want string }{
		{"a\n\tb\r\nc", "a b c"},
		{strings.Repeat("é", 1000), strings.Repeat("é", 250-len("inbox: payment:1: ")/2) + "…"},
	} {
		shop, r, _ := newShop(t, relay.WithRetryFor(0))
		shop.Work(func(context.Context, jovepay.Event) error { return errors.New(test.err) })
		shop.Start(t, r)
		shop.Notify(t, r, 1)
		assert.Equal(t, "inbox: payment:1: "+test.want, shop.PoisonEvents(t, r, 1)[0].Reason)
	}
}

func TestSubscribeFails(t *testing.T) {
	t.Parallel()
	f, broker := newFake(t)
	f.fails("subscribe", true)
	shop := testshop.New(t)
	r := shop.Relay(t, broker, relay.WithWorkers(8))
	require.ErrorIs(t, r.Run(t.Context(), shop.Apply), errDown)
}

func TestSubscriptionEnds(t *testing.T) {
	t.Parallel()
	shop, r, f := newShop(t)
	ended := make(chan error)
	go func() { ended <- r.Run(t.Context(), shop.Apply) }()
	shop.Notify(t, r, 1)
	shop.Expect(t, 1, finished, inbox.Applied)
	require.NoError(t, f.Close())
	require.ErrorContains(t, <-ended, "ended the subscription")
}

// TestRunAgain calls Run again after it has ended: it does not close the broker.
func TestRunAgain(t *testing.T) {
	t.Parallel()
	shop, r, _ := newShop(t)
	for id := range 3 {
		stop := shop.Start(t, r)
		shop.Notify(t, r, id)
		for shop.Next(t).ID != jovepay.ID(fmt.Sprint(id)) { // Go channels redeliver all messages
		}
		require.NoError(t, stop())
	}
}

func TestLogger(t *testing.T) {
	t.Parallel()
	var log lockedBuffer
	shop, r, _ := newShop(t, relay.WithRetryFor(0),
		relay.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	shop.Work(func(context.Context, jovepay.Event) error { return errors.New("no such order") })
	stop := shop.Start(t, r)
	shop.Notify(t, r, 1)
	shop.PoisonEvents(t, r, 1)
	require.NoError(t, stop())
	assert.Equal(t, 1, strings.Count(log.String(), "\n"), log.String())
	assert.Contains(t, log.String(), "poison queue")
	assert.Contains(t, log.String(), "no such order")
	assert.NotContains(t, log.String(), "pay_amount")
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
