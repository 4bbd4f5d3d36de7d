package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

// demo is the state that both flows share.
type demo struct {
	client   *jovepay.Client
	emulator *jovepaytest.Server // nil on the real API
	shop     *shop               // nil if JovePay cannot reach it
	ipnURL   string              // of the shop
	wait     jovepay.WaitOptions
	out      io.Writer
}

// connect starts an emulator or, if live is true, uses the account in the
// environment. That requires JOVEPAY_API_KEY. The other variables are optional:
//
//   - JOVEPAY_BASE_URL: an address other than JovePay's;
//   - JOVEPAY_EMAIL and JOVEPAY_PASSWORD: to list the payments;
//   - JOVEPAY_IPN_SECRET and JOVEPAY_IPN_URL: to receive notifications, at the
//     public URL of JOVEPAY_IPN_LISTEN, by default 127.0.0.1:8080.
func connect(out io.Writer, live bool) (d *demo, err error) {
	d = &demo{out: out}
	defer func() {
		if err != nil {
			d.close()
		}
	}()
	if live {
		return d, d.connectReal()
	}
	if d.emulator, err = jovepaytest.NewServer(jovepaytest.WithAutoAdvance(50 * time.Millisecond)); err != nil {
		return d, err
	}
	d.say("JovePay", "an emulator at %s", d.emulator.URL)
	d.wait.MinInterval = 20 * time.Millisecond
	if d.client, err = d.emulator.Client(); err != nil {
		return d, err
	}
	d.shop, d.ipnURL, err = openShop(d.emulator.IPNSecret, "127.0.0.1:0")
	return d, err
}

func (d *demo) connectReal() (err error) {
	if os.Getenv("JOVEPAY_API_KEY") == "" {
		return errors.New("-real needs JOVEPAY_API_KEY")
	}
	if d.client, err = jovepay.NewClient(jovepay.WithEnv()); err != nil {
		return err
	}
	d.say("JovePay", "the account of JOVEPAY_API_KEY at %s; press Ctrl-C to stop",
		cmp.Or(os.Getenv("JOVEPAY_BASE_URL"), jovepay.DefaultBaseURL))
	secret, url, listen := os.Getenv("JOVEPAY_IPN_SECRET"), os.Getenv("JOVEPAY_IPN_URL"), os.Getenv("JOVEPAY_IPN_LISTEN")
	if secret == "" || url == "" {
		return nil
	}
	if listen == "" {
		listen = "127.0.0.1:8080"
	}
	d.shop, _, err = openShop(secret, listen)
	d.ipnURL = url
	return err
}

func (d *demo) close() {
	if d.emulator != nil {
		d.emulator.Close()
	}
	if d.shop != nil {
		d.shop.close()
	}
}

// say prints one step.
func (d *demo) say(step, format string, args ...any) {
	_, _ = fmt.Fprintf(d.out, "%-12s%s\n", step, fmt.Sprintf(format, args...))
}

// expect adds an order in US dollars to the shop.
func (d *demo) expect(order string, price jovepay.Amount) {
	if d.shop != nil {
		d.shop.expect(order, price, "usd")
	}
}

// pay has the emulator's customer pay the exact amount, or waits for the real
// one, until the payment has ended.
func (d *demo) pay(ctx context.Context, id jovepay.ID) error {
	if d.emulator == nil {
		d.say("customer", "is you: pay now, the program is waiting")
	} else {
		d.say("customer", "pays")
		if _, err := d.emulator.Pay(id); err != nil {
			return err
		}
	}
	payment, err := d.client.Payments.Wait(ctx, id, d.wait)
	if err != nil {
		return err
	}
	d.say("status", "%s with %s %s", payment.Status, payment.ActuallyPaid, payment.PayCurrency)
	return nil
}

// list prints the newest payments. The list requires a login besides the key.
func (d *demo) list(ctx context.Context) error {
	if d.emulator == nil && os.Getenv("JOVEPAY_EMAIL") == "" {
		d.say("list", "needs JOVEPAY_EMAIL and JOVEPAY_PASSWORD")
		return nil
	}
	page, err := d.client.Payments.List(ctx, jovepay.PaymentListOptions{Limit: 5, OrderBy: jovepay.Descending})
	if err != nil {
		return err
	}
	d.say("list", "%d in total", page.Total)
	for _, p := range page.Payments {
		d.say("", "%s %s %s %s %s", p.ID, p.OrderID, p.PriceAmount, p.PriceCurrency, p.Status)
	}
	return nil
}

// report prints the notifications and what the shop did.
func (d *demo) report(ctx context.Context) error {
	if d.shop == nil {
		d.say("IPN", "needs JOVEPAY_IPN_SECRET and JOVEPAY_IPN_URL")
		return nil
	}
	if d.emulator != nil {
		if err := d.emulator.WaitDeliveries(ctx); err != nil {
			return err
		}
	}
	d.say("IPN", "the shop received, verified and applied:")
	log := d.shop.report()
	for _, line := range log {
		d.say("", "%s", line)
	}
	if d.emulator != nil && len(log) == 0 {
		return errors.New("no notification arrived")
	}
	return nil
}
