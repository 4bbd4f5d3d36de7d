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
	result, err := s.exec(ctx, tx, s.statements.claim, e.Subject, c.token, e.Position)
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
	if s.statements.savepoint {
		if _, err := tx.ExecContext(ctx, "SAVEPOINT "+c.token); err != nil {
			return nil, "", fmt.Errorf("sqlstore: claim: %w", err)
		}
	}
	return c, inbox.Applied, nil
}

// rejection returns why e could not be claimed.
func (s *Store) rejection(ctx context.Context, tx *sql.Tx, e inbox.Entry) (inbox.Outcome, error) {
	outcome, err := judge(tx.QueryRowContext(ctx, s.statements.last, e.Subject), e)
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
	if c.store.statements.savepoint {
		if _, err := tx.ExecContext(ctx, "RELEASE SAVEPOINT "+c.token); err != nil {
			return c.incomplete(err)
		}
	}
	result, err := c.store.exec(ctx, tx, c.store.statements.complete, c.entry.Key, c.entry.Position, c.entry.Subject, c.token)
	if err != nil {
		return c.incomplete(err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return c.incomplete(cmp.Or(err, errTxEnded))
	}
	return nil
}

func (c *claim) incomplete(err error) error {
	if c.store.dialect.isTxEnd(err) {
		err = fmt.Errorf("%w: %w", errTxEnded, err)
	}
	return fmt.Errorf("sqlstore: commit: %w", err)
}

// completeLate completes the claim of a function that called Commit on its
// transaction, so that the event is not applied again. If the function called
// Rollback, there is no claim to complete.
func (c *claim) completeLate(ctx context.Context) error {
	return c.store.transact(ctx, nil, func(tx *sql.Tx) (commit bool, err error) {
		_, err = tx.ExecContext(ctx, c.store.statements.completeLate, c.entry.Key, c.entry.Position, c.entry.Subject, c.token)
		return true, err
	})
}
