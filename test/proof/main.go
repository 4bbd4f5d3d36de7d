// Command proof tries to make the order service of examples/orders show a customer
// two payments, fulfill an order twice or never, or lose count of coins.
//
//	go run . -orders 1000
//
// It runs three processes of the service on one database and JovePay's emulator, and
// plays the customers, each of whom asks for a payment with several clients at once.
// It delivers each notification three times, shuffled and concurrently, loses one in
// a hundred, loses responses of JovePay, and kills and freezes processes, also at
// each step of creating a payment. At the end it checks every order in the database,
// and every payment of the emulator. The exit status is 1 if something is wrong and 3
// if there is no database to run on. See docs/proof.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/jovepay/jovepay-go/jovepaytest"
)

// settings are those of the command line, and how rough the run is.
type settings struct {
	orders   int
	store    string
	broker   string
	postgres string
	mariadb  string
	seed     uint64
	late     int
	topUps   bool
	sabotage *sabotage // nil without one
	timeout  time.Duration

	customers  int           // at the same time; most of them wait
	clients    int           // of each customer
	spread     time.Duration // of notifications
	send       time.Duration // as in [orders.WithTimes]
	settle     time.Duration
	crash      time.Duration
	complete   time.Duration       // for staff and failed hooks in the end
	mix        mix                 // of chaos
	failures   []jovepaytest.Fault // of JovePay
	faultEvery int                 // creates

	longFreezes bool // all freezes last until others may have created a payment
}

// rough are the settings of a proof.
func rough() settings {
	return settings{
		customers: 128, clients: 3, spread: 3 * time.Second, send: 4 * time.Second, settle: 3 * time.Second, crash: 5 * time.Second,
		complete: 3 * time.Minute, mix: everything(), failures: failures(), faultEvery: 20,
	}
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
	s, sabotaged := rough(), ""
	flags := flag.NewFlagSet("proof", flag.ContinueOnError)
	flags.IntVar(&s.orders, "orders", 1000, "place `n` orders")
	flags.StringVar(&s.store, "store", postgres, "postgres, mariadb: three processes on it; sqlite: two on a file")
	flags.StringVar(&s.broker, "broker", "", "jetstream: with a NATS server between notifications and work, which is killed too")
	flags.StringVar(&s.postgres, "postgres", "postgres://postgres@127.0.0.1:5432/test?sslmode=disable", "PostgreSQL, for a schema that is dropped in the end")
	flags.StringVar(&s.mariadb, "mariadb", "root@tcp(127.0.0.1:3306)/test", "MariaDB, for a database that is dropped in the end")
	flags.Uint64Var(&s.seed, "seed", 1, "random seed; timing stays random")
	flags.IntVar(&s.late, "late", 0, "apply `n` creates after the settle window")
	flags.BoolVar(&s.topUps, "topups", false, "fulfill an order when several deposits add up to its price; otherwise staff accept that")
	flags.StringVar(&sabotaged, "sabotage", "", "change the service so that the proof must fail: "+strings.Join(sabotageNames(), ", "))
	flags.DurationVar(&s.timeout, "timeout", 2*time.Hour, "give up after this `duration`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case s.orders < 1:
		return fmt.Errorf("orders: want 1 or more, got %d", s.orders)
	case s.late < 0:
		return fmt.Errorf("late: want 0 or more, got %d", s.late)
	case !slices.Contains([]string{postgres, mariadb, sqlite}, s.store):
		return fmt.Errorf("store %q is not known", s.store)
	case s.broker != "" && s.broker != "jetstream":
		return fmt.Errorf("broker %q is not known", s.broker)
	}
	if sabotaged != "" {
		if err := s.breakBy(sabotaged); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.timeout, fmt.Errorf("not done after %v", s.timeout))
	defer cancel()
	result, err := prove(ctx, &s, out)
	if err != nil {
		return errors.Join(err, context.Cause(ctx))
	}
	if _, err := fmt.Fprintln(out, result); err != nil {
		return err
	}
	return result.verdict()
}
