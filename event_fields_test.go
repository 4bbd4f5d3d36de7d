package jovepay_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

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
