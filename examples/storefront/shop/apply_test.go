package shop

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

// After a lost response there can be two payments for an order. The order keeps
// the one that the customer may have seen.
func TestOrderKeepsItsFirstPayment(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), Settings{Database: filepath.Join(t.TempDir(), "storefront.db")})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	id := NewOrderID()
	_, err = s.db.ExecContext(t.Context(), `INSERT INTO orders
		(id, created_ms, item, price_amount, price_currency, pay_currency, method, state)
		VALUES ($1, 0, 'evening', '18', 'usd', 'btc', 'address', 'pending')`, id)
	require.NoError(t, err)

	first := &jovepay.Payment{ID: "1", PayAddress: "first", PayAmount: jovepay.MustAmount("0.1")}
	second := &jovepay.Payment{ID: "2", PayAddress: "second", PayAmount: jovepay.MustAmount("0.2")}
	expires := time.UnixMilli(1_700_000_000_000)
	response := *first
	response.ExpirationEstimateDate = jovepay.Time{Time: expires}
	for _, payment := range []*jovepay.Payment{first, second, &response, first} {
		order, err := s.Find(t.Context(), id)
		require.NoError(t, err)
		require.NoError(t, adopt(t.Context(), s.db, order, payment))
		assert.Equal(t, first.ID, order.PaymentID)
		assert.Equal(t, "first", order.PayAddress)
		assert.Equal(t, "0.1", order.PayAmount.String())
	}
	order, err := s.Find(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, expires, order.Expires, "from the response")
}
