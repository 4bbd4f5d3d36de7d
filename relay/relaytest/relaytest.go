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
	"slices"
	"testing"
	"time"

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

// testCase is the test of a promise, with an explanation for the author of a broker
// that breaks it.
type testCase struct {
	name    string
	run     func(*kit)
	promise string
}

func cases() []testCase {
	return slices.Concat(deliveryCases(), poisonCases(), shutdownCases(), failingCases())
}

// open opens the broker for the rest of the test.
func (k *kit) open() *relay.Broker {
	broker := k.Open()
	k.t.Cleanup(func() { assert.NoError(k.t, broker.Close()) })
	return broker
}

// noRetries sends an event that fails to the poison queue immediately.
func noRetries() relay.Option { return relay.WithRetryFor(0) }

// expectBacklog waits until n messages are in the streams.
func (k *kit) expectBacklog(n int) {
	var got int
	assert.Eventually(k.t, func() bool {
		got = k.Backlog()
		return got == n
	}, testshop.Patience, 5*time.Millisecond)
	assert.Equal(k.t, n, got)
}
