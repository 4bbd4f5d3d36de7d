package emulator

import (
	"context"
	"time"

	"github.com/jovepay/jovepay-go/internal/emulator/engine"
)

// Pacemaker lets what an engine does by itself happen when it is due, so that
// a shop hears of it although nobody asks the engine. It waits in real time: a
// clock that is moved is noticed at the next call of the engine.
type Pacemaker struct {
	engine  *engine.Engine
	after   func()
	next    time.Time // as last told; under the engine's lock
	changed chan struct{}
}

// NewPacemaker returns a pacemaker for the engine. It calls after whenever it
// has looked what is due.
func NewPacemaker(e *engine.Engine, after func()) *Pacemaker {
	return &Pacemaker{engine: e, after: after, changed: make(chan struct{}, 1)}
}

// Expect tells when the next thing will happen, as [engine.Engine.Watch] does.
func (p *Pacemaker) Expect(next time.Time) {
	if next.Equal(p.next) {
		return
	}
	p.next = next
	p.Wake()
}

// Wake makes it look what is due, after the clock was moved.
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
