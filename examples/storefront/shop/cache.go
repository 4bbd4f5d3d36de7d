package shop

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// lookupTime bounds a lookup.
const lookupTime = 30 * time.Second

// cache keeps values for [priceLife]. The zero cache is empty and ready to use.
type cache[T any] struct {
	lookups singleflight.Group

	mu   sync.Mutex
	kept map[string]entry[T]
}

type entry[T any] struct {
	value T
	until time.Time
}

// get returns the value for the key, from the cache or from look. Concurrent
// calls for a key share one lookup, which continues when its callers leave.
// Errors are not kept.
func (c *cache[T]) get(ctx context.Context, key string, look func(context.Context) (T, error)) (value T, err error) {
	if value, ok := c.find(key); ok {
		return value, nil
	}
	lookup := c.lookups.DoChan(key, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookupTime)
		defer cancel()
		value, err := look(ctx)
		if err == nil {
			c.keep(key, value)
		}
		return value, err
	})
	select {
	case <-ctx.Done():
		return value, ctx.Err()
	case result := <-lookup:
		value, _ = result.Val.(T) // all lookups of c return a T
		return value, result.Err
	}
}

func (c *cache[T]) find(key string) (value T, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := c.kept[key]
	return kept.value, time.Now().Before(kept.until)
}

func (c *cache[T]) keep(key string, value T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil {
		c.kept = make(map[string]entry[T])
	}
	c.kept[key] = entry[T]{value, time.Now().Add(priceLife)}
}
