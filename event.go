package jovepay

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/jovepay/jovepay-go/internal/canonical"
	"github.com/jovepay/jovepay-go/internal/double"
)

// Event is a verified notification: a [*PaymentEvent], a [*WithdrawalEvent], a
// [*RecurringPaymentEvent], or an [*UnknownEvent] if it is of a kind that this
// package does not know. Use a type switch. Bodies in snake_case,
// as in JovePay's guide, and in camelCase, as its shop plugins read them (not
// documented by JovePay), give the same events.
type Event interface {
	// Key identifies the event. It is the same for every delivery of the event,
	// however it was serialized, and differs once the status, or what was
	// asked, paid or settled, has changed. Amounts that are the same double are
	// the same amount. A key is short printable ASCII, suitable as a
	// database key or a message id.
	Key() string

	// Verification reports how the notification was signed.
	Verification() Verification

	// SignedBody returns a copy of the body that was verified, exactly as it was
	// received: with [Event.Signature] it can be verified again elsewhere. It is
	// nil for an event that a verifier did not return, for example one that was
	// read from JSON. The event itself is printed and stored without it.
	SignedBody() []byte

	// Signature returns the signature of SignedBody as it was received, without
	// white space around it. It is empty where SignedBody is nil.
	Signature() string

	// sealed keeps the list of kinds closed.
	sealed()
}

// Verification reports how a notification was signed. It belongs to one delivery:
// another body with the same signature can match by another form. The zero value
// is that of an event that was not received as a notification.
type Verification struct {
	Form   IPNForm // the form that was signed
	Secret int     // which secret matched: 0 is the first, 1 the first further one
}

// verified is what all events have in common. The delivery is behind a pointer,
// so that printing an event does not print a second body.
type verified struct{ from *delivery }

// A delivery is the notification that an event was read from.
type delivery struct {
	verification    Verification
	body, signature string
}

// Verification implements [Event].
func (v *verified) Verification() Verification {
	if v.from == nil {
		return Verification{}
	}
	return v.from.verification
}

// SignedBody implements [Event].
func (v *verified) SignedBody() []byte {
	if v.from == nil {
		return nil
	}
	return []byte(v.from.body)
}

// Signature implements [Event].
func (v *verified) Signature() string {
	if v.from == nil {
		return ""
	}
	return v.from.signature
}

func (v *verified) sealed() {}

// PaymentEvent reports the status of a payment. Fields that are missing from the
// notification are zero. Before you ship goods on it, check order, amount and asset
// against the order, and that ParentPaymentID is empty: a payment with a parent is a
// repeated or wrong-asset deposit, which JovePay's guide advises not to fulfill
// automatically.
//
// Raw is the text that was signed. In the js form, whose text has objects with
// the names 0, 1 and so on for arrays, each such object below the root is an
// array again, and so is an empty object: bodies with the same signature are read
// alike.
type PaymentEvent struct {
	Payment
	Fee           *Fee   `json:"fee,omitzero"`            // nil if missing or empty
	TransactionID string `json:"transaction_id,omitzero"` // as JovePay's shop plugins read it; not in the guide
	verified      `json:"-"`
}

// Fee is what a payment cost the shop, in the currency it names.
type Fee struct {
	Currency      string `json:"currency,omitzero"` // ticker
	DepositFee    Amount `json:"depositFee,omitzero"`
	WithdrawalFee Amount `json:"withdrawalFee,omitzero"`
	ServiceFee    Amount `json:"serviceFee,omitzero"`
}

// Key implements [Event].
func (e *PaymentEvent) Key() string {
	return eventKey("payment", keyParts(e.fields(nil), paymentNames(), e.Extra, "payment_id", "parent_payment_id", "payment_status",
		"price_amount", "price_currency", "pay_amount", "pay_currency", "actually_paid", "outcome_amount", "outcome_currency")...)
}

// Event returns the payment as the event that JovePay's notification of this
// state is: it has the same [Event.Key].
func (p *Payment) Event() *PaymentEvent {
	return &PaymentEvent{Payment: *p}
}

// WithdrawalStatus is the status of a withdrawal or a custodial recurring payment,
// in upper case. The guide shows CREATING and FINISHED; other values
// are not documented by JovePay and survive a round trip.
type WithdrawalStatus string

// The statuses of withdrawals and recurring payments that are known.
const (
	WithdrawalCreating   WithdrawalStatus = "CREATING"
	WithdrawalCreated    WithdrawalStatus = "CREATED"
	WithdrawalWaiting    WithdrawalStatus = "WAITING"
	WithdrawalProcessing WithdrawalStatus = "PROCESSING"
	WithdrawalSending    WithdrawalStatus = "SENDING"
	WithdrawalFinished   WithdrawalStatus = "FINISHED"
	WithdrawalFailed     WithdrawalStatus = "FAILED"
	WithdrawalRejected   WithdrawalStatus = "REJECTED"
)

// Known reports whether s is one of this package's constants.
func (s WithdrawalStatus) Known() bool {
	switch s {
	case WithdrawalCreating, WithdrawalCreated, WithdrawalWaiting, WithdrawalProcessing, WithdrawalSending:
		return true
	}
	return s.Final()
}

// Final reports whether nothing more will follow.
func (s WithdrawalStatus) Final() bool {
	return s == WithdrawalFinished || s == WithdrawalFailed || s == WithdrawalRejected
}

// WithdrawalEvent reports the status of a withdrawal. Fields that are missing from
// the notification are zero.
type WithdrawalEvent struct {
	ID                ID               `json:"id,omitzero"`
	BatchWithdrawalID ID               `json:"batch_withdrawal_id,omitzero"`
	Status            WithdrawalStatus `json:"status,omitzero"`
	Error             string           `json:"error,omitzero"`    // why it failed
	Currency          string           `json:"currency,omitzero"` // ticker
	Amount            Amount           `json:"amount,omitzero"`   // in Currency
	Address           string           `json:"address,omitzero"`
	ExtraID           string           `json:"extra_id,omitzero"` // memo or tag of Address
	Fee               Amount           `json:"fee,omitzero"`
	Hash              string           `json:"hash,omitzero"` // of the transaction
	IPNCallbackURL    string           `json:"ipn_callback_url,omitzero"`
	CreatedAt         Time             `json:"created_at,omitzero"`
	RequestedAt       Time             `json:"requested_at,omitzero"`
	UpdatedAt         Time             `json:"updated_at,omitzero"`
	Response
	verified `json:"-"`
}

// Key implements [Event].
func (e *WithdrawalEvent) Key() string {
	return eventKey("withdrawal", keyParts(e.fields(nil), withdrawalNames(), e.Extra, "id", "status", "amount", "currency", "fee", "hash")...)
}

// RecurringPaymentEvent reports the status of a custodial recurring payment. Fields
// that are missing from the notification are zero.
type RecurringPaymentEvent struct {
	ID             ID               `json:"id,omitzero"`
	Status         WithdrawalStatus `json:"status,omitzero"`
	Currency       string           `json:"currency,omitzero"` // ticker
	Amount         Amount           `json:"amount,omitzero"`   // in Currency
	IPNCallbackURL string           `json:"ipn_callback_url,omitzero"`
	CreatedAt      Time             `json:"created_at,omitzero"`
	UpdatedAt      Time             `json:"updated_at,omitzero"`
	Response
	verified `json:"-"`
}

// Key implements [Event]. It is made of id, status, currency and amount, and of
// no time: a recurring payment that returns to an earlier status, with the same
// amount, has the key it had then. Code that acts once per key takes the two for
// one event. Whether each charge has its own id is not documented by JovePay.
func (e *RecurringPaymentEvent) Key() string {
	return eventKey("recurring", keyParts(e.fields(nil), recurringNames(), e.Extra, "id", "status", "amount", "currency")...)
}

// UnknownEvent is a genuine notification of a kind that this package does not
// know. Acknowledge it, so that JovePay does not retry it. In JSON it is its Raw.
type UnknownEvent struct {
	Raw json.RawMessage // the text that was signed, as in a PaymentEvent
	verified
}

// Key implements [Event].
func (e *UnknownEvent) Key() string { return eventKey("unknown", meaning(e.Raw)) }

// eventKey returns kind and a hash of the parts, each with its length so that
// no two lists of parts are written alike.
func eventKey(kind string, parts ...string) string {
	hash := sha256.New()
	for _, part := range parts {
		hash.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	return kind + ":" + hex.EncodeToString(hash.Sum(nil)[:16])
}

// keyParts returns the values of the members that an event's key is made of.
// One that does not fit its field, or contradicts it, counts as it was signed,
// so that events which differ in nothing else are not taken for one.
func keyParts(fields []any, names eventNames, extra map[string]json.RawMessage, keyed ...string) []string {
	parts := make([]string, 0, len(keyed))
	next := 0
	for _, name := range keyed {
		part := keyText(fields[names.find([]byte(name), &next).field], name)
		if odd, ok := extra[name]; ok {
			part += "\x00" + meaning(odd)
		}
		if odd, ok := extra[otherCase(name)]; ok && otherCase(name) != name {
			part += "\x00" + meaning(odd)
		}
		parts = append(parts, part)
	}
	return parts
}

// keyText spells equal values alike. Amounts are alike if they are the same
// double: what one message has in all digits, another has as JavaScript writes
// it. An amount of zero and none are alike too: what one message reports as
// zero, another omits.
func keyText(field any, name string) string {
	switch field := field.(type) {
	case *Amount:
		signed := Amount{text: double.Shortest(field.text)}
		return signed.Decimal().Rat().RatString() // whatever decimal's variables say
	case *ID:
		return string(*field)
	case *PaymentStatus:
		return string(*field)
	case *WithdrawalStatus:
		return string(*field)
	case *string:
		if strings.HasSuffix(name, "currency") {
			return lowerASCII(*field) // a payment that was asked for may have it in upper case
		}
		return *field
	}
	return ""
}

// meaning returns one text for all spellings of a JSON value that one signature
// is good for: whatever the order of members, the white space, the escapes, the
// digits of numbers, and lists or objects by index.
func meaning(value []byte) string {
	var doc canonical.Document
	object := slices.Concat([]byte(`{"":`), value, []byte("}"))
	if doc.Parse(object, canonical.DefaultDepth+1, canonical.DefaultValues+1) != nil {
		return string(value) // of no verified event
	}
	return string(doc.Meaning().Member("").Append(nil))
}
