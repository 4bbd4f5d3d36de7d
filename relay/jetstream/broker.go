package jetstream

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
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
)

const (
	// DeduplicationWindow is for how long the id of a message is remembered. A
	// stream that exists keeps a window of its own, which may be longer.
	DeduplicationWindow = time.Hour

	// AckWait is how long a message waits for the next sign of life from the
	// consumer that has it, before another consumer gets it. A consumer that
	// ends in good order gives back what it has at once. What a process had that
	// was killed waits, unless its directory is opened again by [Embedded].
	AckWait = 30 * time.Second

	setupTimeout = 15 * time.Second
)

// Connect returns the engine on a NATS server or cluster with JetStream, at an
// address such as nats://nats.example:4222 or several, separated by commas. It
// creates what it needs there: a stream for events, one for failed events that
// wait for their next attempt, one for the poison queue, and for the first two a
// durable consumer that all processes share. Streams that exist are left as they
// are; if a guarantee would not hold with them, that is an error which names each
// setting at fault, its value, and what is wanted. A stream that the server loses
// later is created again as it was.
//
// ctx bounds the setup only.
func Connect(ctx context.Context, address string, opts ...Option) (*relay.Engine, error) {
	s, err := newSettings(opts)
	if err != nil {
		return nil, err
	}
	return s.connect(ctx, address)
}

func (s *settings) connect(ctx context.Context, address string, opts ...nats.Option) (*relay.Engine, error) {
	opts = append([]nats.Option{
		nats.Name(s.name),
		nats.MaxReconnects(-1),
		nats.ReconnectBufSize(-1), // what cannot be sent now is refused, not kept in memory
	}, append(s.nats, opts...)...)
	conn, err := nats.Connect(address, opts...)
	if malformed := (*url.Error)(nil); errors.As(err, &malformed) {
		// The error would repeat the address, which may hold a password.
		return nil, errors.New("jetstream: address: want nats://host:port")
	}
	if err != nil {
		return nil, fmt.Errorf("jetstream: connect: %w", err)
	}
	engine, err := s.engine(ctx, conn)
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("jetstream: %w", err)
	}
	return engine, nil
}

func (s *settings) engine(ctx context.Context, conn *nats.Conn) (*relay.Engine, error) {
	ctx, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, err
	}
	st := &streams{js: js, s: s, known: map[string]*jetstream.StreamInfo{}}
	for _, name := range [...]string{s.name, s.retryName(), s.poisonName()} {
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
	sub := newSubscriber(st, s.log, s.ackWait)
	for _, topic := range [...]string{s.name, s.retryName()} {
		if s.alone {
			// What a killed process had in work need not wait for AckWait.
			if err := js.DeleteConsumer(ctx, topic, topic); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
				return nil, err
			}
		}
		if _, err := sub.consumer(ctx, topic); err != nil {
			return nil, err
		}
	}
	return &relay.Engine{
		Topic:       s.name,
		RetryTopic:  s.retryName(),
		PoisonTopic: s.poisonName(),
		Publisher:   restoringPublisher{publisher, st},
		Subscriber:  sub,
		Poison:      poisonQueue{failed, s.subjects(s.poisonName())},
	}, nil
}

// newStream returns the settings of a stream that does not exist yet.
func (s *settings) newStream(name string) jetstream.StreamConfig {
	config := jetstream.StreamConfig{
		Name:       name,
		Subjects:   []string{s.subjects(name)},
		Retention:  s.retention(name),
		Storage:    jetstream.FileStorage,
		Discard:    jetstream.DiscardNew,
		Replicas:   s.replicas,
		Duplicates: DeduplicationWindow,
	}
	if name == s.poisonName() {
		config.MaxMsgsPerSubject = 1
	}
	return config
}

// subjects returns the subject of a stream's messages. In the poison queue each
// event has its own, below the stream's name, and the newest failure takes the
// place of the one before: an event that is sent again and again, and fails each
// time, is there once.
func (s *settings) subjects(name string) string {
	if name == s.poisonName() {
		return name + ".>"
	}
	return name
}

// retention returns what becomes of an acknowledged message: it leaves the
// streams that hold what is still to be done.
func (s *settings) retention(name string) jetstream.RetentionPolicy {
	if name == s.poisonName() {
		return jetstream.LimitsPolicy
	}
	return jetstream.WorkQueuePolicy
}

// check reports which settings of a stream break the guarantees, and how. What
// else an administrator chose, such as replicas, placement and limits that refuse
// new messages, is left to them.
func (s *settings) check(c jetstream.StreamConfig) error {
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
		{c.PersistMode == jetstream.AsyncPersistMode, "persist_mode", c.PersistMode, "want default: it acknowledges what is not written yet"},
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
			"want 1, without discard_new_per_subject: an event's new failure takes the place of the old one",
		},
		{
			c.Name == s.name && c.Duplicates < DeduplicationWindow, "duplicate_window", c.Duplicates,
			fmt.Sprintf("want %v or more: what is sent again would be stored again", DeduplicationWindow),
		},
		{c.NoAck, "no_ack", c.NoAck, "want false: nobody would know what is stored"},
		{c.Sealed, "sealed", c.Sealed, "want false: it would take no messages"},
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

// marshaler writes messages as Watermill's adapter does. It adds to events the
// id that the server tells duplicates by: a replay is none. Other messages have no
// such id, since the same event may fail, and come to the poison queue, twice.
type marshaler struct{ s *settings }

// Marshal implements [wmnats.Marshaler].
func (m marshaler) Marshal(topic string, msg *message.Message) (*nats.Msg, error) {
	wire, err := new(wmnats.NATSMarshaler).Marshal(topic, msg)
	if err != nil {
		return nil, err
	}
	wire.Header.Set(nats.ExpectedStreamHdr, topic)
	switch topic {
	case m.s.name:
		id := msg.UUID
		if replay := msg.Metadata.Get(relay.ReplayKey); replay != "" {
			id += "/" + replay
		}
		wire.Header.Set(nats.MsgIdHdr, id)
	case m.s.poisonName():
		wire.Subject += "." + token(msg.UUID)
	}
	return wire, nil
}

// token returns the part of a subject that stands for a message's id, which can
// be any text. Messages without an id have a token each.
func token(uuid string) string {
	hash := sha256.Sum256([]byte(cmp.Or(uuid, watermill.NewUUID())))
	return hex.EncodeToString(hash[:])
}
