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

// errInterrupted marks work that was cut short, by a shutdown or because the
// broker took the message back. It is not a failure of the event.
var errInterrupted = errors.New("interrupted")

const (
	// maxReason bounds the reason in a message, since brokers bound messages.
	maxReason = 500

	// closeTimeout bounds the wait for work that ignores the end of its context.
	closeTimeout = 5 * time.Second
)

// Run consumes events until ctx ends. It verifies each event and calls apply,
// usually [inbox.Inbox.Once] of the shop's inbox, for as many events at a time as
// there are workers. When apply returns nil, the message is acknowledged.
//
// If apply fails or panics, the event goes back to the broker and is retried
// later; meanwhile it occupies no worker, see [Broker]. An event that fails for
// longer than [WithRetryFor] goes to the poison queue. An event goes there immediately
// if the error is [inbox.ErrUnprocessable] or made by backoff.Permanent, if it can
// no longer be verified, or if the broker does not take it back. If the poison
// queue fails too, the message stays where it is and is delivered again.
//
// When ctx ends, Run stops taking messages, waits until those in progress are
// acknowledged, see [WithDrain], and returns nil. It returns an error if it cannot
// subscribe, or if the broker ends the subscription. It can be called in any
// number of processes, and called again after it has returned.
func (r *Relay) Run(ctx context.Context, apply func(context.Context, jovepay.Event) error) error {
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: closeTimeout}, r.log)
	if err != nil {
		return fmt.Errorf("relay: %w", err)
	}
	poison, err := middleware.PoisonQueueWithFilter(r.broker.Publisher, r.broker.PoisonTopic, func(err error) bool {
		return !errors.Is(err, errInterrupted)
	})
	if err != nil {
		return fmt.Errorf("relay: %w", err)
	}
	messages, err := r.intake(ctx)
	if err != nil {
		return fmt.Errorf("relay: %w", err)
	}
	c := &consumer{Relay: r, apply: apply, ending: ctx.Done(), slots: make(chan struct{}, r.workers)}
	router.AddMiddleware(poison)
	router.AddConsumerHandler(r.broker.Topic, r.broker.Topic, intakeSubscriber(messages), c.consume)
	if err := router.Run(ctx); err != nil {
		return fmt.Errorf("relay: %w", err)
	}
	if ctx.Err() == nil {
		return errors.New("relay: the broker ended the subscription")
	}
	return nil
}

// consumer is one run of a relay.
type consumer struct {
	*Relay
	apply  func(context.Context, jovepay.Event) error
	ending <-chan struct{} // closed when the run is to end
	slots  chan struct{}   // full when all workers are busy
}

// consume makes one attempt at the event in a message and decides what follows a
// failure. A nil error acknowledges the message; any other error, unless it is
// errInterrupted, is the reason for which it goes to the poison queue.
func (c *consumer) consume(msg *message.Message) error {
	if err := c.begin(msg); err != nil {
		return err
	}
	err := c.attempt(msg)
	<-c.slots
	switch {
	case err == nil:
		return nil
	case c.isInterrupted(msg):
		// The shop may be closing what the work needs.
		return fmt.Errorf("%w: %w", errInterrupted, err)
	}
	return c.fail(msg, err)
}

// begin waits until the message is due, and then until a worker is free, and
// takes its slot.
func (c *consumer) begin(msg *message.Message) error {
	due := time.NewTimer(Delay(msg))
	defer due.Stop()
	var slots chan<- struct{} // nil, which is never ready, until the message is due
	for {
		select {
		case <-due.C:
			slots = c.slots
		case slots <- struct{}{}:
			return nil
		case <-c.ending:
			return errInterrupted
		case <-msg.Context().Done():
			return errInterrupted
		}
	}
}

// isInterrupted reports whether the run is to end, or the broker took the message
// back.
func (c *consumer) isInterrupted(msg *message.Message) bool {
	select {
	case <-c.ending:
		return true
	case <-msg.Context().Done():
		return true
	default:
		return false
	}
}

// attempt verifies the event and applies it. A panic is an error. An error that is
// the fault of the event itself is permanent: a retry would be useless.
func (c *consumer) attempt(msg *message.Message) error {
	_, err := middleware.Recoverer(func(msg *message.Message) ([]*message.Message, error) {
		event, err := c.event(msg)
		if err != nil {
			return nil, backoff.Permanent(err)
		}
		ctx, cancel := context.WithTimeout(msg.Context(), c.timeout)
		defer cancel()
		err = c.apply(ctx, event)
		if errors.Is(err, inbox.ErrUnprocessable) {
			err = backoff.Permanent(err)
		}
		return nil, err
	})(msg)
	return err
}

// event reads the event in a message.
func (r *Relay) event(msg *message.Message) (jovepay.Event, error) {
	return r.verifier.Parse(msg.Payload, msg.Metadata.Get(jovepay.IPNSignatureHeader))
}

// fail returns the event to the broker for its next attempt. If there is none, it
// returns the reason for which the message goes to the poison queue.
func (r *Relay) fail(msg *message.Message, err error) error {
	fields := watermill.LogFields{"message_uuid": msg.UUID}
	if next := r.nextAttempt(msg, err); next != nil {
		published := r.broker.Publisher.Publish(r.retryTopic(), next)
		if published == nil {
			r.log.Error("Event failed and will be retried", errors.New(reason(err)), fields)
			return nil
		}
		err = fmt.Errorf("%w (and cannot be retried: %w)", err, published)
	}
	clearFailures(msg)
	err = errors.New(reason(err))
	r.log.Error("Event goes to the poison queue", err, fields)
	return err
}

// reason returns the text of err in one bounded line, without the stack of a
// panic.
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
