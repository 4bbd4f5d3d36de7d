package orderstest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/orders"
)

func waiting[Tx any]() []testCase[Tx] {
	return []testCase[Tx]{
		{"Once", (*kit[Tx]).once,
			"Of 50 calls for one order at the same time, each must see everything that those before it committed, in the order and in its parts. An update must not be lost."},
		{"CreateOnce", (*kit[Tx]).createOnce,
			"20 calls that create one order at the same time must all succeed, one after the other, on one order."},
		{"ManyOrders", (*kit[Tx]).manyOrders,
			"Calls for different orders at the same time must all succeed, whether or not the orders exist."},
		{"EntryOnce", (*kit[Tx]).entryOnce,
			"Of 50 calls with one entry at the same time, one must see Applied and the others Duplicate, although they are for different orders."},
		{"Waits", (*kit[Tx]).waits,
			"While work is in progress, another call for its order must wait, give up when its context ends, and see what the first committed once it has."},
		{"EntryWaits", (*kit[Tx]).entryWaits,
			"While the entry of a subject is being recorded, another call with an entry of that subject must wait, whatever its order is. Other subjects must not."},
		{"Frozen", (*kit[Tx]).frozen,
			"While a process that holds an order is frozen, calls for other orders must proceed, and everything must be readable as it was committed before."},
		{"HolderFails", (*kit[Tx]).holderFails,
			"When the work that all others wait for fails, they must proceed as if it had never begun."},
		{"Now", (*kit[Tx]).now,
			"Record.Now must be the time when the order was locked. A call that waited must not see a time from before its wait: what it compares with it was written since."},
	}
}

// together makes n calls at the same time.
func (k *kit[Tx]) together(n int, call func(i int) error) []error {
	var (
		errs    = make([]error, n)
		start   = make(chan struct{})
		callers sync.WaitGroup
	)
	for i := range n {
		callers.Go(func() {
			<-start
			errs[i] = call(i)
		})
	}
	close(start)
	callers.Wait()
	return errs
}

// insist makes a call until it ends without a conflict.
func (k *kit[Tx]) insist(call func() error) error {
	for {
		err := call()
		if err == nil || k.Conflict == nil || !k.Conflict(err) || k.t.Context().Err() != nil {
			return err
		}
	}
}

// all makes n calls at the same time, which have to succeed.
func (k *kit[Tx]) all(n int, call func(i int) error) {
	k.t.Helper()
	errs := k.together(n, func(i int) error { return k.insist(func() error { return call(i) }) })
	if err := errors.Join(errs...); err != nil {
		k.t.Errorf("calls at the same time: %v", err)
	}
}

func succeeded(errs []error) int {
	n := 0
	for _, err := range errs {
		if err == nil {
			n++
		}
	}
	return n
}

// pause lets calls at the same time overlap.
func pause() { <-time.After(time.Millisecond) }

// increment adds one to a counter that is kept in the order and in a part of it,
// and appends a line and a note.
func increment(r *orders.Record) (*orders.Change, error) {
	if r.Order == nil {
		return nil, errors.New("the order is missing")
	}
	inOrder, inPart := 0, 0
	if len(r.Order.Doc) > 0 {
		var err error
		if inOrder, err = strconv.Atoi(string(r.Order.Doc)); err != nil {
			return nil, err
		}
	}
	for _, p := range r.Parts {
		var err error
		if inPart, err = strconv.Atoi(string(p.Doc)); err != nil {
			return nil, err
		}
	}
	if inOrder != inPart {
		return nil, fmt.Errorf("the order says %d, its part %d: they are from different commits", inOrder, inPart)
	}
	pause()
	doc := fmt.Append(nil, inOrder+1)
	return &orders.Change{
		Order: &orders.OrderRow{Doc: doc},
		Parts: []orders.Part{{Kind: orders.PartIntent, ID: "btc", At: day(), Doc: doc}},
		Lines: []orders.LineRow{{At: day(), Amount: jovepay.MustAmount("1"), Doc: doc}},
		Notes: []orders.Note{{At: day(), Doc: doc}},
	}, nil
}

// expectCount wants an order to be incremented n times.
func (k *kit[Tx]) expectCount(id string, n int) {
	k.t.Helper()
	r := k.load(id)
	if r.Order == nil || len(r.Parts) != 1 {
		k.t.Fatalf("order %q is %+v with parts %v; want one with one part", id, r.Order, r.Parts)
	}
	same(k, "counter in the order", string(r.Order.Doc), fmt.Sprint(n))
	same(k, "counter in the part", string(r.Parts[0].Doc), fmt.Sprint(n))
	lines, notes := k.lines(orders.LineQuery{OrderID: id, Limit: 1000}), k.history(id)
	if len(lines) != n || len(notes) != n {
		k.t.Fatalf("%d lines, %d notes; want %d of each", len(lines), len(notes), n)
	}
	for i := range n {
		if want := fmt.Sprint(i + 1); string(lines[i].Doc) != want || string(notes[i].Doc) != want {
			k.t.Fatalf("line %s, note %s; want %s", lines[i].Doc, notes[i].Doc, want)
		}
	}
}

func (k *kit[Tx]) once() {
	k.create("order", nil)
	version := k.load("order").Order.Version
	k.all(crowd, func(int) error { return k.update(k.t.Context(), orders.Scope{OrderID: "order"}, increment) })
	k.expectCount("order", crowd)
	same(k, "version", k.load("order").Order.Version, version+crowd)
}

func (k *kit[Tx]) createOnce() {
	const callers = 20
	for round := range 3 {
		id := fmt.Sprint(round)
		k.all(callers, func(int) error {
			return k.update(k.t.Context(), orders.Scope{OrderID: id, Create: true}, increment)
		})
		k.expectCount(id, callers)
	}
}

func (k *kit[Tx]) manyOrders() {
	const each = 2
	for range 2 {
		k.all(crowd, func(i int) error {
			id := fmt.Sprint("order-", i/each)
			s := orders.Scope{OrderID: id, Create: true, Entry: entry(fmt.Sprint(i), 1), Payments: []jovepay.ID{jovepay.ID(id), "1", "2"}}
			return k.update(k.t.Context(), s, increment)
		})
	}
	for i := range crowd / each {
		k.expectCount(fmt.Sprint("order-", i), 2*each)
	}
}

func (k *kit[Tx]) entryOnce() {
	const some = 5
	for n := range 3 { // the first entry of a subject and those that follow take different paths
		e := entry("subject", n)
		outcomes := make([]inbox.Outcome, crowd)
		k.all(crowd, func(i int) error {
			s := orders.Scope{OrderID: fmt.Sprint(i % some), Create: true, Entry: e}
			return k.update(k.t.Context(), s, func(r *orders.Record) (*orders.Change, error) {
				outcomes[i] = r.Outcome
				pause()
				return nil, nil
			})
		})
		counts := map[inbox.Outcome]int{}
		for _, outcome := range outcomes {
			counts[outcome]++
		}
		if counts[inbox.Applied] != 1 || counts[inbox.Duplicate] != crowd-1 {
			k.t.Errorf("%v; want 1 applied, %d duplicates", counts, crowd-1)
		}
	}
}

// holder is an Update in progress.
type holder struct {
	released chan struct{}
	failure  error        // what work returns once released
	done     <-chan error // what Update returned
}

// release ends the work: with an error, or with its change. The work may have to
// be done again.
func (h *holder) release(failure error) {
	h.failure = failure
	close(h.released)
}

// start makes a call in the background. The call must have ended when the
// test's context has.
func (k *kit[Tx]) start(call func() error) <-chan error {
	done := make(chan error, 1)
	k.background.Go(func() { done <- call() })
	return done
}

// hold begins an Update and returns when its work has been called. The work
// returns w's change, or an error, when it is released.
func (k *kit[Tx]) hold(s orders.Scope, w work) *holder {
	k.t.Helper()
	h := &holder{released: make(chan struct{})}
	inside := make(chan struct{})
	var first sync.Once
	h.done = k.start(func() error {
		return k.updateTx(k.t.Context(), s, func(ctx context.Context, _ Tx, r *orders.Record) (*orders.Change, error) {
			first.Do(func() { close(inside) })
			select {
			case <-h.released:
				if h.failure != nil {
					return nil, h.failure
				}
				return w(r)
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		})
	})
	select {
	case <-inside:
	case err := <-h.done:
		k.t.Fatalf("Update(%v) = %v without calling work", s, err)
	case <-time.After(patience):
		k.t.Fatalf("Update(%v) hangs", s)
	}
	return h
}

// expectWait wants a call to wait until its context ends, and to return then.
func (k *kit[Tx]) expectWait(what string, call func(ctx context.Context) error) {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(k.t.Context(), moment)
	defer cancel()
	select {
	case err := <-k.start(func() error { return call(ctx) }):
		if err == nil || ctx.Err() == nil {
			k.t.Fatalf("%s = %v; want it to wait until its context ends", what, err)
		}
	case <-time.After(impatience):
		k.t.Fatalf("%s waits although its context has ended", what)
	}
}

// expectSoon wants a call to succeed without waiting.
func (k *kit[Tx]) expectSoon(what string, call func(ctx context.Context) error) {
	k.t.Helper()
	ctx, cancel := k.soon()
	defer cancel()
	if err := call(ctx); err != nil {
		k.t.Fatalf("%s: %v; want it not to wait", what, err)
	}
}

// expectDone wants a call in the background to return nil.
func (k *kit[Tx]) expectDone(what string, done <-chan error) {
	k.t.Helper()
	select {
	case err := <-done:
		if err != nil {
			k.t.Errorf("%s: %v", what, err)
		}
	case <-time.After(patience):
		k.t.Fatalf("%s hangs", what)
	}
}

// forOrder is a call of Update that changes nothing.
func (k *kit[Tx]) forOrder(s orders.Scope) func(ctx context.Context) error {
	return func(ctx context.Context) error { return k.update(ctx, s, nothing) }
}

func (k *kit[Tx]) waits() {
	k.create("order", nil)
	h := k.hold(orders.Scope{OrderID: "order"}, increment)
	for _, create := range []bool{false, true} {
		k.expectWait("Update of a held order", k.forOrder(orders.Scope{OrderID: "order", Create: create}))
	}
	patient := k.start(func() error { return k.update(k.t.Context(), orders.Scope{OrderID: "order"}, increment) })
	// Give it time to wait. If it is late, the test is weaker, not wrong.
	<-time.After(moment)
	h.release(nil)
	k.expectDone("the holder", h.done)
	k.expectDone("the one that waited", patient)
	k.expectCount("order", 2)

	// A new order is held too.
	h = k.hold(orders.Scope{OrderID: "new", Create: true}, increment)
	k.expectWait("Update of an order that is being created", k.forOrder(orders.Scope{OrderID: "new", Create: true}))
	patient = k.start(func() error {
		return k.update(k.t.Context(), orders.Scope{OrderID: "new", Create: true}, increment)
	})
	<-time.After(moment)
	h.release(nil)
	k.expectDone("the holder", h.done)
	k.expectDone("the one that waited", patient)
	k.expectCount("new", 2)
}

func (k *kit[Tx]) entryWaits() {
	k.create("a", nil)
	k.create("b", nil)
	for n := range 2 {
		e := entry("subject", n)
		h := k.hold(orders.Scope{OrderID: "a", Entry: e}, nothing)
		k.expectWait("Update with an entry that is being recorded", k.forOrder(orders.Scope{OrderID: "b", Entry: e}))
		k.expectLookup(inbox.Pending, e)
		if !k.OneWriter {
			k.expectSoon("Update with an entry of another subject", k.forOrder(orders.Scope{OrderID: "b", Entry: entry("another", n)}))
		}
		h.release(nil)
		k.expectDone("the holder", h.done)
		k.expectLookup(inbox.Duplicate, e)
	}
}

func (k *kit[Tx]) frozen() {
	k.create("order", full("order", 1))
	k.create("other", full("other", 1))
	before := k.snapshot("order") + k.snapshot("other")
	e := entry("order", 1)
	h := k.hold(orders.Scope{OrderID: "order", Entry: e, Payments: []jovepay.ID{"other"}}, func(*orders.Record) (*orders.Change, error) {
		return full("order", 2), nil
	})
	k.expectWait("Update of a held order", k.forOrder(orders.Scope{OrderID: "order"}))
	k.expectRead(before)
	k.expectLookup(inbox.Pending, e)
	if !k.OneWriter {
		k.expectSoon("Update of another order", k.forOrder(orders.Scope{OrderID: "other", Payments: []jovepay.ID{"order"}}))
		k.expectSoon("Create of another order", k.forOrder(orders.Scope{OrderID: "new", Create: true}))
		k.expectSoon("Create of another order", k.forOrder(orders.Scope{OrderID: "\u0001", Create: true, Entry: entry("new", 1)}))
		k.expectSoon("Update without an order", k.forOrder(orders.Scope{Entry: entry("none", 1), Payments: []jovepay.ID{"order"}}))
		k.expectSoon("Acquire", func(ctx context.Context) error {
			_, err := k.Store.Acquire(ctx, "lease", "holder", time.Minute)
			return err
		})
		if k.Other != nil {
			k.expectSoon("Create of the same order in another account", func(ctx context.Context) error {
				return k.Other.Update(ctx, orders.Scope{OrderID: "order", Create: true, Entry: e}, func(context.Context, Tx, *orders.Record) (*orders.Change, error) {
					return nil, nil
				})
			})
		}
	}
	h.release(nil)
	k.expectDone("the holder", h.done)
	same(k, "the order's state", k.load("order").Order.State, "state-2")
}

// expectRead reads the orders "order" and "other" in every way, without waiting.
func (k *kit[Tx]) expectRead(before string) {
	k.t.Helper()
	same(k, "what Load, Lines and History return", k.snapshot("order")+k.snapshot("other"), before)
	k.expectSoon("Locate", func(ctx context.Context) error {
		located, err := k.Store.Locate(ctx, "order", "other")
		same(k, "payments located", len(located), 2)
		return err
	})
	k.expectSoon("Orders", func(ctx context.Context) error {
		rows, err := k.Store.Orders(ctx, orders.OrderQuery{States: []string{"state-1"}, Limit: 10})
		same(k, "orders", len(rows), 2)
		return err
	})
	k.expectSoon("Parts", func(ctx context.Context) error {
		parts, err := k.Store.Parts(ctx, orders.PartQuery{Kind: orders.PartCase, Limit: 10})
		same(k, "cases", len(parts), 2)
		return err
	})
	k.expectSoon("Due", func(ctx context.Context) error {
		ids, err := k.Store.Due(ctx, 10)
		same(k, "orders due", len(ids), 2)
		return err
	})
}

func (k *kit[Tx]) holderFails() {
	k.create("order", nil)
	e := entry("order", 1)
	h := k.hold(orders.Scope{OrderID: "order", Entry: e}, nothing)
	var done []<-chan error
	for range 8 {
		done = append(done, k.start(func() error {
			return k.insist(func() error {
				return k.update(k.t.Context(), orders.Scope{OrderID: "order", Entry: e}, increment)
			})
		}))
	}
	<-time.After(moment)
	h.release(errShop)
	if err := <-h.done; !errors.Is(err, errShop) {
		k.t.Errorf("the holder got %v; want its error", err)
	}
	for _, d := range done {
		k.expectDone("one that waited", d)
	}
	k.expectCount("order", 8)
	k.expectLookup(inbox.Duplicate, e)
}

func (k *kit[Tx]) now() {
	k.create("order", full("order", 1))
	k.create("other", nil)
	h := k.hold(orders.Scope{OrderID: "order"}, nothing)
	var record *orders.Record
	patient := k.start(func() error {
		return k.update(k.t.Context(), orders.Scope{OrderID: "order", Payments: []jovepay.ID{"new"}}, func(r *orders.Record) (*orders.Change, error) {
			record = r
			return nil, nil
		})
	})
	<-time.After(moment)
	between := k.load("other").Now
	h.release(nil)
	k.expectDone("the holder", h.done)
	k.expectDone("the one that waited", patient)
	after := k.load("other").Now
	if record.Now.Before(between) || record.Now.After(after) {
		k.t.Errorf("Now of a call that waited is %v; want a time from the end of its wait, %v, to its return, %v", record.Now, between, after)
	}
}
