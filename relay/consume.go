package relay

import (
	"context"
	"errors"
	"fmt"
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
// is [inbox.Inbox.Once] of the shop's inbox, for as many events at a time as
// there are workers. After apply returns nil, the message is acknowledged.
//
// If apply fails or panics, the event goes back to the broker and is tried again
// later; it holds no worker meanwhile, see [Engine]. An event that fails for
// longer than [WithRetryFor] goes to the poison queue. An event that is
// [inbox.ErrUnprocessable], or no longer verifiable, or an error made by
// backoff.Permanent, goes there at once, and so does one that the broker does
// not take back. If the poison queue fails too, the message stays where it is
// and is delivered again.
//
// When ctx ends, Run takes no more messages, waits until those in progress are
// acknowledged, and returns nil. It returns an error if it cannot subscribe, or
// if the engine ends the subscription. It can be called in any number of
// processes, and again.
func (r *Relay) Run(ctx context.Context, apply func(context.Context, jovepay.Event) error) error {
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: closeTimeout}, r.log)
	if err != nil {
		return fmt.Errorf("relay: %w", err)
	}
	poison, err := middleware.PoisonQueueWithFilter(r.engine.Publisher, r.engine.PoisonTopic, func(err error) bool {
		return !errors.Is(err, errInterrupted)
	})
	if err != nil {
		return fmt.Errorf("relay: %w", err)
	}
	messages, err := r.intake(ctx)
	if err != nil {
		return fmt.Errorf("relay: %w", err)
	}
	router.AddMiddleware(poison, r.judge(ctx), middleware.Recoverer)
	router.AddConsumerHandler(r.engine.Topic, r.engine.Topic, intakeSubscriber(messages), func(msg *message.Message) error { //nolint:contextcheck // a message has its own
		return r.attempt(msg, apply)
	})
	if err := router.Run(ctx); err != nil {
		return fmt.Errorf("relay: %w", err)
	}
	if ctx.Err() == nil {
		return errors.New("relay: the engine ended the subscription")
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
	ctx, cancel := context.WithTimeout(msg.Context(), r.timeout)
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

// judge gives each message its attempt, when it is due and a worker is free, and
// decides what follows a failure. Work that fails while run ends says nothing
// against the event: the shop may be closing what the work needs.
func (r *Relay) judge(run context.Context) message.HandlerMiddleware {
	working := make(chan struct{}, r.workers)
	return func(next message.HandlerFunc) message.HandlerFunc {
		return func(msg *message.Message) ([]*message.Message, error) {
			if err := wait(run, msg, working); err != nil {
				return nil, err
			}
			produced, err := next(msg)
			<-working
			switch {
			case err == nil:
				return produced, nil
			case run.Err() != nil || msg.Context().Err() != nil:
				return nil, fmt.Errorf("%w: %w", errInterrupted, err)
			}
			return nil, r.failed(msg, err) //nolint:contextcheck // a message has its own
		}
	}
}

// wait returns when the message is due and its worker is counted as working.
func wait(run context.Context, msg *message.Message, working chan<- struct{}) error {
	due := time.NewTimer(DueIn(msg))
	defer due.Stop()
	select {
	case <-due.C:
	case <-run.Done():
		return errInterrupted
	case <-msg.Context().Done():
		return errInterrupted
	}
	select {
	case working <- struct{}{}:
		return nil
	case <-run.Done():
		return errInterrupted
	case <-msg.Context().Done():
		return errInterrupted
	}
}

// failed gives the event back to the broker for its next attempt. Otherwise it
// returns the reason for which the message goes to the poison queue.
func (r *Relay) failed(msg *message.Message, err error) error {
	fields := watermill.LogFields{"message_uuid": msg.UUID}
	if next := r.again(msg, err); next != nil {
		back := r.engine.Publisher.Publish(r.retryTopic(), next)
		if back == nil {
			r.log.Error("Event failed and will be tried again", errors.New(reason(err)), fields)
			return nil
		}
		err = fmt.Errorf("%w (and cannot be tried again: %w)", err, back)
	}
	forget(msg)
	err = errors.New(reason(err))
	r.log.Error("Event goes to the poison queue", err, fields)
	return err
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
