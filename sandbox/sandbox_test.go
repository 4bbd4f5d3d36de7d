package sandbox_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
	"github.com/jovepay/jovepay-go/sandbox"
)

func newSandbox(t *testing.T, opts ...jovepaytest.Option) *sandbox.Sandbox {
	t.Helper()
	s, err := sandbox.New(sandbox.WithServer(opts...))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}

// browser is an HTTP client that leaves no connection behind.
func browser(t *testing.T) *http.Client {
	t.Helper()
	client := &http.Client{Transport: new(http.Transport)}
	t.Cleanup(client.CloseIdleConnections)
	return client
}

func TestOtherSitesStayOut(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	client := browser(t)
	port := s.URL[strings.LastIndex(s.URL, ":"):]
	for name, c := range map[string]struct {
		method, host string
		header       http.Header
		allowed      bool
	}{
		"curl":                       {"POST", "", nil, true},
		"localhost":                  {"POST", "localhost" + port, nil, true},
		"no port":                    {"POST", "127.0.0.1", nil, true},
		"another loopback address":   {"POST", "127.9.8.7:80", nil, true},
		"IPv6":                       {"POST", "[::1]" + port, nil, true},
		"IPv6, no port":              {"POST", "[::1]", nil, true},
		"a rebound name":             {"POST", "evil.example" + port, nil, false},
		"a rebound name, only read":  {"GET", "evil.example", nil, false},
		"a name that looks like one": {"POST", "127.0.0.1.evil.example", nil, false},
		"a subdomain":                {"POST", "localhost.evil.example", nil, false},
		"another machine":            {"POST", "192.0.2.1" + port, nil, false},
		"the page itself":            {"POST", "", http.Header{"Sec-Fetch-Site": {"same-origin"}}, true},
		"the address bar":            {"GET", "", http.Header{"Sec-Fetch-Site": {"none"}}, true},
		"a link of a shop":           {"GET", "", http.Header{"Sec-Fetch-Site": {"cross-site"}}, true},
		"another site":               {"POST", "", http.Header{"Sec-Fetch-Site": {"cross-site"}}, false},
		"another port":               {"POST", "", http.Header{"Sec-Fetch-Site": {"same-site"}}, false},
		"another origin":             {"POST", "", http.Header{"Origin": {"http://evil.example"}}, false},
		"no origin":                  {"POST", "", http.Header{"Origin": {"null"}}, false},
		"its own origin":             {"POST", "", http.Header{"Origin": {s.URL}}, true},
	} {
		for _, path := range []string{"/sandbox/v1/clock", "/payment/act", "/nowhere"} {
			req, err := http.NewRequestWithContext(t.Context(), c.method, s.URL+path, nil)
			require.NoError(t, err)
			req.Host = c.host
			if c.header != nil {
				req.Header = c.header
			}
			resp, err := client.Do(req)
			require.NoError(t, err)
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			assert.Equal(t, c.allowed, resp.StatusCode != http.StatusForbidden, "%s: %s: %s", name, path, body)
			if !c.allowed {
				assert.Contains(t, string(body), `"code":"FORBIDDEN"`)
			}
			assert.Empty(t, resp.Header.Get("Access-Control-Allow-Origin"))
		}
	}
}

// A name that the user allows is for JovePay's API, which wants its key.
func TestFurtherNames(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, jovepaytest.WithHost("box.example"))
	for path, want := range map[string]int{
		"/v1/status": http.StatusOK, "/sandbox/v1/account": http.StatusForbidden, "/": http.StatusForbidden,
	} {
		for host, want := range map[string]int{"box.example": want, "evil.example": http.StatusForbidden, "localhost": http.StatusOK} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
			require.NoError(t, err)
			req.Host = host
			resp, err := browser(t).Do(req)
			require.NoError(t, err)
			assert.Equal(t, want, resp.StatusCode, "%s%s", host, path)
			require.NoError(t, resp.Body.Close())
		}
	}
}

func TestNewRejects(t *testing.T) {
	t.Parallel()
	_, err := sandbox.New(sandbox.WithStateFile(""))
	assert.ErrorContains(t, err, "sandbox: state file has no name")
	_, err = sandbox.New(sandbox.WithServer(jovepaytest.WithAddress("no address")))
	assert.ErrorContains(t, err, "address")

	// What was opened is closed again, and the pages stay the sandbox's.
	path := t.TempDir() + "/state.db"
	first := newSandbox(t)
	_, err = sandbox.New(sandbox.WithStateFile(path), sandbox.WithServer(jovepaytest.WithAddress(strings.TrimPrefix(first.URL, "http://"))))
	require.Error(t, err)
	second, err := sandbox.New(sandbox.WithStateFile(path), nil, sandbox.WithServer(jovepaytest.WithPages(func(*jovepaytest.Server) http.Handler {
		return http.NotFoundHandler()
	})))
	require.NoError(t, err)
	resp, err := browser(t).Get(second.URL + "/")
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	require.NoError(t, resp.Body.Close())
	require.NoError(t, second.Close())
}

// The API itself is as it was, and the invoice leads to the page.
func TestInvoiceURL(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	client, err := s.Client()
	require.NoError(t, err)
	invoice, err := client.Invoices.Create(t.Context(), jovepay.InvoiceRequest{
		PriceAmount: jovepay.MustAmount("20"), PriceCurrency: "eur", OrderDescription: "A chair",
	})
	require.NoError(t, err)
	resp, err := browser(t).Get(invoice.URL)
	require.NoError(t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Contains(t, string(body), "A chair")
	assert.Contains(t, string(body), "20.00 EUR")
}

// A login lasts as long as was said when it was made. It is made by hand, since
// the client goes by its own clock.
func TestControlTokenLifetime(t *testing.T) {
	t.Parallel()
	c := newCaller(t, jovepaytest.WithFrozenClock(time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)))
	ask := func(method, path, body, token string, target any) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, c.URL+path, strings.NewReader(body))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Api-Key", c.APIKey)
		r.Header.Set("Authorization", "Bearer "+token)
		response, err := c.http.Do(r)
		require.NoError(t, err)
		defer response.Body.Close()
		require.NoError(t, json.UnmarshalRead(response.Body, target))
		return response.StatusCode
	}
	login := func() string {
		t.Helper()
		var got struct {
			Token string `json:"token"`
		}
		body := `{"email":"` + c.Email + `","password":"` + c.Password + `"}`
		ask("POST", "/v1/auth", body, "", &got)
		require.NotEmpty(t, got.Token)
		return got.Token
	}
	list := func(token string) int {
		t.Helper()
		var got any
		return ask("GET", "/v1/payment", "", token, &got)
	}
	usual := login()
	c.must("PUT", "token-lifetime", `{"lifetime":"1s"}`, nil)
	short := login()
	assert.Equal(t, http.StatusOK, list(short))
	_, err := c.MoveClock(time.Second)
	require.NoError(t, err)
	assert.Equal(t, http.StatusUnauthorized, list(short))
	assert.Equal(t, http.StatusOK, list(usual), "it keeps its time")
}
