package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/jovepay/jovepay-go"
)

// firstPayment is the smallest shop: it creates one payment and waits until
// JovePay reports that it has been paid. docs/first-payment.md explains it.
func firstPayment(ctx context.Context) error {
	client, err := jovepay.NewClient(jovepay.WithEnv()) // JOVEPAY_API_KEY, …
	if err != nil {
		return err
	}
	verifier, err := jovepay.NewIPNVerifier(os.Getenv("JOVEPAY_IPN_SECRET"))
	if err != nil {
		return err
	}

	ended := make(chan jovepay.PaymentStatus, 1)
	mux := http.NewServeMux()
	mux.Handle("POST /ipn", verifier.Handler(func(_ context.Context, event jovepay.Event) error {
		payment, ok := event.(*jovepay.PaymentEvent)
		if !ok {
			return nil // another kind of event: acknowledged
		}
		fmt.Println(payment.OrderID, "is", payment.Status)
		if payment.Status.Final() {
			select {
			case ended <- payment.Status:
			default: // delivered before
			}
		}
		return nil
	}))
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: mux, ReadTimeout: 15 * time.Second}
	defer func() { _ = server.Close() }()
	go func() { _ = server.Serve(listener) }() // until Close

	payment, err := client.Payments.Create(ctx, jovepay.PaymentRequest{
		PriceAmount:    jovepay.MustAmount("49.99"),
		PriceCurrency:  "usd",
		PayCurrency:    "btc",
		OrderID:        "order-1001",
		IPNCallbackURL: "http://" + listener.Addr().String() + "/ipn",
	})
	if err != nil {
		return err
	}
	fmt.Println("payment", payment.ID, "- send", payment.PayAmount, payment.PayCurrency, "to", payment.PayAddress)

	select {
	case status := <-ended:
		if status != jovepay.PaymentFinished {
			return fmt.Errorf("the payment ended as %s", status)
		}
		return nil
	case <-ctx.Done():
		return errors.New("interrupted before it was paid")
	}
}
