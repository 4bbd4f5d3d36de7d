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

func TestWrongAssetWaitsForAPerson(t *testing.T) {
	t.Parallel()
	server := newServer(t, jovepaytest.WithFrozenClock(newHands().Now()), jovepaytest.WithAutoAdvance(time.Minute))
	client := newClient(t, server)
	asked := create(t, client)
	odd, err := server.DepositWrongAsset(asked.ID, "LTC", jovepay.MustAmount("0.5"))
	require.NoError(t, err)
	assert.Equal(t, asked.ID, odd.ParentPaymentID)
	assert.Equal(t, "ltc", odd.PayCurrency)
	assert.Equal(t, "0.5", odd.ActuallyPaid.String())
	assert.Equal(t, "41.25", odd.PriceAmount.String(), "what came is worth that")
	assert.Equal(t, asked.PayAddress, odd.PayAddress)
	assert.Equal(t, "ltc", odd.Network)
	assert.Empty(t, odd.OriginType, "it is not a repeated deposit")
	assert.Equal(t, jovepay.PaymentConfirming, odd.Status)

	_, err = server.MoveClock(time.Hour)
	require.NoError(t, err)
	odd, err = client.Payments.Get(t.Context(), odd.ID)
	require.NoError(t, err)
	assert.Equal(t, jovepay.PaymentConfirmed, odd.Status, "here it waits")
	parent, err := client.Payments.Get(t.Context(), asked.ID)
	require.NoError(t, err)
	assert.Equal(t, jovepay.PaymentWaiting, parent.Status)
	assert.Equal(t, []jovepay.ID{odd.ID}, parent.PaymentExtraIDs)

	_, err = server.Advance(odd.ID)
	require.NoError(t, err)
	_, err = server.MoveClock(time.Hour)
	require.NoError(t, err)
	odd, err = server.Payment(odd.ID)
	require.NoError(t, err)
	assert.Equal(t, jovepay.PaymentFinished, odd.Status, "a person let it go")
	assert.Equal(t, "41.04375", odd.OutcomeAmount.String())

	paid, err := server.Deposit(asked.ID, jovepay.Amount{})
	require.NoError(t, err)
	assert.Equal(t, asked.ID, paid.ID, "it still waited")
}

func TestWrongAssetProcessing(t *testing.T) {
	t.Parallel()
	server := newServer(t, jovepaytest.WithWrongAssetProcessing())
	s := newShop(t, server)
	asked := createFor(t, newClient(t, server), s)
	odd, err := server.DepositWrongAsset(asked.ID, "xrp", jovepay.Amount{})
	require.NoError(t, err)
	assert.Equal(t, "123.076923", odd.PayAmount.String(), "the price in that coin")
	require.NoError(t, server.WaitDeliveries(t.Context()))
	assert.Equal(t, life(), s.heard())
	odd, err = server.Payment(odd.ID)
	require.NoError(t, err)
	assert.Equal(t, jovepay.PaymentFinished, odd.Status)
}

func TestMoreOfTheWrongAsset(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	asked := create(t, newClient(t, server))
	first, err := server.DepositWrongAsset(asked.ID, "eth", jovepay.MustAmount("0.000000000000000001"))
	require.NoError(t, err)
	for name, deposit := range map[string]func() (*jovepay.Payment, error){
		"as such": func() (*jovepay.Payment, error) { return server.Deposit(first.ID, jovepay.MustAmount("2")) },
		"as wrong as first": func() (*jovepay.Payment, error) {
			return server.DepositWrongAsset(first.ID, "eth", jovepay.MustAmount("2"))
		},
	} {
		more, err := deposit()
		require.NoError(t, err, name)
		assert.Equal(t, asked.ID, more.ParentPaymentID, name)
		assert.Equal(t, "eth", more.PayCurrency, name)
	}
	parent, err := server.Payment(asked.ID)
	require.NoError(t, err)
	assert.Len(t, parent.PaymentExtraIDs, 3)
	assert.Equal(t, jovepay.PaymentWaiting, parent.Status)
}

// A repeated deposit is seen from both ends, in answers and in notifications.
func TestRepeatedDepositsShowOnTheirParent(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	s := newShop(t, server)
	client := newClient(t, server)
	asked := createFor(t, client, s)
	_, err := server.Deposit(asked.ID, jovepay.Amount{})
	require.NoError(t, err)
	var children []jovepay.ID
	for _, amount := range []string{"0.0001", "0.0002"} {
		child, err := server.Deposit(asked.ID, jovepay.MustAmount(amount))
		require.NoError(t, err)
		children = append(children, child.ID)
	}
	_, err = server.Advance(asked.ID)
	require.NoError(t, err)
	require.NoError(t, server.WaitDeliveries(t.Context()))

	page, err := client.Payments.List(t.Context(), jovepay.PaymentListOptions{})
	require.NoError(t, err)
	require.Len(t, page.Payments, 3)
	assert.Equal(t, children, page.Payments[0].PaymentExtraIDs)
	for i, id := range children {
		child, err := client.Payments.Get(t.Context(), id)
		require.NoError(t, err)
		assert.Equal(t, asked.ID, child.ParentPaymentID)
		assert.Equal(t, "REPEATED", child.OriginType)
		assert.Equal(t, asked.PayCurrency, child.PayCurrency, "it is converted to the payment's asset")
		assert.Equal(t, id, page.Payments[i+1].ID)
	}

	events := s.all()
	require.Len(t, events, 5)
	told := map[jovepay.ID]*jovepay.PaymentEvent{}
	for _, event := range events {
		p, ok := event.(*jovepay.PaymentEvent)
		require.True(t, ok)
		told[p.ID] = p // the last
	}
	assert.Equal(t, jovepay.PaymentConfirmed, told[asked.ID].Status)
	assert.Equal(t, children, told[asked.ID].PaymentExtraIDs)
	for _, id := range children {
		assert.Equal(t, asked.ID, told[id].ParentPaymentID)
	}
}

// A coin that needs a memo has one everywhere, and repeated deposits have the
// same.
func TestMemo(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	s := newShop(t, server)
	client := newClient(t, server)
	request := order()
	request.PayCurrency, request.IPNCallbackURL = "xlm", s.url
	created, err := client.Payments.Create(t.Context(), request)
	require.NoError(t, err)
	assert.Regexp(t, `^1\d{8}$`, created.PayinExtraID)
	for range 2 {
		_, err = server.Pay(created.ID)
		require.NoError(t, err)
	}
	require.NoError(t, server.WaitDeliveries(t.Context()))
	events := s.all()
	require.Len(t, events, 9)
	for _, event := range events {
		p, ok := event.(*jovepay.PaymentEvent)
		require.True(t, ok)
		assert.Equal(t, created.PayinExtraID, p.PayinExtraID)
	}
	got, err := client.Payments.Get(t.Context(), created.ID)
	require.NoError(t, err)
	assert.Equal(t, created.PayinExtraID, got.PayinExtraID)
	assert.Empty(t, create(t, client).PayinExtraID, "btc needs none")
}

func TestLateDeposit(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	s := newShop(t, server)
	asked := createFor(t, newClient(t, server), s)
	expired, err := server.Expire(asked.ID)
	require.NoError(t, err)
	assert.Equal(t, jovepay.PaymentExpired, expired.Status)
	assert.Equal(t, expired.UpdatedAt, expired.ExpirationEstimateDate)

	late, err := server.Pay(asked.ID)
	require.NoError(t, err)
	assert.Equal(t, asked.ID, late.ParentPaymentID)
	assert.Equal(t, jovepay.PaymentFinished, late.Status)
	require.NoError(t, server.WaitDeliveries(t.Context()))
	assert.Equal(t, slices.Insert(life(), 1, jovepay.PaymentExpired), s.heard(), "in the order in which it happened")
}

func TestRefund(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	s := newShop(t, server)
	p := createFor(t, newClient(t, server), s)
	_, err := server.Refund(p.ID)
	require.EqualError(t, err, "jovepaytest: payment "+p.ID.String()+" is waiting, there is nothing to refund")
	require.ErrorIs(t, err, jovepay.ErrInvalidRequest)
	_, err = server.PayAmount(p.ID, jovepay.MustAmount("0.0002"))
	require.NoError(t, err)
	_, err = server.Expire(p.ID)
	require.EqualError(t, err, "jovepaytest: payment "+p.ID.String()+" is partially_paid, only one that is waiting can expire")

	refunded, err := server.Refund(p.ID)
	require.NoError(t, err)
	assert.Equal(t, jovepay.PaymentRefunded, refunded.Status)
	assert.Equal(t, "0.0002", refunded.ActuallyPaid.String(), "what had come")
	_, err = server.Refund(p.ID)
	require.Error(t, err, "it went back before")
	require.NoError(t, server.WaitDeliveries(t.Context()))
	heard := s.heard()
	assert.Equal(t, jovepay.PaymentRefunded, heard[len(heard)-1])
}

func TestOddDepositsRefuse(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	id := create(t, newClient(t, server)).ID
	one := jovepay.MustAmount("1")
	for name, c := range map[string]struct {
		err     error
		message string
		kind    error
	}{
		"no payment":  {second(server.DepositWrongAsset("1", "ltc", one)), "payment 1 not found", jovepay.ErrNotFound},
		"no id":       {second(server.Refund("x")), `id "x" is not a number`, jovepay.ErrInvalidRequest},
		"right asset": {second(server.DepositWrongAsset(id, "btc", one)), "currency: btc is what the payment asks for", jovepay.ErrInvalidRequest},
		"fiat":        {second(server.DepositWrongAsset(id, "usd", one)), "currency: usd is not a coin", jovepay.ErrInvalidRequest},
		"unknown":     {second(server.DepositWrongAsset(id, "zzz", one)), `currency: currency "zzz" is not available`, jovepay.ErrInvalidRequest},
		"too fine":    {second(server.DepositWrongAsset(id, "trx", jovepay.MustAmount("1e-7"))), "amount must have at most 6 decimal places in trx", jovepay.ErrInvalidRequest},
		"negative":    {second(server.DepositWrongAsset(id, "trx", jovepay.MustAmount("-1"))), "amount must be greater than 0", jovepay.ErrInvalidRequest},
	} {
		require.EqualError(t, c.err, "jovepaytest: "+c.message, name)
		assert.ErrorIs(t, c.err, c.kind, name)
	}
	p, err := server.Payment(id)
	require.NoError(t, err)
	assert.Empty(t, p.PaymentExtraIDs)
}

// Coins without the memo are nobody's until a person finds them.
func TestDepositWithoutMemo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before func(t *testing.T, server *jovepaytest.Server, p *jovepay.Payment)
		parent bool
		heard  []jovepay.PaymentStatus
	}{
		"still waiting": {func(*testing.T, *jovepaytest.Server, *jovepay.Payment) {}, false,
			[]jovepay.PaymentStatus{jovepay.PaymentWaiting, jovepay.PaymentConfirming}},
		"expired": {func(t *testing.T, server *jovepaytest.Server, p *jovepay.Payment) {
			t.Helper()
			require.NoError(t, second(server.Expire(p.ID)))
		}, false, []jovepay.PaymentStatus{jovepay.PaymentWaiting, jovepay.PaymentExpired, jovepay.PaymentConfirming}},
		"paid again": {func(t *testing.T, server *jovepaytest.Server, p *jovepay.Payment) {
			t.Helper()
			require.NoError(t, second(server.Deposit(p.ID, jovepay.Amount{})))
		}, true, []jovepay.PaymentStatus{jovepay.PaymentWaiting, jovepay.PaymentConfirming, jovepay.PaymentConfirming}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newServer(t)
			s := newShop(t, server)
			request := order()
			request.PayCurrency, request.IPNCallbackURL = "xrp", s.url
			p, err := newClient(t, server).Payments.Create(t.Context(), request)
			require.NoError(t, err)
			got, err := server.DepositWithoutMemo(p.ID, jovepay.MustAmount("100"))
			require.NoError(t, err)
			assert.Equal(t, jovepay.PaymentWaiting, got.Status)
			assert.Zero(t, got.ActuallyPaid.Sign())
			c.before(t, server, p)
			found, err := server.FindDeposit(p.ID)
			require.NoError(t, err)
			assert.Equal(t, jovepay.PaymentConfirming, found.Status)
			assert.Equal(t, "100", found.ActuallyPaid.String())
			assert.Equal(t, c.parent, found.ParentPaymentID == p.ID)
			assert.Equal(t, !c.parent, found.ID == p.ID)
			require.NoError(t, server.WaitDeliveries(t.Context()))
			assert.Equal(t, c.heard, s.heard())
			require.ErrorContains(t, second(server.FindDeposit(p.ID)), "no coins came")
		})
	}
	server := newServer(t)
	p := create(t, newClient(t, server))
	require.ErrorContains(t, second(server.DepositWithoutMemo(p.ID, jovepay.Amount{})), "has no memo")
	require.ErrorIs(t, second(server.DepositWithoutMemo("1", jovepay.Amount{})), jovepay.ErrNotFound)
}
