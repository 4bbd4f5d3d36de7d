// Package shop sells goods for coins. It keeps orders in PostgreSQL or SQLite,
// creates a payment for each, and ships the goods when the payment has arrived:
// once, no matter how often and in which order notifications arrive.
package shop

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver of PostgreSQL
	_ "modernc.org/sqlite"             // the driver of SQLite

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/sqlstore"
)

//go:embed schema.sql
var schema string

// maxConnections bounds the connections of one process to PostgreSQL.
const maxConnections = 12

// Shop is the order service. Create one with [Open]. It is safe for concurrent
// use, and several processes can share a database.
type Shop struct {
	db       *sql.DB
	box      *inbox.Inbox[*sql.Tx]
	client   *jovepay.Client
	callback string
}

// Open opens the shop's database and creates missing tables. The name is an SQLite
// file or a postgres:// URL. The client, which needs credentials, creates the
// payments; JovePay sends their notifications to the callback URL.
func Open(ctx context.Context, name string, client *jovepay.Client, callback string, opts ...inbox.Option) (*Shop, error) {
	db, dialect, err := connect(name)
	if err != nil {
		return nil, err
	}
	store, err := sqlstore.New(db, dialect)
	if err == nil {
		err = create(ctx, db, store)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("shop: database: %w", err), db.Close())
	}
	return &Shop{db, inbox.New(store, opts...), client, callback}, nil
}

func connect(name string) (*sql.DB, sqlstore.Dialect, error) {
	if strings.HasPrefix(name, "postgres://") {
		db, err := sql.Open("pgx", name)
		if err != nil {
			return nil, sqlstore.PostgreSQL, err
		}
		db.SetMaxOpenConns(maxConnections)
		db.SetMaxIdleConns(maxConnections)
		return db, sqlstore.PostgreSQL, nil
	}
	db, err := sql.Open("sqlite", "file:"+name+"?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)")
	if err != nil {
		return nil, sqlstore.SQLite, err
	}
	// SQLite allows one writer at a time. With one connection, writers queue
	// instead of retrying.
	db.SetMaxOpenConns(1)
	return db, sqlstore.SQLite, nil
}

// create creates the tables. If two processes start at the same time, one can
// fail; then it succeeds when it tries again.
func create(ctx context.Context, db *sql.DB, store *sqlstore.Store) error {
	var err error
	for range 3 {
		if _, err = db.ExecContext(ctx, schema); err == nil {
			if err = store.Migrate(ctx); err == nil {
				return nil
			}
		}
	}
	return err
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
