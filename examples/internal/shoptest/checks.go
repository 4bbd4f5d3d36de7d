package shoptest

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

func appliesOnce(t *testing.T, serve Serve) {
	t.Helper()
	for name, test := range map[string]struct {
		how     jovepaytest.IPNBehavior
		inOrder bool
	}{
		"js":              {jovepaytest.IPNBehavior{}, true},
		"js-arrays":       {jovepaytest.IPNBehavior{Forms: []jovepay.IPNForm{jovepay.FormJSArrays}}, true},
		"php":             {jovepaytest.IPNBehavior{Forms: []jovepay.IPNForm{jovepay.FormPHP}}, true},
		"python":          {jovepaytest.IPNBehavior{Forms: []jovepay.IPNForm{jovepay.FormPython}}, true},
		"shop plugins":    {jovepaytest.IPNBehavior{Forms: []jovepay.IPNForm{jovepay.FormRaw}, CamelCase: true}, true},
		"three times":     {jovepaytest.IPNBehavior{Copies: 3}, true},
		"ten at once":     {jovepaytest.IPNBehavior{Copies: 10, AtOnce: true}, false},
		"in other orders": {jovepaytest.IPNBehavior{Copies: 2, Shuffle: 10}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := open(t, serve)
			m.before = slices.Repeat([]func() error{takesTime}, 10)
			require.NoError(t, m.jovepay.SetIPN(test.how))
			want := m.sell(t)
			m.answers(t)
			want = append(want, m.sell(t)...)
			answers := m.answers(t)
			assert.Len(t, answers, len(want)*max(1, test.how.Copies))
			for _, code := range answers {
				assert.Equal(t, 200, code)
			}
			if test.inOrder {
				assert.Equal(t, want, m.statuses())
			} else {
				assert.ElementsMatch(t, want, m.statuses())
			}
		})
	}
}

// takesTime lets the deliveries of one event meet in the shop.
func takesTime() error {
	<-time.After(10 * time.Millisecond)
	return nil
}

func refusesForgeries(t *testing.T, serve Serve) {
	t.Helper()
	for name, how := range map[string]jovepaytest.IPNBehavior{
		"another secret": {Forge: jovepaytest.Hits{Next: 1}},
		"a changed byte": {Corrupt: jovepaytest.Hits{Next: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := open(t, serve)
			require.NoError(t, m.jovepay.SetIPN(how))
			want := m.sell(t)
			assert.Equal(t, []int{401, 200, 200, 200, 200, 200}, m.answers(t), "the genuine one came after the forged one")
			assert.Equal(t, want, m.statuses())
		})
	}
	t.Run("no signature", func(t *testing.T) {
		t.Parallel()
		m := open(t, serve)
		code, _ := m.post(t, `{"payment_id":1,"payment_status":"finished"}`, "")
		assert.Equal(t, 401, code)
		assert.Empty(t, m.statuses())
	})
}

func refusesMalformed(t *testing.T, serve Serve) {
	t.Helper()
	m := open(t, serve)
	for name, body := range map[string]string{
		"empty":         "",
		"no JSON":       "payment_id=1",
		"no object":     "[1]",
		"cut off":       `{"payment_id":1`,
		"said twice":    `{"payment_id":1,"payment_id":2}`,
		"more after it": `{"payment_id":1}}`,
		"over 64 KiB":   `{"payment_id":1,"order_id":"` + strings.Repeat("x", 64<<10) + `"}`,
		"too deep":      `{"a":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`,
	} {
		signature, err := m.jovepay.Sign([]byte(body), jovepay.FormRaw)
		require.NoError(t, err)
		want := 400
		if name == "over 64 KiB" {
			want = 413
		}
		code, _ := m.post(t, body, signature)
		assert.Equal(t, want, code, name)
	}
	assert.Empty(t, m.statuses())
}

func acknowledges(t *testing.T, serve Serve) {
	t.Helper()
	m := open(t, serve)
	for _, event := range []jovepay.Event{
		new(jovepay.WithdrawalEvent),
		new(jovepay.RecurringPaymentEvent),
		&jovepay.UnknownEvent{Raw: []byte(`{"refund":1}`)},
	} {
		body, err := jovepaytest.IPNBody(event)
		require.NoError(t, err)
		assert.NoError(t, m.jovepay.SendIPN(t.Context(), m.ipnURL, body))
	}
	assert.Equal(t, []int{200, 200, 200}, m.answers(t))
	assert.Empty(t, m.statuses())
}

// fails and crashes are two ways in which a shop's work goes wrong.
func fails() error   { return errors.New("reason: the database is down") }
func crashes() error { panic("reason: the database is nil") } //nolint:forbidigo // so do shops

func hearsAgain(t *testing.T, serve Serve) {
	t.Helper()
	m := open(t, serve)
	m.before = []func() error{fails, crashes}
	want := m.sell(t)
	assert.Equal(t, []int{500, 500, 200, 200, 200, 200, 200}, m.answers(t))
	assert.Equal(t, want, m.statuses())
}

func tellsNoReasons(t *testing.T, serve Serve) {
	t.Helper()
	m := open(t, serve)
	const body = `{"payment_id":1,"payment_status":"finished"}`
	genuine, err := m.jovepay.Sign([]byte(body), jovepay.FormJS)
	require.NoError(t, err)
	m.before = []func() error{fails, crashes}
	for _, want := range []int{500, 500, 200} {
		code, answer := m.post(t, body, genuine)
		assert.Equal(t, want, code)
		assert.NotContains(t, answer, "reason")
	}
	for _, signature := range []string{"", strings.Repeat("0", len(genuine))} {
		_, answer := m.post(t, body, signature)
		assert.NotContains(t, answer, "jovepay")
	}
	_, answer := m.post(t, "{", genuine)
	assert.NotContains(t, answer, "jovepay")
}

func endsItsWork(t *testing.T, serve Serve) {
	t.Helper()
	m := open(t, serve)
	started, finish := make(chan struct{}), make(chan struct{})
	m.before = []func() error{func() error {
		close(started)
		<-finish
		return nil
	}}
	m.order(t)
	select {
	case <-started:
	case <-time.After(10 * time.Second):
		require.Fail(t, "it did not hear of the order")
	}
	m.close()
	assert.Eventually(t, func() bool {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", m.address)
		if err == nil {
			assert.NoError(t, conn.Close())
		}
		return err != nil
	}, 10*time.Second, time.Millisecond, "it listens no more")
	select {
	case err := <-m.closed:
		assert.Fail(t, "it left its work undone", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(finish)
	require.NoError(t, <-m.closed)
	assert.Equal(t, []int{200}, m.answers(t))
	assert.Equal(t, []jovepay.PaymentStatus{jovepay.PaymentWaiting}, m.statuses())
}

func wantsSecret(t *testing.T, serve Serve) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // a shop that starts all the same ends at once
	assert.ErrorContains(t, serve(ctx, listener, " ", nil), "IPN secret is empty")
}
