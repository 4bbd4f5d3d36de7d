package jetstream

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/nats-io/nats.go"
)

// Option configures an engine. One that is nil changes nothing.
type Option func(*settings) error

type settings struct {
	name     string
	replicas int
	nats     []nats.Option
	slog     *slog.Logger
	log      watermill.LoggerAdapter
	ackWait  time.Duration
	alone    bool // no other process can have messages in work
}

func newSettings(opts []Option) (*settings, error) {
	s := &settings{name: "jovepay-ipn", slog: slog.Default(), ackWait: AckWait}
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(s); err != nil {
			return nil, fmt.Errorf("jetstream: %w", err)
		}
	}
	s.log = watermill.NewSlogLoggerWithLevelMapping(s.slog, map[slog.Level]slog.Level{slog.LevelInfo: slog.LevelDebug})
	return s, nil
}

func (s *settings) retryName() string  { return s.name + "-retry" }
func (s *settings) poisonName() string { return s.name + "-poison" }

// WithName sets the name of the stream, which is its subject too. The names of
// the streams for failed events and for the poison queue are this one with
// "-retry" and "-poison" after it. The default is "jovepay-ipn". Shops that share
// a cluster need different names.
func WithName(name string) Option {
	return func(s *settings) error {
		if ok, _ := regexp.MatchString(`^[A-Za-z0-9_-]{1,64}$`, name); !ok {
			return fmt.Errorf("name %q: want 1 to 64 letters, digits, - or _", name)
		}
		s.name = name
		return nil
	}
}

// WithReplicas sets on how many servers of a cluster the streams are kept that
// [Connect] creates. The default is 1; with 3, what was acknowledged survives
// the loss of a server.
func WithReplicas(n int) Option {
	return func(s *settings) error {
		if n < 1 || n > 5 {
			return fmt.Errorf("replicas: want 1 to 5, got %d", n)
		}
		s.replicas = n
		return nil
	}
}

// WithNATS sets options of the connection, such as credentials and TLS.
func WithNATS(opts ...nats.Option) Option {
	return func(s *settings) error {
		s.nats = append(s.nats, opts...)
		return nil
	}
}

// WithLogger logs what the engine meets: lost connections, failed
// acknowledgements, lost streams, and what an embedded server says. The default is
// [slog.Default].
func WithLogger(log *slog.Logger) Option {
	return func(s *settings) error {
		if log == nil {
			return errors.New("logger is nil")
		}
		s.slog = log
		return nil
	}
}
