package orderstest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/orders"
)

func updating[Tx any]() []testCase[Tx] {
	return []testCase[Tx]{
		{"Create", (*kit[Tx]).createsOrder,
			"Scope.Create must insert a missing order, even if work changes nothing, and find one that exists. Without it, a missing order is no order, and nothing is inserted."},
		{"MissingOrder", (*kit[Tx]).missingOrder,
			"A change of an order that is missing must fail, and nothing may remain."},
		{"NoOrder", (*kit[Tx]).noOrder,
			"An event that is about no order must be recorded, and nothing loaded."},
		{"Outcomes", (*kit[Tx]).outcomes,
			"Record.Outcome must be Applied for an entry that is newer than all of its subject, and otherwise Duplicate or Outdated. work must be called in each case, and what it returns be written."},
		{"NothingToChange", (*kit[Tx]).nothingToChange,
			"A nil change and an empty one must leave the order as it is, and the entry must be recorded."},
		{"Changes", (*kit[Tx]).changes,
			"A change must be written whole. A nil Order must leave the row as it is; State, Due and Doc must be the only members of a row that a change sets; its version must grow by one with each change of the row."},
		{"Replaces", (*kit[Tx]).replaces,
			"A part must be replaced where its kind and id exist, and otherwise inserted; the others must stay. Parts must be returned sorted by kind and id, and belong to the order of the scope."},
		{"Appends", (*kit[Tx]).appends,
			"Lines and notes must be appended in their order, with a Seq that grows, and none may be changed or lost."},
		{"ManyRows", (*kit[Tx]).manyRows,
			"A change must be written whatever its size."},
		{"Locates", (*kit[Tx]).locates,
			"A payment must be located in its order, whichever order is locked, from the commit on."},
		{"OneOrderOnly", (*kit[Tx]).oneOrderOnly,
			"A payment and a case are parts of one order only. A change that writes one that is a part of another order must fail, and change nothing."},
	}
}

func (k *kit[Tx]) createsOrder() {
	missing := func(r *orders.Record) (*orders.Change, error) {
		if r.Order != nil || len(r.Parts) > 0 {
			k.t.Errorf("a missing order is %+v with parts %v; want none", r.Order, r.Parts)
		}
		return nil, nil
	}
	k.must(orders.Scope{OrderID: "order"}, missing)
	same(k, "a missing order after Update", k.snapshot("order"), "")
	k.must(orders.Scope{OrderID: "order"}, missing)

	var version int64
	k.must(orders.Scope{OrderID: "order", Create: true}, func(r *orders.Record) (*orders.Change, error) {
		if r.Order == nil {
			return nil, fmt.Errorf("no order")
		}
		version = r.Order.Version
		same(k, "a new order", describe(*r.Order), describe(orders.OrderRow{ID: "order", Created: r.Order.Created, Version: version}))
		if d := r.Now.Sub(r.Order.Created); d < 0 || d > patience {
			k.t.Errorf("created %v before now; want the time of the transaction", d)
		}
		return nil, nil
	})
	r := k.load("order")
	if r.Order == nil || r.Order.Version != version {
		k.t.Fatalf("created %+v; want an order of version %d", r.Order, version)
	}
	before := k.snapshot("order")
	k.create("order", nil)
	same(k, "after Create of an order that exists", k.snapshot("order"), before)
	k.create("order", full("order", 1))
	got := k.load("order").Order
	if got.Version != version+1 || !got.Created.Equal(r.Order.Created) {
		k.t.Errorf("changed to %s; want version %d, and the same time of creation as %s", describe(*got), version+1, describe(*r.Order))
	}
	same(k, "another order", k.snapshot("other"), "")
}

func (k *kit[Tx]) missingOrder() {
	for _, id := range []string{"missing", ""} {
		all := full("missing", 1)
		for i, c := range []*orders.Change{all, {Order: all.Order}, {Parts: all.Parts}, {Lines: all.Lines}, {Notes: all.Notes}} {
			e := entry("missing", i)
			if err := k.update(k.t.Context(), orders.Scope{OrderID: id, Entry: e}, func(*orders.Record) (*orders.Change, error) { return c, nil }); err == nil {
				k.t.Errorf("change %d of order %q was written", i, id)
			}
			k.expectLookup(inbox.Pending, e)
			same(k, "what remains", k.snapshot("missing")+k.snapshot(""), "")
		}
	}
	k.walkParts(orders.PartQuery{Kind: orders.PartPayment}, 0)
	k.walkLines(orders.LineQuery{}, 0)
}

func (k *kit[Tx]) noOrder() {
	k.create("order", full("order", 1))
	before := k.snapshot("order")
	for _, want := range []inbox.Outcome{inbox.Applied, inbox.Duplicate} {
		for _, create := range []bool{false, true} {
			e := entry(fmt.Sprint(create), 1)
			k.must(orders.Scope{Create: create, Entry: e, Payments: []jovepay.ID{"order"}}, func(r *orders.Record) (*orders.Change, error) {
				if r.Outcome != want || r.Order != nil || len(r.Parts) > 0 || r.Now.IsZero() || r.Located["order"] != "order" {
					k.t.Errorf("record is %+v; want %s, no order, the time, and the payment located", r, want)
				}
				return nil, nil
			})
			k.expectLookup(inbox.Duplicate, e)
		}
	}
	k.must(orders.Scope{}, func(r *orders.Record) (*orders.Change, error) {
		if r.Outcome != "" || r.Order != nil || len(r.Located) > 0 {
			k.t.Errorf("record is %+v; want an empty one", r)
		}
		return nil, nil
	})
	same(k, "the order", k.snapshot("order"), before)
	k.walkOrders(orders.OrderQuery{}, 1)
}

func (k *kit[Tx]) outcomes() {
	k.create("order", &orders.Change{Order: &orders.OrderRow{Doc: []byte("0")}})
	for i, test := range []struct {
		n    int
		want inbox.Outcome
	}{
		{2, inbox.Applied}, {2, inbox.Duplicate}, {1, inbox.Outdated}, {3, inbox.Applied}, {2, inbox.Outdated}, {3, inbox.Duplicate},
	} {
		e := entry("order", test.n)
		want := test.want
		if want == inbox.Applied {
			want = inbox.Pending
		}
		k.expectLookup(want, e)
		called := false
		k.must(orders.Scope{OrderID: "order", Entry: e}, func(r *orders.Record) (*orders.Change, error) {
			called = true
			same(k, fmt.Sprintf("outcome of %v", e), r.Outcome, test.want)
			return &orders.Change{Order: &orders.OrderRow{Doc: fmt.Append(nil, i+1)}}, nil
		})
		if !called {
			k.t.Errorf("%v: work was not called", e)
		}
		same(k, "the order's Doc", string(k.load("order").Order.Doc), fmt.Sprint(i+1))
		k.expectLookup(inbox.Pending, entry("order", 4))
		k.expectLookup(inbox.Pending, entry("other", 1))
	}
	// Two events can have one key, if one of them reports more.
	more := entry("order", 3)
	more.Position = "004,more"
	for _, want := range []inbox.Outcome{inbox.Applied, inbox.Duplicate} {
		k.must(orders.Scope{OrderID: "order", Entry: more}, func(r *orders.Record) (*orders.Change, error) {
			same(k, "outcome of a fuller report", r.Outcome, want)
			return nil, nil
		})
	}
	k.must(orders.Scope{OrderID: "order"}, func(r *orders.Record) (*orders.Change, error) {
		same(k, "outcome without an entry", r.Outcome, "")
		return nil, nil
	})
}

func (k *kit[Tx]) nothingToChange() {
	k.create("order", full("order", 1))
	before := k.snapshot("order")
	for i, c := range []*orders.Change{nil, {}} {
		e := entry("order", i+1)
		k.must(orders.Scope{OrderID: "order", Entry: e}, func(*orders.Record) (*orders.Change, error) { return c, nil })
		k.expectLookup(inbox.Duplicate, e)
		same(k, "the order", k.snapshot("order"), before)
		e = entry("missing", i+1)
		k.must(orders.Scope{OrderID: "missing", Entry: e}, func(*orders.Record) (*orders.Change, error) { return c, nil })
		k.expectLookup(inbox.Duplicate, e)
		same(k, "a missing order", k.snapshot("missing"), "")
	}
}

func (k *kit[Tx]) changes() {
	k.create("order", nil)
	created := k.load("order").Order
	for n := 1; n <= 3; n++ {
		c := full("order", n)
		want := *c.Order
		want.ID, want.Created, want.Version = "order", created.Created, created.Version+int64(n)
		// These three are the store's.
		c.Order.ID, c.Order.Created, c.Order.Version = "other", day(), 1000
		k.change("order", c)
		same(k, "the order", describe(*k.load("order").Order), describe(want))

		row := describe(*k.load("order").Order)
		c = full("order", n)
		c.Order = nil
		c.Parts[0].Doc = []byte(`"without the order"`)
		k.change("order", c)
		r := k.load("order")
		same(k, "the order after a change of the rest", describe(*r.Order), row)
		if i := slices.IndexFunc(r.Parts, func(p orders.Part) bool { return p.Kind == orders.PartPayment }); i < 0 || string(r.Parts[i].Doc) != `"without the order"` {
			k.t.Errorf("parts are %v; want the payment changed", r.Parts)
		}
		if lines, notes := k.lines(orders.LineQuery{Limit: 100}), k.history("order"); len(lines) != 4*n || len(notes) != 4*n {
			k.t.Errorf("%d lines, %d notes; want %d of each", len(lines), len(notes), 4*n)
		}
	}
	same(k, "another order", k.snapshot("other"), "")
	k.change("order", &orders.Change{Order: &orders.OrderRow{State: strings.Repeat("s", 32), Doc: []byte("{}")}})
	longest := k.load("order").Order
	same(k, "the longest state", longest.State, strings.Repeat("s", 32))
	same(k, "Due that was set and is no more", stamp(longest.Due), "never")
}

// sortedParts sorts parts by kind and id.
func sortedParts(parts []orders.Part) []orders.Part {
	return slices.SortedFunc(slices.Values(parts), func(a, b orders.Part) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
	})
}

func describeParts(parts []orders.Part) string {
	var b strings.Builder
	for _, p := range parts {
		fmt.Fprintln(&b, describePart(p))
	}
	return b.String()
}

// expectParts wants an order to have these parts, in Load and in Update.
func (k *kit[Tx]) expectParts(id string, want []orders.Part) {
	k.t.Helper()
	text := describeParts(sortedParts(want))
	same(k, "the parts that Load returns", describeParts(k.load(id).Parts), text)
	k.must(orders.Scope{OrderID: id}, func(r *orders.Record) (*orders.Change, error) {
		k.t.Helper()
		same(k, "the parts that Update loads", describeParts(r.Parts), text)
		return nil, nil
	})
}

func (k *kit[Tx]) replaces() {
	part := func(kind orders.PartKind, id string, open bool, minutes int) orders.Part {
		return orders.Part{OrderID: "order", Kind: kind, ID: id, Open: open, At: day().AddDate(0, 0, minutes), Doc: fmt.Append(nil, minutes)}
	}
	// The scope names the order: a part need not.
	unnamed := func(parts ...orders.Part) []orders.Part {
		parts = slices.Clone(parts)
		for i := range parts {
			parts[i].OrderID = ""
		}
		return parts
	}
	b, a, intent := part(orders.PartPayment, "b", true, 1), part(orders.PartPayment, "a", false, 2), part(orders.PartIntent, "c", true, 3)
	k.create("order", &orders.Change{Parts: unnamed(b, a, intent)})
	k.expectParts("order", []orders.Part{a, b, intent})
	b = part(orders.PartPayment, "b", false, 4)
	decision := part(orders.PartCase, "a", true, 5)
	k.change("order", &orders.Change{Parts: unnamed(decision, b)})
	k.expectParts("order", []orders.Part{a, b, intent, decision})
	intent = part(orders.PartIntent, "c", false, 0)
	k.change("order", &orders.Change{Parts: []orders.Part{intent}})
	k.expectParts("order", []orders.Part{a, b, intent, decision})
}

func (k *kit[Tx]) appends() {
	k.create("a", nil)
	k.create("b", nil)
	var want []string
	for n := range 4 {
		id := []string{"a", "b"}[n%2]
		c := full(id, n)
		for i := range c.Lines {
			c.Lines[i].At = day().Add(time.Duration(n) * time.Minute)
		}
		k.change(id, c)
		for _, l := range c.Lines {
			l.OrderID = id
			want = append(want, describeLine(l))
		}
		for i, at := range []string{"a", "b"} {
			notes := k.history(at)
			if len(notes) != 2*((n+2-i)/2) {
				k.t.Fatalf("%d notes of %s after change %d", len(notes), at, n)
			}
			for j, note := range notes {
				if j > 0 && note.Seq <= notes[j-1].Seq {
					k.t.Errorf("Seq of the notes does not grow: %v", notes)
				}
				same(k, "note", string(note.Doc), fmt.Sprintf(`{"n": %d}`, i+j/2*2))
			}
		}
	}
	lines := k.lines(orders.LineQuery{Limit: 100})
	if len(lines) != len(want) {
		k.t.Fatalf("%d lines; want %d", len(lines), len(want))
	}
	seen := map[int64]bool{}
	for i, l := range lines {
		same(k, "line", describeLine(l), want[i])
		if seen[l.Seq] {
			k.t.Errorf("two lines have the Seq %d", l.Seq)
		}
		seen[l.Seq] = true
	}
}

func (k *kit[Tx]) manyRows() {
	const many = 500
	c := full("order", 1)
	for i := range many {
		c.Parts = append(c.Parts, orders.Part{Kind: orders.PartCase, ID: fmt.Sprintf("case-%03d", i), At: day(), Doc: fmt.Append(nil, i)})
		c.Lines = append(c.Lines, orders.LineRow{At: day(), Amount: jovepay.MustAmount(fmt.Sprint(i))})
		c.Notes = append(c.Notes, orders.Note{At: day(), Doc: fmt.Append(nil, i)})
	}
	k.create("order", c)
	for range 2 {
		r := k.load("order")
		same(k, "parts", len(r.Parts), many+3)
		lines, notes := k.lines(orders.LineQuery{OrderID: "order", Limit: 1000}), k.history("order")
		if len(lines) != many+2 || len(notes) != many+2 {
			k.t.Fatalf("%d lines, %d notes; want %d of each", len(lines), len(notes), many+2)
		}
		for i := range many {
			if lines[i+2].Amount.String() != fmt.Sprint(i) || string(notes[i+2].Doc) != fmt.Sprint(i) {
				k.t.Fatalf("line %d is %v, note %s", i, lines[i+2], notes[i+2].Doc)
			}
		}
		k.change("order", &orders.Change{Parts: c.Parts}) // replaces all
	}
}

func (k *kit[Tx]) locates() {
	const many = 300
	ids := []jovepay.ID{"missing"}
	for i := range many {
		id := fmt.Sprint("order-", i)
		ids = append(ids, jovepay.ID(id))
		k.create(id, &orders.Change{Parts: []orders.Part{
			{Kind: orders.PartPayment, ID: id, At: day(), Doc: []byte("1")},
			{Kind: orders.PartIntent, ID: "missing", At: day(), Doc: []byte("1")},
			{Kind: orders.PartCase, ID: fmt.Sprint("case-", i), At: day(), Doc: []byte("1")},
		}})
	}
	check := func(located map[jovepay.ID]string) {
		k.t.Helper()
		same(k, "payments located", len(located), many)
		for id, order := range located {
			same(k, "the order of a payment", order, string(id))
		}
	}
	located, err := k.Store.Locate(k.t.Context(), ids...)
	if err != nil {
		k.t.Fatalf("Locate: %v", err)
	}
	check(located)
	for _, scope := range []orders.Scope{{OrderID: "order-1"}, {OrderID: "missing"}, {}} {
		scope.Payments = ids
		k.must(scope, func(r *orders.Record) (*orders.Change, error) {
			check(r.Located)
			return nil, nil
		})
	}
}

func (k *kit[Tx]) oneOrderOnly() {
	k.create("order", full("order", 1))
	k.create("other", nil)
	before := k.snapshot("order")
	for i, stolen := range []orders.Part{
		{Kind: orders.PartPayment, ID: "order", At: day(), Doc: []byte("1")},
		{Kind: orders.PartCase, ID: "order-1", At: day(), Doc: []byte("1")},
	} {
		other := k.snapshot("other")
		c := full("other", i+1)
		c.Parts = append(c.Parts, stolen)
		e := entry("other", i+1)
		err := k.update(k.t.Context(), orders.Scope{OrderID: "other", Entry: e}, func(*orders.Record) (*orders.Change, error) { return c, nil })
		if err == nil {
			k.t.Errorf("the %s of one order was written to another", stolen.Kind)
		}
		same(k, "the order", k.snapshot("order"), before)
		same(k, "the other", k.snapshot("other"), other)
		k.expectLookup(inbox.Pending, e)
	}
	// Not even at the same time.
	outcomes := k.together(10, func(i int) error {
		id := fmt.Sprint("order-", i)
		return k.update(k.t.Context(), orders.Scope{OrderID: id, Create: true}, func(*orders.Record) (*orders.Change, error) {
			return &orders.Change{Parts: []orders.Part{{Kind: orders.PartPayment, ID: "new", At: day(), Doc: []byte("1")}}}, nil
		})
	})
	same(k, "orders that got the payment", succeeded(outcomes), 1)
	page, err := k.Store.Parts(k.t.Context(), orders.PartQuery{Kind: orders.PartPayment, ID: "new", Limit: 10})
	located, locateErr := k.Store.Locate(k.t.Context(), "new")
	if err != nil || locateErr != nil || len(page) != 1 || located["new"] != page[0].OrderID {
		k.t.Errorf("Parts = %v, %v, Locate = %v, %v; want the payment in one order", page, err, located, locateErr)
	}
}
