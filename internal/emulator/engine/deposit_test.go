package engine_test

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/internal/emulator/engine"
)

func TestWrongAssetRunsAsFarAsItMay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cfg  engine.Config
		last string
		want []string // the notified statuses of the child
	}{
		"by hand":                 {engine.Config{}, "confirming", []string{"confirming"}},
		"by the clock":            {engine.Config{StepEvery: time.Minute}, "confirmed", []string{"confirming", "confirmed"}},
		"processed":               {engine.Config{PassWrongAssets: true}, "finished", []string{"confirming", "confirmed", "sending", "finished"}},
		"processed, by the clock": {engine.Config{PassWrongAssets: true, StepEvery: time.Minute}, "finished", []string{"confirming", "confirmed", "sending", "finished"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, c.cfg)
			asked := w.create(t)
			heard := w.listen()
			child, err := w.DepositWrongAsset(asked.ID, "eth", dec("0.01"))
			require.NoError(t, err)
			assert.True(t, child.WrongAsset)
			w.pass(time.Hour)
			child, err = w.Payment(child.ID)
			require.NoError(t, err)
			assert.Equal(t, c.last, child.Status)
			assert.Equal(t, c.want, statuses(*heard))
			parent, err := w.Payment(asked.ID)
			require.NoError(t, err)
			assert.Equal(t, engine.PaymentWaiting, parent.Status)
			assert.False(t, parent.WrongAsset)
		})
	}
}

func TestAPersonLetsAWrongAssetGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{})
	child, err := w.DepositWrongAsset(w.create(t).ID, "eth", decimal.Decimal{})
	require.NoError(t, err)
	child, err = w.Settle(child.ID)
	require.NoError(t, err)
	assert.Equal(t, engine.PaymentConfirmed, child.Status, "it is no ordinary way that ends here")
	_, err = w.Advance(child.ID)
	require.NoError(t, err)
	child, err = w.Settle(child.ID)
	require.NoError(t, err)
	assert.Equal(t, engine.PaymentFinished, child.Status)
	assert.False(t, child.OutcomeAmount.IsZero())
}

// What runs to its end by itself may be there before anybody takes it there.
func TestSettleWhatRunsByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{PassWrongAssets: true})
	child, err := w.DepositWrongAsset(w.create(t).ID, "eth", decimal.Decimal{})
	require.NoError(t, err)
	child, err = w.Settle(child.ID)
	require.NoError(t, err)
	assert.Equal(t, engine.PaymentFinished, child.Status)
	_, err = w.Settle(1)
	requireCode(t, engine.CodePaymentNotFound, err)
}

// A price that changes is one for payments to come: those that wait keep
// theirs, even where they could not be made any more.
func TestWaitingPaymentsKeepTheirPrice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{})
	waiting := w.create(t)
	require.NoError(t, w.SetPrice("btc", dec("32000")))
	require.NoError(t, w.SetMinimum("btc", dec("0.5")))
	require.NoError(t, w.SetCurrencies("eth"))
	same, err := w.Payment(waiting.ID)
	require.NoError(t, err)
	assert.Equal(t, waiting, same)
	_, err = w.CreatePayment(request())
	requireCode(t, engine.CodeCurrencyUnavailable, err)

	p, err := w.Deposit(waiting.ID, dec("0.001"))
	require.NoError(t, err)
	p, err = w.Settle(p.ID)
	require.NoError(t, err)
	assert.Equal(t, engine.PaymentFinished, p.Status)
	assert.Equal(t, "64", p.PriceAmount.String())
	assert.Equal(t, "31.84", p.OutcomeAmount.String(), "what the coins are worth when they are paid out")
	child, err := w.Deposit(p.ID, dec("0.001"))
	require.NoError(t, err)
	assert.Equal(t, "32", child.PriceAmount.String(), "what they are worth when they come")
}

func TestRefundStopsTheClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{StepEvery: time.Minute})
	p := w.create(t)
	_, err := w.Deposit(p.ID, decimal.Decimal{})
	require.NoError(t, err)
	_, err = w.Refund(p.ID, decimal.Decimal{})
	require.NoError(t, err)
	w.pass(time.Hour)
	p, err = w.Payment(p.ID)
	require.NoError(t, err)
	assert.Equal(t, engine.PaymentRefunded, p.Status)
	assert.True(t, p.OutcomeAmount.IsZero(), "nothing was paid out")
	_, ok := w.CatchUp()
	assert.False(t, ok, "nothing will happen to it any more")
}

func TestExpireEndsTheWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{})
	heard := w.listen()
	p := w.create(t)
	w.pass(time.Minute)
	p, err := w.Expire(p.ID)
	require.NoError(t, err)
	assert.Equal(t, w.Now(), p.ExpiresAt)
	w.pass(30 * 24 * time.Hour)
	w.CatchUp()
	assert.Equal(t, []string{"waiting", "expired"}, statuses(*heard), "it expires once")
	for _, rejected := range []func(int64) (engine.Payment, error){
		w.Expire, func(id int64) (engine.Payment, error) { return w.Refund(id, decimal.Decimal{}) },
	} {
		_, err = rejected(p.ID)
		requireCode(t, engine.CodeWrongStatus, err)
		_, err = rejected(1)
		requireCode(t, engine.CodePaymentNotFound, err)
	}
}

// What was due before the clock moved has happened before what falls due by the
// move, and nothing happens later than it is due.
func TestMoveClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{StepEvery: time.Minute})
	start := w.Now()
	p := w.create(t)
	_, err := w.Deposit(p.ID, decimal.Decimal{})
	require.NoError(t, err)
	heard := w.listen()
	w.pass(90 * time.Second)
	now, err := w.MoveClock(24 * time.Hour)
	require.NoError(t, err)
	assert.Equal(t, start.Add(24*time.Hour+90*time.Second), now)
	assert.Equal(t, []string{"confirmed", "sending", "finished"}, statuses(*heard))
	for i, h := range *heard {
		assert.Equal(t, start.Add(time.Duration(i+1)*time.Minute), h.payment.UpdatedAt)
	}
	_, err = w.MoveClock(-time.Nanosecond)
	requireCode(t, engine.CodeInvalidParams, err)
	assert.Equal(t, now, w.Now())
}

// Late money goes to the same payment, on top of what came before, and through
// the same statuses.
func TestDepositLate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before func(w *world, id int64) error
		amount string
		paid   string
		last   string
	}{
		"exactly, after the expiry": {func(w *world, id int64) error { _, err := w.Expire(id); return err }, "0", "0.001", "finished"},
		"too little":                {func(w *world, id int64) error { _, err := w.Expire(id); return err }, "0.0004", "0.0004", "partially_paid"},
		"more, after a failure": {func(w *world, id int64) error {
			if _, err := w.Deposit(id, dec("0.0007")); err != nil {
				return err
			}
			_, err := w.SetStatus(id, "failed")
			return err
		}, "0.0003", "0.001", "finished"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, engine.Config{})
			p := w.create(t)
			require.NoError(t, c.before(w, p.ID))
			heard := w.listen()
			got, err := w.DepositLate(p.ID, dec(c.amount))
			require.NoError(t, err)
			assert.Equal(t, p.ID, got.ID)
			assert.Equal(t, c.paid, got.ActuallyPaid.String())
			got, err = w.Settle(p.ID)
			require.NoError(t, err)
			assert.Equal(t, c.last, got.Status)
			assert.Empty(t, got.ChildIDs)
			assert.False(t, got.OutcomeAmount.IsZero())
			assert.Equal(t, []string{"confirming", "confirmed", "sending", c.last}, statuses(*heard))
			_, err = w.DepositLate(p.ID, dec("0.001"))
			requireCode(t, engine.CodeWrongStatus, err)
		})
	}
	w := newWorld(t, engine.Config{})
	p := w.create(t)
	_, err := w.DepositLate(p.ID, dec("0.001"))
	requireCode(t, engine.CodeWrongStatus, err)
	_, err = w.DepositLate(1, dec("0.001"))
	requireCode(t, engine.CodePaymentNotFound, err)
	_, err = w.Expire(p.ID)
	require.NoError(t, err)
	_, err = w.DepositLate(p.ID, dec("0.000000001"))
	requireCode(t, engine.CodeInvalidParams, err)
	p, err = w.Payment(p.ID)
	require.NoError(t, err)
	assert.Equal(t, engine.PaymentExpired, p.Status)
}

func TestRefundAPart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{})
	p := w.create(t)
	_, err := w.Refund(p.ID, dec("0.0001"))
	requireCode(t, engine.CodeWrongStatus, err)
	_, err = w.Deposit(p.ID, dec("0.001"))
	require.NoError(t, err)
	for _, amount := range []string{"0.00100001", "-1", "0.000000001"} {
		_, err = w.Refund(p.ID, dec(amount))
		requireCode(t, engine.CodeInvalidParams, err)
	}
	got, err := w.Refund(p.ID, dec("0.0004"))
	require.NoError(t, err)
	assert.Equal(t, engine.PaymentRefunded, got.Status)
	assert.Equal(t, "0.0004", got.Refunded.String())
	assert.Equal(t, "0.001", got.ActuallyPaid.String())
	_, err = w.Refund(p.ID, dec("0.0004"))
	requireCode(t, engine.CodeWrongStatus, err)

	whole := w.create(t)
	_, err = w.Deposit(whole.ID, dec("0.001"))
	require.NoError(t, err)
	whole, err = w.Refund(whole.ID, decimal.Decimal{})
	require.NoError(t, err)
	assert.True(t, whole.Refunded.IsZero(), "all of it has no amount")
}
