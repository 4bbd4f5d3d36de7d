package jovepay

import (
	"fmt"
	"strings"

	"github.com/shopspring/decimal"
)

// Decision is what to do about an order after news of its payment. The zero
// value is no decision; [Expectation.Settle] never returns it.
type Decision string

// The decisions.
const (
	// DecisionFulfil: enough of the right asset came for this order.
	DecisionFulfil Decision = "fulfil"
	// DecisionOverpaid: more than enough came. Fulfil, and settle the excess
	// with the customer.
	DecisionOverpaid Decision = "overpaid"
	// DecisionWait: nothing to do yet.
	DecisionWait Decision = "wait"
	// DecisionUnderpaid: less came than was asked for. Ask for the rest.
	DecisionUnderpaid Decision = "underpaid"
	// DecisionWrongAsset: another coin or network came than was asked for.
	// A person decides.
	DecisionWrongAsset Decision = "wrong_asset"
	// DecisionRepeated: a further deposit to an address that was paid before.
	// A person decides.
	DecisionRepeated Decision = "repeated"
	// DecisionMismatch: not this order's payment, or not its price. Do not
	// fulfil; look into it.
	DecisionMismatch Decision = "mismatch"
	// DecisionClosed: the payment failed, expired, or was refunded or
	// cancelled.
	DecisionClosed Decision = "closed"
	// DecisionUnknown: it cannot be told, since the status is not known or an
	// amount is missing. A person decides.
	DecisionUnknown Decision = "unknown"
)

// Verdict is a decision with its reason.
type Verdict struct {
	Decision   Decision
	Reason     string // one line, for logs and people
	Difference Amount // what is missing (underpaid) or too much (overpaid), in PayCurrency; null otherwise
}

// Fulfil reports whether the goods may be shipped: true for
// [DecisionFulfil] and [DecisionOverpaid] only.
func (v Verdict) Fulfil() bool {
	return v.Decision == DecisionFulfil || v.Decision == DecisionOverpaid
}

// Expectation is what a shop expects of the payment for an order. OrderID,
// PriceAmount and PriceCurrency are compared always, the other fields if they
// are set. [Payment.Expectation] makes one from the payment that was created;
// keep it with the order.
type Expectation struct {
	OrderID       string
	PriceAmount   Amount
	PriceCurrency string // ticker; case does not count
	PaymentID     ID     // the payment that was created; empty for an invoice, which makes its own
	InvoiceID     ID     // the invoice that was created
	PayCurrency   string // the coin that was asked for; empty if the customer chooses
	PayAmount     Amount // how much of it; null to take the payment's word for it
}

// Expectation returns what to expect of the payment that p is the beginning
// of, for [Expectation.Settle].
func (p *Payment) Expectation() Expectation {
	return Expectation{
		OrderID:       p.OrderID,
		PriceAmount:   p.PriceAmount,
		PriceCurrency: p.PriceCurrency,
		PaymentID:     p.ID,
		InvoiceID:     p.InvoiceID,
		PayCurrency:   p.PayCurrency,
		PayAmount:     p.PayAmount,
	}
}

// SettleOption changes how [Expectation.Settle] judges.
type SettleOption func(*settling)

type settling struct {
	from      PaymentStatus
	tolerance decimal.Decimal
	misuse    string // of an option
}

// FulfilFrom fulfils from the given status on: [StatusConfirmed],
// [StatusSending] or [StatusFinished], the default. Earlier is faster, but
// the coins are not in the payout wallet yet. With any other status every
// verdict is [DecisionUnknown].
func FulfilFrom(status PaymentStatus) SettleOption {
	return func(s *settling) {
		s.from = status
		if status != StatusConfirmed && status != StatusSending && status != StatusFinished {
			s.misuse = fmt.Sprintf("FulfilFrom(%q): want confirmed, sending or finished", status)
		}
	}
}

// Tolerate takes a payment as full that is short by no more than the given
// part of what was asked for, such as 0.005 for half a percent. The default is
// none. With a part below 0 or above 0.5 every verdict is [DecisionUnknown]:
// it was hardly meant.
func Tolerate(part Amount) SettleOption {
	return func(s *settling) {
		s.tolerance = part.Decimal()
		if s.tolerance.IsNegative() || s.tolerance.GreaterThan(decimal.New(5, -1)) {
			s.misuse = fmt.Sprintf("Tolerate(%s): want a part such as 0.005", part)
		}
	}
}

// Settle judges news of a payment, from a notification or an answer, against
// what the shop expects. It decides on this news alone and keeps nothing:
// fulfil an order only once, whatever comes later. Package inbox applies each
// event once, in a transaction in which the order can say that it was.
//
// As JovePay's guide advises, it never fulfils on a repeated or wrong-asset
// deposit, and it checks order, price, amount and asset. docs/settlement.md
// has the table.
func (e Expectation) Settle(p *Payment, opts ...SettleOption) Verdict {
	s := settling{from: StatusFinished}
	for _, opt := range opts {
		if opt != nil {
			opt(&s)
		}
	}
	if s.misuse != "" {
		return verdict(DecisionUnknown, "%s", s.misuse)
	}
	if v, ok := e.identify(p); !ok {
		return v
	}
	switch p.Status {
	case StatusFailed, StatusExpired, StatusRefunded, StatusCancelled:
		return verdict(DecisionClosed, "payment is %s", p.Status)
	case StatusPartiallyPaid:
		return s.weigh(p)
	case StatusWaiting, StatusConfirming, StatusConfirmed, StatusSending, StatusFinished:
		if progress(p.Status) < progress(s.from) {
			return verdict(DecisionWait, "payment is %s", p.Status)
		}
		return s.weigh(p)
	}
	return verdict(DecisionUnknown, "status %q is not known", p.Status)
}

// identify checks that p is the payment that is expected, in the coin that is
// expected; ok is true if it is.
func (e Expectation) identify(p *Payment) (v Verdict, ok bool) {
	switch {
	case e.OrderID == "" || e.PriceAmount.IsNull() || e.PriceCurrency == "":
		return verdict(DecisionMismatch, "the expectation lacks order, price or currency"), false
	case p.OrderID != e.OrderID:
		return verdict(DecisionMismatch, "payment is for order %q", p.OrderID), false
	case e.PayCurrency != "" && !strings.EqualFold(p.PayCurrency, e.PayCurrency):
		return verdict(DecisionWrongAsset, "paid in %q instead of %q", p.PayCurrency, e.PayCurrency), false
	case p.ParentPaymentID != "" || strings.EqualFold(p.OriginType, "REPEATED"):
		return verdict(DecisionRepeated, "further deposit after payment %s", p.ParentPaymentID), false
	case e.PaymentID != "" && p.ID != e.PaymentID:
		return verdict(DecisionMismatch, "payment %s instead of %s", p.ID, e.PaymentID), false
	case e.InvoiceID != "" && p.InvoiceID != e.InvoiceID:
		return verdict(DecisionMismatch, "payment on invoice %s instead of %s", p.InvoiceID, e.InvoiceID), false
	case !e.PayAmount.IsNull() && p.PayAmount.Cmp(e.PayAmount) < 0:
		return verdict(DecisionMismatch, "asks for %q %s instead of %s", p.PayAmount, p.PayCurrency, e.PayAmount), false
	case !p.PriceAmount.Equal(e.PriceAmount) || !strings.EqualFold(p.PriceCurrency, e.PriceCurrency):
		return verdict(DecisionMismatch, "price is %s %s instead of %s %s", p.PriceAmount, p.PriceCurrency, e.PriceAmount, e.PriceCurrency), false
	}
	return Verdict{}, true
}

// weigh compares what came with what was asked for.
func (s settling) weigh(p *Payment) Verdict {
	if p.ActuallyPaid.IsNull() || p.PayAmount.Sign() <= 0 || p.ActuallyPaid.Sign() < 0 {
		return verdict(DecisionUnknown, "paid %q of %q: cannot be told", p.ActuallyPaid, p.PayAmount)
	}
	asked, paid := p.PayAmount.Decimal(), p.ActuallyPaid.Decimal()
	switch missing := asked.Sub(paid); {
	case p.Status == StatusPartiallyPaid && !missing.IsPositive():
		return verdict(DecisionUnknown, "partially paid, though %s of %s came", paid, asked)
	case missing.GreaterThan(asked.Mul(s.tolerance)):
		v := verdict(DecisionUnderpaid, "%s %s of %s are missing", missing, p.PayCurrency, asked)
		v.Difference = NewAmount(missing)
		return v
	case missing.IsNegative():
		v := verdict(DecisionOverpaid, "%s %s more than %s", missing.Neg(), p.PayCurrency, asked)
		v.Difference = NewAmount(missing.Neg())
		return v
	}
	return verdict(DecisionFulfil, "paid %s %s", paid, p.PayCurrency)
}

// progress ranks the statuses of a payment that goes well.
func progress(s PaymentStatus) int {
	switch s {
	case StatusWaiting:
		return 0
	case StatusConfirming:
		return 1
	case StatusConfirmed:
		return 2
	case StatusSending:
		return 3
	default:
		return 4
	}
}

func verdict(d Decision, format string, args ...any) Verdict {
	return Verdict{Decision: d, Reason: fmt.Sprintf(format, args...)}
}
