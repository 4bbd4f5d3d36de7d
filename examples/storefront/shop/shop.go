// Package shop sells tickets for coins. It keeps its orders in SQLite, in an
// [orders.Book] that creates their payments, judges what comes and has the ticket
// issued when an order is paid: once, whatever happens in between.
package shop

import (
	"context"
	"crypto/rand"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"net/url"

	_ "modernc.org/sqlite" // the driver

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/orders"
	"github.com/jovepay/jovepay-go/sqlstore"
)

//go:embed schema.sql
var schema string

// Shop is a shop with its orders. Create one with [Open]. It is safe for
// concurrent use, and several processes can share a database.
type Shop struct {
	// Book handles notifications, reconciles, and keeps what came and the cases
	// for the staff.
	Book *orders.Book[*sql.Tx]

	db     *sql.DB
	url    string
	prices *prices
}

// Settings configure a shop.
type Settings struct {
	Database   string          // SQLite file
	Client     *jovepay.Client // with credentials
	URL        string          // the shop's public URL, without a trailing slash
	Currencies []string        // tickers of the coins to accept; empty for all
	Options    []orders.Option // of the book, besides the callback
}

// Open opens the shop's database and creates missing tables.
func Open(ctx context.Context, s Settings) (_ *Shop, err error) {
	file := url.URL{Scheme: "file", OmitHost: true, Path: s.Database, RawQuery: "_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)"}
	db, err := sql.Open("sqlite", file.String())
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("shop: %w", err), db.Close())
		}
	}()
	// SQLite allows one writer at a time. With one connection, writers queue
	// instead of retrying.
	db.SetMaxOpenConns(1)
	store, err := sqlstore.New(db, sqlstore.SQLite)
	if err != nil {
		return nil, err
	}
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return nil, err
	}
	if err := store.Migrate(ctx); err != nil {
		return nil, err
	}
	options := s.Options
	if s.URL != "" {
		options = append([]orders.Option{orders.WithCallback(s.URL + "/ipn")}, options...)
	}
	book, err := orders.New(s.Client, store, orders.Hooks[*sql.Tx]{Fulfill: issueTicket}, options...)
	if err != nil {
		return nil, err
	}
	return &Shop{Book: book, db: db, url: s.URL, prices: &prices{client: s.Client, accepted: s.Currencies}}, nil
}

// Close closes the database.
func (s *Shop) Close() error { return s.db.Close() }

// issueTicket issues the ticket of an order that is paid. Its code cannot be
// guessed but can be read aloud.
func issueTicket(ctx context.Context, tx *sql.Tx, order *orders.Order) error {
	code := rand.Text()
	code = code[:4] + "-" + code[4:8] + "-" + code[8:12] + "-" + code[12:16]
	_, err := tx.ExecContext(ctx, `INSERT INTO tickets (order_id, code) VALUES (?, ?)`, order.OrderID, code)
	return err
}
