package stores_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	_ "modernc.org/sqlite"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/inbox/inboxtest"
	"github.com/jovepay/jovepay-go/sqlstore"
)

func TestMain(m *testing.M) {
	// The driver writes of lost connections to standard error otherwise.
	if err := mysql.SetLogger(log.New(io.Discard, "", 0)); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// database is one that the tests run on.
type database struct {
	dialect sqlstore.Dialect
	driver  string
	address func(testing.TB) string
	hint    string // how to start it
	mark    string // the first placeholder
	kill    string // ends the connection that it runs on, if there is one to end
}

func databases() map[string]database {
	return map[string]database{
		"PostgreSQL": {
			dialect: sqlstore.PostgreSQL,
			driver:  "pgx",
			address: env("JOVEPAY_TEST_POSTGRES", "postgres://postgres@127.0.0.1:5432/test?sslmode=disable"),
			hint:    "service postgresql start && createdb test",
			mark:    "$1",
			kill:    "SELECT pg_terminate_backend(pg_backend_pid())",
		},
		"MariaDB": {
			dialect: sqlstore.MySQL,
			driver:  "mysql",
			address: env("JOVEPAY_TEST_MARIADB", "root@tcp(127.0.0.1:3306)/test"),
			hint:    "service mariadb start && mariadb -e 'CREATE DATABASE test'",
			mark:    "?",
			kill:    "KILL CONNECTION_ID()",
		},
		"SQLite": {
			dialect: sqlstore.SQLite,
			driver:  "sqlite",
			address: sqliteFile,
			mark:    "?",
		},
	}
}

func env(name, otherwise string) func(testing.TB) string {
	return func(testing.TB) string {
		if address := os.Getenv(name); address != "" {
			return address
		}
		return otherwise
	}
}

// sqliteFile returns the address of a new file, with the settings that the
// package comment asks for.
func sqliteFile(tb testing.TB) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "shop.db")
	return "file:" + path + "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_txlock=immediate"
}

// open connects to an address, or skips if nothing listens there.
func (d database) open(tb testing.TB, address string) *sql.DB {
	tb.Helper()
	db, err := sql.Open(d.driver, address)
	require.NoError(tb, err)
	pool(tb, db)
	ctx, cancel := context.WithTimeout(tb.Context(), 5*time.Second)
	defer cancel()
	if err := db.PingContext(ctx); err != nil {
		if d.hint == "" || os.Getenv("JOVEPAY_REQUIRE_DATABASES") != "" {
			tb.Fatalf("no %s: %v", d.dialect, err)
		}
		tb.Skipf("no %s: %v; start it with: %s", d.dialect, err, d.hint)
	}
	return db
}

// pool limits the connections of db, and closes it at the end.
func pool(tb testing.TB, db *sql.DB) *sql.DB {
	tb.Helper()
	tb.Cleanup(func() { require.NoError(tb, db.Close()) })
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	return db
}

// tables are all tables of the store.
func (s *shop) tables() []string {
	all := []string{s.table}
	for _, name := range []string{"orders", "order_parts", "ledger", "order_history", "leases", "migrations"} {
		all = append(all, s.beside(name))
	}
	return all
}

// beside is the name of a table beside that of the inbox.
func (s *shop) beside(name string) string { return strings.TrimSuffix(s.table, "inbox") + name }

// shop is a database with the tables of a store and one for the shop's own
// writes, all gone after the test.
type shop struct {
	database
	db     *sql.DB
	at     string // the address of db, if a test opens it again
	table  string
	notes  string
	store  *sqlstore.Store
	insert string
}

func (d database) shop(tb testing.TB) *shop {
	tb.Helper()
	return d.shopAt(tb, d.open(tb, d.address(tb)))
}

func (d database) shopAt(tb testing.TB, db *sql.DB, opts ...sqlstore.Option) *shop {
	tb.Helper()
	s := d.shopIn(tb, db, "shop_"+strings.ToLower(rand.Text())+"_inbox", opts...)
	tb.Cleanup(func() {
		for _, table := range append(s.tables(), s.notes) {
			_, err := db.ExecContext(context.WithoutCancel(tb.Context()), "DROP TABLE IF EXISTS "+table)
			require.NoError(tb, err)
		}
	})
	require.NoError(tb, s.store.Migrate(tb.Context()))
	s.exec(tb, "CREATE TABLE "+s.notes+" (note varchar(200) NOT NULL)")
	return s
}

// shopIn returns a shop on tables that are there, or are still to be created.
func (d database) shopIn(tb testing.TB, db *sql.DB, table string, opts ...sqlstore.Option) *shop {
	tb.Helper()
	s := &shop{database: d, db: db, table: table, notes: table + "_notes"}
	s.insert = fmt.Sprintf("INSERT INTO %s VALUES (%s)", s.notes, d.mark)
	s.store = s.newStore(tb, db, opts...)
	return s
}

// newStore returns another store on the shop's tables.
func (s *shop) newStore(tb testing.TB, db *sql.DB, opts ...sqlstore.Option) *sqlstore.Store {
	tb.Helper()
	store, err := sqlstore.New(db, s.dialect, append([]sqlstore.Option{sqlstore.WithTable(s.table)}, opts...)...)
	require.NoError(tb, err)
	return store
}

func (s *shop) exec(tb testing.TB, query string, args ...any) {
	tb.Helper()
	_, err := s.db.ExecContext(tb.Context(), query, args...)
	require.NoError(tb, err)
}

func (s *shop) write(ctx context.Context, tx *sql.Tx, note string) error {
	_, err := tx.ExecContext(ctx, s.insert, note)
	return err
}

func (s *shop) written(ctx context.Context) (notes []string, err error) {
	rows, err := s.db.QueryContext(ctx, "SELECT note FROM "+s.notes)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var note string
		if err := rows.Scan(&note); err != nil {
			return nil, err
		}
		notes = append(notes, note)
	}
	return notes, rows.Err()
}

// harness is the shop for the conformance kit. The connection is killed by the
// server, if there is one, and else on the way; see openCut.
func (s *shop) harness() inboxtest.Harness[*sql.Tx] {
	return inboxtest.Harness[*sql.Tx]{
		Store: s.store, Write: s.write, Written: s.written,
		Cut: func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, cmp.Or(s.kill, cutStatement))
			if s.kill != "" && err == nil {
				return errors.New("the connection lives")
			}
			return nil
		},
	}
}

// entry returns the entry of a payment's event.
func entry(tb testing.TB, id jovepay.ID, status jovepay.PaymentStatus) inbox.Entry {
	tb.Helper()
	e, err := inbox.NewEntry((&jovepay.Payment{ID: id, Status: status}).Event())
	require.NoError(tb, err)
	return e
}
