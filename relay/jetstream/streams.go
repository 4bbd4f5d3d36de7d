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

// streams are the streams of a broker, as they were when it connected. A stream
// that is gone, because the server lost its data or an administrator deleted it,
// is created again as it was: with the replicas, placement and limits chosen for it.
type streams struct {
	js       jetstream.JetStream
	settings settings

	mu    sync.Mutex
	known map[string]*jetstream.StreamInfo // by name
}

// ensure creates a stream if it is missing, or else checks the one that exists.
func (st *streams) ensure(ctx context.Context, name string) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	config, known := st.settings.newStream(name), st.known[name]
	if known != nil {
		config = known.Config
	}
	stream, err := st.js.CreateStream(ctx, config)
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		if stream, err = st.js.Stream(ctx, name); err == nil {
			err = st.settings.check(stream.CachedInfo().Config)
		}
	}
	if err != nil {
		return fmt.Errorf("stream %s: %w", name, err)
	}
	info := stream.CachedInfo()
	if known != nil && !known.Created.Equal(info.Created) {
		st.settings.log.Error("The server lost a stream; it is created again", errors.New("the messages in it are lost"), watermill.LogFields{"stream": name})
	}
	st.known[name] = info
	return nil
}

// restore creates a stream again that the server lost. It waits for the server's
// response even if ctx ends: a server that stops while it creates a stream, as an
// embedded one may next, leaves the stream's files open.
func (st *streams) restore(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), setupTimeout)
	defer cancel()
	return st.ensure(ctx, name)
}

// restoringPublisher creates a stream again that the server lost, and then
// publishes to it: a process that only publishes must not have to wait for one
// that consumes.
type restoringPublisher struct {
	message.Publisher
	streams *streams
}

// Publish implements [message.Publisher].
func (p restoringPublisher) Publish(topic string, messages ...*message.Message) error {
	for _, msg := range messages {
		err := p.Publisher.Publish(topic, msg)
		if isLost(err) {
			if restored := p.streams.restore(msg.Context(), topic); restored == nil {
				err = p.Publisher.Publish(topic, msg)
			} else {
				err = errors.Join(err, restored)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Close implements [message.Publisher]. It closes the connection, but not before the
// server has responded to a request to create a stream.
func (p restoringPublisher) Close() error {
	p.streams.mu.Lock()
	defer p.streams.mu.Unlock()
	return p.Publisher.Close()
}

// isLost reports whether no stream on the server has the subject.
func isLost(err error) bool {
	return errors.Is(err, nats.ErrNoStreamResponse) || errors.Is(err, nats.ErrNoResponders)
}
