package shop

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"

	"github.com/jovepay/jovepay-go"
)

// Apply applies an event in the transaction in which the inbox records it. It
// judges the payment, stores the news and, the first time that an order is paid,
// issues its ticket.
//
// The inbox serializes the events of one payment, but an order can have several
// payments. What Apply reads stays valid until the commit because SQLite has one
// writer at a time; with another database it would have to lock the order first.
func Apply(ctx context.Context, tx *sql.Tx, event jovepay.Event) error {
	payment, ok := event.(*jovepay.PaymentEvent)
	if !ok {
		return nil // this shop has no withdrawals
	}
	order, err := find(ctx, tx, payment.OrderID)
	if errors.Is(err, ErrNotFound) {
		return record(ctx, tx, &payment.Payment, jovepay.Verdict{Decision: jovepay.DecisionMismatch, Reason: "no such order"})
	}
	if err != nil {
		return err
	}
	if belongs(order, &payment.Payment) {
		// The notification arrived before the response with the payment's id,
		// or the response was lost.
		if err := adopt(ctx, tx, order, &payment.Payment); err != nil {
			return err
		}
	}
	verdict := order.expectation().Settle(&payment.Payment)
	if err := record(ctx, tx, &payment.Payment, verdict); err != nil {
		return err
	}
	if verdict.Fulfill() {
		if _, err := tx.ExecContext(ctx, `INSERT INTO tickets (order_id, payment_id, code) VALUES ($1, $2, $3)
			ON CONFLICT (order_id) DO NOTHING`, order.ID, payment.ID, newTicket()); err != nil {
			return err
		}
	}
	return restate(ctx, tx, order.ID)
}

// newTicket returns a code that cannot be guessed but can be read aloud.
func newTicket() string {
	code := rand.Text()
	return code[:4] + "-" + code[4:8] + "-" + code[8:12] + "-" + code[12:16]
}

// restate stores the state that follows from the news of an order.
func restate(ctx context.Context, q queryer, id string) error {
	order, err := find(ctx, q, id)
	if err != nil {
		return err
	}
	state := conclude(latest(order.News), order.paidBy)
	if state == StatePending && (order.PaymentID != "" || order.InvoiceID != "") {
		state = StateWaiting // no news yet
	}
	_, err = q.ExecContext(ctx, `UPDATE orders SET state = $2 WHERE id = $1`, id, state)
	return err
}

// belongs reports whether the payment can be the one created for an order whose
// payment is not known yet.
func belongs(order *Order, payment *jovepay.Payment) bool {
	if order.Method != ByAddress || order.PaymentID != "" || payment.InvoiceID != "" {
		return false
	}
	switch order.expectation().Settle(payment).Decision {
	case jovepay.DecisionMismatch, jovepay.DecisionWrongAsset, jovepay.DecisionRepeated:
		return false
	default:
		return true
	}
}

// adopt stores the payment as that of its order, unless the order has another.
func adopt(ctx context.Context, q queryer, order *Order, payment *jovepay.Payment) error {
	var expires int64
	if !payment.ExpirationEstimateDate.IsZero() {
		expires = payment.ExpirationEstimateDate.UnixMilli()
	}
	// A notification does not contain the expiration. If the response comes
	// second, it adds that.
	_, err := q.ExecContext(ctx, `UPDATE orders SET payment_id = $2, pay_amount = $3, pay_address = $4, memo = $5,
		expires_ms = max(expires_ms, $6), trouble = '' WHERE id = $1 AND payment_id IN ('', $2)`,
		order.ID, payment.ID, payment.PayAmount, payment.PayAddress, payment.PayinExtraID, expires)
	if err != nil {
		return err
	}
	adopted, err := find(ctx, q, order.ID)
	if err == nil {
		*order = *adopted
	}
	return err
}
