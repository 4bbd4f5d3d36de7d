package engine_test

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/internal/emulator/engine"
)

func TestAdvanceWalksToTheEnd(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ paid, last, outcome string }{
		"exact": {"0.001", engine.PaymentFinished, "63.68"},
		"over":  {"0.0015", engine.PaymentFinished, "95.52"},
		"under": {"0.00099999", engine.PaymentPartiallyPaid, "63.679363"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, engine.Config{})
			created := w.create(t)
			p, err := w.Deposit(created.ID, dec(c.paid))
			require.NoError(t, err)
			assert.Equal(t, created.ID, p.ID)
			assert.Equal(t, c.paid, p.ActuallyPaid.String())
			assert.Len(t, p.PayinHash(), 64)
			statuses := []string{p.Status}
			for p.Status != c.last {
				assert.Empty(t, p.PayoutHash())
				w.pass(time.Minute)
				p, err = w.Advance(p.ID)
				require.NoError(t, err)
				assert.Equal(t, w.Now(), p.UpdatedAt)
				statuses = append(statuses, p.Status)
			}
			assert.Equal(t, []string{"confirming", "confirmed", "sending", c.last}, statuses)
			assert.Equal(t, c.outcome, p.OutcomeAmount.String(), "what came, less the fee")
			assert.Len(t, p.PayoutHash(), 64)
			_, err = w.Advance(p.ID)
			requireCode(t, engine.CodeFinalStatus, err)
		})
	}
}

func TestAdvancePaysAWaitingPayment(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{})
	p, err := w.Advance(w.create(t).ID)
	require.NoError(t, err)
	assert.Equal(t, engine.PaymentConfirming, p.Status)
	assert.True(t, p.ActuallyPaid.Equal(p.PayAmount))
}

func TestDepositRejects(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{})
	p := w.create(t)
	for _, amount := range []string{"-1", "0.000000001", "1e40"} {
		_, err := w.Deposit(p.ID, dec(amount))
		requireCode(t, engine.CodeInvalidParams, err)
	}
	after, err := w.Payment(p.ID)
	require.NoError(t, err)
	assert.Equal(t, p, after)
}

func TestLaterDepositsBecomeChildren(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"confirming", "finished", "partially_paid", "expired", "failed", "cancelled"} {
		t.Run(status, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, engine.Config{})
			invoice, err := w.CreateInvoice(engine.InvoiceRequest{PriceAmount: dec("52"), PriceCurrency: "usd"})
			require.NoError(t, err)
			parent, err := w.PayInvoice(invoice.ID, "xrp")
			require.NoError(t, err)
			_, err = w.SetStatus(parent.ID, status)
			require.NoError(t, err)

			w.pass(time.Hour)
			child, err := w.Deposit(parent.ID, dec("10"))
			require.NoError(t, err)
			assert.Equal(t, engine.PaymentConfirming, child.Status)
			assert.Equal(t, parent.ID, child.ParentID)
			assert.Equal(t, invoice.ID, child.InvoiceID)
			assert.Equal(t, parent.OrderID, child.OrderID)
			assert.NotEqual(t, parent.PurchaseID, child.PurchaseID)
			assert.Equal(t, parent.PayAddress, child.PayAddress)
			assert.Equal(t, parent.PayinExtraID, child.PayinExtraID)
			assert.Equal(t, "10", child.PayAmount.String())
			assert.Equal(t, "5.2", child.PriceAmount.String())

			w.pass(time.Hour)
			grandchild, err := w.Deposit(child.ID, decimal.Decimal{})
			require.NoError(t, err)
			assert.Equal(t, parent.ID, grandchild.ParentID, "all are children of the first")

			after, err := w.Payment(parent.ID)
			require.NoError(t, err)
			assert.Equal(t, []int64{child.ID, grandchild.ID}, after.ChildIDs)
			assert.Equal(t, status, after.Status)
			assert.Equal(t, w.Now(), after.UpdatedAt)
			assert.True(t, after.ActuallyPaid.IsZero(), "a child's coins are its own")
		})
	}
}

func TestSetStatus(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{})
	p := w.create(t)
	over := w.Now().Add(time.Second) // refunded, whatever comes later
	for _, status := range []string{"refunded", "cancelled", "on_hold", "finished"} {
		w.pass(time.Second)
		after, err := w.SetStatus(p.ID, status)
		require.NoError(t, err)
		want := p
		want.Status, want.UpdatedAt, want.OverAt = status, w.Now(), over
		assert.Equal(t, want, after, "nothing but the status changes")
		_, err = w.Advance(p.ID)
		requireCode(t, engine.CodeFinalStatus, err)
	}
	for _, status := range []string{"", string(make([]byte, 65))} {
		_, err := w.SetStatus(p.ID, status)
		requireCode(t, engine.CodeInvalidParams, err)
	}
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{})
	plain := w.create(t)
	fixed := w.createAs(t, func(r *engine.PaymentRequest) { r.FixedRate = true })
	paid := w.createAs(t, func(r *engine.PaymentRequest) { r.FixedRate = true })
	_, err := w.Deposit(paid.ID, decimal.Decimal{})
	require.NoError(t, err)

	status := func(p engine.Payment) string {
		now, err := w.Payment(p.ID)
		require.NoError(t, err)
		return now.Status
	}
	w.pass(20*time.Minute - time.Millisecond)
	assert.Equal(t, engine.PaymentWaiting, status(fixed))
	w.pass(time.Hour)
	assert.Equal(t, engine.PaymentExpired, status(fixed))
	assert.Equal(t, engine.PaymentWaiting, status(plain))
	assert.Equal(t, engine.PaymentConfirming, status(paid), "paid in time")

	expired, err := w.Payment(fixed.ID)
	require.NoError(t, err)
	assert.Equal(t, fixed.ExpiresAt, expired.UpdatedAt, "when it was due, not when it was seen")

	again, err := w.SetStatus(fixed.ID, engine.PaymentWaiting)
	require.NoError(t, err)
	assert.Equal(t, w.Now().Add(20*time.Minute), again.ExpiresAt)
	w.pass(7 * 24 * time.Hour)
	assert.Equal(t, engine.PaymentExpired, status(fixed))
	assert.Equal(t, engine.PaymentExpired, status(plain))
}

func TestStepsByTheClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{StepEvery: time.Minute})
	p := w.create(t)
	w.pass(time.Hour)
	p, err := w.Payment(p.ID)
	require.NoError(t, err)
	assert.Equal(t, engine.PaymentWaiting, p.Status, "nobody paid yet")

	_, err = w.Deposit(p.ID, decimal.Decimal{})
	require.NoError(t, err)
	paidAt := w.Now()
	for _, want := range []string{"confirming", "confirmed", "sending", "finished", "finished"} {
		p, err = w.Payment(p.ID)
		require.NoError(t, err)
		assert.Equal(t, want, p.Status)
		w.pass(time.Minute)
	}
	assert.Equal(t, paidAt.Add(3*time.Minute), p.UpdatedAt)
}

func TestCasesPlayThemselves(t *testing.T) {
	t.Parallel()
	for name, last := range map[string]string{
		engine.CaseSuccess:       engine.PaymentFinished,
		engine.CasePartiallyPaid: engine.PaymentPartiallyPaid,
		engine.CaseFailed:        engine.PaymentFailed,
		engine.CaseCommon:        engine.PaymentWaiting,
	} {
		for _, step := range []time.Duration{0, time.Minute} {
			w := newWorld(t, engine.Config{StepEvery: step})
			p := w.createAs(t, func(r *engine.PaymentRequest) { r.Case = name })
			assert.Equal(t, engine.PaymentWaiting, p.Status, "it is created as any other")
			w.pass(5 * step)
			p, err := w.Payment(p.ID)
			require.NoError(t, err)
			assert.Equal(t, last, p.Status)
		}
	}
}

func TestCaseIsNotInherited(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{})
	p := w.createAs(t, func(r *engine.PaymentRequest) { r.Case = engine.CaseSuccess })
	child, err := w.Deposit(p.ID, dec("0.5"))
	require.NoError(t, err)
	require.Equal(t, p.ID, child.ParentID, "it had been paid by then")
	child, err = w.Payment(child.ID)
	require.NoError(t, err)
	assert.Equal(t, engine.PaymentConfirming, child.Status)
}

func TestAHandStartsTheMinuteAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{StepEvery: time.Minute})
	first := w.create(t)
	w.pass(30 * time.Second)
	second := w.create(t)
	for _, p := range []engine.Payment{first, second} {
		_, err := w.Deposit(p.ID, decimal.Decimal{})
		require.NoError(t, err)
	}
	paidAt := w.Now()
	// A hand that moves one of them starts its minute again.
	w.pass(10 * time.Second)
	_, err := w.Advance(second.ID)
	require.NoError(t, err)
	w.pass(55 * time.Second)
	a, err := w.Payment(first.ID)
	require.NoError(t, err)
	b, err := w.Payment(second.ID)
	require.NoError(t, err)
	assert.Equal(t, []string{"confirmed", "confirmed"}, []string{a.Status, b.Status})
	assert.Equal(t, paidAt.Add(time.Minute), a.UpdatedAt)
	assert.Equal(t, paidAt.Add(10*time.Second), b.UpdatedAt)
}
