package jovepaytest_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

func TestIPNBody(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		event jovepay.Event
		want  string
	}{
		"the guide's payment": {&jovepay.PaymentEvent{}, `{"payment_id":123456789,"parent_payment_id":987654321,"invoice_id":null,` +
			`"payment_status":"finished","pay_address":"address","payin_extra_id":null,"price_amount":1,"price_currency":"usd",` +
			`"pay_amount":15,"actually_paid":15,"actually_paid_at_fiat":0,"pay_currency":"trx","order_id":null,"order_description":null,` +
			`"purchase_id":"123456789","outcome_amount":14.8106,"outcome_currency":"trx","payment_extra_ids":null,` +
			`"fee":{"currency":"btc","depositFee":0.09853637216235617,"withdrawalFee":0,"serviceFee":0}}`},
		"the guide's withdrawal": {&jovepay.WithdrawalEvent{}, `{"id":"123456789","batch_withdrawal_id":"987654321","status":"CREATING",` +
			`"error":null,"currency":"usdttrc20","amount":"50","address":"address","fee":null,"extra_id":null,"hash":null,` +
			`"ipn_callback_url":"callback_url","created_at":"2023-07-27T15:29:40.803Z","requested_at":null,"updated_at":null}`},
		"the guide's recurring payment": {&jovepay.RecurringPaymentEvent{}, `{"id":"1234567890","status":"FINISHED","currency":"trx",` +
			`"amount":"12.171365564140688","ipn_callback_url":"callback_url","created_at":"2023-07-26T14:20:11.531Z",` +
			`"updated_at":"2023-07-26T14:20:21.079Z"}`},
		"a payment of the test's": {&jovepay.PaymentEvent{
			Payment: jovepay.Payment{
				ID: "7", Status: jovepay.PaymentPartiallyPaid, PurchaseID: "18446744073709551616", OrderID: `"1"`,
				ActuallyPaid: jovepay.MustAmount("0.00000001"), PaymentExtraIDs: []jovepay.ID{"8"}, PayinHash: "ab",
				Response: jovepay.Response{Extra: map[string]json.RawMessage{
					"parent_payment_id": []byte("null"), "new": []byte(`[1.50,{"a":null}]`), "also_new": []byte(`"x"`),
				}},
			},
			Fee: &jovepay.Fee{Currency: "trx", ServiceFee: jovepay.MustAmount("0.1")},
		}, `{"payment_id":7,"parent_payment_id":null,"invoice_id":null,"payment_status":"partially_paid","pay_address":"address",` +
			`"payin_extra_id":null,"price_amount":1,"price_currency":"usd","pay_amount":15,"actually_paid":0.00000001,` +
			`"actually_paid_at_fiat":0,"pay_currency":"trx","order_id":"\"1\"","order_description":null,` +
			`"purchase_id":"18446744073709551616","outcome_amount":14.8106,"outcome_currency":"trx","payment_extra_ids":["8"],` +
			`"fee":{"currency":"trx","serviceFee":0.1},"payin_hash":"ab","also_new":"x","new":[1.50,{"a":null}]}`},
		"an id that is no number": {&jovepay.RecurringPaymentEvent{
			ID: "12a", Amount: jovepay.MustAmount("1.50"), UpdatedAt: jovepay.Time{Time: time.Unix(0, 0).UTC()},
		}, `{"id":"12a","status":"FINISHED","currency":"trx","amount":"1.50","ipn_callback_url":"callback_url",` +
			`"created_at":"2023-07-26T14:20:11.531Z","updated_at":"1970-01-01T00:00:00Z"}`},
		"another kind": {&jovepay.UnknownEvent{Raw: []byte(`{"hello": "world"}`)}, `{"hello": "world"}`},
	} {
		body, err := jovepaytest.IPNBody(c.event)
		require.NoError(t, err, name)
		assert.Equal(t, c.want, string(body), name)
	}
}

func TestIPNBodyRejects(t *testing.T) {
	t.Parallel()
	extra := func(name, value string) *jovepay.WithdrawalEvent {
		return &jovepay.WithdrawalEvent{ID: "7", Response: jovepay.Response{Extra: map[string]json.RawMessage{name: []byte(value)}}}
	}
	for name, event := range map[string]jovepay.Event{
		"no event":         nil,
		"a field twice":    extra("id", `"8"`),
		"what is no JSON":  extra("new", `}`),
		"what is no UTF-8": &jovepay.WithdrawalEvent{Error: "\xff"},
	} {
		body, err := jovepaytest.IPNBody(event)
		require.Error(t, err, name)
		assert.Empty(t, body, name)
	}
}

func TestSendIPN(t *testing.T) {
	t.Parallel()
	server := newServer(t, jovepaytest.WithIPNRetries(1, 0))
	s := newShop(t, server)
	body, err := jovepaytest.IPNBody(&jovepay.WithdrawalEvent{Status: jovepay.WithdrawalFinished, Amount: jovepay.MustAmount("12.5")})
	require.NoError(t, err)
	behave(t, server, jovepaytest.IPNBehavior{Copies: 2, Forms: []jovepay.IPNForm{jovepay.FormPython}})
	require.NoError(t, server.SendIPN(t.Context(), s.url, body))
	require.Len(t, s.events, 2)
	withdrawal, ok := s.events[1].(*jovepay.WithdrawalEvent)
	require.True(t, ok)
	assert.Equal(t, "12.5", withdrawal.Amount.String())

	behave(t, server, jovepaytest.IPNBehavior{})
	s.failNext(1)
	require.NoError(t, server.SendIPN(t.Context(), s.url, body), "the second attempt succeeds")
	s.failNext(2)
	require.EqualError(t, server.SendIPN(t.Context(), s.url, body),
		"jovepaytest: given up after attempt 2: responded 500 Internal Server Error")
	require.ErrorContains(t, server.SendIPN(t.Context(), s.url, []byte("{")), "body has no js form")
	require.Error(t, server.SendIPN(t.Context(), "no address", body))
	behave(t, server, jovepaytest.IPNBehavior{Delay: 20 * time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, server.SendIPN(ctx, s.url, body), context.Canceled)
	require.NoError(t, server.WaitDeliveries(t.Context()))
	last := server.Deliveries()[len(server.Deliveries())-1]
	assert.Equal(t, jovepaytest.DeliveryDone, last.Outcome, "the delivery continued")
	assert.Empty(t, last.PaymentID)
	assert.Empty(t, last.Status)
	assert.Equal(t, string(body), last.Body)
}

// A malformed body can be signed as the plugins sign it: to see it rejected.
func TestSendIPNMalformed(t *testing.T) {
	t.Parallel()
	server := newServer(t, jovepaytest.WithIPNRetries(0, 0))
	s := newShop(t, server)
	behave(t, server, jovepaytest.IPNBehavior{Forms: []jovepay.IPNForm{jovepay.FormRaw}})
	require.Error(t, server.SendIPN(t.Context(), s.url, []byte(`{"id":1,"id":2}`)))
	assert.Equal(t, []int{400}, s.responses())
}

func TestSign(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	body := []byte(`{"payment_id":1,"payment_status":"waiting","pay_amount":0.00001,"payment_extra_ids":[1]}`)
	signatures := map[string]bool{}
	for form := range references() {
		signature, err := server.Sign(body, form)
		require.NoError(t, err)
		verifier, err := jovepay.NewIPNVerifier(server.IPNSecret, jovepay.WithIPNForms(form))
		require.NoError(t, err)
		require.NoError(t, verifier.Verify(body, signature))
		signatures[signature] = true
	}
	assert.Len(t, signatures, 5)
	_, err := server.Sign(body, "jsx")
	require.EqualError(t, err, `jovepaytest: form "jsx" is not known`)
	_, err = server.Sign(body[1:], jovepay.FormPHP)
	require.ErrorContains(t, err, "jovepaytest: body has no php form")
	_, err = server.Sign(body[1:], jovepay.FormRaw)
	require.NoError(t, err)
}

func TestSettingsAreRejected(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	require.EqualError(t, server.SetIPN(jovepaytest.IPNBehavior{Forms: []jovepay.IPNForm{"jsx"}}), `jovepaytest: form "jsx" is not known`)
	require.ErrorIs(t, server.SetIPN(jovepaytest.IPNBehavior{Lose: jovepaytest.Hits{Percent: 101}}), jovepay.ErrInvalidRequest)
	require.ErrorIs(t, server.Inject(jovepaytest.Fault{}), jovepay.ErrInvalidRequest)
}
