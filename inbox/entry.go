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

	// Position sorts the events of a subject: what comes later in its life is
	// greater, and no two events are equal. At most 255 bytes.
	Position string
}

// Against returns what to do about e where last was applied before: [Pending]
// if e is newer and so to be applied, or [Duplicate], or [Outdated]. The zero
// Entry stands for nothing applied.
func (e Entry) Against(last Entry) Outcome {
	switch {
	case e.Position > last.Position:
		return Pending
	case e.Key == last.Key:
		return Duplicate
	}
	return Outdated
}

// Limits of an entry. With 40 digits on either side of the point, amounts have
// room for any coin, and positions fit into 255 bytes.
const (
	maxIDLength = 128
	maxDigits   = 40
)

// NewEntry returns the entry for an event, or [ErrUnprocessable]. Events with
// the same key have the same entry.
//
// What makes one event of a payment newer than another is, first to last: its
// status (waiting, confirming, confirmed, sending, statuses that are not known,
// partially_paid, expired, failed and cancelled, finished, refunded); more paid;
// a greater outcome; that it tells of a parent payment. Times have no say, since
// notifications do not tell them. Whatever is still equal is put in an
// arbitrary order, the same everywhere.
func NewEntry(event jovepay.Event) (Entry, error) {
	switch e := event.(type) {
	case *jovepay.PaymentEvent:
		return newEntry("payment", e.ID, e.Key(), state{
			status: string(e.Status), rank: paymentRank(e.Status), more: e.ParentPaymentID != "",
			amounts: [4]jovepay.Amount{e.ActuallyPaid, e.OutcomeAmount, e.PayAmount, e.PriceAmount},
		})
	case *jovepay.WithdrawalEvent:
		return newEntry("withdrawal", e.ID, e.Key(), state{
			status: string(e.Status), rank: withdrawalRank(e.Status), more: e.Hash != "",
			amounts: [4]jovepay.Amount{e.Amount, e.Fee},
		})
	case *jovepay.RecurringPaymentEvent:
		return newEntry("recurring", e.ID, e.Key(), state{
			status: string(e.Status), rank: withdrawalRank(e.Status),
			amounts: [4]jovepay.Amount{e.Amount},
		})
	case *jovepay.UnknownEvent:
		return Entry{Subject: e.Key(), Key: e.Key(), Position: e.Key()}, nil
	}
	return Entry{}, fmt.Errorf("%w: it is a %T", ErrUnprocessable, event)
}

// state is what puts an event into the order of its subject's life. It holds
// nothing that the event's key does not cover: otherwise one event could be
// newer than itself.
type state struct {
	status  string
	rank    int
	amounts [4]jovepay.Amount // the first two tell the order, all must be sane
	more    bool              // tells of something that an earlier event may lack
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
	var digits [4]string
	for i, amount := range s.amounts {
		var err error
		if digits[i], err = sortable(amount); err != nil {
			return Entry{}, fmt.Errorf("%w: %s: %w", ErrUnprocessable, subject, err)
		}
	}
	more := "0"
	if s.more {
		more = "1"
	}
	position := fmt.Sprintf("%02d,%s,%s,%s,%s", s.rank, digits[0], digits[1], more, key)
	return Entry{Subject: subject, Key: key, Position: position}, nil
}

// sortable writes an amount so that texts sort as amounts do: the number of
// digits before the point, these digits, the point, and the digits after it,
// without zeros at either end. A comma may follow, which sorts before the point
// and all digits. Null is written as zero, as in the key.
func sortable(amount jovepay.Amount) (string, error) {
	d := amount.Decimal()
	if d.IsNegative() {
		return "", fmt.Errorf("amount %s is negative", amount)
	}
	if !d.Equal(d.Truncate(maxDigits)) {
		return "", fmt.Errorf("amount %s has over %d digits after the point", amount, maxDigits)
	}
	whole, fraction, _ := strings.Cut(d.StringFixed(maxDigits), ".")
	whole = strings.TrimLeft(whole, "0")
	if len(whole) > maxDigits {
		return "", fmt.Errorf("amount %s has over %d digits before the point", amount, maxDigits)
	}
	return strings.TrimSuffix(fmt.Sprintf("%02d%s.%s", len(whole), whole, strings.TrimRight(fraction, "0")), "."), nil
}

// The ranks leave gaps, so that a status which JovePay adds can get its place
// without changing positions that are recorded.

// paymentRank puts the statuses in the order of a payment's life. An unknown
// one never hides how a payment ended, and is never hidden by how it began.
func paymentRank(s jovepay.PaymentStatus) int {
	switch s {
	case jovepay.StatusWaiting:
		return 10
	case jovepay.StatusConfirming:
		return 20
	case jovepay.StatusConfirmed:
		return 30
	case jovepay.StatusSending:
		return 40
	case jovepay.StatusPartiallyPaid:
		return 60
	case jovepay.StatusExpired:
		return 70
	case jovepay.StatusFailed, jovepay.StatusCancelled:
		return 75
	case jovepay.StatusFinished:
		return 80
	case jovepay.StatusRefunded:
		return 90
	}
	return 50
}

// withdrawalRank does the same for withdrawals and recurring payments.
func withdrawalRank(s jovepay.WithdrawalStatus) int {
	switch s {
	case jovepay.WithdrawalCreating:
		return 10
	case jovepay.WithdrawalCreated:
		return 15
	case jovepay.WithdrawalWaiting:
		return 20
	case jovepay.WithdrawalProcessing:
		return 30
	case jovepay.WithdrawalSending:
		return 40
	case jovepay.WithdrawalFailed, jovepay.WithdrawalRejected:
		return 75
	case jovepay.WithdrawalFinished:
		return 80
	}
	return 50
}
