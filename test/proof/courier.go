package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

const (
	copies       = 3  // of each notification
	lostPercent  = 1  // of all notifications, never delivered
	emptyPercent = 10 // of those that should have an amount, without it
	attempts     = 5  // before a copy is given up, as JovePay does
	couriers     = 32 // concurrent deliveries
	backlog      = 20000
)

// courier sits between the emulator and the service. It receives each
// notification once, shuffles them, and delivers each three times, half of them
// all three times at once.
type courier struct {
	client   *http.Client
	replicas []*process
	jovepay  *jovepaytest.Server // signs what the courier changes
	server   *http.Server
	listener net.Listener
	spread   time.Duration // notifications wait up to this time

	mu      sync.Mutex
	changed *sync.Cond
	random  *rand.Rand
	pool    []parcel
	open    int // copies neither delivered nor given up

	events, lost, emptied, delivered, failed, givenUp atomic.Int64
}

// parcel is one copy of a notification, or several to deliver at once.
type parcel struct {
	body      []byte
	signature string
	copies    int
	attempt   int
}

func newCourier(s *settings, replicas []*process, listener net.Listener, jovepay *jovepaytest.Server) *courier {
	c := &courier{
		client: &http.Client{
			Timeout:   20 * time.Second,
			Transport: &http.Transport{MaxIdleConnsPerHost: 2 * couriers},
		},
		replicas: replicas,
		jovepay:  jovepay,
		listener: listener,
		spread:   s.spread,
		random:   rand.New(rand.NewPCG(s.seed, 1)), //nolint:gosec // repeatable on purpose
	}
	c.changed = sync.NewCond(&c.mu)
	c.server = &http.Server{Handler: c, ReadHeaderTimeout: time.Minute}
	return c
}

// ServeHTTP receives a notification from the emulator. It drops some, and removes
// the amount from others, unless it is the only one that says something.
func (c *courier) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.events.Add(1)
	signature, fate := r.Header.Get(jovepay.IPNSignatureHeader), fateOf(body)
	var event notice
	if json.Unmarshal(body, &event) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	isLast := event.Status == jovepay.PaymentExpired || event.Status == jovepay.PaymentFinished && event.forgets()
	if fate%100 < lostPercent && !isLast {
		c.lost.Add(1)
		return
	}
	if event.Status == jovepay.PaymentRefunded && event.forgets() || fate/100%100 < emptyPercent && !isLast && event.isLate() {
		if body, signature, err = c.empty(body); err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
	}
	c.accept(body, signature, fate/10000)
}

// isLate reports whether the payment is beyond the first statuses, which report the
// amount.
func (n notice) isLate() bool {
	switch n.Status {
	case jovepay.PaymentSending, jovepay.PaymentFinished, jovepay.PaymentRefunded:
		return true
	default:
		return false
	}
}

// fateOf returns a number that is as random as the body.
func fateOf(body []byte) uint64 {
	hash := fnv.New64a()
	_, _ = hash.Write(body)
	return hash.Sum64()
}

// empty removes the amount from a notification, and signs it again. JovePay's guide
// does not say that it is always there.
func (c *courier) empty(body []byte) (text []byte, signature string, err error) {
	if text, err = without(body, "actually_paid"); err != nil {
		return nil, "", err
	}
	c.emptied.Add(1)
	signature, err = c.jovepay.Sign(text, jovepay.FormJS)
	return text, signature, err
}

// accept puts the copies of a notification into the pool, some time from now.
func (c *courier) accept(body []byte, signature string, fate uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open += copies
	if fate%2 == 0 {
		c.later(parcel{body, signature, copies, 1})
		return
	}
	for range copies {
		c.later(parcel{body, signature, 1, 1})
	}
}

// later puts a parcel into the pool within the spread. The lock is held.
func (c *courier) later(p parcel) {
	wait := time.Duration(c.random.Int64N(int64(c.spread) + 1))
	if c.random.IntN(20) == 0 {
		wait *= 4
	}
	time.AfterFunc(wait, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.pool = append(c.pool, p)
		c.changed.Broadcast()
	})
}

// run receives and delivers until ctx is done.
func (c *courier) run(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { _ = c.server.Close() })()
	defer context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.changed.Broadcast()
	})()
	var running sync.WaitGroup
	for range couriers {
		running.Go(func() {
			for {
				p, ok := c.take(ctx)
				if !ok {
					return
				}
				c.deliver(ctx, p)
			}
		})
	}
	err := c.server.Serve(c.listener)
	running.Wait()
	c.client.CloseIdleConnections()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// close closes the server, in case run did not.
func (c *courier) close() error { return c.server.Close() }

// take returns a random parcel.
func (c *courier) take(ctx context.Context) (parcel, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.pool) == 0 {
		if ctx.Err() != nil {
			return parcel{}, false
		}
		c.changed.Wait()
	}
	if ctx.Err() != nil {
		return parcel{}, false
	}
	i, last := c.random.IntN(len(c.pool)), len(c.pool)-1
	p := c.pool[i]
	c.pool[i] = c.pool[last]
	c.pool[last] = parcel{}
	c.pool = c.pool[:last]
	if last == backlog {
		c.changed.Broadcast()
	}
	return p, true
}

// deliver posts the copies of a parcel, each to a random process.
func (c *courier) deliver(ctx context.Context, p parcel) {
	var posting sync.WaitGroup
	for range p.copies {
		posting.Go(func() { c.settle(ctx, p, c.post(ctx, p)) })
	}
	posting.Wait()
}

// settle counts a copy, or schedules a retry.
func (c *courier) settle(ctx context.Context, p parcel, err error) {
	switch {
	case err == nil:
		c.delivered.Add(1)
	case p.attempt == attempts:
		c.givenUp.Add(1)
	default:
		c.failed.Add(1)
		p.copies, p.attempt = 1, p.attempt+1
		time.AfterFunc(200*time.Millisecond<<p.attempt, func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.pool = append(c.pool, p)
			c.changed.Broadcast()
		})
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open--; c.open == 0 || ctx.Err() != nil {
		c.changed.Broadcast()
	}
}

func (c *courier) post(ctx context.Context, p parcel) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, anyOf(ctx, c.replicas)+"/ipn", bytes.NewReader(p.body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(jovepay.IPNSignatureHeader, p.signature)
	response, err := c.client.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20))
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %s", response.Status)
	}
	return nil
}

// anyOf returns the URL of a random process that serves, as a load balancer
// would. If none does, it waits briefly and returns a URL that refuses
// connections.
func anyOf(ctx context.Context, replicas []*process) string {
	var up []string
	for _, replica := range replicas {
		if url := replica.at(); url != "" {
			up = append(up, url)
		}
	}
	if len(up) == 0 {
		_ = pause(ctx, 50*time.Millisecond)
		return "http://127.0.0.1:1"
	}
	return up[rand.IntN(len(up))] //nolint:gosec // no secret
}

// room waits until the pool has room for more notifications.
func (c *courier) room(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.pool) > backlog && ctx.Err() == nil {
		c.changed.Wait()
	}
	return ctx.Err()
}

// finish waits until all copies are delivered or given up. No notification may
// come after it.
func (c *courier) finish(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.open > 0 && ctx.Err() == nil {
		c.changed.Wait()
	}
	return ctx.Err()
}

// left returns the number of copies that are neither delivered nor given up.
func (c *courier) left() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open
}
