package engine_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/internal/emulator/engine"
)

// crowd is a world of payments that differ, some of them made while the clock
// stood still or was set back.
func crowd(t *testing.T) (*world, int64) {
	t.Helper()
	w := newWorld(t, engine.Config{Seed: 5})
	invoice, err := w.CreateInvoice(engine.InvoiceRequest{PriceAmount: dec("20"), PriceCurrency: "usd"})
	require.NoError(t, err)
	random := rand.New(rand.NewPCG(1, 2))
	coins := w.Currencies()
	for i := range 137 {
		w.pass(time.Duration(random.IntN(5)-1) * time.Hour)
		coin := coins[random.IntN(len(coins))].Ticker
		if i%5 == 0 {
			_, err := w.PayInvoice(invoice.ID, coin)
			require.NoError(t, err)
			continue
		}
		p := w.createAs(t, func(r *engine.PaymentRequest) {
			r.PayCurrency = coin
			r.PriceAmount = dec(fmt.Sprint(10 + random.IntN(90)))
			r.OrderID = fmt.Sprintf("order-%d", random.IntN(1000))
		})
		for range random.IntN(6) {
			_, _ = w.Advance(p.ID)
		}
	}
	w.pass(time.Hour)
	return w, invoice.ID
}

func TestListPagesAreTheWholeListCut(t *testing.T) {
	t.Parallel()
	w, invoice := crowd(t)
	all := w.Payments()
	require.True(t, slices.IsSortedFunc(all, func(a, b engine.Payment) int { return a.CreatedAt.Compare(b.CreatedAt) }))
	from, to := all[20].CreatedAt, all[90].CreatedAt
	for _, o := range []engine.ListOptions{
		{}, {Descending: true}, {From: from}, {To: to}, {From: from, To: to}, {From: from, To: to, Descending: true},
		{InvoiceID: invoice}, {InvoiceID: invoice, From: from, To: to, Descending: true}, {InvoiceID: 1},
		{From: to.AddDate(1, 0, 0)}, {To: from.AddDate(-1, 0, 0)}, {From: from, To: from},
	} {
		var want []engine.Payment
		for _, p := range all {
			if (o.From.IsZero() || !p.CreatedAt.Before(o.From)) && (o.To.IsZero() || !p.CreatedAt.After(o.To)) &&
				(o.InvoiceID == 0 || p.InvoiceID == o.InvoiceID) {
				want = append(want, p)
			}
		}
		if o.Descending {
			slices.Reverse(want)
		}
		for _, limit := range []int{1, 7, 50, 137, 500} {
			o.Limit = limit
			var got []engine.Payment
			for o.Page = 0; ; o.Page++ {
				page, err := w.List(o)
				require.NoError(t, err)
				require.Equal(t, len(want), page.Total)
				if len(page.Payments) == 0 {
					break
				}
				got = append(got, page.Payments...)
			}
			require.Equal(t, want, got, "%+v", o)
		}
	}
}

func TestListSorts(t *testing.T) {
	t.Parallel()
	w, _ := crowd(t)
	all := w.Payments()
	for field, order := range map[string]func(a, b engine.Payment) int{
		"created_at":        func(a, b engine.Payment) int { return a.CreatedAt.Compare(b.CreatedAt) },
		"payment_id":        func(a, b engine.Payment) int { return cmp.Compare(a.ID, b.ID) },
		"payment_status":    func(a, b engine.Payment) int { return cmp.Compare(a.Status, b.Status) },
		"pay_address":       func(a, b engine.Payment) int { return cmp.Compare(a.PayAddress, b.PayAddress) },
		"price_amount":      func(a, b engine.Payment) int { return a.PriceAmount.Cmp(b.PriceAmount) },
		"price_currency":    func(a, b engine.Payment) int { return cmp.Compare(a.PriceCurrency, b.PriceCurrency) },
		"pay_amount":        func(a, b engine.Payment) int { return a.PayAmount.Cmp(b.PayAmount) },
		"actually_paid":     func(a, b engine.Payment) int { return a.ActuallyPaid.Cmp(b.ActuallyPaid) },
		"pay_currency":      func(a, b engine.Payment) int { return cmp.Compare(a.PayCurrency, b.PayCurrency) },
		"order_id":          func(a, b engine.Payment) int { return cmp.Compare(a.OrderID, b.OrderID) },
		"order_description": func(a, b engine.Payment) int { return cmp.Compare(a.OrderDescription, b.OrderDescription) },
		"purchase_id":       func(a, b engine.Payment) int { return cmp.Compare(a.PurchaseID, b.PurchaseID) },
		"outcome_amount":    func(a, b engine.Payment) int { return a.OutcomeAmount.Cmp(b.OutcomeAmount) },
		"outcome_currency":  func(a, b engine.Payment) int { return cmp.Compare(a.PayoutCurrency, b.PayoutCurrency) },
	} {
		t.Run(field, func(t *testing.T) {
			t.Parallel()
			want := slices.Clone(all)
			slices.SortStableFunc(want, order)
			up, err := w.List(engine.ListOptions{Limit: 500, SortBy: field})
			require.NoError(t, err)
			assert.Equal(t, want, up.Payments)
			down, err := w.List(engine.ListOptions{Limit: 500, SortBy: field, Descending: true})
			require.NoError(t, err)
			slices.Reverse(want)
			assert.Equal(t, want, down.Payments)
		})
	}
}

func TestListRejects(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{})
	day := w.now
	for message, o := range map[string]engine.ListOptions{
		"limit must be from 1 to 500":              {Limit: 0},
		"limit must be from 1 to 500 ":             {Limit: 501},
		"page must not be negative":                {Limit: 1, Page: -1},
		"dateFrom must not be after dateTo":        {Limit: 1, From: day, To: day.Add(-1)},
		`sortBy "color" is not a field to sort by`: {Limit: 1, SortBy: "color"},
	} {
		_, err := w.List(o)
		requireCode(t, engine.CodeInvalidParams, err)
		assert.Contains(t, message, err.Error())
	}
	page, err := w.List(engine.ListOptions{Limit: 500, Page: int(^uint(0) >> 1)})
	require.NoError(t, err)
	assert.Empty(t, page.Payments)
}

func TestPreload(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{})
	require.NoError(t, w.Preload(1000))
	all := w.Payments()
	require.Len(t, all, 1000)
	assert.Equal(t, w.Now(), all[999].CreatedAt)
	assert.Equal(t, w.Now().Add(-999*time.Second), all[0].CreatedAt)
	for _, p := range all {
		require.Equal(t, engine.PaymentFinished, p.Status)
		require.False(t, p.OutcomeAmount.IsZero())
	}
	w.pass(365 * 24 * time.Hour)
	assert.Equal(t, all, w.Payments(), "they are at rest")
}

// A page in the middle of a million costs what a page of a thousand costs.
func BenchmarkList(b *testing.B) {
	for _, n := range []int{1_000, 1_000_000} {
		e, err := engine.New(engine.Config{})
		require.NoError(b, err)
		require.NoError(b, e.Preload(n))
		for _, descending := range []bool{false, true} {
			b.Run(fmt.Sprintf("payments=%d/descending=%t", n, descending), func(b *testing.B) {
				o := engine.ListOptions{Limit: 500, Page: n / 500 / 2, Descending: descending}
				for b.Loop() {
					page, err := e.List(o)
					if err != nil || len(page.Payments) != 500 {
						b.Fatal(err, len(page.Payments))
					}
				}
			})
		}
	}
}

func BenchmarkPreload(b *testing.B) {
	for b.Loop() {
		e, err := engine.New(engine.Config{})
		require.NoError(b, err)
		require.NoError(b, e.Preload(100_000))
	}
}

func BenchmarkCreate(b *testing.B) {
	e, err := engine.New(engine.Config{})
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.CreatePayment(request()); err != nil {
			b.Fatal(err)
		}
	}
}
