package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/jovepay/jovepay-go/jovepaytest"
)

// chaos kills and freezes processes, breaks connections, and loses JovePay's
// responses.
type chaos struct {
	*settings
	shops    []*process
	wires    []*wire // of the shops
	database *database
	queue    *queue
	server   *jovepaytest.Server

	frozen atomic.Bool // one is

	kills, freezes, cuts, terminated, faults atomic.Int64
	ofQueue                                  atomic.Int64 // kills of the queue's server
}

// blow is something that chaos does to a process.
type blow int

const (
	kill blow = iota
	killAtCreate
	killStalled // while commits are held back
	killIntent  // while the commit of an intent is
	freeze
	freezeAtCreate
	freezeStalled
	freezeIntent
	cutConnections
	terminateConnections
)

// mix is how often each blow is struck.
type mix []blow

// everything is the mix of a proof.
func everything() mix {
	return mix{
		kill, killAtCreate, killAtCreate, killStalled, killIntent, freeze, freezeAtCreate, freezeStalled, freezeIntent,
		cutConnections, cutConnections, terminateConnections,
	}
}

// calmAfter is the progress after which nothing breaks anymore. The last customers
// would wait long: a process that is killed keeps what it does alone for a minute.
const calmAfter = 0.98

// run breaks something about once a second, and less often if there is only one
// process, until nearly all customers are served. It becomes slower with the number of payments: to find
// out about a create whose process was killed, the list of all payments of a day has
// to be read. It kills the queue's server at a third and at two thirds of the
// progress.
func (c *chaos) run(ctx context.Context, progress func() float64) error {
	random := rand.New(rand.NewPCG(c.seed, 2)) //nolint:gosec // repeatable on purpose
	group, life := errgroup.WithContext(ctx)
	for (len(c.mix) > 0 || c.queue != nil) && progress() < calmAfter {
		slow := 1 + progress()*float64(c.orders)/20000
		rest := time.Duration((200+random.IntN(1200))*3/len(c.shops)) * time.Millisecond
		if pause(life, time.Duration(slow*float64(rest))) != nil {
			break
		}
		if err := c.strike(life, group, random, progress()); err != nil && life.Err() == nil {
			return err
		}
	}
	if err := group.Wait(); err != nil && ctx.Err() == nil {
		return err
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

func (c *chaos) strike(ctx context.Context, group *errgroup.Group, random *rand.Rand, progress float64) error {
	if n := c.ofQueue.Load(); c.queue != nil && n < 2 && progress > float64(n+1)/3 {
		c.ofQueue.Add(1)
		c.kills.Add(1)
		return c.queue.server.restart(ctx)
	}
	if len(c.mix) == 0 {
		return nil
	}
	i, at, long := random.IntN(len(c.shops)), step(random.IntN(int(steps))), random.IntN(2) == 0
	switch what := c.mix[random.IntN(len(c.mix))]; what {
	case kill, killAtCreate, killStalled, killIntent:
		c.hit(ctx, what, i, at, func() {
			if c.shops[i].kill() {
				c.kills.Add(1)
			}
		})
		return c.shops[i].restart(ctx)
	case freeze, freezeAtCreate, freezeStalled, freezeIntent:
		if !c.frozen.CompareAndSwap(false, true) {
			return nil
		}
		group.Go(func() error {
			defer c.frozen.Store(false)
			c.freeze(ctx, what, i, at, long)
			return nil
		})
		return nil
	case cutConnections:
		if len(c.database.proxies) > 0 {
			c.cuts.Add(int64(c.database.proxies[i].cut(random)))
		}
		return nil
	default:
		if len(c.database.proxies) == 0 {
			return nil
		}
		n, err := c.database.terminate(ctx)
		c.terminated.Add(int64(n))
		return err
	}
}

// freeze freezes a process until its time for a create is over, or until others may
// have created another payment.
func (c *chaos) freeze(ctx context.Context, what blow, i int, at step, long bool) {
	var thaw func()
	c.hit(ctx, what, i, at, func() { thaw = c.shops[i].freeze() })
	if thaw == nil {
		return
	}
	c.freezes.Add(1)
	d := c.send + time.Second/2
	if long || c.longFreezes {
		d = c.send + c.crash + 5*time.Second
	}
	_ = pause(ctx, d)
	thaw()
}

// hit strikes a process now, at its next create, or while it waits for its database.
func (c *chaos) hit(ctx context.Context, what blow, i int, at step, strike func()) {
	switch what {
	case killAtCreate, freezeAtCreate:
		t := c.wires[i].arm(at, strike)
		if pause(ctx, time.Second) == nil && c.wires[i].disarm(t) || ctx.Err() != nil && c.wires[i].disarm(t) {
			return // there was none
		}
		<-t.sprung
	case killStalled, freezeStalled, killIntent, freezeIntent:
		if len(c.database.proxies) > 0 {
			defer c.stall(ctx, c.database.proxies[i], what)()
		}
		strike()
	default:
		strike()
	}
}

// stallTime is how long commits are held back, or waited for.
const stallTime = time.Second

// stall holds back commits: one of an intent, or all of some time.
func (c *chaos) stall(ctx context.Context, p *proxy, what blow) (end func()) {
	which, d := stallsCommits, stallTime/20
	if what == killIntent || what == freezeIntent {
		which, d = stallsIntents, stallTime
	}
	p.stall(which)
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-p.held:
		if which == stallsCommits {
			_ = pause(ctx, d)
		}
	case <-timer.C:
	case <-ctx.Done():
	}
	return func() { p.stall(noStall) }
}

// fault makes something fail in JovePay's next response to a create, or to a look at
// the list.
func (c *chaos) fault(random *rand.Rand) error {
	c.faults.Add(1)
	f := c.failures[random.IntN(len(c.failures))]
	f.Times = 1
	return c.server.Inject(f)
}

// create is the part of a [jovepaytest.Fault] that selects creates.
func create(f jovepaytest.Fault) jovepaytest.Fault {
	f.Method, f.Path = "POST", "/v1/payment"
	return f
}

// soon is when a create takes effect whose client has left: within the settle window.
const soon = time.Second

// failures are what happens to creates.
func failures() []jovepaytest.Fault {
	return []jovepaytest.Fault{
		create(jovepaytest.Fault{Cut: true}),
		create(jovepaytest.Fault{Cut: true, AfterEffect: true}),
		create(jovepaytest.Fault{Cut: true, EffectAfter: soon}),
		create(jovepaytest.Fault{Hang: true}),
		create(jovepaytest.Fault{Hang: true, AfterEffect: true}),
		create(jovepaytest.Fault{EffectAfter: soon}), // and hangs
		create(jovepaytest.Fault{Status: 502, Body: jovepaytest.BadGatewayPage, AfterEffect: true}),
		create(jovepaytest.Fault{Status: 429}),
		create(jovepaytest.Fault{Truncate: 10, AfterEffect: true}),
		{Method: "GET", Path: "/v1/payment", Status: 503},
		{Method: "GET", Path: "/v1/payment", Cut: true},
	}
}

// faulty returns a function that is called before each create, and injects a fault
// every so often: more rarely if there are many orders, as each create in doubt costs
// a look at the whole list.
func (c *chaos) faulty() func(int64) {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(c.seed, 3)) //nolint:gosec // repeatable on purpose
	every := int64(max(c.faultEvery, c.orders/500))
	return func(n int64) {
		if c.faultEvery == 0 || n%every != 0 {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		_ = c.fault(random)
	}
}

func (c *chaos) String() string {
	return fmt.Sprintf("%d kills (%d of the queue), %d freezes, %d connections cut, %d terminated, %d faults of JovePay",
		c.kills.Load(), c.ofQueue.Load(), c.freezes.Load(), c.cuts.Load(), c.terminated.Load(), c.faults.Load())
}
