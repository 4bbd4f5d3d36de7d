package inboxsql

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
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

// conflict reports whether a transaction was given up by the database although
// nothing is wrong with it: it can be run again.
func conflict(err error) bool {
	return hasState(err, "40001", "40P01") || slices.ContainsFunc([]string{
		// Two drivers have errors that can be told by their text only, without
		// importing them.
		"Error 1213",         // MySQL: deadlock
		"Error 1020",         // MariaDB: a row has changed since the snapshot
		"database is locked", // SQLite: busy
	}, func(text string) bool { return strings.Contains(err.Error(), text) })
}

// created reports whether a table was not created because another process has
// just done so, which PostgreSQL's IF NOT EXISTS does not notice in time.
func created(err error) bool {
	return conflict(err) || hasState(err, "23505", "42710", "42P07")
}

// hasState reports whether err has one of the given SQLSTATE codes. The
// drivers for PostgreSQL have errors that tell.
func hasState(err error, states ...string) bool {
	var e interface{ SQLState() string }
	return errors.As(err, &e) && slices.Contains(states, e.SQLState())
}
