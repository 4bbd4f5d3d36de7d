package sandbox

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
)

// A Host header is whatever the caller writes; where a connection came to is
// not.
func TestOtherMachinesStayOut(t *testing.T) {
	t.Parallel()
	handler := guard(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	}))
	for name, c := range map[string]struct {
		to      net.Addr
		allowed bool
	}{
		"loopback":         {&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4010}, true},
		"another loopback": {&net.TCPAddr{IP: net.IPv4(127, 0, 1, 1), Port: 4010}, true},
		"IPv6 loopback":    {&net.TCPAddr{IP: net.IPv6loopback, Port: 4010}, true},
		"a network":        {&net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 4010}, false},
		"an IPv6 network":  {&net.TCPAddr{IP: net.ParseIP("2001:db8::7"), Port: 4010}, false},
		"the link":         {&net.TCPAddr{IP: net.ParseIP("fe80::7"), Zone: "eth0", Port: 4010}, false},
		"not known":        {nil, false},
	} {
		for _, host := range []string{"localhost:4010", "127.0.0.1", "[::1]:4010"} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/sandbox/v1/account", nil)
			if c.to != nil {
				r = r.WithContext(context.WithValue(t.Context(), http.LocalAddrContextKey, c.to))
			}
			r.Host = host
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			assert.Equal(t, c.allowed, w.Code == http.StatusNoContent, "%s: %s: %d", name, host, w.Code)
			if !c.allowed {
				assert.Equal(t, http.StatusForbidden, w.Code)
				assert.Contains(t, w.Body.String(), `"code":"FORBIDDEN"`)
			}
		}
	}
}
