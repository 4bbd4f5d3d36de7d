package pgxstore

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// errNotYours is the error of Commit and Rollback in a transaction that the
// store commits or rolls back.
var errNotYours = errors.New("pgxstore: the store ends this transaction: return nil to commit it, or an error to roll it back")

// hookTx is the transaction that a function works in. It is closed when the
// function returns, together with its savepoints. Until then everything goes
// through, except Commit and Rollback.
type hookTx struct {
	pgx.Tx
	closed    *atomic.Bool
	savepoint bool // Begin returned it
}

func newHookTx(tx pgx.Tx) *hookTx { return &hookTx{Tx: tx, closed: new(atomic.Bool)} }

// close closes tx and its savepoints.
func (tx *hookTx) close() { tx.closed.Store(true) }

func (tx *hookTx) check() error {
	if tx.closed.Load() {
		return pgx.ErrTxClosed
	}
	return nil
}

// Begin implements [pgx.Tx] with a savepoint.
func (tx *hookTx) Begin(ctx context.Context) (pgx.Tx, error) {
	if err := tx.check(); err != nil {
		return nil, err
	}
	savepoint, err := tx.Tx.Begin(ctx)
	if err != nil {
		return nil, err
	}
	return &hookTx{Tx: savepoint, closed: tx.closed, savepoint: true}, nil
}

// end checks whether tx may be committed or rolled back by the function.
func (tx *hookTx) end() error {
	if err := tx.check(); err != nil {
		return err
	}
	if !tx.savepoint {
		return errNotYours
	}
	return nil
}

// Commit implements [pgx.Tx]. Only savepoints can be committed.
func (tx *hookTx) Commit(ctx context.Context) error {
	if err := tx.end(); err != nil {
		return err
	}
	return tx.Tx.Commit(ctx)
}

// Rollback implements [pgx.Tx]. Only savepoints can be rolled back.
func (tx *hookTx) Rollback(ctx context.Context) error {
	if err := tx.end(); err != nil {
		return err
	}
	return tx.Tx.Rollback(ctx)
}

// CopyFrom implements [pgx.Tx].
func (tx *hookTx) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, rows pgx.CopyFromSource) (int64, error) {
	if err := tx.check(); err != nil {
		return 0, err
	}
	return tx.Tx.CopyFrom(ctx, table, columns, rows)
}

// SendBatch implements [pgx.Tx].
func (tx *hookTx) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	if err := tx.check(); err != nil {
		return pgx.FailedBatchResults(b, err)
	}
	return tx.Tx.SendBatch(ctx, b)
}

// Prepare implements [pgx.Tx].
func (tx *hookTx) Prepare(ctx context.Context, name, query string) (*pgconn.StatementDescription, error) {
	if err := tx.check(); err != nil {
		return nil, err
	}
	return tx.Tx.Prepare(ctx, name, query)
}

// Exec implements [pgx.Tx].
func (tx *hookTx) Exec(ctx context.Context, query string, args ...any) (pgconn.CommandTag, error) {
	if err := tx.check(); err != nil {
		return pgconn.CommandTag{}, err
	}
	return tx.Tx.Exec(ctx, query, args...)
}

// Query implements [pgx.Tx].
func (tx *hookTx) Query(ctx context.Context, query string, args ...any) (pgx.Rows, error) {
	if err := tx.check(); err != nil {
		return pgx.FailedBatchResults(&pgx.Batch{}, err).Query()
	}
	return tx.Tx.Query(ctx, query, args...)
}

// QueryRow implements [pgx.Tx].
func (tx *hookTx) QueryRow(ctx context.Context, query string, args ...any) pgx.Row {
	if err := tx.check(); err != nil {
		return pgx.FailedBatchResults(&pgx.Batch{}, err).QueryRow()
	}
	return tx.Tx.QueryRow(ctx, query, args...)
}
