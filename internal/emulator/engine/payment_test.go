package engine_test

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/internal/emulator/engine"
)

func TestCreatePayment(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{})
	p := w.create(t)
	assert.Equal(t, engine.PaymentWaiting, p.Status)
	assert.Equal(t, "0.001", p.PayAmount.String())
	assert.True(t, p.ActuallyPaid.IsZero())
	assert.Equal(t, "usdttrc20", p.PayoutCurrency)
	assert.Equal(t, time.Date(2026, time.March, 14, 15, 9, 26, 535_000_000, time.UTC), p.CreatedAt, "whole milliseconds")
	assert.Equal(t, p.CreatedAt, p.UpdatedAt)
	assert.Equal(t, p.CreatedAt.AddDate(0, 0, 7), p.ExpiresAt)
	assert.Empty(t, p.PayinHash())
	assert.Empty(t, p.PayoutHash())

	again, err := w.Payment(p.ID)
	require.NoError(t, err)
	assert.Equal(t, p, again)
}

func TestCreatePaymentFillsIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{})
	upper := w.createAs(t, func(r *engine.PaymentRequest) { r.PriceCurrency, r.PayCurrency, r.PayoutCurrency = "USD", "BTC", "ETH" })
	assert.Equal(t, []string{"usd", "btc", "eth"}, []string{upper.PriceCurrency, upper.PayCurrency, upper.PayoutCurrency})

	own := w.createAs(t, func(r *engine.PaymentRequest) { r.PayAmount, r.PurchaseID = dec("0.5"), 77 })
	assert.Equal(t, "0.5", own.PayAmount.String(), "the shop's own amount counts")
	assert.EqualValues(t, 77, own.PurchaseID)

	coins := w.createAs(t, func(r *engine.PaymentRequest) { r.PriceAmount, r.PriceCurrency = dec("2"), "eth" })
	assert.Equal(t, "0.096875", coins.PayAmount.String(), "a price in coins")

	least := w.createAs(t, func(r *engine.PaymentRequest) { r.PriceAmount = dec("2") })
	assert.Equal(t, "0.00003125", least.PayAmount.String(), "the minimum itself is enough")

	rounded := w.createAs(t, func(r *engine.PaymentRequest) { r.PriceAmount, r.PayCurrency = dec("10"), "xrp" })
	assert.Equal(t, "19.230769", rounded.PayAmount.String(), "no more places than the coin has")

	fixed := w.createAs(t, func(r *engine.PaymentRequest) { r.FixedRate = true })
	assert.Equal(t, fixed.CreatedAt.Add(20*time.Minute), fixed.ExpiresAt)
}

func TestCreatePaymentRejects(t *testing.T) {
	t.Parallel()
	type change = func(*engine.PaymentRequest)
	for name, c := range map[string]struct {
		change  change
		code    engine.Code
		message string
	}{
		"no price":            {func(r *engine.PaymentRequest) { r.PriceAmount = decimal.Decimal{} }, engine.CodeInvalidParams, "price_amount must be greater than 0"},
		"negative price":      {func(r *engine.PaymentRequest) { r.PriceAmount = dec("-1") }, engine.CodeInvalidParams, "price_amount must be greater than 0"},
		"huge price":          {func(r *engine.PaymentRequest) { r.PriceAmount = decimal.New(1, 2_000_000_000) }, engine.CodeInvalidParams, "price_amount is too large"},
		"huge price, digits":  {func(r *engine.PaymentRequest) { r.PriceAmount = decimal.New(1234, 27) }, engine.CodeInvalidParams, "price_amount is too large"},
		"price of 19 places":  {func(r *engine.PaymentRequest) { r.PriceAmount = decimal.New(1, -19) }, engine.CodeInvalidParams, "price_amount must have at most 18 decimal places"},
		"unknown price":       {func(r *engine.PaymentRequest) { r.PriceCurrency = "zzz" }, engine.CodeCurrencyUnavailable, `price_currency: currency "zzz" is not available`},
		"unknown coin":        {func(r *engine.PaymentRequest) { r.PayCurrency = "zzz" }, engine.CodeCurrencyUnavailable, `pay_currency: currency "zzz" is not available`},
		"pay in fiat":         {func(r *engine.PaymentRequest) { r.PayCurrency = "usd" }, engine.CodeCurrencyUnavailable, "pay_currency: customers cannot pay with usd"},
		"below the minimum":   {func(r *engine.PaymentRequest) { r.PriceAmount = dec("1.99") }, engine.CodeAmountTooSmall, "pay_amount 0.00003109 btc is less than minimal: 0.00003125"},
		"own amount too low":  {func(r *engine.PaymentRequest) { r.PayAmount = dec("0.00003124") }, engine.CodeAmountTooSmall, "pay_amount 0.00003124 btc is less than minimal: 0.00003125"},
		"own amount too fine": {func(r *engine.PaymentRequest) { r.PayAmount = dec("0.123456789") }, engine.CodeInvalidParams, "pay_amount must have at most 8 decimal places in btc"},
		"negative own amount": {func(r *engine.PaymentRequest) { r.PayAmount = dec("-1") }, engine.CodeInvalidParams, "pay_amount must be greater than 0"},
		"address alone":       {func(r *engine.PaymentRequest) { r.PayoutAddress = "T1" }, engine.CodeInvalidParams, "payout_currency is required with payout_address"},
		"memo alone":          {func(r *engine.PaymentRequest) { r.PayoutExtraID = "1" }, engine.CodeInvalidParams, "payout_currency is required with payout_address"},
		"unknown payout":      {func(r *engine.PaymentRequest) { r.PayoutCurrency = "zzz" }, engine.CodeCurrencyUnavailable, `payout_currency: currency "zzz" is not available`},
		"relative callback":   {func(r *engine.PaymentRequest) { r.IPNCallbackURL = "/ipn" }, engine.CodeInvalidParams, "ipn_callback_url must be a valid URL"},
		"callback by ftp":     {func(r *engine.PaymentRequest) { r.IPNCallbackURL = "ftp://shop.example/" }, engine.CodeInvalidParams, "ipn_callback_url must be a valid URL"},
		"callback, no host":   {func(r *engine.PaymentRequest) { r.IPNCallbackURL = "https:///ipn" }, engine.CodeInvalidParams, "ipn_callback_url must be a valid URL"},
		"negative purchase":   {func(r *engine.PaymentRequest) { r.PurchaseID = -1 }, engine.CodeInvalidParams, "purchase_id must be a number"},
		"unknown case":        {func(r *engine.PaymentRequest) { r.Case = "lucky" }, engine.CodeInvalidParams, "case must be one of common, success, partially_paid, failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, engine.Config{})
			req := request()
			c.change(&req)
			_, err := w.CreatePayment(req)
			rejection := requireCode(t, c.code, err)
			assert.Equal(t, c.message, rejection.Message)
			assert.Empty(t, w.Payments(), "a rejection leaves nothing behind")
		})
	}
}

func TestUnknownPayment(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{})
	_, err := w.Payment(1)
	requireCode(t, engine.CodePaymentNotFound, err)
	_, err = w.Deposit(1, dec("1"))
	requireCode(t, engine.CodePaymentNotFound, err)
	_, err = w.Advance(1)
	requireCode(t, engine.CodePaymentNotFound, err)
	_, err = w.SetStatus(1, "finished")
	requireCode(t, engine.CodePaymentNotFound, err)
}

func TestInvoice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{})
	invoice, err := w.CreateInvoice(engine.InvoiceRequest{
		PriceAmount: dec("64"), PriceCurrency: "USD", PayCurrency: "BTC", OrderID: "order-9", FixedRate: true,
		IPNCallbackURL: "https://shop.example/ipn", SuccessURL: "https://shop.example/thanks",
	})
	require.NoError(t, err)
	assert.NotEqual(t, invoice.ID, invoice.TokenID)

	p, err := w.PayInvoice(invoice.ID, "")
	require.NoError(t, err)
	assert.Equal(t, "btc", p.PayCurrency)
	assert.Equal(t, invoice.ID, p.InvoiceID)
	assert.Equal(t, "order-9", p.OrderID)
	assert.Equal(t, "https://shop.example/ipn", p.IPNCallbackURL)
	assert.True(t, p.FixedRate)

	other, err := w.PayInvoice(invoice.ID, "eth")
	require.NoError(t, err)
	assert.Equal(t, "eth", other.PayCurrency, "the customer may still choose")

	_, err = w.PayInvoice(1, "btc")
	requireCode(t, engine.CodeInvoiceNotFound, err)
	_, err = w.PayInvoice(invoice.ID, "zzz")
	requireCode(t, engine.CodeCurrencyUnavailable, err)
}

func TestCreateInvoiceRejects(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{})
	for message, change := range map[string]func(*engine.InvoiceRequest){
		"price_amount must be greater than 0":              func(r *engine.InvoiceRequest) { r.PriceAmount = dec("0") },
		`price_currency: currency "x" is not available`:    func(r *engine.InvoiceRequest) { r.PriceCurrency = "x" },
		`pay_currency: currency "x" is not available`:      func(r *engine.InvoiceRequest) { r.PayCurrency = "x" },
		"ipn_callback_url must be a valid URL":             func(r *engine.InvoiceRequest) { r.IPNCallbackURL = "x" },
		"success_url must be a valid URL":                  func(r *engine.InvoiceRequest) { r.SuccessURL = "x" },
		"cancel_url must be a valid URL":                   func(r *engine.InvoiceRequest) { r.CancelURL = "http://" },
		"partially_paid_url must be a valid URL":           func(r *engine.InvoiceRequest) { r.PartiallyPaidURL = "http://[" },
		"pay_currency: customers cannot pay with gbp":      func(r *engine.InvoiceRequest) { r.PayCurrency = "gbp" },
		"price_amount must have at most 18 decimal places": func(r *engine.InvoiceRequest) { r.PriceAmount = decimal.New(1, -20) },
	} {
		req := engine.InvoiceRequest{PriceAmount: dec("5"), PriceCurrency: "eur"}
		change(&req)
		_, err := w.CreateInvoice(req)
		assert.EqualError(t, err, message)
	}
}

func TestParseAmount(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"1": "1", "49.90": "49.9", "1e2": "100", "1.5e-7": "0.00000015", "0.000000000000000001": "0.000000000000000001",
	} {
		d, err := engine.ParseAmount("amount", text)
		require.NoError(t, err, text)
		assert.Equal(t, want, d.String())
	}
	for _, text := range []string{
		"", " ", "x", "0", "0.00", "-1", "1e", "NaN", "Infinity", "0x10", "1,5", "1 ", "1e99999", "1e-99999",
		"1e2147483647", "1e-2147483648", "1e99999999999999999999",
		"1000000000000000000000000000000", "0.0000000000000000001",
		"11111111111111111111111111111111111111111111111111111111111111111",
	} {
		_, err := engine.ParseAmount("amount", text)
		requireCode(t, engine.CodeInvalidParams, err)
	}
}
