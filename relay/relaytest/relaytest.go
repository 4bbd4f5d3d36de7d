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
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/jovepay/jovepay-go"
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

// noRetries sends an event that fails to the poison queue immediately.
func noRetries() relay.Option { return relay.WithRetryFor(0) }
