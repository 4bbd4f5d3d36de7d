package jovepay_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

var updateFaults = flag.Bool("update-faults", false, "write docs/faults.md from the table in faults_test.go")

// outcome is what becomes of a call when something goes wrong.
type outcome struct {
	always int    // requests that the server saw, if it goes wrong each time
	once   int    // and if it goes wrong the first time only
	err    string // what the caller gets in the end, if it goes wrong each time
}

// recovers reports whether the call succeeds after all if it goes wrong the
// first time only.
func (o outcome) recovers() bool { return o.always != 1 }

// faultTable is the table of docs/faults.md. Create is tested with faults that
// strike after the payment was made, where a fault can. A zero outcome is not
// in the document.
var faultTable = []struct {
	name               string
	fault              jovepaytest.Fault // none: the server is not reached
	http2              *http2Fault       // instead, for a server of HTTP/2
	get, login, create outcome
}{
	{
		name:   "connection refused",
		get:    outcome{0, 1, "TransportError"},
		login:  outcome{0, 1, "TransportError"},
		create: outcome{0, 1, "TransportError"},
	},
	{
		name:   "TLS handshake fails",
		get:    outcome{0, 1, "TransportError"},
		login:  outcome{0, 1, "TransportError"},
		create: outcome{0, 1, "TransportError"},
	},
	{
		name:   "connection cut before any effect",
		fault:  jovepaytest.Fault{Cut: true},
		get:    outcome{4, 2, "TransportError"},
		login:  outcome{4, 2, "TransportError"},
		create: outcome{1, 1, "TransportError, ErrOutcomeUnknown"},
	},
	{
		name:   "connection cut after the effect",
		fault:  jovepaytest.Fault{Cut: true, AfterEffect: true},
		get:    outcome{4, 2, "TransportError"},
		login:  outcome{4, 2, "TransportError"},
		create: outcome{1, 1, "TransportError, ErrOutcomeUnknown"},
	},
	{
		name:   "no answer in time",
		fault:  jovepaytest.Fault{Hang: true, AfterEffect: true},
		get:    outcome{4, 2, "TransportError, context.DeadlineExceeded"},
		login:  outcome{4, 2, "TransportError, context.DeadlineExceeded"},
		create: outcome{1, 1, "TransportError, context.DeadlineExceeded, ErrOutcomeUnknown"},
	},
	{
		name:   "401",
		fault:  jovepaytest.Fault{Status: 401},
		get:    outcome{2, 2, "APIError, ErrUnauthorized"},
		login:  outcome{1, 1, "APIError, ErrUnauthorized"},
		create: outcome{2, 2, "APIError, ErrUnauthorized"},
	},
	{
		name:   "403",
		fault:  jovepaytest.Fault{Status: 403},
		get:    outcome{1, 1, "APIError, ErrForbidden"},
		login:  outcome{1, 1, "APIError, ErrForbidden"},
		create: outcome{1, 1, "APIError, ErrForbidden"},
	},
	{
		name:   "404",
		fault:  jovepaytest.Fault{Status: 404},
		get:    outcome{1, 1, "APIError, ErrNotFound"},
		login:  outcome{1, 1, "APIError, ErrNotFound"},
		create: outcome{1, 1, "APIError, ErrNotFound"},
	},
	{
		name:   "408",
		fault:  jovepaytest.Fault{Status: 408, AfterEffect: true},
		get:    outcome{4, 2, "APIError"},
		login:  outcome{4, 2, "APIError"},
		create: outcome{1, 1, "APIError, ErrOutcomeUnknown"},
	},
	{
		name:   "429 with Retry-After",
		fault:  jovepaytest.Fault{Status: 429, Header: http.Header{"Retry-After": {"1"}}},
		get:    outcome{4, 2, "APIError, ErrRateLimited"},
		login:  outcome{4, 2, "APIError, ErrRateLimited"},
		create: outcome{4, 2, "APIError, ErrRateLimited"},
	},
	{
		name:   "429 without Retry-After",
		fault:  jovepaytest.Fault{Status: 429},
		get:    outcome{4, 2, "APIError, ErrRateLimited"},
		login:  outcome{4, 2, "APIError, ErrRateLimited"},
		create: outcome{4, 2, "APIError, ErrRateLimited"},
	},
	{
		name:   "500",
		fault:  jovepaytest.Fault{Status: 500, AfterEffect: true},
		get:    outcome{4, 2, "APIError, ErrServer"},
		login:  outcome{4, 2, "APIError, ErrServer"},
		create: outcome{1, 1, "APIError, ErrServer, ErrOutcomeUnknown"},
	},
	{
		name:   "502 with a page of HTML",
		fault:  jovepaytest.Fault{Status: 502, Body: jovepaytest.BadGatewayPage, AfterEffect: true},
		get:    outcome{4, 2, "APIError, ErrServer"},
		login:  outcome{4, 2, "APIError, ErrServer"},
		create: outcome{1, 1, "APIError, ErrServer, ErrOutcomeUnknown"},
	},
	{
		name:   "503",
		fault:  jovepaytest.Fault{Status: 503, AfterEffect: true},
		get:    outcome{4, 2, "APIError, ErrServer"},
		login:  outcome{4, 2, "APIError, ErrServer"},
		create: outcome{1, 1, "APIError, ErrServer, ErrOutcomeUnknown"},
	},
	{
		name:   "200 with garbage",
		fault:  jovepaytest.Fault{Status: 200, Body: "garbage", AfterEffect: true},
		get:    outcome{1, 1, "APIError"},
		login:  outcome{1, 1, "APIError"},
		create: outcome{1, 1, "APIError, ErrOutcomeUnknown"},
	},
	{
		name:   "200 about another payment",
		fault:  jovepaytest.Fault{Status: 200, Body: `{"payment_id":1,"order_id":"another"}`, AfterEffect: true},
		get:    outcome{1, 1, "APIError"},
		login:  outcome{1, 1, "APIError"},
		create: outcome{1, 1, "APIError, ErrOutcomeUnknown"},
	},
	{
		name:   "success, truncated",
		fault:  jovepaytest.Fault{Truncate: 10},
		get:    outcome{4, 2, "TransportError"},
		login:  outcome{4, 2, "TransportError"},
		create: outcome{1, 1, "APIError, ErrOutcomeUnknown"},
	},
	{
		name:   "success, too slow",
		fault:  jovepaytest.Fault{Drip: 100 * time.Millisecond},
		get:    outcome{4, 2, "TransportError, context.DeadlineExceeded"},
		login:  outcome{4, 2, "TransportError, context.DeadlineExceeded"},
		create: outcome{1, 1, "APIError, context.DeadlineExceeded, ErrOutcomeUnknown"},
	},
	{
		name:   "redirect to another host",
		fault:  jovepaytest.Fault{Status: 307, Header: http.Header{"Location": {elsewhere}}, AfterEffect: true},
		get:    outcome{1, 1, "APIError"},
		login:  outcome{1, 1, "APIError"},
		create: outcome{1, 1, "APIError, ErrOutcomeUnknown"},
	},
	{
		name:   "success, body over the limit",
		fault:  jovepaytest.Fault{Size: 1 << 20},
		get:    outcome{1, 1, "APIError"},
		login:  outcome{1, 1, "APIError"},
		create: outcome{1, 1, "APIError, ErrOutcomeUnknown"},
	},
	{
		name:   "HTTP/2: stream reset",
		http2:  &http2Fault{code: resetCode("INTERNAL_ERROR")},
		get:    outcome{4, 2, "TransportError"},
		login:  outcome{4, 2, "TransportError"},
		create: outcome{1, 1, "TransportError, ErrOutcomeUnknown"},
	},
	{
		name:   "HTTP/2: stream reset, with a part of the request unread",
		http2:  &http2Fault{code: resetCode("CANCEL"), early: true},
		get:    outcome{4, 2, "TransportError"},
		login:  outcome{4, 2, "TransportError"},
		create: outcome{1, 1, "TransportError, ErrOutcomeUnknown"},
	},
	{
		name:   "HTTP/2: stream refused (REFUSED_STREAM)",
		http2:  &http2Fault{code: resetCode("REFUSED_STREAM")},
		create: outcome{1, 1, "TransportError, ErrOutcomeUnknown"},
	},
	{
		name:   "HTTP/2: stream reset with PROTOCOL_ERROR",
		http2:  &http2Fault{code: resetCode("PROTOCOL_ERROR")},
		create: outcome{1, 1, "TransportError, ErrOutcomeUnknown"},
	},
	{
		name:   "HTTP/2: GOAWAY that disowns the request",
		http2:  &http2Fault{goAway: true, behind: 2},
		create: outcome{1, 1, "TransportError, ErrOutcomeUnknown"},
	},
	{
		name:   "HTTP/2: GOAWAY, and the connection ends",
		http2:  &http2Fault{goAway: true},
		get:    outcome{4, 2, "TransportError"},
		login:  outcome{4, 2, "TransportError"},
		create: outcome{1, 1, "TransportError, ErrOutcomeUnknown"},
	},
}

// elsewhere stands for the address of another host.
const elsewhere = "http://elsewhere.example/"

func TestFaults(t *testing.T) {
	t.Parallel()
	var strayed atomic.Int32
	other := serve(t, func(http.ResponseWriter, *http.Request) { strayed.Add(1) })
	t.Cleanup(func() { assert.Zero(t, strayed.Load(), "another host was asked") })

	for _, row := range faultTable {
		if row.fault.Header.Get("Location") == elsewhere {
			row.fault.Header = http.Header{"Location": {other}}
		}
		for name, want := range map[string]outcome{"get": row.get, "login": row.login, "create": row.create} {
			if row.http2 != nil {
				testHTTP2Fault(t, row.name, name, *row.http2, want)
				continue
			}
			for _, once := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/once=%t", row.name, name, once), func(t *testing.T) {
					t.Parallel()
					f := newFaulty(t, row.name, once)
					got := f.call(t, name, row.fault)
					recovers := once && want.recovers()
					payments := 0
					if name == "create" && (recovers || row.fault.AfterEffect || row.fault.Truncate > 0 || row.fault.Size > 0 || row.fault.Drip > 0) {
						payments = 1
					}
					assert.Equal(t, payments, got.payments, "payments")
					if name != "login" && row.name != "401" {
						assert.Zero(t, got.logins, "a login was of no use")
					} else if name != "login" {
						assert.Equal(t, 1, got.logins, "a 401 makes one login")
					}
					if f.unreachable {
						assert.EqualValues(t, map[bool]int{true: 2, false: 4}[once], f.dials.Load(), "attempts to connect")
					}
					if once {
						assert.Equal(t, want.once, got.requests, "requests")
					} else {
						assert.Equal(t, want.always, got.requests, "requests")
					}
					if recovers {
						require.NoError(t, got.err, "the next attempt succeeds")
						return
					}
					require.Error(t, got.err)
					assert.Equal(t, want.err, kindOf(got.err))
					assertOneLine(t, got.err)
				})
			}
		}
	}
}

// testHTTP2Fault makes one call to a server of HTTP/2 that strikes each time,
// and one to a server that strikes the first time only.
func testHTTP2Fault(t *testing.T, row, name string, fault http2Fault, want outcome) {
	t.Helper()
	if want == (outcome{}) {
		return
	}
	for _, once := range []bool{false, true} {
		t.Run(fmt.Sprintf("%s/%s/once=%t", row, name, once), func(t *testing.T) {
			t.Parallel()
			server := &rawHTTP2{fault: fault, once: once}
			address, transport := server.start(t)
			client := newClient(t, address, jovepay.WithHTTPClient(&http.Client{Transport: transport}), jovepay.WithCredentials(email, password))
			err := map[string]func() error{
				"get":    getting(t, client),
				"login":  func() error { _, err := client.Authenticate(t.Context()); return err },
				"create": func() error { _, err := client.Payments.Create(t.Context(), goods("1")); return err },
			}[name]()
			if once && want.recovers() {
				require.NoError(t, err)
				assert.EqualValues(t, want.once, server.requests.Load())
				return
			}
			assert.Equal(t, want.err, kindOf(err))
			assertOneLine(t, err)
			assert.EqualValues(t, want.always, server.requests.Load())
		})
	}
}

// faulty is a server with a client that may not reach it.
type faulty struct {
	server      *jovepaytest.Server
	client      *jovepay.Client
	once        bool
	unreachable bool
	dials       atomic.Int32
}

// result is what a call led to.
type result struct {
	requests int // of its kind that the server saw
	payments int // that it made
	logins   int
	err      error
}

func newFaulty(t *testing.T, name string, once bool) *faulty {
	t.Helper()
	server := newServer(t)
	base, err := url.Parse(server.URL)
	require.NoError(t, err)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	address := server.URL
	wrong := ""
	switch name {
	case "connection refused":
		wrong = closedPort(t)
	case "TLS handshake fails":
		front := startTLS(t, httputil.NewSingleHostReverseProxy(base))
		address = front.URL
		transport.TLSClientConfig = front.Client().Transport.(*http.Transport).TLSClientConfig
		wrong = listen(t, func(*net.TCPConn) {}) // hangs up on everyone
	}
	f := &faulty{server: server, once: once, unreachable: wrong != ""}
	transport.DialContext = func(ctx context.Context, network, to string) (net.Conn, error) {
		if f.dials.Add(1) == 1 && f.unreachable || f.unreachable && !once {
			to = wrong
		}
		return new(net.Dialer).DialContext(ctx, network, to)
	}
	opts := []jovepay.Option{
		jovepay.WithBaseURL(address), jovepay.WithAPIKey(server.APIKey), jovepay.WithCredentials(server.Email, server.Password),
		jovepay.WithHTTPClient(&http.Client{Transport: transport}), jovepay.WithMaxResponseBytes(1 << 16), quickly,
	}
	if name == "no answer in time" || name == "success, too slow" {
		opts = append(opts, jovepay.WithTimeout(500*time.Millisecond))
	}
	f.client, err = jovepay.NewClient(opts...)
	require.NoError(t, err)
	return f
}

// call makes one call while the fault is on.
func (f *faulty) call(t *testing.T, name string, fault jovepaytest.Fault) result {
	t.Helper()
	earlier := 0
	var act func(context.Context) error
	switch name {
	case "get":
		id := createAt(t, f.server)
		earlier = 1
		fault.Method, fault.Path = "GET", "/v1/payment/*"
		act = func(ctx context.Context) error { _, err := f.client.Payments.Get(ctx, id); return err }
	case "login":
		fault.Method, fault.Path = "POST", "/v1/auth"
		act = func(ctx context.Context) error { _, err := f.client.Authenticate(ctx); return err }
	case "create":
		fault.Method, fault.Path = "POST", "/v1/payment"
		act = func(ctx context.Context) error { _, err := f.client.Payments.Create(ctx, goods("1")); return err }
	}
	if !f.unreachable {
		if f.once {
			fault.Times = 1
		}
		require.NoError(t, f.server.Inject(fault))
	}
	err := act(t.Context())
	all, listErr := f.server.Payments()
	require.NoError(t, listErr)
	return result{
		requests: f.server.Count(fault.Method, fault.Path),
		payments: len(all) - earlier,
		logins:   f.server.Count("POST", "/v1/auth"),
		err:      err,
	}
}

// newServer starts an emulator that ends with the test.
func newServer(tb testing.TB, opts ...jovepaytest.Option) *jovepaytest.Server {
	tb.Helper()
	server, err := jovepaytest.NewServer(opts...)
	require.NoError(tb, err)
	tb.Cleanup(server.Close)
	return server
}

// createAt makes a payment with another client than the one under test.
func createAt(tb testing.TB, server *jovepaytest.Server) jovepay.ID {
	tb.Helper()
	payment, err := newClient(tb, server.URL, jovepay.WithAPIKey(server.APIKey)).Payments.Create(tb.Context(), goods("earlier"))
	require.NoError(tb, err)
	return payment.ID
}

// closedPort returns an address where nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return listener.Addr().String()
}

func startTLS(t *testing.T, handler http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewTLSServer(handler)
	t.Cleanup(func() {
		server.Client().CloseIdleConnections()
		server.Close()
	})
	return server
}

// kindOf names what errors.Is and errors.As find in err.
func kindOf(err error) string {
	var found []string
	add := func(ok bool, name string) {
		if ok {
			found = append(found, name)
		}
	}
	add(errors.As(err, new(*jovepay.APIError)), "APIError")
	add(errors.As(err, new(*jovepay.TransportError)), "TransportError")
	add(errors.As(err, new(*jovepay.ValidationError)), "ValidationError")
	add(errors.Is(err, context.DeadlineExceeded), "context.DeadlineExceeded")
	for i, name := range []string{"ErrInvalidRequest", "ErrUnauthorized", "ErrForbidden", "ErrNotFound", "ErrRateLimited", "ErrServer", "ErrOutcomeUnknown"} {
		add(errors.Is(err, sentinels[i]), name)
	}
	return strings.Join(found, ", ")
}

// The page is written by hand down to the mark, by this test below it.
func TestFaultsAreDocumented(t *testing.T) {
	t.Parallel()
	const file, mark = "docs/faults.md", "<!-- the tables below are written by go test -run TestFaultsAreDocumented -update-faults -->\n"
	page, err := os.ReadFile(file)
	require.NoError(t, err)
	head, _, ok := strings.Cut(string(page), mark)
	require.True(t, ok, "%s has no mark", file)
	want := head + mark + faultPage()
	if *updateFaults {
		require.NoError(t, os.WriteFile(file, []byte(want), 0o644))
		return
	}
	assert.Equal(t, want, string(page), "%s and faultTable differ", file)
}

func faultPage() string {
	var b strings.Builder
	for i, call := range []string{"A GET", "The login", "A request that creates"} {
		fmt.Fprintf(&b, "\n## %s\n\n"+
			"| What goes wrong | Each time: requests | the caller gets | First time only: requests | the caller gets |\n"+
			"| --- | --- | --- | --- | --- |\n", call)
		for _, row := range faultTable {
			o := [...]outcome{row.get, row.login, row.create}[i]
			if o == (outcome{}) {
				continue
			}
			then := "the same"
			if o.recovers() {
				then = "the answer"
			}
			fmt.Fprintf(&b, "| %s | %d | `%s` | %d | %s |\n", row.name, o.always, strings.ReplaceAll(o.err, ", ", "`, `"), o.once, then)
		}
	}
	b.WriteString(liesPage())
	return b.String() + oncePage()
}
