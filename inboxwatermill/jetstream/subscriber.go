package jetstream

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	wmnats "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	maxRedeliveryDelay = time.Minute
	pullDelay          = time.Second // after a failure
	heartbeat          = time.Second // of the server, while there is no message
	ackTimeout         = 5 * time.Second
)

// subscriber pulls messages one at a time, each when the last is settled. So
// none waits in a buffer while another process has nothing to do.
type subscriber struct {
	js      jetstream.JetStream
	log     watermill.LoggerAdapter
	ackWait time.Duration

	mu      sync.Mutex
	closed  bool
	closing chan struct{}
	running sync.WaitGroup
}

func newSubscriber(js jetstream.JetStream, log watermill.LoggerAdapter, ackWait time.Duration) *subscriber {
	return &subscriber{js: js, log: log, ackWait: ackWait, closing: make(chan struct{})}
}

// consumer returns the durable consumer of a topic and creates it if need be.
func (s *subscriber) consumer(ctx context.Context, topic string) (jetstream.Consumer, error) {
	return s.js.CreateOrUpdateConsumer(ctx, topic, jetstream.ConsumerConfig{
		Durable:       topic,
		DeliverPolicy: jetstream.DeliverAllPolicy,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       s.ackWait,
		MaxDeliver:    -1,
	})
}

// Subscribe implements [message.Subscriber].
func (s *subscriber) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	consumer, err := s.consumer(ctx, topic)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errors.New("jetstream: subscriber is closed")
	}
	ctx, cancel := context.WithCancel(ctx)
	out := make(chan *message.Message)
	s.running.Go(func() {
		defer cancel()
		select {
		case <-s.closing:
		case <-ctx.Done():
		}
	})
	s.running.Go(func() {
		defer close(out)
		defer cancel()
		s.pull(ctx, topic, consumer, out)
	})
	return out, nil
}

// pull delivers messages until ctx ends. Errors are met with patience: a server
// that restarts, a cluster that elects. A consumer that was deleted is created
// again; it then starts with all messages that were not acknowledged.
func (s *subscriber) pull(ctx context.Context, topic string, consumer jetstream.Consumer, out chan<- *message.Message) {
	for ctx.Err() == nil {
		msg, err := consumer.Next(jetstream.FetchContext(ctx), jetstream.FetchHeartbeat(heartbeat))
		switch {
		case err == nil:
			s.deliver(ctx, msg, out)
		case errors.Is(err, nats.ErrTimeout): // there was none
		case ctx.Err() == nil:
			s.log.Error("Cannot pull", err, watermill.LogFields{"topic": topic})
			wait(ctx, pullDelay)
			if _, err := s.consumer(ctx, topic); err != nil && ctx.Err() == nil {
				s.log.Error("Cannot create the consumer again", err, watermill.LogFields{"topic": topic})
			}
		}
	}
}

// deliver gives a message away and settles it as the receiver says.
func (s *subscriber) deliver(ctx context.Context, wire jetstream.Msg, out chan<- *message.Message) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	msg := unmarshal(wire.Headers(), wire.Data())
	msg.SetContext(ctx)
	atWork := time.NewTicker(s.ackWait / 3)
	defer atWork.Stop()
	failed := func(what string, err error) {
		if err != nil {
			// The server will deliver it again.
			s.log.Error("Cannot "+what, err, watermill.LogFields{"message_uuid": msg.UUID})
		}
	}
	for hand := out; ; {
		select {
		case hand <- msg:
			hand = nil
		case <-atWork.C:
			failed("tell that work goes on", wire.InProgress())
		case <-msg.Acked():
			failed("acknowledge", acknowledge(ctx, wire))
			return
		case <-msg.Nacked():
			failed("give back", wire.NakWithDelay(redeliveryDelay(delivered(wire))))
			return
		case <-ctx.Done():
			failed("give back", wire.Nak())
			return
		}
	}
}

// acknowledge waits until the server has the acknowledgement.
func acknowledge(ctx context.Context, wire jetstream.Msg) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ackTimeout)
	defer cancel()
	return wire.DoubleAck(ctx)
}

func delivered(wire jetstream.Msg) uint64 {
	if meta, err := wire.Metadata(); err == nil {
		return meta.NumDelivered
	}
	return 1
}

// redeliveryDelay doubles from a second on.
func redeliveryDelay(n uint64) time.Duration {
	return min(time.Second<<min(max(n, 1)-1, 6), maxRedeliveryDelay)
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// unmarshal reads any message. One that Watermill did not write loses its
// metadata, so that it is found to be no notification.
func unmarshal(header nats.Header, data []byte) *message.Message {
	msg, err := new(wmnats.NATSMarshaler).Unmarshal(&nats.Msg{Header: header, Data: data})
	if err != nil {
		return message.NewMessage(header.Get(wmnats.WatermillUUIDHdr), data)
	}
	return msg
}

// Close implements [message.Subscriber].
func (s *subscriber) Close() error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.closing)
	}
	s.mu.Unlock()
	s.running.Wait()
	return nil
}
