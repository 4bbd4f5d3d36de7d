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
// [PaymentsService.CreateOnce], need a JWT too: with [WithCredentials], the client logs
// in when it needs to, once for all goroutines. [WithEnv] reads both from the
// environment. A call that needs more than is configured fails and sends nothing. No
// secret is ever printed.
//
// # Money
//
// Every amount is an [Amount]: an exact decimal that keeps its digits and never becomes
// a floating-point number. Currencies are lower-case tickers such as "usd", "btc" or
// "usdttrc20"; the network may be part of the name.
//
// An [Expectation] is what a shop expects of a payment. It judges news of the payment:
// fulfill, wait, underpaid, and so on. It can be stored in a database column.
//
// # Failures
//
// Requests that only read are retried after temporary failures. A request that creates
// something is retried only if it provably was not processed. If it may have been, the
// error is [ErrOutcomeUnknown]; [PaymentsService.CreateOnce] resolves that. [RetryPolicy]
// has the rules, and [SafeToRetry] reports whether an error proves that the same call
// cannot create something twice.
//
// All errors work with [errors.Is] and the sentinels of this package; an [APIError] has
// the server's response.
//
// # Notifications
//
// JovePay posts a notification for every change of a payment. An [IPNVerifier] rejects
// forged notifications and returns typed events; its Handler works with any router. It
// needs no client.
//
// # Testing
//
// Package jovepaytest emulates JovePay for tests: real HTTP, state, payments that can be
// paid, faults on demand.
//
// # Sources
//
// JovePay's guide names every endpoint that this package calls, but shows few fields and
// no errors. Fields and behavior known from JovePay's own shop plugins, or from the API
// that JovePay's mirrors, are marked "not documented by JovePay". They are read
// tolerantly: a missing one is not an error.
package jovepay
