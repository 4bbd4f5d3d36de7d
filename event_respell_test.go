package jovepay_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

// A respeller writes JSON again in other words of the same meaning: other
// order of members, white space, escapes and digits.
type respeller struct {
	*rand.Rand
	out strings.Builder
}

// respell returns a body of the same meaning.
func respell(tb testing.TB, seed uint64, body string) string {
	tb.Helper()
	r := &respeller{Rand: rand.New(rand.NewPCG(seed, 1))}
	r.space()
	require.NoError(tb, r.value(jsontext.NewDecoder(strings.NewReader(body))))
	r.space()
	return r.out.String()
}

func (r *respeller) value(d *jsontext.Decoder) error {
	switch d.PeekKind() {
	case '{':
		return r.container(d, '}')
	case '[':
		return r.container(d, ']')
	default:
		return r.scalar(d)
	}
}

func (r *respeller) scalar(d *jsontext.Decoder) error {
	token, err := d.ReadToken()
	if err != nil {
		return err
	}
	switch token.Kind() {
	case '"':
		r.quote(token.String())
	case '0':
		r.out.WriteString(r.number(token.String()))
	default:
		r.out.WriteString(token.String())
	}
	return nil
}

// container writes the members of an object in any order, and the elements of
// an array in theirs.
func (r *respeller) container(d *jsontext.Decoder, end byte) error {
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	var children []string
	outer := r.out.String()
	for d.PeekKind() != jsontext.Kind(end) {
		r.out.Reset()
		r.space()
		if end == '}' {
			if err := r.value(d); err != nil {
				return err
			}
			r.space()
			r.out.WriteByte(':')
			r.space()
		}
		if err := r.value(d); err != nil {
			return err
		}
		r.space()
		children = append(children, r.out.String())
	}
	if end == '}' {
		r.Shuffle(len(children), func(i, j int) { children[i], children[j] = children[j], children[i] })
	}
	r.out.Reset()
	fmt.Fprintf(&r.out, "%s%c%s%c", outer, end-2, strings.Join(children, ","), end)
	_, err := d.ReadToken()
	return err
}

func (r *respeller) space() {
	for r.IntN(4) == 0 {
		r.out.WriteByte(" \t\r\n"[r.IntN(4)])
	}
}

// quote writes a string with escapes where they must be and where they may be.
func (r *respeller) quote(s string) {
	r.out.WriteByte('"')
	for _, c := range s {
		switch {
		case c < ' ' || c == '"' || c == '\\' || c < 0x10000 && r.IntN(8) == 0:
			fmt.Fprintf(&r.out, `\u%04x`, c)
		case c == '/' && r.IntN(2) == 0:
			r.out.WriteString(`\/`)
		default:
			r.out.WriteRune(c)
		}
	}
	r.out.WriteByte('"')
}

// number returns a literal of the same number. One of more digits than every
// double has stays as it is, since some forms round it and some do not.
func (r *respeller) number(literal string) string {
	d, err := decimal.NewFromString(literal)
	digits := strings.TrimPrefix(d.Coefficient().String(), "-")
	if err != nil || len(digits) > 15 || d.Exponent() > 5 || d.Exponent() < -20 {
		return literal
	}
	sign := strings.Repeat("-", strings.Count(literal[:1], "-"))
	switch r.IntN(4) {
	case 0:
		return literal
	case 1: // plain, with zeros at the end
		plain := d.Abs().String()
		if !strings.Contains(plain, ".") {
			plain += "."
		}
		return sign + plain + strings.Repeat("0", 1+r.IntN(3))
	case 2: // the digits and an exponent
		return sign + digits + "eE"[r.IntN(2):][:1] + strconv.Itoa(int(d.Exponent()))
	default: // a fraction and an exponent
		return fmt.Sprintf("%s0.%se%+03d", sign, digits, int(d.Exponent())+len(digits))
	}
}

// A mutator writes JSON again, as a sequence of bytes decides: lists as objects
// by index and the reverse, [] for {}, members in another order, strings and
// numbers in other words. What it writes is the same to Node, unless changed
// says that it has changed a value.
type mutator struct {
	respeller
	plan    []byte
	changed bool
}

// mutate returns body as plan decides, and whether Node signs it alike.
func mutate(tb testing.TB, body, plan []byte) (mutant string, same bool) {
	tb.Helper()
	m := &mutator{plan: plan}
	m.Rand = rand.New(rand.NewPCG(uint64(len(plan)), 1)) // for escapes
	d := jsontext.NewDecoder(bytes.NewReader(body))
	mutant = m.value(tb, d, true)
	return mutant, !m.changed
}

// decide returns the next of n choices; 0 if the plan has come to its end.
func (m *mutator) decide(n int) int {
	if len(m.plan) == 0 {
		return 0
	}
	next := int(m.plan[0])
	m.plan = m.plan[1:]
	return next % n
}

func (m *mutator) value(tb testing.TB, d *jsontext.Decoder, root bool) string {
	tb.Helper()
	token, err := d.ReadToken()
	require.NoError(tb, err)
	switch token.Kind() {
	case '{', '[':
		return m.container(tb, d, token.Kind(), root)
	case '"':
		return m.text(token.String())
	case '0':
		return m.double(token.String())
	default:
		return token.String()
	}
}

func (m *mutator) container(tb testing.TB, d *jsontext.Decoder, kind jsontext.Kind, root bool) string {
	tb.Helper()
	end := kind + 2
	var names, values []string
	for d.PeekKind() != end {
		name := strconv.Itoa(len(names))
		if kind == '{' {
			token, err := d.ReadToken()
			require.NoError(tb, err)
			name = token.String()
		}
		names = append(names, name)
		values = append(values, m.value(tb, d, false))
	}
	_, err := d.ReadToken()
	require.NoError(tb, err)

	elements := make([]string, len(values))
	for i, name := range names {
		if at, err := strconv.Atoi(name); err == nil && at >= 0 && at < len(elements) && strconv.Itoa(at) == name {
			elements[at] = values[i]
		}
	}
	if list := !root && !slices.Contains(elements, ""); list && (m.decide(2) == 1) != (kind == '[') {
		return "[" + strings.Join(elements, ",") + "]"
	}
	members := make([]string, len(names))
	for i, name := range names {
		members[i] = m.text(name) + ":" + values[i]
	}
	for i := len(members) - 1; i > 0; i-- {
		j := i - m.decide(i+1)
		members[i], members[j] = members[j], members[i]
	}
	return "{" + strings.Join(members, ",") + "}"
}

func (m *mutator) text(s string) string {
	m.out.Reset()
	switch m.decide(16) {
	case 0:
		text, _ := jsontext.AppendQuote(nil, s)
		return string(text)
	case 15:
		m.changed = true
		s += "x"
	}
	m.quote(s)
	return m.out.String()
}

// double spells the double that a literal is.
func (m *mutator) double(literal string) string {
	f, err := strconv.ParseFloat(literal, 64)
	if err != nil {
		return literal
	}
	switch m.decide(16) {
	case 1, 2:
		return strconv.FormatFloat(f, 'e', -1, 64)
	case 3, 4:
		return strconv.FormatFloat(f, 'f', -1, 64)
	case 5, 6:
		return strconv.FormatFloat(f, 'e', 25, 64)
	case 7, 8:
		if plain := strconv.FormatFloat(f, 'f', 1+m.decide(30), 64); sameDouble(plain, f) {
			return plain
		}
	case 9:
		if f == 0 {
			return []string{"0", "-0", "-0.0", "0e9", "1e-999"}[m.decide(5)]
		}
	case 15:
		m.changed = true
		return strconv.FormatFloat(f+1, 'f', -1, 64)
	}
	return literal
}

func sameDouble(literal string, f float64) bool {
	g, err := strconv.ParseFloat(literal, 64)
	return err == nil && f == g
}
