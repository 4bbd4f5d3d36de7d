package web_test

import (
	"net/http"
	"net/url"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/examples/storefront/shop"
	"github.com/jovepay/jovepay-go/jovepaytest"
	"github.com/jovepay/jovepay-go/orders"
)

func TestOrderByAddressShowsWhereToPay(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.order(t, "xrp", shop.ByAddress)
	order, err := r.shop.Find(t.Context(), id)
	require.NoError(t, err)
	page := r.requires(t, id, shop.StateWaiting)
	require.NotEmpty(t, order.Memo)
	for _, words := range []string{
		order.PayAddress, order.PayAmount.String(), "with the memo " + order.Memo,
		"Without it your coins are lost", `<svg class="qr" role="img" aria-label="QR code of the address"`,
		`<time datetime="`, `<noscript><meta http-equiv="refresh" content="5"></noscript>`,
		`<a href="http://127.0.0.1:1/` + string(order.PaymentID) + `">play the customer</a>`,
	} {
		assert.Contains(t, page, words)
	}

	page = r.requires(t, r.order(t, "btc", shop.ByAddress), shop.StateWaiting)
	assert.NotContains(t, page, "memo")
}

func TestOrderByInvoiceLeadsToJovePay(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.order(t, "btc", shop.ByInvoice)
	order, err := r.shop.Find(t.Context(), id)
	require.NoError(t, err)
	leave := r.get(t, "/orders/"+id+"/go")
	assert.Equal(t, http.StatusOK, leave.status)
	assert.Contains(t, leave.body, `<meta http-equiv="refresh" content="0; url=`+order.InvoiceURL+`">`)
	assert.Contains(t, leave.body, `<a class="button first" href="`+order.InvoiceURL+`"`)
	assert.Contains(t, r.requires(t, id, shop.StateWaiting), order.InvoiceURL, "a customer who comes back can go there again")

	require.NoError(t, pay("")(r.server, r.payment(t, id)))
	assert.NotContains(t, r.requires(t, id, shop.StatePaid), order.InvoiceURL)
	leave = r.get(t, "/orders/"+id+"/go")
	assert.Equal(t, "/orders/"+id, leave.location, "nothing is left to pay")
}

func TestFormSubmittedTwiceIsOneOrder(t *testing.T) {
	t.Parallel()
	for _, method := range []shop.Method{shop.ByAddress, shop.ByInvoice} {
		r := newRig(t)
		form := r.choose(t, "telescope", "btc", method)
		var sent sync.WaitGroup
		for range 8 {
			sent.Go(func() { assert.Equal(t, http.StatusSeeOther, r.post(t, "/items/telescope", form).status) })
		}
		sent.Wait()
		made := r.server.Count(http.MethodPost, "/v1/payment") + r.server.Count(http.MethodPost, "/v1/invoice")
		assert.Equal(t, 1, made)
		assert.Equal(t, 1, r.count(t, `SELECT count(*) FROM orders`))
	}
}

func TestPaymentWithLostResponseIsFound(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	require.NoError(t, r.server.SetIPN(jovepaytest.IPNBehavior{Lose: jovepaytest.Hits{Percent: 100}}))
	form := r.choose(t, "telescope", "btc", shop.ByAddress)
	require.NoError(t, r.server.Inject(
		jovepaytest.Fault{Method: http.MethodPost, Path: "/v1/payment", Cut: true, AfterEffect: true},
		jovepaytest.Fault{Method: http.MethodGet, Path: "/v1/payment", Status: http.StatusServiceUnavailable},
	))
	placed := r.post(t, "/items/telescope", form)
	require.Equal(t, http.StatusSeeOther, placed.status)
	id := form.Get("order")
	page := r.requires(t, id, shop.StatePending)
	assert.Contains(t, page, "know yet whether your payment was created")
	assert.Contains(t, page, "Try again")
	assert.NotContains(t, page, "Choose another currency", "it could be a second payment")

	// The outcome is still unknown.
	again := r.post(t, "/orders/"+id+"/retry", url.Values{})
	assert.Equal(t, "/orders/"+id, again.location)
	assert.Contains(t, r.requires(t, id, shop.StatePending), "know yet whether")

	r.server.ClearFaults()
	r.post(t, "/orders/"+id+"/retry", url.Values{})
	r.requires(t, id, shop.StateWaiting)
	payments, err := r.server.Payments()
	require.NoError(t, err)
	assert.Len(t, payments, 1)
	assert.Equal(t, payments[0].ID, r.payment(t, id))
}

func TestNotificationOfAPaymentWithLostResponse(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	form := r.choose(t, "telescope", "btc", shop.ByAddress)
	require.NoError(t, r.server.Inject(
		jovepaytest.Fault{Method: http.MethodPost, Path: "/v1/payment", Cut: true, AfterEffect: true},
		jovepaytest.Fault{Method: http.MethodGet, Path: "/v1/payment", Status: http.StatusServiceUnavailable},
	))
	r.post(t, "/items/telescope", form)
	id := form.Get("order")
	page := r.requires(t, id, shop.StateWaiting)
	order, err := r.shop.Find(t.Context(), id)
	require.NoError(t, err)
	assert.Contains(t, page, order.PayAddress)
	require.NoError(t, pay("")(r.server, r.payment(t, id)))
	r.requires(t, id, shop.StatePaid)
}

func TestInvoiceWithLostResponse(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	form := r.choose(t, "telescope", "btc", shop.ByInvoice)
	require.NoError(t, r.server.Inject(jovepaytest.Fault{Path: "/v1/invoice", Times: 1, Cut: true, AfterEffect: true}))
	placed := r.post(t, "/items/telescope", form)
	id := form.Get("order")
	assert.Equal(t, "/orders/"+id, placed.location)
	r.requires(t, id, shop.StatePending)
	assert.Equal(t, "/orders/"+id+"/go", r.post(t, "/orders/"+id+"/retry", url.Values{}).location)
	require.NoError(t, pay("")(r.server, r.payment(t, id)))
	r.requires(t, id, shop.StatePaid)
}

// JovePay has created the payment, so another currency would be a second one.
func TestPaymentThatCouldNotBeStored(t *testing.T) {
	t.Parallel()
	for _, method := range []shop.Method{shop.ByAddress, shop.ByInvoice} {
		r := newRig(t)
		require.NoError(t, r.server.SetIPN(jovepaytest.IPNBehavior{Lose: jovepaytest.Hits{Percent: 100}}))
		_, err := r.db.ExecContext(t.Context(), `CREATE TRIGGER full BEFORE UPDATE ON jovepay_order_parts BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`)
		require.NoError(t, err)
		form := r.choose(t, "telescope", "btc", method)
		r.post(t, "/items/telescope", form)
		id := form.Get("order")
		page := r.requires(t, id, shop.StatePending)
		assert.Contains(t, page, "know yet whether your payment was created")
		assert.NotContains(t, page, "Choose another currency")

		_, err = r.db.ExecContext(t.Context(), `DROP TRIGGER full`)
		require.NoError(t, err)
		r.post(t, "/orders/"+id+"/retry", url.Values{})
		r.requires(t, id, shop.StateWaiting)
		if method == shop.ByAddress {
			assert.Equal(t, 1, r.server.Count(http.MethodPost, "/v1/payment"), "it is found, not created again")
		}
	}
}

// The customer goes back, chooses another coin, and pays in both.
func TestAnotherCoinForTheSameOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	form := r.choose(t, "telescope", "btc", shop.ByAddress)
	id := form.Get("order")
	r.post(t, "/items/telescope", form)
	first := r.payment(t, id)
	form.Set("currency", "trx")
	r.post(t, "/items/telescope", form)
	second := r.payment(t, id)
	assert.NotEqual(t, first, second)
	assert.Contains(t, r.requires(t, id, shop.StateWaiting), `<code id="amount">399.92</code> TRX`)

	require.NoError(t, pay("")(r.server, first))
	page := r.requires(t, id, shop.StatePaid)
	assert.Contains(t, page, "Ticket code:")
	form.Set("currency", "xrp")
	r.post(t, "/items/telescope", form)
	assert.Equal(t, page, r.requires(t, id, shop.StatePaid), "nothing is left to pay")
	require.NoError(t, pay("")(r.server, second))
	assert.Contains(t, r.requires(t, id, shop.StatePaid), "We received 399.92\u00a0TRX as an additional payment. We will check")
	assert.Equal(t, 1, r.count(t, `SELECT count(*) FROM tickets`))
}

func TestCanceledThenPaid(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.order(t, "btc", shop.ByAddress)
	payment := r.payment(t, id)
	require.NoError(t, r.shop.Cancel(t.Context(), id, staff()))
	assert.NotContains(t, r.requires(t, id, shop.StateCanceled), `id="address"`)
	require.NoError(t, pay("")(r.server, payment))
	page := r.requires(t, id, shop.StateCanceled)
	assert.Contains(t, page, "We received 0.00078109\u00a0BTC as an additional payment. We will check")
	assert.NotContains(t, page, "Ticket code:")
	code, err := r.shop.Issue(t.Context(), id, staff())
	require.NoError(t, err)
	assert.Contains(t, r.requires(t, id, shop.StatePaid), code)

	paid := r.order(t, "btc", shop.ByAddress)
	require.NoError(t, pay("")(r.server, r.payment(t, paid)))
	r.requires(t, paid, shop.StatePaid)
	require.ErrorIs(t, r.shop.Cancel(t.Context(), paid, staff()), orders.ErrClosed)
	require.ErrorIs(t, r.shop.Cancel(t.Context(), shop.NewOrderID(), staff()), shop.ErrNotFound)
}

func TestRejectedPaymentHasAPage(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	form := r.choose(t, "telescope", "btc", shop.ByAddress)
	require.NoError(t, r.server.SetMinimum("btc", jovepay.MustAmount("1"))) // after the page was shown
	r.post(t, "/items/telescope", form)
	id := form.Get("order")
	page := r.requires(t, id, shop.StatePending)
	assert.Contains(t, page, "could not be created")
	assert.Contains(t, page, `href="/items/telescope">Choose another currency`)
	require.NoError(t, r.server.SetMinimum("btc", jovepay.Amount{}))
	r.post(t, "/orders/"+id+"/retry", url.Values{})
	r.requires(t, id, shop.StateWaiting)
}
