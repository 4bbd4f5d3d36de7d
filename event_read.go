package jovepay

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/jovepay/jovepay-go/internal/canonical"
)

// newEvent reads the event in signed, which is the text that carried the MAC,
// or the same with its arrays if that form turns them into objects, or the
// body if it was the raw form. root has the names of signed.
func newEvent(signed []byte, root canonical.Value, from delivery) Event {
	raw := bytes.Clone(signed)
	// What is read are parts of this one string.
	object := eventObject{text: string(raw), root: root, plain: bytes.IndexByte(raw, '\\') < 0}
	common := verified{&from}
	switch kindOf(root) {
	case paymentKind:
		e := &PaymentEvent{verified: common}
		e.Raw, e.Extra = raw, object.read(e)
		return e
	case withdrawalKind:
		e := &WithdrawalEvent{verified: common}
		e.Raw, e.Extra = raw, object.read(e)
		return e
	case recurringKind:
		e := &RecurringPaymentEvent{verified: common}
		e.Raw, e.Extra = raw, object.read(e)
		return e
	default:
		return &UnknownEvent{Raw: raw, verified: common}
	}
}

type eventKind int

const (
	unknownKind eventKind = iota
	paymentKind
	withdrawalKind
	recurringKind
)

// kindOf tells the kinds of JovePay's webhook examples apart by their members;
// no member names the kind. A payment has its id or status by a name of its
// own, in snake case in the guide and in camel case in the bodies that the
// shop plugins read. Withdrawals and recurring payments share id, status,
// currency and amount; only a withdrawal goes to an address, in a batch.
func kindOf(root canonical.Value) eventKind {
	has := func(names ...string) bool {
		for _, name := range names {
			if root.Member(name).Kind() != 0 {
				return true
			}
		}
		return false
	}
	switch {
	case has("payment_id", "payment_status", "paymentId", "paymentStatus"):
		return paymentKind
	case !has("id") || !has("status"):
		return unknownKind
	case has("address", "hash", "batch_withdrawal_id", "extra_id", "requested_at", "batchWithdrawalId", "extraId", "requestedAt"):
		return withdrawalKind
	case has("amount"):
		return recurringKind
	}
	return unknownKind
}

// An eventObject is an object in what was signed: its text, and the same as it
// was read to verify it.
type eventObject struct {
	text  string
	root  canonical.Value
	plain bool // nothing in text is escaped
}

// read reads the members into their places, and returns those that have none
// or do not fit: they never make an event unreadable. Of a member that is
// there by two names the one that the guide has counts; the other is returned
// if it says something else.
func (o *eventObject) read(into fields) (extra map[string]json.RawMessage) {
	keep := func(name, value string) {
		if extra == nil {
			extra = map[string]json.RawMessage{}
		}
		extra[name] = json.RawMessage(value)
	}
	twins := false
	for name, value, rest := o.nextMember(o.text); value != ""; name, value, rest = o.nextMember(rest) {
		field, known := place(into, name)
		switch {
		case field != nil && o.twin(name, known):
			twins = true
		case field == nil || !o.readMember(field, known, value):
			keep(name, value)
		}
	}
	if !twins {
		return extra
	}
	for name, value, rest := o.nextMember(o.text); value != ""; name, value, rest = o.nextMember(rest) {
		field, known := place(into, name)
		if field != nil && o.twin(name, known) && !o.agrees(field, known, value) {
			keep(name, value)
		}
	}
	return extra
}

// twin reports whether the object has the member that the guide calls known
// by that name, and by another too.
func (o *eventObject) twin(name, known string) bool {
	return name != known && o.root.Member(known).Kind() != 0
}

// agrees reports whether value, that of a twin, says nothing or the same as
// field, which has been read.
func (o *eventObject) agrees(field any, known, value string) bool {
	twin := reflect.New(reflect.TypeOf(field).Elem())
	if !o.readMember(twin.Interface(), known, value) {
		return false
	}
	if twin.Elem().IsZero() {
		return true
	}
	switch twin := twin.Interface().(type) {
	case *Amount:
		amount, ok := field.(*Amount)
		return ok && amount.Equal(*twin)
	case *Time:
		point, ok := field.(*Time)
		return ok && point.Equal(twin.Time)
	}
	return reflect.DeepEqual(field, twin.Interface())
}

// readMember reads the value of the member that the guide calls known into its
// field and reports whether it fits.
func (o *eventObject) readMember(field any, known, value string) bool {
	if value[0] == 'n' {
		return true
	}
	switch field := field.(type) {
	case *Amount:
		text, ok := o.scalar(value)
		return ok && (text == "null" || field.set(text) == nil)
	case *ID:
		return o.readID(field, known, value)
	case *string:
		return o.readString(field, known, value)
	case *PaymentStatus:
		return value[0] == '"' && o.readText((*string)(field), value)
	case *WithdrawalStatus:
		return value[0] == '"' && o.readText((*string)(field), value)
	case *int:
		return o.readInt(field, value)
	case *Time:
		return field.UnmarshalJSON([]byte(value)) == nil
	case *[]ID:
		if value[0] == '{' {
			value = meaning([]byte(value)) // a list if its members are named 0, 1 and so on
		}
		var ids []ID
		if jsonv2.Unmarshal([]byte(value), &ids) != nil {
			return false
		}
		*field = ids
		return true
	case **Fee:
		fee := eventObject{value, o.root.Member(known), o.plain}
		switch {
		case fee.root.Len() == 0:
			return value[0] == '{' || value[0] == '['
		case value[0] != '{':
			return false
		}
		*field = new(Fee)
		return len(fee.read(*field)) == 0
	}
	return false
}

// readID reads an id. That of a parent or an invoice which is 0 means none.
func (o *eventObject) readID(field *ID, known, value string) bool {
	if text, ok := o.scalar(value); ok && (value[0] == '"' || leadingDigits(text) == len(text)) {
		*field = ID(text)
	} else if field.UnmarshalJSON([]byte(value)) != nil {
		return false
	}
	zero := *field == "0" && (known == "parent_payment_id" || known == "invoice_id")
	if zero || *field == "null" {
		*field = ""
	}
	return true
}

// readString reads a text, which may be written as a number unless it is one of
// a list of words; a ticker in lower case. The text null means none, but for what
// the shop itself has written.
func (o *eventObject) readString(field *string, known, value string) bool {
	if value[0] != '"' && isWord(known) || !o.readText(field, value) {
		return false
	}
	if strings.HasSuffix(known, "currency") {
		*field = lowerASCII(*field)
	}
	if *field == "null" && !strings.HasPrefix(known, "order_") {
		*field = ""
	}
	return true
}

// lowerASCII returns s with its ASCII letters in lower case. Unicode has other
// letters that fold to these, such as the Kelvin sign.
func lowerASCII(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return 'A' <= r && r <= 'Z' }) {
		return s
	}
	lower := []byte(s)
	for i, c := range lower {
		if 'A' <= c && c <= 'Z' {
			lower[i] = c - 'A' + 'a'
		}
	}
	return string(lower)
}

// readText reads a string; of a number the digits, however it is spelled.
func (o *eventObject) readText(field *string, value string) bool {
	text, ok := o.scalar(value)
	if !ok {
		return false
	}
	if value[0] != '"' {
		text = plainDigits(text)
	}
	*field = text
	return true
}

// readInt reads a whole number, in quotes or not and however it is spelled.
func (o *eventObject) readInt(field *int, value string) bool {
	text, ok := o.scalar(value)
	if !ok {
		return false
	}
	if text == "null" {
		return true
	}
	n, err := strconv.Atoi(plainDigits(text))
	if err != nil {
		return false
	}
	*field = n
	return true
}

// plainDigits returns one spelling of a number for all of them.
func plainDigits(number string) string {
	if leadingDigits(number) == len(number) {
		return number
	}
	amount, err := ParseAmount(number)
	if err != nil {
		return number
	}
	return amount.Decimal().String()
}

// scalar returns the text of a string or the literal of a number.
func (o *eventObject) scalar(value string) (text string, ok bool) {
	switch value[0] {
	case '"':
		return o.unquote(value), true
	case '{', '[', 't', 'f':
		return "", false
	}
	return value, true
}

func (o *eventObject) unquote(quoted string) string {
	if o.plain || strings.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	text, _ := jsontext.AppendUnquote(nil, quoted) // valid: it was verified
	return string(text)
}

// nextMember returns the first member of the object or of what is left of it,
// and what comes after that. The value is empty if there is no more. The text
// was read strictly before: nothing is left to refuse.
func (o *eventObject) nextMember(text string) (name, value, rest string) {
	for i := range len(text) {
		if text[i] != '"' {
			continue // space, a brace or a comma
		}
		end := i + stringEnd(text[i:])
		name = o.unquote(text[i:end])
		for text[end] == ':' || text[end] <= ' ' {
			end++
		}
		text = text[end:]
		end = valueEnd(text)
		return name, text[:end], text[end:]
	}
	return "", "", ""
}

// valueEnd returns the length of the value that text begins with.
func valueEnd(text string) int {
	switch text[0] {
	case '"':
		return stringEnd(text)
	case '{', '[':
		depth := 0
		for i := 0; ; i++ {
			switch text[i] {
			case '"':
				i += stringEnd(text[i:]) - 1
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
		}
	}
	i := 1
	for c := text[i]; c > ' ' && c != ',' && c != '}'; c = text[i] {
		i++
	}
	return i
}

// stringEnd returns the length of the string that text begins with, with its
// quotes.
func stringEnd(text string) int {
	i := 1
	for text[i] != '"' {
		if text[i] == '\\' {
			i++
		}
		i++
	}
	return i + 1
}
