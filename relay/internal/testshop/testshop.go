// Package testshop is a shop for the tests of package relay and of its brokers.
package testshop

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/relay"
)

// Secret is the IPN secret of the tests' shop.
const Secret = "broker-test"

// Patience is how long a test waits for something that must happen. It is shorter
// than the time for which a broker holds a message for a dead consumer: no consumer
// that shuts down cleanly may leave one held.
const Patience = 25 * time.Second

// Shop is a shop with an inbox, whose work can be made to fail. Like a database,
// the inbox outlives the broker.
type Shop struct {
	Verifier *jovepay.IPNVerifier
	Box      *inbox.Inbox[inbox.NoTx]
	Outcomes chan Outcome // of every event that was judged

	mu      sync.Mutex
	work    func(context.Context, jovepay.Event) error
	applied map[jovepay.ID][]jovepay.PaymentStatus
}

// Outcome is the inbox's outcome for an event.
type Outcome struct {
	ID      jovepay.ID
	Status  jovepay.PaymentStatus
	Outcome inbox.Outcome
}

// New returns a shop whose work succeeds.
func New(tb testing.TB) *Shop {
	tb.Helper()
	verifier, err := jovepay.NewIPNVerifier(Secret)
	require.NoError(tb, err)
	s := &Shop{
		Verifier: verifier,
		Outcomes: make(chan Outcome, 10_000),
		applied:  map[jovepay.ID][]jovepay.PaymentStatus{},
	}
	s.Box = inbox.New(new(inbox.Memory), inbox.WithObserver(func(_ context.Context, event jovepay.Event, o inbox.Outcome) {
		if payment, ok := event.(*jovepay.PaymentEvent); ok {
			s.Outcomes <- Outcome{payment.ID, payment.Status, o}
		}
	}))
	return s
}

// Apply applies an event by the shop's work, once.
func (s *Shop) Apply(ctx context.Context, event jovepay.Event) error {
	return s.Box.Once(func(ctx context.Context, _ inbox.NoTx, event jovepay.Event) error {
		s.mu.Lock()
		work := s.work
		s.mu.Unlock()
		if work != nil {
			if err := work(ctx, event); err != nil {
				return err
			}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if payment, ok := event.(*jovepay.PaymentEvent); ok {
			s.applied[payment.ID] = append(s.applied[payment.ID], payment.Status)
		}
		return nil
	})(ctx, event)
}

// Work sets the shop's work. nil always succeeds.
func (s *Shop) Work(fn func(context.Context, jovepay.Event) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.work = fn
}

// FailFirst returns work that fails the first n times for each event.
func FailFirst(n int) func(context.Context, jovepay.Event) error {
	var mu sync.Mutex
	failures := map[string]int{}
	return func(_ context.Context, event jovepay.Event) error {
		mu.Lock()
		defer mu.Unlock()
		if failures[event.Key()]++; failures[event.Key()] <= n {
			return errors.New("the database is down")
		}
		return nil
	}
}

// Statuses returns the statuses that were applied to a payment, in order.
func (s *Shop) Statuses(id int) []jovepay.PaymentStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.applied[jovepay.ID(fmt.Sprint(id))]
}

// Next waits for the next outcome.
func (s *Shop) Next(tb testing.TB) Outcome {
	tb.Helper()
	select {
	case outcome := <-s.Outcomes:
		return outcome
	case <-time.After(Patience):
		require.FailNow(tb, "no outcome of an event")
		return Outcome{}
	}
}

// Expect waits for the next outcome and requires that it is this one.
func (s *Shop) Expect(tb testing.TB, id int, status jovepay.PaymentStatus, outcome inbox.Outcome) {
	tb.Helper()
	require.Equal(tb, Outcome{jovepay.ID(fmt.Sprint(id)), status, outcome}, s.Next(tb))
}

// Relay returns a relay of the shop.
func (s *Shop) Relay(tb testing.TB, broker *relay.Broker, opts ...relay.Option) *relay.Relay {
	tb.Helper()
	r, err := relay.New(broker, s.Verifier, opts...)
	require.NoError(tb, err)
	return r
}

// Start runs r. stop ends the run and waits for it; the end of the test does too.
func (s *Shop) Start(tb testing.TB, r *relay.Relay) (stop func() error) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx, s.Apply) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	tb.Cleanup(func() { assert.NoError(tb, stop()) })
	return stop
}

// Body returns a notification about a payment.
func Body(id int, status jovepay.PaymentStatus) string {
	return fmt.Sprintf(`{"payment_id":%d,"payment_status":%q,"order_id":"order-%d","price_amount":49.990,`+
		`"price_currency":"usd","pay_amount":0.00001234,"pay_currency":"btc","actually_paid":1e-8}`, id, status, id)
}

// Notify delivers the notification that a payment is finished, and requires that
// it is accepted.
func (s *Shop) Notify(tb testing.TB, r *relay.Relay, id int) {
	tb.Helper()
	require.Equal(tb, http.StatusOK, s.Deliver(r, Body(id, jovepay.PaymentFinished)))
}

// Deliver sends a notification as JovePay does, and returns the status code.
func (s *Shop) Deliver(r *relay.Relay, body string) int {
	request := httptest.NewRequest(http.MethodPost, "/ipn", strings.NewReader(body)) //nolint:noctx // the sender does not hang up
	request.Header.Set(jovepay.IPNSignatureHeader, s.Verifier.Sign([]byte(body)))
	recorder := httptest.NewRecorder()
	r.Handler().ServeHTTP(recorder, request)
	return recorder.Code
}

// PoisonEvents waits until there are n events in the poison queue, and returns them.
func (s *Shop) PoisonEvents(tb testing.TB, r *relay.Relay, n int) []relay.PoisonEvent {
	tb.Helper()
	var all []relay.PoisonEvent
	require.Eventually(tb, func() bool {
		all = all[:0]
		for p, err := range r.PoisonEvents(tb.Context()) {
			if err != nil {
				return false
			}
			all = append(all, p)
		}
		return len(all) == n
	}, Patience, 5*time.Millisecond)
	return all
}
