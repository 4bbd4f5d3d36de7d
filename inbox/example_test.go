package inbox_test

import (
	"context"
	"fmt"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
)

// An event is delivered twice, and an older one after it.
func Example() {
	box := inbox.New(new(inbox.Memory))
	created := jovepay.Payment{
		ID: "5524759814", OrderID: "order-1001", Status: jovepay.PaymentWaiting,
		PriceAmount: jovepay.MustAmount("49.99"), PriceCurrency: "usd",
		PayAmount: jovepay.MustAmount("150"), PayCurrency: "trx",
	}
	order := created.Expectation() // stored with the order
	ship := func(_ context.Context, _ inbox.NoTx, event jovepay.Event) error {
		if payment, ok := event.(*jovepay.PaymentEvent); ok && order.Settle(&payment.Payment).Fulfill() {
			fmt.Println("ship", payment.OrderID)
		}
		return nil
	}

	payment := created
	payment.Status, payment.ActuallyPaid = jovepay.PaymentFinished, payment.PayAmount
	finished := payment.Event()
	payment.Status = jovepay.PaymentConfirming
	confirming := payment.Event()

	for _, event := range []jovepay.Event{finished, finished, confirming} {
		outcome, err := box.Process(context.Background(), event, ship)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(outcome)
	}
	// Output:
	// ship order-1001
	// applied
	// duplicate
	// outdated
}

// A cron job, or a loop in the service itself, makes up for lost notifications.
func ExampleInbox_Reconcile() {
	box := inbox.New(new(inbox.Memory))
	apply := func(_ context.Context, _ inbox.NoTx, event jovepay.Event) error {
		fmt.Println("news of", event.(*jovepay.PaymentEvent).OrderID)
		return nil
	}

	notified := jovepay.Payment{ID: "1", Status: jovepay.PaymentFinished, OrderID: "order-1001"}
	if _, err := box.Process(context.Background(), notified.Event(), apply); err != nil {
		fmt.Println(err)
		return
	}

	// In a shop: client.Payments.All(ctx, jovepay.PaymentListOptions{DateFrom: twoWeeksAgo})
	payments := list(nil, &notified, &jovepay.Payment{ID: "2", Status: jovepay.PaymentFinished, OrderID: "order-1002"})
	report, err := box.Reconcile(context.Background(), payments, apply)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%+v\n", report)
	// Output:
	// news of order-1001
	// news of order-1002
	// {Seen:2 Applied:1 Already:1 Outdated:0 Failed:0}
}

// An observer counts the outcomes.
func ExampleWithObserver() {
	var outcomes []inbox.Outcome
	box := inbox.New(new(inbox.Memory), inbox.WithObserver(
		func(_ context.Context, _ jovepay.Event, outcome inbox.Outcome) {
			outcomes = append(outcomes, outcome)
		}))
	payment := jovepay.Payment{ID: "1", Status: jovepay.PaymentFinished}
	for range 3 {
		_, err := box.Process(context.Background(), payment.Event(), nothing)
		if err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(outcomes)
	// Output: [applied duplicate duplicate]
}
