package jetstream

import (
	"context"
	"log/slog"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/jovepay/jovepay-go/relay"
)

// Start starts the server of [Embedded].
func Start(dir string) (*server.Server, error) { return start(dir, slog.New(slog.DiscardHandler)) }

// WithAckWait shortens [AckWait].
func WithAckWait(d time.Duration) Option {
	return func(s *settings) error {
		s.ackWait = d
		return nil
	}
}

// Waiting returns how many messages are in the streams of events.
func Waiting(ctx context.Context, engine *relay.Engine) (n int, err error) {
	s, _ := engine.Subscriber.(*subscriber)
	for _, name := range [...]string{engine.Topic, engine.RetryTopic} {
		stream, err := s.js.Stream(ctx, name)
		if err != nil {
			return 0, err
		}
		n += int(stream.CachedInfo().State.Msgs)
	}
	return n, nil
}
