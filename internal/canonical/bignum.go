package canonical

import "math/bits"

// maxWords is enough for maxDigits digits, for 5^(maxDigits+1+324), and for
// either shifted by two words.
const maxWords = 46

// A bignum is a natural number of a fixed greatest size. It is what
// [decimal.longFloat] needs of math/big, without the memory.
type bignum struct {
	words [maxWords]uint64 // the least significant first
	n     int              // how many are used; the last is not zero
}

// mulAdd sets z to z*m + a.
func (z *bignum) mulAdd(m, a uint64) {
	for i := range z.words[:z.n] {
		hi, lo := bits.Mul64(z.words[i], m)
		var carry uint64
		z.words[i], carry = bits.Add64(lo, a, 0)
		a = hi + carry
	}
	if a != 0 {
		z.words[z.n] = a
		z.n++
	}
}

// mulPow5 sets z to z * 5^k.
func (z *bignum) mulPow5(k int) {
	const step, power = 27, 7450580596923828125 // the greatest in 64 bits
	for ; k >= step; k -= step {
		z.mulAdd(power, 0)
	}
	m := uint64(1)
	for ; k > 0; k-- {
		m *= 5
	}
	z.mulAdd(m, 0)
}

// bitLen returns the number of bits of z.
func (z *bignum) bitLen() int {
	return z.n*64 - bits.LeadingZeros64(z.words[z.n-1])
}

// shl sets z to z << s.
func (z *bignum) shl(s int) {
	whole, part := s/64, s%64
	z.words[z.n] = 0
	for i := z.n; i >= 0; i-- {
		w := z.words[i] << part
		if i > 0 {
			w |= z.words[i-1] >> (64 - part)
		}
		z.words[i+whole] = w
	}
	clear(z.words[:whole])
	z.n += whole
	if z.words[z.n] != 0 {
		z.n++
	}
}

// top returns the 64 most significant bits of z, which has as many, whether any
// bit below them is set, and how many there are below.
func (z *bignum) top() (m uint64, more bool, below int) {
	below = z.bitLen() - 64
	if below <= 0 {
		return z.words[0], false, 0
	}
	whole, part := below/64, below%64
	m = z.words[whole] >> part
	if part != 0 {
		m |= z.words[whole+1] << (64 - part)
		more = z.words[whole]<<(64-part) != 0
	}
	for _, w := range z.words[:whole] {
		more = more || w != 0
	}
	return m, more, below
}

// quo returns the quotient of z by y and whether anything remains. The top bit
// of y's last word must be set, and z must have 63 bits more than y. It
// destroys z.
func (z *bignum) quo(y *bignum) (q uint64, more bool) {
	n := y.n
	// The estimate from the leading words is at most two too large.
	q, _ = bits.Div64(z.words[n], z.words[n-1], y.words[n-1])
	var carry, borrow uint64
	for i, w := range y.words[:n] {
		hi, lo := bits.Mul64(w, q)
		var c uint64
		lo, c = bits.Add64(lo, carry, 0)
		carry = hi + c
		z.words[i], borrow = bits.Sub64(z.words[i], lo, borrow)
	}
	z.words[n], borrow = bits.Sub64(z.words[n], carry, borrow)
	for borrow != 0 {
		q--
		var c uint64
		for i, w := range y.words[:n] {
			z.words[i], c = bits.Add64(z.words[i], w, c)
		}
		z.words[n], c = bits.Add64(z.words[n], 0, c)
		borrow -= c
	}
	for _, w := range z.words[:n] {
		more = more || w != 0
	}
	return q, more
}

// longFloat is [decimal.float] for any number, in exact arithmetic.
func (x *decimal) longFloat() float64 {
	var num bignum
	exp := num.setDigits(x)
	if exp >= 0 {
		num.mulPow5(exp)
		m, more, below := num.top()
		return round(m, more, below+exp)
	}
	den := bignum{n: 1}
	den.words[0] = 1
	den.mulPow5(-exp)

	// Shift one of the two so that the quotient has 63 or 64 bits, then both
	// so that the divisor fills its words.
	shift := den.bitLen() + 63 - num.bitLen()
	if shift >= 0 {
		num.shl(shift)
	} else {
		den.shl(-shift)
	}
	fill := bits.LeadingZeros64(den.words[den.n-1])
	num.shl(fill)
	den.shl(fill)
	m, more := num.quo(&den)
	return round(m, more, exp-shift)
}

// setDigits sets z to the digits of x, as many as matter, and returns the
// exponent to 10 that belongs to them.
func (z *bignum) setDigits(x *decimal) int {
	left := min(x.count, maxDigits)
	exp := x.exp + x.count - left
	cut := left < x.count
	var chunk uint64
	inChunk := 0
	for i := 0; left > 0; i++ {
		c := x.digits[i]
		if c == '.' {
			continue
		}
		chunk = chunk*10 + uint64(c-'0')
		inChunk++
		left--
		if inChunk == headDigits || left == 0 {
			z.mulAdd(powersOf10[inChunk], chunk)
			chunk, inChunk = 0, 0
		}
	}
	if cut {
		z.mulAdd(10, 1)
		exp--
	}
	return exp
}
