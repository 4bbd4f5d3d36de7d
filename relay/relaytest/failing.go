package relaytest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/relay"
	"github.com/jovepay/jovepay-go/relay/internal/testshop"
)

func failingCases() []testCase {
	return []testCase{
		{
			"FailingHoldUpNobody", (*kit).failingHoldUpNobody,
			"80 events that fail again and again do not delay others. In the end the poison queue holds each of them once.",
		},
		{
			"FailingOvertake", (*kit).failingOvertake,
			"A failed event whose next attempt is due soon overtakes those that wait for longer. (Needs delays for each message.)",
		},
		{
			"FailingSlowly", (*kit).failingSlowly,
			"Failed events whose work hangs leave half of the workers to other events.",
		},
		{
			"FailingThroughRestarts", (*kit).failingThroughRestarts,
			"Events that wait for their next attempt survive restarts: none is lost, none is poisoned early, each is applied when it is due.",
		},
	}
}

const failing = 80

// isGood reports whether the event is one of those that do not fail.
func isGood(event jovepay.Event) bool {
	payment, ok := event.(*jovepay.PaymentEvent)
	return ok && strings.HasPrefix(payment.ID.String(), "9")
}

// good returns the id of a payment whose events do not fail.
func good(i int) int { return 9000 + i }

// failingHoldUpNobody delivers good events while 80 others fail: the good ones are
// applied immediately, and the failing ones are retried until the poison queue
// holds each of them once.
func (k *kit) failingHoldUpNobody() {
	shop, broker := k.shop, k.open()
	r := shop.Relay(k.t, broker, relay.WithRetryFor(10*time.Second))
	var mu sync.Mutex
	attempts := map[string]int{}
	shop.Work(func(_ context.Context, event jovepay.Event) error {
		if isGood(event) {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		attempts[event.Key()]++
		return errors.New("no such order")
	})
	shop.Start(k.t, r)
	for id := range failing {
		shop.Notify(k.t, r, 100+id)
	}
	for i := range 5 {
		began := time.Now()
		shop.Notify(k.t, r, good(i))
		shop.Expect(k.t, good(i), finished, inbox.Applied)
		assert.Less(k.t, time.Since(began), 3*time.Second, "held up")
	}
	shop.PoisonEvents(k.t, r, failing)
	k.expectBacklog(0)
	mu.Lock()
	defer mu.Unlock()
	require.Len(k.t, attempts, failing)
	for key, n := range attempts {
		require.GreaterOrEqual(k.t, n, 4, key)
		assert.Less(k.t, n, 40, key)
	}
}

// failingOvertake delivers an event that fails only once, among many that fail for
// long: its second attempt does not wait for theirs.
func (k *kit) failingOvertake() {
	shop, broker := k.shop, k.open()
	r := shop.Relay(k.t, broker, relay.WithRetryFor(10*time.Minute)) // from 1.2 to 75 s
	once := testshop.FailFirst(1)
	var failed atomic.Int32
	shop.Work(func(ctx context.Context, event jovepay.Event) error {
		if isGood(event) {
			return once(ctx, event)
		}
		failed.Add(1)
		return errors.New("no such order")
	})
	shop.Start(k.t, r)
	for id := range failing {
		shop.Notify(k.t, r, 100+id)
	}
	require.Eventually(k.t, func() bool { return failed.Load() > 2*failing }, testshop.Patience, 5*time.Millisecond)
	began := time.Now()
	shop.Notify(k.t, r, good(1))
	shop.Expect(k.t, good(1), finished, inbox.Applied)
	assert.Less(k.t, time.Since(began), 8*time.Second, "held up")
	k.expectBacklog(failing) // nothing is lost, nothing is stored twice
}

// failingSlowly delivers events that hang at each retry: half of the workers remain
// for the others.
func (k *kit) failingSlowly() {
	shop, broker := k.shop, k.open()
	r := shop.Relay(k.t, broker, relay.WithRetryFor(time.Second), relay.WithTimeout(time.Minute),
		relay.WithDrain(10*time.Millisecond), relay.WithWorkers(2))
	first := testshop.FailFirst(1)
	hanging := make(chan struct{}, failing)
	shop.Work(func(ctx context.Context, event jovepay.Event) error {
		if isGood(event) {
			return nil
		}
		if err := first(ctx, event); err != nil {
			return err
		}
		hanging <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	})
	stop := shop.Start(k.t, r)
	for id := range 10 {
		shop.Notify(k.t, r, 100+id)
	}
	<-hanging
	for i := range 5 {
		shop.Notify(k.t, r, good(i))
		shop.Expect(k.t, good(i), finished, inbox.Applied)
	}
	require.NoError(k.t, stop())
	k.expectBacklog(10) // nothing is lost
	shop.PoisonEvents(k.t, r, 0)
}

// failingThroughRestarts ends the consumer and closes the broker while events wait
// for their next attempt.
func (k *kit) failingThroughRestarts() {
	shop := k.shop
	shop.Work(testshop.FailFirst(3))
	for round := range 3 {
		broker := k.Open()
		r := shop.Relay(k.t, broker, relay.WithRetryFor(time.Minute))
		stop := shop.Start(k.t, r)
		for id := range failing / 4 {
			shop.Notify(k.t, r, 100*(round+1)+id)
		}
		require.Eventually(k.t, func() bool { return k.Backlog() > 0 }, testshop.Patience, time.Millisecond)
		require.NoError(k.t, stop())
		require.NoError(k.t, broker.Close())
	}
	r := shop.Relay(k.t, k.open(), relay.WithRetryFor(time.Minute))
	stop := shop.Start(k.t, r)
	applied := map[jovepay.ID]bool{}
	for len(applied) < 3*(failing/4) {
		applied[shop.Next(k.t).ID] = true
	}
	shop.PoisonEvents(k.t, r, 0)
	require.NoError(k.t, stop())
	k.expectBacklog(0)
}
