package canonical

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"strconv"
)

// A phpName is a member and what PHP makes of its name.
type phpName struct {
	node uint32
	kind phpKind
	// overflow is 1 or -1 if the digits of a phpFloat that come before any
	// point are too many for 64 bits: PHP then takes it for greater, or less,
	// than every phpInteger, even if an exponent makes it small.
	overflow int8
	i        int64   // of a phpKey or phpInteger
	f        float64 // of a phpFloat
}

// A phpKind is what PHP takes a name for.
type phpKind uint8

const (
	phpText    phpKind = iota
	phpKey             // an integer as PHP itself writes it, which it stores as an integer
	phpInteger         // any other numeric string that is an integer in 64 bits
	phpFloat           // any other numeric string
)

const (
	phpSpace = " \t\n\r\v\f"
	// phpDigits is how many digits the greatest integer in 64 bits has.
	phpDigits = 19
)

// parsePHPName returns what PHP makes of a name.
func parsePHPName(name []byte) phpName {
	s := bytes.TrimLeft(name, phpSpace)
	number := bytes.TrimRight(s, phpSpace)
	digits := number
	negative := len(digits) > 0 && digits[0] == '-'
	if negative || len(digits) > 0 && digits[0] == '+' {
		digits = digits[1:]
	}
	whole, ok := scanNumeric(digits)
	if !ok {
		return phpName{}
	}
	significant := bytes.TrimLeft(digits[:whole], "0")

	p := phpName{kind: phpInteger}
	if whole < len(digits) {
		p.kind = phpFloat
	}
	if len(significant) > phpDigits {
		p.kind, p.overflow = phpFloat, 1
	} else if p.kind == phpInteger && len(significant) == phpDigits {
		// PHP compares these digits with those of the least integer. It
		// compares the white space behind them as well, so that only a name
		// that ends in its digits can be the least integer.
		least := cmp.Or(bytes.Compare(significant, []byte("9223372036854775808")), len(s)-len(number))
		if least > 0 || least == 0 && !negative {
			p.kind, p.overflow = phpFloat, 1
		}
	}
	if p.kind == phpFloat {
		v := parseDecimal(digits)
		if p.f = v.float(); negative {
			p.f, p.overflow = -p.f, -p.overflow
		}
		return p
	}
	var u uint64
	for _, c := range significant {
		u = u*10 + uint64(c-'0')
	}
	if p.i = int64(u); negative {
		p.i = -p.i
	}
	var space [20]byte
	if bytes.Equal(strconv.AppendInt(space[:0], p.i, 10), name) {
		p.kind = phpKey
	}
	return p
}

// scanNumeric reports whether all of s is an unsigned number to PHP, and how
// many digits it begins with.
func scanNumeric(s []byte) (whole int, ok bool) {
	whole = countDigits(s)
	i := whole
	if i < len(s) && s[i] == '.' {
		i++
		fraction := countDigits(s[i:])
		if whole == 0 && fraction == 0 {
			return 0, false
		}
		i += fraction
	}
	if i == 0 {
		return 0, false
	}
	if i < len(s) && s[i]|0x20 == 'e' {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		exp := countDigits(s[i:])
		if exp == 0 {
			return 0, false
		}
		i += exp
	}
	return whole, i == len(s)
}

// countDigits returns how many decimal digits s begins with.
func countDigits(s []byte) int {
	n := 0
	for n < len(s) && s[n]-'0' < 10 {
		n++
	}
	return n
}

// sortPHP sorts members as PHP's ksort does under the rules of PHP 8.2: two
// numeric strings compare as numbers, all else as bytes, and equal names stay
// in the order of the body. That is no order if it is cyclic, as in
// 9 < 10 < 1a < 9; PHP's result then depends on how its sort goes about, and
// this one's may differ.
func (d *Document) sortPHP(members []member) {
	names := slices.Grow(d.phpNames[:0], len(members))
	for _, m := range members {
		p := parsePHPName(d.name(&d.nodes[m.node]))
		p.node = m.node
		names = append(names, p)
	}
	slices.SortFunc(names, func(a, b phpName) int {
		aName, bName := d.name(&d.nodes[a.node]), d.name(&d.nodes[b.node])
		return cmp.Or(comparePHP(&a, &b, aName, bName), cmp.Compare(a.node, b.node))
	})
	for i, p := range names {
		members[i] = member{node: p.node}
	}
	d.phpNames = names
}

// comparePHP compares two names as PHP does, given what PHP makes of them.
func comparePHP(a, b *phpName, aName, bName []byte) int {
	strings := a.kind != phpKey && b.kind != phpKey
	text := a.kind == phpText || b.kind == phpText
	if strings && a.kind == phpFloat && b.kind == phpFloat && a.f == b.f {
		// Too large to tell apart as doubles.
		text = text || math.IsInf(a.f, 0) || a.overflow != 0 && a.overflow == b.overflow
	}
	switch {
	case text:
		return bytes.Compare(aName, bName)
	case a.kind != phpFloat && b.kind != phpFloat:
		return cmp.Compare(a.i, b.i)
	case strings && a.kind != phpFloat && b.overflow != 0:
		return -int(b.overflow)
	case strings && b.kind != phpFloat && a.overflow != 0:
		return int(a.overflow)
	}
	return cmp.Compare(a.float(), b.float())
}

// float returns the double nearest to the number that the name is to PHP.
func (p *phpName) float() float64 {
	if p.kind == phpFloat {
		return p.f
	}
	return float64(p.i)
}
