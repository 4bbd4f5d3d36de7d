package jovepaytest_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

func TestPay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		amount jovepay.Amount
		paid   string
		status jovepay.PaymentStatus
	}{
		"exact":          {jovepay.Amount{}, "0.001", jovepay.PaymentFinished},
		"exact, as zero": {jovepay.MustAmount("0"), "0.001", jovepay.PaymentFinished},
		"exact, as such": {jovepay.MustAmount("0.00100"), "0.001", jovepay.PaymentFinished},
		"over":           {jovepay.MustAmount("0.0011"), "0.0011", jovepay.PaymentFinished},
		"under":          {jovepay.MustAmount("0.0009"), "0.0009", jovepay.PaymentPartiallyPaid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newServer(t)
			client := newClient(t, server)
			created := create(t, client)
			paid, err := server.PayAmount(created.ID, c.amount)
			require.NoError(t, err)
			assert.Equal(t, c.status, paid.Status)
			assert.Equal(t, c.paid, paid.ActuallyPaid.String())
			assert.NotEmpty(t, paid.Raw)

			asked, err := client.Payments.Get(t.Context(), created.ID)
			require.NoError(t, err)
			assert.Equal(t, asked.Raw, paid.Raw, "the test and the shop receive the same")
		})
	}
}

func TestPayTwice(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	client := newClient(t, server)
	first := create(t, client)
	_, err := server.PayAmount(first.ID, jovepay.MustAmount("0.0009"))
	require.NoError(t, err)
	again, err := server.PayAmount(first.ID, jovepay.MustAmount("0.0001"))
	require.NoError(t, err)
	assert.Equal(t, first.ID, again.ParentPaymentID)
	assert.Equal(t, "REPEATED", again.OriginType)
	assert.Equal(t, jovepay.PaymentFinished, again.Status)

	parent, err := server.Payment(first.ID)
	require.NoError(t, err)
	assert.Equal(t, []jovepay.ID{again.ID}, parent.PaymentExtraIDs)
	assert.Equal(t, jovepay.PaymentPartiallyPaid, parent.Status)

	all, err := server.Payments()
	require.NoError(t, err)
	require.Len(t, all, 2)
	assert.Equal(t, []jovepay.ID{first.ID, again.ID}, []jovepay.ID{all[0].ID, all[1].ID})
}

func TestStepByStep(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	p, err := server.Deposit(create(t, newClient(t, server)).ID, jovepay.Amount{})
	require.NoError(t, err)
	statuses := []jovepay.PaymentStatus{p.Status}
	for !p.Status.Final() {
		p, err = server.Advance(p.ID)
		require.NoError(t, err)
		statuses = append(statuses, p.Status)
	}
	assert.Equal(t, []jovepay.PaymentStatus{
		jovepay.PaymentConfirming, jovepay.PaymentConfirmed, jovepay.PaymentSending, jovepay.PaymentFinished,
	}, statuses)
	_, err = server.Advance(p.ID)
	require.EqualError(t, err, "jovepaytest: payment "+p.ID.String()+" is finished, no status follows")

	p, err = server.SetStatus(p.ID, "on_hold")
	require.NoError(t, err)
	assert.EqualValues(t, "on_hold", p.Status)
}

func TestAutoAdvance(t *testing.T) {
	t.Parallel()
	clock := newHands()
	server := newServer(t, jovepaytest.WithClock(clock.Now), jovepaytest.WithAutoAdvance(time.Minute))
	client := newClient(t, server)
	p, err := server.Pay(create(t, client).ID)
	require.NoError(t, err)
	for _, want := range []jovepay.PaymentStatus{
		jovepay.PaymentConfirming, jovepay.PaymentConfirmed, jovepay.PaymentSending, jovepay.PaymentFinished,
	} {
		p, err = client.Payments.Get(t.Context(), p.ID)
		require.NoError(t, err)
		assert.Equal(t, want, p.Status)
		clock.Pass(time.Minute)
	}
}

func TestCheckOut(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	client := newClient(t, server)
	invoice, err := client.Invoices.Create(t.Context(), jovepay.InvoiceRequest{PriceAmount: jovepay.MustAmount("64"), PriceCurrency: "usd"})
	require.NoError(t, err)
	_, err = server.CheckOut(invoice.ID, "")
	require.Error(t, err, "the customer has to choose")
	p, err := server.CheckOut(invoice.ID, "btc")
	require.NoError(t, err)
	assert.Equal(t, invoice.ID, p.InvoiceID)

	page, err := client.Payments.List(t.Context(), jovepay.PaymentListOptions{InvoiceID: invoice.ID})
	require.NoError(t, err)
	require.Len(t, page.Payments, 1)
	assert.Equal(t, p.ID, page.Payments[0].ID)
}

func TestPricesAndMinimums(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	client := newClient(t, server)
	require.NoError(t, server.SetPrice("btc", jovepay.MustAmount("32000")))
	assert.Equal(t, "0.002", create(t, client).PayAmount.String())

	require.NoError(t, server.SetMinimum("btc", jovepay.MustAmount("1")))
	_, err := client.Payments.Create(t.Context(), order())
	require.ErrorIs(t, err, jovepay.ErrInvalidRequest)
	require.NoError(t, server.SetMinimum("btc", jovepay.Amount{}))
	create(t, client)

	require.NoError(t, server.SetPrice("jove", jovepay.MustAmount("1")))
	require.NoError(t, server.SetCurrencies("jove", "eth"))
	list, err := client.Currencies.List(t.Context(), jovepay.CurrencyListOptions{})
	require.NoError(t, err)
	assert.Equal(t, "eth", list.Currencies[0].Code)
	assert.Equal(t, "jove", list.Currencies[1].Code)
}

func TestControlRejects(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	id := create(t, newClient(t, server)).ID
	for name, c := range map[string]struct {
		err     error
		message string
	}{
		"id":          {second(server.Payment("abc")), `jovepaytest: id "abc" is not a number`},
		"no id":       {second(server.Pay("")), `jovepaytest: id "" is not a number`},
		"no payment":  {second(server.Pay("1")), "jovepaytest: payment 1 not found"},
		"no invoice":  {second(server.CheckOut("1", "btc")), "jovepaytest: invoice 1 not found"},
		"negative":    {second(server.Deposit(id, jovepay.MustAmount("-1"))), "jovepaytest: amount must be greater than 0"},
		"too fine":    {second(server.PayAmount(id, jovepay.MustAmount("1e-9"))), "jovepaytest: amount must have at most 8 decimal places in btc"},
		"no status":   {second(server.SetStatus(id, "")), "jovepaytest: status must have 1 to 64 characters"},
		"no price":    {server.SetPrice("btc", jovepay.Amount{}), "jovepaytest: price must be greater than 0"},
		"no currency": {server.SetCurrencies("zzz"), `jovepaytest: currencies: currency "zzz" is not available`},
		"minimum":     {server.SetMinimum("zzz", jovepay.Amount{}), `jovepaytest: minimum: currency "zzz" is not available`},
		"fault":       {server.Inject(jovepaytest.Fault{}), "jovepaytest: fault: it changes no response"},
	} {
		assert.EqualError(t, c.err, c.message, name)
	}
}

func TestFaultReachesTheClient(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	once := jovepay.WithRetry(jovepay.RetryPolicy{MaxAttempts: 1})
	client := newClient(t, server, once)
	require.NoError(t, server.Inject(
		jovepaytest.Fault{Method: "POST", Path: "/v1/payment", Cut: true, AfterEffect: true, Times: 1},
		jovepaytest.Fault{Path: "/v1/payment/*", Status: 502, Body: jovepaytest.BadGatewayPage},
	))
	_, err := client.Payments.Create(t.Context(), order())
	require.ErrorIs(t, err, jovepay.ErrOutcomeUnknown)
	all, err := server.Payments()
	require.NoError(t, err)
	require.Len(t, all, 1, "it was made all the same")
	_, err = client.Payments.Get(t.Context(), all[0].ID)
	require.ErrorIs(t, err, jovepay.ErrServer)
	server.ClearFaults()
	_, err = client.Payments.Get(t.Context(), all[0].ID)
	require.NoError(t, err)
	assert.Equal(t, 1, server.Count("POST", "/v1/payment"))
	assert.True(t, server.Requests()[0].Handled)
}

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

// A repeated deposit is seen from both ends, in responses and in notifications.
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
	last := map[jovepay.ID]*jovepay.PaymentEvent{}
	for _, event := range events {
		p, ok := event.(*jovepay.PaymentEvent)
		require.True(t, ok)
		last[p.ID] = p
	}
	assert.Equal(t, jovepay.PaymentConfirmed, last[asked.ID].Status)
	assert.Equal(t, children, last[asked.ID].PaymentExtraIDs)
	for _, id := range children {
		assert.Equal(t, asked.ID, last[id].ParentPaymentID)
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

// Money that comes late on the same id is news of the same payment.
func TestDepositLate(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	s := newShop(t, server)
	p := createFor(t, newClient(t, server), s)
	require.EqualError(t, second(server.DepositLate(p.ID, jovepay.Amount{})),
		"jovepaytest: payment "+p.ID.String()+" is waiting, only one that is expired or failed is paid late")
	_, err := server.Expire(p.ID)
	require.NoError(t, err)
	late, err := server.DepositLate(p.ID, jovepay.Amount{})
	require.NoError(t, err)
	assert.Equal(t, p.ID, late.ID)
	assert.Empty(t, late.ParentPaymentID)
	assert.Equal(t, "0.001", late.ActuallyPaid.String())
	for !late.Status.Final() {
		late, err = server.Advance(p.ID)
		require.NoError(t, err)
	}
	require.NoError(t, server.WaitDeliveries(t.Context()))
	assert.Equal(t, slices.Insert(life(), 1, jovepay.PaymentExpired), s.heard())
	payments, err := server.Payments()
	require.NoError(t, err)
	assert.Len(t, payments, 1)
}

// The amount of a part is in the payment, in the list and in the notification, and
// nowhere else.
func TestRefundPart(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	s := newShop(t, server)
	client := newClient(t, server)
	p := createFor(t, client, s)
	require.ErrorContains(t, second(server.RefundPart(p.ID, jovepay.MustAmount("0.0001"))), "there is nothing to refund")
	pay(t, server, p.ID)
	require.EqualError(t, second(server.RefundPart(p.ID, jovepay.MustAmount("0.0011"))), "jovepaytest: amount 0.0011 is more than the 0.001 btc that came")
	refunded, err := server.RefundPart(p.ID, jovepay.MustAmount("0.0004"))
	require.NoError(t, err)
	got, err := client.Payments.Get(t.Context(), p.ID)
	require.NoError(t, err)
	page, err := client.Payments.List(t.Context(), jovepay.PaymentListOptions{})
	require.NoError(t, err)
	for _, shown := range []*jovepay.Payment{refunded, got, page.Payments[0]} {
		assert.Equal(t, jovepay.PaymentRefunded, shown.Status)
		assert.Equal(t, "0.001", shown.ActuallyPaid.String())
		assert.Equal(t, "0.0004", string(shown.Extra["refunded_amount"]))
	}
	require.NoError(t, server.WaitDeliveries(t.Context()))
	events := s.all()
	for i, event := range events {
		payment, ok := event.(*jovepay.PaymentEvent)
		require.True(t, ok)
		if i < len(events)-1 {
			assert.NotContains(t, payment.Extra, "refunded_amount")
			continue
		}
		assert.Equal(t, jovepay.PaymentRefunded, payment.Status)
		assert.Equal(t, "0.0004", string(payment.Extra["refunded_amount"]))
	}
	whole := createFor(t, client, s)
	pay(t, server, whole.ID)
	whole, err = server.RefundPart(whole.ID, jovepay.Amount{})
	require.NoError(t, err)
	assert.Equal(t, jovepay.PaymentRefunded, whole.Status)
	assert.NotContains(t, whole.Extra, "refunded_amount")
}

func TestListLag(t *testing.T) {
	t.Parallel()
	server := newServer(t, jovepaytest.WithFrozenClock(noon()), jovepaytest.WithListLag(time.Minute))
	client := newClient(t, server)
	p := create(t, client)
	list := func() []*jovepay.Payment {
		page, err := client.Payments.List(t.Context(), jovepay.PaymentListOptions{})
		require.NoError(t, err)
		return page.Payments
	}
	pass := func(d time.Duration) {
		_, err := server.MoveClock(d)
		require.NoError(t, err)
	}
	assert.Empty(t, list())
	got, err := client.Payments.Get(t.Context(), p.ID)
	require.NoError(t, err)
	assert.Equal(t, jovepay.PaymentWaiting, got.Status)
	pass(30 * time.Second)
	_, err = server.Pay(p.ID)
	require.NoError(t, err)
	pass(30 * time.Second)
	require.Len(t, list(), 1)
	assert.Equal(t, jovepay.PaymentWaiting, list()[0].Status)
	assert.Zero(t, list()[0].ActuallyPaid.Sign())
	got, err = client.Payments.Get(t.Context(), p.ID)
	require.NoError(t, err)
	assert.Equal(t, jovepay.PaymentFinished, got.Status)
	pass(30 * time.Second)
	assert.Equal(t, jovepay.PaymentFinished, list()[0].Status)
	create(t, client)
	assert.Len(t, list(), 1)
	require.NoError(t, server.SetListLag(0))
	assert.Len(t, list(), 2)
	require.ErrorIs(t, server.SetListLag(-1), jovepay.ErrInvalidRequest)
	_, err = jovepaytest.NewServer(jovepaytest.WithListLag(-1))
	require.EqualError(t, err, "jovepaytest: list lag must be from 0 to 876000h0m0s, got -1ns")
}

func TestOddDepositsReject(t *testing.T) {
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

// What falls due while the clock moves is sent in the order in which it was
// due, although all of it happens at once.
func TestMoveClockNotifiesWhatFellDue(t *testing.T) {
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
	type reported struct {
		id     jovepay.ID
		status jovepay.PaymentStatus
	}
	var got []reported
	for _, d := range server.Deliveries() {
		assert.Equal(t, jovepaytest.DeliveryDone, d.Outcome)
		got = append(got, reported{d.PaymentID, d.Status})
	}
	assert.Equal(t, []reported{
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

func TestMoveClockRejects(t *testing.T) {
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

// A token expires by the server's clock, whoever moved it.
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
