package relaytest

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/relay"
)

const failing = 80

// waits returns when n messages are in the streams.
func (k *kit) waits(n int) {
	var got int
	assert.Eventually(k.t, func() bool {
		got = k.Waiting()
		return got == n
	}, patience, 5*time.Millisecond)
	assert.Equal(k.t, n, got)
}

// isGood reports whether the event is one that does not fail.
func isGood(event jovepay.Event) bool {
	payment, ok := event.(*jovepay.PaymentEvent)
	return ok && strings.HasPrefix(payment.ID.String(), "9")
}

// good returns the number of a payment whose events do not fail.
func good(i int) int { return 9000 + i }

// failingHoldUpNobody has 80 events fail while a good one comes: it is applied at
// once. The failing ones are tried again until the poison queue has each of them
// once.
func (k *kit) failingHoldUpNobody() {
	shop, engine := k.shop, k.open()
	relay := shop.Relay(k.t, engine, relay.WithRetryFor(10*time.Second))
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
	shop.Start(k.t, relay)
	for id := range failing {
		require.Equal(k.t, http.StatusOK, shop.Deliver(relay, Body(100+id, finished)))
	}
	for i := range 5 {
		began := time.Now()
		require.Equal(k.t, http.StatusOK, shop.Deliver(relay, Body(good(i), finished)))
		shop.Expect(k.t, good(i), finished, inbox.Applied)
		assert.Less(k.t, time.Since(began), 3*time.Second, "held up")
	}
	shop.Poisoned(k.t, relay, failing)
	k.waits(0)
	mu.Lock()
	defer mu.Unlock()
	require.Len(k.t, attempts, failing)
	for key, n := range attempts {
		require.GreaterOrEqual(k.t, n, 4, key)
		assert.Less(k.t, n, 40, key)
	}
}

// failingPassEachOther has an event that fails only once: it does not wait for
// those that fail for long.
func (k *kit) failingPassEachOther() {
	shop, engine := k.shop, k.open()
	relay := shop.Relay(k.t, engine, relay.WithRetryFor(10*time.Minute)) // from 1.2 to 75 s
	once := FailFirst(1)
	var failed atomic.Int32
	shop.Work(func(ctx context.Context, event jovepay.Event) error {
		if isGood(event) {
			return once(ctx, event)
		}
		failed.Add(1)
		return errors.New("no such order")
	})
	shop.Start(k.t, relay)
	for id := range failing {
		require.Equal(k.t, http.StatusOK, shop.Deliver(relay, Body(100+id, finished)))
	}
	require.Eventually(k.t, func() bool { return failed.Load() > 2*failing }, patience, 5*time.Millisecond)
	began := time.Now()
	require.Equal(k.t, http.StatusOK, shop.Deliver(relay, Body(good(1), finished)))
	shop.Expect(k.t, good(1), finished, inbox.Applied)
	assert.Less(k.t, time.Since(began), 8*time.Second, "held up")
	k.waits(failing) // nothing is lost, nothing is there twice
}

// failingSlowly has events hang at each later attempt: half of the workers are
// left for the others.
func (k *kit) failingSlowly() {
	shop, engine := k.shop, k.open()
	relay := shop.Relay(k.t, engine, relay.WithRetryFor(time.Second), relay.WithTimeout(time.Minute),
		relay.WithDrain(10*time.Millisecond), relay.WithWorkers(2))
	first := FailFirst(1)
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
	stop := shop.Start(k.t, relay)
	for id := range 10 {
		require.Equal(k.t, http.StatusOK, shop.Deliver(relay, Body(100+id, finished)))
	}
	<-hanging
	for i := range 5 {
		require.Equal(k.t, http.StatusOK, shop.Deliver(relay, Body(good(i), finished)))
		shop.Expect(k.t, good(i), finished, inbox.Applied)
	}
	require.NoError(k.t, stop())
	k.waits(10) // nothing is lost
	shop.Poisoned(k.t, relay, 0)
}

// failingThroughRestarts ends the consumer while events wait for their next
// attempt: none is lost, none is poisoned early, and the next consumer applies
// them when they are due.
func (k *kit) failingThroughRestarts() {
	shop := k.shop
	shop.Work(FailFirst(3))
	for round := range 3 {
		engine := k.Open()
		relay := shop.Relay(k.t, engine, relay.WithRetryFor(time.Minute))
		stop := shop.Start(k.t, relay)
		for id := range failing / 4 {
			require.Equal(k.t, http.StatusOK, shop.Deliver(relay, Body(100*(round+1)+id, finished)))
		}
		require.Eventually(k.t, func() bool { return k.Waiting() > 0 }, patience, time.Millisecond)
		require.NoError(k.t, stop())
		require.NoError(k.t, engine.Close())
	}
	relay := shop.Relay(k.t, k.open(), relay.WithRetryFor(time.Minute))
	stop := shop.Start(k.t, relay)
	applied := map[jovepay.ID]bool{}
	for len(applied) < 3*(failing/4) {
		applied[shop.Next(k.t).ID] = true
	}
	shop.Poisoned(k.t, relay, 0)
	require.NoError(k.t, stop())
	k.waits(0)
}

// sentAgain has one notification sent again and again: while nobody consumes,
// while its event fails, after it was applied, and after it was poisoned. The
// streams do not grow.
func (k *kit) sentAgain() {
	shop, engine := k.shop, k.open()
	relay := shop.Relay(k.t, engine, relay.WithRetryFor(time.Hour))
	again := func() {
		for range 50 {
			require.Equal(k.t, http.StatusOK, shop.Deliver(relay, Body(1, finished)))
		}
	}
	again()
	assert.Equal(k.t, 1, k.Waiting(), "while nobody consumes")
	shop.Work(FailFirst(1))
	stop := shop.Start(k.t, relay)
	again()
	assert.LessOrEqual(k.t, k.Waiting(), 2, "while it fails: the message, and the one for the next attempt")
	shop.Expect(k.t, 1, finished, inbox.Applied)
	again()
	k.waits(0)
	require.NoError(k.t, stop())
	assert.Len(k.t, shop.Applied(1), 1)
}
