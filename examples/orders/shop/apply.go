package shop

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jovepay/jovepay-go"
)

// Apply applies an event in the transaction in which the inbox records it. It
// judges the payment, stores the verdict in the order and, the first time that
// the order is paid, adds a shipment.
func Apply(ctx context.Context, tx *sql.Tx, event jovepay.Event) error {
	payment, ok := event.(*jovepay.PaymentEvent)
	if !ok {
		return nil // this shop has no withdrawals
	}
	order, err := find(ctx, tx, payment.OrderID)
	if errors.Is(err, sql.ErrNoRows) {
		return review(ctx, tx, payment, "no such order")
	}
	if err != nil {
		return err
	}
	if order.PaymentID == "" && belongs(order, payment) {
		// The notification arrived before the response with the payment's id,
		// or the response was lost in a crash.
		if order, err = adopt(ctx, tx, order.ID, &payment.Payment); err != nil {
			return err
		}
	}
	verdict := order.expectation().Settle(&payment.Payment)
	if payment.ID != order.PaymentID {
		return review(ctx, tx, payment, verdict.Reason)
	}
	// A plain read of order.Fulfilled is enough: only one payment can fulfill an
	// order, and the inbox serializes the events of a payment.
	if verdict.Fulfill() && !order.Fulfilled {
		if _, err := tx.ExecContext(ctx, `INSERT INTO fulfillments (order_id, payment_id) VALUES ($1, $2)`, order.ID, payment.ID); err != nil {
			return err
		}
		order.Fulfilled = true
	}
	_, err = tx.ExecContext(ctx, `UPDATE orders SET state = $2, fulfilled = $3 WHERE id = $1`, order.ID, verdict.Decision, order.Fulfilled)
	return err
}

// belongs reports whether the payment can be the one created for an order whose
// payment is not known yet.
func belongs(order *Order, payment *jovepay.PaymentEvent) bool {
	switch order.expectation().Settle(&payment.Payment).Decision {
	case jovepay.DecisionMismatch, jovepay.DecisionWrongAsset, jovepay.DecisionRepeated:
		return false
	default:
		return true
	}
}

// review adds a payment to those that a person has to review: it is an additional
// deposit, in the wrong coin, or nobody asked for it.
func review(ctx context.Context, tx *sql.Tx, payment *jovepay.PaymentEvent, reason string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO reviews (payment_id, order_id, reason) VALUES ($1, $2, $3)
		ON CONFLICT (payment_id) DO UPDATE SET reason = excluded.reason`, payment.ID, payment.OrderID, reason)
	return err
}
