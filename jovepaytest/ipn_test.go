package jovepaytest_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

func TestEveryStatusIsDelivered(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	client := newClient(t, server)
	s := newShop(t, server)
	p := createFor(t, client, s)
	pay(t, server, p.ID)
	_, err := server.SetStatus(p.ID, jovepay.PaymentRefunded)
	require.NoError(t, err)
	_, err = server.SetStatus(p.ID, "frozen")
	require.NoError(t, err)
	require.NoError(t, server.WaitDeliveries(t.Context()))
	assert.Equal(t, append(life(), jovepay.PaymentRefunded, "frozen"), s.heard())
	for i, d := range server.Deliveries() {
		assert.Equal(t, i+1, d.Number)
		assert.Equal(t, 1, d.Attempt)
		assert.Equal(t, p.ID, d.PaymentID)
		assert.Equal(t, s.heard()[i], d.Status)
		assert.Equal(t, s.url, d.URL)
		assert.Equal(t, jovepay.FormJS, d.Form)
		assert.Equal(t, jovepaytest.DeliveryDone, d.Outcome)
		assert.Equal(t, 200, d.StatusCode)
		assert.Empty(t, d.Error)
		assert.False(t, d.Ended.Before(d.Started))
	}
}

// What a notification says is what the API says: the same event.
func TestTheEventIsThePayment(t *testing.T) {
	t.Parallel()
	for name, camelCase := range map[string]bool{"snake case": false, "camel case": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newServer(t)
			client := newClient(t, server)
			s := newShop(t, server)
			behave(t, server, jovepaytest.IPNBehavior{CamelCase: camelCase})
			p := createFor(t, client, s)
			payment, err := server.Deposit(p.ID, jovepay.MustAmount("0.00123"))
			require.NoError(t, err)
			states := []*jovepay.Payment{payment}
			for payment.Status != jovepay.PaymentFinished {
				payment, err = server.Advance(p.ID)
				require.NoError(t, err)
				asked, err := client.Payments.Get(t.Context(), p.ID)
				require.NoError(t, err)
				states = append(states, asked)
			}
			require.NoError(t, server.WaitDeliveries(t.Context()))
			require.Len(t, s.events, len(states)+1)
			for i, state := range states {
				assert.Equal(t, state.Event().Key(), s.events[i+1].Key(), state.Status)
			}
			event, ok := s.events[4].(*jovepay.PaymentEvent)
			require.True(t, ok)
			assert.Equal(t, "order-1", event.OrderID)
			assert.Equal(t, "0.00123", event.ActuallyPaid.String())
			assert.Equal(t, "usdttrc20", event.Fee.Currency)
			assert.Equal(t, "0.3936", event.Fee.ServiceFee.String())
			assert.Empty(t, event.Extra)
			assert.Equal(t, camelCase, event.TransactionID != "")
		})
	}
}

func TestInvoicesAndSecondDeposits(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	client := newClient(t, server)
	s := newShop(t, server)
	invoice, err := client.Invoices.Create(t.Context(), jovepay.InvoiceRequest{
		PriceAmount: jovepay.MustAmount("52"), PriceCurrency: "usd", OrderID: "order-2", IPNCallbackURL: s.url,
	})
	require.NoError(t, err)
	p, err := server.CheckOut(invoice.ID, "xrp")
	require.NoError(t, err)
	pay(t, server, p.ID)
	child, err := server.PayAmount(p.ID, jovepay.MustAmount("7"))
	require.NoError(t, err)
	require.NoError(t, server.WaitDeliveries(t.Context()))

	assert.Equal(t, append(life(), life()[1:]...), s.heard(), "a second deposit begins with its coins")
	for i, event := range s.events {
		payment, ok := event.(*jovepay.PaymentEvent)
		require.True(t, ok)
		assert.Equal(t, invoice.ID, payment.InvoiceID)
		assert.Equal(t, "order-2", payment.OrderID)
		if i >= 5 {
			assert.Equal(t, child.ID, payment.ID)
			assert.Equal(t, p.ID, payment.ParentPaymentID)
		}
	}
}

// What is asked for by payment is what the whole list has of it.
func TestDeliveriesOf(t *testing.T) {
	t.Parallel()
	server := newServer(t, jovepaytest.WithIPNRetries(1, 0))
	shop := newShop(t, server)
	shop.failNext(3)
	client := newClient(t, server)
	var ids []jovepay.ID
	for range 3 {
		request := order()
		request.IPNCallbackURL = shop.url
		p, err := client.Payments.Create(t.Context(), request)
		require.NoError(t, err)
		_, err = server.Pay(p.ID)
		require.NoError(t, err)
		again, err := server.Pay(p.ID) // a repeated deposit
		require.NoError(t, err)
		ids = append(ids, p.ID, again.ID)
	}
	withdrawal, err := server.Withdraw(jovepaytest.WithdrawalRequest{
		Currency: "trx", Amount: jovepay.MustAmount("50"), Address: "somewhere", IPNCallbackURL: shop.url,
	})
	require.NoError(t, err)
	body, err := jovepaytest.IPNBody(&jovepay.PaymentEvent{})
	require.NoError(t, err)
	require.NoError(t, server.SendIPN(t.Context(), shop.url, body)) // of no payment
	require.NoError(t, server.WaitDeliveries(t.Context()))
	all := server.Deliveries()
	for _, asked := range [][]jovepay.ID{
		ids[:1], ids[1:2], {ids[3], ids[0], ids[3]}, ids, {withdrawal.ID, ids[2]}, {"1", ids[4]}, {"+" + ids[0]}, {"0"}, {"x"}, nil,
	} {
		want := slices.DeleteFunc(slices.Clone(all), func(d jovepaytest.Delivery) bool { return !slices.Contains(asked, d.PaymentID) })
		assert.Equal(t, want, server.DeliveriesOf(asked...), asked)
	}
	assert.NotEmpty(t, server.DeliveriesOf(withdrawal.ID))
	assert.Empty(t, server.DeliveriesOf(""), "what is of no payment is not asked for")
}

func TestNoCallbackNoNotification(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	pay(t, server, create(t, newClient(t, server)).ID)
	assert.Empty(t, server.Deliveries())
}

func TestStrangersAreNotCalled(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	client := newClient(t, server)
	p := createFor(t, client, &shop{url: "https://shop.example/ipn"})
	pay(t, server, p.ID)
	got := server.Deliveries()
	require.Len(t, got, 5)
	for i, d := range got {
		assert.Equal(t, jovepaytest.DeliverySkipped, d.Outcome)
		assert.Equal(t, life()[i], d.Status)
		assert.Equal(t, "the address is not on this machine, and calls to others are off", d.Error)
		assert.Zero(t, d.Attempt)
	}
	require.Error(t, server.SendIPN(t.Context(), "https://shop.example/ipn", []byte("{}")))

	open := newServer(t, jovepaytest.WithRemoteCallbacks(), jovepaytest.WithIPNRetries(0, 0))
	err := open.SendIPN(t.Context(), "http://jovepay.invalid/ipn", []byte("{}"))
	require.ErrorContains(t, err, "jovepay.invalid", "it is tried")
}

// A status that comes with time is told though nobody asks.
func TestAutoAdvanceIsTold(t *testing.T) {
	t.Parallel()
	server := newServer(t, jovepaytest.WithAutoAdvance(time.Millisecond))
	s := newShop(t, server)
	p := createFor(t, newClient(t, server), s)
	_, err := server.Pay(p.ID)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(s.heard()) == 5 }, 10*time.Second, time.Millisecond)
	assert.Equal(t, life(), s.heard())
}

func TestExpiryIsToldWhenTheClockMoves(t *testing.T) {
	t.Parallel()
	clock := newHands()
	server := newServer(t, jovepaytest.WithClock(clock.Now))
	s := newShop(t, server)
	createFor(t, newClient(t, server), s)
	require.NoError(t, server.WaitDeliveries(t.Context()))
	clock.Pass(8 * 24 * time.Hour)
	require.NoError(t, server.WaitDeliveries(t.Context()))
	assert.Equal(t, []jovepay.PaymentStatus{jovepay.PaymentWaiting, jovepay.PaymentExpired}, s.heard())
	assert.Equal(t, clock.Now(), server.Deliveries()[1].Started)
}

func TestSameSeedAndClockSameDeliveries(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) []jovepaytest.Delivery {
		server := newServer(t, jovepaytest.WithSeed(seed), jovepaytest.WithClock(newHands().Now), jovepaytest.WithIPNRetries(1, 0))
		client := newClient(t, server)
		s := newShop(t, server)
		behave(t, server, jovepaytest.IPNBehavior{
			Forms:  []jovepay.IPNForm{jovepay.FormJS, jovepay.FormPHP, jovepay.FormRaw},
			Copies: 2, Shuffle: 4,
			Lose: jovepaytest.Hits{Percent: 10}, Corrupt: jovepaytest.Hits{Percent: 10}, Forge: jovepaytest.Hits{Percent: 10},
		})
		for range 10 {
			_, err := server.Pay(createFor(t, client, s).ID)
			require.NoError(t, err)
		}
		require.NoError(t, server.WaitDeliveries(t.Context()))
		got := server.Deliveries()
		for i := range got {
			assert.Equal(t, s.url, got[i].URL)
			got[i].URL = "" // its port is the machine's choice
		}
		return got
	}
	one := run(3)
	assert.Len(t, one, len(run(3)))
	assert.Equal(t, one, run(3))
	assert.NotEqual(t, one, run(4))
}
