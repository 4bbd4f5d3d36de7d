package canonical

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/hex"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/internal/canonical/canonicaltest"
)

// TestVectors wants the signature of every vector of a form that is to be
// accepted, and the rejection of every body that is to be rejected for itself.
func TestVectors(t *testing.T) {
	t.Parallel()
	forms := map[string]Form{"js": JS, "js-arrays": JSArrays, "php": PHP, "python": Python}
	rejected := map[string][]Reason{
		"n.const":    {NotObject},
		"n.control":  {ControlCharacter},
		"n.dup":      {DuplicateName},
		"n.empty":    {NotObject},
		"n.lone":     {LoneSurrogate},
		"n.nan":      {Syntax},
		"n.proto":    {ProtoName},
		"n.syntax":   {Syntax, InvalidEscape},
		"n.toplevel": {NotObject},
		"n.trailing": {TrailingData},
		"n.trunc":    {Truncated},
		"n.utf8":     {InvalidUTF8},
	}
	seen := map[string]bool{}
	var d Document
	for _, v := range canonicaltest.Vectors(t) {
		err := d.Parse(v.Body, DefaultDepth, math.MaxInt)
		if reasons, ok := rejected[v.Class]; ok {
			seen[v.Class] = true
			var e *Error
			if assert.ErrorAs(t, err, &e, "%s: %s", v.ID, v.Class) {
				assert.Contains(t, reasons, e.Reason, "%s: %s", v.ID, v.Class)
			}
			continue
		}
		if !assert.NoError(t, err, "%s: %s", v.ID, v.Class) || v.Expect != "accept" || v.Signer == "raw" {
			continue
		}
		form, ok := forms[v.Signer]
		require.True(t, ok, v.Signer)
		seen[v.Signer] = true
		mac := hmac.New(sha512.New, []byte(strings.TrimSpace(v.Secret)))
		mac.Write(d.Append(nil, form))
		want := strings.ToLower(strings.TrimSpace(v.Sig))
		assert.Equal(t, want, hex.EncodeToString(mac.Sum(nil)), "%s: %s", v.ID, v.Class)
	}
	assert.Len(t, seen, len(rejected)+len(forms), "a class or a signer is missing")
}
