// Command storefront is a small shop that sells tickets for coins.
//
//	go run .                    run the shop on an emulated JovePay, without real coins
//	go run . orders             list the newest orders and the payments to review
//	go run . issue ORDER WHY    issue the ticket of an order after a review
//	go run . cancel ORDER WHY   cancel an order that is not paid
//
// With JOVEPAY_API_KEY it accepts real payments; see README.md for the settings.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"os/user"
	"strings"
	"syscall"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/examples/storefront/shop"
	"github.com/jovepay/jovepay-go/orders"
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

// settings come from the environment.
type settings struct {
	listen     string
	url        string // empty for the address that it listens on
	database   string
	currencies []string
	every      time.Duration // between reconciliations
	ipnSecret  string
	account    []jovepay.Option
	customer   func(jovepay.ID) string // with an emulator only
	log        *slog.Logger
}

// defaultCurrencies are the coins that the shop accepts by default.
const defaultCurrencies = "btc,eth,ltc,usdttrc20,trx,xrp,sol,doge"

func run(ctx context.Context, args []string, out io.Writer) error {
	s := settings{
		listen:     setting("STOREFRONT_LISTEN", "127.0.0.1:8080"),
		url:        strings.TrimRight(os.Getenv("STOREFRONT_URL"), "/"),
		database:   setting("STOREFRONT_DB", "storefront.db"),
		currencies: strings.Fields(strings.ReplaceAll(setting("STOREFRONT_CURRENCIES", defaultCurrencies), ",", " ")),
		every:      2 * time.Minute,
		ipnSecret:  os.Getenv("JOVEPAY_IPN_SECRET"),
		account:    []jovepay.Option{jovepay.WithEnv()},
		log:        slog.New(slog.NewTextHandler(os.Stderr, nil)),
	}
	command := strings.Join(args, " ")
	switch {
	case command == "orders":
		return list(ctx, s, out)
	case len(args) > 2 && (args[0] == "issue" || args[0] == "cancel"):
		return decide(ctx, s, args, out)
	case command != "":
		return fmt.Errorf("unknown command %q: use orders, issue ORDER WHY or cancel ORDER WHY", command)
	case os.Getenv("JOVEPAY_API_KEY") == "":
		return demo(ctx, s, out)
	case s.url == "" && os.Getenv("JOVEPAY_BASE_URL") == "":
		return errors.New("JovePay cannot notify a local address: set STOREFRONT_URL to the shop's public URL")
	}
	return serve(ctx, s, func(url string) { _, _ = fmt.Fprintf(out, "the shop is at %s\n", url) })
}

// setting returns a variable of the environment, or fallback if it is empty.
func setting(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}

// list prints the newest orders and the payments to review.
func list(ctx context.Context, s settings, out io.Writer) (err error) {
	tickets, err := reopen(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tickets.Close()) }()
	recent, err := tickets.Recent(ctx, 50)
	for _, o := range recent {
		_, _ = fmt.Fprintf(out, "%s  %s  %-11s %8s %s in %-10s %s\n", o.Created.Format(time.DateTime), o.ID, o.State, o.PriceAmount, o.PriceCurrency, o.PayCurrency, o.Item)
	}
	if err != nil {
		return err
	}
	for c, err := range tickets.Book.Cases(ctx, orders.CaseOptions{}) {
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(out, "REVIEW order %q, %s: %s\n", c.OrderID, c.Kind, c.Reason)
		for _, d := range c.Deposits {
			_, _ = fmt.Fprintf(out, "       payment %s: %s %s\n", d.PaymentID, d.Amount, d.Coin)
		}
	}
	return nil
}

// decide carries out the command "issue" or "cancel", in the name of the user who
// runs it.
func decide(ctx context.Context, s settings, args []string, out io.Writer) (err error) {
	tickets, err := reopen(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tickets.Close()) }()
	staff, err := user.Current()
	if err != nil {
		return err
	}
	order, reason := args[1], orders.Reason{By: staff.Username, Why: strings.Join(args[2:], " ")}
	if args[0] == "cancel" {
		return tickets.Cancel(ctx, order, reason)
	}
	code, err := tickets.Issue(ctx, order, reason)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "order %s has ticket %s\n", order, code)
	return err
}

// reopen opens the database of an existing shop, which may be running.
func reopen(ctx context.Context, s settings) (*shop.Shop, error) {
	if _, err := os.Stat(s.database); err != nil {
		return nil, err // shop.Open would create the database
	}
	client, err := jovepay.NewClient(s.account...)
	if err != nil {
		return nil, err
	}
	return shop.Open(ctx, shop.Settings{Database: s.database, Client: client})
}
