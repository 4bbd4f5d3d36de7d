package main

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
)

// proxy is between a process and its database. It cuts connections: in the middle
// of a statement, or between a commit and its response. And it stalls commits: they
// have happened, and the process does not know it yet.
type proxy struct {
	listener net.Listener
	target   string
	running  sync.WaitGroup

	mu     sync.Mutex
	conns  map[net.Conn]net.Conn // nil when closed
	flows  sync.Cond             // the stall has ended
	stalls stall
	held   chan struct{} // has one after a commit was held back
}

// stall is which commits are held back.
type stall int

const (
	noStall       stall = iota
	stallsIntents       // those of intents to create a payment
	stallsCommits       // all
)

func newProxy(ctx context.Context, target string) (*proxy, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: listener, target: target, conns: map[net.Conn]net.Conn{}, held: make(chan struct{}, 1)}
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
		var commits, intends atomic.Bool // of the transaction
		p.running.Go(func() {
			p.pass(far, near, func(request []byte) {
				commits.Store(isCommit(request))
				if bytes.Contains(request, []byte(`"state":"sending"`)) {
					intends.Store(true)
				}
			})
			p.remove(near)
		})
		p.running.Go(func() {
			p.pass(near, far, func(response []byte) {
				if commits.Load() || isCommit(response) {
					p.hold(intends.Swap(false))
				}
			})
			p.remove(near)
		})
	}
}

// isCommit reports whether a text has MariaDB's request to commit, or PostgreSQL's
// response to one.
func isCommit(text []byte) bool { return bytes.Contains(text, []byte("COMMIT")) }

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

// pass passes on what is read, after see has seen it.
func (p *proxy) pass(to io.Writer, from io.Reader, see func([]byte)) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		see(buffer[:n])
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// hold holds a commit back during a stall.
func (p *proxy) hold(isIntent bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.stalls == stallsCommits || p.stalls == stallsIntents && isIntent {
		select {
		case p.held <- struct{}{}:
		default:
		}
		p.flows.Wait()
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

// stall begins a stall, or ends it with noStall.
func (p *proxy) stall(which stall) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.held:
	default:
	}
	p.stalls = which
	p.flows.Broadcast()
}

func (p *proxy) address() string { return p.listener.Addr().String() }

func (p *proxy) close() {
	_ = p.listener.Close()
	p.stall(noStall)
	p.mu.Lock()
	for near := range p.conns {
		p.sever(near)
	}
	p.conns = nil
	p.mu.Unlock()
	p.running.Wait()
}
