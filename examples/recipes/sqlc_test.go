package recipes_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/examples/recipes"
	"github.com/jovepay/jovepay-go/examples/recipes/shopdb"
	"github.com/jovepay/jovepay-go/examples/recipes/shoppgx"
	"github.com/jovepay/jovepay-go/orders"
)

func TestSQLC(t *testing.T) {
	t.Parallel()
	db, r := onSQLite(t)
	r.hooks = recipes.SQLCHooks(shopdb.New(db))
	r.place = func(ctx context.Context, book *orders.Book[*sql.Tx], email string, terms orders.Terms) error {
		return recipes.PlaceSQLC(ctx, db, book, email, terms)
	}
	r.test(t)
}

func TestSQLCWithPgx(t *testing.T) {
	t.Parallel()
	pool, store := onPostgreSQL(t)
	recipe[pgx.Tx]{
		store: store,
		hooks: recipes.PgxHooks(shoppgx.New(pool)),
		place: func(ctx context.Context, book *orders.Book[pgx.Tx], email string, terms orders.Terms) error {
			return recipes.PlacePgx(ctx, pool, book, email, terms)
		},
		purchases: func() map[string]bool {
			rows, err := pool.Query(t.Context(), selectPurchases)
			require.NoError(t, err)
			defer rows.Close()
			all := collect(t, rows)
			require.NoError(t, rows.Err())
			return all
		},
	}.test(t)
}
