package emulator_test

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/internal/emulator"
	"github.com/jovepay/jovepay-go/internal/emulator/engine"
)

// guidePayment is the payment webhook of JovePay's guide.
const guidePayment = `{
"payment_id": 123456789, "parent_payment_id": 987654321, "invoice_id": null,
"payment_status": "finished", "pay_address": "address", "payin_extra_id": null,
"price_amount": 1, "price_currency": "usd", "pay_amount": 15, "actually_paid": 15,
"actually_paid_at_fiat": 0, "pay_currency": "trx", "order_id": null, "order_description": null,
"purchase_id": "123456789", "outcome_amount": 14.8106, "outcome_currency": "trx",
"payment_extra_ids": null, "fee": {
"currency": "btc", "depositFee": 0.09853637216235617, "withdrawalFee": 0, "serviceFee": 0}}`

// paidTwice is a payment that was paid, and the child of a second deposit.
func paidTwice(t *testing.T) (parent, child engine.Payment) {
	t.Helper()
	e, err := engine.New(engine.Config{})
	require.NoError(t, err)
	parent, err = e.CreatePayment(engine.PaymentRequest{
		PriceAmount: decimal.RequireFromString("64.00"), PriceCurrency: "usd", PayCurrency: "xrp",
		OrderID: "order-1", OrderDescription: "Tea \u2028 & <b>biscuits</b> \u00e9\U0001f980",
	})
	require.NoError(t, err)
	_, err = e.Deposit(parent.ID, decimal.Zero)
	require.NoError(t, err)
	parent, err = e.Settle(parent.ID)
	require.NoError(t, err)
	child, err = e.Deposit(parent.ID, decimal.RequireFromString("0.000001"))
	require.NoError(t, err)
	parent, err = e.Payment(parent.ID)
	require.NoError(t, err)
	return parent, child
}

func TestNotificationHasTheMembersOfTheGuide(t *testing.T) {
	t.Parallel()
	parent, child := paidTwice(t)
	for _, p := range []*engine.Payment{&parent, &child} {
		body, err := emulator.NotificationJSON(p, false)
		require.NoError(t, err)
		assert.Equal(t, names(t, guidePayment), names(t, string(body)))
	}
}

// A part that was refunded is reported wherever the payment is, all of it nowhere.
func TestRefundedAmount(t *testing.T) {
	t.Parallel()
	s := newSite(t, emulator.Config{})
	for _, c := range []struct{ amount, want string }{{"0.0004", `"refunded_amount":0.0004`}, {"0", ""}} {
		s.do(t, "POST", "/v1/payment", goodPayment)
		p := s.engine.Latest(1)[0]
		_, err := s.engine.Deposit(p.ID, decimal.Zero)
		require.NoError(t, err)
		p, err = s.engine.Refund(p.ID, decimal.RequireFromString(c.amount))
		require.NoError(t, err)
		body, err := emulator.NotificationJSON(&p, false)
		require.NoError(t, err)
		for name, text := range map[string]string{
			"notification": string(body),
			"payment":      s.do(t, "GET", "/v1/payment/"+strconv.FormatInt(p.ID, 10), "").body,
			"list":         s.do(t, "GET", "/v1/payment?limit=1&orderBy=desc", "").body,
		} {
			if c.want == "" {
				assert.NotContains(t, text, "refunded_amount", name)
			} else {
				assert.Contains(t, text, c.want, name)
			}
		}
	}
}

// names are the names of an object's members in their order, those of the fee
// included.
func names(t *testing.T, object string) (list []string) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(object))
	var stack []json.Delim
	name := true
	for d.More() || len(stack) > 0 {
		token, err := d.Token()
		require.NoError(t, err)
		switch delim, ok := token.(json.Delim); {
		case ok && (delim == '{' || delim == '['):
			stack = append(stack, delim)
			name = delim == '{'
			continue
		case ok:
			stack = stack[:len(stack)-1]
		case name && stack[len(stack)-1] == '{':
			text, ok := token.(string)
			require.True(t, ok)
			list = append(list, text)
			name = false
			continue
		}
		name = true
	}
	return list
}

func TestNotification(t *testing.T) {
	t.Parallel()
	parent, child := paidTwice(t)
	common := func(p *engine.Payment) string {
		return `"pay_address":"` + p.PayAddress + `","payin_extra_id":"` + p.PayinExtraID + `"`
	}
	for _, c := range []struct {
		payment *engine.Payment
		want    string
	}{
		{&parent, `{"payment_id":5405714271,"parent_payment_id":null,"invoice_id":null,"payment_status":"finished",` +
			common(&parent) + `,"price_amount":64,"price_currency":"usd","pay_amount":123.076923,"actually_paid":123.076923,` +
			`"actually_paid_at_fiat":0,"pay_currency":"xrp","order_id":"order-1","order_description":"Tea ` + "\u2028" + ` & <b>biscuits</b> é🦀",` +
			`"purchase_id":"5405713363","outcome_amount":63.68,"outcome_currency":"usdttrc20","payment_extra_ids":[5405716216],` +
			`"fee":{"currency":"usdttrc20","depositFee":0,"withdrawalFee":0,"serviceFee":0.32}}`},
		{&child, `{"payment_id":5405716216,"parent_payment_id":5405714271,"invoice_id":null,"payment_status":"confirming",` +
			common(&parent) + `,"price_amount":0.00000052,"price_currency":"usd","pay_amount":0.000001,"actually_paid":0.000001,` +
			`"actually_paid_at_fiat":0,"pay_currency":"xrp","order_id":"order-1","order_description":"Tea ` + "\u2028" + ` & <b>biscuits</b> é🦀",` +
			`"purchase_id":"5405715118","outcome_amount":null,"outcome_currency":"usdttrc20","payment_extra_ids":null,` +
			`"fee":{"currency":"usdttrc20","depositFee":0,"withdrawalFee":0,"serviceFee":0}}`},
	} {
		body, err := emulator.NotificationJSON(c.payment, false)
		require.NoError(t, err)
		assert.Equal(t, c.want, string(body))
	}
}

func TestNotificationInCamelCase(t *testing.T) {
	t.Parallel()
	parent, child := paidTwice(t)
	for _, p := range []*engine.Payment{&parent, &child} {
		snake, err := emulator.NotificationJSON(p, false)
		require.NoError(t, err)
		camel, err := emulator.NotificationJSON(p, true)
		require.NoError(t, err)
		got := names(t, string(camel))
		for _, plugin := range []string{
			"orderId", "paymentId", "paymentStatus", "priceAmount", "priceCurrency",
			"payAmount", "payCurrency", "actuallyPaid", "purchaseId", "transactionId",
		} {
			assert.Contains(t, got, plugin)
		}
		assert.Len(t, got, len(names(t, guidePayment))+1)
		assert.False(t, slices.ContainsFunc(got, func(name string) bool { return strings.Contains(name, "_") }))

		// The values are the same, to the byte.
		var values, want map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(camel, &values))
		require.NoError(t, json.Unmarshal(snake, &want))
		delete(values, "transactionId")
		for name, value := range want {
			words := strings.Split(name, "_")
			for i := range words[1:] {
				words[i+1] = strings.ToUpper(words[i+1][:1]) + words[i+1][1:]
			}
			assert.Equal(t, value, values[strings.Join(words, "")], name)
		}
		assert.Contains(t, string(camel), `"transactionId":"`+p.PayinHash()+`"`)
	}
}
