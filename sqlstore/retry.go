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

// retry calls try until it succeeds, fails with an error that is not temporary,
// has failed maxAttempts times, or ctx ends.
func retry(ctx context.Context, temporary func(error) bool, try func() error) error {
	for attempt := 1; ; attempt++ {
		err := try()
		if err == nil || attempt == maxAttempts || !temporary(err) {
			return err
		}
		// A random pause, so that the same transactions don't conflict again.
		pause := time.NewTimer(rand.N(firstPause << (attempt - 1))) //nolint:gosec // not a secret
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return fmt.Errorf("%w; after %w", ctx.Err(), err)
		}
	}
}
