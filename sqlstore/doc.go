// Package sqlstore keeps the records of an [inbox.Inbox] and the orders of an
// [orders.Book] in PostgreSQL, MariaDB, MySQL or SQLite, in the same transaction
// as the shop's own writes.
//
//	db, err := sql.Open("pgx", address)
//	...
//	store, err := sqlstore.New(db, sqlstore.PostgreSQL)
//	...
//	err = store.Migrate(ctx)
//	...
//	box := inbox.New(store)
//
// It imports no driver, and its module requires none. The module test/stores
// tests it with github.com/jackc/pgx/v5/stdlib, github.com/go-sql-driver/mysql
// and modernc.org/sqlite.
//
// # How it works
//
// The table of the inbox has one row for each payment: the newest event applied to
// it. A transaction first claims that row with a single statement. The statement
// decides whether the event is new, and makes other deliveries for the same
// payment wait for the row's lock until the transaction ends. Then the shop's
// function runs, the record is completed, and the transaction commits. Events of
// different payments do not wait for each other.
//
// A transaction about an order then locks the order's row, loads the order with
// one statement, and writes what has changed with one statement for each table.
// Different orders do not wait for each other.
//
// A record can only be completed in the transaction that made its claim. So a
// function that ends its transaction gets an error, and the event does not count
// as applied. Functions end a transaction with COMMIT or ROLLBACK, with a
// statement that commits implicitly, as DDL does on MariaDB and MySQL, or by
// hiding the error of a statement after which the database rolls back. The
// change of an order is not written either. Whatever such a function has committed
// stays committed, and happens again with the next delivery.
//
// A delivery that waits holds a connection of the pool. Limit the pool with
// [sql.DB.SetMaxOpenConns], and let the shop's function use its transaction for
// all access to the database: a function that needs a second connection from an
// exhausted pool waits for deliveries that wait for it.
//
// # Conflicts
//
// If the database aborts a transaction because of a deadlock, a serialization
// failure or a busy SQLite file, the store runs it again after a random pause,
// up to five times in total, or 25 times if it is about an order. So the shop's
// function may run more than once for an event, although only its last run is
// committed. It must return the errors of its transaction.
//
// # SQLite
//
// SQLite has one writer at a time. A store's transactions take turns in the
// order in which they arrive, because SQLite's own way of waiting, a retry after
// a pause, lets some of them starve. Use one [Store] for the whole program. It
// waits for other writers, in this program or another, for as long as
// busy_timeout says. For modernc.org/sqlite:
//
//	file:shop.db?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_txlock=immediate
//
// Leave the pragma synchronous at FULL, its default: with NORMAL, a power
// failure can undo work that was acknowledged to JovePay.
package sqlstore
