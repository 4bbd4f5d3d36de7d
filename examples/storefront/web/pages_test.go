package web_test

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/examples/storefront/shop"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

var disabledWay = regexp.MustCompile(`value="(\w+)" required disabled aria-describedby="why-\w+"`)

func TestCurrencyWithoutAPriceIsDisabled(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	require.NoError(t, r.server.Inject(jovepaytest.Fault{Path: "/v1/min-amount", Times: 1, Status: http.StatusBadRequest}))
	page := r.get(t, "/items/evening").body
	assert.Equal(t, 1, strings.Count(page, "No price right now"))
	assert.Len(t, disabledWay.FindAllString(page, -1), 1)
	page = r.get(t, "/items/evening").body
	assert.NotContains(t, page, "No price right now", "a failure is not kept")
}

func TestCurrenciesBelowTheirMinimumAreDisabled(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	require.NoError(t, r.server.SetMinimum("btc", jovepay.MustAmount("0.0005")))
	page := r.get(t, "/items/evening").body // 18 usd are 0.00028125 btc
	assert.Equal(t, [][]string{{`value="btc" required disabled aria-describedby="why-btc"`, "btc"}}, disabledWay.FindAllStringSubmatch(page, -1))
	assert.Contains(t, page, "The minimum is 0.0005\u00a0BTC; this costs 0.00028125")
	assert.NotContains(t, page, "unheard", "JovePay does not offer it")

	form := r.choose(t, "evening", "btc", shop.ByAddress)
	rejected := r.post(t, "/items/evening", form)
	assert.Equal(t, http.StatusUnprocessableEntity, rejected.status)
	assert.Contains(t, rejected.body, "Please choose another one")
	assert.Equal(t, 0, r.count(t, `SELECT count(*) FROM orders`))
}

func TestItemThatIsTooCheapForAllCurrencies(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, coin := range []string{"btc", "trx", "usdttrc20", "xrp"} {
		require.NoError(t, r.server.SetMinimum(coin, jovepay.MustAmount("1000000")))
	}
	page := r.get(t, "/items/night").body
	assert.Contains(t, page, "No currency is available")
	assert.NotContains(t, page, "<form")
}

func TestPricesAreKeptForAWhile(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.get(t, "/items/night")
	asked := len(r.server.Requests())
	r.get(t, "/items/night")
	assert.Len(t, r.server.Requests(), asked)
	r.get(t, "/items/evening")
	assert.Len(t, r.server.Requests(), 2*asked-1, "the list of currencies is kept")
}

func TestJovePayIsDown(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	require.NoError(t, r.server.Inject(jovepaytest.Fault{Status: http.StatusServiceUnavailable}))
	assert.Equal(t, http.StatusOK, r.get(t, "/").status)
	down := r.get(t, "/items/night")
	assert.Equal(t, http.StatusServiceUnavailable, down.status)
	assert.Contains(t, down.body, "You have not been charged")
	r.server.ClearFaults()
	assert.Equal(t, http.StatusOK, r.get(t, "/items/night").status, "a failure is not kept")
}

func TestMissingPages(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, path := range []string{"/items/moon", "/orders/none", "/orders/none/status", "/orders/none/go", "/what", "/static/none.css"} {
		assert.Equal(t, http.StatusNotFound, r.get(t, path).status, path)
	}
	for _, path := range []string{"/items/moon", "/orders/none/retry", "/orders/none"} {
		assert.Equal(t, http.StatusNotFound, r.post(t, path, url.Values{"currency": {"btc"}}).status, path)
	}
}

func TestInvalidOrdersAreRejected(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for name, change := range map[string]func(url.Values){
		"no currency":         func(f url.Values) { f.Del("currency") },
		"a coin not accepted": func(f url.Values) { f.Set("currency", "sol") },
		"no method":           func(f url.Values) { f.Del("method") },
		"an unknown method":   func(f url.Values) { f.Set("method", "cash") },
		"no order":            func(f url.Values) { f.Del("order") },
		"an order like 1":     func(f url.Values) { f.Set("order", "1") },
		"a very long number":  func(f url.Values) { f.Set("order", strings.Repeat("A", 64<<10)) },
	} {
		form := r.choose(t, "night", "btc", shop.ByAddress)
		change(form)
		assert.Equal(t, http.StatusUnprocessableEntity, r.post(t, "/items/night", form).status, name)
	}
	assert.Equal(t, 0, r.count(t, `SELECT count(*) FROM orders`))
	assert.Equal(t, 0, r.server.Count(http.MethodPost, "/v1/payment"))
}

func TestOtherSitesCannotOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	form := r.choose(t, "night", "btc", shop.ByAddress)
	for _, header := range [][]string{
		{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://elsewhere.example"},
	} {
		assert.Equal(t, http.StatusForbidden, r.ask(t, http.MethodPost, "/items/night", form, header...).status, header)
	}
	assert.Equal(t, 0, r.count(t, `SELECT count(*) FROM orders`))
}

func TestEveryPageIsGuarded(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.order(t, "btc", shop.ByAddress)
	inline := regexp.MustCompile(`(?i)<style|style=|<script>|\son\w+=|javascript:`)
	for _, path := range []string{"/", "/items/night", "/orders/" + id, "/orders/" + id + "/status", "/none", "/static/style.css", "/static/live.js"} {
		page := r.get(t, path)
		policy := page.header.Get("Content-Security-Policy")
		assert.Contains(t, policy, "default-src 'none'", path)
		assert.NotContains(t, policy, "unsafe", path)
		assert.Equal(t, "nosniff", page.header.Get("X-Content-Type-Options"), path)
		assert.Equal(t, "same-origin", page.header.Get("Referrer-Policy"), path)
		if !strings.HasPrefix(path, "/static/") {
			assert.NotRegexp(t, inline, page.body, path)
			assert.Equal(t, "no-store", page.header.Get("Cache-Control"), path)
		}
	}
}

func TestUnsignedNotificationsAreRejected(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	assert.Equal(t, http.StatusUnauthorized, r.ask(t, http.MethodPost, "/ipn", url.Values{}).status)
	assert.Equal(t, http.StatusUnauthorized, r.ask(t, http.MethodPost, "/ipn", url.Values{}, jovepay.IPNSignatureHeader, "00").status)
}

func TestNotificationFailsWhileTheDatabaseIsDown(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.order(t, "btc", shop.ByAddress)
	r.requires(t, id, shop.StateWaiting)
	_, err := r.db.ExecContext(t.Context(), `ALTER TABLE tickets RENAME TO gone`)
	require.NoError(t, err)
	order := r.get(t, "/orders/"+id)
	assert.Equal(t, http.StatusServiceUnavailable, order.status)
	payments, err := r.server.Payments()
	require.NoError(t, err)
	require.NoError(t, pay("")(r.server, payments[0].ID))
	require.NoError(t, r.server.WaitDeliveries(t.Context()))
	deliveries := r.server.Deliveries()
	assert.Equal(t, http.StatusInternalServerError, deliveries[len(deliveries)-1].StatusCode)
	_, err = r.db.ExecContext(t.Context(), `ALTER TABLE gone RENAME TO tickets`)
	require.NoError(t, err)
	r.requires(t, id, shop.StateConfirming) // the coins are on the books
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.shop.Book.Run(ctx) }()
	require.Eventually(t, func() bool {
		order, err := r.shop.Find(t.Context(), id)
		return err == nil && order.Ticket != ""
	}, 10*time.Second, 10*time.Millisecond)
	stop()
	require.ErrorIs(t, <-ended, context.Canceled)
	r.requires(t, id, shop.StatePaid)
}
