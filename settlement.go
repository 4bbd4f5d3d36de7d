package jovepay

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/jovepay/jovepay-go/internal/double"
)

// Decision is what to do about an order after news of its payment. The zero
// value is no decision; [Expectation.Settle] never returns it.
type Decision string

// The decisions.
const (
	// DecisionFulfill: enough of the right asset came for this order.
	DecisionFulfill Decision = "fulfill"
	// DecisionOverpaid: more than enough came. Fulfill, and settle the excess
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
	// DecisionMismatch: not this order's payment, or not its price, or the
	// expectation itself is a mistake. Do not fulfill; look into it.
	DecisionMismatch Decision = "mismatch"
	// DecisionClosed: the payment failed, expired, or was refunded or
	// cancelled.
	DecisionClosed Decision = "closed"
	// DecisionUnknown: it cannot be decided, since the status is not known, no
	// received amount is reported, or a member that decides cannot be read. A
	// person decides.
	DecisionUnknown Decision = "unknown"
)

// Verdict is a decision with its reason.
type Verdict struct {
	Decision   Decision
	Reason     string // one line, for logs and people
	Difference Amount // what is missing (underpaid) or too much (overpaid), in PayCurrency; null otherwise
}

// Fulfill reports whether the goods may be shipped: true for
// [DecisionFulfill] and [DecisionOverpaid] only.
func (v Verdict) Fulfill() bool {
	return v.Decision == DecisionFulfill || v.Decision == DecisionOverpaid
}

// Expectation is what a shop expects of the payment for an order. OrderID,
// PriceAmount and PriceCurrency are required and always compared, the other
// fields if they are set. Amounts must be above zero. With an expectation that
// breaks these rules every verdict is [DecisionMismatch], and its reason names
// the mistake. [Payment.Expectation] makes one from the payment that was
// created; keep it with the order.
type Expectation struct {
	OrderID       string
	PriceAmount   Amount
	PriceCurrency string // ticker; the case of ASCII letters does not count
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

// FulfillFrom fulfills from the given status on: [PaymentConfirmed],
// [PaymentSending] or [PaymentFinished], the default. Earlier is faster, but
// the coins are not in the payout wallet yet. With any other status every
// verdict is [DecisionUnknown].
func FulfillFrom(status PaymentStatus) SettleOption {
	return func(s *settling) {
		s.from = status
		if status != PaymentConfirmed && status != PaymentSending && status != PaymentFinished {
			s.misuse = fmt.Sprintf("FulfillFrom(%q): want confirmed, sending or finished", status)
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

// Settle judges news of a payment, from a notification or a response, against
// what the shop expects. It decides on this news alone and keeps nothing:
// fulfill an order only once, whatever comes later. Package inbox applies each
// event once, in a transaction in which the order can say that it was.
//
// As JovePay's guide advises, it never fulfills on a repeated or wrong-asset
// deposit, and it checks order, price, amount and asset. docs/settlement.md
// has the table.
//
// Two amounts that are one number to JavaScript, which signs every number as
// a double, are the same amount: 50 and 49.999999999999999999. Every larger
// difference counts.
//
// A member that decides (an id, order, status, amount, currency or origin)
// and could not be read into its field is in p.Extra. It never counts as
// missing: the verdict is [DecisionUnknown].
func (e Expectation) Settle(p *Payment, opts ...SettleOption) Verdict {
	s := settling{from: PaymentFinished}
	for _, opt := range opts {
		if opt != nil {
			opt(&s)
		}
	}
	if s.misuse != "" {
		return verdict(DecisionUnknown, "%s", s.misuse)
	}
	if mistake := e.mistake(); mistake != "" {
		return verdict(DecisionMismatch, "%s", mistake)
	}
	if name, ok := unreadMember(p.Extra); ok {
		return verdict(DecisionUnknown, "cannot read member %q: %.100q", name, p.Extra[name])
	}
	if v, ok := e.identify(p); !ok {
		return v
	}
	switch p.Status {
	case PaymentFailed, PaymentExpired, PaymentRefunded, PaymentCancelled, PaymentCanceled:
		return verdict(DecisionClosed, "payment is %s", p.Status)
	case PaymentPartiallyPaid:
		return s.weigh(p)
	case PaymentWaiting, PaymentConfirming, PaymentConfirmed, PaymentSending, PaymentFinished:
		if progress(p.Status) < progress(s.from) {
			return verdict(DecisionWait, "payment is %s", p.Status)
		}
		return s.weigh(p)
	}
	return verdict(DecisionUnknown, "status %q is not known", p.Status)
}

// mistake says what keeps e from being an expectation, or "" if nothing does.
func (e Expectation) mistake() string {
	switch {
	case e.OrderID == "" || e.PriceCurrency == "":
		return "the expectation has no order or no price currency"
	case !aboveZero(e.PriceAmount):
		return fmt.Sprintf("the expectation's price is %q: want an amount above zero", e.PriceAmount)
	case !e.PayAmount.IsNull() && !aboveZero(e.PayAmount):
		return fmt.Sprintf("the expectation's pay amount is %q: want an amount above zero, or null", e.PayAmount)
	}
	return ""
}

// unreadMember returns the first member in extra, by name, that a verdict
// depends on, in any spelling of its name: one that is there and could not be
// read is not missing.
func unreadMember(extra map[string]json.RawMessage) (name string, found bool) {
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		switch lowerASCII(strings.ReplaceAll(name, "_", "")) {
		case "paymentid", "parentpaymentid", "origintype", "invoiceid", "orderid", "paymentstatus",
			"priceamount", "pricecurrency", "payamount", "paycurrency", "actuallypaid",
			"outcomeamount", "outcomecurrency":
			if string(extra[name]) != "null" {
				return name, true
			}
		}
	}
	return "", false
}

// identify checks that p is the payment that is expected, in the coin that is
// expected; ok is true if it is.
func (e Expectation) identify(p *Payment) (v Verdict, ok bool) {
	switch {
	case p.OrderID != e.OrderID:
		return verdict(DecisionMismatch, "payment is for order %q", p.OrderID), false
	case p.Status == PaymentWrongAssetConfirmed:
		return verdict(DecisionWrongAsset, "payment is %s, in %q", p.Status, p.PayCurrency), false
	case e.PayCurrency != "" && !sameTicker(p.PayCurrency, e.PayCurrency):
		return verdict(DecisionWrongAsset, "paid in %q instead of %q", p.PayCurrency, e.PayCurrency), false
	case p.ParentPaymentID != "" || lowerASCII(p.OriginType) == "repeated":
		return verdict(DecisionRepeated, "further deposit after payment %s", p.ParentPaymentID), false
	case e.PaymentID != "" && p.ID != e.PaymentID:
		return verdict(DecisionMismatch, "payment %s instead of %s", p.ID, e.PaymentID), false
	case e.InvoiceID != "" && p.InvoiceID != e.InvoiceID:
		return verdict(DecisionMismatch, "payment on invoice %s instead of %s", p.InvoiceID, e.InvoiceID), false
	case !e.PayAmount.IsNull() && compareSigned(p.PayAmount, e.PayAmount) < 0:
		return verdict(DecisionMismatch, "asks for %q %s instead of %s", p.PayAmount, p.PayCurrency, e.PayAmount), false
	case compareSigned(p.PriceAmount, e.PriceAmount) != 0 || !sameTicker(p.PriceCurrency, e.PriceCurrency):
		return verdict(DecisionMismatch, "price is %s %s instead of %s %s", p.PriceAmount, p.PriceCurrency, e.PriceAmount, e.PriceCurrency), false
	}
	return Verdict{}, true
}

// weigh compares what came with what was asked for. In the statuses that it is
// asked about coins have come, so a report without an amount, or with zero, is
// doubt, not a payment of nothing.
func (s settling) weigh(p *Payment) Verdict {
	if !aboveZero(p.ActuallyPaid) || !aboveZero(p.PayAmount) {
		return verdict(DecisionUnknown, "payment is %s, but paid %q of %q: cannot decide", p.Status, p.ActuallyPaid, p.PayAmount)
	}
	asked, paid := p.PayAmount.Decimal(), p.ActuallyPaid.Decimal()
	enough := NewAmount(asked.Sub(asked.Mul(s.tolerance)))
	switch more := compareSigned(p.ActuallyPaid, p.PayAmount); {
	case p.Status == PaymentPartiallyPaid && more >= 0:
		return verdict(DecisionUnknown, "partially paid, though %s of %s came", paid, asked)
	case compareSigned(p.ActuallyPaid, enough) < 0:
		missing := asked.Sub(paid)
		v := verdict(DecisionUnderpaid, "%s %s of %s are missing", missing, p.PayCurrency, asked)
		v.Difference = NewAmount(missing)
		return v
	case more > 0:
		excess := paid.Sub(asked)
		v := verdict(DecisionOverpaid, "%s %s more than %s", excess, p.PayCurrency, asked)
		v.Difference = NewAmount(excess)
		return v
	}
	return verdict(DecisionFulfill, "paid %s %s", paid, p.PayCurrency)
}

// compareSigned is [Amount.Cmp], but two amounts that are the same double are
// equal.
func compareSigned(a, b Amount) int {
	if double.Shortest(a.text) == double.Shortest(b.text) {
		return 0
	}
	return a.Cmp(b)
}

// aboveZero reports whether a is above zero, also as a double.
func aboveZero(a Amount) bool { return compareSigned(a, Amount{text: "0"}) > 0 }

// sameTicker reports whether a and b are the same but for the case of ASCII
// letters. Unicode has other letters that fold to these.
func sameTicker(a, b string) bool { return lowerASCII(a) == lowerASCII(b) }

// progress ranks the statuses of a payment that goes well.
func progress(s PaymentStatus) int {
	switch s {
	case PaymentWaiting:
		return 0
	case PaymentConfirming:
		return 1
	case PaymentConfirmed:
		return 2
	case PaymentSending:
		return 3
	default:
		return 4
	}
}

func verdict(d Decision, format string, args ...any) Verdict {
	return Verdict{Decision: d, Reason: oneLine(fmt.Sprintf(format, args...), 300)}
}
