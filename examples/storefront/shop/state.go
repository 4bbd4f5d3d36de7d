package shop

import "github.com/jovepay/jovepay-go"

// State is how an order stands, in the customer's eyes.
type State string

// The states. What stands further down outweighs what stands above it, where
// an order has several payments.
const (
	StatePending    State = "pending"     // no payment yet; see Order.Trouble
	StateExpired    State = "expired"     // nothing came in time
	StateFailed     State = "failed"      // the payment failed or was cancelled
	StateReturned   State = "returned"    // what came was sent back, nothing was bought
	StateWaiting    State = "waiting"     // for the customer's coins
	StateUnderpaid  State = "underpaid"   // less came than was asked for
	StateReview     State = "review"      // a payment that does not fit: a person will look
	StateWrongAsset State = "wrong_asset" // another coin came: a person will look
	StateRepeated   State = "repeated"    // a further deposit came: a person will look
	StateConfirming State = "confirming"  // coins came, and are being confirmed
	StatePaid       State = "paid"
	StateOverpaid   State = "overpaid" // paid, and more than was asked for
	StateRefunded   State = "refunded" // was paid, and then sent back
)

// weights sorts the states.
func (s State) weight() int {
	for i, state := range []State{
		StatePending, StateExpired, StateFailed, StateReturned, StateWaiting, StateUnderpaid,
		StateReview, StateWrongAsset, StateRepeated, StateConfirming, StatePaid, StateOverpaid, StateRefunded,
	} {
		if s == state {
			return i
		}
	}
	return -1
}

// Open reports whether the state can change by itself.
func (s State) Open() bool {
	return s == StatePending || s == StateWaiting || s == StateConfirming
}

// Person reports whether someone of the shop has to look at a payment.
func (s State) Person() bool {
	return s == StateReview || s == StateWrongAsset || s == StateRepeated
}

// odd reports whether a person can decide about a payment. Whether too little is
// enough, or with the rest that came as another payment, is for a person too.
func (s State) odd() bool { return s.Person() || s == StateUnderpaid }

// conclude returns the state of an order from the last news of each of its
// payments and the payment that its ticket is for, if there is one. A ticket
// that a person issued is for all of them.
func conclude(last []News, paidBy jovepay.ID) State {
	state, issued := StatePending, false
	for i := range last {
		if last[i].Decision == DecisionIssued {
			issued = true
		} else if s := last[i].state(paidBy); s.weight() > state.weight() {
			state = s
		}
	}
	switch {
	case !issued:
		return state
	case state == StateReturned:
		return StateRefunded
	}
	return StatePaid
}

// state is what the news of one payment alone make of the order.
func (n *News) state(paidBy jovepay.ID) State {
	bought := n.PaymentID == paidBy
	switch {
	case n.Status == jovepay.PaymentRefunded && bought:
		return StateRefunded
	case n.Status == jovepay.PaymentRefunded:
		return StateReturned
	}
	switch n.Decision {
	case jovepay.DecisionFulfill, jovepay.DecisionOverpaid:
		switch {
		case !bought:
			return StateRepeated // the order was paid by another payment before
		case n.Decision == jovepay.DecisionOverpaid:
			return StateOverpaid
		}
		return StatePaid
	case jovepay.DecisionWait:
		if n.Status == jovepay.PaymentWaiting {
			return StateWaiting
		}
		return StateConfirming
	case jovepay.DecisionUnderpaid:
		return StateUnderpaid
	case jovepay.DecisionWrongAsset:
		return StateWrongAsset
	case jovepay.DecisionRepeated:
		return StateRepeated
	case jovepay.DecisionClosed:
		if n.Status == jovepay.PaymentExpired {
			return StateExpired
		}
		return StateFailed
	default: // a mismatch, or it cannot be told
		return StateReview
	}
}

// Deposit is a payment of an order with the state that it alone would put the
// order in.
type Deposit struct {
	News

	State State
}

// Deposits returns the payments that were made for an order, each as it stands
// now, without those that [Shop.Issue] settled.
func (o *Order) Deposits() []Deposit {
	last := latest(unsettled(o.News))
	deposits := make([]Deposit, len(last))
	for i, n := range last {
		deposits[i] = Deposit{n, n.state(o.paidBy)}
	}
	return deposits
}
