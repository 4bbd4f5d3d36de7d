package recipes

import (
	"context"
	"database/sql"

	"github.com/uptrace/bun"

	"github.com/jovepay/jovepay-go/orders"
)

// PlaceBun adds a purchase with bun, and places its order in bun's transaction.
func PlaceBun(ctx context.Context, db *bun.DB, book *orders.Book[*sql.Tx], email string, terms orders.Terms) error {
	return db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		if err := book.Place(ctx, tx.Tx, terms); err != nil {
			return err
		}
		purchase := &Purchase{ID: terms.OrderID, Email: email}
		_, err := tx.NewInsert().Model(purchase).Exec(ctx)
		return err
	})
}

// BunHooks ships with bun: Conn has a query join the book's transaction.
func BunHooks(db *bun.DB) orders.Hooks[*sql.Tx] {
	return orders.Hooks[*sql.Tx]{
		Fulfill: func(ctx context.Context, tx *sql.Tx, order *orders.Order) error {
			purchase := &Purchase{ID: order.OrderID, Shipped: true}
			_, err := db.NewUpdate().Conn(tx).Model(purchase).Column("shipped").WherePK().Exec(ctx)
			return err
		},
	}
}
