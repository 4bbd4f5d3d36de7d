package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
)

// prepared are the statements of a claim, by their text. database/sql prepares
// each of them once on every connection.
type prepared map[string]*sql.Stmt

// prepare prepares the statements of a claim for the dialects in which that
// saves every delivery a round trip. pgx prepares by itself, and knows what a
// pooler allows.
func (s *Store) prepare(ctx context.Context) error {
	if !s.statements.prepare || s.prepared.Load() != nil {
		return nil
	}
	p := prepared{}
	for _, query := range []string{s.statements.claim, s.statements.complete} {
		stmt, err := s.db.PrepareContext(ctx, query) //nolint:sqlclosecheck // the store keeps it
		if err != nil {
			p.close()
			return fmt.Errorf("sqlstore: prepare: %w", err)
		}
		p[query] = stmt
	}
	if !s.prepared.CompareAndSwap(nil, &p) {
		p.close()
	}
	return nil
}

func (p prepared) close() {
	for _, stmt := range p {
		_ = stmt.Close() // at the latest it closes with its connection
	}
}

// exec executes a statement of a claim in tx.
func (s *Store) exec(ctx context.Context, tx *sql.Tx, query string, args ...any) (sql.Result, error) {
	if p := s.prepared.Load(); p != nil {
		return tx.StmtContext(ctx, (*p)[query]).ExecContext(ctx, args...) //nolint:sqlclosecheck // tx closes it
	}
	return tx.ExecContext(ctx, query, args...)
}
