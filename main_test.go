package jovepay_test

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/jovepay/jovepay-go"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// Values that no test may find in anything printed.
const (
	apiKey   = "KEY-6f1d2c9b"
	email    = "shop@example.com"
	password = "Pa55 \"w\\rd\" <&> 9c41"
)

// quickly is a retry policy that does not hold tests up.
var quickly = jovepay.WithRetry(jovepay.RetryPolicy{BaseDelay: time.Microsecond, MaxRetryAfter: time.Microsecond})

// newClient returns a client with a key for the given address. It has
// connections of its own, which end with the test.
func newClient(tb testing.TB, address string, opts ...jovepay.Option) *jovepay.Client {
	tb.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	tb.Cleanup(transport.CloseIdleConnections)
	defaults := []jovepay.Option{
		jovepay.WithBaseURL(address),
		jovepay.WithAPIKey(apiKey),
		jovepay.WithHTTPClient(&http.Client{Transport: transport}),
		quickly,
	}
	client, err := jovepay.NewClient(append(defaults, opts...)...)
	require.NoError(tb, err)
	return client
}

// serve answers every request with handler until the test ends, and returns
// the address.
func serve(tb testing.TB, handler http.HandlerFunc) string {
	tb.Helper()
	server := httptest.NewServer(handler)
	tb.Cleanup(server.Close)
	return server.URL
}

// listen hands every connection to handle, one after the other, closes it, and
// returns the address. It ends with the test.
func listen(t *testing.T, handle func(*net.TCPConn)) string {
	t.Helper()
	return acceptEach(t, func(conn *net.TCPConn) {
		handle(conn)
		_ = conn.Close()
	})
}

// listenAll is listen for connections that are open at the same time. They end
// with the test.
func listenAll(t *testing.T, handle func(*net.TCPConn)) string {
	t.Helper()
	var running sync.WaitGroup
	t.Cleanup(running.Wait)
	return acceptEach(t, func(conn *net.TCPConn) {
		t.Cleanup(func() { _ = conn.Close() })
		running.Go(func() {
			handle(conn)
			_ = conn.Close()
		})
	})
}

func acceptEach(t *testing.T, take func(*net.TCPConn)) string {
	t.Helper()
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.AcceptTCP()
			if err != nil {
				return
			}
			take(conn)
		}
	}()
	t.Cleanup(func() { _ = listener.Close(); <-done })
	return listener.Addr().String()
}

// answering returns a client whose every request gets the same answer.
func answering(tb testing.TB, status int, body string, opts ...jovepay.Option) *jovepay.Client {
	tb.Helper()
	return responding(tb, httpmock.NewStringResponder(status, body), opts...)
}

// responding returns a client whose every request goes to responder.
func responding(tb testing.TB, responder httpmock.Responder, opts ...jovepay.Option) *jovepay.Client {
	tb.Helper()
	mock := httpmock.NewMockTransport()
	mock.RegisterNoResponder(responder)
	return newClient(tb, jovepay.DefaultBaseURL, append([]jovepay.Option{jovepay.WithHTTPClient(&http.Client{Transport: mock})}, opts...)...)
}

// goods is what tests ask customers to pay for.
func goods(orderID string) jovepay.PaymentRequest {
	return jovepay.PaymentRequest{
		PriceAmount:   jovepay.MustAmount("49.90"),
		PriceCurrency: "usd",
		PayCurrency:   "btc",
		OrderID:       orderID,
	}
}

func plainResponse(status int, body string) *http.Response {
	return httpmock.NewStringResponse(status, body)
}

// canned is an answer, or none where err is set.
type canned struct {
	status int
	body   string
	header http.Header
	err    error
}

func (c canned) response() (*http.Response, error) {
	if c.err != nil {
		return nil, c.err
	}
	res := plainResponse(c.status, c.body)
	if c.header != nil {
		res.Header = c.header.Clone()
	}
	return res, nil
}

// roundTripper is a server in this process, for fake time.
type roundTripper func(*http.Request) (*http.Response, error)

func (rt roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return rt(r) }

// token returns a JWT as JovePay's login gives, which lasts for an hour.
func token() string {
	now := time.Now().Unix()
	claims := fmt.Sprintf(`{"id":"%d","iat":%d,"exp":%d}`, rand.Uint64(), now, now+3600)
	return "eyJhbGciOiJIUzI1NiJ9." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2lnbmF0dXJl"
}
