package inbox

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jovepay/jovepay-go"
)

// ErrUnprocessable is the error, for [errors.Is], of an event that cannot be
// told apart or put in order: without id or status, with an id that is too
// long or holds other characters than visible ASCII, or with an amount that is
// negative or absurd. Nothing is recorded.
var ErrUnprocessable = errors.New("event cannot be processed")

// Entry is what a [Store] keeps of an event. All fields are ASCII without
// spaces. They are compared byte by byte, so a database column for them needs a
// binary collation.
type Entry struct {
	// Subject is what the event is about: "payment:", "withdrawal:" or
	// "recurring:" and the id. An event of unknown kind is its own subject.
	// At most 160 bytes.
	Subject string

	// Key is the [jovepay.Event.Key], at most 64 bytes.
	Key string

	// Position sorts the events of a subject: what comes later in its life, or
	// reports more of the same state, is greater. It ends with the key, so no
	// two events are equal. At most 255 bytes.
	Position string
}

// Against returns what to do about e where last was applied before: [Pending]
// if e is newer and so to be applied, or [Duplicate], or [Outdated]. The zero
// Entry stands for nothing applied.
func (e Entry) Against(last Entry) Outcome {
	switch {
	case e.Position > last.Position:
		return Pending
	case e.Position == last.Position && e.Key == last.Key:
		return Duplicate
	}
	return Outdated
}

// maxIDLength lets a subject fit into 160 bytes.
const maxIDLength = 128

// NewEntry returns the entry for an event, or [ErrUnprocessable].
//
// What makes one event of a payment newer than another is, first to last:
//
//  1. Its stage: nothing came, money came, finished, refunded. Money came if an
//     amount above zero is reported, or a status that coins must have come for:
//     confirmed, sending, partially_paid or wrong_asset_confirmed.
//  2. More paid. So no report of more money is older than one of less, unless
//     the payment is finished or refunded.
//  3. Its status: waiting, confirming, confirmed, sending, statuses that are not
//     known, partially_paid, wrong_asset_confirmed, expired, failed and
//     cancelled.
//  4. A greater outcome.
//  5. That it names a parent payment.
//  6. How many of the other members it has: order, invoice, amounts,
//     currencies.
//
// Times do not count: a notification may have none. Amounts that are the
// same double are equal; see [jovepay.Expectation.Settle]. Whatever is still
// equal is put in an arbitrary order, the same everywhere.
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
	return Entry{}, fmt.Errorf("%w: it is a %T", ErrUnprocessable, event)
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
