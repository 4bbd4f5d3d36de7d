package engine

import "time"

// maxAhead bounds how far the clock can be moved in all, so that no time
// overflows and every one can be written as JovePay writes it.
const maxAhead = 100 * 365 * 24 * time.Hour

// Now is the engine's time: the clock's, moved as [Engine.MoveClock] moved it
// to, in UTC and whole milliseconds, as JovePay writes it.
func (e *Engine) Now() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.now()
}

func (e *Engine) now() time.Time {
	return e.clock().Add(e.ahead).UTC().Truncate(time.Millisecond)
}

// MoveClock moves the engine's time forward, whatever its clock is, and returns
// the new time. What falls due in between happens, in order, before it returns.
func (e *Engine) MoveClock(d time.Duration) (time.Time, error) {
	e.begin()
	defer e.mu.Unlock()
	if d < 0 {
		return time.Time{}, InvalidParam("the clock moves forward only, got %v", d)
	}
	if d > maxAhead-e.ahead {
		return time.Time{}, InvalidParam("the clock can be moved by %v in all, got %v", maxAhead, d)
	}
	e.ahead += d
	now := e.now()
	e.catchUp(now)
	return now, nil
}
