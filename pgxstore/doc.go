// Package pgxstore keeps the orders of an [orders.Book] and the records of an
// [inbox.Inbox] in PostgreSQL 13 or later, through pgx, in the same transaction
// as the shop's own writes.
//
//	pool, err := pgxpool.New(ctx, address)
//	...
//	store, err := pgxstore.New(pool)
//	...
//	err = store.Migrate(ctx)
//	...
//	book, err := orders.New(client, store, hooks)
//
// The tables are those of package sqlstore. A shop can move from one package to
// the other, or use both on one database at the same time.
//
// # How it works
//
// A transaction needs two round trips to the database, and those of the shop's
// own statements between them. The first one begins the transaction, records the
// event, locks the order and loads it. Then the shop's function runs. The second
// one writes what has changed, completes the record and commits. So most of the
// time in which an order is locked belongs to the function.
//
// An event first only claims the row of its subject. The claim decides whether
// the event is new, and makes other deliveries for the same payment wait until
// the transaction ends. The last batch completes it. Events of different payments
// and different orders do not wait for each other.
//
// The function gets a [pgx.Tx] whose Commit and Rollback do nothing and return an
// error, except in the savepoints that its Begin returns. When the function
// returns, the transaction is closed to it. The last batch begins with a check
// that it still runs in the transaction of the first one, and fails as a whole if
// it does not. So a function that executes COMMIT or ROLLBACK as SQL, or hides
// the error of a statement, gets an error, and its event does not count as
// applied. Whatever such a function has committed stays committed, and happens
// again with the next delivery.
//
// A delivery that waits holds a connection of the pool. Let the shop's function
// use its transaction for all access to the database: a function that needs a
// second connection from an exhausted pool waits for deliveries that wait for it.
//
// # Conflicts
//
// If the database aborts a transaction because of a deadlock or a serialization
// failure, the store runs it again after a random pause, up to five times in
// total. So the shop's function may run more than once for an event, although
// only its last run is committed. It must return the errors of its transaction.
// In [Store.Join] the transaction is the caller's, and nothing is run again.
//
// # Connections
//
// Two round trips are what pgx needs once a connection knows the statements. The
// first use of a connection prepares them. All of pgx's ways of executing a
// statement work, except that PgBouncer needs default_query_exec_mode to be
// cache_describe, exec or simple_protocol unless it supports prepared
// statements. Transactions are read committed, whatever the database's default.
//
// If the context ends while the database works on a statement, pgx closes the
// connection. A connection with an open transaction never returns to the pool.
package pgxstore
