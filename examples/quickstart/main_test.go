package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/jovepay/jovepay-go/jovepaytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clearSettings removes settings from the environment.
func clearSettings(t *testing.T) {
	t.Helper()
	for _, name := range []string{
		"JOVEPAY_API_KEY", "JOVEPAY_BASE_URL", "JOVEPAY_EMAIL", "JOVEPAY_PASSWORD",
		"JOVEPAY_IPN_SECRET", "JOVEPAY_IPN_URL", "JOVEPAY_IPN_LISTEN",
	} {
		t.Setenv(name, "")
	}
}

func newDemo(t *testing.T, live bool) (*demo, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	d, err := connect(&out, live)
	require.NoError(t, err)
	t.Cleanup(d.close)
	return d, &out
}

func TestOnTheEmulator(t *testing.T) {
	clearSettings(t)
	d, out := newDemo(t, false)
	require.NoError(t, d.run(t.Context()))

	want, err := os.ReadFile("output.want")
	require.NoError(t, err)
	left := out.String()
	for line := range strings.Lines(string(want)) {
		line = strings.TrimSuffix(line, "\n")
		_, after, found := strings.Cut(left, line)
		require.True(t, found, "%q is missing or out of order in\n%s", line, out)
		left = after
	}
}

// A second emulator stands in for the real API, and the test for the customer.
func TestOnTheRealAPI(t *testing.T) {
	clearSettings(t)
	server, err := jovepaytest.NewServer()
	require.NoError(t, err)
	t.Cleanup(server.Close)
	t.Setenv("JOVEPAY_API_KEY", server.APIKey)
	t.Setenv("JOVEPAY_BASE_URL", server.URL)

	for name, c := range map[string]struct {
		settings map[string]string
		want     []string
	}{
		"only a key": {nil, []string{
			"list        needs JOVEPAY_EMAIL", "IPN         needs JOVEPAY_IPN_SECRET",
		}},
		"all settings": {map[string]string{
			"JOVEPAY_EMAIL": server.Email, "JOVEPAY_PASSWORD": server.Password,
			"JOVEPAY_IPN_SECRET": server.IPNSecret, "JOVEPAY_IPN_URL": "http://shop.example/ipn",
			"JOVEPAY_IPN_LISTEN": "127.0.0.1:0",
		}, []string{
			"order-1001 49.99 usd finished", "IPN         the shop received",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			for setting, value := range c.settings {
				t.Setenv(setting, value)
			}
			d, out := newDemo(t, true)
			d.wait.MinInterval = 1 // no pause
			payments, err := server.Payments()
			require.NoError(t, err)
			go func() { // the customer
				for {
					all, err := server.Payments()
					if err != nil || t.Context().Err() != nil {
						return
					}
					if len(all) > len(payments) {
						_, _ = server.Pay(all[len(payments)].ID)
						return
					}
				}
			}()
			require.NoError(t, d.run(t.Context()))
			assert.Contains(t, out.String(), "the account of JOVEPAY_API_KEY at "+server.URL)
			assert.Contains(t, out.String(), "pay now")
			for _, want := range c.want {
				assert.Contains(t, out.String(), want)
			}
			for _, secret := range []string{server.APIKey, server.Password, server.IPNSecret} {
				assert.NotContains(t, out.String(), secret)
			}
		})
	}
}

// A key in the environment is not used without -real.
func TestTheEnvironmentIsNotUsed(t *testing.T) {
	clearSettings(t)
	account, err := jovepaytest.NewServer()
	require.NoError(t, err)
	t.Cleanup(account.Close)
	t.Setenv("JOVEPAY_API_KEY", account.APIKey)
	t.Setenv("JOVEPAY_BASE_URL", account.URL)
	d, out := newDemo(t, false)
	require.NoError(t, d.run(t.Context()))
	assert.Contains(t, out.String(), "an emulator at "+d.emulator.URL)
	assert.NotEqual(t, account.URL, d.emulator.URL)
	payments, err := account.Payments()
	require.NoError(t, err)
	assert.Empty(t, payments)
}

func TestRealNeedsAKey(t *testing.T) {
	clearSettings(t)
	_, err := connect(new(bytes.Buffer), true)
	require.EqualError(t, err, "-real needs JOVEPAY_API_KEY")
}

func TestInterruptEndsIt(t *testing.T) {
	clearSettings(t)
	d, _ := newDemo(t, false)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, d.run(ctx), context.Canceled)
}

func TestUnusableSettings(t *testing.T) {
	for name, settings := range map[string]map[string]string{
		"plain http":       {"JOVEPAY_BASE_URL": "http://shop.example"},
		"no address":       {"JOVEPAY_IPN_SECRET": "s", "JOVEPAY_IPN_URL": "https://shop.example/ipn", "JOVEPAY_IPN_LISTEN": "nowhere"},
		"not this machine": {"JOVEPAY_IPN_SECRET": "s", "JOVEPAY_IPN_URL": "https://shop.example/ipn", "JOVEPAY_IPN_LISTEN": "192.0.2.1:80"},
		"a blank secret":   {"JOVEPAY_IPN_SECRET": " ", "JOVEPAY_IPN_URL": "https://shop.example/ipn"},
	} {
		t.Run(name, func(t *testing.T) {
			clearSettings(t)
			t.Setenv("JOVEPAY_API_KEY", "some-key")
			for setting, value := range settings {
				t.Setenv(setting, value)
			}
			_, err := connect(new(bytes.Buffer), true)
			require.Error(t, err)
			assert.NotContains(t, err.Error(), "some-key")
		})
	}
}

// The program fails with status 1 and one line.
func TestExitStatus(t *testing.T) {
	clearSettings(t)
	program := filepath.Join(t.TempDir(), "quickstart")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	text, err := build.CombinedOutput()
	require.NoError(t, err, "%s", text)

	t.Setenv("JOVEPAY_API_KEY", "some-key")
	t.Setenv("JOVEPAY_BASE_URL", "http://127.0.0.1:1")
	var stderr bytes.Buffer
	failing := exec.CommandContext(t.Context(), program, "-real")
	failing.Stderr = &stderr
	var exit *exec.ExitError
	require.ErrorAs(t, failing.Run(), &exit)
	assert.Equal(t, 1, exit.ExitCode())
	assert.Regexp(t, `\Aquickstart: [^\n]+\n\z`, stderr.String())
}
