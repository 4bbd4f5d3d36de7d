package jovepay_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

var updateJSON = flag.Bool("update-json", false, "write testdata/json")

// The files are the same for encoding/json and v2, written and read, and this
// test runs on every version of Go that is supported.
func TestTypesAreStoredAlike(t *testing.T) {
	t.Parallel()
	for name, value := range stored(t) {
		file := "testdata/json/" + name + ".json"
		if *updateJSON {
			text, err := json.Marshal(value)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(file, append(text, '\n'), 0o644))
		}
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		want := strings.TrimSuffix(string(text), "\n")
		for writer, write := range codecs() {
			got, err := write.marshal(value)
			require.NoError(t, err, "%s by %s", name, writer)
			assert.Equal(t, want, string(got), "%s by %s", name, writer)
			pointer := reflect.New(reflect.TypeOf(value))
			pointer.Elem().Set(reflect.ValueOf(value))
			got, err = write.marshal([]any{pointer.Interface(), map[string]any{"v": value}})
			require.NoError(t, err, "%s by %s", name, writer)
			assert.Equal(t, `[`+want+`,{"v":`+want+`}]`, string(got), "%s by %s, inside", name, writer)
		}
		for reader, read := range codecs() {
			into := reflect.New(reflect.TypeOf(value))
			require.NoError(t, read.unmarshal([]byte(want), into.Interface()), "%s by %s", name, reader)
			for writer, write := range codecs() {
				again, err := write.marshal(into.Interface())
				require.NoError(t, err)
				assert.Equal(t, want, string(again), "%s by %s, then %s", name, reader, writer)
			}
			if strings.HasPrefix(name, "payment") && !strings.Contains(name, "list") {
				assert.Equal(t, value, into.Elem().Interface(), "%s by %s", name, reader)
			}
		}
	}
}

// encoding/json escapes some characters for HTML and v2 does not: what one has
// written, both read.
func TestEscapedTypesAreReadAlike(t *testing.T) {
	t.Parallel()
	want := jovepay.Payment{
		ID: "1", OrderID: "<&>\u2028\u007f\u0001", Response: jovepay.Response{Extra: raw("<x>", `"<&>"`, "y", "\"\u2028\"")},
	}
	text, err := json.Marshal(want)
	require.NoError(t, err)
	for _, escaped := range []string{`"order_id":"\u003c\u0026\u003e\u2028`, `"\u003cx\u003e":"\u003c\u0026\u003e"`, `"y":"\u2028"`} {
		assert.Contains(t, string(text), escaped)
	}
	for writer, write := range codecs() {
		for reader, read := range codecs() {
			text, err := write.marshal(want)
			require.NoError(t, err)
			var got jovepay.Payment
			require.NoError(t, read.unmarshal(text, &got))
			assert.Equal(t, want.OrderID, got.OrderID, "%s, %s", writer, reader)
			assert.Len(t, got.Extra, 2)
			again, err := jsonv2.Marshal(got)
			require.NoError(t, err)
			plain, err := jsonv2.Marshal(want)
			require.NoError(t, err)
			assert.JSONEq(t, string(plain), string(again), "%s, %s", writer, reader)
		}
	}
}

func TestReadingMergesAndIsStrict(t *testing.T) {
	t.Parallel()
	for name, c := range codecs() {
		got := jovepay.Payment{ID: "1", OrderID: "A-1", Response: jovepay.Response{Extra: raw("x", `1`)}}
		require.NoError(t, c.unmarshal([]byte(`{"order_id":"A-2","y":2,"pay_amount":{}}`), &got), name)
		assert.Equal(t, jovepay.Payment{ID: "1", OrderID: "A-2", Response: jovepay.Response{Extra: raw("x", `1`, "y", `2`, "pay_amount", `{}`)}}, got, name)

		for _, text := range []string{`[]`, `5`, `"x"`, `{"payment_id":1,"payment_id":2}`, `{"payment_id":1`, `{"payment_id":1} x`, ``} {
			before := got
			require.Error(t, c.unmarshal([]byte(text), &got), "%s: %s", name, text)
			assert.Equal(t, before, got, "%s: %s", name, text)
		}
		require.NoError(t, c.unmarshal([]byte(`{"PAYMENT_ID":7}`), &got), name)
		assert.Equal(t, jovepay.ID("1"), got.ID, "%s: names are matched in their exact case", name)

		_, err := c.marshal(jovepay.Payment{Response: jovepay.Response{Extra: raw("x", `{`)}})
		require.Error(t, err, name)
		_, err = c.marshal(jovepay.Payment{ID: "1", Response: jovepay.Response{Extra: raw("payment_id", `{}`)}})
		require.ErrorContains(t, err, "payment_id", "%s: which of the two would be read?", name)
		text, err := c.marshal(jovepay.Payment{Response: jovepay.Response{Extra: raw("payment_id", `{}`, "x", ``)}})
		require.NoError(t, err, name)
		other, err := c.marshal(jovepay.Estimate{Response: jovepay.Response{Extra: raw("currency_from", `{}`)}})
		require.NoError(t, err, name)
		assert.JSONEq(t, `{"amount_from":null,"currency_to":"","estimated_amount":null,"currency_from":{}}`, string(other), name)
		assert.JSONEq(t, `{"payment_id":{},"x":null}`, string(text), name)
	}
}

func TestListsAreBounded(t *testing.T) {
	t.Parallel()
	for name, c := range codecs() {
		var list jovepay.PaymentList
		require.NoError(t, c.unmarshal([]byte(`{"data":[{}`+strings.Repeat(`,{}`, 499)+`]}`), &list), name)
		assert.Len(t, list.Payments, 500)
		require.ErrorContains(t, c.unmarshal([]byte(`{"data":[{}`+strings.Repeat(`,{}`, 500)+`]}`), &list), "more than 500 payments", name)

		var coins jovepay.CurrencyList
		require.NoError(t, c.unmarshal([]byte(`{"currencies":["a"`+strings.Repeat(`,"a"`, 9_999)+`]}`), &coins), name)
		assert.Len(t, coins.Currencies, 10_000)
		require.ErrorContains(t, c.unmarshal([]byte(`{"currencies":["a"`+strings.Repeat(`,"a"`, 10_000)+`]}`), &coins), "more than 10000 currencies", name)
	}
}

// Whatever is read can be stored, and is then read as the same.
func FuzzPaymentJSON(f *testing.F) {
	for _, name := range []string{"payment_odd.json", "payment_created.json", "payment_finished.json"} {
		f.Add([]byte(responseFile(f, name)))
	}
	f.Add([]byte(withMember(`"updated_at":1765249461097,"order_description":"x\ud83d","parent_payment_id":[5]`)))
	f.Fuzz(func(t *testing.T, text []byte) {
		var first, second jovepay.Payment
		if first.UnmarshalJSON(text) != nil {
			return
		}
		stored, err := first.MarshalJSON()
		require.NoError(t, err)
		require.NoError(t, second.UnmarshalJSON(stored))
		again, err := second.MarshalJSON()
		require.NoError(t, err)
		assert.Equal(t, string(stored), string(again))
	})
}

func TestPaymentsAreDecoded(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]jovepay.Payment{
		"payment_created.json": {
			ID: "5745459419", Status: jovepay.PaymentWaiting, PayAddress: "3EZ2uTdVDAMFXTfc6uLDDKR6o8qKBZXVkj",
			PriceAmount: amount("3999.5"), PriceCurrency: "usd", PayAmount: amount("0.17070286"), PayCurrency: "btc",
			OrderID: "RGDBP-21314", OrderDescription: "Apple Macbook Pro 2019 x 1", IPNCallbackURL: "https://shop.example/ipn",
			CreatedAt: at(t, "2026-11-22T15:00:22.742Z"), UpdatedAt: at(t, "2026-11-22T15:00:22.742Z"),
			PurchaseID: "5837122679", Network: "btc", NetworkPrecision: 8, ExpirationEstimateDate: at(t, "2026-11-23T15:00:22.742Z"),
		},
		"payment_memo.json": {
			ID: "5745459420", Status: jovepay.PaymentWaiting, PayAddress: "rNxp4h8apvRis6mJf9Sh8C6iRxfrDWN7AV",
			PayinExtraID: "2086123432", PriceAmount: amount("10"), PriceCurrency: "eur", PayAmount: amount("16.123456"), PayCurrency: "xrp",
			OrderID: "1002", PurchaseID: "5837122680",
			Response: jovepay.Response{Extra: raw("valid_until", `"2026-11-23T15:20:22"`, "is_fixed_rate", `true`)},
		},
		"payment_finished.json": {
			ID: "5745459419", InvoiceID: "4522625843", Status: jovepay.PaymentFinished, PayAddress: "3EZ2uTdVDAMFXTfc6uLDDKR6o8qKBZXVkj",
			PriceAmount: amount("3999.5"), PriceCurrency: "usd", PayAmount: amount("0.17070286"),
			ActuallyPaid: amount("0.170702860000000001"), ActuallyPaidAtFiat: amount("0"), PayCurrency: "btc",
			OrderID: "RGDBP-21314", OrderDescription: "Apple Macbook Pro 2019 x 1", PurchaseID: "5837122679",
			OutcomeAmount: amount("3980.25"), OutcomeCurrency: "usdttrc20", PayoutHash: "0xdef", PayinHash: "abc",
			CreatedAt: at(t, "2026-11-22T15:00:22Z"), UpdatedAt: at(t, "2026-11-22T18:30:00.5+03:00"), BurningPercent: amount("0"),
			Type: "crypto2crypto", PaymentExtraIDs: []jovepay.ID{"5745459500", "5745459501"},
		},
		"payment_repeated.json": {
			ID: "5745459500", ParentPaymentID: "5745459419", Status: jovepay.PaymentPartiallyPaid,
			ActuallyPaid: amount("1e-8"), PayCurrency: "btc", OriginType: "REPEATED",
		},
		"payment_odd.json": {
			ID: "18446744073709551617", Status: "on_hold", OrderID: "1001", OrderDescription: "true",
			NetworkPrecision: 8, TimeLimit: "1200", PayinExtraID: "2086123432", CreatedAt: at(t, "2025-11-22T15:00:22Z"),
			Response: jovepay.Response{Extra: raw("price_amount", `{"value":5,"currency":"usd"}`, "price_currency", `["usd"]`, "pay_amount", `"a lot"`,
				"pay_currency", `false`, "payment_extra_ids", `5`, "updated_at", `"yesterday"`, "purchase_id", `{"id":1}`)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := responseFile(t, name)
			client := newCannedClient(t, http.StatusOK, body)
			got, err := client.Payments.Get(t.Context(), want.ID)
			require.NoError(t, err)
			assert.Equal(t, body, string(got.Raw), "the raw response is kept")
			want.Raw = got.Raw
			assert.Equal(t, show(t, want), show(t, *got))
			assert.Equal(t, want.Extra, got.Extra)
			roundTrip(t, got)

			if want.ParentPaymentID != "" {
				return // is never the response to a create
			}
			created, err := client.Payments.Create(t.Context(), requestFor(want))
			require.NoError(t, err)
			assert.Equal(t, got, created, "Create and Get read the same forms")
		})
	}
}

// requestFor returns a request that p can be the response to.
func requestFor(p jovepay.Payment) jovepay.PaymentRequest {
	return with(goods(p.OrderID), func(r *jovepay.PaymentRequest) {
		if !p.PriceAmount.IsNull() {
			r.PriceAmount = p.PriceAmount
		}
		r.PriceCurrency = cmp.Or(p.PriceCurrency, r.PriceCurrency)
		r.PayCurrency = cmp.Or(p.PayCurrency, r.PayCurrency)
	})
}

// roundTrip checks that shops can store a payment as JSON.
func roundTrip(t *testing.T, p *jovepay.Payment) {
	t.Helper()
	want := *p
	want.Raw = nil // is not stored

	stored, err := json.Marshal(p)
	require.NoError(t, err)
	var one jovepay.Payment
	require.NoError(t, json.Unmarshal(stored, &one))
	assert.Equal(t, want, one, "encoding/json")

	stored, err = jsonv2.Marshal(p)
	require.NoError(t, err)
	var two jovepay.Payment
	require.NoError(t, jsonv2.Unmarshal(stored, &two))
	assert.Equal(t, want, two, "v2")
	for name := range p.Extra {
		assert.Contains(t, string(stored), `"`+name+`":`, "v2 writes unknown members back where they were")
	}
}

func TestPaymentListIsDecoded(t *testing.T) {
	t.Parallel()
	body := responseFile(t, "payment_list.json")
	client := newMockClient(t, loginResponder(body), jovepay.WithCredentials(email, password))
	list, err := client.Payments.List(t.Context(), jovepay.PaymentListOptions{})
	require.NoError(t, err)
	assert.Equal(t, []int{10, 0, 582, 5815}, []int{list.Limit, list.Page, list.PagesCount, list.Total})
	assert.Equal(t, raw("took_ms", `7`), list.Extra)
	assert.Equal(t, body, string(list.Raw))
	require.Len(t, list.Payments, 2)
	first, second := list.Payments[0], list.Payments[1]
	assert.Equal(t, jovepay.ID("5745459421"), first.ID)
	assert.Equal(t, jovepay.ID("5745459419"), second.ID)
	assert.Equal(t, jovepay.ID("4522625843"), second.InvoiceID)
	assert.Equal(t, "12.5", first.PriceAmount.String())
	assert.Equal(t, "3999.5", second.PriceAmount.String())
	assert.Equal(t, "0.00053", first.PayAmount.String())
	assert.False(t, second.ActuallyPaid.IsNull(), "0 is not null")
	assert.True(t, first.ActuallyPaid.IsNull(), "absent is null")
	assert.Nil(t, first.Raw)
	assert.Equal(t, raw("fee", `{"currency":"btc","depositFee":"0"}`), first.Extra)
	roundTrip(t, first)
}

func TestInvoiceIsDecoded(t *testing.T) {
	t.Parallel()
	body := responseFile(t, "invoice_created.json")
	client := newCannedClient(t, http.StatusCreated, body)
	got, err := client.Invoices.Create(t.Context(), jovepay.InvoiceRequest{PriceAmount: amount("1000.00"), PriceCurrency: "usd"})
	require.NoError(t, err)
	assert.Equal(t, &jovepay.Invoice{
		ID: "4522625843", TokenID: "5278103920", URL: "https://www.jovepay.com/pay/invoice/?iid=4522625843",
		OrderID: "RGDBP-21314", OrderDescription: "Apple Macbook Pro 2019 x 1",
		PriceAmount: amount("1000.00"), PriceCurrency: "usd",
		IPNCallbackURL: "https://shop.example/ipn", SuccessURL: "https://shop.example/thanks", CancelURL: "https://shop.example/cart",
		FeePaidByUser: true, CreatedAt: at(t, "2026-11-22T15:05:44.742Z"), UpdatedAt: at(t, "2026-11-22T15:05:44.742Z"),
		Response: jovepay.Response{Raw: []byte(body), Extra: raw("payout_currency", `null`)},
	}, got)
}

func TestCurrenciesAreDecoded(t *testing.T) {
	t.Parallel()
	list, err := newCannedClient(t, http.StatusOK, responseFile(t, "currencies.json")).Currencies.List(t.Context(), jovepay.CurrencyListOptions{})
	require.NoError(t, err)
	assert.Equal(t, []jovepay.Currency{{Code: "btg"}, {Code: "eth"}, {Code: "usdttrc20"}}, list.Currencies)

	list, err = newCannedClient(t, http.StatusOK, responseFile(t, "currencies_objects.json")).Currencies.List(t.Context(), jovepay.CurrencyListOptions{})
	require.NoError(t, err)
	assert.Equal(t, []jovepay.Currency{
		{Code: "btc"},
		{Code: "ltc", MinAmount: amount("0.0037"), MaxAmount: amount("150.5")},
		{
			Code: "xrp", Name: "Ripple", Network: "xrp", Enabled: true, LogoURL: "/images/coins/xrp.svg", ExtraIDExists: true,
			Extra: raw("id", `93`, "wallet_regex", `"^r"`, "priority", `3`),
		},
		{Code: "doge", Enabled: true, Extra: raw("max_amount", `{}`)},
	}, list.Currencies)
	assert.Equal(t, raw("selectedCurrencies", `["btc"]`), list.Extra)
}

func TestEstimatesAreDecoded(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"estimate.json", "estimate_string.json"} {
		got, err := newCannedClient(t, http.StatusOK, responseFile(t, name)).
			Estimates.Get(t.Context(), jovepay.EstimateOptions{Amount: amount("3999.5"), From: "usd", To: "btc"})
		require.NoError(t, err)
		assert.Equal(t, "usd btc 0.17061637", got.CurrencyFrom+" "+got.CurrencyTo+" "+got.EstimatedAmount.String(), name)
		assert.True(t, amount("3999.5").Equal(got.AmountFrom))
	}
	got, err := newCannedClient(t, http.StatusOK, responseFile(t, "min_amount.json")).
		Estimates.MinAmount(t.Context(), jovepay.MinAmountOptions{From: "eth", To: "trx", FiatEquivalent: "usd"})
	require.NoError(t, err)
	assert.Equal(t, "eth trx 0.0078999 35.40626584",
		got.CurrencyFrom+" "+got.CurrencyTo+" "+got.MinAmount.String()+" "+got.FiatEquivalent.String())

	status, err := newCannedClient(t, http.StatusOK, responseFile(t, "status.json")).Status(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "OK", status.Message)
}

// What is not what was asked for is an error, not an empty result: an empty
// list, for one, would let CreateOnce believe that nothing was created.
func TestUnusableResponsesAreRejected(t *testing.T) {
	t.Parallel()
	type call = func(context.Context, *jovepay.Client) error
	calls := map[string]call{
		"payment": func(ctx context.Context, c *jovepay.Client) error {
			_, err := c.Payments.Get(ctx, "1")
			return err
		},
		"create": func(ctx context.Context, c *jovepay.Client) error {
			_, err := c.Payments.Create(ctx, goods("1"))
			return err
		},
		"list": func(ctx context.Context, c *jovepay.Client) error {
			_, err := c.Payments.List(ctx, jovepay.PaymentListOptions{})
			return err
		},
		"invoice": func(ctx context.Context, c *jovepay.Client) error {
			_, err := c.Invoices.Create(ctx, jovepay.InvoiceRequest{PriceAmount: amount("1"), PriceCurrency: "usd"})
			return err
		},
		"estimate": func(ctx context.Context, c *jovepay.Client) error {
			_, err := c.Estimates.Get(ctx, jovepay.EstimateOptions{Amount: amount("1"), From: "usd", To: "btc"})
			return err
		},
		"minimum": func(ctx context.Context, c *jovepay.Client) error {
			_, err := c.Estimates.MinAmount(ctx, jovepay.MinAmountOptions{From: "btc"})
			return err
		},
		"currencies": func(ctx context.Context, c *jovepay.Client) error {
			_, err := c.Currencies.List(ctx, jovepay.CurrencyListOptions{})
			return err
		},
	}
	everywhere := []string{
		``, ` `, `null`, `{}`, `[]`, `5`, `"OK"`, `true`, `{"message":"OK"}`, `{`, `{"payment_id":"1"`, `{"payment_id":"1"} x`,
		`{"payment_id":"1","payment_id":"2","id":"1","id":"2"}`, "\xef\xbb\xbf{}",
		`<html>`, `{'payment_id':1}`, strings.Repeat("[", 20_000), `{"payment_id":1,"id":1,"a":` + strings.Repeat("[", 20_000),
	}
	only := map[string][]string{
		"payment":    {`{"payment_id":null}`, `{"payment_id":""}`, `{"payment_id":1.5}`, `{"payment_id":true}`, `{"payment_id":{}}`, `{"PAYMENT_ID":1}`},
		"list":       {`{"data":null}`, `{"data":{}}`, `{"data":[null]}`, `{"data":[{}]}`, `{"data":["1"]}`, `{"data":[{"payment_id":1,"payment_id":1}]}`},
		"invoice":    {`{"id":null}`},
		"estimate":   {`{"estimated_amount":null}`, `{"estimated_amount":"soon"}`},
		"minimum":    {`{"min_amount":null}`},
		"currencies": {`{"currencies":null}`, `{"currencies":"btc"}`, `{"currencies":[5]}`},
	}
	for name, call := range calls {
		for _, body := range append(append([]string{}, everywhere...), only[name]...) {
			client := newMockClient(t, loginResponder(body), jovepay.WithCredentials(email, password))
			err := call(t.Context(), client)
			failed := (*jovepay.APIError)(nil)
			require.ErrorAs(t, err, &failed, "%s: %.60s", name, body)
			assert.Equal(t, http.StatusOK, failed.StatusCode)
			assert.Equal(t, body, string(failed.Body), "the response is not lost")
			assert.Equal(t, name == "create" || name == "invoice", errors.Is(err, jovepay.ErrOutcomeUnknown), "%s: %.60s", name, body)
			assertOneLine(t, err)
		}
	}
}
