package jovepaytest

import (
	"fmt"
	"time"
)

// WithFrozenClock makes the server's clock stand at the given time. Only
// [Server.MoveClock] moves it, so that times in answers and notifications are
// the same in every run. It takes the place of [WithClock].
func WithFrozenClock(at time.Time) Option {
	return func(s *settings) error {
		if at.Year() < 1970 || at.Year() > 2999 {
			return fmt.Errorf("clock must stand between the years 1970 and 2999, got %v", at)
		}
		s.engine.Now = func() time.Time { return at }
		return nil
	}
}

// Now returns the time by the server's clock, in UTC and whole milliseconds.
func (s *Server) Now() time.Time { return s.engine.Now() }

// MoveClock sets the server's clock forward and returns the new time. Whatever
// falls due in between happens before it returns, each thing at the time when it
// is due, and in that order: payments expire, and with [WithAutoAdvance] paid
// ones move on. Their notifications are sent in the same order; wait for them
// with [Server.WaitDeliveries]. Tokens end, too.
//
// It works with any clock: one that runs goes on from the new time, one of
// [WithClock] is added to, one of [WithFrozenClock] stands again. A negative
// duration is an error, and so is more than a hundred years in all; zero lets
// happen what is due.
//
// What passes in real time, such as an answer's latency or the pause before a
// notification is sent again, is not shortened.
func (s *Server) MoveClock(d time.Duration) (time.Time, error) {
	return act(s, "MoveClock", arguments{Duration: d}, func() (time.Time, error) {
		now, err := s.engine.MoveClock(d)
		s.pace.Wake()
		return now, wrap(err)
	})
}
