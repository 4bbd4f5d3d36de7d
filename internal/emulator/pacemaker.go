package emulator

import (
	"context"
	"time"

	"github.com/jovepay/jovepay-go/internal/emulator/engine"
)

// Pacemaker makes what is due in an engine happen on time, so that a shop is
// notified although nobody calls the engine. It waits in real time: it notices
// that the clock was moved at the next call of the engine.
type Pacemaker struct {
	engine  *engine.Engine
	after   func()
	next    time.Time // of the last Expect; under the engine's lock
	changed chan struct{}
}

// NewPacemaker returns a pacemaker for the engine. It calls after whenever it has
// processed what was due.
func NewPacemaker(e *engine.Engine, after func()) *Pacemaker {
	return &Pacemaker{engine: e, after: after, changed: make(chan struct{}, 1)}
}

// Expect says when the next thing is due, as [engine.Engine.Watch] does.
func (p *Pacemaker) Expect(next time.Time) {
	if next.Equal(p.next) {
		return
	}
	p.next = next
	p.Wake()
}

// Wake makes it process what is due, after the clock was moved.
func (p *Pacemaker) Wake() {
	select {
	case p.changed <- struct{}{}:
	default: // it will look anyway
	}
}

// Run works until ctx ends.
func (p *Pacemaker) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-p.changed:
		case <-ctx.Done():
			return
		}
		wait, due := p.engine.CatchUp()
		p.after()
		if due {
			timer.Reset(max(wait, time.Millisecond))
		} else {
			timer.Stop()
		}
	}
}
