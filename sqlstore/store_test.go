package sqlstore_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/sqlstore"
)

// The tests against real databases are in the module test/stores, which has
// their drivers.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder is a database that does nothing and remembers what it was asked.
type recorder struct {
	mu   sync.Mutex
	said []string
}

// open returns a pool of connections to r.
func (r *recorder) open(t *testing.T) *sql.DB {
	t.Helper()
	db := sql.OpenDB(r)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// take returns what was asked since the last time.
func (r *recorder) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	said := r.said
	r.said = nil
	return said
}

func (r *recorder) say(words string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said = append(r.said, words)
}

func (r *recorder) Connect(context.Context) (driver.Conn, error) { return conn{r}, nil }
func (r *recorder) Driver() driver.Driver                        { return nil }

type conn struct{ *recorder }

func (c conn) Close() error              { return nil }
func (c conn) Begin() (driver.Tx, error) { return nil, errors.New("it has a BeginTx") }

func (c conn) BeginTx(_ context.Context, o driver.TxOptions) (driver.Tx, error) {
	c.say(strings.TrimSpace("BEGIN " + strings.TrimPrefix(sql.IsolationLevel(o.Isolation).String(), "Default")))
	return c, nil
}

func (c conn) Commit() error {
	c.say("COMMIT")
	return nil
}

func (c conn) Rollback() error {
	c.say("ROLLBACK")
	return nil
}

// firstWords are what is remembered of a statement.
func firstWords(query string) string { return strings.Join(strings.Fields(query)[:2], " ") }

func (c conn) ExecContext(_ context.Context, query string, _ []driver.NamedValue) (driver.Result, error) {
	c.say(firstWords(query + " -"))
	return result{}, nil
}

func (c conn) Prepare(query string) (driver.Stmt, error) {
	c.say("PREPARE " + firstWords(query))
	return stmt{c, query}, nil
}

// result is of one row, without an id.
type result struct{}

func (result) LastInsertId() (int64, error) { return 0, nil }
func (result) RowsAffected() (int64, error) { return 1, nil }

type stmt struct {
	conn
	query string
}

func (s stmt) NumInput() int { return -1 }

func (s stmt) Exec([]driver.Value) (driver.Result, error) {
	s.say("execute " + firstWords(s.query))
	return result{}, nil
}

func (s stmt) Query([]driver.Value) (driver.Rows, error) {
	s.say("query " + firstWords(s.query))
	return nil, errors.New("there are no rows")
}

func TestNewRejects(t *testing.T) {
	t.Parallel()
	db := new(recorder).open(t)
	for name, c := range map[string]struct {
		db      *sql.DB
		dialect sqlstore.Dialect
		option  sqlstore.Option
		want    string
	}{
		"no database":   {nil, sqlstore.SQLite, sqlstore.WithTable("a"), "sqlstore: db is nil"},
		"dialect":       {db, "oracle", sqlstore.WithTable("a"), `sqlstore: unknown dialect "oracle"`},
		"no dialect":    {db, "", sqlstore.WithTable("a"), `sqlstore: unknown dialect ""`},
		"no table":      {db, sqlstore.SQLite, sqlstore.WithTable(""), `sqlstore: table "": want at most 40 letters, digits and underscores`},
		"injection":     {db, sqlstore.SQLite, sqlstore.WithTable("a; DROP TABLE b"), `sqlstore: table "a; DROP TABLE b": want at most 40 letters, digits and underscores`},
		"three parts":   {db, sqlstore.SQLite, sqlstore.WithTable("a.b.c"), `sqlstore: table "a.b.c": want at most 40 letters, digits and underscores`},
		"trailing line": {db, sqlstore.SQLite, sqlstore.WithTable("a\n"), `sqlstore: table "a\n": want at most 40 letters, digits and underscores`},
		"long":          {db, sqlstore.SQLite, sqlstore.WithTable(strings.Repeat("a", 41)), `sqlstore: table "` + strings.Repeat("a", 41) + `": want at most 40 letters, digits and underscores`},
		"no account":    {db, sqlstore.SQLite, sqlstore.WithAccount(""), `sqlstore: account "": want 1 to 64 of A-Z a-z 0-9 _ . -`},
		"slash":         {db, sqlstore.SQLite, sqlstore.WithAccount("a/b"), `sqlstore: account "a/b": want 1 to 64 of A-Z a-z 0-9 _ . -`},
		"colon":         {db, sqlstore.SQLite, sqlstore.WithAccount("a:b"), `sqlstore: account "a:b": want 1 to 64 of A-Z a-z 0-9 _ . -`},
		"long account":  {db, sqlstore.SQLite, sqlstore.WithAccount(strings.Repeat("a", 65)), `sqlstore: account "` + strings.Repeat("a", 65) + `": want 1 to 64 of A-Z a-z 0-9 _ . -`},
		"read only":     {db, sqlstore.SQLite, sqlstore.WithTxOptions(sql.TxOptions{ReadOnly: true}), "sqlstore: want transactions that can write, got ReadOnly"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, err := sqlstore.New(c.db, c.dialect, c.option)
			require.EqualError(t, err, c.want)
			assert.Nil(t, store)
		})
	}
}

func TestNilOption(t *testing.T) {
	t.Parallel()
	store, err := sqlstore.New(new(recorder).open(t), sqlstore.SQLite, nil, sqlstore.WithTable("a"), nil)
	require.NoError(t, err)
	assert.Contains(t, store.Migrations()[0].SQL, " a ")
}

// What a delivery costs: on PostgreSQL one statement besides the claim, the
// function's own and the transaction's; on the others two short ones more, and
// MySQL's are prepared once per connection.
func TestStatementsOfApply(t *testing.T) {
	t.Parallel()
	for dialect, c := range map[sqlstore.Dialect]struct{ first, next []string }{
		sqlstore.PostgreSQL: {
			next: []string{"BEGIN", "INSERT INTO", "the function", "UPDATE jovepay_inbox", "COMMIT"},
		},
		sqlstore.SQLite: {
			next: []string{"BEGIN", "INSERT INTO", "SAVEPOINT", "the function", "RELEASE SAVEPOINT", "UPDATE jovepay_inbox", "COMMIT"},
		},
		sqlstore.MySQL: {
			first: []string{"PREPARE INSERT INTO", "PREPARE UPDATE jovepay_inbox"},
			next: []string{
				"BEGIN", "execute INSERT INTO", "SAVEPOINT", "the function",
				"RELEASE SAVEPOINT", "execute UPDATE jovepay_inbox", "COMMIT",
			},
		},
	} {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			db := new(recorder)
			store, err := sqlstore.New(db.open(t), dialect)
			require.NoError(t, err)
			deliver := func() []string {
				outcome, err := store.Apply(t.Context(), inbox.Entry{Subject: "payment:1", Key: "k", Position: "80"},
					func(context.Context, *sql.Tx) error {
						db.say("the function")
						return nil
					})
				require.NoError(t, err)
				assert.Equal(t, inbox.Applied, outcome)
				said := db.take()
				for i := range said {
					if strings.HasPrefix(said[i], "SAVEPOINT ") {
						assert.Len(t, said[i], len("SAVEPOINT claim_")+26)
						said[i] = "SAVEPOINT"
					}
				}
				return said
			}
			assert.Equal(t, append(c.first, c.next...), deliver())
			assert.Equal(t, c.next, deliver())
		})
	}
}

// An isolation level can be set on MySQL only where no transaction is open.
func TestMySQLEndsOpenTransactions(t *testing.T) {
	t.Parallel()
	db := new(recorder)
	store, err := sqlstore.New(db.open(t), sqlstore.MySQL, sqlstore.WithTxOptions(sql.TxOptions{Isolation: sql.LevelSerializable}))
	require.NoError(t, err)
	_, err = store.Lookup(t.Context(), inbox.Entry{Subject: "payment:1"})
	require.Error(t, err)
	assert.Equal(t, []string{"COMMIT -", "BEGIN Read Committed", "PREPARE SELECT event_key,", "query SELECT event_key,", "ROLLBACK"}, db.take())
	_, err = store.Prune(t.Context(), time.Now())
	require.Error(t, err)
	assert.Equal(t, []string{"COMMIT -", "BEGIN Read Committed", "PREPARE SELECT subject", "query SELECT subject", "ROLLBACK"}, db.take())
	_, err = store.Apply(t.Context(), inbox.Entry{Subject: "payment:1", Position: "80"}, func(context.Context, *sql.Tx) error { return nil })
	require.NoError(t, err)
	assert.Equal(t, []string{"COMMIT -", "BEGIN Serializable"}, db.take()[2:4])
}
