package engine

import (
	"container/heap"
	"time"
)

// deadlines is a heap of the payments that will change without a call, the
// earliest first and, at the same time, the oldest first.
type deadlines []*record

func (d deadlines) Len() int { return len(d) }

func (d deadlines) Less(i, j int) bool {
	if d[i].due.Equal(d[j].due) {
		return d[i].ID < d[j].ID
	}
	return d[i].due.Before(d[j].due)
}

func (d deadlines) Swap(i, j int) {
	d[i], d[j] = d[j], d[i]
	d[i].place, d[j].place = i+1, j+1
}

// Push adds a *record.
func (d *deadlines) Push(x any) {
	r, ok := x.(*record)
	if !ok {
		return
	}
	*d = append(*d, r)
	r.place = len(*d)
}

// Pop takes the last record off.
func (d *deadlines) Pop() any {
	last := len(*d) - 1
	r := (*d)[last]
	(*d)[last] = nil
	*d = (*d)[:last]
	r.place = 0
	return r
}

// schedule makes the payment change at the given time, instead of any time set
// before.
func (e *Engine) schedule(r *record, at time.Time) {
	r.due = at
	if r.place == 0 {
		heap.Push(&e.due, r)
		return
	}
	heap.Fix(&e.due, r.place-1)
}

func (e *Engine) unschedule(r *record) {
	if r.place > 0 {
		heap.Remove(&e.due, r.place-1)
	}
}

// catchUp makes everything happen that was due by now, at the time when it was.
// At the same time payments change before late creates take effect.
func (e *Engine) catchUp(now time.Time) {
	for at := e.next(); !at.IsZero() && !at.After(now); at = e.next() {
		if len(e.due) == 0 || e.due[0].due.After(at) {
			e.takeEffect()
			continue
		}
		r := e.due[0]
		e.unschedule(r)
		e.happen(r, at)
	}
}

// next is when something is due next, or zero.
func (e *Engine) next() time.Time {
	var at time.Time
	if len(e.due) > 0 {
		at = e.due[0].due
	}
	if len(e.late) > 0 && (at.IsZero() || e.late[0].At.Before(at)) {
		at = e.late[0].At
	}
	return at
}
