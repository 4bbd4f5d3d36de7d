package relay

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ThreeDotsLabs/watermill"

	"github.com/jovepay/jovepay-go"
)

// Relay carries events over an [Engine]: from the notification to the function
// that applies them. It is immutable and safe for concurrent use. Make one with
// [New].
type Relay struct {
	engine   *Engine
	verifier *jovepay.IPNVerifier
	log      watermill.LoggerAdapter
	workers  int
	retryFor time.Duration
	timeout  time.Duration
	drain    time.Duration
}

// Option configures a [Relay]. One that is nil changes nothing.
type Option func(*Relay) error

// WithLogger logs each attempt that fails and each event that goes to the poison
// queue, at level Error, and at level Debug what Watermill does. Bodies are not
// logged. The default is [slog.Default].
func WithLogger(log *slog.Logger) Option {
	return func(r *Relay) error {
		if log == nil {
			return errors.New("logger is nil")
		}
		r.log = adapter(log)
		return nil
	}
}

// adapter is Watermill's logger on log.
func adapter(log *slog.Logger) watermill.LoggerAdapter {
	return watermill.NewSlogLoggerWithLevelMapping(log, map[slog.Level]slog.Level{slog.LevelInfo: slog.LevelDebug})
}

// WithWorkers sets how many events [Relay.Run] works on at a time, in each
// process. The default is 8. Half of the workers, but at least one, also take
// events that failed before. Events of one payment may then be worked on out of
// order, which the inbox judges.
func WithWorkers(n int) Option {
	return func(r *Relay) error {
		if n < 1 || n > 1000 {
			return fmt.Errorf("workers: want 1 to 1000, got %d", n)
		}
		r.workers = n
		return nil
	}
}

// WithRetryFor sets for how long an event that fails is tried again before it
// goes to the poison queue, counted from the first attempt that fails. The
// intervals grow from 1/500 to 1/8 of that time, half of it more or less by
// chance; the last attempt comes when at least 4/5 of the time are over. An
// event that waits for its next attempt holds no worker, see [Engine]. The
// default is 2 minutes. 0 is not to try again.
func WithRetryFor(d time.Duration) Option {
	return func(r *Relay) error {
		if d < 0 || d > maxRetryFor {
			return fmt.Errorf("retry time: want 0 to 1h, got %v", d)
		}
		r.retryFor = d
		return nil
	}
}

// WithTimeout sets how long one attempt at an event may take until its context
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

// WithDrain sets how long work in progress may go on after the context of
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

// New returns a relay over engine, which stays the caller's to close. The
// verifier needs the IPN secret on both sides: where notifications arrive, and
// where events are applied. While the secret is changed, both need the old and
// the new one.
func New(engine *Engine, verifier *jovepay.IPNVerifier, opts ...Option) (*Relay, error) {
	if err := engine.check(); err != nil {
		return nil, err
	}
	if verifier == nil {
		return nil, errors.New("relay: verifier is nil")
	}
	r := &Relay{
		engine:   engine,
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
