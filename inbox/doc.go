// Package inbox applies each of JovePay's notifications once.
//
// JovePay sends a notification for every event, retries failed deliveries, and
// guarantees no order. An [Inbox] runs the shop's own function in a database
// transaction that also records the event: both happen, or neither does. An event
// that was applied before, or is older than one that was, is acknowledged but not
// applied.
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
// [Inbox.Process] applies an event from any other source, such as a message
// queue, and [Inbox.Reconcile] makes up for lost notifications.
//
// # What once means
//
// Each event is applied once, and the events of a payment are applied in the
// order of its life. This is about events, not about orders: a payment has
// several events, and an order can have several payments. So let the transaction
// change the order from unpaid to paid, and ship only if it did.
//
// The guarantee covers what the function does in its transaction. Anything else
// it does, such as sending an e-mail or calling another service, can happen more
// than once. Record such work in the same transaction, and do it from that
// record.
//
// # Stores
//
// Module github.com/jovepay/jovepay-go/sqlstore stores in PostgreSQL, MariaDB,
// MySQL and SQLite. [Memory] is for tests, and for programs that may forget.
// Package inboxtest tests whether your own store keeps the promises.
package inbox
