package orders_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/jovepaytest"
	"github.com/jovepay/jovepay-go/orders"
)

// constrained is a store whose transactions cannot be committed after a hook has
// run in them: a deferred constraint of the shop's own tables is violated, or the
// hook has hidden the error of a statement.
type constrained struct {
	orders.Store[inbox.NoTx]
	isViolated *atomic.Bool
}

var errConstraint = errors.New("violates foreign key constraint")

func (c constrained) Update(ctx context.Context, s orders.Scope, work orders.Work[inbox.NoTx]) error {
	return c.Store.Update(ctx, s, func(ctx context.Context, tx inbox.NoTx, r *orders.Record) (*orders.Change, error) {
		change, err := work(ctx, tx, r)
		if err == nil && c.isViolated.Swap(false) {
			return nil, errConstraint
		}
		return change, err
	})
}

// A hook that succeeds in a transaction that cannot be committed is a hook that
// fails: the money is on the books.
func TestHookSpoilsItsTransaction(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	spoils, spoiled := true, new(atomic.Bool)
	h := r.hooks()
	h.Fulfill = func(context.Context, inbox.NoTx, *orders.Order) error {
		spoiled.Store(spoils)
		return nil
	}
	b, err := orders.New(r.client, constrained{r.store, spoiled}, h, orders.WithInterval(time.Millisecond))
	require.NoError(t, err)
	r.place(b, "a")
	shown, err := b.Pay(t.Context(), "a", "btc")
	require.NoError(t, err)
	p, err := r.server.Pay(shown.ID)
	require.NoError(t, err)
	err = b.Handle(t.Context(), p.Event())
	require.ErrorIs(t, err, errConstraint)
	failed, ok := errors.AsType[*orders.HookError](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, "Changed", failed.Hook, "the last one")
	o := r.order(b, "a")
	assert.Equal(t, orders.StatePaid, o.State)
	assert.Contains(t, o.Failure, errConstraint.Error())
	spoils = false
	require.NoError(t, b.Handle(t.Context(), p.Event()))
	o = r.order(b, "a")
	assert.Equal(t, orders.StateFulfilled, o.State)
	assert.Empty(t, o.Failure)
}

// Rows of the list may lack the memo: a payment that was imported is read before it
// is shown.
func TestImportedPaymentIsReadFirst(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.book()
	created, err := r.client.Payments.Create(t.Context(), jovepay.PaymentRequest{
		PriceAmount: jovepay.MustAmount("49.99"), PriceCurrency: "usd", PayCurrency: "xrp", OrderID: "a",
	})
	require.NoError(t, err)
	require.NotEmpty(t, created.PayinExtraID)
	row := *created
	row.PayinExtraID = ""
	require.NoError(t, b.Import(t.Context(), inbox.NoTx{}, terms("a"), orders.Past{Payments: []*jovepay.Payment{&row}}))
	p, err := b.Pay(t.Context(), "a", "xrp")
	require.NoError(t, err)
	assert.Equal(t, created.ID, p.ID)
	assert.Equal(t, created.PayinExtraID, p.Memo)
}

// What a customer sends as a coin never meets the work on an invoice.
func TestPayInTheCoinOfInvoices(t *testing.T) {
	t.Parallel()
	r := newRig(t, jovepaytest.WithLatency(200*time.Millisecond))
	b := r.book()
	r.place(b, "a")
	var group sync.WaitGroup
	group.Go(func() {
		_, err := b.Invoice(t.Context(), "a", orders.InvoiceOptions{})
		assert.NoError(t, err)
	})
	require.Eventually(t, func() bool { return len(r.server.Requests()) > 0 || isOpen(t, r.store, "(invoice)") }, 5*time.Second, time.Millisecond)
	p, err := b.Pay(t.Context(), "a", "(invoice)")
	require.ErrorIs(t, err, jovepay.ErrInvalidRequest)
	assert.Nil(t, p)
	group.Wait()
}

func isOpen(t *testing.T, s orders.Store[inbox.NoTx], intent string) bool {
	t.Helper()
	parts, err := s.Parts(t.Context(), orders.PartQuery{Kind: orders.PartIntent, ID: intent, Open: true, Limit: 1})
	require.NoError(t, err)
	return len(parts) > 0
}

// News of a coin that is called like the intent of an invoice adopts nothing.
func TestNewsInTheCoinOfInvoices(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.book()
	r.place(b, "a")
	require.NoError(t, r.server.Inject(jovepaytest.Fault{Method: http.MethodPost, Path: "/v1/invoice", Hang: true, Times: 1}))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var group sync.WaitGroup
	group.Go(func() { _, _ = b.Invoice(ctx, "a", orders.InvoiceOptions{}) })
	require.Eventually(t, func() bool { return isOpen(t, r.store, "(invoice)") }, 5*time.Second, time.Millisecond)
	p := &jovepay.Payment{
		ID: "77", OrderID: "a", Status: jovepay.PaymentWaiting, PriceAmount: jovepay.MustAmount("49.99"), PriceCurrency: "usd",
		PayAmount: jovepay.MustAmount("5"), PayCurrency: "(invoice)",
	}
	assert.NotPanics(t, func() { assert.NoError(t, b.Handle(t.Context(), p.Event())) })
	r.server.ClearFaults()
	cancel()
	group.Wait()
}

// spoil replaces the stored document of an order by one of a newer version.
func spoil(t *testing.T, s orders.Store[inbox.NoTx], orderID string) {
	t.Helper()
	require.NoError(t, s.Update(t.Context(), orders.Scope{OrderID: orderID}, func(_ context.Context, _ inbox.NoTx, r *orders.Record) (*orders.Change, error) {
		row := *r.Order
		row.Doc = append([]byte(`{"newer":1,`), row.Doc[1:]...)
		row.Due = r.Now.Add(-time.Hour)
		return &orders.Change{Order: &row}, nil
	}))
}

// Orders that cannot be read don't keep others from being finished, however many
// there are.
func TestUnreadableOrdersKeepNobodyWaiting(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.book(times()...)
	for i := range 600 {
		id := fmt.Sprintf("unreadable-%03d", i)
		r.place(b, id)
		spoil(t, r.store, id)
	}
	r.place(b, "a")
	shown, err := b.Pay(t.Context(), "a", "btc")
	require.NoError(t, err)
	p, err := r.server.Pay(shown.ID)
	require.NoError(t, err)
	r.fail = errors.New("out of stock")
	require.Error(t, b.Handle(t.Context(), p.Event()))
	r.mu.Lock()
	r.fail = nil
	r.mu.Unlock()
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() { _ = b.Run(ctx) })
	assert.Eventually(t, func() bool { return r.order(b, "a").State == orders.StateFulfilled }, 5*time.Second, 10*time.Millisecond)
	cancel()
	group.Wait()
}

// An order that cannot be read does not keep the creates of others in doubt.
func TestUnreadableOrderKeepsNoOtherInDoubt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.book(times()...)
	require.NoError(t, r.server.Inject(jovepaytest.Fault{Method: http.MethodPost, Path: "/v1/payment", Cut: true, Times: 2}))
	for _, id := range []string{"unreadable", "a"} {
		r.place(b, id)
		_, err := b.Pay(t.Context(), id, "btc")
		_, ok := errors.AsType[*orders.InDoubtError](err)
		require.True(t, ok, "%v", err)
	}
	spoil(t, r.store, "unreadable")
	var err error
	assert.Eventually(t, func() bool {
		_, err = b.Pay(t.Context(), "a", "btc")
		return err == nil
	}, 5*time.Second, 20*time.Millisecond)
	require.NoError(t, err)
}

// A request that is invalid is never begun: a crash would leave a create in doubt
// that cannot be looked up.
func TestInvalidRequestIsNotBegun(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.book(orders.WithPaymentRequest(func(q *jovepay.PaymentRequest) { q.IPNCallbackURL = "no url" }))
	r.place(b, "a")
	_, err := b.Pay(t.Context(), "a", "btc")
	require.ErrorIs(t, err, jovepay.ErrInvalidRequest)
	record, err := r.store.Load(t.Context(), "a")
	require.NoError(t, err)
	assert.Empty(t, record.Parts)
}

// A notification adopts a payment while its create fails: the payment is shown.
func TestAdoptedBeforeTheDoubtIsNoted(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.book()
	r.place(b, "a")
	lost := &losing{handle: func() {
		made := r.made("a")
		if assert.Len(t, made, 1) {
			assert.NoError(t, b.Handle(t.Context(), made[0].Event()))
		}
	}}
	t.Cleanup(lost.CloseIdleConnections)
	client, err := r.server.Client(
		jovepay.WithHTTPClient(&http.Client{Transport: lost}), jovepay.WithRetry(jovepay.RetryPolicy{MaxAttempts: 1}))
	require.NoError(t, err)
	p, err := r.bookOn(client, r.store).Pay(t.Context(), "a", "btc")
	require.NoError(t, err)
	assert.Equal(t, r.made("a")[0].ID, p.ID)
	assert.Len(t, r.made("a"), 1)
}

// losing loses the response to the first create, after a call of handle.
type losing struct {
	http.Transport
	handle func()
	once   sync.Once
}

var errLost = errors.New("connection reset")

func (l *losing) RoundTrip(q *http.Request) (*http.Response, error) {
	response, err := l.Transport.RoundTrip(q)
	if err == nil && q.Method == http.MethodPost && q.URL.Path == "/v1/payment" {
		l.once.Do(func() {
			l.handle()
			_ = response.Body.Close()
			response, err = nil, errLost
		})
	}
	return response, err
}

// strict is a store that fails as a database does for a text that it cannot keep.
type strict struct{ orders.Store[inbox.NoTx] }

var errText = errors.New("invalid byte sequence for encoding")

func isText(ids ...jovepay.ID) bool {
	for _, id := range ids {
		for i := range len(id) {
			if id[i] == 0 || id[i] > '~' || len(id) > 160 {
				return false
			}
		}
	}
	return true
}

func (s strict) Update(ctx context.Context, scope orders.Scope, work orders.Work[inbox.NoTx]) error {
	if !isText(scope.Payments...) {
		return errText
	}
	return s.Store.Update(ctx, scope, work)
}

func (s strict) Locate(ctx context.Context, ids ...jovepay.ID) (map[jovepay.ID]string, error) {
	if !isText(ids...) {
		return nil, errText
	}
	return s.Store.Locate(ctx, ids...)
}

func (s strict) Parts(ctx context.Context, q orders.PartQuery) ([]orders.Part, error) {
	if !isText(jovepay.ID(q.ID)) {
		return nil, errText
	}
	return s.Store.Parts(ctx, q)
}

// News of money is recorded, whatever else it says.
func TestHostileMembers(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*jovepay.Payment){
		"parent with NUL":      func(p *jovepay.Payment) { p.ParentPaymentID = "1\x00" },
		"parent not UTF-8":     func(p *jovepay.Payment) { p.ParentPaymentID = "1\xff" },
		"parent without order": func(p *jovepay.Payment) { p.ParentPaymentID, p.OrderID = "1\x00", "" },
		"order id with NUL":    func(p *jovepay.Payment) { p.OrderID = "a\x00" },
		"member with names twice": func(p *jovepay.Payment) {
			p.ActuallyPaid, p.Extra = jovepay.Amount{}, extra("actually_paid", `{"a":1,"a":2}`)
		},
		"member that is not UTF-8": func(p *jovepay.Payment) {
			p.ActuallyPaid, p.Extra = jovepay.Amount{}, extra("actually_paid", "\"\xff\"")
		},
		"name that is not UTF-8":     func(p *jovepay.Payment) { p.Extra = extra("refunded\xff_amount", "1") },
		"refund that is not a value": func(p *jovepay.Payment) { p.Extra = extra("refunded_amount", `{"a":1,"a":2}`) },
		"status not UTF-8":           func(p *jovepay.Payment) { p.Status = "FINISHED\xff" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			b := r.bookOn(r.client, strict{r.store})
			r.place(b, "a")
			p := &jovepay.Payment{
				ID: "77", OrderID: "a", Status: jovepay.PaymentFinished, PriceAmount: jovepay.MustAmount("49.99"), PriceCurrency: "usd",
				PayAmount: jovepay.MustAmount("5"), ActuallyPaid: jovepay.MustAmount("5"), PayCurrency: "btc",
			}
			change(p)
			require.NoError(t, b.Handle(t.Context(), p.Event()))
			require.NoError(t, b.Handle(t.Context(), p.Event()), "what was stored can be read")
			sums := sums(t, b)
			if len(p.Extra) == 0 {
				require.Len(t, sums, 1)
				assert.Equal(t, "5", sums[0].Amount.String())
			}
		})
	}
}

func extra(name, value string) map[string]json.RawMessage {
	return map[string]json.RawMessage{name: json.RawMessage(value)}
}

func sums(t *testing.T, b *book) []orders.Balance {
	t.Helper()
	s, err := b.Statement(t.Context(), time.Time{}, time.Time{})
	require.NoError(t, err)
	sums, err := s.Sums(t.Context())
	require.NoError(t, err)
	return sums
}

func TestResolveHostileID(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.bookOn(r.client, strict{r.store})
	for _, id := range []string{"", "x", "case_\x00", "\xff"} {
		_, err := b.Resolve(t.Context(), id, orders.Resolution{Decision: orders.DecisionAccept, Reason: orders.Reason{By: "kim", Why: "it is fine"}})
		assert.ErrorIs(t, err, orders.ErrNotFound, "%q", id)
	}
}

// Creates that are lost at the same time are looked up together.
func TestLostTogetherShareThePass(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.book(orders.WithTimes(5*time.Second, time.Second, 2*time.Second))
	require.NoError(t, r.server.Inject(jovepaytest.Fault{Method: http.MethodPost, Path: "/v1/payment", AfterEffect: true, Cut: true}))
	for i := range 30 {
		r.place(b, fmt.Sprint("order-", i))
	}
	before := r.server.Count(http.MethodGet, "/v1/payment/")
	var group sync.WaitGroup
	for i := range 30 {
		group.Go(func() { _, _ = b.Pay(t.Context(), fmt.Sprint("order-", i), "btc") })
	}
	group.Wait()
	assert.LessOrEqual(t, r.server.Count(http.MethodGet, "/v1/payment/")-before, 3)
}

// A statement that is read by a hook is a call of the book.
func TestStatementInHook(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.hooks()
	var s *orders.Statement
	var got error
	h.Fulfill = func(ctx context.Context, _ inbox.NoTx, _ *orders.Order) error {
		_, got = s.Sums(ctx)
		return nil
	}
	b, err := orders.New(r.client, r.store, h)
	require.NoError(t, err)
	s, err = b.Statement(t.Context(), time.Time{}, time.Time{})
	require.NoError(t, err)
	r.place(b, "a")
	shown, err := b.Pay(t.Context(), "a", "btc")
	require.NoError(t, err)
	p, err := r.server.Pay(shown.ID)
	r.news(b, p, err)
	require.ErrorIs(t, got, orders.ErrInHook)
}

// The shop's own function that panics does not end the process.
func TestPanicInPaymentRequest(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.book(orders.WithPaymentRequest(func(*jovepay.PaymentRequest) { panic("no rate") }))
	r.place(b, "a")
	_, err := b.Pay(t.Context(), "a", "btc")
	require.ErrorContains(t, err, "no rate")
	assert.Empty(t, r.made("a"))
}
