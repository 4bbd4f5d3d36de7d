package canonical

import (
	"bytes"
	"math"
	"math/bits"
	"strconv"
)

// A number is a number that some form does not write as it stands in the body,
// or in no more room.
type number struct {
	// off and end give the literal in Document.buf.
	off, end uint32
	// digits are the count shortest digits d that give the double back. The
	// number is 0.d × 10^point; count is 0 if it is zero.
	digits   [17]byte
	count    uint8
	point    int16
	negative bool
	integer  bool // the literal has no point and no exponent
	int64    bool // and fits in 64 bits
}

const (
	// safeDigits is how many significant digits a literal can have and
	// certainly be the shortest that gives its double back.
	safeDigits = 15

	// A form writes a number without an exponent if its point is within these.
	minPoint    = -3 // PHP and Python
	minPointJS  = -5
	maxPoint    = 16 // Python
	maxPointPHP = 17
	maxPointJS  = 21
)

// readNumber reads the number at start, whose digits before any point end at i,
// and returns it and the index after it, or a reason and where. What all forms
// write alike it leaves as it stands, without the zeros that end a fraction.
func (d *Document) readNumber(start, i, size int) (text, int, Reason) {
	buf := d.buf
	first := start
	if buf[first] == '-' {
		first++
	}
	point := i
	if point == first {
		return badNumber(i, size)
	}
	if buf[first] == '0' && point > first+1 {
		return text{}, first + 1, Syntax
	}
	if buf[i] == '.' {
		if i = digitsEnd(buf, point+1); i == point+1 {
			return badNumber(i, size)
		}
	}
	if buf[i]|0x20 == 'e' {
		i++
		if buf[i] == '+' || buf[i] == '-' {
			i++
		}
		digits := i
		if i = digitsEnd(buf, digits); i == digits {
			return badNumber(i, size)
		}
		return d.compute(start, i)
	}
	if i == point {
		if i-first > safeDigits || buf[start] == '-' && buf[first] == '0' {
			return d.compute(start, i)
		}
		return text{off: uint32(start), end: uint32(i)}, i, 0
	}

	end := i
	for buf[end-1] == '0' {
		end--
	}
	digits, decimals := end-first-1, end-point-1
	if buf[first] == '0' {
		digits--
	}
	switch {
	case decimals == 0, point-first > maxPoint, buf[first] == '0' && string(buf[point+1:point+5]) == "0000":
		return d.compute(start, i)
	case digits <= safeDigits:
	case digits > headDigits || decimals > headDigits || !shortest(buf[first:end], decimals):
		return d.compute(start, i)
	}
	return text{off: uint32(start), end: uint32(end)}, i, 0
}

// shortest reports whether the fraction in literal, with this number of decimals,
// the last of which is not zero, is written with the shortest digits that give
// its double back. If it reports false it may still be. Neither the digits nor
// the decimals may be more than headDigits.
//
// Let u be one in the last decimal, and e the distance of doubles at the
// fraction. The digits are the shortest if no multiple of 10u rounds to the
// same double, and they are the nearest of their length if that double is less
// than u/2 away. It is at most e/2 away.
func shortest(literal []byte, decimals int) bool {
	var w uint64
	for _, c := range literal {
		if c != '.' {
			w = w*10 + uint64(c-'0')
		}
	}
	q, _, _ := quotient(w, powersOf10[decimals])
	// From here on the unit is the last bit of q, and slack makes up for
	// what q and the floating-point numbers leave out.
	const slack = 4
	drop := 64 - 53 - bits.LeadingZeros64(q)
	e := float64(uint64(1) << drop)
	u := float64(q) / float64(w)
	above := float64(q & (1<<drop - 1)) // how far the fraction is above the double
	if above >= e/2 {
		above -= e
	}
	last := float64(w % 10)
	return math.Abs(above)+slack < u/2 && last*u-above > e/2+slack && (10-last)*u+above > e/2+slack
}

// badNumber rejects a number that is wrong at i.
func badNumber(i, size int) (text, int, Reason) {
	i, reason := unexpected(i, size)
	return text{}, i, reason
}

// compute returns the number whose literal, valid JSON, stands between start
// and end, and end; or a reason and where.
func (d *Document) compute(start, end int) (text, int, Reason) {
	literal := d.buf[start:end]
	x := number{off: uint32(start), end: uint32(end)}
	if literal[0] == '-' {
		x.negative = true
		literal = literal[1:]
	}
	v := parseDecimal(literal)
	f := v.float()
	if math.IsInf(f, 0) {
		return text{}, start, NumberOverflow
	}
	x.setDigits(f)
	if x.integer = !bytes.ContainsAny(literal, ".eE"); x.integer {
		x.int64 = x.fitsInt64(literal)
	}

	if differ := x.differ(f); differ != 0 {
		d.differ |= differ
		return d.keep(x), end, 0
	}
	// One text serves all. It takes the place of the literal if it fits in.
	var space [32]byte // no text is longer
	one := x.appendText(space[:0], literal, JS)
	if len(one) > end-start {
		return d.keep(x), end, 0
	}
	return text{off: uint32(start), end: uint32(start + copy(d.buf[start:], one)), flags: decoded}, end, 0
}

// keep keeps x for the writers.
func (d *Document) keep(x number) text {
	if len(d.numbers) == cap(d.numbers) {
		d.numbers = double(d.numbers)
	}
	d.numbers = append(d.numbers, x)
	return text{off: uint32(len(d.numbers) - 1), flags: computed}
}

// differ returns the pairs of forms that may write x, of the absolute value f,
// differently. Those of a fraction that all write plainly do not.
func (x *number) differ(f float64) pairs {
	if x.integer {
		switch {
		case f < 1<<53:
			return 0
		case x.int64:
			return jsApart
		}
		return jsApart | phpAlone
	}
	js := x.point < minPointJS || x.point > maxPointJS
	php := x.point < minPoint || x.point > maxPointPHP
	python := x.point < minPoint || x.point > maxPoint
	padded := x.point > -9 && x.point <= 10 // an exponent of one digit
	whole := int16(x.count) <= x.point
	var differ pairs
	if js != php || php && x.count == 1 || x.count == 0 && x.negative {
		differ |= jsAndPHP | arraysAndPHP
	}
	if js != python || python && padded || !python && whole {
		differ |= jsAndPython | arraysAndPython
	}
	if php != python || python && (padded || x.count == 1) || !python && whole {
		differ |= phpAndPython
	}
	return differ
}

// setDigits sets the digits and the point of x to those of f >= 0.
func (x *number) setDigits(f float64) {
	if f == 0 {
		return
	}
	var space [24]byte // d.ddde±nnn
	s := strconv.AppendFloat(space[:0], f, 'e', -1, 64)
	e := len(s) - 1
	for s[e] != 'e' {
		e--
	}
	for _, c := range s[:e] {
		if c != '.' {
			x.digits[x.count] = c
			x.count++
		}
	}
	for _, c := range s[e+2:] {
		x.point = x.point*10 + int16(c-'0')
	}
	if s[e+1] == '-' {
		x.point = -x.point
	}
	x.point++
}

// fitsInt64 reports whether the integer literal, without its sign, fits in 64
// bits with it.
func (x *number) fitsInt64(literal []byte) bool {
	limit := "9223372036854775807"
	if x.negative {
		limit = "9223372036854775808"
	}
	return len(literal) < len(limit) || len(literal) == len(limit) && string(literal) <= limit
}

// appendText appends x as form f writes it to dst, given the literal that x was
// read from.
func (x *number) appendText(dst, literal []byte, f Form) []byte {
	least, most := minPoint, maxPoint
	switch f {
	case PHP:
		if x.integer && x.int64 {
			return append(dst, literal...)
		}
		most = maxPointPHP
	case Python:
		if x.integer {
			return append(dst, literal...)
		}
	case meaning:
		if x.integer {
			return append(dst, literal...)
		}
		fallthrough
	default:
		least, most = minPointJS, maxPointJS
	}

	point, digits := int(x.point), x.digits[:x.count]
	if x.negative && (len(digits) > 0 || f == PHP || f == Python) { // Node writes -0 as 0
		dst = append(dst, '-')
	}
	switch {
	case len(digits) == 0:
		dst = append(dst, '0')
	case point < least || point > most:
		return appendScientific(dst, digits, point-1, f)
	case point <= 0:
		dst = append(dst, "0.00000"[:2-point]...)
		return append(dst, digits...)
	case point < len(digits):
		dst = append(dst, digits[:point]...)
		dst = append(dst, '.')
		return append(dst, digits[point:]...)
	default:
		dst = append(dst, digits...)
		dst = append(dst, "000000000000000000000"[:point-len(digits)]...)
	}
	if f == Python {
		dst = append(dst, ".0"...)
	}
	return dst
}

// appendScientific appends d.ddd × 10^exp, whose digits are given, as form f
// writes it.
func appendScientific(dst, digits []byte, exp int, f Form) []byte {
	dst = append(dst, digits[0])
	if len(digits) > 1 {
		dst = append(dst, '.')
		dst = append(dst, digits[1:]...)
	} else if f == PHP {
		dst = append(dst, ".0"...)
	}
	sign := byte('+')
	if exp < 0 {
		sign, exp = '-', -exp
	}
	dst = append(dst, 'e', sign)
	if exp < 10 && f == Python {
		dst = append(dst, '0')
	}
	return strconv.AppendInt(dst, int64(exp), 10)
}
