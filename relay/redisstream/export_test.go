package redisstream

import "time"

// WithClaimAfter shortens [ClaimAfter].
func WithClaimAfter(d time.Duration) Option {
	return func(s *settings) error {
		s.claimAfter = d
		return nil
	}
}
