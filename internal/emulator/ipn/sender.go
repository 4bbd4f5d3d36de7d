// Package ipn sends notifications as JovePay does: signed, those of one payment
// one after the other, and retried until the shop responds with a 2xx status. On
// demand they are late, doubled, shuffled, lost or changed.
//
// It knows nothing about payments and their rules. What is random follows from a
// seed; pauses are in real time.
package ipn

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	// maxWorkers is how many notifications are on their way at the same time.
	maxWorkers = 32
	// shuffleTime is how long notifications wait at most for others to be
	// shuffled with.
	shuffleTime = time.Second
)

// ErrUnknown is the error for a notification that cannot be sent again.
var ErrUnknown = errors.New("is not in the journal, or was never signed")

var errClosed = errors.New("the server is closed")

// Config sets up a Sender. Secret, Now and Timeout are required. A Behavior can
// have another number of Repeats, Interval and Timeout.
type Config struct {
	Secret   string           // of the merchant account
	Seed     uint64           // decides whatever a Behavior leaves to chance
	Now      func() time.Time // the journal's clock
	Repeats  int              // attempts after one that failed
	Interval time.Duration    // between attempts
	Timeout  time.Duration    // of one attempt
	Remote   bool             // may call other machines
}

// Notification is one message to a shop.
type Notification struct {
	PaymentID int64  // 0: of no payment
	ParentID  int64  // the payment whose notifications it lines up with; 0: its own
	Status    string // of the payment
	URL       string
	At        time.Time // when it happened
	// Body returns what to send. It is called once for every copy, by any
	// goroutine.
	Body func(camelCase bool) ([]byte, error)

	repeat *Delivery // to be sent as it was, instead of Body
}

// Sender sends notifications until it is closed. It has no goroutine while
// there is nothing to send. It is safe for concurrent use.
type Sender struct {
	cfg     Config
	client  *http.Client
	ctx     context.Context //nolint:containedctx // it is the sender's own life
	cancel  context.CancelFunc
	journal journal
	running sync.WaitGroup

	mu       sync.Mutex
	behavior Behavior
	terms    terms // of the attempts from now on
	lanes    map[int64]*lane
	ready    []*lane // their first parcel can be sent
	workers  int     // busy with a lane
	numbers  int     // given so far
	loners   int64   // lanes that are no payment's
	open     int     // parcels that are not done
	idle     chan struct{}
}

// NewSender returns a sender that works until ctx ends or it is closed.
func NewSender(ctx context.Context, cfg Config) *Sender {
	ctx, cancel := context.WithCancel(ctx)
	s := &Sender{
		cfg:    cfg,
		client: newHTTPClient(cfg.Remote),
		ctx:    ctx,
		cancel: cancel,
		lanes:  make(map[int64]*lane),
	}
	s.terms = s.ordinary()
	return s
}

// ordinary are the terms where no behavior has others.
func (s *Sender) ordinary() terms {
	return terms{s.cfg.Repeats, s.cfg.Interval, s.cfg.Timeout}
}

// SetBehavior changes how notifications are sent.
func (s *Sender) SetBehavior(b Behavior) error {
	if err := b.validate(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behavior = b.clone()
	s.terms = s.ordinary().change(&b)
	return nil
}

// current returns the terms of the moment.
func (s *Sender) current() terms {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.terms
}

// Notify sends the notification, some time after it returns. The journal has
// what became of it.
func (s *Sender) Notify(n Notification) { _, _ = s.accept(n) }

// Send sends the notification and returns when every copy of it was delivered, or
// the errors of those that were not.
func (s *Sender) Send(ctx context.Context, n Notification) error {
	parcels, err := s.accept(n)
	for _, p := range parcels {
		select {
		case <-p.done:
			err = errors.Join(err, p.err)
		case <-ctx.Done():
			return ctx.Err()
		case <-s.ctx.Done():
			return errClosed
		}
	}
	return err
}

// Again sends a notification of the journal once more, byte for byte as it was
// at its last attempt, and returns when it was delivered, or why it was not.
// It has its own number, waits for no other, and meets no mishap.
func (s *Sender) Again(ctx context.Context, number int, at time.Time) error {
	d := s.journal.last(number)
	if d == nil {
		return fmt.Errorf("notification %d %w", number, ErrUnknown)
	}
	return s.Send(ctx, Notification{PaymentID: d.PaymentID, Status: d.Status, URL: d.URL, At: at, repeat: d})
}

// Numbers returns how many notifications there were so far.
func (s *Sender) Numbers() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.numbers
}

// Wait returns when every notification was delivered or given up. Those that
// wait to be shuffled wait no longer.
func (s *Sender) Wait(ctx context.Context) error {
	s.mu.Lock()
	for _, key := range slices.Sorted(maps.Keys(s.lanes)) {
		s.release(s.lanes[key])
	}
	idle, open := s.idle, s.open
	s.mu.Unlock()
	if open == 0 {
		return nil
	}
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.ctx.Done():
		return errClosed
	}
}

// Deliveries returns the attempts made so far.
func (s *Sender) Deliveries() []Delivery { return s.journal.copies() }

// DeliveriesOf returns the attempts made so far for the payments, each of which
// is named once.
func (s *Sender) DeliveriesOf(payments []int64) []Delivery { return s.journal.of(payments) }

// Close gives up what is in progress and drops the rest. It returns when no
// goroutine runs anymore.
func (s *Sender) Close() {
	s.mu.Lock()
	s.cancel() // under the lock: no worker starts after this
	for _, l := range s.lanes {
		l.stop()
	}
	s.mu.Unlock()
	s.running.Wait()
}

// chance is the generator that belongs to one attempt, or to one shuffling.
func (s *Sender) chance(number, attempt int) *rand.Rand {
	return rand.New(rand.NewPCG(s.cfg.Seed, uint64(number)<<16|uint64(attempt))) //nolint:gosec // any 64 bits are a seed
}
