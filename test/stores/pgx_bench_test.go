package stores_test

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/orders"
	"github.com/jovepay/jovepay-go/sqlstore"
)

// bareDelivery is what a delivery executes at least, in a transaction of
// database/sql: the event is recorded if it is new, the order is locked and
// loaded, the hook writes a row, and the payment, a line of the ledger, a note and
// the order's state are written.
var bareDelivery = struct{ record, lock, load, hook, part, line, note, order string }{
	record: `INSERT INTO jovepay_inbox AS applied (subject, event_key, position) VALUES ($1, $2, $3)
ON CONFLICT (subject) DO UPDATE SET event_key = excluded.event_key, position = excluded.position, applied_at = excluded.applied_at
WHERE applied.position < excluded.position`,
	lock: `SELECT created, version, state, due, doc FROM jovepay_orders WHERE account = '' AND id = $1 FOR UPDATE`,
	load: `SELECT kind, id, open, at, doc FROM jovepay_order_parts WHERE account = '' AND order_id = $1 ORDER BY kind, id`,
	hook: `INSERT INTO jovepay_notes (note) VALUES ($1)`,
	part: `INSERT INTO jovepay_order_parts (account, order_id, kind, id, open, at, doc) VALUES ('', $1, 'payment', $2, $3, $4, $5)
ON CONFLICT (account, order_id, kind, id) DO UPDATE SET open = excluded.open, at = excluded.at, doc = excluded.doc`,
	line:  `INSERT INTO jovepay_ledger (account, at, order_id, payment_id, coin, bucket, amount, doc) VALUES ('', $1, $2, $3, $4, $5, $6, $7)`,
	note:  `INSERT INTO jovepay_order_history (account, order_id, at, doc) VALUES ('', $1, $2, $3)`,
	order: `UPDATE jovepay_orders SET state = $2, due = NULL, doc = $3, version = version + 1 WHERE account = '' AND id = $1`,
}

// benchDoc is as long as the JSON of a small order.
var benchDoc = []byte(`{"price":"49.90","currency":"usd","description":"` + strings.Repeat("x", 200) + `"}`)

// benchChange is what a delivery writes.
func benchChange(id string, at time.Time) *orders.Change {
	return &orders.Change{
		Order: &orders.OrderRow{State: "fulfilled", Doc: benchDoc},
		Parts: []orders.Part{{Kind: orders.PartPayment, ID: id, At: at, Doc: benchDoc}},
		Lines: []orders.LineRow{{At: at, PaymentID: jovepay.ID(id), Coin: "btc", Bucket: orders.BucketOrder, Amount: jovepay.MustAmount("0.00078"), Doc: benchDoc}},
		Notes: []orders.Note{{At: at, Doc: benchDoc}},
	}
}

// bench is a schema with the orders of one implementation.
type bench struct {
	*pgxShop
	db *sql.DB
}

func newBench(b *testing.B, n int) bench {
	b.Helper()
	d := databases()["PostgreSQL"]
	s := newPgxShop(b)
	s.exec(b, "ALTER TABLE "+s.schema+".notes RENAME TO jovepay_notes")
	s.exec(b, `INSERT INTO `+s.schema+`.jovepay_orders (account, id, created, version, state, doc)
SELECT '', 'o' || g, 1, 1, 'waiting', $1 FROM generate_series(0, $2::int) g`, string(benchDoc), n)
	s.exec(b, `INSERT INTO `+s.schema+`.jovepay_order_parts (account, order_id, kind, id, open, at, doc)
SELECT '', 'o' || g, 'payment', 'o' || g, true, 1, $1 FROM generate_series(0, $2::int) g`, string(benchDoc), n)
	s.exec(b, "ANALYZE "+s.schema+".jovepay_orders")
	s.exec(b, "ANALYZE "+s.schema+".jovepay_order_parts")
	return bench{s, d.open(b, d.address(b))}
}

func (b bench) event(id string) inbox.Entry {
	return inbox.Entry{Subject: "payment:" + id, Key: strings.Repeat("k", 64), Position: "80 " + id}
}

// bare executes bareDelivery.
func (b bench) bare(ctx context.Context, id string) error {
	q := func(query string) string { return strings.ReplaceAll(query, "jovepay_", b.schema+".jovepay_") }
	e, at := b.event(id), time.Now().UnixMicro()
	tx, err := b.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(ctx, q(bareDelivery.record), e.Subject, e.Key, e.Position); err != nil {
		return err
	}
	var order orders.OrderRow
	var created int64
	var due *int64
	if err := tx.QueryRowContext(ctx, q(bareDelivery.lock), id).Scan(&created, &order.Version, &order.State, &due, &order.Doc); err != nil {
		return err
	}
	rows, err := tx.QueryContext(ctx, q(bareDelivery.load), id)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var p orders.Part
		if err := rows.Scan(&p.Kind, &p.ID, &p.Open, &created, &p.Doc); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	doc := string(benchDoc)
	for _, s := range []struct {
		query string
		args  []any
	}{
		{bareDelivery.hook, []any{id}},
		{bareDelivery.part, []any{id, id, false, at, doc}},
		{bareDelivery.line, []any{at, id, id, "btc", "order", "0.00078", doc}},
		{bareDelivery.note, []any{id, at, doc}},
		{bareDelivery.order, []any{id, "fulfilled", doc}},
	} {
		if _, err := tx.ExecContext(ctx, q(s.query), s.args...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// pgx is the delivery through pgxstore.
func (b bench) pgx(ctx context.Context, id string) error {
	hook := "INSERT INTO " + b.schema + ".jovepay_notes (note) VALUES ($1)"
	return b.store.Update(ctx, orders.Scope{OrderID: id, Entry: b.event(id)}, func(ctx context.Context, tx pgx.Tx, r *orders.Record) (*orders.Change, error) {
		if r.Outcome != inbox.Applied || len(r.Parts) != 1 {
			return nil, fmt.Errorf("%s, with %d parts", r.Outcome, len(r.Parts))
		}
		_, err := tx.Exec(ctx, hook, id)
		return benchChange(id, r.Now), err
	})
}

// sql returns the delivery through sqlstore.
func (b bench) sql(tb testing.TB) func(context.Context, string) error {
	tb.Helper()
	store, err := sqlstore.New(b.db, sqlstore.PostgreSQL, sqlstore.WithTable(b.schema+".jovepay_inbox"))
	require.NoError(tb, err)
	hook := "INSERT INTO " + b.schema + ".jovepay_notes (note) VALUES ($1)"
	return func(ctx context.Context, id string) error {
		return store.Update(ctx, orders.Scope{OrderID: id, Entry: b.event(id)}, func(ctx context.Context, tx *sql.Tx, r *orders.Record) (*orders.Change, error) {
			if r.Outcome != inbox.Applied || len(r.Parts) != 1 {
				return nil, fmt.Errorf("%s, with %d parts", r.Outcome, len(r.Parts))
			}
			_, err := tx.ExecContext(ctx, hook, id)
			return benchChange(id, r.Now), err
		})
	}
}

// BenchmarkOrders measures deliveries of news about an order, through pgxstore and
// sqlstore, beside a transaction of database/sql that executes bareDelivery. They
// take turns that are so short that what else the machine does hits all alike. It
// reports how many deliveries each does in the time of one bare transaction, as
// the median of all turns: run it with -benchtime=40x.
func BenchmarkOrders(b *testing.B) {
	const turn = 64
	for _, at := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("at=%d", at), func(b *testing.B) {
			n := turn*(b.N+1) + 2*at
			deliver := map[string]func(context.Context, string) error{"bare": newBench(b, n).bare, "pgxstore": newBench(b, n).pgx}
			deliver["sqlstore"] = newBench(b, n).sql(b)
			next := map[string]*atomic.Int64{}
			take := func(impl string, n int) time.Duration {
				begun := time.Now()
				concurrently(b, at, 0, n, func(ctx context.Context, _ int) error {
					return deliver[impl](ctx, "o"+strconv.FormatInt(next[impl].Add(1), 10))
				})
				return time.Since(begun)
			}
			for impl := range deliver {
				next[impl] = new(atomic.Int64)
				take(impl, 2*at+turn) // opens the connections
			}
			impls := slices.Collect(maps.Keys(deliver))
			ratios := map[string][]float64{}
			b.ResetTimer()
			for i := range b.N {
				seconds := map[string]float64{}
				for j := range impls { // each of them first, in turn
					impl := impls[(i+j)%len(impls)]
					seconds[impl] = take(impl, turn).Seconds()
				}
				for _, impl := range []string{"pgxstore", "sqlstore"} {
					ratios[impl] = append(ratios[impl], seconds["bare"]/seconds[impl])
				}
			}
			for impl, all := range ratios {
				slices.Sort(all)
				b.ReportMetric(all[len(all)/2], impl+"/bare")
			}
		})
	}
}
