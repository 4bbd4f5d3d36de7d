package jovepay_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

// startEmulator starts an emulator of JovePay on this machine, against which the
// examples run. For the real one, create the client with
// jovepay.NewClient(jovepay.WithEnv()).
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
	// jovepay: API key has a character that is not allowed in a header
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
	fmt.Println(token) // token.Reveal() returns the token itself
	fmt.Println(time.Until(token.Expires()) > 4*time.Minute)
	// Output:
	// jovepay.Token(redacted)
	// true
}

// Do calls an endpoint for which the SDK has no method.
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
		fmt.Println(quote.PriceAmount, "usd =", quote.PayAmount, "btc, payable:", quote.Payable)
	}
	// Output:
	// 49.99 usd = 0.00078109 btc, payable: true
	// 1.50 usd = 0.00002344 btc, payable: false
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
	fmt.Println(price, "keeps its digits")
	fmt.Println("it equals 49.9:", price.Equal(jovepay.MustAmount("49.9")))
	fmt.Println("twice that is", price.Decimal().Add(price.Decimal()))

	_, err = jovepay.ParseAmount("49,90")
	fmt.Println(err)
	// Output:
	// 49.90 keeps its digits
	// it equals 49.9: true
	// twice that is 99.8
	// jovepay: amount "49,90": want a decimal number such as "49.99"
}

func ExampleAPIError() {
	ctx, server, client := startEmulator()
	defer server.Close()

	_, err := client.Payments.Get(ctx, "12345")
	if response, ok := errors.AsType[*jovepay.APIError](err); ok && errors.Is(err, jovepay.ErrNotFound) {
		fmt.Println("no such payment:", response.StatusCode, response.Code)
	} else if err != nil {
		fmt.Println(err)
	}
	// Output: no such payment: 404 PAYMENT_NOT_FOUND
}

// The payment may have been created. If the shop creates another one, the customer
// may pay twice.
func ExampleTransportError() {
	ctx, server, client := startEmulator()
	defer server.Close()
	if err := server.Inject(jovepaytest.Fault{Method: "POST", Cut: true, AfterEffect: true}); err != nil {
		fmt.Println(err)
		return
	}

	_, err := createFor(ctx, client, "order-1001")
	if lost, ok := errors.AsType[*jovepay.TransportError](err); ok && errors.Is(err, jovepay.ErrOutcomeUnknown) {
		fmt.Println(lost.Method, lost.Path, "may have been processed")
	}
	// Output: POST /v1/payment may have been processed
}

// An invalid request is rejected before anything is sent.
func ExampleValidationError() {
	ctx, server, client := startEmulator()
	defer server.Close()

	_, err := client.Payments.Create(ctx, jovepay.PaymentRequest{
		PriceAmount: jovepay.MustAmount("49.99"), PriceCurrency: "USD", PayCurrency: "btc",
	})
	if invalid, ok := errors.AsType[*jovepay.ValidationError](err); ok {
		fmt.Println(invalid.Field + ": " + invalid.Reason)
	}
	fmt.Println(errors.Is(err, jovepay.ErrInvalidRequest), len(server.Requests()))
	// Output:
	// price_currency: want a lower-case ticker such as "usd" or "usdttrc20"
	// true 0
}

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
	fmt.Println("Send", payment.PayAmount, payment.PayCurrency, "to this address.")
	if payment.PayinExtraID != "" {
		fmt.Println("Add the memo, or the coins are lost.")
	}
	// Output:
	// Send 96.134615 xrp to this address.
	// Add the memo, or the coins are lost.
}

// The payment is created, but the response is lost. CreateOnce finds the payment in
// the list.
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

// createFor creates a payment for other examples.
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

// Of two creates whose responses were lost, one was processed. One look at the
// payment list shows which.
func ExamplePaymentsService_FindCreated() {
	ctx, server, client := startEmulator()
	defer server.Close()
	if err := server.Inject(
		jovepaytest.Fault{Method: "POST", Path: "/v1/payment", Times: 1, Cut: true, AfterEffect: true},
		jovepaytest.Fault{Method: "POST", Path: "/v1/payment", Times: 1, Cut: true},
	); err != nil {
		fmt.Println(err)
		return
	}
	var creates []jovepay.UnknownCreate
	for _, orderID := range []string{"order-1001", "order-1002"} {
		create := jovepay.UnknownCreate{Began: time.Now(), Request: jovepay.PaymentRequest{
			PriceAmount: jovepay.MustAmount("49.99"), PriceCurrency: "usd", PayCurrency: "btc", OrderID: orderID,
		}}
		_, create.Err = client.Payments.Create(ctx, create.Request)
		creates = append(creates, create)
	}

	// Here, wait until JovePay must have processed them or never will.
	found, err := client.Payments.FindCreated(ctx, creates)
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, f := range found {
		switch {
		case f.Payment != nil:
			fmt.Println(creates[i].Request.OrderID, f.Payment.Status)
		case f.Doubt != nil:
			fmt.Println(f.Doubt)
		default:
			fmt.Println(creates[i].Request.OrderID, "has no payment")
		}
	}
	// Output:
	// order-1001 waiting
	// order-1002 has no payment
}

// The right to create a payment has ended, so nothing is sent.
func ExampleSendBefore() {
	ctx, server, client := startEmulator()
	defer server.Close()

	until := time.Now() // usually a few seconds from now
	_, err := client.Payments.Create(jovepay.SendBefore(ctx, until), jovepay.PaymentRequest{
		PriceAmount: jovepay.MustAmount("49.99"), PriceCurrency: "usd", PayCurrency: "btc", OrderID: "order-1001",
	})
	fmt.Println(err)
	fmt.Println("safe to retry:", jovepay.SafeToRetry(err))
	fmt.Println("requests:", server.Count("POST", "/v1/payment"))
	// Output:
	// jovepay: POST /v1/payment: not sent before the time set with SendBefore: context deadline exceeded
	// safe to retry: true
	// requests: 0
}

// When a customer returns to an order, it may already have a payment.
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

// Until ends the wait earlier, here as soon as coins are seen.
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

// The handler verifies each notification and passes the event to the function. The
// response is 200 if the function returns nil, and 500 if JovePay should deliver the
// notification again.
func ExampleIPNVerifier_Handler() {
	verifier, err := jovepay.NewIPNVerifier("the IPN secret key from the dashboard")
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("POST /ipn", verifier.Handler(func(_ context.Context, event jovepay.Event) error {
		if payment, ok := event.(*jovepay.PaymentEvent); ok && payment.Status == jovepay.PaymentFinished {
			fmt.Printf("order %s: %s %s arrived\n", payment.OrderID, payment.ActuallyPaid, payment.PayCurrency)
		}
		return nil
	}))

	// The first notification is JovePay's, the second is forged.
	body := `{"payment_id":5745459419,"payment_status":"finished","order_id":"A-1","actually_paid":15,"pay_currency":"trx"}`
	for _, signature := range []string{verifier.Sign([]byte(body)), "00"} {
		r := httptest.NewRequest(http.MethodPost, "/ipn", strings.NewReader(body))
		r.Header.Set(jovepay.IPNSignatureHeader, signature)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Println("response:", w.Code)
	}
	// Output:
	// order A-1: 15 trx arrived
	// response: 200
	// response: 401
}

// A type switch distinguishes the kinds of events.
func ExampleEvent() {
	verifier, err := jovepay.NewIPNVerifier("the IPN secret key from the dashboard")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, body := range []string{
		`{"payment_id":1,"parent_payment_id":7,"payment_status":"finished","actually_paid":0.5,"pay_currency":"btc"}`,
		`{"id":"2","batch_withdrawal_id":"3","status":"CREATING","currency":"usdttrc20","amount":"50","address":"T9yD14"}`,
		`{"id":"4","status":"FINISHED","currency":"trx","amount":"12.171365564140688"}`,
		`{"something":"new"}`,
	} {
		event, err := verifier.Parse([]byte(body), verifier.Sign([]byte(body)))
		if err != nil {
			fmt.Println(err)
			return
		}
		switch e := event.(type) {
		case *jovepay.PaymentEvent:
			fmt.Println("payment", e.ID, e.Status, "repeated deposit:", e.ParentPaymentID != "")
		case *jovepay.WithdrawalEvent:
			fmt.Println("withdrawal", e.ID, e.Status, e.Amount, e.Currency)
		case *jovepay.RecurringPaymentEvent:
			fmt.Println("recurring payment", e.ID, e.Status, e.Amount, e.Currency)
		case *jovepay.UnknownEvent:
			fmt.Println("unknown:", string(e.Raw))
		}
	}
	// Output:
	// payment 1 finished repeated deposit: true
	// withdrawal 2 CREATING 50 usdttrc20
	// recurring payment 4 FINISHED 12.171365564140688 trx
	// unknown: {"something":"new"}
}

func ExampleIPNVerifier_Verify() {
	verifier, err := jovepay.NewIPNVerifier("the IPN secret key from the dashboard")
	if err != nil {
		fmt.Println(err)
		return
	}
	body := []byte(`{"payment_id":1,"payment_status":"waiting"}`)
	signature := verifier.Sign(body)

	fmt.Println(verifier.Verify(body, signature))
	fmt.Println(verifier.Verify(body, ""))
	fmt.Println(verifier.Verify([]byte(`{"payment_id":1,"payment_status":"finished"}`), signature))
	fmt.Println(verifier.Verify([]byte(`{"payment_id":1,"payment_id":2}`), signature))
	// Output:
	// <nil>
	// jovepay: IPN has no signature
	// jovepay: IPN signature does not match
	// jovepay: IPN is malformed: duplicate name at byte 16
}

// Parse verifies a notification and returns its event. The event's key is the same
// for every delivery.
func ExampleIPNVerifier_Parse() {
	verifier, err := jovepay.NewIPNVerifier("the IPN secret key from the dashboard")
	if err != nil {
		fmt.Println(err)
		return
	}
	first := []byte(`{"payment_id":1,"payment_status":"finished","pay_amount":1.50,"pay_currency":"trx"}`)
	again := []byte(`{"payCurrency":"TRX","payAmount":"1.5","paymentId":"1","paymentStatus":"finished"}`)

	event, err := verifier.Parse(first, verifier.Sign(first))
	if err != nil {
		fmt.Println(err)
		return
	}
	second, err := verifier.Parse(again, verifier.Sign(again))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("the same event:", event.Key() == second.Key())
	// Output:
	// the same event: true
}

// ParseRequest is for shops that write their own handler.
func ExampleIPNVerifier_ParseRequest() {
	verifier, err := jovepay.NewIPNVerifier("the IPN secret key from the dashboard")
	if err != nil {
		fmt.Println(err)
		return
	}
	handler := func(w http.ResponseWriter, r *http.Request) {
		event, err := verifier.ParseRequest(r)
		switch {
		case errors.Is(err, jovepay.ErrIPNTooLarge):
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		case errors.Is(err, jovepay.ErrMalformedIPN):
			w.WriteHeader(http.StatusBadRequest)
		case err != nil:
			w.WriteHeader(http.StatusUnauthorized)
		default:
			fmt.Printf("%T\n", event)
		}
	}

	for _, body := range []string{`{"payment_id":1}`, `{"payment_id":`} {
		r := httptest.NewRequest(http.MethodPost, "/ipn", strings.NewReader(body))
		r.Header.Set(jovepay.IPNSignatureHeader, verifier.Sign([]byte(`{"payment_id":1}`)))
		w := httptest.NewRecorder()
		handler(w, r)
		fmt.Println(w.Code)
	}
	// Output:
	// *jovepay.PaymentEvent
	// 200
	// 400
}

// During a secret rotation, the verifier accepts both the new and the old secret. The
// event says which one matched, so the shop can see when the old one is no longer in
// use.
func ExampleWithFurtherSecret() {
	verifier, err := jovepay.NewIPNVerifier("new secret", jovepay.WithFurtherSecret("old secret"))
	if err != nil {
		fmt.Println(err)
		return
	}
	old, err := jovepay.NewIPNVerifier("old secret")
	if err != nil {
		fmt.Println(err)
		return
	}
	body := []byte(`{"payment_id":1,"payment_status":"waiting"}`)
	for _, signer := range []*jovepay.IPNVerifier{verifier, old} {
		event, err := verifier.Parse(body, signer.Sign(body))
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("secret", event.Verification().Secret)
	}
	// Output:
	// secret 0
	// secret 1
}

// Diagnose helps during development. Here a framework decoded the body and encoded it
// again before it was verified.
func ExampleIPNVerifier_Diagnose() {
	verifier, err := jovepay.NewIPNVerifier("the IPN secret key from the dashboard", jovepay.WithIPNForms(jovepay.FormRaw))
	if err != nil {
		fmt.Println(err)
		return
	}
	sent := []byte(`{"paymentId":1,"url":"https://shop.example/"}`)
	arrived := []byte(`{"paymentId":1,"url":"https:\/\/shop.example\/"}`)
	fmt.Println(verifier.Diagnose(arrived, verifier.Sign(sent)))
	// Output:
	// jovepay: IPN signature does not match
	// - It matches with secret 0 over the body before it was changed in transit: slashes were escaped, as PHP's json_encode does. Verify the bytes as they arrive, before anything parses them.
}
