package jetstream

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	wmnats "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jovepay/jovepay-go/relay"
	"github.com/jovepay/jovepay-go/relay/jetstream/internal/config"
)

const (
	// DeduplicationWindow is how long the server remembers the id of a message. A
	// stream that exists already keeps its own window, which may be longer.
	DeduplicationWindow = time.Hour

	// AckWait is how long a message is held for a consumer that shows no sign of
	// life. Then another consumer gets it. A consumer that shuts down cleanly
	// gives back its messages immediately.
	AckWait = 30 * time.Second

	setupTimeout = 15 * time.Second
)

// Connect returns a broker on a NATS server or cluster with JetStream, at an
// address such as nats://nats.example:4222, or several, separated by commas. It
// creates what it needs there: a stream for events, one for failed events that
// wait for their next attempt, one for the poison queue, and a durable consumer
// for each of the first two, shared by all processes. Existing streams are used
// unchanged. If one would break a guarantee, Connect returns an error that names
// each offending setting, its value, and what is wanted. A stream that the server
// loses later is created again as it was.
//
// ctx bounds the setup only.
func Connect(ctx context.Context, address string, opts ...Option) (*relay.Broker, error) {
	c, err := config.New(opts)
	if err != nil {
		return nil, err
	}
	conn, err := nats.Connect(address, append([]nats.Option{
		nats.Name(c.Name),
		nats.MaxReconnects(-1),
		nats.ReconnectBufSize(-1), // fail immediately instead of buffering in memory
	}, c.NATS...)...)
	if _, ok := errors.AsType[*url.Error](err); ok {
		// The error would repeat the address, which may contain a password.
		return nil, errors.New("jetstream: address: want nats://host:port")
	}
	if err != nil {
		return nil, fmt.Errorf("jetstream: connect: %w", err)
	}
	broker, err := open(ctx, conn, settings{c, watermill.NewSlogLoggerWithLevelMapping(c.Log, map[slog.Level]slog.Level{slog.LevelInfo: slog.LevelDebug})})
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("jetstream: %w", err)
	}
	return broker, nil
}

// settings are the options of a broker, and what follows from them.
type settings struct {
	config.Config
	log watermill.LoggerAdapter
}

func (s settings) retryName() string  { return s.Name + "-retry" }
func (s settings) poisonName() string { return s.Name + "-poison" }

// open creates the streams and consumers that are missing.
func open(ctx context.Context, conn *nats.Conn, s settings) (*relay.Broker, error) {
	ctx, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, err
	}
	st := &streams{js: js, settings: s, known: map[string]*jetstream.StreamInfo{}}
	for _, name := range [...]string{s.Name, s.retryName(), s.poisonName()} {
		if err := st.ensure(ctx, name); err != nil {
			return nil, err
		}
	}
	failed, err := js.Stream(ctx, s.poisonName())
	if err != nil {
		return nil, err
	}
	publisher, err := wmnats.NewPublisherWithNatsConn(conn, wmnats.PublisherPublishConfig{
		Marshaler:         marshaler{s},
		SubjectCalculator: wmnats.DefaultSubjectCalculator,
	}, s.log)
	if err != nil {
		return nil, err
	}
	sub := newSubscriber(st, s.log, cmp.Or(s.AckWait, AckWait))
	for _, topic := range [...]string{s.Name, s.retryName()} {
		if s.Exclusive {
			// Messages that a killed process held need not wait for AckWait.
			if err := js.DeleteConsumer(ctx, topic, topic); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
				return nil, err
			}
		}
		if _, err := sub.consumer(ctx, topic); err != nil {
			return nil, err
		}
	}
	return &relay.Broker{
		Topic:       s.Name,
		RetryTopic:  s.retryName(),
		PoisonTopic: s.poisonName(),
		Publisher:   restoringPublisher{publisher, st},
		Subscriber:  sub,
		Poison:      poisonQueue{failed, s.subjects(s.poisonName())},
	}, nil
}

// newStream returns the settings of a stream that does not exist yet.
func (s settings) newStream(name string) jetstream.StreamConfig {
	config := jetstream.StreamConfig{
		Name:       name,
		Subjects:   []string{s.subjects(name)},
		Retention:  s.retention(name),
		Storage:    jetstream.FileStorage,
		Discard:    jetstream.DiscardNew,
		Replicas:   s.Replicas,
		Duplicates: DeduplicationWindow,
	}
	if name == s.poisonName() {
		config.MaxMsgsPerSubject = 1
	}
	return config
}

// subjects returns the subject of a stream's messages. In the poison queue each
// event has its own subject, below the stream's name, and its newest failure
// replaces the previous one: an event that arrives again and again, and fails
// each time, is there once.
func (s settings) subjects(name string) string {
	if name == s.poisonName() {
		return name + ".>"
	}
	return name
}

// retention returns the policy of a stream: an acknowledged message leaves the
// streams of events to be applied.
func (s settings) retention(name string) jetstream.RetentionPolicy {
	if name == s.poisonName() {
		return jetstream.LimitsPolicy
	}
	return jetstream.WorkQueuePolicy
}

// check returns an error that names the settings of a stream that break the
// guarantees. Everything else is the administrator's choice, such as replicas,
// placement, and limits that reject new messages.
func (s settings) check(c jetstream.StreamConfig) error {
	retention, subject, poison := s.retention(c.Name), s.subjects(c.Name), c.Name == s.poisonName()
	limited := c.MaxMsgs > 0 || c.MaxBytes > 0
	var wrong []string
	for _, rule := range []struct {
		broken  bool
		setting string
		value   any
		want    string
	}{
		{c.Storage != jetstream.FileStorage, "storage", c.Storage, "want File: a restart would lose messages"},
		{c.PersistMode == jetstream.AsyncPersistMode, "persist_mode", c.PersistMode, "want default: it acknowledges messages that are not written yet"},
		{c.Retention != retention, "retention", c.Retention, fmt.Sprintf("want %v", retention)},
		{!slices.Contains(c.Subjects, subject), "subjects", c.Subjects, fmt.Sprintf("want %s among them", subject)},
		{c.SubjectTransform != nil, "subject_transform", "set", "want none: messages would leave their subject"},
		{c.MaxAge > 0, "max_age", c.MaxAge, "want 0: messages would expire"},
		{limited && c.Discard != jetstream.DiscardNew, "discard", c.Discard, "want DiscardNew: a full stream would drop old messages"},
		{
			!poison && c.MaxMsgsPerSubject > 0 && !c.DiscardNewPerSubject, "max_msgs_per_subject", c.MaxMsgsPerSubject,
			"want discard_new_per_subject with it: a full stream would drop old messages",
		},
		{
			poison && (c.MaxMsgsPerSubject != 1 || c.DiscardNewPerSubject), "max_msgs_per_subject", c.MaxMsgsPerSubject,
			"want 1, without discard_new_per_subject: an event's new failure replaces the old one",
		},
		{
			c.Name == s.Name && c.Duplicates < DeduplicationWindow, "duplicate_window", c.Duplicates,
			fmt.Sprintf("want %v or more: retried notifications would be stored again", DeduplicationWindow),
		},
		{c.NoAck, "no_ack", c.NoAck, "want false: nobody would know what is persisted"},
		{c.Sealed, "sealed", c.Sealed, "want false: it would reject all messages"},
		{c.DenyDelete, "deny_delete", c.DenyDelete, "want false: nothing could be removed"},
	} {
		if rule.broken {
			wrong = append(wrong, fmt.Sprintf("%s is %v, %s", rule.setting, rule.value, rule.want))
		}
	}
	if wrong == nil {
		return nil
	}
	return errors.New(strings.Join(wrong, "; "))
}

// marshaler writes messages in the format of Watermill's adapter. It gives events
// the id by which the server recognizes duplicates; a replay has its own. Other
// messages have no id, since one event can fail, and be poisoned, twice.
type marshaler struct{ settings settings }

// Marshal implements [wmnats.Marshaler].
func (m marshaler) Marshal(topic string, msg *message.Message) (*nats.Msg, error) {
	wire, err := new(wmnats.NATSMarshaler).Marshal(topic, msg)
	if err != nil {
		return nil, err
	}
	wire.Header.Set(nats.ExpectedStreamHdr, topic)
	switch topic {
	case m.settings.Name:
		id := msg.UUID
		if replay := msg.Metadata.Get(relay.ReplayKey); replay != "" {
			id += "/" + replay
		}
		wire.Header.Set(nats.MsgIdHdr, id)
	case m.settings.poisonName():
		wire.Subject += "." + token(msg.UUID)
	}
	return wire, nil
}

// token returns the part of a subject that stands for a message's id, which can
// be any text. Each message without an id has its own token.
func token(uuid string) string {
	hash := sha256.Sum256([]byte(cmp.Or(uuid, watermill.NewUUID())))
	return hex.EncodeToString(hash[:])
}
