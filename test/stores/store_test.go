package stores_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/sqlstore"
)

// expect applies e with a note, and wants an outcome.
func (s *shop) expect(t *testing.T, want inbox.Outcome, e inbox.Entry) {
	t.Helper()
	got, err := s.store.Apply(t.Context(), e, func(ctx context.Context, tx *sql.Tx) error {
		return s.write(ctx, tx, e.Key)
	})
	require.NoError(t, err)
	assert.Equal(t, want, got)
}

// Two tables are two inboxes, also by a name with a schema.
func TestTables(t *testing.T) {
	t.Parallel()
	for name, d := range databases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			schema := map[sqlstore.Dialect]string{sqlstore.PostgreSQL: "public", sqlstore.SQLite: "main"}[d.dialect]
			s := d.shop(t)
			if schema == "" {
				require.NoError(t, s.db.QueryRowContext(t.Context(), "SELECT DATABASE()").Scan(&schema))
			}
			e := entry(t, "1", "finished")
			s.expect(t, inbox.Applied, e)
			same := *s
			same.store = s.newStore(t, s.db, sqlstore.WithTable(schema+"."+s.table))
			same.expect(t, inbox.Duplicate, e)
			d.shopAt(t, s.db).expect(t, inbox.Applied, e)
		})
	}
}

// A store that is down is an error everywhere, and the response makes JovePay
// retry.
func TestDown(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]string{
		"pgx":    "postgres://postgres@127.0.0.1:1/test?sslmode=disable",
		"mysql":  "root@tcp(127.0.0.1:1)/test",
		"sqlite": "file:" + t.TempDir() + "/missing/shop.db",
	} {
		dialect := map[string]sqlstore.Dialect{"pgx": sqlstore.PostgreSQL, "mysql": sqlstore.MySQL, "sqlite": sqlstore.SQLite}[name]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, err := sql.Open(name, address)
			require.NoError(t, err)
			pool(t, db)
			expectDown(t, db, dialect)
		})
	}
	// The table is missing.
	for name, d := range databases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			expectDown(t, d.open(t, d.address(t)), d.dialect, sqlstore.WithTable("no_such_table"))
		})
	}
}

func expectDown(t *testing.T, db *sql.DB, dialect sqlstore.Dialect, opts ...sqlstore.Option) {
	t.Helper()
	store, err := sqlstore.New(db, dialect, opts...)
	require.NoError(t, err)
	e := entry(t, "1", "finished")
	never := func(context.Context, *sql.Tx) error {
		t.Error("called without a store")
		return errors.New("called")
	}
	outcome, err := store.Apply(t.Context(), e, never)
	require.ErrorContains(t, err, "sqlstore: ")
	assert.Empty(t, outcome)
	outcome, err = store.Lookup(t.Context(), e)
	require.ErrorContains(t, err, "sqlstore: look up: ")
	assert.Empty(t, outcome)
	_, err = store.Prune(t.Context(), time.Now())
	require.ErrorContains(t, err, "sqlstore: prune: ")

	verifier, err := jovepay.NewIPNVerifier("secret")
	require.NoError(t, err)
	handler := verifier.Handler(inbox.New(store).Once(func(ctx context.Context, tx *sql.Tx, _ jovepay.Event) error {
		return never(ctx, tx)
	}))
	const body = `{"payment_id":1,"payment_status":"finished"}`
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/ipn", strings.NewReader(body))
	r.Header.Set(jovepay.IPNSignatureHeader, verifier.Sign([]byte(body)))
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	assert.Equal(t, http.StatusInternalServerError, w.Code)
}

// A table that takes no records, for a trigger or a rule, must not pass for
// events that are dealt with.
func TestTableTakesNothing(t *testing.T) {
	t.Parallel()
	s := databases()["SQLite"].shop(t)
	s.exec(t, "CREATE TRIGGER reject BEFORE INSERT ON "+s.table+" BEGIN SELECT RAISE(IGNORE); END")
	outcome, err := s.store.Apply(t.Context(), entry(t, "1", "finished"), nil)
	require.EqualError(t, err, "sqlstore: table "+s.table+" does not accept records")
	assert.Empty(t, outcome)
}

// Errors of the drivers themselves say by their codes that a transaction can be
// run again.
func TestConflictsOfDrivers(t *testing.T) {
	t.Parallel()
	for name, errs := range map[string]struct{ passes, stays func(*testing.T, *shop) error }{
		"PostgreSQL": {
			func(*testing.T, *shop) error { return &pgconn.PgError{Code: "40001"} },
			func(*testing.T, *shop) error { return &pgconn.PgError{Code: "23505", Message: "40001"} },
		},
		"MariaDB": {
			func(*testing.T, *shop) error { return &mysql.MySQLError{Number: 1213} },
			func(*testing.T, *shop) error { return &mysql.MySQLError{Number: 1205, Message: "Error 1213"} },
		},
		"SQLite": {
			func(t *testing.T, s *shop) error { // its errors cannot be made
				t.Helper()
				return s.busy(t)
			},
			func(*testing.T, *shop) error { return errors.New("database is locked (5) (SQLITE_BUSY)") },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := databases()[name].shop(t)
			passing, runs := errs.passes(t, s), 0
			outcome, err := s.store.Apply(t.Context(), entry(t, "1", "finished"), func(context.Context, *sql.Tx) error {
				if runs++; runs == 1 {
					return fmt.Errorf("shop: %w", passing)
				}
				return nil
			})
			require.NoError(t, err)
			assert.Equal(t, inbox.Applied, outcome)
			assert.Equal(t, 2, runs)

			staying, runs := errs.stays(t, s), 0
			_, err = s.store.Apply(t.Context(), entry(t, "2", "finished"), func(context.Context, *sql.Tx) error {
				runs++
				return staying
			})
			require.ErrorIs(t, err, staying)
			assert.Equal(t, 1, runs)
		})
	}
}

// busy returns SQLite's error of a file that another transaction writes to.
func (s *shop) busy(t *testing.T) error {
	t.Helper()
	tx, err := s.db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, tx.Rollback()) }()
	conn, err := s.db.Conn(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	_, err = conn.ExecContext(t.Context(), "PRAGMA busy_timeout = 0")
	require.NoError(t, err)
	_, err = conn.ExecContext(t.Context(), "BEGIN IMMEDIATE")
	require.Error(t, err)
	return err
}

// A function that breaks the rules gets an error, not an event that is half
// applied.
func TestFunctionEndsTransaction(t *testing.T) {
	t.Parallel()
	for name, d := range databases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := d.shop(t)
			e := entry(t, "1", "finished")
			outcome, err := s.store.Apply(t.Context(), e, func(ctx context.Context, tx *sql.Tx) error {
				return errors.Join(s.write(ctx, tx, "undone"), tx.Rollback())
			})
			require.ErrorIs(t, err, sql.ErrTxDone)
			assert.Empty(t, outcome)
			outcome, err = s.store.Apply(t.Context(), e, func(ctx context.Context, tx *sql.Tx) error {
				return errors.Join(s.write(ctx, tx, "done"), tx.Commit())
			})
			require.ErrorIs(t, err, sql.ErrTxDone)
			assert.Empty(t, outcome)
			s.expect(t, inbox.Duplicate, e)
			notes, err := s.written(t.Context())
			require.NoError(t, err)
			assert.Equal(t, []string{"done"}, notes)
		})
	}
}

// PostgreSQL commits nothing after a failed statement, even if the function
// hides the failure.
func TestFunctionHidesFailure(t *testing.T) {
	t.Parallel()
	s := databases()["PostgreSQL"].shop(t)
	e := entry(t, "1", "finished")
	outcome, err := s.store.Apply(t.Context(), e, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "SELECT 1/0")
		assert.Error(t, err)
		return nil
	})
	require.ErrorContains(t, err, "sqlstore: commit: ")
	assert.Empty(t, outcome)
	s.expect(t, inbox.Applied, e)
}

// Two payments whose transactions lock the same two rows, each in its own
// order: the database gives one up, and it is run again.
func TestDeadlock(t *testing.T) {
	t.Parallel()
	for name, d := range databases() {
		if d.dialect == sqlstore.SQLite {
			continue // one transaction at a time
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := d.shop(t)
			s.exec(t, "ALTER TABLE "+s.notes+" ADD PRIMARY KEY (note)")
			s.exec(t, s.insert, "a")
			s.exec(t, s.insert, "b")
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			var runs atomic.Int32
			var meet, both sync.WaitGroup
			meet.Add(2)
			for _, order := range [][]string{{"a", "b"}, {"b", "a"}} {
				e := entry(t, jovepay.ID(order[0]), "finished")
				both.Go(func() {
					var once sync.Once
					outcome, err := s.store.Apply(ctx, e, func(ctx context.Context, tx *sql.Tx) error {
						runs.Add(1)
						for _, row := range order {
							var note string
							if err := tx.QueryRowContext(ctx, "SELECT note FROM "+s.notes+" WHERE note = '"+row+"' FOR UPDATE").Scan(&note); err != nil {
								return err
							}
							once.Do(func() {
								meet.Done()
								meet.Wait()
							})
						}
						return nil
					})
					assert.NoError(t, err)
					assert.Equal(t, inbox.Applied, outcome)
				})
			}
			both.Wait()
			assert.Greater(t, runs.Load(), int32(2), "one of them was run again")
		})
	}
}

// Without any waiting by SQLite itself, the turns of a store suffice for a
// program; two programs wait for each other with busy_timeout.
func TestSQLiteTurns(t *testing.T) {
	t.Parallel()
	d := databases()["SQLite"]
	address := d.address(t)
	s := d.shopAt(t, d.open(t, strings.ReplaceAll(address, "busy_timeout(5000)", "busy_timeout(0)")))
	stampede(t, s, s.store)
	s = d.shopAt(t, d.open(t, address))
	stampede(t, s, s.store, s.newStore(t, d.open(t, address)))
}

// stampede applies the life of a payment many times over through all stores.
func stampede(t *testing.T, s *shop, stores ...*sqlstore.Store) {
	t.Helper()
	e := entry(t, "1", "finished")
	var applied, duplicates atomic.Int32
	var crowd sync.WaitGroup
	for _, store := range stores {
		for range 64 {
			crowd.Go(func() {
				for range 10 {
					outcome, err := store.Apply(t.Context(), e, func(ctx context.Context, tx *sql.Tx) error {
						return s.write(ctx, tx, "shipped")
					})
					switch {
					case err != nil:
						t.Error(err)
					case outcome == inbox.Applied:
						applied.Add(1)
					case outcome == inbox.Duplicate:
						duplicates.Add(1)
					}
				}
			})
		}
	}
	crowd.Wait()
	assert.EqualValues(t, 1, applied.Load())
	assert.EqualValues(t, 640*len(stores)-1, duplicates.Load())
	notes, err := s.written(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"shipped"}, notes)
}

// Another program that does not let go of the file is an error after a while,
// not a hang, and does no harm.
func TestSQLiteBusy(t *testing.T) {
	t.Parallel()
	d := databases()["SQLite"]
	address := strings.ReplaceAll(d.address(t), "busy_timeout(5000)", "busy_timeout(1)")
	s := d.shopAt(t, d.open(t, address))
	hog, err := d.open(t, address).BeginTx(t.Context(), nil)
	require.NoError(t, err)
	e := entry(t, "1", "finished")
	_, err = s.store.Apply(t.Context(), e, nil)
	require.ErrorContains(t, err, "database is locked")
	require.NoError(t, hog.Rollback())
	s.expect(t, inbox.Applied, e)
}

// The kit detects a wrong collation only where the database's default is one, which
// is not so on every machine that runs the tests.
func TestPostgreSQLCollation(t *testing.T) {
	t.Parallel()
	s := databases()["PostgreSQL"].shop(t)
	var columns int
	require.NoError(t, s.db.QueryRowContext(t.Context(), `
		SELECT count(*) FROM information_schema.columns
		WHERE table_name = $1 AND column_name IN ('subject', 'event_key', 'position') AND collation_name = 'C'`, s.table).Scan(&columns))
	assert.Equal(t, 3, columns)
}
