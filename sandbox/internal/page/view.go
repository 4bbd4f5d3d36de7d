package page

import (
	"fmt"
	"hash/fnv"
	"net/url"
	"strings"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

// refresh is how often the page reloads itself without the script, and linger
// how long it stays before it returns to the shop with it, in seconds. Of what
// the shop was told, the latest is shown.
const (
	refresh = 5
	linger  = 10
	latest  = 20
)

// order is what is paid for.
type order struct{ Description, OrderID, Price string }

// line is a payment in a list.
type line struct {
	ID, Amount, Ticker, Label, Tone, Why string
}

// link is where the customer goes in the end.
type link struct {
	URL, Label string
	After      int // seconds until the script goes there by itself; 0 is never
}

// told is a notification to the shop, and how the last attempt to deliver it
// ended.
type told struct {
	Number    int
	PaymentID jovepay.ID
	Status    jovepay.PaymentStatus
	Result    string
}

// view is everything on the page of a payment.
type view struct {
	frame
	outlook
	ID, Heading        string
	Parent, ParentWhy  string // of a repeated or wrong-asset deposit
	Order              order
	Amount, Ticker     string
	Network, Address   string
	Memo               string
	QR                 *qrCode
	QRLabel            string
	Waiting            bool
	Remaining, Expires string // of a waiting payment
	ExpiresISO         string
	Paid               string // "": nothing came
	Difference         string // "": none
	DifferenceLabel    string
	Related            []line
	Return             *link
	CancelURL          string
	Actions            []action
	Told               []told
	Silent             bool // the shop gave no address for notifications
	Revision           string

	status      jovepay.PaymentStatus
	secondsLeft int
}

// view gathers what the page of a payment shows.
func (h *handler) view(id jovepay.ID) (*view, error) {
	p, err := h.server.Payment(id)
	if err != nil {
		return nil, err
	}
	c := describe(p.PayCurrency, p.Network)
	v := &view{
		outlook: outlookOf(p),
		ID:      id.String(),
		Order:   order{p.OrderDescription, p.OrderID, price(p.PriceAmount, p.PriceCurrency)},
		Amount:  p.PayAmount.String(), Ticker: c.Ticker,
		Network: c.Network, Address: p.PayAddress, Memo: p.PayinExtraID,
		Waiting: p.Status == jovepay.PaymentWaiting,
		Silent:  p.IPNCallbackURL == "",
		status:  p.Status,
	}
	v.frame = frame{Title: v.Headline + " – " + v.Amount + " " + v.Ticker, Script: true}
	if !p.Status.Final() {
		v.Refresh = refresh
	}
	v.weigh(p)
	if v.Waiting {
		v.count(h.server.Now(), p.ExpirationEstimateDate.Time)
		content, label := code(p.PayCurrency, p.PayAddress, p.PayAmount)
		if v.QR, err = encodeQR(content); err != nil {
			return nil, err
		}
		v.QRLabel = label
	}
	if err := h.relate(v, p); err != nil {
		return nil, err
	}
	if err := h.leave(v, p); err != nil {
		return nil, err
	}
	v.Told = h.told(p)
	v.Actions = actionsFor(p)
	v.Revision = v.revision()
	return v, nil
}

// weigh compares what came with what was asked for.
func (v *view) weigh(p *jovepay.Payment) {
	v.Heading = fmt.Sprintf("Payment of %s %s", v.Amount, v.Ticker)
	if v.Waiting {
		v.Heading = fmt.Sprintf("Pay %s %s", v.Amount, v.Ticker)
	}
	if p.ActuallyPaid.Sign() <= 0 {
		return
	}
	v.Paid = p.ActuallyPaid.String()
	difference := p.ActuallyPaid.Decimal().Sub(p.PayAmount.Decimal())
	switch {
	case difference.IsNegative():
		v.Difference, v.DifferenceLabel = difference.Neg().String(), "Missing"
	case difference.IsPositive():
		v.Difference, v.DifferenceLabel = difference.String(), "Too much"
	}
}

// count tells how long the payment still waits.
func (v *view) count(now, until time.Time) {
	if until.IsZero() {
		return
	}
	left := max(until.Sub(now), 0).Round(time.Second)
	v.secondsLeft = int(left.Seconds())
	days, hours := v.secondsLeft/86400, v.secondsLeft/3600%24
	minutes, seconds := v.secondsLeft/60%60, v.secondsLeft%60
	switch {
	case days > 0:
		v.Remaining = fmt.Sprintf("%d d %02d:%02d:%02d", days, hours, minutes, seconds)
	case hours > 0:
		v.Remaining = fmt.Sprintf("%d:%02d:%02d", hours, minutes, seconds)
	default:
		v.Remaining = fmt.Sprintf("%02d:%02d", minutes, seconds)
	}
	until = until.UTC()
	v.ExpiresISO = until.Format(time.RFC3339)
	v.Expires = until.Format("15:04 UTC")
	if left >= 24*time.Hour {
		v.Expires = until.Format("2 January 15:04 UTC")
	}
}

// relate shows the deposits that came on top of a payment beneath it, and the
// payment above such a deposit.
func (h *handler) relate(v *view, p *jovepay.Payment) error {
	for _, id := range p.PaymentExtraIDs {
		child, err := h.server.Payment(id)
		if err != nil {
			return err
		}
		l := lineOf(child)
		l.Why = "Repeated deposit: a payment of its own, not counted for the order."
		if child.PayCurrency != p.PayCurrency {
			l.Why = "Wrong asset: a person at JovePay or in the shop has to decide."
		}
		v.Related = append(v.Related, l)
	}
	if p.ParentPaymentID == "" {
		return nil
	}
	parent, err := h.server.Payment(p.ParentPaymentID)
	if err != nil {
		return err
	}
	v.Parent = parent.ID.String()
	v.ParentWhy = "It is a payment of its own, and shops do not ship on it."
	if parent.PayCurrency != p.PayCurrency {
		asked := describe(parent.PayCurrency, parent.Network)
		v.ParentWhy = "The shop asked for " + asked.full() + ". A person has to decide what becomes of it."
		if p.Status == jovepay.PaymentConfirmed {
			v.Detail = "These are not the coins that were asked for, so they wait for a person to look at them."
		}
	}
	return nil
}

// leave says where the customer goes from here. The addresses are the
// invoice's own; nothing in the request has a part in them.
func (h *handler) leave(v *view, p *jovepay.Payment) error {
	if p.InvoiceID == "" {
		return nil
	}
	invoice, err := h.server.Invoice(p.InvoiceID)
	if err != nil {
		return err
	}
	to := ""
	switch {
	case p.ParentPaymentID != "": // the order's own payment returns to the shop
	case p.Status == jovepay.PaymentFinished:
		to = invoice.SuccessURL
	case p.Status == jovepay.PaymentPartiallyPaid:
		to = invoice.PartiallyPaidURL
	case p.Status.Final():
		to = invoice.CancelURL
	case p.Status == jovepay.PaymentWaiting:
		v.CancelURL = invoice.CancelURL
	}
	if to != "" {
		v.Return = &link{URL: to, Label: "Back to the shop", After: linger}
	}
	return nil
}

// told finds what the shop was last told of a payment and of its repeated
// deposits.
func (h *handler) told(p *jovepay.Payment) []told {
	var list []told
	for _, d := range h.server.DeliveriesOf(append([]jovepay.ID{p.ID}, p.PaymentExtraIDs...)...) {
		t := told{d.Number, d.PaymentID, d.Status, result(&d)}
		if last := len(list) - 1; last >= 0 && list[last].Number == d.Number {
			list[last] = t
		} else {
			list = append(list, t)
		}
	}
	return list[max(0, len(list)-latest):]
}

// result is how an attempt to tell the shop ended.
func result(d *jovepaytest.Delivery) string {
	text := string(d.Outcome)
	if d.Attempt > 1 {
		text += fmt.Sprintf(" (attempt %d)", d.Attempt)
	}
	switch {
	case d.StatusCode != 0:
		text += fmt.Sprintf(": the shop answered %d", d.StatusCode)
	case d.Error != "":
		text += ": " + d.Error
	}
	return text
}

// revision changes with everything on the page but the time.
func (v *view) revision() string {
	sum := fnv.New64a()
	for _, part := range []any{v.status, v.Paid, v.ExpiresISO, v.Related, v.Told, v.Return != nil} {
		_, _ = fmt.Fprintf(sum, "%v\n", part) // to memory
	}
	return fmt.Sprintf("%016x", sum.Sum64())
}

func lines(payments []*jovepay.Payment) []line {
	list := make([]line, len(payments))
	for i, p := range payments {
		list[i] = lineOf(p)
	}
	return list
}

func lineOf(p *jovepay.Payment) line {
	amount := p.PayAmount
	if p.ActuallyPaid.Sign() > 0 {
		amount = p.ActuallyPaid
	}
	o := outlookOf(p)
	return line{
		ID: p.ID.String(), Amount: amount.String(), Ticker: describe(p.PayCurrency, p.Network).full(),
		Label: o.Label, Tone: o.Tone,
	}
}

// price is an amount of money as it stands on a price tag.
func price(amount jovepay.Amount, currency string) string {
	digits := amount.String()
	if d := amount.Decimal(); d.Exponent() > -2 {
		digits = d.StringFixed(2)
	}
	return digits + " " + strings.ToUpper(currency)
}

func query(name string, id jovepay.ID) string { return name + "=" + url.QueryEscape(id.String()) }
