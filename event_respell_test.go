package jovepay_test

import (
	"fmt"
	"math/rand/v2"
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
