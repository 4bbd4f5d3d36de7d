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

func TestInvoiceAndItsPayments(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	client := newClient(t, server)
	created, err := client.Invoices.Create(t.Context(), jovepay.InvoiceRequest{
		PriceAmount: jovepay.MustAmount("49.90"), PriceCurrency: "usd", SuccessURL: "https://shop.example/thanks",
	})
	require.NoError(t, err)
	invoice, err := server.Invoice(created.ID)
	require.NoError(t, err)
	assert.Equal(t, created, invoice)

	none, err := server.InvoicePayments(invoice.ID)
	require.NoError(t, err)
	assert.Empty(t, none)
	first, err := server.CheckOut(invoice.ID, "xrp")
	require.NoError(t, err)
	odd, err := server.DepositWrongAsset(first.ID, "xlm", jovepay.Amount{})
	require.NoError(t, err)
	create(t, client) // of no invoice
	payments, err := server.InvoicePayments(invoice.ID)
	require.NoError(t, err)
	require.Len(t, payments, 2)
	assert.Equal(t, []jovepay.ID{first.ID, odd.ID}, []jovepay.ID{payments[0].ID, payments[1].ID})

	_, err = server.Invoice("1")
	require.ErrorIs(t, err, jovepay.ErrNotFound)
	_, err = server.InvoicePayments("1")
	require.ErrorIs(t, err, jovepay.ErrNotFound)
	_, err = server.Invoice("x")
	require.ErrorIs(t, err, jovepay.ErrInvalidRequest)
	_, err = server.InvoicePayments("x")
	require.ErrorIs(t, err, jovepay.ErrInvalidRequest)
}

// The last payments are those at the end of the whole list, also where the clock
// was set back.
// Payments that an order had at the same time are found, and only these.
func TestDuplicates(t *testing.T) {
	t.Parallel()
	server := newServer(t, jovepaytest.WithPayments(3))
	client := newClient(t, server)
	first := create(t, client)
	duplicates, err := server.Duplicates()
	require.NoError(t, err)
	assert.Empty(t, duplicates)
	another := create(t, client)
	_, err = server.Pay(another.ID)
	require.NoError(t, err)
	duplicates, err = server.Duplicates()
	require.NoError(t, err)
	require.Len(t, duplicates, 1)
	require.Len(t, duplicates[0], 2)
	assert.Equal(t, []jovepay.ID{first.ID, another.ID}, []jovepay.ID{duplicates[0][0].ID, duplicates[0][1].ID})
	assert.Equal(t, jovepay.PaymentFinished, duplicates[0][1].Status)
}

func TestLatest(t *testing.T) {
	t.Parallel()
	clock := newHands()
	server := newServer(t, jovepaytest.WithClock(clock.Now), jovepaytest.WithPayments(3))
	client := newClient(t, server)
	create(t, client)
	clock.Pass(-time.Hour)
	create(t, client)
	all, err := server.Payments()
	require.NoError(t, err)
	require.Len(t, all, 5)
	slices.Reverse(all)
	for _, n := range []int{0, 1, 2, 4, 5, 6, math.MaxInt} {
		latest, err := server.Latest(n)
		require.NoError(t, err)
		assert.Equal(t, all[:min(n, len(all))], latest)
	}
	none, err := server.Latest(-1)
	require.NoError(t, err)
	assert.Empty(t, none)
}

func TestCurrenciesInFull(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	require.NoError(t, server.SetCurrencies("xrp", "btc"))
	require.NoError(t, server.SetMinimum("xrp", jovepay.MustAmount("4")))
	currencies, err := server.Currencies()
	require.NoError(t, err)
	assert.Equal(t, []jovepay.Currency{
		{
			Code: "btc", Name: "Bitcoin", Network: "btc", Enabled: true,
			MinAmount: jovepay.MustAmount("0.00003125"), MaxAmount: jovepay.MustAmount("31.25"),
		},
		{
			Code: "xrp", Name: "XRP", Network: "xrp", Enabled: true, ExtraIDExists: true,
			MinAmount: jovepay.MustAmount("4"), MaxAmount: jovepay.MustAmount("4000000"),
		},
	}, currencies)

	amount, err := server.Estimate(jovepay.MustAmount("64"), "usd", "btc")
	require.NoError(t, err)
	assert.Equal(t, "0.001", amount.String())
	_, err = server.Estimate(jovepay.Amount{}, "usd", "btc")
	require.ErrorIs(t, err, jovepay.ErrInvalidRequest)
}

// What is shown to a customer is known of every payment, as in the response that
// created the payment.
func TestPaymentsHaveWhatOnlyTheirCreationReturns(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	request := order()
	request.PayCurrency, request.IPNCallbackURL = "usdterc20", "https://shop.example/ipn"
	created, err := newClient(t, server).Payments.Create(t.Context(), request)
	require.NoError(t, err)
	p, err := server.Payment(created.ID)
	require.NoError(t, err)
	assert.Equal(t, created.ExpirationEstimateDate, p.ExpirationEstimateDate)
	assert.Equal(t, "eth", p.Network)
	assert.Equal(t, 6, p.NetworkPrecision)
	assert.Equal(t, created.SmartContract, p.SmartContract)
	assert.Equal(t, request.IPNCallbackURL, p.IPNCallbackURL)
	assert.NotContains(t, string(p.Raw), "network")
}
