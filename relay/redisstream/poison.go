package redisstream

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/ThreeDotsLabs/watermill-redisstream/pkg/redisstream"
	"github.com/redis/go-redis/v9"

	"github.com/jovepay/jovepay-go/relay"
)

const pageSize = 100

// poisonQueue reads a stream. The position of a message is its entry id.
type poisonQueue struct {
	client *redis.Client
	keys   keys
}

// Messages implements [relay.PoisonQueue].
func (q poisonQueue) Messages(ctx context.Context) iter.Seq2[relay.PoisonMessage, error] {
	return func(yield func(relay.PoisonMessage, error) bool) {
		newest, err := q.client.XRevRangeN(ctx, q.keys.poison(), "+", "-", 1).Result()
		for after := "-"; err == nil && len(newest) > 0; {
			var page []redis.XMessage
			page, err = q.client.XRangeN(ctx, q.keys.poison(), after, newest[0].ID, pageSize).Result()
			if err == nil && len(page) == 0 {
				return
			}
			for _, entry := range page {
				if !yield(read(entry), nil) {
					return
				}
				after = "(" + entry.ID
			}
		}
		if err != nil {
			yield(relay.PoisonMessage{}, err)
		}
	}
}

// read reads an entry. Its id starts with the time in milliseconds.
func read(entry redis.XMessage) relay.PoisonMessage {
	m := relay.PoisonMessage{Position: entry.ID}
	m.Message = unmarshal(entry.Values)
	at, _, _ := strings.Cut(entry.ID, "-")
	if milliseconds, err := strconv.ParseInt(at, 10, 64); err == nil {
		m.Since = time.UnixMilli(milliseconds)
	}
	return m
}

// remove deletes an entry, and its position from the index.
//
// KEYS: the stream and its index. ARGV: the entry's id
//
//nolint:dupword // it is Lua
const remove = `
local entry = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
for i = 1, entry and #entry[2] or 0, 2 do
	local value = entry[2][i + 1]
	if entry[2][i] == '` + redisstream.UUIDHeaderKey + `' and redis.call('HGET', KEYS[2], value) == KEYS[1] .. ' ' .. ARGV[1] then
		redis.call('HDEL', KEYS[2], value)
	end
end
return redis.call('XDEL', KEYS[1], ARGV[1])`

// Remove implements [relay.PoisonQueue].
func (q poisonQueue) Remove(ctx context.Context, position string) error {
	stream := q.keys.poison()
	if err := redis.NewScript(remove).Run(ctx, q.client, []string{stream, q.keys.index(stream)}, position).Err(); err != nil {
		return fmt.Errorf("remove: %w", err)
	}
	return nil
}
