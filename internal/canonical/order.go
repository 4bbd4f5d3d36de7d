package canonical

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
)

// smallObject is up to how many members insertion is the fastest way to sort.
const smallObject = 24

// sortMembers appends members, those of the object o in the order of the body,
// to d.order by code point, and notes which forms may order them otherwise. It
// returns the second of two members with one name, or 0.
func (d *Document) sortMembers(o *node, members []member) (twin uint32) {
	first := len(d.order)
	end := first + len(members)
	o.off = uint32(first)
	d.order = slices.Grow(d.order, len(members))[:end]
	sorted := d.order[first:]
	if end > len(d.ranks) || !d.sortAsBefore(sorted, members, d.ranks[first:end]) {
		if len(members) <= smallObject {
			twin = d.sortFew(sorted, members)
		} else {
			twin = d.sortMany(sorted, members)
		}
		if twin != 0 {
			return twin
		}
		d.remember(first, sorted)
	}
	// All that a language may take for a number begins with a digit or
	// something less.
	if len(sorted) == 0 || sorted[0].head>>56 <= '9' {
		d.noteNumericNames(o, sorted)
	}
	return 0
}

// remember keeps the order of the members that stand in d.order from first on
// for the next body.
func (d *Document) remember(first int, sorted []member) {
	d.ranks = append(d.ranks, make([]uint32, max(0, first+len(sorted)-len(d.ranks)))...)
	for k := range sorted {
		d.ranks[first+k] = sorted[k].rank
	}
}

// sortAsBefore sorts members into sorted by the ranks that an earlier body left,
// and reports whether they fit. Bodies of one kind come with their names in one
// order, so this nearly always saves the sorting.
func (d *Document) sortAsBefore(sorted, members []member, ranks []uint32) bool {
	for k := range sorted {
		if ranks[k] >= uint32(len(members)) {
			return false
		}
		m := &sorted[k]
		*m = members[ranks[k]]
		// Names that rise from each to the next are all different, so that no
		// member has been missed.
		if k > 0 && m.head <= sorted[k-1].head {
			if m.head < sorted[k-1].head || d.compareNames(&sorted[k-1], m) >= 0 {
				return false
			}
		}
	}
	return true
}

// sortFew sorts members into sorted by insertion. It returns the second of two
// of one name, or 0.
func (d *Document) sortFew(sorted, members []member) (twin uint32) {
	for k, m := range members {
		m.rank = uint32(k)
		at := k
		for ; at > 0 && sorted[at-1].head >= m.head; at-- {
			if sorted[at-1].head == m.head {
				c := d.compareNames(&sorted[at-1], &m)
				if c == 0 {
					return m.node
				}
				if c < 0 {
					break
				}
			}
			sorted[at] = sorted[at-1]
		}
		sorted[at] = m
	}
	return 0
}

// sortMany is sortFew for any number of members.
func (d *Document) sortMany(sorted, members []member) (twin uint32) {
	for k, m := range members {
		m.rank = uint32(k)
		sorted[k] = m
	}
	slices.SortFunc(sorted, func(a, b member) int {
		if c := cmp.Compare(a.head, b.head); c != 0 {
			return c
		}
		return cmp.Or(d.compareNames(&a, &b), cmp.Compare(a.rank, b.rank))
	})
	for i := 1; i < len(sorted); i++ {
		a, b := &sorted[i-1], &sorted[i]
		if a.head == b.head && d.compareNames(a, b) == 0 {
			return b.node
		}
	}
	return 0
}

// noteNumericNames notes which forms may order the members of o otherwise than
// by code point, and whether o is a list in the eyes of some.
func (d *Document) noteNumericNames(o *node, members []member) {
	indexes, numeric, inRange := 0, 0, 0
	for _, m := range members {
		name := d.name(&d.nodes[m.node])
		if _, ok := arrayIndex(name); ok {
			indexes++
		}
		if p := parsePHPName(name); p.kind != phpText {
			numeric++
			if p.kind == phpKey && p.i >= 0 && p.i < int64(len(members)) {
				inRange++
			}
		}
	}
	if indexes > 0 && len(members) > 1 {
		d.reordered |= jsOrder
		d.differ |= jsApart
	}
	if numeric > 1 {
		d.reordered |= phpOrder
		d.differ |= phpAlone
	}
	if inRange == len(members) {
		o.flags |= listed
		d.differ |= phpAlone
		d.lists = true
	}
}

// members returns the members of all objects as form f orders them. The nodes
// give each object's part of it.
func (d *Document) members(f Form) []member {
	switch {
	case f == PHP && d.reordered&phpOrder != 0:
		if len(d.php) == 0 {
			d.php = append(d.php, d.order...)
			d.eachObject(d.php, d.sortPHP)
		}
		return d.php
	case f != PHP && f != Python && d.reordered&jsOrder != 0:
		if len(d.js) == 0 {
			d.js = append(d.js, d.order...)
			d.eachObject(d.js, d.sortJS)
		}
		return d.js
	}
	return d.order
}

// eachObject calls sort with the part of every object in all, a copy of d.order.
func (d *Document) eachObject(all []member, sort func(members []member)) {
	for i := range d.nodes {
		if n := &d.nodes[i]; n.kind == Object && n.end > 1 {
			sort(all[n.off : n.off+n.end])
		}
	}
}

// sortJS sorts members, which are in order of code points, as Node has them:
// array indexes first, by number, then the rest by UTF-16 code unit.
func (d *Document) sortJS(members []member) {
	indexes := 0
	rest := d.names[:0]
	for _, m := range members {
		if i, ok := arrayIndex(d.name(&d.nodes[m.node])); ok {
			members[indexes] = member{head: uint64(i), node: m.node}
			indexes++
		} else {
			rest = append(rest, m)
		}
	}
	d.names = rest
	slices.SortFunc(members[:indexes], func(a, b member) int { return cmp.Compare(a.head, b.head) })
	copy(members[indexes:], rest)
	slices.SortFunc(members[indexes:], func(a, b member) int {
		return compareUTF16(d.name(&d.nodes[a.node]), d.name(&d.nodes[b.node]))
	})
}

// arrayIndex returns the index that name is to Node, if it is one: a decimal
// number below 2^32-1 without leading zeros.
func arrayIndex(name []byte) (uint32, bool) {
	if len(name) == 0 || len(name) > 10 || name[0] == '0' && len(name) > 1 {
		return 0, false
	}
	i := uint64(0)
	for _, c := range name {
		if c-'0' > 9 {
			return 0, false
		}
		i = i*10 + uint64(c-'0')
	}
	return uint32(i), i < 1<<32-1
}

// compareUTF16 compares two strings in UTF-8 by their UTF-16 code units.
func compareUTF16(a, b []byte) int {
	i, n := 0, min(len(a), len(b))
	for i+8 <= n && binary.LittleEndian.Uint64(a[i:]) == binary.LittleEndian.Uint64(b[i:]) {
		i += 8
	}
	for i < n && a[i] == b[i] {
		i++
	}
	if i == n {
		return cmp.Compare(len(a), len(b))
	}
	// The one difference from the order of bytes: surrogates, which stand for
	// what begins with F0 to F4, come before U+E000 to U+FFFF, which begin
	// with EE and EF.
	const firstPrivate, firstPair = 0xee, 0xf0
	if a[i] >= firstPrivate && b[i] >= firstPrivate && (a[i] >= firstPair) != (b[i] >= firstPair) {
		return cmp.Compare(b[i], a[i])
	}
	return cmp.Compare(a[i], b[i])
}

// name returns the decoded name of n, without quotes.
func (d *Document) name(n *node) []byte {
	return d.buf[n.name+1 : n.nameEnd-1]
}

// headOf returns the first eight bytes of those between off and end as a number
// that compares like them. Eight bytes must follow off in buf.
func headOf(buf []byte, off, end uint32) uint64 {
	w := binary.BigEndian.Uint64(buf[off : off+8])
	if n := end - off; n < 8 {
		w &^= 1<<(64-8*n) - 1
	}
	return w
}

// compareNames compares the names of two members whose heads are equal.
func (d *Document) compareNames(a, b *member) int {
	x, y := &d.nodes[a.node], &d.nodes[b.node]
	const quoted = 8 + 2
	if x.nameEnd-x.name > quoted && y.nameEnd-y.name > quoted {
		c := cmp.Compare(headOf(d.buf, x.name+9, x.nameEnd-1), headOf(d.buf, y.name+9, y.nameEnd-1))
		if c != 0 {
			return c
		}
	}
	return bytes.Compare(d.name(x), d.name(y))
}
