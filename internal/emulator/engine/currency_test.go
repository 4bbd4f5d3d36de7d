package engine_test

import (
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/internal/emulator/engine"
)

func TestEstimate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{})
	for name, c := range map[string]struct{ amount, from, to, want string }{
		"fiat to coin":            {"3999.5", "usd", "btc", "0.06249219"},
		"coin to fiat":            {"1", "btc", "usd", "64000"},
		"fiat to fiat":            {"1", "usd", "eur", "0.92592593"},
		"same":                    {"1.5", "usd", "usd", "1.5"},
		"eight places of 18":      {"1", "usd", "eth", "0.00032258"},
		"six places":              {"1", "eur", "xrp", "2.076923"},
		"too little to be a coin": {"0.0000001", "usd", "btc", "0"},
		"upper case":              {"1", "BTC", "USD", "64000"},
	} {
		e, err := w.Estimate(dec(c.amount), c.from, c.to)
		require.NoError(t, err, name)
		assert.Equal(t, c.want, e.Estimate.String(), name)
		assert.Equal(t, c.amount, e.Amount.String(), name)
	}
	_, err := w.Estimate(dec("0"), "usd", "btc")
	requireCode(t, engine.CodeInvalidParams, err)
	_, err = w.Estimate(dec("1"), "zzz", "btc")
	requireCode(t, engine.CodeCurrencyUnavailable, err)
	_, err = w.Estimate(dec("1"), "usd", "zzz")
	requireCode(t, engine.CodeCurrencyUnavailable, err)
}

func TestMinimum(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{})
	m, err := w.Minimum("eth", "", "")
	require.NoError(t, err)
	assert.Equal(t, engine.Minimum{From: "eth", To: "usdttrc20", Min: m.Min}, m)
	assert.Equal(t, "0.00064516", m.Min.String())

	m, err = w.Minimum("btc", "trx", "eur")
	require.NoError(t, err)
	assert.Equal(t, "0.00003125", m.Min.String())
	assert.Equal(t, "1.85185185", m.Fiat.String())

	for _, try := range [][3]string{{"zzz", "", ""}, {"btc", "zzz", ""}, {"btc", "", "zzz"}} {
		_, err = w.Minimum(try[0], try[1], try[2])
		requireCode(t, engine.CodeCurrencyUnavailable, err)
	}
	_, err = w.Minimum("btc", "", "eth")
	requireCode(t, engine.CodeInvalidParams, err)
}

func TestSetMinimum(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{})
	require.NoError(t, w.SetMinimum("btc", dec("0.002")))
	_, err := w.CreatePayment(request())
	requireCode(t, engine.CodeAmountTooSmall, err)
	require.NoError(t, w.SetMinimum("btc", decimal.Decimal{}))
	w.create(t)

	requireCode(t, engine.CodeInvalidParams, w.SetMinimum("btc", dec("-1")))
	requireCode(t, engine.CodeCurrencyUnavailable, w.SetMinimum("zzz", dec("1")))
}

func TestSetPrice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{})
	before := w.create(t)
	require.NoError(t, w.SetPrice("BTC", dec("32000")))
	assert.Equal(t, "0.002", w.create(t).PayAmount.String())
	kept, err := w.Payment(before.ID)
	require.NoError(t, err)
	assert.Equal(t, "0.001", kept.PayAmount.String(), "what was agreed stays")

	require.NoError(t, w.SetPrice("jove", dec("2")))
	p := w.createAs(t, func(r *engine.PaymentRequest) { r.PayCurrency = "jove" })
	assert.Equal(t, "32", p.PayAmount.String())
	assert.Equal(t, "jove", p.Coin.Network)
	assert.Regexp(t, `^jove-\w{32,}$`, p.PayAddress)

	// So dear that two dollars are less than its smallest unit.
	require.NoError(t, w.SetPrice("gold", dec("1000000000000")))
	_, err = w.CreatePayment(engine.PaymentRequest{PriceAmount: dec("2"), PriceCurrency: "usd", PayCurrency: "gold"})
	requireCode(t, engine.CodeAmountTooSmall, err)

	requireCode(t, engine.CodeInvalidParams, w.SetPrice("btc", dec("0")))
	requireCode(t, engine.CodeInvalidParams, w.SetPrice("", dec("1")))
	requireCode(t, engine.CodeInvalidParams, w.SetPrice("a b", dec("1")))
}

func TestSetCurrencies(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{})
	require.NoError(t, w.SetCurrencies("ETH", "trx"))
	var offered []string
	for _, c := range w.Currencies() {
		offered = append(offered, c.Ticker)
		assert.True(t, c.Min.LessThan(c.Max))
	}
	assert.Equal(t, []string{"eth", "trx"}, offered)
	_, err := w.CreatePayment(request())
	requireCode(t, engine.CodeCurrencyUnavailable, err)
	// Prices in it and payouts of it go on.
	_, err = w.Estimate(dec("1"), "usd", "btc")
	require.NoError(t, err)

	requireCode(t, engine.CodeCurrencyUnavailable, w.SetCurrencies("btc", "zzz"))
	requireCode(t, engine.CodeInvalidParams, w.SetCurrencies("btc", "usd"))
	assert.Len(t, w.Currencies(), 2, "a rejection changes nothing")
	require.NoError(t, w.SetCurrencies())
	assert.Empty(t, w.Currencies())
}
