// Package orderstest tests whether an [orders.Store] keeps its promises.
//
//	func TestStore(t *testing.T) {
//		orderstest.Run(t, func(t *testing.T) orderstest.Harness[*sql.Tx] {
//			db := openDatabase(t)
//			return orderstest.Harness[*sql.Tx]{Store: mystore.New(db), Begin: …, Write: …, Written: …, Cut: …}
//		})
//	}
//
// Run it with the race detector too.
package orderstest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/orders"
)

// Harness is a store to test, and access to the database behind it. What a
// harness leaves nil is not tested, and the tests that need it are skipped.
type Harness[Tx any] struct {
	// Store is empty. The tests make up to 50 calls at the same time. They need
	// 10 connections to the database: with fewer, calls that must not wait for
	// each other do.
	Store orders.Store[Tx]

	// Other is a store for another account in the same database. It is empty.
	Other orders.Store[Tx]

	// Begin begins a transaction of the shop, for [orders.Store.Join]. It is
	// nil for a store without transactions: then Join is called with the zero
	// Tx, and has to commit by itself.
	Begin func(ctx context.Context) (tx Tx, commit, rollback func() error, err error)

	// Write writes a note in tx, as a shop would write. Both Write and Written
	// are nil for a store without transactions: then it is not tested that the
	// shop's writes are committed together with the order.
	Write func(ctx context.Context, tx Tx, note string) error

	// Written returns the committed notes, in any order.
	Written func(ctx context.Context) ([]string, error)

	// SetCreated changes when an order was created. The tests need orders of
	// one time.
	SetCreated func(ctx context.Context, orderID string, at time.Time) error

	// Cut breaks the database connection of tx, as a network failure or a
	// killed server process would, and no other.
	Cut func(ctx context.Context, tx Tx) error

	// CutCommit breaks the connection of tx later, while it is being
	// committed: after the database has received the commit if received is
	// true, and otherwise before. The store must not be able to see which.
	CutCommit func(ctx context.Context, tx Tx, received bool) error

	// Conflict reports whether a call failed only because others were made at
	// the same time, as happens at stricter isolation levels however often a
	// store retries. The tests make such a call again. If it is nil, no such
	// call may fail.
	Conflict func(err error) bool

	// OneWriter says that the database has one writing transaction at a time,
	// as SQLite has. Then calls for different orders may wait for each other,
	// and Begin for calls.
	OneWriter bool
}

const (
	// patience is how long a call may take before it counts as hanging;
	// impatience is how long a call may take that must not wait for another.
	patience   = 30 * time.Second
	impatience = 5 * time.Second

	// moment is how long a call that must wait is observed to wait.
	moment = 100 * time.Millisecond

	// crowd is the number of calls at the same time.
	crowd = 50
)

// Run tests the stores that open returns, one for each subtest. A subtest that
// fails prints the promise that was broken. open can use its t to clean up.
func Run[Tx any](t *testing.T, open func(t *testing.T) Harness[Tx]) {
	t.Helper()
	for _, test := range cases[Tx]() {
		t.Run(test.name, func(t *testing.T) {
			k := &kit[Tx]{Harness: open(t), t: t}
			t.Cleanup(k.background.Wait)
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

// testCase is a promise and its test.
type testCase[Tx any] struct {
	name    string
	run     func(*kit[Tx])
	promise string
}

func cases[Tx any]() []testCase[Tx] {
	return slices.Concat(keeping[Tx](), updating[Tx](), waiting[Tx](), failing[Tx](), joining[Tx](), reading[Tx](), leasing[Tx]())
}

// kit calls a store and records which notes of the shop must be committed.
type kit[Tx any] struct {
	Harness[Tx]
	t          *testing.T
	background sync.WaitGroup // goroutines of the test

	mu      sync.Mutex
	written []string // notes that must be committed
	notes   int      // notes that were begun
}

// work is orders.Work without the transaction and the context.
type work func(r *orders.Record) (*orders.Change, error)

var errShop = errors.New("the shop's own failure")

// update is Update with a note of the shop.
func (k *kit[Tx]) update(ctx context.Context, s orders.Scope, w work) error {
	return k.updateTx(ctx, s, func(_ context.Context, _ Tx, r *orders.Record) (*orders.Change, error) { return w(r) })
}

// updateTx is update for work that uses its context or transaction.
func (k *kit[Tx]) updateTx(ctx context.Context, s orders.Scope, w orders.Work[Tx]) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	note := k.newNote()
	err := k.Store.Update(ctx, s, k.noting(note, w))
	if err == nil {
		k.expectNotes(note)
	}
	return err
}

// noting writes a note before it calls w.
func (k *kit[Tx]) noting(note string, w orders.Work[Tx]) orders.Work[Tx] {
	return func(ctx context.Context, tx Tx, r *orders.Record) (*orders.Change, error) {
		if k.Write != nil {
			if err := k.Write(ctx, tx, note); err != nil {
				return nil, err
			}
		}
		return w(ctx, tx, r)
	}
}

func (k *kit[Tx]) newNote() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.notes++
	return fmt.Sprintf("note %04d", k.notes)
}

func (k *kit[Tx]) expectNotes(notes ...string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.written = append(k.written, notes...)
}

// checkWritten checks that the notes of the calls that succeeded are committed,
// each once, and no others.
func (k *kit[Tx]) checkWritten() {
	k.t.Helper()
	if k.Written == nil {
		return
	}
	written, err := k.Written(k.t.Context())
	if err != nil {
		k.t.Fatalf("Written: %v", err)
	}
	written = slices.Sorted(slices.Values(written))
	slices.Sort(k.written)
	if !slices.Equal(written, k.written) {
		k.t.Errorf("the shop's notes are\n%q; want those of the calls that succeeded:\n%q", written, k.written)
	}
}

// must is update that has to succeed.
func (k *kit[Tx]) must(s orders.Scope, w work) {
	k.t.Helper()
	if err := k.update(k.t.Context(), s, w); err != nil {
		k.t.Fatalf("Update(%q): %v", s.OrderID, err)
	}
}

// create inserts an order with a change.
func (k *kit[Tx]) create(id string, c *orders.Change) {
	k.t.Helper()
	k.must(orders.Scope{OrderID: id, Create: true}, func(*orders.Record) (*orders.Change, error) { return c, nil })
}

// change changes an order that exists.
func (k *kit[Tx]) change(id string, c *orders.Change) {
	k.t.Helper()
	k.must(orders.Scope{OrderID: id}, func(r *orders.Record) (*orders.Change, error) {
		if r.Order == nil {
			return nil, fmt.Errorf("order %q is missing", id)
		}
		return c, nil
	})
}

func nothing(*orders.Record) (*orders.Change, error) { return nil, nil }

// soon returns a context for calls that must not wait.
func (k *kit[Tx]) soon() (context.Context, context.CancelFunc) {
	return context.WithTimeout(k.t.Context(), impatience)
}

// load is Load that has to succeed without waiting.
func (k *kit[Tx]) load(id string) *orders.Record {
	k.t.Helper()
	return k.loadFrom(k.Store, id)
}

func (k *kit[Tx]) loadFrom(s orders.Store[Tx], id string) *orders.Record {
	k.t.Helper()
	ctx, cancel := k.soon()
	defer cancel()
	r, err := s.Load(ctx, id)
	if err != nil {
		k.t.Fatalf("Load(%q): %v", id, err)
	}
	return r
}

func (k *kit[Tx]) expectLookup(want inbox.Outcome, e inbox.Entry) {
	k.t.Helper()
	ctx, cancel := k.soon()
	defer cancel()
	if got, err := k.Store.Lookup(ctx, e); got != want || err != nil {
		k.t.Errorf("Lookup(%v) = %q, %v; want %q", e, got, err, want)
	}
}

// snapshot describes all that the store has of an order, for comparison. It
// waits for no transaction.
func (k *kit[Tx]) snapshot(id string) string {
	k.t.Helper()
	return k.snapshotOf(k.Store, id)
}

func (k *kit[Tx]) snapshotOf(s orders.Store[Tx], id string) string {
	k.t.Helper()
	ctx, cancel := k.soon()
	defer cancel()
	var b strings.Builder
	r := k.loadFrom(s, id)
	if r.Order != nil {
		fmt.Fprintf(&b, "order %s\n", describe(*r.Order))
	}
	for _, p := range r.Parts {
		fmt.Fprintf(&b, "part %s\n", describePart(p))
	}
	lines, err := s.Lines(ctx, orders.LineQuery{OrderID: id, Limit: 1000})
	if err != nil {
		k.t.Fatalf("Lines: %v", err)
	}
	for _, l := range lines {
		fmt.Fprintf(&b, "line %d %s\n", l.Seq, describeLine(l))
	}
	notes, err := s.History(ctx, id)
	if err != nil {
		k.t.Fatalf("History: %v", err)
	}
	for _, n := range notes {
		fmt.Fprintf(&b, "note %d %s %s\n", n.Seq, stamp(n.At), n.Doc)
	}
	return b.String()
}

func describe(o orders.OrderRow) string {
	return fmt.Sprintf("%q created %s version %d state %q due %s doc %s", o.ID, stamp(o.Created), o.Version, o.State, stamp(o.Due), o.Doc)
}

func describePart(p orders.Part) string {
	return fmt.Sprintf("%q %s %q open %t at %s doc %s", p.OrderID, p.Kind, p.ID, p.Open, stamp(p.At), p.Doc)
}

// describeLine leaves out the Seq, which only the store knows.
func describeLine(l orders.LineRow) string {
	return fmt.Sprintf("%q %q %q %q %s at %s doc %s", l.OrderID, l.PaymentID, l.Coin, l.Bucket, l.Amount, stamp(l.At), l.Doc)
}

// stamp writes a time with its zone, so that one that is not in UTC differs.
func stamp(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Format("2006-01-02T15:04:05.999999999Z07:00 MST")
}

// same reports a difference.
func same[Tx any, T comparable](k *kit[Tx], what string, got, want T) {
	k.t.Helper()
	if got != want {
		k.t.Errorf("%s:\n%v\nwant:\n%v", what, got, want)
	}
}

// entry is an entry of the inbox: of two of one subject, the greater n is newer.
func entry(subject string, n int) inbox.Entry {
	key := fmt.Sprintf("%s/%03d", subject, n)
	return inbox.Entry{Subject: "payment:" + subject, Key: key, Position: fmt.Sprintf("%03d,%s", n, key)}
}
