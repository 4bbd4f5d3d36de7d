package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// chaos kills processes and breaks connections.
type chaos struct {
	shops    []*process
	database *database
	queue    *queue

	kills, cuts, terminated atomic.Int64
	ofQueue                 atomic.Int64 // kills of the queue's server
}

// run breaks something about once a second, and less often if there is only one
// process, until ctx is done. Half of the time it kills a process, otherwise it
// breaks connections to the database. It kills the queue's server at a third
// and at two thirds of the progress.
func (c *chaos) run(ctx context.Context, seed uint64, progress func() float64) error {
	random := rand.New(rand.NewPCG(seed, 2)) //nolint:gosec // repeatable on purpose
	for pause(ctx, time.Duration((200+random.IntN(1200))*3/len(c.shops))*time.Millisecond) == nil {
		if err := c.strike(ctx, random, progress()); err != nil && ctx.Err() == nil {
			return err
		}
	}
	// A restart may have been interrupted: in the end all processes serve.
	ctx = context.WithoutCancel(ctx)
	for _, shop := range c.shops {
		if shop.at() == "" {
			if err := shop.restart(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *chaos) strike(ctx context.Context, random *rand.Rand, progress float64) error {
	if n := c.ofQueue.Load(); c.queue != nil && n < 2 && progress > float64(n+1)/3 {
		c.ofQueue.Add(1)
		c.kills.Add(1)
		return c.queue.server.restart(ctx)
	}
	what := random.IntN(4)
	switch {
	case what < 2 || c.database.app == "":
		c.kills.Add(1)
		return c.shops[random.IntN(len(c.shops))].restart(ctx)
	case what == 2:
		c.cuts.Add(int64(c.database.cutter.cut(random)))
		return nil
	default:
		n, err := c.database.terminate(ctx)
		c.terminated.Add(int64(n))
		return err
	}
}

func (c *chaos) String() string {
	return fmt.Sprintf("%d kills (%d of the queue), %d connections cut, %d terminated",
		c.kills.Load(), c.ofQueue.Load(), c.cuts.Load(), c.terminated.Load())
}
