package jovepay

import (
	"cmp"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/shopspring/decimal"

	"github.com/jovepay/jovepay-go/internal/double"
)

// Decision says what to do about an order after news of its payment. The zero
// value is no decision; [Expectation.Settle] never returns it.
type Decision string

// The decisions.
const (
	// DecisionFulfill: enough of the right asset arrived for this order.
	DecisionFulfill Decision = "fulfill"
	// DecisionOverpaid: more than enough arrived. Fulfill, and settle the
	// excess with the customer.
	DecisionOverpaid Decision = "overpaid"
	// DecisionWait: nothing to do yet.
	DecisionWait Decision = "wait"
	// DecisionUnderpaid: too little arrived. Ask for the rest.
	DecisionUnderpaid Decision = "underpaid"
	// DecisionWrongAsset: another coin or network arrived than was asked for.
	// A person decides.
	DecisionWrongAsset Decision = "wrong_asset"
	// DecisionRepeated: a further deposit to an address that was already paid.
	// A person decides.
	DecisionRepeated Decision = "repeated"
	// DecisionMismatch: not this order's payment, or not its price, or the
	// expectation itself is invalid. Don't fulfill; investigate.
	DecisionMismatch Decision = "mismatch"
	// DecisionClosed: the payment failed, expired, or was refunded or
	// canceled.
	DecisionClosed Decision = "closed"
	// DecisionUnknown: the news doesn't allow a decision, because the status is
	// unknown, no received amount is reported, or a deciding member cannot be
	// read. A person decides.
	DecisionUnknown Decision = "unknown"
)

// Verdict is a decision with its reason.
type Verdict struct {
	Decision   Decision
	Reason     string // one line, for logs and people
	Difference Amount // the missing amount (underpaid) or the excess (overpaid), in PayCurrency; null otherwise
}

// Fulfill reports whether the goods may be shipped: true for
// [DecisionFulfill] and [DecisionOverpaid] only.
func (v Verdict) Fulfill() bool {
	return v.Decision == DecisionFulfill || v.Decision == DecisionOverpaid
}

// Expectation is what a shop expects of the payment for an order.
// [Payment.Expectation] returns the one for a payment that was just created;
// store it with the order, and judge news of the payment with
// [Expectation.Settle].
//
// OrderID, PriceAmount and PriceCurrency are required and always compared, the
// other fields only if they are set. Amounts must be above zero. The verdict on
// an invalid expectation is always [DecisionMismatch], and its reason names the
// mistake.
//
// An Expectation stores itself in a column of type TEXT, JSON or JSONB, as JSON
// with exact amounts; see [Expectation.Value] and [Expectation.Scan]. The zero
// value is an order of which nothing is expected yet. It is NULL in SQL, and
// never fulfills.
type Expectation struct {
	OrderID       string `json:"order_id,omitzero"`
	PriceAmount   Amount `json:"price_amount,omitzero"`
	PriceCurrency string `json:"price_currency,omitzero"` // ticker; the case of ASCII letters does not count
	PaymentID     ID     `json:"payment_id,omitzero"`     // the payment that was created; empty for an invoice, which creates its own
	InvoiceID     ID     `json:"invoice_id,omitzero"`     // the invoice that was created
	PayCurrency   string `json:"pay_currency,omitzero"`   // the coin that was asked for; empty if the customer chooses
	PayAmount     Amount `json:"pay_amount,omitzero"`     // the asked amount of it; null to accept the amount that the payment reports
}

// Expectation returns what to expect of p, which was just created.
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

func (e Expectation) validate() error {
	var v validation
	v.require(e.OrderID != "", "order_id", "is required")
	v.require(aboveZero(e.PriceAmount), "price_amount", fmt.Sprintf("want an amount above zero, got %q", e.PriceAmount))
	v.require(e.PriceCurrency != "", "price_currency", "is required")
	v.require(e.PayAmount.IsNull() || aboveZero(e.PayAmount), "pay_amount", fmt.Sprintf("want an amount above zero, or null, got %q", e.PayAmount))
	return v.err
}

func (e Expectation) isZero() bool {
	return e.OrderID == "" && e.PriceAmount.IsNull() && e.PriceCurrency == "" &&
		e.PaymentID == "" && e.InvoiceID == "" && e.PayCurrency == "" && e.PayAmount.IsNull()
}

// Settle judges news of a payment, from a notification or a response, against
// e. It ships at [PaymentFinished] and tolerates no missing coins; a [Settler]
// judges by another [SettlePolicy].
//
// Settle decides on this news alone and keeps no state: fulfill an order only
// once, whatever arrives later. Package inbox applies each event once, in a
// transaction that can record the order as fulfilled.
//
// As JovePay's guide advises, Settle never fulfills on a repeated or
// wrong-asset deposit, and it checks order, price, amount and asset.
// docs/settlement.md has the table.
//
// Two amounts that are the same number in JavaScript, which signs every number
// as a double, are the same amount: 50 and 49.999999999999999999. Every larger
// difference counts.
//
// A deciding member (an id, order, status, amount, currency or origin) that
// could not be read into its field is in p.Extra. It never counts as missing:
// the verdict is [DecisionUnknown].
func (e Expectation) Settle(p *Payment) Verdict { return Settler{}.Settle(e, p) }

// SettlePolicy says which payments are good enough to fulfill an order. The
// zero value is the strictest policy.
type SettlePolicy struct {
	// FulfillFrom is the first status that fulfills: [PaymentConfirmed],
	// [PaymentSending], or [PaymentFinished], the default. An earlier status
	// is faster, but the coins are not in the payout wallet yet.
	FulfillFrom PaymentStatus

	// Tolerance is the part of the asked amount that may be missing, from 0,
	// the default, to 0.5: 0.005 tolerates half a percent. Exchanges often
	// deduct their fee from what the customer sends.
	Tolerance Amount
}

func (p SettlePolicy) validate() error {
	var v validation
	switch p.FulfillFrom {
	case "", PaymentConfirmed, PaymentSending, PaymentFinished:
	default:
		v.require(false, "FulfillFrom", fmt.Sprintf("want confirmed, sending or finished, got %.40q", p.FulfillFrom))
	}
	v.require(p.Tolerance.Sign() >= 0 && !p.Tolerance.Decimal().GreaterThan(decimal.New(5, -1)), "Tolerance",
		"want a part from 0 to 0.5, such as 0.005 for half a percent, got "+p.Tolerance.String())
	return v.err
}

// Settler judges payments by a [SettlePolicy]. Make one with [NewSettler]. The
// zero value judges by the zero policy, as [Expectation.Settle] does. A Settler
// is immutable and safe for concurrent use.
type Settler struct{ policy SettlePolicy }

// NewSettler returns a Settler that judges by policy, or a [ValidationError]
// that names the invalid field.
func NewSettler(policy SettlePolicy) (Settler, error) {
	if err := policy.validate(); err != nil {
		return Settler{}, err
	}
	return Settler{policy}, nil
}

// Settle judges news of a payment against e as [Expectation.Settle] does, but
// by the settler's policy.
func (s Settler) Settle(e Expectation, p *Payment) Verdict {
	if err := e.validate(); err != nil {
		return verdict(DecisionMismatch, "invalid expectation: %s", strings.TrimPrefix(err.Error(), "jovepay: "))
	}
	if name, ok := unreadableMember(p.Extra); ok {
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
		if progress(p.Status) < progress(cmp.Or(s.policy.FulfillFrom, PaymentFinished)) {
			return verdict(DecisionWait, "payment is %s", p.Status)
		}
		return s.weigh(p)
	}
	return verdict(DecisionUnknown, "unknown status %q", p.Status)
}

// Unreadable returns the first member of p, by name, that a verdict depends on and
// that could not be read into its field: [Expectation.Settle] returns
// [DecisionUnknown] for it. ok is false if there is none.
func (p *Payment) Unreadable() (name string, ok bool) { return unreadableMember(p.Extra) }

// unreadableMember returns the first member in extra, by name, that a verdict
// depends on, in any spelling of its name. A member that is present but
// unreadable is not missing.
func unreadableMember(extra map[string]json.RawMessage) (name string, found bool) {
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

// identify checks that p is the expected payment, in the expected coin; ok is
// true if it is.
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

// weigh compares the paid amount with the asked one. It is called for statuses
// in which coins have arrived, so a report without an amount, or with zero, is
// doubt, not a payment of nothing.
func (s Settler) weigh(p *Payment) Verdict {
	if !aboveZero(p.ActuallyPaid) || !aboveZero(p.PayAmount) {
		return verdict(DecisionUnknown, "payment is %s, but paid %q of %q: cannot decide", p.Status, p.ActuallyPaid, p.PayAmount)
	}
	asked, paid := p.PayAmount.Decimal(), p.ActuallyPaid.Decimal()
	enough := NewAmount(asked.Sub(asked.Mul(s.policy.Tolerance.Decimal())))
	switch more := compareSigned(p.ActuallyPaid, p.PayAmount); {
	case p.Status == PaymentPartiallyPaid && more >= 0:
		return verdict(DecisionUnknown, "partially paid, though %s of %s arrived", paid, asked)
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

// compareSigned is [Amount.Cmp], except that amounts that are the same double
// are equal.
func compareSigned(a, b Amount) int {
	if double.Shortest(a.text) == double.Shortest(b.text) {
		return 0
	}
	return a.Cmp(b)
}

// aboveZero reports whether a is above zero, also as a double.
func aboveZero(a Amount) bool { return compareSigned(a, Amount{text: "0"}) > 0 }

// sameTicker reports whether a and b differ at most in the case of ASCII
// letters. Other Unicode letters fold to these too, but are not the same.
func sameTicker(a, b string) bool { return lowerASCII(a) == lowerASCII(b) }

// progress ranks the statuses of a successful payment.
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

// Value implements [driver.Valuer]: a JSON object as a string, or NULL for the
// zero value. Amounts are JSON strings, because some databases keep JSON
// numbers as floating point; inside another JSON document they are numbers, and
// need a database that keeps those exactly. An invalid expectation is a
// [ValidationError], and one that [Expectation.Scan] would not read back is an
// error, so that neither can be stored.
func (e Expectation) Value() (driver.Value, error) {
	if e.isZero() {
		return nil, nil
	}
	if err := e.validate(); err != nil {
		return nil, err
	}
	amounts := jsonv2.MarshalToFunc(func(enc *jsontext.Encoder, a Amount) error {
		return enc.WriteToken(jsontext.String(a.text))
	})
	text, err := jsonv2.Marshal(e, jsonv2.WithMarshalers(amounts))
	if err != nil {
		return nil, fmt.Errorf("jovepay: expectation: %w", err)
	}
	var stored Expectation
	if err := stored.Scan(text); err != nil {
		return nil, err
	}
	if !reflect.DeepEqual(stored, e) {
		return nil, fmt.Errorf("jovepay: expectation: order %.40q would be read back as another one", e.OrderID)
	}
	return string(text), nil
}

// Scan implements [database/sql.Scanner] for what [Expectation.Value] writes;
// NULL gives the zero value. Anything that is not a valid expectation is an
// error, which leaves e unchanged: a member of another type, a duplicate name,
// an amount that is not a decimal number. A member with another name is an error
// too: it may be misspelled, or written by a newer version of this package, and
// without it the expectation would accept more payments than the stored one.
func (e *Expectation) Scan(src any) error {
	var text []byte
	switch src := src.(type) {
	case nil:
		*e = Expectation{}
		return nil
	case string:
		text = []byte(src)
	case []byte:
		text = src
	default:
		return fmt.Errorf("jovepay: expectation: cannot scan %T; use a column of type TEXT, JSON or JSONB", src)
	}
	var stored Expectation
	if err := jsonv2.Unmarshal(text, &stored, jsonv2.RejectUnknownMembers(true)); err != nil {
		return fmt.Errorf("jovepay: expectation: %w", shorten(err))
	}
	if err := stored.validate(); err != nil {
		return fmt.Errorf("jovepay: stored expectation: %w", err)
	}
	*e = stored
	return nil
}
