package pgxstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Prune implements [inbox.Store]. It deletes records of the store's account, in
// many short transactions; those committed before an error stay committed. The
// time is compared with the database's clock.
func (s *Store) Prune(ctx context.Context, before time.Time) (int64, error) {
	var total int64
	statement, from, end := deleteRange, s.account+"/", s.account+"0" // the character after the slash
	if s.account == "" {
		statement, from, end = deleteRangeWithoutAccount, "", "\x7f" // after all visible ASCII
	}
	for from != end {
		to := end
		err := s.pool.QueryRow(ctx, s.sql(selectRangeEnd), from, end).Scan(&to)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return total, fmt.Errorf("pgxstore: prune: %w", err)
		}
		n, err := s.pruneRange(ctx, s.sql(statement), from, to, before)
		if err != nil {
			return total, fmt.Errorf("pgxstore: prune: %w", err)
		}
		total, from = total+n, to
	}
	return total, nil
}

// pruneRange prunes the subjects after from, up to and including to. At other
// levels than read committed, it would fail where deliveries write.
func (s *Store) pruneRange(ctx context.Context, statement, from, to string, before time.Time) (n int64, err error) {
	err = retry(ctx, func() error {
		return pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
			tag, err := tx.Exec(ctx, statement, from, to, before)
			n = tag.RowsAffected()
			return err
		})
	}, serializationFailure, deadlockDetected)
	return n, err
}
