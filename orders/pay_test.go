package orders_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
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

// times are short, so that tests wait little.
func times() []orders.Option {
	return []orders.Option{
		orders.WithTimes(500*time.Millisecond, 100*time.Millisecond, 200*time.Millisecond), orders.WithInterval(20 * time.Millisecond),
	}
}

func TestPayTogetherIsOnePayment(t *testing.T) {
	t.Parallel()
	r := newRig(t, jovepaytest.WithLatency(20*time.Millisecond))
	books := []*book{r.book(), r.book(), r.book()}
	r.place(books[0], "a")
	var group sync.WaitGroup
	shown := make([]*orders.Payment, 64)
	for i := range shown {
		group.Go(func() {
			p, err := books[i%3].Pay(t.Context(), "a", "btc")
			if assert.NoError(t, err) {
				shown[i] = p
			}
		})
	}
	group.Wait()
	made := r.made("a")
	require.Len(t, made, 1)
	for _, p := range shown {
		require.NotNil(t, p)
		assert.Equal(t, made[0].ID, p.ID)
		assert.Equal(t, made[0].PayAddress, p.Address)
	}
}

// A create whose response is lost: the payment is found, or waited for.
func TestPayWithLostResponse(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]jovepaytest.Fault{
		"cut after the effect":  {Method: http.MethodPost, Path: "/v1/payment", AfterEffect: true, Cut: true, Times: 1},
		"cut before the effect": {Method: http.MethodPost, Path: "/v1/payment", Cut: true, Times: 1},
		"server error, applied": {Method: http.MethodPost, Path: "/v1/payment", AfterEffect: true, Status: 502, Times: 1},
		"server error":          {Method: http.MethodPost, Path: "/v1/payment", Status: 502, Times: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			b := r.book(times()...)
			r.place(b, "a")
			require.NoError(t, r.server.Inject(fault))
			p, err := b.Pay(t.Context(), "a", "btc")
			doubts := 0
			for err != nil {
				doubt, ok := errors.AsType[*orders.InDoubtError](err)
				require.True(t, ok, "%v", err)
				require.Equal(t, "a", doubt.OrderID)
				require.ErrorIs(t, err, jovepay.ErrOutcomeUnknown)
				require.False(t, jovepay.SafeToRetry(err))
				doubts++
				require.Less(t, doubts, 20)
				wait(t, time.Until(doubt.RetryAt))
				p, err = b.Pay(t.Context(), "a", "btc")
			}
			if fault.AfterEffect {
				assert.Zero(t, doubts)
			} else {
				assert.NotZero(t, doubts)
			}
			require.Len(t, r.made("a"), 1)
			assert.Equal(t, r.made("a")[0].ID, p.ID)
			assert.NotEmpty(t, p.Address)
		})
	}
}

func wait(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}

// crashing is a store whose process dies at its nth Update: before the commit, or
// after it.
type crashing struct {
	orders.Store[inbox.NoTx]
	at     int
	before bool

	mu   sync.Mutex
	seen int
}

var errCrash = errors.New("the process died")

func (c *crashing) Update(ctx context.Context, s orders.Scope, work orders.Work[inbox.NoTx]) error {
	c.mu.Lock()
	c.seen++
	n := c.seen
	c.mu.Unlock()
	if n > c.at || n == c.at && c.before {
		return errCrash
	}
	err := c.Store.Update(ctx, s, work)
	if n == c.at {
		return errCrash
	}
	return err
}

// A process that dies at each step of Pay: another shows the one payment.
func TestPayAfterCrash(t *testing.T) {
	t.Parallel()
	for at := 1; at <= 2; at++ {
		for _, before := range []bool{true, false} {
			t.Run(fmt.Sprintf("commit %d, before it: %v", at, before), func(t *testing.T) {
				t.Parallel()
				r := newRig(t)
				b := r.book(times()...)
				r.place(b, "a")
				dying := r.bookOn(r.client, &crashing{Store: r.store, at: at, before: before}, times()...)
				ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
				_, err := dying.Pay(ctx, "a", "btc")
				cancel()
				require.Error(t, err)
				var p *orders.Payment
				require.Eventually(t, func() bool {
					p, err = b.Pay(t.Context(), "a", "btc")
					return err == nil
				}, 10*time.Second, 20*time.Millisecond)
				require.Len(t, r.made("a"), 1)
				assert.Equal(t, r.made("a")[0].ID, p.ID)
				wait(t, 3*500*time.Millisecond) // until the dying one gives up
			})
		}
	}
}

// A notification that comes before the response is known: the payment is adopted,
// and read before it is shown.
func TestPayAdoptsNotification(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.book(times()...)
	r.place(b, "a")
	require.NoError(t, r.server.Inject(jovepaytest.Fault{Method: http.MethodPost, Path: "/v1/payment", AfterEffect: true, Hang: true, Times: 1}))
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() { _, _ = b.Pay(ctx, "a", "btc") })
	require.Eventually(t, func() bool { return len(r.made("a")) == 1 }, 5*time.Second, time.Millisecond)
	cancel()
	group.Wait()
	made := r.made("a")[0]
	event := made.Event()
	event.PayAddress, event.PayinExtraID = "", ""
	require.NoError(t, b.Handle(t.Context(), event))
	other := r.book(times()...)
	p, err := other.Pay(t.Context(), "a", "btc")
	require.NoError(t, err)
	assert.Equal(t, made.ID, p.ID)
	assert.Equal(t, made.PayAddress, p.Address)
	r.server.ClearFaults()
	require.Len(t, r.made("a"), 1)
}

// A payment is over when JovePay says so.
func TestPayAfterExpiry(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.book()
	r.place(b, "a")
	first, err := b.Pay(t.Context(), "a", "btc")
	require.NoError(t, err)
	_, err = r.server.Expire(first.ID)
	require.NoError(t, err)
	again, err := b.Pay(t.Context(), "a", "btc")
	require.NoError(t, err)
	assert.Equal(t, first.ID, again.ID, "JovePay has not said so yet")
	r.news(b, must(r.server.Payment(first.ID)), nil)
	assert.Equal(t, orders.StateExpired, r.order(b, "a").State)
	second, err := b.Pay(t.Context(), "a", "btc")
	require.NoError(t, err)
	assert.NotEqual(t, first.ID, second.ID)
	assert.Equal(t, orders.StateWaiting, r.order(b, "a").State)
	assert.Len(t, r.made("a"), 2)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestPayErrors(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.book(orders.WithMaxPayments(2))
	r.place(b, "a")
	_, err := b.Pay(t.Context(), "missing", "btc")
	require.ErrorIs(t, err, orders.ErrNotFound)
	_, err = b.Pay(t.Context(), "a", "nocoin")
	require.ErrorIs(t, err, jovepay.ErrInvalidRequest)
	_, err = b.Pay(t.Context(), "a", "BTC!")
	require.ErrorIs(t, err, jovepay.ErrInvalidRequest)
	p, err := b.Pay(t.Context(), "a", "btc")
	require.NoError(t, err)
	q, err := b.Pay(t.Context(), "a", "trx")
	require.NoError(t, err)
	assert.NotEqual(t, p.ID, q.ID)
	_, err = b.Pay(t.Context(), "a", "eth")
	require.ErrorIs(t, err, orders.ErrTooManyPayments)
	part := jovepay.NewAmount(p.Asked.Decimal().Div(jovepay.MustAmount("2").Decimal()).Truncate(8))
	deposit, err := r.server.Deposit(p.ID, part)
	r.news(b, deposit, err)
	_, err = b.Pay(t.Context(), "a", "eth")
	require.ErrorIs(t, err, orders.ErrCoinsSeen)
	again, err := b.Pay(t.Context(), "a", "btc")
	require.NoError(t, err)
	assert.Equal(t, p.ID, again.ID)
	assert.True(t, again.Left.Decimal().Equal(p.Asked.Decimal().Sub(part.Decimal())), "%s", again.Left)
	require.NoError(t, b.Cancel(t.Context(), "a", orders.Reason{By: "kim", Why: "out of stock"}))
	_, err = b.Pay(t.Context(), "a", "btc")
	require.ErrorIs(t, err, orders.ErrClosed)
	require.ErrorIs(t, b.Place(t.Context(), inbox.NoTx{}, orders.Terms{OrderID: "b", PriceAmount: jovepay.MustAmount("0"), PriceCurrency: "usd"}), jovepay.ErrInvalidRequest)
	changed := terms("a")
	changed.PriceAmount = jovepay.MustAmount("50")
	require.ErrorIs(t, b.Place(t.Context(), inbox.NoTx{}, changed), orders.ErrTermsChanged)
	require.NoError(t, b.Place(t.Context(), inbox.NoTx{}, terms("a")))
	r.server.Close()
	r.place(b, "c")
	_, err = r.bookOn(r.newClient(), r.store).Pay(t.Context(), "c", "btc")
	require.Error(t, err, "JovePay is down")
	assert.True(t, jovepay.SafeToRetry(err), "%v", err)
}

func TestInvoice(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.book(times()...)
	r.place(b, "a")
	require.NoError(t, r.server.Inject(jovepaytest.Fault{Method: http.MethodPost, Path: "/v1/invoice", AfterEffect: true, Cut: true, Times: 1}))
	_, err := b.Invoice(t.Context(), "a", orders.InvoiceOptions{})
	require.ErrorIs(t, err, jovepay.ErrOutcomeUnknown)
	first, err := b.Invoice(t.Context(), "a", orders.InvoiceOptions{})
	require.NoError(t, err)
	second, err := r.book().Invoice(t.Context(), "a", orders.InvoiceOptions{})
	require.NoError(t, err)
	assert.Equal(t, first, second)
	assert.Equal(t, orders.StateWaiting, r.order(b, "a").State)
	p, err := r.server.CheckOut(first.ID, "btc")
	require.NoError(t, err)
	p, err = r.server.Pay(p.ID)
	r.news(b, p, err)
	assert.Equal(t, orders.StateFulfilled, r.order(b, "a").State)
	assert.Equal(t, 1, r.fulfilled["a"])
}

// A thousand creates in doubt are settled by few passes of the list.
func TestDoubtsShareThePass(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.book(times()...)
	require.NoError(t, r.server.Inject(jovepaytest.Fault{Method: http.MethodPost, Path: "/v1/payment", AfterEffect: true, Cut: true, Percent: 50}))
	require.NoError(t, r.server.Inject(jovepaytest.Fault{Method: http.MethodPost, Path: "/v1/payment", Cut: true}))
	var ids []string
	for i := range 30 {
		id := fmt.Sprintf("order-%03d", i)
		ids = append(ids, id)
		r.place(b, id)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		_, _ = b.Pay(ctx, id, "btc")
		cancel()
	}
	r.server.ClearFaults()
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() { _ = b.Run(ctx) })
	for _, id := range ids {
		require.Eventually(t, func() bool {
			_, err := b.Pay(t.Context(), id, "btc")
			return err == nil
		}, 10*time.Second, 10*time.Millisecond)
		assert.Len(t, r.made(id), 1)
	}
	cancel()
	group.Wait()
}

func TestOrderSaysWhichPaymentIsShown(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.book()
	r.place(b, "a")
	foreign, err := r.client.Payments.Create(t.Context(), jovepay.PaymentRequest{
		PriceAmount: jovepay.MustAmount("5"), PriceCurrency: "usd", PayCurrency: "btc", OrderID: "a",
	})
	require.NoError(t, err)
	r.news(b, foreign, nil)
	shown := map[jovepay.ID]string{foreign.ID: ""}
	for _, coin := range []string{"btc", "trx"} {
		p, err := b.Pay(t.Context(), "a", coin)
		require.NoError(t, err)
		assert.Equal(t, coin, p.ShownFor)
		shown[p.ID] = coin
	}
	got := map[jovepay.ID]string{}
	for _, p := range r.order(b, "a").Payments {
		got[p.ID] = p.ShownFor
	}
	assert.Equal(t, shown, got)
}
