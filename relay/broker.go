package relay

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
)

// Engine is a message engine as a [Relay] uses it. Packages jetstream and
// redisstream make one. To use another engine of Watermill, fill one in: the
// guarantees are as good as what is said of the fields.
type Engine struct {
	// Topic is where events go, RetryTopic where a failed event waits for its
	// next attempt, and PoisonTopic where an event goes that failed for too
	// long. They differ.
	//
	// If RetryTopic is empty, a failed event goes to Topic again. It then holds
	// a worker until it is due, unless the subscriber holds it back.
	Topic, RetryTopic, PoisonTopic string

	// Publisher returns only after the broker has persisted the message. It may
	// drop a message for Topic without a [ReplayKey] if one with the same UUID
	// is persisted, in Topic, RetryTopic or PoisonTopic, or was applied. It
	// drops no other message. One for PoisonTopic may take the place of one
	// with the same UUID, which a replay may be about to remove.
	Publisher message.Publisher

	// Subscriber gives each message to one of the processes that subscribe,
	// and again, to any of them, until it is acknowledged. It may hold back a
	// message that is not due, see [DueIn].
	Subscriber message.Subscriber

	// Poison reads PoisonTopic. If it is nil, what is there cannot be listed
	// and replayed by a [Relay].
	Poison PoisonQueue

	// Stop, if not nil, ends what is beneath Publisher and Subscriber.
	Stop func() error
}

// PoisonQueue reads the messages of a poison topic without consuming them.
type PoisonQueue interface {
	// Messages yields what is in the queue at the time of the call, oldest
	// first. It ends after the first error.
	Messages(ctx context.Context) iter.Seq2[PoisonMessage, error]

	// Remove takes the message at a position out of the queue. If it is gone
	// already, that is no error.
	Remove(ctx context.Context, position string) error
}

// PoisonMessage is a message in a poison queue.
type PoisonMessage struct {
	Position string           // where it is, in the engine's own terms
	Since    time.Time        // when it came there
	Message  *message.Message // as published; it needs no acknowledgement
}

// Close closes the subscriber, the publisher and what is beneath them. End
// [Relay.Run] first, so that work in progress can be acknowledged.
func (e *Engine) Close() error {
	err := errors.Join(e.Subscriber.Close(), e.Publisher.Close())
	if e.Stop != nil {
		err = errors.Join(err, e.Stop())
	}
	return err
}

func (e *Engine) check() error {
	switch {
	case e == nil || e.Publisher == nil || e.Subscriber == nil:
		return errors.New("relay: engine needs a publisher and a subscriber")
	case e.Topic == "" || e.PoisonTopic == "":
		return errors.New("relay: engine needs a topic and a poison topic")
	case e.Topic == e.PoisonTopic || e.RetryTopic == e.Topic || e.RetryTopic == e.PoisonTopic:
		return errors.New("relay: topic, retry topic and poison topic must differ")
	}
	return nil
}
