package engine_test

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/internal/emulator/engine"
)

// news is what a watcher was called with.
type news struct {
	payment engine.Payment
	next    time.Time
}

func (w *world) listen() *[]news {
	heard := new([]news)
	w.Watch(func(p engine.Payment, next time.Time) { *heard = append(*heard, news{p, next}) })
	return heard
}

func statuses(heard []news) []string {
	var list []string
	for _, h := range heard {
		list = append(list, h.payment.Status)
	}
	return list
}

func TestWatchHearsEveryChangeOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{})
	unheard := w.create(t)
	heard := w.listen()
	p := w.create(t)
	w.pass(time.Minute)
	_, err := w.Deposit(p.ID, dec("0.0007"))
	require.NoError(t, err)
	_, err = w.Settle(p.ID)
	require.NoError(t, err)
	_, err = w.SetStatus(p.ID, "partially_paid") // which it is
	require.NoError(t, err)
	_, err = w.Deposit(p.ID, dec("0.0003"))
	require.NoError(t, err)
	_, err = w.SetStatus(p.ID, "refunded")
	require.NoError(t, err)
	_, err = w.Payment(unheard.ID)
	require.NoError(t, err)

	assert.Equal(t, []string{"waiting", "confirming", "confirmed", "sending", "partially_paid", "confirming", "refunded"}, statuses(*heard))
	child, refunded := (*heard)[5].payment, (*heard)[6].payment
	assert.Equal(t, p.ID, child.ParentID)
	assert.Equal(t, []int64{child.ID}, refunded.ChildIDs)
	assert.Empty(t, (*heard)[0].payment.ChildIDs, "as it was then")
	assert.True(t, (*heard)[0].payment.ActuallyPaid.IsZero())
	assert.Equal(t, "0.0007", (*heard)[1].payment.ActuallyPaid.String(), "the coins and the status at the same time")
	assert.False(t, (*heard)[4].payment.OutcomeAmount.IsZero())
	for _, h := range *heard {
		assert.Equal(t, unheard.ExpiresAt, h.next)
	}
}

func TestWatchHearsWhatHappensByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{StepEvery: time.Minute})
	start := w.Now()
	heard := w.listen()
	paid, expiring := w.create(t), w.create(t)
	_, err := w.Deposit(paid.ID, decimal.Decimal{})
	require.NoError(t, err)
	assert.Equal(t, []string{"waiting", "waiting", "confirming"}, statuses(*heard))
	wait, ok := w.CatchUp()
	assert.True(t, ok)
	assert.Equal(t, time.Minute, wait)

	w.pass(365 * 24 * time.Hour)
	wait, ok = w.CatchUp()
	assert.False(t, ok, "nothing is left to happen, but in %v", wait)
	assert.Equal(t, []string{"confirmed", "sending", "finished", "expired"}, statuses(*heard)[3:])
	for i, at := range []time.Time{start.Add(time.Minute), start.Add(2 * time.Minute), start.Add(3 * time.Minute), expiring.ExpiresAt} {
		assert.Equal(t, at, (*heard)[3+i].payment.UpdatedAt, "when it was due")
	}
	assert.Equal(t, start.Add(2*time.Minute), (*heard)[3].next)
	assert.Equal(t, expiring.ExpiresAt, (*heard)[5].next)
	assert.True(t, (*heard)[6].next.IsZero())
}

func TestServiceFee(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{})
	p := w.create(t)
	assert.True(t, p.ServiceFee.IsZero())
	_, err := w.Deposit(p.ID, dec("0.001"))
	require.NoError(t, err)
	p, err = w.Settle(p.ID)
	require.NoError(t, err)
	assert.Equal(t, "0.32", p.ServiceFee.String())
	assert.Equal(t, "64", p.ServiceFee.Add(p.OutcomeAmount).String(), "together what came")
}
