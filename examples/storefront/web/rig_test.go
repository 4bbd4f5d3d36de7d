package web_test

import (
	"context"
	"database/sql"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/examples/storefront/shop"
	"github.com/jovepay/jovepay-go/examples/storefront/web"
	"github.com/jovepay/jovepay-go/jovepaytest"
	"github.com/jovepay/jovepay-go/orders"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is the shop with JovePay's emulator.
type rig struct {
	server *jovepaytest.Server
	shop   *shop.Shop
	db     *sql.DB // the shop's
	url    string  // where the shop serves
	client *http.Client
}

func newRig(t *testing.T) *rig {
	t.Helper()
	server, err := jovepaytest.NewServer(jovepaytest.WithIPNRetries(0, 0))
	require.NoError(t, err)
	t.Cleanup(server.Close)
	connections := &http.Transport{}
	t.Cleanup(connections.CloseIdleConnections)
	client, err := server.Client(
		jovepay.WithHTTPClient(&http.Client{Transport: connections}),
		jovepay.WithRetry(jovepay.RetryPolicy{MaxAttempts: 2, BaseDelay: time.Millisecond}),
	)
	require.NoError(t, err)

	r := &rig{server: server, client: &http.Client{
		Transport:     connections,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	handler := http.NewServeMux()
	site := httptest.NewServer(handler)
	t.Cleanup(site.Close)
	r.url = site.URL
	file := filepath.Join(t.TempDir(), "storefront.db")
	r.shop, err = shop.Open(t.Context(), shop.Settings{
		Database: file, Client: client, URL: r.url,
		Currencies: []string{"btc", "trx", "usdttrc20", "xrp", "unheard"},
		Options: []orders.Option{
			orders.WithTimes(time.Second, 10*time.Millisecond, 10*time.Millisecond), orders.WithInterval(10 * time.Millisecond),
		},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.shop.Close()) })
	r.db, err = sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(10000)")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.db.Close()) })
	verifier, err := jovepay.NewIPNVerifier(server.IPNSecret)
	require.NoError(t, err)
	pages, err := web.New(web.Settings{
		Shop: r.shop, Verifier: verifier, Log: slog.New(slog.DiscardHandler),
		Customer: func(id jovepay.ID) string { return "http://127.0.0.1:1/" + string(id) },
	})
	require.NoError(t, err)
	handler.Handle("/", pages)
	return r
}

// response is a response of the shop.
type response struct {
	status   int
	header   http.Header
	location string // path
	body     string // with HTML entities unescaped
}

func (r *rig) ask(t *testing.T, method, path string, form url.Values, header ...string) response {
	t.Helper()
	request, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), method, r.url+path, strings.NewReader(form.Encode()))
	require.NoError(t, err)
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	got, err := r.client.Do(request)
	require.NoError(t, err)
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	require.NoError(t, err)
	return response{got.StatusCode, got.Header, got.Header.Get("Location"), html.UnescapeString(string(body))}
}

func (r *rig) get(t *testing.T, path string) response {
	t.Helper()
	return r.ask(t, http.MethodGet, path, nil)
}

// post submits a form like a browser on the shop's own page.
func (r *rig) post(t *testing.T, path string, form url.Values) response {
	t.Helper()
	return r.ask(t, http.MethodPost, path, form, "Sec-Fetch-Site", "same-origin")
}

var (
	hiddenOrder = regexp.MustCompile(`name="order" value="([A-Z2-7]{26})"`)
	stateShown  = regexp.MustCompile(`data-state="([a-z_]+)"`)
)

// choose fills in the form of an item.
func (r *rig) choose(t *testing.T, item, coin string, method shop.Method) url.Values {
	t.Helper()
	page := r.get(t, "/items/"+item)
	require.Equal(t, http.StatusOK, page.status)
	return url.Values{"order": {find(t, hiddenOrder, page.body)}, "currency": {coin}, "method": {string(method)}}
}

// order orders the hour at the telescope for 49.99 usd, and returns the id.
func (r *rig) order(t *testing.T, coin string, method shop.Method) string {
	t.Helper()
	form := r.choose(t, "telescope", coin, method)
	placed := r.post(t, "/items/telescope", form)
	require.Equal(t, http.StatusSeeOther, placed.status, placed.body)
	require.True(t, strings.HasPrefix(placed.location, "/orders/"+form.Get("order")), placed.location)
	return form.Get("order")
}

// payment returns the payment of an order. For an invoice it first creates the
// payment, as the customer does on JovePay's page.
func (r *rig) payment(t *testing.T, id string) jovepay.ID {
	t.Helper()
	order, err := r.shop.Find(t.Context(), id)
	require.NoError(t, err)
	if order.Method == shop.ByAddress {
		require.NotEmpty(t, order.PaymentID)
		return order.PaymentID
	}
	payment, err := r.server.CheckOut(order.InvoiceID, order.PayCurrency)
	require.NoError(t, err)
	return payment.ID
}

// requires waits for all deliveries, requires the order to be shown in the state,
// and returns its page.
func (r *rig) requires(t *testing.T, id string, state shop.State) string {
	t.Helper()
	require.NoError(t, r.server.WaitDeliveries(t.Context()))
	page := r.get(t, "/orders/"+id)
	require.Equal(t, http.StatusOK, page.status)
	require.Equal(t, string(state), find(t, stateShown, page.body), page.body)
	part := r.get(t, "/orders/"+id+"/status")
	assert.Equal(t, http.StatusOK, part.status)
	assert.Contains(t, page.body, strings.TrimSpace(part.body), "the live part is the same")
	return page.body
}

// count returns the number that the query selects.
func (r *rig) count(t *testing.T, query string) (n int) {
	t.Helper()
	require.NoError(t, r.db.QueryRowContext(t.Context(), query).Scan(&n))
	return n
}

func find(t *testing.T, pattern *regexp.Regexp, text string) string {
	t.Helper()
	found := pattern.FindStringSubmatch(text)
	require.NotNil(t, found, "%s in %s", pattern, text)
	return found[1]
}
