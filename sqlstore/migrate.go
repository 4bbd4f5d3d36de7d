package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed schema/*/*.sql
var schemas embed.FS

// Migration is a step from one version of the tables to the next.
type Migration struct {
	Version int    // 1, 2, 3, …
	Name    string // of its file, such as 0001_inbox.sql
	SQL     string // statements, each of which ends with a semicolon and a line break
}

// Migrations returns the migrations in their order, with the names of the store's
// tables, for a migration tool or for a person to run. Each can be run again. The
// files in the folder schema are the same, with the default names.
func (s *Store) Migrations() []Migration { return slices.Clone(s.migrations) }

// readMigrations returns the migrations of a dialect.
func (d Dialect) readMigrations(translate func(string) string) ([]Migration, error) {
	folder := "schema/" + string(d)
	files, err := schemas.ReadDir(folder) // sorted
	if err != nil {
		return nil, fmt.Errorf("sqlstore: %w", err)
	}
	var all []Migration
	for i, file := range files {
		text, err := schemas.ReadFile(folder + "/" + file.Name())
		if err != nil {
			return nil, fmt.Errorf("sqlstore: %w", err)
		}
		all = append(all, Migration{Version: i + 1, Name: file.Name(), SQL: translate(string(text))})
	}
	return all, nil
}

const (
	createMigrations = `CREATE TABLE IF NOT EXISTS jovepay_migrations (version integer NOT NULL PRIMARY KEY, at bigint NOT NULL)`
	lastMigration    = `SELECT COALESCE(MAX(version), 0) FROM jovepay_migrations`
	recordMigration  = `INSERT INTO jovepay_migrations (version, at) VALUES (?, CLOCK()) ` + unlessExists
)

// Migrate runs the migrations that the database does not have yet, and records
// them in the table jovepay_migrations. Every replica can call it at every start.
// Replicas of an earlier version keep working. If the program may not change
// tables, run [Store.Migrations] by other means instead.
func (s *Store) Migrate(ctx context.Context) error {
	if err := retry(ctx, maxAttempts, s.dialect.isCreateConflict, func() error { return s.migrate(ctx) }); err != nil {
		return fmt.Errorf("sqlstore: migrate table %s and those beside it: %w", s.table, err)
	}
	return nil
}

// migrate runs the missing migrations in one transaction. On MySQL, each statement commits by
// itself. If two processes do the same at once, or one dies before its record,
// statements are run again.
func (s *Store) migrate(ctx context.Context) error {
	if _, err := s.db.ExecContext(ctx, s.statements.translate(createMigrations)); err != nil {
		return err
	}
	return s.transact(ctx, nil, func(tx *sql.Tx) (commit bool, err error) {
		var done int
		if err := tx.QueryRowContext(ctx, s.statements.translate(lastMigration)).Scan(&done); err != nil {
			return false, err
		}
		for _, m := range s.migrations[min(done, len(s.migrations)):] {
			for statement := range strings.SplitSeq(m.SQL, ";\n") {
				if strings.TrimSpace(statement) == "" {
					continue
				}
				if _, err := tx.ExecContext(ctx, statement); err != nil {
					return false, fmt.Errorf("%s: %w", m.Name, err)
				}
			}
			if _, err := tx.ExecContext(ctx, s.statements.translate(recordMigration), m.Version); err != nil {
				return false, err
			}
		}
		return true, nil
	})
}
