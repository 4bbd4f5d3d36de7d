package orderstest

import (
	"context"
	"fmt"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/orders"
)

func leasing[Tx any]() []testCase[Tx] {
	return []testCase[Tx]{
		{"Lease", (*kit[Tx]).lease,
			"A lease must have one holder, who can extend it and give it up. Leases of different names are independent."},
		{"LeaseOnce", (*kit[Tx]).leaseOnce,
			"Of 20 that acquire a lease at the same time, one must get it, whether nobody had it before or its time has passed."},
		{"LeaseExpires", (*kit[Tx]).leaseExpires,
			"A lease must be free once its time has passed on the database's clock, and not before. A holder who comes too late must not get it back."},
	}
}

// acquire acquires a lease without waiting.
func (k *kit[Tx]) acquire(name, holder string, d time.Duration) bool {
	k.t.Helper()
	ctx, cancel := k.soon()
	defer cancel()
	ok, err := k.Store.Acquire(ctx, name, holder, d)
	if err != nil {
		k.t.Fatalf("Acquire: %v", err)
	}
	return ok
}

func (k *kit[Tx]) expectAcquired(want bool, name, holder string, d time.Duration) {
	k.t.Helper()
	same(k, fmt.Sprintf("%s has %s", holder, name), k.acquire(name, holder, d), want)
}

func (k *kit[Tx]) lease() {
	for range 2 {
		k.expectAcquired(true, "list", "a", time.Hour)
		k.expectAcquired(false, "list", "b", time.Hour)
	}
	k.expectAcquired(true, "clean", "b", time.Hour)
	k.expectAcquired(false, "clean", "a", time.Hour)
	k.expectAcquired(true, "list", "a", time.Hour)
	k.expectAcquired(false, "list", "b", time.Microsecond)
	k.expectAcquired(false, "list", "b", 0)
	k.expectAcquired(false, "list", "c", time.Hour)
	k.acquire("list", "a", 0)
	k.expectAcquired(true, "list", "b", time.Hour)
	k.expectAcquired(false, "list", "a", time.Hour)
	k.expectAcquired(false, "clean", "a", time.Hour)
}

func (k *kit[Tx]) leaseOnce() {
	const callers = 20
	for round := range 3 {
		holder := func(i int) string { return fmt.Sprintf("holder-%d-%d", round, i) }
		got := make([]bool, callers)
		k.all(callers, func(i int) (err error) {
			got[i], err = k.Store.Acquire(k.t.Context(), "list", holder(i), patience)
			return err
		})
		winner, n := "", 0
		for i, ok := range got {
			if ok {
				winner, n = holder(i), n+1
			}
		}
		if n != 1 {
			k.t.Fatalf("%d got the lease; want 1", n)
		}
		// The next round begins after the lease's time has passed.
		begun := time.Now()
		k.expectAcquired(true, "list", winner, moment)
		for time.Since(begun) < 2*moment {
			pause()
		}
	}
}

func (k *kit[Tx]) leaseExpires() {
	begun := time.Now()
	k.expectAcquired(true, "list", "a", moment)
	k.waitForLease(begun, moment)
	// The one who was too late, and an extension.
	k.expectAcquired(false, "list", "a", time.Hour)
	begun = time.Now()
	k.expectAcquired(true, "list", "b", time.Hour)
	for time.Since(begun) < 2*moment {
		k.expectAcquired(false, "list", "a", time.Hour)
		pause()
	}
}

// waitForLease acquires the lease of another for b, who extends it before it
// expires again.
func (k *kit[Tx]) waitForLease(begun time.Time, d time.Duration) {
	k.t.Helper()
	for !k.acquire("list", "b", patience) {
		if time.Since(begun) > d+impatience {
			k.t.Fatal("the lease does not expire")
		}
		pause()
	}
	if after := time.Since(begun); after < d {
		k.t.Errorf("the lease expired after %v; want %v", after, d)
	}
}

func (k *kit[Tx]) accounts() {
	if k.Other == nil {
		k.t.Skip("the harness has no Other")
	}
	create := func(n int) func(s orders.Store[Tx]) error {
		return func(s orders.Store[Tx]) error {
			scope := orders.Scope{OrderID: "order", Create: true, Entry: entry("order", n), Payments: []jovepay.ID{"order"}}
			return s.Update(k.t.Context(), scope, func(_ context.Context, _ Tx, r *orders.Record) (*orders.Change, error) {
				if r.Outcome != inbox.Applied || r.Order == nil || r.Order.State != "" || len(r.Parts)+len(r.Located) > 0 {
					k.t.Errorf("record is %+v; want a new order", r)
				}
				return full("order", n), nil
			})
		}
	}
	if err := create(2)(k.Store); err != nil {
		k.t.Fatalf("Update: %v", err)
	}
	k.expectEmpty(k.Other)
	before := k.snapshot("order")
	// The same payment, the same case, and an entry that would be outdated.
	if err := create(1)(k.Other); err != nil {
		k.t.Fatalf("Update in the other account: %v", err)
	}
	same(k, "the order in the first account", k.snapshot("order"), before)
	same(k, "the state in the other", k.loadFrom(k.Other, "order").Order.State, "state-1")
	same(k, "the version in the other", k.loadFrom(k.Other, "order").Order.Version, k.load("order").Order.Version)
	k.expectLookup(inbox.Duplicate, entry("order", 2))
	k.walkOrders(orders.OrderQuery{}, 1)
	k.walkParts(orders.PartQuery{Kind: orders.PartPayment}, 1)
	k.walkLines(orders.LineQuery{}, 2)
	k.expectDue(10, "order")
	k.expectAcquired(true, "list", "a", time.Hour)
	if ok, err := k.Other.Acquire(k.t.Context(), "list", "b", time.Hour); !ok || err != nil {
		k.t.Errorf("Acquire in the other account = %t, %v; want true", ok, err)
	}
}

// expectEmpty wants to see nothing of the other account.
func (k *kit[Tx]) expectEmpty(s orders.Store[Tx]) {
	k.t.Helper()
	ctx, cancel := k.soon()
	defer cancel()
	same(k, "the order in the other account", k.snapshotOf(s, "order"), "")
	located, err := s.Locate(ctx, "order")
	same(k, "located", fmt.Sprint(located, err), "map[] <nil>")
	rows, err := s.Orders(ctx, orders.OrderQuery{Limit: 10})
	same(k, "orders", fmt.Sprint(rows, err), "[] <nil>")
	parts, err := s.Parts(ctx, orders.PartQuery{Kind: orders.PartPayment, Limit: 10})
	same(k, "parts", fmt.Sprint(parts, err), "[] <nil>")
	lines, err := s.Lines(ctx, orders.LineQuery{Limit: 10})
	same(k, "lines", fmt.Sprint(lines, err), "[] <nil>")
	ids, err := s.Due(ctx, 10)
	same(k, "due", fmt.Sprint(ids, err), "[] <nil>")
	outcome, err := s.Lookup(ctx, entry("order", 1))
	same(k, "outcome", fmt.Sprint(outcome, err), "pending<nil>")
}
