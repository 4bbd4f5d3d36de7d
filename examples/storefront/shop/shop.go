// Package shop sells tickets for coins. It keeps orders in SQLite, beside the
// inbox of JovePay's notifications, makes a payment or an invoice for each
// order, and issues a ticket once the payment is there: once, however often and
// in whatever order JovePay tells of it.
package shop

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"time"

	"golang.org/x/sync/singleflight"
	_ "modernc.org/sqlite" // the driver

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/sqlstore"
)

//go:embed schema.sql
var schema string

// Shop is a shop with its orders. Make one with [Open]. It is safe for
// concurrent use. One process at a time can sell from the database; others can
// call [Shop.Recent], [Shop.Odd] and [Shop.Issue].
type Shop struct {
	db     *sql.DB
	box    *inbox.Inbox[*sql.Tx]
	client *jovepay.Client
	url    string
	prices *prices
	setups singleflight.Group // by order
}

// Settings are what a shop needs.
type Settings struct {
	Database   string          // SQLite file
	Client     *jovepay.Client // with credentials
	URL        string          // the shop's public address, without a slash at its end
	Currencies []string        // the coins to take, as tickers; empty for all that JovePay has
}

// Open opens the shop's database and creates its tables if need be.
func Open(ctx context.Context, s Settings) (*Shop, error) {
	file := url.URL{Scheme: "file", OmitHost: true, Path: s.Database, RawQuery: "_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)"}
	db, err := sql.Open("sqlite", file.String())
	if err != nil {
		return nil, err
	}
	// SQLite has one writer at a time. On one connection they stand in line,
	// instead of trying again and again.
	db.SetMaxOpenConns(1)
	store, err := sqlstore.New(db, sqlstore.SQLite)
	if err == nil {
		_, err = db.ExecContext(ctx, schema)
	}
	if err == nil {
		err = store.Migrate(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("shop: database: %w", err), db.Close())
	}
	return &Shop{
		db: db, box: inbox.New(store), client: s.Client, url: s.URL,
		prices: &prices{client: s.Client, accepted: s.Currencies},
	}, nil
}

// Close closes the database.
func (s *Shop) Close() error { return s.db.Close() }

// Process applies an event once; see [inbox.Inbox.Once].
func (s *Shop) Process(ctx context.Context, event jovepay.Event) error {
	return s.box.Once(Apply)(ctx, event)
}

// Reconcile finds what notifications never told, in the payments that were made
// since then.
func (s *Shop) Reconcile(ctx context.Context, since time.Time) (inbox.Report, error) {
	return s.box.Reconcile(ctx, s.client.Payments.All(ctx, jovepay.PaymentListOptions{DateFrom: since}), Apply)
}
