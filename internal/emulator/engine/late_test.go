package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/internal/emulator/engine"
)

// A late create makes nothing before its time, and then what it would have made,
// at the prices of that time and dated by it.
func TestLateCreate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{})
	heard := w.listen()
	start := w.Now()
	w.CreatePaymentLater(request(), 3*time.Minute)
	w.CreateInvoiceLater(engine.InvoiceRequest{PriceAmount: dec("5"), PriceCurrency: "usd", OrderID: "order-2"}, time.Minute)
	wait, due := w.CatchUp()
	assert.True(t, due)
	assert.Equal(t, time.Minute, wait, "the first is due first")
	require.NoError(t, w.SetPrice("btc", dec("128000")))
	w.pass(3*time.Minute - time.Millisecond)
	assert.Empty(t, w.Payments())
	assert.Empty(t, *heard)
	w.pass(time.Millisecond)
	w.pass(time.Hour) // nobody calls in the meantime

	payments := w.Payments()
	require.Len(t, payments, 1)
	assert.Equal(t, "0.0005", payments[0].PayAmount.String())
	assert.Equal(t, start.Add(3*time.Minute), payments[0].CreatedAt)
	assert.Equal(t, start.Add(3*time.Minute+7*24*time.Hour), payments[0].ExpiresAt)
	assert.Equal(t, []string{"waiting"}, statuses(*heard))

	creates := w.LateCreates()
	require.Len(t, creates, 2)
	assert.Equal(t, payments[0].ID, creates[0].MadeID)
	invoice, err := w.Invoice(creates[1].MadeID)
	require.NoError(t, err)
	assert.Equal(t, "order-2", invoice.OrderID)
	assert.Equal(t, start.Add(time.Minute), invoice.CreatedAt)
	w.pass(30 * 24 * time.Hour)
	assert.Len(t, w.Payments(), 1, "it takes effect once")
}

// What falls due happens in order, whatever it is.
func TestLateCreatesAreInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{StepEvery: time.Minute})
	p := w.create(t)
	_, err := w.Deposit(p.ID, dec("0.001"))
	require.NoError(t, err)
	for _, c := range []struct {
		order string
		after time.Duration
	}{{"third", 2 * time.Minute}, {"first", 30 * time.Second}, {"second", time.Minute}, {"fourth", 2 * time.Minute}} {
		req := request()
		req.OrderID = c.order
		w.CreatePaymentLater(req, c.after)
	}
	heard := w.listen()
	_, err = w.MoveClock(2 * time.Minute)
	require.NoError(t, err)
	var got []string
	for _, h := range *heard {
		got = append(got, h.payment.OrderID+" "+h.payment.Status)
	}
	assert.Equal(t, []string{
		"first waiting", "order-1 confirmed", "second waiting", "order-1 sending", "third waiting", "fourth waiting",
	}, got)
}

// A create that is invalid when it takes effect makes nothing.
func TestLateCreateIsChecked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{})
	w.CreatePaymentLater(request(), time.Minute)
	w.CreateInvoiceLater(engine.InvoiceRequest{PriceAmount: dec("5"), PriceCurrency: "zzz"}, time.Minute)
	require.NoError(t, w.SetCurrencies("eth"))
	w.pass(time.Minute)
	assert.Empty(t, w.Payments())
	for _, c := range w.LateCreates() {
		assert.True(t, c.Done)
		assert.Zero(t, c.MadeID)
	}
}

// A late create survives the process, and takes effect when it is due.
func TestRestoreKeepsLateCreates(t *testing.T) {
	t.Parallel()
	w, s := kept(t)
	again := newWorld(t, engine.Config{})
	require.NoError(t, again.Restore(s.records()))
	before := len(again.Payments())
	again.pass(time.Hour - time.Millisecond)
	assert.Len(t, again.Payments(), before)
	again.pass(time.Millisecond)
	assert.Len(t, again.Payments(), before+1)
	w.pass(time.Hour)
	assert.Equal(t, text(t, w.Payments()), text(t, again.Payments()), "as if nothing had been between")
	assert.Equal(t, text(t, w.LateCreates()), text(t, again.LateCreates()))
}
