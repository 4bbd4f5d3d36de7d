package jovepay

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/jovepay/jovepay-go/internal/canonical"
)

// How an event is read: the canonical reader has made a tree of the body to
// verify it, and that same tree is the event. The event types are the one table
// of names: a JSON tag is the name in JovePay's guide, and the name in the other
// case is accepted too.

// received is an event, the delivery that it was read from, and room for the fee
// of a payment: one allocation costs less than three.
type received[E any] struct {
	event E
	from  delivery
	fee   Fee
}

// newEvent returns the event in root, the tree of what was signed. raw is its
// text, or the same with arrays where the form signs objects by index.
func newEvent(raw []byte, root canonical.Value, from delivery) Event {
	r := eventReader{body: from.body, literal: from.verification.Form == FormRaw}
	var space [mostFields]any
	switch kindOf(root) {
	case paymentKind:
		m := &received[PaymentEvent]{from: from}
		r.fee = &m.fee
		e := &m.event
		e.from, e.Raw = &m.from, raw
		e.Extra = r.event(e.fields(space[:0]), paymentNames(), root)
		return e
	case withdrawalKind:
		m := &received[WithdrawalEvent]{from: from}
		e := &m.event
		e.from, e.Raw = &m.from, raw
		e.Extra = r.event(e.fields(space[:0]), withdrawalNames(), root)
		return e
	case recurringKind:
		m := &received[RecurringPaymentEvent]{from: from}
		e := &m.event
		e.from, e.Raw = &m.from, raw
		e.Extra = r.event(e.fields(space[:0]), recurringNames(), root)
		return e
	default:
		m := &received[UnknownEvent]{from: from}
		m.event.from, m.event.Raw = &m.from, raw
		return &m.event
	}
}

type eventKind int

const (
	unknownKind eventKind = iota
	paymentKind
	withdrawalKind
	recurringKind
)

// kindOf recognizes the kinds of JovePay's webhook examples by their members; no
// member names the kind. A payment has its id or status under its own name,
// in snake case in the guide and in camel case in the bodies that the shop
// plugins read. Withdrawals and recurring payments share id, status, currency
// and amount; only a withdrawal goes to an address, in a batch.
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

// A fielded is a struct that is read from an object.
type fielded interface {
	// fields appends pointers to the fields that members are read into to space.
	fields(space []any) []any
}

// How many fields a type has at most, and a Fee.
const (
	mostFields = 34
	feeFields  = 4
)

func (e *PaymentEvent) fields(space []any) []any {
	return append(space,
		&e.ID, &e.ParentPaymentID, &e.InvoiceID, &e.PurchaseID, &e.Status,
		&e.OrderID, &e.OrderDescription, &e.PriceAmount, &e.PriceCurrency,
		&e.PayAddress, &e.PayinExtraID, &e.PayAmount, &e.PayCurrency,
		&e.ActuallyPaid, &e.ActuallyPaidAtFiat, &e.AmountReceived,
		&e.OutcomeAmount, &e.OutcomeCurrency, &e.PayinHash, &e.PayoutHash,
		&e.PaymentExtraIDs, &e.OriginType, &e.Type, &e.IPNCallbackURL,
		&e.SmartContract, &e.Network, &e.NetworkPrecision, &e.TimeLimit, &e.BurningPercent,
		&e.CreatedAt, &e.UpdatedAt, &e.ExpirationEstimateDate,
		&e.Fee, &e.TransactionID,
	)
}

func (f *Fee) fields(space []any) []any {
	return append(space, &f.Currency, &f.DepositFee, &f.WithdrawalFee, &f.ServiceFee)
}

func (e *WithdrawalEvent) fields(space []any) []any {
	return append(space,
		&e.ID, &e.BatchWithdrawalID, &e.Status, &e.Error, &e.Currency, &e.Amount, &e.Address,
		&e.ExtraID, &e.Fee, &e.Hash, &e.IPNCallbackURL, &e.CreatedAt, &e.RequestedAt, &e.UpdatedAt,
	)
}

func (e *RecurringPaymentEvent) fields(space []any) []any {
	return append(space, &e.ID, &e.Status, &e.Currency, &e.Amount, &e.IPNCallbackURL, &e.CreatedAt, &e.UpdatedAt)
}

// eventNames are the names of a type's fields: first the names that JovePay's
// guide has, then the same in the other case, each in the order of the names.
type eventNames []eventName

type eventName struct {
	name  string
	guide string // the name in JovePay's guide
	other bool   // name is the same in the other case
	field int    // the index of the field among the fields
}

//nolint:gochecknoglobals // made of the JSON tags, once
var (
	paymentNames    = sync.OnceValue(func() eventNames { return namesOf(new(PaymentEvent)) })
	feeNames        = sync.OnceValue(func() eventNames { return namesOf(new(Fee)) })
	withdrawalNames = sync.OnceValue(func() eventNames { return namesOf(new(WithdrawalEvent)) })
	recurringNames  = sync.OnceValue(func() eventNames { return namesOf(new(RecurringPaymentEvent)) })
)

// namesOf returns the names that the JSON tags of a struct give its fields.
func namesOf(of fielded) eventNames {
	fields := of.fields(nil)
	object := reflect.ValueOf(of).Elem()
	var guide, other eventNames
	for _, f := range reflect.VisibleFields(object.Type()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		field := slices.Index(fields, object.FieldByIndex(f.Index).Addr().Interface())
		guide = append(guide, eventName{name, name, false, field})
		if twin := otherCase(name); twin != name {
			other = append(other, eventName{twin, name, true, field})
		}
	}
	byName := func(a, b eventName) int { return strings.Compare(a.name, b.name) }
	slices.SortFunc(guide, byName)
	slices.SortFunc(other, byName)
	return append(guide, other...)
}

// find returns the entry of a name, or nil. Members come in the order of their
// names, so it searches from next on, and sets next to what follows the entry.
func (n eventNames) find(name []byte, next *int) *eventName {
	for i := range n {
		if i += *next; i >= len(n) {
			i -= len(n)
		}
		if n[i].name == string(name) {
			*next = i + 1
			return &n[i]
		}
	}
	return nil
}

// otherCase returns a name in snake case in camel case and the reverse.
func otherCase(name string) string {
	var other []byte
	for i, c := range []byte(name) {
		switch {
		case c == '_':
		case 'A' <= c && c <= 'Z':
			other = append(other, '_', c-'A'+'a')
		case i > 0 && name[i-1] == '_' && 'a' <= c && c <= 'z':
			other = append(other, c-'a'+'A')
		default:
			other = append(other, c)
		}
	}
	return string(other)
}

// An eventReader reads the members of one body.
type eventReader struct {
	body    string // which the strings of the event are parts of
	fee     *Fee   // room for one
	literal bool   // a number is read as the body has it, since the body itself was signed
}

// event reads the members of root and returns Extra.
func (r *eventReader) event(fields []any, names eventNames, root canonical.Value) map[string]json.RawMessage {
	extra := r.read(fields, names, root)
	if r.literal && len(extra) > 0 {
		for name, value := range members([]byte(r.body)) {
			if _, ok := extra[name]; ok {
				extra[name] = json.RawMessage(bytes.Clone(value))
			}
		}
	}
	return extra
}

// read reads the members of object into their fields, and returns those that
// have no field or do not fit: they never make an event unreadable. Of a member
// that is there by both its names the guide's counts; the other is returned if
// it says something else.
func (r *eventReader) read(fields []any, names eventNames, object canonical.Value) (extra map[string]json.RawMessage) {
	keep := func(v canonical.Value) {
		if extra == nil {
			extra = map[string]json.RawMessage{}
		}
		extra[string(v.Name())] = v.Append(nil)
	}
	twins := false
	next := 0
	for v := range object.Children() {
		n := names.find(v.Name(), &next)
		switch {
		case n != nil && n.other && object.Member(n.guide).Kind() != 0:
			twins = true
		case n == nil || !r.readMember(fields[n.field], n.guide, v):
			keep(v)
		}
	}
	if !twins {
		return extra
	}
	for v := range object.Children() {
		n := names.find(v.Name(), &next)
		if n != nil && n.other && object.Member(n.guide).Kind() != 0 && !r.agrees(fields[n.field], n.guide, v) {
			keep(v)
		}
	}
	return extra
}

// agrees reports whether v says nothing or the same as field, which has been
// read from the member that the guide calls name.
func (r *eventReader) agrees(field any, name string, v canonical.Value) bool {
	twin := reflect.New(reflect.TypeOf(field).Elem())
	if !r.readMember(twin.Interface(), name, v) {
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

// readMember reads v, the member that the guide calls name, into its field and
// reports whether it fits.
func (r *eventReader) readMember(field any, name string, v canonical.Value) bool {
	kind := v.Kind()
	if kind == canonical.Null {
		return true
	}
	scalar := kind == canonical.String || kind == canonical.Number
	text := r.text(v, kind)
	switch field := field.(type) {
	case *Amount:
		return scalar && (text == "null" || field.set(text) == nil)
	case *ID:
		return scalar && readID(field, name, text, kind)
	case *string:
		return scalar && readText(field, name, text, kind)
	case *PaymentStatus:
		return readStatus(field, text, kind)
	case *WithdrawalStatus:
		return readStatus(field, text, kind)
	case *int:
		return scalar && readInt(field, text)
	case *Time:
		return scalar && field.set(text) == nil
	case *[]ID:
		return r.readIDs(field, v)
	case **Fee:
		return r.readFee(field, v)
	}
	return false
}

// text returns the content of a string, or the digits of a number: where the
// body has the same, as a part of it.
func (r *eventReader) text(v canonical.Value, kind canonical.Kind) string {
	text, at, asIs := v.Text()
	switch {
	case kind == canonical.Number && r.literal:
		rest := r.body[at:]
		return rest[:len(rest)-len(strings.TrimLeft(rest, "+-.0123456789eE"))]
	case asIs:
		return r.body[at : at+len(text)]
	}
	return string(text)
}

// readID reads an id. That of a parent or an invoice which is 0 means none.
func readID(field *ID, name, text string, kind canonical.Kind) bool {
	if kind == canonical.String || leadingDigits(text) == len(text) {
		*field = ID(text)
	} else if field.UnmarshalJSON([]byte(text)) != nil {
		return false
	}
	zero := *field == "0" && (name == "parent_payment_id" || name == "invoice_id")
	if zero || *field == "null" {
		*field = ""
	}
	return true
}

// readText reads a text, which may be written as a number, however it is
// spelled, unless it is one of a list of words; a ticker in lower case. The text
// null means none, but for what the shop itself has written.
func readText(field *string, name, text string, kind canonical.Kind) bool {
	if kind == canonical.Number {
		if isWord(name) {
			return false
		}
		text = plainDigits(text)
	}
	if strings.HasSuffix(name, "currency") {
		text = lowerASCII(text)
	}
	if text == "null" && !strings.HasPrefix(name, "order_") {
		text = ""
	}
	*field = text
	return true
}

func readStatus[S ~string](field *S, text string, kind canonical.Kind) bool {
	if kind != canonical.String {
		return false
	}
	*field = S(text)
	return true
}

// readInt reads a whole number, in quotes or not and however it is spelled.
func readInt(field *int, text string) bool {
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

// readIDs reads a list of ids, or an object that names them 0, 1 and so on.
func (r *eventReader) readIDs(field *[]ID, list canonical.Value) bool {
	elements, ok := list.Elements()
	if !ok {
		return false
	}
	ids := make([]ID, 0, list.Len())
	for v := range elements {
		text := v.Append(nil)
		if v.Kind() == canonical.Number {
			text = []byte(r.text(v, canonical.Number))
		}
		var id ID
		if id.UnmarshalJSON(text) != nil {
			return false
		}
		ids = append(ids, id)
	}
	*field = ids
	return true
}

// readFee reads a fee. An empty one is none.
func (r *eventReader) readFee(field **Fee, v canonical.Value) bool {
	switch kind := v.Kind(); {
	case v.Len() == 0:
		return kind == canonical.Object || kind == canonical.Array
	case kind != canonical.Object:
		return false
	}
	if *field = r.fee; r.fee == nil {
		*field = new(Fee)
	}
	r.fee = nil
	var space [feeFields]any
	return len(r.read((*field).fields(space[:0]), feeNames(), v)) == 0
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
