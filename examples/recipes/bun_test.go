package recipes_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"

	"github.com/jovepay/jovepay-go/examples/recipes"
	"github.com/jovepay/jovepay-go/orders"
)

func TestBun(t *testing.T) {
	t.Parallel()
	db, r := onSQLite(t)
	bundb := bun.NewDB(db, sqlitedialect.New())
	r.hooks = recipes.BunHooks(bundb)
	r.place = func(ctx context.Context, book *orders.Book[*sql.Tx], email string, terms orders.Terms) error {
		return recipes.PlaceBun(ctx, bundb, book, email, terms)
	}
	r.test(t)
}
