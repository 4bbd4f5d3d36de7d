package pgxstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	maxAttempts = 5
	firstPause  = 10 * time.Millisecond // at most; doubled each time
)

// retry calls try until it succeeds, fails with an error that has none of the
// SQLSTATE codes, has failed maxAttempts times, or ctx ends.
func retry(ctx context.Context, try func() error, codes ...string) error {
	for attempt := 1; ; attempt++ {
		err := try()
		if err == nil || attempt == maxAttempts || !hasCode(err, codes...) {
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

// hasCode reports whether err is an error of the database with one of the
// SQLSTATE codes.
func hasCode(err error, codes ...string) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && slices.Contains(codes, e.Code)
}
