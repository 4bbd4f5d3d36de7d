package stores_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/inbox/inboxtest"
	"github.com/jovepay/jovepay-go/pgxstore"
)

// flights counts what clients write to a server: a round trip each, as long as
// the client waits for the response.
type flights struct{ n atomic.Int64 }

func (f *flights) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	return &countedConn{Conn: conn, flights: f}, err
}

// during returns how many round trips f sees while it is in do.
func (f *flights) during(do func()) int64 {
	before := f.n.Load()
	do()
	return f.n.Load() - before
}

// countedConn is a connection that can break while it commits.
type countedConn struct {
	net.Conn
	flights *flights
	cut     atomic.Int32 // where the next commit breaks; see below
}

const (
	cutRequest  = 1 + iota // the server gets no request to commit
	cutResponse            // the client gets no response
)

// commits reports whether the request b executes a COMMIT, by its text or by the
// name that pgx gives the prepared statement.
func commits(b []byte) bool {
	hash := sha256.Sum256([]byte("commit"))
	name := "\x00stmtcache_" + hex.EncodeToString(hash[:24]) + "\x00"
	return bytes.Contains(b, []byte("commit\x00")) || bytes.Contains(b, []byte(name))
}

func (c *countedConn) Write(b []byte) (int, error) {
	c.flights.n.Add(1)
	where := c.cut.Load()
	if where == 0 || !commits(b) {
		return c.Conn.Write(b)
	}
	if where == cutResponse {
		if _, err := c.Conn.Write(b); err != nil {
			return 0, err
		}
		// The response says that the server is done; nobody gets it.
		if _, err := c.Read(make([]byte, 1)); err != nil {
			return 0, err
		}
	}
	return 0, errors.Join(net.ErrClosed, c.Close())
}

// pgxPool connects to an address, or skips if nothing listens there.
func pgxPool(tb testing.TB, address string, change ...func(*pgxpool.Config)) *pgxpool.Pool {
	tb.Helper()
	config, err := pgxpool.ParseConfig(address)
	require.NoError(tb, err)
	if !strings.Contains(address, "pool_max_conns") {
		config.MaxConns = 16
	}
	for _, c := range change {
		c(config)
	}
	pool, err := pgxpool.NewWithConfig(tb.Context(), config)
	require.NoError(tb, err)
	tb.Cleanup(pool.Close)
	ctx, cancel := context.WithTimeout(tb.Context(), 5*time.Second)
	defer cancel()
	if err := pool.Ping(ctx); err != nil {
		if os.Getenv("JOVEPAY_REQUIRE_DATABASES") != "" {
			tb.Fatalf("no PostgreSQL: %v", err)
		}
		tb.Skipf("no PostgreSQL: %v; start it with: %s", err, databases()["PostgreSQL"].hint)
	}
	return pool
}

// pgxShop is a schema with the tables of a store and one for the shop's own
// writes, all gone after the test.
type pgxShop struct {
	pool    *pgxpool.Pool
	flights *flights
	schema  string
	store   *pgxstore.Store
}

func newPgxShop(tb testing.TB, opts ...pgxstore.Option) *pgxShop {
	tb.Helper()
	return newPgxShopAt(tb, databases()["PostgreSQL"].address(tb), opts...)
}

func newPgxShopAt(tb testing.TB, address string, opts ...pgxstore.Option) *pgxShop {
	tb.Helper()
	s := &pgxShop{schema: "pgx_" + strings.ToLower(rand.Text()), flights: new(flights)}
	s.pool = pgxPool(tb, address, func(c *pgxpool.Config) { c.ConnConfig.DialFunc = s.flights.dial })
	s.exec(tb, "CREATE SCHEMA "+s.schema)
	tb.Cleanup(func() {
		_, err := s.pool.Exec(context.WithoutCancel(tb.Context()), "DROP SCHEMA "+s.schema+" CASCADE")
		require.NoError(tb, err)
	})
	s.exec(tb, "CREATE TABLE "+s.schema+".notes (note text NOT NULL)")
	s.store = s.newStore(tb, opts...)
	require.NoError(tb, s.store.Migrate(tb.Context()))
	return s
}

// newStore returns another store on the shop's tables.
func (s *pgxShop) newStore(tb testing.TB, opts ...pgxstore.Option) *pgxstore.Store {
	tb.Helper()
	store, err := pgxstore.New(s.pool, append([]pgxstore.Option{pgxstore.WithTable(s.schema + ".jovepay_inbox")}, opts...)...)
	require.NoError(tb, err)
	return store
}

func (s *pgxShop) exec(tb testing.TB, query string, args ...any) {
	tb.Helper()
	_, err := s.pool.Exec(tb.Context(), query, args...)
	require.NoError(tb, err)
}

func (s *pgxShop) write(ctx context.Context, tx pgx.Tx, note string) error {
	_, err := tx.Exec(ctx, "INSERT INTO "+s.schema+".notes VALUES ($1)", note)
	return err
}

func (s *pgxShop) written(ctx context.Context) ([]string, error) {
	rows, err := s.pool.Query(ctx, "SELECT note FROM "+s.schema+".notes")
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// cut has the server end the connection of tx.
func (s *pgxShop) cut(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, databases()["PostgreSQL"].kill); err == nil {
		return errors.New("the connection lives")
	}
	return nil
}

func (s *pgxShop) harness() inboxtest.Harness[pgx.Tx] {
	return inboxtest.Harness[pgx.Tx]{Store: s.store, Write: s.write, Written: s.written, Cut: s.cut}
}

func TestPgxInboxConformance(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		params  string
		options []pgxstore.Option
	}{
		"defaults":     {},
		"account":      {options: []pgxstore.Option{pgxstore.WithAccount("eu-1")}},
		"serializable": {params: "default_transaction_isolation=serializable"},
		"exec":         {params: "default_query_exec_mode=exec"},
		"simple":       {params: "default_query_exec_mode=simple_protocol"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inboxtest.Run(t, func(t *testing.T) inboxtest.Harness[pgx.Tx] {
				t.Helper()
				return newPgxShopAt(t, withParam(databases()["PostgreSQL"].address(t), c.params), c.options...).harness()
			})
		})
	}
}
