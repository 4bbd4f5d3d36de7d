package canonical

const (
	// DefaultDepth is how many levels deep the objects and arrays of a body may
	// be nested. PHP reads one level less by default, the others more.
	DefaultDepth = 512

	// DefaultValues is how many values a body may have, members and elements
	// at every depth: a hundred times those of a real notification.
	DefaultValues = 4096

	// maxBody keeps every offset within 32 bits.
	maxBody = 1 << 29

	// zeros follow the body in Document.buf, because scans take eight bytes at
	// a time.
	zeros = "\x00\x00\x00\x00\x00\x00\x00\x00"
)

// Parse reads body into d, in place of what d held before. The body must be
// one JSON object, nested at most maxDepth levels deep, with at most maxValues
// values; the object itself counts in both. Parse rejects whatever the
// verifiers do not read alike: besides what is not JSON or not UTF-8 these are
// duplicate names, members named __proto__, lone surrogates, byte order marks
// and numbers beyond the range of a double. It then returns an [*Error] and
// leaves d empty.
//
// Parse copies body and does not refer to it after it has returned. The size of
// the body is for the caller to limit: time and memory grow with it, time as
// n log n where an object has n members. Memory is the size of the body and at
// most 150 bytes a value.
func (d *Document) Parse(body []byte, maxDepth, maxValues int) error {
	d.reset()
	offset, reason := 0, TooLarge
	if len(body) < maxBody {
		if size := len(body) + len(zeros); size > cap(d.buf) {
			d.buf = make([]byte, 0, size)
		}
		d.buf = append(d.buf, body...)
		d.buf = append(d.buf, zeros...)
		offset, reason = d.read(len(body), maxDepth, maxValues)
	}
	if reason != 0 {
		d.reset()
		return &Error{Reason: reason, Offset: offset}
	}
	return nil
}

// read reads the body of size bytes that stands in d.buf. It returns a reason
// of 0, or what to reject and where.
func (d *Document) read(size, maxDepth, maxValues int) (int, Reason) {
	i := skipSpace(d.buf, 0)
	if d.buf[i] != '{' {
		return i, notObject(d.buf, i)
	}
	var (
		parent uint32 // the innermost open container
		within Kind   // its kind, 0 around the object itself
		count  uint32 // how many children of it have begun
		depth  int    // how many containers are open
	)
	for {
		before := len(d.nodes)
		next, reason := d.readChildren(i, size, maxValues, within == Object)
		if i = next; reason != 0 {
			return i, reason
		}
		count += uint32(len(d.nodes) - before)

		at := uint32(len(d.nodes) - 1)
		if kind := d.nodes[at].kind; kind == Object || kind == Array {
			if depth++; depth > maxDepth {
				return i, TooDeep
			}
			d.nodes[parent].end = count
			d.nodes[at].next = parent
			parent, within, count = at, kind, 0
			i = skipSpace(d.buf, i+1)
			if d.buf[i] != closing(within) {
				continue
			}
		}

		// Brackets, up to the comma before the next child.
		for d.buf[i] != ',' {
			if d.buf[i] != closing(within) {
				return unexpected(i, size)
			}
			i = skipSpace(d.buf, i+1)
			n := &d.nodes[parent]
			parent = n.next
			n.next = uint32(len(d.nodes))
			n.end = count
			if within == Object {
				first := len(d.names) - int(count)
				if twin := d.sortMembers(n, d.names[first:]); twin != 0 {
					return int(d.nodes[twin].name), DuplicateName
				}
				d.names = d.names[:first]
			} else {
				d.differ |= jsAlone
				d.lists = true
			}
			if depth--; depth == 0 {
				if i < size {
					return i, TrailingData
				}
				return 0, 0
			}
			within, count = d.nodes[parent].kind, d.nodes[parent].end
		}
		i = skipSpace(d.buf, i+1)
	}
}

// readChildren reads values from i on, members with their names if named is
// set, and appends their nodes. It stops behind the last value that a comma
// does not follow, or before the bracket if a value is a container, whose node
// it appends. It returns the index where it stops; or a reason and where.
func (d *Document) readChildren(i, size, maxValues int, named bool) (int, Reason) {
	buf := d.buf
	room := min(cap(d.nodes), maxValues)
	for {
		at := len(d.nodes)
		if at >= room {
			if at >= maxValues {
				return i, TooManyValues
			}
			d.nodes = double(d.nodes)
			room = min(cap(d.nodes), maxValues)
		}
		d.nodes = d.nodes[:at+1]
		n := &d.nodes[at]
		*n = node{next: uint32(at + 1)}
		var reason Reason
		if named {
			if i, reason = d.readName(n, i, size); reason != 0 {
				return i, reason
			}
		}
		if c := Kind(buf[i]); c == Object || c == Array {
			n.kind = c
			return i, 0
		}
		if i, reason = d.readScalar(n, i, size); reason != 0 {
			return i, reason
		}
		if buf[i] <= ' ' {
			i = skipSpace(buf, i)
		}
		if buf[i] != ',' {
			return i, 0
		}
		if i++; buf[i] <= ' ' {
			i = skipSpace(buf, i)
		}
	}
}

// readName reads the name at i, and the colon behind it, for n, the last node.
// It returns the index of the value; or a reason and where.
func (d *Document) readName(n *node, i, size int) (int, Reason) {
	buf := d.buf
	if buf[i] != '"' {
		return unexpected(i, size)
	}
	name := text{off: uint32(i)}
	if end := plainEnd(buf, i+1); buf[end] == '"' {
		i = end + 1
		name.end = uint32(i)
	} else {
		var reason Reason
		if name, i, reason = d.readString(i, end, size); reason != 0 {
			return i, reason
		}
		if name.flags&wide != 0 {
			d.reordered |= jsOrder
		}
	}
	n.name, n.nameEnd, n.nameFlags = name.off, name.end, name.flags
	head := headOf(buf, name.off+1, name.end-1)
	if head == protoHead && string(buf[name.off:name.end]) == proto {
		return int(name.off), ProtoName
	}
	if len(d.names) == cap(d.names) {
		d.names = double(d.names)
	}
	d.names = append(d.names, member{head: head, node: n.next - 1})
	if buf[i] <= ' ' {
		i = skipSpace(buf, i)
	}
	if buf[i] != ':' {
		return unexpected(i, size)
	}
	if i++; buf[i] <= ' ' {
		i = skipSpace(buf, i)
	}
	return i, 0
}

// readScalar reads the value at i, which is no container, into n. It returns the
// index after it; or a reason and where.
func (d *Document) readScalar(n *node, i, size int) (int, Reason) {
	buf := d.buf
	value := text{off: uint32(i)}
	var reason Reason
	n.kind = Kind(buf[i])
	switch n.kind {
	case String:
		end := plainEnd(buf, i+1)
		if buf[end] == '"' {
			i = end + 1
			value.end = uint32(i)
		} else {
			value, i, reason = d.readString(i, end, size)
		}
	case Null, True, False:
		i, reason = readLiteral(buf, i, size)
		value.end = uint32(i)
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		n.kind = Number
		end := digitsEnd(buf, i+1)
		c := buf[end]
		if c != '.' && c|0x20 != 'e' && end-i <= safeDigits && (buf[i] > '0' || buf[i] == '0' && end == i+1) {
			i = end
			value.end = uint32(i)
		} else {
			value, i, reason = d.readNumber(i, end, size)
		}
	default:
		return unexpected(i, size)
	}
	n.off, n.end, n.flags = value.off, value.end, value.flags
	if value.off == n.nameEnd+1 && (n.nameFlags|value.flags)&^decoded == 0 {
		n.flags |= verbatim
	}
	return i, reason
}

// proto is the one name, in quotes, that Node does not store like any other.
const (
	proto     = `"__proto__"`
	protoHead = '_'<<56 | '_'<<48 | 'p'<<40 | 'r'<<32 | 'o'<<24 | 't'<<16 | 'o'<<8 | '_'
)

// skipSpace returns the index of the first byte from i on that is not white
// space.
func skipSpace(buf []byte, i int) int {
	for buf[i] == ' ' || buf[i] == '\n' || buf[i] == '\t' || buf[i] == '\r' {
		i++
	}
	return i
}

// closing returns the bracket that closes a container.
func closing(k Kind) byte {
	return byte(k) + 2 // true of both pairs in ASCII
}

// readLiteral reads null, true or false at i and returns the index after it.
func readLiteral(buf []byte, i, size int) (int, Reason) {
	switch string(buf[i : i+4]) {
	case "null", "true":
		return i + 4, 0
	case "fals":
		if buf[i+4] == 'e' {
			return i + 5, 0
		}
	}
	word := "null"
	switch buf[i] {
	case 't':
		word = "true"
	case 'f':
		word = "false"
	}
	for buf[i] == word[0] {
		i, word = i+1, word[1:]
	}
	return unexpected(i, size)
}

// unexpected rejects the byte at i, or the end if the body ends there.
func unexpected(i, size int) (int, Reason) {
	if i >= size {
		return size, Truncated
	}
	return i, Syntax
}

// notObject returns why a body that does not begin with a brace is rejected.
func notObject(buf []byte, i int) Reason {
	if string(buf[i:i+3]) == "\ufeff" {
		return ByteOrderMark
	}
	return NotObject
}
