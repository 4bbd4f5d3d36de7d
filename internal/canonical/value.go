package canonical

import (
	"cmp"
	"encoding/binary"
	"iter"
	"slices"
)

// A Kind is a kind of JSON value: the first character of such a value, 0 for
// every number. The zero Kind belongs to no value.
type Kind byte

// The kinds.
const (
	Object Kind = '{'
	Array  Kind = '['
	String Kind = '"'
	Number Kind = '0'
	True   Kind = 't'
	False  Kind = 'f'
	Null   Kind = 'n'
)

// A Value is one value of a [Document] as a form has it: what is read from it
// is read from the text that [Document.Append] writes for that form. In the text
// of form [JS] an array cannot be told from an object that names its members by
// index: there both are arrays, the empty object too. So all documents with one
// text are one Value.
//
// The zero Value is no value; its Kind is 0, and it has no members. A Value is
// good until the next Parse of its document, and like the document it must not
// be used by two goroutines at once.
type Value struct {
	doc  *Document
	node uint32
	form Form
	// element is set if v is an element, which has no name in this form.
	element bool
}

// Root returns the document as form f has it: an object, or a list if f is
// [PHP] and PHP takes the object for one. It returns the zero Value if the
// document is empty or f is no form. The Append of a Root of form [JS] is JSON
// with that text, and has lists where the text has indexes.
func (d *Document) Root(f Form) Value {
	if len(d.nodes) == 0 || f > Python {
		return Value{}
	}
	if f == JS {
		f = nodeLists
	}
	return Value{doc: d, form: f}
}

// Meaning returns the document in a form that nobody signs: that of [JS] with
// all digits of integers. Documents that any form signs alike are one Value of
// it, and so are those that differ in lists and objects by index or in the
// spelling of strings and numbers.
func (d *Document) Meaning() Value {
	if len(d.nodes) == 0 {
		return Value{}
	}
	return Value{doc: d, form: meaning}
}

// Lists reports whether the document has a value below the root that form [JS]
// reads as an array: without one the text of the form is what it reads.
func (d *Document) Lists() bool { return d.lists }

// Kind returns the kind of v. In the forms [JS] and [PHP] an object is an Array
// if it is empty, or if its names are 0, 1 and so on.
func (v Value) Kind() Kind {
	if v.doc == nil {
		return 0
	}
	n := &v.doc.nodes[v.node]
	if v.form.isList(n, v.node) {
		return Array
	}
	return n.kind
}

// Name returns the name, without quotes and escapes, if v is a member of an
// object, and nothing otherwise. The caller must not change it.
func (v Value) Name() []byte {
	if v.doc == nil || v.node == 0 || v.element {
		return nil
	}
	return v.doc.name(&v.doc.nodes[v.node])
}

// Text returns the content of a string, without quotes and escapes, or the
// digits of a number as the form writes them, and nothing for every other kind.
// at is where it begins in the body. If asIs is true the body has the same text
// there; if it is false the body may have it too, but that is not known. The caller
// must not change the text, which is good until the next Text.
func (v Value) Text() (text []byte, at int, asIs bool) {
	if v.doc == nil {
		return nil, 0, false
	}
	d := v.doc
	switch n := &d.nodes[v.node]; {
	case n.kind == String:
		return d.buf[n.off+1 : n.end-1], int(n.off) + 1, n.flags&decoded == 0
	case n.kind != Number:
		return nil, 0, false
	case n.flags&computed != 0:
		x := &d.numbers[n.off]
		d.digits = x.appendText(d.digits[:0], d.buf[x.off:x.end], v.form)
		return d.digits, int(x.off), false
	default:
		return d.buf[n.off:n.end], int(n.off), n.flags&decoded == 0
	}
}

// Append appends the text of v to dst and returns the extended slice. It
// appends nothing for the zero Value.
func (v Value) Append(dst []byte) []byte {
	if v.doc == nil {
		return dst
	}
	return v.doc.appendValue(dst, v.node, v.form)
}

// Len returns the number of members or elements, 0 if v is neither an object
// nor an array.
func (v Value) Len() int {
	if k := v.Kind(); k != Object && k != Array {
		return 0
	}
	return int(v.doc.nodes[v.node].end)
}

// Children returns an iterator over the members of an object or the elements of
// an array, in the order in which the text has them.
func (v Value) Children() iter.Seq[Value] {
	return func(yield func(Value) bool) { v.each(yield) }
}

// Elements returns an iterator over the elements of an array, or of an object
// that names its members 0, 1 and so on, or has none, which is an array in some
// forms. Of every other value it returns false.
func (v Value) Elements() (iter.Seq[Value], bool) {
	list := v
	list.form = meaning
	if list.Kind() != Array {
		return nil, false
	}
	return func(yield func(Value) bool) {
		list.each(func(element Value) bool {
			element.form = v.form
			return yield(element)
		})
	}, true
}

// each calls yield with every child until it returns false.
func (v Value) each(yield func(Value) bool) {
	if v.Len() == 0 {
		return
	}
	child := Value{doc: v.doc, form: v.form, element: v.Kind() == Array}
	n := &v.doc.nodes[v.node]
	if n.kind == Array {
		for child.node = v.node + 1; child.node < n.next; child.node = v.doc.nodes[child.node].next {
			if !yield(child) {
				return
			}
		}
		return
	}
	for _, m := range v.doc.members(v.form)[n.off : n.off+n.end] {
		if child.node = m.node; !yield(child) {
			return
		}
	}
}

// Member returns the member of that name, and the zero Value if v is not an
// object or has no such member.
func (v Value) Member(name string) Value {
	if v.Kind() != Object {
		return Value{}
	}
	n := &v.doc.nodes[v.node]
	members := v.doc.order[n.off : n.off+n.end]
	var word [8]byte
	copy(word[:], name)
	head := binary.BigEndian.Uint64(word[:])
	i, _ := slices.BinarySearchFunc(members, head, func(m member, head uint64) int { return cmp.Compare(m.head, head) })
	for ; i < len(members) && members[i].head == head; i++ {
		if string(v.doc.name(&v.doc.nodes[members[i].node])) == name {
			return Value{doc: v.doc, node: members[i].node, form: v.form}
		}
	}
	return Value{}
}
