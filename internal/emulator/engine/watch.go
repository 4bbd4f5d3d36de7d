package engine

import "time"

// Watch calls fn whenever a payment is created or its status changes, in that
// order, with the payment as it is then. next is when something is due next; zero
// is never. It returns when no call is in progress.
//
// fn is called under the engine's lock: it must be quick, and must not call
// the engine.
func (e *Engine) Watch(fn func(p Payment, next time.Time)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.watch = fn
}

func (e *Engine) notify(r *record) {
	if e.watch != nil {
		e.watch(r.Payment, e.next())
	}
}

// CatchUp makes everything happen that is due, and returns the time until
// something is due next by the engine's clock; ok is false if nothing is.
func (e *Engine) CatchUp() (wait time.Duration, ok bool) {
	now := e.begin()
	defer e.mu.Unlock()
	next := e.next()
	return next.Sub(now), !next.IsZero()
}
