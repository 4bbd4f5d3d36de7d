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
//	payment, err := server.Pay(id) // the customer pays exactly
//
// # What it does
//
// It listens on a loopback port and speaks HTTP, so a program in any language
// can be tested with it. It has every endpoint of JovePay's guide, and checks
// keys, tokens and requests. It is stricter than a gateway need be: a field or
// query parameter that it does not know is rejected with status 400, since in a
// test that is a spelling mistake. Its answers have the inconsistencies that
// JovePay's are expected to have, such as a payment id that is a string in one
// answer and a number in the next.
//
// The test is the customer: [Server.Pay] and [Server.Deposit] send coins,
// [Server.DepositWrongAsset] sends the wrong ones, [Server.CheckOut] chooses a
// coin on an invoice's page. [Server.Advance], [Server.Refund] and
// [Server.SetStatus] are the network and JovePay's staff, [Server.Withdraw] and
// [Server.Recur] what the merchant does in the dashboard. [Server.Expire] ends a
// payment's time, and [Server.MoveClock] everybody's. [Server.Inject] makes
// requests fail; [Server.Requests] tells what was asked.
//
// # Deposits
//
// What a customer does to a payment of 0.001 btc, and what [jovepay.Expectation]
// makes of the news:
//
//	exactly 0.001 btc            finished                          fulfill
//	less                         partially_paid                    underpaid
//	more                         finished                          overpaid
//	again, or after the expiry   another payment, with a parent    repeated
//	another coin                 another payment, with a parent    wrong_asset
//	without the memo             waiting, then expired             wait, then closed
//	nothing                      expired                           closed
//
// A payment with a parent has the address of its parent, whose payment_extra_ids
// lists it. A wrong asset waits at confirmed for a person, who is the test, unless
// [WithWrongAssetProcessing] says otherwise. Coins without the memo that they need
// (payin_extra_id) are to the shop the same as nothing, until a person finds them:
// [Server.FindDeposit]. The payment is then confirming, even if it had expired.
// Prices and minimums that change are for payments to come: those that wait keep
// theirs.
//
// # Notifications
//
// When a payment, withdrawal or recurring payment is made or its status changes, a
// signed notification (IPN) goes to its ipn_callback_url, or to that of the
// invoice that a payment is made on: to addresses on this machine only, unless [WithRemoteCallbacks] says otherwise.
// What is not answered with a 2xx status is sent again: see [WithIPNRetries] and,
// while it runs, [IPNBehavior].
//
//	shop := httptest.NewServer(handlerUnderTest) // verifies with server.IPNSecret
//	...                                          // a payment with shop.URL, and then:
//	_, err = server.Pay(payment.ID)
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
// for the first status, waiting, and how often it is repeated, is assumed. So are
// the first status of a recurring payment, a withdrawal's fee, hash and error, that
// a deposit after the expiry has a parent, and how long a payment waits: 20 minutes
// at a fixed rate, else a week. Prices are invented and stand still. Deposit
// addresses look like real ones, but no wallet accepts them.
//
// # Determinism
//
// Ids, addresses, keys and tokens follow from the seed ([WithSeed]) and the time
// ([WithFrozenClock], [WithClock]): the same requests in the same order get the same
// answers, and cause the same notifications with the same mishaps. Which of two
// payments a shop hears of first is chance, unless one has the other as its parent.
//
// [Server.Journal] tells what happened in one order, in which there is no chance
// at all. [Server.WriteJournal] writes it, and [Server.Replay] does it again on
// another server and tells what came out differently. [WithState] keeps the
// records beyond the server's life.
package jovepaytest
