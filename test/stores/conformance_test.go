package stores_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/jovepay/jovepay-go/inbox/inboxtest"
	"github.com/jovepay/jovepay-go/orders/orderstest"
	"github.com/jovepay/jovepay-go/sqlstore"
)

// The kits on every database, with the defaults and with the settings that
// change how the statements work.
func TestConformance(t *testing.T) {
	t.Parallel()
	eachSetting(t, func(t *testing.T, open func(*testing.T) *shop) {
		t.Helper()
		inboxtest.Run(t, func(t *testing.T) inboxtest.Harness[*sql.Tx] { t.Helper(); return open(t).harness() })
	})
}

func TestOrdersConformance(t *testing.T) {
	t.Parallel()
	eachSetting(t, func(t *testing.T, open func(*testing.T) *shop) {
		t.Helper()
		orderstest.Run(t, func(t *testing.T) orderstest.Harness[*sql.Tx] {
			t.Helper()
			h := open(t).ordersHarness(t)
			if strings.Contains(t.Name(), "repeatable") || strings.Contains(t.Name(), "serializable") {
				h.Conflict = isConflict
			}
			return h
		})
	})
}

// isConflict reports whether err is one that the store retries, until it gives
// up: with 50 calls for one order at these levels, it does.
func isConflict(err error) bool {
	return strings.Contains(err.Error(), "SQLSTATE 40001") || strings.Contains(err.Error(), "Error 1213 (40001)")
}

// eachSetting runs tests with shops whose databases differ in their kind and
// settings; a short run has only the defaults.
func eachSetting(t *testing.T, run func(t *testing.T, open func(*testing.T) *shop)) {
	t.Helper()
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
		"MariaDB, repeatable read":    {database: all["MariaDB"], options: []sqlstore.Option{level(sql.LevelRepeatableRead)}},
		"MariaDB, serializable":       {database: all["MariaDB"], options: []sqlstore.Option{level(sql.LevelSerializable)}},
		"MariaDB, found rows": {database: all["MariaDB"], change: func(address string) string {
			return withParam(address, "clientFoundRows=true&interpolateParams=true")
		}},
		"SQLite":           {database: all["SQLite"]},
		"SQLite, deferred": {database: all["SQLite"], change: deferred},
	} {
		if _, byDefault := all[name]; testing.Short() && !byDefault {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, func(t *testing.T) *shop {
				t.Helper()
				address := c.address(t)
				if c.change != nil {
					address = c.change(address)
				}
				s := c.shopAt(t, c.openCut(t, address), c.options...)
				s.at = address
				return s
			})
		})
	}
}

// ordersHarness is the shop for the kit of orders.
func (s *shop) ordersHarness(t *testing.T) orderstest.Harness[*sql.Tx] {
	t.Helper()
	begin := s.db
	if s.dialect == sqlstore.SQLite { // the shop waits when it joins, not when it begins
		begin = s.openCut(t, deferred(s.at))
	}
	return orderstest.Harness[*sql.Tx]{
		Store: s.store, Other: s.newStore(t, s.db, sqlstore.WithAccount("other")),
		Begin: func(ctx context.Context) (tx *sql.Tx, commit, rollback func() error, err error) {
			tx, err = begin.BeginTx(ctx, nil)
			if err != nil {
				return nil, nil, nil, err
			}
			return tx, tx.Commit, tx.Rollback, nil
		},
		Write: s.write, Written: s.written, Cut: s.harness().Cut,
		CutCommit: func(ctx context.Context, tx *sql.Tx, received bool) error {
			where := cutBeforeCommit
			if received {
				where = cutAfterCommit
			}
			_, err := tx.ExecContext(ctx, where)
			return err
		},
		SetCreated: func(ctx context.Context, orderID string, at time.Time) error {
			query := "UPDATE " + s.beside("orders") + " SET created = ? WHERE id = ?"
			if s.dialect == sqlstore.PostgreSQL {
				query = "UPDATE " + s.beside("orders") + " SET created = $1 WHERE id = $2"
			}
			_, err := s.db.ExecContext(ctx, query, at.UnixMicro(), orderID)
			return err
		},
		OneWriter: s.dialect == sqlstore.SQLite,
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
