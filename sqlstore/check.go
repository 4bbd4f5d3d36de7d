package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/jovepay/jovepay-go/orders"
)

// settings are the statements that select the settings that decide whether
// commits survive a crash, in rows of name and value.
const (
	settingsPostgreSQL = `SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')`

	settingsMySQL = `SELECT 'innodb_flush_log_at_trx_commit', CAST(@@innodb_flush_log_at_trx_commit AS char)
UNION ALL SELECT 'sync_binlog', CAST(IF(@@log_bin, @@sync_binlog, 1) AS char)`

	settingsSQLite = `SELECT 'journal_mode', journal_mode FROM pragma_journal_mode
UNION ALL SELECT 'synchronous', synchronous FROM pragma_synchronous`
)

// Check implements [orders.Store]. It reads the settings of one connection, and
// knows nothing of replicas, file systems and disks.
func (s *Store) Check(ctx context.Context) error {
	query := map[Dialect]string{PostgreSQL: settingsPostgreSQL, MySQL: settingsMySQL, SQLite: settingsSQLite}[s.dialect]
	settings := map[string]string{}
	err := s.read(ctx, func(db querier) error {
		return each(ctx, db.QueryContext, query, nil, func(rows *sql.Rows) error {
			var name, value string
			err := rows.Scan(&name, &value)
			settings[name] = value
			return err
		})
	})
	if err != nil {
		return fmt.Errorf("sqlstore: check: %w", err)
	}
	if loses := s.dialect.losesCommits(settings); len(loses) > 0 {
		return fmt.Errorf("sqlstore: %w: %s", orders.ErrLosesCommits, strings.Join(loses, ", "))
	}
	return nil
}

// losesCommits returns the settings with which commits are lost in a crash.
func (d Dialect) losesCommits(settings map[string]string) (loses []string) {
	add := func(name string, is bool) {
		if is {
			loses = append(loses, name+" = "+settings[name])
		}
	}
	switch d {
	case PostgreSQL:
		for _, name := range []string{"fsync", "full_page_writes", "synchronous_commit"} {
			add(name, settings[name] == "off")
		}
	case MySQL:
		// With a binary log, 1 leaves it to the log what is committed after a
		// crash; 3, which only MariaDB has, does not.
		flush, log := settings["innodb_flush_log_at_trx_commit"], settings["sync_binlog"]
		add("innodb_flush_log_at_trx_commit", flush != "1" && flush != "3")
		add("sync_binlog", flush == "1" && log != "1")
	case SQLite:
		mode, level := settings["journal_mode"], settings["synchronous"]
		add("journal_mode", mode == "off" || mode == "memory")
		add("synchronous", level == "0" || level == "1" && mode == "wal")
	}
	return loses
}
