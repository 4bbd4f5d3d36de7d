package emulator_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/internal/emulator"
	"github.com/jovepay/jovepay-go/internal/emulator/engine"
)

// ask sends one request to a new API of a few payments, in memory.
func ask(t *testing.T, method, target, body string) *httptest.ResponseRecorder {
	t.Helper()
	e, err := engine.New(engine.Config{Seed: 1})
	require.NoError(t, err)
	require.NoError(t, e.Preload(3))
	token, err := e.Login(e.Account().Email, e.Account().Password)
	require.NoError(t, err)
	path, query, _ := strings.Cut(target, "?")
	r := &http.Request{
		Method: method,
		URL:    &url.URL{Path: path, RawQuery: query},
		Header: http.Header{
			"X-Api-Key": {e.Account().APIKey}, "Authorization": {"Bearer " + token}, "Content-Type": {"application/json"},
		},
		Body: io.NopCloser(strings.NewReader(body)),
	}
	w := httptest.NewRecorder()
	emulator.New(emulator.Config{Engine: e}).ServeHTTP(w, r)
	return w
}

// requireWellFormed fails the test if a response is not JSON or is a server error.
func requireWellFormed(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	if w.Code >= 500 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	if !jsontext.Value(w.Body.Bytes()).IsValid() {
		t.Fatalf("response is not JSON: %q", w.Body)
	}
}

func FuzzRequestBody(f *testing.F) {
	for _, body := range []string{
		goodPayment, `{"price_amount":1e30,"price_currency":"xmr","pay_currency":"btc"}`, `{"price_amount":0.000000000000000001,"price_currency":"usd"}`,
		`{"purchase_id":"9223372036854775807"}`, `{"email":"a","password":"b"}`, `[[[[`, `{"a":{"a":{"a":1}}}`, "\xff", `{"ipn_callback_url":"http://[::1"}`,
	} {
		for _, endpoint := range []uint8{0, 1, 2} {
			f.Add(endpoint, body)
		}
	}
	endpoints := []string{"/v1/payment", "/v1/invoice", "/v1/auth"}
	f.Fuzz(func(t *testing.T, endpoint uint8, body string) {
		w := ask(t, "POST", endpoints[int(endpoint)%len(endpoints)], body)
		requireWellFormed(t, w)
		if w.Code == http.StatusCreated && !jsontext.Value(body).IsValid() {
			t.Fatalf("accepted %q", body)
		}
	})
}

func FuzzQuery(f *testing.F) {
	for _, target := range []string{
		"/v1/payment?limit=5&page=1&sortBy=pay_amount&orderBy=desc&dateFrom=2020-01-01&dateTo=2030-01-01T00:00:00Z&invoiceId=1",
		"/v1/payment?dateFrom=0000-01-01&dateTo=9999-12-31", "/v1/payment?page=9223372036854775807&limit=500",
		"/v1/estimate?amount=1e18&currency_from=sol&currency_to=doge", "/v1/min-amount?currency_from=usd&fiat_equivalent=usd",
		"/v1/currencies?fixed_rate=true", "/v1/payment/123", "/v1/payment/%", "/../v1/status", "?", "",
	} {
		f.Add(target)
	}
	f.Fuzz(func(t *testing.T, target string) {
		requireWellFormed(t, ask(t, "GET", target, ""))
	})
}
