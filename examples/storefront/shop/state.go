package shop

import "github.com/jovepay/jovepay-go"

// State is the state of an order as the customer sees it.
type State string

// The states. If an order has several payments, the state furthest down wins.
const (
	StatePending    State = "pending"     // no payment yet; see Order.Trouble
	StateExpired    State = "expired"     // nothing arrived in time
	StateFailed     State = "failed"      // the payment failed or was canceled
	StateReturned   State = "returned"    // refunded before anything was bought
	StateWaiting    State = "waiting"     // for the customer's coins
	StateUnderpaid  State = "underpaid"   // less arrived than was due
	StateReview     State = "review"      // a payment does not fit and needs a review
	StateWrongAsset State = "wrong_asset" // another coin arrived and needs a review
	StateRepeated   State = "repeated"    // an additional deposit arrived and needs a review
	StateConfirming State = "confirming"  // coins arrived and are being confirmed
	StatePaid       State = "paid"
	StateOverpaid   State = "overpaid" // paid, and more than was due
	StateRefunded   State = "refunded" // paid, and then refunded
)

// weight orders the states.
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

// Open reports whether the state can change without a decision.
func (s State) Open() bool {
	return s == StatePending || s == StateWaiting || s == StateConfirming
}

// Person reports whether a person has to review a payment.
func (s State) Person() bool {
	return s == StateReview || s == StateWrongAsset || s == StateRepeated
}

// odd reports whether a person can decide about a payment. That includes whether
// an underpayment is enough, perhaps with the rest as another payment.
func (s State) odd() bool { return s.Person() || s == StateUnderpaid }

// conclude derives the state of an order from the last news of each payment and
// the payment that its ticket is for, if any. A ticket issued by a person is for
// all payments.
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

// state is the state that the news of one payment alone put the order in.
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
			return StateRepeated // another payment paid the order before
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
	default: // a mismatch, or unknown
		return StateReview
	}
}

// Deposit is a payment of an order, with the state that it alone would put the
// order in.
type Deposit struct {
	News

	State State
}

// Deposits returns the payments of an order with their last news, without those
// that [Shop.Issue] settled.
func (o *Order) Deposits() []Deposit {
	last := latest(sinceIssue(o.News))
	deposits := make([]Deposit, len(last))
	for i, n := range last {
		deposits[i] = Deposit{n, n.state(o.paidBy)}
	}
	return deposits
}
