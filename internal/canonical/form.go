// Package canonical reads the body of an IPN once, strictly, and writes the
// texts that JovePay's published verifiers sign for it.
//
// JovePay's guide gives a verifier in Node, one in PHP and one in Python. Each
// parses the body, sorts the members of every object and writes compact JSON,
// and each language does so in its own way: a [Form]. A [Document] holds one
// body and writes it in any form. docs/adr/0006-canonical-forms.md says why
// the list of forms is closed and why nothing here is borrowed from a general
// JSON library.
package canonical

// A Form is one way to write a document: the way of one of JovePay's published
// verifiers. The zero value is [JS].
type Form uint8

const (
	// JS is what the Node verifier of JovePay's guide writes. It turns every
	// array into an object whose names are the indexes.
	JS Form = iota
	// JSArrays is JS with arrays kept as arrays, as the Node SDK writes it of
	// the API that JovePay's mirrors.
	JSArrays
	// PHP is what the PHP verifier of JovePay's guide writes.
	PHP
	// Python is what the Python verifier of JovePay's guide writes.
	Python

	// nodeLists is JS with lists where Node cannot tell them from objects: what
	// there is to read in a document that was signed in form JS. Nobody signs
	// it.
	nodeLists
	// meaning is nodeLists with the integers exact.
	meaning
)

// isList reports whether form f has the container n as a list. Where Node and
// PHP do not tell lists and objects apart, what names its members 0, 1 and so
// on, or has none, is a list. The document itself stays an object in the forms
// that nobody signs.
func (f Form) isList(n *node, i uint32) bool {
	if n.kind == Array {
		return true
	}
	return n.kind == Object && n.flags&listed != 0 && (f == PHP || f > Python && i != 0)
}

// String returns "js", "js-arrays", "php" or "python", and "unknown" for a
// value that is none of the four.
func (f Form) String() string {
	switch f {
	case JS:
		return "js"
	case JSArrays:
		return "js-arrays"
	case PHP:
		return "php"
	case Python:
		return "python"
	case nodeLists, meaning: // of no signer
	}
	return "unknown"
}

// A pairs is a set of pairs of forms: the pairs whose texts may differ.
type pairs uint8

const (
	jsAndArrays pairs = 1 << iota
	jsAndPHP
	jsAndPython
	arraysAndPHP
	arraysAndPython
	phpAndPython
)

const (
	jsAlone     = jsAndArrays | jsAndPHP | jsAndPython
	phpAlone    = jsAndPHP | arraysAndPHP | phpAndPython
	pythonAlone = jsAndPython | arraysAndPython | phpAndPython
	// jsApart parts the two Node forms from the other two.
	jsApart = jsAndPHP | jsAndPython | arraysAndPHP | arraysAndPython
)

// pairOf returns the pair of a and b, the empty set if they are the same form
// or if one is unknown.
func pairOf(a, b Form) pairs {
	if a > b {
		a, b = b, a
	}
	switch {
	case a == b || b > Python:
		return 0
	case a == JS:
		return jsAndArrays << (b - JSArrays)
	case a == JSArrays:
		return arraysAndPHP << (b - PHP)
	}
	return phpAndPython
}
