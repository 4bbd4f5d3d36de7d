package jovepay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// How responses are read, and how the public types are stored:
//
//   - checkSize rejects a body that would take far more memory than its length.
//   - readObject reads an object into a struct with encoding/json/v2's rules. If
//     that fails because of a broken character, it repairs the text. If it fails
//     because of an unexpected type, it reads member by member, and puts what
//     does not fit into Extra.
//   - writeObject writes the struct and Extra. The types' MarshalJSON and
//     UnmarshalJSON use these two, so that encoding/json and encoding/json/v2
//     agree on every version of Go.

// The limits of a response. A full page of payments has 40,000 values, including
// names, and no known object has 100 members. A body of up to longestUnchecked
// bytes is too small for other limits to matter.
const (
	maxValues        = 50_000
	maxMembers       = 1000
	maxNameLength    = 64 << 10
	longestUnchecked = 512 << 10
)

var (
	errTooManyValues  = fmt.Errorf("response has more than %d values", maxValues)
	errTooManyMembers = fmt.Errorf("response has an object with more than %d members", maxMembers)
	errTooManyRows    = fmt.Errorf("list has more than %d payments", largestPage)
	errTooManyCoins   = fmt.Errorf("list has more than %d currencies", maxCurrencies)
	errLongName       = fmt.Errorf("response has a name of more than %d bytes", maxNameLength)
	errNotJSON        = errors.New("response is not JSON")
)

// overLimit reports whether err is a limit, which a second reading would exceed too.
func overLimit(err error) bool {
	return slices.ContainsFunc([]error{errTooManyValues, errTooManyMembers, errTooManyRows, errTooManyCoins, errLongName}, func(limit error) bool {
		return errors.Is(err, limit)
	})
}

// checkSize rejects a body that would take far more memory than its length: a byte
// of JSON can take a hundred when decoded. In small bodies it only counts the
// separators.
func checkSize(body []byte) error {
	if len(body) <= longestUnchecked {
		most := 1
		for _, separator := range []string{",", ":", "[", "{"} {
			most += bytes.Count(body, []byte(separator))
		}
		if most <= maxValues {
			return nil
		}
	}
	return scan(body)
}

// scan reads a body that may be JSON until something exceeds a limit. It leaves
// syntax errors to others.
func scan(body []byte) error {
	const deepest = 10_000 // as for the decoder
	values, opened := 0, []int{0}
	for i := 0; i < len(body); i++ {
		start := i
		switch c := body[i]; c {
		case ' ', '\t', '\r', '\n', ',', ':':
			continue
		case '}', ']':
			if len(opened) > 1 {
				opened = opened[:len(opened)-1]
			}
			continue
		case '{', '[':
			if len(opened) > deepest {
				return nil
			}
			opened = append(opened, 0)
		case '"':
			i += stringLength(body[i:]) - 1
			if rest := bytes.TrimLeft(body[i+1:], " \t\r\n"); len(rest) > 0 && rest[0] == ':' {
				opened[len(opened)-1]++
				if i-start > maxNameLength {
					return errLongName
				}
			}
		default:
			for i+1 < len(body) && strings.IndexByte(" \t\r\n,:]}", body[i+1]) < 0 {
				i++
			}
		}
		if values++; values > maxValues {
			return errTooManyValues
		}
		if opened[len(opened)-1] > maxMembers {
			return errTooManyMembers
		}
	}
	return nil
}

// stringLength returns the length of the string at the start of text, including
// its quotes, or the length of text if the string does not end.
func stringLength(text []byte) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// decode reads a response strictly as JSON: duplicate names and anything after the
// value are errors. A member of an unexpected type is not an error: it is read if
// its meaning is plain, as with a number instead of a string, and otherwise its
// field stays zero; see [Response.Extra].
func decode(body []byte, out any) error {
	if object, ok := out.(json.Unmarshaler); ok {
		return object.UnmarshalJSON(body)
	}
	if err := checkSize(body); err != nil {
		return err
	}
	return jsonv2.Unmarshal(body, out, jsonv2.WithUnmarshalers(lenient()))
}

// checkJSON returns why body is not JSON, read strictly and within the limits.
func checkJSON(body []byte) error {
	if err := checkSize(body); err != nil {
		return err
	}
	if !jsontext.Value(body).IsValid() {
		return errNotJSON
	}
	return nil
}

// readableJSON returns body, repaired if need be, or why it cannot be read.
func readableJSON(body []byte) (jsontext.Value, error) {
	err := checkJSON(body)
	if err == nil {
		return body, nil
	}
	if whole := repair(body); whole != nil && !overLimit(err) && checkJSON(whole) == nil {
		return whole, nil
	}
	return nil, err
}

// readObject reads an object into fields, and members that have no field or do not
// fit it into extra, which is a field of fields.
func readObject[T any](body []byte, fields *T, extra *map[string]json.RawMessage) error {
	if err := checkSize(body); err != nil {
		return err
	}
	before, known := *fields, maps.Clone(*extra)
	err := jsonv2.Unmarshal(body, fields)
	if err == nil || overLimit(err) {
		return err
	}
	*fields, *extra = before, known
	if _, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		whole := repair(body)
		if whole == nil {
			return err
		}
		return readObject(whole, fields, extra)
	}
	if jsontext.Value(body).Kind() != '{' {
		return err
	}
	return readMembers(body, fields, extra)
}

// readMembers is readObject for an object with members that do not fit.
func readMembers[T any](object []byte, fields *T, extra *map[string]json.RawMessage) error {
	readers := jsonv2.WithUnmarshalers(lenient())
	if err := checkJSON(object); err != nil {
		return err
	}
	one := make([]byte, 0, len(object)+len("{}")) // an object of one member
	for name, value := range members(object) {
		one, err := jsontext.AppendQuote(append(one[:0], '{'), name)
		if err != nil {
			return err
		}
		one = append(append(append(one, ':'), value...), '}')
		before := *fields
		if hasMeaning(name, value.Kind()) {
			if err := jsonv2.Unmarshal(one, fields, readers); err == nil {
				continue
			} else if overLimit(err) {
				return err
			}
			*fields = before
		}
		if *extra == nil {
			*extra = map[string]json.RawMessage{}
		}
		(*extra)[name] = json.RawMessage(bytes.Clone(value))
	}
	return nil
}

// hasMeaning reports whether a value of this kind can mean something for the member
// of this name.
func hasMeaning(name string, kind jsontext.Kind) bool {
	switch kind {
	case '"', 'n':
		return true
	case 't', 'f':
		return !isWord(name) && name != "order_id"
	default:
		return !isWord(name)
	}
}

// isWord reports whether the member of this name is a word from a fixed list.
func isWord(name string) bool {
	return name == "origin_type" || strings.HasSuffix(name, "currency") || strings.HasSuffix(name, "status")
}

// writeObject writes fields, whose Extra is empty, and then extra, sorted by name.
// A member of extra replaces a zero field of the same name; if that field is set,
// it is an error.
func writeObject(fields any, extra map[string]json.RawMessage) ([]byte, error) {
	known, err := jsonv2.Marshal(fields)
	if err != nil || len(extra) == 0 {
		return known, err
	}
	var b bytes.Buffer
	e := jsontext.NewEncoder(&b)
	err = e.WriteToken(jsontext.BeginObject)
	for name, value := range members(known) {
		if _, ok := extra[name]; !ok {
			err = errors.Join(err, e.WriteToken(jsontext.String(name)), e.WriteValue(value))
		} else if isSet(fields, name) {
			return nil, fmt.Errorf("jovepay: %.40q is both a field that is set and a member of Extra", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		value := jsontext.Value(extra[name])
		if len(value) == 0 {
			value = jsontext.Value("null")
		}
		err = errors.Join(err, e.WriteToken(jsontext.String(name)), e.WriteValue(value))
	}
	if err = errors.Join(err, e.WriteToken(jsontext.EndObject)); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func isSet(fields any, name string) bool {
	set, err := jsonv2.Marshal(fields, jsonv2.OmitZeroStructFields(true))
	return err == nil && membersNamed(set, name)[0] != nil
}

// members yields the members of a valid object, and nothing for any other value.
// The values are parts of object.
func members(object []byte) iter.Seq2[string, jsontext.Value] {
	return func(yield func(string, jsontext.Value) bool) {
		d := jsontext.NewDecoder(bytes.NewBuffer(object))
		if d.PeekKind() != '{' {
			return
		}
		_, err := d.ReadToken()
		for err == nil && d.PeekKind() == '"' {
			name, _ := d.ReadToken()
			text := name.String()
			var value jsontext.Value
			if value, err = d.ReadValue(); err != nil || !yield(text, value) {
				return
			}
		}
	}
}

// membersNamed returns the values of the members with the given names; nil for a
// missing one.
func membersNamed(object jsontext.Value, names ...string) []jsontext.Value {
	found := make([]jsontext.Value, len(names))
	for name, value := range members(object) {
		if i := slices.Index(names, name); i >= 0 {
			found[i] = value
		}
	}
	return found
}

// elements yields the elements of a valid array.
func elements(array []byte) iter.Seq[jsontext.Value] {
	return func(yield func(jsontext.Value) bool) {
		d := jsontext.NewDecoder(bytes.NewBuffer(array))
		_, err := d.ReadToken()
		for err == nil && d.PeekKind() != ']' {
			var value jsontext.Value
			if value, err = d.ReadValue(); err != nil || !yield(value) {
				return
			}
		}
	}
}

// repair returns text with U+FFFD in place of invalid UTF-8 and of escapes of half
// a surrogate pair. It returns nil if there is nothing to repair, or so much that
// text cannot be JSON.
func repair(text []byte) []byte {
	const halfPair = `\ufffd`
	longest := len(text) + len(text)/8 + 1<<10
	var whole []byte
	done := 0
	replace := func(from, to int, with string) {
		if whole == nil {
			whole = make([]byte, 0, longest)
		}
		whole = append(append(whole, text[done:from]...), with...)
		done = to
	}
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '\\':
			n := 2
			if r, digits := hexRune(text[i+1:]); utf16.IsSurrogate(r) {
				n = 1 + digits
				if pair := pairedRune(text[i+n:], r); pair == 0 {
					replace(i, i+n, halfPair)
				} else {
					n += pair
				}
			}
			i += n
		case c < utf8.RuneSelf:
			i++
		default:
			r, n := utf8.DecodeRune(text[i:])
			if r == utf8.RuneError && n == 1 {
				replace(i, i+n, "\uFFFD")
			}
			i += n
		}
		if len(whole) > longest-len(halfPair) {
			return nil
		}
	}
	if done == 0 {
		return nil
	}
	return append(whole, text[done:]...)
}

// pairedRune returns the length of the escape at the start of text if it forms a
// pair with the surrogate before it, and otherwise 0.
func pairedRune(text []byte, first rune) int {
	if len(text) == 0 || text[0] != '\\' {
		return 0
	}
	second, n := hexRune(text[1:])
	if n == 0 || utf16.DecodeRune(first, second) == utf8.RuneError {
		return 0
	}
	return 1 + n
}

// lenient reads every type of field that responses have, from any kind of JSON
// whose meaning is plain. The strings "" and "null" are null.
func lenient() *jsonv2.Unmarshalers {
	return jsonv2.JoinUnmarshalers(
		lenientField(func(s *string, text string) error { *s = text; return nil }),
		lenientField(func(s *PaymentStatus, text string) error { *s = PaymentStatus(text); return nil }),
		lenientField(func(s *WithdrawalStatus, text string) error { *s = WithdrawalStatus(text); return nil }),
		lenientField(readBool),
		lenientField(readQuoted[int]),
		lenientField(readQuoted[[]ID]),
		jsonv2.UnmarshalFromFunc(func(d *jsontext.Decoder, row *listedPayment) error {
			object, err := d.ReadValue()
			if err != nil {
				return err
			}
			return readObject(object, (*plainPayment)(row), &row.Extra)
		}),
	)
}

// lenientField reads a T from JSON of its own kind, or, with fromText, from the text
// of a string, a number or a boolean.
func lenientField[T any](fromText func(*T, string) error) *jsonv2.Unmarshalers {
	return jsonv2.UnmarshalFromFunc(func(d *jsontext.Decoder, field *T) error {
		value, err := d.ReadValue()
		if err != nil {
			return err
		}
		misfit := jsonv2.Unmarshal(value, field)
		if misfit == nil {
			return nil
		}
		var zero T
		*field = zero
		switch kind := value.Kind(); {
		case kind == '{' || kind == '[':
			return misfit
		case kind != '"':
			return fromText(field, plainDigits(string(value)))
		}
		text, err := scalarText(value)
		if err != nil || text == "" || text == "null" {
			return err
		}
		return fromText(field, text)
	})
}

func readBool(b *bool, text string) error {
	switch strings.ToLower(text) {
	case "true", "1":
		*b = true
	case "false", "0":
	default:
		return fmt.Errorf("jovepay: want true or false, got %.40q", text)
	}
	return nil
}

// readQuoted reads JSON from the content of a string, which checkSize does not
// check.
func readQuoted[T any](field *T, text string) error {
	const longest = 1 << 10
	if len(text) > longest {
		return fmt.Errorf("jovepay: want at most %d bytes in quotes, got %d", longest, len(text))
	}
	return jsonv2.Unmarshal([]byte(text), field)
}

// readRows reads an array of at most limit elements; null gives a nil slice.
func readRows[R ~[]E, E any](d *jsontext.Decoder, rows *R, limit int, over error, read func(*E) error) error {
	*rows = nil
	token, err := d.ReadToken()
	if err != nil || token.Kind() == 'n' {
		return err
	}
	if token.Kind() != '[' {
		return fmt.Errorf("want an array, got JSON %v", token.Kind())
	}
	*rows = R{}
	for err == nil && d.PeekKind() != ']' {
		if len(*rows) == limit {
			return over
		}
		if len(*rows) == cap(*rows) {
			*rows = slices.Grow(*rows, max(16, len(*rows))) // doubled: append leaves more garbage
		}
		var zero E
		*rows = append(*rows, zero)
		err = read(&(*rows)[len(*rows)-1])
	}
	if err == nil {
		_, err = d.ReadToken()
	}
	return err
}

// noneIfNull empties texts that are "null", which JovePay's API family writes for
// null.
func noneIfNull(texts ...*string) {
	for _, text := range texts {
		if *text == "null" {
			*text = ""
		}
	}
}
