// Package histories checks an order book that several processes share: what one
// process after another sees of an order is as if there were only one process, at
// whatever step processes are killed or frozen, and whatever happens to the
// database.
//
// The processes are those of program replica. This package has what they and the
// tests have in common.
package histories

import (
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/orders"
)

// Step is a step of the creation of a payment, at which a replica can be held.
type Step string

// The steps, in their order.
const (
	StepBegin     Step = "begin"            // before the transaction of the intent
	StepIntent    Step = "intent"           // in it, with the order locked
	StepCommit    Step = "intent-commit"    // its commit was sent, and its response not read
	StepCommitted Step = "intent-committed" // the intent is committed
	StepRequest   Step = "request"          // before the request is sent
	StepSent      Step = "sent"             // the request was written
	StepResponse  Step = "response"         // the head of the response was read
	StepBody      Step = "body"             // the whole response was read
	StepSave      Step = "save"             // in the transaction that saves the payment
	StepSaving    Step = "save-commit"      // its commit was sent, and its response not read
	StepSaved     Step = "saved"            // the payment is saved, and nobody was shown it
)

// Steps returns all steps in their order.
func Steps() []Step {
	return []Step{
		StepBegin, StepIntent, StepCommit, StepCommitted, StepRequest, StepSent,
		StepResponse, StepBody, StepSave, StepSaving, StepSaved,
	}
}

// Outcome says how a call of the book ended.
type Outcome string

// The outcomes.
const (
	OK          Outcome = "ok"
	Closed      Outcome = "closed"       // [orders.ErrClosed]
	CoinsSeen   Outcome = "coins seen"   // [orders.ErrCoinsSeen]
	CaseChanged Outcome = "case changed" // [orders.ErrCaseChanged]
	Resolved    Outcome = "resolved"     // [orders.ErrResolved]
	NotFound    Outcome = "not found"    // [orders.ErrNotFound]
	InDoubt     Outcome = "in doubt"     // an [orders.InDoubtError]
	Unknown     Outcome = "unknown"      // any other error, or no response
)

// Response is what a replica responds to each request.
type Response struct {
	Outcome Outcome    `json:"outcome"`
	Error   string     `json:"error,omitzero"`
	RetryAt time.Time  `json:"retry_at,omitzero"` // of InDoubt
	Payment jovepay.ID `json:"payment,omitzero"`  // of pay
	View    *View      `json:"view,omitzero"`     // of get
}

// View is what the book says of an order.
type View struct {
	State     orders.State     `json:"state"`
	Fulfilled bool             `json:"fulfilled"`
	Canceled  bool             `json:"canceled"`
	Payments  []Payment        `json:"payments"`
	Cases     []Case           `json:"cases"`
	Money     []orders.Balance `json:"money"`
}

// Payment is a payment in a [View].
type Payment struct {
	ID     jovepay.ID            `json:"id"`
	Parent jovepay.ID            `json:"parent,omitzero"`
	Coin   string                `json:"coin"`
	Status jovepay.PaymentStatus `json:"status"`
}

// Case is a case in a [View].
type Case struct {
	ID       string          `json:"id"`
	Kind     orders.CaseKind `json:"kind"`
	Version  int             `json:"version"`
	Open     bool            `json:"open"`
	Payments []jovepay.ID    `json:"payments"`
}
