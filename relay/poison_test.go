package relay_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/relay"
	"github.com/jovepay/jovepay-go/relay/relaytest"
)

// poisoned returns a shop with n events in its poison queue, and no consumer.
func poisoned(t *testing.T, n int) (*relaytest.Shop, *relay.Relay, *fake) {
	t.Helper()
	shop, consumer, f := newShop(t, relay.WithRetryFor(0))
	shop.Work(func(context.Context, jovepay.Event) error { return errors.New("broken") })
	stop := shop.Start(t, consumer)
	for id := range n {
		require.Equal(t, http.StatusOK, shop.Deliver(consumer, relaytest.Body(id, finished)))
	}
	shop.Poisoned(t, consumer, n)
	require.NoError(t, stop())
	shop.Work(nil)
	return shop, consumer, f
}

// TestReplayFails takes nothing out of the queue.
func TestReplayFails(t *testing.T) {
	t.Parallel()
	shop, consumer, f := poisoned(t, 2)
	first := shop.Poisoned(t, consumer, 2)[0]

	f.fails("events", true)
	require.ErrorIs(t, consumer.Replay(t.Context(), first), errDown)
	n, err := consumer.ReplayAll(t.Context())
	require.ErrorIs(t, err, errDown)
	assert.Zero(t, n)
	shop.Poisoned(t, consumer, 2)
	f.fails("events", false)

	f.fails("remove", true)
	require.ErrorIs(t, consumer.Replay(t.Context(), first), errDown, "published, but not removed")
	require.ErrorIs(t, consumer.Discard(t.Context(), first), errDown)
	shop.Poisoned(t, consumer, 2)
	f.fails("remove", false)

	n, err = consumer.ReplayAll(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 2, n)
	shop.Poisoned(t, consumer, 0)
}

func TestListFails(t *testing.T) {
	t.Parallel()
	_, consumer, f := poisoned(t, 1)
	f.fails("list", true)
	var good, bad int
	for _, err := range consumer.Poisoned(t.Context()) {
		if err != nil {
			require.ErrorIs(t, err, errDown)
			bad++
			continue
		}
		good++
	}
	assert.Equal(t, 1, good)
	assert.Equal(t, 1, bad)
	n, err := consumer.ReplayAll(t.Context())
	require.ErrorIs(t, err, errDown)
	assert.Equal(t, 1, n)
}

// TestReplayedMessage is what was published at first, and where it was since.
func TestReplayedMessage(t *testing.T) {
	t.Parallel()
	shop, _, f := poisoned(t, 1)
	p := new(publisher)
	engine := &relay.Engine{Topic: "events", PoisonTopic: "poison", Publisher: p, Subscriber: f, Poison: f}
	consumer := shop.Relay(t, engine)
	for failed, err := range consumer.Poisoned(t.Context()) {
		require.NoError(t, err)
		require.NoError(t, consumer.Replay(t.Context(), failed))
		require.Len(t, p.published, 1)
		msg := p.published[0]
		assert.Equal(t, "events", p.topics[0])
		assert.Equal(t, failed.Event.Key(), msg.UUID)
		assert.Equal(t, relaytest.Body(0, finished), string(msg.Payload))
		assert.NotEmpty(t, msg.Metadata.Get(relay.ReplayKey))
		assert.Equal(t, msg.UUID, middleware.MessageCorrelationID(msg))
		assert.Empty(t, msg.Metadata.Get(middleware.ReasonForPoisonedKey))
		assert.Empty(t, msg.Metadata.Get(middleware.PoisonedTopicKey))
		require.NoError(t, consumer.Replay(t.Context(), failed))
		assert.NotEqual(t, msg.Metadata.Get(relay.ReplayKey), p.published[1].Metadata.Get(relay.ReplayKey))
	}
}

// TestPoisonedAndApplied was applied by other means before it is replayed.
func TestPoisonedAndApplied(t *testing.T) {
	t.Parallel()
	shop, consumer, _ := poisoned(t, 1)
	failed := shop.Poisoned(t, consumer, 1)[0]
	require.NoError(t, shop.Apply(t.Context(), failed.Event))
	shop.Expect(t, 0, finished, inbox.Applied)
	_, err := consumer.ReplayAll(t.Context())
	require.NoError(t, err)
	shop.Start(t, consumer)
	shop.Expect(t, 0, finished, inbox.Duplicate)
}

func TestNoPoisonQueue(t *testing.T) {
	t.Parallel()
	f, engine := newFake(t)
	engine.Poison = nil
	consumer := relaytest.NewShop(t).Relay(t, engine)
	for _, err := range consumer.Poisoned(t.Context()) {
		require.ErrorIs(t, err, relay.ErrNoPoisonQueue)
	}
	_, err := consumer.ReplayAll(t.Context())
	require.ErrorIs(t, err, relay.ErrNoPoisonQueue)
	require.Error(t, consumer.Replay(t.Context(), relay.Poisoned{}))
	require.Error(t, consumer.Discard(t.Context(), relay.Poisoned{}))
	assert.Empty(t, f.poison)
}

func TestClose(t *testing.T) {
	t.Parallel()
	f, engine := newFake(t)
	engine.Stop = func() error { return errDown }
	require.ErrorIs(t, engine.Close(), errDown)
	engine.Stop = nil
	require.NoError(t, engine.Close(), "Watermill closes twice")
	require.Error(t, f.Publish("events"))
}
