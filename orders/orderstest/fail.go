package orderstest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/orders"
)

func failing[Tx any]() []testCase[Tx] {
	return []testCase[Tx]{
		{"Failure", (*kit[Tx]).failure,
			"When work fails, Update must return its error, and nothing may remain: no order, no entry, none of the shop's writes. The next call must find everything as before."},
		{"Panic", (*kit[Tx]).panics,
			"A panic must undo everything and reach the caller."},
		{"ContextEnded", (*kit[Tx]).contextEnded,
			"No call may do anything after its context has ended."},
		{"ContextEnds", (*kit[Tx]).contextEnds,
			"When the context ends before the commit, as when a process is asked to stop, nothing may remain, whether or not work checks the context."},
		{"LostConnection", (*kit[Tx]).lostConnection,
			"When the connection breaks before the commit, Update must return an error, nothing may remain, and the store must keep working."},
		{"UnknownCommit", (*kit[Tx]).unknownCommit,
			"When the connection breaks during the commit, Update must return an error. The next call must find either all of the change or nothing: order, parts, lines, notes, the entry and the shop's own writes."},
		{"Check", (*kit[Tx]).check,
			"Check must return nil, or an error that wraps ErrLosesCommits."},
	}
}

// attempt is a change of everything that may fail.
type attempt[Tx any] struct {
	k      *kit[Tx]
	id     string
	n      int // of the change, and of the entry
	before string
}

// attempts calls run for an order that exists, and for one that does not.
func (k *kit[Tx]) attempts(run func(a *attempt[Tx])) {
	for n := 1; n <= 2; n++ {
		a := &attempt[Tx]{k, "order", n, k.snapshot("order")}
		run(a)
		a.expectNothing()
		a.expectSuccess()
	}
}

func (a *attempt[Tx]) scope() orders.Scope {
	return orders.Scope{OrderID: a.id, Create: true, Entry: entry(a.id, a.n)}
}

// update makes the change, after inside.
func (a *attempt[Tx]) update(ctx context.Context, inside func(ctx context.Context, tx Tx) error) error {
	return a.k.updateTx(ctx, a.scope(), func(ctx context.Context, tx Tx, _ *orders.Record) (*orders.Change, error) {
		if err := inside(ctx, tx); err != nil {
			return full(a.id, a.n), err // an error with a change is an error
		}
		return full(a.id, a.n), nil
	})
}

// expectNothing wants nothing of the change to remain.
func (a *attempt[Tx]) expectNothing() {
	a.k.t.Helper()
	same(a.k, "what remains of the order", a.k.snapshot(a.id), a.before)
	a.k.expectLookup(inbox.Pending, entry(a.id, a.n))
	located, err := a.k.Store.Locate(a.k.t.Context(), jovepay.ID(a.id))
	if err != nil || (len(located) > 0) != (a.before != "") {
		a.k.t.Errorf("Locate = %v, %v; want what was before", located, err)
	}
}

// expectSuccess makes the change once more.
func (a *attempt[Tx]) expectSuccess() {
	a.k.t.Helper()
	a.k.must(a.scope(), func(r *orders.Record) (*orders.Change, error) {
		same(a.k, "outcome", r.Outcome, inbox.Applied)
		return full(a.id, a.n), nil
	})
	same(a.k, "state", a.k.load(a.id).Order.State, fmt.Sprint("state-", a.n))
	a.k.expectLookup(inbox.Duplicate, entry(a.id, a.n))
	if lines, notes := a.k.lines(orders.LineQuery{OrderID: a.id, Limit: 100}), a.k.history(a.id); len(lines) != 2*a.n || len(notes) != 2*a.n {
		a.k.t.Errorf("%d lines, %d notes; want %d of each", len(lines), len(notes), 2*a.n)
	}
}

func (k *kit[Tx]) failure() {
	k.attempts(func(a *attempt[Tx]) {
		for range 3 {
			if err := a.update(k.t.Context(), func(context.Context, Tx) error { return errShop }); !errors.Is(err, errShop) {
				k.t.Errorf("Update = %v; want the error of work", err)
			}
		}
	})
}

func (k *kit[Tx]) panics() {
	k.attempts(func(a *attempt[Tx]) {
		reached := func() (reached any) {
			defer func() { reached = recover() }()
			err := a.update(k.t.Context(), func(context.Context, Tx) error { panic(errShop) }) //nolint:forbidigo // it is what is tested
			k.t.Errorf("Update = %v; want the panic", err)
			return nil
		}()
		if reached != any(errShop) {
			k.t.Errorf("the caller recovered %v; want what work panicked with", reached)
		}
	})
}

func (k *kit[Tx]) contextEnded() {
	ctx, cancel := context.WithCancel(k.t.Context())
	cancel()
	k.attempts(func(a *attempt[Tx]) {
		err := a.update(ctx, func(context.Context, Tx) error {
			k.t.Error("work was called after the context's end")
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			k.t.Errorf("Update = %v; want %v", err, context.Canceled)
		}
	})
	for what, call := range k.reads() {
		if err := call(ctx); err == nil {
			k.t.Errorf("%s succeeds after the context's end", what)
		}
		k.expectSoon(what, call)
	}
}

// reads are the calls that change nothing of an order.
func (k *kit[Tx]) reads() map[string]func(ctx context.Context) error {
	return map[string]func(ctx context.Context) error{
		"Load":   func(ctx context.Context) error { _, err := k.Store.Load(ctx, "order"); return err },
		"Locate": func(ctx context.Context) error { _, err := k.Store.Locate(ctx, "order"); return err },
		"Lookup": func(ctx context.Context) error { _, err := k.Store.Lookup(ctx, entry("order", 1)); return err },
		"Orders": func(ctx context.Context) error {
			_, err := k.Store.Orders(ctx, orders.OrderQuery{Limit: 1})
			return err
		},
		"Due":     func(ctx context.Context) error { _, err := k.Store.Due(ctx, 1); return err },
		"Lines":   func(ctx context.Context) error { _, err := k.Store.Lines(ctx, orders.LineQuery{Limit: 1}); return err },
		"History": func(ctx context.Context) error { _, err := k.Store.History(ctx, "order"); return err },
		"Parts": func(ctx context.Context) error {
			_, err := k.Store.Parts(ctx, orders.PartQuery{Kind: orders.PartCase, Limit: 1})
			return err
		},
		"Acquire": func(ctx context.Context) error {
			_, err := k.Store.Acquire(ctx, "lease", "holder", time.Minute)
			return err
		},
	}
}

func (k *kit[Tx]) contextEnds() {
	k.attempts(func(a *attempt[Tx]) {
		for _, heeds := range []bool{false, true} {
			ctx, cancel := context.WithCancel(k.t.Context())
			err := a.update(ctx, func(ctx context.Context, _ Tx) error {
				cancel()
				if heeds {
					return ctx.Err()
				}
				return nil
			})
			if !errors.Is(err, context.Canceled) {
				k.t.Errorf("Update = %v; want %v", err, context.Canceled)
			}
		}
	})
}

func (k *kit[Tx]) lostConnection() {
	if k.Cut == nil {
		k.t.Skip("the harness has no Cut")
	}
	k.attempts(func(a *attempt[Tx]) {
		for range 3 {
			err := a.update(k.t.Context(), func(ctx context.Context, tx Tx) error {
				if err := k.Cut(ctx, tx); err != nil {
					k.t.Errorf("Cut: %v", err)
				}
				return nil
			})
			if err == nil {
				k.t.Error("Update succeeds without a connection")
			}
		}
	})
}

func (k *kit[Tx]) unknownCommit() {
	if k.CutCommit == nil {
		k.t.Skip("the harness has no CutCommit")
	}
	const rounds = 12
	committed := 0
	for i := range rounds {
		a := &attempt[Tx]{k: k, id: fmt.Sprint("order-", i/4), n: i%4 + 1}
		a.before = k.snapshot(a.id)
		if k.unknownRound(a, i%2 == 0) {
			committed++
		} else {
			a.expectSuccess()
		}
	}
	k.t.Logf("%d of %d commits of unknown outcome were made", committed, rounds)
}

// unknownRound makes one change whose commit has an unknown outcome, and reports
// whether it was made.
func (k *kit[Tx]) unknownRound(a *attempt[Tx], received bool) (committed bool) {
	note := k.newNote()
	ctx, cancel := context.WithTimeout(k.t.Context(), patience)
	defer cancel()
	err := k.Store.Update(ctx, a.scope(), k.noting(note, func(ctx context.Context, tx Tx, _ *orders.Record) (*orders.Change, error) {
		if err := k.CutCommit(ctx, tx, received); err != nil {
			k.t.Errorf("CutCommit: %v", err)
		}
		return full(a.id, a.n), nil
	}))
	if err == nil {
		k.t.Error("Update succeeds although the connection broke during the commit")
	}
	// This waits until the database has ended the transaction.
	k.must(orders.Scope{OrderID: a.id, Entry: entry(a.id, a.n-1)}, func(r *orders.Record) (*orders.Change, error) {
		committed = r.Order != nil && r.Order.State == fmt.Sprint("state-", a.n)
		return nil, nil
	})
	if k.Written != nil {
		written, err := k.Written(k.t.Context())
		if err != nil || slices.Contains(written, note) != committed {
			k.t.Errorf("the order was changed: %t; the shop's note is %q, %v of %q", committed, note, err, written)
		}
	}
	if !committed {
		a.expectNothing()
		return false
	}
	k.expectNotes(note)
	k.expectLookup(inbox.Duplicate, entry(a.id, a.n))
	r := k.load(a.id)
	lines, notes := k.lines(orders.LineQuery{OrderID: a.id, Limit: 100}), k.history(a.id)
	if len(r.Parts) != 1+2*a.n || len(lines) != 2*a.n || len(notes) != 2*a.n {
		k.t.Errorf("%d parts, %d lines, %d notes after change %d; want %d, %d, %d", len(r.Parts), len(lines), len(notes), a.n, 1+2*a.n, 2*a.n, 2*a.n)
	}
	return true
}

func (k *kit[Tx]) check() {
	if err := k.Store.Check(k.t.Context()); err != nil && !errors.Is(err, orders.ErrLosesCommits) {
		k.t.Errorf("Check = %v; want nil, or an error that wraps %v", err, orders.ErrLosesCommits)
	}
}
