package jetstream

import (
	"log/slog"
	"time"

	"github.com/nats-io/nats-server/v2/server"
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
