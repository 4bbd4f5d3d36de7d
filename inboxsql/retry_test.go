package inboxsql

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var errBusy = errors.New("database is locked (5) (SQLITE_BUSY)")

func TestConflict(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err      error
		conflict bool
		created  bool
	}{
		"serialization":   {&pgconn.PgError{Code: "40001"}, true, true},
		"deadlock":        {&pgconn.PgError{Code: "40P01"}, true, true},
		"duplicate":       {&pgconn.PgError{Code: "23505"}, false, true},
		"type is there":   {&pgconn.PgError{Code: "42710"}, false, true},
		"table is there":  {&pgconn.PgError{Code: "42P07"}, false, true},
		"no permission":   {&pgconn.PgError{Code: "42501"}, false, false},
		"MySQL deadlock":  {&mysql.MySQLError{Number: 1213, SQLState: [5]byte([]byte("40001")), Message: "Deadlock found"}, true, true},
		"MariaDB changed": {&mysql.MySQLError{Number: 1020, Message: "Record has changed since last read"}, true, true},
		"MySQL lock wait": {&mysql.MySQLError{Number: 1205, Message: "Lock wait timeout exceeded"}, false, false},
		"SQLite busy":     {errBusy, true, true},
		"ended":           {context.Canceled, false, false},
		"shop":            {errors.New("out of stock"), false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, err := range []error{c.err, fmt.Errorf("inboxsql: commit: %w", c.err), errors.Join(errors.New("shop"), c.err)} {
				assert.Equal(t, c.conflict, conflict(err))
				assert.Equal(t, c.created, created(err))
			}
		})
	}
}

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
				err := retry(t.Context(), conflict, func() error {
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
		err := retry(ctx, conflict, func() error {
			cancel()
			return errBusy
		})
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, errBusy)
		assert.Zero(t, time.Since(begun))
	})
}
