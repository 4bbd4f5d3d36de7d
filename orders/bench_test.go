package orders_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/orders"
)

// BenchmarkHandle is what the book itself costs, without a database.
func BenchmarkHandle(b *testing.B) {
	client, err := jovepay.NewClient(jovepay.WithAPIKey("key"))
	require.NoError(b, err)
	book, err := orders.New(client, new(orders.Memory), (&rig{fulfilled: map[string]int{}, states: map[string][]orders.State{}}).hooks())
	require.NoError(b, err)
	events := make([]*jovepay.PaymentEvent, b.N)
	for i := range events {
		id := fmt.Sprintf("order-%d", i)
		require.NoError(b, book.Place(b.Context(), inbox.NoTx{}, terms(id)))
		p := jovepay.Payment{
			ID: jovepay.ID(fmt.Sprint(1000 + i)), OrderID: id, Status: jovepay.PaymentFinished, PriceAmount: jovepay.MustAmount("49.99"), PriceCurrency: "usd",
			PayAmount: jovepay.MustAmount("5"), ActuallyPaid: jovepay.MustAmount("5"), PayCurrency: "btc", PayAddress: "336wT3GtTfYBwuMx9vV8WQd1ZZ8QmHZ5FN",
		}
		events[i] = p.Event()
	}
	b.ReportAllocs()
	b.ResetTimer()
	for _, e := range events {
		if err := book.Handle(b.Context(), e); err != nil {
			b.Fatal(err)
		}
	}
}
