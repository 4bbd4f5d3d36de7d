package inbox

import (
	"fmt"
	"strings"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/internal/double"
)

// maxDigits is how many digits an amount may have on either side of the point:
// room for any coin, and positions fit into 255 bytes. Digits after the point
// that a double cannot hold do not count.
const (
	maxDigits = 40
	tooMuch   = "1e40" // the least amount with more digits before the point
)

// state is what puts an event into the order of its subject's life. Whatever
// bodies one signature is good for, it is the same: otherwise one event could
// be newer than itself.
type state struct {
	status  string
	stage   int               // counts before the first amount
	amounts [4]jovepay.Amount // the first two tell the order, all must be sane
	rank    int               // counts after the first amount
	link    string            // something that an earlier event may not report
	texts   [5]string         // what else a fuller report has
}

// position returns the text that [Entry.Position] is.
func (s state) position(key string) (string, error) {
	var digits [4]string
	for i, amount := range s.amounts {
		var err error
		if digits[i], err = sortable(amount); err != nil {
			return "", err
		}
	}
	members := present(digits[:], zero) + present(s.texts[:], "")
	return fmt.Sprintf("%02d,%s,%02d,%s,%d,%02d,%s", s.stage, digits[0], s.rank, digits[1], min(len(s.link), 1), members, key), nil
}

// present counts the members that say something other than nothing.
func present(members []string, nothing string) (n int) {
	for _, member := range members {
		if member != nothing {
			n++
		}
	}
	return n
}

// zero is what sortable writes for zero.
const zero = "00"

// sortable writes an amount so that texts sort as amounts do: the number of
// digits before the point, these digits, the point, and the digits after it,
// without zeros at either end. A comma may follow, which sorts before the point
// and all digits. Amounts that are the same double are written alike, and null
// is written as zero, as in the key.
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

// The stages and ranks leave gaps, so that a status which JovePay adds can get
// its place without changing positions that are recorded.

// paymentStage ranks how far a payment has certainly come:
// what is reported of an earlier stage can never be news. An amount that is
// there and cannot be read may be money.
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

// paymentRank puts the statuses in the order of a payment's life. An unknown
// one never hides how a payment ended, and is never hidden by how it began.
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
