package orderstest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/orders"
)

func joining[Tx any]() []testCase[Tx] {
	return []testCase[Tx]{
		{"Join", (*kit[Tx]).join,
			"Join must do in the shop's transaction what Update does in its own, and ignore the entry."},
		{"JoinRollsBack", (*kit[Tx]).joinRollsBack,
			"Nothing of a Join may be visible before the shop's transaction is committed, or remain if it is rolled back."},
		{"JoinTwice", (*kit[Tx]).joinTwice,
			"A second Join in a transaction must see what the first wrote, for the same order and for another, and not wait for it."},
		{"JoinWaits", (*kit[Tx]).joinWaits,
			"Join must wait for an order that is held, give up when its context ends, and hold the order until the shop's transaction has ended."},
		{"JoinOnce", (*kit[Tx]).joinOnce,
			"Of 50 calls for one order, half of them Join, each must see what those before it committed."},
		{"JoinFails", (*kit[Tx]).joinFails,
			"When work fails or panics in Join, the caller must get the error or the panic, and the store must keep working once the caller has rolled back."},
	}
}

// caller is a transaction of the shop.
type caller[Tx any] struct {
	k                *kit[Tx]
	tx               Tx
	commit, rollback func() error
	notes            []string
}

// begin begins a transaction of the shop.
func (k *kit[Tx]) begin() *caller[Tx] {
	k.t.Helper()
	c, err := k.tryBegin(k.t.Context())
	if err != nil {
		k.t.Fatal(err)
	}
	return c
}

func (k *kit[Tx]) tryBegin(ctx context.Context) (*caller[Tx], error) {
	c := &caller[Tx]{k: k, commit: func() error { return nil }, rollback: func() error { return nil }}
	if k.Begin == nil {
		return c, nil
	}
	var err error
	if c.tx, c.commit, c.rollback, err = k.Begin(ctx); err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	return c, nil
}

// needsTransactions skips the test of a store without transactions.
func needsTransactions[Tx any](t *testing.T, k *kit[Tx]) {
	t.Helper()
	if k.Begin == nil {
		t.Skip("the harness has no Begin")
	}
}

// join is Join with a note of the shop.
func (c *caller[Tx]) join(ctx context.Context, s orders.Scope, w work) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	note := c.k.newNote()
	c.notes = append(c.notes, note)
	return c.k.Store.Join(ctx, c.tx, s, c.k.noting(note, func(_ context.Context, _ Tx, r *orders.Record) (*orders.Change, error) { return w(r) }))
}

func (c *caller[Tx]) must(s orders.Scope, w work) {
	c.k.t.Helper()
	if err := c.join(c.k.t.Context(), s, w); err != nil {
		c.k.t.Errorf("Join(%q): %v", s.OrderID, err)
	}
}

// end commits.
func (c *caller[Tx]) end() error {
	if err := c.commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	c.k.expectNotes(c.notes...)
	return nil
}

func (c *caller[Tx]) mustCommit() {
	c.k.t.Helper()
	if err := c.end(); err != nil {
		c.k.t.Error(err)
	}
}

func (c *caller[Tx]) mustRollBack() {
	c.k.t.Helper()
	if err := c.rollback(); err != nil {
		c.k.t.Errorf("roll back: %v", err)
	}
}

func (k *kit[Tx]) join() {
	k.create("other", full("other", 1))
	e := entry("order", 1)
	for n := 1; n <= 2; n++ {
		before := k.load("order")
		tx := k.begin()
		tx.must(orders.Scope{OrderID: "order", Create: true, Entry: e, Payments: []jovepay.ID{"other", "order"}}, func(r *orders.Record) (*orders.Change, error) {
			if r.Order == nil || r.Outcome != "" || r.Now.IsZero() || r.Located["other"] != "other" || len(r.Located) != n {
				k.t.Errorf("record is %+v; want the order, the time, the located payments, and no outcome", r)
			}
			same(k, "parts", describeParts(r.Parts), describeParts(before.Parts))
			return full("order", n), nil
		})
		tx.mustCommit()
		same(k, "state", k.load("order").Order.State, fmt.Sprint("state-", n))
		if lines, notes := k.lines(orders.LineQuery{OrderID: "order", Limit: 100}), k.history("order"); len(lines) != 2*n || len(notes) != 2*n {
			k.t.Errorf("%d lines, %d notes; want %d of each", len(lines), len(notes), 2*n)
		}
		k.expectLookup(inbox.Pending, e)
	}
	before := k.snapshot("order")
	tx := k.begin()
	tx.must(orders.Scope{OrderID: "order"}, nothing)
	tx.must(orders.Scope{OrderID: "missing"}, func(r *orders.Record) (*orders.Change, error) {
		if r.Order != nil {
			k.t.Errorf("a missing order is %+v", r.Order)
		}
		return nil, nil
	})
	tx.must(orders.Scope{}, nothing)
	tx.mustCommit()
	same(k, "the order after a Join that changes nothing", k.snapshot("order"), before)
	same(k, "a missing order", k.snapshot("missing"), "")
}

func (k *kit[Tx]) joinRollsBack() {
	needsTransactions(k.t, k)
	for n := 1; n <= 2; n++ {
		before := k.snapshot("order")
		for _, commit := range []bool{false, true} {
			tx := k.begin()
			tx.must(orders.Scope{OrderID: "order", Create: true}, func(*orders.Record) (*orders.Change, error) {
				return full("order", n), nil
			})
			same(k, "the order before the commit", k.snapshot("order"), before)
			if commit {
				tx.mustCommit()
				break
			}
			tx.mustRollBack()
			same(k, "the order after the rollback", k.snapshot("order"), before)
			located, err := k.Store.Locate(k.t.Context(), "order")
			if err != nil || len(located) != n-1 {
				k.t.Errorf("Locate = %v, %v; want what was before", located, err)
			}
		}
		same(k, "state", k.load("order").Order.State, fmt.Sprint("state-", n))
	}
}

func (k *kit[Tx]) joinTwice() {
	needsTransactions(k.t, k)
	k.create("existing", nil)
	tx := k.begin()
	for _, id := range []string{"new", "existing"} {
		for range 3 {
			tx.must(orders.Scope{OrderID: id, Create: true}, increment)
		}
		tx.must(orders.Scope{OrderID: id}, increment)
	}
	tx.must(orders.Scope{OrderID: "new"}, func(*orders.Record) (*orders.Change, error) {
		return &orders.Change{Parts: []orders.Part{{Kind: orders.PartPayment, ID: "1", At: day(), Doc: []byte("4")}}}, nil
	})
	tx.must(orders.Scope{OrderID: "existing", Payments: []jovepay.ID{"1"}}, func(r *orders.Record) (*orders.Change, error) {
		same(k, "the order of a payment that the transaction wrote", r.Located["1"], "new")
		return nil, nil
	})
	same(k, "the order before the commit", k.snapshot("new"), "")
	tx.mustCommit()
	k.expectCount("existing", 4)
	r := k.load("new")
	if r.Order == nil || string(r.Order.Doc) != "4" || len(r.Parts) != 2 {
		k.t.Errorf("the new order is %+v with parts %v; want all changes", r.Order, r.Parts)
	}
}

// joinAlone is a transaction of the shop with one Join.
func (k *kit[Tx]) joinAlone(s orders.Scope, w work) error {
	ctx, cancel := context.WithTimeout(k.t.Context(), patience)
	defer cancel()
	tx, err := k.tryBegin(ctx)
	if err != nil {
		return err
	}
	if err := tx.join(ctx, s, w); err != nil {
		return errors.Join(err, tx.rollback())
	}
	return tx.end()
}

func (k *kit[Tx]) joinWaits() {
	needsTransactions(k.t, k)
	k.create("order", nil)
	scope, before := orders.Scope{OrderID: "order"}, 0
	if !k.OneWriter { // otherwise the shop's transaction cannot begin
		h := k.hold(scope, increment)
		tx := k.begin()
		k.expectWait("Join of a held order", func(ctx context.Context) error { return tx.join(ctx, scope, increment) })
		k.rollBackFailed(tx)
		patient := k.start(func() error { return k.joinAlone(scope, increment) })
		<-time.After(moment)
		h.release(nil)
		k.expectDone("the holder", h.done)
		k.expectDone("the Join that waited", patient)
		before = 2
		k.expectCount("order", before)
	}

	tx := k.begin()
	tx.must(scope, increment)
	k.expectWait("Update of an order that the shop's transaction holds", k.forOrder(scope))
	if !k.OneWriter {
		k.expectSoon("Update of another order", k.forOrder(orders.Scope{OrderID: "other", Create: true}))
	}
	patient := k.start(func() error { return k.update(k.t.Context(), scope, increment) })
	<-time.After(moment)
	tx.mustCommit()
	k.expectDone("the one that waited", patient)
	k.expectCount("order", before+2)
}

func (k *kit[Tx]) joinOnce() {
	k.all(crowd, func(i int) error {
		s := orders.Scope{OrderID: "order", Create: true}
		if i%2 == 0 {
			return k.update(k.t.Context(), s, increment)
		}
		return k.joinAlone(s, increment)
	})
	k.expectCount("order", crowd)
}

func (k *kit[Tx]) joinFails() {
	k.create("order", full("order", 1))
	before := k.snapshot("order")
	scope := orders.Scope{OrderID: "order"}
	tx := k.begin()
	if err := tx.join(k.t.Context(), scope, func(*orders.Record) (*orders.Change, error) { return full("order", 2), errShop }); !errors.Is(err, errShop) {
		k.t.Errorf("Join = %v; want the error of work", err)
	}
	k.rollBackFailed(tx)
	same(k, "the order", k.snapshot("order"), before)

	tx = k.begin()
	reached := func() (reached any) {
		defer func() { reached = recover() }()
		err := tx.join(k.t.Context(), scope, func(*orders.Record) (*orders.Change, error) { panic(errShop) }) //nolint:forbidigo // it is what is tested
		k.t.Errorf("Join = %v; want the panic", err)
		return nil
	}()
	if reached != any(errShop) {
		k.t.Errorf("the caller recovered %v; want what work panicked with", reached)
	}
	k.rollBackFailed(tx)
	same(k, "the order", k.snapshot("order"), before)

	tx = k.begin()
	ctx, cancel := context.WithCancel(k.t.Context())
	cancel()
	err := tx.join(ctx, scope, func(*orders.Record) (*orders.Change, error) {
		k.t.Error("work was called after the context's end")
		return nil, nil
	})
	if !errors.Is(err, context.Canceled) {
		k.t.Errorf("Join = %v; want %v", err, context.Canceled)
	}
	k.rollBackFailed(tx)
	k.change("order", full("order", 2))
}

// rollBackFailed rolls back after Join failed. The driver may have done so, or
// have closed the connection.
func (k *kit[Tx]) rollBackFailed(tx *caller[Tx]) {
	k.t.Helper()
	if err := tx.rollback(); err != nil {
		k.t.Logf("roll back after Join failed: %v", err)
	}
}
