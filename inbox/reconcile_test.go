package inbox_test

import (
	"context"
	"errors"
	"iter"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

// list yields the payments, and then err if there is one.
func list(err error, payments ...*jovepay.Payment) iter.Seq2[*jovepay.Payment, error] {
	return func(yield func(*jovepay.Payment, error) bool) {
		for _, p := range payments {
			if !yield(p, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

func of(e *jovepay.PaymentEvent) *jovepay.Payment { return &e.Payment }

func TestReconcile(t *testing.T) {
	t.Parallel()
	store := &counting{}
	box := inbox.New(store)
	for _, e := range []*jovepay.PaymentEvent{
		payment("1", jovepay.PaymentFinished),
		payment("2", jovepay.PaymentConfirming),
		payment("3", jovepay.PaymentRefunded),
	} {
		_, err := box.Process(t.Context(), e, nothing)
		require.NoError(t, err)
	}
	store.applies = 0

	var applied []string
	payments := list(nil,
		of(payment("1", jovepay.PaymentFinished)),
		of(payment("2", jovepay.PaymentFinished)),
		of(payment("3", jovepay.PaymentFinished)),
		of(payment("4", jovepay.PaymentFinished)),
	)
	report, err := box.Reconcile(t.Context(), payments, func(_ context.Context, _ inbox.NoTx, event jovepay.Event) error {
		applied = append(applied, string(event.(*jovepay.PaymentEvent).ID))
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, inbox.Report{Seen: 4, Applied: 2, Already: 1, Outdated: 1}, report)
	assert.Equal(t, []string{"2", "4"}, applied)
	assert.Equal(t, 2, store.applies, "one lookup and no more for what is applied")
	assert.Equal(t, 4, store.lookups)

	report, err = box.Reconcile(t.Context(), payments, nothing)
	require.NoError(t, err)
	assert.Equal(t, inbox.Report{Seen: 4, Already: 3, Outdated: 1}, report)
	assert.Equal(t, 2, store.applies)
}

// counting is a Memory that counts calls.
type counting struct {
	inbox.Memory
	applies, lookups int
}

func (c *counting) Apply(ctx context.Context, e inbox.Entry, apply func(context.Context, inbox.NoTx) error) (inbox.Outcome, error) {
	c.applies++
	return c.Memory.Apply(ctx, e, apply)
}

func (c *counting) Lookup(ctx context.Context, e inbox.Entry) (inbox.Outcome, error) {
	c.lookups++
	return c.Memory.Lookup(ctx, e)
}

func TestReconcileGoesOn(t *testing.T) {
	t.Parallel()
	errShop := errors.New("out of stock")
	var payments []*jovepay.Payment
	for i := range 30 {
		payments = append(payments, of(payment(jovepay.ID(strconv.Itoa(i)), jovepay.PaymentFinished)))
	}
	payments = append(payments, of(payment("", jovepay.PaymentFinished)))
	box := inbox.New(new(inbox.Memory))
	report, err := box.Reconcile(t.Context(), list(nil, payments...), func(_ context.Context, _ inbox.NoTx, event jovepay.Event) error {
		if strings.HasPrefix(string(event.(*jovepay.PaymentEvent).ID), "1") {
			return errShop
		}
		return nil
	})
	assert.Equal(t, inbox.Report{Seen: 31, Applied: 19, Failed: 12}, report)
	require.ErrorIs(t, err, errShop)
	lines := strings.Split(err.Error(), "\n")
	require.Len(t, lines, 11)
	assert.Equal(t, "inbox: payment:1: out of stock", lines[0])
	assert.Equal(t, "inbox: payment:18: out of stock", lines[9])
	assert.Equal(t, "inbox: 2 more payments failed", lines[10])

	report, err = box.Reconcile(t.Context(), list(nil, payments...), nothing)
	require.ErrorIs(t, err, inbox.ErrUnprocessable)
	assert.Equal(t, inbox.Report{Seen: 31, Applied: 11, Already: 19, Failed: 1}, report)
}

// A payment that cannot be read fails alone: the list's other payments are
// applied, and it is counted and reported.
func TestReconcileContinuesPastWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	errRow := errors.New("row 2 cannot be read")
	negative := payment("3", jovepay.PaymentFinished, paid("-1"))
	rows := func(yield func(*jovepay.Payment, error) bool) {
		_ = yield(of(payment("1", jovepay.PaymentFinished)), nil) &&
			yield(nil, errRow) &&
			yield(nil, nil) &&
			yield(of(negative), nil) &&
			yield(&jovepay.Payment{}, nil) &&
			yield(of(payment("4", jovepay.PaymentFinished)), nil)
	}
	report, err := inbox.New(new(inbox.Memory)).Reconcile(t.Context(), rows, nothing)
	assert.Equal(t, inbox.Report{Seen: 6, Applied: 2, Failed: 4}, report)
	require.ErrorIs(t, err, errRow)
	require.ErrorIs(t, err, inbox.ErrUnprocessable)
	assert.Equal(t, []string{
		"inbox: payment list: row 2 cannot be read",
		"inbox: event cannot be processed: the list has no payment here",
		"inbox: event cannot be processed: payment:3: amount -1 is negative",
		"inbox: event cannot be processed: payment without id",
	}, strings.Split(err.Error(), "\n"))
}

// A list that only ever yields errors ends with the context.
func TestReconcileEndsWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	errRow := errors.New("row cannot be read")
	yielded := 0
	report, err := inbox.New(new(inbox.Memory)).Reconcile(ctx, func(yield func(*jovepay.Payment, error) bool) {
		for yield(nil, errRow) {
			if yielded++; yielded == 50 {
				cancel()
			}
		}
	}, nothing)
	assert.Equal(t, inbox.Report{Seen: 50, Failed: 50}, report)
	require.ErrorIs(t, err, errRow)
	assert.Len(t, strings.Split(err.Error(), "\n"), 12)
}

func TestReconcileStops(t *testing.T) {
	t.Parallel()
	two := []*jovepay.Payment{of(payment("1", jovepay.PaymentFinished)), of(payment("2", jovepay.PaymentFinished))}

	t.Run("list fails", func(t *testing.T) {
		t.Parallel()
		errList := errors.New("page 7 cannot be read")
		report, err := inbox.New(new(inbox.Memory)).Reconcile(t.Context(), list(errList, two...), nothing)
		require.ErrorIs(t, err, errList)
		require.EqualError(t, err, "inbox: payment list: page 7 cannot be read")
		assert.Equal(t, inbox.Report{Seen: 2, Applied: 2}, report)
	})
	t.Run("context ends", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		report, err := inbox.New(new(inbox.Memory)).Reconcile(ctx, list(nil, two...), func(context.Context, inbox.NoTx, jovepay.Event) error {
			cancel()
			return nil
		})
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, inbox.Report{Seen: 1, Failed: 1}, report)
	})
	t.Run("store is down", func(t *testing.T) {
		t.Parallel()
		report, err := inbox.New(downStore{}).Reconcile(t.Context(), list(nil, two...), nothing)
		require.ErrorIs(t, err, errStore)
		assert.Equal(t, inbox.Report{Seen: 2, Failed: 2}, report)
	})
	t.Run("nothing there", func(t *testing.T) {
		t.Parallel()
		report, err := inbox.New(downStore{}).Reconcile(t.Context(), list(nil), nothing)
		require.NoError(t, err)
		assert.Zero(t, report)
	})
}

// Notifications come three times, shuffled and at the same time, and two thirds
// of them never; then four replicas reconcile at once. Each state is applied at
// most once, in order, and the last one of each payment is: a payment in
// JovePay's list is the same event as its notification.
func TestReconcileAgainstServer(t *testing.T) {
	t.Parallel()
	for name, behavior := range map[string]jovepaytest.IPNBehavior{
		"guide":   {Copies: 3, Shuffle: 6, AtOnce: true, Lose: jovepaytest.Hits{Percent: 70}},
		"plugins": {Copies: 3, Lose: jovepaytest.Hits{Percent: 70}, CamelCase: true, Forms: []jovepay.IPNForm{jovepay.FormRaw}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, err := jovepaytest.NewServer()
			require.NoError(t, err)
			t.Cleanup(server.Close)
			require.NoError(t, server.SetIPN(behavior))
			client, err := server.Client()
			require.NoError(t, err)
			verifier, err := jovepay.NewIPNVerifier(server.IPNSecret)
			require.NoError(t, err)

			var history histories
			box := inbox.New(new(inbox.Memory))
			shop := httptest.NewServer(verifier.Handler(box.Once(history.add)))
			t.Cleanup(shop.Close)
			const orders = 20
			sell(t, server, client, shop.URL, orders)
			require.NoError(t, server.WaitDeliveries(t.Context()))
			missed := orders - history.count(jovepay.PaymentFinished)
			require.NotZero(t, missed)

			since := jovepay.PaymentListOptions{DateFrom: time.Now().Add(-time.Hour), Limit: 7}
			reports := make([]inbox.Report, 4)
			var replicas sync.WaitGroup
			for i := range reports {
				replicas.Go(func() {
					var err error
					reports[i], err = box.Reconcile(t.Context(), client.Payments.All(t.Context(), since), history.add)
					assert.NoError(t, err)
				})
			}
			replicas.Wait()
			var sum inbox.Report
			for _, r := range reports {
				sum = inbox.Report{Seen: sum.Seen + r.Seen, Applied: sum.Applied + r.Applied, Already: sum.Already + r.Already, Outdated: sum.Outdated + r.Outdated}
			}
			assert.Equal(t, inbox.Report{Seen: 4 * orders, Applied: missed, Already: 4*orders - missed}, sum)
			history.check(t, orders)
		})
	}
}

// sell creates the given number of orders and pays them.
func sell(t *testing.T, server *jovepaytest.Server, client *jovepay.Client, callback string, orders int) {
	t.Helper()
	for i := range orders {
		p, err := client.Payments.Create(t.Context(), jovepay.PaymentRequest{
			PriceAmount: jovepay.MustAmount("64"), PriceCurrency: "usd", PayCurrency: "btc",
			OrderID: "order-" + strconv.Itoa(i), IPNCallbackURL: callback,
		})
		require.NoError(t, err)
		_, err = server.Pay(p.ID)
		require.NoError(t, err)
	}
}

// histories are the statuses that were applied to each order.
type histories struct {
	mu     sync.Mutex
	orders map[string][]jovepay.PaymentStatus
}

func (h *histories) add(_ context.Context, _ inbox.NoTx, event jovepay.Event) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.orders == nil {
		h.orders = map[string][]jovepay.PaymentStatus{}
	}
	p := event.(*jovepay.PaymentEvent)
	h.orders[p.OrderID] = append(h.orders[p.OrderID], p.Status)
	return nil
}

func (h *histories) count(status jovepay.PaymentStatus) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, statuses := range h.orders {
		if slices.Contains(statuses, status) {
			n++
		}
	}
	return n
}

// check wants every order finished, by parts of a life in order.
func (h *histories) check(t *testing.T, orders int) {
	t.Helper()
	life := []jovepay.PaymentStatus{
		jovepay.PaymentWaiting, jovepay.PaymentConfirming, jovepay.PaymentConfirmed, jovepay.PaymentSending, jovepay.PaymentFinished,
	}
	assert.Len(t, h.orders, orders)
	for order, statuses := range h.orders {
		last := -1
		for _, status := range statuses {
			i := slices.Index(life, status)
			assert.Greater(t, i, last, "%s: %v", order, statuses)
			last = i
		}
		assert.Equal(t, len(life)-1, last, "%s: %v", order, statuses)
	}
}
