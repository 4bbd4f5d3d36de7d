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
// everything stated here.
type Store[Tx any] interface {
	// Apply begins a transaction. If e is newer than the entry recorded for its
	// subject, Apply records it, calls apply, commits, and returns [Applied].
	// Otherwise it returns the outcome of [Entry.Against], without calling
	// apply.
	//
	// Of two calls for one subject, one waits until the other has ended. If
	// apply fails or panics, ctx ends, or the commit fails, nothing of the
	// transaction remains; the error is returned, and the panic continues. If
	// the connection is lost during the commit, Apply returns an error, and
	// the next call for e finds out whether it was committed.
	//
	// apply may be called again after its transaction was rolled back for a
	// temporary reason, such as a deadlock.
	Apply(ctx context.Context, e Entry, apply func(context.Context, Tx) error) (Outcome, error)

	// Lookup returns [Pending] if Apply would apply e, and otherwise
	// [Duplicate] or [Outdated]. It waits for no transaction and changes
	// nothing.
	Lookup(ctx context.Context, e Entry) (Outcome, error)

	// Prune deletes the records of subjects whose last event was applied
	// before the given time, and returns their number.
	Prune(ctx context.Context, before time.Time) (int64, error)
}

// Outcome says what was done with an event. The zero value accompanies an error:
// nothing was done.
type Outcome string

// The outcomes.
const (
	// Applied: the function's work and the record of it are committed.
	Applied Outcome = "applied"
	// Duplicate: this event was applied before.
	Duplicate Outcome = "duplicate"
	// Outdated: a newer event was applied before. This one reports an earlier
	// state, or less of the same state. It was either applied before that, or
	// never will be.
	Outdated Outcome = "outdated"
	// Pending: not applied yet. Only [Store] and [Entry.Against] return it.
	Pending Outcome = "pending"
)
