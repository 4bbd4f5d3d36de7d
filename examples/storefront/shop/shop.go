// Package shop sells tickets for coins. It keeps orders in SQLite, next to the
// inbox of JovePay's notifications, creates a payment or an invoice for each
// order, and issues its ticket when the payment has arrived: once, no matter how
// often and in which order notifications arrive.
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

// Shop is a shop with its orders. Create one with [Open]. It is safe for
// concurrent use. Only one process at a time may sell from the database; others
// may call [Shop.Recent], [Shop.Odd] and [Shop.Issue].
type Shop struct {
	db     *sql.DB
	box    *inbox.Inbox[*sql.Tx]
	client *jovepay.Client
	url    string
	prices *prices
	setups singleflight.Group // by order
}

// Settings configure a shop.
type Settings struct {
	Database   string          // SQLite file
	Client     *jovepay.Client // with credentials
	URL        string          // the shop's public URL, without a trailing slash
	Currencies []string        // tickers of the coins to accept; empty for all
}

// Open opens the shop's database and creates missing tables.
func Open(ctx context.Context, s Settings) (*Shop, error) {
	file := url.URL{Scheme: "file", OmitHost: true, Path: s.Database, RawQuery: "_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)"}
	db, err := sql.Open("sqlite", file.String())
	if err != nil {
		return nil, err
	}
	// SQLite allows one writer at a time. With one connection, writers queue
	// instead of retrying.
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

// Reconcile makes up for lost notifications of payments created since then.
func (s *Shop) Reconcile(ctx context.Context, since time.Time) (inbox.Report, error) {
	return s.box.Reconcile(ctx, s.client.Payments.All(ctx, jovepay.PaymentListOptions{DateFrom: since}), Apply)
}
