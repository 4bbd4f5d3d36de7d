package stores_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/jovepay/jovepay-go/orders/orderstest"
	"github.com/jovepay/jovepay-go/pgxstore"
)

func (s *pgxShop) ordersHarness(tb testing.TB) orderstest.Harness[pgx.Tx] {
	tb.Helper()
	return orderstest.Harness[pgx.Tx]{
		Store: s.store, Other: s.newStore(tb, pgxstore.WithAccount("other")),
		Write: s.write, Written: s.written, Cut: s.cut, CutCommit: s.cutCommit,
		Begin: func(ctx context.Context) (pgx.Tx, func() error, func() error, error) {
			tx, err := s.pool.Begin(ctx)
			if err != nil {
				return nil, nil, nil, err
			}
			rollback := func() error {
				err := tx.Rollback(context.WithoutCancel(ctx))
				if err != nil && tx.Conn().IsClosed() { // as pgx does when a context ends, which rolls back too
					return nil
				}
				return err
			}
			return tx, func() error { return tx.Commit(ctx) }, rollback, nil
		},
	}
}

func (s *pgxShop) cutCommit(_ context.Context, tx pgx.Tx, received bool) error {
	conn, ok := tx.Conn().PgConn().Conn().(*countedConn)
	if !ok {
		return errors.New("another connection")
	}
	where := int32(cutRequest)
	if received {
		where = cutResponse
	}
	conn.cut.Store(where)
	return nil
}

func TestPgxOrdersConformance(t *testing.T) {
	t.Parallel()
	address := databases()["PostgreSQL"].address(t)
	for _, mode := range []string{"cache_statement", "exec", "simple_protocol"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			orderstest.Run(t, func(t *testing.T) orderstest.Harness[pgx.Tx] {
				t.Helper()
				return newPgxShopAt(t, withParam(address, "default_query_exec_mode="+mode)).ordersHarness(t)
			})
		})
	}
}
