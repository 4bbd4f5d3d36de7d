package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

// One of fasthttp's goroutines runs forever, and one per server ends some
// seconds after it.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
	)
}

// TestRouters checks what is expected of an endpoint for notifications, with
// each router. An emulated JovePay sends the notifications over HTTP.
func TestRouters(t *testing.T) {
	t.Parallel()
	for _, router := range []string{"nethttp", "chi", "gin", "echo", "fiber"} {
		t.Run(router, func(t *testing.T) {
			t.Parallel()
			for name, test := range map[string]func(t *testing.T, router string){
				"applies each status once":           appliesOnce,
				"rejects what JovePay did not sign":  rejectsForgeries,
				"rejects what it cannot read":        rejectsMalformed,
				"acknowledges other kinds of events": acknowledges,
				"applies an event after a failure":   appliesAfterFailure,
				"keeps the reasons to itself":        keepsReasons,
				"completes requests before it stops": completesRequests,
				"does not start without a secret":    wantsSecret,
			} {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					test(t, router)
				})
			}
		})
	}
}

func TestUnknownRouter(t *testing.T) {
	t.Parallel()
	assert.ErrorContains(t, serve(t.Context(), nil, "gorilla", "secret", nil), `no router "gorilla"`)
}

// market is a running shop and the emulated JovePay that notifies it.
type market struct {
	jovepay *jovepaytest.Server
	client  *jovepay.Client
	address string
	ipnURL  string
	stop    context.CancelFunc // stops the shop
	stopped <-chan error       // the result of serve

	mu      sync.Mutex
	before  []func() error // called before the next updates, which fail with their errors
	updates []jovepay.PaymentStatus
}

// open starts both; they stop with the test.
func open(t *testing.T, router string) *market {
	t.Helper()
	server, err := jovepaytest.NewServer(jovepaytest.WithIPNRetries(3, time.Millisecond))
	require.NoError(t, err)
	t.Cleanup(server.Close)
	client, err := server.Client()
	require.NoError(t, err)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)

	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	stopped := make(chan error, 1)
	address := listener.Addr().String()
	m := &market{
		jovepay: server, client: client,
		address: address, ipnURL: "http://" + address + "/ipn",
		stop: cancel, stopped: stopped,
	}
	go func() {
		stopped <- serve(ctx, listener, router, server.IPNSecret, m.update)
		close(stopped)
	}()
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, <-stopped)
	})
	return m
}

// update is the shop's work for an event.
func (m *market) update(event *jovepay.PaymentEvent) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.before) > 0 {
		before := m.before[0]
		m.before = m.before[1:]
		if err := before(); err != nil {
			return err
		}
	}
	m.updates = append(m.updates, event.Status)
	return nil
}

// statuses returns those that the shop applied, in order.
func (m *market) statuses() []jovepay.PaymentStatus {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.updates)
}

// responses waits for the notifications to be delivered or given up, and returns
// the shop's status codes.
func (m *market) responses(t *testing.T) (codes []int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, m.jovepay.WaitDeliveries(ctx))
	for _, delivery := range m.jovepay.Deliveries() {
		codes = append(codes, delivery.StatusCode)
	}
	return codes
}

// order creates a payment for an order.
func (m *market) order(t *testing.T) *jovepay.Payment {
	t.Helper()
	payment, err := m.client.Payments.Create(t.Context(), jovepay.PaymentRequest{
		PriceAmount:    jovepay.MustAmount("49.99"),
		PriceCurrency:  "usd",
		PayCurrency:    "btc",
		OrderID:        "order-1001",
		IPNCallbackURL: m.ipnURL,
	})
	require.NoError(t, err)
	return payment
}

// sell has a customer order and pay. It returns the statuses of the payment.
func (m *market) sell(t *testing.T) []jovepay.PaymentStatus {
	t.Helper()
	_, err := m.jovepay.Pay(m.order(t).ID)
	require.NoError(t, err)
	return []jovepay.PaymentStatus{
		jovepay.PaymentWaiting, jovepay.PaymentConfirming, jovepay.PaymentConfirmed,
		jovepay.PaymentSending, jovepay.PaymentFinished,
	}
}

// post sends a notification and returns the shop's response.
func (m *market) post(t *testing.T, body, signature string) (code int, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, m.ipnURL, strings.NewReader(body))
	require.NoError(t, err)
	r.Close = true
	r.Header.Set("Content-Type", "application/json")
	if signature != "" {
		r.Header.Set(jovepay.IPNSignatureHeader, signature)
	}
	response, err := new(http.Client).Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(content)
}

func appliesOnce(t *testing.T, router string) {
	t.Helper()
	for name, test := range map[string]struct {
		behavior jovepaytest.IPNBehavior
		inOrder  bool
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
			m := open(t, router)
			m.before = slices.Repeat([]func() error{takesTime}, 10)
			require.NoError(t, m.jovepay.SetIPN(test.behavior))
			want := m.sell(t)
			m.responses(t)
			want = append(want, m.sell(t)...)
			codes := m.responses(t)
			assert.Len(t, codes, len(want)*max(1, test.behavior.Copies))
			for _, code := range codes {
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

// takesTime makes deliveries of one event overlap.
func takesTime() error {
	<-time.After(10 * time.Millisecond)
	return nil
}

func rejectsForgeries(t *testing.T, router string) {
	t.Helper()
	for name, behavior := range map[string]jovepaytest.IPNBehavior{
		"another secret": {Forge: jovepaytest.Hits{Next: 1}},
		"a changed byte": {Corrupt: jovepaytest.Hits{Next: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := open(t, router)
			require.NoError(t, m.jovepay.SetIPN(behavior))
			want := m.sell(t)
			assert.Equal(t, []int{401, 200, 200, 200, 200, 200}, m.responses(t), "the genuine one is delivered after the forged one")
			assert.Equal(t, want, m.statuses())
		})
	}
	t.Run("no signature", func(t *testing.T) {
		t.Parallel()
		m := open(t, router)
		code, _ := m.post(t, `{"payment_id":1,"payment_status":"finished"}`, "")
		assert.Equal(t, 401, code)
		assert.Empty(t, m.statuses())
	})
}

func rejectsMalformed(t *testing.T, router string) {
	t.Helper()
	m := open(t, router)
	for name, body := range map[string]string{
		"empty":          "",
		"not JSON":       "payment_id=1",
		"not an object":  "[1]",
		"truncated":      `{"payment_id":1`,
		"duplicate name": `{"payment_id":1,"payment_id":2}`,
		"trailing data":  `{"payment_id":1}}`,
		"over 64 KiB":    `{"payment_id":1,"order_id":"` + strings.Repeat("x", 64<<10) + `"}`,
		"too deep":       `{"a":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`,
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

func acknowledges(t *testing.T, router string) {
	t.Helper()
	m := open(t, router)
	for _, event := range []jovepay.Event{
		new(jovepay.WithdrawalEvent),
		new(jovepay.RecurringPaymentEvent),
		&jovepay.UnknownEvent{Raw: []byte(`{"refund":1}`)},
	} {
		body, err := jovepaytest.IPNBody(event)
		require.NoError(t, err)
		assert.NoError(t, m.jovepay.SendIPN(t.Context(), m.ipnURL, body))
	}
	assert.Equal(t, []int{200, 200, 200}, m.responses(t))
	assert.Empty(t, m.statuses())
}

// fails and crashes are two ways for an update to fail.
func fails() error   { return errors.New("reason: the database is down") }
func crashes() error { panic("reason: the database is nil") }

func appliesAfterFailure(t *testing.T, router string) {
	t.Helper()
	m := open(t, router)
	m.before = []func() error{fails, crashes}
	want := m.sell(t)
	assert.Equal(t, []int{500, 500, 200, 200, 200, 200, 200}, m.responses(t))
	assert.Equal(t, want, m.statuses())
}

func keepsReasons(t *testing.T, router string) {
	t.Helper()
	m := open(t, router)
	const body = `{"payment_id":1,"payment_status":"finished"}`
	genuine, err := m.jovepay.Sign([]byte(body), jovepay.FormJS)
	require.NoError(t, err)
	m.before = []func() error{fails, crashes}
	for _, want := range []int{500, 500, 200} {
		code, text := m.post(t, body, genuine)
		assert.Equal(t, want, code)
		assert.NotContains(t, text, "reason")
	}
	for _, signature := range []string{"", strings.Repeat("0", len(genuine))} {
		_, text := m.post(t, body, signature)
		assert.NotContains(t, text, "jovepay")
	}
	_, text := m.post(t, "{", genuine)
	assert.NotContains(t, text, "jovepay")
}

func completesRequests(t *testing.T, router string) {
	t.Helper()
	m := open(t, router)
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
		require.Fail(t, "no notification arrived")
	}
	m.stop()
	assert.Eventually(t, func() bool {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", m.address)
		if err == nil {
			assert.NoError(t, conn.Close())
		}
		return err != nil
	}, 10*time.Second, time.Millisecond, "still listening")
	select {
	case err := <-m.stopped:
		assert.Fail(t, "stopped before the request was complete", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(finish)
	require.NoError(t, <-m.stopped)
	assert.Equal(t, []int{200}, m.responses(t))
	assert.Equal(t, []jovepay.PaymentStatus{jovepay.PaymentWaiting}, m.statuses())
}

func wantsSecret(t *testing.T, router string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // so that a shop that starts nevertheless stops at once
	assert.ErrorContains(t, serve(ctx, listener, router, " ", nil), "IPN secret is empty")
}
