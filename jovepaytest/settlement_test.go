package jovepaytest_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

// The decisions of a payment whose shop is notified from the first status on, before
// and at its last.
func after(last ...jovepay.Decision) []jovepay.Decision {
	return append([]jovepay.Decision{
		jovepay.DecisionWait, jovepay.DecisionWait, jovepay.DecisionWait, jovepay.DecisionWait,
	}, last...)
}

func times(n int, d jovepay.Decision) (list []jovepay.Decision) {
	for range n {
		list = append(list, d)
	}
	return list
}

// Whatever a customer does, the shop's verdict on the notifications that it gets
// is the one that docs/settlement.md promises.
func TestSettlementOfEveryCase(t *testing.T) {
	t.Parallel()
	type customer func(t *testing.T, server *jovepaytest.Server, id jovepay.ID)
	sends := func(amounts ...string) customer {
		return func(t *testing.T, server *jovepaytest.Server, id jovepay.ID) {
			t.Helper()
			for _, amount := range amounts {
				_, err := server.PayAmount(id, jovepay.MustAmount(amount))
				require.NoError(t, err)
			}
		}
	}
	then := func(first customer, change func(*jovepaytest.Server, jovepay.ID) (*jovepay.Payment, error)) customer {
		return func(t *testing.T, server *jovepaytest.Server, id jovepay.ID) {
			t.Helper()
			first(t, server, id)
			_, err := change(server, id)
			require.NoError(t, err)
		}
	}
	wrong := func(server *jovepaytest.Server, id jovepay.ID) (*jovepay.Payment, error) {
		return server.DepositWrongAsset(id, "ltc", jovepay.Amount{})
	}
	wait := []jovepay.Decision{jovepay.DecisionWait}
	closed := []jovepay.Decision{jovepay.DecisionWait, jovepay.DecisionClosed}

	for name, c := range map[string]struct {
		does       customer
		opts       []jovepaytest.Option
		payment    []jovepay.Decision
		difference string
		child      []jovepay.Decision
	}{
		"exact":               {does: sends("0.001"), payment: after(jovepay.DecisionFulfill)},
		"exact, other digits": {does: sends("0.00100000"), payment: after(jovepay.DecisionFulfill)},
		"under":               {does: sends("0.00099999"), payment: after(jovepay.DecisionUnderpaid), difference: "0.00000001"},
		"over":                {does: sends("0.00100001"), payment: after(jovepay.DecisionOverpaid), difference: "0.00000001"},
		"repeated": {
			does: sends("0.001", "0.001"), payment: after(jovepay.DecisionFulfill),
			child: times(4, jovepay.DecisionRepeated),
		},
		"under, then the rest": {
			does: sends("0.0009", "0.0001"), payment: after(jovepay.DecisionUnderpaid), difference: "0.0001",
			child: times(4, jovepay.DecisionRepeated),
		},
		"wrong asset": {
			does: then(sends(), wrong), payment: wait,
			child: times(1, jovepay.DecisionWrongAsset),
		},
		"wrong asset, processed": {
			does: then(sends(), wrong), opts: []jovepaytest.Option{jovepaytest.WithWrongAssetProcessing()}, payment: wait,
			child: times(4, jovepay.DecisionWrongAsset),
		},
		"wrong asset after the right one": {
			does: then(sends("0.001"), wrong), payment: after(jovepay.DecisionFulfill),
			child: times(1, jovepay.DecisionWrongAsset),
		},
		"wrong asset before the right one": {
			does: func(t *testing.T, server *jovepaytest.Server, id jovepay.ID) {
				t.Helper()
				then(sends(), wrong)(t, server, id)
				sends("0.001")(t, server, id)
			},
			payment: after(jovepay.DecisionFulfill), child: times(1, jovepay.DecisionWrongAsset),
		},
		"expired": {does: then(sends(), (*jovepaytest.Server).Expire), payment: closed},
		"late": {
			does: func(t *testing.T, server *jovepaytest.Server, id jovepay.ID) {
				t.Helper()
				then(sends(), (*jovepaytest.Server).Expire)(t, server, id)
				sends("0.001")(t, server, id)
			},
			payment: closed, child: times(4, jovepay.DecisionRepeated),
		},
		"refunded": {
			does:    then(sends("0.001"), (*jovepaytest.Server).Refund),
			payment: after(jovepay.DecisionFulfill, jovepay.DecisionClosed),
		},
		"refunded, since too little came": {
			does:    then(sends("0.0009"), (*jovepaytest.Server).Refund),
			payment: after(jovepay.DecisionUnderpaid, jovepay.DecisionClosed), difference: "0.0001",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newServer(t, c.opts...)
			s := newShop(t, server)
			asked := createFor(t, newClient(t, server), s)
			c.does(t, server, asked.ID)
			require.NoError(t, server.WaitDeliveries(t.Context()))

			var payment, child []jovepay.Decision
			difference := ""
			for _, event := range s.all() {
				news, ok := event.(*jovepay.PaymentEvent)
				require.True(t, ok)
				verdict := asked.Expectation().Settle(&news.Payment)
				if news.ID == asked.ID {
					payment = append(payment, verdict.Decision)
					difference += verdict.Difference.String()
				} else {
					assert.Equal(t, asked.ID, news.ParentPaymentID)
					child = append(child, verdict.Decision)
					assert.False(t, verdict.Fulfill(), verdict.Reason)
				}
			}
			assert.Equal(t, c.payment, payment)
			assert.Equal(t, c.child, child)
			assert.Equal(t, c.difference, difference)
		})
	}
}

// On an invoice the customer chooses the coin, so another one is no wrong asset
// in itself; it comes as a deposit with a parent, and is not fulfilled either.
func TestSettlementOnAnInvoice(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	s := newShop(t, server)
	invoice, err := newClient(t, server).Invoices.Create(t.Context(), jovepay.InvoiceRequest{
		PriceAmount: jovepay.MustAmount("64"), PriceCurrency: "usd", OrderID: "order-1", IPNCallbackURL: s.url,
	})
	require.NoError(t, err)
	p, err := server.CheckOut(invoice.ID, "btc")
	require.NoError(t, err)
	odd, err := server.DepositWrongAsset(p.ID, "ltc", jovepay.Amount{})
	require.NoError(t, err)
	_, err = server.Pay(p.ID)
	require.NoError(t, err)
	require.NoError(t, server.WaitDeliveries(t.Context()))
	expect := jovepay.Expectation{
		OrderID: "order-1", PriceAmount: jovepay.MustAmount("64.00"), PriceCurrency: "USD", InvoiceID: invoice.ID,
	}
	got := map[jovepay.ID][]jovepay.Decision{}
	for _, event := range s.all() {
		news, ok := event.(*jovepay.PaymentEvent)
		require.True(t, ok)
		got[news.ID] = append(got[news.ID], expect.Settle(&news.Payment).Decision)
	}
	assert.Equal(t, map[jovepay.ID][]jovepay.Decision{
		p.ID: after(jovepay.DecisionFulfill), odd.ID: {jovepay.DecisionRepeated},
	}, got)
}
