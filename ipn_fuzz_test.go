package jovepay_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

// addBodies gives a fuzz target bodies to begin with.
func addBodies(f *testing.F, add func(body []byte)) {
	f.Helper()
	for _, body := range []string{guidePayment, guideWithdrawal, guideRecurring, camelCase(guidePayment), paidPayment, unknownBody()} {
		add([]byte(body))
	}
	for _, test := range refusedBodies() {
		if len(test.body) < 1000 {
			add([]byte(test.body))
		}
	}
	classes := map[string]bool{}
	for _, v := range vectors(f) {
		if !classes[v.Class] && len(v.Body) < 2000 {
			classes[v.Class] = true
			add(v.Body)
		}
	}
}

// FuzzVerify holds the verifier against the oracle: a body that it refuses is
// refused whoever signed it, and of any other exactly the right MACs are taken.
func FuzzVerify(f *testing.F) {
	all := newVerifier(f, ipnSecret)
	alone := map[jovepay.IPNForm]*jovepay.IPNVerifier{}
	for _, form := range allForms() {
		alone[form] = newVerifier(f, ipnSecret, jovepay.WithIPNForms(form))
	}
	addBodies(f, func(body []byte) { f.Add(body, uint16(len(body)), "00") })
	f.Fuzz(func(t *testing.T, body []byte, bit uint16, junk string) {
		texts, err := oracle(body)
		if err != nil {
			for _, signature := range []string{mac256(ipnSecret, string(body)), mac512(ipnSecret, string(body)), mac512(ipnSecret, "{}")} {
				require.ErrorIs(t, all.Verify(body, signature), jovepay.ErrMalformedIPN)
			}
			require.Empty(t, all.Sign(body))
			require.Error(t, all.Verify(body, junk))
			return
		}
		right := map[string]bool{}
		for form, text := range texts {
			signature := mac512(ipnSecret, text)
			if form == jovepay.FormRaw {
				signature = mac256(ipnSecret, text)
			}
			right[signature] = true
			require.Equal(t, signature, alone[form].Sign(body), form)
			require.NoError(t, all.Verify(body, signature), form)
			for other, v := range alone {
				if otherText, known := texts[other]; known {
					same := (other == jovepay.FormRaw) == (form == jovepay.FormRaw) && otherText == text
					require.Equal(t, same, v.Verify(body, signature) == nil, "%s signed, %s verifies", form, other)
				}
			}
			mac, err := hex.DecodeString(signature)
			require.NoError(t, err)
			i := int(bit) % (8 * len(mac))
			mac[i/8] ^= 1 << (i % 8)
			require.ErrorIs(t, all.Verify(body, hex.EncodeToString(mac)), jovepay.ErrSignatureMismatch)
		}
		if php := alone[jovepay.FormPHP].Sign(body); !right[strings.ToLower(strings.TrimSpace(junk))] && php != junk {
			require.Error(t, all.Verify(body, junk))
		}
	})
}

// FuzzParse reads events and holds them against what was signed: the same MAC
// belongs to Raw, every member is in its place or in Extra, and reading Raw
// gives the same event again.
func FuzzParse(f *testing.F) {
	verifiers := map[jovepay.IPNForm]*jovepay.IPNVerifier{}
	for _, form := range allForms() {
		verifiers[form] = newVerifier(f, ipnSecret, jovepay.WithIPNForms(form))
	}
	addBodies(f, func(body []byte) { f.Add(body) })
	negativeZero := regexp.MustCompile(`[\[:,]-0[,\]}]`)
	f.Fuzz(func(t *testing.T, body []byte) {
		for form, v := range verifiers {
			signature := v.Sign(body)
			event, err := v.Parse(body, signature)
			if signature == "" {
				require.Error(t, err)
				require.Nil(t, event)
				return
			}
			require.NoError(t, err, form)
			raw := rawOf(event)
			require.True(t, json.Valid(raw), form)
			assertMembers(t, event, raw)
			if form == jovepay.FormPHP && (raw[0] == '[' || numericNamesIn(t, body) || negativeZero.Match(raw)) {
				continue // PHP writes {} and {"0":1} as lists, has no order for some names, and reads the -0 that it writes for -0.0 as 0
			}
			again, err := v.Parse(raw, signature)
			require.NoError(t, err, "%s: what was signed has another signature: %s", form, raw)
			require.Equal(t, event, again, form)
			require.Equal(t, event.Key(), again.Key(), form)
		}
	})
}

func numericNamesIn(t *testing.T, body []byte) bool {
	t.Helper()
	texts, err := oracle(body)
	require.NoError(t, err)
	_, known := texts[jovepay.FormPHP]
	return !known
}

func rawOf(event jovepay.Event) json.RawMessage {
	switch e := event.(type) {
	case *jovepay.PaymentEvent:
		return e.Raw
	case *jovepay.WithdrawalEvent:
		return e.Raw
	case *jovepay.RecurringPaymentEvent:
		return e.Raw
	}
	return event.(*jovepay.UnknownEvent).Raw
}

// assertMembers compares an event with its text as encoding/json reads it.
func assertMembers(t *testing.T, event jovepay.Event, raw []byte) {
	t.Helper()
	if kind(event) == "other" {
		return
	}
	var members map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(raw, &members))
	fields, extra := fieldsOf(event), extraOf(event)
	for name, text := range extra {
		require.Equal(t, string(members[name]), string(text))
	}
	for name, text := range members {
		if _, kept := extra[name]; kept {
			continue
		}
		field, known := fields[name]
		if !known {
			require.NotEqual(t, name, strings.ToLower(name), "a member is lost")
			continue
		}
		var value string
		if id, isID := reflect.TypeAssert[jovepay.ID](field); isID && json.Unmarshal(text, &value) == nil {
			require.Equal(t, value, string(id))
		}
	}
}

// FuzzOneSignature writes a body in other words, with lists as objects by index
// and the reverse, at every depth. Whenever the signature of the first is good
// for the second, by whatever form, both are one event: one key, one reading.
func FuzzOneSignature(f *testing.F) {
	verifiers := map[jovepay.IPNForm]*jovepay.IPNVerifier{}
	for _, form := range allForms() {
		verifiers[form] = newVerifier(f, ipnSecret, jovepay.WithIPNForms(form), jovepay.WithIPNMaxBytes(1<<24))
	}
	all := newVerifier(f, ipnSecret, jovepay.WithIPNMaxBytes(1<<24))
	addBodies(f, func(body []byte) {
		f.Add(body, []byte("\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01"))
		f.Add(body, body)
	})
	for _, body := range oneSignatureBodies() {
		f.Add([]byte(body), []byte("\x05\x01\x03\x09\x01\x02\x01\x07\x01\x01"))
	}
	f.Fuzz(func(t *testing.T, body, plan []byte) {
		if verifiers[jovepay.FormRaw].Sign(body) == "" {
			return
		}
		mutant, same := mutate(t, body, plan)
		for form, alone := range verifiers {
			signature := alone.Sign(body)
			for _, v := range []*jovepay.IPNVerifier{alone, all} {
				first, err := v.Parse(body, signature)
				require.NoError(t, err)
				second, err := v.Parse([]byte(mutant), signature)
				if err != nil {
					// Changed names can be one name twice.
					require.True(t, errors.Is(err, jovepay.ErrSignatureMismatch) || errors.Is(err, jovepay.ErrMalformedIPN), "%v: %s", err, mutant)
					require.False(t, same && form == jovepay.FormJS, "Node signs it alike: %s", mutant)
					continue
				}
				assertOneEvent(t, first, second)
			}
		}
	})
}

// assertOneEvent wants two events to be equal but for how they were verified.
func assertOneEvent(t *testing.T, a, b jovepay.Event) {
	t.Helper()
	require.IsType(t, a, b)
	require.Equal(t, a.Key(), b.Key(), "%s and %s", rawOf(a), rawOf(b))
	require.Equal(t, string(rawOf(a)), string(rawOf(b)))
	require.Equal(t, extraOf(a), extraOf(b))
	if _, unknown := a.(*jovepay.UnknownEvent); unknown {
		return
	}
	fields := fieldsOf(b)
	for name, field := range fieldsOf(a) {
		require.Equal(t, field.Interface(), fields[name].Interface(), name)
	}
}

// oneSignatureBodies have on them all that a form does not tell apart.
func oneSignatureBodies() []string {
	return []string{
		`{"payment_id":9007199254740993,"payment_extra_ids":[7,"8",9007199254740993],"fee":{},"new":[[],{},[[]]]}`,
		`{"payment_id":1,"paymentId":"1","payment_extra_ids":{"0":{"0":1},"1":[]},"fee":["btc",1.50],"price_amount":1.50,"pay_amount":-0.0}`,
		`{"payment_id":[5],"payment_status":{"0":"finished"},"price_amount":[],"priceAmount":{},"order_id":[["A-1"]],"created_at":[1],"time_limit":{}}`,
		`{"id":"1","status":"CREATING","currency":"usdttrc20","amount":"50","address":"a","fee":[],"hash":{},"batch_withdrawal_id":[]}`,
		`{"id":"1","status":"FINISHED","amount":[12.5],"currency":[],"more":{"0":{"0":{"0":[]}}}}`,
		`{"kind":"new","parts":[[1.5,[]],{"0":1e21,"1":{}}],"0":{"1":2,"0":1},"":[{"":[]}]}`,
		`{"0":[1,2,3,4,5,6,7,8,9,10,11],"1":{"0":0}}`,
	}
}

// FuzzEventKey delivers a payment in other words, and then with a change.
func FuzzEventKey(f *testing.F) {
	f.Add(uint64(1), "5745459419", "finished", uint32(4999), uint32(81239), uint8(2))
	f.Add(uint64(2), "", "", uint32(0), uint32(0), uint8(0))
	f.Add(uint64(3), "7\"\\/é😀\x00", "partially_paid", uint32(1<<32-1), uint32(1), uint8(18))
	f.Add(uint64(99), "1e3", "null", uint32(10), uint32(100), uint8(1))
	f.Fuzz(func(t *testing.T, seed uint64, id, status string, price, paid uint32, scale uint8) {
		body := func(id, status string, price, paid uint32) string {
			id, status = quoted(t, id), quoted(t, status)
			return fmt.Sprintf(`{"payment_id":%s,"payment_status":%s,"price_amount":%de-%d,"actually_paid":%d,"fee":{"serviceFee":%d},"x":[{"a":%d,"b":null}]}`,
				id, status, price, scale%19, paid, paid, price)
		}
		form := allForms()[seed%5]
		key := func(body string) string {
			event := parseAs(t, form, body)
			assert.Equal(t, "payment", kind(event))
			return event.Key()
		}
		ordinary := body(id, status, price, paid)
		want := key(ordinary)
		require.Equal(t, want, key(respell(t, seed, ordinary)))
		require.Equal(t, want, key(camelCase(respell(t, seed+1, ordinary))))
		for _, changed := range []string{
			body(id+"0", status, price, paid), body(id, status+"0", price, paid),
			body(id, status, price+1, paid), body(id, status, price, paid+1),
		} {
			require.NotEqual(t, want, key(changed), changed)
		}
	})
}

// quoted returns s as a JSON string, what is not UTF-8 replaced.
func quoted(t *testing.T, s string) string {
	t.Helper()
	text, err := json.Marshal(s)
	require.NoError(t, err)
	return string(text)
}
