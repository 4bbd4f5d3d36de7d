package orders_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/orders"
)

func TestNewErrors(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for name, c := range map[string]struct {
		client *jovepay.Client
		store  orders.Store[inbox.NoTx]
		hooks  hooks
		opts   []orders.Option
		want   string
	}{
		"no client":      {nil, r.store, r.hooks(), nil, "orders: client is nil"},
		"no store":       {r.client, nil, r.hooks(), nil, "orders: store is nil"},
		"no Fulfill":     {r.client, r.store, hooks{}, nil, "orders: hook Fulfill is required"},
		"bad policy":     {r.client, r.store, r.hooks(), []orders.Option{orders.WithSettlePolicy(jovepay.SettlePolicy{FulfillFrom: "waiting"})}, "orders: jovepay: FulfillFrom: want confirmed, sending or finished, got \"waiting\""},
		"bad callback":   {r.client, r.store, r.hooks(), []orders.Option{orders.WithCallback("shop")}, "orders: jovepay: ipn_callback_url: "},
		"no payments":    {r.client, r.store, r.hooks(), []orders.Option{orders.WithMaxPayments(0)}, "orders: maximum of payments: want 1 or more, got 0"},
		"no interval":    {r.client, r.store, r.hooks(), []orders.Option{nil, orders.WithInterval(0)}, "orders: interval: want a positive duration, got 0s"},
		"no attempts":    {r.client, r.store, r.hooks(), []orders.Option{orders.WithHookAttempts(0)}, "orders: attempts: want 1 or more, got 0"},
		"no times":       {r.client, r.store, r.hooks(), []orders.Option{orders.WithTimes(0, 1, 1)}, "orders: send time: want a positive duration, got 0s"},
		"no look back":   {r.client, r.store, r.hooks(), []orders.Option{orders.WithReconciliation(1, -1)}, "orders: look back: want a positive duration, got -1ns"},
		"loses commits":  {r.client, lossy{r.store}, r.hooks(), nil, "orders: the database can lose committed transactions\nfsync is off"},
		"store is down":  {r.client, down{r.store}, r.hooks(), nil, "orders: connection refused"},
		"lossy and down": {r.client, down{r.store}, r.hooks(), []orders.Option{orders.WithLossyStore()}, "orders: connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := orders.New(c.client, c.store, c.hooks, c.opts...)
			require.ErrorContains(t, err, c.want)
		})
	}
	_, err := orders.New(r.client, orders.Store[inbox.NoTx](lossy{r.store}), r.hooks(), orders.WithLossyStore())
	require.NoError(t, err)
}

type lossy struct{ orders.Store[inbox.NoTx] }

func (lossy) Check(context.Context) error {
	return errors.Join(orders.ErrLosesCommits, errors.New("fsync is off"))
}

// down is a store that cannot be reached.
type down struct{ orders.Store[inbox.NoTx] }

var errDown = errors.New("connection refused")

func (down) Check(context.Context) error { return errDown }

// A hook that fails, or panics: the money is on the books, and the order is
// fulfilled once when the hook recovers.
func TestHookFails(t *testing.T) {
	t.Parallel()
	errStock := errors.New("out of stock")
	for name, fail := range map[string]func() error{
		"error": func() error { return errStock },
		"panic": func() error { panic(errStock) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			broken, fulfilled := true, 0
			h := r.hooks()
			h.Fulfill = func(context.Context, inbox.NoTx, *orders.Order) error {
				if broken {
					return fail()
				}
				fulfilled++
				return nil
			}
			b, err := orders.New(r.client, r.store, h, orders.WithHookAttempts(3), orders.WithInterval(time.Millisecond))
			require.NoError(t, err)
			r.place(b, "a")
			shown, err := b.Pay(t.Context(), "a", "btc")
			require.NoError(t, err)
			p, err := r.server.Pay(shown.ID)
			require.NoError(t, err)
			for i := range 4 {
				err = b.Handle(t.Context(), p.Event())
				require.ErrorIs(t, err, errStock)
				failed, ok := errors.AsType[*orders.HookError](err)
				require.True(t, ok)
				assert.Equal(t, "Fulfill", failed.Hook)
				assert.Equal(t, name == "panic", failed.Stack != nil)
				o := r.order(b, "a")
				assert.Equal(t, orders.StatePaid, o.State)
				assert.NotEmpty(t, o.Failure)
				assert.Equal(t, []orders.Balance{{Coin: "btc", Bucket: orders.BucketOrder, Amount: p.ActuallyPaid}}, o.Money)
				if i < 2 {
					assert.Empty(t, o.OpenCases())
				} else {
					require.Len(t, o.OpenCases(), 1)
					assert.Equal(t, orders.CaseHook, o.OpenCases()[0].Kind)
				}
			}
			broken = false
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			go func() { done <- b.Run(ctx) }()
			require.Eventually(t, func() bool { return r.order(b, "a").State == orders.StateFulfilled }, 5*time.Second, time.Millisecond)
			require.NoError(t, b.Handle(t.Context(), p.Event()))
			cancel()
			require.ErrorIs(t, <-done, context.Canceled)
			assert.Equal(t, 1, fulfilled)
			o := r.order(b, "a")
			assert.Empty(t, o.OpenCases())
			assert.Empty(t, o.Failure)
		})
	}
}

// A hook that calls the book gets an error, whatever it calls.
func TestBookInHook(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.hooks()
	var b *book
	var got []error
	h.Fulfill = func(ctx context.Context, tx inbox.NoTx, o *orders.Order) error {
		_, err1 := b.Pay(ctx, "a", "btc")
		_, err2 := b.Invoice(ctx, "a", orders.InvoiceOptions{})
		_, err3 := b.Get(ctx, "a")
		_, err4 := b.Resolve(ctx, "case", orders.Resolution{})
		_, err5 := b.Reconcile(ctx, time.Time{})
		_, err6 := b.Statement(ctx, time.Time{}, time.Time{})
		got = []error{
			err1, err2, err3, err4, err5, err6, b.Place(ctx, tx, terms("b")), b.Import(ctx, tx, terms("b"), orders.Past{}),
			b.Cancel(ctx, "a", orders.Reason{}), b.Handle(ctx, (&jovepay.Payment{}).Event()), b.Run(ctx),
		}
		for _, err := range b.All(ctx, orders.ListOptions{}) {
			got = append(got, err)
		}
		for _, err := range b.Cases(ctx, orders.CaseOptions{}) {
			got = append(got, err)
		}
		return nil
	}
	var err error
	b, err = orders.New(r.client, r.store, h)
	require.NoError(t, err)
	r.place(b, "a")
	shown, err := b.Pay(t.Context(), "a", "btc")
	require.NoError(t, err)
	p, err := r.server.Pay(shown.ID)
	r.news(b, p, err)
	require.Len(t, got, 13)
	for i, err := range got {
		assert.ErrorIs(t, err, orders.ErrInHook, "call %d", i)
	}
	assert.Equal(t, orders.StateFulfilled, r.order(b, "a").State)
}

// A payment of an order that is not in the book is acknowledged, and is a case only
// if coins came and the order may be the shop's.
func TestUnknownOrder(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		owned func(string) bool
		order string
		pays  bool
		cases int
	}{
		"no coins":         {nil, "other", false, 0},
		"coins":            {nil, "other", true, 1},
		"another shop's":   {func(id string) bool { return id == "mine" }, "other", true, 0},
		"this shop's":      {func(id string) bool { return id == "other" }, "other", true, 1},
		"no order id":      {nil, "", true, 1},
		"an id of no shop": {nil, "\x00evil", true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			b := r.book(orders.WithOwned(c.owned))
			p := &jovepay.Payment{
				ID: "77", OrderID: c.order, Status: jovepay.PaymentWaiting, PriceAmount: jovepay.MustAmount("49.99"), PriceCurrency: "usd",
				PayAmount: jovepay.MustAmount("5"), PayCurrency: "btc",
			}
			require.NoError(t, b.Handle(t.Context(), p.Event()))
			if c.pays {
				p.Status, p.ActuallyPaid = jovepay.PaymentFinished, p.PayAmount
				require.NoError(t, b.Handle(t.Context(), p.Event()))
				require.NoError(t, b.Handle(t.Context(), p.Event()))
			}
			var cases []*orders.Case
			for found, err := range b.Cases(t.Context(), orders.CaseOptions{}) {
				require.NoError(t, err)
				cases = append(cases, found)
			}
			require.Len(t, cases, c.cases)
			assert.Empty(t, r.fulfilled)
			if c.cases == 0 {
				return
			}
			assert.Equal(t, orders.CaseNoOrder, cases[0].Kind)
			_, err := b.Get(t.Context(), cases[0].OrderID)
			require.ErrorIs(t, err, orders.ErrNotFound)
			who := orders.Reason{By: "kim", Why: "a customer of the old shop"}
			_, err = b.Resolve(t.Context(), cases[0].ID, orders.Resolution{Decision: orders.DecisionAccept, Reason: who, Version: cases[0].Version})
			require.ErrorIs(t, err, jovepay.ErrInvalidRequest)
			_, err = b.Resolve(t.Context(), cases[0].ID, orders.Resolution{Decision: orders.DecisionRefunded, Reason: who, Version: cases[0].Version})
			require.NoError(t, err)
			if c.order == "other" { // it is placed after all
				r.place(b, "other")
				assert.Equal(t, orders.StateRefunded, r.order(b, "other").State)
			}
		})
	}
}

// Coins that came before the order was placed count.
func TestPlaceAfterCoins(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.book(orders.WithInterval(time.Millisecond))
	p := &jovepay.Payment{
		ID: "77", OrderID: "a", Status: jovepay.PaymentFinished, PriceAmount: jovepay.MustAmount("49.99"), PriceCurrency: "usd",
		PayAmount: jovepay.MustAmount("5"), ActuallyPaid: jovepay.MustAmount("5"), PayCurrency: "btc",
	}
	require.NoError(t, b.Handle(t.Context(), p.Event()))
	r.place(b, "a")
	assert.Equal(t, orders.StatePaid, r.order(b, "a").State)
	assert.Empty(t, r.fulfilled, "hooks run in the book's own transactions")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error)
	go func() { done <- b.Run(ctx) }()
	require.Eventually(t, func() bool { return r.order(b, "a").State == orders.StateFulfilled }, 5*time.Second, time.Millisecond)
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	assert.Equal(t, 1, r.fulfilled["a"])
}

func TestImport(t *testing.T) {
	t.Parallel()
	finished := jovepay.Payment{
		ID: "77", OrderID: "a", Status: jovepay.PaymentFinished, PriceAmount: jovepay.MustAmount("49.99"), PriceCurrency: "usd",
		PayAmount: jovepay.MustAmount("5"), ActuallyPaid: jovepay.MustAmount("5"), PayCurrency: "btc",
	}
	r := newRig(t)
	b := r.book()
	past := orders.Past{Payments: []*jovepay.Payment{&finished}, Fulfilled: time.Now().Add(-time.Hour)}
	require.NoError(t, b.Import(t.Context(), inbox.NoTx{}, terms("a"), past))
	require.NoError(t, b.Import(t.Context(), inbox.NoTx{}, terms("a"), orders.Past{}))
	require.NoError(t, b.Handle(t.Context(), finished.Event()))
	o := r.order(b, "a")
	assert.Equal(t, orders.StateFulfilled, o.State)
	assert.WithinDuration(t, past.Fulfilled, o.Fulfilled, 0)
	assert.Empty(t, r.fulfilled)
	assert.Equal(t, []orders.Balance{{Coin: "btc", Bucket: orders.BucketOrder, Amount: finished.ActuallyPaid}}, o.Money)
	assert.Equal(t, orders.EventImported, o.History[0].Kind)

	other := finished
	other.OrderID = "b"
	err := b.Import(t.Context(), inbox.NoTx{}, terms("c"), orders.Past{Payments: []*jovepay.Payment{&other}})
	require.ErrorIs(t, err, jovepay.ErrInvalidRequest)
}

// Lost notifications are made up for, and the sums are JovePay's.
func TestReconcile(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.book()
	r.place(b, "a")
	r.place(b, "b")
	r.place(b, "c")
	for _, id := range []string{"a", "b"} {
		p, err := b.Pay(t.Context(), id, "btc")
		require.NoError(t, err)
		_, err = r.server.Pay(p.ID)
		require.NoError(t, err)
	}
	_, err := b.Pay(t.Context(), "c", "btc")
	require.NoError(t, err)
	report, err := b.Reconcile(t.Context(), time.Time{})
	require.NoError(t, err)
	assert.Equal(t, orders.Report{Seen: 3, Changed: 3}, report) // the row of c has more members than the response
	report, err = b.Reconcile(t.Context(), time.Time{})
	require.NoError(t, err)
	assert.Equal(t, orders.Report{Seen: 3, Known: 3}, report)
	assert.Equal(t, map[string]int{"a": 1, "b": 1}, r.fulfilled)
	var states []orders.State
	for o, err := range b.All(t.Context(), orders.ListOptions{}) {
		require.NoError(t, err)
		states = append(states, o.State)
	}
	assert.Equal(t, []orders.State{orders.StateFulfilled, orders.StateFulfilled, orders.StateWaiting}, states)
}

// Two reports that differ only in the refunded part are two states, also in the
// list.
func TestReconcileRefundedParts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.book()
	r.place(b, "a")
	shown, err := b.Pay(t.Context(), "a", "btc")
	require.NoError(t, err)
	_, err = r.server.Pay(shown.ID)
	require.NoError(t, err)
	part := jovepay.MustAmount("0.0001")
	refunded, err := r.server.RefundPart(shown.ID, part)
	require.NoError(t, err)
	lost := *refunded
	lost.Extra = nil // as if the first report had no amount
	require.NoError(t, b.Handle(t.Context(), lost.Event()))
	_, err = b.Reconcile(t.Context(), time.Time{})
	require.NoError(t, err)
	back := r.order(b, "a").Refunded()
	require.Len(t, back, 1)
	assert.Equal(t, part.String(), back[0].Amount.String())
	assert.False(t, back[0].Assumed)
}

// An event that is not about a payment is handed over once.
func TestOtherEvents(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h, seen, fail := r.hooks(), 0, true
	h.Other = func(_ context.Context, _ inbox.NoTx, event jovepay.Event) error {
		if fail {
			return errDown
		}
		assert.IsType(t, &jovepay.WithdrawalEvent{}, event)
		seen++
		return nil
	}
	b, err := orders.New(r.client, r.store, h)
	require.NoError(t, err)
	event := &jovepay.WithdrawalEvent{ID: "1", Status: jovepay.WithdrawalFinished}
	require.ErrorIs(t, b.Handle(t.Context(), event), errDown)
	fail = false
	require.NoError(t, b.Handle(t.Context(), event))
	require.NoError(t, b.Handle(t.Context(), event))
	assert.Equal(t, 1, seen)
	require.ErrorIs(t, b.Handle(t.Context(), nil), inbox.ErrUnprocessable)
}

// A payment that names another order than the one it is part of changes only its
// own.
func TestPaymentOfAnotherOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.book()
	r.place(b, "a")
	r.place(b, "b")
	shown, err := b.Pay(t.Context(), "a", "btc")
	require.NoError(t, err)
	p, err := r.server.Pay(shown.ID)
	require.NoError(t, err)
	p.OrderID = "b"
	require.NoError(t, b.Handle(t.Context(), p.Event()))
	assert.Equal(t, orders.StatePlaced, r.order(b, "b").State)
	assert.Equal(t, orders.StateReview, r.order(b, "a").State)
	assert.Empty(t, r.fulfilled)
}

// Whatever a genuine notification says fits into the ledger's columns.
func TestHostileNews(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ coin, part string }{
		"long coin":        {strings.Repeat("x", 33), "1"},
		"coin not ASCII":   {"bítcoin", "1"},
		"coin with spaces": {"b t c", "1"},
		"tiny refund":      {"btc", "1e-400"},
		"huge refund":      {"btc", "1e400"},
		"no refund":        {"btc", `"none"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			b := r.book()
			r.place(b, "a")
			p := &jovepay.Payment{
				ID: "77", OrderID: "a", Status: jovepay.PaymentRefunded, PriceAmount: jovepay.MustAmount("49.99"), PriceCurrency: "usd",
				PayAmount: jovepay.MustAmount("5"), ActuallyPaid: jovepay.MustAmount("5"), PayCurrency: c.coin,
			}
			p.Extra = map[string]json.RawMessage{"refunded_amount": json.RawMessage(c.part)}
			require.NoError(t, b.Handle(t.Context(), p.Event()))
			for _, m := range r.order(b, "a").Money {
				assert.LessOrEqual(t, len(m.Coin), 32)
				assert.LessOrEqual(t, len(m.Amount.String()), 82)
				assert.Regexp(t, `^[!-~]+$`, m.Coin)
			}
		})
	}
}
