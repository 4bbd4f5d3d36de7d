package web_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/examples/storefront/shop"
	"github.com/jovepay/jovepay-go/jovepaytest"
	"github.com/jovepay/jovepay-go/orders"
)

// act is an action on a payment.
type act func(*jovepaytest.Server, jovepay.ID) error

func pay(amount string) act {
	return func(s *jovepaytest.Server, id jovepay.ID) error {
		coins := jovepay.Amount{}
		if amount != "" {
			coins = jovepay.MustAmount(amount)
		}
		_, err := s.PayAmount(id, coins)
		return err
	}
}

func becomes(status jovepay.PaymentStatus) act {
	return func(s *jovepaytest.Server, id jovepay.ID) error {
		_, err := s.SetStatus(id, status)
		return err
	}
}

func arrive(s *jovepaytest.Server, id jovepay.ID) error {
	_, err := s.Deposit(id, jovepay.Amount{})
	return err
}

func payWrongly(s *jovepaytest.Server, id jovepay.ID) error {
	_, err := s.DepositWrongAsset(id, "ltc", jovepay.MustAmount("0.6"))
	return err
}

func expire(s *jovepaytest.Server, id jovepay.ID) error {
	_, err := s.Expire(id)
	return err
}

func refund(s *jovepaytest.Server, id jovepay.ID) error {
	_, err := s.Refund(id)
	return err
}

// The price is 0.00078109 btc.
var stories = map[string]struct {
	acts   []act
	state  shop.State
	ticket bool
	words  []string
}{
	"waits":                   {nil, shop.StateWaiting, false, []string{"Waiting for your payment"}},
	"confirming":              {[]act{arrive}, shop.StateConfirming, false, []string{"Confirming your payment", "We have detected 0.00078109\u00a0BTC on the network", "You don't need to do anything"}},
	"exact":                   {[]act{pay("")}, shop.StatePaid, true, []string{"Paid, thank you"}},
	"over":                    {[]act{pay("0.001")}, shop.StateOverpaid, true, []string{"more than the price", "0.00021891\u00a0BTC too much"}},
	"under":                   {[]act{pay("0.0005")}, shop.StateUnderpaid, false, []string{"0.00028109\u00a0BTC missing", "which is not enough", "We received 0.0005\u00a0BTC"}},
	"under, then the rest":    {[]act{pay("0.0005"), pay("0.00028109")}, shop.StateRepeated, false, []string{"We are checking", "0.00028109\u00a0BTC as an additional payment"}},
	"twice":                   {[]act{pay(""), pay("")}, shop.StatePaid, true, []string{"Paid, thank you", "Also:", "0.00078109\u00a0BTC as an additional payment. We will check"}},
	"wrong asset":             {[]act{payWrongly}, shop.StateWrongAsset, false, []string{"We are checking", "We received 0.6\u00a0LTC, but we asked for Bitcoin"}},
	"wrong asset, then right": {[]act{payWrongly, pay("")}, shop.StatePaid, true, []string{"Also:", "0.6\u00a0LTC in another currency"}},
	"expired":                 {[]act{expire}, shop.StateExpired, false, []string{"has expired", "you were not charged", "Order again"}},
	"too late":                {[]act{expire, pay("")}, shop.StateRepeated, false, []string{"We are checking"}},
	"failed":                  {[]act{becomes(jovepay.PaymentFailed)}, shop.StateFailed, false, []string{"The payment failed"}},
	"under and refunded":      {[]act{pay("0.0005"), refund}, shop.StateReturned, false, []string{"was refunded"}},
	"an unknown status":       {[]act{arrive, becomes("frozen")}, shop.StateReview, false, []string{"We are checking", "match this order"}},
}

func TestEveryStory(t *testing.T) {
	t.Parallel()
	for network, behavior := range map[string]jovepaytest.IPNBehavior{
		"":                     {},
		"doubled and shuffled": {Copies: 3, Shuffle: 9, AtOnce: true},
		"all lost":             {Lose: jovepaytest.Hits{Percent: 100}},
	} {
		for _, method := range []shop.Method{shop.ByAddress, shop.ByInvoice} {
			for name, story := range stories {
				t.Run(strings.Join([]string{name, string(method), network}, " "), func(t *testing.T) {
					t.Parallel()
					r := newRig(t)
					require.NoError(t, r.server.SetIPN(behavior))
					id := r.order(t, "btc", method)
					payment := r.payment(t, id)
					for _, act := range story.acts {
						require.NoError(t, act(r.server, payment))
					}
					if behavior.Lose.Percent > 0 {
						r.requires(t, id, shop.StateWaiting)
						r.reconcile(t)
					}
					page := r.requires(t, id, story.state)
					for _, words := range story.words {
						assert.Contains(t, page, words)
					}
					tickets := 0
					if story.ticket {
						tickets = 1
					}
					assert.Equal(t, tickets, r.count(t, `SELECT count(*) FROM tickets`))
					assert.Equal(t, story.ticket, strings.Contains(page, "Ticket code:"))
					r.reconcile(t) // changes nothing
					assert.Equal(t, page, r.requires(t, id, story.state))
				})
			}
		}
	}
}

func (r *rig) reconcile(t *testing.T) orders.Report {
	t.Helper()
	require.NoError(t, r.server.WaitDeliveries(t.Context()))
	report, err := r.shop.Book.Reconcile(t.Context(), time.Now().Add(-time.Hour))
	require.NoError(t, err)
	return report
}

func TestReconcileMakesUpForLostNotifications(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	require.NoError(t, r.server.SetIPN(jovepaytest.IPNBehavior{Lose: jovepaytest.Hits{Percent: 100}}))
	id := r.order(t, "btc", shop.ByAddress)
	require.NoError(t, pay("")(r.server, r.payment(t, id)))
	assert.Equal(t, orders.Report{Seen: 1, Changed: 1}, r.reconcile(t))
	assert.Equal(t, orders.Report{Seen: 1, Known: 1}, r.reconcile(t))
	r.requires(t, id, shop.StatePaid)
}

func TestUnderpaidOrderAsksForTheRest(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.order(t, "btc", shop.ByAddress)
	assert.Contains(t, r.requires(t, id, shop.StateWaiting), `<code id="amount">0.00078109</code>`)
	require.NoError(t, pay("0.0005")(r.server, r.payment(t, id)))
	page := r.requires(t, id, shop.StateUnderpaid)
	assert.Contains(t, page, `<code id="amount">0.00028109</code>`)
	assert.Contains(t, page, `<svg class="qr"`)
}

func TestHistoryListsAPaymentThatDoesNotFitOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.order(t, "btc", shop.ByAddress)
	for range 2 { // each with all statuses
		require.NoError(t, pay("")(r.server, r.payment(t, id)))
	}
	page := r.requires(t, id, shop.StatePaid)
	assert.Equal(t, 1, strings.Count(page, "</time> Received 0.00078109\u00a0BTC as an additional payment</li>"))
	assert.Equal(t, 1, strings.Count(page, "</time> Received 0.00078109\u00a0BTC</li>"))
}

func TestNewsWithoutAnAmount(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.order(t, "btc", shop.ByAddress)
	_, err := r.server.SetStatus(r.payment(t, id), jovepay.PaymentConfirming)
	require.NoError(t, err)
	page := r.requires(t, id, shop.StateConfirming)
	assert.Contains(t, page, "We have detected coins on the network.")
	assert.NotContains(t, page, ">0\u00a0BTC")
}

func TestRefundInvalidatesTheTicket(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.order(t, "btc", shop.ByAddress)
	require.NoError(t, pay("")(r.server, r.payment(t, id)))
	assert.Contains(t, r.requires(t, id, shop.StatePaid), "Ticket code:")
	require.NoError(t, refund(r.server, r.payment(t, id)))
	page := r.requires(t, id, shop.StateRefunded)
	assert.Contains(t, page, "was refunded")
	assert.Contains(t, page, "Order again")
	assert.NotContains(t, page, "Ticket code:")
}

func TestRefundWithoutEarlierNewsIssuesNoTicket(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	require.NoError(t, r.server.SetIPN(jovepaytest.IPNBehavior{Lose: jovepaytest.Hits{Percent: 100}}))
	id := r.order(t, "btc", shop.ByAddress)
	require.NoError(t, pay("")(r.server, r.payment(t, id)))
	require.NoError(t, refund(r.server, r.payment(t, id)))
	r.reconcile(t)
	r.requires(t, id, shop.StateReturned)
	assert.Equal(t, 0, r.count(t, `SELECT count(*) FROM tickets`))
}

func TestSecondPaymentOnAnInvoiceGetsNoSecondTicket(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.order(t, "btc", shop.ByInvoice)
	for range 2 { // the customer created two payments and paid both
		require.NoError(t, pay("")(r.server, r.payment(t, id)))
	}
	page := r.requires(t, id, shop.StatePaid)
	assert.Equal(t, 1, strings.Count(page, "as an additional payment. We will check"))
	assert.Equal(t, 1, r.count(t, `SELECT count(*) FROM tickets`))
	assert.Len(t, r.odd(t), 1)
}

func TestForeignPaymentsNeedAReview(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.order(t, "btc", shop.ByAddress)
	client, err := r.server.Client()
	require.NoError(t, err)
	for _, foreign := range []struct{ order, price string }{{id, "5"}, {"nobody's", "49.99"}} {
		payment, err := client.Payments.Create(t.Context(), jovepay.PaymentRequest{
			PriceAmount: jovepay.MustAmount(foreign.price), PriceCurrency: "usd", PayCurrency: "btc",
			OrderID: foreign.order, IPNCallbackURL: r.url + "/ipn",
		})
		require.NoError(t, err)
		require.NoError(t, pay("")(r.server, payment.ID))
		require.NoError(t, r.server.WaitDeliveries(t.Context()))
	}
	r.requires(t, id, shop.StateReview)
	assert.Equal(t, 0, r.count(t, `SELECT count(*) FROM tickets`))
	assert.Equal(t, []string{"price is 5 usd instead of 49.99 usd", "the order is not in the book"}, r.odd(t))

	// The order's own payment still counts.
	require.NoError(t, pay("")(r.server, r.payment(t, id)))
	r.requires(t, id, shop.StatePaid)
}
