// Package redisstream makes the message engine of package inboxwatermill of
// Redis streams, by Watermill's own adapter.
//
// # What is promised
//
//   - A publisher returns after Redis has the message. Whether that survives a
//     crash of Redis is for its configuration to say: with appendfsync everysec,
//     which is the default of an append-only file, a second can be lost; with no
//     append-only file, more. Reconcile after a crash.
//   - Nothing is deduplicated: a notification that is sent again is a second
//     message, which the inbox finds to be a duplicate.
//   - A message is delivered again until it is acknowledged, after [ClaimAfter]
//     if its consumer ended; so are the one or two that each worker had read
//     ahead. Work on one event, with all its attempts, should take less; if it
//     takes longer, another consumer does it too, and the inbox lets one win.
//   - Redis keeps what was acknowledged, until it is trimmed: XTRIM with MINID
//     of some days ago, when all before it is done.
package redisstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill-redisstream/pkg/redisstream"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/redis/go-redis/v9"

	"github.com/jovepay/jovepay-go/inboxwatermill"
)

// ClaimAfter is how long a message waits for its consumer before another one
// gets it.
const ClaimAfter = 3 * time.Minute

// Option configures an engine. One that is nil changes nothing.
type Option func(*settings) error

type settings struct {
	name       string
	log        watermill.LoggerAdapter
	claimAfter time.Duration
}

// WithName sets the name of the stream and of its consumer group, and with
// "-poison" after it that of the poison queue. The default is "jovepay-ipn".
// Shops that share a server need names of their own.
func WithName(name string) Option {
	return func(s *settings) error {
		if name == "" {
			return errors.New("name is empty")
		}
		s.name = name
		return nil
	}
}

// WithLogger logs what the engine meets, such as a lost connection. By default
// nothing is logged.
func WithLogger(log *slog.Logger) Option {
	return func(s *settings) error {
		if log == nil {
			return errors.New("logger is nil")
		}
		s.log = watermill.NewSlogLoggerWithLevelMapping(log, map[slog.Level]slog.Level{slog.LevelInfo: slog.LevelDebug})
		return nil
	}
}

// Connect returns the engine on a Redis server, at an address such as
// redis://:password@redis.example:6379/0. ctx bounds the setup only.
func Connect(ctx context.Context, address string, opts ...Option) (*inboxwatermill.Engine, error) {
	s := settings{name: "jovepay-ipn", log: watermill.NopLogger{}, claimAfter: ClaimAfter}
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
		// The error would repeat the address, which may hold a password.
		return nil, errors.New("redisstream: address: want redis://host:port/db")
	}
	// Watermill closes the client of each part with the part.
	publishing, consuming, poison := redis.NewClient(options), redis.NewClient(options), redis.NewClient(options)
	engine, err := s.engine(ctx, publishing, consuming, poison)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("redisstream: %w", err), publishing.Close(), consuming.Close(), poison.Close())
	}
	return engine, nil
}

func (s settings) engine(ctx context.Context, publishing, consuming, poison *redis.Client) (*inboxwatermill.Engine, error) {
	if err := publishing.Ping(ctx).Err(); err != nil {
		return nil, err
	}
	publisher, err := redisstream.NewPublisher(redisstream.PublisherConfig{Client: publishing}, s.log)
	if err != nil {
		return nil, err
	}
	subscriber, err := redisstream.NewSubscriber(redisstream.SubscriberConfig{
		Client:                        consuming,
		Unmarshaller:                  unmarshaller{},
		ConsumerGroup:                 s.name,
		ClaimInterval:                 s.claimAfter / 10,
		MaxIdleTime:                   s.claimAfter,
		NackResendSleep:               time.Second,
		DisableIndefiniteInitialBlock: true,
	}, s.log)
	if err != nil {
		return nil, err
	}
	topic := s.name + "-poison"
	return &inboxwatermill.Engine{
		Topic:       s.name,
		PoisonTopic: topic,
		Publisher:   publisher,
		Subscriber:  subscriber,
		Poison:      poisonQueue{poison, topic},
		Stop:        poison.Close,
	}, nil
}

// unmarshaller reads any entry. One that Watermill did not write comes without
// metadata, so that it is found to be no notification; for Watermill it would
// be the end of the subscription.
type unmarshaller struct{}

// Unmarshal implements [redisstream.Unmarshaller].
func (unmarshaller) Unmarshal(values map[string]any) (*message.Message, error) {
	msg, err := redisstream.DefaultMarshallerUnmarshaller{}.Unmarshal(values)
	if err != nil {
		payload, _ := values["payload"].(string)
		return message.NewMessage("", []byte(payload)), nil //nolint:nilerr // see above
	}
	return msg, nil
}
