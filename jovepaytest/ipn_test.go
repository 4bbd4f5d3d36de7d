package jovepaytest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
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

// A status that comes with time is sent though nobody asks.
func TestAutoAdvanceIsNotified(t *testing.T) {
	t.Parallel()
	server := newServer(t, jovepaytest.WithAutoAdvance(time.Millisecond))
	s := newShop(t, server)
	p := createFor(t, newClient(t, server), s)
	_, err := server.Pay(p.ID)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(s.heard()) == 5 }, 10*time.Second, time.Millisecond)
	assert.Equal(t, life(), s.heard())
}

func TestExpiryIsNotifiedWhenTheClockMoves(t *testing.T) {
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

func TestRetriesAndGivingUp(t *testing.T) {
	t.Parallel()
	const delivered, failed, givenUp = jovepaytest.DeliveryDone, jovepaytest.DeliveryFailed, jovepaytest.DeliveryGivenUp
	for name, c := range map[string]struct {
		fail     int
		outcomes []jovepaytest.DeliveryOutcome
		heard    []jovepay.PaymentStatus
	}{
		"healed": {2, []jovepaytest.DeliveryOutcome{
			failed, failed, delivered, delivered, delivered, delivered, delivered,
		}, life()},
		"given up": {4, []jovepaytest.DeliveryOutcome{
			failed, failed, givenUp, failed, delivered, delivered, delivered, delivered,
		}, life()[1:]},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newServer(t, jovepaytest.WithIPNRetries(2, time.Millisecond))
			s := newShop(t, server)
			s.failNext(c.fail)
			p := createFor(t, newClient(t, server), s)
			require.NoError(t, server.WaitDeliveries(t.Context()))
			pay(t, server, p.ID)
			assert.Equal(t, c.outcomes, outcomes(server))
			assert.Equal(t, c.heard, s.heard())
			for i, d := range server.Deliveries() {
				code := http.StatusOK
				if d.Outcome != delivered {
					code = http.StatusInternalServerError
					assert.Equal(t, "responded 500 Internal Server Error", d.Error)
				}
				assert.Equal(t, code, d.StatusCode)
				assert.Equal(t, code, s.responses()[i])
			}
		})
	}
}

func TestDuplicatesInAnotherOrder(t *testing.T) {
	t.Parallel()
	server := newServer(t, jovepaytest.WithSeed(7))
	s := newShop(t, server)
	behave(t, server, jovepaytest.IPNBehavior{Copies: 3, Shuffle: 15})
	pay(t, server, createFor(t, newClient(t, server), s).ID)

	var want []jovepay.PaymentStatus
	for _, status := range life() {
		want = append(want, status, status, status)
	}
	assert.ElementsMatch(t, want, s.heard())
	assert.NotEqual(t, want, s.heard())
	keys := map[string]int{}
	for _, event := range s.events {
		keys[event.Key()]++
	}
	assert.Len(t, keys, 5)
	for _, n := range keys {
		assert.Equal(t, 3, n)
	}
}

func TestLoss(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	s := newShop(t, server)
	behave(t, server, jovepaytest.IPNBehavior{Lose: jovepaytest.Hits{Next: 2}})
	pay(t, server, createFor(t, newClient(t, server), s).ID)
	assert.Equal(t, life()[2:], s.heard())
	lost := server.Deliveries()[1]
	assert.Equal(t, jovepaytest.DeliveryLost, lost.Outcome)
	assert.Contains(t, lost.Body, `"confirming"`)
	assert.NotEmpty(t, lost.Error)
}

func TestCorruptionAndForgery(t *testing.T) {
	t.Parallel()
	for _, form := range []jovepay.IPNForm{jovepay.FormJS, jovepay.FormJSArrays, jovepay.FormPHP, jovepay.FormPython, jovepay.FormRaw} {
		t.Run(string(form), func(t *testing.T) {
			t.Parallel()
			server := newServer(t, jovepaytest.WithIPNRetries(1, 0))
			s := newShop(t, server)
			behave(t, server, jovepaytest.IPNBehavior{
				Forms: []jovepay.IPNForm{form}, Corrupt: jovepaytest.Hits{Next: 1}, Forge: jovepaytest.Hits{},
			})
			p := createFor(t, newClient(t, server), s)
			require.NoError(t, server.WaitDeliveries(t.Context()))
			behave(t, server, jovepaytest.IPNBehavior{Forms: []jovepay.IPNForm{form}, Forge: jovepaytest.Hits{Next: 1}})
			_, err := server.Deposit(p.ID, jovepay.Amount{})
			require.NoError(t, err)
			require.NoError(t, server.WaitDeliveries(t.Context()))
			assert.Equal(t, []int{401, 200, 401, 200}, s.responses(), "rejected, and then sent whole")
			assert.Equal(t, life()[:2], s.heard())
			got := server.Deliveries()
			assert.True(t, got[0].Corrupted && !got[0].Forged && got[2].Forged && !got[2].Corrupted)
			assert.NotEqual(t, got[0].Body, got[1].Body)
			assert.Equal(t, got[0].Signature, got[1].Signature)
			assert.NotEqual(t, got[2].Signature, got[3].Signature)
		})
	}
}

func TestASlowShopHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	client := newClient(t, server)
	begun, release := make(chan bool), make(chan bool)
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		begun <- true
		<-release
	}))
	t.Cleanup(slow.Close)
	stuck := createFor(t, client, &shop{url: slow.URL})
	<-begun
	_, err := server.Pay(stuck.ID)
	require.NoError(t, err, "the engine continues")

	s := newShop(t, server)
	p := createFor(t, client, s)
	_, err = server.Pay(p.ID)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(s.heard()) == 5 }, 10*time.Second, time.Millisecond, "another shop hears")
	assert.Equal(t, jovepaytest.DeliverySending, server.Deliveries()[0].Outcome)
	assert.Zero(t, server.Deliveries()[0].Ended)
	go func() {
		for range 4 {
			<-begun
		}
	}()
	close(release)
	require.NoError(t, server.WaitDeliveries(t.Context()))
	assert.Len(t, server.Deliveries(), 10)
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	server := newServer(t, jovepaytest.WithIPNTimeout(30*time.Millisecond), jovepaytest.WithIPNRetries(0, 0))
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or it would not notice the end
		<-r.Context().Done()
	}))
	t.Cleanup(silent.Close)
	createFor(t, newClient(t, server), &shop{url: silent.URL})
	require.NoError(t, server.WaitDeliveries(t.Context()))
	assert.Equal(t, "no response within 30ms", server.Deliveries()[0].Error)
	assert.Equal(t, jovepaytest.DeliveryGivenUp, server.Deliveries()[0].Outcome)

	behave(t, server, jovepaytest.IPNBehavior{Timeout: 20 * time.Millisecond, Retries: new(1)})
	require.ErrorContains(t, server.Redeliver(t.Context(), 1), "given up after attempt 2: no response within 20ms")
	behave(t, server, jovepaytest.IPNBehavior{})
	require.ErrorContains(t, server.Redeliver(t.Context(), 1), "given up after attempt 1: no response within 30ms", "as at its first delivery")
}

func TestCloseWhileDelivering(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	client := newClient(t, server)
	begun := make(chan bool, 100)
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		begun <- true
		<-r.Context().Done()
	}))
	t.Cleanup(silent.Close)
	var payments []*jovepay.Payment
	for range 40 {
		payments = append(payments, createFor(t, client, &shop{url: silent.URL}))
	}
	<-begun
	waiting := make(chan error, 1)
	go func() { waiting <- server.WaitDeliveries(t.Context()) }()
	server.Close()
	require.ErrorContains(t, <-waiting, "the server is closed")
	require.ErrorContains(t, server.WaitDeliveries(t.Context()), "the server is closed")
	assert.NotEmpty(t, server.Deliveries())
	for _, d := range server.Deliveries() {
		assert.Equal(t, jovepaytest.DeliveryGivenUp, d.Outcome)
	}
	seen := len(server.Deliveries())
	_, err := server.Pay(payments[0].ID)
	require.NoError(t, err)
	assert.Len(t, server.Deliveries(), seen, "nothing is sent any more")
}
