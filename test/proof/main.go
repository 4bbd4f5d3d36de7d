// Command proof tries to make the order service of examples/orders fulfill an
// order twice or never.
//
//	go run . -orders 1000
//
// It runs three processes of the service on one PostgreSQL and JovePay's
// emulator, plays the customers, and delivers each notification three times,
// shuffled and concurrently, while it kills processes and cuts connections. One
// notification in a hundred never arrives. At the end it checks every order in
// the database. The exit status is 1 if one is wrong and 3 if there is no
// database to run on. See docs/proof.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// settings are those of the command line.
type settings struct {
	orders   int
	store    string
	broker   string
	postgres string
	seed     uint64
	sabotage bool
	timeout  time.Duration
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM) //nolint:forbidigo // the root context
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return
	}
	fmt.Fprintln(os.Stderr, "proof:", err)
	if errors.Is(err, errNoDatabase) {
		os.Exit(3)
	}
	os.Exit(1)
}

func run(ctx context.Context, args []string, out io.Writer) error {
	var s settings
	flags := flag.NewFlagSet("proof", flag.ContinueOnError)
	flags.IntVar(&s.orders, "orders", 1000, "place `n` orders")
	flags.StringVar(&s.store, "store", "postgres", "postgres: three processes on it; sqlite: one process on a file")
	flags.StringVar(&s.broker, "broker", "", "jetstream: with a NATS server between notifications and work, which is killed too")
	flags.StringVar(&s.postgres, "postgres", "postgres://postgres@127.0.0.1:5432/test?sslmode=disable", "PostgreSQL, for a schema that is dropped in the end")
	flags.Uint64Var(&s.seed, "seed", 1, "random seed; timing stays random")
	flags.BoolVar(&s.sabotage, "sabotage", false, "apply notifications without the inbox, so that the proof must fail")
	flags.DurationVar(&s.timeout, "timeout", time.Hour, "give up after this `duration`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case s.orders < 1:
		return fmt.Errorf("orders: want 1 or more, got %d", s.orders)
	case s.store != "postgres" && s.store != "sqlite":
		return fmt.Errorf("store %q is not known", s.store)
	case s.broker != "" && s.broker != "jetstream":
		return fmt.Errorf("broker %q is not known", s.broker)
	case s.sabotage && (s.store != "postgres" || s.broker != ""):
		return errors.New("sabotage is for PostgreSQL without a broker")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.timeout, fmt.Errorf("not done after %v", s.timeout))
	defer cancel()
	result, err := prove(ctx, s, out)
	if err != nil {
		return errors.Join(err, context.Cause(ctx))
	}
	if _, err := fmt.Fprintln(out, result); err != nil {
		return err
	}
	return result.verdict()
}
