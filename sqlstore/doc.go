// Package sqlstore keeps the records of an [inbox.Inbox] in PostgreSQL,
// MariaDB, MySQL or SQLite, in the same transaction as the shop's own writes.
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
// There is one table with one row for each payment: the newest event that was
// applied to it. A transaction begins by claiming that row with one statement,
// which decides by itself whether the event is new, and makes other deliveries
// for the same payment wait for the row's lock until the transaction has ended.
// Then comes the shop's work, then the record is completed, then the commit.
// Events of different payments do not wait for each other.
//
// A record can only be completed in the transaction that made its claim. So a
// function that ends its transaction gets an error, and the event does not count
// as applied: by COMMIT or ROLLBACK, by a statement that commits implicitly, as
// DDL does on MariaDB and MySQL, or by hiding the error of a statement after
// which the database rolls back. What such a function has committed stays, and
// happens again with the next delivery.
//
// A delivery that waits holds a connection of the pool, so bound the pool with
// [sql.DB.SetMaxOpenConns], and let the shop's function use its transaction for
// all access to the database: in a pool that is used up, it would wait for those
// that wait for it.
//
// # Conflicts
//
// A transaction that the database gives up for a deadlock, a serialization
// failure or a busy SQLite file is run again, up to five times in all, after a
// random wait. So the shop's function may run more than once for an event,
// while only the last run is committed. It must return the errors of its
// transaction.
//
// # SQLite
//
// One transaction writes at a time. A store lets its own take turns in the
// order in which they came, since SQLite's way of waiting, trying again after a
// pause, lets some starve; use one [Store] for all of a program. Other writers,
// in this program or another, are waited for as long as busy_timeout says. For
// modernc.org/sqlite:
//
//	file:shop.db?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_txlock=immediate
//
// Leave the pragma synchronous at FULL, its default: with NORMAL, a power
// failure can take back what JovePay was told is done.
package sqlstore
