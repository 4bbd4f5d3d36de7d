package jovepaytest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

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
				assert.Equal(t, code, s.answered()[i])
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
			assert.Equal(t, []int{401, 200, 401, 200}, s.answered(), "rejected, and then sent whole")
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
	require.NoError(t, err, "the engine goes on")

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
	require.ErrorContains(t, server.Redeliver(t.Context(), 1), "given up after attempt 1: no response within 30ms", "as it was told at first")
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
