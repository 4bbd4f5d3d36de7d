// Package jovepaytest is a JovePay for tests: a server on this machine that
// behaves like the payment gateway, so that a shop's code can be run against
// payments that are paid, paid too little, paid twice or never, and against a
// network that fails.
//
//	server, err := jovepaytest.NewServer()
//	if err != nil {
//		t.Fatal(err)
//	}
//	t.Cleanup(server.Close)
//
//	client, err := server.Client()              // give it to the code under test
//	...
//	payment, err := server.Pay(id, jovepay.Amount{}) // the customer pays exactly
//
// # What it does
//
// It listens on a loopback port and speaks HTTP, so a program in any language
// can be tested with it. It has every endpoint of JovePay's guide, and checks
// keys, tokens and requests. It is stricter than a gateway need be: a field or
// query parameter that it does not know is refused with status 400, since in a
// test that is a spelling mistake. Its answers have the inconsistencies that
// JovePay's are expected to have, such as a payment id that is a string in one
// answer and a number in the next.
//
// The test is the customer: [Server.Pay] and [Server.Deposit] send coins,
// [Server.CheckOut] chooses a coin on an invoice's page. [Server.Advance] and
// [Server.SetStatus] are the network and JovePay's staff. [Server.Inject] makes
// requests fail; [Server.Requests] tells what was asked.
//
// # Notifications
//
// When a payment is made or its status changes, a signed notification (IPN) goes
// to the ipn_callback_url of the payment, or of the invoice it is made on: to
// addresses on this machine only, unless [WithRemoteCallbacks] says otherwise.
// What is not answered with a 2xx status is sent again: see [WithIPNRetries].
//
//	shop := httptest.NewServer(handlerUnderTest) // verifies with server.IPNSecret
//	...                                          // a payment with shop.URL, and then:
//	_, err = server.Pay(payment.ID, jovepay.Amount{})
//	err = server.WaitDeliveries(t.Context())     // the shop knows
//
// [Server.SetIPN] chooses the form of the signature, and makes notifications
// come late, twice, shuffled, corrupted, forged or never. [Server.Deliveries]
// tells every attempt. [Server.SendIPN] sends what no payment causes.
//
// # What is certain
//
// JovePay's guide names the endpoints, but shows few fields and no errors. The
// rest follows the API that JovePay's mirrors, and JovePay's own shop plugins.
// The guide shows a notification's fields and how to verify it; that one comes
// for the first status, waiting, and how often it is repeated, is assumed.
// Prices are invented and stand still. Deposit addresses look like real ones,
// but no wallet accepts them.
//
// # Determinism
//
// Ids, addresses, keys and tokens follow from the seed ([WithSeed]) and the
// time ([WithClock]): the same requests in the same order get the same
// answers, and cause the same notifications with the same mishaps. Which of two
// payments is told of first is chance.
package jovepaytest
