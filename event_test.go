package jovepay_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

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
			assert.Equal(t, first, second, "%s as %s", name, form)
			assert.Equal(t, first.Key(), second.Key(), "%s as %s", name, form)
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
