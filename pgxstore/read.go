package pgxstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/orders"
)

// Load implements [orders.Store]. It needs one round trip.
func (s *Store) Load(ctx context.Context, orderID string) (*orders.Record, error) {
	b := &pgx.Batch{}
	// One snapshot for the order and its parts.
	b.Queue("begin read only, isolation level repeatable read")
	r := &orders.Record{Located: map[jovepay.ID]string{}}
	s.queueOrder(b, s.sql(selectOrder), r, orderID)
	b.Queue(s.sql(selectNow)).QueryRow(func(row pgx.Row) error { return row.Scan((*scannedTime)(&r.Now)) })
	b.Queue("commit")
	if err := s.pool.SendBatch(ctx, b).Close(); err != nil {
		return nil, fmt.Errorf("pgxstore: load: %w", err)
	}
	return r, nil
}

// queueOrder queues what loads an order into r; query selects its row.
func (s *Store) queueOrder(b *pgx.Batch, query string, r *orders.Record, orderID string) {
	b.Queue(query, s.account, orderID).Query(func(rows pgx.Rows) (err error) {
		found, err := pgx.CollectRows(rows, scanOrder)
		if len(found) > 0 {
			r.Order = &found[0]
		}
		return err
	})
	b.Queue(s.sql(selectPartsOf), s.account, orderID).Query(func(rows pgx.Rows) (err error) {
		r.Parts, err = pgx.CollectRows(rows, scanPart)
		return err
	})
}

// Locate implements [orders.Store].
func (s *Store) Locate(ctx context.Context, payments ...jovepay.ID) (map[jovepay.ID]string, error) {
	located := map[jovepay.ID]string{}
	if len(payments) == 0 {
		return located, nil
	}
	b := &pgx.Batch{}
	s.queueLocate(b, located, payments)
	if err := s.pool.SendBatch(ctx, b).Close(); err != nil {
		return nil, fmt.Errorf("pgxstore: locate: %w", err)
	}
	return located, nil
}

// queueLocate queues what adds the orders of payments to located.
func (s *Store) queueLocate(b *pgx.Batch, located map[jovepay.ID]string, payments []jovepay.ID) {
	ids := make([]string, len(payments))
	for i, id := range payments {
		ids[i] = string(id)
	}
	b.Queue(s.sql(selectLocated), s.account, ids).Query(func(rows pgx.Rows) error {
		var id, order string
		_, err := pgx.ForEachRow(rows, []any{&id, &order}, func() error {
			located[jovepay.ID(id)] = order
			return nil
		})
		return err
	})
}

// Lookup implements [orders.Store] and [inbox.Store].
func (s *Store) Lookup(ctx context.Context, e inbox.Entry) (inbox.Outcome, error) {
	var key, position *string
	err := s.pool.QueryRow(ctx, s.sql(selectLast), s.subject(e)).Scan(&key, &position)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("pgxstore: look up: %w", err)
	}
	return e.Against(entry(key, position)), nil
}

// entry returns what the columns of a record say; nil if there is none.
func entry(key, position *string) inbox.Entry {
	if key == nil || position == nil {
		return inbox.Entry{}
	}
	return inbox.Entry{Key: *key, Position: *position}
}

// Orders implements [orders.Store].
func (s *Store) Orders(ctx context.Context, q orders.OrderQuery) ([]orders.OrderRow, error) {
	p := s.page(selectOrders)
	if len(q.States) > 0 {
		p.and("state = ANY(?)", q.States)
	}
	p.andSince("created >= ?", q.From)
	p.andSince("created < ?", q.To)
	if q.AfterID != "" {
		p.and("(created, id) > (?, ?)", micros(q.AfterCreated), q.AfterID)
	}
	return collect(ctx, s, p, "created, id", q.Limit, scanOrder)
}

// Due implements [orders.Store].
func (s *Store) Due(ctx context.Context, limit int) ([]string, error) {
	return collect(ctx, s, s.page(selectDue), "due, id", limit, pgx.RowTo[string])
}

// Parts implements [orders.Store].
func (s *Store) Parts(ctx context.Context, q orders.PartQuery) ([]orders.Part, error) {
	p := s.page(selectParts)
	p.and("kind = ?", string(q.Kind))
	switch {
	case q.ID == "":
	case q.Kind == orders.PartIntent:
		p.and("id = ?", q.ID)
	default: // there is one
		p.and("sole_id = ?", q.ID)
	}
	if q.Open {
		p.and("open")
	}
	p.andSince("at < ?", q.Before)
	if q.After != nil {
		p.and("(at, order_id, id) > (?, ?, ?)", micros(q.After.At), q.After.OrderID, q.After.ID)
	}
	return collect(ctx, s, p, "at, order_id, id", q.Limit, scanPart)
}

// Lines implements [orders.Store].
func (s *Store) Lines(ctx context.Context, q orders.LineQuery) ([]orders.LineRow, error) {
	p := s.page(selectLines)
	if q.OrderID != "" {
		p.and("order_id = ?", q.OrderID)
	}
	p.andSince("at >= ?", q.From)
	p.andSince("at < ?", q.To)
	if q.After != nil {
		p.and("(at, seq) > (?, ?)", micros(q.After.At), q.After.Seq)
	}
	return collect(ctx, s, p, "at, seq", q.Limit, scanLine)
}

// History implements [orders.Store].
func (s *Store) History(ctx context.Context, orderID string) ([]orders.Note, error) {
	rows, err := s.pool.Query(ctx, s.sql(selectHistory), s.account, orderID)
	if err != nil {
		return nil, fmt.Errorf("pgxstore: read: %w", err)
	}
	notes, err := pgx.CollectRows(rows, scanNote)
	if err != nil {
		return nil, fmt.Errorf("pgxstore: read: %w", err)
	}
	return notes, nil
}

// page is a query for a page of rows of the store's account.
type page struct {
	query strings.Builder
	args  []any
}

func (s *Store) page(query string) *page {
	p := &page{args: []any{s.account}}
	p.query.WriteString(s.names.Replace(query))
	return p
}

// and adds a condition. Question marks stand for the args.
func (p *page) and(condition string, args ...any) {
	p.query.WriteString(" AND ")
	for _, arg := range args {
		before, after, _ := strings.Cut(condition, "?")
		p.args = append(p.args, arg)
		p.query.WriteString(before + "$" + strconv.Itoa(len(p.args)))
		condition = after
	}
	p.query.WriteString(condition)
}

// andSince adds a condition on a time, unless it is zero.
func (p *page) andSince(condition string, t time.Time) {
	if !t.IsZero() {
		p.and(condition, micros(t))
	}
}

// collect returns the rows of a page, in the given order.
func collect[T any](ctx context.Context, s *Store, p *page, sort string, limit int, scan pgx.RowToFunc[T]) ([]T, error) {
	p.args = append(p.args, max(limit, 0))
	p.query.WriteString(" ORDER BY " + sort + " LIMIT $" + strconv.Itoa(len(p.args)))
	rows, err := s.pool.Query(ctx, p.query.String(), p.args...)
	if err != nil {
		return nil, fmt.Errorf("pgxstore: read: %w", err)
	}
	all, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("pgxstore: read: %w", err)
	}
	return all, nil
}

func scanOrder(row pgx.CollectableRow) (o orders.OrderRow, err error) {
	err = row.Scan(&o.ID, (*scannedTime)(&o.Created), &o.Version, &o.State, (*scannedTime)(&o.Due), &o.Doc)
	return o, err
}

func scanPart(row pgx.CollectableRow) (p orders.Part, err error) {
	err = row.Scan(&p.OrderID, &p.Kind, &p.ID, &p.Open, (*scannedTime)(&p.At), &p.Doc)
	return p, err
}

func scanLine(row pgx.CollectableRow) (l orders.LineRow, err error) {
	var amount string
	err = row.Scan(&l.Seq, (*scannedTime)(&l.At), &l.OrderID, &l.PaymentID, &l.Coin, &l.Bucket, &amount, &l.Doc)
	if err != nil || amount == "" {
		return l, err
	}
	l.Amount, err = jovepay.ParseAmount(amount)
	return l, err
}

func scanNote(row pgx.CollectableRow) (n orders.Note, err error) {
	err = row.Scan(&n.Seq, (*scannedTime)(&n.At), &n.Doc)
	return n, err
}
