package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/sync/errgroup"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/examples/orders/shop"
	"github.com/jovepay/jovepay-go/jovepaytest"
	"github.com/jovepay/jovepay-go/orders"
)

// story is what a customer does, and the expected result.
type story struct {
	name      string
	play      func(*jovepaytest.Server, *shop.Payment) error
	state     orders.State
	shipments int
}

// stories returns what happens to shops.
func stories() []story {
	pay := func(part string) func(*jovepaytest.Server, *shop.Payment) error {
		return func(server *jovepaytest.Server, payment *shop.Payment) error {
			amount := payment.Asked.Decimal().Mul(jovepay.MustAmount(part).Decimal())
			_, err := server.PayAmount(payment.ID, jovepay.NewAmount(amount.Truncate(8))) // btc's decimal places
			return err
		}
	}
	return []story{
		{"pays", pay("1"), orders.StateFulfilled, 1},
		{"pays too much", pay("2"), orders.StateFulfilled, 1},
		{"pays half", pay("0.5"), orders.StateUnderpaid, 0},
		{"pays twice", func(server *jovepaytest.Server, payment *shop.Payment) error {
			return errors.Join(pay("1")(server, payment), pay("1")(server, payment))
		}, orders.StateFulfilled, 1},
		{"never pays", func(server *jovepaytest.Server, payment *shop.Payment) error {
			_, err := server.SetStatus(payment.ID, jovepay.PaymentExpired)
			return err
		}, orders.StateExpired, 0},
		{"waits", func(*jovepaytest.Server, *shop.Payment) error { return nil }, orders.StateWaiting, 0},
	}
}

// perStory is the number of customers with the same story.
const perStory = 4

// demo runs the service on an emulator that loses responses and notifications,
// and delivers the others three times, out of order and damaged.
func demo(ctx context.Context, s settings, out io.Writer) (err error) {
	server, err := jovepaytest.NewServer(jovepaytest.WithIPNRetries(3, 20*time.Millisecond)) //nolint:contextcheck // it runs until Close
	if err != nil {
		return err
	}
	defer server.Close()
	dir, err := os.MkdirTemp("", "orders")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s.listen, s.database, s.data = "127.0.0.1:0", filepath.Join(dir, "orders.db"), filepath.Join(dir, "events")
	s.ipnSecret, s.log = server.IPNSecret, slog.New(slog.DiscardHandler)
	s.send, s.settle, s.crash = 5*time.Second, 50*time.Millisecond, 50*time.Millisecond // the emulator is quick
	s.account = []jovepay.Option{
		jovepay.WithBaseURL(server.URL), jovepay.WithAPIKey(server.APIKey),
		jovepay.WithCredentials(server.Email, server.Password),
	}

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	ready := make(chan string, 1)
	group.Go(func() error { return serve(ctx, s, func(url string) { ready <- url }) })
	group.Go(func() error {
		defer stop()
		select {
		case url := <-ready:
			return play(ctx, s, server, url, out)
		case <-ctx.Done():
			return nil
		}
	})
	return group.Wait()
}

// play plays the stories and prints the results.
func play(ctx context.Context, s settings, server *jovepaytest.Server, url string, out io.Writer) error {
	err := errors.Join(
		server.SetIPN(jovepaytest.IPNBehavior{
			Copies: 3, Shuffle: 9, AtOnce: true,
			Lose: jovepaytest.Hits{Percent: 40}, Corrupt: jovepaytest.Hits{Percent: 10},
		}),
		server.Inject(
			jovepaytest.Fault{Method: http.MethodPost, Path: "/v1/payment", Percent: 20, Cut: true, AfterEffect: true},
			jovepaytest.Fault{Method: http.MethodGet, Percent: 20, Status: http.StatusServiceUnavailable},
		))
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "Each notification is sent three times, concurrently and shuffled: 40 %% of the copies\n"+
		"are lost and 10 %% damaged. Of JovePay's responses, 20 %% are lost or errors.\n\n")
	for i, story := range stories() {
		for n := range perStory {
			payment, err := place(ctx, fmt.Sprintf("%s/orders/%d-%d", url, i+1, n+1))
			if err != nil {
				return err
			}
			if err := story.play(server, payment); err != nil {
				return err
			}
		}
	}
	if err := server.WaitDeliveries(ctx); err != nil {
		return err
	}
	outcomes := map[jovepaytest.DeliveryOutcome]int{}
	for _, delivery := range server.Deliveries() {
		outcomes[delivery.Outcome]++
	}
	_, _ = fmt.Fprintf(out, "notifications  %d delivered, %d lost, %d rejected and retried\n",
		outcomes[jovepaytest.DeliveryDone], outcomes[jovepaytest.DeliveryLost], outcomes[jovepaytest.DeliveryFailed])
	_, _ = fmt.Fprint(out, "reconciled     ")
	if err := reconcile(ctx, s, out); err != nil {
		return err
	}
	return check(ctx, url, out)
}

// place places an order and asks for a payment in btc until it has one.
func place(ctx context.Context, order string) (*shop.Payment, error) {
	price := shop.Order{PriceAmount: jovepay.MustAmount("49.99"), PriceCurrency: "usd"}
	if _, err := request[shop.Order](ctx, http.MethodPut, order, price); err != nil {
		return nil, err
	}
	for {
		payment, err := request[shop.Payment](ctx, http.MethodPost, order+"/payments/btc", nil)
		if err == nil {
			return payment, nil
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), err)
		}
	}
}

// check prints the orders and returns an error if one is wrong.
func check(ctx context.Context, url string, out io.Writer) error {
	_, _ = fmt.Fprintf(out, "\n%-8s%-16s%-12s%s\n", "order", "customer", "state", "shipments")
	wrong := 0
	for i, story := range stories() {
		for n := range perStory {
			order, err := request[shop.Order](ctx, http.MethodGet, fmt.Sprintf("%s/orders/%d-%d", url, i+1, n+1), nil)
			if err != nil {
				return err
			}
			_, _ = fmt.Fprintf(out, "%-8s%-16s%-12s%d\n", order.ID, story.name, order.State, order.Shipments)
			if order.State != story.state || order.Shipments != story.shipments {
				wrong++
			}
		}
	}
	if wrong > 0 {
		return fmt.Errorf("%d orders are wrong", wrong)
	}
	_, _ = fmt.Fprintf(out, "\nEvery order that was paid is shipped once, and no other.\n")
	return nil
}

// request sends a request to the service and returns the response.
func request[T any](ctx context.Context, method, url string, body any) (*T, error) {
	sent, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(sent))
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s %s: %s", method, url, response.Status)
	}
	result := new(T)
	return result, json.UnmarshalRead(response.Body, result)
}
