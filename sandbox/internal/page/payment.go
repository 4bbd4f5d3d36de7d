package page

import (
	"fmt"
	"hash/fnv"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

// The page of a payment is made in two steps: [handler.read] reads what the
// server knows of the payment, and for each part of the page one function of
// that record returns what the part shows.

// record is what the server knows of a payment at one moment.
type record struct {
	payment    *jovepay.Payment
	parent     *jovepay.Payment   // of a repeated or wrong-asset deposit, otherwise nil
	children   []*jovepay.Payment // its repeated and wrong-asset deposits
	invoice    *jovepay.Invoice   // nil without one
	deliveries []jovepaytest.Delivery
	now        time.Time
}

// read returns the record of a payment.
func (h *handler) read(id jovepay.ID) (r record, err error) {
	r.now = h.server.Now()
	if r.payment, err = h.server.Payment(id); err != nil {
		return r, err
	}
	if parent := r.payment.ParentPaymentID; parent != "" {
		if r.parent, err = h.server.Payment(parent); err != nil {
			return r, err
		}
	}
	for _, id := range r.payment.PaymentExtraIDs {
		child, err := h.server.Payment(id)
		if err != nil {
			return r, err
		}
		r.children = append(r.children, child)
	}
	if invoice := r.payment.InvoiceID; invoice != "" {
		if r.invoice, err = h.server.Invoice(invoice); err != nil {
			return r, err
		}
	}
	r.deliveries = h.server.DeliveriesOf(append([]jovepay.ID{r.payment.ID}, r.payment.PaymentExtraIDs...)...)
	return r, nil
}

// wrongAsset reports whether the payment is a deposit of another coin than its
// parent's.
func (r *record) wrongAsset() bool {
	return r.parent != nil && r.parent.PayCurrency != r.payment.PayCurrency
}

// paymentPage is the page of a payment.
type paymentPage struct {
	frame
	ID            string
	Heading       string
	Parent        *parent // nil for a payment that a shop created
	Status        outlook
	Countdown     *countdown // nil if no time limit is running
	Request       *request   // nil if the payment no longer waits
	Exits         exits
	Order         order
	Sums          sums
	Deposits      []line // further ones to its address
	Actions       []action
	Notifications notifications
	Revision      string // changes with all that can change, except the time left
}

// pageOf returns the page of the payment.
func pageOf(r *record) *paymentPage {
	p := &paymentPage{
		ID:            r.payment.ID.String(),
		Heading:       "Payment of " + payAmount(r.payment),
		Parent:        parentOf(r),
		Status:        statusOf(r),
		Countdown:     countdownOf(r.payment, r.now),
		Request:       requestOf(r.payment),
		Exits:         exitsOf(r),
		Order:         orderOf(r.payment),
		Sums:          sumsOf(r.payment),
		Deposits:      depositsOf(r),
		Actions:       actionsFor(r.payment),
		Notifications: notificationsOf(r),
	}
	if p.Request != nil {
		p.Heading = "Pay " + payAmount(r.payment)
	}
	p.frame = frame{Title: p.Status.Headline + " – " + payAmount(r.payment), Script: true}
	if !r.payment.Status.Final() {
		p.Refresh = refresh
	}
	p.Revision = revisionOf(p.Status, p.Countdown.deadline(), p.Exits, p.Sums, p.Deposits, p.Notifications)
	return p
}

// payAmount is the amount to pay with its ticker: "0.5 BTC".
func payAmount(p *jovepay.Payment) string {
	return p.PayAmount.String() + " " + describe(p.PayCurrency, p.Network).Ticker
}

// revisionOf returns a short text that differs for different parts.
func revisionOf(parts ...any) string {
	sum := fnv.New64a()
	_, _ = fmt.Fprintf(sum, "%v", parts) // to memory
	return fmt.Sprintf("%016x", sum.Sum64())
}

// statusOf returns the outlook of the payment's status. A wrong asset is
// confirmed like any payment, but goes no further by itself.
func statusOf(r *record) outlook {
	o := outlookOf(r.payment.Status)
	if r.wrongAsset() && r.payment.Status == jovepay.PaymentConfirmed {
		o.Detail = "The shop didn't ask for this coin, so the deposit waits for a manual review."
	}
	return o
}

// parent is the payment to whose address a repeated or wrong-asset deposit was
// sent.
type parent struct{ ID, Why string }

func parentOf(r *record) *parent {
	if r.parent == nil {
		return nil
	}
	p := &parent{r.parent.ID.String(), "It is a separate payment, and shops don't ship for it."}
	if r.wrongAsset() {
		due := describe(r.parent.PayCurrency, r.parent.Network)
		p.Why = "The shop asked for " + due.full() + ". Someone has to decide what happens to this deposit."
	}
	return p
}

// countdown is the time that is left to pay.
type countdown struct {
	Left     string // "19:59"
	Until    string // "15:04 UTC"
	UntilISO string
	seconds  int
}

func countdownOf(p *jovepay.Payment, now time.Time) *countdown {
	until := p.ExpirationEstimateDate.UTC()
	if p.Status != jovepay.PaymentWaiting || until.IsZero() {
		return nil
	}
	left := max(until.Sub(now), 0).Round(time.Second)
	c := &countdown{
		Left:     clock(left),
		Until:    until.Format("15:04 UTC"),
		UntilISO: until.Format(time.RFC3339),
		seconds:  int(left.Seconds()),
	}
	if left >= day {
		c.Until = until.Format("2 January 15:04 UTC")
	}
	return c
}

// deadline is empty for nil.
func (c *countdown) deadline() string {
	if c == nil {
		return ""
	}
	return c.UntilISO
}

const day = 24 * time.Hour

// clock shows a duration as "6 d 23:59:59", "23:59:59" or "59:59".
func clock(d time.Duration) string {
	seconds := int(d.Seconds())
	minutes, hours := seconds/60, seconds/3600
	switch {
	case d >= day:
		return fmt.Sprintf("%d d %02d:%02d:%02d", hours/24, hours%24, minutes%60, seconds%60)
	case d >= time.Hour:
		return fmt.Sprintf("%d:%02d:%02d", hours, minutes%60, seconds%60)
	}
	return fmt.Sprintf("%02d:%02d", minutes, seconds%60)
}

// request is what the customer has to send.
type request struct {
	Amount, Ticker string
	Network        string
	Address, Memo  string
	QR             *qrCode // nil if the address is too long for one
	QRLabel        string
}

func requestOf(p *jovepay.Payment) *request {
	if p.Status != jovepay.PaymentWaiting {
		return nil
	}
	c := describe(p.PayCurrency, p.Network)
	content, label := code(p.PayCurrency, p.PayAddress, p.PayAmount)
	qr, _ := encodeQR(content) // nil where it fails
	return &request{
		Amount: p.PayAmount.String(), Ticker: c.Ticker, Network: c.Network,
		Address: p.PayAddress, Memo: p.PayinExtraID, QR: qr, QRLabel: label,
	}
}

// exits are the addresses at which the customer leaves the page; empty if there
// is none.
type exits struct {
	Return string // when the payment has ended
	Cancel string // while it waits
}

// exitsOf takes the addresses from the invoice, never from the request. A repeated
// or wrong-asset deposit has none: the order's own payment returns to the shop.
func exitsOf(r *record) exits {
	if r.invoice == nil || r.parent != nil {
		return exits{}
	}
	switch status := r.payment.Status; {
	case status == jovepay.PaymentWaiting:
		return exits{Cancel: r.invoice.CancelURL}
	case status == jovepay.PaymentFinished:
		return exits{Return: r.invoice.SuccessURL}
	case status == jovepay.PaymentPartiallyPaid:
		return exits{Return: r.invoice.PartiallyPaidURL}
	case status.Final():
		return exits{Return: r.invoice.CancelURL}
	}
	return exits{}
}

// order is what the customer pays for.
type order struct{ Description, OrderID, Price string }

func orderOf(p *jovepay.Payment) order {
	return order{p.OrderDescription, p.OrderID, price(p.PriceAmount, p.PriceCurrency)}
}

// sums compares what was received with what is due. Received is empty if
// nothing was; of Missing and Excess at most one is set.
type sums struct {
	Ticker, Due, Received, Missing, Excess string
}

func sumsOf(p *jovepay.Payment) sums {
	s := sums{Ticker: describe(p.PayCurrency, p.Network).Ticker, Due: p.PayAmount.String()}
	if p.ActuallyPaid.Sign() <= 0 {
		return s
	}
	s.Received = p.ActuallyPaid.String()
	switch excess := p.ActuallyPaid.Decimal().Sub(p.PayAmount.Decimal()); excess.Sign() {
	case -1:
		s.Missing = excess.Neg().String()
	case 1:
		s.Excess = excess.String()
	}
	return s
}

// depositsOf lists the repeated and wrong-asset deposits.
func depositsOf(r *record) []line {
	deposits := lines(r.children)
	for i, child := range r.children {
		deposits[i].Why = "Repeated deposit: a separate payment that doesn't count toward the order."
		if child.PayCurrency != r.payment.PayCurrency {
			deposits[i].Why = "Wrong asset: someone at JovePay or the shop has to review it."
		}
	}
	return deposits
}

// notifications are those about a payment and its deposits.
type notifications struct {
	Latest []notification
	Silent bool // the shop gave no address for them
}

// notification is one of them, with the result of its last attempt.
type notification struct {
	Number    int
	PaymentID jovepay.ID
	Status    jovepay.PaymentStatus
	Result    string
}

func notificationsOf(r *record) notifications {
	const shown = 20
	var list []notification
	for _, d := range r.deliveries {
		n := notification{d.Number, d.PaymentID, d.Status, resultOf(&d)}
		if last := len(list) - 1; last >= 0 && list[last].Number == d.Number {
			list[last] = n
		} else {
			list = append(list, n)
		}
	}
	return notifications{Latest: list[max(0, len(list)-shown):], Silent: r.payment.IPNCallbackURL == ""}
}

// resultOf is the result of an attempt to deliver a notification.
func resultOf(d *jovepaytest.Delivery) string {
	text := string(d.Outcome)
	if d.Attempt > 1 {
		text += fmt.Sprintf(" (attempt %d)", d.Attempt)
	}
	switch {
	case d.StatusCode != 0:
		text += fmt.Sprintf(": the shop returned %d", d.StatusCode)
	case d.Error != "":
		text += ": " + d.Error
	}
	return text
}
