// Command quickstart runs the standard flow and the invoice flow of JovePay's
// guide, step by step.
//
//	go run ./examples/quickstart
//
// It uses an emulator, which also plays the customers, and ignores the
// environment. With -real it creates payments in the account of JOVEPAY_API_KEY
// and waits for you to pay them; see connect for the other variables. With -first
// it is the smallest shop, on that account; see docs/first-payment.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"

	"github.com/jovepay/jovepay-go"
)

func main() {
	live := flag.Bool("real", false, "use the account of JOVEPAY_API_KEY instead of an emulator")
	first := flag.Bool("first", false, "create one payment in the account of JOVEPAY_API_KEY and wait until it is paid")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *live, *first)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, live, first bool) error {
	if first {
		return firstPayment(ctx)
	}
	d, err := connect(os.Stdout, live) //nolint:contextcheck // the emulator runs until close
	if err != nil {
		return err
	}
	defer d.close()
	return d.run(ctx)
}

func (d *demo) run(ctx context.Context) error {
	for _, flow := range []func(context.Context) error{d.standardFlow, d.invoiceFlow, d.report} {
		if err := flow(ctx); err != nil {
			return err
		}
	}
	return nil
}

// standardFlow is the guide's "Standard e-commerce flow for JovePay".
func (d *demo) standardFlow(ctx context.Context) error {
	status, err := d.client.Status(ctx)
	if err != nil {
		return err
	}
	d.say("status", "%s", status.Message)

	list, err := d.client.Currencies.List(ctx, jovepay.CurrencyListOptions{})
	if err != nil {
		return err
	}
	var codes []string
	for _, currency := range list.Currencies {
		codes = append(codes, currency.Code)
	}
	d.say("currencies", "%d: %s", len(codes), strings.Join(codes[:min(8, len(codes))], " "))

	price, order := jovepay.MustAmount("49.99"), "order-1001"
	quote, err := d.client.Estimates.Quote(ctx, jovepay.QuoteOptions{PriceAmount: price, PriceCurrency: "usd", PayCurrency: "btc"})
	if err != nil {
		return err
	}
	d.say("minimum", "%s btc", quote.MinAmount)
	d.say("estimate", "%s usd is %s btc", price, quote.PayAmount)
	if !quote.Payable {
		return fmt.Errorf("%s usd is too little to pay in btc", price)
	}

	d.expect(order, price)
	payment, err := d.client.Payments.Create(ctx, jovepay.PaymentRequest{
		PriceAmount: price, PriceCurrency: "usd", PayCurrency: "btc",
		OrderID: order, IPNCallbackURL: d.ipnURL,
	})
	if err != nil {
		return err
	}
	d.say("payment", "%s for %s is %s", payment.ID, payment.OrderID, payment.Status)
	d.say("", "send %s %s to %s", payment.PayAmount, payment.PayCurrency, payment.PayAddress)
	if err := d.pay(ctx, payment.ID); err != nil {
		return err
	}
	return d.list(ctx)
}
