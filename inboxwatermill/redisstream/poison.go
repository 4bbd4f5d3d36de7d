package redisstream

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/jovepay/jovepay-go/inboxwatermill"
)

const pageSize = 100

// poisonQueue reads a stream by entry id, which is a message's position.
type poisonQueue struct {
	client *redis.Client
	stream string
}

// Messages implements [inboxwatermill.PoisonQueue].
func (q poisonQueue) Messages(ctx context.Context) iter.Seq2[inboxwatermill.PoisonMessage, error] {
	return func(yield func(inboxwatermill.PoisonMessage, error) bool) {
		newest, err := q.client.XRevRangeN(ctx, q.stream, "+", "-", 1).Result()
		for after := "-"; err == nil && len(newest) > 0; {
			var page []redis.XMessage
			page, err = q.client.XRangeN(ctx, q.stream, after, newest[0].ID, pageSize).Result()
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
			yield(inboxwatermill.PoisonMessage{}, err)
		}
	}
}

// read reads an entry. Its id begins with a time in milliseconds.
func read(entry redis.XMessage) inboxwatermill.PoisonMessage {
	m := inboxwatermill.PoisonMessage{Position: entry.ID}
	m.Message, _ = unmarshaller{}.Unmarshal(entry.Values)
	at, _, _ := strings.Cut(entry.ID, "-")
	if milliseconds, err := strconv.ParseInt(at, 10, 64); err == nil {
		m.Since = time.UnixMilli(milliseconds)
	}
	return m
}

// Remove implements [inboxwatermill.PoisonQueue].
func (q poisonQueue) Remove(ctx context.Context, position string) error {
	if err := q.client.XDel(ctx, q.stream, position).Err(); err != nil {
		return fmt.Errorf("xdel: %w", err)
	}
	return nil
}
