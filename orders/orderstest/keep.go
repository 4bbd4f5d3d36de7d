package orderstest

import (
	"fmt"
	"strings"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/orders"
)

func keeping[Tx any]() []testCase[Tx] {
	return []testCase[Tx]{
		{"BinaryIDs", (*kit[Tx]).binaryIDs,
			"Order ids must be kept whole and compared byte by byte: ids that differ in case, in spaces or in their Unicode normalization are different orders. Otherwise one customer pays for another's order."},
		{"PartIDs", (*kit[Tx]).partIDs,
			"Part ids must be compared byte by byte, and a part must be identified by its order, kind and id."},
		{"UnknownIDs", (*kit[Tx]).unknownIDs,
			"Ids that nothing has must be found missing, without an error, whatever their characters."},
		{"Docs", (*kit[Tx]).docs,
			"A Doc must be returned byte for byte, at any size, with its spaces, its escapes and the order of its members."},
		{"Times", (*kit[Tx]).times,
			"Times must be kept to the microsecond and returned in UTC, whatever their zone was."},
		{"Amounts", (*kit[Tx]).amounts,
			"Amounts must be returned with exactly the digits that were written. Money never passes through a float or a column that rounds."},
		{"Own", (*kit[Tx]).own,
			"What a caller does with a record, a row or a change after a call must not reach the store."},
	}
}

// binaryIDs are order ids that a text column in some locale confuses.
func binaryIDs() []string {
	long := strings.Repeat("x", 254)
	return []string{
		"order", "Order", "ORDER", "order ", "order  ", " order", "order\t", "order\n", "order\r\n", "\u0001order", "\u0001", "\u007f", " ",
		"ordér", "orde\u0301r", "straße", "strasse", "STRASSE", "I", "i", "İ", "ı", "ﬁ", "fi", "Ａ", "A", "a", "ä", "²", "2", "ア", "ｱ", "あ",
		"o\u200brder", "o\u00adrder", "\ufefforder", "\ufffd", "\uffff", "\U0010ffff", "😀", "😁", "\u2028",
		"'", "''", `"`, `""`, "`", "%", "%%", "_", "__", `\`, `\\`, `\'`, `\n`, `\x00`, `\0`, "'; DROP TABLE orders; --", "$1", "?", "??", ":id", "@id", "{}", "[]", "<>", "/*", "--",
		"0", "00", "0.0", "-0", "1", "01", "1e0", "null", "NULL", "nil", "true", "NaN",
		long, long + "x", long + "y", long + "X", strings.Repeat("日", 85), strings.Repeat("日", 84) + "月", strings.Repeat("😀", 63) + "abc",
	}
}

// day is a time to write. Times that a test writes itself have nothing to do
// with the clock of the database.
func day() time.Time { return time.Date(2020, 2, 3, 4, 5, 6, 789012000, time.UTC) }

func (k *kit[Tx]) binaryIDs() {
	ids, want := binaryIDs(), map[string]string{}
	for i, id := range ids {
		doc := fmt.Appendf(nil, `{"number": %d}`, i)
		k.must(orders.Scope{OrderID: id, Create: true}, func(r *orders.Record) (*orders.Change, error) {
			if r.Order == nil || r.Order.ID != id || r.Order.State != "" || len(r.Order.Doc) > 0 || len(r.Parts) > 0 {
				return nil, fmt.Errorf("%q found %+v with %d parts; want a new order", id, r.Order, len(r.Parts))
			}
			return &orders.Change{
				Order: &orders.OrderRow{State: "placed", Doc: doc},
				Parts: []orders.Part{
					{Kind: orders.PartPayment, ID: fmt.Sprint(i), At: day(), Doc: doc},
					{Kind: orders.PartIntent, ID: "btc", Open: true, At: day(), Doc: doc},
				},
				Lines: []orders.LineRow{{At: day(), PaymentID: jovepay.ID(fmt.Sprint(i)), Coin: "btc", Bucket: orders.BucketHeld, Amount: jovepay.MustAmount("1"), Doc: doc}},
				Notes: []orders.Note{{At: day(), Doc: doc}},
			}, nil
		})
		want[id] = k.snapshot(id)
		for _, what := range []string{"part", "line", "note"} {
			if n := strings.Count("\n"+want[id], "\n"+what+" "); n != map[string]int{"part": 2, "line": 1, "note": 1}[what] {
				k.t.Fatalf("order %q has %d %ss:\n%s", id, n, what, want[id])
			}
		}
	}
	payments := make([]jovepay.ID, len(ids))
	for i, id := range ids {
		same(k, fmt.Sprintf("order %q", id), k.snapshot(id), want[id])
		payments[i] = jovepay.ID(fmt.Sprint(i))
	}
	located, err := k.Store.Locate(k.t.Context(), payments...)
	if err != nil || len(located) != len(ids) {
		k.t.Errorf("Locate found %d, %v; want %d", len(located), err, len(ids))
	}
	for i, id := range ids {
		same(k, "the order of a payment", fmt.Sprintf("%q", located[payments[i]]), fmt.Sprintf("%q", id))
	}
	// At the same time of all parts, only the ids order them.
	k.walkParts(orders.PartQuery{Kind: orders.PartIntent, ID: "btc"}, len(ids))
	k.walkOrders(orders.OrderQuery{}, len(ids))
}

func (k *kit[Tx]) partIDs() {
	names := []string{"a", "A", "a-", "a.", "!", "'", `"`, `\`, "%", "_", "0", "00", strings.Repeat("p", 160), strings.Repeat("p", 159) + "P"}
	kinds := []orders.PartKind{orders.PartPayment, orders.PartIntent, orders.PartCase}
	var all []orders.Part
	for _, kind := range kinds {
		for _, name := range names {
			all = append(all, orders.Part{OrderID: "order", Kind: kind, ID: name, At: day(), Doc: fmt.Appendf(nil, "%q", string(kind)+name)})
		}
	}
	k.create("order", &orders.Change{Parts: all})
	k.create("other", &orders.Change{Parts: []orders.Part{{Kind: orders.PartIntent, ID: "a", At: day(), Doc: []byte("1")}}})
	k.expectParts("order", all)
	for i := range all {
		all[i].Open, all[i].Doc = true, []byte("2")
		k.change("order", &orders.Change{Parts: all[i : i+1]})
	}
	k.expectParts("order", all)
	k.expectParts("other", []orders.Part{{OrderID: "other", Kind: orders.PartIntent, ID: "a", At: day(), Doc: []byte("1")}})
	for _, name := range names {
		parts, err := k.Store.Parts(k.t.Context(), orders.PartQuery{Kind: orders.PartPayment, ID: name, Limit: 10})
		if err != nil || len(parts) != 1 || parts[0].ID != name {
			k.t.Errorf("Parts of %q = %v, %v; want one", name, parts, err)
		}
		located, err := k.Store.Locate(k.t.Context(), jovepay.ID(name))
		if err != nil || len(located) != 1 || located[jovepay.ID(name)] != "order" {
			k.t.Errorf("Locate(%q) = %v, %v; want its order", name, located, err)
		}
	}
	located, err := k.Store.Locate(k.t.Context(), "P", "a ", "00 ", "000", "")
	if err != nil || len(located) > 0 {
		k.t.Errorf("Locate = %v, %v; want nothing", located, err)
	}
}

func (k *kit[Tx]) unknownIDs() {
	k.create("order", &orders.Change{Parts: []orders.Part{{Kind: orders.PartPayment, ID: "1", At: day(), Doc: []byte("1")}}})
	var payments []jovepay.ID
	for _, id := range binaryIDs() {
		if id == "order" || id == "1" {
			continue
		}
		payments = append(payments, jovepay.ID(id))
		if got := k.snapshot(id); got != "" {
			k.t.Errorf("order %q:\n%s\nwant nothing", id, got)
		}
	}
	located, err := k.Store.Locate(k.t.Context(), payments...)
	if err != nil || len(located) > 0 {
		k.t.Errorf("Locate = %v, %v; want nothing", located, err)
	}
	if located, err = k.Store.Locate(k.t.Context()); err != nil || len(located) > 0 {
		k.t.Errorf("Locate of nothing = %v, %v; want nothing", located, err)
	}
	k.must(orders.Scope{OrderID: "order", Payments: append(payments, "1", "1")}, func(r *orders.Record) (*orders.Change, error) {
		if len(r.Located) != 1 || r.Located["1"] != "order" {
			k.t.Errorf("located %v; want payment 1 in its order", r.Located)
		}
		return nil, nil
	})
}

func (k *kit[Tx]) docs() {
	large := `{"history": ["` + strings.Repeat("ö", 100_000) + `"]}`
	for i, doc := range []string{
		`{}`, `{"b": 1,  "a": [2 , 3]}` + "\n", "\t[ ]\r\n", `""`, `null`, `0`, `1.0`, `-0`, `1E400`, `12345678901234567890.123456789`,
		`"\u0000\u001f\ud83d\ude00\/"`, `"😀 \\ ' \" %s ? $1"`, `{"a": 1, "a": 2}`, "\"\u2028\ufeff\uffff\"", large,
	} {
		id := fmt.Sprint(i)
		k.create(id, &orders.Change{
			Order: &orders.OrderRow{Doc: []byte(doc)},
			Parts: []orders.Part{{Kind: orders.PartCase, ID: id, At: day(), Doc: []byte(doc)}},
			Lines: []orders.LineRow{
				{At: day(), Amount: jovepay.MustAmount("1"), Doc: []byte(doc)},
				{At: day(), Amount: jovepay.MustAmount("1")},
			},
			Notes: []orders.Note{{At: day(), Doc: []byte(doc)}},
		})
		r := k.load(id)
		page, err := k.Store.Parts(k.t.Context(), orders.PartQuery{Kind: orders.PartCase, ID: id, Limit: 1})
		if err != nil || r.Order == nil || len(r.Parts) != 1 || len(page) != 1 {
			k.t.Fatalf("Load = %+v, Parts = %v, %v; want an order with a part", r, page, err)
		}
		lines, notes := k.lines(orders.LineQuery{OrderID: id, Limit: 10}), k.history(id)
		if len(lines) != 2 || len(notes) != 1 {
			k.t.Fatalf("%d lines, %d notes; want 2 and 1", len(lines), len(notes))
		}
		for what, got := range map[string][]byte{
			"order": r.Order.Doc, "part of the order": r.Parts[0].Doc, "part": page[0].Doc, "line": lines[0].Doc, "note": notes[0].Doc,
		} {
			if string(got) != doc {
				k.t.Errorf("%s: got %.100q of %d bytes; want %.100q of %d", what, got, len(got), doc, len(doc))
			}
		}
		if len(lines[1].Doc) > 0 {
			k.t.Errorf("line without Doc has %q", lines[1].Doc)
		}
	}
}

func (k *kit[Tx]) times() {
	zone := time.FixedZone("zone", -(9*3600 + 1800))
	for i, at := range []time.Time{
		day(), day().Truncate(time.Second), day().In(zone),
		time.Date(2026, 3, 29, 2, 30, 0, 1000, time.UTC),                                                               // skipped by Berlin's clocks
		time.Date(2026, 10, 25, 0, 30, 0, 999999000, time.UTC), time.Date(2026, 10, 25, 1, 30, 0, 999999000, time.UTC), // one hour there
		time.Date(2026, 12, 31, 23, 59, 59, 999999000, time.UTC), time.Date(2040, 1, 1, 0, 0, 0, 0, zone), time.Date(2400, 2, 29, 0, 0, 0, 1000, time.UTC),
	} {
		id := fmt.Sprint(i)
		k.create(id, &orders.Change{
			Order: &orders.OrderRow{Due: at, Doc: []byte("1")},
			Parts: []orders.Part{{Kind: orders.PartIntent, ID: "btc", At: at, Doc: []byte("1")}},
			Lines: []orders.LineRow{{At: at, Amount: jovepay.MustAmount("1")}},
			Notes: []orders.Note{{At: at, Doc: []byte("1")}},
		})
		r := k.load(id)
		lines, notes := k.lines(orders.LineQuery{OrderID: id, Limit: 1}), k.history(id)
		if r.Order == nil || len(r.Parts) != 1 || len(lines) != 1 || len(notes) != 1 {
			k.t.Fatalf("got %+v, %v, %v; want one of each", r, lines, notes)
		}
		for what, got := range map[string]time.Time{
			"Due": r.Order.Due, "At of a part": r.Parts[0].At, "At of a line": lines[0].At, "At of a note": notes[0].At,
		} {
			if !got.Equal(at) || got.Location() != time.UTC {
				k.t.Errorf("%s is %v in %v; want %v in UTC", what, got, got.Location(), at)
			}
		}
		for what, got := range map[string]time.Time{"Now": r.Now, "Created": r.Order.Created} {
			// The clocks of two machines are not far apart.
			if d := time.Until(got); got.Location() != time.UTC || !got.Equal(got.Truncate(time.Microsecond)) || d.Abs() > 24*time.Hour {
				k.t.Errorf("%s is %v in %v; want the time, to the microsecond, in UTC", what, got, got.Location())
			}
		}
		k.change(id, &orders.Change{Order: &orders.OrderRow{Doc: []byte("1")}})
		if due := k.load(id).Order.Due; !due.IsZero() {
			k.t.Errorf("Due is %v; want it to be zero again", due)
		}
	}
}

func (k *kit[Tx]) amounts() {
	texts := []string{
		"0.10", "0", "-0", "0.000", "1", "-1e-18", "1E+2", "1e400", "-1e-400", "100", "1e2", "49.90",
		"1234567890123456789012345678901234567890", "0.1234567890123456789012345678901234567890",
		"-0.000000000000000001", "9007199254740993", "-" + strings.Repeat("9", 127),
	}
	var lines []orders.LineRow
	for _, text := range texts {
		lines = append(lines, orders.LineRow{At: day(), PaymentID: "1", Coin: "btc", Bucket: orders.BucketHeld, Amount: jovepay.MustAmount(text)})
	}
	k.create("order", &orders.Change{Lines: lines})
	got := k.lines(orders.LineQuery{OrderID: "order", Limit: 1000})
	if len(got) != len(texts) {
		k.t.Fatalf("%d lines; want %d", len(got), len(texts))
	}
	for i, text := range texts {
		same(k, "amount", got[i].Amount.String(), text)
	}
}

// spoil overwrites a Doc.
func spoil(doc []byte) {
	for i := range doc {
		doc[i] = 'x'
	}
}

func (k *kit[Tx]) own() {
	c := full("order", 1)
	k.create("order", c)
	before := k.snapshot("order")
	spoil(c.Order.Doc)
	spoil(c.Parts[0].Doc)
	spoil(c.Lines[0].Doc)
	spoil(c.Notes[0].Doc)
	same(k, "after the change was overwritten", k.snapshot("order"), before)

	k.must(orders.Scope{OrderID: "order", Payments: []jovepay.ID{"order"}, Entry: entry("order", 1)}, func(r *orders.Record) (*orders.Change, error) {
		overwrite(r)
		return nil, nil
	})
	same(k, "after the record of Update was overwritten", k.snapshot("order"), before)
	overwrite(k.load("order"))
	lines, notes := k.lines(orders.LineQuery{Limit: 10}), k.history("order")
	rows, err := k.Store.Orders(k.t.Context(), orders.OrderQuery{Limit: 10})
	if err != nil {
		k.t.Fatalf("Orders: %v", err)
	}
	parts, err := k.Store.Parts(k.t.Context(), orders.PartQuery{Kind: orders.PartPayment, Limit: 10})
	if err != nil {
		k.t.Fatalf("Parts: %v", err)
	}
	spoil(lines[0].Doc)
	spoil(notes[0].Doc)
	spoil(rows[0].Doc)
	spoil(parts[0].Doc)
	same(k, "after what was read was overwritten", k.snapshot("order"), before)
	k.expectLookup(inbox.Duplicate, entry("order", 1))
}

// overwrite spoils all of a record.
func overwrite(r *orders.Record) {
	spoil(r.Order.Doc)
	for i := range r.Parts {
		spoil(r.Parts[i].Doc)
		r.Parts[i] = orders.Part{}
	}
	clear(r.Located)
	*r.Order = orders.OrderRow{ID: "x", Version: 100}
	*r = orders.Record{Outcome: inbox.Outdated}
}

// full is a change of everything. n tells the changes of an order apart. The
// payment has the order's id, which must be ASCII.
func full(orderID string, n int) *orders.Change {
	doc := func() []byte { return fmt.Appendf(nil, `{"n": %d}`, n) }
	return &orders.Change{
		Order: &orders.OrderRow{State: fmt.Sprintf("state-%d", n), Due: day().Add(time.Duration(n) * time.Hour), Doc: doc()},
		Parts: []orders.Part{
			{Kind: orders.PartPayment, ID: orderID, Open: n%2 == 1, At: day().Add(time.Duration(n) * time.Minute), Doc: doc()},
			{Kind: orders.PartIntent, ID: fmt.Sprintf("coin-%d", n), Open: true, At: day(), Doc: doc()},
			{Kind: orders.PartCase, ID: fmt.Sprintf("%s-%d", orderID, n), Open: true, At: day(), Doc: doc()},
		},
		Lines: []orders.LineRow{
			{At: day(), PaymentID: jovepay.ID(orderID), Coin: "btc", Bucket: orders.BucketHeld, Amount: jovepay.MustAmount("-0.10"), Doc: doc()},
			{At: day(), PaymentID: jovepay.ID(orderID), Coin: "btc", Bucket: orders.BucketOrder, Amount: jovepay.MustAmount("0.10"), Doc: doc()},
		},
		Notes: []orders.Note{{At: day(), Doc: doc()}, {At: day(), Doc: doc()}},
	}
}
