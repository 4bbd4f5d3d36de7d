package jovepay_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

func TestRequestsAreValidatedBeforeSending(t *testing.T) {
	t.Parallel()
	var sent atomic.Int32
	client := newMockClient(t, func(*http.Request) (*http.Response, error) {
		sent.Add(1)
		return httpmock.NewStringResponse(http.StatusTeapot, ""), nil
	}, jovepay.WithCredentials(email, password))

	type call = func(context.Context) error
	payment := func(change func(*jovepay.PaymentRequest)) call {
		return func(ctx context.Context) error {
			_, err := client.Payments.Create(ctx, with(goods("1"), change))
			return err
		}
	}
	once := func(change func(*jovepay.PaymentRequest)) call {
		return func(ctx context.Context) error {
			_, err := client.Payments.CreateOnce(ctx, with(goods("1"), change))
			return err
		}
	}
	invoice := func(change func(*jovepay.InvoiceRequest)) call {
		return func(ctx context.Context) error {
			_, err := client.Invoices.Create(ctx, with(jovepay.InvoiceRequest{PriceAmount: jovepay.MustAmount("1"), PriceCurrency: "usd"}, change))
			return err
		}
	}
	estimate := func(change func(*jovepay.EstimateOptions)) call {
		return func(ctx context.Context) error {
			_, err := client.Estimates.Get(ctx, with(jovepay.EstimateOptions{Amount: jovepay.MustAmount("1"), From: "usd", To: "btc"}, change))
			return err
		}
	}
	minimum := func(o jovepay.MinAmountOptions) call {
		return func(ctx context.Context) error {
			_, err := client.Estimates.MinAmount(ctx, o)
			return err
		}
	}
	quote := func(o jovepay.QuoteOptions) call {
		return func(ctx context.Context) error {
			_, err := client.Estimates.Quote(ctx, o)
			return err
		}
	}
	list := func(o jovepay.PaymentListOptions) call {
		return func(ctx context.Context) error {
			_, err := client.Payments.List(ctx, o)
			return err
		}
	}
	all := func(o jovepay.PaymentListOptions) call {
		return func(ctx context.Context) error {
			var last error
			for payment, err := range client.Payments.All(ctx, o) {
				assert.Nil(t, payment)
				last = err
			}
			return last
		}
	}
	day := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

	for _, tt := range []struct {
		field string
		call  call
	}{
		{"price_amount", payment(func(r *jovepay.PaymentRequest) { r.PriceAmount = jovepay.Amount{} })},
		{"price_amount", payment(func(r *jovepay.PaymentRequest) { r.PriceAmount = jovepay.MustAmount("0.00") })},
		{"price_amount", payment(func(r *jovepay.PaymentRequest) { r.PriceAmount = jovepay.MustAmount("-1") })},
		{"price_currency", payment(func(r *jovepay.PaymentRequest) { r.PriceCurrency = "" })},
		{"price_currency", payment(func(r *jovepay.PaymentRequest) { r.PriceCurrency = "USD" })},
		{"pay_currency", payment(func(r *jovepay.PaymentRequest) { r.PayCurrency = "" })},
		{"pay_currency", payment(func(r *jovepay.PaymentRequest) { r.PayCurrency = "b tc" })},
		{"pay_currency", payment(func(r *jovepay.PaymentRequest) { r.PayCurrency = strings.Repeat("b", 41) })},
		{"pay_currency", payment(func(r *jovepay.PaymentRequest) { r.PayCurrency = "bтc" })}, // a Cyrillic letter
		{"pay_amount", payment(func(r *jovepay.PaymentRequest) { r.PayAmount = jovepay.MustAmount("0") })},
		{"ipn_callback_url", payment(func(r *jovepay.PaymentRequest) { r.IPNCallbackURL = "shop.example/ipn" })},
		{"ipn_callback_url", payment(func(r *jovepay.PaymentRequest) { r.IPNCallbackURL = "ftp://shop.example/ipn" })},
		{"ipn_callback_url", payment(func(r *jovepay.PaymentRequest) { r.IPNCallbackURL = "https://user:pass@shop.example/ipn" })},
		{"ipn_callback_url", payment(func(r *jovepay.PaymentRequest) { r.IPNCallbackURL = "https://shop.example/\nipn" })},
		{"payout_currency", payment(func(r *jovepay.PaymentRequest) { r.PayoutCurrency = "BTC" })},
		{"payout_currency", payment(func(r *jovepay.PaymentRequest) { r.PayoutAddress = "bc1q" })},
		{"ipn_callback_url", payment(func(r *jovepay.PaymentRequest) { r.IPNCallbackURL = "https://shop.example/ipn " })},
		{"ipn_callback_url", payment(func(r *jovepay.PaymentRequest) { r.IPNCallbackURL = "https://shop.example/\u202eipn" })},
		{"order_description", payment(func(r *jovepay.PaymentRequest) { r.OrderDescription = "\xff" })},
		{"purchase_id", payment(func(r *jovepay.PaymentRequest) { r.PurchaseID = " 5" })},
		{"payout_address", payment(func(r *jovepay.PaymentRequest) { r.PayoutAddress, r.PayoutCurrency = "bc1q\n", "btc" })},
		{"payout_extra_id", payment(func(r *jovepay.PaymentRequest) { r.PayoutExtraID = "77\u200b" })},
		{"case", payment(func(r *jovepay.PaymentRequest) { r.Case = "\x00" })},

		{"price_amount", once(func(r *jovepay.PaymentRequest) { r.PriceAmount = jovepay.Amount{} })},
		{"order_id", once(func(r *jovepay.PaymentRequest) { r.OrderID = "" })},

		{"price_amount", invoice(func(r *jovepay.InvoiceRequest) { r.PriceAmount = jovepay.Amount{} })},
		{"price_amount", invoice(func(r *jovepay.InvoiceRequest) { r.PriceAmount = jovepay.MustAmount("-0") })},
		{"price_currency", invoice(func(r *jovepay.InvoiceRequest) { r.PriceCurrency = "" })},
		{"pay_currency", invoice(func(r *jovepay.InvoiceRequest) { r.PayCurrency = "Btc" })},
		{"ipn_callback_url", invoice(func(r *jovepay.InvoiceRequest) { r.IPNCallbackURL = "x" })},
		{"success_url", invoice(func(r *jovepay.InvoiceRequest) { r.SuccessURL = "x" })},
		{"cancel_url", invoice(func(r *jovepay.InvoiceRequest) { r.CancelURL = "x" })},
		{"partially_paid_url", invoice(func(r *jovepay.InvoiceRequest) { r.PartiallyPaidURL = "x" })},

		{"amount", estimate(func(o *jovepay.EstimateOptions) { o.Amount = jovepay.Amount{} })},
		{"amount", estimate(func(o *jovepay.EstimateOptions) { o.Amount = jovepay.MustAmount("-1") })},
		{"currency_from", estimate(func(o *jovepay.EstimateOptions) { o.From = "" })},
		{"currency_to", estimate(func(o *jovepay.EstimateOptions) { o.To = "a&b" })},

		{"currency_from", minimum(jovepay.MinAmountOptions{To: "btc"})},
		{"currency_to", minimum(jovepay.MinAmountOptions{From: "btc", To: "B"})},
		{"fiat_equivalent", minimum(jovepay.MinAmountOptions{From: "btc", FiatEquivalent: "$"})},

		{"price_amount", quote(jovepay.QuoteOptions{PriceCurrency: "usd", PayCurrency: "btc"})},
		{"price_currency", quote(jovepay.QuoteOptions{PriceAmount: jovepay.MustAmount("1"), PayCurrency: "btc"})},
		{"pay_currency", quote(jovepay.QuoteOptions{PriceAmount: jovepay.MustAmount("1"), PriceCurrency: "usd"})},
		{"payout_currency", quote(jovepay.QuoteOptions{PriceAmount: jovepay.MustAmount("1"), PriceCurrency: "usd", PayCurrency: "btc", PayoutCurrency: "X"})},

		{"limit", list(jovepay.PaymentListOptions{Limit: 501})},
		{"limit", list(jovepay.PaymentListOptions{Limit: -1})},
		{"page", list(jovepay.PaymentListOptions{Page: -1})},
		{"orderBy", list(jovepay.PaymentListOptions{OrderBy: "up"})},
		{"dateTo", list(jovepay.PaymentListOptions{DateFrom: day, DateTo: day.Add(-1)})},
		{"window", list(jovepay.PaymentListOptions{Window: -1})},
		{"limit", all(jovepay.PaymentListOptions{Limit: 501})},
		{"window", all(jovepay.PaymentListOptions{Window: -1})},
		{"sortBy", all(jovepay.PaymentListOptions{SortBy: "payment_status"})},

		{"order_id", func(ctx context.Context) error {
			_, err := client.Payments.FindOrder(ctx, "", time.Time{})
			return err
		}},
		{"interval", func(ctx context.Context) error {
			_, err := client.Payments.Wait(ctx, "1", jovepay.WaitOptions{MinInterval: -1})
			return err
		}},
		{"payment_id", func(ctx context.Context) error {
			_, err := client.Payments.Wait(ctx, "", jovepay.WaitOptions{})
			return err
		}},
		{"query", func(ctx context.Context) error {
			return client.Do(ctx, http.MethodGet, "/v1/x", 5, nil, nil)
		}},
		{"body", func(ctx context.Context) error {
			return client.Do(ctx, http.MethodPost, "/v1/x", nil, make(chan int), nil)
		}},
		{"method", func(ctx context.Context) error {
			return client.Do(ctx, "GE T", "/v1/x", nil, nil, nil)
		}},
		{"method", func(ctx context.Context) error {
			return client.Do(ctx, "GET\r\nX-Evil: 1", "/v1/x", nil, nil, nil)
		}},
	} {
		assertRejected(t, tt.call(t.Context()), tt.field)
		require.Zero(t, sent.Load(), "%s: something was sent", tt.field)
	}
}

// Order ids that a gateway may store as others are not sent by any call.
func TestOrderIDsThatAGatewayMayChange(t *testing.T) {
	t.Parallel()
	var sent atomic.Int32
	client := newMockClient(t, func(*http.Request) (*http.Response, error) {
		sent.Add(1)
		return httpmock.NewStringResponse(http.StatusTeapot, ""), nil
	}, jovepay.WithCredentials(email, password))
	calls := map[string]func(id string) error{
		"Create": func(id string) error {
			_, err := client.Payments.Create(t.Context(), goods(id))
			return err
		},
		"CreateOnce": func(id string) error {
			_, err := client.Payments.CreateOnce(t.Context(), goods(id))
			return err
		},
		"FindOrder": func(id string) error {
			_, err := client.Payments.FindOrder(t.Context(), id, time.Time{})
			return err
		},
		"Invoices.Create": func(id string) error {
			_, err := client.Invoices.Create(t.Context(), jovepay.InvoiceRequest{PriceAmount: amount("1"), PriceCurrency: "usd", OrderID: id})
			return err
		},
	}
	for name, call := range calls {
		for _, id := range []string{
			" A-1", "A-1 ", " ", "\tA-1", "A-1\n", "A-1\r\n", "\u00a0A-1", "A\u00a01\u00a0", "A-1\u2003", "A-1\u3000", "A-1\u2028", "A-1\u2029", // white space at an end
			"A\u0007", "A\x00", "A\x7f1", "A\u00851", "A\u009b1", "A\n1", "A\t1", // control characters
			"A\u200b", "\ufeffA", "A\u202e1", "A\u00ad1", "A\u2066B", "A\u20281", // format characters and separators
			"A\xff", "A\ufffd", "A\xed\xa0\x80", "A\U000f0000", "A\uffff", // no characters
			strings.Repeat("A", 256), strings.Repeat("A", 300), strings.Repeat("ü", 128), strings.Repeat("A", 1<<20), // too long
		} {
			assertRejected(t, call(id), "order_id")
			require.Zero(t, sent.Load(), "%s: %.20q was sent", name, id)
		}
		for _, id := range []string{"A-1", "1", "0", "#", "A 1", "A\u00a01", "заказ-1", "注文１", "OC-1/2", `"<&>'\`, "a_b:c@d", "🛒1", strings.Repeat("A", 255)} {
			err := call(id)
			require.Error(t, err)
			assert.NotErrorIs(t, err, jovepay.ErrInvalidRequest, "%s: %q", name, id)
			require.NotZero(t, sent.Swap(0), "%s: %q was not sent", name, id)
		}
	}
}

func TestCallsThatNeedCredentials(t *testing.T) {
	t.Parallel()
	client := newCannedClient(t, http.StatusTeapot, "")
	_, err := client.Payments.CreateOnce(t.Context(), goods("1"))
	assertRejected(t, err, "credentials")
	_, err = client.Authenticate(t.Context())
	assertRejected(t, err, "credentials")
}

func TestPaymentIDsAreEscaped(t *testing.T) {
	t.Parallel()
	var path atomic.Value
	client := newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		path.Store(r.URL.EscapedPath() + "?" + r.URL.RawQuery)
		id, err := jsonv2.Marshal(strings.TrimPrefix(r.URL.Path, "/v1/payment/"))
		assert.NoError(t, err)
		_, _ = fmt.Fprintf(w, `{"payment_id":%s}`, id)
	}))
	for id, want := range map[jovepay.ID]string{
		"5745459419": "/v1/payment/5745459419?",
		"a/b":        "/v1/payment/a%2Fb?",
		"%2e%2e":     "/v1/payment/%252e%252e?",
		"ünï":        "/v1/payment/%C3%BCn%C3%AF?",
		"a?b#c":      "/v1/payment/a%3Fb%23c?",
		"...":        "/v1/payment/...?",
		"a b\n":      "/v1/payment/a%20b%0A?",
	} {
		_, err := client.Payments.Get(t.Context(), id)
		require.NoError(t, err, "%q", id)
		assert.Equal(t, want, path.Swap(""), "%q", id)
	}
	for _, id := range []jovepay.ID{"", ".", "..", "../auth", "a/../../auth", `..\auth`, "a/..", "./a", "\xff"} {
		_, err := client.Payments.Get(t.Context(), id)
		assertRejected(t, err, "payment_id")
		assert.Empty(t, path.Load(), "%q was sent", id)
	}
}
