// Package inbox makes the processing of JovePay's notifications effectively
// once.
//
// JovePay sends a notification for every event, again when delivery fails, and
// in no promised order. An [Inbox] lets the shop's own function run in a
// database transaction in which the event is recorded too: both happen, or
// neither does. What was applied before, or is older than what was applied, is
// acknowledged and not applied.
//
//	store, err := sqlstore.New(db, sqlstore.PostgreSQL)
//	...
//	box := inbox.New(store)
//	mux.Handle("POST /ipn", verifier.Handler(box.Once(
//		func(ctx context.Context, tx *sql.Tx, event jovepay.Event) error {
//			payment, ok := event.(*jovepay.PaymentEvent)
//			if !ok {
//				return nil
//			}
//			order, err := loadOrder(ctx, tx, payment.OrderID)
//			if err != nil {
//				return err
//			}
//			if !order.Expectation.Settle(&payment.Payment).Fulfill() {
//				return nil
//			}
//			_, err = tx.ExecContext(ctx, `UPDATE orders SET paid = true WHERE id = $1 AND NOT paid`, order.ID)
//			return err
//		})))
//
// [Inbox.Process] takes an event from anywhere else, such as a message queue,
// and [Inbox.Reconcile] finds payments whose notification never came.
//
// # What once means
//
// Each event is applied once, and the events of a payment are applied in the
// order of its life. That is about events, not about orders: a payment has
// several events, and an order can have several payments. So let the
// transaction change the order from a state in which it can be paid, and ship
// only if it did.
//
// The guarantee covers what the function does in its transaction. What it does
// outside, such as an e-mail or a call to another service, can happen more than
// once. Write it down in the same transaction, and do it from there.
//
// # Stores
//
// Module github.com/jovepay/jovepay-go/sqlstore stores in PostgreSQL, MariaDB,
// MySQL and SQLite. [Memory] is for tests, and for programs that may forget.
// Package inboxtest tells whether a store of your own keeps the promises.
package inbox
