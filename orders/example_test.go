package orders_test

import (
	"context"
	"fmt"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/jovepaytest"
	"github.com/jovepay/jovepay-go/orders"
)

// An order is placed, paid and shipped.
func Example() {
	server, err := jovepaytest.NewServer() // JovePay, on this machine
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	client, err := server.Client()
	if err != nil {
		fmt.Println(err)
		return
	}

	book, err := orders.New(client, new(orders.Memory), orders.Hooks[inbox.NoTx]{
		Fulfill: func(_ context.Context, _ inbox.NoTx, order *orders.Order) error {
			fmt.Println("ship", order.OrderID)
			return nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	ctx := context.Background()
	terms := orders.Terms{OrderID: "order-1001", PriceAmount: jovepay.MustAmount("49.99"), PriceCurrency: "usd"}
	if err := book.Place(ctx, inbox.NoTx{}, terms); err != nil { // in a shop: in the transaction that writes its own row
		fmt.Println(err)
		return
	}
	payment, err := book.Pay(ctx, "order-1001", "trx")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("please send", payment.Left, payment.Coin)

	paid, err := server.Pay(payment.ID) // the customer does
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 2 { // in a shop: verifier.Handler(book.Handle)
		if err := book.Handle(ctx, paid.Event()); err != nil {
			fmt.Println(err)
			return
		}
	}

	order, err := book.Get(ctx, "order-1001")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(order.State, order.Money[0].Amount, order.Money[0].Coin)
	// Output:
	// please send 399.92 trx
	// ship order-1001
	// fulfilled 399.92 trx
}
