package relay_test

import (
	"context"
	"errors"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/relay"
	"github.com/jovepay/jovepay-go/relay/internal/testshop"
)

// newPoisonQueue returns a shop with n events in its poison queue, and no consumer.
func newPoisonQueue(t *testing.T, n int) (*testshop.Shop, *relay.Relay, *fake) {
	t.Helper()
	shop, r, f := newShop(t, relay.WithRetryFor(0))
	shop.Work(func(context.Context, jovepay.Event) error { return errors.New("broken") })
	stop := shop.Start(t, r)
	for id := range n {
		shop.Notify(t, r, id)
	}
	shop.PoisonEvents(t, r, n)
	require.NoError(t, stop())
	shop.Work(nil)
	return shop, r, f
}

// TestReplayFails removes nothing from the queue.
func TestReplayFails(t *testing.T) {
	t.Parallel()
	shop, r, f := newPoisonQueue(t, 2)
	first := shop.PoisonEvents(t, r, 2)[0]

	f.fails("events", true)
	require.ErrorIs(t, r.Replay(t.Context(), first), errDown)
	n, err := r.ReplayAll(t.Context())
	require.ErrorIs(t, err, errDown)
	assert.Zero(t, n)
	shop.PoisonEvents(t, r, 2)
	f.fails("events", false)

	f.fails("remove", true)
	require.ErrorIs(t, r.Replay(t.Context(), first), errDown, "published, but not removed")
	require.ErrorIs(t, r.Discard(t.Context(), first), errDown)
	shop.PoisonEvents(t, r, 2)
	f.fails("remove", false)

	n, err = r.ReplayAll(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 2, n)
	shop.PoisonEvents(t, r, 0)
}

func TestListFails(t *testing.T) {
	t.Parallel()
	_, r, f := newPoisonQueue(t, 1)
	f.fails("list", true)
	var good, bad int
	for _, err := range r.PoisonEvents(t.Context()) {
		if err != nil {
			require.ErrorIs(t, err, errDown)
			bad++
			continue
		}
		good++
	}
	assert.Equal(t, 1, good)
	assert.Equal(t, 1, bad)
	n, err := r.ReplayAll(t.Context())
	require.ErrorIs(t, err, errDown)
	assert.Equal(t, 1, n)
}

// TestReplayedMessage checks that a replay is the message as it was first published.
func TestReplayedMessage(t *testing.T) {
	t.Parallel()
	shop, _, f := newPoisonQueue(t, 1)
	p := new(publisher)
	broker := &relay.Broker{Topic: "events", PoisonTopic: "poison", Publisher: p, Subscriber: f, Poison: f}
	r := shop.Relay(t, broker)
	for failed, err := range r.PoisonEvents(t.Context()) {
		require.NoError(t, err)
		require.NoError(t, r.Replay(t.Context(), failed))
		require.Len(t, p.published, 1)
		msg := p.published[0]
		assert.Equal(t, "events", p.topics[0])
		assert.Equal(t, failed.Event.Key(), msg.UUID)
		assert.Equal(t, testshop.Body(0, finished), string(msg.Payload))
		assert.NotEmpty(t, msg.Metadata.Get(relay.ReplayKey))
		assert.Equal(t, msg.UUID, middleware.MessageCorrelationID(msg))
		assert.Empty(t, msg.Metadata.Get(middleware.ReasonForPoisonedKey))
		assert.Empty(t, msg.Metadata.Get(middleware.PoisonedTopicKey))
		require.NoError(t, r.Replay(t.Context(), failed))
		assert.NotEqual(t, msg.Metadata.Get(relay.ReplayKey), p.published[1].Metadata.Get(relay.ReplayKey))
	}
}

// TestPoisonedAndApplied replays an event that was applied in the meantime.
func TestPoisonedAndApplied(t *testing.T) {
	t.Parallel()
	shop, r, _ := newPoisonQueue(t, 1)
	failed := shop.PoisonEvents(t, r, 1)[0]
	require.NoError(t, shop.Apply(t.Context(), failed.Event))
	shop.Expect(t, 0, finished, inbox.Applied)
	_, err := r.ReplayAll(t.Context())
	require.NoError(t, err)
	shop.Start(t, r)
	shop.Expect(t, 0, finished, inbox.Duplicate)
}

func TestNoPoisonQueue(t *testing.T) {
	t.Parallel()
	shop, other, _ := newPoisonQueue(t, 1)
	failed := shop.PoisonEvents(t, other, 1)[0]
	f, broker := newFake(t)
	broker.Poison = nil
	f.fails("events", true) // nothing is published
	r := testshop.New(t).Relay(t, broker)
	for _, err := range r.PoisonEvents(t.Context()) {
		require.ErrorIs(t, err, relay.ErrNoPoisonQueue)
	}
	_, err := r.ReplayAll(t.Context())
	require.ErrorIs(t, err, relay.ErrNoPoisonQueue)
	for _, p := range []relay.PoisonEvent{{}, failed} {
		require.ErrorIs(t, r.Replay(t.Context(), p), relay.ErrNoPoisonQueue)
		require.ErrorIs(t, r.Discard(t.Context(), p), relay.ErrNoPoisonQueue)
	}
	require.Error(t, other.Replay(t.Context(), relay.PoisonEvent{}))
	require.Error(t, other.Discard(t.Context(), relay.PoisonEvent{}))
	assert.Empty(t, f.poison)
}
