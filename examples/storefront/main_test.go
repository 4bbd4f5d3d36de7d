package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/examples/storefront/shop"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

func TestMain(m *testing.M) {
	// A login in progress continues when the shop closes, since the client shares
	// it among callers. It ends by itself.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("golang.org/x/sync/singleflight.(*Group).doCall"))
}

// clearSettings removes settings from the environment, and listens on any port.
func clearSettings(t *testing.T) {
	t.Helper()
	for _, name := range []string{
		"JOVEPAY_API_KEY", "JOVEPAY_BASE_URL", "JOVEPAY_EMAIL", "JOVEPAY_PASSWORD", "JOVEPAY_IPN_SECRET",
		"STOREFRONT_URL", "STOREFRONT_CURRENCIES",
	} {
		t.Setenv(name, "")
	}
	t.Setenv("STOREFRONT_LISTEN", "127.0.0.1:0")
	t.Setenv("STOREFRONT_DB", filepath.Join(t.TempDir(), "storefront.db"))
}

// lineWriter sends each write to the channel.
type lineWriter chan string

func (w lineWriter) Write(b []byte) (int, error) {
	w <- string(b)
	return len(b), nil
}

var printedURL = regexp.MustCompile(`the shop is at (http://\S+?),?\s`)

// start runs the program and returns the URL of its shop and a function to stop it.
func start(t *testing.T) (shopURL string, end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	lines, ended := make(lineWriter, 1), make(chan error, 1)
	go func() { ended <- run(ctx, nil, lines) }()
	select {
	case line := <-lines:
		found := printedURL.FindStringSubmatch(line)
		require.NotNil(t, found, line)
		shopURL = found[1]
	case err := <-ended:
		cancel()
		t.Fatal(err)
	}
	return shopURL, func() {
		cancel()
		require.NoError(t, <-ended)
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	}
}

func TestDemoServesTheShop(t *testing.T) {
	clearSettings(t)
	shopURL, end := start(t)
	defer end()
	response, err := http.Get(shopURL + "/items/telescope")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	assert.Equal(t, http.StatusOK, response.StatusCode)
}

// account returns an emulated JovePay and sets its account in the environment.
func account(t *testing.T) *jovepaytest.Server {
	t.Helper()
	clearSettings(t)
	server, err := jovepaytest.NewServer()
	require.NoError(t, err)
	t.Cleanup(server.Close)
	t.Setenv("JOVEPAY_BASE_URL", server.URL)
	t.Setenv("JOVEPAY_API_KEY", server.APIKey)
	t.Setenv("JOVEPAY_EMAIL", server.Email)
	t.Setenv("JOVEPAY_PASSWORD", server.Password)
	t.Setenv("JOVEPAY_IPN_SECRET", server.IPNSecret)
	return server
}

// place orders the hour at the telescope and returns the order's id.
func place(t *testing.T, shopURL string) string {
	t.Helper()
	id := shop.NewOrderID()
	response, err := http.PostForm(shopURL+"/items/telescope", url.Values{"order": {id}, "currency": {"btc"}, "method": {"address"}})
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)
	return id
}

func TestRealSettings(t *testing.T) {
	server := account(t)
	shopURL, end := start(t)
	id := place(t, shopURL)
	payments, err := server.Payments()
	require.NoError(t, err)
	require.Len(t, payments, 1)
	for range 2 {
		_, err = server.Pay(payments[0].ID)
		require.NoError(t, err)
	}
	require.NoError(t, server.WaitDeliveries(t.Context()))
	issued := new(bytes.Buffer)
	require.ErrorContains(t, run(t.Context(), []string{"issue", id, "a test"}, issued), "order "+id+" is paid")
	assert.Empty(t, issued.String())
	end()

	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"orders"}, &out))
	assert.Regexp(t, id+`  paid +49\.99 usd in btc +telescope`, out.String())
	assert.Regexp(t, `REVIEW order "`+id+`", further: a further deposit came for an order that is paid\n +payment \d+: 0.00078109 btc`, out.String())
}

// The ticket is issued while the shop runs.
func TestIssueWhileTheShopRuns(t *testing.T) {
	server := account(t)
	shopURL, end := start(t)
	defer end()
	id := place(t, shopURL)
	payments, err := server.Payments()
	require.NoError(t, err)
	require.Len(t, payments, 1)
	_, err = server.PayAmount(payments[0].ID, jovepay.MustAmount("0.0005"))
	require.NoError(t, err)
	require.NoError(t, server.WaitDeliveries(t.Context()))
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"orders"}, &out))
	assert.Contains(t, out.String(), `REVIEW order "`+id+`", underpaid: 0.0005 of 0.00078109 btc came`)

	out.Reset()
	require.NoError(t, run(t.Context(), []string{"issue", id, "they", "wrote"}, &out))
	code, ok := strings.CutPrefix(strings.TrimSpace(out.String()), "order "+id+" has ticket ")
	require.True(t, ok, out.String())
	response, err := http.Get(shopURL + "/orders/" + id)
	require.NoError(t, err)
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	assert.Contains(t, string(page), code)
}

func TestSettingsAreChecked(t *testing.T) {
	for want, row := range map[string]struct {
		args []string
		env  map[string]string
	}{
		`unknown command "sell it"`: {args: []string{"sell", "it"}},
		"storefront.db":             {args: []string{"orders"}}, // it does not exist
		"no such file":              {args: []string{"issue", "SOME", "reason"}},
		"set STOREFRONT_URL":        {env: map[string]string{"JOVEPAY_API_KEY": "some-key", "JOVEPAY_IPN_SECRET": "some-secret"}},
		"secret":                    {env: map[string]string{"JOVEPAY_API_KEY": "some-key", "STOREFRONT_URL": "https://tickets.example"}},
		"unable to open database file": {env: map[string]string{
			"JOVEPAY_API_KEY": "some-key", "JOVEPAY_IPN_SECRET": "some-secret", "STOREFRONT_URL": "https://tickets.example",
			"STOREFRONT_DB": filepath.Join("no", "such", "directory", "a.db"),
		}},
		"listen": {env: map[string]string{"STOREFRONT_LISTEN": "nowhere"}},
	} {
		t.Run(want, func(t *testing.T) {
			clearSettings(t)
			for name, value := range row.env {
				t.Setenv(name, value)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			require.ErrorContains(t, run(ctx, row.args, new(bytes.Buffer)), want)
		})
	}
}

func TestShopRunsWithoutAnAccount(t *testing.T) {
	clearSettings(t)
	server, err := jovepaytest.NewServer()
	require.NoError(t, err)
	defer server.Close()
	t.Setenv("JOVEPAY_API_KEY", "some-key")
	t.Setenv("JOVEPAY_EMAIL", "shop@example.com")
	t.Setenv("JOVEPAY_PASSWORD", "some-password")
	t.Setenv("JOVEPAY_IPN_SECRET", "some-secret")
	t.Setenv("JOVEPAY_BASE_URL", server.URL)
	shopURL, end := start(t)
	defer end()
	response, err := http.Post(shopURL+"/ipn", "application/json", strings.NewReader(`{}`))
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	assert.Equal(t, http.StatusUnauthorized, response.StatusCode, "unsigned")
}
