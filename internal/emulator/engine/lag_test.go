package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/internal/emulator/engine"
)

// listed is the whole list, as it is now.
func (w *world) listed(t *testing.T, sortBy string) []engine.Payment {
	t.Helper()
	page, err := w.List(engine.ListOptions{Limit: engine.MaxLimit, SortBy: sortBy})
	require.NoError(t, err)
	require.Len(t, page.Payments, page.Total)
	return page.Payments
}

// The list with a lag is, at any time, what a list without one was that long ago.
func TestTheListLags(t *testing.T) {
	t.Parallel()
	const lag = 10
	for _, sortBy := range []string{"created_at", "payment_status", "actually_paid", "payment_id"} {
		t.Run(sortBy, func(t *testing.T) {
			t.Parallel()
			late := newWorld(t, engine.Config{StepEvery: 3 * time.Minute, ListLag: lag * time.Minute})
			current := newWorld(t, engine.Config{StepEvery: 3 * time.Minute})
			lates, currents := story(t, late), story(t, current)
			var was []string // by the minute
			for minute := range 40 {
				if minute < len(lates) {
					lates[minute]()
					currents[minute]()
				}
				was = append(was, text(t, current.listed(t, sortBy)))
				want := "[]"
				if minute >= lag {
					want = was[minute-lag]
				}
				require.Equal(t, want, text(t, late.listed(t, sortBy)), "minute %d", minute)
				late.pass(time.Minute)
				current.pass(time.Minute)
			}
			assert.Equal(t, text(t, current.Payments()), text(t, late.Payments()), "each payment by itself is current")
		})
	}
}

// story is what happens to two payments, by the minute.
func story(t *testing.T, w *world) []func() {
	t.Helper()
	var first, second engine.Payment
	must := func(_ engine.Payment, err error) { require.NoError(t, err) }
	return []func(){
		func() { first = w.create(t) },
		func() { must(w.Deposit(first.ID, dec("0.001"))) },
		func() { second = w.create(t) },
		func() { must(w.Deposit(first.ID, dec("0.0002"))) }, // a child
		func() { must(w.Expire(second.ID)) },
		func() { // all in one moment
			must(w.DepositLate(second.ID, dec("0.0001")))
			must(w.Advance(second.ID))
			must(w.Refund(second.ID, dec("0.00005")))
		},
		func() { must(w.DepositWrongAsset(second.ID, "ltc", dec("1"))) },
		func() { must(w.SetStatus(first.ID, "frozen")) },
		func() { w.createAs(t, func(r *engine.PaymentRequest) { r.Case = engine.CaseSuccess }) },
	}
}

func TestPagesAndDatesLagToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{ListLag: time.Hour})
	invoice, err := w.CreateInvoice(engine.InvoiceRequest{PriceAmount: dec("20"), PriceCurrency: "usd", PayCurrency: "btc"})
	require.NoError(t, err)
	start := w.Now()
	for range 4 {
		_, err := w.PayInvoice(invoice.ID, "")
		require.NoError(t, err)
		w.pass(30 * time.Minute)
	}
	for name, c := range map[string]struct {
		o     engine.ListOptions
		total int
		ages  []time.Duration // of the page
	}{
		"all":           {engine.ListOptions{Limit: 2}, 3, []time.Duration{0, 30 * time.Minute}},
		"the last page": {engine.ListOptions{Limit: 2, Page: 1}, 3, []time.Duration{time.Hour}},
		"latest first":  {engine.ListOptions{Limit: 1, Descending: true}, 3, []time.Duration{time.Hour}},
		"an invoice's":  {engine.ListOptions{Limit: 1, InvoiceID: invoice.ID, Descending: true}, 3, []time.Duration{time.Hour}},
		"until earlier": {engine.ListOptions{Limit: 9, To: start.Add(time.Minute)}, 1, []time.Duration{0}},
		"until later":   {engine.ListOptions{Limit: 9, To: start.Add(24 * time.Hour)}, 3, []time.Duration{0, 30 * time.Minute, time.Hour}},
		"from later":    {engine.ListOptions{Limit: 9, From: start.Add(61 * time.Minute)}, 0, nil},
	} {
		page, err := w.List(c.o)
		require.NoError(t, err)
		var ages []time.Duration
		for _, p := range page.Payments {
			ages = append(ages, p.CreatedAt.Sub(start))
		}
		assert.Equal(t, c.total, page.Total, name)
		assert.Equal(t, c.ages, ages, name)
	}
}

// Of what happened before the lag was set, creations alone are late; and when it
// ends, everything is there.
func TestSetListLag(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{})
	old := w.create(t)
	w.pass(time.Hour)
	_, err := w.Deposit(old.ID, dec("0.001"))
	require.NoError(t, err)
	fresh := w.create(t)
	require.NoError(t, w.SetListLag(time.Minute))
	page := w.listed(t, "")
	require.Len(t, page, 1)
	assert.Equal(t, engine.PaymentConfirming, page[0].Status)
	_, err = w.Advance(old.ID)
	require.NoError(t, err)
	assert.Equal(t, engine.PaymentConfirming, w.listed(t, "")[0].Status)
	got, err := w.Payment(old.ID)
	require.NoError(t, err)
	assert.Equal(t, engine.PaymentConfirmed, got.Status)
	require.NoError(t, w.SetListLag(0))
	page = w.listed(t, "")
	require.Len(t, page, 2)
	assert.Equal(t, fresh.ID, page[1].ID)
	assert.Equal(t, engine.PaymentConfirmed, page[0].Status)
	require.NoError(t, w.SetListLag(time.Minute))
	assert.Equal(t, engine.PaymentConfirmed, w.listed(t, "")[0].Status, "what was before is forgotten")
	requireCode(t, engine.CodeInvalidParams, w.SetListLag(-1))
	requireCode(t, engine.CodeInvalidParams, w.SetListLag(200*365*24*time.Hour))
}
