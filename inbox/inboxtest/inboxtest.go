// Package inboxtest tells whether an [inbox.Store] keeps its promises.
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

// Harness is a store to test, with what the tests need to look behind it.
type Harness[Tx any] struct {
	// Store is empty. The tests apply up to 50 events to it at the same time.
	Store inbox.Store[Tx]

	// Write makes a note in tx, as a shop's own write. It must allow equal
	// notes. Both Write and Written are nil for a store without transactions;
	// whether writes and record go together is then not tested.
	Write func(ctx context.Context, tx Tx, note string) error

	// Written returns the notes that were committed, in any order.
	Written func(ctx context.Context) ([]string, error)

	// Cut breaks the connection to the database on which tx runs, as a network
	// failure or a killed server process does, and leaves others alone. If it
	// is nil, lost connections are not tested.
	Cut func(ctx context.Context, tx Tx) error
}

const (
	// patience is how long an event may take before it counts as hanging,
	// impatience how long what must not wait for it may.
	patience   = 30 * time.Second
	impatience = 5 * time.Second

	// moment is how long a call that has to wait is watched doing so.
	moment = 100 * time.Millisecond
)

// Run tests the stores that open returns, one for each subtest. open can use
// its t to clean up.
func Run[Tx any](t *testing.T, open func(t *testing.T) Harness[Tx]) {
	t.Helper()
	for _, test := range []struct {
		name string
		run  func(*kit[Tx])
	}{
		{"Once", (*kit[Tx]).once},
		{"ManySubjects", (*kit[Tx]).manySubjects},
		{"Waits", (*kit[Tx]).waits},
		{"HolderFails", (*kit[Tx]).holderFails},
		{"OutOfOrder", (*kit[Tx]).outOfOrder},
		{"Shuffled", (*kit[Tx]).shuffled},
		{"MoneyAfterEnd", (*kit[Tx]).moneyAfterEnd},
		{"FullerReport", (*kit[Tx]).fullerReport},
		{"Bytewise", (*kit[Tx]).bytewise},
		{"Lookup", (*kit[Tx]).lookup},
		{"Failure", (*kit[Tx]).failure},
		{"Panic", (*kit[Tx]).panics},
		{"Poisoned", (*kit[Tx]).poisoned},
		{"ContextEnded", (*kit[Tx]).contextEnded},
		{"ContextEnds", (*kit[Tx]).contextEnds},
		{"LostConnection", (*kit[Tx]).lostConnection},
		{"Prune", (*kit[Tx]).prune},
		{"PruneBeside", (*kit[Tx]).pruneBeside},
	} {
		t.Run(test.name, func(t *testing.T) {
			k := &kit[Tx]{Harness: open(t), t: t}
			test.run(k)
			k.checkWritten()
		})
	}
}

// kit applies entries to a store and remembers which were applied.
type kit[Tx any] struct {
	Harness[Tx]
	t *testing.T

	mu      sync.Mutex
	applied []string // keys of the entries
}

var errShop = errors.New("the shop's own failure")

// apply applies e with a write, and then what inside does; nil does nothing.
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

// checkWritten compares what was committed with what was applied: all of it,
// nothing else, nothing twice.
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
