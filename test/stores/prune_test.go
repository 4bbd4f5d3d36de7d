package stores_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/sqlstore"
)

// age makes the records that match older.
func (s *shop) age(t *testing.T, where string) {
	t.Helper()
	s.exec(t, "UPDATE "+s.table+" SET applied_at = '2020-01-01 00:00:00' WHERE "+where)
}

// The old go, range by range, the young stay.
func TestPruneManyRanges(t *testing.T) {
	t.Parallel()
	const records = 2500
	for name, d := range databases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := d.shop(t)
			tx, err := s.db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			for i := range records {
				_, err := tx.ExecContext(t.Context(), fmt.Sprintf(
					"INSERT INTO %s (subject, event_key, position, applied_at) VALUES ('payment:%04d', 'key', '%d', '2020-01-01 00:00:00')", s.table, i, i%2))
				require.NoError(t, err)
			}
			require.NoError(t, tx.Commit())
			s.exec(t, "UPDATE "+s.table+" SET applied_at = '2030-01-01 00:00:00' WHERE position = '1'")

			n, err := s.store.Prune(t.Context(), time.Now())
			require.NoError(t, err)
			assert.EqualValues(t, records/2, n)
			var left, old int
			require.NoError(t, s.db.QueryRowContext(t.Context(), "SELECT count(*) FROM "+s.table).Scan(&left))
			require.NoError(t, s.db.QueryRowContext(t.Context(), "SELECT count(*) FROM "+s.table+" WHERE position = '0'").Scan(&old))
			assert.Equal(t, records/2, left)
			assert.Zero(t, old)
		})
	}
}

// A record that is old when Prune comes to it, but is just being rewritten,
// stays; and events of other payments do not wait meanwhile.
func TestPruneMeetsApply(t *testing.T) {
	t.Parallel()
	for name, d := range databases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := d.shop(t)
			s.expect(t, inbox.Applied, entry(t, "1", "sending"))
			s.expect(t, inbox.Applied, entry(t, "2", "sending"))
			s.age(t, "subject IN ('payment:1', 'payment:2')")

			pruned := make(chan int64, 1)
			outcome, err := s.store.Apply(t.Context(), entry(t, "2", "finished"), func(ctx context.Context, _ *sql.Tx) error {
				go func() {
					n, err := s.store.Prune(ctx, time.Now().Add(-time.Hour))
					assert.NoError(t, err)
					pruned <- n
				}()
				if d.dialect == sqlstore.SQLite {
					return nil // it has one writer
				}
				for i := range 20 {
					s.expect(t, inbox.Applied, entry(t, jovepay.ID(fmt.Sprint("1", i)), "finished")) //nolint:contextcheck // another delivery
				}
				return nil
			})
			require.NoError(t, err)
			require.Equal(t, inbox.Applied, outcome)
			assert.EqualValues(t, 1, <-pruned)
			s.expect(t, inbox.Duplicate, entry(t, "2", "finished"))
			s.expect(t, inbox.Applied, entry(t, "1", "sending"))
		})
	}
}

// The time that Prune is given is a point in time, whatever the time zone of
// the session and of the caller.
func TestPruneTimeZones(t *testing.T) {
	t.Parallel()
	for name, params := range map[string]string{
		"PostgreSQL": "timezone=Asia/Tokyo",
		"MariaDB":    "time_zone=%27%2B09:00%27&loc=Asia%2FTokyo&parseTime=true",
		"SQLite":     "_timezone=Asia/Tokyo",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := databases()[name]
			s := d.shopAt(t, d.open(t, withParam(d.address(t), params)))
			s.expect(t, inbox.Applied, entry(t, "1", "finished"))
			for _, zone := range []*time.Location{time.UTC, time.FixedZone("", -9*60*60)} {
				n, err := s.store.Prune(t.Context(), time.Now().Add(-time.Hour).In(zone))
				require.NoError(t, err)
				assert.Zero(t, n)
			}
			n, err := s.store.Prune(t.Context(), time.Now().Add(time.Hour))
			require.NoError(t, err)
			assert.EqualValues(t, 1, n)
		})
	}
}

// With autocommit = 0, MariaDB begins a transaction with every statement, on
// whatever connection of the pool, and the shop's own may have been left open.
func TestMariaDBWithoutAutocommit(t *testing.T) {
	t.Parallel()
	d := databases()["MariaDB"]
	for name, isolation := range map[string]sql.IsolationLevel{
		"default": sql.LevelDefault, "read committed": sql.LevelReadCommitted, "serializable": sql.LevelSerializable,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := d.open(t, withParam(d.address(t), "autocommit=0"))
			db.SetMaxOpenConns(1)
			db.SetMaxIdleConns(1)
			s := d.shopAt(t, db, sqlstore.WithTxOptions(sql.TxOptions{Isolation: isolation}))
			other := d.shopIn(t, d.open(t, d.address(t)), s.table)
			open := func() (yes bool) {
				require.NoError(t, db.QueryRowContext(t.Context(), "SELECT @@in_transaction").Scan(&yes))
				return yes
			}
			e := entry(t, "1", "finished")

			_, err := s.written(t.Context()) // leaves a transaction open, with a snapshot
			require.NoError(t, err)
			require.True(t, open())
			other.expect(t, inbox.Applied, e)
			outcome, err := s.store.Lookup(t.Context(), e)
			require.NoError(t, err)
			assert.Equal(t, inbox.Duplicate, outcome, "not from an old snapshot")
			assert.False(t, open())

			_, err = s.written(t.Context())
			require.NoError(t, err)
			s.expect(t, inbox.Duplicate, e)
			s.expect(t, inbox.Applied, entry(t, "2", "finished"))
			other.expect(t, inbox.Duplicate, entry(t, "2", "finished"))

			for _, pruned := range []int64{2, 0} {
				_, err = s.written(t.Context())
				require.NoError(t, err)
				n, err := s.store.Prune(t.Context(), time.Now().Add(time.Hour))
				require.NoError(t, err)
				assert.Equal(t, pruned, n)
				assert.False(t, open())
			}
			other.expect(t, inbox.Applied, e)
		})
	}
}

// A reconciliation looks up only what is committed, also where the connection's
// default is to read what is not.
func TestMariaDBReadUncommitted(t *testing.T) {
	t.Parallel()
	d := databases()["MariaDB"]
	s := d.shopAt(t, d.open(t, withParam(d.address(t), "tx_isolation=%27READ-UNCOMMITTED%27")))
	e := entry(t, "1", "finished")
	outcome, err := s.store.Apply(t.Context(), e, func(ctx context.Context, _ *sql.Tx) error {
		outcome, err := s.store.Lookup(ctx, e)
		assert.NoError(t, err)
		assert.Equal(t, inbox.Pending, outcome)
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, inbox.Applied, outcome)
}
