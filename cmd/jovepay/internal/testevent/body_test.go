package testevent

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

func TestEveryEventIsGenuineAndOfItsKind(t *testing.T) {
	t.Parallel()
	for _, kind := range Kinds() {
		for _, form := range []jovepay.IPNForm{jovepay.FormJS, jovepay.FormJSArrays, jovepay.FormPHP, jovepay.FormPython, jovepay.FormRaw} {
			for _, camel := range []bool{false, true} {
				body, err := Event{Kind: kind, Camel: camel, Set: []string{"order_id=17"}}.Body()
				require.NoError(t, err)
				signature, err := Sign(" secret\n", body, form)
				require.NoError(t, err)
				verifier, err := jovepay.NewIPNVerifier("secret", jovepay.WithIPNForms(form))
				require.NoError(t, err)
				event, err := verifier.Parse(body, signature)
				require.NoError(t, err)
				switch kind {
				case Payment:
					p, ok := event.(*jovepay.PaymentEvent)
					require.True(t, ok)
					assert.Equal(t, jovepay.PaymentFinished, p.Status)
					assert.Equal(t, "17", p.OrderID)
					assert.Empty(t, p.ParentPaymentID, "a shop may fulfill it")
				case Withdrawal:
					w, ok := event.(*jovepay.WithdrawalEvent)
					require.True(t, ok)
					assert.Equal(t, jovepay.WithdrawalFinished, w.Status)
				case Recurring:
					assert.IsType(t, &jovepay.RecurringPaymentEvent{}, event)
				}
			}
		}
	}
}

func TestFieldsAreSet(t *testing.T) {
	t.Parallel()
	body, err := Event{Kind: Payment, Status: "waiting", Set: []string{
		"order_id=1e3", `order_description="7"`, "payin_extra_id=null", "price_amount=49.990", "pay_address=a=b",
		"payment_extra_ids=[1,2]", "parent_payment_id=7", "payment_status=odd",
	}}.Body()
	require.NoError(t, err)
	for _, want := range []string{
		`"order_id":"1e3"`, `"order_description":"7"`, `"payin_extra_id":null`, `"price_amount":49.990`, `"pay_address":"a=b"`,
		`"payment_extra_ids":[1,2]`, `"parent_payment_id":7`, `"payment_status":"odd"`,
	} {
		assert.Contains(t, string(body), want)
	}
	body, err = Event{Kind: Payment, Status: "waiting"}.Body()
	require.NoError(t, err)
	assert.Contains(t, string(body), `"actually_paid":0`, "not paid yet")
	for _, set := range []string{"", "x", "=1", "orderId=1", "order_id=\xff"} {
		_, err := Event{Kind: Payment, Set: []string{set}}.Body()
		assert.Error(t, err, set)
	}
	_, err = Event{Kind: "refund"}.Body()
	assert.ErrorContains(t, err, "want one of payment, withdrawal, recurring")
	_, err = Sign("secret", []byte(`{"a":1,"a":2}`), jovepay.FormJS)
	assert.ErrorContains(t, err, "cannot sign the body")
	_, err = Sign(" ", []byte(`{}`), jovepay.FormJS)
	assert.Error(t, err)
}
