package jovepay_test

import (
	"encoding/json"
	"flag"
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

// stored are values of all types that shops may store as JSON, by the names of
// their files.
func stored(t *testing.T) map[string]any {
	t.Helper()
	payment := jovepay.Payment{
		ID: "5745459419", ParentPaymentID: "5745459418", InvoiceID: "4522625843", PurchaseID: "5837122679", Status: "on_hold",
		OrderID: "A-1 \"é\" \U0001F600", OrderDescription: "null", PriceAmount: amount("49.90"), PriceCurrency: "usd",
		PayAddress: "3EZ2", PayinExtraID: "007", PayAmount: amount("1E-8"), PayCurrency: "btc", ActuallyPaid: amount("0"),
		ActuallyPaidAtFiat: amount("0.0"), AmountReceived: amount("123456789012345678901234567890.5"), OutcomeAmount: amount("-0"),
		OutcomeCurrency: "usdttrc20", PayinHash: "abc", PayoutHash: "0xdef", PaymentExtraIDs: []jovepay.ID{"1", "2"}, OriginType: "REPEATED",
		Type: "crypto2crypto", IPNCallbackURL: "https://shop.example/ipn", SmartContract: "0x1", Network: "trx", NetworkPrecision: 6,
		TimeLimit: "1200", BurningPercent: amount("0.5"), CreatedAt: at(t, "2026-11-22T15:00:22.742Z"), UpdatedAt: at(t, "2026-11-22T18:30:00.5+03:00"),
		ExpirationEstimateDate: at(t, "2026-11-23T15:00:22.123456789Z"),
		Answer:                 jovepay.Answer{Extra: raw("zz", `{"b":[1,2.50,1E+2],"a":"x"}`, "aa", `null`, "Extra", `{}`, "paymentId", `"5"`, "é", `true`)},
	}
	misfits := jovepay.Payment{ID: "1", Answer: jovepay.Answer{Extra: raw("pay_amount", `{}`, "parent_payment_id", `[5]`, "updated_at", `"soon"`, "payment_extra_ids", `5`)}}
	return map[string]any{
		"payment":         payment,
		"payment_zero":    jovepay.Payment{},
		"payment_misfits": misfits,
		"payment_list": jovepay.PaymentList{
			Payments: []*jovepay.Payment{&payment, &misfits, {ID: "3"}}, Limit: 10, PagesCount: 1, Total: 3,
			Answer: jovepay.Answer{Extra: raw("took_ms", `7`)},
		},
		"payment_list_empty": jovepay.PaymentList{Payments: []*jovepay.Payment{}},
		"invoice": jovepay.Invoice{
			ID: "1", TokenID: "2", URL: "https://www.jovepay.com/pay/invoice/?iid=1", OrderID: "A-1", OrderDescription: "x", PriceAmount: amount("1000.00"),
			PriceCurrency: "usd", PayCurrency: "btc", IPNCallbackURL: "https://shop.example/ipn", SuccessURL: "https://shop.example/s",
			CancelURL: "https://shop.example/c", PartiallyPaidURL: "https://shop.example/p", FixedRate: true, FeePaidByUser: true,
			CreatedAt: at(t, "2026-11-22T15:05:44Z"), UpdatedAt: at(t, "2026-11-22T15:05:45Z"), Answer: jovepay.Answer{Extra: raw("payout_currency", `null`)},
		},
		"currency": jovepay.Currency{
			Code: "xrp", Name: "Ripple", Network: "xrp", Enabled: true, MinAmount: amount("0.5"), MaxAmount: amount("1e3"), LogoURL: "/xrp.svg",
			ExtraIDExists: true, Extra: raw("id", `93`, "wallet_regex", `"^r"`),
		},
		"currency_list": jovepay.CurrencyList{
			Currencies: []jovepay.Currency{{Code: "btc"}, {Code: "doge", Extra: raw("max_amount", `{}`)}}, Answer: jovepay.Answer{Extra: raw("selected", `["btc"]`)},
		},
		"estimate": jovepay.Estimate{
			CurrencyFrom: "usd", AmountFrom: amount("3999.50"), CurrencyTo: "btc", EstimatedAmount: amount("0.17061637"), Answer: jovepay.Answer{Extra: raw("x", `1`)},
		},
		"min_amount": jovepay.MinAmount{
			CurrencyFrom: "eth", CurrencyTo: "trx", MinAmount: amount("0.0078999"), FiatEquivalent: amount("35.4"), Answer: jovepay.Answer{Extra: raw("x", `1`)},
		},
		"status": jovepay.Status{Message: "OK", Answer: jovepay.Answer{Extra: raw("x", `1`)}},
		"payment_event": jovepay.PaymentEvent{
			Payment: payment, Fee: &jovepay.Fee{Currency: "btc", DepositFee: amount("0.1"), WithdrawalFee: amount("0"), ServiceFee: amount("2")}, TransactionID: "0x9",
		},
		"payment_event_misfits": jovepay.PaymentEvent{Payment: jovepay.Payment{ID: "1", Answer: jovepay.Answer{Extra: raw("fee", `5`, "transaction_id", `{}`)}}},
		"withdrawal_event": jovepay.WithdrawalEvent{
			ID: "1", BatchWithdrawalID: "2", Status: jovepay.WithdrawalCreating, Error: "no", Currency: "usdttrc20", Amount: amount("50.0"), Address: "TGkm",
			ExtraID: "7", Fee: amount("1"), Hash: "0x1", IPNCallbackURL: "https://shop.example/ipn", CreatedAt: at(t, "2023-07-27T15:29:40.803Z"),
			RequestedAt: at(t, "2023-07-27T15:29:41Z"), UpdatedAt: at(t, "2023-07-27T15:29:42Z"), Answer: jovepay.Answer{Extra: raw("amount2", `{}`)},
		},
		"recurring_event": jovepay.RecurringPaymentEvent{
			ID: "1", Status: jovepay.WithdrawalFinished, Currency: "trx", Amount: amount("12"), IPNCallbackURL: "https://shop.example/ipn",
			CreatedAt: at(t, "2023-07-26T14:20:11.531Z"), UpdatedAt: at(t, "2023-07-26T14:20:12Z"), Answer: jovepay.Answer{Extra: raw("fee", `[]`)},
		},
		"unknown_event": jovepay.UnknownEvent{Raw: json.RawMessage(`{"kind":"news","n":1.50}`)},
	}
}

type codec struct {
	marshal   func(any) ([]byte, error)
	unmarshal func([]byte, any) error
}

func codecs() map[string]codec {
	return map[string]codec{
		"encoding/json": {json.Marshal, json.Unmarshal},
		"v2": {
			func(v any) ([]byte, error) { return jsonv2.Marshal(v) },
			func(b []byte, v any) error { return jsonv2.Unmarshal(b, v) },
		},
	}
}

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
		ID: "1", OrderID: "<&>\u2028\u007f\u0001", Answer: jovepay.Answer{Extra: raw("<x>", `"<&>"`, "y", "\"\u2028\"")},
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
		got := jovepay.Payment{ID: "1", OrderID: "A-1", Answer: jovepay.Answer{Extra: raw("x", `1`)}}
		require.NoError(t, c.unmarshal([]byte(`{"order_id":"A-2","y":2,"pay_amount":{}}`), &got), name)
		assert.Equal(t, jovepay.Payment{ID: "1", OrderID: "A-2", Answer: jovepay.Answer{Extra: raw("x", `1`, "y", `2`, "pay_amount", `{}`)}}, got, name)

		for _, text := range []string{`[]`, `5`, `"x"`, `{"payment_id":1,"payment_id":2}`, `{"payment_id":1`, `{"payment_id":1} x`, ``} {
			before := got
			require.Error(t, c.unmarshal([]byte(text), &got), "%s: %s", name, text)
			assert.Equal(t, before, got, "%s: %s", name, text)
		}
		require.NoError(t, c.unmarshal([]byte(`{"PAYMENT_ID":7}`), &got), name)
		assert.Equal(t, jovepay.ID("1"), got.ID, "%s: names are matched in their exact case", name)

		_, err := c.marshal(jovepay.Payment{Answer: jovepay.Answer{Extra: raw("x", `{`)}})
		require.Error(t, err, name)
		_, err = c.marshal(jovepay.Payment{ID: "1", Answer: jovepay.Answer{Extra: raw("payment_id", `{}`)}})
		require.ErrorContains(t, err, "payment_id", "%s: which of the two would be read?", name)
		text, err := c.marshal(jovepay.Payment{Answer: jovepay.Answer{Extra: raw("payment_id", `{}`, "x", ``)}})
		require.NoError(t, err, name)
		other, err := c.marshal(jovepay.Estimate{Answer: jovepay.Answer{Extra: raw("currency_from", `{}`)}})
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
		f.Add([]byte(answer(f, name)))
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
