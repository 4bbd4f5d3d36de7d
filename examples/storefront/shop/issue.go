package shop

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jovepay/jovepay-go"
)

// ErrNotOdd is the error, for [errors.Is], of an order that needs nobody's
// decision.
var ErrNotOdd = errors.New("shop: no payment for a person to decide about")

// DecisionIssued is that of a person who looked at the payments of an order and
// issued its ticket. The news of it are of no payment.
const DecisionIssued jovepay.Decision = "issued"

// Issue issues the ticket of an order after a person has looked at its
// payments, and returns its code. What came until then is settled by that, and
// is not in [Shop.Odd] any more. The error is [ErrNotFound] where there is no
// such order, and [ErrNotOdd] where nothing is to be decided: none of its
// payments is odd, or it has its ticket.
//
// It can be called while another process has the shop open.
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
	verdict := jovepay.Verdict{Decision: DecisionIssued, Reason: "a person issued the ticket"}
	if err := record(ctx, tx, &jovepay.Payment{OrderID: id}, verdict); err != nil {
		return "", err
	}
	if err := restate(ctx, tx, id); err != nil {
		return "", err
	}
	return code, tx.Commit()
}

// unsettled returns the news that came after a person issued the ticket; if
// nobody did, all.
func unsettled(all []News) []News {
	return all[1+slices.IndexFunc(all, func(n News) bool { return n.Decision == DecisionIssued }):]
}
