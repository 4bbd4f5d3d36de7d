// Package jovepay is the Go client for JovePay, a non-custodial crypto payment
// gateway: payments, invoices, currencies and estimates, and the verification
// of its notifications (IPN).
//
// # First payment
//
//	client, err := jovepay.NewClient(jovepay.WithEnv())
//	if err != nil {
//		return err
//	}
//	payment, err := client.Payments.Create(ctx, jovepay.PaymentRequest{
//		PriceAmount:   jovepay.MustAmount("49.99"),
//		PriceCurrency: "usd",
//		PayCurrency:   "btc",
//		OrderID:       "order-1001",
//	})
//	if err != nil {
//		return err
//	}
//	fmt.Println("Send", payment.PayAmount, payment.PayCurrency, "to", payment.PayAddress)
//
// # Authentication
//
// [WithAPIKey] is enough for most calls. The payment list, and so
// [PaymentsService.List], [PaymentsService.All], [PaymentsService.FindOrder] and
// [PaymentsService.CreateOnce], want a JWT beside it: give [WithCredentials]
// and the client logs in when it needs to, once for all goroutines. [WithEnv]
// reads both from the environment. A call that needs what is missing fails
// before anything is sent. No secret is ever printed.
//
// # Money
//
// Every amount is an [Amount]: an exact decimal that keeps its digits and
// never is a floating-point number. Currencies are lower-case tickers such as
// "usd", "btc" or "usdttrc20", in which a network may be part of the name.
//
// # Failures
//
// Requests that only read are repeated after failures that may pass. A request
// that creates something is repeated only if it provably was not processed.
// When nobody can tell, the error is [ErrOutcomeUnknown];
// [PaymentsService.CreateOnce] finds out. [RetryPolicy] has the rules.
//
// All errors work with [errors.Is] and the sentinels of this package;
// [APIError] holds what the server said.
//
// # Notifications
//
// JovePay posts a notification for every change of a payment. An
// [IPNVerifier] tells genuine ones from forged ones and gives typed events;
// its Handler plugs into any router. It needs no client.
//
// # Testing
//
// Package jovepaytest is a JovePay that runs inside a test: real HTTP, state,
// payments that can be paid, faults on demand.
//
// # Sources
//
// JovePay's guide names every endpoint that this package calls, but shows few
// fields and no errors. Fields and behavior that come from JovePay's own shop
// plugins, or from the API that JovePay's mirrors, are marked "not documented
// by JovePay" and are read tolerantly: their absence is no error.
package jovepay
