package stores_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/orders"
	"github.com/jovepay/jovepay-go/pgxstore"
	"github.com/jovepay/jovepay-go/sqlstore"
)

// nothing is work that changes nothing.
func nothing(context.Context, pgx.Tx, *orders.Record) (*orders.Change, error) { return nil, nil }

// create creates an order with a payment of the same id.
func (s *pgxShop) create(t *testing.T, id string) {
	t.Helper()
	require.NoError(t, s.store.Update(t.Context(), orders.Scope{OrderID: id, Create: true}, func(context.Context, pgx.Tx, *orders.Record) (*orders.Change, error) {
		return fullChange(jovepay.ID(id)), nil
	}))
}

func (s *pgxShop) lines(t *testing.T, id string) int {
	t.Helper()
	lines, err := s.store.Lines(t.Context(), orders.LineQuery{OrderID: id, Limit: 100})
	require.NoError(t, err)
	return len(lines)
}

func (s *pgxShop) expect(t *testing.T, want inbox.Outcome, e inbox.Entry) {
	t.Helper()
	got, err := s.store.Apply(t.Context(), e, func(ctx context.Context, tx pgx.Tx) error { return s.write(ctx, tx, e.Key) })
	require.NoError(t, err)
	assert.Equal(t, want, got)
}

// Once a connection knows the statements, a transaction needs two round trips,
// and one for each statement of the function.
func TestPgxFlights(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"cache_statement", "cache_describe", "exec", "simple_protocol"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := newPgxShopAt(t, withParam(databases()["PostgreSQL"].address(t), "pool_max_conns=1&default_query_exec_mode="+mode))
			deliver := func(i int, statements int) func() {
				id := jovepay.ID(strings.Repeat("x", i+1))
				return func() {
					err := s.store.Update(t.Context(), orders.Scope{
						OrderID: string(id), Create: true, Entry: entry(t, id, "finished"), Payments: []jovepay.ID{id},
					}, func(ctx context.Context, tx pgx.Tx, _ *orders.Record) (*orders.Change, error) {
						for range statements {
							if err := s.write(ctx, tx, "note"); err != nil {
								return nil, err
							}
						}
						return fullChange(id), nil
					})
					require.NoError(t, err)
				}
			}
			deliver(0, 1)()
			assert.EqualValues(t, 2, s.flights.during(deliver(1, 0)))
			assert.EqualValues(t, 5, s.flights.during(deliver(2, 3)))
			e := entry(t, "apply", "finished")
			assert.EqualValues(t, 3, s.flights.during(func() { s.expect(t, inbox.Applied, e) }))
			assert.EqualValues(t, 2, s.flights.during(func() { s.expect(t, inbox.Duplicate, e) }), "the second is the rollback")
			load := func() {
				_, err := s.store.Load(t.Context(), "x")
				require.NoError(t, err)
			}
			load()
			assert.EqualValues(t, 1, s.flights.during(load))
			tx, err := s.pool.Begin(t.Context())
			require.NoError(t, err)
			assert.EqualValues(t, 2, s.flights.during(func() {
				assert.NoError(t, s.store.Join(t.Context(), tx, orders.Scope{OrderID: "joined", Create: true}, func(context.Context, pgx.Tx, *orders.Record) (*orders.Change, error) {
					return fullChange("joined"), nil
				}))
			}))
			require.NoError(t, tx.Commit(t.Context()))
		})
	}
}

// A function that ends its transaction with SQL, or hides that it failed, gets an
// error. Nothing of its change is written, its event does not count as applied,
// and the pool gets no open transaction.
func TestPgxWorkEndsTransactionBySQL(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"cache_statement", "exec", "simple_protocol"} {
		for name, e := range ends[sqlstore.PostgreSQL] {
			t.Run(mode+"/"+name, func(t *testing.T) {
				t.Parallel()
				s := newPgxShopAt(t, withParam(databases()["PostgreSQL"].address(t), "pool_max_conns=2&default_query_exec_mode="+mode))
				s.create(t, "1")
				function := func(ctx context.Context, tx pgx.Tx) error {
					if err := s.write(ctx, tx, "before"); err != nil {
						return err
					}
					for i, statement := range e.statements {
						if _, err := tx.Exec(ctx, statement); err != nil && (!e.hides || i < len(e.statements)-1) {
							return err
						}
					}
					return nil
				}
				event := entry(t, "1", "finished")
				for _, scope := range []orders.Scope{{OrderID: "1"}, {OrderID: "1", Entry: event}, {}} {
					err := s.store.Update(t.Context(), scope, func(ctx context.Context, tx pgx.Tx, _ *orders.Record) (*orders.Change, error) {
						if scope.OrderID == "" {
							return nil, function(ctx, tx)
						}
						return fullChange("1"), function(ctx, tx)
					})
					require.ErrorContains(t, err, "pgxstore: write: the transaction ended inside the function")
					assert.Equal(t, 1, s.lines(t, "1"))
					outcome, err := s.store.Lookup(t.Context(), event)
					require.NoError(t, err)
					assert.Equal(t, inbox.Pending, outcome)
				}
				tx, err := s.pool.Begin(t.Context())
				require.NoError(t, err)
				err = s.store.Join(t.Context(), tx, orders.Scope{OrderID: "1"}, func(ctx context.Context, tx pgx.Tx, _ *orders.Record) (*orders.Change, error) {
					return fullChange("1"), function(ctx, tx)
				})
				require.ErrorContains(t, err, "pgxstore: write: the transaction ended inside the function")
				_ = tx.Rollback(t.Context())
				assert.Equal(t, 1, s.lines(t, "1"))
				notes, err := s.written(t.Context())
				require.NoError(t, err)
				if e.undoes {
					assert.Empty(t, notes)
				} else {
					assert.Len(t, notes, 4, "what was committed stays")
				}
				s.expect(t, inbox.Applied, event)
			})
		}
	}
}

// What a function wrote after it began another transaction is undone.
func TestPgxWorkBeginsAnother(t *testing.T) {
	t.Parallel()
	s := newPgxShop(t)
	err := s.store.Update(t.Context(), orders.Scope{}, func(ctx context.Context, tx pgx.Tx, _ *orders.Record) (*orders.Change, error) {
		for _, statement := range []string{"ROLLBACK", "BEGIN"} {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return nil, err
			}
		}
		return nil, s.write(ctx, tx, "after")
	})
	require.ErrorContains(t, err, "the transaction ended inside the function")
	notes, err := s.written(t.Context())
	require.NoError(t, err)
	assert.Empty(t, notes)
}

// Commit and Rollback of the transaction do nothing, savepoints work, and
// afterwards everything is closed.
func TestPgxTx(t *testing.T) {
	t.Parallel()
	s := newPgxShop(t)
	var kept, savepoint pgx.Tx
	work := func(ctx context.Context, tx pgx.Tx, _ *orders.Record) (*orders.Change, error) {
		kept = tx
		require.ErrorContains(t, tx.Commit(ctx), "the store ends this transaction")
		require.ErrorContains(t, tx.Rollback(ctx), "the store ends this transaction")
		require.NoError(t, s.write(ctx, tx, "kept"))
		require.ErrorIs(t, pgx.BeginFunc(ctx, tx, func(inner pgx.Tx) error {
			return errors.Join(s.write(ctx, inner, "undone"), errShop)
		}), errShop)
		require.NoError(t, pgx.BeginFunc(ctx, tx, func(inner pgx.Tx) error { return s.write(ctx, inner, "nested") }))
		n, err := tx.CopyFrom(ctx, pgx.Identifier{s.schema, "notes"}, []string{"note"}, pgx.CopyFromRows([][]any{{"copied"}}))
		require.NoError(t, err)
		assert.EqualValues(t, 1, n)
		b := &pgx.Batch{}
		b.Queue("INSERT INTO "+s.schema+".notes VALUES ($1)", "batched")
		require.NoError(t, tx.SendBatch(ctx, b).Close())
		savepoint, err = tx.Begin(ctx)
		return nil, err
	}
	require.NoError(t, s.store.Update(t.Context(), orders.Scope{}, work))
	notes, err := s.written(t.Context())
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"kept", "nested", "copied", "batched"}, notes)
	for _, tx := range []pgx.Tx{kept, savepoint} {
		expectClosed(t, tx)
	}

	shops, err := s.pool.Begin(t.Context())
	require.NoError(t, err)
	require.NoError(t, s.store.Join(t.Context(), shops, orders.Scope{}, work))
	expectClosed(t, kept)
	require.NoError(t, s.write(t.Context(), shops, "after"))
	require.NoError(t, shops.Commit(t.Context()))
	notes, err = s.written(t.Context())
	require.NoError(t, err)
	assert.Len(t, notes, 9)
}

func expectClosed(t *testing.T, tx pgx.Tx) {
	t.Helper()
	ctx := t.Context()
	_, err := tx.Begin(ctx)
	require.ErrorIs(t, err, pgx.ErrTxClosed)
	require.ErrorIs(t, tx.Commit(ctx), pgx.ErrTxClosed)
	require.ErrorIs(t, tx.Rollback(ctx), pgx.ErrTxClosed)
	_, err = tx.Exec(ctx, "SELECT 1")
	require.ErrorIs(t, err, pgx.ErrTxClosed)
	rows, err := tx.Query(ctx, "SELECT 1")
	require.ErrorIs(t, err, pgx.ErrTxClosed)
	require.ErrorIs(t, rows.Err(), pgx.ErrTxClosed)
	require.ErrorIs(t, tx.QueryRow(ctx, "SELECT 1").Scan(new(int)), pgx.ErrTxClosed)
	require.ErrorIs(t, tx.SendBatch(ctx, &pgx.Batch{}).Close(), pgx.ErrTxClosed)
	_, err = tx.Prepare(ctx, "closed", "SELECT 1")
	require.ErrorIs(t, err, pgx.ErrTxClosed)
	_, err = tx.CopyFrom(ctx, pgx.Identifier{"notes"}, []string{"note"}, pgx.CopyFromRows(nil))
	require.ErrorIs(t, err, pgx.ErrTxClosed)
}

// However a function ends, the pool's only connection can be used again, and no
// transaction is open on it.
func TestPgxConnectionIsReturned(t *testing.T) {
	t.Parallel()
	for name, work := range map[string]func(*pgxShop, context.CancelFunc) orders.Work[pgx.Tx]{
		"error": func(*pgxShop, context.CancelFunc) orders.Work[pgx.Tx] {
			return func(context.Context, pgx.Tx, *orders.Record) (*orders.Change, error) { return nil, errShop }
		},
		"panic": func(*pgxShop, context.CancelFunc) orders.Work[pgx.Tx] {
			return func(context.Context, pgx.Tx, *orders.Record) (*orders.Change, error) { panic(errShop) }
		},
		"goexit": func(*pgxShop, context.CancelFunc) orders.Work[pgx.Tx] {
			return func(context.Context, pgx.Tx, *orders.Record) (*orders.Change, error) {
				runtime.Goexit()
				return nil, nil
			}
		},
		"context": func(_ *pgxShop, cancel context.CancelFunc) orders.Work[pgx.Tx] {
			return func(context.Context, pgx.Tx, *orders.Record) (*orders.Change, error) {
				cancel()
				return nil, nil
			}
		},
		"context in a statement": func(_ *pgxShop, cancel context.CancelFunc) orders.Work[pgx.Tx] {
			return func(ctx context.Context, tx pgx.Tx, _ *orders.Record) (*orders.Change, error) {
				time.AfterFunc(10*time.Millisecond, cancel)
				_, err := tx.Exec(ctx, "SELECT pg_sleep(60)")
				return nil, err
			}
		},
		"rows left open": func(*pgxShop, context.CancelFunc) orders.Work[pgx.Tx] {
			return func(ctx context.Context, tx pgx.Tx, _ *orders.Record) (*orders.Change, error) {
				_, err := tx.Query(ctx, "SELECT 1") //nolint:sqlclosecheck // that is what is tested
				return nil, err
			}
		},
		"cut": func(s *pgxShop, _ context.CancelFunc) orders.Work[pgx.Tx] {
			return func(ctx context.Context, tx pgx.Tx, _ *orders.Record) (*orders.Change, error) {
				return nil, s.cut(ctx, tx)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newPgxShopAt(t, withParam(databases()["PostgreSQL"].address(t), "pool_max_conns=1"))
			s.create(t, "1")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			e := entry(t, "1", "finished")
			var ended sync.WaitGroup
			ended.Go(func() {
				defer func() { _ = recover() }()
				inner := work(s, cancel)
				err := s.store.Update(ctx, orders.Scope{OrderID: "1", Entry: e}, func(ctx context.Context, tx pgx.Tx, r *orders.Record) (*orders.Change, error) {
					if err := s.write(ctx, tx, "undone"); err != nil {
						return nil, err
					}
					return inner(ctx, tx, r)
				})
				assert.Error(t, err)
			})
			ended.Wait()
			require.NoError(t, s.pool.AcquireFunc(t.Context(), func(conn *pgxpool.Conn) error {
				assert.Equal(t, "I", string(conn.Conn().PgConn().TxStatus()), "idle, and in no transaction")
				return nil
			}))
			notes, err := s.written(t.Context())
			require.NoError(t, err)
			assert.Empty(t, notes)
			require.NoError(t, s.store.Update(t.Context(), orders.Scope{OrderID: "1"}, nothing))
			s.expect(t, inbox.Applied, e)
		})
	}
}

// A context that ends during the commit is an error.
func TestPgxContextEndsInCommit(t *testing.T) {
	t.Parallel()
	s := newPgxShop(t)
	// A constraint that is checked at the commit, and takes its time.
	s.exec(t, "CREATE FUNCTION "+s.schema+".slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN NULL; END'")
	s.exec(t, "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON "+s.schema+".notes INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION "+s.schema+".slow()")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := s.store.Update(ctx, orders.Scope{}, func(ctx context.Context, tx pgx.Tx, _ *orders.Record) (*orders.Change, error) {
		time.AfterFunc(50*time.Millisecond, cancel)
		return nil, s.write(ctx, tx, "slow")
	})
	require.ErrorIs(t, err, context.Canceled)
}

// Conflicts are run again, other errors are not.
func TestPgxConflicts(t *testing.T) {
	t.Parallel()
	s := newPgxShop(t)
	for code, want := range map[string]int32{"40001": 5, "40P01": 5, "23505": 1} {
		var runs atomic.Int32
		err := s.store.Update(t.Context(), orders.Scope{}, func(context.Context, pgx.Tx, *orders.Record) (*orders.Change, error) {
			runs.Add(1)
			return nil, &pgconn.PgError{Code: code}
		})
		require.ErrorContains(t, err, code)
		assert.Equal(t, want, runs.Load())
	}
	var runs atomic.Int32
	err := s.store.Update(t.Context(), orders.Scope{}, func(ctx context.Context, tx pgx.Tx, _ *orders.Record) (*orders.Change, error) {
		if runs.Add(1) == 1 {
			return nil, &pgconn.PgError{Code: "40P01"}
		}
		return nil, s.write(ctx, tx, "second")
	})
	require.NoError(t, err)
	notes, err := s.written(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"second"}, notes)
}

// A shop can move to the other package and back, and use both at once.
func TestPgxSharesTablesWithSQL(t *testing.T) {
	t.Parallel()
	for _, account := range []string{"", "eu"} {
		t.Run("account "+account, func(t *testing.T) {
			t.Parallel()
			d := databases()["PostgreSQL"]
			var pgxOptions []pgxstore.Option
			var sqlOptions []sqlstore.Option
			if account != "" {
				pgxOptions = append(pgxOptions, pgxstore.WithAccount(account))
				sqlOptions = append(sqlOptions, sqlstore.WithAccount(account))
			}
			s := newPgxShop(t, pgxOptions...)
			other, err := sqlstore.New(d.open(t, d.address(t)), sqlstore.PostgreSQL,
				append(sqlOptions, sqlstore.WithTable(s.schema+".jovepay_inbox"))...)
			require.NoError(t, err)
			require.NoError(t, other.Migrate(t.Context()))
			require.NoError(t, s.store.Migrate(t.Context()))
			s.create(t, "pgx")
			require.NoError(t, other.Update(t.Context(), orders.Scope{OrderID: "sql", Create: true}, func(context.Context, *sql.Tx, *orders.Record) (*orders.Change, error) {
				return fullChange("sql"), nil
			}))
			for _, id := range []string{"pgx", "sql"} {
				mine, err := s.store.Load(t.Context(), id)
				require.NoError(t, err)
				theirs, err := other.Load(t.Context(), id)
				require.NoError(t, err)
				require.NotNil(t, mine.Order)
				assert.Equal(t, theirs.Order, mine.Order)
				assert.Equal(t, theirs.Parts, mine.Parts)
				mineLines, err := s.store.Lines(t.Context(), orders.LineQuery{OrderID: id, Limit: 10})
				require.NoError(t, err)
				theirLines, err := other.Lines(t.Context(), orders.LineQuery{OrderID: id, Limit: 10})
				require.NoError(t, err)
				assert.Equal(t, theirLines, mineLines)
			}
			e, second := entry(t, "1", "waiting"), entry(t, "1", "finished")
			s.expect(t, inbox.Applied, e)
			none := func(context.Context, *sql.Tx) error { return nil }
			outcome, err := other.Apply(t.Context(), e, none)
			require.NoError(t, err)
			assert.Equal(t, inbox.Duplicate, outcome)
			outcome, err = other.Apply(t.Context(), second, none)
			require.NoError(t, err)
			assert.Equal(t, inbox.Applied, outcome)
			s.expect(t, inbox.Duplicate, second)
			s.expect(t, inbox.Outdated, e)

			// They wait for each other.
			var waiter sync.WaitGroup
			var done atomic.Bool
			require.NoError(t, s.store.Update(t.Context(), orders.Scope{OrderID: "sql"}, func(ctx context.Context, _ pgx.Tx, _ *orders.Record) (*orders.Change, error) {
				entered := make(chan struct{})
				waiter.Go(func() {
					close(entered)
					assert.NoError(t, other.Update(ctx, orders.Scope{OrderID: "sql"}, func(context.Context, *sql.Tx, *orders.Record) (*orders.Change, error) {
						assert.True(t, done.Load(), "it did not wait")
						return nil, nil
					}))
				})
				<-entered
				select {
				case <-time.After(100 * time.Millisecond):
				case <-ctx.Done():
				}
				done.Store(true)
				return nil, nil
			}))
			waiter.Wait()
		})
	}
}

// Both packages have the same migrations.
func TestPgxMigrationsAreThoseOfSQL(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../sqlstore/schema/postgresql/*.sql")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	mine, err := filepath.Glob("../../pgxstore/schema/*.sql")
	require.NoError(t, err)
	require.Len(t, mine, len(files))
	for i, file := range files {
		assert.Equal(t, filepath.Base(file), filepath.Base(mine[i]))
		want, err := os.ReadFile(file)
		require.NoError(t, err)
		got, err := os.ReadFile(mine[i])
		require.NoError(t, err)
		assert.Equal(t, string(want), string(got))
	}
}

// Any number of replicas of both packages can migrate at the same time.
func TestPgxMigrate(t *testing.T) {
	t.Parallel()
	d := databases()["PostgreSQL"]
	s := newPgxShop(t)
	table := s.schema + ".jovepay_inbox"
	other, err := sqlstore.New(d.open(t, d.address(t)), sqlstore.PostgreSQL, sqlstore.WithTable(table))
	require.NoError(t, err)
	for range 3 {
		s.exec(t, "DROP SCHEMA "+s.schema+" CASCADE")
		s.exec(t, "CREATE SCHEMA "+s.schema)
		var replicas sync.WaitGroup
		for range 4 {
			replicas.Go(func() { assert.NoError(t, s.store.Migrate(t.Context())) })
			replicas.Go(func() { assert.NoError(t, other.Migrate(t.Context())) })
		}
		replicas.Wait()
		s.create(t, "1")
	}
	require.Len(t, s.store.Migrations(), len(other.Migrations()))
	for i, m := range other.Migrations() {
		assert.Equal(t, m.SQL, s.store.Migrations()[i].SQL)
	}
}

// Settings that lose commits are reported.
func TestPgxCheck(t *testing.T) {
	t.Parallel()
	address := databases()["PostgreSQL"].address(t)
	s := newPgxShop(t)
	var on bool
	require.NoError(t, s.pool.QueryRow(t.Context(), "SELECT bool_and(setting <> 'off') FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')").Scan(&on))
	if on {
		require.NoError(t, s.store.Check(t.Context()))
	}
	err := newPgxShopAt(t, withParam(address, "synchronous_commit=off")).store.Check(t.Context())
	require.ErrorIs(t, err, orders.ErrLosesCommits)
	require.ErrorContains(t, err, "synchronous_commit = off")
}

// Prune deletes only the records of the store's account.
func TestPgxPruneAccounts(t *testing.T) {
	t.Parallel()
	s := newPgxShop(t)
	all := []*pgxShop{s}
	for _, account := range []string{"a", "a.b", "b"} {
		same := *s
		same.store = s.newStore(t, pgxstore.WithAccount(account))
		all = append(all, &same)
	}
	e := entry(t, "1", "finished")
	for _, s := range all {
		s.expect(t, inbox.Applied, e)
	}
	for i, s := range all {
		n, err := s.store.Prune(t.Context(), time.Now().Add(time.Hour))
		require.NoError(t, err)
		assert.EqualValues(t, 1, n)
		for j, other := range all {
			outcome, err := other.store.Lookup(t.Context(), e)
			require.NoError(t, err)
			want := inbox.Duplicate
			if j <= i {
				want = inbox.Pending
			}
			assert.Equal(t, want, outcome)
		}
	}
}

// PgBouncer in transaction mode, with fewer connections than clients.
func TestPgxPgBouncer(t *testing.T) {
	t.Parallel()
	d := startBouncer(t)
	for _, mode := range bouncerModes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := newPgxShopAt(t, withParam(d.address(t), "default_query_exec_mode="+mode))
			var crowd sync.WaitGroup
			for worker := range 12 {
				crowd.Go(func() {
					for i := range 10 {
						id := jovepay.ID(strings.Repeat("x", worker+1) + strings.Repeat("y", i+1))
						e := entry(t, id, "finished")
						s.create(t, string(id))
						s.expect(t, inbox.Applied, e)
						s.expect(t, inbox.Duplicate, e)
						assert.Equal(t, 1, s.lines(t, string(id)))
					}
				})
			}
			crowd.Wait()
			notes, err := s.written(t.Context())
			require.NoError(t, err)
			assert.Len(t, notes, 120)
		})
	}
}
