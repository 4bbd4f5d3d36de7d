package sqlstore

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jovepay/jovepay-go/inbox"
)

// errTxEnded means that a function ended the transaction it was given.
var errTxEnded = errors.New("the transaction ended inside the function: by a commit or rollback, " +
	"by a statement that commits implicitly, such as DDL, or by an error that the function did not return")

// claim is an event's right to be applied in a transaction. Until the claim is
// completed, the event does not count as applied, whatever is committed in the
// meantime. Only the transaction that made the claim can complete it.
type claim struct {
	store *Store
	entry inbox.Entry
	token string // also names the savepoint; random, so a function cannot set it again
}

// claim claims e in tx, unless an event at least as new was already applied. In
// that case there is no claim, and the outcome says why.
func (s *Store) claim(ctx context.Context, tx *sql.Tx, e inbox.Entry) (*claim, inbox.Outcome, error) {
	c := &claim{store: s, entry: e, token: "claim_" + rand.Text()}
	result, err := s.exec(ctx, tx, s.statements.claim, s.subject(e), c.token, e.Position)
	if err != nil {
		return nil, "", fmt.Errorf("sqlstore: claim: %w", err)
	}
	newer, err := s.statements.isNewer(result)
	if err != nil {
		return nil, "", fmt.Errorf("sqlstore: claim: %w", err)
	}
	if !newer {
		outcome, err := s.rejection(ctx, tx, e)
		return nil, outcome, err
	}
	if err := s.savepoint(ctx, tx, c.token); err != nil {
		return nil, "", err
	}
	return c, inbox.Applied, nil
}

// rejection returns why e could not be claimed.
func (s *Store) rejection(ctx context.Context, tx *sql.Tx, e inbox.Entry) (inbox.Outcome, error) {
	outcome, err := judge(tx.QueryRowContext(ctx, s.statements.last, s.subject(e)), e)
	switch {
	case err != nil:
		return "", fmt.Errorf("sqlstore: look up: %w", err)
	case outcome == inbox.Pending:
		return "", fmt.Errorf("sqlstore: table %s does not accept records", s.table)
	}
	return outcome, nil
}

// complete records that the event was applied. It fails if tx is no longer in
// the transaction of the claim.
func (c *claim) complete(ctx context.Context, tx *sql.Tx) error {
	if err := c.store.release(ctx, tx, c.token); err != nil {
		return err
	}
	result, err := c.store.exec(ctx, tx, c.store.statements.complete, c.entry.Key, c.entry.Position, c.store.subject(c.entry), c.token)
	if err != nil {
		return c.store.ended(err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return c.store.ended(cmp.Or(err, errTxEnded))
	}
	return nil
}

// completeLate completes the claim of a function that called Commit on its
// transaction, so that the event is not applied again. If the function called
// Rollback, there is no claim to complete.
func (c *claim) completeLate(ctx context.Context) error {
	return c.store.transact(ctx, nil, func(tx *sql.Tx) (commit bool, err error) {
		_, err = tx.ExecContext(ctx, c.store.statements.completeLate, c.entry.Key, c.entry.Position, c.store.subject(c.entry), c.token)
		return true, err
	})
}

// watch returns a function that fails if tx is no longer in the transaction that
// it is in now. On PostgreSQL, that is the transaction with the given id.
func (s *Store) watch(ctx context.Context, tx *sql.Tx, transaction string) (check func(context.Context, *sql.Tx) error, err error) {
	if s.statements.savepoint {
		token := "watch_" + rand.Text()
		return func(ctx context.Context, tx *sql.Tx) error { return s.release(ctx, tx, token) }, s.savepoint(ctx, tx, token)
	}
	return func(ctx context.Context, tx *sql.Tx) error {
		var same bool
		err := tx.QueryRowContext(ctx, s.statements.translate(sameTransaction), transaction).Scan(&same)
		if err != nil || !same {
			return s.ended(cmp.Or(err, errTxEnded))
		}
		return nil
	}, nil
}

// savepoint and release prove that a transaction is still open, except on
// PostgreSQL, which has better proof.

func (s *Store) savepoint(ctx context.Context, tx *sql.Tx, name string) error {
	if !s.statements.savepoint {
		return nil
	}
	if _, err := tx.ExecContext(ctx, "SAVEPOINT "+name); err != nil {
		return fmt.Errorf("sqlstore: set savepoint: %w", err)
	}
	return nil
}

func (s *Store) release(ctx context.Context, tx *sql.Tx, name string) error {
	if !s.statements.savepoint {
		return nil
	}
	if _, err := tx.ExecContext(ctx, "RELEASE SAVEPOINT "+name); err != nil {
		return s.ended(err)
	}
	return nil
}

// ended returns the error of a transaction that cannot be committed.
func (s *Store) ended(err error) error {
	if s.dialect.isTxEnd(err) {
		err = fmt.Errorf("%w: %w", errTxEnded, err)
	}
	return fmt.Errorf("sqlstore: commit: %w", err)
}
