package emulator_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/internal/emulator"
	"github.com/jovepay/jovepay-go/internal/emulator/engine"
)

func TestPacemaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, err := engine.New(engine.Config{StepEvery: time.Minute})
		require.NoError(t, err)
		pace := emulator.NewPacemaker(e, func() {})
		type change struct {
			status string
			after  time.Duration
		}
		start := e.Now()
		var heard []change
		e.Watch(func(p engine.Payment, next time.Time) {
			pace.Expect(next)
			heard = append(heard, change{p.Status, time.Since(start)})
		})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan bool)
		go func() {
			pace.Run(ctx)
			close(done)
		}()

		request := engine.PaymentRequest{PriceAmount: decimal.New(64, 0), PriceCurrency: "usd", PayCurrency: "btc"}
		expiring, err := e.CreatePayment(request)
		require.NoError(t, err)
		<-time.After(time.Hour)
		paid, err := e.CreatePayment(request)
		require.NoError(t, err)
		_, err = e.Deposit(paid.ID, decimal.Zero)
		require.NoError(t, err)
		request.Case = engine.CaseFailed
		_, err = e.CreatePayment(request)
		require.NoError(t, err)
		<-time.After(365 * 24 * time.Hour)
		stop()
		<-done

		hour, week := time.Hour, expiring.ExpiresAt.Sub(start)
		assert.Equal(t, []change{
			{"waiting", 0}, {"waiting", hour}, {"confirming", hour}, {"waiting", hour},
			{"confirmed", hour + time.Minute}, {"failed", hour + time.Minute},
			{"sending", hour + 2*time.Minute}, {"finished", hour + 3*time.Minute}, {"expired", week},
		}, heard)
	})
}

// A clock that stands still must not make it spin.
func TestPacemakerOnAClockThatStands(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		noon := time.Now()
		e, err := engine.New(engine.Config{Now: func() time.Time { asked++; return noon }})
		require.NoError(t, err)
		pace := emulator.NewPacemaker(e, func() {})
		e.Watch(func(_ engine.Payment, next time.Time) { pace.Expect(next) })
		_, err = e.CreatePayment(engine.PaymentRequest{
			PriceAmount: decimal.New(64, 0), PriceCurrency: "usd", PayCurrency: "btc", FixedRate: true,
		})
		require.NoError(t, err)
		ctx, stop := context.WithTimeout(t.Context(), 24*time.Hour)
		defer stop()
		pace.Run(ctx)
		assert.InDelta(t, 24*3, asked, 5, "once for every twenty minutes")
	})
}
