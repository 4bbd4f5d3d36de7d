package orders

import (
	"slices"
	"time"

	"github.com/jovepay/jovepay-go"
)

// intentState says how far a create is.
type intentState string

// The states of an intent. A create is sent only in the transition from free to
// sending, by the process that made it, and only after that was committed.
const (
	intentFree    intentState = "free"     // nothing was sent, or it was not processed
	intentSending intentState = "sending"  // a process may send, until the deadline
	intentInDoubt intentState = "in_doubt" // it may have been processed
	intentOpen    intentState = "open"     // the payment or invoice is known
)

// invoiceCoin is the id of the intent of an order's invoice. No coin has it.
const invoiceCoin = "(invoice)"

// intentDoc is an intent in the store: the only one to create a payment for an
// order in a coin, or an order's invoice.
type intentDoc struct {
	State    intentState             `json:"state"`
	Token    string                  `json:"token"`            // of the create; random
	Began    time.Time               `json:"began"`            // before it was sent
	Deadline time.Time               `json:"deadline"`         // after which it is not sent
	Settles  time.Time               `json:"settles,omitzero"` // in doubt: when a complete list proves something
	Request  *jovepay.PaymentRequest `json:"request,omitzero"`
	Prior    []jovepay.ID            `json:"prior,omitzero"` // the order's payments that were known when it began

	PaymentID jovepay.ID `json:"payment_id,omitzero"`
	InvoiceID jovepay.ID `json:"invoice_id,omitzero"`
	URL       string     `json:"url,omitzero"`
}

// isPast reports whether the sender may not send anymore.
func (i *intentDoc) isPast(now time.Time) bool { return !now.Before(i.Deadline) }

// doubt puts the intent in doubt. A complete list read from settles on shows
// whether the create was processed.
func (i *intentDoc) doubt(settles time.Time) {
	i.State, i.Settles = intentInDoubt, settles
}

// open ends the intent with its payment.
func (i *intentDoc) open(id jovepay.ID) {
	i.State, i.PaymentID, i.Settles, i.Request, i.Prior = intentOpen, id, time.Time{}, nil, nil
}

// free ends the intent without a payment.
func (i *intentDoc) free() { *i = intentDoc{State: intentFree, Began: i.Began} }

// unknown returns the intent for a look at the payment list. elapsed is the time
// since it began.
func (d *draft) unknown(coin string, elapsed time.Duration, cause error) jovepay.UnknownCreate {
	i := d.intents[coin]
	u := jovepay.UnknownCreate{Request: *i.Request, Began: time.Now().Add(-elapsed), Err: cause, Others: i.Prior}
	for _, other := range sortedKeys(d.intents) {
		if id := d.intents[other].PaymentID; other != coin && id != "" {
			u.Others = append(slices.Clip(u.Others), id)
		}
	}
	return u
}

// adopt opens the intent that a payment fulfills, if there is one: the payment's
// notification can overtake the response, and the response can be lost.
func (d *draft) adopt(id jovepay.ID) {
	v := d.payments[id].Facts.view()
	i := d.intents[v.coin]
	switch {
	case i == nil || i.Request == nil || i.State != intentSending && i.State != intentInDoubt:
	case d.isMade(id), slices.Contains(i.Prior, id), v.isChild(), v.InvoiceID != "", !isMadeBy(i.Request, &v):
	case v.isOver() && v.CreatedAt.Before(i.Began.Add(-clockTolerance)): // or no time is known
	default:
		i.open(id)
	}
}

// clockTolerance is how much earlier than an intent its payment can be created, by
// the clocks of JovePay and the database.
const clockTolerance = time.Minute

// isMade reports whether another intent has the payment.
func (d *draft) isMade(id jovepay.ID) bool {
	for _, i := range d.intents {
		if i.PaymentID == id {
			return true
		}
	}
	return false
}

// isMadeBy reports whether a payment is what a request asks for.
func isMadeBy(r *jovepay.PaymentRequest, v *view) bool {
	e := jovepay.Expectation{OrderID: r.OrderID, PriceAmount: r.PriceAmount, PriceCurrency: r.PriceCurrency, PayCurrency: r.PayCurrency}
	switch e.Settle(&v.Payment).Decision {
	case jovepay.DecisionMismatch, jovepay.DecisionWrongAsset, jovepay.DecisionRepeated:
		return false
	default:
		return true
	}
}
