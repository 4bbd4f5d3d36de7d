package inbox

import (
	"fmt"
	"strings"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/internal/double"
)

// maxDigits is the maximum number of digits on either side of an amount's decimal
// point: enough for any coin, and positions fit into 255 bytes. Digits after the
// point that a double cannot hold do not count.
const (
	maxDigits = 40
	tooMuch   = "1e40" // the smallest amount with more digits before the point
)

// state is what orders the events of a subject. It is the same for all bodies
// that one signature is valid for: otherwise an event could be newer than itself.
type state struct {
	status  string
	stage   int               // compared before the first amount
	amounts [4]jovepay.Amount // the first two decide the order; all must be within bounds
	rank    int               // compared after the first amount
	link    string            // may be missing from an earlier event
	texts   [5]string         // other members; a fuller event has more of them
}

// position returns the [Entry.Position].
func (s state) position(key string) (string, error) {
	var digits [4]string
	for i, amount := range s.amounts {
		var err error
		if digits[i], err = sortable(amount); err != nil {
			return "", err
		}
	}
	members := countSet(digits[:], zero) + countSet(s.texts[:], "")
	return fmt.Sprintf("%02d,%s,%02d,%s,%d,%02d,%s", s.stage, digits[0], s.rank, digits[1], min(len(s.link), 1), members, key), nil
}

// countSet returns the number of members that differ from nothing.
func countSet(members []string, nothing string) (n int) {
	for _, member := range members {
		if member != nothing {
			n++
		}
	}
	return n
}

// zero is the sortable text of zero.
const zero = "00"

// sortable returns a text that sorts as the amount does: the number of digits
// before the point, these digits, the point, and the digits after it, without
// zeros at either end. A comma may follow; it sorts before the point and all
// digits. Amounts that are the same double have the same text, and null has the
// text of zero, as in the key.
func sortable(amount jovepay.Amount) (string, error) {
	rounded := double.Shortest(amount.String())
	whole, fraction, _ := strings.Cut(rounded, ".")
	switch {
	case amount.Sign() < 0:
		return "", fmt.Errorf("amount %s is negative", amount)
	case amount.Cmp(jovepay.MustAmount(tooMuch)) >= 0:
		return "", fmt.Errorf("amount %s has over %d digits before the point", amount, maxDigits)
	case len(fraction) > maxDigits || rounded == "0" && amount.Sign() != 0:
		return "", fmt.Errorf("amount %s has over %d digits after the point", amount, maxDigits)
	case fraction != "":
		fraction = "." + fraction
	}
	whole = strings.TrimLeft(whole, "0")
	return fmt.Sprintf("%02d%s%s", len(whole), whole, fraction), nil
}

// The stages and ranks leave gaps, so that a status that JovePay adds later can
// be ranked without changing recorded positions.

// paymentStage ranks the progress that a payment has certainly made: an event
// of an earlier stage is never news. An amount that is present but unreadable may
// be money.
func paymentStage(e *jovepay.PaymentEvent) int {
	switch e.Status {
	case jovepay.PaymentRefunded:
		return 90
	case jovepay.PaymentFinished:
		return 80
	case jovepay.PaymentConfirmed, jovepay.PaymentSending, jovepay.PaymentPartiallyPaid, jovepay.PaymentWrongAssetConfirmed:
		return 40
	}
	if e.ActuallyPaid.Sign() > 0 || e.Extra["actually_paid"] != nil || e.Extra["actuallyPaid"] != nil {
		return 40
	}
	return 10
}

// paymentRank orders the statuses of a payment. An unknown status ranks between
// those of its beginning and those of its end, so that it hides no end and is
// hidden by no beginning.
func paymentRank(s jovepay.PaymentStatus) int {
	switch s {
	case jovepay.PaymentWaiting:
		return 10
	case jovepay.PaymentConfirming:
		return 20
	case jovepay.PaymentConfirmed:
		return 30
	case jovepay.PaymentSending:
		return 40
	case jovepay.PaymentPartiallyPaid:
		return 60
	case jovepay.PaymentWrongAssetConfirmed:
		return 65
	case jovepay.PaymentExpired:
		return 70
	case jovepay.PaymentFailed, jovepay.PaymentCancelled, jovepay.PaymentCanceled:
		return 75
	case jovepay.PaymentFinished:
		return 80
	case jovepay.PaymentRefunded:
		return 90
	}
	return 50
}

// withdrawalRank orders the statuses of withdrawals and recurring payments.
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
