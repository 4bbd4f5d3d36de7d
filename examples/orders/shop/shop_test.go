package shop_test

import (
	"context"
	"database/sql"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/examples/orders/shop"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a shop with JovePay's emulator.
type rig struct {
	server *jovepaytest.Server
	shop   *shop.Shop
	db     *sql.DB // the shop's
	url    string  // where the shop serves
}

func newRig(t *testing.T) *rig {
	t.Helper()
	server, err := jovepaytest.NewServer(jovepaytest.WithIPNRetries(0, 0))
	require.NoError(t, err)
	t.Cleanup(server.Close)
	connections := &http.Transport{}
	t.Cleanup(connections.CloseIdleConnections)
	client, err := server.Client(jovepay.WithHTTPClient(&http.Client{Transport: connections}))
	require.NoError(t, err)

	r := &rig{server: server}
	handler := http.NewServeMux()
	web := httptest.NewServer(handler)
	t.Cleanup(web.Close)
	r.url = web.URL
	file := filepath.Join(t.TempDir(), "orders.db")
	r.shop, err = shop.Open(t.Context(), file, client, r.url+"/ipn")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.shop.Close()) })
	r.db, err = sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(10000)")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.db.Close()) })
	verifier, err := jovepay.NewIPNVerifier(server.IPNSecret)
	require.NoError(t, err)
	handler.Handle("/", r.shop.Routes(verifier.Handler(r.shop.Process), slog.New(slog.DiscardHandler)))
	return r
}

// newOrder returns order a.
func newOrder() shop.Order {
	return shop.Order{ID: "a", PriceAmount: jovepay.MustAmount("49.99"), PriceCurrency: "usd", PayCurrency: "btc"}
}

// count returns the number that the query selects.
func (r *rig) count(t *testing.T, query string) (n int) {
	t.Helper()
	require.NoError(t, r.db.QueryRowContext(t.Context(), query).Scan(&n))
	return n
}

// requires waits for all deliveries and checks order a.
func (r *rig) requires(t *testing.T, state jovepay.Decision, shipments int) *shop.Order {
	t.Helper()
	require.NoError(t, r.server.WaitDeliveries(t.Context()))
	order, err := r.shop.Find(t.Context(), "a")
	require.NoError(t, err)
	assert.Equal(t, state, order.State)
	assert.Equal(t, shipments, order.Shipments)
	assert.Equal(t, shipments > 0, order.Fulfilled)
	return order
}

func TestCreateTwiceIsOnePayment(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first, err := r.shop.Create(t.Context(), newOrder())
	require.NoError(t, err)
	second, err := r.shop.Create(t.Context(), newOrder())
	require.NoError(t, err)
	assert.Equal(t, first.PaymentID, second.PaymentID)
	assert.NotEmpty(t, first.PayAddress)
	assert.Equal(t, 1, r.server.Count(http.MethodPost, "/v1/payment"))
}

func TestCreateFindsThePaymentFromBeforeACrash(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	require.NoError(t, r.server.SetIPN(jovepaytest.IPNBehavior{Lose: jovepaytest.Hits{Percent: 100}}))
	created, err := r.shop.Create(t.Context(), newOrder())
	require.NoError(t, err)
	// As if the process had crashed before it stored the response.
	_, err = r.db.ExecContext(t.Context(), `UPDATE orders SET payment_id = '', pay_address = ''`)
	require.NoError(t, err)

	again, err := r.shop.Create(t.Context(), newOrder())
	require.NoError(t, err)
	assert.Equal(t, created.PaymentID, again.PaymentID)
	assert.Equal(t, created.PayAddress, again.PayAddress)
	assert.Equal(t, 1, r.server.Count(http.MethodPost, "/v1/payment"))
}

func TestNotificationNamesThePaymentOfAnOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	created, err := r.shop.Create(t.Context(), newOrder())
	require.NoError(t, err)
	require.NoError(t, r.server.WaitDeliveries(t.Context()))
	_, err = r.db.ExecContext(t.Context(), `UPDATE orders SET payment_id = ''`)
	require.NoError(t, err)

	_, err = r.server.Pay(created.PaymentID)
	require.NoError(t, err)
	order := r.requires(t, jovepay.DecisionFulfill, 1)
	assert.Equal(t, created.PaymentID, order.PaymentID)
}

func TestAdditionalPaymentsAreReviewedAndNeverShipped(t *testing.T) {
	t.Parallel()
	for name, paid := range map[string]struct{ order, price, coin string }{
		"another coin":        {"a", "49.99", "trx"},
		"another price":       {"a", "30", "btc"},
		"nobody asked for it": {"a", "49.99", "btc"},
		"no such order":       {"b", "49.99", "btc"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			_, err := r.shop.Create(t.Context(), newOrder())
			require.NoError(t, err)
			r.payFor(t, paid.order, paid.price, paid.coin)
			r.requires(t, jovepay.DecisionWait, 0)
			assert.Equal(t, 1, r.count(t, `SELECT count(*) FROM reviews`))
			assert.Equal(t, 0, r.count(t, `SELECT count(*) FROM fulfillments`))
		})
	}
}

// payFor pays for an order with a payment that the shop did not create.
func (r *rig) payFor(t *testing.T, order, price, coin string) {
	t.Helper()
	client, err := r.server.Client()
	require.NoError(t, err)
	payment, err := client.Payments.Create(t.Context(), jovepay.PaymentRequest{
		PriceAmount: jovepay.MustAmount(price), PriceCurrency: "usd", PayCurrency: coin,
		OrderID: order, IPNCallbackURL: r.url + "/ipn",
	})
	require.NoError(t, err)
	_, err = r.server.Pay(payment.ID)
	require.NoError(t, err)
}

func TestRefundClosesAnOrderThatWasShipped(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	order, err := r.shop.Create(t.Context(), newOrder())
	require.NoError(t, err)
	_, err = r.server.Pay(order.PaymentID)
	require.NoError(t, err)
	r.requires(t, jovepay.DecisionFulfill, 1)
	_, err = r.server.SetStatus(order.PaymentID, jovepay.PaymentRefunded)
	require.NoError(t, err)
	r.requires(t, jovepay.DecisionClosed, 1)
}

func TestReconcileMakesUpForLostNotifications(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	require.NoError(t, r.server.SetIPN(jovepaytest.IPNBehavior{Lose: jovepaytest.Hits{Percent: 100}}))
	order, err := r.shop.Create(t.Context(), newOrder())
	require.NoError(t, err)
	_, err = r.server.Pay(order.PaymentID)
	require.NoError(t, err)
	r.requires(t, jovepay.DecisionWait, 0)

	since := time.Now().Add(-time.Hour)
	report, err := r.shop.Reconcile(t.Context(), since)
	require.NoError(t, err)
	assert.Equal(t, inbox.Report{Seen: 1, Applied: 1}, report)
	r.requires(t, jovepay.DecisionFulfill, 1)
	report, err = r.shop.Reconcile(t.Context(), since)
	require.NoError(t, err)
	assert.Equal(t, inbox.Report{Seen: 1, Already: 1}, report)
}

func TestInvalidEventsFailAndAreNotRecorded(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*jovepay.PaymentEvent){
		"no status":         func(e *jovepay.PaymentEvent) { e.Status = "" },
		"negative amount":   func(e *jovepay.PaymentEvent) { e.ActuallyPaid = jovepay.MustAmount("-1") },
		"absurd amount":     func(e *jovepay.PaymentEvent) { e.ActuallyPaid = jovepay.MustAmount("1" + strings.Repeat("0", 60)) },
		"id with a newline": func(e *jovepay.PaymentEvent) { e.ID = "1\n2" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			order, err := r.shop.Create(t.Context(), newOrder())
			require.NoError(t, err)
			require.NoError(t, r.server.WaitDeliveries(t.Context()))
			payment, err := r.server.Payment(order.PaymentID)
			require.NoError(t, err)
			event := payment.Event()
			event.Status = jovepay.PaymentFinished
			change(event)
			before := r.count(t, `SELECT count(*) FROM jovepay_inbox`)
			require.Error(t, r.shop.Process(t.Context(), event))
			assert.Equal(t, before, r.count(t, `SELECT count(*) FROM jovepay_inbox`))
			r.requires(t, jovepay.DecisionWait, 0)
		})
	}
}

func TestNotificationFailsWhileTheDatabaseIsDown(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	order, err := r.shop.Create(t.Context(), newOrder())
	require.NoError(t, err)
	require.NoError(t, r.server.WaitDeliveries(t.Context()))
	_, err = r.db.ExecContext(t.Context(), `ALTER TABLE orders RENAME TO gone`)
	require.NoError(t, err)
	_, err = r.server.Pay(order.PaymentID)
	require.NoError(t, err)
	require.NoError(t, r.server.WaitDeliveries(t.Context()))
	for _, delivery := range r.server.Deliveries()[1:] {
		assert.Equal(t, http.StatusInternalServerError, delivery.StatusCode)
	}
	_, err = r.db.ExecContext(t.Context(), `ALTER TABLE gone RENAME TO orders`)
	require.NoError(t, err)
	r.requires(t, jovepay.DecisionWait, 0)

	_, err = r.shop.Reconcile(t.Context(), time.Now().Add(-time.Hour))
	require.NoError(t, err)
	r.requires(t, jovepay.DecisionFulfill, 1)
}

func TestPages(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, row := range []struct {
		method, path, body string
		want               int
	}{
		{http.MethodGet, "/orders/a", "", http.StatusNotFound},
		{http.MethodPut, "/orders/a", "{", http.StatusBadRequest},
		{http.MethodPut, "/orders/a", `{"price_amount":0,"price_currency":"usd","pay_currency":"btc"}`, http.StatusBadRequest},
		{http.MethodPut, "/orders/a", `{"price_amount":5}`, http.StatusBadRequest},
		{http.MethodPut, "/orders/" + strings.Repeat("a", 65), `{"price_amount":5,"price_currency":"usd","pay_currency":"btc"}`, http.StatusBadRequest},
		{http.MethodPut, "/orders/a", `{"price_amount":50,"price_currency":"usd","pay_currency":"btc"}`, http.StatusOK},
		{http.MethodGet, "/orders/a", "", http.StatusOK},
		{http.MethodPut, "/orders/b", `{"price_amount":50,"price_currency":"usd","pay_currency":"none"}`, http.StatusServiceUnavailable},
		{http.MethodPost, "/ipn", `{}`, http.StatusUnauthorized},
	} {
		assert.Equal(t, row.want, r.ask(t, row.method, row.path, row.body), "%s %s %s", row.method, row.path, row.body)
	}
}

func (r *rig) ask(t *testing.T, method, path, body string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), method, r.url+path, strings.NewReader(body))
	require.NoError(t, err)
	request.Close = true
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	return response.StatusCode
}
