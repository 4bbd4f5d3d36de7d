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

// ReplayKey is the metadata of a message that is published again, because its
// event failed or was replayed. Its value is different each time. No engine
// drops such a message as a duplicate.
const ReplayKey = "replay"

// ErrNoPoisonQueue is the error, for [errors.Is], of an engine whose poison
// queue cannot be read, see [Engine]. What is in it is safe; read it with the
// engine's own tools.
var ErrNoPoisonQueue = errors.New("engine cannot read its poison queue")

// Poisoned is an event whose work failed to the end.
type Poisoned struct {
	Event  jovepay.Event // nil if the message cannot be verified, be it that a secret was changed
	Key    string        // the event's key, as it was published
	Reason string        // the last error, in one line
	Since  time.Time     // when it was given up

	message PoisonMessage
}

// Poisoned yields the events in the poison queue at the time of the call, oldest
// first. It takes nothing out of the queue. It ends after the first error.
//
// An event that is in the queue may have been applied since, by a reconciliation
// or by another copy of it. To replay it is harmless.
func (r *Relay) Poisoned(ctx context.Context) iter.Seq2[Poisoned, error] {
	return func(yield func(Poisoned, error) bool) {
		if r.engine.Poison == nil {
			yield(Poisoned{}, fmt.Errorf("relay: %w", ErrNoPoisonQueue))
			return
		}
		for m, err := range r.engine.Poison.Messages(ctx) {
			if err != nil {
				yield(Poisoned{}, fmt.Errorf("relay: poison queue: %w", err))
				return
			}
			p := Poisoned{
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

// Replay publishes an event of the poison queue again, under the same id, and
// takes it out of the queue only after the engine has it. If Replay fails or
// the process dies in between, the event is in the queue still, and may be on
// its way as well: replay it again.
func (r *Relay) Replay(ctx context.Context, p Poisoned) error {
	if p.message.Message == nil {
		return errors.New("relay: replay: not from the poison queue")
	}
	if err := r.engine.Publisher.Publish(r.engine.Topic, replayed(ctx, p.message.Message)); err != nil {
		return fmt.Errorf("relay: replay %s: %w", p.Key, err)
	}
	return r.Discard(ctx, p)
}

// replayed returns the message to publish again. What a message says about its
// topic is not asked: it could have been written by anyone.
func replayed(ctx context.Context, poisoned *message.Message) *message.Message {
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

// ReplayAll replays what is in the poison queue at the time of the call, and
// returns how many events that were. It ends at the first error. It is safe in
// several processes at once, and from a cron job: what fails again comes back
// to the queue.
func (r *Relay) ReplayAll(ctx context.Context) (int, error) {
	n := 0
	for p, err := range r.Poisoned(ctx) {
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

// Discard takes an event out of the poison queue for good. It is not applied,
// unless [inbox.Inbox.Reconcile] finds its payment. A notification of it that
// comes again may be dropped by the engine as a duplicate, for a while.
func (r *Relay) Discard(ctx context.Context, p Poisoned) error {
	if p.message.Message == nil {
		return errors.New("relay: discard: not from the poison queue")
	}
	if err := r.engine.Poison.Remove(ctx, p.message.Position); err != nil {
		return fmt.Errorf("relay: poison queue: remove %s: %w", p.Key, err)
	}
	return nil
}
