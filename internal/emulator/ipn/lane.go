package ipn

import (
	"cmp"
	"time"
)

// parcel is one copy of a notification on its way.
type parcel struct {
	Notification
	number    int // from 1, in the order in which they came in
	camelCase bool
	alone     bool // it does not wait for others of the payment
	notBefore time.Time
	attempts  int
	done      chan struct{}
	err       error // why it was not delivered; to be read when done
}

// lane holds what is sent one after the other: the notifications of a payment
// and of its children.
type lane struct {
	key  int64
	held []*parcel   // to be shuffled
	hold *time.Timer // ends the wait for more of them
	line []*parcel
	busy bool // ready, at work, or waiting for the pause to end
	rest *time.Timer
}

// stop ends the pauses.
func (l *lane) stop() {
	if l.hold != nil {
		l.hold.Stop()
	}
	if l.rest != nil {
		l.rest.Stop()
	}
}

// accept takes a notification in, or says why it is not sent.
func (s *Sender) accept(n Notification) ([]*parcel, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return nil, errClosed
	}
	if err := checkURL(n.URL, s.cfg.Remote); err != nil {
		s.journal.open(&Delivery{
			Number: s.number(), PaymentID: n.PaymentID, Status: n.Status, URL: n.URL,
			Outcome: Skipped, Err: err, Started: n.At, Ended: n.At, At: n.At,
		})
		return nil, err
	}
	if n.repeat != nil {
		parcels := s.pack(n, &Behavior{})
		l := s.lane(s.loner())
		l.line = parcels
		s.wake(l)
		return parcels, nil
	}
	parcels := s.pack(n, &s.behavior)
	key := cmp.Or(n.ParentID, n.PaymentID)
	if key == 0 {
		key = s.loner()
	}
	s.hold(s.lane(key), parcels)
	return parcels, nil
}

// The methods that follow are called under the lock.

// pack makes the copies of a notification.
func (s *Sender) pack(n Notification, b *Behavior) []*parcel {
	parcels := make([]*parcel, max(1, b.Copies))
	for i := range parcels {
		parcels[i] = &parcel{
			Notification: n,
			number:       s.number(),
			camelCase:    b.CamelCase,
			alone:        b.AtOnce,
			notBefore:    time.Now().Add(b.Delay),
			done:         make(chan struct{}),
		}
	}
	if s.open == 0 {
		s.idle = make(chan struct{})
	}
	s.open += len(parcels)
	return parcels
}

// hold keeps parcels until there are enough to be shuffled. Nearly always, one
// is enough.
func (s *Sender) hold(l *lane, parcels []*parcel) {
	l.held = append(l.held, parcels...)
	switch {
	case len(l.held) >= s.behavior.Shuffle:
		s.release(l)
	case l.hold == nil:
		l.hold = time.AfterFunc(shuffleTime, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.release(l)
		})
	}
}

// lane returns the lane of the key, a new one if there is none.
func (s *Sender) lane(key int64) *lane {
	l := s.lanes[key]
	if l == nil {
		l = &lane{key: key}
		s.lanes[key] = l
	}
	return l
}

// number returns the next notification's.
func (s *Sender) number() int {
	s.numbers++
	return s.numbers
}

// loner returns the key of a new lane, which is no payment's.
func (s *Sender) loner() int64 {
	s.loners--
	return s.loners
}

// release lines up what the lane holds, shuffled if it was held for that.
func (s *Sender) release(l *lane) {
	held := l.held
	if l.hold != nil {
		l.hold.Stop()
		s.chance(held[0].number, 0).Shuffle(len(held), func(i, j int) { held[i], held[j] = held[j], held[i] })
	}
	l.held, l.hold = nil, nil
	for _, p := range held {
		to := l
		if p.alone {
			to = s.lane(s.loner())
		}
		to.line = append(to.line, p)
		s.wake(to)
	}
	s.drop(l)
}

// drop forgets a lane with nothing in it. One that was forgotten before may
// have a successor.
func (s *Sender) drop(l *lane) {
	if len(l.held) == 0 && len(l.line) == 0 && s.lanes[l.key] == l {
		delete(s.lanes, l.key)
	}
}

// wake lets the lane's first parcel be sent when its time has come.
func (s *Sender) wake(l *lane) {
	if l.busy {
		return
	}
	l.busy = true
	pause := time.Until(l.line[0].notBefore)
	if pause <= 0 {
		s.send(l)
		return
	}
	l.rest = time.AfterFunc(pause, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.send(l)
	})
}

// send lets a worker send the lane's first parcel.
func (s *Sender) send(l *lane) {
	if s.ctx.Err() != nil {
		return
	}
	s.ready = append(s.ready, l)
	if s.workers < maxWorkers {
		s.workers++
		s.running.Go(s.work)
	}
}

// work sends what is ready until nothing is. It takes the lock itself.
func (s *Sender) work() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.ready) > 0 && s.ctx.Err() == nil {
		l := s.ready[0]
		s.ready = s.ready[1:]
		p := l.line[0]
		s.mu.Unlock()
		again := s.attempt(p)
		s.mu.Lock()
		l.busy = false
		if again {
			p.notBefore = time.Now().Add(s.terms.interval)
		} else {
			l.line = l.line[1:]
			s.finish(p)
		}
		if len(l.line) > 0 {
			s.wake(l)
		}
		s.drop(l)
	}
	s.workers--
}

// finish counts the parcel as done.
func (s *Sender) finish(p *parcel) {
	close(p.done)
	if s.open--; s.open == 0 {
		close(s.idle)
	}
}
