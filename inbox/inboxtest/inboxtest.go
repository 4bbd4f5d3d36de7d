// Package inboxtest tests whether an [inbox.Store] keeps its promises.
//
//	func TestStore(t *testing.T) {
//		inboxtest.Run(t, func(t *testing.T) inboxtest.Harness[*sql.Tx] {
//			db := openDatabase(t)
//			return inboxtest.Harness[*sql.Tx]{Store: mystore.New(db), Write: …, Written: …, Cut: …}
//		})
//	}
//
// Run it with the race detector too.
package inboxtest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
)

// Harness is a store to test, and access to the database behind it.
type Harness[Tx any] struct {
	// Store is empty. The tests apply up to 50 events to it at the same time.
	Store inbox.Store[Tx]

	// Write writes a note in tx, as a shop would write. It must allow equal
	// notes. Both Write and Written are nil for a store without transactions.
	// Then it is not tested that writes and record are committed together.
	Write func(ctx context.Context, tx Tx, note string) error

	// Written returns the committed notes, in any order.
	Written func(ctx context.Context) ([]string, error)

	// Cut breaks the database connection of tx, as a network failure or a
	// killed server process would, and no other. If it is nil, lost
	// connections are not tested.
	Cut func(ctx context.Context, tx Tx) error
}

const (
	// patience is how long an event may take before it counts as hanging;
	// impatience is how long a call may take that must not wait for it.
	patience   = 30 * time.Second
	impatience = 5 * time.Second

	// moment is how long a call that must wait is observed to wait.
	moment = 100 * time.Millisecond
)

// Run tests the stores that open returns, one for each subtest. A subtest that
// fails prints the promise that was broken. open can use its t to clean up.
func Run[Tx any](t *testing.T, open func(t *testing.T) Harness[Tx]) {
	t.Helper()
	for _, test := range []struct {
		name    string
		run     func(*kit[Tx])
		promise string
	}{
		{"Once", (*kit[Tx]).once,
			"Of 50 deliveries of one event at the same time, one must be applied and the others must be duplicates. This is tested for each event of a payment, because the first one and those that follow take different paths through a database."},
		{"ManySubjects", (*kit[Tx]).manySubjects,
			"Events of different payments must not interfere with each other."},
		{"Waits", (*kit[Tx]).waits,
			"While an event is being applied, another delivery of it must wait. It must give up when its context ends, and be a duplicate once the first has committed."},
		{"HolderFails", (*kit[Tx]).holderFails,
			"When the delivery that all others wait for fails, one of them must be applied instead."},
		{"OutOfOrder", (*kit[Tx]).outOfOrder,
			"In whatever order the events of a payment arrive, each one that is newer than all before it must be applied, every other must not, and none must be applied again."},
		{"Shuffled", (*kit[Tx]).shuffled,
			"Events of a payment that arrive many times and at the same time must be applied in the order of its life, up to its end."},
		{"MoneyAfterEnd", (*kit[Tx]).moneyAfterEnd,
			"Money that arrives after a payment expired, failed or was canceled is news, whatever its status, and a late report of that end is not."},
		{"FullerReport", (*kit[Tx]).fullerReport,
			"A report with more members than the previous one is newer, and the previous one is then outdated. Both can have the same key, so a store must compare positions, not only keys."},
		{"Bytewise", (*kit[Tx]).bytewise,
			"Subjects, keys and positions must be stored whole and compared byte by byte, whatever the locale of the database."},
		{"Lookup", (*kit[Tx]).lookup,
			"Lookup must return what Apply would do, and change nothing."},
		{"Failure", (*kit[Tx]).failure,
			"When the function fails, Apply must return its error and undo its writes, and apply the event when it is delivered again. What was applied to the payment before must remain."},
		{"Panic", (*kit[Tx]).panics,
			"A panic must undo everything and reach the caller."},
		{"Poisoned", (*kit[Tx]).poisoned,
			"An event that always fails must never be recorded, and must not block any other."},
		{"ContextEnded", (*kit[Tx]).contextEnded,
			"Nothing must be started after the context has ended."},
		{"ContextEnds", (*kit[Tx]).contextEnds,
			"When the context ends between the function's write and the commit, as when a process is asked to stop, nothing must be applied, whether or not the function checks the context."},
		{"LostConnection", (*kit[Tx]).lostConnection,
			"When the connection breaks between the function's write and the commit, nothing must be applied, and the store must keep working."},
		{"Prune", (*kit[Tx]).prune,
			"Prune must delete the records of everything applied before the given time, and nothing else. Pruned events are applied again."},
		{"PruneBeside", (*kit[Tx]).pruneBeside,
			"Events must be applied while old records are being pruned, including events of a payment that is being pruned."},
	} {
		t.Run(test.name, func(t *testing.T) {
			k := &kit[Tx]{Harness: open(t), t: t}
			defer func() {
				if t.Failed() {
					t.Log(test.promise)
				}
			}()
			test.run(k)
			k.checkWritten()
		})
	}
}

// kit applies entries to a store and records which were applied.
type kit[Tx any] struct {
	Harness[Tx]
	t *testing.T

	mu      sync.Mutex
	applied []string // keys of the entries
}

var errShop = errors.New("the shop's own failure")

// apply applies e with a write, and then calls inside unless it is nil.
func (k *kit[Tx]) apply(ctx context.Context, e inbox.Entry, inside func(context.Context, Tx) error) (inbox.Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	outcome, err := k.Store.Apply(ctx, e, func(ctx context.Context, tx Tx) error {
		if k.Write != nil {
			if err := k.Write(ctx, tx, e.Key); err != nil {
				return err
			}
		}
		if inside == nil {
			return nil
		}
		return inside(ctx, tx)
	})
	if outcome == inbox.Applied && err == nil {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.applied = append(k.applied, e.Key)
	}
	return outcome, err
}

// expect applies e and wants the given outcome.
func (k *kit[Tx]) expect(want inbox.Outcome, e inbox.Entry) {
	k.t.Helper()
	if got, err := k.apply(k.t.Context(), e, nil); got != want || err != nil {
		k.t.Errorf("Apply(%s) = %q, %v; want %q", e.Position, got, err, want)
	}
}

// expectLookup looks e up and wants the given outcome.
func (k *kit[Tx]) expectLookup(want inbox.Outcome, e inbox.Entry) {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(k.t.Context(), impatience)
	defer cancel()
	if got, err := k.Store.Lookup(ctx, e); got != want || err != nil {
		k.t.Errorf("Lookup(%s) = %q, %v; want %q", e.Position, got, err, want)
	}
}

// expectError applies e, and wants the given error and nothing applied.
func (k *kit[Tx]) expectError(ctx context.Context, want error, e inbox.Entry, inside func(context.Context, Tx) error) {
	k.t.Helper()
	outcome, err := k.apply(ctx, e, inside)
	if outcome != "" || !errors.Is(err, want) {
		k.t.Errorf("Apply = %q, %v; want no outcome and the error: %v", outcome, err, want)
	}
	k.expectLookup(inbox.Pending, e)
}

// checkWritten checks that the committed writes are those of the applied events,
// each once.
func (k *kit[Tx]) checkWritten() {
	k.t.Helper()
	if k.Written == nil {
		return
	}
	written, err := k.Written(k.t.Context())
	if err != nil {
		k.t.Fatalf("Written: %v", err)
	}
	slices.Sort(written)
	slices.Sort(k.applied)
	if !slices.Equal(written, k.applied) {
		k.t.Errorf("%d writes were committed, but %d events applied:\n%q\n%q", len(written), len(k.applied), written, k.applied)
	}
}

// entry returns the entry of a payment's event.
func (k *kit[Tx]) entry(id jovepay.ID, status jovepay.PaymentStatus, change ...func(*jovepay.Payment)) inbox.Entry {
	k.t.Helper()
	payment := jovepay.Payment{
		ID: id, Status: status, OrderID: "order-" + string(id),
		PriceAmount: jovepay.MustAmount("49.90"), PriceCurrency: "usd",
		PayAmount: jovepay.MustAmount("0.00078"), PayCurrency: "btc",
	}
	for _, c := range change {
		c(&payment)
	}
	e, err := inbox.NewEntry(payment.Event())
	if err != nil {
		k.t.Fatal(err)
	}
	return e
}
