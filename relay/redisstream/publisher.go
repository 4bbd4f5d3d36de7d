package redisstream

import (
	"context"
	"fmt"

	"github.com/ThreeDotsLabs/watermill-redisstream/pkg/redisstream"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/redis/go-redis/v9"

	"github.com/jovepay/jovepay-go/relay"
)

// What to do with a message whose UUID is already in the streams.
const (
	another = "another" // store it as well
	drop    = "drop"    // keep the old one
	replace = "replace" // delete the old one
)

// add stores a message and, atomically, its position in the index. A position
// counts only if its entry has that UUID: streams can lose entries, and a stream
// that was created again can reuse an id.
//
// KEYS: the stream, its index, the other stream of the index, if any
// ARGV: the UUID, what to do if it is already there, and the fields of the entry
//
//nolint:dupword // it is Lua
const add = `
local streams = {KEYS[1], KEYS[3]}
local function find(uuid)
	if redis.call('EXISTS', unpack(streams)) == 0 then
		redis.call('DEL', KEYS[2])
	end
	local stream, id = string.match(redis.call('HGET', KEYS[2], uuid) or '', '^(.*) (%S+)$')
	local entry = stream and redis.call('XRANGE', stream, id, id)[1]
	for i = 1, entry and #entry[2] or 0, 2 do
		if entry[2][i] == '` + redisstream.UUIDHeaderKey + `' and entry[2][i + 1] == uuid then
			return stream, id
		end
	end
end
local uuid, mode = ARGV[1], ARGV[2]
local stream, id = find(uuid)
if stream and mode == '` + drop + `' then
	return id
end
local new = redis.call('XADD', KEYS[1], '*', unpack(ARGV, 3))
redis.call('HSET', KEYS[2], uuid, KEYS[1] .. ' ' .. new)
if stream and mode == '` + replace + `' then
	redis.call('XDEL', stream, id)
end
return new`

// publisher stores messages in the format of Watermill's adapter.
type publisher struct {
	client *redis.Client
	keys   keys
	add    *redis.Script
}

func newPublisher(client *redis.Client, k keys) publisher {
	return publisher{client, k, redis.NewScript(add)}
}

// Publish implements [message.Publisher]. The client retries a script after a lost
// response. A notification is then stored once, and an event for its next attempt
// perhaps twice.
func (p publisher) Publish(topic string, messages ...*message.Message) error {
	for _, msg := range messages {
		if err := p.publish(msg.Context(), topic, msg); err != nil {
			return fmt.Errorf("redisstream: %w", err)
		}
	}
	return nil
}

func (p publisher) publish(ctx context.Context, stream string, msg *message.Message) error {
	fields, err := redisstream.DefaultMarshallerUnmarshaller{}.Marshal(stream, msg)
	if err != nil {
		return err
	}
	at := []string{stream, p.keys.index(stream)}
	switch stream {
	case p.keys.events():
		at = append(at, p.keys.retries())
	case p.keys.retries():
		at = append(at, p.keys.events())
	}
	args := []any{msg.UUID, p.mode(stream, msg)}
	for field, value := range fields {
		args = append(args, field, value)
	}
	return p.add.Run(ctx, p.client, at, args...).Err()
}

// mode returns what to do if there is a message with the same UUID. In the poison
// queue, the new message replaces the old one: the old one may be about to be
// removed by the replay that led to the new one.
func (p publisher) mode(stream string, msg *message.Message) string {
	switch {
	case msg.UUID == "" || stream == p.keys.retries():
		return another
	case stream == p.keys.poison():
		return replace
	case msg.Metadata.Get(relay.ReplayKey) != "":
		return another
	}
	return drop
}

// Close implements [message.Publisher]. The broker closes the client.
func (publisher) Close() error { return nil }
