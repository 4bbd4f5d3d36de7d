package jovepay_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

// camelCase spells all names of a body as JovePay's shop plugins do.
func camelCase(body string) string {
	return regexp.MustCompile(`"\w+":`).ReplaceAllStringFunc(body, func(name string) string {
		return regexp.MustCompile(`_[a-z]`).ReplaceAllStringFunc(name, func(s string) string { return strings.ToUpper(s[1:]) })
	})
}

// signedText is what Parse keeps of a body: the body, or the sorted text.
func signedText(tb testing.TB, raw []byte) string {
	tb.Helper()
	assert.True(tb, json.Valid(raw), "%q", raw)
	return string(raw)
}

// TestGuidePayment reads every field of the guide's payment, in every form and
// in both styles of names.
func TestGuidePayment(t *testing.T) {
	t.Parallel()
	for _, form := range allForms() {
		for style, body := range map[string]string{"snake_case": guidePayment, "camelCase": camelCase(guidePayment)} {
			t.Run(string(form)+"/"+style, func(t *testing.T) {
				t.Parallel()
				e, ok := parseAs(t, form, body).(*jovepay.PaymentEvent)
				require.True(t, ok)
				assert.Equal(t, jovepay.ID("123456789"), e.ID)
				assert.Equal(t, jovepay.ID("987654321"), e.ParentPaymentID)
				assert.Empty(t, e.InvoiceID)
				assert.Equal(t, jovepay.PaymentFinished, e.Status)
				assert.Equal(t, "address", e.PayAddress)
				assert.Empty(t, e.PayinExtraID)
				assert.Equal(t, amount("1"), e.PriceAmount)
				assert.Equal(t, "usd", e.PriceCurrency)
				assert.Equal(t, amount("15"), e.PayAmount)
				assert.Equal(t, amount("15"), e.ActuallyPaid)
				assert.Equal(t, amount("0"), e.ActuallyPaidAtFiat)
				assert.Equal(t, "trx", e.PayCurrency)
				assert.Empty(t, e.OrderID)
				assert.Empty(t, e.OrderDescription)
				assert.Equal(t, jovepay.ID("123456789"), e.PurchaseID)
				assert.Equal(t, amount("14.8106"), e.OutcomeAmount)
				assert.Equal(t, "trx", e.OutcomeCurrency)
				assert.Nil(t, e.PaymentExtraIDs)
				assert.Equal(t, &jovepay.Fee{
					Currency: "btc", DepositFee: amount("0.09853637216235617"),
					WithdrawalFee: amount("0"), ServiceFee: amount("0"),
				}, e.Fee)
				assert.Nil(t, e.Extra)
				assert.Equal(t, jovepay.Verification{Form: form}, e.Verification())
				if form == jovepay.FormRaw {
					assert.Equal(t, body, signedText(t, e.Raw))
				} else {
					assert.JSONEq(t, body, signedText(t, e.Raw))
				}
			})
		}
	}
}

func TestGuideWithdrawal(t *testing.T) {
	t.Parallel()
	for _, form := range allForms() {
		for _, body := range []string{guideWithdrawal, camelCase(guideWithdrawal)} {
			e, ok := parseAs(t, form, body).(*jovepay.WithdrawalEvent)
			require.True(t, ok)
			assert.Equal(t, jovepay.ID("123456789"), e.ID)
			assert.Equal(t, jovepay.ID("987654321"), e.BatchWithdrawalID)
			assert.Equal(t, jovepay.WithdrawalCreating, e.Status)
			assert.Empty(t, e.Error)
			assert.Equal(t, "usdttrc20", e.Currency)
			assert.Equal(t, amount("50"), e.Amount)
			assert.Equal(t, "address", e.Address)
			assert.True(t, e.Fee.IsNull())
			assert.Empty(t, e.ExtraID)
			assert.Empty(t, e.Hash)
			assert.Equal(t, "callback_url", e.IPNCallbackURL)
			assert.Equal(t, at(t, "2023-07-27T15:29:40.803Z"), e.CreatedAt)
			assert.Zero(t, e.RequestedAt)
			assert.Zero(t, e.UpdatedAt)
			assert.Nil(t, e.Extra)
			assert.JSONEq(t, body, signedText(t, e.Raw))
		}
	}
}

func TestGuideRecurringPayment(t *testing.T) {
	t.Parallel()
	for _, form := range allForms() {
		for _, body := range []string{guideRecurring, camelCase(guideRecurring)} {
			e, ok := parseAs(t, form, body).(*jovepay.RecurringPaymentEvent)
			require.True(t, ok)
			assert.Equal(t, jovepay.ID("1234567890"), e.ID)
			assert.Equal(t, jovepay.WithdrawalFinished, e.Status)
			assert.Equal(t, "trx", e.Currency)
			assert.Equal(t, amount("12.171365564140688"), e.Amount)
			assert.Equal(t, "callback_url", e.IPNCallbackURL)
			assert.Equal(t, at(t, "2023-07-26T14:20:11.531Z"), e.CreatedAt)
			assert.Equal(t, at(t, "2023-07-26T14:20:21.079Z"), e.UpdatedAt)
			assert.Nil(t, e.Extra)
			assert.JSONEq(t, body, signedText(t, e.Raw))
		}
	}
}

func TestEventKinds(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"payment_id":1}`:                                       "payment",
		`{"paymentId":1}`:                                        "payment",
		`{"payment_status":"waiting"}`:                           "payment",
		`{"paymentStatus":"waiting","orderId":"1"}`:              "payment",
		`{"payment\u005fid":1}`:                                  "payment",
		`{"payment_id":null}`:                                    "payment",
		`{"payment_id":1,"id":1,"status":"s","address":"a"}`:     "payment",
		`{"id":1,"status":"s","address":"a"}`:                    "withdrawal",
		`{"id":1,"status":"s","batchWithdrawalId":2}`:            "withdrawal",
		`{"id":null,"status":null,"hash":null}`:                  "withdrawal",
		`{"id":1,"status":"s","amount":"1","requested_at":null}`: "withdrawal",
		`{"id":1,"status":"s","amount":"1"}`:                     "recurring",
		`{"id":1,"status":"s","amount":"1","subscription_id":5}`: "recurring",
		`{}`:                                "other",
		`{"id":1}`:                          "other",
		`{"id":1,"status":"s"}`:             "other",
		`{"id":1,"address":"a"}`:            "other",
		`{"status":"s","address":"a"}`:      "other",
		`{"order_id":"1","price_amount":1}`: "other",
		`{"PAYMENT_ID":1,"Payment_Id":1,"PaymentId":1}`:        "other",
		`{"data":{"payment_id":1,"payment_status":"waiting"}}`: "other",
		`{"list":["payment_id",1]}`:                            "other",
		`{"0":{"payment_id":1},"1":2}`:                         "other", // a list to PHP
	} {
		for _, form := range allForms() {
			event := parseAs(t, form, body)
			assert.Equal(t, want, kind(event), "%s as %s", body, form)
			assert.Equal(t, form, event.Verification().Form)
			if unknown, ok := event.(*jovepay.UnknownEvent); ok {
				assert.NotEmpty(t, signedText(t, unknown.Raw))
			}
		}
	}
}

// TestEventSpellings reads ids, amounts and texts that are numbers here and
// strings there. The raw form keeps the digits.
func TestEventSpellings(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		id    jovepay.ID
		order string
		paid  string
		odd   string // members that do not fit
	}{
		`5`:                       {"5", "5", "5", ""},
		`"5"`:                     {"5", "5", "5", ""},
		`"\u0035"`:                {"5", "5", "5", ""},
		`5.0`:                     {"5", "5", "5.0", ""},
		`5e0`:                     {"5", "5", "5e0", ""},
		`0.5E+1`:                  {"5", "5", "0.5E+1", ""},
		`-5`:                      {"-5", "-5", "-5", ""},
		`0`:                       {"0", "0", "0", ""},
		`-0`:                      {"0", "0", "-0", ""},
		`1e3`:                     {"1000", "1000", "1e3", ""},
		`1e-2`:                    {"", "0.01", "1e-2", "id"},
		`"1e3"`:                   {"1e3", "1e3", "1e3", ""},
		`"007"`:                   {"007", "007", "", "paid"},
		`"P-5"`:                   {"P-5", "P-5", "", "paid"},
		`" 5"`:                    {" 5", " 5", "", "paid"},
		`"1,5"`:                   {"1,5", "1,5", "", "paid"},
		`"NaN"`:                   {"NaN", "NaN", "", "paid"},
		`"é\n"`:                   {"é\n", "é\n", "", "paid"},
		`""`:                      {"", "", "null", ""},
		`"null"`:                  {"", "null", "null", ""},
		`null`:                    {"", "", "null", ""},
		`123456789012345678901`:   {"123456789012345678901", "123456789012345678901", "123456789012345678901", ""},
		`9007199254740993`:        {"9007199254740993", "9007199254740993", "9007199254740993", ""},
		`0.1000000000000000055`:   {"", "0.1000000000000000055", "0.1000000000000000055", "id"},
		`"0.1000000000000000055"`: {"0.1000000000000000055", "0.1000000000000000055", "0.1000000000000000055", ""},
		`1.50`:                    {"", "1.5", "1.50", "id"},
		strings.Repeat("9", 128):  {jovepay.ID(strings.Repeat("9", 128)), strings.Repeat("9", 128), strings.Repeat("9", 128), ""},
		strings.Repeat("9", 129):  {jovepay.ID(strings.Repeat("9", 129)), strings.Repeat("9", 129), "", "paid"},
		`true`:                    {"", "", "", "id order paid"},
		`[5]`:                     {"", "", "", "id order paid"},
		`{"value":5}`:             {"", "", "", "id order paid"},
	} {
		body := `{"payment_id":` + text + `,"order_id":` + text + `,"actually_paid":` + text + `}`
		e, ok := parseAs(t, jovepay.FormRaw, body).(*jovepay.PaymentEvent)
		require.True(t, ok)
		assert.Equal(t, want.id, e.ID, text)
		assert.Equal(t, want.order, e.OrderID, text)
		if want.paid == "null" {
			want.paid = ""
		}
		assert.Equal(t, want.paid, e.ActuallyPaid.String(), text)
		var odd []string
		for _, name := range []string{"payment_id", "order_id", "actually_paid"} {
			if value, ok := e.Extra[name]; ok {
				assert.Equal(t, text, string(value), "as it was signed")
				odd = append(odd, map[string]string{"payment_id": "id", "order_id": "order", "actually_paid": "paid"}[name])
			}
		}
		assert.Equal(t, want.odd, strings.Join(odd, " "), text)
	}
}

// TestEventAmountsAreWhatWasSigned reads amounts of more digits than a double
// has: each form signs them in its own way, and that is what the event has.
func TestEventAmountsAreWhatWasSigned(t *testing.T) {
	t.Parallel()
	const body = `{"payment_id":9007199254740993,"pay_amount":0.1234567890123456789,"actually_paid":1.50,"outcome_amount":1e-8,"price_amount":"0.1234567890123456789"}`
	for form, want := range map[jovepay.IPNForm][4]string{
		jovepay.FormJS:       {"9007199254740992", "0.12345678901234568", "1.5", "1e-8"},
		jovepay.FormJSArrays: {"9007199254740992", "0.12345678901234568", "1.5", "1e-8"},
		jovepay.FormPHP:      {"9007199254740993", "0.12345678901234568", "1.5", "1.0e-8"},
		jovepay.FormPython:   {"9007199254740993", "0.12345678901234568", "1.5", "1e-08"},
		jovepay.FormRaw:      {"9007199254740993", "0.1234567890123456789", "1.50", "1e-8"},
	} {
		e := parseAs(t, form, body).(*jovepay.PaymentEvent)
		assert.Equal(t, want, [4]string{e.ID.String(), e.PayAmount.String(), e.ActuallyPaid.String(), e.OutcomeAmount.String()}, form)
		assert.True(t, e.OutcomeAmount.Equal(amount("0.00000001")), form)
		assert.Equal(t, "0.1234567890123456789", e.PriceAmount.String(), "a string keeps its digits")
	}
}

// TestTwoBodiesOneSignature gives bodies that a form signs alike: the event is
// the same, so that nobody gains from changing one into the other.
func TestTwoBodiesOneSignature(t *testing.T) {
	t.Parallel()
	js := []jovepay.IPNForm{jovepay.FormJS, jovepay.FormJSArrays}
	for name, test := range map[string]struct {
		forms  []jovepay.IPNForm
		bodies []string
	}{
		"digits beyond a double": {js, []string{`{"payment_id":9007199254740993,"pay_amount":0.30000000000000004}`, `{"payment_id":9007199254740992,"pay_amount":0.300000000000000041}`}},
		"zeros":                  {append(js, jovepay.FormPHP), []string{`{"payment_id":1,"pay_amount":1.50}`, `{"payment_id":1.0,"pay_amount":1.5}`}},
		"exponents":              {js, []string{`{"payment_id":1e2,"pay_amount":1E3}`, `{"payment_id":100,"pay_amount":1000}`}},
		"minus zero":             {js, []string{`{"payment_id":0,"pay_amount":-0.0}`, `{"payment_id":-0,"pay_amount":0}`}},
		"order and space":        {allForms()[:4], []string{`{"payment_id":1,"order_id":"2"}`, ` { "order_id" : "2" , "payment_id" : 1 } `}},
		"escapes":                {allForms()[:4], []string{`{"payment_id":1,"order_id":"é/😀"}`, `{"\u0070ayment_id":1,"order_id":"\u00E9\/\uD83D\uDE00"}`}},
		"PHP's empty objects":    {[]jovepay.IPNForm{jovepay.FormPHP}, []string{`{"payment_id":1,"fee":{},"payment_extra_ids":[]}`, `{"payment_id":1,"fee":[],"payment_extra_ids":{}}`}},
		"lists and indexes":      {[]jovepay.IPNForm{jovepay.FormJS, jovepay.FormPHP}, []string{`{"payment_id":1,"payment_extra_ids":[7,8],"x":[[],[5]]}`, `{"payment_id":1,"payment_extra_ids":{"1":8,"0":7},"x":{"0":{},"1":{"0":5}}}`}},
		"a withdrawal's fee":     {[]jovepay.IPNForm{jovepay.FormJS, jovepay.FormPHP}, []string{`{"id":1,"status":"S","address":"a","fee":[]}`, `{"id":1,"status":"S","address":"a","fee":{}}`}},
		"a payment's fee":        {[]jovepay.IPNForm{jovepay.FormJS, jovepay.FormPHP}, []string{`{"payment_id":1,"fee":["btc"]}`, `{"payment_id":1,"fee":{"0":"btc"}}`}},
		"what decides":           {[]jovepay.IPNForm{jovepay.FormJS, jovepay.FormPHP}, []string{`{"payment_id":[1],"parent_payment_id":[],"order_id":{}}`, `{"payment_id":{"0":1},"parent_payment_id":{},"order_id":[]}`}},
		"indexes at the root":    {[]jovepay.IPNForm{jovepay.FormJS, jovepay.FormPHP}, []string{`{"0":{},"1":[2]}`, `{"1":{"0":2},"0":[]}`}},
		"PHP's lists":            {[]jovepay.IPNForm{jovepay.FormPHP}, []string{`{"payment_id":1,"payment_extra_ids":[7,8]}`, `{"payment_id":1,"payment_extra_ids":{"1":8,"0":7}}`}},
	} {
		for _, form := range test.forms {
			v := newVerifier(t, ipnSecret, jovepay.WithIPNForms(form))
			signature := signAs(t, form, test.bodies[0])
			first, err := v.Parse([]byte(test.bodies[0]), signature)
			require.NoError(t, err)
			second, err := v.Parse([]byte(test.bodies[1]), signature)
			require.NoError(t, err, "%s as %s", name, form)
			assertOneEvent(t, first, second)
			assert.Equal(t, first.Verification(), second.Verification(), "%s as %s", name, form)
		}
	}
}

// TestEventArrays has arrays as arrays under every form, also under the one
// that signs them as objects, and reads a list that is written as an object.
func TestEventArrays(t *testing.T) {
	t.Parallel()
	for _, form := range allForms() {
		e := parseAs(t, form, `{"payment_id":1,"payment_extra_ids":[7,"8",null,9.0],"more":[[],{"a":[true]}]}`).(*jovepay.PaymentEvent)
		assert.Equal(t, []jovepay.ID{"7", "8", "", "9"}, e.PaymentExtraIDs, form)
		assert.JSONEq(t, `[[],{"a":[true]}]`, string(e.Extra["more"]), form)
		assert.Len(t, e.Extra, 1)

		for ids, want := range map[string][]jovepay.ID{
			`{"1":8,"0":7}`: {"7", "8"}, `{"0":9007199254740991}`: {"9007199254740991"}, `{}`: {}, `[]`: {},
			`{"0":{"0":7}}`: nil, `{"1":7}`: nil, `{"0":7,"2":8}`: nil, `{"00":7}`: nil, `{"0":7,"a":8}`: nil,
		} {
			e := parseAs(t, form, `{"payment_id":1,"payment_extra_ids":`+ids+`}`).(*jovepay.PaymentEvent)
			assert.Equal(t, want, e.PaymentExtraIDs, "%s, form %s", ids, form)
			assert.Equal(t, want == nil, len(e.Extra) == 1, "%s, form %s", ids, form)
		}
	}
}

// TestEventEmptyFee reads an empty fee as none: two forms have one text for no
// members and no elements.
func TestEventEmptyFee(t *testing.T) {
	t.Parallel()
	for _, form := range allForms() {
		for _, fee := range []string{`{}`, `[]`, `null`, `{ }`} {
			e := parseAs(t, form, `{"payment_id":1,"fee":`+fee+`}`).(*jovepay.PaymentEvent)
			assert.Nil(t, e.Fee, form)
			assert.Nil(t, e.Extra, form)
		}
	}
}

// TestEventTickers are in lower case, however they came.
func TestEventTickers(t *testing.T) {
	t.Parallel()
	e := parseAs(t, jovepay.FormRaw, `{"paymentId":1,"priceCurrency":"USD","payCurrency":"USDTTRC20","outcomeCurrency":"Trx"}`).(*jovepay.PaymentEvent)
	assert.Equal(t, []string{"usd", "usdttrc20", "trx"}, []string{e.PriceCurrency, e.PayCurrency, e.OutcomeCurrency})
	w := parseAs(t, jovepay.FormRaw, `{"id":1,"status":"S","address":"x","currency":"BTC"}`).(*jovepay.WithdrawalEvent)
	assert.Equal(t, "btc", w.Currency)
	r := parseAs(t, jovepay.FormRaw, `{"id":1,"status":"S","amount":1,"currency":"BTC"}`).(*jovepay.RecurringPaymentEvent)
	assert.Equal(t, "btc", r.Currency)

	// Letters of Unicode that fold to ASCII are others.
	e = parseAs(t, jovepay.FormRaw, `{"payment_id":1,"price_currency":"\u212aSM","pay_currency":"\u0130CX","fee":{"currency":"\u0130\u017fA"}}`).(*jovepay.PaymentEvent)
	assert.Equal(t, []string{"\u212asm", "\u0130cx", "\u0130\u017fa"}, []string{e.PriceCurrency, e.PayCurrency, e.Fee.Currency})
	for _, twins := range [][2]string{{"k", "\u212a"}, {"s", "\u017f"}, {"i", "\u0130"}, {"\u0131", "i"}} {
		key := func(ticker string) string {
			return parseAs(t, jovepay.FormRaw, `{"payment_id":1,"pay_currency":"`+ticker+`"}`).Key()
		}
		assert.NotEqual(t, key(twins[0]), key(twins[1]), twins)
	}
}

// fieldsOf returns the fields of an event by their JSON names.
func fieldsOf(event jovepay.Event) map[string]reflect.Value {
	fields := map[string]reflect.Value{}
	var add func(reflect.Value)
	add = func(v reflect.Value) {
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			switch field := v.Field(i); {
			case name != "" && name != "-":
				fields[name] = field
			case v.Type().Field(i).Anonymous && v.Type().Field(i).IsExported():
				add(field)
			}
		}
	}
	add(reflect.ValueOf(event).Elem())
	return fields
}

// TestEventFields sends each field that an event type has, by both its names:
// none is forgotten by the reader.
func TestEventFields(t *testing.T) {
	t.Parallel()
	// What makes a body of each kind, whatever else it has.
	for base, blank := range map[string]jovepay.Event{
		`"payment_id":77`: &jovepay.PaymentEvent{},
		`"id":77,"status":"S","batch_withdrawal_id":77`: &jovepay.WithdrawalEvent{},
		`"id":77,"status":"S","amount":77`:              &jovepay.RecurringPaymentEvent{},
	} {
		fields := fieldsOf(blank)
		require.Greater(t, len(fields), 6)
		for name, field := range fields {
			value := `"text"`
			switch field.Interface().(type) {
			case jovepay.Amount, jovepay.ID, int:
				value = `78`
			case jovepay.Time:
				value = `"2023-07-27T15:29:40.803Z"`
			case []jovepay.ID:
				value = `[78]`
			case *jovepay.Fee:
				value = `{"serviceFee":78}`
			}
			for _, spelling := range []string{name, strings.Trim(camelCase(`"`+name+`":`), `":`)} {
				// The base may have the field in its own spelling.
				members := slices.DeleteFunc(strings.Split(base, ","), func(m string) bool { return strings.HasPrefix(m, `"`+name+`":`) })
				body := "{" + strings.Join(append(members, fmt.Sprintf("%q:%s", spelling, value)), ",") + "}"
				for _, form := range allForms() {
					event := parseAs(t, form, body)
					require.IsType(t, blank, event, body)
					got := fieldsOf(event)[name]
					assert.False(t, got.IsZero(), "%s as %s: %s is not read", body, form, name)
					assert.Empty(t, extraOf(event), "%s as %s", body, form)
				}
			}
		}
	}
}

func extraOf(event jovepay.Event) map[string]json.RawMessage {
	switch e := event.(type) {
	case *jovepay.PaymentEvent:
		return e.Extra
	case *jovepay.WithdrawalEvent:
		return e.Extra
	case *jovepay.RecurringPaymentEvent:
		return e.Extra
	}
	return nil
}

// TestEventOddFields replaces each member of the guide's examples with each
// kind of JSON. The event stays readable, every other field stays as it was,
// and what does not fit is found in Extra.
func TestEventOddFields(t *testing.T) {
	t.Parallel()
	odd := []string{
		`null`, `true`, `false`, `0`, `-1`, `1.5`, `1e-9`, `1e300`, `12345678901234567890123`, `""`, `"x"`, `"é😀\u0000"`, `"1.5"`,
		`[]`, `[1,"a",null]`, `[[1]]`, `[{}]`, `{}`, `{"a":1}`, `{"0":1}`, `{"currency":5}`, `{"currency":{"a":1},"serviceFee":[1]}`,
	}
	for _, example := range []string{guidePayment, guideWithdrawal, guideRecurring} {
		var members map[string]json.RawMessage
		require.NoError(t, json.Unmarshal([]byte(example), &members))
		for name := range members {
			for _, value := range odd {
				changed := maps.Clone(members)
				changed[name] = json.RawMessage(value)
				body, err := json.Marshal(changed)
				require.NoError(t, err)
				for _, form := range allForms() {
					assertOdd(t, form, example, string(body), name, value)
				}
			}
		}
	}
}

// assertOdd compares the event of an example with that of the same body after
// one member was changed.
func assertOdd(t *testing.T, form jovepay.IPNForm, example, body, name, value string) {
	t.Helper()
	ordinary, event := parseAs(t, form, example), parseAs(t, form, body)
	require.IsType(t, ordinary, event, "%s is %s", name, value)
	want, got := fieldsOf(ordinary), fieldsOf(event)
	for other, field := range got {
		if other != name {
			assert.Equal(t, want[other].Interface(), field.Interface(), "%s is %s, form %s: %s", name, value, form, other)
		}
	}
	extra := extraOf(event)
	if _, kept := extra[name]; !kept && got[name].IsZero() {
		none := []string{"null", `""`, "[]", "{}"}
		if name == "parent_payment_id" || name == "invoice_id" {
			none = append(none, "0")
		}
		assert.Contains(t, none, value, "%s, form %s: lost", name, form)
	}
	for odd, text := range extra {
		assert.Equal(t, name, odd)
		assert.True(t, json.Valid(text))
		if form == jovepay.FormRaw {
			assert.JSONEq(t, value, string(text))
		}
	}
	assert.NotPanics(t, func() { _ = event.Key() })
}

// TestEventNetworkPrecision reads a whole number; the guide has none in a
// notification. What is no whole number is kept as it is.
func TestEventNetworkPrecision(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]int{
		`8`: 8, `"8"`: 8, `8.0`: 8, `0`: 0, `18e0`: 18, `null`: 0,
		`1.5`: -1, `"x"`: -1, `""`: -1, `true`: -1, `{}`: -1, `[8]`: -1, `12345678901234567890123`: -1, `1e300`: -1,
	} {
		for _, form := range allForms() {
			event, ok := parseAs(t, form, `{"payment_id":1,"network_precision":`+value+`}`).(*jovepay.PaymentEvent)
			require.True(t, ok)
			if want < 0 {
				assert.Zero(t, event.NetworkPrecision, "%s, form %s", value, form)
				assert.Contains(t, event.Extra, "network_precision", "%s, form %s", value, form)
			} else {
				assert.Equal(t, want, event.NetworkPrecision, "%s, form %s", value, form)
				assert.Empty(t, event.Extra, "%s, form %s", value, form)
			}
		}
	}
}

// TestEventExtra keeps what is not known, with its text as it was signed.
func TestEventExtra(t *testing.T) {
	t.Parallel()
	const body = `{"payment_id":1,"new":{"b":1.50,"a":"é"},"":[true,null],"PAYMENT_ID":2,"paymentID":3,"payment__id":4,"payment_Id":5,` +
		`"x\"y":"z\"","a_name_that_is_much_longer_than_any_that_is_known":6,"extra":7,"raw":8}`
	for form, want := range map[jovepay.IPNForm]string{
		jovepay.FormJS:     `{"a":"é","b":1.5}`,
		jovepay.FormPHP:    `{"a":"\u00e9","b":1.5}`,
		jovepay.FormPython: `{"a":"\u00e9","b":1.5}`,
		jovepay.FormRaw:    `{"b":1.50,"a":"é"}`,
	} {
		e := parseAs(t, form, body).(*jovepay.PaymentEvent)
		assert.Equal(t, map[string]json.RawMessage{
			"new": []byte(want), "": []byte("[true,null]"), "PAYMENT_ID": []byte("2"), "paymentID": []byte("3"), "payment__id": []byte("4"),
			"payment_Id": []byte("5"), `x"y`: []byte(`"z\""`), "a_name_that_is_much_longer_than_any_that_is_known": []byte("6"),
			"extra": []byte("7"), "raw": []byte("8"),
		}, e.Extra, form)
		assert.Equal(t, jovepay.ID("1"), e.ID)
	}
	assert.NotNil(t, parseAs(t, jovepay.FormRaw, `{"id":1,"status":"s","amount":1,"new":1}`).(*jovepay.RecurringPaymentEvent).Extra["new"])
	assert.NotNil(t, parseAs(t, jovepay.FormRaw, `{"id":1,"status":"s","hash":1,"new":1}`).(*jovepay.WithdrawalEvent).Extra["new"])
}

// TestEventFeeExtra keeps a fee whole if something in it has no place.
func TestEventFeeExtra(t *testing.T) {
	t.Parallel()
	const fee = `{"currency":"btc","networkFee":1,"serviceFee":"2"}`
	e := parseAs(t, jovepay.FormRaw, `{"payment_id":1,"fee":`+fee+`}`).(*jovepay.PaymentEvent)
	assert.Equal(t, &jovepay.Fee{Currency: "btc", ServiceFee: amount("2")}, e.Fee)
	assert.Equal(t, map[string]json.RawMessage{"fee": json.RawMessage(fee)}, e.Extra)
}

// TestEventNames reads a member by exactly two names: the guide's, and the same
// in the other case.
func TestEventNames(t *testing.T) {
	t.Parallel()
	for kind, test := range map[string]struct{ rest, member, value string }{
		"payment":    {`"payment_id":1`, "pay_amount", "5"},
		"one word":   {`"id":1,"status":"s","address":"x"`, "amount", "5"},
		"an id":      {`"id":1,"status":"s","address":"x"`, "extra_id", `"5"`},
		"recurring":  {`"id":1,"status":"s","amount":1`, "currency", `"5"`},
		"three":      {`"payment_id":1`, "actually_paid_at_fiat", "5"},
		"with a fee": {`"payment_id":1`, "fee", `{"serviceFee":1}`},
	} {
		read := []string{test.member, strings.Trim(camelCase(`"`+test.member+`":`), `":`)}
		words := strings.Split(test.member, "_")
		odd := []string{
			test.member + "_", "_" + test.member, test.member + "__", strings.ToUpper(test.member), strings.ToUpper(test.member[:1]) + test.member[1:],
			strings.Join(words, "__"), strings.Join(words, "-"), strings.Join(words, "_") + "_1", test.member + "1", strings.Join(words, ""),
			read[1] + "_", "_" + read[1], strings.Join(words, ".") + " ", test.member + "\x00", "\u017f" + test.member,
		}
		for _, name := range odd {
			if slices.Contains(read, name) {
				continue
			}
			for _, form := range allForms() {
				body := fmt.Sprintf(`{%s,%s:%s}`, test.rest, quoted(t, name), test.value)
				event := parseAs(t, form, body)
				assert.Len(t, extraOf(event), 1, "%s: %q, form %s", kind, name, form)
				assert.Contains(t, extraOf(event), name)
				assert.True(t, fieldsOf(event)[test.member].IsZero(), "%s: %q is read", kind, name)
			}
		}
	}
	for _, name := range []string{"service_fee_", "service__fee", "_service_fee", "ServiceFee", "_serviceFee", "serviceFee_", "serviceFEE", "currency_", "_currency"} {
		e := parseAs(t, jovepay.FormRaw, `{"payment_id":1,"fee":{"depositFee":1,"`+name+`":2}}`).(*jovepay.PaymentEvent)
		assert.Equal(t, &jovepay.Fee{DepositFee: amount("1")}, e.Fee, name)
		assert.Contains(t, e.Extra, "fee", name)
	}
}

// TestEventMisfits keeps whatever decides about money and does not fit its type:
// it is never just missing.
func TestEventMisfits(t *testing.T) {
	t.Parallel()
	words := []string{`5`, `-1e300`, `true`, `false`, `["x"]`, `[]`, `{}`, `{"0":"x"}`}
	numbers := []string{`"x"`, `" 5"`, `"5 "`, `"1,5"`, `"NaN"`, `"0x5"`, `true`, `false`, `[5]`, `[]`, `{}`}
	ids := []string{`1.5`, `true`, `false`, `[5]`, `[]`, `{}`}
	for name, values := range map[string][]string{
		"payment_id": ids, "parent_payment_id": ids, "invoice_id": ids, "purchase_id": ids,
		"order_id":       {`true`, `false`, `["x"]`, `[]`, `{}`},
		"payment_status": words, "origin_type": words,
		"price_currency": words, "pay_currency": words, "outcome_currency": words,
		"price_amount": numbers, "pay_amount": numbers, "actually_paid": numbers, "outcome_amount": numbers,
		"payment_extra_ids": {`5`, `"5"`, `true`, `[true]`, `[[5]]`, `{"a":5}`},
		"fee":               {`5`, `"5"`, `true`, `["btc"]`, `{"serviceFee":[]}`},
		"created_at":        {`true`, `[]`, `"yesterday"`, `{"0":1}`},
	} {
		for _, spelling := range []string{name, strings.Trim(camelCase(`"`+name+`":`), `":`)} {
			for _, value := range values {
				for _, form := range allForms() {
					body := `{"payment_hash":1,"paymentStatus":"","` + spelling + `":` + value + `}`
					if name == "payment_status" {
						body = `{"payment_id":1,"` + spelling + `":` + value + `}`
					}
					event := parseAs(t, form, body)
					assert.Contains(t, extraOf(event), spelling, "%s, form %s", body, form)
					if name != "fee" {
						assert.True(t, fieldsOf(event)[name].IsZero(), "%s, form %s", body, form)
					}
				}
			}
		}
	}
}

// TestEventNone reads what means none.
func TestEventNone(t *testing.T) {
	t.Parallel()
	for name, values := range map[string][]string{
		"parent_payment_id": {`null`, `""`, `"null"`, `0`, `"0"`, `0.0`, `-0`},
		"invoice_id":        {`null`, `""`, `"null"`, `0`, `"0"`},
		"purchase_id":       {`null`, `""`, `"null"`},
		"payin_extra_id":    {`null`, `""`, `"null"`},
		"outcome_currency":  {`null`, `""`, `"null"`},
		"origin_type":       {`null`, `""`, `"null"`},
		"burning_percent":   {`null`, `""`, `"null"`},
		"actually_paid":     {`null`, `""`, `"null"`},
		"network_precision": {`null`, `"null"`},
		"created_at":        {`null`, `""`},
		"payment_extra_ids": {`null`},
		"fee":               {`null`, `{}`, `[]`},
	} {
		for _, value := range values {
			for _, form := range allForms() {
				event := parseAs(t, form, `{"payment_id":1,"`+name+`":`+value+`}`)
				assert.True(t, fieldsOf(event)[name].IsZero(), "%s is %s, form %s", name, value, form)
				assert.Empty(t, extraOf(event), "%s is %s, form %s", name, value, form)
				assert.Equal(t, parseAs(t, form, `{"payment_id":1}`).Key(), event.Key(), "%s is %s, form %s", name, value, form)
			}
		}
	}
	e := parseAs(t, jovepay.FormRaw, `{"payment_id":1,"order_id":"null","order_description":"null","purchase_id":"0"}`).(*jovepay.PaymentEvent)
	assert.Equal(t, []string{"null", "null", "0"}, []string{e.OrderID, e.OrderDescription, string(e.PurchaseID)})
}

// TestEventBothNames has a member by both its names: the guide's counts,
// wherever it stands, and the other is kept.
func TestEventBothNames(t *testing.T) {
	t.Parallel()
	for _, members := range [][]string{
		{`"payment_id":1`, `"paymentId":2`, `"payAmount":4`, `"pay_amount":3`, `"fee":{"service_fee":6,"serviceFee":5}`},
		{`"paymentId":2`, `"payment_id":1`, `"pay_amount":3`, `"payAmount":4`, `"fee":{"serviceFee":5,"service_fee":6}`},
		{`"paymentId":2`, `"payment\u005fid":1`, `"pay_amount":3`, `"pay\u0041mount":4`, `"fee":{"serviceFee":5,"service\u005ffee":6}`},
	} {
		for _, form := range allForms() {
			e := parseAs(t, form, "{"+strings.Join(members, ",")+"}").(*jovepay.PaymentEvent)
			assert.Equal(t, jovepay.ID("1"), e.ID, form)
			assert.Equal(t, amount("3"), e.PayAmount, form)
			assert.Equal(t, amount("5"), e.Fee.ServiceFee, form)
			assert.Equal(t, "2", string(e.Extra["paymentId"]))
			assert.Equal(t, "4", string(e.Extra["payAmount"]))
			assert.Contains(t, e.Extra, "fee")
		}
	}
}

// TestEventTwins has a member by both its names. If the second says the same as
// the first, or nothing, it is no contradiction; otherwise it is kept.
func TestEventTwins(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, value, twin string }{
		{"payment_id", `1`, `"1"`},
		{"payment_id", `"1"`, `1.0`},
		{"payment_id", `null`, `null`},
		{"payment_id", `1`, `null`},
		{"parent_payment_id", `0`, `null`},
		{"parent_payment_id", `null`, `"0"`},
		{"parent_payment_id", `5`, `5e0`},
		{"price_amount", `1.50`, `"1.5"`},
		{"price_amount", `1.50`, `"null"`},
		{"price_currency", `"usd"`, `"USD"`},
		{"price_currency", `"USD"`, `"usd"`},
		{"order_id", `"A-1/\u00e9"`, `"A-1\/é"`},
		{"order_id", `7`, `"7"`},
		{"transaction_id", `"x"`, `"x"`},
		{"payment_extra_ids", `[7,8]`, `{"1":"8","0":"7"}`},
		{"created_at", `"2023-07-26T14:20:11Z"`, `"2023-07-26T16:20:11.000+02:00"`},
		{"network_precision", `8`, `"8"`},
	} {
		for _, form := range allForms() {
			for _, body := range twinBodies(test.name, test.value, test.twin) {
				event := parseAs(t, form, body)
				assert.Empty(t, extraOf(event), "%s, form %s", body, form)
				alone := parseAs(t, form, `{"paymentStatus":"","`+test.name+`":`+test.value+`}`)
				assert.Equal(t, fieldsOf(alone)[test.name].Interface(), fieldsOf(event)[test.name].Interface(), body)
			}
		}
	}
	for _, test := range []struct{ name, value, twin string }{
		{"payment_id", `1`, `2`},
		{"payment_id", `null`, `2`},
		{"payment_id", `""`, `2`},
		{"payment_id", `1`, `[1]`},
		{"payment_id", `{"n":1}`, `1`},
		{"parent_payment_id", `null`, `5`},
		{"parent_payment_id", `0`, `5`},
		{"origin_type", `null`, `"REPEATED"`},
		{"order_id", `"A"`, `"a"`},
		{"order_id", `"null"`, `"A"`},
		{"transaction_id", `"x"`, `"y"`},
		{"price_amount", `1.5`, `1.51`},
		{"price_amount", `null`, `0`},
		{"price_amount", `1`, `"x"`},
		{"price_currency", `"k"`, `"\u212a"`},
		{"actually_paid", `1`, `true`},
		{"outcome_amount", `1`, `2`},
		{"payment_extra_ids", `[7]`, `[8]`},
	} {
		for _, form := range allForms() {
			keys := map[string]bool{}
			for _, body := range twinBodies(test.name, test.value, test.twin) {
				event := parseAs(t, form, body)
				keys[event.Key()] = true
				camel := strings.Trim(camelCase(`"`+test.name+`":`), `":`)
				assert.Contains(t, extraOf(event), camel, "%s, form %s", body, form)
				_, misfit := extraOf(event)[test.name]
				assert.Equal(t, strings.HasPrefix(test.value, "{"), misfit, "%s, form %s", body, form)
			}
			assert.Len(t, keys, 1, "the order does not count")
		}
	}
}

// TestEventKeyOfTwins tells events apart by a contradiction alone.
func TestEventKeyOfTwins(t *testing.T) {
	t.Parallel()
	keys := map[string]bool{}
	bodies := []string{
		`{"payment_id":1}`, `{"payment_id":1,"paymentId":2}`, `{"payment_id":1,"paymentId":3}`, `{"payment_id":null,"paymentId":2}`,
		`{"payment_id":{"n":1},"paymentId":2}`, `{"payment_id":{"n":1},"paymentId":3}`, `{"payment_id":{"n":2},"paymentId":3}`, `{"payment_id":{"n":1}}`,
	}
	for _, body := range bodies {
		keys[parseAs(t, jovepay.FormRaw, body).Key()] = true
	}
	assert.Len(t, keys, len(bodies))
}

// twinBodies has a member by its two names, in both orders.
func twinBodies(name, value, twin string) []string {
	camel := strings.Trim(camelCase(`"`+name+`":`), `":`)
	return []string{
		fmt.Sprintf(`{"payment_status":"","%s":%s,"%s":%s}`, name, value, camel, twin),
		fmt.Sprintf(`{"%s":%s,"%s":%s,"payment_status":""}`, camel, twin, name, value),
	}
}

// An event that is stored and read again has the same fields, Extra and Key.
func TestStoredEvent(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		guidePayment,
		camelCase(guidePayment),
		guideWithdrawal,
		guideRecurring,
		`{"payment_id":7,"payment_status":"finished","fee":{"currency":"BTC","depositFee":"0.1","networkFee":1e-9}}`,
		`{"payment_id":7,"fee":{"currency":"BTC","deposit_fee":0.1,"serviceFee":"x"},"transaction_id":12}`,
		`{"payment_id":7,"fee":[],"pay_currency":"NULL","order_id":"null","parentPaymentId":5,"parent_payment_id":null}`,
		`{"payment_id":7,"fee":[1],"payment_status":5,"price_currency":5,"origin_type":7,"order_id":true,"payment_extra_ids":5}`,
		`{"id":1,"status":3,"amount":[1],"currency":7}`,
		`{"id":1,"status":4,"amount":"1","currency":false,"address":"a","fee":{}}`,
		unknownBody(),
		` { "n" : [ 1.50, 9007199254740993, {} ], "s" : "<&\u0041\ud83d\ude00>" } `,
	} {
		want := parseAs(t, jovepay.FormRaw, body)
		for _, marshal := range []func(any) ([]byte, error){json.Marshal, func(v any) ([]byte, error) { return jsonv2.Marshal(v) }} {
			for _, unmarshal := range []func([]byte, any) error{json.Unmarshal, func(b []byte, v any) error { return jsonv2.Unmarshal(b, v) }} {
				stored, err := marshal(want)
				require.NoError(t, err, body)
				got := emptyLike(want)
				require.NoError(t, unmarshal(stored, got), "%s", stored)
				assert.Equal(t, want.Key(), got.Key(), "%s", stored)
				assert.Equal(t, extraOf(want), extraOf(got), "%s", stored)
				fields := fieldsOf(got)
				for name, field := range fieldsOf(want) {
					assert.Equal(t, field.Interface(), fields[name].Interface(), "%s of %s", name, stored)
				}
			}
		}
	}
}

// An event that is read from JSON was not verified, even if its variable held one
// that was.
func TestStoredEventIsNotVerified(t *testing.T) {
	t.Parallel()
	for _, body := range []string{guidePayment, guideWithdrawal, guideRecurring, unknownBody()} {
		event := parseAs(t, jovepay.FormRaw, body)
		require.NotNil(t, event.SignedBody())
		require.NoError(t, json.Unmarshal([]byte(`{"amount":"1000000"}`), event))
		assert.Nil(t, event.SignedBody())
		assert.Empty(t, event.Signature())
		assert.Zero(t, event.Verification())
	}
}

// An unknown event is stored as the JSON that was signed, a list to PHP too.
func TestStoredUnknownEvent(t *testing.T) {
	t.Parallel()
	list := parseAs(t, jovepay.FormPHP, `{"0":{"payment_id":1},"1":2}`)
	for name, c := range codecs() {
		stored, err := c.marshal(list)
		require.NoError(t, err, name)
		assert.Equal(t, `[{"payment_id":1},2]`, string(stored), name)
		got := new(jovepay.UnknownEvent)
		require.NoError(t, c.unmarshal(stored, got), name)
		assert.Equal(t, stored, []byte(got.Raw), name)
		assert.Equal(t, list.Key(), got.Key(), name)

		clear(stored)
		assert.Equal(t, list.Key(), got.Key(), "%s: Raw is a copy", name)
		for _, text := range []string{``, `{`, `{"a":1} x`, `{"a":1,"a":2}`, "\"\xff\""} {
			require.Error(t, c.unmarshal([]byte(text), new(jovepay.UnknownEvent)), "%s: %s", name, text)
			require.Error(t, got.UnmarshalJSON([]byte(text)), text)
			assert.Equal(t, list.Key(), got.Key(), "%s is unchanged", text)
		}
		require.NoError(t, c.unmarshal([]byte(`null`), got), name)
		assert.Nil(t, got.Raw, name)
		stored, err = c.marshal(got)
		require.NoError(t, err, name)
		assert.Equal(t, `null`, string(stored), name)
		_, err = c.marshal(&jovepay.UnknownEvent{Raw: []byte(`{`)})
		require.Error(t, err, name)
	}
}

func emptyLike(event jovepay.Event) jovepay.Event {
	switch event.(type) {
	case *jovepay.PaymentEvent:
		return new(jovepay.PaymentEvent)
	case *jovepay.WithdrawalEvent:
		return new(jovepay.WithdrawalEvent)
	case *jovepay.RecurringPaymentEvent:
		return new(jovepay.RecurringPaymentEvent)
	}
	return new(jovepay.UnknownEvent)
}

func unknownBody() string {
	return `{"kind":"new","id":12,"amount":0.00000001,"parts":[{"n":1.5,"s":"é"}]}`
}

// TestEventKeySame delivers events again and again, each time in other words.
func TestEventKeySame(t *testing.T) {
	t.Parallel()
	for _, body := range []string{guidePayment, paidPayment, guideWithdrawal, guideRecurring, unknownBody()} {
		keys := map[string]bool{}
		for _, form := range allForms() {
			for seed := range uint64(50) {
				again := respell(t, seed, body)
				if seed%2 == 1 && body != unknownBody() {
					again = camelCase(again)
				}
				keys[parseAs(t, form, again).Key()] = true
			}
		}
		assert.Len(t, keys, 1, body)
	}
}

// TestEventKeyOfResponse gives a payment that was asked for the key of its
// notification: what only notifications report is not in it.
func TestEventKeyOfResponse(t *testing.T) {
	t.Parallel()
	client := newCannedClient(t, 200, `{"payment_id":"5745459419","parent_payment_id":"5745459418","payment_status":"finished",`+
		`"price_amount":"49.990","price_currency":"usd","pay_amount":"0.00081239","pay_currency":"btc","actually_paid":8.124e-4,`+
		`"outcome_amount":1.50,"outcome_currency":"trx","updated_at":"2023-07-26T14:20:21.079Z","payin_hash":"0xabc"}`)
	payment, err := client.Payments.Get(t.Context(), "5745459419")
	require.NoError(t, err)
	for _, form := range allForms() {
		assert.Equal(t, parseAs(t, form, paidPayment).Key(), payment.Event().Key(), form)
	}
}

// TestEventKeyDiffers changes one member of an event.
func TestEventKeyDiffers(t *testing.T) {
	t.Parallel()
	for base, members := range map[string][]string{
		paidPayment: {
			"payment_id", "parent_payment_id", "payment_status", "price_amount", "price_currency", "pay_amount",
			"pay_currency", "actually_paid", "outcome_amount", "outcome_currency",
		},
		replaceMember(guideWithdrawal, "fee", "5"): {"id", "status", "currency", "amount", "fee", "hash"},
		guideRecurring: {"id", "status", "currency", "amount"},
		unknownBody():  {"kind", "id", "amount", "parts"},
	} {
		for _, form := range allForms() {
			keys := map[string]string{parseAs(t, form, base).Key(): "nothing"}
			for _, name := range members {
				for _, value := range []string{`0`, `1`, `2`, `0.5`, `1e-18`, `"x"`, `[]`, `[1]`, `true`, `false`, `{"a":1}`, `{"a":2}`} {
					changed := replaceMember(base, name, value)
					require.NotEqual(t, base, changed)
					key := parseAs(t, form, changed).Key()
					assert.NotContains(t, keys, key, "%s: %s, as %s", name, value, form)
					keys[key] = name + ": " + value
				}
			}
		}
	}
}

// replaceMember returns the body with another value for a member that holds no
// object within an object.
func replaceMember(body, name, value string) string {
	member := regexp.MustCompile(`"` + name + `":("(?:[^"\\]|\\.)*"|\[[^\]]*\]|\{[^}]*\}|[^,}]*)`)
	return member.ReplaceAllLiteralString(body, fmt.Sprintf(`"%s":%s`, name, value))
}

// TestEventKeyIgnores changes what is no other event.
func TestEventKeyIgnores(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"order_id", "order_description", "amount_received", "actually_paid_at_fiat", "payment_extra_ids", "new"} {
		changed := replaceMember(paidPayment, name, `7`)
		require.NotEqual(t, paidPayment, changed)
		assert.Equal(t, parseAs(t, jovepay.FormPHP, paidPayment).Key(), parseAs(t, jovepay.FormPHP, changed).Key(), name)
	}
	lower, upper := guideWithdrawal, strings.ReplaceAll(guideWithdrawal, "usdttrc20", "USDTTRC20")
	assert.Equal(t, parseAs(t, jovepay.FormJS, lower).Key(), parseAs(t, jovepay.FormJS, upper).Key())
	upper = strings.ReplaceAll(strings.ReplaceAll(paidPayment, `"usd"`, `"USD"`), `"btc"`, `"BTC"`)
	assert.Equal(t, parseAs(t, jovepay.FormJS, paidPayment).Key(), parseAs(t, jovepay.FormJS, upper).Key())
}

// TestEventKeyOfMisfits tells events apart by ids that cannot be read.
func TestEventKeyOfMisfits(t *testing.T) {
	t.Parallel()
	key := func(body string) string { return parseAs(t, jovepay.FormRaw, body).Key() }
	assert.NotEqual(t, key(`{"payment_id":{"n":1}}`), key(`{"payment_id":{"n":2}}`))
	assert.NotEqual(t, key(`{"paymentId":{"n":1}}`), key(`{"paymentId":{"n":2}}`))
	assert.NotEqual(t, key(`{"payment_id":{"n":1}}`), key(`{"payment_id":null}`))
	assert.Equal(t, key(`{"payment_id":{"n":1,"m":["/"]}}`), key(`{"paymentId": {"m":["\/"],"n":1.0}}`))
}

// TestEventKeyNullIsZero: what one message reports as zero, another omits.
func TestEventKeyNullIsZero(t *testing.T) {
	t.Parallel()
	keys := map[string]bool{}
	for _, paid := range []string{``, `,"actually_paid":null`, `,"actually_paid":""`, `,"actually_paid":0`, `,"actually_paid":"0.00"`, `,"actually_paid":-0.0`} {
		for _, form := range allForms() {
			keys[parseAs(t, form, `{"payment_id":1,"payment_status":"waiting"`+paid+`}`).Key()] = true
		}
	}
	assert.Len(t, keys, 1)
}

// TestEventKeyPartsDoNotRun together: what ends one part cannot begin the next.
func TestEventKeyPartsDoNotRun(t *testing.T) {
	t.Parallel()
	keys := map[string]bool{}
	bodies := []string{
		`{"payment_id":"1","parent_payment_id":"2"}`, `{"payment_id":"12"}`, `{"payment_id":"","parent_payment_id":"12","payment_status":""}`,
		`{"payment_id":"1:2"}`, `{"payment_id":"1","payment_status":"2"}`, `{"payment_id":"1","price_amount":2}`, `{"payment_id":"1","pay_amount":2}`,
		`{"payment_id":"1","price_currency":"2"}`, `{"payment_id":"1","actually_paid":2}`, `{"payment_id":"1","outcome_amount":2}`,
		`{"id":"1","status":"2","amount":2}`, `{"id":"1","status":"2","amount":2,"hash":null}`, `{"a":"1,b"}`, `{"a":["1","b"]}`, `{"a":"1\" \"b"}`,
		`{"a":"1","b":null}`, `{"a":{"1":null}}`, `{"a":{"1":"null"}}`,
	}
	for _, body := range bodies {
		keys[parseAs(t, jovepay.FormRaw, body).Key()] = true
	}
	assert.Len(t, keys, len(bodies))
}

// TestUnknownEventOnce delivers an unknown event in every mixture of lists and
// objects by index, and of [] and {}, that its signature is good for.
func TestUnknownEventOnce(t *testing.T) {
	t.Parallel()
	either := [][2]string{{`[]`, `{}`}, {`[7]`, `{"0":7}`}, {`[[],"x"]`, `{"1":"x","0":{}}`}, {`[[[]]]`, `{"0":[{}]}`}, {`[{"a":[]}]`, `{"0":{"a":{}}}`}}
	v := newVerifier(t, ipnSecret)
	signature := ""
	var first jovepay.Event
	for mixture := range 1 << len(either) {
		body := `{"kind":"new"`
		for i, spellings := range either {
			body += fmt.Sprintf(`,"m%d":%s`, i, spellings[mixture>>i&1])
		}
		body += "}"
		if mixture == 0 {
			signature = signAs(t, jovepay.FormJS, body)
		}
		event, err := v.Parse([]byte(body), signature)
		require.NoError(t, err, body)
		if first == nil {
			first = event
		}
		assertOneEvent(t, first, event)
		assert.Equal(t, first.Verification(), event.Verification(), body)
		for _, form := range allForms() {
			assert.Equal(t, first.Key(), parseAs(t, form, body).Key(), "%s, form %s", body, form)
		}
	}
}

// TestEventKeyOfSignedAmounts gives one key to what is one double: what a
// response has in all digits, the notification has as JavaScript writes it.
func TestEventKeyOfSignedAmounts(t *testing.T) {
	t.Parallel()
	const exact = `{"payment_id":1,"payment_status":"finished","price_amount":49.900000000000000001,"pay_amount":0.1234567890123456789,` +
		`"actually_paid":"0.12345678901234567890000","outcome_amount":123456789012345678901234567890}`
	client := newCannedClient(t, 200, exact)
	payment, err := client.Payments.Get(t.Context(), "1")
	require.NoError(t, err)
	for _, form := range allForms() {
		assert.Equal(t, payment.Event().Key(), parseAs(t, form, exact).Key(), form)
	}
	for _, changed := range []string{
		replaceMember(exact, "pay_amount", "0.12345678901234569"), replaceMember(exact, "price_amount", "49.90000000000001"),
		replaceMember(exact, "outcome_amount", "123456789012345690000000000000"), replaceMember(exact, "actually_paid", "1e-400"),
	} {
		for _, form := range allForms() {
			assert.NotEqual(t, payment.Event().Key(), parseAs(t, form, changed).Key(), "%s, form %s", changed, form)
		}
	}
}

// TestUnknownEventKeyIsExact tells numbers apart that a double does not, where
// the form that was signed does.
func TestUnknownEventKeyIsExact(t *testing.T) {
	t.Parallel()
	for _, form := range allForms() {
		a := parseAs(t, form, `{"invoice":9007199254740993}`)
		b := parseAs(t, form, `{"invoice":9007199254740992}`)
		same := form == jovepay.FormJS || form == jovepay.FormJSArrays
		assert.Equal(t, same, a.Key() == b.Key(), form)
	}
}

func TestEventKeyText(t *testing.T) {
	t.Parallel()
	for kind, body := range map[string]string{"payment": guidePayment, "withdrawal": guideWithdrawal, "recurring": guideRecurring, "unknown": `{}`} {
		assert.Regexp(t, `^`+kind+`:[0-9a-f]{32}$`, parseAs(t, jovepay.FormRaw, body).Key())
	}
	for _, zero := range []jovepay.Event{&jovepay.PaymentEvent{}, &jovepay.WithdrawalEvent{}, &jovepay.RecurringPaymentEvent{}, &jovepay.UnknownEvent{}} {
		assert.NotEmpty(t, zero.Key())
		assert.Zero(t, zero.Verification())
	}
}

// TestEventKeyIsStable holds the keys of the guide's examples: a shop has them
// in its database.
func TestEventKeyIsStable(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "payment:cf786a5ce33ebb55d5732a362c03326c", parseAs(t, jovepay.FormJS, guidePayment).Key())
	assert.Equal(t, "withdrawal:2d558ead1e50069df50900e47750fe29", parseAs(t, jovepay.FormJS, guideWithdrawal).Key())
	assert.Equal(t, "recurring:f11424d1613789fade1b8ead84c196a3", parseAs(t, jovepay.FormJS, guideRecurring).Key())
}

// A respeller writes JSON again in other words of the same meaning: other
// order of members, white space, escapes and digits.
type respeller struct {
	*rand.Rand
	out strings.Builder
}

func (r *respeller) value(d *jsontext.Decoder) error {
	switch d.PeekKind() {
	case '{':
		return r.container(d, '}')
	case '[':
		return r.container(d, ']')
	default:
		return r.scalar(d)
	}
}

func (r *respeller) scalar(d *jsontext.Decoder) error {
	token, err := d.ReadToken()
	if err != nil {
		return err
	}
	switch token.Kind() {
	case '"':
		r.quote(token.String())
	case '0':
		r.out.WriteString(r.number(token.String()))
	default:
		r.out.WriteString(token.String())
	}
	return nil
}

// container writes the members of an object in any order, and the elements of
// an array in theirs.
func (r *respeller) container(d *jsontext.Decoder, end byte) error {
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	var children []string
	outer := r.out.String()
	for d.PeekKind() != jsontext.Kind(end) {
		r.out.Reset()
		r.space()
		if end == '}' {
			if err := r.value(d); err != nil {
				return err
			}
			r.space()
			r.out.WriteByte(':')
			r.space()
		}
		if err := r.value(d); err != nil {
			return err
		}
		r.space()
		children = append(children, r.out.String())
	}
	if end == '}' {
		r.Shuffle(len(children), func(i, j int) { children[i], children[j] = children[j], children[i] })
	}
	r.out.Reset()
	fmt.Fprintf(&r.out, "%s%c%s%c", outer, end-2, strings.Join(children, ","), end)
	_, err := d.ReadToken()
	return err
}

func (r *respeller) space() {
	for r.IntN(4) == 0 {
		r.out.WriteByte(" \t\r\n"[r.IntN(4)])
	}
}

// quote writes a string with escapes where they must be and where they may be.
func (r *respeller) quote(s string) {
	r.out.WriteByte('"')
	for _, c := range s {
		switch {
		case c < ' ' || c == '"' || c == '\\' || c < 0x10000 && r.IntN(8) == 0:
			fmt.Fprintf(&r.out, `\u%04x`, c)
		case c == '/' && r.IntN(2) == 0:
			r.out.WriteString(`\/`)
		default:
			r.out.WriteRune(c)
		}
	}
	r.out.WriteByte('"')
}

// number returns a literal of the same number. One of more digits than every
// double has stays as it is, since some forms round it and some do not.
func (r *respeller) number(literal string) string {
	d, err := decimal.NewFromString(literal)
	digits := strings.TrimPrefix(d.Coefficient().String(), "-")
	if err != nil || len(digits) > 15 || d.Exponent() > 5 || d.Exponent() < -20 {
		return literal
	}
	sign := strings.Repeat("-", strings.Count(literal[:1], "-"))
	switch r.IntN(4) {
	case 0:
		return literal
	case 1: // plain, with zeros at the end
		plain := d.Abs().String()
		if !strings.Contains(plain, ".") {
			plain += "."
		}
		return sign + plain + strings.Repeat("0", 1+r.IntN(3))
	case 2: // the digits and an exponent
		return sign + digits + "eE"[r.IntN(2):][:1] + strconv.Itoa(int(d.Exponent()))
	default: // a fraction and an exponent
		return fmt.Sprintf("%s0.%se%+03d", sign, digits, int(d.Exponent())+len(digits))
	}
}

// A mutator writes JSON again, as a sequence of bytes decides: lists as objects
// by index and the reverse, [] for {}, members in another order, strings and
// numbers in other words. What it writes is the same to Node, unless changed
// says that it has changed a value.
type mutator struct {
	respeller
	plan    []byte
	changed bool
}

// decide returns the next of n choices; 0 if the plan has come to its end.
func (m *mutator) decide(n int) int {
	if len(m.plan) == 0 {
		return 0
	}
	next := int(m.plan[0])
	m.plan = m.plan[1:]
	return next % n
}

func (m *mutator) value(tb testing.TB, d *jsontext.Decoder, root bool) string {
	tb.Helper()
	token, err := d.ReadToken()
	require.NoError(tb, err)
	switch token.Kind() {
	case '{', '[':
		return m.container(tb, d, token.Kind(), root)
	case '"':
		return m.text(token.String())
	case '0':
		return m.double(token.String())
	default:
		return token.String()
	}
}

func (m *mutator) container(tb testing.TB, d *jsontext.Decoder, kind jsontext.Kind, root bool) string {
	tb.Helper()
	end := kind + 2
	var names, values []string
	for d.PeekKind() != end {
		name := strconv.Itoa(len(names))
		if kind == '{' {
			token, err := d.ReadToken()
			require.NoError(tb, err)
			name = token.String()
		}
		names = append(names, name)
		values = append(values, m.value(tb, d, false))
	}
	_, err := d.ReadToken()
	require.NoError(tb, err)

	elements := make([]string, len(values))
	for i, name := range names {
		if at, err := strconv.Atoi(name); err == nil && at >= 0 && at < len(elements) && strconv.Itoa(at) == name {
			elements[at] = values[i]
		}
	}
	if list := !root && !slices.Contains(elements, ""); list && (m.decide(2) == 1) != (kind == '[') {
		return "[" + strings.Join(elements, ",") + "]"
	}
	members := make([]string, len(names))
	for i, name := range names {
		members[i] = m.text(name) + ":" + values[i]
	}
	for i := len(members) - 1; i > 0; i-- {
		j := i - m.decide(i+1)
		members[i], members[j] = members[j], members[i]
	}
	return "{" + strings.Join(members, ",") + "}"
}

func (m *mutator) text(s string) string {
	m.out.Reset()
	switch m.decide(16) {
	case 0:
		text, _ := jsontext.AppendQuote(nil, s)
		return string(text)
	case 15:
		m.changed = true
		s += "x"
	}
	m.quote(s)
	return m.out.String()
}

// double spells the double that a literal is.
func (m *mutator) double(literal string) string {
	f, err := strconv.ParseFloat(literal, 64)
	if err != nil {
		return literal
	}
	switch m.decide(16) {
	case 1, 2:
		return strconv.FormatFloat(f, 'e', -1, 64)
	case 3, 4:
		return strconv.FormatFloat(f, 'f', -1, 64)
	case 5, 6:
		return strconv.FormatFloat(f, 'e', 25, 64)
	case 7, 8:
		if plain := strconv.FormatFloat(f, 'f', 1+m.decide(30), 64); sameDouble(plain, f) {
			return plain
		}
	case 9:
		if f == 0 {
			return []string{"0", "-0", "-0.0", "0e9", "1e-999"}[m.decide(5)]
		}
	case 15:
		m.changed = true
		return strconv.FormatFloat(f+1, 'f', -1, 64)
	}
	return literal
}

func sameDouble(literal string, f float64) bool {
	g, err := strconv.ParseFloat(literal, 64)
	return err == nil && f == g
}

// TestEventSignedBody verifies an event again from what it carries: the body
// byte for byte, whatever the caller did to its own, and the signature.
func TestEventSignedBody(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, ipnSecret)
	for _, body := range []string{
		guidePayment, guideWithdrawal, guideRecurring, `{"unknown":1}`,
		`{ "payment_id" : 1, "fee": [], "price_amount": -0.0, "order_id": "\u0041" }`,
		`{"payment_id":1,"order_description":"` + strings.Repeat("é", 30_000) + `"}`,
	} {
		for _, form := range allForms() {
			signature := signAs(t, form, body)
			received := []byte(body)
			event, err := v.Parse(received, " "+signature+"\n")
			require.NoError(t, err)
			clear(received)
			require.Equal(t, body, string(event.SignedBody()))
			require.Equal(t, signature, event.Signature())

			again, err := v.Parse(event.SignedBody(), event.Signature())
			require.NoError(t, err)
			require.Equal(t, event, again)

			clear(event.SignedBody())
			require.Equal(t, body, string(event.SignedBody()), "SignedBody returns a copy")

			stored, err := json.Marshal(event)
			require.NoError(t, err)
			assert.NotContains(t, string(stored), signature)
			for _, verb := range []string{"%v", "%+v", "%#v"} {
				assert.NotContains(t, fmt.Sprintf(verb, event), signature, verb)
			}
		}
	}
	for _, event := range []jovepay.Event{
		&jovepay.PaymentEvent{}, &jovepay.WithdrawalEvent{}, &jovepay.RecurringPaymentEvent{}, &jovepay.UnknownEvent{}, (&jovepay.Payment{}).Event(),
	} {
		assert.Nil(t, event.SignedBody())
		assert.Empty(t, event.Signature())
	}
}
