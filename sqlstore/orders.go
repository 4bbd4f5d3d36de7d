package sqlstore

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/orders"
)

// Update implements [orders.Store]. The package comment says when work may be
// called more than once, and what it must not do.
func (s *Store) Update(ctx context.Context, scope orders.Scope, work orders.Work[*sql.Tx]) error {
	if err := s.prepare(ctx, s.statements.update...); err != nil {
		return err
	}
	options := s.txOptions
	if s.dialect == MySQL && options.Isolation == sql.LevelDefault {
		// Higher levels lock the gaps between orders, so that different orders
		// wait for each other.
		options.Isolation = sql.LevelReadCommitted
	}
	return retry(ctx, maxOrderAttempts, s.dialect.isConflict, func() error {
		return s.transact(ctx, &options, func(tx *sql.Tx) (commit bool, err error) {
			var c *claim
			var outcome inbox.Outcome
			if scope.Entry != (inbox.Entry{}) {
				if c, outcome, err = s.claim(ctx, tx, scope.Entry); err != nil {
					return false, err
				}
			}
			return true, s.update(ctx, tx, scope, work, c, outcome)
		})
	})
}

// Join implements [orders.Store].
func (s *Store) Join(ctx context.Context, tx *sql.Tx, scope orders.Scope, work orders.Work[*sql.Tx]) error {
	return s.update(ctx, tx, scope, work, nil, "")
}

// update is what Update does between the claim of its event, if there is one, and
// the commit.
//
// It writes after it has made sure that work has not ended the transaction, in
// which case the change would be committed without what it was based on.
func (s *Store) update(
	ctx context.Context, tx *sql.Tx, scope orders.Scope, work orders.Work[*sql.Tx], c *claim, outcome inbox.Outcome,
) error {
	if err := s.lock(ctx, tx, scope); err != nil {
		return err
	}
	record, transaction, err := s.load(ctx, s.inside(tx), scope, true)
	if err != nil {
		return err
	}
	record.Outcome = outcome
	missing := record.Order == nil
	isOpen := c.complete
	if c == nil {
		if isOpen, err = s.watch(ctx, tx, transaction); err != nil {
			return err
		}
	}
	change, err := work(ctx, tx, record)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := isOpen(ctx, tx); err != nil {
		return err
	}
	switch {
	case isEmpty(change):
		return nil
	case missing:
		return fmt.Errorf("sqlstore: change of order %q, which does not exist", scope.OrderID)
	}
	return s.write(ctx, tx, scope.OrderID, change)
}

// isEmpty reports whether c changes nothing.
func isEmpty(c *orders.Change) bool {
	return c == nil || c.Order == nil && len(c.Parts) == 0 && len(c.Lines) == 0 && len(c.Notes) == 0
}
