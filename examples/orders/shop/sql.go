package shop

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	_ "github.com/go-sql-driver/mysql" // the driver of MariaDB and MySQL
	_ "modernc.org/sqlite"             // the driver of SQLite

	"github.com/jovepay/jovepay-go/orders"
	"github.com/jovepay/jovepay-go/sqlstore"
)

// sqlTables are the shop's tables, with the type of an order's id. No constraint
// prevents a second parcel for an order; the book does.
func sqlTables(id string) []string {
	return []string{
		`CREATE TABLE IF NOT EXISTS orders (id ` + id + ` PRIMARY KEY, price_amount TEXT NOT NULL, price_currency TEXT NOT NULL)`,
		`CREATE TABLE IF NOT EXISTS fulfillments (order_id ` + id + `, parcel VARCHAR(32), PRIMARY KEY (order_id, parcel))`,
	}
}

func openMySQL(ctx context.Context, s Settings, opts []orders.Option) (*Shop, error) {
	db, err := sql.Open("mysql", strings.TrimPrefix(s.Database, "mysql://"))
	if err != nil {
		return nil, fmt.Errorf("shop: database: %w", err)
	}
	db.SetMaxOpenConns(maxConnections)
	db.SetMaxIdleConns(maxConnections)
	return openSQL(ctx, db, sqlstore.MySQL, sqlTables(`VARBINARY(64)`), s, opts)
}

func openSQLite(ctx context.Context, s Settings, opts []orders.Option) (*Shop, error) {
	db, err := sql.Open("sqlite", "file:"+s.Database+"?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)")
	if err != nil {
		return nil, fmt.Errorf("shop: database: %w", err)
	}
	// SQLite allows one writer at a time. With one connection, writers queue
	// instead of retrying.
	db.SetMaxOpenConns(1)
	return openSQL(ctx, db, sqlstore.SQLite, sqlTables(`VARCHAR(64)`), s, opts)
}

func openSQL(ctx context.Context, db *sql.DB, dialect sqlstore.Dialect, tables []string, s Settings, opts []orders.Option) (_ *Shop, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, db.Close())
		}
	}()
	store, err := sqlstore.New(db, dialect)
	if err != nil {
		return nil, err
	}
	err = create(func() error {
		for _, table := range tables {
			if _, err := db.ExecContext(ctx, table); err != nil {
				return err
			}
		}
		return store.Migrate(ctx)
	})
	if err != nil {
		return nil, fmt.Errorf("shop: database: %w", err)
	}

	book, err := orders.New(s.Client, store, orders.Hooks[*sql.Tx]{
		Fulfill: func(ctx context.Context, tx *sql.Tx, order *orders.Order) error {
			if _, err := tx.ExecContext(ctx, `INSERT INTO fulfillments (order_id, parcel) VALUES (?, ?)`, order.OrderID, rand.Text()); err != nil {
				return err
			}
			return s.warehouse()
		},
	}, opts...)
	if err != nil {
		return nil, err
	}
	return &Shop{
		Book: book,
		place: func(ctx context.Context, t orders.Terms) error {
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			defer tx.Rollback() //nolint:errcheck // does nothing after a commit
			if err := book.Place(ctx, tx, t); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `REPLACE INTO orders (id, price_amount, price_currency) VALUES (?, ?, ?)`,
				t.OrderID, t.PriceAmount.String(), t.PriceCurrency); err != nil {
				return err
			}
			return tx.Commit()
		},
		parcels: func(ctx context.Context, orderID string) (n int, err error) {
			err = db.QueryRowContext(ctx, `SELECT count(*) FROM fulfillments WHERE order_id = ?`, orderID).Scan(&n)
			return n, err
		},
		close: db.Close,
	}, nil
}
