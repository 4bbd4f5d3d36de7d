// Package relaytest tests that a [relay.Broker] keeps its promises.
//
//	func TestBroker(t *testing.T) {
//		relaytest.Run(t, func(t *testing.T) relaytest.Harness {
//			name := newQueueName()
//			return relaytest.Harness{
//				Open:    func() *relay.Broker { return connect(t, name) },
//				Backlog: func() int { return count(t, name) },
//			}
//		})
//	}
//
// Two promises of the kit go beyond the contract of [relay.Broker]: a broker drops
// a notification that it still holds, and holds back each failed event for its own
// delay. For a broker without one of them, skip the cases that need it with
// go test -skip; each says so when it fails.
//
// Run the kit with the race detector too.
package relaytest

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/relay"
	"github.com/jovepay/jovepay-go/relay/internal/testshop"
)

// Harness is a broker to test.
type Harness struct {
	// Open returns a broker. The first call opens an empty queue, which no other
	// test uses; later calls open the same queue again. The test closes the
	// broker. Configure it to deliver the messages of a dead consumer again within
	// 10 seconds: tests wait for at most 25.
	Open func() *relay.Broker

	// Backlog returns the number of messages persisted in Topic and RetryTopic
	// that are not acknowledged.
	Backlog func() int
}

const finished = jovepay.PaymentFinished

// kit is one run of a case.
type kit struct {
	Harness
	t    *testing.T
	shop *testshop.Shop
}

// Run tests the broker that harness returns, with a new harness for each subtest.
func Run(t *testing.T, harness func(t *testing.T) Harness) {
	t.Helper()
	for _, test := range cases() {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			t.Cleanup(func() {
				if t.Failed() {
					t.Log(test.promise)
				}
			})
			test.run(&kit{harness(t), t, testshop.New(t)})
		})
	}
}

// testCase is a promise, in words for whoever has a broker that breaks it, and
// its test.
type testCase struct {
	name    string
	run     func(*kit)
	promise string
}

func cases() []testCase {
	return []testCase{
		{
			"PublishedOnce", (*kit).publishedOnce,
			"A notification that is delivered three times while its message is persisted is stored once. (Needs deduplication.)",
		},
		{
			"FailsThenWorks", (*kit).failsThenWorks,
			"An event that fails three times is delivered again each time, and then applied. It does not reach the poison queue.",
		},
		{
			"PoisonQueue", (*kit).poisonQueue,
			"Poison.Messages yields failed events oldest first and leaves them in place. A replay removes exactly the replayed one.",
		},
		{
			"PoisonedAgain", (*kit).poisonedAgain,
			"A message with a ReplayKey is never dropped as a duplicate, nor is the second failure of an event: both share the UUID of the first message.",
		},
		{
			"Discard", (*kit).discard,
			"Poison.Remove removes a message. Removing one that is gone is not an error.",
		},
		{
			"Forged", (*kit).forged,
			"Messages without a valid signature, or without any id, reach the poison queue and hold up nothing. After a secret rotation they can be read.",
		},
		{
			"Unprocessable", (*kit).unprocessable,
			"An event that the inbox cannot process goes to the poison queue without retries.",
		},
		{
			"Panic", (*kit).panics,
			"Work that panics is a failed attempt. The consumer goes on.",
		},
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
			"Shuffled", (*kit).shuffled,
			"300 notifications of 20 payments, three of each kind in any order, are all consumed, and each payment ends as finished.",
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
		{
			"TwoConsumers", (*kit).twoConsumers,
			"Each message is delivered to one of two consumers.",
		},
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
		{
			"NotifiedAgain", (*kit).notifiedAgain,
			"A notification that arrives again and again, before, while and after it is applied, does not make the streams grow. (Needs deduplication.)",
		},
	}
}

// open opens the broker for the rest of the test.
func (k *kit) open() *relay.Broker {
	broker := k.Open()
	k.t.Cleanup(func() { assert.NoError(k.t, broker.Close()) })
	return broker
}

// noRetries sends an event that fails to the poison queue at once.
func noRetries() relay.Option { return relay.WithRetryFor(0) }

func (k *kit) publishedOnce() {
	shop, broker := k.shop, k.open()
	r := shop.Relay(k.t, broker, relay.WithWorkers(1))
	for range 3 {
		shop.Notify(k.t, r, 1)
	}
	shop.Notify(k.t, r, 2)
	stop := shop.Start(k.t, r)
	shop.Expect(k.t, 1, finished, inbox.Applied)
	shop.Expect(k.t, 2, finished, inbox.Applied)
	require.NoError(k.t, stop())
	assert.Len(k.t, shop.Applied(1), 1)
	assert.Empty(k.t, shop.Outcomes)
}

func (k *kit) failsThenWorks() {
	shop, broker := k.shop, k.open()
	r := shop.Relay(k.t, broker, relay.WithRetryFor(time.Second))
	var attempts atomic.Int32
	shop.Work(func(context.Context, jovepay.Event) error {
		if attempts.Add(1) <= 3 {
			return errors.New("the database is down")
		}
		return nil
	})
	stop := shop.Start(k.t, r)
	shop.Notify(k.t, r, 1)
	shop.Expect(k.t, 1, finished, inbox.Applied)
	require.NoError(k.t, stop())
	assert.EqualValues(k.t, 4, attempts.Load())
	assert.Empty(k.t, shop.PoisonEvents(k.t, r, 0))
}

func (k *kit) poisonQueue() {
	shop, broker := k.shop, k.open()
	r := shop.Relay(k.t, broker, noRetries())
	broken := errors.New("no such\norder")
	shop.Work(func(context.Context, jovepay.Event) error { return broken })
	stop := shop.Start(k.t, r)
	begun := time.Now().Add(-time.Minute)
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
		assert.True(k.t, p.Since.After(begun), p.Since)
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

// poisonedAgain is a trap for brokers that deduplicate: they must drop neither a
// replay nor the second message for the poison queue.
func (k *kit) poisonedAgain() {
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
	assert.Empty(k.t, shop.Applied(1))
}

// forged publishes messages that anyone with access to the broker could publish.
func (k *kit) forged() {
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
	assert.Empty(k.t, shop.Applied(1))
	assert.Empty(k.t, shop.Applied(2))

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

func (k *kit) panics() {
	shop, broker := k.shop, k.open()
	r := shop.Relay(k.t, broker, noRetries())
	shop.Work(func(context.Context, jovepay.Event) error {
		panic("nil map") //nolint:forbidigo // this is what is tested
	})
	shop.Start(k.t, r)
	shop.Notify(k.t, r, 1)
	assert.Equal(k.t, "panic: nil map", shop.PoisonEvents(k.t, r, 1)[0].Reason)
	shop.Work(nil)
	shop.Notify(k.t, r, 2)
	shop.Expect(k.t, 2, finished, inbox.Applied)
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
	assert.Len(k.t, shop.Applied(1), 1)
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
		assert.Len(k.t, shop.Applied(id), 1)
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

// shuffled delivers the whole lives of payments three times, in any order, to many
// workers. The inbox puts each life in order.
func (k *kit) shuffled() {
	shop, broker := k.shop, k.open()
	r := shop.Relay(k.t, broker)
	life := []jovepay.PaymentStatus{
		jovepay.PaymentWaiting, jovepay.PaymentConfirming, jovepay.PaymentConfirmed, jovepay.PaymentSending, finished,
	}
	const payments = 20
	var bodies []string
	for id := range payments {
		for _, status := range life {
			for range 3 {
				bodies = append(bodies, testshop.Body(id, status))
			}
		}
	}
	rand.Shuffle(len(bodies), func(i, j int) { bodies[i], bodies[j] = bodies[j], bodies[i] }) //nolint:gosec // the order need not be unpredictable
	stop := shop.Start(k.t, r)
	for _, body := range bodies {
		require.Equal(k.t, http.StatusOK, shop.Deliver(r, body))
	}
	k.expectBacklog(0)
	require.NoError(k.t, stop())
	rank := map[jovepay.PaymentStatus]int{}
	for i, status := range life {
		rank[status] = i
	}
	for id := range payments {
		applied := shop.Applied(id)
		require.NotEmpty(k.t, applied)
		assert.Equal(k.t, finished, applied[len(applied)-1])
		for i := range applied[1:] {
			assert.Less(k.t, rank[applied[i]], rank[applied[i+1]], applied)
		}
	}
	shop.PoisonEvents(k.t, r, 0)
}

// shutdownDrains ends a consumer in the middle of its work.
func (k *kit) shutdownDrains() {
	shop, broker := k.shop, k.open()
	r := shop.Relay(k.t, broker)
	begun, release := make(chan struct{}), make(chan struct{})
	shop.Work(func(ctx context.Context, _ jovepay.Event) error {
		close(begun)
		<-release
		return ctx.Err()
	})
	ctx, cancel := context.WithCancel(k.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx, shop.Apply) }()
	shop.Notify(k.t, r, 1)
	<-begun
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
	begun := make(chan struct{}, 1)
	shop.Work(func(ctx context.Context, _ jovepay.Event) error {
		begun <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	})
	r := shop.Relay(k.t, broker, relay.WithDrain(10*time.Millisecond))
	stop := shop.Start(k.t, r)
	shop.Notify(k.t, r, 1)
	<-begun
	require.NoError(k.t, stop())
	shop.PoisonEvents(k.t, r, 0)
	assert.Empty(k.t, shop.Applied(1))

	shop.Work(nil)
	shop.Start(k.t, r)
	shop.Expect(k.t, 1, finished, inbox.Applied)
}

func (k *kit) twoConsumers() {
	shop, broker := k.shop, k.open()
	r := shop.Relay(k.t, broker)
	first, second := shop.Start(k.t, r), shop.Start(k.t, shop.Relay(k.t, broker))
	const n = 50
	for id := range n {
		shop.Notify(k.t, r, id)
	}
	for range n {
		assert.Equal(k.t, inbox.Applied, shop.Next(k.t).Outcome, "each message goes to one of them")
	}
	require.NoError(k.t, first())
	require.NoError(k.t, second())
	assert.Empty(k.t, shop.Outcomes)
}
