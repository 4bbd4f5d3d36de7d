// Storefront is a small shop that sells tickets for coins: a model to start
// from, and a place to see what customers see.
//
//	go run .           the shop on an emulated JovePay, where no coins move
//	go run . orders    the newest orders, and what a person has to look at
//	go run . issue ORDER
//	                   its ticket, when a person has looked and agrees
//
// With JOVEPAY_API_KEY it takes real payments: see README.md for the settings.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/examples/storefront/shop"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "storefront:", err)
		os.Exit(1)
	}
}

// settings are those of the environment.
type settings struct {
	listen     string
	url        string // empty for the address that is listened on
	database   string
	currencies []string
	every      time.Duration // between reconciliations
	ipnSecret  string
	account    []jovepay.Option
	customer   func(jovepay.ID) string // on the emulator only
	log        *slog.Logger
}

// taken are the coins that the shop takes unless it is told others.
const taken = "btc,eth,ltc,usdttrc20,trx,xrp,sol,doge"

func run(ctx context.Context, args []string, out io.Writer) error {
	s := settings{
		listen:     setting("STOREFRONT_LISTEN", "127.0.0.1:8080"),
		url:        strings.TrimRight(os.Getenv("STOREFRONT_URL"), "/"),
		database:   setting("STOREFRONT_DB", "storefront.db"),
		currencies: strings.Fields(strings.ReplaceAll(setting("STOREFRONT_CURRENCIES", taken), ",", " ")),
		every:      2 * time.Minute,
		ipnSecret:  os.Getenv("JOVEPAY_IPN_SECRET"),
		account:    []jovepay.Option{jovepay.WithEnv()},
		log:        slog.New(slog.NewTextHandler(os.Stderr, nil)),
	}
	command := strings.Join(args, " ")
	toIssue, issuing := strings.CutPrefix(command, "issue ")
	switch {
	case command == "orders":
		return list(ctx, s, out)
	case issuing:
		return issue(ctx, s, toIssue, out)
	case command != "":
		return fmt.Errorf("command %q is not known: only orders and issue ORDER are", command)
	case os.Getenv("JOVEPAY_API_KEY") == "":
		return demo(ctx, s, out)
	case s.url == "" && os.Getenv("JOVEPAY_BASE_URL") == "":
		return errors.New("JovePay cannot notify an address on this machine: set STOREFRONT_URL to the shop's public one")
	}
	return serve(ctx, s, func(url string) { _, _ = fmt.Fprintf(out, "the shop is at %s\n", url) })
}

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

// list prints the newest orders, and the payments that a person has to look at.
func list(ctx context.Context, s settings, out io.Writer) (err error) {
	orders, err := reopen(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, orders.Close()) }()
	recent, err := orders.Recent(ctx, 50)
	for _, o := range recent {
		_, _ = fmt.Fprintf(out, "%s  %s  %-11s %8s %s in %-10s %s\n", o.Created.Format(time.DateTime), o.ID, o.State, o.PriceAmount, o.PriceCurrency, o.PayCurrency, o.Item)
	}
	if err != nil {
		return err
	}
	odd, err := orders.Odd(ctx)
	for _, d := range odd {
		_, _ = fmt.Fprintf(out, "LOOK AT payment %s of order %q: %s %s, %s\n", d.PaymentID, d.OrderID, d.ActuallyPaid, d.PayCurrency, d.Reason)
	}
	return err
}

// issue issues the ticket of an order on a person's word, and prints its code.
func issue(ctx context.Context, s settings, order string, out io.Writer) (err error) {
	orders, err := reopen(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, orders.Close()) }()
	code, err := orders.Issue(ctx, order)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "order %s has the ticket %s\n", order, code)
	return err
}

// reopen opens the database of a shop that is there, beside it.
func reopen(ctx context.Context, s settings) (*shop.Shop, error) {
	if _, err := os.Stat(s.database); err != nil {
		return nil, err // opening it would make one
	}
	return shop.Open(ctx, shop.Settings{Database: s.database})
}
