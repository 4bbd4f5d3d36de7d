package relaytest

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/relay"
	"github.com/jovepay/jovepay-go/relay/internal/testshop"
)

func poisonCases() []testCase {
	return []testCase{
		{
			"PoisonQueue", (*kit).poisonQueue,
			"Poison.Messages yields failed events oldest first and leaves them in place. A replay removes exactly the replayed one.",
		},
		{
			"PoisonedAgain", (*kit).poisonAgain,
			"A message with a ReplayKey is never dropped as a duplicate, nor is the second failure of an event: both share the UUID of the first message.",
		},
		{
			"Discard", (*kit).discard,
			"Poison.Remove removes a message. Removing one that is gone is not an error.",
		},
		{
			"Forged", (*kit).forge,
			"Messages without a valid signature, or without any id, reach the poison queue and hold up nothing. After a secret rotation they can be read.",
		},
		{
			"Unprocessable", (*kit).unprocessable,
			"An event that the inbox cannot process goes to the poison queue without retries.",
		},
	}
}

func (k *kit) poisonQueue() {
	shop, broker := k.shop, k.open()
	r := shop.Relay(k.t, broker, noRetries())
	broken := errors.New("no such\norder")
	shop.Work(func(context.Context, jovepay.Event) error { return broken })
	stop := shop.Start(k.t, r)
	began := time.Now().Add(-time.Minute)
	shop.Notify(k.t, r, 1)
	shop.PoisonEvents(k.t, r, 1)
	shop.Notify(k.t, r, 2)
	all := shop.PoisonEvents(k.t, r, 2)
	for i, p := range all {
		event, ok := p.Event.(*jovepay.PaymentEvent)
		require.True(k.t, ok)
		assert.Equal(k.t, []jovepay.ID{"1", "2"}[i], event.ID, "oldest first")
		assert.Equal(k.t, event.Key(), p.Key)
		assert.Contains(k.t, p.Reason, "no such order")
		assert.True(k.t, p.Since.After(began), p.Since)
	}
	assert.Len(k.t, shop.PoisonEvents(k.t, r, 2), 2, "listing takes nothing away")
	assert.Empty(k.t, shop.Outcomes)

	shop.Work(nil)
	require.NoError(k.t, r.Replay(k.t.Context(), all[0]))
	shop.Expect(k.t, 1, finished, inbox.Applied)
	assert.Equal(k.t, all[1].Key, shop.PoisonEvents(k.t, r, 1)[0].Key)

	n, err := r.ReplayAll(k.t.Context())
	require.NoError(k.t, err)
	assert.Equal(k.t, 1, n)
	shop.Expect(k.t, 2, finished, inbox.Applied)
	shop.PoisonEvents(k.t, r, 0)
	require.NoError(k.t, stop())

	n, err = r.ReplayAll(k.t.Context())
	require.NoError(k.t, err)
	assert.Zero(k.t, n)
}

// poisonAgain is a trap for brokers that deduplicate: they must drop neither a
// replay nor the second message for the poison queue.
func (k *kit) poisonAgain() {
	shop, broker := k.shop, k.open()
	r := shop.Relay(k.t, broker, noRetries())
	var attempts atomic.Int32
	shop.Work(func(context.Context, jovepay.Event) error {
		attempts.Add(1)
		return errors.New("still broken")
	})
	shop.Start(k.t, r)
	shop.Notify(k.t, r, 1)
	for round := range int32(3) {
		p := shop.PoisonEvents(k.t, r, 1)[0]
		require.Equal(k.t, round+1, attempts.Load())
		require.NoError(k.t, r.Replay(k.t.Context(), p))
		require.Eventually(k.t, func() bool { return attempts.Load() == round+2 }, testshop.Patience, time.Millisecond)
	}
	shop.Work(nil)
	last := shop.PoisonEvents(k.t, r, 1)[0]
	require.NoError(k.t, r.Replay(k.t.Context(), last))
	shop.Expect(k.t, 1, finished, inbox.Applied)
	shop.PoisonEvents(k.t, r, 0)

	require.NoError(k.t, r.Replay(k.t.Context(), last), "replaying an event that has left the queue is harmless")
	shop.Expect(k.t, 1, finished, inbox.Duplicate)
}

func (k *kit) discard() {
	shop, broker := k.shop, k.open()
	r := shop.Relay(k.t, broker, noRetries())
	shop.Work(func(context.Context, jovepay.Event) error { return errors.New("broken") })
	shop.Start(k.t, r)
	shop.Notify(k.t, r, 1)
	p := shop.PoisonEvents(k.t, r, 1)[0]
	require.NoError(k.t, r.Discard(k.t.Context(), p))
	shop.PoisonEvents(k.t, r, 0)
	require.NoError(k.t, r.Discard(k.t.Context(), p), "it is already gone")
	assert.Empty(k.t, shop.Statuses(1))
}

// forge publishes messages that anyone with access to the broker could publish.
func (k *kit) forge() {
	shop, broker := k.shop, k.open()
	r := shop.Relay(k.t, broker)
	stranger, err := jovepay.NewIPNVerifier("another secret")
	require.NoError(k.t, err)
	body := []byte(testshop.Body(1, finished))
	signed := message.NewMessage("payment:1", body)
	signed.Metadata.Set(jovepay.IPNSignatureHeader, stranger.Sign(body))
	require.NoError(k.t, broker.Publisher.Publish(broker.Topic, signed))
	unsigned := message.NewMessage("payment:2", []byte(testshop.Body(2, finished)))
	require.NoError(k.t, broker.Publisher.Publish(broker.Topic, unsigned))
	empty := message.NewMessage("", nil)
	require.NoError(k.t, broker.Publisher.Publish(broker.Topic, empty))

	shop.Start(k.t, r)
	for _, p := range shop.PoisonEvents(k.t, r, 3) {
		assert.Nil(k.t, p.Event)
		assert.Contains(k.t, p.Reason, "signature")
	}
	shop.Notify(k.t, r, 3)
	shop.Expect(k.t, 3, finished, inbox.Applied)
	assert.Empty(k.t, shop.Statuses(1))
	assert.Empty(k.t, shop.Statuses(2))

	// If that was a secret rotation, a relay that knows both secrets can read them.
	shop.Verifier, err = jovepay.NewIPNVerifier(testshop.Secret, jovepay.WithFurtherSecret("another secret"))
	require.NoError(k.t, err)
	var verified int
	for _, p := range shop.PoisonEvents(k.t, shop.Relay(k.t, broker), 3) {
		if p.Event != nil {
			verified++
		}
	}
	assert.Equal(k.t, 1, verified)
}

func (k *kit) unprocessable() {
	shop, broker := k.shop, k.open()
	r := shop.Relay(k.t, broker, relay.WithRetryFor(time.Hour))
	shop.Start(k.t, r)
	body := `{"payment_id":1,"payment_status":"finished","actually_paid":-5}`
	require.Equal(k.t, http.StatusOK, shop.Deliver(r, body))
	p := shop.PoisonEvents(k.t, r, 1)[0]
	assert.Contains(k.t, p.Reason, inbox.ErrUnprocessable.Error())
	assert.NotNil(k.t, p.Event)
}
