package pgxstore

import (
	"context"
	"embed"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

//go:embed schema/*.sql
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

func readMigrations(names *strings.Replacer) ([]Migration, error) {
	files, err := schemas.ReadDir("schema") // sorted
	if err != nil {
		return nil, fmt.Errorf("pgxstore: %w", err)
	}
	var all []Migration
	for i, file := range files {
		text, err := schemas.ReadFile("schema/" + file.Name())
		if err != nil {
			return nil, fmt.Errorf("pgxstore: %w", err)
		}
		all = append(all, Migration{Version: i + 1, Name: file.Name(), SQL: names.Replace(string(text))})
	}
	return all, nil
}

// Migrate runs the migrations that the database does not have yet, and records
// them in the table jovepay_migrations. Every replica can call it at every start.
// Replicas of an earlier version keep working. If the program may not change
// tables, run [Store.Migrations] by other means instead.
func (s *Store) Migrate(ctx context.Context) error {
	// IF NOT EXISTS can miss what another process has just created.
	err := retry(ctx, func() error { return s.migrate(ctx) },
		serializationFailure, deadlockDetected, "23505", "42710", "42P07")
	if err != nil {
		return fmt.Errorf("pgxstore: migrate table %s and those beside it: %w", s.table, err)
	}
	return nil
}

// migrate runs migrations in one transaction.
func (s *Store) migrate(ctx context.Context) error {
	if _, err := s.pool.Exec(ctx, s.sql(createMigrations)); err != nil {
		return err
	}
	return pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, s.sql(lockMigrations)); err != nil {
			return err
		}
		var done int
		if err := tx.QueryRow(ctx, s.sql(lastMigration)).Scan(&done); err != nil {
			return err
		}
		for _, m := range s.migrations[min(done, len(s.migrations)):] {
			if _, err := tx.Exec(ctx, m.SQL); err != nil {
				return fmt.Errorf("%s: %w", m.Name, err)
			}
			if _, err := tx.Exec(ctx, s.sql(recordMigration), m.Version); err != nil {
				return err
			}
		}
		return nil
	})
}
