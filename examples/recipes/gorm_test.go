package recipes_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/libtnb/sqlite"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/jovepay/jovepay-go/examples/recipes"
	"github.com/jovepay/jovepay-go/orders"
)

func TestGORM(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]bool{"plain": false, "prepared": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, r := onSQLite(t)
			session, err := gorm.Open(sqlite.New(sqlite.Config{Conn: db}), &gorm.Config{PrepareStmt: prepare, Logger: logger.Discard})
			require.NoError(t, err)
			r.hooks = recipes.GORMHooks(session)
			r.place = func(ctx context.Context, book *orders.Book[*sql.Tx], email string, terms orders.Terms) error {
				return recipes.PlaceGORM(ctx, session, book, email, terms)
			}
			r.test(t)
		})
	}
}
