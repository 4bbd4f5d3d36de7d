package sqlstore

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// errBusy is an error like that of SQLite's drivers.
var errBusy = methodError(5)

func TestRetry(t *testing.T) {
	t.Parallel()
	errShop := errors.New("out of stock")
	for name, c := range map[string]struct {
		failures []error
		attempts int
		want     error
	}{
		"at once":    {nil, 1, nil},
		"passes":     {[]error{errBusy, errBusy, errBusy, errBusy}, 5, nil},
		"stays busy": {[]error{errBusy, errBusy, errBusy, errBusy, errBusy, errBusy}, 5, errBusy},
		"other":      {[]error{errBusy, errShop}, 2, errShop},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				attempts, begun := 0, time.Now()
				err := retry(t.Context(), maxAttempts, SQLite.isConflict, func() error {
					attempts++
					if attempts <= len(c.failures) {
						return c.failures[attempts-1]
					}
					return nil
				})
				require.ErrorIs(t, err, c.want)
				assert.Equal(t, c.attempts, attempts)
				assert.Less(t, time.Since(begun), 150*time.Millisecond, "10 + 20 + 40 + 80")
			})
		})
	}
}

// The end of the context ends the waiting, and does not hide what went wrong.
func TestRetryEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		begun := time.Now()
		err := retry(ctx, maxAttempts, SQLite.isConflict, func() error {
			cancel()
			return errBusy
		})
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, errBusy)
		assert.Zero(t, time.Since(begun))
	})
}
