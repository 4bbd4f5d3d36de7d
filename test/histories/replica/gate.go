package main

import (
	"fmt"
	"io"
	"sync"

	"github.com/jovepay/jovepay-go/test/histories"
)

// gate holds the process at one step, once.
type gate struct {
	out    io.Writer
	resume chan struct{}

	mu      sync.Mutex
	step    histories.Step // to be held at; empty for none
	pending histories.Step // to be reached with the next commit that is sent
}

func newGate(out io.Writer) *gate { return &gate{out: out, resume: make(chan struct{}, 1)} }

// arm holds whoever reaches the step next.
func (g *gate) arm(step histories.Step) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.step, g.pending = step, ""
}

// open lets whoever is held continue, and holds nobody anymore.
func (g *gate) open() {
	g.arm("")
	select {
	case g.resume <- struct{}{}:
	default:
	}
}

// reach says that the caller is at a step, and returns when it may continue.
func (g *gate) reach(step histories.Step) {
	g.mu.Lock()
	isHeld := g.step == step
	if isHeld {
		g.step = ""
		select {
		case <-g.resume: // left from when nobody was held
		default:
		}
	}
	g.mu.Unlock()
	if isHeld {
		_, _ = fmt.Fprintf(g.out, "held at %s\n", step)
		<-g.resume
	}
}

// expect makes the next commit that is sent the given step.
func (g *gate) expect(step histories.Step) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.step == step {
		g.pending = step
	}
}

// committing says that a commit may have been sent.
func (g *gate) committing() {
	g.mu.Lock()
	step := g.pending
	g.pending = ""
	g.mu.Unlock()
	if step != "" {
		g.reach(step)
	}
}
