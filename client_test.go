package jovepay_test

import (
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

// seen is a request as a server got it.
type seen struct {
	target, body string
	header       http.Header
}

// recorder answers everything with a JSON object that suits every call, and
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
		client := responding(t, func(r *http.Request) (*http.Response, error) {
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
	_, err := responding(t, func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/v1/min-amount" {
			return plainResponse(http.StatusBadRequest, answer(t, "error.json")), nil
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
		assertRefused(t, err, "api_key")
		require.ErrorContains(t, err, "no API key; see WithAPIKey", name)
	}
	for name, err := range withToken {
		assertRefused(t, err, "credentials")
		require.ErrorContains(t, err, "needs credentials; see WithCredentials", name)
	}
	for name, err := range public {
		require.NoError(t, err, name)
	}
	assert.Equal(t, "POST /v1/x", last().target)

	withKey, withToken, public = calls(of(jovepay.WithAPIKey(apiKey)))
	for name, err := range withToken {
		assertRefused(t, err, "credentials")
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
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it is told of the refusal
	server.StartTLS()
	t.Cleanup(server.Close)
	for name, opt := range map[string]jovepay.Option{"by default": nil, "by a client of its own": jovepay.WithHTTPClient(new(http.Client))} {
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
