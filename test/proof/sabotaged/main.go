// Command sabotaged is the order service without the inbox: it applies every
// notification it receives. With it, the proof must fail.
package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/examples/orders/shop"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM) //nolint:forbidigo // the root context
	err := run(ctx, os.Args[2:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "sabotaged:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (err error) {
	flags := flag.NewFlagSet("sabotaged", flag.ContinueOnError)
	listen := flags.String("listen", "", "address to serve on")
	database := flags.String("db", "", "postgres:// URL")
	callback := flags.String("callback", "", "URL of /ipn")
	_, _ = flags.Duration("every", 0, "ignored"), flags.Duration("since", 0, "ignored")
	if err := flags.Parse(args); err != nil {
		return err
	}
	client, err := jovepay.NewClient(jovepay.WithEnv())
	if err != nil {
		return err
	}
	verifier, err := jovepay.NewIPNVerifier(os.Getenv("JOVEPAY_IPN_SECRET")) //nolint:forbidigo // as the service does
	if err != nil {
		return err
	}
	orders, err := shop.Open(ctx, *database, client, *callback)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, orders.Close()) }()
	db, err := sql.Open("pgx", *database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(8)

	ipn := verifier.Handler(func(ctx context.Context, event jovepay.Event) error { return apply(ctx, db, event) })
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", *listen)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: orders.Routes(ipn, slog.Default()), ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	_, _ = fmt.Fprintf(os.Stdout, "serving on http://%s\n", listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// apply does what a shop would that expects each notification only once.
func apply(ctx context.Context, db *sql.DB, event jovepay.Event) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if err := shop.Apply(ctx, tx, event); err != nil {
		return err
	}
	return tx.Commit()
}
