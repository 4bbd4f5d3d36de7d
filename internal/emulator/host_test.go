package emulator_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/jovepay/jovepay-go/internal/emulator"
)

func TestLocal(t *testing.T) {
	t.Parallel()
	handler := emulator.Local(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	}), []string{"Box.Example"})
	for _, to := range []net.Addr{
		nil, // not known
		&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4010},
		&net.TCPAddr{IP: net.IPv4(127, 0, 1, 1), Port: 4010},
		&net.TCPAddr{IP: net.IPv6loopback, Port: 4010},
		&net.UnixAddr{Name: "socket"},
		&net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 4010},
	} {
		tcp, _ := to.(*net.TCPAddr)
		network := tcp != nil && !tcp.IP.IsLoopback()
		for host, local := range map[string]bool{
			"localhost": true, "LocalHost:4010": true, "127.0.0.1": true, "127.9.8.7:80": true,
			"[::1]": true, "[::1]:4010": true, "::1": true, "box.example": true, "BOX.EXAMPLE:4010": true,
			"": false, "evil.example": false, "evil.example:4010": false, "localhost.evil.example": false,
			"127.0.0.1.evil.example": false, "evil.box.example": false, "192.0.2.7:4010": false, "0.0.0.0": false,
			"[::]": false, "2130706433": false, "[127.0.0.1": false, "localhost:4010:4010": false,
		} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/status", nil)
			r.Host = host
			if to != nil {
				r = r.WithContext(context.WithValue(t.Context(), http.LocalAddrContextKey, to))
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if local || network {
				assert.Equal(t, http.StatusNoContent, w.Code, "%q to %v", host, to)
				continue
			}
			assert.Equal(t, http.StatusForbidden, w.Code, "%q to %v", host, to)
			assert.JSONEq(t, `{"status":false,"statusCode":403,"code":"FORBIDDEN","message":"this server accepts requests for `+
				`localhost, 127.0.0.1, [::1] and the hosts of its option WithHost"}`, w.Body.String())
		}
	}
}
