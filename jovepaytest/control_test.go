package jovepaytest_test

import (
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
			assert.Equal(t, asked.Raw, paid.Raw, "the server tells the test what it tells the shop")
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

func TestControlRefuses(t *testing.T) {
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
		"fault":       {server.Inject(jovepaytest.Fault{}), "jovepaytest: fault: nothing goes wrong"},
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
