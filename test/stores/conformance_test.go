package stores_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/jovepay/jovepay-go/inbox/inboxtest"
	"github.com/jovepay/jovepay-go/sqlstore"
)

// The kit on every database, with the defaults and with the settings that
// change how the statements work.
func TestConformance(t *testing.T) {
	t.Parallel()
	all := databases()
	level := func(l sql.IsolationLevel) sqlstore.Option {
		return sqlstore.WithTxOptions(sql.TxOptions{Isolation: l})
	}
	for name, c := range map[string]struct {
		database
		change  func(address string) string
		options []sqlstore.Option
	}{
		"PostgreSQL":                  {database: all["PostgreSQL"]},
		"PostgreSQL, repeatable read": {database: all["PostgreSQL"], options: []sqlstore.Option{level(sql.LevelRepeatableRead)}},
		"PostgreSQL, serializable":    {database: all["PostgreSQL"], options: []sqlstore.Option{level(sql.LevelSerializable)}},
		"MariaDB":                     {database: all["MariaDB"]},
		"MariaDB, read uncommitted":   {database: all["MariaDB"], options: []sqlstore.Option{level(sql.LevelReadUncommitted)}},
		"MariaDB, read committed":     {database: all["MariaDB"], options: []sqlstore.Option{level(sql.LevelReadCommitted)}},
		"MariaDB, serializable":       {database: all["MariaDB"], options: []sqlstore.Option{level(sql.LevelSerializable)}},
		"MariaDB, found rows": {database: all["MariaDB"], change: func(address string) string {
			return withParam(address, "clientFoundRows=true&interpolateParams=true")
		}},
		"SQLite": {database: all["SQLite"]},
		"SQLite, deferred": {database: all["SQLite"], change: func(address string) string {
			return strings.ReplaceAll(address, "_txlock=immediate", "_txlock=deferred")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inboxtest.Run(t, func(t *testing.T) inboxtest.Harness[*sql.Tx] {
				t.Helper()
				address := c.address(t)
				if c.change != nil {
					address = c.change(address)
				}
				db, _ := c.openCut(t, address)
				return c.shopAt(t, db, c.options...).harness()
			})
		})
	}
}

// withParam adds parameters to an address.
func withParam(address, params string) string {
	separator := "?"
	if strings.Contains(address, "?") {
		separator = "&"
	}
	return address + separator + params
}
