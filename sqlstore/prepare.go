package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
)

// prepare prepares statements for the dialects in which that saves every delivery
// a round trip. database/sql prepares each of them once on every connection. pgx
// prepares by itself, and knows what a pooler allows.
func (s *Store) prepare(ctx context.Context, queries ...string) error {
	if !s.statements.prepare {
		return nil
	}
	for _, query := range queries {
		if _, ok := s.prepared.Load(query); ok {
			continue
		}
		stmt, err := s.db.PrepareContext(ctx, query)
		if err != nil {
			return fmt.Errorf("sqlstore: prepare: %w", err)
		}
		if _, ok := s.prepared.LoadOrStore(query, stmt); ok {
			_ = stmt.Close() //nolint:sqlclosecheck // the store keeps the other one
		}
	}
	return nil
}

// exec executes a statement in tx, by its prepared form if there is one.
func (s *Store) exec(ctx context.Context, tx *sql.Tx, query string, args ...any) (sql.Result, error) {
	if stmt, ok := s.prepared.Load(query); ok {
		return tx.StmtContext(ctx, stmt.(*sql.Stmt)).ExecContext(ctx, args...) //nolint:forcetypeassert,sqlclosecheck // tx closes it
	}
	return tx.ExecContext(ctx, query, args...)
}

// inside is exec for statements that return rows.
func (s *Store) inside(tx *sql.Tx) queryFunc {
	return func(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
		if stmt, ok := s.prepared.Load(query); ok {
			return tx.StmtContext(ctx, stmt.(*sql.Stmt)).QueryContext(ctx, args...) //nolint:forcetypeassert,sqlclosecheck // tx closes it
		}
		return tx.QueryContext(ctx, query, args...)
	}
}
