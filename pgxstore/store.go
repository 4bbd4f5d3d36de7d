package pgxstore

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/orders"
)

// Store is an [orders.Store] and an [inbox.Store] in PostgreSQL. It is safe for
// concurrent use, by any number of processes on one database. Make one with
// [New].
type Store struct {
	pool       *pgxpool.Pool
	account    string
	table      string // of the inbox
	names      *strings.Replacer
	migrations []Migration
	texts      sync.Map // the statements, by those with the default names
}

var (
	_ inbox.Store[pgx.Tx]  = (*Store)(nil)
	_ orders.Store[pgx.Tx] = (*Store)(nil)
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
			return fmt.Errorf("pgxstore: table %q: want at most 40 letters, digits and underscores", name)
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
			return fmt.Errorf("pgxstore: account %q: want 1 to 64 of A-Z a-z 0-9 _ . -", name)
		}
		s.account = name
		return nil
	}
}

// New returns a store in pool, which it does not close. The tables must exist:
// see [Store.Migrate].
func New(pool *pgxpool.Pool, opts ...Option) (*Store, error) {
	if pool == nil {
		return nil, errors.New("pgxstore: pool is nil")
	}
	s := &Store{pool: pool, table: defaultTable}
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(s); err != nil {
			return nil, err
		}
	}
	s.names = tableNames(s.table)
	var err error
	if s.migrations, err = readMigrations(s.names); err != nil {
		return nil, err
	}
	return s, nil
}

// subject returns what the record of an entry is stored under.
func (s *Store) subject(e inbox.Entry) string {
	if s.account == "" {
		return e.Subject
	}
	return s.account + "/" + e.Subject
}

// Acquire implements [orders.Store].
func (s *Store) Acquire(ctx context.Context, lease, holder string, d time.Duration) (bool, error) {
	var tag pgconn.CommandTag
	err := retry(ctx, func() (err error) {
		tag, err = s.pool.Exec(ctx, s.sql(acquireLease), s.account, lease, holder, d.Microseconds())
		return err
	}, serializationFailure, deadlockDetected)
	if err != nil {
		return false, fmt.Errorf("pgxstore: acquire: %w", err)
	}
	return tag.RowsAffected() > 0, nil
}

// Check implements [orders.Store]. Commits are lost if fsync, full_page_writes or
// synchronous_commit is off. It reads the settings of one connection, and knows
// nothing of replicas, file systems and disks.
func (s *Store) Check(ctx context.Context) error {
	rows, err := s.pool.Query(ctx, s.sql(selectUnsafe))
	if err != nil {
		return fmt.Errorf("pgxstore: check: %w", err)
	}
	off, err := pgx.CollectRows(rows, pgx.RowTo[string])
	switch {
	case err != nil:
		return fmt.Errorf("pgxstore: check: %w", err)
	case len(off) > 0:
		return fmt.Errorf("pgxstore: %w: %s = off", orders.ErrLosesCommits, strings.Join(off, ", "))
	}
	return nil
}
