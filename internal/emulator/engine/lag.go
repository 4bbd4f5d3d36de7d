package engine

import "time"

// undo is a payment as it was until it changed.
type undo struct {
	until  time.Time
	before Payment
}

// SetListLag makes [Engine.List] show the payments as they were that long ago.
// Of what happened before it was set, only creations are shown late.
func (e *Engine) SetListLag(d time.Duration) error {
	if err := checkListLag(d); err != nil {
		return err
	}
	e.begin()
	defer e.mu.Unlock()
	e.lag = d
	if d == 0 {
		e.undos = nil
	}
	return nil
}

func checkListLag(d time.Duration) error {
	if d < 0 || d > maxAhead {
		return InvalidParam("list lag must be from 0 to %v, got %v", maxAhead, d)
	}
	return nil
}

// remember keeps a payment as it is before a change, as long as the list shows it
// so. Everything that changes what the list shows calls it before.
func (e *Engine) remember(r *record, at time.Time) {
	if e.lag == 0 || r.Status == "" {
		return
	}
	for len(e.undos) > 0 && !e.undos[0].until.After(at.Add(-e.lag)) {
		e.undos = e.undos[1:]
	}
	e.undos = append(e.undos, undo{at, r.Payment})
}

// past is the payments as they were at an earlier time; the zero value is as they
// are.
type past struct {
	at      time.Time
	changed map[int64]*Payment // those that were different
}

// past returns what the list shows now.
func (e *Engine) past(now time.Time) past {
	if e.lag == 0 {
		return past{}
	}
	p := past{at: now.Add(-e.lag), changed: make(map[int64]*Payment)}
	for i := len(e.undos) - 1; i >= 0; i-- { // the earliest change after the time comes last
		if u := &e.undos[i]; u.until.After(p.at) {
			p.changed[u.before.ID] = &u.before
		}
	}
	return p
}

// bound is the latest creation time that is shown, to the one that is asked for;
// zero is no bound.
func (p past) bound(to time.Time) time.Time {
	if p.at.IsZero() || !to.IsZero() && to.Before(p.at) {
		return to
	}
	return p.at
}

// of returns the payment as it was.
func (p past) of(now *Payment) *Payment {
	if before, ok := p.changed[now.ID]; ok {
		return before
	}
	return now
}
