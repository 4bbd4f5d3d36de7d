package jovepaytest_test

import (
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/jovepaytest"
)

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
func TestOtherNamesAreRefused(t *testing.T) {
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
