package jovepaytest_test

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

// leave sends the creation of a payment, and is gone when the request is written.
func leave(t *testing.T, server *jovepaytest.Server, body string) {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(server.URL, "http://"))
	require.NoError(t, err)
	_, err = fmt.Fprintf(conn, "POST /v1/payment HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Api-Key: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		server.APIKey, len(body), body)
	require.NoError(t, err)
	require.NoError(t, conn.Close())
}

// arrived waits until the server has dealt with n requests.
func arrived(t *testing.T, server *jovepaytest.Server, n int) {
	t.Helper()
	require.Eventually(t, func() bool {
		got := server.Requests()
		return len(got) == n && got[n-1].Handled
	}, 10*time.Second, time.Millisecond)
}

// A client that leaves after its request has still asked.
func TestAClientThatLeaves(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]jovepaytest.Option{
		"at once":            nil,
		"during the latency": {jovepaytest.WithLatency(time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newServer(t, opts...)
			leave(t, server, `{"price_amount":64,"price_currency":"usd","pay_currency":"btc","order_id":"left"}`)
			arrived(t, server, 1)
			payments, err := server.Payments()
			require.NoError(t, err)
			require.Len(t, payments, 1)
			assert.Equal(t, "left", payments[0].OrderID)
		})
	}
}

// A create takes effect long after its client has left; the shop is notified
// then, and a replay makes the same of it.
func TestALateCreate(t *testing.T) {
	t.Parallel()
	options := []jovepaytest.Option{jovepaytest.WithSeed(5), jovepaytest.WithFrozenClock(noon())}
	server := newServer(t, options...)
	s := newShop(t, server)
	require.NoError(t, server.Inject(jovepaytest.Fault{Method: "POST", Path: "/v1/payment", Times: 2, EffectAfter: 3 * time.Minute, Cut: true}))
	client := newClient(t, server)
	request := order()
	request.IPNCallbackURL = s.url
	_, err := client.Payments.Create(t.Context(), request)
	require.ErrorIs(t, err, jovepay.ErrOutcomeUnknown)
	leave(t, server, `{"price_amount":64,"price_currency":"usd","pay_currency":"btc","order_id":"left"}`)
	arrived(t, server, 2)

	_, err = server.MoveClock(3*time.Minute - time.Millisecond)
	require.NoError(t, err)
	page, err := client.Payments.List(t.Context(), jovepay.PaymentListOptions{})
	require.NoError(t, err)
	assert.Empty(t, page.Payments)
	another := createFor(t, client, s)
	late, err := server.LateCreates()
	require.NoError(t, err)
	at := noon().Add(3 * time.Minute)
	assert.Equal(t, []jovepaytest.LateCreate{{OrderID: "order-1", At: at}, {OrderID: "left", At: at}}, late)

	_, err = server.MoveClock(time.Millisecond)
	require.NoError(t, err)
	require.NoError(t, server.WaitDeliveries(t.Context()))
	late, err = server.LateCreates()
	require.NoError(t, err)
	require.Len(t, late, 2)
	stray, err := client.Payments.Get(t.Context(), late[0].PaymentID)
	require.NoError(t, err)
	assert.Equal(t, at, stray.CreatedAt.Time)
	assert.Equal(t, "order-1", stray.OrderID)
	var heard []jovepay.ID
	for _, event := range s.all() {
		payment, ok := event.(*jovepay.PaymentEvent)
		require.True(t, ok)
		heard = append(heard, payment.ID)
	}
	assert.ElementsMatch(t, []jovepay.ID{another.ID, stray.ID}, heard)
	duplicates, err := server.Duplicates()
	require.NoError(t, err)
	require.Len(t, duplicates, 1, "the stray stands beside the other one")

	journal := written(t, server)
	again := newServer(t, options...)
	assert.Empty(t, replay(t, again, journal))
	assert.Equal(t, journal, written(t, again))
	repeated, err := again.LateCreates()
	require.NoError(t, err)
	assert.Equal(t, late, repeated)
}

// The pacemaker applies a late create when nobody calls.
func TestALateCreateNeedsNoCall(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	s := newShop(t, server)
	require.NoError(t, server.Inject(jovepaytest.Fault{EffectAfter: 50 * time.Millisecond, Status: 504}))
	request := order()
	request.IPNCallbackURL = s.url
	_, err := newClient(t, server).Payments.Create(t.Context(), request)
	require.ErrorIs(t, err, jovepay.ErrOutcomeUnknown)
	require.Eventually(t, func() bool { return len(s.heard()) == 1 }, 10*time.Second, time.Millisecond)
}

// A late create outlives the server, and takes effect on the next one when it is
// due.
func TestALateCreateSurvivesARestart(t *testing.T) {
	t.Parallel()
	hands := newHands()
	state := newMemory()
	options := []jovepaytest.Option{jovepaytest.WithClock(hands.Now), jovepaytest.WithState(state)}
	server := newServer(t, options...)
	require.NoError(t, server.Inject(jovepaytest.Fault{EffectAfter: time.Hour}))
	leave(t, server, `{"price_amount":64,"price_currency":"usd","pay_currency":"btc","order_id":"left"}`)
	arrived(t, server, 1)
	server.Close()

	server = newServer(t, options...)
	hands.Pass(time.Hour - time.Millisecond)
	payments, err := server.Payments()
	require.NoError(t, err)
	assert.Empty(t, payments)
	server.Close()

	hands.Pass(time.Hour)
	server = newServer(t, options...)
	payments, err = server.Payments()
	require.NoError(t, err)
	require.Len(t, payments, 1)
	assert.Equal(t, noon().Add(time.Hour), payments[0].CreatedAt.Time, "when it was due")
	late, err := server.LateCreates()
	require.NoError(t, err)
	assert.Equal(t, []jovepaytest.LateCreate{{OrderID: "left", At: noon().Add(time.Hour), Done: true, PaymentID: payments[0].ID}}, late)
}
