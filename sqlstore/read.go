package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/orders"
)

// Load implements [orders.Store].
func (s *Store) Load(ctx context.Context, orderID string) (r *orders.Record, err error) {
	return s.loadCommitted(ctx, orders.Scope{OrderID: orderID})
}

// Locate implements [orders.Store].
func (s *Store) Locate(ctx context.Context, payments ...jovepay.ID) (map[jovepay.ID]string, error) {
	r, err := s.loadCommitted(ctx, orders.Scope{Payments: payments})
	if err != nil {
		return nil, err
	}
	return r.Located, nil
}

func (s *Store) loadCommitted(ctx context.Context, scope orders.Scope) (r *orders.Record, err error) {
	err = s.read(ctx, func(db querier) (err error) {
		r, _, err = s.load(ctx, db.QueryContext, scope, false)
		return err
	})
	return r, err
}

// selection is a SELECT under construction, with its arguments. Rows after the
// last of a page are selected with a lower bound of their own, which every
// dialect finds in an index.
type selection struct {
	text strings.Builder
	args []any
}

func (q *selection) add(text string, args ...any) {
	q.text.WriteString(text)
	q.args = append(q.args, args...)
}

// between adds bounds to a time; the zero time is none.
func (q *selection) between(column string, from, to time.Time) {
	if !from.IsZero() {
		q.add(" AND "+column+" >= ?", from.UnixMicro())
	}
	if !to.IsZero() {
		q.add(" AND "+column+" < ?", to.UnixMicro())
	}
}

// collect returns what scan makes of each row.
func collect[T any](ctx context.Context, s *Store, what string, q *selection, scan func(*sql.Rows) (T, error)) ([]T, error) {
	var all []T
	err := s.read(ctx, func(db querier) error {
		return each(ctx, db.QueryContext, s.statements.translate(q.text.String()), q.args, func(rows *sql.Rows) error {
			one, err := scan(rows)
			all = append(all, one)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("sqlstore: %s: %w", what, err)
	}
	return all, nil
}

// Orders implements [orders.Store].
func (s *Store) Orders(ctx context.Context, query orders.OrderQuery) ([]orders.OrderRow, error) {
	var q selection
	q.add("SELECT id, created, version, state, due, doc FROM jovepay_orders WHERE account = ?", s.account)
	if len(query.States) > 0 {
		q.add(list(" AND state IN (?)", len(query.States)))
		for _, state := range query.States {
			q.add("", state)
		}
	}
	q.between("created", query.From, query.To)
	if query.AfterID != "" {
		after := query.AfterCreated.UnixMicro()
		q.add(" AND created >= ? AND (created > ? OR id > ?)", after, after, query.AfterID)
	}
	q.add(" ORDER BY created, id LIMIT ?", max(query.Limit, 0))
	return collect(ctx, s, "orders", &q, func(rows *sql.Rows) (o orders.OrderRow, err error) {
		var created int64
		var due sql.NullInt64
		err = rows.Scan(&o.ID, &created, &o.Version, &o.State, &due, &o.Doc)
		o.Created, o.Due, o.Doc = moment(created), optionalMoment(due), document(o.Doc)
		return o, err
	})
}

// Due implements [orders.Store].
func (s *Store) Due(ctx context.Context, limit int) ([]string, error) {
	var q selection
	q.add("SELECT id FROM jovepay_orders WHERE account = ? AND due <= CLOCK() ORDER BY due, id LIMIT ?", s.account, max(limit, 0))
	return collect(ctx, s, "due orders", &q, func(rows *sql.Rows) (id string, err error) { return id, rows.Scan(&id) })
}

// Parts implements [orders.Store].
func (s *Store) Parts(ctx context.Context, query orders.PartQuery) ([]orders.Part, error) {
	var q selection
	q.add("SELECT order_id, kind, id, open, at, doc FROM jovepay_order_parts WHERE account = ? AND kind = ?", s.account, string(query.Kind))
	switch {
	case query.ID == "":
	case query.Kind == orders.PartIntent:
		q.add(" AND id = ?", query.ID)
	default:
		q.add(" AND sole_id = ?", query.ID)
	}
	if query.Open {
		q.add(" AND open = true")
	}
	q.between("at", time.Time{}, query.Before)
	if a := query.After; a != nil {
		after := a.At.UnixMicro()
		q.add(" AND at >= ? AND (at > ? OR order_id > ? OR order_id = ? AND id > ?)", after, after, a.OrderID, a.OrderID, a.ID)
	}
	q.add(" ORDER BY at, order_id, id LIMIT ?", max(query.Limit, 0))
	return collect(ctx, s, "parts", &q, func(rows *sql.Rows) (orders.Part, error) {
		var row loadedRow
		err := rows.Scan(&row.orderID, &row.kind, &row.id, &row.open, &row.at, &row.doc)
		return row.part(), err
	})
}

// Lines implements [orders.Store].
func (s *Store) Lines(ctx context.Context, query orders.LineQuery) ([]orders.LineRow, error) {
	var q selection
	q.add("SELECT seq, at, order_id, payment_id, coin, bucket, amount, doc FROM jovepay_ledger WHERE account = ?", s.account)
	if query.OrderID != "" {
		q.add(" AND order_id = ?", query.OrderID)
	}
	q.between("at", query.From, query.To)
	if query.After != nil {
		after := query.After.At.UnixMicro()
		q.add(" AND at >= ? AND (at > ? OR seq > ?)", after, after, query.After.Seq)
	}
	q.add(" ORDER BY at, seq LIMIT ?", max(query.Limit, 0))
	return collect(ctx, s, "lines", &q, func(rows *sql.Rows) (l orders.LineRow, err error) {
		var at int64
		err = rows.Scan(&l.Seq, &at, &l.OrderID, &l.PaymentID, &l.Coin, &l.Bucket, &l.Amount, &l.Doc)
		l.At, l.Doc = moment(at), document(l.Doc)
		return l, err
	})
}

// History implements [orders.Store].
func (s *Store) History(ctx context.Context, orderID string) ([]orders.Note, error) {
	var q selection
	q.add("SELECT seq, at, doc FROM jovepay_order_history WHERE account = ? AND order_id = ? ORDER BY seq", s.account, orderID)
	return collect(ctx, s, "history", &q, func(rows *sql.Rows) (n orders.Note, err error) {
		var at int64
		err = rows.Scan(&n.Seq, &at, &n.Doc)
		n.At, n.Doc = moment(at), document(n.Doc)
		return n, err
	})
}
