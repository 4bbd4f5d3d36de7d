package recipes

import (
	"context"
	"database/sql"
	"fmt"

	"gorm.io/gorm"

	"github.com/jovepay/jovepay-go/orders"
)

// Purchase is the shop's row of an order.
type Purchase struct {
	ID      string `bun:",pk"`
	Email   string
	Shipped bool
}

// PlaceGORM adds a purchase with GORM, and places its order in GORM's
// transaction.
func PlaceGORM(ctx context.Context, db *gorm.DB, book *orders.Book[*sql.Tx], email string, terms orders.Terms) error {
	return db.WithContext(ctx).Transaction(func(session *gorm.DB) error {
		pool := session.Statement.ConnPool
		if prepared, ok := pool.(*gorm.PreparedStmtTX); ok { // with gorm.Config.PrepareStmt
			pool = prepared.Tx
		}
		tx, ok := pool.(*sql.Tx)
		if !ok {
			return fmt.Errorf("GORM's transaction is a %T, want a *sql.Tx", pool)
		}
		if err := book.Place(ctx, tx, terms); err != nil {
			return err
		}
		return session.Create(&Purchase{ID: terms.OrderID, Email: email}).Error
	})
}

// GORMHooks ships with GORM, in a session that works in the book's transaction.
func GORMHooks(db *gorm.DB) orders.Hooks[*sql.Tx] {
	return orders.Hooks[*sql.Tx]{
		Fulfill: func(ctx context.Context, tx *sql.Tx, order *orders.Order) error {
			session := db.Session(&gorm.Session{NewDB: true, Context: ctx})
			session.Statement.ConnPool = tx
			return session.Model(&Purchase{ID: order.OrderID}).Update("shipped", true).Error
		},
	}
}
