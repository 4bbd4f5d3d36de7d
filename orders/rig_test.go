package orders_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/jovepaytest"
	"github.com/jovepay/jovepay-go/orders"
)

type (
	book  = orders.Book[inbox.NoTx]
	hooks = orders.Hooks[inbox.NoTx]
)

// rig is a shop with replicas on one store, and the emulator.
type rig struct {
	t      *testing.T
	server *jovepaytest.Server
	client *jovepay.Client
	store  orders.Store[inbox.NoTx]

	mu        sync.Mutex
	fulfilled map[string]int
	states    map[string][]orders.State
	cases     []orders.Case
	fail      error // of Fulfill
}

func newRig(t *testing.T, opts ...jovepaytest.Option) *rig {
	t.Helper()
	server, err := jovepaytest.NewServer(append([]jovepaytest.Option{jovepaytest.WithIPNRetries(0, 0)}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(server.Close)
	r := &rig{t: t, server: server, store: new(orders.Memory), fulfilled: map[string]int{}, states: map[string][]orders.State{}}
	r.client = r.newClient()
	return r
}

func (r *rig) newClient(opts ...jovepay.Option) *jovepay.Client {
	r.t.Helper()
	connections := &http.Transport{}
	r.t.Cleanup(connections.CloseIdleConnections)
	client, err := r.server.Client(append([]jovepay.Option{
		jovepay.WithHTTPClient(&http.Client{Transport: connections}),
		jovepay.WithRetry(jovepay.RetryPolicy{MaxAttempts: 1}),
	}, opts...)...)
	require.NoError(r.t, err)
	return client
}

// book returns a replica.
func (r *rig) book(opts ...orders.Option) *book {
	r.t.Helper()
	return r.bookOn(r.client, r.store, opts...)
}

func (r *rig) bookOn(client *jovepay.Client, store orders.Store[inbox.NoTx], opts ...orders.Option) *book {
	r.t.Helper()
	b, err := orders.New(client, store, r.hooks(), opts...)
	require.NoError(r.t, err)
	return b
}

func (r *rig) hooks() hooks {
	return hooks{
		Fulfill: func(_ context.Context, _ inbox.NoTx, o *orders.Order) error {
			r.mu.Lock()
			defer r.mu.Unlock()
			if r.fail != nil {
				return r.fail
			}
			r.fulfilled[o.OrderID]++
			return nil
		},
		Changed: func(_ context.Context, _ inbox.NoTx, o *orders.Order, _ orders.State) error {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.states[o.OrderID] = append(r.states[o.OrderID], o.State)
			return nil
		},
		Review: func(_ context.Context, _ inbox.NoTx, c *orders.Case) error {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.cases = append(r.cases, *c)
			return nil
		},
	}
}

// place places an order of 49.99 usd.
func (r *rig) place(b *book, id string) {
	r.t.Helper()
	require.NoError(r.t, b.Place(r.t.Context(), inbox.NoTx{}, terms(id)))
}

func terms(id string) orders.Terms {
	return orders.Terms{OrderID: id, PriceAmount: jovepay.MustAmount("49.99"), PriceCurrency: "usd"}
}

// made returns the payments of an order at JovePay, without further deposits.
func (r *rig) made(orderID string) []*jovepay.Payment {
	r.t.Helper()
	all, err := r.server.Payments()
	require.NoError(r.t, err)
	return slices.DeleteFunc(all, func(p *jovepay.Payment) bool { return p.OrderID != orderID || p.ParentPaymentID != "" })
}

// order returns an order, after checking that its ledger is right.
func (r *rig) order(b *book, id string) *orders.Order {
	r.t.Helper()
	o, err := b.Get(r.t.Context(), id)
	require.NoError(r.t, err)
	for _, p := range o.Payments {
		sum := jovepay.MustAmount("0").Decimal()
		for _, place := range p.Places {
			sum = sum.Add(place.Amount.Decimal())
		}
		assert.True(r.t, sum.Equal(p.Received.Decimal()), "payment %s: %s received, %v", p.ID, p.Received, p.Places)
	}
	s, err := b.Statement(r.t.Context(), time.Time{}, time.Time{})
	require.NoError(r.t, err)
	sums := map[string]string{}
	for line, err := range s.Lines(r.t.Context()) {
		require.NoError(r.t, err)
		if line.OrderID == id {
			key := fmt.Sprint(line.Coin, line.Bucket)
			total := jovepay.MustAmount("0").Decimal()
			if was, ok := sums[key]; ok {
				total = jovepay.MustAmount(was).Decimal()
			}
			sums[key] = total.Add(line.Amount.Decimal()).String()
		}
	}
	for _, m := range o.Money {
		assert.Equal(r.t, m.Amount.Decimal().String(), sums[fmt.Sprint(m.Coin, m.Bucket)], "%+v", m)
	}
	return o
}

// news has a book handle what JovePay would notify of a payment now.
func (r *rig) news(b *book, p *jovepay.Payment, err error) {
	r.t.Helper()
	require.NoError(r.t, err)
	require.NoError(r.t, b.Handle(r.t.Context(), p.Event()))
}
