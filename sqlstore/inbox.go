package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jovepay/jovepay-go/inbox"
)

// Apply implements [inbox.Store]. The package comment says when apply may be
// called more than once, and what it must not do.
func (s *Store) Apply(ctx context.Context, e inbox.Entry, apply func(context.Context, *sql.Tx) error) (outcome inbox.Outcome, err error) {
	if err := s.prepare(ctx, s.statements.claim, s.statements.complete); err != nil {
		return "", err
	}
	var c *claim
	err = retry(ctx, maxAttempts, s.dialect.isConflict, func() error {
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

// Lookup implements [inbox.Store].
func (s *Store) Lookup(ctx context.Context, e inbox.Entry) (outcome inbox.Outcome, err error) {
	err = s.read(ctx, func(db querier) (err error) {
		outcome, err = judge(db.QueryRowContext(ctx, s.statements.last, s.subject(e)), e)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("sqlstore: look up: %w", err)
	}
	return outcome, nil
}

// subject returns the subject of e with the account. It cannot be that of another
// account: a subject has a colon before any slash, and an account has neither.
func (s *Store) subject(e inbox.Entry) string {
	if s.account == "" {
		return e.Subject
	}
	return s.account + "/" + e.Subject
}

// Prune implements [inbox.Store]. It works in many short transactions; those
// committed before an error stay committed. The time is compared with the
// database's clock.
func (s *Store) Prune(ctx context.Context, before time.Time) (int64, error) {
	var total int64
	limit := before.UTC().Format("2006-01-02 15:04:05.000000")
	from, end := s.subject(inbox.Entry{}), s.subject(inbox.Entry{Subject: "\x7f"}) // subjects are visible ASCII
	for from != end {
		to := end
		err := s.read(ctx, func(db querier) error {
			return db.QueryRowContext(ctx, s.statements.rangeEnd, from, end).Scan(&to)
		})
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
	err = retry(ctx, maxAttempts, s.dialect.isConflict, func() error {
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
