package jovepay_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

// paidPayment has a value in every member that a payment's key depends on.
const paidPayment = `{"payment_id":5745459419,"parent_payment_id":5745459418,"payment_status":"finished",` +
	`"price_amount":49.99,"price_currency":"usd","pay_amount":0.00081239,"pay_currency":"btc","actually_paid":0.0008124,` +
	`"outcome_amount":1.5,"outcome_currency":"trx","order_id":"A-1/é","order_description":"two \"mugs\"","amount_received":1.4,` +
	`"actually_paid_at_fiat":50.01,"payment_extra_ids":[1,"2"],"fee":{"currency":"btc","serviceFee":0.5},"new":{"list":[1,true]}}`

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

// TestEventKeyOfAnswer gives a payment that was asked for the key of its
// notification: what only notifications tell is not in it.
func TestEventKeyOfAnswer(t *testing.T) {
	t.Parallel()
	client := answering(t, 200, `{"payment_id":"5745459419","parent_payment_id":"5745459418","payment_status":"finished",`+
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

// TestEventKeyNullIsZero: what one message tells as zero, another leaves out.
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
		assert.Equal(t, first, event, body)
		assert.Equal(t, first.Key(), event.Key(), body)
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
	client := answering(t, 200, exact)
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
