package orderstest

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/orders"
)

func reading[Tx any]() []testCase[Tx] {
	return []testCase[Tx]{
		{"Orders", (*kit[Tx]).pagesOrders,
			"Orders must be paged by creation and id, each once, whatever the size of a page. Filters must select exactly: From is included, To is not."},
		{"Due", (*kit[Tx]).due,
			"Due must return the orders whose time has passed on the database's clock, the most overdue first, and no order without a time."},
		{"Parts", (*kit[Tx]).pagesParts,
			"Parts of all orders must be paged by time, order id and id, each once, although many have the same time. Filters must select exactly: Before is not included."},
		{"Lines", (*kit[Tx]).pagesLines,
			"The ledger must be paged by time and Seq, each line once, although many have the same time. Filters must select exactly: From is included, To is not."},
		{"Accounts", (*kit[Tx]).accounts,
			"Two accounts in one database must not see anything of each other, although their orders, payments, entries and leases have the same names."},
	}
}

// pageSizes are the limits to page with.
func pageSizes() []int { return []int{1, 3, 1000} }

// walkOrders reads all pages of a query, in pages of each size. It wants n
// orders, sorted, and returns them.
func (k *kit[Tx]) walkOrders(q orders.OrderQuery, n int) []orders.OrderRow {
	k.t.Helper()
	var all []orders.OrderRow
	for _, q.Limit = range pageSizes() {
		all = nil
		q.AfterCreated, q.AfterID = time.Time{}, ""
		for {
			page, err := k.Store.Orders(k.t.Context(), q)
			if err != nil || len(page) > q.Limit {
				k.t.Fatalf("Orders(%+v) = %d rows, %v", q, len(page), err)
			}
			all = append(all, page...)
			if len(page) < q.Limit || len(all) > n {
				break
			}
			last := page[len(page)-1]
			q.AfterCreated, q.AfterID = last.Created, last.ID
		}
		sorted := slices.IsSortedFunc(all, func(a, b orders.OrderRow) int {
			return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
		})
		if len(all) != n || !sorted {
			k.t.Errorf("pages of %d have %d orders, sorted: %t; want %d, sorted", q.Limit, len(all), sorted, n)
		}
	}
	return all
}

// walkParts is walkOrders for parts.
func (k *kit[Tx]) walkParts(q orders.PartQuery, n int) []orders.Part {
	k.t.Helper()
	var all []orders.Part
	for _, q.Limit = range pageSizes() {
		all, q.After = nil, nil
		for {
			page, err := k.Store.Parts(k.t.Context(), q)
			if err != nil || len(page) > q.Limit {
				k.t.Fatalf("Parts(%+v) = %d rows, %v", q, len(page), err)
			}
			all = append(all, page...)
			if len(page) < q.Limit || len(all) > n {
				break
			}
			q.After = &page[len(page)-1]
		}
		sorted := slices.IsSortedFunc(all, func(a, b orders.Part) int {
			return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.OrderID, b.OrderID), cmp.Compare(a.ID, b.ID))
		})
		if len(all) != n || !sorted {
			k.t.Errorf("pages of %d have %d parts, sorted: %t; want %d, sorted", q.Limit, len(all), sorted, n)
		}
	}
	return all
}

// walkLines is walkOrders for lines.
func (k *kit[Tx]) walkLines(q orders.LineQuery, n int) []orders.LineRow {
	k.t.Helper()
	var all []orders.LineRow
	for _, q.Limit = range pageSizes() {
		all, q.After = nil, nil
		for {
			page, err := k.Store.Lines(k.t.Context(), q)
			if err != nil || len(page) > q.Limit {
				k.t.Fatalf("Lines(%+v) = %d rows, %v", q, len(page), err)
			}
			all = append(all, page...)
			if len(page) < q.Limit || len(all) > n {
				break
			}
			q.After = &page[len(page)-1]
		}
		sorted := slices.IsSortedFunc(all, func(a, b orders.LineRow) int {
			return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Seq, b.Seq))
		})
		if len(all) != n || !sorted {
			k.t.Errorf("pages of %d have %d lines, sorted: %t; want %d, sorted", q.Limit, len(all), sorted, n)
		}
	}
	return all
}

func (k *kit[Tx]) lines(q orders.LineQuery) []orders.LineRow {
	k.t.Helper()
	lines, err := k.Store.Lines(k.t.Context(), q)
	if err != nil {
		k.t.Fatalf("Lines: %v", err)
	}
	return lines
}

func (k *kit[Tx]) history(id string) []orders.Note {
	k.t.Helper()
	notes, err := k.Store.History(k.t.Context(), id)
	if err != nil {
		k.t.Fatalf("History: %v", err)
	}
	return notes
}

func (k *kit[Tx]) pagesOrders() {
	const each = 5
	k.walkOrders(orders.OrderQuery{}, 0)
	states := []string{"placed", "paid", "Paid", ""}
	k.all(each*len(states), func(i int) error {
		s := orders.Scope{OrderID: fmt.Sprint("order-", i), Create: true}
		return k.update(k.t.Context(), s, func(*orders.Record) (*orders.Change, error) {
			return &orders.Change{Order: &orders.OrderRow{State: states[i%len(states)], Doc: []byte("1")}}, nil
		})
	})
	for i := range each {
		k.create(fmt.Sprint("order-", 100-i), &orders.Change{Order: &orders.OrderRow{State: "late", Doc: []byte("1")}})
	}
	if k.SetCreated != nil {
		for i, row := range k.walkOrders(orders.OrderQuery{}, each*(len(states)+1)) {
			at := day().Add(time.Duration(i*7%each) * time.Microsecond) // each time has some
			if err := k.SetCreated(k.t.Context(), row.ID, at); err != nil {
				k.t.Fatalf("SetCreated: %v", err)
			}
		}
	}
	all := k.walkOrders(orders.OrderQuery{}, each*(len(states)+1))
	for _, row := range all {
		same(k, "a row of the page", describe(row), describe(*k.load(row.ID).Order))
	}
	k.walkOrders(orders.OrderQuery{States: []string{"late"}}, each)
	k.walkOrders(orders.OrderQuery{States: []string{"paid"}}, each)
	k.walkOrders(orders.OrderQuery{States: []string{""}}, each)
	k.walkOrders(orders.OrderQuery{States: []string{"paid", "placed", "missing"}}, 2*each)
	k.walkOrders(orders.OrderQuery{States: []string{"missing"}}, 0)
	for _, i := range []int{0, 7, len(all) - 1} {
		at := all[i].Created
		before := slices.IndexFunc(all, func(o orders.OrderRow) bool { return !o.Created.Before(at) })
		k.walkOrders(orders.OrderQuery{To: at}, before)
		k.walkOrders(orders.OrderQuery{From: at}, len(all)-before)
		k.walkOrders(orders.OrderQuery{From: at, To: at}, 0)
		k.walkOrders(orders.OrderQuery{From: all[0].Created.In(time.FixedZone("zone", 3600)), To: at.In(time.FixedZone("zone", 3600))}, before)
	}
	if len(all) == 0 {
		return
	}
	last := all[len(all)-1]
	page, err := k.Store.Orders(k.t.Context(), orders.OrderQuery{AfterCreated: last.Created, AfterID: last.ID, Limit: 1000})
	if err != nil || len(page) > 0 {
		k.t.Errorf("after the last order, Orders = %v, %v; want nothing", page, err)
	}
}

// expectDue wants these orders to be due.
func (k *kit[Tx]) expectDue(limit int, want ...string) {
	k.t.Helper()
	ids, err := k.Store.Due(k.t.Context(), limit)
	if err != nil || !slices.Equal(ids, want) {
		k.t.Errorf("Due(%d) = %q, %v; want %q", limit, ids, err, want)
	}
}

func (k *kit[Tx]) due() {
	k.expectDue(1000)
	k.create("never", nil)
	now := k.load("never").Now
	at := func(due time.Time) *orders.Change {
		return &orders.Change{Order: &orders.OrderRow{Due: due, Doc: []byte("1")}}
	}
	k.create("unset", at(time.Time{}))
	k.create("tomorrow", at(now.AddDate(0, 0, 1)))
	k.create("hour", at(now.Add(-time.Hour)))
	k.create("minute", at(now.Add(-time.Minute).In(time.FixedZone("zone", 12*3600))))
	k.create("year", at(now.AddDate(-1, 0, 0)))
	k.create("tonight", at(now.Add(time.Hour)))
	k.expectDue(1000, "year", "hour", "minute")
	k.expectDue(2, "year", "hour")
	k.expectDue(1, "year")
	k.change("year", at(time.Time{}))
	k.expectDue(1000, "hour", "minute")
	k.change("hour", at(now.Add(time.Hour)))
	k.change("never", at(now.Add(-time.Second)))
	k.change("minute", &orders.Change{}) // its time stays
	k.expectDue(1000, "minute", "never")

	// A time in the future passes.
	k.change("minute", at(time.Time{}))
	k.change("never", at(time.Time{}))
	due := k.load("never").Now.Add(2 * moment)
	k.change("never", at(due))
	for deadline := time.Now().Add(impatience); ; pause() {
		ids, err := k.Store.Due(k.t.Context(), 10)
		after := k.load("never").Now
		if err != nil || time.Now().After(deadline) || len(ids) > 0 && after.Before(due) {
			k.t.Fatalf("at %v, Due = %q, %v; want it from %v on", after, ids, err, due)
		}
		if len(ids) > 0 {
			same(k, "due", fmt.Sprint(ids), "[never]")
			return
		}
	}
}

func (k *kit[Tx]) pagesParts() {
	const names = 6
	k.walkParts(orders.PartQuery{Kind: orders.PartCase}, 0)
	for _, order := range []string{"B", "a", "b", "B "} {
		c := new(orders.Change)
		for i := range names {
			at := day().Add(time.Duration(i/3) * time.Microsecond) // three of one time
			for _, kind := range []orders.PartKind{orders.PartIntent, orders.PartCase} {
				id := fmt.Sprint([]string{"x", "X", "-"}[i%3], i)
				if kind == orders.PartCase {
					id = fmt.Sprintf("%x-%s", order, id)
				}
				c.Parts = append(c.Parts, orders.Part{Kind: kind, ID: id, Open: i%2 == 0, At: at, Doc: fmt.Append(nil, i)})
			}
		}
		k.create(order, c)
	}
	const all = 4 * names
	parts := k.walkParts(orders.PartQuery{Kind: orders.PartCase}, all)
	for _, p := range parts {
		at := slices.IndexFunc(k.load(p.OrderID).Parts, func(other orders.Part) bool { return describePart(other) == describePart(p) })
		if p.Kind != orders.PartCase || at < 0 {
			k.t.Errorf("%s: not as its order has it", describePart(p))
		}
	}
	k.walkParts(orders.PartQuery{Kind: orders.PartPayment}, 0)
	k.walkParts(orders.PartQuery{Kind: orders.PartIntent}, all)
	k.walkParts(orders.PartQuery{Kind: orders.PartIntent, Open: true}, all/2)
	k.walkParts(orders.PartQuery{Kind: orders.PartIntent, ID: "x0"}, 4)
	k.walkParts(orders.PartQuery{Kind: orders.PartIntent, ID: "X0"}, 0)
	k.walkParts(orders.PartQuery{Kind: orders.PartIntent, ID: "X1", Open: true}, 0)
	k.walkParts(orders.PartQuery{Kind: orders.PartIntent, ID: "X1", Before: day().Add(time.Second)}, 4)
	k.walkParts(orders.PartQuery{Kind: orders.PartCase, Before: day()}, 0)
	k.walkParts(orders.PartQuery{Kind: orders.PartCase, Before: day().Add(time.Microsecond)}, all/2)
	k.walkParts(orders.PartQuery{Kind: orders.PartCase, Open: true, Before: day().Add(time.Microsecond).In(time.FixedZone("zone", -3600))}, all/3)
	k.walkParts(orders.PartQuery{Kind: orders.PartCase, Before: day().Add(time.Second)}, all)
}

func (k *kit[Tx]) pagesLines() {
	const (
		rounds = 3
		each   = 4 // lines of one change, two of one time
	)
	ids := []string{"a", "A", "b"}
	k.walkLines(orders.LineQuery{}, 0)
	for round := range rounds {
		for _, id := range ids {
			c := new(orders.Change)
			for i := range each {
				// Later changes have earlier times.
				at := day().Add(time.Duration(2*(rounds-round)+i/2) * time.Microsecond)
				c.Lines = append(c.Lines, orders.LineRow{At: at, OrderID: id, PaymentID: "1", Coin: "btc", Bucket: orders.BucketHeld, Amount: jovepay.MustAmount("1")})
			}
			k.create(id, c)
		}
	}
	const perOrder = rounds * each
	k.walkLines(orders.LineQuery{}, len(ids)*perOrder)
	for _, id := range ids {
		for _, l := range k.walkLines(orders.LineQuery{OrderID: id}, perOrder) {
			same(k, "the order of a line", l.OrderID, id)
		}
	}
	k.walkLines(orders.LineQuery{OrderID: "B"}, 0)
	from, to := day().Add(3*time.Microsecond), day().Add(5*time.Microsecond)
	k.walkLines(orders.LineQuery{From: from, To: to}, len(ids)*each)
	k.walkLines(orders.LineQuery{OrderID: "b", From: from, To: to}, each)
	k.walkLines(orders.LineQuery{From: from}, len(ids)*5*each/2)
	k.walkLines(orders.LineQuery{To: to.In(time.FixedZone("zone", 3600))}, len(ids)*3*each/2)
	k.walkLines(orders.LineQuery{From: from, To: from}, 0)
	k.walkLines(orders.LineQuery{From: day().Add(time.Hour)}, 0)
	k.walkLines(orders.LineQuery{To: day()}, 0)
}
