package sqlstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	maxAttempts = 5

	// At repeatable read, PostgreSQL gives up a transaction for each wait for an
	// order that others change. So these may fail more often.
	maxOrderAttempts = 25

	firstPause = 10 * time.Millisecond // at most; doubled four times
)

// retry calls try until it succeeds, fails with an error that is not temporary,
// has failed the given number of times, or ctx ends.
func retry(ctx context.Context, attempts int, temporary func(error) bool, try func() error) error {
	for attempt := 1; ; attempt++ {
		err := try()
		if err == nil || attempt == attempts || !temporary(err) {
			return err
		}
		// A random pause, so that the same transactions don't conflict again.
		pause := time.NewTimer(rand.N(firstPause << min(attempt-1, 4))) //nolint:gosec // not a secret
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return fmt.Errorf("%w; after %w", ctx.Err(), err)
		}
	}
}
