package setup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/fail"
)

func TestSandboxAddress(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"": "", "0": "", "false": "", "off": "",
		"1": DefaultSandbox, "TRUE": DefaultSandbox,
		"localhost:4010":          "http://localhost:4010",
		"http://127.0.0.1:4010":   "http://127.0.0.1:4010",
		"http://127.0.0.1:4010/":  "http://127.0.0.1:4010",
		"http://[::1]:4010":       "http://[::1]:4010",
		"https://127.0.0.1":       "error",
		"http://u:p@127.0.0.1":    "error",
		"http://127.0.0.1/x":      "error",
		"http://127.0.0.1?x=1":    "error",
		"http://shop.example":     "error",
		"127.0.0.1.shop.example":  "error",
		"http://127.0.0.1:port":   "error",
		"http://0.0.0.0:4010":     "error",
		"http://localhost.evil:1": "error",
	} {
		got, err := Sources{Flags: Flags{Sandbox: given}, Env: func(string) string { return "" }}.SandboxAddress()
		if want == "error" {
			assert.Equal(t, fail.BadUsage, fail.CodeOf(t.Context(), err), given)
			continue
		}
		require.NoError(t, err, given)
		assert.Equal(t, want, got, given)
	}
}

func TestSecretFile(t *testing.T) {
	t.Parallel()
	var hidden []string
	s := Sources{Hide: func(secret string) { hidden = append(hidden, secret) }}
	write := func(content string) string {
		path := filepath.Join(t.TempDir(), "secret")
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	got, err := s.SecretFile("--f", write(" pass word \r\n"))
	require.NoError(t, err)
	assert.Equal(t, " pass word ", got, "only the line end is removed")
	assert.Equal(t, []string{"pass word"}, hidden)
	for _, path := range []string{write(""), write("\n"), write(strings.Repeat("x", maxSecret+1)), t.TempDir(), "no-such-secret"} {
		_, err := s.SecretFile("--f", path)
		require.Error(t, err)
		assert.Equal(t, fail.BadUsage, fail.CodeOf(t.Context(), err))
		assert.NotContains(t, err.Error(), path)
	}
}

func TestLoopbackAddress(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"127.0.0.1:0": true, "localhost:80": true, "[::1]:80": true, "127.9.9.9:1": true,
		":80": false, "0.0.0.0:80": false, "[::]:80": false, "shop.example:80": false, "127.0.0.1": false, "": false,
	} {
		assert.Equal(t, want, LoopbackAddress(address), address)
	}
}
