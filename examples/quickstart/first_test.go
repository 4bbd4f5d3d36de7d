package main

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

// The customer pays the exact amount once, and too little once.
func TestFirstPayment(t *testing.T) {
	clearSettings(t)
	server, err := jovepaytest.NewServer()
	require.NoError(t, err)
	t.Cleanup(server.Close)
	t.Setenv("JOVEPAY_BASE_URL", server.URL)
	t.Setenv("JOVEPAY_API_KEY", server.APIKey)
	t.Setenv("JOVEPAY_IPN_SECRET", server.IPNSecret)

	for i, test := range []struct {
		amount jovepay.Amount
		want   string
	}{
		{jovepay.Amount{}, ""},
		{jovepay.MustAmount("0.0001"), "the payment ended as partially_paid"},
	} {
		result := make(chan error, 1)
		go func() { result <- firstPayment(t.Context()) }()
		var payments []*jovepay.Payment
		require.Eventually(t, func() bool {
			payments, err = server.Payments()
			return err == nil && len(payments) > i
		}, 10*time.Second, time.Millisecond)
		_, err = server.PayAmount(payments[i].ID, test.amount)
		require.NoError(t, err)

		err = <-result
		if test.want == "" {
			assert.NoError(t, err)
		} else {
			assert.EqualError(t, err, test.want)
		}
		for _, delivery := range server.Deliveries() {
			assert.Contains(t, []int{0, 200}, delivery.StatusCode) // 0: the program had ended
		}
	}
}

func TestFirstPaymentInterrupted(t *testing.T) {
	clearSettings(t)
	server, err := jovepaytest.NewServer()
	require.NoError(t, err)
	t.Cleanup(server.Close)
	t.Setenv("JOVEPAY_BASE_URL", server.URL)
	t.Setenv("JOVEPAY_API_KEY", server.APIKey)
	t.Setenv("JOVEPAY_IPN_SECRET", server.IPNSecret)
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- firstPayment(ctx) }()
	require.Eventually(t, func() bool {
		payments, err := server.Payments()
		return err == nil && len(payments) == 1
	}, 10*time.Second, time.Millisecond)
	cancel()
	assert.Error(t, <-result)
}

// Without a secret the program fails instead of accepting every notification.
func TestFirstPaymentWithoutSecret(t *testing.T) {
	clearSettings(t)
	t.Setenv("JOVEPAY_API_KEY", "some-key")
	t.Setenv("JOVEPAY_IPN_SECRET", " ")
	assert.ErrorContains(t, firstPayment(t.Context()), "IPN secret is empty")
}
