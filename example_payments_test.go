package jovepay_test

import (
	"context"
	"fmt"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

func ExamplePaymentsService_Create() {
	ctx, server, client := startEmulator()
	defer server.Close()

	payment, err := client.Payments.Create(ctx, jovepay.PaymentRequest{
		PriceAmount:    jovepay.MustAmount("49.99"),
		PriceCurrency:  "usd",
		PayCurrency:    "xrp",
		OrderID:        "order-1001",
		IPNCallbackURL: "https://shop.example/ipn",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("Send", payment.PayAmount, payment.PayCurrency, "to the address shown.")
	if payment.PayinExtraID != "" {
		fmt.Println("Add the memo, or the coins are lost.")
	}
	// Output:
	// Send 96.134615 xrp to the address shown.
	// Add the memo, or the coins are lost.
}

// The payment is made, but its answer is lost. CreateOnce finds it in the list.
func ExamplePaymentsService_CreateOnce() {
	ctx, server, client := startEmulator()
	defer server.Close()
	if err := server.Inject(jovepaytest.Fault{Method: "POST", Path: "/v1/payment", Times: 1, Cut: true, AfterEffect: true}); err != nil {
		fmt.Println(err)
		return
	}

	payment, err := client.Payments.CreateOnce(ctx, jovepay.PaymentRequest{
		PriceAmount:   jovepay.MustAmount("49.99"),
		PriceCurrency: "usd",
		PayCurrency:   "btc",
		OrderID:       "order-1001", // required here
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(payment.OrderID, payment.Status)
	fmt.Println("payments requested:", server.Count("POST", "/v1/payment"))
	// Output:
	// order-1001 waiting
	// payments requested: 1
}

func ExamplePaymentsService_Get() {
	ctx, server, client := startEmulator()
	defer server.Close()
	id, err := createFor(ctx, client, "order-1001")
	if err != nil {
		fmt.Println(err)
		return
	}

	payment, err := client.Payments.Get(ctx, id)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(payment.OrderID, payment.Status, payment.PriceAmount, payment.PriceCurrency)
	// Output: order-1001 waiting 49.99 usd
}

// createFor makes a payment that other examples then use.
func createFor(ctx context.Context, client *jovepay.Client, orderID string) (jovepay.ID, error) {
	payment, err := client.Payments.Create(ctx, jovepay.PaymentRequest{
		PriceAmount: jovepay.MustAmount("49.99"), PriceCurrency: "usd", PayCurrency: "btc", OrderID: orderID,
	})
	if err != nil {
		return "", err
	}
	return payment.ID, nil
}

func ExamplePaymentsService_List() {
	ctx, server, client := startEmulator()
	defer server.Close()
	for n := 1; n <= 5; n++ {
		if _, err := createFor(ctx, client, fmt.Sprint("order-", n)); err != nil {
			fmt.Println(err)
			return
		}
	}

	list, err := client.Payments.List(ctx, jovepay.PaymentListOptions{Limit: 2, OrderBy: jovepay.Descending})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, payment := range list.Payments {
		fmt.Println(payment.OrderID)
	}
	fmt.Println(list.Total, "payments on", list.PagesCount, "pages")
	// Output:
	// order-5
	// order-4
	// 5 payments on 3 pages
}

func ExamplePaymentsService_All() {
	ctx, server, client := startEmulator()
	defer server.Close()
	for n := 1; n <= 3; n++ {
		if _, err := createFor(ctx, client, fmt.Sprint("order-", n)); err != nil {
			fmt.Println(err)
			return
		}
	}

	for payment, err := range client.Payments.All(ctx, jovepay.PaymentListOptions{OrderBy: jovepay.Ascending}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(payment.OrderID)
	}
	// Output:
	// order-1
	// order-2
	// order-3
}

// When a customer comes back to an order, its payment may be there already.
func ExamplePaymentsService_FindOrder() {
	ctx, server, client := startEmulator()
	defer server.Close()
	if _, err := createFor(ctx, client, "order-1001"); err != nil {
		fmt.Println(err)
		return
	}

	payments, err := client.Payments.FindOrder(ctx, "order-1001", time.Now().Add(-24*time.Hour))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, payment := range payments {
		fmt.Println(payment.Status, payment.PriceAmount, payment.PriceCurrency)
	}
	// Output: waiting 49.99 usd
}

func ExamplePaymentsService_Wait() {
	ctx, server, client := startEmulator()
	defer server.Close()
	id, err := createFor(ctx, client, "order-1001")
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := server.Pay(id); err != nil { // the customer pays
		fmt.Println(err)
		return
	}

	ctx, cancel := context.WithTimeout(ctx, time.Hour)
	defer cancel()
	payment, err := client.Payments.Wait(ctx, id, jovepay.WaitOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(payment.Status, "with", payment.ActuallyPaid, payment.PayCurrency)
	// Output: finished with 0.00078109 btc
}

// Until stops the wait earlier, here as soon as coins are seen.
func ExamplePaymentsService_Wait_until() {
	ctx, server, client := startEmulator()
	defer server.Close()
	id, err := createFor(ctx, client, "order-1001")
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := server.Deposit(id, jovepay.MustAmount("0.0005")); err != nil {
		fmt.Println(err)
		return
	}

	payment, err := client.Payments.Wait(ctx, id, jovepay.WaitOptions{
		Until: func(p *jovepay.Payment) bool { return p.Status != jovepay.PaymentWaiting },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(payment.Status, payment.ActuallyPaid, "of", payment.PayAmount, payment.PayCurrency)
	// Output: confirming 0.0005 of 0.00078109 btc
}
