// Package shop sells goods for coins. It keeps its orders in an [orders.Book],
// which creates the payments, judges what comes, and has the goods shipped when an
// order is paid: once, whatever happens in between. The shop keeps two tables of
// its own: orders, and fulfillments with the parcels.
//
// It runs on PostgreSQL through pgxstore (postgres.go), and on MariaDB and SQLite
// through sqlstore (sql.go).
package shop

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/orders"
)

// maxConnections bounds the connections of one process to a database server.
const maxConnections = 12

// Shop is the order service. Create one with [Open]. It is safe for concurrent
// use, and several processes can share a database.
type Shop struct {
	Book

	place   func(ctx context.Context, terms orders.Terms) error
	parcels func(ctx context.Context, orderID string) (int, error)
	close   func() error
}

// Book is the part of an [orders.Book] that is the same for every database: all
// but the methods that take a transaction.
type Book interface {
	Pay(ctx context.Context, orderID, coin string) (*orders.Payment, error)
	Cancel(ctx context.Context, orderID string, r orders.Reason) error
	Get(ctx context.Context, orderID string) (*orders.Order, error)
	Cases(ctx context.Context, opts orders.CaseOptions) iter.Seq2[*orders.Case, error]
	Resolve(ctx context.Context, caseID string, r orders.Resolution) (*orders.Order, error)
	Handle(ctx context.Context, event jovepay.Event) error
	Reconcile(ctx context.Context, since time.Time) (orders.Report, error)
	Run(ctx context.Context) error
}

// Settings configure a shop.
type Settings struct {
	Database    string          // a postgres:// or mysql:// address, or an SQLite file
	Client      *jovepay.Client // with credentials
	FailFulfill int             // percent of the calls of Fulfill that fail, to see what follows
}

// Open opens the shop's database and creates missing tables.
func Open(ctx context.Context, s Settings, opts ...orders.Option) (*Shop, error) {
	switch {
	case strings.HasPrefix(s.Database, "postgres://"):
		return openPostgres(ctx, s, opts)
	case strings.HasPrefix(s.Database, "mysql://"):
		return openMySQL(ctx, s, opts)
	}
	return openSQLite(ctx, s, opts)
}

// Close closes the database.
func (s *Shop) Close() error { return s.close() }

// errWarehouse is the error of a call of Fulfill that fails on purpose.
var errWarehouse = errors.New("shop: the warehouse does not respond")

// warehouse fails as often as the settings say.
func (s *Settings) warehouse() error {
	if rand.IntN(100) < s.FailFulfill { //nolint:gosec // not a secret
		return errWarehouse
	}
	return nil
}

// create creates the tables. If two processes start at the same time, one can
// fail; then it succeeds when it tries again.
func create(work func() error) (err error) {
	for range 3 {
		if err = work(); err == nil {
			return nil
		}
	}
	return err
}
