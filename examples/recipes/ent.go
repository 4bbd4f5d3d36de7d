package recipes

import (
	"context"
	"database/sql"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/jovepay/jovepay-go/orders"
)

// EntDriver is ent in a transaction of database/sql. A generated client joins with
//
//	ent.NewClient(ent.Driver(NewEntDriver(dialect.SQLite, tx)))
//
// This file has no generated client. It uses the builder that one is made of.
type EntDriver struct{ *entsql.Driver }

// NewEntDriver returns a driver that works in tx.
func NewEntDriver(name string, tx *sql.Tx) EntDriver {
	return EntDriver{entsql.NewDriver(name, entsql.Conn{ExecQuerier: tx})}
}

// Tx implements [dialect.Driver]. The transaction is the one that ent is in:
// ent's own, which an update of one entity begins, is a part of it.
func (d EntDriver) Tx(context.Context) (dialect.Tx, error) { return dialect.NopTx(d), nil }

// PlaceEnt adds a purchase with ent, and places its order in the same transaction.
func PlaceEnt(ctx context.Context, db *sql.DB, book *orders.Book[*sql.Tx], email string, terms orders.Terms) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after the commit it does nothing
	if err := book.Place(ctx, tx, terms); err != nil {
		return err
	}
	query, args := entsql.Dialect(dialect.SQLite).Insert("purchases").Columns("id", "email").Values(terms.OrderID, email).Query()
	if err := NewEntDriver(dialect.SQLite, tx).Exec(ctx, query, args, nil); err != nil {
		return err
	}
	return tx.Commit()
}

// EntHooks ships with ent, with a driver that works in the book's transaction.
func EntHooks() orders.Hooks[*sql.Tx] {
	return orders.Hooks[*sql.Tx]{
		Fulfill: func(ctx context.Context, tx *sql.Tx, order *orders.Order) error {
			query, args := entsql.Dialect(dialect.SQLite).Update("purchases").Set("shipped", true).Where(entsql.EQ("id", order.OrderID)).Query()
			return NewEntDriver(dialect.SQLite, tx).Exec(ctx, query, args, nil)
		},
	}
}
