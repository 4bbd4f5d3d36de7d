package redisstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/redis/go-redis/v9"

	"github.com/jovepay/jovepay-go/relay"
)

// ClaimAfter is how long a message is held for a consumer that shows no sign of
// life. Then another consumer gets it.
const ClaimAfter = 30 * time.Second

// maxSubscriptions bounds the connections of subscriptions that wait for messages.
// A relay has at most 1500.
const maxSubscriptions = 2000

// Option configures a broker. A nil option changes nothing.
type Option func(*settings) error

type settings struct {
	name       string
	log        watermill.LoggerAdapter
	claimAfter time.Duration
	unchecked  bool
}

// WithName sets the name of the stream and of its consumer group. All other keys
// start with it. The default is "jovepay-ipn". Shops that share a server need
// different names.
func WithName(name string) Option {
	return func(s *settings) error {
		if name == "" {
			return errors.New("name is empty")
		}
		s.name = name
		return nil
	}
}

// WithLogger sets the logger for lost connections, failed acknowledgements and lost
// consumer groups. The default is [slog.Default].
func WithLogger(log *slog.Logger) Option {
	return func(s *settings) error {
		if log == nil {
			return errors.New("logger is nil")
		}
		s.log = adapter(log)
		return nil
	}
}

func adapter(log *slog.Logger) watermill.LoggerAdapter {
	return watermill.NewSlogLoggerWithLevelMapping(log, map[slog.Level]slog.Level{slog.LevelInfo: slog.LevelDebug})
}

// WithUncheckedServer makes [Connect] accept a server with any settings, or one that
// does not show them. JovePay then gets 200 for notifications that can be lost, to
// eviction or to a restart. Reconcile often.
func WithUncheckedServer() Option {
	return func(s *settings) error {
		s.unchecked = true
		return nil
	}
}

// Connect returns a broker on a Redis server, at an address such as
// redis://:password@redis.example:6379/0. ctx bounds the setup only.
//
// The server must keep what it accepts: Redis 6.2 or later, a master, not part of a
// Redis Cluster, with appendonly yes, and with maxmemory-policy noeviction or
// without maxmemory. Otherwise Connect returns an error that names each offending
// setting, its value, and what is wanted; see [WithUncheckedServer]. It reads the
// settings with INFO, and appendfsync with CONFIG GET if the server permits that.
func Connect(ctx context.Context, address string, opts ...Option) (*relay.Broker, error) {
	s := settings{name: "jovepay-ipn", log: adapter(slog.Default()), claimAfter: ClaimAfter}
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(&s); err != nil {
			return nil, fmt.Errorf("redisstream: %w", err)
		}
	}
	options, err := redis.ParseURL(address)
	if err != nil {
		// The error would repeat the address, which may contain a password.
		return nil, errors.New("redisstream: address: want redis://host:port/db")
	}
	options.ContextTimeoutEnabled = true
	// Each subscription that waits for a message occupies a connection, and retries
	// on its own.
	polling := *options
	polling.PoolSize, polling.MaxRetries = max(maxSubscriptions, options.PoolSize), -1
	client, waiting := redis.NewClient(options), redis.NewClient(&polling)
	broker, err := s.open(ctx, client, waiting)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("redisstream: %w", err), client.Close(), waiting.Close())
	}
	return broker, nil
}

// open creates the consumer groups that are missing.
func (s *settings) open(ctx context.Context, client, waiting *redis.Client) (*relay.Broker, error) {
	if err := s.checkServer(ctx, client); err != nil {
		return nil, err
	}
	k := keys(s.name)
	sub := newSubscriber(client, waiting, k, s.log, s.claimAfter)
	for _, stream := range [...]string{k.events(), k.retries()} {
		if _, err := sub.ensureGroup(ctx, stream); err != nil {
			return nil, err
		}
	}
	return &relay.Broker{
		Topic:       k.events(),
		RetryTopic:  k.retries(),
		PoisonTopic: k.poison(),
		Publisher:   newPublisher(client, k),
		Subscriber:  sub,
		Poison:      poisonQueue{client, k},
		Stop: sync.OnceValue(func() error {
			return errors.Join(client.Close(), waiting.Close())
		}),
	}, nil
}

// checkServer returns an error if the server does not respond, or does not keep what
// it accepts.
func (s *settings) checkServer(ctx context.Context, client *redis.Client) error {
	if s.unchecked {
		return client.Ping(ctx).Err()
	}
	c, err := readConfig(ctx, client)
	if err != nil {
		return err
	}
	return c.check()
}

// keys are the names of the keys, derived from the name of the broker.
type keys string

func (k keys) events() string  { return string(k) }
func (k keys) retries() string { return string(k) + "-retry" }
func (k keys) poison() string  { return string(k) + "-poison" }

// index returns the hash that maps the UUIDs of a stream's messages to their
// positions. Topic and RetryTopic share one: an event that waits for its next
// attempt is stored already when its notification arrives again.
func (k keys) index(stream string) string {
	if stream == k.poison() {
		return k.poison() + "-ids"
	}
	return k.events() + "-ids"
}
