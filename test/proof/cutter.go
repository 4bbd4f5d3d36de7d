package main

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"sync"
)

// cutter is a proxy between a process and its database that cuts connections: in
// the middle of a statement, or between a commit and its response.
type cutter struct {
	listener net.Listener
	target   string
	running  sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]net.Conn // nil when closed
}

func newCutter(ctx context.Context, target string) (*cutter, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &cutter{listener: listener, target: target, conns: map[net.Conn]net.Conn{}}
	c.running.Go(func() { c.accept(ctx) })
	return c, nil
}

func (c *cutter) accept(ctx context.Context) {
	for {
		near, err := c.listener.Accept()
		if err != nil {
			return
		}
		far, err := new(net.Dialer).DialContext(ctx, "tcp", c.target)
		if err != nil {
			_ = near.Close()
			continue
		}
		if !c.add(near, far) {
			return
		}
		c.running.Go(func() { c.pass(far, near, near) })
		c.running.Go(func() { c.pass(near, far, near) })
	}
}

// add registers a connection, unless the cutter is closed.
func (c *cutter) add(near, far net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conns == nil {
		_, _ = near.Close(), far.Close()
		return false
	}
	c.conns[near] = far
	return true
}

func (c *cutter) pass(to io.Writer, from io.Reader, key net.Conn) {
	_, _ = io.Copy(to, from)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sever(key)
}

func (c *cutter) sever(near net.Conn) {
	if far, ok := c.conns[near]; ok {
		_, _ = near.Close(), far.Close()
		delete(c.conns, near)
	}
}

// cut cuts about half of the connections and returns their number.
func (c *cutter) cut(random *rand.Rand) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for near := range c.conns {
		if random.IntN(2) == 0 {
			c.sever(near)
			n++
		}
	}
	return n
}

func (c *cutter) address() string { return c.listener.Addr().String() }

func (c *cutter) close() {
	_ = c.listener.Close()
	c.mu.Lock()
	for near := range c.conns {
		c.sever(near)
	}
	c.conns = nil
	c.mu.Unlock()
	c.running.Wait()
}
