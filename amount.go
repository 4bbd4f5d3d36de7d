package jovepay

import (
	"bytes"
	"database/sql/driver"
	"fmt"
	"math/big"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/shopspring/decimal"
)

// Limits of an Amount's text. They are far above any price or coin amount, and
// keep arithmetic on hostile input cheap.
const (
	maxAmountLength   = 128
	maxAmountExponent = 400
)

// Amount is an exact decimal amount of money. It keeps its digits: "49.90" is
// sent as 49.90, not as 49.9, and never becomes a floating-point number.
//
// The zero value is the null amount: not set in a request, null or missing in a
// response. It differs from zero; see [Amount.IsNull].
//
// In JSON an Amount reads a number, a string containing a number, or null, and
// writes a number or null. As text and in SQL it is its digits; null is the empty
// text or SQL NULL. Store it in a TEXT column, or in a DECIMAL one where that is
// exact: SQLite converts DECIMAL and NUMERIC to floating point.
//
// Amounts cannot be compared with ==, because 1.5 and 1.50 are the same amount;
// use [Amount.Cmp] or [Amount.Equal]. An Amount is immutable and safe for
// concurrent use.
type Amount struct {
	_    [0]func()
	text string
}

// ParseAmount returns the amount that s represents as a JSON number: an optional
// minus sign, digits, an optional fraction and an optional exponent. Anything
// else is an error: an empty string, a text of more than 128 bytes, an exponent
// beyond ±400.
func ParseAmount(s string) (Amount, error) {
	if reason := checkNumber(s); reason != "" {
		if len(s) > 40 {
			s = s[:40] + "…"
		}
		return Amount{}, fmt.Errorf("jovepay: amount %q: %s", s, reason)
	}
	return Amount{text: s}, nil
}

// MustAmount is ParseAmount for amounts written in source code. It panics
// where ParseAmount returns an error, so never give it input.
func MustAmount(s string) Amount {
	a, err := ParseAmount(s)
	if err != nil {
		panic(err) //nolint:forbidigo // as promised: a mistake in source code
	}
	return a
}

// NewAmount returns d as an Amount. It is never null. Unlike [ParseAmount],
// NewAmount has no limits; an amount beyond those of ParseAmount cannot be read
// back from text or JSON.
func NewAmount(d decimal.Decimal) Amount {
	return Amount{text: d.String()}
}

// IsNull reports whether a is the null amount. A zero amount is not null.
func (a Amount) IsNull() bool { return a.text == "" }

// Decimal returns the amount for exact arithmetic; null gives zero.
func (a Amount) Decimal() decimal.Decimal {
	if a.text == "" {
		return decimal.Decimal{}
	}
	// decimal.NewFromString limits exponents by a variable that any package can
	// set; these digits were already checked.
	mantissa, exponent, _ := strings.Cut(strings.ToLower(a.text), "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	shift, _ := strconv.Atoi(exponent) // none gives 0
	unscaled, _ := new(big.Int).SetString(whole+fraction, 10)
	return decimal.NewFromBigInt(unscaled, int32(shift-len(fraction))) //nolint:gosec // both are within the limits above
}

// Cmp compares a and b by value. It returns -1 if a is less than b, 0 if they are
// equal, and +1 if a is greater. Null equals null and is less than every number.
func (a Amount) Cmp(b Amount) int {
	switch {
	case a.text == b.text:
		return 0
	case a.text == "":
		return -1
	case b.text == "":
		return +1
	}
	return a.Decimal().Cmp(b.Decimal())
}

// Equal reports whether a and b are the same amount: 1.5 equals 1.50, null
// equals only null.
func (a Amount) Equal(b Amount) bool { return a.Cmp(b) == 0 }

// Sign returns -1, 0 or +1. Null gives 0.
func (a Amount) Sign() int { return a.Decimal().Sign() }

// String returns the digits unchanged; null gives the empty string.
func (a Amount) String() string { return a.text }

// MarshalJSON writes the digits as a JSON number, or null.
func (a Amount) MarshalJSON() ([]byte, error) {
	if a.text == "" {
		return []byte("null"), nil
	}
	return []byte(a.text), nil
}

// UnmarshalJSON reads a number, a string containing one, or null: JovePay sends
// the same field both ways. The strings "" and "null" are null.
func (a *Amount) UnmarshalJSON(b []byte) error {
	if longest := len(`\u0030`)*maxAmountLength + len(`""`); len(b) > longest {
		return fmt.Errorf("jovepay: amount: over %d bytes", maxAmountLength)
	}
	text, err := scalarText(b)
	if err != nil {
		return fmt.Errorf("jovepay: amount: %w", err)
	}
	if text == "null" {
		text = ""
	}
	return a.set(text)
}

// MarshalText writes the digits; null is empty.
func (a Amount) MarshalText() ([]byte, error) { return []byte(a.text), nil }

// UnmarshalText reads the digits; the empty text is null.
func (a *Amount) UnmarshalText(b []byte) error { return a.set(string(b)) }

// set reads the digits; the empty text is null.
func (a *Amount) set(text string) error {
	if text == "" {
		*a = Amount{}
		return nil
	}
	parsed, err := ParseAmount(text)
	if err == nil {
		*a = parsed
	}
	return err
}

// Value implements [driver.Valuer]: the digits as a string, or NULL.
func (a Amount) Value() (driver.Value, error) {
	if a.text == "" {
		return nil, nil
	}
	return a.text, nil
}

// Scan implements [database/sql.Scanner] for text, integers and NULL. It rejects
// floating point, which has already lost digits.
func (a *Amount) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*a = Amount{}
		return nil
	case string:
		return a.set(v)
	case []byte:
		return a.UnmarshalText(v)
	case int64:
		*a = NewAmount(decimal.NewFromInt(v))
		return nil
	default:
		return fmt.Errorf("jovepay: amount: cannot scan %T; use a TEXT column", src)
	}
}

// EncodeValues adds the amount to a query for go-querystring, unless it is null.
func (a Amount) EncodeValues(key string, v *url.Values) error {
	if a.text != "" {
		v.Set(key, a.text)
	}
	return nil
}

// checkNumber returns why s is not a JSON number within the limits, or "" if it
// is one.
func checkNumber(s string) string {
	const form = `want a decimal number such as "49.99"`
	if len(s) > maxAmountLength {
		return "over 128 bytes"
	}
	rest := strings.TrimPrefix(s, "-")
	whole := leadingDigits(rest)
	if whole == 0 || whole > 1 && rest[0] == '0' {
		return form
	}
	rest = rest[whole:]
	if strings.HasPrefix(rest, ".") {
		n := leadingDigits(rest[1:])
		if n == 0 {
			return form
		}
		rest = rest[1+n:]
	}
	if rest == "" {
		return ""
	}
	if rest[0] != 'e' && rest[0] != 'E' {
		return form
	}
	rest = rest[1:]
	if rest != "" && (rest[0] == '+' || rest[0] == '-') {
		rest = rest[1:]
	}
	if rest == "" || leadingDigits(rest) != len(rest) {
		return form
	}
	exponent := 0
	for _, c := range []byte(rest) {
		exponent = exponent*10 + int(c-'0')
		if exponent > maxAmountExponent {
			return "exponent beyond ±400"
		}
	}
	return ""
}

func leadingDigits(s string) int {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n
}

// scalarText returns the text of a JSON number or string, and "" for null.
func scalarText(b []byte) (string, error) {
	b = bytes.TrimSpace(b)
	switch kind := jsontext.Value(b).Kind(); kind {
	case 'n':
		return "", nil
	case '0':
		return string(b), nil
	case '"':
		if len(b) > 1 && b[len(b)-1] == '"' && bytes.IndexByte(b, '\\') < 0 {
			return string(b[1 : len(b)-1]), nil
		}
		text, err := jsontext.AppendUnquote(nil, b)
		return string(text), err
	default:
		return "", fmt.Errorf("want a number or a string, got JSON %v", kind)
	}
}
