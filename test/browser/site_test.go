package browser_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/examples/storefront/shop"
	"github.com/jovepay/jovepay-go/examples/storefront/web"
	"github.com/jovepay/jovepay-go/sandbox"
)

// site is a storefront with its own sandbox.
type site struct {
	*sandbox.Sandbox

	shop *shop.Shop
	url  string
}

func newSite(t *testing.T) *site {
	t.Helper()
	box, err := sandbox.New()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, box.Close()) })
	require.NoError(t, box.SetMinimum("btc", jovepay.MustAmount("0.0005")))
	client, err := box.Client(jovepay.WithSettleWindow(10*time.Millisecond),
		jovepay.WithRetry(jovepay.RetryPolicy{MaxAttempts: 2, BaseDelay: time.Millisecond}))
	require.NoError(t, err)

	handler := http.NewServeMux()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	orders, err := shop.Open(t.Context(), shop.Settings{
		Database: filepath.Join(t.TempDir(), "storefront.db"), Client: client, URL: server.URL,
		Currencies: []string{"btc", "eth", "ltc", "usdttrc20", "trx", "xrp"},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, orders.Close()) })
	verifier, err := jovepay.NewIPNVerifier(box.IPNSecret)
	require.NoError(t, err)
	pages, err := web.New(web.Settings{
		Shop: orders, Verifier: verifier, Log: slog.New(slog.DiscardHandler),
		Customer: func(id jovepay.ID) string { return box.URL + "/payment/?pid=" + string(id) },
	})
	require.NoError(t, err)
	handler.Handle("/", pages)
	return &site{box, orders, server.URL}
}

// order returns the order with the page at the address.
func (s *site) order(t *testing.T, address string) *shop.Order {
	t.Helper()
	id, ok := strings.CutPrefix(address, s.url+"/orders/")
	require.True(t, ok, "%s is not the page of an order", address)
	order, err := s.shop.Find(t.Context(), id)
	require.NoError(t, err)
	return order
}
