package main

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"sync"
)

// proxy is between a process and its database. It cuts connections: in the middle
// of a statement, or between a commit and its response. And it stalls them: what
// the database does has happened, and the process does not know it yet.
type proxy struct {
	listener net.Listener
	target   string
	running  sync.WaitGroup

	mu     sync.Mutex
	conns  map[net.Conn]net.Conn // nil when closed
	flows  sync.Cond             // the stall has ended
	stalls bool
}

func newProxy(ctx context.Context, target string) (*proxy, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: listener, target: target, conns: map[net.Conn]net.Conn{}}
	p.flows.L = &p.mu
	p.running.Go(func() { p.accept(ctx) })
	return p, nil
}

func (p *proxy) accept(ctx context.Context) {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return
		}
		far, err := new(net.Dialer).DialContext(ctx, "tcp", p.target)
		if err != nil {
			_ = near.Close()
			continue
		}
		if !p.add(near, far) {
			return
		}
		p.running.Go(func() {
			_, _ = io.Copy(far, near)
			p.remove(near)
		})
		p.running.Go(func() {
			p.respond(near, far)
			p.remove(near)
		})
	}
}

// add registers a connection, unless the proxy is closed.
func (p *proxy) add(near, far net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conns == nil {
		_, _ = near.Close(), far.Close()
		return false
	}
	p.conns[near] = far
	return true
}

// respond passes on what the database sends, except during a stall.
func (p *proxy) respond(near io.Writer, far io.Reader) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := far.Read(buffer)
		p.mu.Lock()
		for p.stalls {
			p.flows.Wait()
		}
		p.mu.Unlock()
		if n > 0 {
			if _, err := near.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (p *proxy) remove(near net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sever(near)
}

func (p *proxy) sever(near net.Conn) {
	if far, ok := p.conns[near]; ok {
		_, _ = near.Close(), far.Close()
		delete(p.conns, near)
	}
}

// cut cuts about half of the connections and returns their number.
func (p *proxy) cut(random *rand.Rand) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for near := range p.conns {
		if random.IntN(2) == 0 {
			p.sever(near)
			n++
		}
	}
	return n
}

// stall begins or ends a stall.
func (p *proxy) stall(is bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stalls = is
	p.flows.Broadcast()
}

func (p *proxy) address() string { return p.listener.Addr().String() }

func (p *proxy) close() {
	_ = p.listener.Close()
	p.stall(false)
	p.mu.Lock()
	for near := range p.conns {
		p.sever(near)
	}
	p.conns = nil
	p.mu.Unlock()
	p.running.Wait()
}
