package shop

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/jovepay/jovepay-go/orders"
	"github.com/jovepay/jovepay-go/pgxstore"
)

// No constraint prevents a second parcel for an order; the book does.
const postgresTables = `
CREATE TABLE IF NOT EXISTS orders (id VARCHAR(64) PRIMARY KEY, price_amount TEXT NOT NULL, price_currency TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS fulfillments (order_id VARCHAR(64), parcel VARCHAR(32), PRIMARY KEY (order_id, parcel))`

func openPostgres(ctx context.Context, s Settings, opts []orders.Option) (_ *Shop, err error) {
	config, err := pgxpool.ParseConfig(s.Database)
	if err != nil {
		return nil, fmt.Errorf("shop: database: %w", err)
	}
	config.MaxConns = maxConnections
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("shop: database: %w", err)
	}
	defer func() {
		if err != nil {
			pool.Close()
		}
	}()
	store, err := pgxstore.New(pool)
	if err != nil {
		return nil, err
	}
	err = create(func() error {
		if _, err := pool.Exec(ctx, postgresTables); err != nil {
			return err
		}
		return store.Migrate(ctx)
	})
	if err != nil {
		return nil, fmt.Errorf("shop: database: %w", err)
	}

	book, err := orders.New(s.Client, store, orders.Hooks[pgx.Tx]{
		Fulfill: func(ctx context.Context, tx pgx.Tx, order *orders.Order) error {
			if _, err := tx.Exec(ctx, `INSERT INTO fulfillments (order_id, parcel) VALUES ($1, $2)`, order.OrderID, rand.Text()); err != nil {
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
			return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
				if err := book.Place(ctx, tx, t); err != nil {
					return err
				}
				_, err := tx.Exec(ctx, `INSERT INTO orders (id, price_amount, price_currency) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
					t.OrderID, t.PriceAmount.String(), t.PriceCurrency)
				return err
			})
		},
		parcels: func(ctx context.Context, orderID string) (n int, err error) {
			err = pool.QueryRow(ctx, `SELECT count(*) FROM fulfillments WHERE order_id = $1`, orderID).Scan(&n)
			return n, err
		},
		close: func() error {
			pool.Close()
			return nil
		},
	}, nil
}
