package relay

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ThreeDotsLabs/watermill"

	"github.com/jovepay/jovepay-go"
)

// Relay carries events through a [Broker], from JovePay's notifications to the
// function that applies them. It is immutable and safe for concurrent use. Create
// one with [New]; the zero value is not usable.
type Relay struct {
	broker   *Broker
	verifier *jovepay.IPNVerifier
	log      watermill.LoggerAdapter
	workers  int
	retryFor time.Duration
	timeout  time.Duration
	drain    time.Duration
}

// Option configures a [Relay]. A nil option changes nothing.
type Option func(*Relay) error

// WithLogger sets the logger. Each failed attempt, and each event that goes to the
// poison queue, is logged at level Error; what Watermill does at level Debug.
// Bodies are not logged. The default is [slog.Default].
func WithLogger(log *slog.Logger) Option {
	return func(r *Relay) error {
		if log == nil {
			return errors.New("logger is nil")
		}
		r.log = adapter(log)
		return nil
	}
}

// adapter returns a Watermill logger that writes to log.
func adapter(log *slog.Logger) watermill.LoggerAdapter {
	return watermill.NewSlogLoggerWithLevelMapping(log, map[slog.Level]slog.Level{slog.LevelInfo: slog.LevelDebug})
}

// WithWorkers sets how many events [Relay.Run] works on at a time, in each
// process. The default is 8. Half of the workers, at least one, also take events
// that have failed before. With more than one worker, events of one payment may be
// applied out of order; the inbox judges that.
func WithWorkers(n int) Option {
	return func(r *Relay) error {
		if n < 1 || n > 1000 {
			return fmt.Errorf("workers: want 1 to 1000, got %d", n)
		}
		r.workers = n
		return nil
	}
}

// WithRetryFor sets how long an event that fails is retried before it goes to the
// poison queue, counted from its first failure. The default is 2 minutes. 0 means
// no retries.
//
// The intervals grow from 1/500 to 1/8 of that time, with a jitter of half their
// length; the last attempt comes when at least 4/5 of the time have passed. An
// event that waits for its next attempt occupies no worker, see [Broker].
func WithRetryFor(d time.Duration) Option {
	return func(r *Relay) error {
		if d < 0 || d > maxRetryFor {
			return fmt.Errorf("retry time: want 0 to 1h, got %v", d)
		}
		r.retryFor = d
		return nil
	}
}

// WithTimeout sets how long one attempt at an event may take before its context
// ends. The default is 30 seconds.
func WithTimeout(d time.Duration) Option {
	return func(r *Relay) error {
		if d <= 0 || d > time.Hour {
			return fmt.Errorf("timeout: want up to 1h, got %v", d)
		}
		r.timeout = d
		return nil
	}
}

// WithDrain sets how long work in progress may continue after the context of
// [Relay.Run] has ended. The default is 20 seconds.
func WithDrain(d time.Duration) Option {
	return func(r *Relay) error {
		if d <= 0 || d > time.Hour {
			return fmt.Errorf("drain time: want up to 1h, got %v", d)
		}
		r.drain = d
		return nil
	}
}

// New returns a relay on a broker. The caller closes the broker. The verifier needs
// the IPN secret on both sides: where notifications arrive, and where events are
// applied. During a secret rotation both sides need both secrets.
func New(broker *Broker, verifier *jovepay.IPNVerifier, opts ...Option) (*Relay, error) {
	if err := broker.check(); err != nil {
		return nil, err
	}
	if verifier == nil {
		return nil, errors.New("relay: verifier is nil")
	}
	r := &Relay{
		broker:   broker,
		verifier: verifier,
		log:      adapter(slog.Default()),
		workers:  8,
		retryFor: 2 * time.Minute,
		timeout:  30 * time.Second,
		drain:    20 * time.Second,
	}
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(r); err != nil {
			return nil, fmt.Errorf("relay: %w", err)
		}
	}
	return r, nil
}
