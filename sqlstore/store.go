package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"sync"

	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/orders"
)

// Store is an [inbox.Store] and an [orders.Store] in tables of a database. It is
// safe for concurrent use, by any number of processes on one database. Make one
// with [New].
type Store struct {
	db         *sql.DB
	dialect    Dialect
	account    string
	table      string
	txOptions  sql.TxOptions
	statements statements
	migrations []Migration
	prepared   sync.Map      // from the text of a statement to its *sql.Stmt
	turn       chan struct{} // full while a transaction writes to SQLite; nil for other databases
}

var (
	_ inbox.Store[*sql.Tx]  = (*Store)(nil)
	_ orders.Store[*sql.Tx] = (*Store)(nil)
)

// Option configures a [Store]. One that is nil changes nothing.
type Option func(*Store) error

var (
	tableName   = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]{0,62}\.)?[A-Za-z_][A-Za-z0-9_]{0,39}$`)
	accountName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)
)

// WithTable keeps the records of the inbox in the given table, optionally
// qualified with a schema, as in shop.events. The default is jovepay_inbox. The
// other tables stand beside it and begin with its name, without an _inbox at the
// end: shop.events_orders, or jovepay_orders. The name has at most 40 letters,
// digits and underscores, and is not quoted, so it must not be a reserved word.
func WithTable(name string) Option {
	return func(s *Store) error {
		if !tableName.MatchString(name) {
			return fmt.Errorf("sqlstore: table %q: want at most 40 letters, digits and underscores", name)
		}
		s.table = name
		return nil
	}
}

// WithAccount separates JovePay accounts that share a database: a store with one
// account sees nothing of another. The name has at most 64 of the characters
// A-Z a-z 0-9 _ . and -. Stores without this option share the account without a
// name.
func WithAccount(name string) Option {
	return func(s *Store) error {
		if !accountName.MatchString(name) {
			return fmt.Errorf("sqlstore: account %q: want 1 to 64 of A-Z a-z 0-9 _ . -", name)
		}
		s.account = name
		return nil
	}
}

// WithTxOptions begins transactions with the given options, for shops whose own
// work needs an isolation level other than the default: that of the database, but
// for [Store.Update] on MySQL, where it is read committed. The records are correct
// at every level.
func WithTxOptions(o sql.TxOptions) Option {
	return func(s *Store) error {
		if o.ReadOnly {
			return errors.New("sqlstore: want transactions that can write, got ReadOnly")
		}
		s.txOptions = o
		return nil
	}
}

// New returns a store in db, which it does not close. The tables must exist: see
// [Store.Migrate].
func New(db *sql.DB, dialect Dialect, opts ...Option) (*Store, error) {
	if db == nil {
		return nil, errors.New("sqlstore: db is nil")
	}
	s := &Store{db: db, dialect: dialect, table: defaultTable}
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(s); err != nil {
			return nil, err
		}
	}
	var err error
	if s.statements, err = dialect.statements(s.table, s.account); err != nil {
		return nil, err
	}
	if s.migrations, err = dialect.readMigrations(s.statements.translate); err != nil {
		return nil, err
	}
	if dialect == SQLite {
		s.turn = make(chan struct{}, 1)
	}
	return s, nil
}

// transact calls work in a transaction, and commits if work says so and ctx has
// not ended. In any other case, including a panic, it rolls back.
func (s *Store) transact(ctx context.Context, o *sql.TxOptions, work func(*sql.Tx) (commit bool, err error)) error {
	if s.turn != nil {
		select {
		case s.turn <- struct{}{}:
			defer func() { <-s.turn }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	tx, release, err := s.begin(ctx, o)
	if err != nil {
		return fmt.Errorf("sqlstore: begin: %w", err)
	}
	defer release()
	// After a commit this does nothing. If it fails, the connection is lost, and
	// the database rolls back by itself.
	defer func() { _ = tx.Rollback() }()
	commit, err := work(tx)
	if err != nil || !commit {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("sqlstore: commit: %w", err)
	}
	return nil
}

// begin begins a transaction, and returns a function that releases its
// connection.
//
// With autocommit = 0, a statement outside a transaction leaves one open on a
// connection to MySQL. A new transaction commits it, but an isolation level
// cannot be set before that is done.
func (s *Store) begin(ctx context.Context, o *sql.TxOptions) (*sql.Tx, func(), error) {
	if s.dialect != MySQL || o == nil || o.Isolation == sql.LevelDefault {
		tx, err := s.db.BeginTx(ctx, o)
		return tx, func() {}, err
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return nil, nil, err
	}
	release := func() { _ = conn.Close() } // back to the pool
	if _, err := conn.ExecContext(ctx, "COMMIT"); err != nil {
		release()
		return nil, nil, err
	}
	tx, err := conn.BeginTx(ctx, o)
	if err != nil {
		release()
	}
	return tx, release, err
}

// querier is what a statement that returns rows needs.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// read calls work to read what is committed, without waiting for transactions. On
// MySQL it uses a separate transaction: with autocommit = 0, the connection would
// otherwise keep one open, and keep reading from its old snapshot.
func (s *Store) read(ctx context.Context, work func(querier) error) error {
	if s.dialect != MySQL {
		return work(s.db)
	}
	tx, release, err := s.begin(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return err
	}
	defer release()
	defer func() { _ = tx.Rollback() }() // nothing was written
	return work(tx)
}
