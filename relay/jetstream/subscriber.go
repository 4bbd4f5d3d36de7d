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
	pullDelay       = time.Second // after a failure
	heartbeat       = time.Second // of the server, while there is no message
	ackTimeout      = 5 * time.Second
	withdrawTimeout = 5 * time.Second

	// refusedDelay is that of a message that the receiver does not take, or not
	// now. It does not grow with each delivery: most are by consumers that end,
	// and say nothing against the message.
	refusedDelay = time.Second

	// atOnce is the delay of a message that is given back for others. The server
	// keeps a delay when it restarts; one that is given back without is held
	// until AckWait is over.
	atOnce = time.Millisecond

	// pullBuffer is room for a message and for what the server says besides. The
	// client library drops what does not fit in, be it the message.
	pullBuffer = 16
)

// subscriber pulls messages one at a time, each when the last is settled. So
// none waits in a buffer while another process has nothing to do.
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

// consumer returns the durable consumer of a topic and creates it if need be, and
// the stream too.
func (s *subscriber) consumer(ctx context.Context, topic string) (jetstream.Consumer, error) {
	config := jetstream.ConsumerConfig{
		Durable:       topic,
		DeliverPolicy: jetstream.DeliverAllPolicy,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       s.ackWait,
		MaxDeliver:    -1,
		MaxAckPending: -1, // events that wait for their next attempt must not stop the others
	}
	consumer, err := s.js.CreateOrUpdateConsumer(ctx, topic, config)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		if err = s.streams.ensure(ctx, topic); err == nil {
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
		s.pull(ctx, topic, consumer, out)
		s.tell()
	})
	return out, nil
}

// tell waits until the server has read what was said to it. The connection may
// be closed next, and what the server did not read by then can be lost.
func (s *subscriber) tell() {
	if conn := s.js.Conn(); conn.IsConnected() {
		if err := conn.FlushTimeout(ackTimeout); err != nil {
			s.log.Error("Cannot tell the server which messages are given back", err, nil)
		}
	}
}

// pull delivers messages until ctx ends. Errors are met with patience: a server
// that restarts, a cluster that elects. A consumer or a stream that is gone is
// created again; a consumer then starts with all messages that were not
// acknowledged.
func (s *subscriber) pull(ctx context.Context, topic string, consumer jetstream.Consumer, out chan<- *message.Message) {
	for ctx.Err() == nil {
		msg, err := s.next(ctx, consumer)
		switch {
		case err == nil:
			s.deliver(ctx, msg, out)
		case ctx.Err() == nil:
			s.log.Error("Cannot pull", err, watermill.LogFields{"topic": topic})
			wait(ctx, pullDelay)
			if _, err := s.consumer(ctx, topic); err != nil && ctx.Err() == nil {
				s.log.Error("Cannot create the consumer again", err, watermill.LogFields{"topic": topic})
			}
		}
	}
}

// next asks for one message and waits for it. When it gives up, it withdraws the
// request and waits until the server knows, since the server may have answered
// it meanwhile: a message that nobody reads is held until AckWait is over. So
// there may be a message although ctx has ended.
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
		case !errors.Is(none, jetstream.ErrNoHeartbeat): // which says nothing of what is on its way
			return nil, err
		}
	}
}

// deliver gives a message away and settles it as the receiver says. One that is
// not due is given back until it is.
func (s *subscriber) deliver(ctx context.Context, wire jetstream.Msg, out chan<- *message.Message) {
	msg := unmarshal(wire.Headers(), wire.Data())
	failed := func(what string, err error) {
		if err != nil {
			// The server will deliver it again.
			s.log.Error("Cannot "+what, err, watermill.LogFields{"message_uuid": msg.UUID})
		}
	}
	if wait := relay.Delay(msg); wait > 0 {
		failed("give back", wire.NakWithDelay(wait))
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	msg.SetContext(ctx)
	atWork := time.NewTicker(s.ackWait / 3)
	defer atWork.Stop()
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
			failed("give back", wire.NakWithDelay(refusedDelay))
			return
		case <-ctx.Done():
			failed("give back", wire.NakWithDelay(atOnce))
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
