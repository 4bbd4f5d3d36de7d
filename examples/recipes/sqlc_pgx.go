package recipes

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/jovepay/jovepay-go/examples/recipes/shoppgx"
	"github.com/jovepay/jovepay-go/orders"
)

// PlacePgx is [PlaceSQLC] with the code that sqlc generates for pgx.
func PlacePgx(ctx context.Context, pool *pgxpool.Pool, book *orders.Book[pgx.Tx], email string, terms orders.Terms) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if err := book.Place(ctx, tx, terms); err != nil {
			return err
		}
		purchase := shoppgx.AddPurchaseParams{ID: terms.OrderID, Email: email}
		return shoppgx.New(tx).AddPurchase(ctx, purchase)
	})
}

// PgxHooks is [SQLCHooks] with the code that sqlc generates for pgx, for a book on
// package pgxstore.
func PgxHooks(queries *shoppgx.Queries) orders.Hooks[pgx.Tx] {
	return orders.Hooks[pgx.Tx]{
		Fulfill: func(ctx context.Context, tx pgx.Tx, order *orders.Order) error {
			return queries.WithTx(tx).ShipPurchase(ctx, order.OrderID)
		},
	}
}
