// Package orders makes sure that an order is paid once and fulfilled once, whatever
// happens.
//
// A [Book] keeps what a shop and its customer agreed on, creates the payments, records
// what JovePay reports of them, and calls the shop's own functions, the [Hooks], in the
// database transactions that record why.
//
//	book, err := orders.New(client, store, orders.Hooks[*sql.Tx]{
//		Fulfill: func(ctx context.Context, tx *sql.Tx, order *orders.Order) error {
//			_, err := tx.ExecContext(ctx, `INSERT INTO shipments (order_id) VALUES ($1)`, order.OrderID)
//			return err
//		},
//	})
//
//	// At the checkout, in the transaction of the shop's own row:
//	err = book.Place(ctx, tx, orders.Terms{OrderID: "A-1", PriceAmount: price, PriceCurrency: "usd"})
//
//	// When the customer has chosen a coin, and each time the page is shown:
//	payment, err := book.Pay(ctx, "A-1", "btc")
//
//	// Notifications:
//	mux.Handle("POST /ipn", verifier.Handler(book.Handle))
//
//	// On every replica:
//	go book.Run(ctx)
//
// # Promises
//
//   - Shown once: for one order and coin, [Book.Pay] returns the same live payment to
//     everyone, on all replicas, through a crash at any step, as long as the database
//     keeps its commits.
//   - Fulfilled once: the effects of Fulfill are committed at most once for an order,
//     in the transaction that records why, and Fulfill is called again until they are.
//     A hook that fails never takes the news of money with it.
//   - Derived, not driven: the state of an order follows from what JovePay reported of
//     its payments, what people decided, and whether it was fulfilled. The order in
//     which news arrive does not matter, with one exception: if a refund arrives before
//     its payment, the order is not fulfilled.
//   - Every coin accounted for: each amount that JovePay reports is in exactly one
//     bucket of the ledger at every commit, and after a [Book.Reconcile] without an
//     error the sums equal JovePay's.
//   - People decide what rules do not: coins that raise a question are a [Case]. A
//     decision is made on the version that the person saw, with a name and a reason.
//
// What cannot be promised is that JovePay makes only one payment: its API has no
// idempotency key. If it applies a create later than the settle window, there is a
// second payment. It is shown to nobody; its notification or a reconciliation finds
// it, and coins on it are judged.
//
// # Terms
//
// A payment is over when JovePay says that it expired, failed, was refunded or
// canceled. A further deposit is a payment with a parent: coins that came to an
// address that was already paid. A create is in doubt while it is not known whether
// JovePay processed it. A case is a question for a person. An event is an entry of an
// order's history.
//
// # Files
//
// facts.go merges what was reported of a payment; derive.go reads state, ledger and
// cases off the facts; draft.go is an order in a transaction; book.go runs hooks and
// commits. pay.go, intent.go and settle.go see to it that one payment is shown.
//
// # Stores
//
// Modules sqlstore (PostgreSQL, MariaDB, MySQL and SQLite on database/sql) and
// pgxstore (pgx) keep a book and an inbox. [Memory] is for tests, and for programs
// that may forget. Package orderstest tests your own store.
package orders
