package engine

import "time"

// Watch calls fn from now on whenever a payment is made or its status changes,
// in the order in which that happens, with the payment as it is then. next is
// when the next thing will happen by itself; zero is never. It returns when no
// call is in progress.
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

// next is when something will happen by itself, or zero.
func (e *Engine) next() time.Time {
	if len(e.due) == 0 {
		return time.Time{}
	}
	return e.due[0].due
}

// CatchUp lets everything happen that is due by itself, and returns how long
// it is to the next such thing by the engine's clock; ok is false if there is
// none.
func (e *Engine) CatchUp() (wait time.Duration, ok bool) {
	now := e.begin()
	defer e.mu.Unlock()
	next := e.next()
	return next.Sub(now), !next.IsZero()
}
