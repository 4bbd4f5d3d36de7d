package ipn

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSign(t *testing.T) {
	t.Parallel()
	const body = `{"b": [7], "a": 0.00001, "é": 1.0}`
	for form, text := range map[string]string{
		"js":        `{"a":0.00001,"b":{"0":7},"é":1}`,
		"js-arrays": `{"a":0.00001,"b":[7],"é":1}`,
		"php":       `{"a":1.0e-5,"b":[7],"\u00e9":1}`,
		"python":    `{"a":1e-05,"b":[7],"\u00e9":1.0}`,
	} {
		mac := hmac.New(sha512.New, []byte("secret"))
		mac.Write([]byte(text))
		got, err := Sign("secret", []byte(body), form)
		require.NoError(t, err)
		assert.Equal(t, hex.EncodeToString(mac.Sum(nil)), got, form)
	}
	mac := hmac.New(sha256.New, []byte("secret"))
	mac.Write([]byte(body))
	got, err := Sign("secret", []byte(body), "raw")
	require.NoError(t, err)
	assert.Equal(t, hex.EncodeToString(mac.Sum(nil)), got)
}

func TestSignRejects(t *testing.T) {
	t.Parallel()
	for form, body := range map[string]string{
		"js": "", "js-arrays": "[1]", "php": `{"a":1e400}`, "python": strings.Repeat(`{"a":`, 513) + "1" + strings.Repeat("}", 513),
		"JS": "{}", "": "{}", "unknown": "{}",
	} {
		signature, err := Sign("secret", []byte(body), form)
		require.Error(t, err, form)
		assert.Empty(t, signature)
	}
}
