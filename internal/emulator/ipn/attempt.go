package ipn

import (
	"errors"
	"fmt"
	"time"
)

var errLost = errors.New("lost on the way, as IPNBehavior.Lose says")

// attempt sends a parcel once, and reports whether to do so again.
func (s *Sender) attempt(p *parcel) (again bool) {
	p.attempts++
	d := s.seal(p)
	s.journal.open(d)
	if d.Outcome != Sending {
		p.err = d.Err
		return false
	}
	status, err := s.post(d, s.current().timeout)
	again = err != nil && p.attempts <= s.current().repeats && s.ctx.Err() == nil
	outcome := Delivered
	switch {
	case again:
		outcome = Failed
	case err != nil:
		outcome = GivenUp
		p.err = fmt.Errorf("given up after attempt %d: %w", p.attempts, err)
	}
	s.journal.end(d, s.cfg.Now(), outcome, status, err)
	return again
}

// seal makes the attempt that is to be sent, or that will never be.
func (s *Sender) seal(p *parcel) *Delivery {
	if p.repeat != nil {
		return s.sealAgain(p)
	}
	s.mu.Lock()
	t := s.behavior.draw(s.chance(p.number, p.attempts), p.attempts == 1)
	s.mu.Unlock()
	now := s.cfg.Now()
	d := &Delivery{
		Number: p.number, Attempt: p.attempts, PaymentID: p.PaymentID, Status: p.Status, URL: p.URL,
		Form: t.form, Corrupted: t.corrupted, Forged: t.forged,
		Outcome: Sending, Started: now, At: p.At,
	}
	body, err := p.Body(p.camelCase)
	if err == nil {
		secret := s.cfg.Secret
		if t.forged {
			secret = "not " + secret
		}
		d.Signature, err = Sign(secret, body, t.form)
	}
	if t.corrupted {
		body = corrupt(body, t.at)
	}
	d.Body = string(body)
	switch {
	case err != nil:
		d.Outcome, d.Err, d.Ended = GivenUp, err, now
	case t.lost:
		d.Outcome, d.Err, d.Ended = Lost, errLost, now
	}
	return d
}

// sealAgain makes the attempt that repeats one.
func (s *Sender) sealAgain(p *parcel) *Delivery {
	d := *p.repeat
	d.RepeatOf = d.Number
	d.Number, d.Attempt = p.number, p.attempts
	d.Outcome, d.StatusCode, d.Err = Sending, 0, nil
	d.Started, d.Ended, d.At = s.cfg.Now(), time.Time{}, p.At
	return &d
}
