package stores_test

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/sqlstore"
)

// implementations are what is compared: first deliveries through an inbox, the
// same two statements in a bare transaction, the same with a plain INSERT for
// the record, which could not tell what is new, and deliveries that are
// duplicates.
var implementations = map[string]func(testing.TB, *shop) delivery{
	"inbox": firstDelivery, "bare": bareTransaction, "plain": plainTransaction, "duplicate": duplicateDelivery,
}

// delivery delivers the event of the i-th payment.
type delivery func(ctx context.Context, i int) error

// BenchmarkDelivery measures each implementation, at 1, 8 and 64 deliveries at
// the same time.
func BenchmarkDelivery(b *testing.B) {
	eachDatabase(b, func(b *testing.B, d database, db *sql.DB, at int) {
		b.Helper()
		for impl, prepare := range implementations {
			b.Run("impl="+impl, func(b *testing.B) {
				deliver := prepare(b, d.benchShop(b, db, impl))
				b.ResetTimer()
				concurrently(b, at, 0, b.N, deliver)
			})
		}
	})
}

// BenchmarkRatio measures all of them side by side, in turns that are so short
// that what else the machine does hits all alike. It reports how many
// deliveries each does in the time of one bare transaction.
func BenchmarkRatio(b *testing.B) {
	eachDatabase(b, func(b *testing.B, d database, db *sql.DB, at int) {
		b.Helper()
		deliver := map[string]delivery{}
		for impl, prepare := range implementations {
			deliver[impl] = prepare(b, d.benchShop(b, db, impl))
			concurrently(b, at, 0, 2*at, deliver[impl]) // opens the connections
		}
		const turn = 64
		ratios := map[string][]float64{}
		b.ResetTimer()
		for i := range b.N {
			seconds := map[string]float64{}
			for impl := range implementations { // in random order
				begun := time.Now()
				concurrently(b, at, 128+i*turn, turn, deliver[impl])
				seconds[impl] = time.Since(begun).Seconds()
			}
			for _, impl := range []string{"inbox", "plain", "duplicate"} {
				ratios[impl] = append(ratios[impl], seconds["bare"]/seconds[impl])
			}
		}
		for impl, all := range ratios {
			slices.Sort(all)
			b.ReportMetric(all[len(all)/2], impl+"/bare")
		}
	})
}

func eachDatabase(b *testing.B, run func(b *testing.B, d database, db *sql.DB, at int)) {
	b.Helper()
	all := databases()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for _, at := range []int{1, 8, 64} {
			b.Run(fmt.Sprintf("db=%s/at=%d", name, at), func(b *testing.B) {
				run(b, all[name], all[name].open(b, all[name].address(b)), at)
			})
		}
	}
}

// benchShop returns a shop in db. On SQLite it has its own file, and one
// connection if its transactions are bare, which is the fastest way for them.
func (d database) benchShop(b *testing.B, db *sql.DB, impl string) *shop {
	b.Helper()
	if d.dialect == sqlstore.SQLite {
		db = d.open(b, d.address(b))
		if impl == "bare" || impl == "plain" {
			db.SetMaxOpenConns(1)
		}
	}
	return d.shopAt(b, db)
}

// concurrently makes n deliveries in at goroutines.
func concurrently(b *testing.B, at, from, n int, deliver delivery) {
	b.Helper()
	var done atomic.Int64
	var workers sync.WaitGroup
	for range at {
		workers.Go(func() {
			for i := int(done.Add(1)); i <= n; i = int(done.Add(1)) {
				if err := deliver(b.Context(), from+i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	workers.Wait()
}

// numberedEvent returns the event of the i-th payment.
func numberedEvent(i int) jovepay.Event {
	p := jovepay.Payment{
		ID: jovepay.ID(strconv.FormatInt(5_000_000_000+int64(i), 10)), Status: jovepay.PaymentFinished,
		PriceAmount: jovepay.MustAmount("49.90"), PriceCurrency: "usd",
		PayAmount: jovepay.MustAmount("0.00078"), PayCurrency: "btc", ActuallyPaid: jovepay.MustAmount("0.00078"),
	}
	return p.Event()
}

func firstDelivery(_ testing.TB, s *shop) delivery {
	box := inbox.New(s.store)
	return func(ctx context.Context, i int) error {
		outcome, err := box.Process(ctx, numberedEvent(i), func(ctx context.Context, tx *sql.Tx, event jovepay.Event) error {
			return s.write(ctx, tx, event.Key())
		})
		if err == nil && outcome != inbox.Applied {
			err = fmt.Errorf("it is %s", outcome)
		}
		return err
	}
}

func duplicateDelivery(tb testing.TB, s *shop) delivery {
	tb.Helper()
	box := inbox.New(s.store)
	const payments = 200
	for i := range payments {
		require.NoError(tb, firstDelivery(tb, s)(tb.Context(), i))
	}
	return func(ctx context.Context, i int) error {
		outcome, err := box.Process(ctx, numberedEvent(i%payments), nil)
		if err == nil && outcome != inbox.Duplicate {
			err = fmt.Errorf("it is %s", outcome)
		}
		return err
	}
}

func bareTransaction(_ testing.TB, s *shop) delivery { return s.transaction(s.upsert()) }

// upsert returns the statement that records the event of a payment if it is
// newer than the one that is recorded.
func (s *shop) upsert() string {
	if s.dialect == sqlstore.MySQL {
		return "INSERT INTO " + s.table + ` (subject, event_key, position, applied_at) VALUES (?, ?, ?, UTC_TIMESTAMP(6))
ON DUPLICATE KEY UPDATE
event_key = IF(position < VALUES(position), VALUES(event_key), event_key),
applied_at = IF(position < VALUES(position), VALUES(applied_at), applied_at),
position = GREATEST(position, VALUES(position))`
	}
	values := "?, ?, ?"
	if s.dialect == sqlstore.PostgreSQL {
		values = "$1, $2, $3"
	}
	return "INSERT INTO " + s.table + " AS applied (subject, event_key, position) VALUES (" + values + `)
ON CONFLICT (subject) DO UPDATE
SET event_key = excluded.event_key, position = excluded.position, applied_at = excluded.applied_at
WHERE applied.position < excluded.position`
}

func plainTransaction(_ testing.TB, s *shop) delivery {
	values := map[sqlstore.Dialect]string{
		sqlstore.PostgreSQL: "$1, $2, $3, now()",
		sqlstore.MySQL:      "?, ?, ?, UTC_TIMESTAMP(6)",
		sqlstore.SQLite:     "?, ?, ?, datetime('now')",
	}
	return s.transaction("INSERT INTO " + s.table + " VALUES (" + values[s.dialect] + ")")
}

// transaction writes the same rows as an inbox would, and nothing is checked.
func (s *shop) transaction(record string) delivery {
	return func(ctx context.Context, i int) error {
		e, err := inbox.NewEntry(numberedEvent(i))
		if err != nil {
			return err
		}
		tx, err := s.db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }()
		if _, err := tx.ExecContext(ctx, record, e.Subject, e.Key, e.Position); err != nil {
			return err
		}
		if err := s.write(ctx, tx, e.Key); err != nil {
			return err
		}
		return tx.Commit()
	}
}
