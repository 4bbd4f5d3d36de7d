package stores_test

import (
	"context"
	"database/sql"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/orders"
	"github.com/jovepay/jovepay-go/sqlstore"
)

// Any number of replicas can migrate at the same time, again and again.
func TestMigrate(t *testing.T) {
	t.Parallel()
	for name, d := range databases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := d.shop(t)
			for range 5 {
				s.dropAll(t)
				var replicas sync.WaitGroup
				for range 8 {
					replicas.Go(func() { assert.NoError(t, s.store.Migrate(t.Context())) })
				}
				replicas.Wait()
			}
			s.expectAll(t)
			require.NoError(t, s.store.Migrate(t.Context()))
			s.expect(t, inbox.Duplicate, entry(t, "3", "finished"))
		})
	}
}

// A person runs the migrations by hand, and Migrate finds nothing to do.
func TestMigrateByHand(t *testing.T) {
	t.Parallel()
	for name, d := range databases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := d.shop(t)
			s.dropAll(t)
			for i, m := range s.store.Migrations() {
				assert.Equal(t, i+1, m.Version)
				assert.NotContains(t, m.SQL, "jovepay_")
				s.run(t, m.SQL)
			}
			s.expectAll(t)
			require.NoError(t, s.store.Migrate(t.Context()))
			require.NoError(t, s.store.Migrate(t.Context()))
			s.expect(t, inbox.Duplicate, entry(t, "3", "finished"))
			var versions int
			require.NoError(t, s.db.QueryRowContext(t.Context(), "SELECT count(*) FROM "+s.beside("migrations")).Scan(&versions))
			assert.Len(t, s.store.Migrations(), versions)
		})
	}
}

// firstTables are the tables of the inbox as they were before migrations had
// numbers, and firstClaims the statement that replicas of that time claim with.
var (
	firstTables = map[sqlstore.Dialect]string{
		sqlstore.PostgreSQL: `CREATE TABLE IF NOT EXISTS INBOX (
			subject varchar(160) COLLATE "C" PRIMARY KEY, event_key varchar(64) COLLATE "C" NOT NULL,
			position varchar(255) COLLATE "C" NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`,
		sqlstore.MySQL: `CREATE TABLE IF NOT EXISTS INBOX (
			subject varchar(160) NOT NULL PRIMARY KEY, event_key varchar(64) NOT NULL,
			position varchar(255) NOT NULL, applied_at datetime(6) NOT NULL) ENGINE = InnoDB CHARACTER SET ascii COLLATE ascii_bin`,
		sqlstore.SQLite: `CREATE TABLE IF NOT EXISTS INBOX (
			subject TEXT NOT NULL PRIMARY KEY, event_key TEXT NOT NULL, position TEXT NOT NULL,
			applied_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))) WITHOUT ROWID`,
	}
	firstClaims = map[sqlstore.Dialect]string{
		sqlstore.PostgreSQL: `INSERT INTO INBOX AS applied (subject, event_key, position) VALUES ('payment:2', 'token', '')
			ON CONFLICT (subject) DO UPDATE SET event_key = excluded.event_key, applied_at = excluded.applied_at WHERE applied.position < '80'`,
		sqlstore.MySQL: `INSERT INTO INBOX (subject, event_key, position, applied_at) VALUES ('payment:2', 'token', '', UTC_TIMESTAMP(6))
			ON DUPLICATE KEY UPDATE event_key = IF(position < '80', VALUES(event_key), IF(LAST_INSERT_ID(1), event_key, NULL)),
			applied_at = IF(event_key = VALUES(event_key), VALUES(applied_at), applied_at)`,
		sqlstore.SQLite: `INSERT INTO INBOX AS applied (subject, event_key, position) VALUES ('payment:2', 'token', '')
			ON CONFLICT (subject) DO UPDATE SET event_key = excluded.event_key, applied_at = excluded.applied_at WHERE applied.position < '80'`,
	}
)

// What the inbox has recorded before orders came stays recorded, and replicas
// that know only the inbox keep working during the upgrade and after it.
func TestMigrateFromInbox(t *testing.T) {
	t.Parallel()
	for name, d := range databases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := d.shop(t)
			s.dropAll(t)
			s.run(t, strings.ReplaceAll(firstTables[d.dialect], "INBOX", s.table))
			old := entry(t, "1", "finished")
			s.expect(t, inbox.Applied, old)

			require.NoError(t, s.store.Migrate(t.Context()))
			s.expect(t, inbox.Duplicate, old)
			s.run(t, strings.ReplaceAll(firstClaims[d.dialect], "INBOX", s.table))
			s.exec(t, "UPDATE "+s.table+" SET event_key = 'key', position = '80' WHERE subject = 'payment:2' AND event_key = 'token'")
			s.expect(t, inbox.Outdated, entry(t, "2", "waiting"))
			s.run(t, strings.ReplaceAll(firstTables[d.dialect], "INBOX", s.table))
			s.expectAll(t)
		})
	}
}

// Both stores for PostgreSQL have the same tables.
func TestMigrationsOfPgx(t *testing.T) {
	t.Parallel()
	files, err := os.ReadDir("../../sqlstore/schema/postgresql")
	require.NoError(t, err)
	copies, err := os.ReadDir("../../pgxstore/schema")
	require.NoError(t, err)
	require.Len(t, copies, len(files))
	for _, file := range files {
		want, err := os.ReadFile("../../sqlstore/schema/postgresql/" + file.Name())
		require.NoError(t, err)
		got, err := os.ReadFile("../../pgxstore/schema/" + file.Name())
		require.NoError(t, err)
		assert.Equal(t, string(want), string(got), file.Name())
	}
}

func (s *shop) dropAll(t *testing.T) {
	t.Helper()
	for _, table := range s.tables() {
		s.exec(t, "DROP TABLE IF EXISTS "+table)
	}
}

// run runs the statements of a file.
func (s *shop) run(t *testing.T, text string) {
	t.Helper()
	for statement := range strings.SplitSeq(text, ";\n") {
		if strings.TrimSpace(statement) != "" {
			s.exec(t, statement)
		}
	}
}

// expectAll uses every table, with the longest names of an account and an event.
func (s *shop) expectAll(t *testing.T) {
	t.Helper()
	s.expect(t, inbox.Applied, entry(t, "3", "finished"))
	account := s.newStore(t, s.db, sqlstore.WithAccount(strings.Repeat("a", 64)))
	e := inbox.Entry{Subject: "payment:" + strings.Repeat("1", 152), Key: "key", Position: "80"}
	err := account.Update(t.Context(), orders.Scope{OrderID: "1", Create: true, Entry: e}, func(context.Context, *sql.Tx, *orders.Record) (*orders.Change, error) {
		return fullChange("1"), nil
	})
	require.NoError(t, err)
	acquired, err := account.Acquire(t.Context(), "lease", "holder", 0)
	require.NoError(t, err)
	assert.True(t, acquired)
}
