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

	"github.com/jovepay/jovepay-go/relay"
)

const (
	failureDelay    = time.Second // after a failed request
	heartbeat       = time.Second // of the server, while there is no message
	settleTimeout   = 5 * time.Second
	withdrawTimeout = 5 * time.Second

	// nackDelay is the delay of a message that the receiver nacks. It does not
	// grow with each delivery: most nacks come from consumers that shut down, and
	// say nothing about the message.
	nackDelay = time.Second

	// noDelay is the delay of a message that is given back for others. The server
	// remembers a delay when it restarts; a message that was given back without
	// one is then held until AckWait is over.
	noDelay = time.Millisecond

	// pullBuffer is room for a message and for the server's status messages. The
	// client library drops what does not fit, even the message.
	pullBuffer = 16
)

// subscriber pulls one message at a time, the next when the last is settled. So no
// message waits in a buffer while another process is idle.
//
// Its structure is that of the subscriber in package redisstream.
type subscriber struct {
	js      jetstream.JetStream
	streams *streams
	log     watermill.LoggerAdapter
	ackWait time.Duration

	mu      sync.Mutex
	closed  bool
	closing chan struct{}
	running sync.WaitGroup
}

func newSubscriber(st *streams, log watermill.LoggerAdapter, ackWait time.Duration) *subscriber {
	return &subscriber{js: st.js, streams: st, log: log, ackWait: ackWait, closing: make(chan struct{})}
}

// consumer returns the durable consumer of a topic. It creates the consumer, and
// the stream, if they are missing.
func (s *subscriber) consumer(ctx context.Context, topic string) (jetstream.Consumer, error) {
	config := jetstream.ConsumerConfig{
		Durable:       topic,
		DeliverPolicy: jetstream.DeliverAllPolicy,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       s.ackWait,
		MaxDeliver:    -1,
		MaxAckPending: -1, // events that wait for their next attempt must not hold up others
	}
	consumer, err := s.js.CreateOrUpdateConsumer(ctx, topic, config)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		if err = s.streams.restore(ctx, topic); err == nil {
			consumer, err = s.js.CreateOrUpdateConsumer(ctx, topic, config)
		}
	}
	return consumer, err
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
		s.consume(ctx, topic, consumer, out)
		s.flush()
	})
	return out, nil
}

// flush waits until the server has read everything that was sent to it. The
// connection may be closed next, which can lose the rest.
func (s *subscriber) flush() {
	if conn := s.js.Conn(); conn.IsConnected() {
		if err := conn.FlushTimeout(settleTimeout); err != nil {
			s.log.Error("Cannot confirm that messages were given back", err, nil)
		}
	}
}

// consume delivers messages until ctx ends. It tolerates errors, such as a server
// that restarts or a cluster that elects a leader. If the consumer or the stream is
// gone, it creates it again; the consumer then starts with all messages that were
// not acknowledged.
func (s *subscriber) consume(ctx context.Context, topic string, consumer jetstream.Consumer, out chan<- *message.Message) {
	for ctx.Err() == nil {
		msg, err := s.next(ctx, consumer)
		switch {
		case err == nil:
			s.deliver(ctx, msg, out)
		case ctx.Err() == nil:
			s.log.Error("Cannot pull", err, watermill.LogFields{"topic": topic})
			wait(ctx, failureDelay)
			if _, err := s.consumer(ctx, topic); err != nil && ctx.Err() == nil {
				s.log.Error("Cannot create the consumer again", err, watermill.LogFields{"topic": topic})
			}
		}
	}
}

// next requests one message and waits for it. When it gives up, it withdraws the
// request and waits until the server has confirmed that. Meanwhile the server may
// have sent a message, which it would hold until AckWait is over if nobody read it.
// So next may return a message although ctx has ended.
func (s *subscriber) next(ctx context.Context, consumer jetstream.Consumer) (jetstream.Msg, error) {
	request, err := consumer.Messages(jetstream.PullMaxMessages(pullBuffer), jetstream.StopAfter(1), jetstream.PullHeartbeat(heartbeat))
	if err != nil {
		return nil, err
	}
	defer request.Stop()
	msg, err := request.Next(jetstream.NextContext(ctx))
	if err == nil || !s.js.Conn().IsConnected() {
		return msg, err
	}
	request.Drain()
	withdrawn, cancel := context.WithTimeout(context.WithoutCancel(ctx), withdrawTimeout)
	defer cancel()
	for {
		late, none := request.Next(jetstream.NextContext(withdrawn))
		switch {
		case none == nil:
			return late, nil
		case !errors.Is(none, jetstream.ErrNoHeartbeat): // which does not mean that nothing is on its way
			return nil, err
		}
	}
}

// deliver passes a message on and settles it as its receiver decides. It gives back
// a message that is not due, for the rest of its delay.
func (s *subscriber) deliver(ctx context.Context, wire jetstream.Msg, out chan<- *message.Message) {
	msg := unmarshal(wire.Headers(), wire.Data())
	check := func(action string, err error) {
		if err != nil {
			// The server will deliver the message again.
			s.log.Error("Cannot "+action, err, watermill.LogFields{"message_uuid": msg.UUID})
		}
	}
	if delay := relay.Delay(msg); delay > 0 {
		check("give back", wire.NakWithDelay(delay))
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	msg.SetContext(ctx)
	progress := time.NewTicker(s.ackWait / 3)
	defer progress.Stop()
	for hand := out; ; {
		select {
		case hand <- msg:
			hand = nil
		case <-progress.C:
			check("report work in progress", wire.InProgress())
		case <-msg.Acked():
			check("acknowledge", acknowledge(ctx, wire))
			return
		case <-msg.Nacked():
			check("give back", wire.NakWithDelay(nackDelay))
			return
		case <-ctx.Done():
			check("give back", wire.NakWithDelay(noDelay))
			return
		}
	}
}

// acknowledge waits until the server has confirmed the acknowledgement.
func acknowledge(ctx context.Context, wire jetstream.Msg) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	return wire.DoubleAck(ctx)
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// unmarshal reads any message. A message that Watermill did not write loses its
// metadata, so that it cannot be verified.
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
