package engine_test

import (
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/internal/emulator/engine"
)

// world is an engine with a clock that the test moves.
type world struct {
	*engine.Engine
	now time.Time
}

func newWorld(t *testing.T, cfg engine.Config) *world {
	t.Helper()
	w := &world{now: time.Date(2026, time.March, 14, 15, 9, 26, 535_897_932, time.UTC)}
	cfg.Now = func() time.Time { return w.now }
	e, err := engine.New(cfg)
	require.NoError(t, err)
	w.Engine = e
	return w
}

func (w *world) pass(d time.Duration) { w.now = w.now.Add(d) }

// create makes a payment of 64 dollars in btc, which is 0.001 btc.
func (w *world) create(t *testing.T) engine.Payment {
	t.Helper()
	return w.createAs(t, func(*engine.PaymentRequest) {})
}

func (w *world) createAs(t *testing.T, change func(*engine.PaymentRequest)) engine.Payment {
	t.Helper()
	req := request()
	change(&req)
	p, err := w.CreatePayment(req)
	require.NoError(t, err)
	return p
}

func request() engine.PaymentRequest {
	return engine.PaymentRequest{PriceAmount: dec("64"), PriceCurrency: "usd", PayCurrency: "btc", OrderID: "order-1"}
}

func dec(s string) decimal.Decimal { return decimal.RequireFromString(s) }

func requireCode(t *testing.T, want engine.Code, err error) *engine.Error {
	t.Helper()
	var rejection *engine.Error
	require.ErrorAs(t, err, &rejection)
	require.Equal(t, want, rejection.Code, "%v", err)
	return rejection
}

func TestNewRejectsSettings(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]engine.Config{
		"token lifetime of part of a second": {TokenLifetime: 1500 * time.Millisecond},
		"negative token lifetime":            {TokenLifetime: -time.Second},
		"negative step":                      {StepEvery: -1},
		"negative list lag":                  {ListLag: -1},
	} {
		_, err := engine.New(cfg)
		require.Error(t, err, name)
	}
}

func TestSameSeedSameWorld(t *testing.T) {
	t.Parallel()
	live := func(seed uint64) []any {
		w := newWorld(t, engine.Config{Seed: seed})
		first := w.createAs(t, func(r *engine.PaymentRequest) { r.PayCurrency = "xlm" })
		w.pass(time.Minute)
		_, err := w.Deposit(first.ID, decimal.Decimal{})
		require.NoError(t, err)
		child, err := w.Deposit(first.ID, dec("100"))
		require.NoError(t, err)
		invoice, err := w.CreateInvoice(engine.InvoiceRequest{PriceAmount: dec("5"), PriceCurrency: "eur"})
		require.NoError(t, err)
		token, err := w.Login(w.Account().Email, w.Account().Password)
		require.NoError(t, err)
		return []any{w.Account(), w.Payments(), child.PayinHash(), invoice, token, engine.RequestID(seed, 1)}
	}
	assert.Equal(t, live(7), live(7))
	one, other := live(7), live(8)
	for i := range one {
		assert.NotEqual(t, one[i], other[i])
	}
}

func TestAddressesLookLikeTheirCoin(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{})
	form := map[string]string{
		"btc": `3[1-9A-HJ-NP-Za-km-z]{33}`, "eth": `0x[0-9a-fA-F]{40}`, "ltc": `M[1-9A-HJ-NP-Za-km-z]{33}`,
		"trx": `T[1-9A-HJ-NP-Za-km-z]{33}`, "usdttrc20": `T[1-9A-HJ-NP-Za-km-z]{33}`, "usdterc20": `0x[0-9a-fA-F]{40}`,
		"xrp": `r[1-9A-HJ-NP-Za-km-z]{33}`, "xlm": `G[A-Z2-7]{55}`, "bnbbsc": `0x[0-9a-fA-F]{40}`,
		"sol": `z[1-9A-HJ-NP-Za-km-z]{43}`, "doge": `D[1-9A-HJ-NP-Za-km-z]{33}`, "xmr": `4[1-9A-HJ-NP-Za-km-z]{94}`,
	}
	seen := map[string]bool{}
	for _, coin := range w.Currencies() {
		want, known := form[coin.Ticker]
		require.True(t, known, coin.Ticker)
		for range 20 {
			p := w.createAs(t, func(r *engine.PaymentRequest) { r.PayCurrency = coin.Ticker })
			assert.Regexp(t, "^"+want+"$", p.PayAddress)
			assert.False(t, seen[p.PayAddress], "an address twice")
			seen[p.PayAddress] = true
			memo := coin.Ticker == "xrp" || coin.Ticker == "xlm"
			assert.Equal(t, memo, p.PayinExtraID != "", coin.Ticker)
		}
	}
}

func TestIDsGrowAndLookRandom(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{Seed: 3})
	last := int64(1) << 32
	steps := map[int64]bool{}
	for range 1000 {
		p := w.create(t)
		require.Greater(t, p.ID, p.PurchaseID)
		require.Greater(t, p.PurchaseID, last, "beyond 32 bits and growing")
		require.Less(t, p.ID, int64(10_000_000_000), "ten digits")
		steps[p.ID-last] = true
		last = p.ID
	}
	assert.Greater(t, len(steps), 500)
}

func TestPercentHitsAboutThatMany(t *testing.T) {
	t.Parallel()
	for _, percent := range []int{0, 1, 10, 50, 100} {
		hits := 0
		for n := range int64(10_000) {
			if engine.Percent(42, n, percent) {
				hits++
			}
		}
		assert.InDelta(t, percent*100, hits, 200)
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				p, err := w.CreatePayment(request())
				if !assert.NoError(t, err) {
					return
				}
				_, err = w.Deposit(p.ID, decimal.Decimal{})
				assert.NoError(t, err)
				_, err = w.Deposit(p.ID, dec("0.5"))
				assert.NoError(t, err)
				page, err := w.List(engine.ListOptions{Limit: 10, Descending: true})
				assert.NoError(t, err)
				for _, p := range page.Payments {
					_ = append([]int64(nil), p.ChildIDs...)
				}
				assert.NoError(t, w.SetPrice("btc", dec("64000")))
			}
		})
	}
	wg.Wait()
	ids := map[int64]bool{}
	for _, p := range w.Payments() {
		ids[p.ID] = true
	}
	assert.Len(t, ids, 8*50*2)
}
