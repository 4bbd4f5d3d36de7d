package follow

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

func TestFollowerLogsEachRequestOnce(t *testing.T) {
	t.Parallel()
	server, err := jovepaytest.NewServer()
	require.NoError(t, err)
	t.Cleanup(server.Close)
	client, err := server.Client(jovepay.WithRetry(jovepay.RetryPolicy{MaxAttempts: 1}))
	require.NoError(t, err)
	var out bytes.Buffer
	f := newFollower(server, slog.New(slog.NewTextHandler(&out, nil)))
	f.requests(t.Context())
	assert.Empty(t, out.String())

	// The first request gets no response and is logged after the others.
	require.NoError(t, server.Inject(jovepaytest.Fault{Path: "/v1/currencies", Cut: true, Times: 1}))
	_, err = client.Currencies.List(t.Context(), jovepay.CurrencyListOptions{})
	require.Error(t, err)
	for range 3 {
		_, err = client.Status(t.Context())
		require.NoError(t, err)
		f.requests(t.Context())
	}
	assert.Equal(t, 3, strings.Count(out.String(), "path=/v1/status status=200"))
	assert.NotContains(t, out.String(), "/v1/currencies")
	for range maxLooks {
		f.requests(t.Context())
	}
	assert.Equal(t, 1, strings.Count(out.String(), "method="+http.MethodGet+" path=/v1/currencies status=0"))
	assert.Equal(t, 4, strings.Count(out.String(), "msg=request"))
	assert.Empty(t, f.logged, "completed requests are forgotten")
	assert.Empty(t, f.looks)
}
