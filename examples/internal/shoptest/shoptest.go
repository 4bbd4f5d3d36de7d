// Package shoptest holds the shops under examples/ to what is asked of an
// endpoint for notifications. A JovePay on this machine sends them, over HTTP.
package shoptest

import (
	"context"
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

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

// Serve runs a shop that takes notifications at POST /ipn and applies each
// event once. It returns when ctx has ended and what was under way is answered.
type Serve func(ctx context.Context, listener net.Listener, secret string, apply func(*jovepay.PaymentEvent) error) error

// Run tests the shop.
func Run(t *testing.T, serve Serve) {
	t.Helper()
	for _, test := range []struct {
		name string
		run  func(*testing.T, Serve)
	}{
		{"applies each status once", appliesOnce},
		{"refuses what JovePay did not sign", refusesForgeries},
		{"refuses what cannot be read", refusesMalformed},
		{"acknowledges events of other kinds", acknowledges},
		{"hears again of what it failed at", hearsAgain},
		{"tells the sender no reasons", tellsNoReasons},
		{"ends its work before it stops", endsItsWork},
		{"does not start without a secret", wantsSecret},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, serve)
		})
	}
}

// market is a shop at work and the JovePay that it hears from.
type market struct {
	jovepay *jovepaytest.Server
	client  *jovepay.Client
	address string
	ipnURL  string
	close   context.CancelFunc // lets the shop stop
	closed  <-chan error       // what Serve returned

	mu      sync.Mutex
	before  []func() error // called before the next events are applied; an error is the shop failing
	applied []jovepay.PaymentStatus
}

// open starts both, which end with the test.
func open(t *testing.T, serve Serve) *market {
	t.Helper()
	server, err := jovepaytest.NewServer(jovepaytest.WithIPNRetries(3, time.Millisecond))
	require.NoError(t, err)
	t.Cleanup(server.Close)
	client, err := server.Client()
	require.NoError(t, err)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)

	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	closed := make(chan error, 1)
	address := listener.Addr().String()
	m := &market{
		jovepay: server, client: client,
		address: address, ipnURL: "http://" + address + "/ipn",
		close: cancel, closed: closed,
	}
	go func() {
		closed <- serve(ctx, listener, server.IPNSecret, m.apply)
		close(closed)
	}()
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, <-closed)
	})
	return m
}

// apply is the shop's work for an event.
func (m *market) apply(event *jovepay.PaymentEvent) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.before) > 0 {
		before := m.before[0]
		m.before = m.before[1:]
		if err := before(); err != nil {
			return err
		}
	}
	m.applied = append(m.applied, event.Status)
	return nil
}

// statuses returns those that the shop applied, in that order.
func (m *market) statuses() []jovepay.PaymentStatus {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.applied)
}

// answers returns what the shop answered to JovePay's notifications, when all
// of them have arrived or were given up.
func (m *market) answers(t *testing.T) (codes []int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, m.jovepay.WaitDeliveries(ctx))
	for _, delivery := range m.jovepay.Deliveries() {
		codes = append(codes, delivery.StatusCode)
	}
	return codes
}

// order is a customer ordering something.
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

// sell is a customer ordering and paying. It returns the statuses of which
// JovePay tells the shop.
func (m *market) sell(t *testing.T) []jovepay.PaymentStatus {
	t.Helper()
	_, err := m.jovepay.Pay(m.order(t).ID)
	require.NoError(t, err)
	return []jovepay.PaymentStatus{
		jovepay.PaymentWaiting, jovepay.PaymentConfirming, jovepay.PaymentConfirmed,
		jovepay.PaymentSending, jovepay.PaymentFinished,
	}
}

// post sends a notification by hand, and returns the shop's answer.
func (m *market) post(t *testing.T, body, signature string) (code int, answer string) {
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
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(text)
}
