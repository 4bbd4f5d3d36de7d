package canonical

import (
	"io"
	"slices"
)

// A Document holds one body and writes it in every form.
//
// The zero value is an empty document, ready for [Document.Parse]. A Document
// keeps its memory from one Parse to the next, so that a program that reuses
// one allocates nothing. It must not be used by two goroutines at once: its
// writers keep their state in it as well.
type Document struct {
	// buf is the body, with every string decoded in its place, and eight zero
	// bytes. The zeros stop every scan without a check for the end.
	buf []byte
	// nodes are the values of the body, each before what it contains.
	nodes []node
	// order holds the members of each object by code point, one object after
	// another, inner objects before the outer.
	order []member
	// ranks remembers the order of earlier bodies. For each index in order it
	// has the place that the member there had among its object's members in the
	// body. No Parse empties it.
	ranks []uint32
	// js and php are order as these forms have it. Both are made on demand.
	js, php   []member
	numbers   []number
	differ    pairs
	reordered orders
	lists     bool // some value is a list to Node: see Document.Lists
	// names is scratch space of the reader: the members of all objects that
	// are open. frames and phpNames are scratch space of the writers.
	names    []member
	frames   []frame
	phpNames []phpName
	digits   []byte // of a Value
	// sink takes pieces of the text from Stream.
	sink io.Writer
}

// A node is one value and, if it is a member, its name.
type node struct {
	// name and nameEnd give the name, decoded and with quotes, in buf.
	name, nameEnd uint32
	// off and end give, in buf, a string, decoded and with quotes, or a
	// number or literal as all forms write it. If the number is computed,
	// off is its index in numbers. Of an object off is the index of its first
	// member in order. Of both containers end counts the children.
	off, end uint32
	// next is the index after the last node of this value. While a container
	// is open it is the index of the container around it.
	next      uint32
	kind      Kind
	flags     flags
	nameFlags flags
}

// A member is an object's member in an order of names.
type member struct {
	// head is the first eight bytes of the name, filled up with zeros, as a
	// number that compares like them.
	head uint64
	node uint32
	rank uint32 // the place in the body, where sortFew and sortMany have set it
}

// flags mark what is not ordinary about a value or a name.
type flags uint8

const (
	escaped  flags = 1 << iota // a string with a quote, backslash or control
	wide                       // a string with a character beyond ASCII
	del                        // a string with U+007F, which only Python escapes
	computed                   // a number that not every form writes alike, or in the place of the literal
	verbatim                   // name, colon and value stand in buf as all forms write them
	listed                     // an object whose names are 0, 1 and so on, or none: PHP writes it as a list
	decoded                    // a string or number that the body may spell otherwise than buf
)

// orders are the orders of members that a document has besides that by code point.
type orders uint8

const (
	jsOrder  orders = 1 << iota // Node may have another order
	phpOrder                    // PHP may
)

// Append appends the text that form f signs for the document to dst and
// returns the extended slice. It appends nothing if the last Parse failed or
// f is no form. It may write to the capacity of dst beyond what it appends.
func (d *Document) Append(dst []byte, f Form) []byte {
	if len(d.nodes) == 0 || f > Python {
		return dst
	}
	return d.appendValue(slices.Grow(dst, len(d.buf)), 0, f)
}

// Stream is [Document.Append] for a text that need not be kept whole: escapes
// make it up to six times as long as the body. Whenever more than pieceSize has
// come together in a string with escapes, it is written to w, whose errors do
// not count. Stream returns the rest, which is the whole text if nothing was
// written.
func (d *Document) Stream(w io.Writer, dst []byte, f Form) []byte {
	d.sink = w
	rest := d.Append(dst, f)
	d.sink = nil
	return rest
}

// Differ reports whether the texts of forms a and b may differ. If it returns
// false they are equal, and so are their MACs. It returns false for all pairs
// of forms for nearly every body: one in ASCII, without arrays, whose numbers
// are written plainly and are 0 or at least 1e-4.
func (d *Document) Differ(a, b Form) bool {
	return d.differ&pairOf(a, b) != 0
}

// Retained returns about how many bytes of memory the document keeps for the
// next Parse. A pool can drop a document that one large body has made large.
func (d *Document) Retained() int {
	const nodeSize, memberSize, rankSize, numberSize, frameSize, phpNameSize = 24, 16, 4, 32, 16, 24
	return cap(d.buf) +
		cap(d.nodes)*nodeSize +
		(cap(d.order)+cap(d.js)+cap(d.php)+cap(d.names))*memberSize +
		cap(d.ranks)*rankSize +
		cap(d.numbers)*numberSize +
		cap(d.frames)*frameSize +
		cap(d.phpNames)*phpNameSize
}

// double returns s with twice the room. What append would leave behind on the
// way to a large slice is several times as much.
func double[T any](s []T) []T { return append(make([]T, 0, max(2*cap(s), 16)), s...) }

// reset empties the document and keeps its memory.
func (d *Document) reset() {
	d.buf = d.buf[:0]
	d.nodes = d.nodes[:0]
	d.order = d.order[:0]
	d.names = d.names[:0]
	d.js = d.js[:0]
	d.php = d.php[:0]
	d.numbers = d.numbers[:0]
	d.differ = 0
	d.reordered = 0
	d.lists = false
}
