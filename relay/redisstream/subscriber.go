package redisstream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill-redisstream/pkg/redisstream"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/redis/go-redis/v9"

	"github.com/jovepay/jovepay-go/relay"
)

const (
	// readTime is how long one request waits for a message. The client cannot
	// cancel it.
	readTime = 200 * time.Millisecond

	// quietTime is how long the subscriptions of a process do not look for pending
	// messages after one has found none. If the search took long, because many are
	// pending, they pause for quietShare times as long.
	quietTime  = 100 * time.Millisecond
	quietShare = 20

	failureDelay  = 500 * time.Millisecond // after a failed request
	settleTimeout = 5 * time.Second
	nackDelay     = time.Second // of a message that the receiver nacks
)

// claim takes the oldest pending message that is no longer held.
//
// KEYS: the stream. ARGV: the group and consumer, and the idle time in milliseconds
// after which a message is no longer held
//
//nolint:dupword // it is Lua
const claim = `
local found = redis.call('XPENDING', KEYS[1], ARGV[1], 'IDLE', ARGV[2], '-', '+', 1)[1]
if not found then
	return false
end
local entry = redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[1], ARGV[2], found[1])[1]
if not entry then
	redis.call('XACK', KEYS[1], ARGV[1], found[1])
	return false
end
return entry`

// settle acknowledges and deletes an entry, and its position from the index. An
// entry that is not pending stays: the group was lost, and will deliver it again.
//
// KEYS: the stream and its index. ARGV: the group, the entry's id, the UUID
const settle = `
if redis.call('XACK', KEYS[1], ARGV[1], ARGV[2]) == 0 then
	return 0
end
if redis.call('HGET', KEYS[2], ARGV[3]) == KEYS[1] .. ' ' .. ARGV[2] then
	redis.call('HDEL', KEYS[2], ARGV[3])
end
return redis.call('XDEL', KEYS[1], ARGV[2])`

// subscriber reads one message at a time, the next when the last is settled.
//
// All processes are one consumer, named after the group, so a pending message
// belongs to none of them. Its idle time says when it may be claimed: at claimAfter.
// While work is in progress, the subscriber resets it to 0; to give a message back,
// it sets it to claimAfter, less the delay.
//
// Its structure is that of the subscriber in package jetstream.
type subscriber struct {
	client        *redis.Client
	waiting       *redis.Client // for requests that wait for a message
	keys          keys
	log           watermill.LoggerAdapter
	claimAfter    time.Duration
	claim, settle *redis.Script

	mu      sync.Mutex
	closed  bool
	closing chan struct{}
	running sync.WaitGroup
	quiet   map[string]time.Time // when to look again for a stream's pending messages
}

func newSubscriber(client, waiting *redis.Client, k keys, log watermill.LoggerAdapter, claimAfter time.Duration) *subscriber {
	return &subscriber{
		client: client, waiting: waiting, keys: k, log: log, claimAfter: claimAfter,
		claim: redis.NewScript(claim), settle: redis.NewScript(settle),
		closing: make(chan struct{}), quiet: map[string]time.Time{},
	}
}

func (s *subscriber) group() string { return s.keys.events() }

// ensureGroup creates the consumer group, and the stream, if they are missing. The
// group starts with the first entry, so none is skipped. ensureGroup looks first: a
// server that is full rejects the command even if the group exists.
func (s *subscriber) ensureGroup(ctx context.Context, stream string) (created bool, err error) {
	groups, err := s.client.XInfoGroups(ctx, stream).Result()
	if err != nil && !isServerError(err) {
		return false, err
	}
	if slices.ContainsFunc(groups, func(g redis.XInfoGroup) bool { return g.Name == s.group() }) {
		return false, nil
	}
	err = s.client.XGroupCreateMkStream(ctx, stream, s.group(), "0").Err()
	if isServerError(err) && strings.HasPrefix(err.Error(), "BUSYGROUP") {
		return false, nil
	}
	return err == nil, err
}

// Subscribe implements [message.Subscriber].
func (s *subscriber) Subscribe(ctx context.Context, stream string) (<-chan *message.Message, error) {
	if _, err := s.ensureGroup(ctx, stream); err != nil {
		return nil, fmt.Errorf("redisstream: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errors.New("redisstream: subscriber is closed")
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
		s.consume(ctx, stream, out)
	})
	return out, nil
}

// consume delivers messages until ctx ends. It tolerates errors, such as a server
// that restarts or fails over. If the group is gone, it creates it again.
func (s *subscriber) consume(ctx context.Context, stream string, out chan<- *message.Message) {
	for ctx.Err() == nil {
		entry, err := s.next(ctx, stream)
		switch {
		case err == nil:
			s.deliver(ctx, stream, entry, out)
		case errors.Is(err, redis.Nil) || ctx.Err() != nil:
		default:
			s.restore(ctx, stream, err)
		}
	}
}

// restore creates the group if it is gone, and else waits a moment.
func (s *subscriber) restore(ctx context.Context, stream string, cause error) {
	fields := watermill.LogFields{"stream": stream}
	created, err := s.ensureGroup(ctx, stream)
	if created {
		s.log.Error("The server lost the consumer group; it was created again, at the start of the stream", cause, fields)
		return
	}
	s.log.Error("Cannot read", errors.Join(cause, err), fields)
	select {
	case <-time.After(failureDelay):
	case <-ctx.Done():
	}
}

// next returns a pending message that is no longer held, or else a new one. The
// error is [redis.Nil] if there was none for a while. A message that the server has
// sent is returned even if ctx has ended.
func (s *subscriber) next(ctx context.Context, stream string) (redis.XMessage, error) {
	ctx = context.WithoutCancel(ctx)
	if began := time.Now(); s.mayClaim(stream, began) {
		entry, err := s.claimPending(ctx, stream)
		if !errors.Is(err, redis.Nil) {
			return entry, err
		}
		s.pauseClaims(stream, max(quietTime, quietShare*time.Since(began)))
	}
	read, err := s.waiting.XReadGroup(ctx, &redis.XReadGroupArgs{
		Group: s.group(), Consumer: s.group(), Streams: []string{stream, ">"}, Count: 1, Block: readTime,
	}).Result()
	if err != nil {
		return redis.XMessage{}, err
	}
	return read[0].Messages[0], nil
}

// mayClaim reports whether it is time to look for pending messages.
func (s *subscriber) mayClaim(stream string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return now.After(s.quiet[stream])
}

// pauseClaims stops the search for pending messages for a while.
func (s *subscriber) pauseClaims(stream string, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.quiet[stream] = time.Now().Add(d)
}

// claimPending claims a pending message that is no longer held.
func (s *subscriber) claimPending(ctx context.Context, stream string) (redis.XMessage, error) {
	entry, err := s.claim.Run(ctx, s.client, []string{stream}, s.group(), s.claimAfter.Milliseconds()).Slice()
	if err != nil {
		return redis.XMessage{}, err
	}
	id, _ := entry[0].(string)
	fields, _ := entry[1].([]any)
	values := map[string]any{}
	for i := 0; i+1 < len(fields); i += 2 {
		field, _ := fields[i].(string)
		values[field] = fields[i+1]
	}
	return redis.XMessage{ID: id, Values: values}, nil
}

// deliver passes a message on and settles it as its receiver decides. It gives back
// a message that is not due, for the rest of its delay.
func (s *subscriber) deliver(ctx context.Context, stream string, entry redis.XMessage, out chan<- *message.Message) {
	msg := unmarshal(entry.Values)
	check := func(action string, err error) {
		if err != nil {
			// The server will deliver the message again.
			s.log.Error("Cannot "+action, err, watermill.LogFields{"stream": stream, "message_uuid": msg.UUID})
		}
	}
	if delay := relay.Delay(msg); delay > 0 {
		check("give back", s.setIdle(ctx, stream, entry.ID, s.claimAfter-delay))
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	msg.SetContext(ctx)
	progress := time.NewTicker(s.claimAfter / 3)
	defer progress.Stop()
	for hand := out; ; {
		select {
		case hand <- msg:
			hand = nil
		case <-progress.C:
			check("report work in progress", s.setIdle(ctx, stream, entry.ID, 0))
		case <-msg.Acked():
			check("acknowledge", s.acknowledge(ctx, stream, entry.ID, msg.UUID))
			return
		case <-msg.Nacked():
			check("give back", s.setIdle(ctx, stream, entry.ID, s.claimAfter-nackDelay))
			return
		case <-ctx.Done():
			check("give back", s.setIdle(ctx, stream, entry.ID, s.claimAfter))
			return
		}
	}
}

// setIdle sets the idle time of a pending message. It is delivered again after the
// rest of claimAfter.
func (s *subscriber) setIdle(ctx context.Context, stream, id string, idle time.Duration) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	return s.client.Do(ctx, "XCLAIM", stream, s.group(), s.group(), 0, id,
		"IDLE", max(0, idle).Milliseconds(), "JUSTID").Err()
}

func (s *subscriber) acknowledge(ctx context.Context, stream, id, uuid string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	return s.settle.Run(ctx, s.client, []string{stream, s.keys.index(stream)}, s.group(), id, uuid).Err()
}

// unmarshal reads any entry. An entry that Watermill did not write loses its
// metadata, so that it cannot be verified.
func unmarshal(values map[string]any) *message.Message {
	msg, err := redisstream.DefaultMarshallerUnmarshaller{}.Unmarshal(values)
	if err != nil {
		payload, _ := values["payload"].(string)
		return message.NewMessage("", []byte(payload))
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
