package shop_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/examples/orders/shop"
	"github.com/jovepay/jovepay-go/jovepaytest"
	"github.com/jovepay/jovepay-go/orders"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// databases return a new database's address for [shop.Settings], or skip the test
// if its server is missing.
func databases() map[string]func(*testing.T) string {
	return map[string]func(*testing.T) string{
		"PostgreSQL": postgres, "MariaDB": mariaDB,
		"SQLite": func(t *testing.T) string { t.Helper(); return filepath.Join(t.TempDir(), "orders.db") },
	}
}

// address returns the server's address from the environment, or the usual one.
func address(name, usual string) string {
	if set := os.Getenv(name); set != "" {
		return set
	}
	return usual
}

// missing skips the test, or fails it if databases are required.
func missing(t *testing.T, err error) {
	t.Helper()
	if os.Getenv("JOVEPAY_REQUIRE_DATABASES") != "" {
		t.Fatal(err)
	}
	t.Skip(err)
}

func postgres(t *testing.T) string {
	t.Helper()
	server := address("JOVEPAY_TEST_POSTGRES", "postgres://postgres@127.0.0.1:5432/test?sslmode=disable")
	schema := fmt.Sprintf("jovepay_shop_%d", time.Now().UnixNano())
	db, err := pgx.Connect(t.Context(), server)
	if err != nil {
		missing(t, err)
	}
	_, err = db.Exec(t.Context(), "CREATE SCHEMA "+schema)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		_, err := db.Exec(ctx, "DROP SCHEMA "+schema+" CASCADE")
		require.NoError(t, err)
		require.NoError(t, db.Close(ctx))
	})
	separator := "?"
	if strings.Contains(server, "?") {
		separator = "&"
	}
	return server + separator + "search_path=" + schema
}

func mariaDB(t *testing.T) string {
	t.Helper()
	server := address("JOVEPAY_TEST_MARIADB", "root@tcp(127.0.0.1:3306)/test")
	name := fmt.Sprintf("jovepay_shop_%d", time.Now().UnixNano())
	db, err := sql.Open("mysql", server)
	require.NoError(t, err)
	if _, err := db.ExecContext(t.Context(), "CREATE DATABASE "+name); err != nil {
		require.NoError(t, db.Close())
		missing(t, err)
	}
	t.Cleanup(func() {
		_, err := db.ExecContext(context.WithoutCancel(t.Context()), "DROP DATABASE "+name)
		require.NoError(t, err)
		require.NoError(t, db.Close())
	})
	return "mysql://" + server[:strings.LastIndex(server, "/")+1] + name
}

// rig is a shop with JovePay's emulator.
type rig struct {
	server *jovepaytest.Server
	shop   *shop.Shop
	url    string // where the shop serves

	retryAfter string // of the last response
}

func newRig(t *testing.T, s shop.Settings, opts ...orders.Option) *rig {
	t.Helper()
	server, err := jovepaytest.NewServer(jovepaytest.WithIPNRetries(0, 0))
	require.NoError(t, err)
	t.Cleanup(server.Close)
	connections := &http.Transport{}
	t.Cleanup(connections.CloseIdleConnections)
	s.Client, err = server.Client(jovepay.WithHTTPClient(&http.Client{Transport: connections}))
	require.NoError(t, err)

	r := &rig{server: server}
	handler := http.NewServeMux()
	web := httptest.NewServer(handler)
	t.Cleanup(web.Close)
	r.url = web.URL
	r.shop, err = shop.Open(t.Context(), s, append([]orders.Option{
		orders.WithCallback(r.url + "/ipn"), orders.WithInterval(10 * time.Millisecond),
		orders.WithTimes(5*time.Second, 50*time.Millisecond, 50*time.Millisecond),
	}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.shop.Close()) })
	verifier, err := jovepay.NewIPNVerifier(server.IPNSecret)
	require.NoError(t, err)
	handler.Handle("/", r.shop.Routes(verifier.Handler(r.shop.Handle), slog.New(slog.DiscardHandler)))
	return r
}

// ask sends a request, decodes the response into result, and returns its status.
func (r *rig) ask(t *testing.T, method, path, body string, result any) (status int) {
	t.Helper()
	request, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), method, r.url+path, strings.NewReader(body))
	require.NoError(t, err)
	request.Close = true
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(t, err)
	if result != nil {
		require.NoError(t, json.UnmarshalRead(response.Body, result))
	}
	require.NoError(t, response.Body.Close())
	r.retryAfter = response.Header.Get("Retry-After")
	return response.StatusCode
}

const (
	price = `{"price_amount": 49.99, "price_currency": "usd"}`
	staff = `"by": "Ada", "why": "a test"`
)

// place places order a.
func (r *rig) place(t *testing.T) {
	t.Helper()
	require.Equal(t, http.StatusOK, r.ask(t, http.MethodPut, "/orders/a", price, nil))
}

// payment returns the payment of order a in a coin.
func (r *rig) payment(t *testing.T, coin string) (p shop.Payment) {
	t.Helper()
	require.Equal(t, http.StatusOK, r.ask(t, http.MethodPost, "/orders/a/payments/"+coin, "", &p))
	return p
}

// order waits for all deliveries, and returns order a.
func (r *rig) order(t *testing.T) (o shop.Order) {
	t.Helper()
	require.NoError(t, r.server.WaitDeliveries(t.Context()))
	require.Equal(t, http.StatusOK, r.ask(t, http.MethodGet, "/orders/a", "", &o))
	return o
}

// requires checks the state of order a and its number of shipments.
func (r *rig) requires(t *testing.T, state orders.State, shipments int) {
	t.Helper()
	o := r.order(t)
	assert.Equal(t, state, o.State)
	assert.Equal(t, shipments, o.Shipments)
	assert.Equal(t, shipments > 0, !o.Fulfilled.IsZero())
}

func TestAnOrderOnEveryDatabase(t *testing.T) {
	t.Parallel()
	for name, database := range databases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, shop.Settings{Database: database(t)})
			for range 2 {
				r.place(t)
			}
			first, second := r.payment(t, "btc"), r.payment(t, "btc")
			assert.Equal(t, first, second)
			assert.NotEmpty(t, first.Address)
			assert.Equal(t, "0.00078109", first.Left.String())
			assert.Equal(t, 1, r.server.Count(http.MethodPost, "/v1/payment"))
			other := r.payment(t, "trx")
			r.requires(t, orders.StateWaiting, 0)

			_, err := r.server.PayAmount(first.ID, jovepay.MustAmount("0.0005"))
			require.NoError(t, err)
			r.requires(t, orders.StateUnderpaid, 0)
			var p shop.Problem
			assert.Equal(t, http.StatusConflict, r.ask(t, http.MethodPost, "/orders/a/payments/xrp", "", &p))
			assert.Equal(t, "coins_seen", p.Error)
			_, err = r.server.Pay(other.ID)
			require.NoError(t, err)
			r.requires(t, orders.StateFulfilled, 1)

			assert.Equal(t, http.StatusConflict, r.ask(t, http.MethodPost, "/orders/a/payments/btc", "", &p))
			assert.Equal(t, "closed", p.Error)
			assert.Equal(t, http.StatusConflict, r.ask(t, http.MethodPut, "/orders/a", strings.Replace(price, "49", "50", 1), &p))
			assert.Equal(t, "terms_changed", p.Error)

			var cases []shop.Case
			r.ask(t, http.MethodGet, "/cases", "", &cases)
			require.Len(t, cases, 1)
			assert.Equal(t, orders.CaseFurther, cases[0].Kind)
			refunded := fmt.Sprintf(`{"decision": "refunded", "version": %d, %s}`, cases[0].Version, staff)
			outdated := fmt.Sprintf(`{"decision": "refunded", "version": %d, %s}`, cases[0].Version-1, staff)
			assert.Equal(t, http.StatusConflict, r.ask(t, http.MethodPost, "/cases/"+cases[0].ID, outdated, &p))
			assert.Equal(t, "case_changed", p.Error)
			var o shop.Order
			assert.Equal(t, http.StatusOK, r.ask(t, http.MethodPost, "/cases/"+cases[0].ID, refunded, &o))
			assert.Equal(t, []orders.Balance{
				{Coin: "btc", Bucket: orders.BucketRefunded, Amount: jovepay.MustAmount("0.0005")},
				{Coin: "trx", Bucket: orders.BucketOrder, Amount: other.Asked},
			}, o.Money)
			assert.Equal(t, 1, o.Shipments)
			assert.Equal(t, http.StatusConflict, r.ask(t, http.MethodPost, "/cases/"+cases[0].ID, refunded, &p))
			assert.Equal(t, "resolved", p.Error)
		})
	}
}

// Fulfill fails until the shop is told otherwise, and its parcel never remains.
func TestFulfillFailsForAWhile(t *testing.T) {
	t.Parallel()
	for name, database := range databases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := database(t)
			r := newRig(t, shop.Settings{Database: at, FailFulfill: 100})
			r.place(t)
			_, err := r.server.Pay(r.payment(t, "btc").ID)
			require.NoError(t, err)
			r.requires(t, orders.StatePaid, 0)
			assert.Contains(t, r.order(t).Failure, "the warehouse does not respond")

			well := newRig(t, shop.Settings{Database: at}) // another process
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- well.shop.Run(ctx) }()
			require.Eventually(t, func() bool { return r.order(t).Shipments > 0 }, 10*time.Second, 10*time.Millisecond)
			stop()
			require.ErrorIs(t, <-ended, context.Canceled)
			r.requires(t, orders.StateFulfilled, 1)
			assert.Empty(t, r.order(t).Failure)
		})
	}
}

func file(t *testing.T) shop.Settings {
	t.Helper()
	return shop.Settings{Database: filepath.Join(t.TempDir(), "orders.db")}
}

func TestPaymentInDoubt(t *testing.T) {
	t.Parallel()
	r := newRig(t, file(t))
	require.NoError(t, r.server.SetIPN(jovepaytest.IPNBehavior{Lose: jovepaytest.Hits{Percent: 100}}))
	require.NoError(t, r.server.Inject(
		jovepaytest.Fault{Method: http.MethodPost, Path: "/v1/payment", Cut: true, AfterEffect: true},
		jovepaytest.Fault{Method: http.MethodGet, Status: http.StatusBadRequest},
	))
	r.place(t)
	var p shop.Problem
	assert.Equal(t, http.StatusServiceUnavailable, r.ask(t, http.MethodPost, "/orders/a/payments/btc", "", &p))
	assert.Equal(t, "1", r.retryAfter)
	assert.Equal(t, "in_doubt", p.Error)
	assert.WithinDuration(t, time.Now(), p.RetryAt, time.Minute)

	r.server.ClearFaults()
	r.payment(t, "btc")
	assert.Equal(t, 1, r.server.Count(http.MethodPost, "/v1/payment"))
}

func TestCanceledThenPaid(t *testing.T) {
	t.Parallel()
	r := newRig(t, file(t))
	r.place(t)
	payment := r.payment(t, "btc")
	assert.Equal(t, http.StatusBadRequest, r.ask(t, http.MethodPost, "/orders/a/cancel", `{}`, nil), "nobody says why")
	assert.Equal(t, http.StatusOK, r.ask(t, http.MethodPost, "/orders/a/cancel", `{`+staff+`}`, nil))
	_, err := r.server.Pay(payment.ID)
	require.NoError(t, err)
	r.requires(t, orders.StateCanceled, 0)
	o := r.order(t)
	require.Len(t, o.Cases, 1)
	assert.Equal(t, orders.CaseCanceled, o.Cases[0].Kind)
	accept := fmt.Sprintf(`{"decision": "accept", "version": %d, %s}`, o.Cases[0].Version, staff)
	assert.Equal(t, http.StatusOK, r.ask(t, http.MethodPost, "/cases/"+o.Cases[0].ID, accept, nil))
	r.requires(t, orders.StateFulfilled, 1)
}

func TestTopUps(t *testing.T) {
	t.Parallel()
	r := newRig(t, file(t), orders.WithTopUps())
	r.place(t)
	payment := r.payment(t, "btc")
	for _, part := range []string{"0.0005", "0.00028109"} {
		_, err := r.server.PayAmount(payment.ID, jovepay.MustAmount(part))
		require.NoError(t, err)
	}
	r.requires(t, orders.StateFulfilled, 1)
}

func TestReconcileMakesUpForLostNotifications(t *testing.T) {
	t.Parallel()
	r := newRig(t, file(t))
	require.NoError(t, r.server.SetIPN(jovepaytest.IPNBehavior{Lose: jovepaytest.Hits{Percent: 100}}))
	r.place(t)
	_, err := r.server.Pay(r.payment(t, "btc").ID)
	require.NoError(t, err)
	r.requires(t, orders.StateWaiting, 0)

	for _, want := range []orders.Report{{Seen: 1, Changed: 1}, {Seen: 1, Known: 1}} {
		report, err := r.shop.Reconcile(t.Context(), time.Now().Add(-time.Hour))
		require.NoError(t, err)
		assert.Equal(t, want, report)
		r.requires(t, orders.StateFulfilled, 1)
	}
}

func TestRequests(t *testing.T) {
	t.Parallel()
	r := newRig(t, file(t), orders.WithMaxPayments(1))
	for _, row := range []struct {
		method, path, body string
		want               int
		code               string
	}{
		{http.MethodGet, "/orders/a", "", http.StatusNotFound, "not_found"},
		{http.MethodPost, "/orders/a/payments/btc", "", http.StatusNotFound, "not_found"},
		{http.MethodPost, "/orders/a/cancel", `{` + staff + `}`, http.StatusNotFound, "not_found"},
		{http.MethodPost, "/cases/1", `{"decision": "accept", ` + staff + `}`, http.StatusNotFound, "not_found"},
		{http.MethodPost, "/cases/1", `{"decision": "wait", ` + staff + `}`, http.StatusBadRequest, "invalid"},
		{http.MethodPut, "/orders/a", "{", http.StatusBadRequest, "invalid"},
		{http.MethodPut, "/orders/a", `{"price_amount": 0, "price_currency": "usd"}`, http.StatusBadRequest, "invalid"},
		{http.MethodPut, "/orders/a", `{"price_amount": 5}`, http.StatusBadRequest, "invalid"},
		{http.MethodPut, "/orders/" + strings.Repeat("a", 300), price, http.StatusBadRequest, "invalid"},
		{http.MethodPut, "/orders/a", price, http.StatusOK, ""},
		{http.MethodGet, "/orders/a", "", http.StatusOK, ""},
		{http.MethodPost, "/orders/a/payments/none", "", http.StatusBadRequest, "invalid"},
		{http.MethodPost, "/orders/a/payments/btc", "", http.StatusOK, ""},
		{http.MethodPost, "/orders/a/payments/trx", "", http.StatusConflict, "too_many_payments"},
	} {
		var got shop.Problem
		assert.Equal(t, row.want, r.ask(t, row.method, row.path, row.body, &got), "%s %s %s", row.method, row.path, row.body)
		assert.Equal(t, row.code, got.Error, "%s %s %s", row.method, row.path, row.body)
	}
	assert.Equal(t, http.StatusUnauthorized, r.ask(t, http.MethodPost, "/ipn", `{}`, nil))
	require.NoError(t, r.server.Inject(jovepaytest.Fault{Method: http.MethodPost, Path: "/v1/payment", Status: http.StatusUnauthorized}))
	r.ask(t, http.MethodPut, "/orders/b", price, nil)
	var p shop.Problem
	assert.Equal(t, http.StatusServiceUnavailable, r.ask(t, http.MethodPost, "/orders/b/payments/btc", "", &p))
	assert.Equal(t, "try_again", p.Error)
}
