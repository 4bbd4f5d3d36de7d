package jovepaytest_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

// What happened on one server is done again on another, and compared: here
// with a journal in which somebody has changed a response.
func ExampleServer_Replay() {
	options := []jovepaytest.Option{
		jovepaytest.WithSeed(1),
		jovepaytest.WithFrozenClock(time.Date(2026, time.March, 14, 12, 0, 0, 0, time.UTC)),
	}
	first, err := jovepaytest.NewServer(options...)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer first.Close()
	client, err := first.Client()
	if err != nil {
		fmt.Println(err)
		return
	}
	payment, err := client.Payments.Create(context.Background(), jovepay.PaymentRequest{
		PriceAmount: jovepay.MustAmount("64"), PriceCurrency: "usd", PayCurrency: "btc",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := first.Pay(payment.ID); err != nil {
		fmt.Println(err)
		return
	}
	for _, entry := range first.Journal() {
		switch {
		case entry.Request != nil:
			fmt.Println(entry.Number, entry.Request.Method, entry.Request.Path, entry.Request.Status)
		case entry.Action != nil:
			fmt.Println(entry.Number, entry.Action.Name)
		}
	}
	var journal bytes.Buffer
	if err := first.WriteJournal(&journal); err != nil {
		fmt.Println(err)
		return
	}
	changed := strings.Replace(journal.String(), `"status":201`, `"status":200`, 1)

	second, err := jovepaytest.NewServer(options...)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer second.Close()
	differences, err := second.Replay(context.Background(), strings.NewReader(changed))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, d := range differences {
		fmt.Println("line", d.Line, "want", d.Want.Request.Status, "got", d.Got.Request.Status)
	}
	// Output:
	// 1 POST /v1/payment 201
	// 2 Pay
	// line 1 want 200 got 201
}

// folder is a State for as long as the program runs. One that lasts writes to
// a database; the module sandbox has one on SQLite.
type folder map[string]jovepaytest.StateRecord

func (f folder) Load(context.Context) ([]jovepaytest.StateRecord, error) {
	var all []jovepaytest.StateRecord
	for _, r := range f {
		all = append(all, r)
	}
	return all, nil
}

func (f folder) Save(_ context.Context, records []jovepaytest.StateRecord) error {
	for _, r := range records {
		f[r.Kind+" "+r.ID] = r
	}
	return nil
}

// A server continues where the last one stopped.
func ExampleWithState() {
	state := folder{}
	server, err := jovepaytest.NewServer(jovepaytest.WithState(state), jovepaytest.WithPayments(1))
	if err != nil {
		fmt.Println(err)
		return
	}
	server.Close()
	if err := server.Err(); err != nil {
		fmt.Println("not everything is saved:", err)
		return
	}

	server, err = jovepaytest.NewServer(jovepaytest.WithState(state))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	payments, err := server.Payments()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(payments), payments[0].Status)
	// Output:
	// 1 finished
}
