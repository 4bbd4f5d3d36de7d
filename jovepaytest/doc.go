// Package jovepaytest is a JovePay for tests: a server on this machine that
// behaves like the payment gateway. It runs a shop's code against payments that
// are paid, underpaid, paid twice or never, and against a network that fails.
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
// It listens on a loopback port and speaks HTTP, so it can test a program in any
// language. It has every endpoint of JovePay's guide, and checks keys, tokens and
// requests. It is stricter than a gateway need be: it rejects unknown fields and
// query parameters with status 400, since in a test these are spelling mistakes.
// Its responses have the inconsistencies that JovePay's are expected to have,
// such as a payment id that is a string in one response and a number in the next.
//
// The test plays everybody: each of [Actions] is a method of [Server].
//
//   - The customer: [Server.Pay], [Server.Deposit], [Server.DepositWrongAsset],
//     [Server.DepositWithoutMemo], [Server.DepositLate], and [Server.CheckOut] on an
//     invoice's page.
//   - The network and JovePay's staff: [Server.Advance], [Server.FindDeposit],
//     [Server.Refund], [Server.RefundPart], [Server.SetStatus].
//   - The merchant in the dashboard: [Server.Withdraw], [Server.Recur].
//   - Time: [Server.Expire] for one payment, [Server.MoveClock] for everything.
//
// [Server.Inject] makes requests fail, or take effect late. [Server.SetListLag]
// makes the list of payments lag behind. [Server.Requests] lists the requests,
// [Server.Payments] the payments, and [Server.Duplicates] those that an order should
// not have. A request that was received as a whole takes effect even if its client
// has left.
//
// # Deposits
//
// What a customer does to a payment of 0.001 btc, and what [jovepay.Expectation]
// decides:
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
// [WithWrongAssetProcessing] is given. Coins without the memo that they need
// (payin_extra_id) are the same as nothing to the shop, until a person finds them
// with [Server.FindDeposit]. The payment is then confirming, even if it had
// expired. Coins of [Server.DepositLate] are news of a payment that has expired or
// failed, which has no parent and goes on. New prices and minimums are for new
// payments; waiting ones keep theirs.
//
// # Notifications
//
// When a payment, withdrawal or recurring payment is created or its status
// changes, a signed notification (IPN) goes to its ipn_callback_url, or to that of
// its invoice. It goes to addresses on this machine only, unless
// [WithRemoteCallbacks] is given. It is retried until the shop responds with a 2xx
// status: see [WithIPNRetries] and, at run time, [IPNBehavior].
//
//	shop := httptest.NewServer(handlerUnderTest) // verifies with server.IPNSecret
//	...                                          // a payment with shop.URL, and then:
//	_, err = server.Pay(payment.ID)
//	err = server.WaitDeliveries(t.Context())     // the shop is notified
//
// [Server.SetIPN] chooses the form of the signature, and makes notifications
// arrive late, twice, shuffled, corrupted, forged or never. [Server.Deliveries]
// lists every attempt. [Server.SendIPN] sends a notification that no payment
// causes.
//
// # What is certain
//
// JovePay's guide names the endpoints, but shows few fields and no errors. The
// rest follows the API that JovePay's mirrors, and JovePay's own shop plugins.
// The guide shows a notification's fields and how to verify it. Assumed are: a
// notification for the first status, waiting; the number of retries; the first
// status of a recurring payment; a withdrawal's fee, hash and error; the parent of
// a deposit after the expiry, or that it has none; the refunded_amount of a part;
// what a person does with coins without a memo; and how long a payment waits, 20
// minutes at a fixed rate and otherwise a week. Prices are invented and constant.
// Deposit addresses look real, but no wallet accepts them.
//
// # Determinism
//
// Ids, addresses, keys and tokens follow from the seed ([WithSeed]) and the time
// ([WithFrozenClock], [WithClock]): the same requests in the same order get the same
// responses, and cause the same notifications with the same mishaps. Which of two
// payments a shop hears of first is random, unless one is the parent of the other.
//
// [Server.Journal] lists what happened in one order, the same in every run.
// [Server.WriteJournal] writes it, and [Server.Replay] repeats it on another
// server and reports the differences. [WithState] keeps the records beyond the
// server's life.
package jovepaytest
