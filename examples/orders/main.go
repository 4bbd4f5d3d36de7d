// Command orders is an order service on JovePay.
//
//	go run .              run a demo on an emulator with many faults
//	go run . serve        run the service; go run . serve -h lists the flags
//	go run . reconcile    make up for lost notifications, for example from cron
//
// It reads the account from JOVEPAY_API_KEY, JOVEPAY_EMAIL, JOVEPAY_PASSWORD,
// JOVEPAY_BASE_URL and JOVEPAY_IPN_SECRET.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/examples/orders/shop"
	"github.com/jovepay/jovepay-go/orders"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "orders:", err)
		os.Exit(1)
	}
}

// settings come from the command line and the environment.
type settings struct {
	listen    string
	database  string
	callback  string
	broker    string
	nats      string
	data      string
	every     time.Duration
	since     time.Duration
	interval  time.Duration
	send      time.Duration
	settle    time.Duration
	crash     time.Duration
	topUps    bool
	fail      int
	ipnSecret string
	account   []jovepay.Option
	log       *slog.Logger
}

func run(ctx context.Context, args []string, out io.Writer) error {
	command := "demo"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		command, args = args[0], args[1:]
	}
	s := settings{
		ipnSecret: os.Getenv("JOVEPAY_IPN_SECRET"),
		account:   []jovepay.Option{jovepay.WithEnv()},
		log:       slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	flags := flag.NewFlagSet("orders "+command, flag.ContinueOnError)
	flags.StringVar(&s.listen, "listen", "127.0.0.1:8080", "address to serve on")
	flags.StringVar(&s.database, "db", "orders.db", "SQLite `file`, or the address of a database: postgres://user@host/name or mysql://user@tcp(host)/name")
	flags.StringVar(&s.callback, "callback", "", "public URL of /ipn, for JovePay")
	flags.StringVar(&s.broker, "broker", "", "jetstream: acknowledge notifications immediately and apply them later")
	flags.StringVar(&s.nats, "nats", "", "NATS servers, such as nats://nats.example:4222; in this process if empty")
	flags.StringVar(&s.data, "data", "orders.events", "directory of the NATS server in this process")
	flags.DurationVar(&s.every, "every", 10*time.Minute, "time between reconciliations")
	flags.DurationVar(&s.since, "since", 48*time.Hour, "how far back to reconcile")
	flags.DurationVar(&s.interval, "interval", 10*time.Second, "time between looks for unfinished work")
	flags.DurationVar(&s.send, "send", 30*time.Second, "how long a create may take until it is sent")
	flags.DurationVar(&s.settle, "settle", 20*time.Second, "how long after an unknown outcome JovePay's list is complete")
	flags.DurationVar(&s.crash, "crash", 2*time.Minute, "how long after a crash JovePay's list is complete")
	flags.BoolVar(&s.topUps, "topups", false, "fulfill an order when several deposits add up to its price")
	flags.IntVar(&s.fail, "fail-fulfill", 0, "`percent` of the calls of Fulfill that fail, to see what follows")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case s.broker != "" && s.broker != "jetstream":
		return fmt.Errorf("broker %q is not known", s.broker)
	}
	switch command {
	case "demo":
		return demo(ctx, s, out)
	case "serve":
		return serve(ctx, s, func(url string) { _, _ = fmt.Fprintf(out, "serving on %s\n", url) })
	case "reconcile":
		return reconcile(ctx, s, out)
	}
	return fmt.Errorf("command %q is not known: use demo, serve or reconcile", command)
}

// open opens the shop with the account.
func (s *settings) open(ctx context.Context) (*shop.Shop, error) {
	client, err := jovepay.NewClient(s.account...)
	if err != nil {
		return nil, err
	}
	opts := []orders.Option{
		orders.WithCallback(s.callback), orders.WithReconciliation(s.every, s.since), orders.WithInterval(s.interval),
		orders.WithTimes(s.send, s.settle, s.crash), orders.WithLogger(s.log),
	}
	if s.topUps {
		opts = append(opts, orders.WithTopUps())
	}
	return shop.Open(ctx, shop.Settings{Database: s.database, Client: client, FailFulfill: s.fail}, opts...)
}

// reconcile makes up for lost notifications once.
func reconcile(ctx context.Context, s settings, out io.Writer) (err error) {
	service, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, service.Close()) }()
	report, err := service.Reconcile(ctx, time.Now().Add(-s.since))
	_, _ = fmt.Fprintf(out, "seen=%d changed=%d known=%d failed=%d\n", report.Seen, report.Changed, report.Known, report.Failed)
	return err
}
