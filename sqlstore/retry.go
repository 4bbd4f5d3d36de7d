package sqlstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	maxAttempts = 5
	firstPause  = 10 * time.Millisecond // at most; doubled each time
)

// retry calls try until it succeeds, fails in a way that does not pass, has
// failed too often, or ctx ends.
func retry(ctx context.Context, passes func(error) bool, try func() error) error {
	for attempt := 1; ; attempt++ {
		err := try()
		if err == nil || attempt == maxAttempts || !passes(err) {
			return err
		}
		// A random wait, so that those who clashed do not clash again.
		pause := time.NewTimer(rand.N(firstPause << (attempt - 1))) //nolint:gosec // not a secret
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return fmt.Errorf("%w; after %w", ctx.Err(), err)
		}
	}
}
