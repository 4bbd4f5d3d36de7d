package orders

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/jovepay/jovepay-go"
)

// CaseKind says why a person has to decide.
type CaseKind string

// The kinds of cases.
const (
	// CaseUnderpaid: less than was asked for came.
	CaseUnderpaid CaseKind = "underpaid"
	// CaseTopUp: coins came in several deposits. The case has their sum.
	CaseTopUp CaseKind = "top_up"
	// CaseOverpaid: more came than was asked for. The order is paid.
	CaseOverpaid CaseKind = "overpaid"
	// CaseFurther: coins came for an order that other coins pay for.
	CaseFurther CaseKind = "further"
	// CaseWrongAsset: coins of another asset came.
	CaseWrongAsset CaseKind = "wrong_asset"
	// CaseMismatch: a payment is not what was agreed on.
	CaseMismatch CaseKind = "mismatch"
	// CaseUnclear: what JovePay reports allows no decision.
	CaseUnclear CaseKind = "unclear"
	// CaseClosed: coins came with a payment that failed, expired or was
	// canceled.
	CaseClosed CaseKind = "closed"
	// CaseCanceled: coins came for an order that was canceled.
	CaseCanceled CaseKind = "canceled"
	// CaseNoOrder: coins came for an order that is not in the book.
	CaseNoOrder CaseKind = "no_order"
	// CaseRefund: the coins of an order that was fulfilled were returned.
	CaseRefund CaseKind = "refund"
	// CaseHook: a hook keeps failing.
	CaseHook CaseKind = "hook"
)

// Case is a question for a person. It closes by itself when later news answers it.
// It opens again if more coins come after a decision.
type Case struct {
	ID      string
	OrderID string // empty if the payment names none
	Version int    // grows with every change; a decision is made on one

	Kind    CaseKind
	Reason  string    // why it waits, in one line
	Accept  string    // what accepting would do, in one line; empty if it cannot be accepted
	Opened  time.Time // by the database's clock
	Changed time.Time
	Closed  time.Time // zero while it is open

	Deposits  []Deposit // what came
	Decisions []Decided // the oldest first
}

// Open reports whether the case waits for a decision.
func (c *Case) Open() bool { return c.Closed.IsZero() }

// Deposit is what came with one payment, as far as a case is about it.
type Deposit struct {
	PaymentID jovepay.ID            `json:"payment_id"`
	Status    jovepay.PaymentStatus `json:"status"`
	Coin      string                `json:"coin"`
	Amount    jovepay.Amount        `json:"amount"` // zero if JovePay reports none
	Asked     jovepay.Amount        `json:"asked,omitzero"`
}

// Decision is what a person decides about a case.
type Decision string

// The decisions.
const (
	// DecisionAccept: the coins pay for the order, which is fulfilled unless it
	// was before. For a case about a hook: try again now. For a refund of a
	// fulfilled order: it was noted.
	DecisionAccept Decision = "accept"
	// DecisionReject: the coins don't pay for the order. They belong to the
	// customer.
	DecisionReject Decision = "reject"
	// DecisionRefunded: the coins, or Resolution.Amount of them, were returned
	// to the customer outside of JovePay.
	DecisionRefunded Decision = "refunded"
)

// Resolution is a person's decision about a case.
type Resolution struct {
	Decision Decision
	Amount   jovepay.Amount // refunded, in the case's coin; null for everything
	Reason                  // who decides, and why
	Version  int            // of the case that the person saw
}

// Decided is a [Resolution] that was made.
type Decided struct {
	At       time.Time      `json:"at"`
	Decision Decision       `json:"decision"`
	Amount   jovepay.Amount `json:"amount,omitzero"`
	Reason
	Kind     CaseKind  `json:"kind"`
	Version  int       `json:"version"`
	Pays     bool      `json:"pays,omitzero"`     // it accepts the coins as payment of the order
	Void     bool      `json:"void,omitzero"`     // it counts no more: coins were returned before the order was fulfilled
	Deposits []Deposit `json:"deposits,omitzero"` // what it was about
}

// caseDoc is a case in the store.
type caseDoc struct {
	Key       string    `json:"key"` // what the case is about, within the order
	Kind      CaseKind  `json:"kind"`
	Version   int       `json:"version"`
	Told      int       `json:"told"` // the version that Review last heard of, doubled; odd if it was closed
	Reason    string    `json:"reason"`
	Accept    string    `json:"accept,omitzero"`
	Opened    time.Time `json:"opened"`
	Changed   time.Time `json:"changed"`
	Closed    time.Time `json:"closed,omitzero"`
	Deposits  []Deposit `json:"deposits,omitzero"`
	Decisions []Decided `json:"decisions,omitzero"`
}

// caseID returns the id of the case about key in an order. It is the same on
// every replica.
func caseID(orderID, key string) string {
	hash := sha256.Sum256([]byte(fmt.Sprintf("%d:%s%s", len(orderID), orderID, key)))
	return "case_" + hex.EncodeToString(hash[:12])
}

// state returns what Review is told about: each version, open or closed.
func (c *caseDoc) state() int {
	if c.Closed.IsZero() {
		return 2 * c.Version
	}
	return 2*c.Version + 1
}

func (c *caseDoc) public(orderID, id string) *Case {
	return &Case{
		ID: id, OrderID: publicOrderID(orderID), Version: c.Version, Kind: c.Kind, Reason: c.Reason, Accept: c.Accept,
		Opened: c.Opened, Changed: c.Changed, Closed: c.Closed, Deposits: c.Deposits, Decisions: c.Decisions,
	}
}

// sum returns the sum of the deposits in coin.
func sum(deposits []Deposit, coin string) decimal.Decimal {
	var total decimal.Decimal
	for _, d := range deposits {
		if d.Coin == coin {
			total = total.Add(d.Amount.Decimal())
		}
	}
	return total
}
