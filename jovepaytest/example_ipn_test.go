package jovepaytest_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

// openShop is a server, a shop that prints its notifications, and the shop's
// first payment, of 0.001 btc.
func openShop(opts ...jovepaytest.Option) (*jovepaytest.Server, *httptest.Server, *jovepay.Payment, error) {
	server, err := jovepaytest.NewServer(opts...)
	if err != nil {
		return nil, nil, nil, err
	}
	verifier, err := jovepay.NewIPNVerifier(server.IPNSecret)
	if err != nil {
		server.Close()
		return nil, nil, nil, err
	}
	shop := httptest.NewServer(verifier.Handler(func(_ context.Context, event jovepay.Event) error {
		switch event := event.(type) {
		case *jovepay.PaymentEvent:
			fmt.Println("payment", event.Status, event.ActuallyPaid, event.PayCurrency)
		case *jovepay.WithdrawalEvent:
			fmt.Println("withdrawal", event.Status, event.Amount, event.Currency)
		}
		return nil
	}))
	client, err := server.Client()
	if err != nil {
		shop.Close()
		server.Close()
		return nil, nil, nil, err
	}
	payment, err := client.Payments.Create(context.Background(), jovepay.PaymentRequest{
		PriceAmount: jovepay.MustAmount("64"), PriceCurrency: "usd", PayCurrency: "btc",
		IPNCallbackURL: shop.URL,
	})
	if err != nil {
		shop.Close()
		server.Close()
		return nil, nil, nil, err
	}
	return server, shop, payment, nil
}

// A shop is notified of everything that happens to its payments.
func ExampleServer_WaitDeliveries() {
	server, shop, payment, err := openShop()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer shop.Close()
	defer server.Close()

	if _, err := server.Pay(payment.ID); err != nil {
		fmt.Println(err)
		return
	}
	if err := server.WaitDeliveries(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	// Output:
	// payment waiting 0 btc
	// payment confirming 0.001 btc
	// payment confirmed 0.001 btc
	// payment sending 0.001 btc
	// payment finished 0.001 btc
}

// Every event twice, and in another order. A shop that ships whenever it hears
// "finished" ships twice, and one that believes the last word takes the payment
// back.
func ExampleServer_SetIPN() {
	server, shop, payment, err := openShop()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer shop.Close()
	defer server.Close()

	ctx := context.Background()
	if err := server.WaitDeliveries(ctx); err != nil {
		fmt.Println(err)
		return
	}
	if err := server.SetIPN(jovepaytest.IPNBehavior{Copies: 2, Shuffle: 8}); err != nil {
		fmt.Println(err)
		return
	}
	if _, err := server.Pay(payment.ID); err != nil {
		fmt.Println(err)
		return
	}
	if err := server.WaitDeliveries(ctx); err != nil {
		fmt.Println(err)
		return
	}
	// Output:
	// payment waiting 0 btc
	// payment confirmed 0.001 btc
	// payment finished 0.001 btc
	// payment confirming 0.001 btc
	// payment sending 0.001 btc
	// payment confirmed 0.001 btc
	// payment finished 0.001 btc
	// payment sending 0.001 btc
	// payment confirming 0.001 btc
}

// A forged notification, and what became of it.
func ExampleServer_Deliveries() {
	server, shop, payment, err := openShop(jovepaytest.WithIPNRetries(1, 0))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer shop.Close()
	defer server.Close()

	ctx := context.Background()
	if err := server.WaitDeliveries(ctx); err != nil {
		fmt.Println(err)
		return
	}
	if err := server.SetIPN(jovepaytest.IPNBehavior{Forge: jovepaytest.Hits{Next: 1}}); err != nil {
		fmt.Println(err)
		return
	}
	if _, err := server.Deposit(payment.ID, jovepay.Amount{}); err != nil {
		fmt.Println(err)
		return
	}
	if err := server.WaitDeliveries(ctx); err != nil {
		fmt.Println(err)
		return
	}
	for _, d := range server.Deliveries() {
		fmt.Println("attempt", d.Attempt, "of", d.Status, d.Outcome, d.StatusCode)
	}
	// Output:
	// payment waiting 0 btc
	// payment confirming 0.001 btc
	// attempt 1 of waiting delivered 200
	// attempt 1 of confirming failed 401
	// attempt 2 of confirming delivered 200
}

// The notifications that no payment causes are made by hand.
func ExampleServer_SendIPN() {
	server, shop, _, err := openShop()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer shop.Close()
	defer server.Close()

	body, err := jovepaytest.IPNBody(&jovepay.WithdrawalEvent{
		Status: jovepay.WithdrawalFinished, Amount: jovepay.MustAmount("12.5"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	if err := server.WaitDeliveries(ctx); err != nil {
		fmt.Println(err)
		return
	}
	if err := server.SendIPN(ctx, shop.URL, body); err != nil {
		fmt.Println(err)
		return
	}
	// Output:
	// payment waiting 0 btc
	// withdrawal FINISHED 12.5 usdttrc20
}

// The guide's example of a recurring payment, with another amount.
func ExampleIPNBody() {
	body, err := jovepaytest.IPNBody(&jovepay.RecurringPaymentEvent{Amount: jovepay.MustAmount("9.99")})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(body))
	// Output:
	// {"id":"1234567890","status":"FINISHED","currency":"trx","amount":"9.99","ipn_callback_url":"callback_url","created_at":"2023-07-26T14:20:11.531Z","updated_at":"2023-07-26T14:20:21.079Z"}
}

// A signature for a request that a test makes itself.
func ExampleServer_Sign() {
	server, err := jovepaytest.NewServer()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	body := []byte(`{"payment_id":1,"payment_status":"finished"}`)
	signature, err := server.Sign(body, jovepay.FormPHP)
	if err != nil {
		fmt.Println(err)
		return
	}
	verifier, err := jovepay.NewIPNVerifier(server.IPNSecret)
	if err != nil {
		fmt.Println(err)
		return
	}
	event, err := verifier.Parse(body, signature)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(event.Verification().Form)
	// Output: js
}
