package redisstream_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/relay"
	"github.com/jovepay/jovepay-go/relay/internal/testshop"
	"github.com/jovepay/jovepay-go/relay/redisstream"
)

// TestLongWork works on an event for longer than ClaimAfter: it is not delivered twice.
func TestLongWork(t *testing.T) {
	t.Parallel()
	const claimAfter = time.Second
	srv := startRedis(t)
	shop := testshop.New(t)
	var attempts atomic.Int32
	shop.Work(func(ctx context.Context, _ jovepay.Event) error {
		attempts.Add(1)
		for began := time.Now(); time.Since(began) < 3*claimAfter; {
			pending, err := srv.client.XPending(ctx, "jovepay-ipn", "jovepay-ipn").Result()
			if err != nil {
				return err
			}
			if pending.Count != 1 {
				return errors.New("no longer pending")
			}
		}
		return nil
	})
	r := shop.Relay(t, srv.connect(t, redisstream.WithClaimAfter(claimAfter)))
	shop.Start(t, r)
	shop.Notify(t, r, 1)
	shop.Expect(t, 1, finished, inbox.Applied)
	assert.EqualValues(t, 1, attempts.Load())
}

// TestNothingIsLeft applies, retries, poisons and replays events: then the streams and
// indexes are empty.
func TestNothingIsLeft(t *testing.T) {
	t.Parallel()
	srv := startRedis(t)
	shop := testshop.New(t)
	r := shop.Relay(t, srv.connect(t), relay.WithRetryFor(time.Second))
	shop.Work(testshop.FailFirst(1000))
	stop := shop.Start(t, r)
	const n = 20
	for id := range n {
		shop.Notify(t, r, id)
	}
	shop.PoisonEvents(t, r, n)
	shop.Work(testshop.FailFirst(1))
	replayed, err := r.ReplayAll(t.Context())
	require.NoError(t, err)
	require.Equal(t, n, replayed)
	for range n {
		assert.Equal(t, inbox.Applied, shop.Next(t).Outcome)
	}
	require.NoError(t, stop())
	keys, err := srv.client.Keys(t.Context(), "*").Result()
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"jovepay-ipn", "jovepay-ipn-retry", "jovepay-ipn-poison"}, keys)
	for _, key := range keys {
		assert.Zero(t, srv.client.XLen(t.Context(), key).Val(), key)
	}
	consumers, err := srv.client.XInfoConsumers(t.Context(), "jovepay-ipn", "jovepay-ipn").Result()
	require.NoError(t, err)
	require.Len(t, consumers, 1, "a process that has ended leaves no consumer behind")
	assert.Zero(t, consumers[0].Pending)
}

// TestPoisonedOnce delivers a notification whose event always fails again and again: the
// poison queue holds it once, with its last failure.
func TestPoisonedOnce(t *testing.T) {
	t.Parallel()
	srv := startRedis(t)
	shop := testshop.New(t)
	r := shop.Relay(t, srv.connect(t), relay.WithRetryFor(0))
	var attempts atomic.Int32
	shop.Work(func(context.Context, jovepay.Event) error {
		attempts.Add(1)
		return errors.New("no such order")
	})
	shop.Start(t, r)
	for i := range int32(20) {
		shop.Notify(t, r, 1)
		require.Eventually(t, func() bool { return attempts.Load() == i+1 && srv.backlog(t, "jovepay-ipn") == 0 }, 20*time.Second, time.Millisecond)
	}
	first := shop.PoisonEvents(t, r, 1)[0]
	require.NoError(t, r.Discard(t.Context(), first))
	shop.Notify(t, r, 1)
	shop.PoisonEvents(t, r, 1)
}

// TestPoisonedWhileReplayed makes a replayed event fail before it is removed from the
// poison queue: it is still there afterwards.
func TestPoisonedWhileReplayed(t *testing.T) {
	t.Parallel()
	srv := startRedis(t)
	shop := testshop.New(t)
	broker := srv.connect(t)
	r := shop.Relay(t, broker, relay.WithRetryFor(0))
	shop.Work(testshop.FailFirst(1000))
	shop.Start(t, r)
	shop.Notify(t, r, 1)
	first := shop.PoisonEvents(t, r, 1)[0]
	crashing := *broker
	crashing.Poison = slowRemoval{broker.Poison, func() {
		require.Eventually(t, func() bool { return srv.backlog(t, "jovepay-ipn") == 0 }, 20*time.Second, time.Millisecond)
	}}
	require.NoError(t, shop.Relay(t, &crashing).Replay(t.Context(), first))
	again := shop.PoisonEvents(t, r, 1)[0]
	assert.Equal(t, first.Key, again.Key)
}

// slowRemoval waits before it removes a message.
type slowRemoval struct {
	relay.PoisonQueue
	wait func()
}

func (s slowRemoval) Remove(ctx context.Context, position string) error {
	s.wait()
	return s.PoisonQueue.Remove(ctx, position)
}

// TestGiveBackImmediately ends a consumer that has a message and has not started on it:
// another one gets it without delay.
func TestGiveBackImmediately(t *testing.T) {
	t.Parallel()
	srv := startRedis(t)
	shop := testshop.New(t)
	broker := srv.connect(t, redisstream.WithClaimAfter(time.Hour))
	r := shop.Relay(t, broker)
	shop.Notify(t, r, 1)
	ctx, cancel := context.WithCancel(t.Context())
	messages, err := broker.Subscriber.Subscribe(ctx, broker.Topic)
	require.NoError(t, err)
	<-messages
	cancel()
	<-messages
	shop.Start(t, r)
	shop.Expect(t, 1, finished, inbox.Applied)
}

// TestCloseWhileSubscribing ends every subscription, or rejects it.
func TestCloseWhileSubscribing(t *testing.T) {
	t.Parallel()
	broker := startRedis(t).connect(t)
	var callers sync.WaitGroup
	for range 50 {
		callers.Go(func() {
			messages, err := broker.Subscriber.Subscribe(t.Context(), broker.Topic)
			if err != nil {
				return
			}
			for range messages {
				t.Error("a message")
			}
		})
	}
	require.NoError(t, broker.Close())
	callers.Wait()
	_, err := broker.Subscriber.Subscribe(t.Context(), broker.Topic)
	require.Error(t, err)
	require.NoError(t, broker.Subscriber.Close(), "twice")
}
