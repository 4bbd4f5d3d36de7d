package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"sync/atomic"
	"time"

	"github.com/jovepay/jovepay-go/inbox"
)

// Store is an [inbox.Store] in a table of a database. It is safe for concurrent
// use, by any number of processes on one database. Make one with [New].
type Store struct {
	db         *sql.DB
	dialect    Dialect
	table      string
	txOptions  sql.TxOptions
	statements statements
	prepared   atomic.Pointer[prepared]
	turn       chan struct{} // full while a transaction writes to SQLite; nil for other databases
}

// Option configures a [Store]. One that is nil changes nothing.
type Option func(*Store) error

var tableName = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]{0,62}\.)?[A-Za-z_][A-Za-z0-9_]{0,62}$`)

// WithTable keeps the records in the given table, optionally qualified with a
// schema, as in shop.events. The default is jovepay_inbox. The name is not
// quoted, so it must not be a reserved word. If several shops, or several
// JovePay accounts, share a database, give each its own table.
func WithTable(name string) Option {
	return func(s *Store) error {
		if !tableName.MatchString(name) {
			return fmt.Errorf("sqlstore: table %q: want letters, digits and underscores", name)
		}
		s.table = name
		return nil
	}
}

// WithTxOptions begins transactions with the given options, for shops whose own
// work needs an isolation level other than the database's default. The records
// are correct at every level.
func WithTxOptions(o sql.TxOptions) Option {
	return func(s *Store) error {
		if o.ReadOnly {
			return errors.New("sqlstore: want transactions that can write, got ReadOnly")
		}
		s.txOptions = o
		return nil
	}
}

// New returns a store in db, which it does not close. The table must exist: see
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
	if s.statements, err = dialect.statements(s.table); err != nil {
		return nil, err
	}
	if dialect == SQLite {
		s.turn = make(chan struct{}, 1)
	}
	return s, nil
}

// Schema returns the SQL statement that creates the table unless it exists, for
// a migration tool or for a person to run.
func (s *Store) Schema() string { return s.statements.schema }

// Migrate runs [Store.Schema]. Every replica can call it at every start. If the
// program may not create tables, run the statement by hand instead.
func (s *Store) Migrate(ctx context.Context) error {
	err := retry(ctx, s.dialect.isCreateConflict, func() error {
		_, err := s.db.ExecContext(ctx, s.statements.schema)
		return err
	})
	if err != nil {
		return fmt.Errorf("sqlstore: create table %s: %w", s.table, err)
	}
	return nil
}

// Apply implements [inbox.Store]. The package comment says when apply may be
// called more than once, and what it must not do.
func (s *Store) Apply(ctx context.Context, e inbox.Entry, apply func(context.Context, *sql.Tx) error) (outcome inbox.Outcome, err error) {
	if err := s.prepare(ctx); err != nil {
		return "", err
	}
	var c *claim
	err = retry(ctx, s.dialect.isConflict, func() error {
		return s.transact(ctx, &s.txOptions, func(tx *sql.Tx) (commit bool, err error) {
			if c, outcome, err = s.claim(ctx, tx, e); c == nil {
				return false, err
			}
			if err := apply(ctx, tx); err != nil {
				return false, err
			}
			if err := ctx.Err(); err != nil {
				return false, err
			}
			return true, c.complete(ctx, tx)
		})
	})
	switch {
	case errors.Is(err, errTxEnded) && errors.Is(err, sql.ErrTxDone):
		return "", errors.Join(err, c.completeLate(ctx))
	case err != nil:
		return "", err
	}
	return outcome, nil
}

// judge compares e with the row of its subject, if there is one.
func judge(row *sql.Row, e inbox.Entry) (inbox.Outcome, error) {
	var last inbox.Entry
	if err := row.Scan(&last.Key, &last.Position); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", err
	}
	return e.Against(last), nil
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

// read reads a committed row, outside the transactions of Apply and without
// waiting for them. On MySQL it uses a separate transaction: with
// autocommit = 0, the connection would otherwise keep one open, and keep reading
// from its old snapshot.
func (s *Store) read(ctx context.Context, scan func(*sql.Row) error, query string, args ...any) error {
	if s.dialect != MySQL {
		return scan(s.db.QueryRowContext(ctx, query, args...))
	}
	tx, release, err := s.begin(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return err
	}
	defer release()
	defer func() { _ = tx.Rollback() }() // nothing was written
	return scan(tx.QueryRowContext(ctx, query, args...))
}

// Lookup implements [inbox.Store].
func (s *Store) Lookup(ctx context.Context, e inbox.Entry) (outcome inbox.Outcome, err error) {
	err = s.read(ctx, func(row *sql.Row) (err error) {
		outcome, err = judge(row, e)
		return err
	}, s.statements.last, e.Subject)
	if err != nil {
		return "", fmt.Errorf("sqlstore: look up: %w", err)
	}
	return outcome, nil
}

// afterAll sorts after all subjects, which are visible ASCII.
const afterAll = "\x7f"

// Prune implements [inbox.Store]. It works in many short transactions; those
// committed before an error stay committed. The time is compared with the
// database's clock.
func (s *Store) Prune(ctx context.Context, before time.Time) (int64, error) {
	var total int64
	limit := before.UTC().Format("2006-01-02 15:04:05.000000")
	for from := ""; from != afterAll; {
		to := afterAll
		err := s.read(ctx, func(row *sql.Row) error { return row.Scan(&to) }, s.statements.rangeEnd, from)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return total, fmt.Errorf("sqlstore: prune: %w", err)
		}
		n, err := s.pruneRange(ctx, from, to, limit)
		if err != nil {
			return total, err
		}
		total, from = total+n, to
	}
	return total, nil
}

// pruneRange prunes the subjects after from, up to and including to. Read
// committed keeps MySQL from locking the gaps between rows, into which
// deliveries insert.
func (s *Store) pruneRange(ctx context.Context, from, to, limit string) (n int64, err error) {
	err = retry(ctx, s.dialect.isConflict, func() error {
		return s.transact(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted}, func(tx *sql.Tx) (commit bool, err error) {
			result, err := tx.ExecContext(ctx, s.statements.prune, from, to, limit)
			if err != nil {
				return false, fmt.Errorf("sqlstore: prune: %w", err)
			}
			n, err = result.RowsAffected()
			return true, err
		})
	})
	return n, err
}
