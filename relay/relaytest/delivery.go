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
