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
		assert.Contains(t, []string{"null", `""`, "[]", "{}"}, value, "%s, form %s: lost", name, form)
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
	e := parseAs(t, jovepay.FormRaw, `{"payment_id":null,"paymentId":2}`).(*jovepay.PaymentEvent)
	assert.Empty(t, e.ID, "null is an answer too")
}
