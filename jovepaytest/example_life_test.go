package jovepaytest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

// A customer sends litecoins to an address for bitcoins. Nobody pays the order
// with that: the shop's verdict is that a person decides.
func ExampleServer_DepositWrongAsset() {
	server, _, payment, err := start()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()

	odd, err := server.DepositWrongAsset(payment.ID, "ltc", jovepay.MustAmount("0.8"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(odd.Status, odd.ActuallyPaid, odd.PayCurrency, "as a deposit to", odd.ParentPaymentID == payment.ID)
	fmt.Println(payment.Expectation().Settle(odd).Decision)

	payment, err = server.Payment(payment.ID)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("the payment is", payment.Status)
	// Output:
	// confirming 0.8 ltc as a deposit to true
	// wrong_asset
	// the payment is waiting
}

// A customer forgets the memo. To the shop that is the same as no payment, until
// a person at JovePay finds the coins, here after the payment has expired.
func ExampleServer_FindDeposit() {
	server, client, _, err := start()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	payment, err := client.Payments.Create(context.Background(), jovepay.PaymentRequest{
		PriceAmount: jovepay.MustAmount("52"), PriceCurrency: "usd", PayCurrency: "xrp", OrderID: "order-1001",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	order := payment.Expectation()
	fmt.Println("needs a memo:", payment.PayinExtraID != "")

	for _, step := range []func(jovepay.ID) (*jovepay.Payment, error){
		func(id jovepay.ID) (*jovepay.Payment, error) { return server.DepositWithoutMemo(id, jovepay.Amount{}) },
		server.Expire,
		server.FindDeposit,
		server.Advance, server.Advance, server.Advance,
	} {
		if payment, err = step(payment.ID); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(payment.Status, order.Settle(payment).Decision)
	}
	// Output:
	// needs a memo: true
	// waiting wait
	// expired closed
	// confirming wait
	// confirmed wait
	// sending wait
	// finished fulfill
}

// Wrong assets run to their end, as with the setting in JovePay's dashboard.
func ExampleWithWrongAssetProcessing() {
	server, _, payment, err := start(jovepaytest.WithWrongAssetProcessing())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()

	odd, err := server.DepositWrongAsset(payment.ID, "ltc", jovepay.MustAmount("0.8"))
	if err == nil {
		odd, err = server.Payment(odd.ID)
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(odd.Status, odd.ActuallyPaid, odd.PayCurrency)
	fmt.Println(payment.Expectation().Settle(odd).Decision)
	// Output:
	// finished 0.8 ltc
	// wrong_asset
}

// A customer who pays after the payment has expired.
func ExampleServer_Expire() {
	server, _, payment, err := start()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()

	expired, err := server.Expire(payment.ID)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(expired.Status)
	late, err := server.Pay(payment.ID)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(late.Status, "as a deposit to", late.ParentPaymentID == payment.ID)
	fmt.Println(payment.Expectation().Settle(late).Decision)
	// Output:
	// expired
	// finished as a deposit to true
	// repeated
}

// Too little came, and it goes back.
func ExampleServer_Refund() {
	server, _, payment, err := start()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()

	if _, err := server.PayAmount(payment.ID, jovepay.MustAmount("0.0007")); err != nil {
		fmt.Println(err)
		return
	}
	payment, err = server.Refund(payment.ID)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(payment.Status, payment.ActuallyPaid)
	// Output: refunded 0.0007
}

// A week in no time: the payment that nobody paid has expired, and the shop was
// notified.
func ExampleServer_MoveClock() {
	server, shop, _, err := openShop(jovepaytest.WithFrozenClock(time.Date(2026, time.March, 14, 12, 0, 0, 0, time.UTC)))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer shop.Close()
	defer server.Close()

	now, err := server.MoveClock(7 * 24 * time.Hour)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := server.WaitDeliveries(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(now)
	// Output:
	// payment waiting 0 btc
	// payment expired 0 btc
	// 2026-03-21 12:00:00 +0000 UTC
}

// A withdrawal, of which the shop is notified.
func ExampleServer_Withdraw() {
	server, shop, _, err := openShop()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer shop.Close()
	defer server.Close()
	ctx := context.Background()
	if err := server.WaitDeliveries(ctx); err != nil { // of the payment
		fmt.Println(err)
		return
	}

	withdrawal, err := server.Withdraw(jovepaytest.WithdrawalRequest{
		Currency: "usdttrc20", Amount: jovepay.MustAmount("50"), Address: "address", IPNCallbackURL: shop.URL,
	})
	if err == nil {
		_, err = server.SetWithdrawalStatus(withdrawal.ID, jovepay.WithdrawalFinished)
	}
	if err == nil {
		err = server.WaitDeliveries(ctx)
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	// Output:
	// payment waiting 0 btc
	// withdrawal CREATING 50 usdttrc20
	// withdrawal FINISHED 50 usdttrc20
}

// A custodial recurring payment.
func ExampleServer_Recur() {
	server, _, _, err := start()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()

	payment, err := server.Recur(jovepaytest.RecurringRequest{Currency: "trx", Amount: jovepay.MustAmount("12.5")})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(payment.Status, payment.Amount, payment.Currency)
	payment, err = server.SetRecurringStatus(payment.ID, jovepay.WithdrawalFinished)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(payment.Status)
	// Output:
	// WAITING 12.5 trx
	// FINISHED
}

// What has become of an invoice?
func ExampleServer_InvoicePayments() {
	server, client, _, err := start()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()

	invoice, err := client.Invoices.Create(context.Background(), jovepay.InvoiceRequest{
		PriceAmount: jovepay.MustAmount("52"), PriceCurrency: "usd", OrderID: "order-1003",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, coin := range []string{"xrp", "btc"} { // the customer changes his mind
		if _, err := server.CheckOut(invoice.ID, coin); err != nil {
			fmt.Println(err)
			return
		}
	}
	payments, err := server.InvoicePayments(invoice.ID)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range payments {
		fmt.Println(p.OrderID, p.Status, p.PayAmount, p.PayCurrency)
	}
	// Output:
	// order-1003 waiting 100 xrp
	// order-1003 waiting 0.0008125 btc
}

// What customers can pay with.
func ExampleServer_Currencies() {
	server, _, _, err := start()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()

	if err := server.SetCurrencies("btc", "xrp"); err != nil {
		fmt.Println(err)
		return
	}
	currencies, err := server.Currencies()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range currencies {
		amount, err := server.Estimate(jovepay.MustAmount("52"), "usd", c.Code)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(c.Name, amount, "at least", c.MinAmount, "with memo:", c.ExtraIDExists)
	}
	// Output:
	// Bitcoin 0.0008125 at least 0.00003125 with memo: false
	// XRP 100 at least 3.846154 with memo: true
}

// A page where the invoice's address leads to.
func ExampleWithPages() {
	server, client, _, err := start(jovepaytest.WithPages(func(server *jovepaytest.Server) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			invoice, err := server.Invoice(jovepay.ID(r.URL.Query().Get("iid")))
			if err != nil {
				http.Error(w, err.Error(), http.StatusNotFound)
				return
			}
			_, _ = io.WriteString(w, "Please pay "+invoice.PriceAmount.String()+" "+invoice.PriceCurrency)
		})
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()

	invoice, err := client.Invoices.Create(context.Background(), jovepay.InvoiceRequest{
		PriceAmount: jovepay.MustAmount("52"), PriceCurrency: "usd",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	page, err := http.Get(invoice.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer page.Body.Close()
	text, err := io.ReadAll(page.Body)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(text))
	// Output: Please pay 52 usd
}
