package inbox

import (
	"context"
	"time"
)

// Store records which events were applied. Tx is the transaction that the
// user's function works in, such as [*database/sql.Tx].
//
// A Store keeps the newest [Entry] of each subject. It is safe for concurrent
// use, by any number of processes if its database is. Package inboxtest tests
// all that is said here.
type Store[Tx any] interface {
	// Apply begins a transaction, records e in it if e is newer than what is
	// recorded for its subject, calls apply, and commits. It returns
	// [Applied], or without calling apply what [Entry.Against] says.
	//
	// Of two calls for one subject, one waits until the other has ended. If
	// apply fails or panics, ctx ends, or the commit fails, nothing stays of
	// the transaction; the error is returned, the panic goes on. If the
	// connection is lost during the commit, nobody knows whether it took
	// effect; that is an error, and the next call for e finds out.
	//
	// apply may be called again after its transaction was rolled back for a
	// reason that passes, such as a deadlock.
	Apply(ctx context.Context, e Entry, apply func(context.Context, Tx) error) (Outcome, error)

	// Lookup returns what Apply would find: [Pending] if it would apply e,
	// [Duplicate] or [Outdated] if not. It waits for no one and changes
	// nothing.
	Lookup(ctx context.Context, e Entry) (Outcome, error)

	// Prune forgets the subjects that had their last event applied before the
	// given time, and returns how many they were.
	Prune(ctx context.Context, before time.Time) (int64, error)
}

// Outcome is what became of an event. The zero value comes with an error:
// nothing became of it.
type Outcome string

// The outcomes.
const (
	// Applied: the function's work and the record of it are committed.
	Applied Outcome = "applied"
	// Duplicate: this event was applied before.
	Duplicate Outcome = "duplicate"
	// Outdated: a newer event was applied before. This one reports an earlier
	// state, or less of the same state, and was either applied in its time or
	// never will be.
	Outdated Outcome = "outdated"
	// Pending: not applied yet. Only [Store] and [Entry.Against] return it.
	Pending Outcome = "pending"
)
