package output

import (
	"cmp"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// shortest is the length from which on a secret is looked for in what is
// printed. A shorter one would be found in words that have nothing to do with
// it; those are kept out of the output only by not printing them.
const shortest = 8

// A Vault knows the secrets that must not be printed. The zero value knows
// none. It is safe for concurrent use.
type Vault struct {
	mu   sync.Mutex
	hide []string // the longest first: a shorter one may be part of it
}

// Hide keeps a secret out of all that is written from now on.
func (v *Vault) Hide(secret string) {
	if len(secret) < shortest {
		return
	}
	quoted, _ := jsontext.AppendQuote(nil, secret) // the worst is replaced characters
	v.mu.Lock()
	defer v.mu.Unlock()
	quoted = quoted[1 : len(quoted)-1]
	for _, form := range []string{secret, string(quoted), string(steerless(quoted))} {
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

// Writer returns a writer that passes on to w what it is given, without the
// secrets. Each piece of output has to come in one Write.
func (v *Vault) Writer(w io.Writer) io.Writer { return &guarded{v, w} }

type guarded struct {
	vault *Vault
	w     io.Writer
}

// Write implements [io.Writer].
func (g *guarded) Write(p []byte) (int, error) {
	if _, err := io.WriteString(g.w, g.vault.Clean(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}
