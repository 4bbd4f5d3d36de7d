package relaytest

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/relay"
	"github.com/jovepay/jovepay-go/relay/internal/testshop"
)

func shutdownCases() []testCase {
	return []testCase{
		{
			"CrashBeforeAck", (*kit).crashBeforeAck,
			"A message that was applied but not acknowledged, since the broker was closed in between, is delivered again.",
		},
		{
			"Reopen", (*kit).reopen,
			"Messages outlive the broker value: published before Close, they are delivered after the next Open. A closed broker rejects messages.",
		},
		{
			"CloseWhileConsuming", (*kit).closeWhileConsuming,
			"Closing the broker under its consumers loses no accepted message, and none is applied twice.",
		},
		{
			"ShutdownDrains", (*kit).shutdownDrains,
			"Work in progress when Run ends is finished and acknowledged, and not delivered again.",
		},
		{
			"ShutdownWhileRetrying", (*kit).shutdownWhileRetrying,
			"Run ends without waiting for events that wait for their next attempt. They are delivered to the next consumer.",
		},
		{
			"DrainEnds", (*kit).drainEnds,
			"Work that ignores the shutdown is interrupted after the drain time, and its message is delivered again.",
		},
	}
}

// crashBeforeAck closes the broker after the inbox has committed and before the
// message is acknowledged.
func (k *kit) crashBeforeAck() {
	shop, broker := k.shop, k.Open()
	committed, release := make(chan struct{}), make(chan struct{})
	r := shop.Relay(k.t, broker)
	ended := make(chan error, 1)
	go func() {
		ended <- r.Run(context.WithoutCancel(k.t.Context()), func(ctx context.Context, event jovepay.Event) error {
			err := shop.Apply(ctx, event)
			close(committed)
			<-release
			return err
		})
	}()
	shop.Notify(k.t, r, 1)
	shop.Expect(k.t, 1, finished, inbox.Applied)
	<-committed
	require.NoError(k.t, broker.Close())
	close(release)
	require.ErrorContains(k.t, <-ended, "ended the subscription")

	shop.Start(k.t, shop.Relay(k.t, k.open()))
	shop.Expect(k.t, 1, finished, inbox.Duplicate)
	assert.Len(k.t, shop.Statuses(1), 1)
}

func (k *kit) reopen() {
	shop, broker := k.shop, k.Open()
	r := shop.Relay(k.t, broker)
	const n = 20
	for id := range n {
		shop.Notify(k.t, r, id)
	}
	require.NoError(k.t, broker.Close())
	assert.Equal(k.t, http.StatusInternalServerError, shop.Deliver(r, testshop.Body(n, finished)), "the broker is closed")
	require.Error(k.t, r.Run(k.t.Context(), shop.Apply))

	shop.Start(k.t, shop.Relay(k.t, k.open()))
	for range n {
		assert.Equal(k.t, inbox.Applied, shop.Next(k.t).Outcome)
	}
	for id := range n {
		assert.Len(k.t, shop.Statuses(id), 1)
	}
}

// closeWhileConsuming closes the broker under its consumers three times. The inbox
// reports what it applied after its transaction; the shop's work may start, be
// interrupted and start again.
func (k *kit) closeWhileConsuming() {
	const rounds, n = 3, 30
	applied := map[jovepay.ID]int{}
	next := func() {
		if outcome := k.shop.Next(k.t); outcome.Outcome == inbox.Applied {
			applied[outcome.ID]++
		}
	}
	for round := range rounds {
		broker := k.Open()
		r := k.shop.Relay(k.t, broker)
		ended := make(chan error, 1)
		go func() { ended <- r.Run(context.WithoutCancel(k.t.Context()), k.shop.Apply) }()
		for id := range n {
			k.shop.Notify(k.t, r, round*n+id)
		}
		next() // wait until it has subscribed
		assert.NoError(k.t, broker.Close())
		assert.Error(k.t, <-ended)
	}
	stop := k.shop.Start(k.t, k.shop.Relay(k.t, k.open()))
	for len(applied) < rounds*n {
		next()
	}
	require.NoError(k.t, stop())
	for len(k.shop.Outcomes) > 0 {
		next()
	}
	for id, times := range applied {
		assert.Equal(k.t, 1, times, id)
	}
}

// shutdownDrains ends a consumer in the middle of its work.
func (k *kit) shutdownDrains() {
	shop, broker := k.shop, k.open()
	r := shop.Relay(k.t, broker)
	began, release := make(chan struct{}), make(chan struct{})
	shop.Work(func(ctx context.Context, _ jovepay.Event) error {
		close(began)
		<-release
		return ctx.Err()
	})
	ctx, cancel := context.WithCancel(k.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx, shop.Apply) }()
	shop.Notify(k.t, r, 1)
	<-began
	cancel()
	select {
	case err := <-ended:
		assert.Fail(k.t, "Run did not wait for work in progress", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	require.NoError(k.t, <-ended)
	shop.Expect(k.t, 1, finished, inbox.Applied)

	shop.Work(nil)
	shop.Start(k.t, r)
	shop.Notify(k.t, r, 2)
	shop.Expect(k.t, 2, finished, inbox.Applied)
	assert.Empty(k.t, shop.Outcomes, "the first message was acknowledged")
}

// shutdownWhileRetrying ends a consumer between two attempts at an event.
func (k *kit) shutdownWhileRetrying() {
	shop, broker := k.shop, k.open()
	failed := make(chan struct{}, 100)
	shop.Work(func(context.Context, jovepay.Event) error {
		failed <- struct{}{}
		return errors.New("down")
	})
	r := shop.Relay(k.t, broker, relay.WithRetryFor(time.Hour), relay.WithDrain(time.Hour))
	stop := shop.Start(k.t, r)
	shop.Notify(k.t, r, 1)
	<-failed
	require.NoError(k.t, stop())
	shop.PoisonEvents(k.t, r, 0)

	shop.Work(nil)
	shop.Start(k.t, r)
	shop.Expect(k.t, 1, finished, inbox.Applied)
}

// drainEnds ends a consumer whose work continues until its context ends.
func (k *kit) drainEnds() {
	shop, broker := k.shop, k.open()
	began := make(chan struct{}, 1)
	shop.Work(func(ctx context.Context, _ jovepay.Event) error {
		began <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	})
	r := shop.Relay(k.t, broker, relay.WithDrain(10*time.Millisecond))
	stop := shop.Start(k.t, r)
	shop.Notify(k.t, r, 1)
	<-began
	require.NoError(k.t, stop())
	shop.PoisonEvents(k.t, r, 0)
	assert.Empty(k.t, shop.Statuses(1))

	shop.Work(nil)
	shop.Start(k.t, r)
	shop.Expect(k.t, 1, finished, inbox.Applied)
}
