package canonical

import (
	"encoding/binary"
	"math/bits"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// pieceSize is about how long a text may become by escapes before a part of it
// is written to a sink.
const pieceSize = 32 << 10

// A frame is a container that is being written.
type frame struct {
	next, end uint32 // the children left: of an object in the order, of an array in d.nodes
	index     uint32 // the index of the next child of an array
	style     style
}

// A style is a way to write a container.
type style uint8

const (
	object       style = iota // an object
	list                      // an array
	listAsObject              // an array as an object, by index
	objectAsList              // an object as an array, without the names
)

// appendValue appends the value at index i of d.nodes to dst as form f writes
// it.
func (d *Document) appendValue(dst []byte, i uint32, f Form) []byte {
	if n := &d.nodes[i]; n.kind != Object && n.kind != Array {
		return d.appendScalar(dst, n, f)
	}
	order := d.members(f)
	d.frames = d.frames[:0]
	dst = d.open(dst, i, f)
	for {
		top := &d.frames[len(d.frames)-1]
		if top.next < top.end {
			var container uint32
			if top.style == list || top.style == listAsObject {
				dst, container = d.appendElements(dst, top, f)
			} else {
				dst, container = d.appendMembers(dst, top, order, f)
			}
			if container != 0 {
				dst = d.open(dst, container, f)
				continue
			}
		}
		// A comma follows every child; the bracket takes the place of the last.
		if last := len(dst) - 1; dst[last] == ',' {
			dst = dst[:last]
		}
		dst = append(dst, top.style.opening()+2)
		if d.frames = d.frames[:len(d.frames)-1]; len(d.frames) == 0 {
			return dst
		}
		dst = append(dst, ',')
	}
}

// open begins to write the container at index i of d.nodes.
func (d *Document) open(dst []byte, i uint32, f Form) []byte {
	n := &d.nodes[i]
	top := frame{next: n.off, end: n.off + n.end, style: object}
	switch {
	case n.kind == Array:
		top = frame{next: i + 1, end: n.next, style: list}
		if f == JS {
			top.style = listAsObject
		}
	case f.isList(n, i):
		top.style = objectAsList
	}
	d.frames = append(d.frames, top)
	return append(dst, top.style.opening())
}

// opening returns the opening bracket.
func (s style) opening() byte {
	if s == list || s == objectAsList {
		return '['
	}
	return '{'
}

// appendMembers appends members of the object at the top, each with a comma
// behind it, up to the first that is a container: of that it appends the name
// and returns the node. It returns 0 when all members are written.
func (d *Document) appendMembers(dst []byte, top *frame, order []member, f Form) ([]byte, uint32) {
	buf, nodes := d.buf, d.nodes
	named := top.style == object
	members := order[top.next:top.end]
	for k := range members {
		n := &nodes[members[k].node]
		if n.flags&verbatim != 0 && named {
			// With the byte behind it, to be the comma.
			off, at := int(n.name), len(dst)
			size := int(n.end) - off
			if size < 32 && at+32 <= cap(dst) && off+32 <= len(buf) {
				copy32((*[32]byte)(dst[at:at+32]), (*[32]byte)(buf[off:off+32]))
				dst = dst[:at+size+1]
				dst[at+size] = ','
				continue
			}
			dst = append(dst, buf[n.name:n.end+1]...)
			dst[len(dst)-1] = ','
			continue
		}
		if named {
			dst = d.appendString(dst, n.name, n.nameEnd, n.nameFlags, f)
			dst = append(dst, ':')
		}
		if n.kind == Object || n.kind == Array {
			top.next += uint32(k) + 1
			return dst, members[k].node
		}
		dst = d.appendScalar(dst, n, f)
		dst = append(dst, ',')
	}
	top.next = top.end
	return dst, 0
}

// copy32 is *dst = *src, without the call of memmove that this would be.
func copy32(dst, src *[32]byte) {
	a, b := binary.LittleEndian.Uint64(src[0:]), binary.LittleEndian.Uint64(src[8:])
	c, d := binary.LittleEndian.Uint64(src[16:]), binary.LittleEndian.Uint64(src[24:])
	binary.LittleEndian.PutUint64(dst[0:], a)
	binary.LittleEndian.PutUint64(dst[8:], b)
	binary.LittleEndian.PutUint64(dst[16:], c)
	binary.LittleEndian.PutUint64(dst[24:], d)
}

// appendElements is appendMembers for the array at the top.
func (d *Document) appendElements(dst []byte, top *frame, f Form) ([]byte, uint32) {
	for top.next < top.end {
		i := top.next
		n := &d.nodes[i]
		top.next = n.next
		if top.style == listAsObject {
			dst = append(dst, '"')
			dst = strconv.AppendUint(dst, uint64(top.index), 10)
			dst = append(dst, `":`...)
			top.index++
		}
		if n.kind == Object || n.kind == Array {
			return dst, i
		}
		dst = d.appendScalar(dst, n, f)
		dst = append(dst, ',')
	}
	return dst, 0
}

// appendScalar appends a value that is no container.
func (d *Document) appendScalar(dst []byte, n *node, f Form) []byte {
	if n.kind == String {
		return d.appendString(dst, n.off, n.end, n.flags, f)
	}
	if n.flags&computed != 0 {
		x := &d.numbers[n.off]
		return x.appendText(dst, d.buf[x.off:x.end], f)
	}
	return append(dst, d.buf[n.off:n.end]...)
}

// appendString appends the string that stands in d.buf, decoded and with its
// quotes, between off and end.
func (d *Document) appendString(dst []byte, off, end uint32, special flags, f Form) []byte {
	s := d.buf[off:end]
	switch f {
	case PHP:
		special &= escaped | wide
	case Python:
		special &= escaped | wide | del
	default:
		special &= escaped
	}
	if special == 0 {
		return append(dst, s...)
	}
	dst = append(dst, '"')
	for s = s[1 : len(s)-1]; len(s) > pieceSize; {
		n := pieceSize
		for !utf8.RuneStart(s[n]) {
			n--
		}
		dst = d.flush(appendEscaped(dst, s[:n], f))
		s = s[n:]
	}
	dst = d.flush(appendEscaped(dst, s, f))
	return append(dst, '"')
}

// flush writes dst to the sink, if there is one and it is worth it.
func (d *Document) flush(dst []byte) []byte {
	if d.sink == nil || len(dst) < pieceSize {
		return dst
	}
	_, _ = d.sink.Write(dst)
	return dst[:0]
}

// appendEscaped appends s, which is valid UTF-8, with the escapes of form f.
func appendEscaped(dst, s []byte, f Form) []byte {
	for i := 0; i < len(s); {
		run := specialIndex(s[i:], f)
		dst = append(dst, s[i:i+run]...)
		if i += run; i == len(s) {
			break
		}
		switch c := s[i]; {
		case c == '"', c == '\\':
			dst = append(dst, '\\', c)
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRune(s[i:])
			if r > 0xffff {
				var high rune
				high, r = utf16.EncodeRune(r)
				dst = appendHex(dst, high)
			}
			dst = appendHex(dst, r)
			i += n
			continue
		case c == '\b':
			dst = append(dst, `\b`...)
		case c == '\f':
			dst = append(dst, `\f`...)
		case c == '\n':
			dst = append(dst, `\n`...)
		case c == '\r':
			dst = append(dst, `\r`...)
		case c == '\t':
			dst = append(dst, `\t`...)
		default:
			dst = appendHex(dst, rune(c))
		}
		i++
	}
	return dst
}

// appendHex appends the escape \uxxxx of a UTF-16 code unit.
func appendHex(dst []byte, unit rune) []byte {
	const digits = "0123456789abcdef"
	return append(dst, '\\', 'u', digits[unit>>12&15], digits[unit>>8&15], digits[unit>>4&15], digits[unit&15])
}

// specialIndex returns the index in s of the first character that form f
// escapes, or the length of s.
func specialIndex(s []byte, f Form) int {
	for i := 0; ; i += 8 {
		var w uint64
		if i+8 <= len(s) {
			w = binary.LittleEndian.Uint64(s[i:])
		} else {
			// The zeros that fill up the word are special.
			var word [8]byte
			copy(word[:], s[i:])
			w = binary.LittleEndian.Uint64(word[:])
		}
		var m uint64
		switch f {
		case PHP:
			m = escapable(w) | w&highs
		case Python:
			m = unusual(w)
		default:
			m = escapable(w)
		}
		if m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
}
