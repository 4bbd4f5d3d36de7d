// Command replica is one process of a shop: an order book on PostgreSQL, asked over
// HTTP by tests, which can hold it at any step of the creation of a payment. It
// exits when its standard input ends.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/orders"
	"github.com/jovepay/jovepay-go/pgxstore"
)

// settings are the flags.
type settings struct {
	database, schema     string
	send, settle, crash  time.Duration
	interval, look, long time.Duration
	idle                 time.Duration
	pool                 int
}

func main() {
	var s settings
	flag.StringVar(&s.database, "database", "", "`address` of PostgreSQL")
	flag.StringVar(&s.schema, "schema", "public", "`name` of the schema")
	flag.DurationVar(&s.send, "send", time.Second, "send time")
	flag.DurationVar(&s.settle, "settle", time.Second, "settle window")
	flag.DurationVar(&s.crash, "crash", time.Second, "settle window after a crash")
	flag.DurationVar(&s.interval, "interval", time.Second, "time between turns of Run")
	flag.DurationVar(&s.look, "look-back", time.Minute, "how far back Run reconciles when it starts")
	flag.DurationVar(&s.long, "lease", time.Minute, "the longest lease")
	flag.DurationVar(&s.idle, "idle", 0, "how long a frozen process keeps its locks; 0 is forever")
	flag.IntVar(&s.pool, "pool", 4, "`n` connections to the database")
	flag.Parse()
	if err := run(context.Background(), s); err != nil { //nolint:forbidigo // a program
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves until the standard input ends.
func run(ctx context.Context, s settings) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g := newGate(os.Stdout)
	pool, err := openPool(ctx, s, g)
	if err != nil {
		return err
	}
	defer pool.Close()
	book, err := openBook(s, g, pool)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: (&shop{book: book, pool: pool, gate: g}).handler(), ReadHeaderTimeout: time.Minute}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = server.Close()
	}()
	go func() { _ = book.Run(ctx) }() // until ctx ends
	_, _ = fmt.Fprintf(os.Stdout, "serving on http://%s\n", listener.Addr())
	_ = server.Serve(listener) // until it is closed
	return nil
}

func openPool(ctx context.Context, s settings, g *gate) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(s.database)
	if err != nil {
		return nil, err
	}
	config.MaxConns = int32(s.pool) //nolint:gosec // a small number
	config.ConnConfig.RuntimeParams["search_path"] = s.schema
	if s.idle > 0 {
		config.ConnConfig.RuntimeParams["idle_in_transaction_session_timeout"] = strconv.FormatInt(s.idle.Milliseconds(), 10)
	}
	config.ConnConfig.DialFunc = g.dialer()
	return pgxpool.NewWithConfig(ctx, config)
}

func openBook(s settings, g *gate, pool *pgxpool.Pool) (*orders.Book[pgx.Tx], error) {
	client, err := jovepay.NewClient(
		jovepay.WithEnv(),
		jovepay.WithHTTPClient(&http.Client{Transport: &wire{next: &http.Transport{}, gate: g}}),
	)
	if err != nil {
		return nil, err
	}
	kept, err := pgxstore.New(pool)
	if err != nil {
		return nil, err
	}
	return orders.New(client, &store{Store: kept, gate: g, lease: s.long}, orders.Hooks[pgx.Tx]{
		Fulfill: func(ctx context.Context, tx pgx.Tx, o *orders.Order) error {
			_, err := tx.Exec(ctx, "INSERT INTO shipments (order_id) VALUES ($1)", o.OrderID)
			return err
		},
	}, orders.WithTimes(s.send, s.settle, s.crash), orders.WithInterval(s.interval), orders.WithReconciliation(time.Hour, s.look),
		orders.WithLogger(slog.New(slog.NewTextHandler(os.Stderr, nil))))
}
