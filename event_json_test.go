package jovepay_test

import (
	"encoding/json"
	"testing"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

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

func emptyLike(event jovepay.Event) jovepay.Event {
	switch event.(type) {
	case *jovepay.PaymentEvent:
		return new(jovepay.PaymentEvent)
	case *jovepay.WithdrawalEvent:
		return new(jovepay.WithdrawalEvent)
	}
	return new(jovepay.RecurringPaymentEvent)
}
