package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/orders"
)

const (
	unlessExists = `ON CONFLICT DO NOTHING`

	createOrder = `INSERT INTO jovepay_orders (account, id, created, version, state, doc) VALUES (?, ?, CLOCK(), 1, '', '') ` + unlessExists
	lockOrder   = `SELECT version FROM jovepay_orders WHERE account = ? AND id = ? FOR UPDATE`

	// SQLite has no locks of rows. This waits until nobody else writes, also in a
	// transaction that has only read so far.
	lockSQLite = `UPDATE jovepay_orders SET version = version WHERE account = ? AND id = ? AND false`

	// The first column says what a row is.
	loadClock   = `SELECT 'clock', '', TRANSACTION(), '', false, CLOCK(), '', 0, NULL`
	loadOrder   = `SELECT 'order', id, state, '', false, created, doc, version, due FROM jovepay_orders WHERE account = ? AND id = ?`
	loadParts   = `SELECT 'part', order_id, kind, id, open, at, doc, 0, NULL FROM jovepay_order_parts WHERE account = ? AND order_id = ?`
	loadLocated = `SELECT 'located', order_id, kind, id, false, 0, '', 0, NULL FROM jovepay_order_parts
WHERE account = ? AND kind = 'payment' AND sole_id IN (?)`
)

// lock locks the order of the scope, and creates it first if the scope says so.
func (s *Store) lock(ctx context.Context, tx *sql.Tx, scope orders.Scope) error {
	if scope.OrderID == "" {
		return nil
	}
	if scope.Create {
		if _, err := s.exec(ctx, tx, s.statements.createOrder, s.account, scope.OrderID); err != nil {
			return fmt.Errorf("sqlstore: create order: %w", err)
		}
	}
	none := func(*sql.Rows) error { return nil }
	if err := each(ctx, s.inside(tx), s.statements.lockOrder, []any{s.account, scope.OrderID}, none); err != nil {
		return fmt.Errorf("sqlstore: lock order: %w", err)
	}
	return nil
}

// loadStatement returns the statement that loads an order and locates a number of
// payments. It is a single one, so that an order that is not locked is loaded as
// it was at one moment.
//
// On MySQL, only a read that locks sees the newest rows in every transaction.
func (d Dialect) loadStatement(located int, locked bool) string {
	order, parts := loadOrder, loadParts
	if d == MySQL && locked {
		order, parts = "("+loadOrder+" FOR UPDATE)", "("+loadParts+" FOR UPDATE)"
	}
	all := []string{loadClock, order, parts}
	if located > 0 {
		all = append(all, list(loadLocated, located))
	}
	return strings.Join(all, "\nUNION ALL\n")
}

// list repeats the placeholder in the parentheses at the end of a statement.
func list(text string, n int) string {
	return strings.TrimSuffix(text, ")") + strings.Repeat(", ?", n-1) + ")"
}

// load loads what the scope selects. It also returns PostgreSQL's id of the
// transaction.
func (s *Store) load(ctx context.Context, query queryFunc, scope orders.Scope, locked bool) (r *orders.Record, transaction string, err error) {
	text := s.statements.translate(s.dialect.loadStatement(len(scope.Payments), locked))
	args := []any{s.account, scope.OrderID, s.account, scope.OrderID}
	if len(scope.Payments) > 0 {
		args = append(args, s.account)
	}
	for _, id := range scope.Payments {
		args = append(args, string(id))
	}
	r = &orders.Record{Located: map[jovepay.ID]string{}}
	err = each(ctx, query, text, args, func(rows *sql.Rows) error {
		var row loadedRow
		if err := rows.Scan(&row.what, &row.orderID, &row.kind, &row.id, &row.open, &row.at, &row.doc, &row.version, &row.due); err != nil {
			return err
		}
		switch row.what {
		case "clock":
			r.Now, transaction = moment(row.at), row.kind
		case "order":
			r.Order = &orders.OrderRow{
				ID: row.orderID, Created: moment(row.at), Version: row.version, State: row.kind, Due: optionalMoment(row.due), Doc: document(row.doc),
			}
		case "part":
			r.Parts = append(r.Parts, row.part())
		case "located":
			r.Located[jovepay.ID(row.id)] = row.orderID
		}
		return nil
	})
	if err != nil {
		return nil, "", fmt.Errorf("sqlstore: load: %w", err)
	}
	slices.SortFunc(r.Parts, func(a, b orders.Part) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
	})
	return r, transaction, nil
}

// loadedRow is a row of the statement that loads.
type loadedRow struct {
	what, orderID, kind, id string
	open                    bool
	at, version             int64
	due                     sql.NullInt64
	doc                     []byte
}

func (r loadedRow) part() orders.Part {
	return orders.Part{
		OrderID: r.orderID, Kind: orders.PartKind(r.kind), ID: r.id, Open: r.open, At: moment(r.at), Doc: document(r.doc),
	}
}

// Times are stored as Unix microseconds, which all dialects have exactly, sort
// and compare, and no session's time zone changes.

func moment(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

func optionalMoment(micros sql.NullInt64) time.Time {
	if !micros.Valid {
		return time.Time{}
	}
	return moment(micros.Int64)
}

// document returns nil for an empty document.
func document(doc []byte) []byte {
	if len(doc) == 0 {
		return nil
	}
	return doc
}

// queryFunc is the method QueryContext of a database or a transaction.
type queryFunc func(ctx context.Context, query string, args ...any) (*sql.Rows, error)

// each calls scan for each row of a query.
func each(ctx context.Context, query queryFunc, text string, args []any, scan func(*sql.Rows) error) error {
	rows, err := query(ctx, text, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // rows.Err has its error
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
