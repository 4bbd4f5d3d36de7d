package pgxstore

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// The tests against PostgreSQL are in the module test/stores.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lazyPool returns a pool that connects to nothing.
func lazyPool(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), "postgres://127.0.0.1:1/none?sslmode=disable&connect_timeout=1")
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

func TestNew(t *testing.T) {
	t.Parallel()
	_, err := New(nil)
	require.EqualError(t, err, "pgxstore: pool is nil")
	pool := lazyPool(t)
	for _, table := range []string{"", "a b", "1a", "a.b.c", `"a"`, "a;b", strings.Repeat("a", 41)} {
		_, err := New(pool, WithTable(table))
		require.ErrorContains(t, err, "want at most 40 letters, digits and underscores")
	}
	for _, account := range []string{"", "a/b", "a:b", "a b", "é", strings.Repeat("a", 65)} {
		_, err := New(pool, WithAccount(account))
		require.ErrorContains(t, err, "want 1 to 64 of A-Z a-z 0-9 _ . -")
	}
	_, err = New(pool, nil, WithTable("shop.events"), WithAccount("eu-1.a_B"))
	require.NoError(t, err)
}

func TestTableNames(t *testing.T) {
	t.Parallel()
	const text = "CREATE INDEX IF NOT EXISTS jovepay_orders_due ON jovepay_orders (due); SELECT 1 FROM jovepay_inbox"
	for table, want := range map[string]string{
		"jovepay_inbox":   text,
		"shop.some_inbox": "CREATE INDEX IF NOT EXISTS some_orders_due ON shop.some_orders (due); SELECT 1 FROM shop.some_inbox",
		"events":          "CREATE INDEX IF NOT EXISTS events_orders_due ON events_orders (due); SELECT 1 FROM events",
	} {
		assert.Equal(t, want, tableNames(table).Replace(text))
	}
}

// A database that is down is an error everywhere.
func TestDown(t *testing.T) {
	t.Parallel()
	s, err := New(lazyPool(t))
	require.NoError(t, err)
	require.ErrorContains(t, s.Migrate(t.Context()), "pgxstore: migrate table jovepay_inbox and those beside it: ")
	_, err = s.Load(t.Context(), "1")
	require.ErrorContains(t, err, "pgxstore: load: ")
	_, err = s.Acquire(t.Context(), "lease", "holder", time.Second)
	require.ErrorContains(t, err, "pgxstore: acquire: ")
	require.ErrorContains(t, s.Check(t.Context()), "pgxstore: check: ")
	_, err = s.Prune(t.Context(), time.Now())
	require.ErrorContains(t, err, "pgxstore: prune: ")
	_, err = s.Due(t.Context(), 1)
	require.ErrorContains(t, err, "pgxstore: read: ")
}

func TestRetry(t *testing.T) {
	t.Parallel()
	conflict, errShop := &pgconn.PgError{Code: deadlockDetected}, errors.New("out of stock")
	for name, c := range map[string]struct {
		failures []error
		attempts int
	}{
		"at once":   {nil, 1},
		"passes":    {[]error{conflict, conflict, conflict, conflict}, 5},
		"stays":     {[]error{conflict, conflict, conflict, conflict, conflict, conflict}, 5},
		"other":     {[]error{conflict, errShop}, 2},
		"other one": {[]error{&pgconn.PgError{Code: "23505", Message: deadlockDetected}, conflict}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				attempts, begun := 0, time.Now()
				err := retry(t.Context(), func() error {
					attempts++
					if attempts <= len(c.failures) {
						return c.failures[attempts-1]
					}
					return nil
				}, deadlockDetected)
				if c.attempts > len(c.failures) {
					require.NoError(t, err)
				} else {
					require.Error(t, err)
					require.ErrorIs(t, err, c.failures[c.attempts-1])
				}
				assert.Equal(t, c.attempts, attempts)
				assert.Less(t, time.Since(begun), 150*time.Millisecond, "10 + 20 + 40 + 80")
			})
		})
	}
}

// The end of the context ends the waiting, and does not hide the failure.
func TestRetryEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		conflict := &pgconn.PgError{Code: deadlockDetected}
		err := retry(ctx, func() error {
			cancel()
			return conflict
		}, deadlockDetected)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, conflict)
	})
}
