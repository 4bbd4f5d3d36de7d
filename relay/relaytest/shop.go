// Package relaytest tests that an engine keeps what package relay
// promises. It is run on every engine of this module.
package relaytest

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
const Secret = "engine-test"

// patience is how long a test waits for what must happen. It is shorter than a
// message is held by a consumer that took it and said no more, which no consumer
// does that has ended in good order.
const patience = 25 * time.Second

// Shop is a shop with an inbox, whose work can be made to fail. The inbox
// outlives the engine, as a database does.
type Shop struct {
	Verifier *jovepay.IPNVerifier
	Box      *inbox.Inbox[inbox.NoTx]
	Outcomes chan Outcome // of every event that was dealt with

	mu      sync.Mutex
	work    func(context.Context, jovepay.Event) error
	applied map[jovepay.ID][]jovepay.PaymentStatus
}

// Outcome is what became of an event.
type Outcome struct {
	ID      jovepay.ID
	Status  jovepay.PaymentStatus
	Outcome inbox.Outcome
}

// NewShop returns a shop whose work succeeds.
func NewShop(tb testing.TB) *Shop {
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

// Apply is what consumers are given.
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

// Work makes fn the shop's work. It may be nil.
func (s *Shop) Work(fn func(context.Context, jovepay.Event) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.work = fn
}

// FailFirst is work that fails the first n times for each payment.
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

// Applied returns the statuses that were applied to a payment, in order.
func (s *Shop) Applied(id int) []jovepay.PaymentStatus {
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
	case <-time.After(patience):
		require.FailNow(tb, "nothing became of an event")
		return Outcome{}
	}
}

// Expect waits for the next outcome, which is this one.
func (s *Shop) Expect(tb testing.TB, id int, status jovepay.PaymentStatus, outcome inbox.Outcome) {
	tb.Helper()
	require.Equal(tb, Outcome{jovepay.ID(fmt.Sprint(id)), status, outcome}, s.Next(tb))
}

// Relay returns a relay of the shop.
func (s *Shop) Relay(tb testing.TB, engine *relay.Engine, opts ...relay.Option) *relay.Relay {
	tb.Helper()
	relay, err := relay.New(engine, s.Verifier, opts...)
	require.NoError(tb, err)
	return relay
}

// Start runs a consumer and returns what ends it and waits for its end. The
// test ends it too.
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

// Body is a notification of a payment.
func Body(id int, status jovepay.PaymentStatus) string {
	return fmt.Sprintf(`{"payment_id":%d,"payment_status":%q,"order_id":"order-%d","price_amount":49.990,`+
		`"price_currency":"usd","pay_amount":0.00001234,"pay_currency":"btc","actually_paid":1e-8}`, id, status, id)
}

// Deliver sends a notification as JovePay does, and returns the answer.
func (s *Shop) Deliver(r *relay.Relay, body string) int {
	request := httptest.NewRequest(http.MethodPost, "/ipn", strings.NewReader(body)) //nolint:noctx // the sender stays on the line
	request.Header.Set(jovepay.IPNSignatureHeader, s.Verifier.Sign([]byte(body)))
	answer := httptest.NewRecorder()
	r.Handler().ServeHTTP(answer, request)
	return answer.Code
}

// Poisoned returns what is in the poison queue when there are n events in it.
func (s *Shop) Poisoned(tb testing.TB, r *relay.Relay, n int) []relay.Poisoned {
	tb.Helper()
	var all []relay.Poisoned
	require.Eventually(tb, func() bool {
		all = all[:0]
		for p, err := range r.Poisoned(tb.Context()) {
			if err != nil {
				return false
			}
			all = append(all, p)
		}
		return len(all) == n
	}, patience, 5*time.Millisecond)
	return all
}
