package jovepay_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

// The examples run against an emulator of JovePay on this machine. Against the
// real one the client is made with jovepay.NewClient(jovepay.WithEnv()).
func startEmulator() (context.Context, *jovepaytest.Server, *jovepay.Client) {
	server, err := jovepaytest.NewServer()
	if err != nil {
		panic(err)
	}
	client, err := server.Client()
	if err != nil {
		panic(err)
	}
	return context.Background(), server, client
}

func ExampleNewClient() {
	_, err := jovepay.NewClient(
		jovepay.WithAPIKey("key from the dashboard"),
	)
	fmt.Println(err)

	_, err = jovepay.NewClient(
		jovepay.WithAPIKey("XK1-ABC"),
		jovepay.WithCredentials("shop@example.com", "secret"),
		jovepay.WithTimeout(10*time.Second),
		jovepay.WithRateLimit(20, time.Second),
	)
	fmt.Println(err)
	// Output:
	// jovepay: API key has a character that no header can carry
	// <nil>
}

func ExampleClient_Status() {
	ctx, server, client := startEmulator()
	defer server.Close()

	status, err := client.Status(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(status.Message)
	// Output: OK
}

func ExampleClient_Authenticate() {
	ctx, server, client := startEmulator()
	defer server.Close()

	token, err := client.Authenticate(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(token) // for the token itself there is token.Reveal()
	fmt.Println(time.Until(token.Expires()) > 4*time.Minute)
	// Output:
	// jovepay.Token(redacted)
	// true
}

// An endpoint that the SDK does not type is called by its path.
func ExampleClient_Do() {
	ctx, server, client := startEmulator()
	defer server.Close()

	var estimate struct {
		Amount jovepay.Amount `json:"estimated_amount"`
	}
	query := url.Values{"amount": {"64"}, "currency_from": {"usd"}, "currency_to": {"btc"}}
	err := client.Do(ctx, http.MethodGet, "/v1/estimate", query, nil, &estimate)
	fmt.Println(estimate.Amount, err)

	err = client.Do(ctx, http.MethodGet, "/v1/no-such-thing", nil, nil, nil)
	fmt.Println(errors.Is(err, jovepay.ErrNotFound))
	// Output:
	// 0.001 <nil>
	// true
}

func ExampleCurrenciesService_List() {
	ctx, server, client := startEmulator()
	defer server.Close()

	list, err := client.Currencies.List(ctx, jovepay.CurrencyListOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, currency := range list.Currencies[:3] {
		fmt.Println(currency.Code)
	}
	// Output:
	// btc
	// eth
	// ltc
}

func ExampleEstimatesService_Get() {
	ctx, server, client := startEmulator()
	defer server.Close()

	estimate, err := client.Estimates.Get(ctx, jovepay.EstimateOptions{
		Amount: jovepay.MustAmount("49.99"), From: "usd", To: "btc",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(estimate.AmountFrom, estimate.CurrencyFrom, "=", estimate.EstimatedAmount, estimate.CurrencyTo)
	// Output: 49.99 usd = 0.00078109 btc
}

func ExampleEstimatesService_MinAmount() {
	ctx, server, client := startEmulator()
	defer server.Close()

	least, err := client.Estimates.MinAmount(ctx, jovepay.MinAmountOptions{From: "btc", To: "usdttrc20", FiatEquivalent: "usd"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(least.MinAmount, least.CurrencyFrom, "=", least.FiatEquivalent, "usd")
	// Output: 0.00003125 btc = 2 usd
}

func ExampleEstimatesService_Quote() {
	ctx, server, client := startEmulator()
	defer server.Close()

	for _, price := range []string{"49.99", "1.50"} {
		quote, err := client.Estimates.Quote(ctx, jovepay.QuoteOptions{
			PriceAmount: jovepay.MustAmount(price), PriceCurrency: "usd", PayCurrency: "btc",
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(quote.PriceAmount, "usd =", quote.PayAmount, "btc, can be paid:", quote.Payable)
	}
	// Output:
	// 49.99 usd = 0.00078109 btc, can be paid: true
	// 1.50 usd = 0.00002344 btc, can be paid: false
}

func ExampleInvoicesService_Create() {
	ctx, server, client := startEmulator()
	defer server.Close()

	invoice, err := client.Invoices.Create(ctx, jovepay.InvoiceRequest{
		PriceAmount:   jovepay.MustAmount("49.99"),
		PriceCurrency: "usd",
		OrderID:       "order-1001",
		SuccessURL:    "https://shop.example/thanks",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(invoice.OrderID, invoice.PriceAmount, invoice.PriceCurrency)
	fmt.Println("send the customer to invoice.URL:", invoice.URL != "")
	// Output:
	// order-1001 49.99 usd
	// send the customer to invoice.URL: true
}

func ExampleInvoiceWidget_URL() {
	address, err := jovepay.InvoiceWidget{InvoiceID: "4522625843", Theme: jovepay.Dark}.URL()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(address)
	// Output: https://www.jovepay.com/pay/embeds/payment-widget?iid=4522625843&theme=dark&locale=en
}

func ExampleCheckout_URL() {
	address, err := jovepay.Checkout{
		PublishableKey: "PUB-1",
		OrderID:        "1001",
		PriceAmount:    jovepay.MustAmount("49.99"),
		PriceCurrency:  "USD",
	}.URL()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(address[:48] + "…")
	// Output: https://www.jovepay.com/pay/payment?params=eyJwc…
}

func ExampleParseAmount() {
	price, err := jovepay.ParseAmount("49.90")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(price, "is sent as it was given")
	fmt.Println("it equals 49.9:", price.Equal(jovepay.MustAmount("49.9")))
	fmt.Println("twice that is", price.Decimal().Add(price.Decimal()))

	_, err = jovepay.ParseAmount("49,90")
	fmt.Println(err)
	// Output:
	// 49.90 is sent as it was given
	// it equals 49.9: true
	// twice that is 99.8
	// jovepay: amount "49,90": want a decimal number such as "49.99"
}

func ExampleAPIError() {
	ctx, server, client := startEmulator()
	defer server.Close()

	_, err := client.Payments.Get(ctx, "12345")
	answer := (*jovepay.APIError)(nil)
	switch {
	case errors.Is(err, jovepay.ErrNotFound) && errors.As(err, &answer):
		fmt.Println("no such payment:", answer.StatusCode, answer.Code)
	case err != nil:
		fmt.Println(err)
	}
	// Output: no such payment: 404 PAYMENT_NOT_FOUND
}

// A payment may have been made, and nobody knows. Asking for another one could
// make the customer pay twice.
func ExampleTransportError() {
	ctx, server, client := startEmulator()
	defer server.Close()
	if err := server.Inject(jovepaytest.Fault{Method: "POST", Cut: true, AfterEffect: true}); err != nil {
		fmt.Println(err)
		return
	}

	_, err := createFor(ctx, client, "order-1001")
	lost := (*jovepay.TransportError)(nil)
	if errors.As(err, &lost) && errors.Is(err, jovepay.ErrOutcomeUnknown) {
		fmt.Println(lost.Method, lost.Path, "may have been processed")
	}
	// Output: POST /v1/payment may have been processed
}

// A request that cannot be right is refused before anything is sent.
func ExampleValidationError() {
	ctx, server, client := startEmulator()
	defer server.Close()

	_, err := client.Payments.Create(ctx, jovepay.PaymentRequest{
		PriceAmount: jovepay.MustAmount("49.99"), PriceCurrency: "USD", PayCurrency: "btc",
	})
	invalid := (*jovepay.ValidationError)(nil)
	if errors.As(err, &invalid) {
		fmt.Println(invalid.Field + ": " + invalid.Reason)
	}
	fmt.Println(errors.Is(err, jovepay.ErrInvalidRequest), len(server.Requests()))
	// Output:
	// price_currency: want a lower-case ticker such as "usd" or "usdttrc20"
	// true 0
}
