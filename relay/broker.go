package relay

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
)

// Broker is a message broker as a [Relay] uses it. Packages jetstream and
// redisstream return one. To use another broker that Watermill supports, fill in
// the fields: the guarantees are as good as what the fields' comments require.
// Package relaytest tests that a Broker keeps them.
type Broker struct {
	// Topic receives new events, RetryTopic failed events that wait for their
	// next attempt, and PoisonTopic events that have failed for too long. The
	// three must differ.
	//
	// If RetryTopic is empty, failed events go back to Topic. Unless the
	// subscriber holds them back, see [Delay], they then occupy a worker until
	// they are due.
	Topic, RetryTopic, PoisonTopic string

	// Publisher returns only after the broker has persisted the message. It may
	// drop a message to Topic that has no [ReplayKey] if a message with the same
	// UUID is persisted in Topic, RetryTopic or PoisonTopic, or was applied. It
	// drops no other message. A message to PoisonTopic may replace one with the
	// same UUID, which a replay may be about to remove.
	Publisher message.Publisher

	// Subscriber delivers each message to one of the subscribed processes, and
	// again, to any of them, until it is acknowledged. It may hold back a message
	// that is not due, see [Delay].
	Subscriber message.Subscriber

	// Poison reads PoisonTopic. If it is nil, a [Relay] can neither list nor
	// replay the events in the poison queue.
	Poison PoisonQueue

	// Stop, if not nil, is called last when the broker is closed.
	Stop func() error
}

// PoisonQueue reads the messages of a poison topic without consuming them.
type PoisonQueue interface {
	// Messages yields the messages in the queue at the time of the call, oldest
	// first. It ends after the first error.
	Messages(ctx context.Context) iter.Seq2[PoisonMessage, error]

	// Remove deletes the message at a position. It is not an error if the
	// message is already gone.
	Remove(ctx context.Context, position string) error
}

// PoisonMessage is a message in a poison queue.
type PoisonMessage struct {
	Position string           // identifies it in the queue, in the broker's own terms
	Since    time.Time        // when it entered the queue
	Message  *message.Message // as published; it needs no acknowledgement
}

// Close closes the subscriber and the publisher and calls Stop. First end
// [Relay.Run], so that work in progress can still be acknowledged.
func (b *Broker) Close() error {
	err := errors.Join(b.Subscriber.Close(), b.Publisher.Close())
	if b.Stop != nil {
		err = errors.Join(err, b.Stop())
	}
	return err
}

func (b *Broker) check() error {
	switch {
	case b == nil || b.Publisher == nil || b.Subscriber == nil:
		return errors.New("relay: broker needs a publisher and a subscriber")
	case b.Topic == "" || b.PoisonTopic == "":
		return errors.New("relay: broker needs a topic and a poison topic")
	case b.Topic == b.PoisonTopic || b.RetryTopic == b.Topic || b.RetryTopic == b.PoisonTopic:
		return errors.New("relay: topic, retry topic and poison topic must differ")
	}
	return nil
}
