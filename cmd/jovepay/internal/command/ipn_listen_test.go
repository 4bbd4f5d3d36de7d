package command

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/output"
)

// compressingShop compresses its response if the client accepts gzip, claims
// brotli at /unasked in any case, and asks for a retry.
func compressingShop(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	w.Header().Set("Retry-After", "120")
	compressed := strings.Contains(r.Header.Get("Accept-Encoding"), "gzip")
	if compressed {
		w.Header().Set("Content-Encoding", "gzip")
	}
	if r.URL.Path == "/unasked" {
		w.Header().Set("Content-Encoding", "br")
	}
	w.WriteHeader(http.StatusServiceUnavailable)
	if !compressed {
		_, _ = io.WriteString(w, "closed")
		return
	}
	z := gzip.NewWriter(w)
	_, _ = io.WriteString(z, "closed")
	_ = z.Close()
}

func TestForwardReturnsTheShopsResponse(t *testing.T) {
	t.Parallel()
	shop := httptest.NewServer(http.HandlerFunc(compressingShop))
	defer shop.Close()
	verifier, err := jovepay.NewIPNVerifier("a-secret-of-this-test")
	require.NoError(t, err)
	for asked, unasked := range map[string]bool{"": false, "gzip": false, "identity": false, "deflate": true} {
		path, encoding := "/", ""
		if unasked {
			path, encoding = "/unasked", "br"
		}
		var out bytes.Buffer
		r := &receiver{
			cli:           &cli{print: &output.Printer{Out: &out, JSON: true}},
			listenOptions: &listenOptions{path: "/ipn", forward: shop.URL + path},
			verifier:      verifier, stop: func() {}, seen: map[string]bool{},
		}
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/ipn", strings.NewReader("{}"))
		if asked != "" {
			req.Header.Set("Accept-Encoding", asked)
		}
		got := httptest.NewRecorder()
		r.ServeHTTP(got, req)
		assert.Equal(t, http.StatusServiceUnavailable, got.Code, asked)
		assert.Equal(t, encoding, got.Header().Get("Content-Encoding"), asked)
		if unasked {
			continue
		}
		assert.Equal(t, "closed", got.Body.String(), asked)
		assert.Equal(t, "120", got.Header().Get("Retry-After"), asked)
		assert.Equal(t, "text/plain", got.Header().Get("Content-Type"), asked)
		assert.Contains(t, out.String(), `"body":"closed"`, asked)
	}
}
