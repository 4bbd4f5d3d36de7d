package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jovepay/jovepay-go/orders"
)

const (
	writeOrder = `UPDATE jovepay_orders SET state = ?, due = ?, doc = ?, version = version + 1 WHERE account = ? AND id = ?`

	// On PostgreSQL, a transaction that has read before it waited for the order's
	// lock, at repeatable read, notices what it has missed only in the order's
	// row. So every change writes that row.
	touchOrder = `UPDATE jovepay_orders SET version = version WHERE account = ? AND id = ?`

	writeParts  = `INSERT INTO jovepay_order_parts (account, order_id, kind, id, open, at, doc) VALUES (?, ?, ?, ?, ?, ?, ?)`
	replacePart = `ON CONFLICT (account, order_id, kind, id) DO UPDATE SET open = excluded.open, at = excluded.at, doc = excluded.doc`

	// MySQL also comes here when another order has the part's sole_id. Then the
	// value 2 breaks a constraint of the table.
	replacePartMySQL = `ON DUPLICATE KEY UPDATE open = IF(order_id = VALUES(order_id), VALUES(open), 2), at = VALUES(at), doc = VALUES(doc)`

	writeLines = `INSERT INTO jovepay_ledger (account, at, order_id, payment_id, coin, bucket, amount, doc) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
	writeNotes = `INSERT INTO jovepay_order_history (account, order_id, at, doc) VALUES (?, ?, ?, ?)`

	// maxRows limits a statement to far fewer placeholders than any database has.
	maxRows = 500
)

// write writes a change of a locked order.
func (s *Store) write(ctx context.Context, tx *sql.Tx, orderID string, c *orders.Change) error {
	if err := s.writeOrder(ctx, tx, orderID, c.Order); err != nil {
		return fmt.Errorf("sqlstore: write order: %w", err)
	}
	err := s.insert(ctx, tx, writeParts, replacePart, rows(latest(c.Parts), func(p orders.Part) []any {
		return []any{s.account, orderID, string(p.Kind), p.ID, p.Open, p.At.UnixMicro(), string(p.Doc)}
	}))
	if err != nil {
		return fmt.Errorf("sqlstore: write parts: %w", err)
	}
	err = s.insert(ctx, tx, writeLines, "", rows(c.Lines, func(l orders.LineRow) []any {
		return []any{
			s.account, l.At.UnixMicro(), orderID, string(l.PaymentID), l.Coin, string(l.Bucket), l.Amount.String(), string(l.Doc),
		}
	}))
	if err != nil {
		return fmt.Errorf("sqlstore: write lines: %w", err)
	}
	err = s.insert(ctx, tx, writeNotes, "", rows(c.Notes, func(n orders.Note) []any {
		return []any{s.account, orderID, n.At.UnixMicro(), string(n.Doc)}
	}))
	if err != nil {
		return fmt.Errorf("sqlstore: write notes: %w", err)
	}
	return nil
}

func (s *Store) writeOrder(ctx context.Context, tx *sql.Tx, orderID string, o *orders.OrderRow) error {
	if o == nil {
		if s.dialect != PostgreSQL {
			return nil
		}
		_, err := s.exec(ctx, tx, s.statements.translate(touchOrder), s.account, orderID)
		return err
	}
	result, err := s.exec(ctx, tx, s.statements.translate(writeOrder), o.State, optionalMicros(o.Due), string(o.Doc), s.account, orderID)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return errors.Join(err, fmt.Errorf("%d rows were changed", n))
	}
	return nil
}

// optionalMicros returns NULL for the zero time.
func optionalMicros(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixMicro(), Valid: !t.IsZero()}
}

// latest returns the last of those parts that have the same kind and id.
func latest(parts []orders.Part) []orders.Part {
	var kept []orders.Part
	for _, p := range slices.Backward(parts) {
		same := func(k orders.Part) bool { return k.Kind == p.Kind && k.ID == p.ID }
		if !slices.ContainsFunc(kept, same) {
			kept = append(kept, p)
		}
	}
	slices.Reverse(kept)
	return kept
}

// rows returns the arguments for each of all.
func rows[T any](all []T, row func(T) []any) [][]any {
	args := make([][]any, len(all))
	for i, one := range all {
		args[i] = row(one)
	}
	return args
}

// insert inserts rows with a statement for one row, which it extends.
func (s *Store) insert(ctx context.Context, tx *sql.Tx, statement, conflict string, rows [][]any) error {
	for some := range slices.Chunk(rows, maxRows) {
		if _, err := s.exec(ctx, tx, s.statements.translate(insertStatement(statement, conflict, len(some))), slices.Concat(some...)...); err != nil {
			return err
		}
	}
	return nil
}

func insertStatement(statement, conflict string, rows int) string {
	_, row, _ := strings.Cut(statement, "VALUES ")
	return statement + strings.Repeat(", "+row, rows-1) + "\n" + conflict
}
