package canonical

import "strconv"

// A Reason says why a body was rejected.
type Reason uint8

// The reasons. Every one of them holds whoever signed the body.
const (
	_                Reason = iota
	NotObject               // the body is empty or is not a JSON object
	ByteOrderMark           // the body begins with a byte order mark
	Truncated               // the body ends inside the object
	Syntax                  // the body is not JSON
	TrailingData            // something follows the object
	ControlCharacter        // a string holds a raw control character
	InvalidUTF8             // a string holds bytes that are not UTF-8
	InvalidEscape           // a string holds an escape that JSON does not have
	LoneSurrogate           // a string holds half of a surrogate pair
	DuplicateName           // an object has two members of one name
	ProtoName               // a member is named __proto__, which Node drops
	NumberOverflow          // a number is beyond the range of a double
	TooDeep                 // objects and arrays are nested too deep
	TooManyValues           // there are more members and elements than allowed
	TooLarge                // the body has 512 MiB or more
)

// String returns the reason in a few lower-case words.
func (r Reason) String() string {
	switch r {
	case NotObject:
		return "not a JSON object"
	case ByteOrderMark:
		return "byte order mark"
	case Truncated:
		return "unexpected end"
	case Syntax:
		return "invalid JSON"
	case TrailingData:
		return "data after the object"
	case ControlCharacter:
		return "control character in a string"
	case InvalidUTF8:
		return "invalid UTF-8"
	case InvalidEscape:
		return "invalid escape"
	case LoneSurrogate:
		return "lone surrogate"
	case DuplicateName:
		return "duplicate name"
	case ProtoName:
		return "member named __proto__"
	case NumberOverflow:
		return "number out of range"
	case TooDeep:
		return "nested too deep"
	case TooManyValues:
		return "too many values"
	case TooLarge:
		return "body too large"
	}
	return "unknown reason"
}

// An Error says why [Document.Parse] rejected a body. It holds nothing of the
// body itself, so it can be logged.
type Error struct {
	Reason Reason
	// Offset is the offset in bytes of what was rejected: of the first byte
	// that cannot be right, of the number, of the bracket that opens one
	// level too many, of the value or the name of the member that is one too
	// many, or of the quote that opens the name. Of two equal
	// names it is the second's.
	Offset int
}

// Error returns one line, in lower case, such as "duplicate name at byte 42".
func (e *Error) Error() string {
	return e.Reason.String() + " at byte " + strconv.Itoa(e.Offset)
}
