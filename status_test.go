package jovepay_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

// Statuses that JovePay's guide does not have and real notifications do: each
// ends a payment, and Wait with it.
func TestStatusesOfRealTraffic(t *testing.T) {
	t.Parallel()
	for _, status := range []jovepay.PaymentStatus{"canceled", "wrong_asset_confirmed"} {
		assert.True(t, status.Known(), status)
		assert.True(t, status.Final(), status)
		synctest.Test(t, func(t *testing.T) {
			s, client := play(t, inStatus("waiting"), inStatus(status))
			payment, err := client().Payments.Wait(t.Context(), "1", jovepay.WaitOptions{})
			require.NoError(t, err)
			assert.Equal(t, status, payment.Status)
			assert.Len(t, s.sent, 2)
		})
	}
}
