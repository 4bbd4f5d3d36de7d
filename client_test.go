package jovepay_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

// recorder responds to everything with a JSON object that suits every call, and
// keeps the last request.
func recorder(tb testing.TB) (address string, last func() seen) {
	tb.Helper()
	var kept atomic.Pointer[seen]
	kept.Store(&seen{})
	address = serve(tb, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path == "/v1/auth" {
			_, _ = io.WriteString(w, `{"token":"the.jwt.here"}`)
			return
		}
		kept.Store(&seen{r.Method + " " + r.RequestURI, string(body), r.Header})
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"message":"OK","payment_id":1,"id":2,"data":[],"currencies":[],"estimated_amount":"5","min_amount":5}`)
	})
	return address, func() seen { return *kept.Swap(&seen{}) }
}

func TestCallsAsTheyAreSent(t *testing.T) {
	t.Parallel()
	address, last := recorder(t)
	client := newClient(t, address, jovepay.WithCredentials(email, password))
	ctx := t.Context()
	from := time.Date(2026, 11, 22, 0, 0, 0, 0, time.FixedZone("", 3*3600))

	for _, tt := range []struct {
		call         func() error
		target, body string
		key, jwt     bool
	}{
		{
			call:   func() error { _, err := client.Status(ctx); return err },
			target: "GET /v1/status",
		},
		{
			call:   func() error { _, err := client.Currencies.List(ctx, jovepay.CurrencyListOptions{}); return err },
			target: "GET /v1/currencies", key: true,
		},
		{
			call: func() error {
				_, err := client.Currencies.List(ctx, jovepay.CurrencyListOptions{FixedRate: true})
				return err
			},
			target: "GET /v1/currencies?fixed_rate=true", key: true,
		},
		{
			call: func() error {
				_, err := client.Estimates.Get(ctx, jovepay.EstimateOptions{Amount: amount("3999.50"), From: "usd", To: "btc"})
				return err
			},
			target: "GET /v1/estimate?amount=3999.50&currency_from=usd&currency_to=btc", key: true,
		},
		{
			call: func() error {
				_, err := client.Estimates.MinAmount(ctx, jovepay.MinAmountOptions{From: "eth", To: "trx", FiatEquivalent: "usd", FixedRate: true, FeePaidByUser: true})
				return err
			},
			target: "GET /v1/min-amount?currency_from=eth&currency_to=trx&fiat_equivalent=usd&is_fee_paid_by_user=true&is_fixed_rate=true", key: true,
		},
		{
			call: func() error {
				_, err := client.Estimates.MinAmount(ctx, jovepay.MinAmountOptions{From: "eth"})
				return err
			},
			target: "GET /v1/min-amount?currency_from=eth", key: true,
		},
		{
			call:   func() error { _, err := client.Payments.Create(ctx, goods("order-1001")); return err },
			target: "POST /v1/payment", key: true,
			body: `{"price_amount":49.90,"price_currency":"usd","pay_currency":"btc","order_id":"order-1001"}`,
		},
		{
			call: func() error {
				_, err := client.Payments.Create(ctx, jovepay.PaymentRequest{
					PriceAmount: amount("1e2"), PriceCurrency: "usd", PayCurrency: "xrp", PayAmount: amount("0.000000000000000001"),
					OrderID: "1", OrderDescription: "<Tea> & ü", IPNCallbackURL: "https://shop.example/ipn", PurchaseID: "58",
					PayoutAddress: "r1", PayoutCurrency: "xrp", PayoutExtraID: "77", FixedRate: true, FeePaidByUser: true, Case: "success",
				})
				return err
			},
			target: "POST /v1/payment", key: true,
			body: `{"price_amount":1e2,"price_currency":"usd","pay_currency":"xrp","pay_amount":0.000000000000000001,` +
				`"order_id":"1","order_description":"<Tea> & ü","ipn_callback_url":"https://shop.example/ipn","purchase_id":"58",` +
				`"payout_address":"r1","payout_currency":"xrp","payout_extra_id":"77","is_fixed_rate":true,"is_fee_paid_by_user":true,"case":"success"}`,
		},
		{
			call:   func() error { _, err := client.Payments.Get(ctx, "1"); return err },
			target: "GET /v1/payment/1", key: true,
		},
		{
			call:   func() error { _, err := client.Payments.List(ctx, jovepay.PaymentListOptions{}); return err },
			target: "GET /v1/payment", key: true, jwt: true,
		},
		{
			call: func() error {
				_, err := client.Payments.List(ctx, jovepay.PaymentListOptions{
					Limit: 500, Page: 2, SortBy: jovepay.SortByOrderID, OrderBy: jovepay.Descending,
					DateFrom: from, DateTo: from.Add(time.Hour), InvoiceID: "45", Window: 3,
				})
				return err
			},
			target: "GET /v1/payment?dateFrom=2026-11-22T00%3A00%3A00%2B03%3A00&dateTo=2026-11-22T01%3A00%3A00%2B03%3A00&invoiceId=45&limit=500&orderBy=desc&page=2&sortBy=order_id",
			key:    true, jwt: true,
		},
		{
			call: func() error {
				_, err := client.Invoices.Create(ctx, jovepay.InvoiceRequest{
					PriceAmount: amount("5"), PriceCurrency: "eur", PayCurrency: "btc", OrderID: "1", OrderDescription: "Tea",
					IPNCallbackURL: "https://a.example", SuccessURL: "https://b.example", CancelURL: "https://c.example", PartiallyPaidURL: "https://d.example",
					FixedRate: true, FeePaidByUser: true,
				})
				return err
			},
			target: "POST /v1/invoice", key: true,
			body: `{"price_amount":5,"price_currency":"eur","pay_currency":"btc","order_id":"1","order_description":"Tea",` +
				`"ipn_callback_url":"https://a.example","success_url":"https://b.example","cancel_url":"https://c.example","partially_paid_url":"https://d.example",` +
				`"is_fixed_rate":true,"is_fee_paid_by_user":true}`,
		},
		{
			call: func() error {
				return client.Do(ctx, http.MethodPut, "/v1/x/a%2Fb", url.Values{"q": {"a b"}}, map[string]int{"n": 1}, nil)
			},
			target: "PUT /v1/x/a%2Fb?q=a+b", body: `{"n":1}`, key: true, jwt: true,
		},
	} {
		require.NoError(t, tt.call(), tt.target)
		got := last()
		assert.Equal(t, tt.target, got.target)
		assert.Equal(t, tt.body, got.body)
		want := http.Header{"Accept": {"application/json"}, "Accept-Encoding": {"gzip"}, "User-Agent": {"jovepay-go/" + jovepay.Version}}
		if tt.key {
			want.Set("X-Api-Key", apiKey)
		}
		if tt.jwt {
			want.Set("Authorization", "Bearer the.jwt.here")
		}
		if tt.body != "" {
			want.Set("Content-Type", "application/json")
			want.Set("Content-Length", got.header.Get("Content-Length"))
		}
		assert.Equal(t, want, got.header, tt.target)
	}
}

func TestQuoteAsksForBoth(t *testing.T) {
	t.Parallel()
	for minimum, payable := range map[string]bool{"0.001": true, "0.0010": true, "0.00100000001": false} {
		client := newMockClient(t, func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/v1/min-amount" {
				assert.Equal(t, "currency_from=btc&currency_to=usdttrc20&is_fee_paid_by_user=true&is_fixed_rate=true", r.URL.RawQuery)
				return plainResponse(http.StatusOK, `{"min_amount":`+minimum+`}`), nil
			}
			assert.Equal(t, "amount=49.90&currency_from=usd&currency_to=btc", r.URL.RawQuery)
			return plainResponse(http.StatusOK, `{"estimated_amount":"0.001"}`), nil
		})
		quote, err := client.Estimates.Quote(t.Context(), jovepay.QuoteOptions{
			PriceAmount: amount("49.90"), PriceCurrency: "usd", PayCurrency: "btc",
			PayoutCurrency: "usdttrc20", FixedRate: true, FeePaidByUser: true,
		})
		require.NoError(t, err)
		assert.Equal(t, &jovepay.Quote{
			PriceAmount: amount("49.90"), PriceCurrency: "usd", PayAmount: amount("0.001"), PayCurrency: "btc",
			MinAmount: amount(minimum), Payable: payable,
		}, quote)
	}
	_, err := newMockClient(t, func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/v1/min-amount" {
			return plainResponse(http.StatusBadRequest, responseFile(t, "error.json")), nil
		}
		<-r.Context().Done() // the failure of one ends the other
		return nil, r.Context().Err()
	}).Estimates.Quote(t.Context(), jovepay.QuoteOptions{PriceAmount: amount("1"), PriceCurrency: "usd", PayCurrency: "btc"})
	assert.ErrorIs(t, err, jovepay.ErrInvalidRequest)
}

func TestBaseURLKeepsItsPath(t *testing.T) {
	t.Parallel()
	address, last := recorder(t)
	for base, want := range map[string]string{
		"":           "GET /v1/status",
		"/":          "GET /v1/status",
		"/np":        "GET /np/v1/status",
		"/np/":       "GET /np/v1/status",
		"/a%2Fb/c":   "GET /a%2Fb/c/v1/status",
		"/v1":        "GET /v1/status",
		"/v1/":       "GET /v1/status",
		"//v1//":     "GET /v1/status",
		"/proxy/v1":  "GET /proxy/v1/status",
		"/proxy/v1/": "GET /proxy/v1/status",
		"/xv1":       "GET /xv1/v1/status",
		"/v1/np":     "GET /v1/np/v1/status",
		"/V1":        "GET /V1/v1/status",
		"/caf%C3%A9": "GET /caf%C3%A9/v1/status",
	} {
		_, err := newClient(t, address+base).Status(t.Context())
		require.NoError(t, err)
		assert.Equal(t, want, last().target)
	}
	client := newClient(t, address+"/np", jovepay.WithCredentials(email, password))
	require.Error(t, client.Do(t.Context(), http.MethodGet, "/v1/x", nil, nil, nil), "there is no login at /np")
	assert.Equal(t, "POST /np/v1/auth", last().target)
}

// What a call needs and does not have is reported before anything is sent.
func TestMissingAuthentication(t *testing.T) {
	t.Parallel()
	address, last := recorder(t)
	ctx := t.Context()
	calls := func(c *jovepay.Client) (withKey, withToken, public map[string]error) {
		wait, quote := jovepay.WaitOptions{}, jovepay.QuoteOptions{PriceAmount: amount("1"), PriceCurrency: "usd", PayCurrency: "btc"}
		_, create := c.Payments.Create(ctx, goods("1"))
		_, get := c.Payments.Get(ctx, "1")
		wait.Until = func(*jovepay.Payment) bool { return true }
		_, waited := c.Payments.Wait(ctx, "1", wait)
		_, invoice := c.Invoices.Create(ctx, jovepay.InvoiceRequest{PriceAmount: amount("1"), PriceCurrency: "usd"})
		_, currencies := c.Currencies.List(ctx, jovepay.CurrencyListOptions{})
		_, estimate := c.Estimates.Get(ctx, jovepay.EstimateOptions{Amount: amount("1"), From: "usd", To: "btc"})
		_, minimum := c.Estimates.MinAmount(ctx, jovepay.MinAmountOptions{From: "btc"})
		_, quoted := c.Estimates.Quote(ctx, quote)
		_, list := c.Payments.List(ctx, jovepay.PaymentListOptions{})
		_, found := c.Payments.FindOrder(ctx, "1", time.Now())
		var all error
		for _, err := range c.Payments.All(ctx, jovepay.PaymentListOptions{}) {
			all = err
		}
		_, status := c.Status(ctx)
		do := c.Do(ctx, http.MethodPost, "/v1/x", nil, nil, nil)
		return map[string]error{
				"Create": create, "Get": get, "Wait": waited, "Invoices.Create": invoice, "Currencies.List": currencies,
				"Estimates.Get": estimate, "MinAmount": minimum, "Quote": quoted,
			}, map[string]error{"List": list, "FindOrder": found, "All": all},
			map[string]error{"Status": status, "Do": do}
	}
	of := func(opts ...jovepay.Option) *jovepay.Client {
		transport := &http.Transport{}
		t.Cleanup(transport.CloseIdleConnections)
		client, err := jovepay.NewClient(append(opts, jovepay.WithBaseURL(address), jovepay.WithHTTPClient(&http.Client{Transport: transport}))...)
		require.NoError(t, err)
		return client
	}

	withKey, withToken, public := calls(of())
	for name, err := range withKey {
		assertRejected(t, err, "api_key")
		require.ErrorContains(t, err, "no API key; see WithAPIKey", name)
	}
	for name, err := range withToken {
		assertRejected(t, err, "credentials")
		require.ErrorContains(t, err, "needs credentials; see WithCredentials", name)
	}
	for name, err := range public {
		require.NoError(t, err, name)
	}
	assert.Equal(t, "POST /v1/x", last().target)

	withKey, withToken, public = calls(of(jovepay.WithAPIKey(apiKey)))
	for name, err := range withToken {
		assertRejected(t, err, "credentials")
		require.ErrorContains(t, err, "GET /v1/payment needs credentials", name)
	}
	for _, errs := range []map[string]error{withKey, public} {
		for name, err := range errs {
			require.NoError(t, err, name)
		}
	}

	withKey, withToken, public = calls(of(jovepay.WithCredentials(email, password)))
	for _, errs := range []map[string]error{withKey, withToken, public} {
		for name, err := range errs {
			require.NoError(t, err, "%s: a JWT is for all authenticated endpoints", name)
		}
	}
}

// A transport that panics must not end the program from a goroutine of ours.
func TestPanicsInTheTransport(t *testing.T) {
	t.Parallel()
	for _, value := range []any{"broken, with the key " + apiKey, io.ErrClosedPipe, http.ErrAbortHandler, 5} {
		client := newClient(t, jovepay.DefaultBaseURL, jovepay.WithCredentials(email, password), jovepay.WithHTTPClient(&http.Client{
			Transport: roundTripper(func(*http.Request) (*http.Response, error) { panic(value) }),
		}))
		for name, call := range map[string]func() error{
			"login": func() error { _, err := client.Authenticate(t.Context()); return err },
			"List":  listing(t, client),
			"Quote": func() error {
				_, err := client.Estimates.Quote(t.Context(), jovepay.QuoteOptions{PriceAmount: amount("1"), PriceCurrency: "usd", PayCurrency: "btc"})
				return err
			},
		} {
			err := call()
			require.ErrorContains(t, err, "panic", name)
			assertOneLine(t, err)
			assertIs(t, err)
			assert.NotContains(t, err.Error(), apiKey)
		}
		if cause, ok := value.(error); ok {
			require.ErrorIs(t, listing(t, client)(), cause)
		}
		assert.Panics(t, func() { _, _ = client.Payments.Get(t.Context(), "1") }, "in the caller's own goroutine it is the caller's")
	}
}

// Nor may one that ends our goroutine, as FailNow does, leave its callers
// waiting or without an error.
func TestGoexitInTheTransport(t *testing.T) {
	t.Parallel()
	client := newClient(t, jovepay.DefaultBaseURL, jovepay.WithCredentials(email, password), jovepay.WithHTTPClient(&http.Client{
		Transport: roundTripper(func(*http.Request) (*http.Response, error) { runtime.Goexit(); return nil, nil }),
	}))
	for _, err := range together(listing(t, client)) {
		require.ErrorContains(t, err, "goroutine")
	}
	_, err := client.Estimates.Quote(t.Context(), jovepay.QuoteOptions{PriceAmount: amount("1"), PriceCurrency: "usd", PayCurrency: "btc"})
	require.ErrorContains(t, err, "goroutine")
}

func TestUserAgent(t *testing.T) {
	t.Parallel()
	address, last := recorder(t)
	for product, want := range map[string]string{
		"shop/1.0": "shop/1.0 jovepay-go/" + jovepay.Version,
		"":         "jovepay-go/" + jovepay.Version,
	} {
		_, err := newClient(t, address, jovepay.WithUserAgent(product)).Status(t.Context())
		require.NoError(t, err)
		assert.Equal(t, want, last().header.Get("User-Agent"))
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var elsewhere, asked atomic.Int32
	other := serve(t, func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) })
	for _, status := range []int{300, 301, 302, 303, 304, 307, 308} {
		for _, target := range []string{other + "/v1/x?api=" + apiKey, "/v1/other", ""} {
			address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				asked.Add(1)
				if target != "" {
					w.Header().Set("Location", target)
				}
				w.WriteHeader(status)
			})
			own := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("asked") }}
			check, transport := own.CheckRedirect, &http.Transport{}
			own.Transport = transport
			client := newClient(t, address, jovepay.WithHTTPClient(own))
			_, err := client.Payments.Create(t.Context(), goods("1"))
			failed := (*jovepay.APIError)(nil)
			require.ErrorAs(t, err, &failed)
			assert.Equal(t, status, failed.StatusCode)
			assertOneLine(t, err)
			assert.NotContains(t, err.Error(), apiKey)
			_, err = client.Payments.Get(t.Context(), "1")
			require.ErrorAs(t, err, &failed)
			assert.EqualValues(t, 2, asked.Swap(0), "%d is not repeated", status)

			assert.EqualError(t, check(nil, nil), "asked")
			require.NotNil(t, own.CheckRedirect, "the caller's client is unchanged")
			assert.EqualError(t, own.CheckRedirect(nil, nil), "asked")
			assert.Same(t, transport, own.Transport)
			transport.CloseIdleConnections()
		}
	}
	assert.Zero(t, elsewhere.Load())
}

// TestCertificatesAreChecked: a server that cannot prove who it is gets no
// credentials. Whom to trust is for the caller's client to say.
func TestCertificatesAreChecked(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = io.WriteString(w, `{"message":"OK"}`)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // the server logs the rejected handshake
	server.StartTLS()
	t.Cleanup(server.Close)
	for name, opt := range map[string]jovepay.Option{"by default": nil, "by a separate client": jovepay.WithHTTPClient(new(http.Client))} {
		client, err := jovepay.NewClient(jovepay.WithBaseURL(server.URL), jovepay.WithAPIKey(apiKey), jovepay.WithRetry(jovepay.RetryPolicy{MaxAttempts: 1}), opt)
		require.NoError(t, err)
		_, err = client.Status(t.Context())
		require.ErrorAs(t, err, new(x509.UnknownAuthorityError), name)
	}
	assert.Zero(t, asked.Load())

	client, err := jovepay.NewClient(jovepay.WithBaseURL(server.URL), jovepay.WithAPIKey(apiKey), jovepay.WithHTTPClient(server.Client()))
	require.NoError(t, err)
	_, err = client.Status(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, 1, asked.Load())
}

// The caller's client may be used elsewhere, and changed there, at any time.
func TestHTTPClientIsCopied(t *testing.T) {
	t.Parallel()
	address, last := recorder(t)
	own := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	client, err := jovepay.NewClient(jovepay.WithBaseURL(address), jovepay.WithHTTPClient(own))
	require.NoError(t, err)
	assert.Nil(t, own.CheckRedirect)
	own.Transport = roundTrip503{}
	_, err = client.Status(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "GET /v1/status", last().target)
}

type roundTrip503 struct{}

func (roundTrip503) RoundTrip(*http.Request) (*http.Response, error) {
	return httptest.NewRecorder().Result(), errors.New("not this one")
}

func TestDo(t *testing.T) {
	t.Parallel()
	address, last := recorder(t)
	client := newClient(t, address)
	ctx := t.Context()

	var raw []byte
	require.NoError(t, client.Do(ctx, http.MethodGet, "/v1/balance", struct {
		Coin string `url:"coin"`
	}{"btc"}, nil, &raw))
	assert.Equal(t, "GET /v1/balance?coin=btc", last().target)
	assert.Contains(t, string(raw), `"message":"OK"`)

	var out struct {
		ID jovepay.ID `json:"payment_id"`
	}
	require.NoError(t, client.Do(ctx, http.MethodPost, "/v1/invoice-payment", nil, map[string]any{"iid": 5}, &out))
	assert.Equal(t, jovepay.ID("1"), out.ID)
	assert.Equal(t, `{"iid":5}`, last().body)
	require.NoError(t, client.Do(ctx, http.MethodDelete, "/v1/x", url.Values{}, nil, nil))
	assert.Equal(t, "DELETE /v1/x", last().target)

	var wrong struct {
		ID []int `json:"payment_id"`
	}
	err := client.Do(ctx, http.MethodPost, "/v1/x", nil, nil, &wrong)
	require.ErrorIs(t, err, jovepay.ErrOutcomeUnknown, "a response that does not fit may still be a success")
	err = client.Do(ctx, http.MethodGet, "/v1/x", nil, nil, &wrong)
	require.Error(t, err)
	require.NotErrorIs(t, err, jovepay.ErrOutcomeUnknown)

	require.NoError(t, newClient(t, address+"/np/v1").Do(ctx, http.MethodGet, "/v2/x", nil, nil, nil))
	assert.Equal(t, "GET /np/v2/x", last().target)

	failing := newCannedClient(t, http.StatusNotFound, responseFile(t, "error.json"))
	assert.ErrorIs(t, failing.Do(ctx, http.MethodGet, "/v1/x", nil, nil, nil), jovepay.ErrNotFound)
}

type (
	plainBytes []byte
	oddByte    byte
	hexBytes   []byte
)

func (h hexBytes) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h), nil }

func TestDoBodies(t *testing.T) {
	t.Parallel()
	const text = ` {"b": 1.0, "a":"ü"}` + "\n" // no encoder writes it this way
	address, last := recorder(t)
	client := newClient(t, address)
	raw := []byte(text)
	for name, tt := range map[string]struct {
		body any
		want string
	}{
		"bytes":                     {raw, text},
		"a pointer to bytes":        {&raw, text},
		"json.RawMessage":           {json.RawMessage(text), text},
		"jsontext.Value":            {jsontext.Value(text), text},
		"bytes of a type":           {plainBytes(text), text},
		"bytes of another kind":     {[]oddByte{'{', '}'}, "{}"},
		"bytes that are no JSON":    {[]byte("a=1&b=2"), "a=1&b=2"},
		"bytes with a text":         {hexBytes("\x01\xff"), `"01ff"`},
		"net.IP":                    {net.IPv4(127, 0, 0, 1), `"127.0.0.1"`},
		"bytes within":              {map[string][]byte{"a": {1}}, `{"a":"AQ=="}`},
		"a string":                  {"a", `"a"`},
		"nothing":                   {nil, ""},
		"no bytes":                  {[]byte{}, ""},
		"nil bytes":                 {[]byte(nil), ""},
		"nil json.RawMessage":       {json.RawMessage(nil), ""},
		"a nil pointer to a struct": {(*struct{})(nil), "null"},
		"an amount":                 {amount("1.10"), "1.10"},
	} {
		for _, method := range []string{"GET", "POST", "DELETE"} {
			require.NoError(t, client.Do(t.Context(), method, "/v1/x", nil, tt.body, nil), name)
			got := last()
			assert.Equal(t, tt.want, got.body, name)
			assert.Equal(t, tt.want != "", got.header.Get("Content-Type") == "application/json", name)
		}
	}
	for name, body := range map[string]any{
		"a reader":  strings.NewReader("{}"),
		"a buffer":  bytes.NewBufferString("{}"),
		"a file":    os.Stdin,
		"a channel": make(chan int),
		"a func":    func() {},
	} {
		err := client.Do(t.Context(), http.MethodPost, "/v1/x", nil, body, nil)
		assertRejected(t, err, "body")
		assertOneLine(t, err)
		assert.Equal(t, seen{}, last(), name)
	}
}

func TestDoRejectsResultsThatCannotBeSet(t *testing.T) {
	t.Parallel()
	address, last := recorder(t)
	client := newClient(t, address)
	for _, out := range []any{
		struct{}{}, 1, "", []byte{}, map[string]any{}, []string(nil), func() {}, make(chan int), json.RawMessage{},
		(*struct{})(nil), (*[]byte)(nil), (*any)(nil),
	} {
		assertRejected(t, client.Do(t.Context(), http.MethodPost, "/v1/x", nil, nil, out), "out")
	}
	assert.Equal(t, seen{}, last(), "nothing is sent")
	for _, out := range []any{nil, new(any), &map[string]any{}, new(json.RawMessage), new([]byte)} {
		require.NoError(t, client.Do(t.Context(), http.MethodPost, "/v1/x", nil, nil, out))
	}
}

func TestDoRejectsPaths(t *testing.T) {
	t.Parallel()
	address, last := recorder(t)
	client := newClient(t, address+"/np")
	for _, path := range []string{
		"", "/", "v1/x", "/status", "//evil.example/v1", "https://evil.example/v1/x", "@evil.example/v1",
		"/v1/..", "/v1/../x", "/v1/./x", "/v1/%2e%2e/x", "/v1/%2E%2e", "/v1/.%2e/x", "/v1/a%2f..%2fb", "/v1/a%5c..%5cb", "/v1/a/..%2F",
		`/v1\..\x`, "/v1/x?y=1", "/v1/x#y", "/v1/%zz", "/v1/%", "/v1/a b", "/v1/a\r\nX-Evil: 1", "/v1/\x00", "/v1/\x7f", "/vx",
	} {
		assertRejected(t, client.Do(t.Context(), http.MethodGet, path, nil, nil, nil), "path")
	}
	for _, path := range []string{"/v1/x", "/v2/x/", "/v1/a%2Fb", "/v1/..a/b..", "/v1/a:b@c", "/v1//x", "/v1/%252e%252e", "/v10"} {
		require.NoError(t, client.Do(t.Context(), http.MethodGet, path, nil, nil, nil), path)
		assert.Equal(t, "GET /np"+path, last().target)
	}
}

// errShop is why a shop ends a call.
var errShop = errors.New("shop closes")

// Wherever the context ends, the error matches the context's error and its
// cause.
func TestErrorsMatchTheCause(t *testing.T) {
	t.Parallel()
	const wait = 30 * time.Second // until the context ends
	get := func(ctx context.Context, c *jovepay.Client) error { _, err := c.Payments.Get(ctx, "1"); return err }
	create := func(ctx context.Context, c *jovepay.Client) error {
		_, err := c.Payments.Create(ctx, goods("1"))
		return err
	}
	list := func(ctx context.Context, c *jovepay.Client) error {
		_, err := c.Payments.List(ctx, jovepay.PaymentListOptions{})
		return err
	}
	second := func(ctx context.Context, c *jovepay.Client) error {
		if err := get(ctx, c); err != nil {
			return err
		}
		return get(ctx, c)
	}
	third := func(ctx context.Context, c *jovepay.Client) error {
		if err := get(ctx, c); err != nil {
			return err
		}
		go func() { _ = get(ctx, c) }()
		synctest.Wait()
		return get(ctx, c)
	}
	http1 := func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, context.Cause(r.Context())
	}
	http2 := func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() }
	stuck := func(r *http.Request) (*http.Response, error) {
		res := plainResponse(http.StatusOK, "")
		res.Body = io.NopCloser(stuckReader{r.Context()})
		return res, nil
	}
	fail := func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }
	ok := func(*http.Request) (*http.Response, error) {
		return plainResponse(http.StatusOK, `{"payment_id":1}`), nil
	}
	limit := jovepay.WithRateLimit(1, 24*time.Hour)
	for name, tt := range map[string]struct {
		respond func(*http.Request) (*http.Response, error)
		call    func(context.Context, *jovepay.Client) error
		foresee bool // the call ends before a deadline that it cannot keep
		opt     jovepay.Option
	}{
		"an attempt over HTTP/1":         {respond: http1, call: get},
		"an attempt over HTTP/2":         {respond: http2, call: get},
		"a create over HTTP/1":           {respond: http1, call: create},
		"a create over HTTP/2":           {respond: http2, call: create},
		"the body of a response":         {respond: stuck, call: get},
		"the body of a create":           {respond: stuck, call: create},
		"a login":                        {respond: http1, call: list},
		"a pause":                        {respond: fail, call: get, foresee: true, opt: jovepay.WithRetry(jovepay.RetryPolicy{BaseDelay: 1 << 60, MaxDelay: 1 << 60})},
		"the rate limit":                 {respond: ok, call: second, foresee: true, opt: limit},
		"the line before the rate limit": {respond: ok, call: third, foresee: true, opt: limit},
	} {
		test := func(name string, end error, context func(context.Context) (context.Context, func())) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context(t.Context())
				defer cancel()
				err := tt.call(ctx, newClient(t, jovepay.DefaultBaseURL, jovepay.WithHTTPClient(&http.Client{Transport: roundTripper(tt.respond)}),
					jovepay.WithCredentials(email, password), jovepay.WithTimeout(time.Hour), tt.opt))
				require.ErrorIs(t, err, end, name)
				require.ErrorIs(t, err, errShop, name)
				assertOneLine(t, err)
				time.Sleep(time.Minute) //nolint:forbidigo // fake time; a login continues
			})
		}
		test(name, context.Canceled, func(ctx context.Context) (context.Context, func()) {
			ctx, cancel := context.WithCancelCause(ctx)
			time.AfterFunc(wait, func() { cancel(errShop) })
			return ctx, func() { cancel(nil) }
		})
		test(name+", canceled before", context.Canceled, func(ctx context.Context) (context.Context, func()) {
			ctx, cancel := context.WithCancelCause(ctx)
			cancel(errShop)
			return ctx, func() {}
		})
		test(name+", over before", context.DeadlineExceeded, func(ctx context.Context) (context.Context, func()) {
			return context.WithDeadlineCause(ctx, time.Now(), errShop)
		})
		if !tt.foresee {
			test(name+", over", context.DeadlineExceeded, func(ctx context.Context) (context.Context, func()) {
				return context.WithTimeoutCause(ctx, wait, errShop)
			})
		}
	}
}

// stuckReader gives nothing until its context ends.
type stuckReader struct{ ctx context.Context }

func (r stuckReader) Read([]byte) (int, error) { <-r.ctx.Done(); return 0, r.ctx.Err() }

// A cause may hold a secret, which the error then hides; it still matches.
func TestCausesWithSecretsMatch(t *testing.T) {
	t.Parallel()
	cause := fmt.Errorf("key %s: %w", apiKey, errShop)
	ctx, cancel := context.WithCancelCause(t.Context())
	_, err := newMockClient(t, func(*http.Request) (*http.Response, error) {
		cancel(cause)
		return nil, cause
	}).Payments.Create(ctx, goods("1"))
	for _, target := range []error{context.Canceled, cause, errShop, jovepay.ErrOutcomeUnknown} {
		require.ErrorIs(t, err, target)
	}
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, errors.Unwrap(err)), apiKey)
}

// ledger counts how often each order was processed.
type ledger struct {
	mu    sync.Mutex
	times map[string]int
}

func (l *ledger) process(r *http.Request) error {
	var order struct {
		ID string `json:"order_id"`
	}
	if err := jsonv2.UnmarshalRead(r.Body, &order); err != nil {
		return err // an incomplete request is not processed
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.times == nil {
		l.times = map[string]int{}
	}
	l.times[order.ID]++
	return nil
}

// tally sorts the outcomes of creates.
type tally struct{ created, unknown, rejected int }

// audit compares the results of the calls with what was processed. The server
// must have stopped.
func (l *ledger) audit(t *testing.T, outcomes map[string]error) (sum tally) {
	t.Helper()
	for order, err := range outcomes {
		times := l.times[order]
		switch {
		case err == nil:
			sum.created++
			assert.Equal(t, 1, times, "%s was created", order)
		case errors.Is(err, jovepay.ErrOutcomeUnknown):
			sum.unknown++
			assert.LessOrEqual(t, times, 1, "%s: %v", order, err)
		default:
			sum.rejected++
			assert.True(t, jovepay.SafeToRetry(err), "%s: %v", order, err)
			assert.Zero(t, times, "%s was processed, although %v", order, err)
		}
	}
	return sum
}

// createMany makes a payment for each of many orders, 8 at a time.
func createMany(t *testing.T, client *jovepay.Client, orders int, before func(), change func(*jovepay.PaymentRequest)) map[string]error {
	t.Helper()
	var mu sync.Mutex
	outcomes := map[string]error{}
	var workers sync.WaitGroup
	var next atomic.Int32
	for range 8 {
		workers.Go(func() {
			for {
				n := int(next.Add(1))
				if n > orders {
					return
				}
				before()
				order := fmt.Sprint("order-", n)
				request := with(goods(order), change)
				request.OrderDescription += strings.Repeat("i", n) // no two have the same length
				_, err := client.Payments.Create(t.Context(), request)
				mu.Lock()
				outcomes[order] = err
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	require.Len(t, outcomes, orders)
	return outcomes
}

func unchanged(*jovepay.PaymentRequest) {}

// A server closes connections that have been idle, and may do so at the very
// moment when a create is sent on one.
func TestIdleConnectionsClosedByTheServer(t *testing.T) {
	t.Parallel()
	var paid ledger
	var conns atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && paid.process(r) != nil {
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, `{"payment_id":1}`)
	}))
	const idle = 2 * time.Millisecond
	server.Config.IdleTimeout = idle
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	// An attempt that finds a closed connection uses it up, so that the attempts
	// outlast them all.
	client := newClient(t, server.URL, jovepay.WithRetry(jovepay.RetryPolicy{MaxAttempts: 100, BaseDelay: time.Microsecond, MaxDelay: time.Microsecond}))
	outcomes := createMany(t, client, 400, func() {
		_, err := client.Payments.Get(t.Context(), "1") // leaves a connection idle
		assert.NoError(t, err)
		<-time.After(idle - time.Duration(rand.IntN(400))*time.Microsecond)
	}, unchanged)
	server.Close()
	sum := paid.audit(t, outcomes)
	t.Logf("%+v over %d connections", sum, conns.Load())
	assert.Zero(t, sum.rejected)
	assert.Greater(t, conns.Load(), int32(8), "no connection was closed while idle")
}

// The same, with certainty: the connection is closed while it is idle, and
// the client has not noticed yet.
func TestIdleConnectionClosedBeforeACreate(t *testing.T) {
	t.Parallel()
	var paid ledger
	var conns atomic.Int32
	client := newClient(t, "http://"+listen(t, func(conn *net.TCPConn) {
		conns.Add(1)
		serveOne(conn, &paid)
	}))
	outcomes := map[string]error{}
	for range 50 {
		order := fmt.Sprint("order-", len(outcomes))
		_, outcomes[order] = client.Payments.Create(t.Context(), goods(order))
	}
	sum := paid.audit(t, outcomes)
	t.Logf("%+v over %d connections", sum, conns.Load())
	assert.Zero(t, sum.rejected)
	assert.Positive(t, sum.created)
}

// serveOne responds to one request as if it kept the connection.
func serveOne(conn net.Conn, paid *ledger) {
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	buf := make([]byte, 64<<10)
	n := 0
	for !strings.HasSuffix(string(buf[:n]), "}") {
		more, err := conn.Read(buf[n:])
		if err != nil {
			return
		}
		n += more
	}
	_, body, _ := strings.Cut(string(buf[:n]), "\r\n\r\n")
	r := httptest.NewRequest(http.MethodPost, "/v1/payment", strings.NewReader(body))
	if paid.process(r) == nil {
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n"+`{"payment_id":1}`)
	}
}

// cutter passes connections on to a server and cuts each after a number of
// bytes in either direction.
type cutter struct {
	listener net.Listener
	to       string
	limit    func() (up, down int64)
	running  sync.WaitGroup
}

func startCutter(t *testing.T, to string, limit func() (up, down int64)) *cutter {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	c := &cutter{listener: listener, to: to, limit: limit}
	c.running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			c.running.Go(func() { c.pass(conn) })
		}
	})
	t.Cleanup(c.stop)
	return c
}

func (c *cutter) stop() {
	_ = c.listener.Close()
	c.running.Wait()
}

func (c *cutter) pass(client net.Conn) {
	server, err := net.Dial("tcp", c.to)
	if err != nil {
		_ = client.Close()
		return
	}
	up, down := c.limit()
	if rand.IntN(2) == 0 {
		_ = client.(*net.TCPConn).SetLinger(0) // reset instead of an end
	}
	var cut sync.Once
	closeBoth := func() { _ = client.Close(); _ = server.Close() }
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.CopyN(server, client, up); cut.Do(closeBoth) })
	both.Go(func() { _, _ = io.CopyN(client, server, down); cut.Do(closeBoth) })
	both.Wait()
}

// Wherever a connection breaks: if the SDK says that nothing was processed, or
// repeats on that ground, then nothing was.
func TestConnectionsCutAnywhere(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		orders, request int // about how many bytes a request has
		opts            []jovepay.Option
		change          func(*jovepay.PaymentRequest)
	}{
		"small requests": {1000, 400, nil, unchanged},
		"large bodies": {300, 70_000, nil, func(r *jovepay.PaymentRequest) {
			r.OrderDescription = strings.Repeat("x", 65_000)
		}},
		"large headers":   {300, 70_000, []jovepay.Option{jovepay.WithUserAgent(strings.Repeat("x", 65_000))}, unchanged},
		"too little time": {1000, 400, []jovepay.Option{jovepay.WithTimeout(500 * time.Microsecond)}, unchanged},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var paid ledger
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if paid.process(r) != nil {
					panic(http.ErrAbortHandler)
				}
				_, _ = io.WriteString(w, `{"payment_id":1,"x":"`+strings.Repeat("x", 200)+`"}`)
			}))
			defer server.Close()
			c := startCutter(t, server.Listener.Addr().String(), func() (up, down int64) {
				if rand.IntN(3) == 0 {
					return 1 << 40, rand.Int64N(1000)
				}
				return rand.Int64N(int64(tt.request) * 3), 1 << 40
			})
			client := newClient(t, "http://"+c.listener.Addr().String(), append([]jovepay.Option{jovepay.WithTimeout(20 * time.Second)}, tt.opts...)...)
			outcomes := createMany(t, client, tt.orders, func() {}, tt.change)
			server.Close() // ends the idle connections, too
			c.stop()
			sum := paid.audit(t, outcomes)
			t.Logf("%+v", sum)
			assert.Positive(t, sum.unknown)
		})
	}
}

// A server may act before it has read the body to its end.
func TestServerThatActsOnTheHeader(t *testing.T) {
	t.Parallel()
	var acted atomic.Int32
	client := newClient(t, "http://"+listen(t, func(conn *net.TCPConn) {
		if r, err := http.ReadRequest(bufio.NewReader(conn)); err == nil && r.Method == http.MethodPost {
			acted.Add(1)
		}
		_ = conn.SetLinger(0)
	}))
	for n := range 5 {
		err := client.Do(t.Context(), http.MethodPost, "/v1/x", nil, strings.Repeat("x", 4<<20), nil)
		assertIs(t, err, jovepay.ErrOutcomeUnknown)
		assert.EqualValues(t, n+1, acted.Load())
	}
}

// What net/http's hooks and the body show of a request that failed, and what
// follows.
func TestProofOfNothingWritten(t *testing.T) {
	t.Parallel()
	broken := httptrace.WroteRequestInfo{Err: io.ErrClosedPipe}
	connected := func(h *httptrace.ClientTrace) { h.GetConn(""); h.GotConn(httptrace.GotConnInfo{}) }
	none, one := make([]byte, 0), make([]byte, 1)
	for name, tt := range map[string]struct {
		hooks  func(*httptrace.ClientTrace)
		unsent bool
		read   []byte // what the body is read into, if it is
		closed bool   // the body is closed
		err    error  // if not an unexpected end
	}{
		"no connection, but the body was read":                           {hooks: func(h *httptrace.ClientTrace) { h.GetConn("") }, read: one},
		"no connection, but the body was touched":                        {hooks: func(h *httptrace.ClientTrace) { h.GetConn("") }, read: none},
		"no connection, the body given back":                             {hooks: func(h *httptrace.ClientTrace) { h.GetConn("") }, closed: true, unsent: true},
		"no hooks, the body given back":                                  {hooks: func(*httptrace.ClientTrace) {}, closed: true},
		"a connection, the body given back":                              {hooks: connected, closed: true, unsent: true},
		"a connection, the body read and given back":                     {hooks: connected, read: one, closed: true},
		"a connection, the body given back by a call that was canceled":  {hooks: connected, closed: true, err: context.Canceled},
		"a connection, the body given back by a call that took too long": {hooks: connected, closed: true, err: context.DeadlineExceeded},
		"the header written, the body given back":                        {hooks: func(h *httptrace.ClientTrace) { connected(h); h.WroteHeaders() }, closed: true},
		"the header broke off, but the body was read":                    {hooks: func(h *httptrace.ClientTrace) { connected(h); h.WroteRequest(broken) }, read: one},
		"no hooks, as with a transport of another kind":                  {hooks: func(*httptrace.ClientTrace) {}},
		"no connection": {hooks: func(h *httptrace.ClientTrace) { h.GetConn("") }, unsent: true},
		"a connection":  {hooks: connected},
		"the header broke off": {hooks: func(h *httptrace.ClientTrace) {
			h.GetConn("")
			h.GotConn(httptrace.GotConnInfo{})
			h.WroteRequest(broken)
		}, unsent: true},
		"the body broke off": {hooks: func(h *httptrace.ClientTrace) {
			h.GetConn("")
			h.GotConn(httptrace.GotConnInfo{})
			h.WroteHeaders()
			h.WroteRequest(broken)
		}},
		"all written": {hooks: func(h *httptrace.ClientTrace) {
			h.GetConn("")
			h.GotConn(httptrace.GotConnInfo{})
			h.WroteHeaders()
			h.WroteRequest(httptrace.WroteRequestInfo{})
		}},
		"the header broke off, and was then written by net/http itself": {hooks: func(h *httptrace.ClientTrace) {
			h.GetConn("")
			h.GotConn(httptrace.GotConnInfo{})
			h.WroteRequest(broken)
			h.GetConn("")
			h.GotConn(httptrace.GotConnInfo{})
			h.WroteHeaders()
			h.WroteRequest(httptrace.WroteRequestInfo{})
		}},
		"written, and no connection for net/http's own repetition": {hooks: func(h *httptrace.ClientTrace) {
			h.GetConn("")
			h.GotConn(httptrace.GotConnInfo{})
			h.WroteHeaders()
			h.WroteRequest(broken)
			h.GetConn("")
		}},
	} {
		asked := 0
		client := newClient(t, jovepay.DefaultBaseURL, jovepay.WithHTTPClient(&http.Client{
			Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				asked++
				tt.hooks(httptrace.ContextClientTrace(r.Context()))
				if tt.read != nil {
					_, _ = r.Body.Read(tt.read)
				}
				if tt.closed {
					_ = r.Body.Close()
				}
				return nil, cmp.Or(tt.err, io.ErrUnexpectedEOF)
			}),
		}))
		_, err := client.Payments.Create(t.Context(), goods("1"))
		require.ErrorIs(t, err, cmp.Or(tt.err, io.ErrUnexpectedEOF), name)
		assert.Equal(t, tt.unsent, !errors.Is(err, jovepay.ErrOutcomeUnknown), name)
		assert.Equal(t, map[bool]int{true: 4, false: 1}[tt.unsent], asked, name)
	}
}

// HTTP/2 has its own rules for rejecting and repeating requests.
func TestHTTP2(t *testing.T) {
	t.Parallel()
	var paid ledger
	var second, other, conns atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 2 {
			second.Add(1)
		} else {
			other.Add(1)
		}
		n := rand.IntN(10)
		if n == 0 {
			panic(http.ErrAbortHandler) // before any effect: the stream is reset
		}
		if paid.process(r) != nil {
			panic(http.ErrAbortHandler)
		}
		switch n {
		case 1:
			panic(http.ErrAbortHandler) // after the effect
		case 2:
			w.Header().Set("Connection", "close") // ends the connection with GOAWAY
		case 3:
			_, _ = io.WriteString(w, `{"payment_id":1`)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler) // in the middle of the response
		}
		_, _ = io.WriteString(w, `{"payment_id":1}`)
	}))
	server.EnableHTTP2 = true
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	server.StartTLS()
	defer server.Close()
	client := newClient(t, server.URL, jovepay.WithHTTPClient(server.Client()), jovepay.WithTimeout(20*time.Second))
	outcomes := createMany(t, client, 600, func() {}, unchanged)
	server.Client().CloseIdleConnections()
	server.Close()
	sum := paid.audit(t, outcomes)
	t.Logf("%+v, %d requests of HTTP/2 over %d connections", sum, second.Load(), conns.Load())
	assert.Positive(t, sum.created)
	assert.Positive(t, sum.unknown)
	assert.Positive(t, second.Load())
	assert.Zero(t, other.Load(), "the test is about HTTP/2")
	assert.Greater(t, conns.Load(), int32(1), "no connection was ended with GOAWAY")
}

func TestHTTP2WithoutAResponse(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		<-r.Context().Done()
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	defer server.Client().CloseIdleConnections()
	client := newClient(t, server.URL, jovepay.WithHTTPClient(server.Client()), jovepay.WithTimeout(500*time.Millisecond))
	_, err := client.Payments.Create(t.Context(), goods("1"))
	assertIs(t, err, jovepay.ErrOutcomeUnknown)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.EqualValues(t, 1, asked.Load())

	var calls sync.WaitGroup
	for range 20 {
		calls.Go(func() {
			_, err := client.Payments.Create(t.Context(), goods("1"))
			assert.ErrorIs(t, err, jovepay.ErrOutcomeUnknown)
		})
	}
	for asked.Load() < 21 {
		<-time.After(time.Millisecond)
	}
	server.CloseClientConnections()
	calls.Wait()
	assert.EqualValues(t, 21, asked.Load(), "none was sent twice")
}

// The frames of HTTP/2 that a server of a few lines needs (RFC 9113, section 6).
const (
	frameData, frameHeaders, frameReset, frameSettings, framePing, frameGoAway = 0, 1, 3, 4, 6, 7

	flagEndStream, flagAck, flagEndHeaders = 1, 1, 4
)

// resetCodes are the error codes of HTTP/2 (RFC 9113, section 7).
var resetCodes = []string{
	"NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED", "FRAME_SIZE_ERROR",
	"REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
}

func sendFrame(conn net.Conn, kind, flags byte, stream uint32, payload []byte) {
	head := []byte{byte(len(payload) >> 16), byte(len(payload) >> 8), byte(len(payload)), kind, flags}
	head = binary.BigEndian.AppendUint32(head, stream)
	_, _ = conn.Write(append(head, payload...))
}

// A server may process a request and then say that it did not.
func TestCreatesAreSentOnceOverHTTP2(t *testing.T) {
	t.Parallel()
	faults := map[string]http2Fault{}
	for code, name := range resetCodes {
		faults["RST_STREAM "+name+" after the header"] = http2Fault{early: true, code: uint32(code)}
		faults["RST_STREAM "+name+" after the body"] = http2Fault{code: uint32(code)}
	}
	for _, name := range []string{"NO_ERROR", "INTERNAL_ERROR", "REFUSED_STREAM"} {
		for _, behind := range []uint32{0, 2} {
			for _, early := range []bool{true, false} {
				faults[fmt.Sprintf("GOAWAY %s, %d behind, early=%t", name, behind, early)] = http2Fault{goAway: true, early: early, behind: behind, code: resetCode(name)}
			}
		}
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for call := range creating(newClient(t, jovepay.DefaultBaseURL)) {
				for healthy := range int32(2) {
					server := &rawHTTP2{healthy: healthy, fault: fault}
					address, transport := server.start(t)
					client := newClient(t, address, jovepay.WithHTTPClient(&http.Client{Transport: transport}))
					if healthy > 0 {
						_, err := client.Status(t.Context())
						require.NoError(t, err)
					}
					err := creating(client)[call](t.Context())
					assertIs(t, err, jovepay.ErrOutcomeUnknown)
					assert.EqualValues(t, 1, server.requests.Load()-healthy, "%s: %v", call, err)
				}
			}
		})
	}
}
