package main

import (
	"bytes"
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// A login in progress continues when the shop closes, since the client shares
	// it among callers. It ends by itself.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("golang.org/x/sync/singleflight.(*Group).doCall"))
}

func TestDemo(t *testing.T) {
	for name, args := range map[string][]string{
		"alone":              nil,
		"with JetStream":     {"-broker", "jetstream"},
		"called by its name": {"demo"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			require.NoError(t, run(t.Context(), args, &out), out.String())
			assert.Contains(t, out.String(), "Every order that was paid is shipped once, and no other.")
			for _, line := range []string{"pays            fulfilled   1", "pays twice      fulfilled   1", "pays half       underpaid   0"} {
				assert.Equal(t, perStory, strings.Count(out.String(), line), line)
			}
		})
	}
}

func TestDemoEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, run(ctx, nil, new(bytes.Buffer)), context.Canceled)
}

func TestCommandLineIsChecked(t *testing.T) {
	for want, args := range map[string][]string{
		`command "sell" is not known`:   {"sell"},
		`command "" is not known`:       {""},
		`broker "carrier" is not known`: {"serve", "-broker", "carrier"},
		`unexpected argument "more"`:    {"serve", "-every", "1m", "more"},
		"flag provided but not defined": {"-what"},
		"secret":                        {"serve", "-listen", "127.0.0.1:0"},
		"unable to open database file":  {"reconcile", "-db", filepath.Join("no", "such", "directory", "orders.db")},
		"failed to connect to":          {"reconcile", "-db", "postgres://nobody@127.0.0.1:1/none"},
		"connection refused":            {"reconcile", "-db", filepath.Join(t.TempDir(), "orders.db")},
	} {
		t.Run(want, func(t *testing.T) {
			t.Setenv("JOVEPAY_API_KEY", "some-key")
			t.Setenv("JOVEPAY_EMAIL", "shop@example.com")
			t.Setenv("JOVEPAY_PASSWORD", "some-password")
			t.Setenv("JOVEPAY_IPN_SECRET", "")
			t.Setenv("JOVEPAY_BASE_URL", "http://127.0.0.1:1") // nothing listens there
			assert.ErrorContains(t, run(t.Context(), args, new(bytes.Buffer)), want)
		})
	}
}

func TestServeEndsInOrder(t *testing.T) {
	t.Setenv("JOVEPAY_API_KEY", "some-key")
	t.Setenv("JOVEPAY_IPN_SECRET", "some-secret")
	t.Setenv("JOVEPAY_BASE_URL", "http://127.0.0.1:1") // nothing listens there
	for _, broker := range []string{"", "jetstream"} {
		t.Run("broker "+broker, func(t *testing.T) {
			dir := t.TempDir()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			lines, ended := make(lineWriter, 1), make(chan error, 1)
			go func() {
				ended <- run(ctx, []string{
					"serve", "-listen", "127.0.0.1:0", "-broker", broker,
					"-db", filepath.Join(dir, "orders.db"), "-data", filepath.Join(dir, "events"),
				}, lines)
			}()
			url := strings.TrimSpace(strings.TrimPrefix(<-lines, "serving on "))
			response, err := http.Post(url+"/ipn", "application/json", strings.NewReader(`{}`))
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			assert.Equal(t, http.StatusUnauthorized, response.StatusCode, "unsigned")
			cancel()
			require.NoError(t, <-ended)
			_, err = http.Get(url + "/orders/1") //nolint:bodyclose // there is none
			require.Error(t, err)
			http.DefaultClient.CloseIdleConnections()
		})
	}
}

// lineWriter sends each write to the channel.
type lineWriter chan string

func (w lineWriter) Write(b []byte) (int, error) {
	w <- string(b)
	return len(b), nil
}
