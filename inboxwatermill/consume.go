package inboxwatermill

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
	"github.com/cenkalti/backoff/v5"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
)

// errInterrupted marks work that was cut short: by a shutdown, or since the
// engine took the message back. It says nothing against the event.
var errInterrupted = errors.New("interrupted")

const (
	// maxReason bounds what a message tells of its failure, since engines bound
	// messages.
	maxReason = 500

	// closeTimeout bounds the wait for work that ignores the end of its context.
	closeTimeout = 5 * time.Second
)

// Run consumes events until ctx ends: it verifies each and calls apply, which
// is [inbox.Inbox.Handler] of the shop's inbox, in up to as many goroutines as
// there are workers. When apply returned nil, the message is acknowledged. When
// it failed or panicked, it is called again after a while; in the end the
// message goes to the poison queue. An event that is [inbox.ErrUnprocessable],
// or no longer verifiable, or an error made by backoff.Permanent, goes there at
// once. If not even that can be done, the message stays where it is and is
// delivered again.
//
// When ctx ends, Run takes no more messages, waits until those in progress are
// acknowledged, and returns nil. It returns an error if it cannot subscribe, or
// if the engine ends the subscription. It can be called in any number of
// processes, and again.
func (r *Relay) Run(ctx context.Context, apply func(context.Context, jovepay.Event) error) error {
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: closeTimeout}, r.log)
	if err != nil {
		return fmt.Errorf("inboxwatermill: %w", err)
	}
	poison, err := middleware.PoisonQueueWithFilter(r.engine.Publisher, r.engine.PoisonTopic, func(err error) bool {
		return !errors.Is(err, errInterrupted)
	})
	if err != nil {
		return fmt.Errorf("inboxwatermill: %w", err)
	}
	messages, err := r.intake(ctx)
	if err != nil {
		return fmt.Errorf("inboxwatermill: subscribe to %s: %w", r.engine.Topic, err)
	}
	router.AddMiddleware(poison, r.judge(ctx), r.retry().Middleware, middleware.Recoverer)
	router.AddConsumerHandler(r.engine.Topic, r.engine.Topic, intakeSubscriber(messages), func(msg *message.Message) error { //nolint:contextcheck // a message has its own
		return r.attempt(msg, apply)
	})
	if err := router.Run(ctx); err != nil {
		return fmt.Errorf("inboxwatermill: %w", err)
	}
	if ctx.Err() == nil {
		return errors.New("inboxwatermill: the engine ended the subscription")
	}
	return nil
}

// attempt verifies the event and applies it once. To try again what is wrong
// with the event itself would be of no use.
func (r *Relay) attempt(msg *message.Message, apply func(context.Context, jovepay.Event) error) error {
	event, err := r.event(msg)
	if err != nil {
		return backoff.Permanent(err)
	}
	work, _ := msg.Context().Value(workKey{}).(context.Context)
	ctx, cancel := context.WithTimeout(work, r.timeout)
	defer cancel()
	err = apply(ctx, event)
	if errors.Is(err, inbox.ErrUnprocessable) {
		return backoff.Permanent(err)
	}
	return err
}

// event reads the event that a message carries.
func (r *Relay) event(msg *message.Message) (jovepay.Event, error) {
	return r.verifier.Parse(msg.Payload, msg.Metadata.Get(jovepay.IPNSignatureHeader))
}

func (r *Relay) retry() middleware.Retry {
	retry := middleware.Retry{
		InitialInterval:     r.retryFor / 500,
		MaxInterval:         r.retryFor / 8,
		Multiplier:          2,
		RandomizationFactor: 0.5,
		MaxElapsedTime:      r.retryFor,
		Logger:              r.log,
	}
	if r.retryFor > 0 {
		retry.MaxRetries = math.MaxInt32 - 1 // time alone is the limit
	}
	return retry
}

// workKey is the key, in the context that bounds the waits between attempts, of
// the context that bounds the attempts themselves.
type workKey struct{}

// judge tells interrupted work from failed work, and fits the reason of a
// failure into the message that goes to the poison queue. When run ends, an
// attempt may go on, but is not made again: another process can do that now.
func (r *Relay) judge(run context.Context) message.HandlerMiddleware {
	return func(next message.HandlerFunc) message.HandlerFunc {
		return func(msg *message.Message) ([]*message.Message, error) {
			work := msg.Context()
			waits, cancel := context.WithCancel(context.WithValue(work, workKey{}, work))
			defer cancel()
			defer context.AfterFunc(run, cancel)()
			msg.SetContext(waits) //nolint:contextcheck // a message has its own
			produced, err := next(msg)
			msg.SetContext(work) //nolint:contextcheck // a message has its own
			switch {
			case err == nil:
				return produced, nil
			case waits.Err() != nil:
				return nil, fmt.Errorf("%w: %w", errInterrupted, err)
			}
			r.log.Error("Event goes to the poison queue", err, watermill.LogFields{"message_uuid": msg.UUID})
			return nil, errors.New(reason(err))
		}
	}
}

// reason is the text of err in one bounded line, without the stack of a panic.
func reason(err error) string {
	text := err.Error()
	if panicked, ok := errors.AsType[middleware.RecoveredPanicError](err); ok {
		text = fmt.Sprintf("panic: %v", panicked.V)
	}
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxReason {
		text = strings.ToValidUTF8(text[:maxReason], "") + "…"
	}
	return text
}
