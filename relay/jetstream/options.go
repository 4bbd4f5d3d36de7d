package jetstream

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"

	"github.com/nats-io/nats.go"

	"github.com/jovepay/jovepay-go/relay/jetstream/internal/config"
)

// Option configures a broker. A nil option changes nothing.
type Option func(*config.Config) error

// WithName sets the name of the stream, which is also its subject. The streams
// for failed events and for the poison queue are named after it, with "-retry"
// and "-poison" appended. The default is "jovepay-ipn". Shops that share a
// cluster need different names.
func WithName(name string) Option {
	return func(c *config.Config) error {
		if ok, _ := regexp.MatchString(`^[A-Za-z0-9_-]{1,64}$`, name); !ok {
			return fmt.Errorf("name %q: want 1 to 64 letters, digits, - or _", name)
		}
		c.Name = name
		return nil
	}
}

// WithReplicas sets on how many servers of a cluster [Connect] keeps the streams
// that it creates. The default is 1. With 3, acknowledged messages survive the
// loss of a server.
func WithReplicas(n int) Option {
	return func(c *config.Config) error {
		if n < 1 || n > 5 {
			return fmt.Errorf("replicas: want 1 to 5, got %d", n)
		}
		c.Replicas = n
		return nil
	}
}

// WithNATS adds options of the connection, such as credentials and TLS.
func WithNATS(opts ...nats.Option) Option {
	return func(c *config.Config) error {
		c.NATS = append(c.NATS, opts...)
		return nil
	}
}

// WithLogger sets the logger for lost connections, failed acknowledgements and
// lost streams, and for the messages of an embedded server. The default is
// [slog.Default].
func WithLogger(log *slog.Logger) Option {
	return func(c *config.Config) error {
		if log == nil {
			return errors.New("logger is nil")
		}
		c.Log = log
		return nil
	}
}
