package canonical

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/hex"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A vector is a line of testdata/ipn-vectors.jsonl: a body, and a signature
// that the interpreter made that the signer names.
type vector struct {
	ID     string `json:"id"`
	Class  string `json:"class"`
	Body   []byte `json:"body_b64"`
	Secret string `json:"secret"`
	Expect string `json:"expect"`
	Sig    string `json:"sig"`
	Signer string `json:"signer"`
}

// vectors returns the lines.
func vectors(tb testing.TB) []vector {
	tb.Helper()
	file, err := os.ReadFile(filepath.Join("..", "..", "testdata", "ipn-vectors.jsonl"))
	require.NoError(tb, err)
	var all []vector
	lines := bufio.NewScanner(bytes.NewReader(file))
	lines.Buffer(nil, len(file))
	for lines.Scan() {
		var v vector
		require.NoError(tb, json.Unmarshal(lines.Bytes(), &v))
		all = append(all, v)
	}
	require.NotEmpty(tb, all)
	return all
}

// TestVectors wants the signature of every vector of a form that is to be
// accepted, and a refusal of every body that is to be refused for itself.
func TestVectors(t *testing.T) {
	t.Parallel()
	forms := map[string]Form{"js": JS, "js-arrays": JSArrays, "php": PHP, "python": Python}
	refused := map[string][]Reason{
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
	for _, v := range vectors(t) {
		err := d.Parse(v.Body, DefaultDepth, math.MaxInt)
		if reasons, ok := refused[v.Class]; ok {
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
	assert.Len(t, seen, len(refused)+len(forms), "a class or a signer is missing")
}
