package shop

import (
	"slices"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/orders"
)

// State is the state of an order as the customer sees it.
type State string

// The states.
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
	StateCanceled   State = "canceled" // by the shop
)

// Open reports whether the state can change without a decision.
func (s State) Open() bool {
	return s == StatePending || s == StateWaiting || s == StateConfirming
}

// Person reports whether a person has to review a payment.
func (s State) Person() bool {
	return s == StateReview || s == StateWrongAsset || s == StateRepeated
}

// conclude returns the state of an order for its customer.
func conclude(o *orders.Order) State {
	switch o.State {
	case orders.StatePlaced:
		return StatePending
	case orders.StateWaiting:
		if o.Invoice != nil && len(o.Payments) > 0 && !slices.ContainsFunc(o.Payments, isLive) {
			return ended(o) // the customer could begin again on JovePay's page
		}
		return StateWaiting
	case orders.StateUnderpaid:
		return StateUnderpaid
	case orders.StateReview:
		return reviewed(o)
	case orders.StateConfirming, orders.StatePaid: // or its ticket is still to be issued
		return StateConfirming
	case orders.StateFulfilled:
		if slices.ContainsFunc(o.Money, func(b orders.Balance) bool { return b.Bucket == orders.BucketExcess }) {
			return StateOverpaid
		}
		return StatePaid
	case orders.StateRefunded:
		if o.Fulfilled.IsZero() {
			return StateReturned
		}
		return StateRefunded
	case orders.StateCanceled:
		return StateCanceled
	case orders.StateExpired:
		return ended(o)
	}
	return StateReview
}

func isLive(p *orders.Payment) bool { return !p.Status.Final() }

// ended returns the state of an order whose payments are over.
func ended(o *orders.Order) State {
	state := StateExpired
	for _, p := range o.Payments {
		switch p.Status {
		case jovepay.PaymentRefunded:
			return StateReturned
		case jovepay.PaymentExpired:
		default:
			state = StateFailed
		}
	}
	return state
}

// reviewed returns the state of an order that waits for a decision: that of the
// case that says most about what came.
func reviewed(o *orders.Order) State {
	open := o.OpenCases()
	for _, state := range []State{StateRepeated, StateWrongAsset} {
		if slices.ContainsFunc(open, func(c *orders.Case) bool { return CaseState(c) == state }) {
			return state
		}
	}
	return StateReview
}

// CaseState returns the state that a case alone would put its order in.
func CaseState(c *orders.Case) State {
	switch c.Kind {
	case orders.CaseUnderpaid:
		return StateUnderpaid
	case orders.CaseOverpaid:
		return StateOverpaid
	case orders.CaseTopUp, orders.CaseFurther, orders.CaseCanceled:
		return StateRepeated
	case orders.CaseWrongAsset:
		return StateWrongAsset
	case orders.CaseRefund:
		return StateRefunded
	case orders.CaseMismatch, orders.CaseUnclear, orders.CaseClosed, orders.CaseNoOrder, orders.CaseHook:
	}
	return StateReview
}
