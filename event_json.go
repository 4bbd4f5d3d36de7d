package jovepay

import (
	"bytes"
	"encoding/json"

	"github.com/jovepay/jovepay-go/internal/canonical"
)

// The plain types have the fields and tags of the public ones, but not their
// methods.
type (
	plainPaymentEvent struct {
		plainPayment
		Fee           *Fee   `json:"fee,omitzero"`
		TransactionID string `json:"transaction_id,omitzero"`
	}
	// The fee is read apart, with what in it has no field.
	storedPaymentEvent struct {
		plainPayment
		TransactionID string `json:"transaction_id,omitzero"`
	}
	plainWithdrawal WithdrawalEvent
	plainRecurring  RecurringPaymentEvent
)

// MarshalJSON writes the fields that are set, and Extra, as members of one
// object: the event as it can be stored, not as it was signed.
func (e PaymentEvent) MarshalJSON() ([]byte, error) {
	fields := plainPaymentEvent{plainPayment(e.Payment), e.Fee, e.TransactionID}
	fields.Extra = nil
	if _, ok := e.Extra["fee"]; ok {
		fields.Fee = nil // as much of it as could be read
	}
	return writeObject(&fields, e.Extra)
}

// UnmarshalJSON reads what MarshalJSON writes, as [Payment.UnmarshalJSON] reads
// a payment. It verifies nothing, and the event is no longer a verified one: only
// an [IPNVerifier] returns those.
func (e *PaymentEvent) UnmarshalJSON(b []byte) error {
	fields := storedPaymentEvent{plainPayment(e.Payment), e.TransactionID}
	err := readObject(b, &fields, &fields.Extra)
	fields.normalize()
	e.Payment, e.TransactionID, e.verified = Payment(fields.plainPayment), fields.TransactionID, verified{}
	if fee, ok := e.Extra["fee"]; ok && e.readFee(fee) {
		delete(e.Extra, "fee")
	}
	if len(e.Extra) == 0 {
		e.Extra = nil
	}
	return err
}

// readFee reads the fee as that of a notification, and reports whether it fits.
func (e *PaymentEvent) readFee(fee json.RawMessage) bool {
	body := `{"fee":` + string(fee) + "}"
	var doc canonical.Document
	if doc.Parse([]byte(body), canonical.DefaultDepth+1, canonical.DefaultValues+1) != nil {
		return false
	}
	r := eventReader{body: body, literal: true}
	return r.readMember(&e.Fee, "fee", doc.Root(canonical.JSArrays).Member("fee"))
}

// MarshalJSON writes the event as [PaymentEvent.MarshalJSON] does.
func (e WithdrawalEvent) MarshalJSON() ([]byte, error) {
	fields := plainWithdrawal(e)
	fields.Extra = nil
	return writeObject(&fields, e.Extra)
}

// UnmarshalJSON reads what MarshalJSON writes; see [PaymentEvent.UnmarshalJSON].
func (e *WithdrawalEvent) UnmarshalJSON(b []byte) error {
	e.verified = verified{}
	err := readObject(b, (*plainWithdrawal)(e), &e.Extra)
	lowerTickers(&e.Currency)
	return err
}

// MarshalJSON writes the event as [PaymentEvent.MarshalJSON] does.
func (e RecurringPaymentEvent) MarshalJSON() ([]byte, error) {
	fields := plainRecurring(e)
	fields.Extra = nil
	return writeObject(&fields, e.Extra)
}

// UnmarshalJSON reads what MarshalJSON writes; see [PaymentEvent.UnmarshalJSON].
func (e *RecurringPaymentEvent) UnmarshalJSON(b []byte) error {
	e.verified = verified{}
	err := readObject(b, (*plainRecurring)(e), &e.Extra)
	lowerTickers(&e.Currency)
	return err
}

// MarshalJSON writes Raw; null if there is none.
func (e UnknownEvent) MarshalJSON() ([]byte, error) { return e.Raw.MarshalJSON() }

// UnmarshalJSON reads what MarshalJSON writes: any JSON becomes Raw, and null
// leaves none. Like [PaymentEvent.UnmarshalJSON], it verifies nothing, and the
// event is no longer a verified one.
func (e *UnknownEvent) UnmarshalJSON(b []byte) error {
	if err := checkJSON(b); err != nil {
		return err
	}
	*e = UnknownEvent{}
	if !bytes.Equal(bytes.TrimSpace(b), []byte("null")) {
		e.Raw = bytes.Clone(b)
	}
	return nil
}
