package inbox

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jovepay/jovepay-go"
)

// Func is the shop's own work on an event. It runs in the transaction tx, which
// it must neither commit nor roll back: its return value decides. It must return
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

// WithLogger logs the outcome of each event: [Applied] at level Debug,
// [Duplicate] at Info, [Outdated] at Warn. Failures are returned, not logged. By
// default nothing is logged.
func WithLogger(log *slog.Logger) Option {
	return func(o *options) {
		if log != nil {
			o.log = log
		}
	}
}

// WithObserver calls observe with the outcome of each event, after the commit.
// Use it for metrics and alerts, not for work that must not get lost: the program
// may crash between the commit and the call.
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

// Process applies an event: it calls fn in a transaction that also records the
// event, and returns [Applied] after the commit. For an event that was applied
// before, or is older than one applied to the same payment, it returns
// [Duplicate] or [Outdated] and does not call fn. Events of one payment wait for
// each other, across all replicas.
//
// After an error nothing is applied, and the event should be delivered again.
// The one exception is a connection lost during the commit: the event may or may
// not be applied. Delivering it again is correct in that case too, since it is
// then applied or found to be a duplicate. If ctx ends, everything is rolled
// back.
//
// If fn panics, Process rolls back and the panic continues.
func (b *Inbox[Tx]) Process(ctx context.Context, event jovepay.Event, fn Func[Tx]) (Outcome, error) {
	entry, err := NewEntry(event)
	if err != nil {
		return "", fmt.Errorf("inbox: %w", err)
	}
	return b.apply(ctx, entry, event, fn)
}

// Once returns a function that applies each event once, with fn in the store's
// transaction. Pass it to [jovepay.IPNVerifier.Handler], or to any other consumer
// of events:
//
//	mux.Handle("POST /ipn", verifier.Handler(box.Once(fn)))
//
// It returns nil for an event that needs no further delivery, whatever its
// [Outcome], and an error for one that should be delivered again.
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

// Prune deletes the records of payments, withdrawals and other subjects whose
// last event was applied before the given time, and returns their number. Without
// it, records are kept forever: one of about 200 bytes for each payment.
//
// A pruned payment is unknown again. If one of its events is delivered once more,
// by a late retry, by someone who kept a genuine notification, which never
// expires, or by [Inbox.Reconcile], it is applied again. So keep records longer
// than any of these reach back, and guard fn by the order's own state.
func (b *Inbox[Tx]) Prune(ctx context.Context, before time.Time) (int64, error) {
	n, err := b.store.Prune(ctx, before)
	if err != nil {
		return n, fmt.Errorf("inbox: prune: %w", err)
	}
	return n, nil
}
