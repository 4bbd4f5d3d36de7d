package output

import (
	"cmp"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// minSecret is the length from which a secret is redacted. Shorter ones would
// match parts of ordinary words.
const minSecret = 8

// Vault redacts secrets from output. The zero value has no secrets. It is safe
// for concurrent use.
type Vault struct {
	mu   sync.Mutex
	hide []string // longest first: one may contain another
}

// Hide redacts a secret from everything written from now on.
func (v *Vault) Hide(secret string) {
	if len(secret) < minSecret {
		return
	}
	quoted, _ := jsontext.AppendQuote(nil, secret) // invalid UTF-8 is replaced, as in the output
	v.mu.Lock()
	defer v.mu.Unlock()
	quoted = quoted[1 : len(quoted)-1]
	for _, form := range []string{secret, string(quoted), string(escapeControls(quoted))} {
		if !slices.Contains(v.hide, form) {
			v.hide = append(v.hide, form)
		}
	}
	slices.SortStableFunc(v.hide, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
}

// Clean returns s without the secrets.
func (v *Vault) Clean(s string) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, secret := range v.hide {
		s = strings.ReplaceAll(s, secret, "[redacted]")
	}
	return s
}

// Writer returns a writer to w that redacts secrets. A secret that is split
// between two calls of Write is not found.
func (v *Vault) Writer(w io.Writer) io.Writer { return &redactor{v, w} }

type redactor struct {
	vault *Vault
	w     io.Writer
}

// Write implements [io.Writer].
func (r *redactor) Write(p []byte) (int, error) {
	if _, err := io.WriteString(r.w, r.vault.Clean(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}
