package orders

import (
	"time"

	"github.com/jovepay/jovepay-go"
)

// State says how far an order is. It follows from what JovePay reported of the
// order's payments, from the decisions of people, and from whether Fulfill has
// committed; docs/orders.md has the table. When the order was fulfilled, what was
// refunded and which cases are open are fields of [Order].
type State string

// The states. The first that applies counts, from the last to the first, except
// that a fulfilled order is only fulfilled or refunded, and a canceled one stays
// canceled until a person accepts money for it.
const (
	StatePlaced     State = "placed"     // nobody has asked for a payment
	StateExpired    State = "expired"    // all payments are over, and no coins wait for anything
	StateWaiting    State = "waiting"    // for the customer's coins
	StateUnderpaid  State = "underpaid"  // coins came, but not enough
	StateReview     State = "review"     // a person has to decide about coins that came
	StateConfirming State = "confirming" // coins were seen and are being confirmed
	StatePaid       State = "paid"       // and not fulfilled yet
	StateFulfilled  State = "fulfilled"
	StateRefunded   State = "refunded" // all coins that came were returned
	StateCanceled   State = "canceled" // by [Book.Cancel]
)

// isClosed reports whether an order in this state takes no more payments.
func (s State) isClosed() bool {
	return s == StatePaid || s == StateFulfilled || s == StateRefunded || s == StateCanceled
}

// Terms are what the shop and the customer agreed on. They never change.
type Terms struct {
	OrderID       string         `json:"order_id"` // the shop's own; see [jovepay.PaymentRequest]
	PriceAmount   jovepay.Amount `json:"price_amount"`
	PriceCurrency string         `json:"price_currency"`       // lower-case ticker, such as usd
	Description   string         `json:"description,omitzero"` // shown to the customer on JovePay's pages
}

// equal reports whether t and u are the same terms. 49.9 and 49.90 are the same
// price.
func (t Terms) equal(u Terms) bool {
	return t.OrderID == u.OrderID && t.PriceAmount.Equal(u.PriceAmount) && t.PriceCurrency == u.PriceCurrency && t.Description == u.Description
}

// validate returns an error that wraps [jovepay.ErrInvalidRequest] unless payments
// can be created for t.
func (t Terms) validate() error {
	r := jovepay.PaymentRequest{
		OrderID: t.OrderID, PriceAmount: t.PriceAmount, PriceCurrency: t.PriceCurrency,
		PayCurrency: t.PriceCurrency, OrderDescription: t.Description,
	}
	if t.OrderID == "" {
		return &jovepay.ValidationError{Field: "order_id", Reason: "is required"}
	}
	return r.Validate()
}

// Order is an order with everything that the book knows of it. It is a snapshot.
type Order struct {
	Terms

	State     State
	Placed    time.Time // when Place or Import was committed, by the database's clock
	Fulfilled time.Time // when Fulfill's transaction was made; zero if the order is not fulfilled
	Canceled  time.Time // zero if it is not canceled
	Failure   string    // of the last hook that failed; empty once all have succeeded

	Payments []*Payment // those that JovePay reported or the book created, sorted by id
	Invoice  *Invoice   // nil if there is none
	Money    []Balance  // what came, by coin and bucket, sorted
	Cases    []*Case    // the open ones first, then those that were closed
	History  []Event    // only from [Book.Get]; the oldest first
}

// Refunded returns what was returned to the customer, by coin.
func (o *Order) Refunded() []Balance {
	var refunded []Balance
	for _, b := range o.Money {
		if b.Bucket == BucketRefunded {
			refunded = append(refunded, b)
		}
	}
	return refunded
}

// OpenCases returns the cases that wait for a person.
func (o *Order) OpenCases() []*Case {
	var open []*Case
	for _, c := range o.Cases {
		if c.Open() {
			open = append(open, c)
		}
	}
	return open
}

// Payment is a payment of an order. To show it to the customer, show Address,
// Memo if it is set, Network, and Left of Coin.
type Payment struct {
	ID        jovepay.ID
	OrderID   string
	ParentID  jovepay.ID // of a further deposit: the payment to whose address it came
	InvoiceID jovepay.ID // of a payment on JovePay's page

	// ShownFor is the coin for which [Book.Pay] shows this payment, or showed it
	// last. It is empty for others, such as those on JovePay's page.
	ShownFor string

	Status  jovepay.PaymentStatus
	Coin    string // ticker
	Network string // may be empty
	Address string
	Memo    string // to send with the coins, or they are lost; often empty

	Asked    jovepay.Amount // in Coin
	Received jovepay.Amount // in Coin, this payment alone; null if nothing was reported
	Left     jovepay.Amount // of Asked, after all deposits to this payment's address; never negative
	Created  time.Time      // as JovePay reports it; zero if it doesn't
	Expires  time.Time      // as JovePay estimates it; zero if it doesn't

	Places []Balance // where Received is in the ledger
}

// Balance is an amount in a bucket of the ledger.
type Balance struct {
	Coin    string         `json:"coin"`
	Bucket  Bucket         `json:"bucket"`
	Amount  jovepay.Amount `json:"amount"`
	Assumed bool           `json:"assumed,omitzero"` // a refund whose amount JovePay did not report
}

// Invoice is a hosted page on which the customer chooses a coin and pays.
type Invoice struct {
	ID      jovepay.ID
	OrderID string
	URL     string // send the customer here
}

// Reason says who did something, and why. Both are required.
type Reason struct {
	By  string `json:"by"`  // a person, or a part of the shop
	Why string `json:"why"` // for those who read the history
}

func (r Reason) validate() error {
	switch {
	case r.By == "":
		return &jovepay.ValidationError{Field: "By", Reason: "is required: who decides?"}
	case r.Why == "":
		return &jovepay.ValidationError{Field: "Why", Reason: "is required: for what reason?"}
	}
	return nil
}

// EventKind is the kind of an [Event].
type EventKind string

// The kinds of events.
const (
	EventPlaced     EventKind = "placed"
	EventImported   EventKind = "imported"
	EventPayment    EventKind = "payment" // a payment is new, or has another status or amount
	EventInvoice    EventKind = "invoice" // the order has an invoice
	EventDoubt      EventKind = "doubt"   // it is unknown whether JovePay created a payment
	EventState      EventKind = "state"   // from one state to another
	EventCaseOpened EventKind = "case_opened"
	EventCase       EventKind = "case_changed"
	EventCaseClosed EventKind = "case_closed" // later news settled it
	EventDecided    EventKind = "decided"     // a person did
	EventFulfilled  EventKind = "fulfilled"
	EventFailed     EventKind = "failed" // a hook
	EventCanceled   EventKind = "canceled"
)

// Event is an entry of an order's history. Fields that its kind has no use for are
// zero.
type Event struct {
	At        time.Time             `json:"-"` // by the database's clock
	Kind      EventKind             `json:"kind"`
	PaymentID jovepay.ID            `json:"payment_id,omitzero"`
	Status    jovepay.PaymentStatus `json:"status,omitzero"`
	Coin      string                `json:"coin,omitzero"`
	Received  jovepay.Amount        `json:"received,omitzero"`
	CaseID    string                `json:"case_id,omitzero"`
	Decision  Decision              `json:"decision,omitzero"`
	Amount    jovepay.Amount        `json:"amount,omitzero"` // refunded, by a decision
	From      State                 `json:"from,omitzero"`
	To        State                 `json:"to,omitzero"`
	By        string                `json:"by,omitzero"`
	Why       string                `json:"why,omitzero"`
}
