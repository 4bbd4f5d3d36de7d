package docs_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

// guideShop is the shop that docs/testing.md tests: it sells one thing for 64
// dollars, to be paid with 0.001 btc.
type guideShop struct {
	client *jovepay.Client
	ipn    http.Handler
	url    string // where JovePay delivers notifications

	mu       sync.Mutex
	expected map[string]jovepay.Expectation
	shipped  []string // order ids
	verdicts []jovepay.Decision
}

func newGuideShop(client *jovepay.Client, ipnSecret string) (*guideShop, error) {
	verifier, err := jovepay.NewIPNVerifier(ipnSecret)
	if err != nil {
		return nil, err
	}
	shop := &guideShop{client: client, expected: map[string]jovepay.Expectation{}}
	shop.ipn = verifier.Handler(inbox.New(new(inbox.Memory)).Once(shop.paymentChanged))
	return shop, nil
}

// Order makes the payment for an order.
func (s *guideShop) Order(ctx context.Context, id string) (*jovepay.Payment, error) {
	payment, err := s.client.Payments.CreateOnce(ctx, jovepay.PaymentRequest{
		PriceAmount: jovepay.MustAmount("64"), PriceCurrency: "usd", PayCurrency: "btc",
		OrderID: id, IPNCallbackURL: s.url,
	})
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expected[id] = payment.Expectation()
	return payment, nil
}

func (s *guideShop) paymentChanged(_ context.Context, _ inbox.NoTx, event jovepay.Event) error {
	payment, ok := event.(*jovepay.PaymentEvent)
	if !ok {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	verdict := s.expected[payment.OrderID].Settle(&payment.Payment)
	s.verdicts = append(s.verdicts, verdict.Decision)
	if verdict.Fulfill() {
		s.shipped = append(s.shipped, payment.OrderID)
	}
	return nil
}

// Shipped returns the orders that were shipped.
func (s *guideShop) Shipped() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.shipped...)
}

// lastVerdict returns what the last news meant for its order.
func (s *guideShop) lastVerdict() jovepay.Decision {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.verdicts[len(s.verdicts)-1]
}

func open(t *testing.T, opts ...jovepaytest.Option) (*jovepaytest.Server, *guideShop) {
	t.Helper()
	server, err := jovepaytest.NewServer(opts...)
	require.NoError(t, err)
	t.Cleanup(server.Close)
	client, err := server.Client()
	require.NoError(t, err)

	shop, err := newGuideShop(client, server.IPNSecret)
	require.NoError(t, err)
	site := httptest.NewServer(shop.ipn)
	t.Cleanup(site.Close)
	shop.url = site.URL
	return server, shop
}

func TestGuidePaidExactly(t *testing.T) {
	t.Parallel()
	server, shop := open(t)

	payment, err := shop.Order(t.Context(), "order-1001")
	require.NoError(t, err)
	_, err = server.Pay(payment.ID) // exactly what was asked
	require.NoError(t, err)
	require.NoError(t, server.WaitDeliveries(t.Context()))

	require.Equal(t, []string{"order-1001"}, shop.Shipped())
}

func TestGuideUnderpaid(t *testing.T) {
	t.Parallel()
	server, shop := open(t)

	payment, err := shop.Order(t.Context(), "order-1001")
	require.NoError(t, err)
	_, err = server.PayAmount(payment.ID, jovepay.MustAmount("0.0009"))
	require.NoError(t, err)
	require.NoError(t, server.WaitDeliveries(t.Context()))

	require.Empty(t, shop.Shipped())
	assert.Equal(t, jovepay.DecisionUnderpaid, shop.lastVerdict())
}

func TestGuideBadDelivery(t *testing.T) {
	t.Parallel()
	server, shop := open(t, jovepaytest.WithIPNRetries(5, time.Millisecond))
	require.NoError(t, server.SetIPN(jovepaytest.IPNBehavior{
		Copies:  3,                             // every event three times,
		Shuffle: 6,                             // in any order,
		AtOnce:  true,                          // at the same moment,
		Corrupt: jovepaytest.Hits{Percent: 20}, // some changed in transit,
		Forge:   jovepaytest.Hits{Percent: 20}, // some not from JovePay
	}))

	payment, err := shop.Order(t.Context(), "order-1001")
	require.NoError(t, err)
	_, err = server.Pay(payment.ID)
	require.NoError(t, err)
	require.NoError(t, server.WaitDeliveries(t.Context()))

	require.Equal(t, []string{"order-1001"}, shop.Shipped())
}

func TestGuideLostResponse(t *testing.T) {
	t.Parallel()
	server, shop := open(t)
	require.NoError(t, server.Inject(jovepaytest.Fault{
		Method: "POST", Path: "/v1/payment", Times: 1,
		AfterEffect: true, Cut: true, // JovePay creates the payment, and the response is lost
	}))

	payment, err := shop.Order(t.Context(), "order-1001")
	require.NoError(t, err)

	made, err := server.Payments()
	require.NoError(t, err)
	require.Len(t, made, 1) // and not a second one
	require.Equal(t, made[0].ID, payment.ID)
}

func TestGuideLateCreate(t *testing.T) {
	t.Parallel()
	server, shop := open(t, jovepaytest.WithFrozenClock(time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)))
	require.NoError(t, server.Inject(jovepaytest.Fault{
		Method: "POST", Path: "/v1/payment", Times: 1,
		EffectAfter: 3 * time.Minute, Cut: true, // nothing now, and a payment in three minutes
	}))

	_, err := shop.client.Payments.Create(t.Context(), jovepay.PaymentRequest{
		PriceAmount: jovepay.MustAmount("64"), PriceCurrency: "usd", PayCurrency: "btc", OrderID: "order-1001",
	})
	require.ErrorIs(t, err, jovepay.ErrOutcomeUnknown)
	_, err = server.MoveClock(3 * time.Minute)
	require.NoError(t, err)

	made, err := server.Payments()
	require.NoError(t, err)
	require.Len(t, made, 1)
	duplicates, err := server.Duplicates() // payments that one order had at the same time
	require.NoError(t, err)
	require.Empty(t, duplicates)
}

func TestGuideNobodyPays(t *testing.T) {
	t.Parallel()
	server, shop := open(t, jovepaytest.WithFrozenClock(time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)))

	_, err := shop.Order(t.Context(), "order-1001")
	require.NoError(t, err)
	_, err = server.MoveClock(8 * 24 * time.Hour)
	require.NoError(t, err)
	require.NoError(t, server.WaitDeliveries(t.Context()))

	assert.Equal(t, jovepay.DecisionClosed, shop.lastVerdict())
}

func TestGuideWrongCoin(t *testing.T) {
	t.Parallel()
	server, shop := open(t)

	payment, err := shop.Order(t.Context(), "order-1001")
	require.NoError(t, err)
	child, err := server.DepositWrongAsset(payment.ID, "ltc", jovepay.MustAmount("0.8"))
	require.NoError(t, err)
	for !child.Status.Final() { // somebody at JovePay accepts it
		child, err = server.Advance(child.ID)
		require.NoError(t, err)
	}
	require.NoError(t, server.WaitDeliveries(t.Context()))

	require.Empty(t, shop.Shipped())
	assert.Equal(t, jovepay.DecisionWrongAsset, shop.lastVerdict())
}
