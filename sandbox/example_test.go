package sandbox_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"strings"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
	"github.com/jovepay/jovepay-go/sandbox"
)

// The customer pays half, by a call of the control API, as a shop's tests in
// any language can make.
func Example() {
	s, err := sandbox.New(sandbox.WithServer(
		jovepaytest.WithFrozenClock(time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)),
	))
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	client, err := s.Client()
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	p, err := client.Payments.Create(ctx, jovepay.PaymentRequest{
		PriceAmount: jovepay.MustAmount("49.99"), PriceCurrency: "usd", PayCurrency: "btc", OrderID: "order-1001",
	})
	if err != nil {
		log.Fatal(err)
	}
	call := s.URL + "/sandbox/v1/payments/" + p.ID.String() + "/pay"
	response, err := http.Post(call, "application/json", strings.NewReader(`{"amount":"0.0004"}`))
	if err != nil {
		log.Fatal(err)
	}
	_ = response.Body.Close()
	p, err = client.Payments.Get(ctx, p.ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(response.Status, p.Status, p.ActuallyPaid, "of", p.PayAmount)
	// Output: 200 OK partially_paid 0.0004 of 0.00078109
}
