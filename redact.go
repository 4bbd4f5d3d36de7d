package jovepay

import (
	"bytes"
	"errors"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// secret hides a string behind a function, so that no way of printing a value that
// contains it, however deep, can show it.
type secret func() string

func newSecret(s string) secret { return func() string { return s } }

// secrets are removed from text that comes from outside: a server may echo them.
type secrets []secret

const redacted = "[redacted]"

// longestText limits the text of an error before it is copied or searched.
const longestText = 64 << 10

// text returns s without the secrets, in whatever encoding.
func (hide secrets) text(s string) string {
	return string(hide.body([]byte(s)))
}

// cause returns err, or, if its text contains a secret or is too long, an error with
// a shorter text that matches the same targets.
func (hide secrets) cause(err error) error {
	text := err.Error()
	clean := hide.text(text[:min(len(text), longestText)])
	if len(text) > longestText || clean != text {
		return &veiled{clean, func(target error) bool { return errors.Is(err, target) }}
	}
	return err
}

// body returns b without the secrets, in whatever encoding, and without the
// beginning of one at the end of b, where a size limit may have cut it off. The
// result is never longer than b; if b has no secret, it is b. If b is so full of
// near matches that a bounded search cannot clear it, the rest is dropped.
func (hide secrets) body(b []byte) []byte {
	var clean []byte
	s := hide.search(len(b))
	done := 0
	for i := 0; i < len(b); {
		n := 0
		if s.starts[b[i]] {
			n = s.matchAt(b[i:])
		}
		if s.left < 0 {
			n = len(b) - i
		}
		if n == 0 {
			i += max(1, backslashes(b[i:])) // which do not count, see matchLength
			continue
		}
		if clean == nil {
			clean = make([]byte, 0, len(b))
		}
		clean = append(clean, b[done:i]...)
		if n >= len(redacted) {
			clean = append(clean, redacted...)
		} else {
			clean = append(clean, '*')
		}
		i += n
		done = i
	}
	if clean == nil {
		return b
	}
	return append(clean, b[done:]...)
}

// search is a search for secrets in one text.
type search struct {
	needles []needle
	starts  [256]bool // the bytes that a secret can start with, in any encoding
	left    int       // steps left
}

// A needle is a secret to search for.
type needle struct {
	plain string
	runes []rune // without backslashes; nil if it is not UTF-8
}

// search prepares a search in a text of the given size.
func (hide secrets) search(size int) *search {
	const perByte, least = 8, 1 << 20
	s := &search{left: perByte*size + least}
	for _, secret := range hide {
		plain := secret()
		if plain == "" {
			continue
		}
		n := needle{plain: plain}
		if first := strings.TrimLeft(plain, `\`); first != "" && utf8.ValidString(plain) {
			n.runes = []rune(strings.ReplaceAll(plain, `\`, ""))
			s.starts[first[0]] = true
			s.starts['+'] = s.starts['+'] || first[0] == ' '
			for _, c := range `\%&` {
				s.starts[c] = true
			}
		}
		s.starts[plain[0]] = true
		s.needles = append(s.needles, n)
	}
	return s
}

// matchAt returns the length of the secret that text starts with, or 0.
func (s *search) matchAt(text []byte) int {
	const compared = 256 // bytes in one step
	for _, n := range s.needles {
		length := min(len(text), len(n.plain))
		s.left -= length / compared
		if string(text[:length]) == n.plain[:length] && length >= min(enough, len(n.plain)) {
			return length
		}
		if length := s.matchLength(text, n.runes); length > 0 {
			return length
		}
	}
	return 0
}

// enough is how many characters of a secret at the end of a text count as the secret.
const enough = 4

// matchLength returns the length of a secret at the start of text, in any mixture of
// encodings, or 0. Backslashes do not count: they escape.
func (s *search) matchLength(text []byte, secret []rune) int {
	end := 0
	for matched, want := range secret {
		s.left--
		if end == len(text) {
			if matched < enough {
				return 0
			}
			return end
		}
		n := matchRune(text[end:], want)
		if n == 0 {
			return 0
		}
		end += n
	}
	return end
}

// matchRune returns the length of want at the start of text, or 0. It may be literal,
// or escaped for JSON, any number of times, for a URL or for HTML.
func matchRune(text []byte, want rune) int {
	i := backslashes(text)
	rest := text[i:]
	if len(rest) == 0 {
		return 0
	}
	if i > 0 {
		if n := matchEscape(rest, want); n > 0 {
			return i + n
		}
	}
	switch rest[0] {
	case '&':
		if n := entity(rest[1:], want); n > 0 {
			return i + 1 + n
		}
	case '%':
		if n := percent(rest, want); n > 0 {
			return i + n
		}
	case '+':
		if want == ' ' {
			return i + 1
		}
	}
	if r, n := utf8.DecodeRune(rest); r == want {
		return i + n
	}
	return 0
}

// backslashes returns the length of the backslashes that text starts with, in any
// encoding, up to those of an escape in JSON in JSON in JSON: a search must not look
// far ahead from each place.
func backslashes(text []byte) (n int) {
	const most = 8
	for range most {
		step := 0
		if n < len(text) {
			switch text[n] {
			case '\\':
				step = 1
				if r, digits := hexRune(text[n+1:]); r == '\\' {
					step += digits
				}
			case '%':
				step = percent(text[n:], '\\')
			case '&':
				if length := entity(text[n+1:], '\\'); length > 0 {
					step = 1 + length
				}
			}
		}
		if step == 0 {
			return n
		}
		n += step
	}
	return n
}

// matchEscape is matchRune for what follows a backslash in JSON.
func matchEscape(rest []byte, want rune) int {
	if i := strings.IndexByte("bfnrt", rest[0]); i >= 0 && rune("\b\f\n\r\t"[i]) == want {
		return 1
	}
	r, n := hexRune(rest)
	switch {
	case n == 0:
		return 0
	case r == '&' && entity(rest[n:], want) > 0:
		return n + entity(rest[n:], want)
	case r == want:
		return n
	case utf16.IsSurrogate(r):
		n += backslashes(rest[n:])
		if second, m := hexRune(rest[n:]); m > 0 && utf16.DecodeRune(r, second) == want {
			return n + m
		}
	}
	return 0
}

// hexRune reads the part of an escape such as \u00e9 after the backslash; n is
// 0 if text has none.
func hexRune(text []byte) (r rune, n int) {
	const length = len("u00e9")
	if len(text) < length || text[0] != 'u' {
		return 0, 0
	}
	for _, c := range text[1:length] {
		if unhex(c) > 0xf {
			return 0, 0
		}
		r = r<<4 | unhex(c)
	}
	return r, length
}

// percent is matchRune for an escape in a URL.
func percent(text []byte, want rune) (n int) {
	var buf [utf8.UTFMax]byte
	for _, c := range buf[:utf8.EncodeRune(buf[:], want)] {
		if len(text) < n+3 || text[n] != '%' || unhex(text[n+1])<<4|unhex(text[n+2]) != rune(c) {
			return 0
		}
		n += 3
	}
	return n
}

// entity is matchRune for what follows the & of an entity in HTML.
func entity(text []byte, want rune) int {
	const longest = len("#x0010ffff;")
	end := bytes.IndexByte(text[:min(len(text), longest)], ';')
	if end < 2 {
		return 0
	}
	var r rune
	switch name := text[:end]; {
	case name[0] == '#' && name[1]|0x20 == 'x':
		for _, c := range name[2:] {
			r = r<<4 | unhex(c)
		}
	case name[0] == '#':
		for _, c := range name[1:] {
			r = r*10 + unhex(c)
		}
	default:
		r = namedEntity(string(name))
	}
	if r != want {
		return 0
	}
	return end + 1
}

func namedEntity(name string) rune {
	switch name {
	case "lt":
		return '<'
	case "gt":
		return '>'
	case "amp":
		return '&'
	case "quot":
		return '"'
	case "apos":
		return '\''
	}
	return -1
}

// unhex returns the value of a hexadecimal digit. For anything else it returns a
// value that no byte can have.
func unhex(c byte) rune {
	switch {
	case '0' <= c && c <= '9':
		return rune(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return rune(c|0x20-'a') + 10
	}
	return 1 << 12
}

// oneLine makes text from outside fit for a line of a log: it replaces every run of
// white space, control and format characters with one space, and truncates the text
// to limit characters.
func oneLine(s string, limit int) string {
	var line strings.Builder
	gap := false
	for _, r := range s {
		if r == ' ' || !unicode.IsPrint(r) {
			gap = line.Len() > 0
			continue
		}
		if gap {
			if limit--; limit >= 0 {
				line.WriteByte(' ')
			}
			gap = false
		}
		if limit--; limit < 0 {
			return line.String() + "…"
		}
		line.WriteRune(r)
	}
	return line.String()
}
