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
	pool    *pgxpool.Pool
	account string
	table   string // of the inbox
	names   *strings.Replacer
	texts   sync.Map // the statements, by those with the default names
}

var (
	_ inbox.Store[pgx.Tx]  = (*Store)(nil)
	_ orders.Store[pgx.Tx] = (*Store)(nil)
)

// Option configures a [Store]. One that is nil changes nothing.
type Option func(*Store) error

const identifier = `[A-Za-z_][A-Za-z0-9_]{0,62}`

var (
	tableName   = regexp.MustCompile(`^(` + identifier + `\.)?` + identifier + `$`)
	accountName = regexp.MustCompile(`^[!-~]{1,64}$`)
)

// WithAccount separates the orders and events of a JovePay account from those
// of other accounts in the same tables. The name is yours to choose: 1 to 64
// characters of visible ASCII. The default is the account without a name.
func WithAccount(name string) Option {
	return func(s *Store) error {
		if !accountName.MatchString(name) {
			return fmt.Errorf("pgxstore: account %q: want 1 to 64 characters of visible ASCII", name)
		}
		s.account = name
		return nil
	}
}

// WithTable keeps the records of the inbox in the given table, optionally
// qualified with a schema, as in shop.events. The default is jovepay_inbox. The
// name is not quoted, so it must not be a reserved word.
func WithTable(name string) Option {
	return func(s *Store) error {
		if !tableName.MatchString(name) {
			return fmt.Errorf("pgxstore: table %q: want letters, digits and underscores", name)
		}
		s.table = name
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

// Check implements [orders.Store]: it wraps [orders.ErrLosesCommits] if fsync or
// full_page_writes is off, or synchronous_commit is off for the pool's
// connections.
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
		return fmt.Errorf("%w: off: %s", orders.ErrLosesCommits, strings.Join(off, ", "))
	}
	return nil
}
