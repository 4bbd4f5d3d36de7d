package canonical

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// A text is a name or a value that has been read: where it stands in
// Document.buf, a string with its quotes, and what is not ordinary about it.
type text struct {
	off, end uint32
	flags    flags
}

// The same byte eight times.
const (
	ones   = 0x0101010101010101
	highs  = 0x80 * ones
	spaces = ' ' * ones
	quotes = '"' * ones
	slants = '\\' * ones
)

// unusual returns a word whose lowest bit set, if any, is the top bit of the
// first byte of the little-endian word w that is a quote, a backslash, a
// control character, U+007F, or beyond ASCII. Higher bits mean nothing.
func unusual(w uint64) uint64 {
	return ((w - spaces) | ((w ^ quotes) - ones) | ((w ^ slants) - ones) | (w + ones) | w) & highs
}

// escapable is unusual for quotes, backslashes and control characters only.
func escapable(w uint64) uint64 {
	return ((w - spaces) | ((w ^ quotes) - ones) | ((w ^ slants) - ones)) &^ w & highs
}

// plainEnd returns the index of the first unusual byte from i on. The padding
// is unusual, so there always is one.
func plainEnd(buf []byte, i int) int {
	for {
		if m := unusual(binary.LittleEndian.Uint64(buf[i : i+8])); m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
		i += 8
	}
}

// digitsEnd returns the index of the first byte from i on that is no digit.
func digitsEnd(buf []byte, i int) int {
	for {
		w := binary.LittleEndian.Uint64(buf[i:i+8]) ^ '0'*ones
		if m := (w + 0x76*ones | w) & highs; m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
		i += 8
	}
}

// readString reads the string whose opening quote is at open, and decodes it in
// its place: no escape is shorter than the character that it stands for. The
// caller has found that all before i is ordinary and that the byte at i is not.
// It returns the string and the index after the closing quote, or a reason and
// where.
func (d *Document) readString(open, i, size int) (text, int, Reason) {
	s := text{off: uint32(open)}
	end := open // of what is decoded
	run := open // where the source begins that is not yet decoded
	for {
		switch c := d.buf[i]; {
		case c == '"':
			i++
			s.end = uint32(end + copy(d.buf[end:], d.buf[run:i]))
			if s.flags&wide != 0 {
				d.differ |= jsApart
			}
			if s.flags&del != 0 {
				d.differ |= pythonAlone
			}
			return s, i, 0
		case c == '\\':
			r, next, reason := readEscape(d.buf, i, size)
			if reason != 0 {
				return s, next, reason
			}
			end += copy(d.buf[end:], d.buf[run:i])
			end += utf8.EncodeRune(d.buf[end:next], r)
			s.flags |= runeFlags(r) | decoded
			i, run = next, next
		case c < ' ':
			if i >= size {
				return s, size, Truncated
			}
			return s, i, ControlCharacter
		default:
			r, n := utf8.DecodeRune(d.buf[i:])
			if r == utf8.RuneError && n == 1 {
				return s, i, InvalidUTF8
			}
			s.flags |= runeFlags(r)
			i += n
		}
		i = plainEnd(d.buf, i)
	}
}

// runeFlags returns what is not ordinary about a string that holds r.
func runeFlags(r rune) flags {
	switch {
	case r < ' ', r == '"', r == '\\':
		return escaped
	case r == 0x7f:
		return del
	case r > 0x7f:
		return wide
	}
	return 0
}

// readEscape reads the escape whose backslash is at i. It returns the character
// and the index after the escape, or a reason and where.
func readEscape(buf []byte, i, size int) (rune, int, Reason) {
	switch c := buf[i+1]; c {
	case '"', '\\', '/':
		return rune(c), i + 2, 0
	case 'b':
		return '\b', i + 2, 0
	case 'f':
		return '\f', i + 2, 0
	case 'n':
		return '\n', i + 2, 0
	case 'r':
		return '\r', i + 2, 0
	case 't':
		return '\t', i + 2, 0
	case 'u':
		r, bad := readHex(buf, i+2)
		if bad != 0 {
			return badEscape(bad, size)
		}
		if !utf16.IsSurrogate(r) {
			return r, i + 6, 0
		}
		if buf[i+6] != '\\' || buf[i+7] != 'u' {
			return 0, i, LoneSurrogate
		}
		low, bad := readHex(buf, i+8)
		if bad != 0 {
			return badEscape(bad, size)
		}
		if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
			return 0, i, LoneSurrogate
		}
		return r, i + 12, 0
	}
	return badEscape(i+1, size)
}

// readHex returns the number of the four hexadecimal digits at i, or the index
// of the first byte that is not one.
func readHex(buf []byte, i int) (r rune, bad int) {
	for end := i + 4; i < end; i++ {
		c := buf[i]
		switch {
		case c-'0' < 10:
			c -= '0'
		case (c|0x20)-'a' < 6:
			c = (c | 0x20) - 'a' + 10
		default:
			return 0, i
		}
		r = r<<4 | rune(c)
	}
	return r, 0
}

// badEscape rejects an escape that is wrong at i.
func badEscape(i, size int) (rune, int, Reason) {
	if i >= size {
		return 0, size, Truncated
	}
	return 0, i, InvalidEscape
}
