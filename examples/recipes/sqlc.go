package recipes

import (
	"context"
	"database/sql"

	"github.com/jovepay/jovepay-go/examples/recipes/shopdb"
	"github.com/jovepay/jovepay-go/orders"
)

// PlaceSQLC adds a purchase with sqlc, and places its order in the same
// transaction.
func PlaceSQLC(ctx context.Context, db *sql.DB, book *orders.Book[*sql.Tx], email string, terms orders.Terms) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after the commit it does nothing
	if err := book.Place(ctx, tx, terms); err != nil {
		return err
	}
	purchase := shopdb.AddPurchaseParams{ID: terms.OrderID, Email: email}
	if err := shopdb.New(tx).AddPurchase(ctx, purchase); err != nil {
		return err
	}
	return tx.Commit()
}

// SQLCHooks ships with sqlc: WithTx has the queries join the book's transaction.
func SQLCHooks(queries *shopdb.Queries) orders.Hooks[*sql.Tx] {
	return orders.Hooks[*sql.Tx]{
		Fulfill: func(ctx context.Context, tx *sql.Tx, order *orders.Order) error {
			return queries.WithTx(tx).ShipPurchase(ctx, order.OrderID)
		},
	}
}
