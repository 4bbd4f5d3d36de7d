package emulator_test

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/internal/emulator"
	"github.com/jovepay/jovepay-go/internal/emulator/engine"
)

// The webhooks of JovePay's guide, but for its addresses of callbacks, which are
// no URLs, and for what the emulator chooses.
const (
	guideWithdrawal = `{"id":"123456789","batch_withdrawal_id":"987654321","status":"CREATING","error":null,` +
		`"currency":"usdttrc20","amount":"50","address":"address","fee":null,"extra_id":null,"hash":null,` +
		`"ipn_callback_url":null,"created_at":"2023-07-27T15:29:40.803Z","requested_at":null,"updated_at":null}`
	guideRecurring = `{"id":"1234567890","status":"FINISHED","currency":"trx","amount":"12.171365",` +
		`"ipn_callback_url":null,"created_at":"2023-07-26T14:20:11.531Z","updated_at":"2023-07-26T14:20:21.079Z"}`
)

func TestTransfersAreNotifiedAsInTheGuide(t *testing.T) {
	t.Parallel()
	now := time.Date(2023, time.July, 27, 15, 29, 40, 803_999_999, time.UTC)
	e, err := engine.New(engine.Config{Now: func() time.Time { return now }})
	require.NoError(t, err)
	w, err := e.CreateTransfer(engine.TransferRequest{
		Currency: "USDTTRC20", Amount: decimal.RequireFromString("50"), Address: "address",
	})
	require.NoError(t, err)
	w.ID, w.BatchID = 123456789, 987654321
	body, err := emulator.TransferJSON(&w, false)
	require.NoError(t, err)
	assert.JSONEq(t, guideWithdrawal, string(body))
	assert.Equal(t, names(t, guideWithdrawal), names(t, string(body)))

	now = time.Date(2023, time.July, 26, 14, 20, 11, 531e6, time.UTC)
	r, err := e.CreateTransfer(engine.TransferRequest{
		Recurring: true, Currency: "trx", Amount: decimal.RequireFromString("12.171365"),
	})
	require.NoError(t, err)
	now = time.Date(2023, time.July, 26, 14, 20, 21, 79e6, time.UTC)
	r, err = e.SetTransferStatus(r.ID, true, engine.TransferFinished)
	require.NoError(t, err)
	r.ID = 1234567890
	body, err = emulator.TransferJSON(&r, false)
	require.NoError(t, err)
	assert.JSONEq(t, guideRecurring, string(body))
	assert.Equal(t, names(t, guideRecurring), names(t, string(body)))

	camel, err := emulator.TransferJSON(&r, true)
	require.NoError(t, err)
	assert.Equal(t, []string{"id", "status", "currency", "amount", "ipnCallbackUrl", "createdAt", "updatedAt"}, names(t, string(camel)))
}
