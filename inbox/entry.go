package inbox

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jovepay/jovepay-go"
)

// ErrUnprocessable is the error, for [errors.Is], of an event that cannot be
// identified or ordered: it has no id or status, its id is too long or has
// characters other than visible ASCII, or an amount is negative or absurdly
// large. Nothing is recorded.
var ErrUnprocessable = errors.New("event cannot be processed")

// Entry is what a [Store] records of an event. All fields are ASCII without
// spaces. They are compared byte by byte, so their database columns need a
// binary collation.
type Entry struct {
	// Subject is what the event is about: "payment:", "withdrawal:" or
	// "recurring:", and the id. An event of an unknown kind is its own
	// subject. At most 160 bytes.
	Subject string

	// Key is the [jovepay.Event.Key], at most 64 bytes.
	Key string

	// Position orders the events of a subject: an event that is later in its
	// life, or reports more of the same state, has a greater position. It ends
	// with the key, so no two events are equal. At most 255 bytes.
	Position string
}

// Against returns what to do with e after last was applied: [Pending] if e is
// newer and should be applied, or [Duplicate], or [Outdated]. The zero Entry
// means that nothing was applied.
func (e Entry) Against(last Entry) Outcome {
	switch {
	case e.Position > last.Position:
		return Pending
	case e.Position == last.Position && e.Key == last.Key:
		return Duplicate
	}
	return Outdated
}

// maxIDLength keeps subjects within 160 bytes.
const maxIDLength = 128

// NewEntry returns the entry for an event, or [ErrUnprocessable].
//
// One event of a payment is newer than another by the first of these that
// differs:
//
//  1. Its stage: unpaid, paid, finished, refunded. A payment counts as paid if
//     an amount above zero is reported, or a status that requires coins:
//     confirmed, sending, partially_paid or wrong_asset_confirmed.
//  2. A larger paid amount. So a report of more money is never older than one of
//     less, unless the payment is finished or refunded.
//  3. Its status, in this order: waiting, confirming, confirmed, sending, unknown
//     statuses, partially_paid, wrong_asset_confirmed, expired, failed and
//     cancelled.
//  4. A larger outcome.
//  5. A parent payment.
//  6. More of the other members: order, invoice, amounts, currencies.
//
// Times do not count: a notification may have none. Amounts that are the same
// double are equal; see [jovepay.Expectation.Settle]. Remaining ties are broken
// arbitrarily, but everywhere in the same way.
func NewEntry(event jovepay.Event) (Entry, error) {
	switch e := event.(type) {
	case *jovepay.PaymentEvent:
		return newEntry("payment", e.ID, e.Key(), state{
			status: string(e.Status), stage: paymentStage(e), rank: paymentRank(e.Status), link: string(e.ParentPaymentID),
			amounts: [4]jovepay.Amount{e.ActuallyPaid, e.OutcomeAmount, e.PayAmount, e.PriceAmount},
			texts:   [5]string{e.OrderID, string(e.InvoiceID), e.PriceCurrency, e.PayCurrency, e.OutcomeCurrency},
		})
	case *jovepay.WithdrawalEvent:
		return newEntry("withdrawal", e.ID, e.Key(), state{
			status: string(e.Status), stage: withdrawalRank(e.Status), link: e.Hash,
			amounts: [4]jovepay.Amount{e.Amount, e.Fee}, texts: [5]string{e.Currency},
		})
	case *jovepay.RecurringPaymentEvent:
		return newEntry("recurring", e.ID, e.Key(), state{
			status: string(e.Status), stage: withdrawalRank(e.Status),
			amounts: [4]jovepay.Amount{e.Amount}, texts: [5]string{e.Currency},
		})
	case *jovepay.UnknownEvent:
		return Entry{Subject: e.Key(), Key: e.Key(), Position: e.Key()}, nil
	}
	return Entry{}, fmt.Errorf("%w: unexpected type %T", ErrUnprocessable, event)
}

func newEntry(kind string, id jovepay.ID, key string, s state) (Entry, error) {
	subject := kind + ":" + string(id)
	switch {
	case id == "":
		return Entry{}, fmt.Errorf("%w: %s without id", ErrUnprocessable, kind)
	case len(id) > maxIDLength:
		return Entry{}, fmt.Errorf("%w: %s id of %d bytes", ErrUnprocessable, kind, len(id))
	case strings.ContainsFunc(string(id), func(c rune) bool { return c <= ' ' || c > '~' }):
		return Entry{}, fmt.Errorf("%w: %s id %q", ErrUnprocessable, kind, id)
	case s.status == "":
		return Entry{}, fmt.Errorf("%w: %s without status", ErrUnprocessable, subject)
	}
	position, err := s.position(key)
	if err != nil {
		return Entry{}, fmt.Errorf("%w: %s: %w", ErrUnprocessable, subject, err)
	}
	return Entry{Subject: subject, Key: key, Position: position}, nil
}
