package shop

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jovepay/jovepay-go"
)

// ErrNotOdd is the error, for [errors.Is], of an order that needs no decision.
var ErrNotOdd = errors.New("shop: no payment needs a decision")

// DecisionIssued is the decision of a person to issue the ticket of an order. Its
// news have no payment.
const DecisionIssued jovepay.Decision = "issued"

// Issue issues the ticket of an order after a person has reviewed its payments,
// and returns the code. It settles the order's payments so far, which [Shop.Odd]
// no longer returns. The error is [ErrNotFound] if there is no such order, and
// [ErrNotOdd] if none of its payments is odd or it already has its ticket.
//
// Issue can be called while another process has the shop open.
func (s *Shop) Issue(ctx context.Context, id string) (code string, err error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return "", err
	}
	defer tx.Rollback() //nolint:errcheck // does nothing after a commit
	order, err := find(ctx, tx, id)
	if err != nil {
		return "", err
	}
	if !order.State.odd() {
		return "", fmt.Errorf("%w: order %s is %s", ErrNotOdd, id, order.State)
	}
	code = newTicket()
	if _, err := tx.ExecContext(ctx, `INSERT INTO tickets (order_id, payment_id, code) VALUES ($1, '', $2)`, id, code); err != nil {
		return "", err
	}
	verdict := jovepay.Verdict{Decision: DecisionIssued, Reason: "ticket issued after a manual review"}
	if err := record(ctx, tx, &jovepay.Payment{OrderID: id}, verdict); err != nil {
		return "", err
	}
	if err := restate(ctx, tx, id); err != nil {
		return "", err
	}
	return code, tx.Commit()
}

// sinceIssue returns the news after a person issued the ticket, or all news if
// nobody did.
func sinceIssue(all []News) []News {
	return all[1+slices.IndexFunc(all, func(n News) bool { return n.Decision == DecisionIssued }):]
}
