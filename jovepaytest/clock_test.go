package jovepaytest_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

func TestMoveClock(t *testing.T) {
	t.Parallel()
	noon := newHands().Now()
	hands := newHands()
	for name, opt := range map[string]jovepaytest.Option{
		"frozen": jovepaytest.WithFrozenClock(noon),
		"own":    jovepaytest.WithClock(hands.Now),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newServer(t, opt)
			assert.Equal(t, noon, server.Now())
			now, err := server.MoveClock(90 * time.Minute)
			require.NoError(t, err)
			assert.Equal(t, noon.Add(90*time.Minute), now)
			assert.Equal(t, now, server.Now())
			assert.Equal(t, now, create(t, newClient(t, server)).CreatedAt.Time)
		})
	}
	t.Run("real", func(t *testing.T) {
		t.Parallel()
		server := newServer(t)
		_, err := server.MoveClock(24 * time.Hour)
		require.NoError(t, err)
		assert.WithinDuration(t, time.Now().Add(24*time.Hour), server.Now(), time.Minute)
	})
}

// The server's clock and its Date are one, so that a client can tell how far
// its own clock is off.
func TestClockIsInTheDate(t *testing.T) {
	t.Parallel()
	server := newServer(t, jovepaytest.WithClock(func() time.Time { return time.Now().Add(-30 * 24 * time.Hour) }))
	require.NoError(t, server.Inject(jovepaytest.Fault{Method: "POST", Path: "/v1/payment", Cut: true, AfterEffect: true, Times: 1}))
	client := newClient(t, server, jovepay.WithCredentials(server.Email, server.Password))
	payment, err := client.Payments.CreateOnce(t.Context(), order())
	require.NoError(t, err)
	all, err := server.Payments()
	require.NoError(t, err)
	require.Len(t, all, 1, "it was found, though it was made a month ago by this machine's clock")
	assert.Equal(t, all[0].ID, payment.ID)
	assert.NotEmpty(t, payment.PayAddress)
}

func TestMoveClockComposesWithAClockThatMoves(t *testing.T) {
	t.Parallel()
	hands := newHands()
	server := newServer(t, jovepaytest.WithClock(hands.Now))
	_, err := server.MoveClock(time.Hour)
	require.NoError(t, err)
	hands.Pass(time.Minute)
	assert.Equal(t, hands.Now().Add(time.Hour), server.Now())
}

// What falls due while the clock moves is told in the order in which it was
// due, although all of it happens at once.
func TestMoveClockTellsWhatFellDue(t *testing.T) {
	t.Parallel()
	noon := newHands().Now()
	server := newServer(t, jovepaytest.WithFrozenClock(noon), jovepaytest.WithAutoAdvance(5*time.Minute))
	s := newShop(t, server)
	client := newClient(t, server)
	request := order()
	request.IPNCallbackURL, request.FixedRate = s.url, true
	expiring, err := client.Payments.Create(t.Context(), request)
	require.NoError(t, err)
	paid := createFor(t, client, s)
	_, err = server.MoveClock(7 * time.Minute)
	require.NoError(t, err)
	_, err = server.Pay(paid.ID)
	require.NoError(t, err)

	_, err = server.MoveClock(time.Hour)
	require.NoError(t, err)
	require.NoError(t, server.WaitDeliveries(t.Context()))
	type told struct {
		id     jovepay.ID
		status jovepay.PaymentStatus
	}
	var got []told
	for _, d := range server.Deliveries() {
		assert.Equal(t, jovepaytest.DeliveryDone, d.Outcome)
		got = append(got, told{d.PaymentID, d.Status})
	}
	assert.Equal(t, []told{
		{expiring.ID, jovepay.PaymentWaiting},
		{paid.ID, jovepay.PaymentWaiting},
		{paid.ID, jovepay.PaymentConfirming},  // 7 minutes
		{paid.ID, jovepay.PaymentConfirmed},   // 12
		{paid.ID, jovepay.PaymentSending},     // 17
		{expiring.ID, jovepay.PaymentExpired}, // 20
		{paid.ID, jovepay.PaymentFinished},    // 22
	}, got)
	finished, err := server.Payment(paid.ID)
	require.NoError(t, err)
	assert.Equal(t, noon.Add(22*time.Minute), finished.UpdatedAt.Time, "when it was due")
}

func TestMoveClockRefuses(t *testing.T) {
	t.Parallel()
	noon := newHands().Now()
	server := newServer(t, jovepaytest.WithFrozenClock(noon))
	for _, d := range []time.Duration{-1, math.MinInt64, math.MaxInt64} {
		_, err := server.MoveClock(d)
		require.ErrorIs(t, err, jovepay.ErrInvalidRequest, "%v", d)
	}
	assert.Equal(t, noon, server.Now())
	const century = 100 * 365 * 24 * time.Hour
	_, err := server.MoveClock(century)
	require.NoError(t, err)
	_, err = server.MoveClock(1)
	require.EqualError(t, err, "jovepaytest: the clock can be moved by 876000h0m0s in all, got 1ns")
	_, err = server.MoveClock(0)
	require.NoError(t, err)
	p := create(t, newClient(t, server))
	assert.Equal(t, noon.Add(century), p.CreatedAt.Time)
}

// A token ends when its time is over, whoever moved the clock.
func TestMoveClockEndsTokens(t *testing.T) {
	t.Parallel()
	server := newServer(t, jovepaytest.WithFrozenClock(newHands().Now()))
	token := login(t, server)
	assert.Equal(t, 200, list(t, server, token))
	_, err := server.MoveClock(5 * time.Minute)
	require.NoError(t, err)
	assert.Equal(t, 401, list(t, server, token))
}

// With a clock that runs, what is due after a move happens although nobody
// asks.
func TestMoveClockIsNoticedByThePacemaker(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	s := newShop(t, server)
	request := order()
	request.IPNCallbackURL, request.FixedRate = s.url, true
	_, err := newClient(t, server).Payments.Create(t.Context(), request)
	require.NoError(t, err)
	_, err = server.MoveClock(20*time.Minute - 50*time.Millisecond)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(s.heard()) == 2 }, 10*time.Second, time.Millisecond)
	assert.Equal(t, []jovepay.PaymentStatus{jovepay.PaymentWaiting, jovepay.PaymentExpired}, s.heard())
}
