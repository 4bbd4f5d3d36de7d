package jovepaytest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

func TestEveryCallOfTheClient(t *testing.T) {
	t.Parallel()
	server := newServer(t, jovepaytest.WithClock(newHands().Now))
	client := newClient(t, server)
	ctx := t.Context()

	status, err := client.Status(ctx)
	require.NoError(t, err)
	assert.Equal(t, "OK", status.Message)

	for _, fixed := range []bool{false, true} {
		list, err := client.Currencies.List(ctx, jovepay.CurrencyListOptions{FixedRate: fixed})
		require.NoError(t, err)
		assert.Len(t, list.Currencies, 12)
		assert.Equal(t, "btc", list.Currencies[0].Code)
	}

	least, err := client.Estimates.MinAmount(ctx, jovepay.MinAmountOptions{From: "btc", To: "usdttrc20"})
	require.NoError(t, err)
	assert.Equal(t, "0.00003125", least.MinAmount.String())
	for _, from := range []string{"usd", "eth"} {
		estimate, err := client.Estimates.Get(ctx, jovepay.EstimateOptions{Amount: jovepay.MustAmount("64"), From: from, To: "btc"})
		require.NoError(t, err)
		assert.Equal(t, 1, estimate.EstimatedAmount.Sign(), "a number or a string")
	}

	created := create(t, client)
	assert.Equal(t, jovepay.PaymentWaiting, created.Status)
	assert.Equal(t, "0.001", created.PayAmount.String())
	assert.Equal(t, 8, created.NetworkPrecision)

	got, err := client.Payments.Get(ctx, created.ID)
	require.NoError(t, err)
	assert.Equal(t, created.ID, got.ID)
	assert.Equal(t, created.PurchaseID, got.PurchaseID)
	assert.True(t, got.BurningPercent.IsNull())

	page, err := client.Payments.List(ctx, jovepay.PaymentListOptions{Limit: 10})
	require.NoError(t, err)
	require.Len(t, page.Payments, 1)
	assert.Equal(t, 1, page.Total)
	assert.Equal(t, got.PurchaseID, page.Payments[0].PurchaseID)

	invoice, err := client.Invoices.Create(ctx, jovepay.InvoiceRequest{PriceAmount: jovepay.MustAmount("49.90"), PriceCurrency: "eur"})
	require.NoError(t, err)
	assert.True(t, invoice.PriceAmount.Equal(jovepay.MustAmount("49.9")))
	assert.True(t, strings.HasPrefix(invoice.URL, server.URL+"/payment/?iid="), invoice.URL)

	assert.Equal(t, 1, server.Count("POST", "/v1/auth"))
}

func TestWrongSecretsAreRejected(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	_, err := newClient(t, server, jovepay.WithAPIKey("wrong")).Payments.Create(t.Context(), order())
	require.ErrorIs(t, err, jovepay.ErrForbidden)
	_, err = newClient(t, server, jovepay.WithCredentials(server.Email, "wrong")).Payments.List(t.Context(), jovepay.PaymentListOptions{})
	require.ErrorIs(t, err, jovepay.ErrUnauthorized)
}

func TestTokenLifetime(t *testing.T) {
	t.Parallel()
	clock := newHands()
	server := newServer(t, jovepaytest.WithClock(clock.Now), jovepaytest.WithTokenLifetime(10*time.Second))
	token := login(t, server)
	assert.Equal(t, http.StatusOK, list(t, server, token))
	clock.Pass(10 * time.Second)
	assert.Equal(t, http.StatusUnauthorized, list(t, server, token))
}

func TestTokenLifetimeChangesWhileItRuns(t *testing.T) {
	t.Parallel()
	server := newServer(t, jovepaytest.WithFrozenClock(newHands().Now()))
	before := login(t, server)
	require.NoError(t, server.SetTokenLifetime(2*time.Second))
	require.ErrorIs(t, server.SetTokenLifetime(0), jovepay.ErrInvalidRequest)
	require.EqualError(t, server.SetTokenLifetime(1500*time.Millisecond), "jovepaytest: token lifetime must be whole seconds, got 1.5s")
	after := login(t, server)
	assert.Equal(t, http.StatusOK, list(t, server, after))
	_, err := server.MoveClock(2 * time.Second)
	require.NoError(t, err)
	assert.Equal(t, http.StatusUnauthorized, list(t, server, after))
	assert.Equal(t, http.StatusOK, list(t, server, before), "it keeps its time")
}

func TestSecretsDoNotPrint(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+verb, server, *server)
		fmt.Fprintf(&out, verb, struct{ S *jovepaytest.Server }{server})
		fmt.Fprintf(&out, verb, []jovepaytest.Server{*server})
	}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("server", "server", server, "value", *server)
	}
	text, err := json.Marshal(server)
	require.NoError(t, err)
	out.Write(text)
	assert.Contains(t, out.String(), "jovepaytest.Server("+server.URL+")")

	login(t, server)
	fmt.Fprintf(&out, "%+v", server.Requests())

	printed := out.String()
	for _, secret := range []string{server.APIKey, server.Email, server.Password, server.IPNSecret} {
		require.NotEmpty(t, secret)
		assert.NotContains(t, printed, secret)
		assert.NotContains(t, printed, fmt.Sprintf("%x", secret))
	}
}

func TestCloseEndsWhatHangs(t *testing.T) {
	t.Parallel()
	server, err := jovepaytest.NewServer()
	require.NoError(t, err)
	require.NoError(t, server.Inject(
		jovepaytest.Fault{Path: "/v1/status", Hang: true},
		jovepaytest.Fault{Path: "/v1/currencies", Delay: time.Hour},
		jovepaytest.Fault{Drip: time.Hour},
	))
	var wg sync.WaitGroup
	for _, path := range []string{"/v1/status", "/v1/currencies", "/v1/auth", "/v1/status"} {
		wg.Go(func() {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
			if !assert.NoError(t, err) {
				return
			}
			response, err := http.DefaultClient.Do(r)
			if err == nil {
				_, err = io.ReadAll(response.Body)
				_ = response.Body.Close()
			}
			assert.Error(t, err, path)
		})
	}
	require.Eventually(t, func() bool { return server.Count("", "") == 4 }, 5*time.Second, time.Millisecond)
	server.Close()
	server.Close()
	wg.Wait()
	assert.Len(t, server.Requests(), 4, "what happened can still be read")
}

// A client that continues to send hides from the server that its connection has
// ended.
func TestCloseEndsWhatHangsWithMoreToCome(t *testing.T) {
	t.Parallel()
	server, err := jovepaytest.NewServer()
	require.NoError(t, err)
	require.NoError(t, server.Inject(jovepaytest.Fault{Path: "/v1/status", Hang: true}))
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(server.URL, "http://"))
	require.NoError(t, err)
	_, err = io.WriteString(conn, "GET /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n")
	require.NoError(t, err)
	require.Eventually(t, func() bool { return server.Count("", "") == 1 }, 5*time.Second, time.Millisecond)
	_, err = io.WriteString(conn, "GET")
	require.NoError(t, err)
	login(t, server) // by the end of which the server has seen it
	server.Close()
	require.NoError(t, conn.Close())
}

func TestOptionsReject(t *testing.T) {
	t.Parallel()
	for message, opt := range map[string]jovepaytest.Option{
		"jovepaytest: pages are nil":                                                                    jovepaytest.WithPages(nil),
		`jovepaytest: address "localhost" must be host:port`:                                            jovepaytest.WithAddress("localhost"),
		"jovepaytest: clock must be between the years 1970 and 2999, got 0001-01-01 00:00:00 +0000 UTC": jovepaytest.WithFrozenClock(time.Time{}),
		"jovepaytest: clock is nil":                                                                     jovepaytest.WithClock(nil),
		"jovepaytest: token lifetime must be at least a second, got 0s":                                 jovepaytest.WithTokenLifetime(0),
		"jovepaytest: token lifetime must be whole seconds, got 1.5s":                                   jovepaytest.WithTokenLifetime(1500 * time.Millisecond),
		"jovepaytest: auto-advance interval must be positive, got 0s":                                   jovepaytest.WithAutoAdvance(0),
		"jovepaytest: latency must not be negative, got -1ns":                                           jovepaytest.WithLatency(-1),
		"jovepaytest: number of payments must not be negative, got -1":                                  jovepaytest.WithPayments(-1),
		"jovepaytest: IPN timeout must be positive, got 0s":                                             jovepaytest.WithIPNTimeout(0),
		"jovepaytest: IPN retries must not be negative, got -1, 0s apart":                               jovepaytest.WithIPNRetries(-1, 0),
		"jovepaytest: IPN retries must not be negative, got 1, -1ns apart":                              jovepaytest.WithIPNRetries(1, -1),
	} {
		_, err := jovepaytest.NewServer(opt)
		assert.EqualError(t, err, message)
	}
}

func TestWithPagesOfNone(t *testing.T) {
	t.Parallel()
	_, err := jovepaytest.NewServer(jovepaytest.WithPages(func(*jovepaytest.Server) http.Handler { return nil }))
	require.EqualError(t, err, "jovepaytest: the function of WithPages returned nil")
}

func TestNoOptionDoesNothing(t *testing.T) {
	t.Parallel()
	server := newServer(t, nil, jovepaytest.WithSeed(1), nil)
	assert.NotEqual(t, newServer(t).APIKey, server.APIKey)
}

func TestWithAddress(t *testing.T) {
	t.Parallel()
	for address, host := range map[string]string{
		"localhost:0": "http://127.0.0.1:", "0.0.0.0:0": "http://127.0.0.1:", ":0": "http://127.0.0.1:",
	} {
		server := newServer(t, jovepaytest.WithAddress(address))
		assert.True(t, strings.HasPrefix(server.URL, host), server.URL)
		_, err := newClient(t, server).Status(t.Context())
		require.NoError(t, err, address)
	}
	taken := newServer(t)
	_, err := jovepaytest.NewServer(jovepaytest.WithAddress(strings.TrimPrefix(taken.URL, "http://")))
	require.ErrorContains(t, err, "address already in use")
}

func TestWithPages(t *testing.T) {
	t.Parallel()
	calls := 0
	server := newServer(t, jovepaytest.WithPages(func(s *jovepaytest.Server) http.Handler {
		calls++
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/hang" {
				<-r.Context().Done()
				return
			}
			_, err := io.WriteString(w, "page "+r.URL.Path+" of "+s.URL)
			assert.NoError(t, err)
		})
	}))
	get := func(path string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
		require.NoError(t, err)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			return 0, ""
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		return response.StatusCode, string(body)
	}
	require.NoError(t, server.Inject(jovepaytest.Fault{Path: "/payment/*", Status: 500}))
	for _, path := range []string{"/", "/payment/", "/v1", "/v2/status"} {
		status, body := get(path)
		assert.Equal(t, http.StatusOK, status, path)
		assert.Equal(t, "page "+path+" of "+server.URL, body)
	}
	assert.Zero(t, server.Count("", ""), "they are not requests of the API")
	status, _ := get("/v1/nothing")
	assert.Equal(t, http.StatusNotFound, status)
	assert.Equal(t, 1, calls)

	done := make(chan bool)
	go func() {
		get("/hang")
		close(done)
	}()
	server.Close()
	<-done
}

func TestSameSeedAndClockSameResponses(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) string {
		server := newServer(t, jovepaytest.WithSeed(seed), jovepaytest.WithClock(newHands().Now))
		client := newClient(t, server)
		p := create(t, client)
		_, err := server.Pay(p.ID)
		require.NoError(t, err)
		page, err := client.Payments.List(t.Context(), jovepay.PaymentListOptions{})
		require.NoError(t, err)
		return fmt.Sprint(string(p.Raw), string(page.Raw), server.Requests(), server.APIKey)
	}
	assert.Equal(t, run(3), run(3))
	assert.NotEqual(t, run(3), run(4))
}

// Nor does anything depend on chance that the customer, the network or the
// clock does.
func TestSameSeedAndCallsSameEvents(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) string {
		server := newServer(t, jovepaytest.WithSeed(seed), jovepaytest.WithFrozenClock(newHands().Now()),
			jovepaytest.WithAutoAdvance(time.Minute), jovepaytest.WithWrongAssetProcessing())
		p := create(t, newClient(t, server))
		_, err := server.DepositWrongAsset(p.ID, "sol", jovepay.Amount{})
		require.NoError(t, err)
		w, err := server.Withdraw(jovepaytest.WithdrawalRequest{Currency: "eth", Amount: jovepay.MustAmount("0.1"), Address: "0x1"})
		require.NoError(t, err)
		r, err := server.Recur(jovepaytest.RecurringRequest{Currency: "eth", Amount: jovepay.MustAmount("0.1")})
		require.NoError(t, err)
		_, err = server.MoveClock(time.Hour)
		require.NoError(t, err)
		w, err = server.SetWithdrawalStatus(w.ID, jovepay.WithdrawalFinished)
		require.NoError(t, err)
		_, err = server.Expire(p.ID)
		require.NoError(t, err)
		_, err = server.Deposit(p.ID, jovepay.Amount{})
		require.NoError(t, err)
		all, err := server.Payments()
		require.NoError(t, err)
		require.Len(t, all, 3)
		_, err = server.Refund(all[2].ID)
		require.NoError(t, err)
		text := string(w.Raw) + string(r.Raw)
		for _, p := range all {
			text += string(p.Raw)
		}
		return text
	}
	assert.Equal(t, run(3), run(3))
	assert.NotEqual(t, run(3), run(4))
}

func TestWithPayments(t *testing.T) {
	t.Parallel()
	server := newServer(t, jovepaytest.WithPayments(1234))
	page, err := newClient(t, server).Payments.List(t.Context(), jovepay.PaymentListOptions{Limit: 500, Page: 2})
	require.NoError(t, err)
	assert.Len(t, page.Payments, 234)
	assert.Equal(t, 1234, page.Total)
	assert.Equal(t, 3, page.PagesCount)
}

func TestWithLatency(t *testing.T) {
	t.Parallel()
	server := newServer(t, jovepaytest.WithLatency(20*time.Millisecond))
	start := time.Now()
	_, err := newClient(t, server).Status(t.Context())
	require.NoError(t, err)
	assert.GreaterOrEqual(t, time.Since(start), 20*time.Millisecond)
}

// under asks a server under another name, and returns status and body.
func under(t *testing.T, server *jovepaytest.Server, host, path string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
	require.NoError(t, err)
	r.Host = host
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(r)
	require.NoError(t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode, string(body)
}

// The key is well known, so a name that a web page makes lead here must not
// reach anything that asks for it.
func TestOtherNamesAreRejected(t *testing.T) {
	t.Parallel()
	pages := jovepaytest.WithPages(func(*jovepaytest.Server) http.Handler {
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	})
	for name, server := range map[string]*jovepaytest.Server{
		"loopback":      newServer(t, pages),
		"all addresses": newServer(t, pages, jovepaytest.WithAddress(":0")),
		"other names":   newServer(t, pages, jovepaytest.WithHost("shop.example")),
	} {
		address, err := url.Parse(server.URL)
		require.NoError(t, err)
		for _, path := range []string{"/v1/status", "/payment/?pid=1", "/sandbox/v1/account"} {
			for _, host := range []string{"evil.example", "evil.example:" + address.Port(), "localhost.evil.example"} {
				status, body := under(t, server, host, path)
				assert.Equal(t, http.StatusForbidden, status, "%s: %s%s", name, host, path)
				assert.Contains(t, body, `"code":"FORBIDDEN"`)
			}
			for _, host := range []string{"localhost", "127.0.0.1", "[::1]"} {
				status, body := under(t, server, host+":"+address.Port(), path)
				assert.Equal(t, http.StatusOK, status, "%s: %s%s: %s", name, host, path, body)
			}
		}
	}
}

func TestWithHost(t *testing.T) {
	t.Parallel()
	server := newServer(t, jovepaytest.WithHost("given.example"), jovepaytest.WithHost("box", "host.docker.internal"))
	for host, want := range map[string]int{
		"box": 200, "host.docker.internal:4010": 200, "Host.Docker.Internal": 200, "127.0.0.1": 200,
		"given.example": 403, "a.box": 403, "evil.example": 403,
	} {
		status, body := under(t, server, host, "/v1/status")
		assert.Equal(t, want, status, "%s: %s", host, body)
	}
	assert.Equal(t, 4, server.Count("", ""), "what is rejected is not in the journal")
	for _, name := range []string{"", "box:4010", "http://box", "[::1]", "a b", "box/"} {
		_, err := jovepaytest.NewServer(jovepaytest.WithHost("fine", name))
		require.ErrorContains(t, err, "must be a name without a port", name)
	}
}
