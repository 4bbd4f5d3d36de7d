package canonical

import (
	"bytes"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/internal/canonical/canonicaltest"
)

// seeds adds the vectors and the tables of rules to a corpus.
func seeds(f *testing.F, add func(body []byte)) {
	f.Helper()
	for _, v := range canonicaltest.Vectors(f) {
		if len(v.Body) < 1<<10 {
			add(v.Body)
		}
	}
	for _, body := range ruleBodies() {
		add([]byte(body))
	}
}

// FuzzReader compares what the reader accepts with what jsontext does, where
// their rules coincide.
func FuzzReader(f *testing.F) {
	seeds(f, func(body []byte) { f.Add(body) })
	f.Fuzz(func(t *testing.T, body []byte) {
		var d Document
		err := d.Parse(body, DefaultDepth, math.MaxInt)
		valid := jsontext.Value(body).IsValid()
		if err == nil {
			require.True(t, valid, "accepted, but not JSON")
			return
		}
		var rejected *Error
		require.ErrorAs(t, err, &rejected)
		require.GreaterOrEqual(t, rejected.Offset, 0)
		require.LessOrEqual(t, rejected.Offset, len(body))
		require.Empty(t, d.Append(nil, JS))
		if valid {
			require.True(t, forbidden(t, body), "rejected, but JSON: %v", err)
		}
	})
}

// forbidden reports whether a rule that JSON does not have rejects body, which
// is JSON.
func forbidden(t *testing.T, body []byte) bool {
	t.Helper()
	if jsontext.Value(body).Kind() != jsontext.KindBeginObject {
		return true
	}
	dec := jsontext.NewDecoder(bytes.NewReader(body))
	for {
		token, err := dec.ReadToken()
		if errors.Is(err, io.EOF) {
			return false
		}
		require.NoError(t, err)
		if dec.StackDepth() > DefaultDepth {
			return true
		}
		switch token.Kind() {
		case jsontext.KindString:
			kind, length := dec.StackIndex(dec.StackDepth())
			if kind == jsontext.KindBeginObject && length%2 == 1 && token.String() == "__proto__" {
				return true
			}
		case jsontext.KindNumber:
			if _, err := strconv.ParseFloat(token.String(), 64); err != nil {
				return true
			}
		default:
		}
	}
}

// requireParts finds every member within v by its name, and every text that the
// body is said to have as it is.
func requireParts(t *testing.T, body []byte, v Value) {
	t.Helper()
	for child := range v.Children() {
		if text, at, asIs := child.Text(); asIs {
			require.Equal(t, string(body[at:at+len(text)]), string(text))
		}
		if v.Kind() == Object {
			require.Equal(t, child, v.Member(string(child.Name())))
		}
		requireParts(t, body, child)
	}
}

// FuzzForms holds the texts of every accepted body to what the forms promise.
func FuzzForms(f *testing.F) {
	seeds(f, func(body []byte) { f.Add(body, uint64(len(body))) })
	f.Fuzz(func(t *testing.T, body []byte, seed uint64) {
		var d Document
		if d.Parse(body, DefaultDepth, math.MaxInt) != nil {
			return
		}
		requireDiffer(t, &d)
		ambiguous := ambiguousToPHP(d.Root(JSArrays))
		var texts [Python + 1]string
		for form := range texts {
			texts[form] = string(d.Append(nil, Form(form)))
		}

		// What a value is made of is what the whole is made of.
		for form := JSArrays; form <= Python; form++ {
			require.Equal(t, texts[form], string(rebuild(nil, d.Root(form))), "%v, rebuilt", form)
			requireParts(t, body, d.Root(form))
		}

		// The same meaning in other words has the same texts.
		again := rewrite(nil, d.Root(Python), rand.New(rand.NewPCG(seed, 1)))
		var other Document
		require.NoError(t, other.Parse(again, DefaultDepth, math.MaxInt), "%q", again)
		for form, text := range texts {
			if Form(form) != PHP || !ambiguous {
				require.Equal(t, text, string(other.Append(nil, Form(form))), "%v, reworded as %q", Form(form), again)
			}
		}

		// A text is its own text.
		for form, text := range texts {
			if !strings.HasPrefix(text, "{") { // a list, to PHP
				continue
			}
			if Form(form) == PHP && (ambiguous || strings.Contains(text, "-0")) { // -0.0 becomes -0 becomes 0
				continue
			}
			require.NoError(t, other.Parse([]byte(text), DefaultDepth, math.MaxInt), "%v: %q", Form(form), text)
			require.Equal(t, text, string(other.Append(nil, Form(form))), "%v, of its own text", Form(form))
		}
	})
}

// rebuild appends the text of v made from its parts.
func rebuild(dst []byte, v Value) []byte {
	switch v.Kind() {
	case Object:
		dst = append(dst, '{')
		for m := range v.Children() {
			dst = appendName(dst, m)
			dst = append(rebuild(append(dst, ':'), m), ',')
		}
		return append(bytes.TrimSuffix(dst, []byte(",")), '}')
	case Array:
		dst = append(dst, '[')
		for e := range v.Children() {
			dst = append(rebuild(dst, e), ',')
		}
		return append(bytes.TrimSuffix(dst, []byte(",")), ']')
	default:
		return v.Append(dst)
	}
}

// appendName appends the name of m as its form writes strings.
func appendName(dst []byte, m Value) []byte {
	dst = append(dst, '"')
	dst = appendEscaped(dst, m.Name(), m.form)
	return append(dst, '"')
}

// rewrite appends v with its members in another order, other white space and
// other escapes.
func rewrite(dst []byte, v Value, r *rand.Rand) []byte {
	g := &generator{Rand: r}
	g.out.Write(dst)
	g.rewrite(v)
	return g.out.Bytes()
}

func (g *generator) rewrite(v Value) {
	g.space()
	switch v.Kind() {
	case Object:
		var members []Value
		for m := range v.Children() {
			members = append(members, m)
		}
		g.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
		g.out.WriteByte('{')
		for i, m := range members {
			if i > 0 {
				g.out.WriteByte(',')
			}
			g.space()
			g.quote(string(m.Name()))
			g.space()
			g.out.WriteByte(':')
			g.rewrite(m)
		}
		g.space()
		g.out.WriteByte('}')
	case Array:
		g.out.WriteByte('[')
		for e := range v.Children() {
			if g.out.Bytes()[g.out.Len()-1] != '[' {
				g.out.WriteByte(',')
			}
			g.rewrite(e)
		}
		g.space()
		g.out.WriteByte(']')
	case String:
		text, _, _ := v.Text()
		g.quote(string(text))
	default:
		g.out.Write(v.Append(nil))
	}
	g.space()
}

// ambiguousToPHP reports whether PHP's order of the names of some object within
// v depends on their order in the body, because two are equal to it or because
// its order is cyclic.
func ambiguousToPHP(v Value) bool {
	var names []string
	for m := range v.Children() {
		names = append(names, string(m.Name()))
		if ambiguousToPHP(m) {
			return true
		}
	}
	if v.Kind() != Object {
		return false
	}
	for i, a := range names {
		for _, b := range names[:i] {
			p, q := parsePHPName([]byte(a)), parsePHPName([]byte(b))
			if comparePHP(&p, &q, []byte(a), []byte(b)) == 0 {
				return true
			}
		}
	}
	return phpCyclic(names)
}

// FuzzPHPNames holds PHP's comparison to what every comparison must be, short
// of an order.
func FuzzPHPNames(f *testing.F) {
	for _, tt := range orderTests() {
		for i := range tt.in[1:] {
			f.Add(tt.in[i], tt.in[i+1])
		}
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		p, q := parsePHPName([]byte(a)), parsePHPName([]byte(b))
		ab := comparePHP(&p, &q, []byte(a), []byte(b))
		ba := comparePHP(&q, &p, []byte(b), []byte(a))
		require.Equal(t, ab, -ba)
		if p.kind == phpText {
			require.Equal(t, strings.Compare(a, b), ab)
		}
		if p.kind == phpKey {
			require.Equal(t, a, strconv.FormatInt(p.i, 10))
		}
	})
}
