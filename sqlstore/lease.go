package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

const (
	acquireLease = `INSERT INTO jovepay_leases AS held (account, name, holder, expires) VALUES (?, ?, ?, CLOCK() + ?)
ON CONFLICT (account, name) DO UPDATE SET holder = excluded.holder, expires = excluded.expires
WHERE held.holder = excluded.holder OR held.expires <= CLOCK()`

	// As with a claim, the last insert id is 0 if the lease is acquired.
	acquireLeaseMySQL = `INSERT INTO jovepay_leases (account, name, holder, expires) VALUES (?, ?, ?, CLOCK() + ?)
ON DUPLICATE KEY UPDATE
holder = IF(holder = VALUES(holder) OR expires <= CLOCK(), VALUES(holder), IF(LAST_INSERT_ID(1), holder, NULL)),
expires = IF(holder = VALUES(holder), VALUES(expires), expires)`
)

// Acquire implements [orders.Store].
func (s *Store) Acquire(ctx context.Context, lease, holder string, d time.Duration) (acquired bool, err error) {
	err = retry(ctx, maxAttempts, s.dialect.isConflict, func() error {
		return s.transact(ctx, nil, func(tx *sql.Tx) (commit bool, err error) {
			result, err := tx.ExecContext(ctx, s.statements.acquire, s.account, lease, holder, d.Microseconds())
			if err != nil {
				return false, fmt.Errorf("sqlstore: acquire: %w", err)
			}
			acquired, err = s.statements.isNewer(result)
			return true, err
		})
	})
	return acquired && err == nil, err
}
