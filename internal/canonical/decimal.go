package canonical

import (
	"math"
	"math/bits"
)

// A decimal is a decimal number without its sign: count significant digits,
// taken as an integer, × 10^exp.
//
// strconv.ParseFloat does not serve here: near halfway between two doubles, and
// below the least normal one, it takes tens of microseconds for a literal of a
// few bytes, so that a body of a megabyte would take seconds.
type decimal struct {
	digits []byte // from the first to the last but zeros; a point may stand between
	count  int
	exp    int
	head   uint64 // the first headDigits digits, or all
}

const (
	// headDigits is how many decimal digits always fit in 64 bits.
	headDigits = 19

	// maxDigits is enough digits to tell on which side of the middle between
	// two doubles a number lies: no such middle has more than 767. Of the
	// digits behind them it matters only that there are some.
	maxDigits = 800

	// maxExp stands for every exponent beyond it.
	maxExp = math.MaxInt / 16
)

// parseDecimal returns the number that b writes: digits, perhaps a point among,
// before or behind them, perhaps an exponent.
func parseDecimal(b []byte) decimal {
	mantissa := len(b)
	point := -1
	exp := 0
	for i, c := range b {
		if c == '.' {
			point = i
		} else if c|0x20 == 'e' {
			mantissa = i
			exp = parseExp(b[i+1:])
			break
		}
	}
	if point < 0 {
		point = mantissa
	}
	first, end := 0, mantissa
	for first < end && (b[first] == '0' || b[first] == '.') {
		first++
	}
	for first < end && (b[end-1] == '0' || b[end-1] == '.') {
		end--
	}
	x := decimal{digits: b[first:end], count: end - first, exp: exp + point - end}
	if point < end {
		x.exp++
		if point > first {
			x.count--
		}
	}
	for i, n := 0, min(x.count, headDigits); n > 0; i++ {
		if c := x.digits[i]; c != '.' {
			x.head = x.head*10 + uint64(c-'0')
			n--
		}
	}
	return x
}

// parseExp returns the exponent that b writes, or one as good.
func parseExp(b []byte) int {
	negative := b[0] == '-'
	if negative || b[0] == '+' {
		b = b[1:]
	}
	e := 0
	for _, c := range b {
		if e = e*10 + int(c-'0'); e > maxExp {
			e = maxExp
		}
	}
	if negative {
		return -e
	}
	return e
}

// float returns the double nearest to x, the even one of two, +Inf if x is
// beyond the range.
func (x *decimal) float() float64 {
	magnitude := x.count + x.exp // x < 10^magnitude
	switch {
	case x.count == 0, magnitude < -323:
		return 0
	case magnitude > 309:
		return math.Inf(1)
	case x.count > headDigits, x.exp < -headDigits, x.exp > headDigits:
		return x.longFloat()
	case x.exp >= 0:
		hi, lo := bits.Mul64(x.head, powersOf10[x.exp])
		if hi == 0 {
			return round(lo, false, 0)
		}
		s := bits.LeadingZeros64(hi)
		return round(hi<<s|lo>>(64-s), lo<<s != 0, 64-s)
	}
	return round(quotient(x.head, powersOf10[-x.exp]))
}

// quotient returns the 63 or 64 leading bits of x/y, whether there is more, and
// the exponent to 2 that belongs to them.
func quotient(x, y uint64) (q uint64, more bool, exp int) {
	s, t := bits.LeadingZeros64(x), bits.LeadingZeros64(y)
	x <<= s
	q, rest := bits.Div64(x>>1, x<<63, y<<t)
	return q, rest != 0, t - s - 63
}

// powersOf10 are those that fit in 64 bits.
//
//nolint:gochecknoglobals // a table of constants
var powersOf10 = [headDigits + 1]uint64{
	1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9,
	1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
}

// round returns the double nearest to m × 2^exp, or to a little more if more is
// set. All but two bits of m must be known.
func round(m uint64, more bool, exp int) float64 {
	s := bits.LeadingZeros64(m)
	m <<= s
	biased := exp - s + 63 + 1023
	drop := 64 - 53
	if biased < 1 { // below the least normal double
		drop += 1 - biased
		biased = 1
	}
	if drop > 64 {
		return 0
	}
	fraction := m >> drop
	const half = 1 << 63
	if rest := m << (64 - drop); rest > half || rest == half && (more || fraction&1 != 0) {
		fraction++
	}
	if drop > 11 {
		return math.Float64frombits(fraction)
	}
	const infinity = 0x7ff << 52
	return math.Float64frombits(min(uint64(biased-1)<<52+fraction, infinity))
}
