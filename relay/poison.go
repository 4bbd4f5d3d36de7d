package relay

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"

	"github.com/jovepay/jovepay-go"
)

// ReplayKey is the metadata key of a message that is published again, because its
// event failed or was replayed. The value differs each time. No broker drops such
// a message as a duplicate.
const ReplayKey = "replay"

// ErrNoPoisonQueue is the error, for [errors.Is], of a [Broker] without Poison.
// The events in its poison topic are safe; read them with the broker's own tools.
var ErrNoPoisonQueue = errors.New("broker cannot read its poison queue")

// PoisonEvent is an event in the poison queue.
type PoisonEvent struct {
	Event  jovepay.Event // nil if the message cannot be verified, for example after a secret rotation
	Key    string        // the event's key, as it was published
	Reason string        // the last error, in one line
	Since  time.Time     // when it entered the queue

	message PoisonMessage
}

// PoisonEvents yields the events in the poison queue at the time of the call,
// oldest first, and leaves them there. It ends after the first error.
//
// An event in the queue may have been applied since, by a reconciliation or
// through another copy of it. Replaying it is harmless.
func (r *Relay) PoisonEvents(ctx context.Context) iter.Seq2[PoisonEvent, error] {
	return func(yield func(PoisonEvent, error) bool) {
		if r.broker.Poison == nil {
			yield(PoisonEvent{}, fmt.Errorf("relay: %w", ErrNoPoisonQueue))
			return
		}
		for m, err := range r.broker.Poison.Messages(ctx) {
			if err != nil {
				yield(PoisonEvent{}, fmt.Errorf("relay: poison queue: %w", err))
				return
			}
			p := PoisonEvent{
				Key:     m.Message.UUID,
				Reason:  m.Message.Metadata.Get(middleware.ReasonForPoisonedKey),
				Since:   m.Since,
				message: m,
			}
			if event, err := r.event(m.Message); err == nil {
				p.Event = event
			}
			if !yield(p, nil) {
				return
			}
		}
	}
}

// Replay publishes an event in the poison queue again, under the same id, and
// removes it from the queue only after the broker has persisted it. If Replay
// fails, or the process dies halfway, the event is still in the queue and may also
// be on its way: replay it again.
func (r *Relay) Replay(ctx context.Context, p PoisonEvent) error {
	switch {
	case r.broker.Poison == nil:
		return fmt.Errorf("relay: replay: %w", ErrNoPoisonQueue)
	case p.message.Message == nil:
		return errors.New("relay: replay: not from the poison queue")
	}
	if err := r.broker.Publisher.Publish(r.broker.Topic, newReplay(ctx, p.message.Message)); err != nil {
		return fmt.Errorf("relay: replay %s: %w", p.Key, err)
	}
	return r.Discard(ctx, p)
}

// newReplay returns the message to publish. It ignores the topic that the poisoned
// message names, which anyone could have written.
func newReplay(ctx context.Context, poisoned *message.Message) *message.Message {
	msg := poisoned.Copy()
	msg.SetContext(ctx)
	for _, key := range [...]string{
		middleware.ReasonForPoisonedKey, middleware.PoisonedTopicKey,
		middleware.PoisonedHandlerKey, middleware.PoisonedSubscriberKey,
	} {
		delete(msg.Metadata, key)
	}
	msg.Metadata.Set(ReplayKey, watermill.NewUUID())
	return msg
}

// ReplayAll replays the events in the poison queue at the time of the call and
// returns their number. It stops at the first error. It is safe to call in several
// processes at once, and from a cron job: an event that fails again returns to the
// queue.
func (r *Relay) ReplayAll(ctx context.Context) (int, error) {
	n := 0
	for p, err := range r.PoisonEvents(ctx) {
		if err == nil {
			err = r.Replay(ctx, p)
		}
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// Discard removes an event from the poison queue for good. It will not be applied,
// unless [inbox.Inbox.Reconcile] finds its payment. If its notification arrives
// again soon, the broker may drop it as a duplicate.
func (r *Relay) Discard(ctx context.Context, p PoisonEvent) error {
	switch {
	case r.broker.Poison == nil:
		return fmt.Errorf("relay: discard: %w", ErrNoPoisonQueue)
	case p.message.Message == nil:
		return errors.New("relay: discard: not from the poison queue")
	}
	if err := r.broker.Poison.Remove(ctx, p.message.Position); err != nil {
		return fmt.Errorf("relay: poison queue: remove %s: %w", p.Key, err)
	}
	return nil
}
