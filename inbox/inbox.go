package inbox

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jovepay/jovepay-go"
)

// Func is the shop's own work on an event. It runs in the transaction tx, which
// it must neither commit nor roll back: what it returns decides. It must return
// the errors of tx, and may be called again for an event whose transaction was
// rolled back.
type Func[Tx any] func(ctx context.Context, tx Tx, event jovepay.Event) error

// Inbox applies events once. It is immutable and safe for concurrent use, by
// any number of replicas on one store. Make one with [New].
type Inbox[Tx any] struct {
	store   Store[Tx]
	log     *slog.Logger
	observe func(context.Context, jovepay.Event, Outcome)
}

// Option configures an [Inbox].
type Option func(*options)

type options struct {
	log     *slog.Logger
	observe func(context.Context, jovepay.Event, Outcome)
}

// WithLogger logs what became of each event: at level Debug what was applied,
// at Info duplicates, at Warn what was outdated. Failures are returned, not
// logged. By default nothing is logged.
func WithLogger(log *slog.Logger) Option {
	return func(o *options) {
		if log != nil {
			o.log = log
		}
	}
}

// WithObserver calls observe with what became of each event, after the commit.
// It is for counting and alarms. It is no place for work that must not get
// lost: a crash may come between the commit and the call.
func WithObserver(observe func(context.Context, jovepay.Event, Outcome)) Option {
	return func(o *options) {
		if observe != nil {
			o.observe = observe
		}
	}
}

// New returns an inbox that keeps its records in store.
func New[Tx any](store Store[Tx], opts ...Option) *Inbox[Tx] {
	o := options{
		log:     slog.New(slog.DiscardHandler),
		observe: func(context.Context, jovepay.Event, Outcome) {},
	}
	for _, opt := range opts {
		if opt != nil {
			opt(&o)
		}
	}
	return &Inbox[Tx]{store, o.log, o.observe}
}

// Process applies an event: it calls fn in a transaction that records the
// event too, and returns [Applied] after the commit. For an event that was
// applied before, or is older than what was applied to its payment, it returns
// [Duplicate] or [Outdated] and does not call fn. Events of one payment wait
// for each other, on all replicas.
//
// After an error nothing is applied, and the event should be delivered again.
// The one exception is a connection that is lost during the commit: then
// nobody knows, and delivering the event again is right as well, since it will
// be found to be a duplicate if it was applied. If ctx ends, all is rolled back.
//
// A panic of fn rolls back and goes on.
func (b *Inbox[Tx]) Process(ctx context.Context, event jovepay.Event, fn Func[Tx]) (Outcome, error) {
	entry, err := NewEntry(event)
	if err != nil {
		return "", fmt.Errorf("inbox: %w", err)
	}
	return b.apply(ctx, entry, event, fn)
}

// Once turns fn into what [jovepay.IPNVerifier.Handler] takes, and other
// consumers of events: it returns nil for an event that is dealt with, applied
// now or not, and an error for one that should be delivered again.
func (b *Inbox[Tx]) Once(fn Func[Tx]) func(context.Context, jovepay.Event) error {
	return func(ctx context.Context, event jovepay.Event) error {
		_, err := b.Process(ctx, event, fn)
		return err
	}
}

func (b *Inbox[Tx]) apply(ctx context.Context, entry Entry, event jovepay.Event, fn Func[Tx]) (Outcome, error) {
	outcome, err := b.store.Apply(ctx, entry, func(ctx context.Context, tx Tx) error {
		return fn(ctx, tx, event)
	})
	if err != nil {
		return "", fmt.Errorf("inbox: %s: %w", entry.Subject, err)
	}
	b.log.LogAttrs(ctx, outcome.level(), "jovepay: event "+string(outcome),
		slog.String("subject", entry.Subject), slog.String("event", entry.Key))
	b.observe(ctx, event, outcome)
	return outcome, nil
}

func (o Outcome) level() slog.Level {
	switch o {
	case Duplicate:
		return slog.LevelInfo
	case Outdated:
		return slog.LevelWarn
	default:
		return slog.LevelDebug
	}
}

// Prune forgets the payments, withdrawals and other subjects that had their
// last event applied before the given time, and returns how many they were.
// Without it, records are kept for ever, one of some 200 bytes for each payment.
//
// A forgotten payment is like one that never was: an event of it that is
// delivered again, by a late resend, by someone who kept a genuine notification,
// which has no expiry, or by [Inbox.Reconcile], will be applied again. So keep
// records longer than any of these reach back, and let the function be guarded
// by the order's own state.
func (b *Inbox[Tx]) Prune(ctx context.Context, before time.Time) (int64, error) {
	n, err := b.store.Prune(ctx, before)
	if err != nil {
		return n, fmt.Errorf("inbox: prune: %w", err)
	}
	return n, nil
}
