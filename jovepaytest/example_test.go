package jovepaytest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

func ExampleNewServer() {
	server, err := jovepaytest.NewServer()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	client, err := server.Client()
	if err != nil {
		fmt.Println(err)
		return
	}

	ctx := context.Background()
	payment, err := client.Payments.Create(ctx, jovepay.PaymentRequest{
		PriceAmount: jovepay.MustAmount("64"), PriceCurrency: "usd", PayCurrency: "btc",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(payment.Status, "for", payment.PayAmount, payment.PayCurrency)

	if _, err := server.Pay(payment.ID); err != nil {
		fmt.Println(err)
		return
	}
	payment, err = client.Payments.Get(ctx, payment.ID)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(payment.Status, "with", payment.ActuallyPaid, payment.PayCurrency)
	// Output:
	// waiting for 0.001 btc
	// finished with 0.001 btc
}

// start is a server, a client of it, and a payment of 0.001 btc.
func start(opts ...jovepaytest.Option) (*jovepaytest.Server, *jovepay.Client, *jovepay.Payment, error) {
	server, err := jovepaytest.NewServer(opts...)
	if err != nil {
		return nil, nil, nil, err
	}
	client, err := server.Client()
	if err != nil {
		server.Close()
		return nil, nil, nil, err
	}
	payment, err := client.Payments.Create(context.Background(), jovepay.PaymentRequest{
		PriceAmount: jovepay.MustAmount("64"), PriceCurrency: "usd", PayCurrency: "btc", OrderID: "order-1001",
	})
	if err != nil {
		server.Close()
		return nil, nil, nil, err
	}
	return server, client, payment, nil
}

// A customer who pays too little, and then the rest.
func ExampleServer_Pay() {
	server, _, payment, err := start()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()

	under, err := server.PayAmount(payment.ID, jovepay.MustAmount("0.0007"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(under.Status, under.ActuallyPaid)

	rest, err := server.PayAmount(payment.ID, jovepay.MustAmount("0.0003"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(rest.Status, rest.ActuallyPaid, "as a deposit to", rest.ParentPaymentID == payment.ID)
	// Output:
	// partially_paid 0.0007
	// finished 0.0003 as a deposit to true
}

// The life of a payment, one status after the other.
func ExampleServer_Advance() {
	server, _, payment, err := start()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()

	payment, err = server.Deposit(payment.ID, jovepay.Amount{})
	for err == nil && !payment.Status.Final() {
		fmt.Println(payment.Status)
		payment, err = server.Advance(payment.ID)
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(payment.Status)
	// Output:
	// confirming
	// confirmed
	// sending
	// finished
}

// JovePay's staff cancels a payment.
func ExampleServer_SetStatus() {
	server, client, payment, err := start()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()

	if _, err := server.SetStatus(payment.ID, jovepay.PaymentCancelled); err != nil {
		fmt.Println(err)
		return
	}
	payment, err = client.Payments.Get(context.Background(), payment.ID)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(payment.Status)
	// Output: cancelled
}

// The customer opens an invoice and chooses a coin.
func ExampleServer_CheckOut() {
	server, client, _, err := start()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()

	invoice, err := client.Invoices.Create(context.Background(), jovepay.InvoiceRequest{
		PriceAmount: jovepay.MustAmount("52"), PriceCurrency: "usd",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	payment, err := server.CheckOut(invoice.ID, "xrp")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(payment.Status, payment.PayAmount, payment.PayCurrency, payment.PayinExtraID != "")
	// Output: waiting 100 xrp true
}

// The response to a creation is lost after the payment was made.
func ExampleServer_Inject() {
	server, client, _, err := start()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()

	err = server.Inject(jovepaytest.Fault{
		Method: http.MethodPost, Path: "/v1/payment", Times: 1,
		Cut: true, AfterEffect: true,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = client.Payments.Create(context.Background(), jovepay.PaymentRequest{
		PriceAmount: jovepay.MustAmount("5"), PriceCurrency: "usd", PayCurrency: "trx", OrderID: "order-1002",
	})
	fmt.Println("outcome unknown:", errors.Is(err, jovepay.ErrOutcomeUnknown))
	payments, err := server.Payments()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("but it was made:", payments[1].OrderID)
	// Output:
	// outcome unknown: true
	// but it was made: order-1002
}

// How often was what asked, and did it get through?
func ExampleServer_Requests() {
	server, client, payment, err := start()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()

	if err := server.Inject(jovepaytest.Fault{Method: http.MethodGet, Status: 503, Times: 1}); err != nil {
		fmt.Println(err)
		return
	}
	if _, err := client.Payments.Get(context.Background(), payment.ID); err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range server.Requests() {
		fmt.Println(r.Method, r.Status, r.Handled)
	}
	fmt.Println(server.Count(http.MethodGet, "/v1/payment/*"), "times")
	// Output:
	// POST 201 true
	// GET 503 false
	// GET 200 true
	// 2 times
}

// Prices are the test's.
func ExampleServer_SetPrice() {
	server, client, _, err := start()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()

	if err := server.SetPrice("btc", jovepay.MustAmount("100000")); err != nil {
		fmt.Println(err)
		return
	}
	estimate, err := client.Estimates.Get(context.Background(), jovepay.EstimateOptions{
		Amount: jovepay.MustAmount("250"), From: "usd", To: "btc",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(estimate.EstimatedAmount)
	// Output: 0.0025
}

// A payment expires when the test's clock says so.
func ExampleWithClock() {
	var passed atomic.Int64
	clock := func() time.Time {
		return time.Date(2026, time.March, 14, 12, 0, 0, 0, time.UTC).Add(time.Duration(passed.Load()))
	}
	server, _, payment, err := start(jovepaytest.WithClock(clock))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()

	passed.Store(int64(7 * 24 * time.Hour))
	payment, err = server.Payment(payment.ID)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(payment.Status, payment.UpdatedAt.Format(time.DateOnly))
	// Output: expired 2026-03-21
}
