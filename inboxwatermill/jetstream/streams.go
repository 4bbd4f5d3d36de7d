package jetstream

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// streams are the streams of an engine, as they were when it connected. One that
// the server lost since, with its data or to an administrator, is created again
// as it was: with the replicas, placement and limits chosen for it.
type streams struct {
	js jetstream.JetStream
	s  *settings

	mu      sync.Mutex
	configs map[string]jetstream.StreamConfig // by name
}

// ensure creates a stream if it is missing, or else checks the one that exists.
func (st *streams) ensure(ctx context.Context, name string) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	known, restoring := st.configs[name]
	if !restoring {
		known = st.s.newStream(name)
	}
	stream, err := st.js.CreateStream(ctx, known)
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		if stream, err = st.js.Stream(ctx, name); err == nil {
			err = st.s.check(stream.CachedInfo().Config)
		}
	}
	if err != nil {
		return fmt.Errorf("stream %s: %w", name, err)
	}
	st.configs[name] = stream.CachedInfo().Config
	return nil
}

// restore creates a stream again that the server has lost.
func (st *streams) restore(ctx context.Context, name string, cause error) error {
	cause = errors.New(cause.Error()) // without the stack that Watermill adds
	st.s.log.Error("The server lost a stream; it is created again, empty", cause, watermill.LogFields{"stream": name})
	return st.ensure(ctx, name)
}

// restoringPublisher publishes to a stream that the server has lost after
// creating it again: a program that only publishes must not wait for one that
// consumes.
type restoringPublisher struct {
	message.Publisher
	streams *streams
}

// Publish implements [message.Publisher].
func (p restoringPublisher) Publish(topic string, messages ...*message.Message) error {
	for _, msg := range messages {
		err := p.Publisher.Publish(topic, msg)
		if lost(err) {
			ctx, cancel := context.WithTimeout(msg.Context(), setupTimeout)
			if restored := p.streams.restore(ctx, topic, err); restored == nil {
				err = p.Publisher.Publish(topic, msg)
			} else {
				err = errors.Join(err, restored)
			}
			cancel()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// lost reports whether nobody on the server listens to the stream's subject.
func lost(err error) bool {
	return errors.Is(err, nats.ErrNoStreamResponse) || errors.Is(err, nats.ErrNoResponders)
}
