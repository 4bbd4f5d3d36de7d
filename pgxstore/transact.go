package pgxstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/orders"
)

// SQLSTATE codes.
const (
	divisionByZero       = "22012"
	inFailedTransaction  = "25P02"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
)

// rollbackTimeout is how long a connection may take to roll back before it is
// closed instead.
const rollbackTimeout = 5 * time.Second

// errTxEnded means that a function ended the transaction it was given.
var errTxEnded = errors.New("the transaction ended inside the function: by a commit or rollback, " +
	"or by an error that the function did not return")

// sender is a connection or a transaction.
type sender interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// Update implements [orders.Store]. The package comment says when work may be
// called more than once, and what it must not do.
func (s *Store) Update(ctx context.Context, scope orders.Scope, work orders.Work[pgx.Tx]) error {
	return retry(ctx, func() error { return s.update(ctx, scope, work) }, serializationFailure, deadlockDetected)
}

// Join implements [orders.Store]. It needs one round trip before work and one
// after it.
func (s *Store) Join(ctx context.Context, tx pgx.Tx, scope orders.Scope, work orders.Work[pgx.Tx]) error {
	scope.Entry = inbox.Entry{}
	first := &pgx.Batch{}
	l := s.queueLoad(first, scope)
	if err := tx.SendBatch(ctx, first).Close(); err != nil {
		return fmt.Errorf("pgxstore: load: %w", err)
	}
	change, err := l.call(ctx, tx, work)
	if err != nil {
		return err
	}
	return l.write(ctx, tx, change, func(*pgx.Batch) {})
}

// errUnneeded rolls back a transaction that has nothing to commit.
var errUnneeded = errors.New("pgxstore: nothing to commit")

// Apply implements [inbox.Store]. The package comment says when apply may be
// called more than once, and what it must not do.
func (s *Store) Apply(ctx context.Context, e inbox.Entry, apply func(context.Context, pgx.Tx) error) (inbox.Outcome, error) {
	var outcome inbox.Outcome
	err := s.Update(ctx, orders.Scope{Entry: e}, func(ctx context.Context, tx pgx.Tx, r *orders.Record) (*orders.Change, error) {
		if outcome = r.Outcome; outcome != inbox.Applied {
			return nil, errUnneeded
		}
		return nil, apply(ctx, tx)
	})
	if err != nil && !errors.Is(err, errUnneeded) {
		return "", err
	}
	return outcome, nil
}

// update runs work in a new transaction.
func (s *Store) update(ctx context.Context, scope orders.Scope, work orders.Work[pgx.Tx]) error {
	pooled, err := s.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("pgxstore: begin: %w", err)
	}
	defer pooled.Release() // closes the connection if its transaction is still open
	conn := pooled.Conn()
	defer rollback(ctx, conn)

	first := &pgx.Batch{}
	// What is read after the lock was waited for must be what is committed then.
	first.BeginTx(pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
	l := s.queueLoad(first, scope)
	results := conn.SendBatch(ctx, first)
	if err := results.Close(); err != nil {
		return fmt.Errorf("pgxstore: begin: %w", err)
	}
	change, err := l.call(ctx, results.Tx(), work)
	if err != nil {
		return err
	}
	return l.write(ctx, conn, change, func(b *pgx.Batch) {
		l.queueComplete(b)
		b.Queue("commit").Exec(func(tag pgconn.CommandTag) error {
			if tag.String() != "COMMIT" {
				return errTxEnded
			}
			return nil
		})
	})
}

// rollback rolls back the transaction of conn if it is still open.
func rollback(ctx context.Context, conn *pgx.Conn) {
	if conn.IsClosed() || conn.PgConn().TxStatus() == 'I' {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	_, _ = conn.Exec(ctx, "rollback") // if it fails, the connection is closed
}

// loaded is what the first batch of a transaction returns.
type loaded struct {
	store   *Store
	scope   orders.Scope
	record  orders.Record
	missing bool // there is no order
	claimed bool
	xid     string // of the transaction
}

// queueLoad queues what records the scope's entry, locks its order and loads it.
// The result is filled when the batch is closed.
func (s *Store) queueLoad(b *pgx.Batch, scope orders.Scope) *loaded {
	l := &loaded{store: s, scope: scope, record: orders.Record{Located: map[jovepay.ID]string{}}}
	subject := ""
	if scope.Entry != (inbox.Entry{}) {
		subject = s.subject(scope.Entry)
		b.Queue(s.sql(writeClaim), subject, scope.Entry.Position).Exec(func(tag pgconn.CommandTag) error {
			l.claimed = tag.RowsAffected() > 0
			return nil
		})
	}
	if scope.OrderID != "" {
		if scope.Create {
			b.Queue(s.sql(insertOrder), s.account, scope.OrderID)
		}
		s.queueOrder(b, s.sql(lockOrder), &l.record, scope.OrderID)
	}
	if len(scope.Payments) > 0 {
		s.queueLocate(b, l.record.Located, scope.Payments)
	}
	// Last, so that the clock is read after the lock was waited for.
	b.Queue(s.sql(selectState), subject).QueryRow(l.scanState)
	return l
}

// scanState scans the clock, the transaction's id, and the entry that is
// recorded for the subject.
func (l *loaded) scanState(row pgx.Row) error {
	var now int64
	var key, position *string
	if err := row.Scan(&now, &l.xid, &key, &position); err != nil {
		return err
	}
	l.record.Now = fromMicros(now)
	l.missing = l.record.Order == nil
	switch {
	case l.scope.Entry == (inbox.Entry{}):
		return nil
	case l.claimed:
		l.record.Outcome = inbox.Applied
		return nil
	}
	l.record.Outcome = l.scope.Entry.Against(entry(key, position))
	if l.record.Outcome == inbox.Pending {
		return fmt.Errorf("table %s does not accept records", l.store.table)
	}
	return nil
}

// call calls work in tx, which is closed to it afterwards.
func (l *loaded) call(ctx context.Context, tx pgx.Tx, work orders.Work[pgx.Tx]) (*orders.Change, error) {
	hook := newHookTx(tx)
	defer hook.close()
	change, err := work(ctx, hook, &l.record)
	if err == nil {
		err = ctx.Err()
	}
	return change, err
}

// write sends the writes of a change, and what end queues, in one batch. Its
// first statement fails unless it is in the transaction that l was loaded in,
// and with it everything after it, so nothing is written if work has ended the
// transaction.
func (l *loaded) write(ctx context.Context, db sender, c *orders.Change, end func(*pgx.Batch)) error {
	if l.missing && c != nil && (c.Order != nil || len(c.Parts)+len(c.Lines)+len(c.Notes) > 0) {
		return fmt.Errorf("pgxstore: write: order %q is missing", l.scope.OrderID)
	}
	b := &pgx.Batch{}
	same := false
	b.Queue(l.store.sql(checkTx), l.xid).Exec(func(pgconn.CommandTag) error {
		same = true
		return nil
	})
	l.queueChange(b, c)
	end(b)
	err := db.SendBatch(ctx, b).Close()
	if err == nil {
		return nil
	}
	if !same && hasCode(err, divisionByZero, inFailedTransaction) {
		err = fmt.Errorf("%w: %w", errTxEnded, err)
	}
	return fmt.Errorf("pgxstore: write: %w", err)
}

// queueChange queues the writes of a change.
func (l *loaded) queueChange(b *pgx.Batch, c *orders.Change) {
	if c == nil {
		return
	}
	sql, account, id := l.store.sql, l.store.account, l.scope.OrderID
	switch {
	case c.Order != nil:
		b.Queue(sql(updateOrder), account, id, c.Order.State, nullableMicros(c.Order.Due), string(c.Order.Doc))
	case len(c.Parts) > 0:
		b.Queue(sql(touchOrder), account, id)
	}
	for _, p := range c.Parts {
		b.Queue(sql(upsertPart), account, id, string(p.Kind), p.ID, p.Open, micros(p.At), string(p.Doc))
	}
	for _, row := range c.Lines {
		b.Queue(sql(insertLine), account, micros(row.At), id, string(row.PaymentID), row.Coin, string(row.Bucket), row.Amount.String(), string(row.Doc))
	}
	for _, n := range c.Notes {
		b.Queue(sql(insertNote), account, id, micros(n.At), string(n.Doc))
	}
}

// queueComplete queues what makes the claimed entry count as applied.
func (l *loaded) queueComplete(b *pgx.Batch) {
	if e := l.scope.Entry; l.claimed {
		b.Queue(l.store.sql(completeClaim), l.store.subject(e), e.Key, e.Position)
	}
}
