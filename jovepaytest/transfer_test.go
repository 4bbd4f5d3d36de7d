package jovepaytest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

func TestWithdrawal(t *testing.T) {
	t.Parallel()
	server := newServer(t, jovepaytest.WithFrozenClock(time.Date(2026, time.July, 27, 15, 29, 40, 803e6, time.UTC)))
	s := newShop(t, server)
	request := jovepaytest.WithdrawalRequest{
		Currency: "usdttrc20", Amount: jovepay.MustAmount("50"), Address: "address", IPNCallbackURL: s.url,
	}
	w, err := server.Withdraw(request)
	require.NoError(t, err)
	assert.Equal(t, jovepay.WithdrawalCreating, w.Status)
	assert.JSONEq(t, `{"id":"`+w.ID.String()+`","batch_withdrawal_id":"`+w.BatchWithdrawalID.String()+`","status":"CREATING",
		"error":null,"currency":"usdttrc20","amount":"50","address":"address","fee":null,"extra_id":null,"hash":null,
		"ipn_callback_url":"`+s.url+`","created_at":"2026-07-27T15:29:40.803Z","requested_at":null,"updated_at":null}`, string(w.Raw))

	want := []jovepay.Event{w}
	for _, status := range []jovepay.WithdrawalStatus{"WAITING", "PROCESSING", "SENDING", "FINISHED"} {
		_, err := server.MoveClock(time.Minute)
		require.NoError(t, err)
		w, err = server.SetWithdrawalStatus(w.ID, status)
		require.NoError(t, err)
		assert.Equal(t, status, w.Status)
		want = append(want, w)
	}
	assert.Equal(t, "0.05", w.Fee.String())
	assert.Len(t, w.Hash, 64)
	assert.Equal(t, server.Now(), w.UpdatedAt.Time)
	assert.Equal(t, server.Now().Add(-3*time.Minute), w.RequestedAt.Time)
	_, err = server.SetWithdrawalStatus(w.ID, jovepay.WithdrawalFinished) // which it is
	require.NoError(t, err)

	require.NoError(t, server.WaitDeliveries(t.Context()))
	assert.Equal(t, keys(want), keys(s.all()), "the shop receives what the test receives")
}

func TestFailedWithdrawal(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	w, err := server.Withdraw(jovepaytest.WithdrawalRequest{
		Currency: "xrp", Amount: jovepay.MustAmount("1.5"), Address: "r1", ExtraID: "77",
	})
	require.NoError(t, err)
	assert.Equal(t, "77", w.ExtraID)
	for _, status := range []jovepay.WithdrawalStatus{jovepay.WithdrawalFailed, jovepay.WithdrawalRejected} {
		w, err = server.SetWithdrawalStatus(w.ID, status)
		require.NoError(t, err)
		assert.NotEmpty(t, w.Error)
	}
	w, err = server.SetWithdrawalStatus(w.ID, "ON_HOLD")
	require.NoError(t, err)
	assert.Empty(t, w.Error)
	assert.Empty(t, server.Deliveries(), "nobody asked for notifications")
}

func TestRecurringPayment(t *testing.T) {
	t.Parallel()
	server := newServer(t, jovepaytest.WithFrozenClock(time.Date(2026, time.July, 26, 14, 20, 11, 531e6, time.UTC)))
	s := newShop(t, server)
	r, err := server.Recur(jovepaytest.RecurringRequest{
		Currency: "trx", Amount: jovepay.MustAmount("12.171365"), IPNCallbackURL: s.url,
	})
	require.NoError(t, err)
	assert.Equal(t, jovepay.WithdrawalWaiting, r.Status)
	want := []jovepay.Event{r}
	_, err = server.MoveClock(9548 * time.Millisecond)
	require.NoError(t, err)
	r, err = server.SetRecurringStatus(r.ID, jovepay.WithdrawalFinished)
	require.NoError(t, err)
	want = append(want, r)
	assert.JSONEq(t, `{"id":"`+r.ID.String()+`","status":"FINISHED","currency":"trx","amount":"12.171365",
		"ipn_callback_url":"`+s.url+`","created_at":"2026-07-26T14:20:11.531Z","updated_at":"2026-07-26T14:20:21.079Z"}`, string(r.Raw))
	require.NoError(t, server.WaitDeliveries(t.Context()))
	assert.Equal(t, keys(want), keys(s.all()))
}

// Withdrawals and recurring payments go the way of all notifications.
func TestTransfersMeetTheSameMishaps(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	s := newShop(t, server)
	behave(t, server, jovepaytest.IPNBehavior{
		Copies: 3, CamelCase: true, Forms: []jovepay.IPNForm{jovepay.FormRaw}, Lose: jovepaytest.Hits{Next: 1},
	})
	w, err := server.Withdraw(jovepaytest.WithdrawalRequest{
		Currency: "btc", Amount: jovepay.MustAmount("1"), Address: "3x", IPNCallbackURL: s.url,
	})
	require.NoError(t, err)
	require.NoError(t, server.WaitDeliveries(t.Context()))
	assert.Equal(t, keys([]jovepay.Event{w, w}), keys(s.all()), "one of three is lost")
	for i, d := range server.Deliveries() {
		assert.Equal(t, i+1, d.Number)
		assert.Equal(t, w.ID, d.PaymentID)
		assert.EqualValues(t, "CREATING", d.Status)
		assert.Contains(t, d.Body, `"batchWithdrawalId":"`)
	}
}

func TestTransfersReject(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	one := jovepay.MustAmount("1")
	recur := func(r jovepaytest.RecurringRequest) error { _, err := server.Recur(r); return err }
	withdraw := func(r jovepaytest.WithdrawalRequest) error { _, err := server.Withdraw(r); return err }
	r, err := server.Recur(jovepaytest.RecurringRequest{Currency: "trx", Amount: one})
	require.NoError(t, err)
	set := func(id jovepay.ID, status jovepay.WithdrawalStatus) error {
		_, err := server.SetWithdrawalStatus(id, status)
		return err
	}
	for name, c := range map[string]struct {
		err     error
		message string
	}{
		"no currency":     {recur(jovepaytest.RecurringRequest{Amount: one}), `currency: currency "" is not available`},
		"fiat":            {recur(jovepaytest.RecurringRequest{Currency: "usd", Amount: one}), "currency: usd is not a coin"},
		"no amount":       {recur(jovepaytest.RecurringRequest{Currency: "trx"}), "amount must be greater than 0"},
		"too fine":        {recur(jovepaytest.RecurringRequest{Currency: "trx", Amount: jovepay.MustAmount("1e-7")}), "amount must have at most 6 decimal places in trx"},
		"URL":             {recur(jovepaytest.RecurringRequest{Currency: "trx", Amount: one, IPNCallbackURL: "x"}), "ipn_callback_url must be a valid URL"},
		"no address":      {withdraw(jovepaytest.WithdrawalRequest{Currency: "trx", Amount: one}), "address is required"},
		"no id":           {set("x", "FINISHED"), `id "x" is not a number`},
		"no withdrawal":   {set("1", "FINISHED"), "withdrawal 1 not found"},
		"of another kind": {set(r.ID, "FINISHED"), "withdrawal " + r.ID.String() + " not found"},
		"no status":       {set(r.ID, ""), "status must have 1 to 64 characters"},
	} {
		assert.EqualError(t, c.err, "jovepaytest: "+c.message, name)
	}
	assert.ErrorIs(t, set("1", "FINISHED"), jovepay.ErrNotFound)
}

func keys(events []jovepay.Event) []string {
	list := make([]string, len(events))
	for i, event := range events {
		list[i] = event.Key()
	}
	return list
}
