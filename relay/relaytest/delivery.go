package relaytest

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/relay"
	"github.com/jovepay/jovepay-go/relay/internal/testshop"
)

func deliveryCases() []testCase {
	return []testCase{
		{
			"PublishedOnce", (*kit).storeOnce,
			"A notification that is delivered three times while its message is persisted is stored once. (Needs deduplication.)",
		},
		{
			"NotifiedAgain", (*kit).notifyAgain,
			"A notification that arrives again and again, before, while and after it is applied, does not make the streams grow. (Needs deduplication.)",
		},
		{
			"FailsThenWorks", (*kit).failsThenWorks,
			"An event that fails three times is delivered again each time, and then applied. It does not reach the poison queue.",
		},
		{
			"Panic", (*kit).panics,
			"Work that panics is a failed attempt. The consumer continues.",
		},
		{
			"Shuffled", (*kit).shuffle,
			"300 notifications of 20 payments, three of each kind in any order, are all consumed, and each payment ends as finished.",
		},
		{
			"TwoConsumers", (*kit).twoConsumers,
			"Each message is delivered to one of two consumers.",
		},
	}
}

func (k *kit) storeOnce() {
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
	assert.Len(k.t, shop.Statuses(1), 1)
	assert.Empty(k.t, shop.Outcomes)
}

// notifyAgain delivers one notification again and again: while nothing consumes,
// while its event fails, and after it was applied. The streams do not grow.
func (k *kit) notifyAgain() {
	shop, broker := k.shop, k.open()
	r := shop.Relay(k.t, broker, relay.WithRetryFor(time.Hour))
	again := func() {
		for range 50 {
			shop.Notify(k.t, r, 1)
		}
	}
	again()
	assert.Equal(k.t, 1, k.Backlog(), "while nothing consumes")
	shop.Work(testshop.FailFirst(1))
	stop := shop.Start(k.t, r)
	again()
	assert.LessOrEqual(k.t, k.Backlog(), 2, "while it fails: the message, and the one for the next attempt")
	shop.Expect(k.t, 1, finished, inbox.Applied)
	again()
	k.expectBacklog(0)
	require.NoError(k.t, stop())
	assert.Len(k.t, shop.Statuses(1), 1)
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

// shuffle delivers the whole lives of payments three times, in any order, to many
// workers. The inbox puts each life in order.
func (k *kit) shuffle() {
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
		applied := shop.Statuses(id)
		require.NotEmpty(k.t, applied)
		assert.Equal(k.t, finished, applied[len(applied)-1])
		for i := range applied[1:] {
			assert.Less(k.t, rank[applied[i]], rank[applied[i+1]], applied)
		}
	}
	shop.PoisonEvents(k.t, r, 0)
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
