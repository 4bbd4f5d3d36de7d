package recipes_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	_ "modernc.org/sqlite"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/examples/recipes/shopdb"
	"github.com/jovepay/jovepay-go/jovepaytest"
	"github.com/jovepay/jovepay-go/orders"
	"github.com/jovepay/jovepay-go/pgxstore"
	"github.com/jovepay/jovepay-go/sqlstore"
)

func TestMain(m *testing.M) {
	// GORM does not stop the clock of its prepared statements.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("gorm.io/gorm/internal/lru.NewLRU[...].func1"))
}

var errWarehouse = errors.New("the warehouse is closed")

// recipe is what a test needs of one.
type recipe[Tx any] struct {
	store     orders.Store[Tx]
	hooks     orders.Hooks[Tx]
	place     func(ctx context.Context, book *orders.Book[Tx], email string, terms orders.Terms) error
	purchases func() map[string]bool // whether they are shipped, by order id
}

// test checks that both transactions of a recipe are one with the book's.
func (r recipe[Tx]) test(t *testing.T) {
	t.Helper()
	shop, ctx := newShop(t, r.store, r.hooks), t.Context()

	require.NoError(t, r.place(ctx, shop.book, "ann@example.com", terms("order-1")))
	assert.Equal(t, map[string]bool{"order-1": false}, r.purchases())

	// The database rejects the shop's row, so the order is not in the book.
	require.Error(t, r.place(ctx, shop.book, "no address", terms("order-2")))
	_, err := shop.book.Get(ctx, "order-2")
	require.ErrorIs(t, err, orders.ErrNotFound)

	// The book rejects the order, so the shop's row is not there.
	free := terms("order-3")
	free.PriceAmount = jovepay.MustAmount("0")
	require.ErrorIs(t, r.place(ctx, shop.book, "ann@example.com", free), jovepay.ErrInvalidRequest)
	assert.Equal(t, map[string]bool{"order-1": false}, r.purchases())

	paid := shop.pay(t, "order-1")
	shop.failure = errWarehouse // after the recipe's statement
	require.ErrorIs(t, shop.book.Handle(ctx, paid), errWarehouse)
	assert.Equal(t, map[string]bool{"order-1": false}, r.purchases())
	assert.Equal(t, orders.StatePaid, shop.state(t, "order-1"))

	shop.failure = nil
	require.NoError(t, shop.book.Handle(ctx, paid))
	assert.Equal(t, map[string]bool{"order-1": true}, r.purchases())
	assert.Equal(t, orders.StateFulfilled, shop.state(t, "order-1"))
}

func terms(orderID string) orders.Terms {
	return orders.Terms{OrderID: orderID, PriceAmount: jovepay.MustAmount("49.99"), PriceCurrency: "usd"}
}

// shop is a book at an emulated JovePay.
type shop[Tx any] struct {
	server  *jovepaytest.Server
	book    *orders.Book[Tx]
	failure error // of Fulfill, after the recipe's part of it
}

func newShop[Tx any](t *testing.T, store orders.Store[Tx], hooks orders.Hooks[Tx]) *shop[Tx] {
	t.Helper()
	s := new(shop[Tx])
	var err error
	s.server, err = jovepaytest.NewServer(jovepaytest.WithIPNRetries(0, 0))
	require.NoError(t, err)
	t.Cleanup(s.server.Close)
	connections := new(http.Transport)
	t.Cleanup(connections.CloseIdleConnections)
	client, err := s.server.Client(jovepay.WithHTTPClient(&http.Client{Transport: connections}))
	require.NoError(t, err)
	fulfill := hooks.Fulfill
	hooks.Fulfill = func(ctx context.Context, tx Tx, order *orders.Order) error {
		return cmp.Or(fulfill(ctx, tx, order), s.failure)
	}
	s.book, err = orders.New(client, store, hooks)
	require.NoError(t, err)
	return s
}

// pay returns the event of the order's payment after the customer has paid.
func (s *shop[Tx]) pay(t *testing.T, orderID string) jovepay.Event {
	t.Helper()
	payment, err := s.book.Pay(t.Context(), orderID, "trx")
	require.NoError(t, err)
	paid, err := s.server.Pay(payment.ID)
	require.NoError(t, err)
	return paid.Event()
}

func (s *shop[Tx]) state(t *testing.T, orderID string) orders.State {
	t.Helper()
	order, err := s.book.Get(t.Context(), orderID)
	require.NoError(t, err)
	return order.State
}

// onSQLite returns a new database with the tables of the shop and a store.
func onSQLite(t *testing.T) (*sql.DB, recipe[*sql.Tx]) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "shop.db")
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(1000)&_txlock=immediate")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	_, err = db.ExecContext(t.Context(), shopdb.Schema)
	require.NoError(t, err)
	store, err := sqlstore.New(db, sqlstore.SQLite)
	require.NoError(t, err)
	require.NoError(t, store.Migrate(t.Context()))
	return db, recipe[*sql.Tx]{store: store, purchases: func() map[string]bool {
		rows, err := db.QueryContext(t.Context(), selectPurchases)
		require.NoError(t, err)
		defer func() { require.NoError(t, rows.Close()) }()
		all := collect(t, rows)
		require.NoError(t, rows.Err())
		return all
	}}
}

const selectPurchases = "SELECT id, shipped FROM purchases"

// collect returns the purchases that rows have.
func collect(t *testing.T, rows interface {
	Next() bool
	Scan(dest ...any) error
},
) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for rows.Next() {
		var id string
		var shipped bool
		require.NoError(t, rows.Scan(&id, &shipped))
		all[id] = shipped
	}
	return all
}

// onPostgreSQL returns a pool whose connections work in a new schema, with the
// tables of the shop and a store. It skips if nothing listens there.
func onPostgreSQL(t *testing.T) (*pgxpool.Pool, *pgxstore.Store) {
	t.Helper()
	config, err := pgxpool.ParseConfig(cmp.Or(os.Getenv("JOVEPAY_TEST_POSTGRES"),
		"postgres://postgres@127.0.0.1:5432/test?sslmode=disable"))
	require.NoError(t, err)
	schema := "recipes_" + strings.ToLower(rand.Text())
	config.ConnConfig.RuntimeParams["search_path"] = schema
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := pool.Ping(ctx); err != nil {
		if os.Getenv("JOVEPAY_REQUIRE_DATABASES") != "" {
			t.Fatalf("no PostgreSQL: %v", err)
		}
		t.Skipf("no PostgreSQL: %v; start it with: service postgresql start && createdb test", err)
	}
	exec := func(ctx context.Context, query string) {
		_, err := pool.Exec(ctx, query)
		require.NoError(t, err)
	}
	exec(ctx, "CREATE SCHEMA "+schema)
	t.Cleanup(func() { exec(context.WithoutCancel(t.Context()), "DROP SCHEMA "+schema+" CASCADE") })
	exec(ctx, shopdb.Schema)
	store, err := pgxstore.New(pool)
	require.NoError(t, err)
	require.NoError(t, store.Migrate(t.Context()))
	return pool, store
}
