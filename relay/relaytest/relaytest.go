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
)

// Harness is what a test gets of an engine.
type Harness struct {
	// Open opens an engine on a queue that is new to the test, and on the same
	// queue if it is called again. The test closes it.
	Open func() *relay.Engine
	// Waiting returns how many messages are stored, in all streams but the poison
	// queue. What was acknowledged does not count.
	Waiting func() int
}

const finished = jovepay.PaymentFinished

// kit is one run of a case.
type kit struct {
	Harness
	t    *testing.T
	shop *Shop
}

// Run tests an engine. Each case gets a harness of its own.
func Run(t *testing.T, harness func(t *testing.T) Harness) {
	t.Helper()
	for name, test := range map[string]func(*kit){
		"published once":                   (*kit).publishedOnce,
		"fails, then works":                (*kit).failsThenWorks,
		"poison, list, replay":             (*kit).poisonListReplay,
		"poisoned again":                   (*kit).poisonedAgain,
		"discard":                          (*kit).discard,
		"forged":                           (*kit).forged,
		"unprocessable":                    (*kit).unprocessable,
		"panic":                            (*kit).panics,
		"crash before ack":                 (*kit).crashBeforeAck,
		"queue outlives engine":            (*kit).outlives,
		"restarts under way":               (*kit).restarts,
		"late and shuffled":                (*kit).lateAndShuffled,
		"shutdown drains":                  (*kit).shutdownDrains,
		"shutdown does not wait for waits": (*kit).shutdownInterruptsWaits,
		"drain has an end":                 (*kit).drainEnds,
		"two consumers":                    (*kit).twoConsumers,
		"failing events hold up nobody":    (*kit).failingHoldUpNobody,
		"failing events pass each other":   (*kit).failingPassEachOther,
		"failing slowly":                   (*kit).failingSlowly,
		"failing through restarts":         (*kit).failingThroughRestarts,
		"sent again and again":             (*kit).sentAgain,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(&kit{harness(t), t, NewShop(t)})
		})
	}
}

// open opens the engine for the rest of the test.
func (k *kit) open() *relay.Engine {
	engine := k.Open()
	k.t.Cleanup(func() { assert.NoError(k.t, engine.Close()) })
	return engine
}

// quick does not hold a test up.
func quick() relay.Option { return relay.WithRetryFor(0) }

func (k *kit) publishedOnce() {
	shop, engine := k.shop, k.open()
	relay := shop.Relay(k.t, engine, relay.WithWorkers(1))
	for range 3 {
		require.Equal(k.t, http.StatusOK, shop.Deliver(relay, Body(1, finished)))
	}
	require.Equal(k.t, http.StatusOK, shop.Deliver(relay, Body(2, finished)))
	stop := shop.Start(k.t, relay)
	shop.Expect(k.t, 1, finished, inbox.Applied)
	shop.Expect(k.t, 2, finished, inbox.Applied)
	require.NoError(k.t, stop())
	assert.Len(k.t, shop.Applied(1), 1)
	assert.Empty(k.t, shop.Outcomes)
}

func (k *kit) failsThenWorks() {
	shop, engine := k.shop, k.open()
	relay := shop.Relay(k.t, engine, relay.WithRetryFor(time.Second))
	var attempts atomic.Int32
	shop.Work(func(context.Context, jovepay.Event) error {
		if attempts.Add(1) <= 3 {
			return errors.New("the database is down")
		}
		return nil
	})
	stop := shop.Start(k.t, relay)
	require.Equal(k.t, http.StatusOK, shop.Deliver(relay, Body(1, finished)))
	shop.Expect(k.t, 1, finished, inbox.Applied)
	require.NoError(k.t, stop())
	assert.EqualValues(k.t, 4, attempts.Load())
	assert.Empty(k.t, shop.Poisoned(k.t, relay, 0))
}

func (k *kit) poisonListReplay() {
	shop, engine := k.shop, k.open()
	relay := shop.Relay(k.t, engine, quick())
	broken := errors.New("no such\norder")
	shop.Work(func(context.Context, jovepay.Event) error { return broken })
	stop := shop.Start(k.t, relay)
	begun := time.Now().Add(-time.Minute)
	require.Equal(k.t, http.StatusOK, shop.Deliver(relay, Body(1, finished)))
	shop.Poisoned(k.t, relay, 1)
	require.Equal(k.t, http.StatusOK, shop.Deliver(relay, Body(2, finished)))
	all := shop.Poisoned(k.t, relay, 2)
	for i, p := range all {
		event, ok := p.Event.(*jovepay.PaymentEvent)
		require.True(k.t, ok)
		assert.Equal(k.t, []jovepay.ID{"1", "2"}[i], event.ID, "oldest first")
		assert.Equal(k.t, event.Key(), p.Key)
		assert.Contains(k.t, p.Reason, "no such order")
		assert.True(k.t, p.Since.After(begun), p.Since)
	}
	assert.Len(k.t, shop.Poisoned(k.t, relay, 2), 2, "listing takes nothing away")
	assert.Empty(k.t, shop.Outcomes)

	shop.Work(nil)
	require.NoError(k.t, relay.Replay(k.t.Context(), all[0]))
	shop.Expect(k.t, 1, finished, inbox.Applied)
	assert.Equal(k.t, all[1].Key, shop.Poisoned(k.t, relay, 1)[0].Key)

	n, err := relay.ReplayAll(k.t.Context())
	require.NoError(k.t, err)
	assert.Equal(k.t, 1, n)
	shop.Expect(k.t, 2, finished, inbox.Applied)
	shop.Poisoned(k.t, relay, 0)
	require.NoError(k.t, stop())

	n, err = relay.ReplayAll(k.t.Context())
	require.NoError(k.t, err)
	assert.Zero(k.t, n)
}

// poisonedAgain is the trap of engines that deduplicate: neither a replay nor
// the second copy in the poison queue may be dropped.
func (k *kit) poisonedAgain() {
	shop, engine := k.shop, k.open()
	relay := shop.Relay(k.t, engine, quick())
	var attempts atomic.Int32
	shop.Work(func(context.Context, jovepay.Event) error {
		attempts.Add(1)
		return errors.New("still broken")
	})
	shop.Start(k.t, relay)
	require.Equal(k.t, http.StatusOK, shop.Deliver(relay, Body(1, finished)))
	for round := range int32(3) {
		p := shop.Poisoned(k.t, relay, 1)[0]
		require.Equal(k.t, round+1, attempts.Load())
		require.NoError(k.t, relay.Replay(k.t.Context(), p))
		require.Eventually(k.t, func() bool { return attempts.Load() == round+2 }, patience, time.Millisecond)
	}
	shop.Work(nil)
	last := shop.Poisoned(k.t, relay, 1)[0]
	require.NoError(k.t, relay.Replay(k.t.Context(), last))
	shop.Expect(k.t, 1, finished, inbox.Applied)
	shop.Poisoned(k.t, relay, 0)

	require.NoError(k.t, relay.Replay(k.t.Context(), last), "to replay what is gone is harmless")
	shop.Expect(k.t, 1, finished, inbox.Duplicate)
}

func (k *kit) discard() {
	shop, engine := k.shop, k.open()
	relay := shop.Relay(k.t, engine, quick())
	shop.Work(func(context.Context, jovepay.Event) error { return errors.New("broken") })
	shop.Start(k.t, relay)
	require.Equal(k.t, http.StatusOK, shop.Deliver(relay, Body(1, finished)))
	p := shop.Poisoned(k.t, relay, 1)[0]
	require.NoError(k.t, relay.Discard(k.t.Context(), p))
	shop.Poisoned(k.t, relay, 0)
	require.NoError(k.t, relay.Discard(k.t.Context(), p), "it is gone already")
	assert.Empty(k.t, shop.Applied(1))
}

// forged publishes what someone with access to the engine could: it is never
// applied, and it stops nobody.
func (k *kit) forged() {
	shop, engine := k.shop, k.open()
	relay := shop.Relay(k.t, engine)
	stranger, err := jovepay.NewIPNVerifier("another secret")
	require.NoError(k.t, err)
	body := []byte(Body(1, finished))
	signed := message.NewMessage("payment:1", body)
	signed.Metadata.Set(jovepay.IPNSignatureHeader, stranger.Sign(body))
	require.NoError(k.t, engine.Publisher.Publish(engine.Topic, signed))
	unsigned := message.NewMessage("payment:2", []byte(Body(2, finished)))
	require.NoError(k.t, engine.Publisher.Publish(engine.Topic, unsigned))
	empty := message.NewMessage("", nil)
	require.NoError(k.t, engine.Publisher.Publish(engine.Topic, empty))

	shop.Start(k.t, relay)
	for _, p := range shop.Poisoned(k.t, relay, 3) {
		assert.Nil(k.t, p.Event)
		assert.Contains(k.t, p.Reason, "signature")
	}
	require.Equal(k.t, http.StatusOK, shop.Deliver(relay, Body(3, finished)))
	shop.Expect(k.t, 3, finished, inbox.Applied)
	assert.Empty(k.t, shop.Applied(1))
	assert.Empty(k.t, shop.Applied(2))

	// Had it been a change of secrets, a relay that knows both would do.
	shop.Verifier, err = jovepay.NewIPNVerifier(Secret, jovepay.WithFurtherSecret("another secret"))
	require.NoError(k.t, err)
	var known int
	for _, p := range shop.Poisoned(k.t, shop.Relay(k.t, engine), 3) {
		if p.Event != nil {
			known++
		}
	}
	assert.Equal(k.t, 1, known)
}

func (k *kit) unprocessable() {
	shop, engine := k.shop, k.open()
	relay := shop.Relay(k.t, engine, relay.WithRetryFor(time.Hour))
	shop.Start(k.t, relay)
	body := `{"payment_id":1,"payment_status":"finished","actually_paid":-5}`
	require.Equal(k.t, http.StatusOK, shop.Deliver(relay, body))
	p := shop.Poisoned(k.t, relay, 1)[0]
	assert.Contains(k.t, p.Reason, inbox.ErrUnprocessable.Error())
	assert.NotNil(k.t, p.Event)
}

func (k *kit) panics() {
	shop, engine := k.shop, k.open()
	relay := shop.Relay(k.t, engine, quick())
	shop.Work(func(context.Context, jovepay.Event) error {
		panic("nil map") //nolint:forbidigo // it is what is tested
	})
	shop.Start(k.t, relay)
	require.Equal(k.t, http.StatusOK, shop.Deliver(relay, Body(1, finished)))
	assert.Equal(k.t, "panic: nil map", shop.Poisoned(k.t, relay, 1)[0].Reason)
	shop.Work(nil)
	require.Equal(k.t, http.StatusOK, shop.Deliver(relay, Body(2, finished)))
	shop.Expect(k.t, 2, finished, inbox.Applied)
}

// crashBeforeAck ends an engine when the inbox has committed and the message is
// not acknowledged.
func (k *kit) crashBeforeAck() {
	shop, engine := k.shop, k.Open()
	committed, release := make(chan struct{}), make(chan struct{})
	relay := shop.Relay(k.t, engine)
	ended := make(chan error, 1)
	go func() {
		ended <- relay.Run(context.WithoutCancel(k.t.Context()), func(ctx context.Context, event jovepay.Event) error {
			err := shop.Apply(ctx, event)
			close(committed)
			<-release
			return err
		})
	}()
	require.Equal(k.t, http.StatusOK, shop.Deliver(relay, Body(1, finished)))
	shop.Expect(k.t, 1, finished, inbox.Applied)
	<-committed
	require.NoError(k.t, engine.Close())
	close(release)
	require.ErrorContains(k.t, <-ended, "ended the subscription")

	shop.Start(k.t, shop.Relay(k.t, k.open()))
	shop.Expect(k.t, 1, finished, inbox.Duplicate)
	assert.Len(k.t, shop.Applied(1), 1)
}

func (k *kit) outlives() {
	shop, engine := k.shop, k.Open()
	relay := shop.Relay(k.t, engine)
	const n = 20
	for id := range n {
		require.Equal(k.t, http.StatusOK, shop.Deliver(relay, Body(id, finished)))
	}
	require.NoError(k.t, engine.Close())
	assert.Equal(k.t, http.StatusInternalServerError, shop.Deliver(relay, Body(n, finished)), "the engine is closed")
	require.Error(k.t, relay.Run(k.t.Context(), shop.Apply))

	shop.Start(k.t, shop.Relay(k.t, k.open()))
	for range n {
		assert.Equal(k.t, inbox.Applied, shop.Next(k.t).Outcome)
	}
	for id := range n {
		assert.Len(k.t, shop.Applied(id), 1)
	}
}

// restarts takes the engine away from its consumers, three times, and opens it
// again: what was answered with 200 is applied, once. The inbox tells so after
// its transaction; the shop's work may begin, be cut short and begin again.
func (k *kit) restarts() {
	const rounds, n = 3, 30
	applied := map[jovepay.ID]int{}
	next := func() {
		if outcome := k.shop.Next(k.t); outcome.Outcome == inbox.Applied {
			applied[outcome.ID]++
		}
	}
	for round := range rounds {
		engine := k.Open()
		relay := k.shop.Relay(k.t, engine)
		ended := make(chan error, 1)
		go func() { ended <- relay.Run(context.WithoutCancel(k.t.Context()), k.shop.Apply) }()
		for id := range n {
			require.Equal(k.t, http.StatusOK, k.shop.Deliver(relay, Body(round*n+id, finished)))
		}
		next() // it has subscribed
		assert.NoError(k.t, engine.Close())
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

// lateAndShuffled delivers the lives of payments three times in any order to
// many workers. The inbox puts each life in order.
func (k *kit) lateAndShuffled() {
	shop, engine := k.shop, k.open()
	relay := shop.Relay(k.t, engine)
	life := []jovepay.PaymentStatus{
		jovepay.PaymentWaiting, jovepay.PaymentConfirming, jovepay.PaymentConfirmed, jovepay.PaymentSending, finished,
	}
	const payments = 20
	var bodies []string
	for id := range payments {
		for _, status := range life {
			for range 3 {
				bodies = append(bodies, Body(id, status))
			}
		}
	}
	rand.Shuffle(len(bodies), func(i, j int) { bodies[i], bodies[j] = bodies[j], bodies[i] }) //nolint:gosec // any order will do
	stop := shop.Start(k.t, relay)
	for _, body := range bodies {
		require.Equal(k.t, http.StatusOK, shop.Deliver(relay, body))
	}
	k.waits(0)
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
	shop.Poisoned(k.t, relay, 0)
}

// shutdownDrains ends a consumer in the middle of its work: the work is
// finished, acknowledged and not done again.
func (k *kit) shutdownDrains() {
	shop, engine := k.shop, k.open()
	relay := shop.Relay(k.t, engine)
	begun, release := make(chan struct{}), make(chan struct{})
	shop.Work(func(ctx context.Context, _ jovepay.Event) error {
		close(begun)
		<-release
		return ctx.Err()
	})
	ctx, cancel := context.WithCancel(k.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- relay.Run(ctx, shop.Apply) }()
	require.Equal(k.t, http.StatusOK, shop.Deliver(relay, Body(1, finished)))
	<-begun
	cancel()
	select {
	case err := <-ended:
		assert.Fail(k.t, "did not wait for work in progress", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	require.NoError(k.t, <-ended)
	shop.Expect(k.t, 1, finished, inbox.Applied)

	shop.Work(nil)
	shop.Start(k.t, relay)
	require.Equal(k.t, http.StatusOK, shop.Deliver(relay, Body(2, finished)))
	shop.Expect(k.t, 2, finished, inbox.Applied)
	assert.Empty(k.t, shop.Outcomes, "the first message was acknowledged")
}

// shutdownInterruptsWaits ends a consumer between two attempts: the event is
// neither lost nor poisoned, and another consumer gets it.
func (k *kit) shutdownInterruptsWaits() {
	shop, engine := k.shop, k.open()
	failed := make(chan struct{}, 100)
	shop.Work(func(context.Context, jovepay.Event) error {
		failed <- struct{}{}
		return errors.New("down")
	})
	relay := shop.Relay(k.t, engine, relay.WithRetryFor(time.Hour), relay.WithDrain(time.Hour))
	stop := shop.Start(k.t, relay)
	require.Equal(k.t, http.StatusOK, shop.Deliver(relay, Body(1, finished)))
	<-failed
	require.NoError(k.t, stop())
	shop.Poisoned(k.t, relay, 0)

	shop.Work(nil)
	shop.Start(k.t, relay)
	shop.Expect(k.t, 1, finished, inbox.Applied)
}

// drainEnds has work that goes on until its context ends.
func (k *kit) drainEnds() {
	shop, engine := k.shop, k.open()
	begun := make(chan struct{}, 1)
	shop.Work(func(ctx context.Context, _ jovepay.Event) error {
		begun <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	})
	relay := shop.Relay(k.t, engine, relay.WithDrain(10*time.Millisecond))
	stop := shop.Start(k.t, relay)
	require.Equal(k.t, http.StatusOK, shop.Deliver(relay, Body(1, finished)))
	<-begun
	require.NoError(k.t, stop())
	shop.Poisoned(k.t, relay, 0)
	assert.Empty(k.t, shop.Applied(1))

	shop.Work(nil)
	shop.Start(k.t, relay)
	shop.Expect(k.t, 1, finished, inbox.Applied)
}

func (k *kit) twoConsumers() {
	shop, engine := k.shop, k.open()
	relay := shop.Relay(k.t, engine)
	first, second := shop.Start(k.t, relay), shop.Start(k.t, shop.Relay(k.t, engine))
	const n = 50
	for id := range n {
		require.Equal(k.t, http.StatusOK, shop.Deliver(relay, Body(id, finished)))
	}
	for range n {
		assert.Equal(k.t, inbox.Applied, shop.Next(k.t).Outcome, "each message goes to one of them")
	}
	require.NoError(k.t, first())
	require.NoError(k.t, second())
	assert.Empty(k.t, shop.Outcomes)
}
