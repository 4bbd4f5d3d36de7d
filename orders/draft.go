package orders

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/jovepay/jovepay-go"
)

// orderDoc is an order in the store.
type orderDoc struct {
	Terms     *Terms    `json:"terms,omitzero"` // nil if it is not in the book
	Placed    time.Time `json:"placed,omitzero"`
	Told      State     `json:"told,omitzero"` // the state that Changed last heard of
	Fulfilled time.Time `json:"fulfilled,omitzero"`
	Canceled  time.Time `json:"canceled,omitzero"`
	Failures  int       `json:"failures,omitzero"` // of hooks, since the last success
	Failure   string    `json:"failure,omitzero"`
}

// paymentDoc is a payment in the store.
type paymentDoc struct {
	Facts facts     `json:"facts"`
	Whole bool      `json:"whole,omitzero"`  // read with its address and memo
	Books []Balance `json:"booked,omitzero"` // where the ledger has its coins
}

// encode returns a document of the store. It writes equal values alike, and broken
// characters as U+FFFD: news of money must not fail for them. Payments reject them,
// so those of facts are cleaned before; see clean.
func encode(v any) ([]byte, error) {
	return jsonv2.Marshal(v, jsonv2.Deterministic(true), jsontext.AllowInvalidUTF8(true))
}

// clean returns the fact as it can be written: with broken characters as U+FFFD, and
// an unreadable member that is no valid JSON as an array of its text, which is
// unreadable too.
func (f fact) clean() fact {
	p := &f.Payment
	p.Status = jovepay.PaymentStatus(strings.ToValidUTF8(string(p.Status), "\uFFFD"))
	for _, text := range texts(p) {
		*text = strings.ToValidUTF8(*text, "\uFFFD")
	}
	extra := p.Extra
	p.Extra = nil
	for name, value := range extra {
		if p.Extra == nil {
			p.Extra = map[string]json.RawMessage{}
		}
		if !jsontext.Value(value).IsValid() {
			value, _ = encode([]string{string(value)}) // texts can always be written
		}
		p.Extra[strings.ToValidUTF8(name, "\uFFFD")] = value
	}
	return f
}

// decode reads a document of the store. A member that it doesn't know is an
// error: it was written by a newer version, and without it the order might be
// judged more leniently.
func decode(doc []byte, v any) error {
	return jsonv2.Unmarshal(doc, v, jsonv2.RejectUnknownMembers(true))
}

// draft is an order in a transaction, with the changes made to it.
type draft struct {
	now      time.Time
	row      OrderRow
	exists   bool // also as an order that is not in the book
	doc      orderDoc
	payments map[jovepay.ID]*paymentDoc
	intents  map[string]*intentDoc
	cases    map[string]*caseDoc // by id
	called   string              // the hook that was called last
	notes    []Event
	lines    []LineRow
	loaded   map[string][]byte // the documents as they were
}

func docKey(kind PartKind, id string) string { return string(kind) + ":" + id }

// newDraft reads a record.
func newDraft(orderID string, r *Record) (*draft, error) {
	d := &draft{
		now: r.Now, row: OrderRow{ID: orderID}, payments: map[jovepay.ID]*paymentDoc{},
		intents: map[string]*intentDoc{}, cases: map[string]*caseDoc{}, loaded: map[string][]byte{},
	}
	if r.Order != nil {
		d.row, d.exists = *r.Order, true
		if len(r.Order.Doc) > 0 {
			if err := decode(r.Order.Doc, &d.doc); err != nil {
				return nil, fmt.Errorf("orders: stored order %q: %w", orderID, err)
			}
		}
	}
	for _, part := range r.Parts {
		var doc any
		switch part.Kind {
		case PartPayment:
			p := new(paymentDoc)
			doc, d.payments[jovepay.ID(part.ID)] = p, p
		case PartIntent:
			p := new(intentDoc)
			doc, d.intents[part.ID] = p, p
		case PartCase:
			p := new(caseDoc)
			doc, d.cases[part.ID] = p, p
		default:
			return nil, fmt.Errorf("orders: stored order %q has a part of kind %q", orderID, part.Kind)
		}
		if err := decode(part.Doc, doc); err != nil {
			return nil, fmt.Errorf("orders: stored %s %q of order %q: %w", part.Kind, part.ID, orderID, err)
		}
		d.loaded[docKey(part.Kind, part.ID)] = part.Doc
	}
	return d, nil
}

// isPlaced reports whether the order is in the book.
func (d *draft) isPlaced() bool { return d.doc.Terms != nil }

// known returns what the order's state follows from.
func (d *draft) known() known {
	k := known{
		orderID: d.row.ID, terms: d.doc.Terms, fulfilled: !d.doc.Fulfilled.IsZero(), canceled: !d.doc.Canceled.IsZero(),
		failures: d.doc.Failures, failure: d.doc.Failure, payments: map[jovepay.ID]view{}, coins: map[jovepay.ID]string{},
	}
	for id, p := range d.payments {
		k.payments[id] = p.Facts.view()
	}
	for coin, intent := range d.intents {
		switch {
		case coin == invoiceCoin:
			k.invoiced = intent.State == intentOpen
		case intent.PaymentID != "":
			k.coins[intent.PaymentID] = coin
		}
	}
	for _, id := range sortedKeys(d.cases) {
		for i := range d.cases[id].Decisions {
			k.decided = append(k.decided, &d.cases[id].Decisions[i])
		}
	}
	slices.SortStableFunc(k.decided, func(a, b *Decided) int { return a.At.Compare(b.At) })
	return k
}

// learn adds a fact. whole says that it is from a response with the payment's
// address and memo.
func (d *draft) learn(f fact, whole bool) {
	id := f.Payment.ID
	p := d.payments[id]
	if p == nil {
		p = new(paymentDoc)
		d.payments[id] = p
	}
	before := p.Facts.view()
	p.Facts = p.Facts.add(f.clean())
	p.Whole = p.Whole || whole
	if v := p.Facts.view(); v.Status != before.Status || !v.ActuallyPaid.Equal(before.ActuallyPaid) {
		d.note(Event{Kind: EventPayment, PaymentID: id, Status: v.Status, Coin: v.PayCurrency, Received: v.ActuallyPaid})
	}
	d.adopt(id)
}

// note adds an event to the history.
func (d *draft) note(e Event) {
	e.At, e.Why = d.now, shorten(e.Why)
	d.notes = append(d.notes, e)
}

// shorten keeps a text of an error short, however long its cause is.
func shorten(text string) string {
	const longest = 500
	if len(text) > longest {
		text = text[:longest] + "…"
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// fail notes that a hook failed.
func (d *draft) fail(err error) {
	text := shorten(err.Error())
	if d.doc.Failure != text {
		d.note(Event{Kind: EventFailed, Why: text})
	}
	d.doc.Failures, d.doc.Failure = d.doc.Failures+1, text
}

// book moves the coins of all payments to where they belong now.
func (d *draft) book(pic *picture) {
	for _, id := range sortedKeys(d.payments) {
		p, places := d.payments[id], sortedPlaces(pic.places[id])
		v := p.Facts.view()
		for _, old := range p.Books {
			if i := slices.IndexFunc(places, old.samePlace); i < 0 || !places[i].Amount.Equal(old.Amount) {
				d.line(id, old, jovepay.NewAmount(old.Amount.Decimal().Neg()), &v)
			}
		}
		for _, b := range places {
			if i := slices.IndexFunc(p.Books, b.samePlace); i < 0 || !p.Books[i].Amount.Equal(b.Amount) {
				d.line(id, b, b.Amount, &v)
			}
		}
		p.Books = places
	}
}

func (b Balance) samePlace(c Balance) bool {
	return b.Coin == c.Coin && b.Bucket == c.Bucket && b.Assumed == c.Assumed
}

func sortedPlaces(places []Balance) []Balance {
	return slices.SortedFunc(slices.Values(places), func(a, b Balance) int {
		return strings.Compare(a.Coin+" "+string(a.Bucket), b.Coin+" "+string(b.Bucket))
	})
}

// line adds a line to the ledger.
func (d *draft) line(id jovepay.ID, b Balance, amount jovepay.Amount, v *view) {
	l := lineDoc{Assumed: b.Assumed, Fee: v.fee, Outcome: v.OutcomeAmount, OutcomeCurrency: v.OutcomeCurrency}
	doc, err := encode(l)
	if err != nil {
		doc = nil // amounts and texts can always be written
	}
	d.lines = append(d.lines, LineRow{At: d.now, OrderID: d.row.ID, PaymentID: id, Coin: b.Coin, Bucket: b.Bucket, Amount: amount, Doc: doc})
}

// discard notes which decisions count no more. They must not count again once the
// order is fulfilled.
func (pic *picture) discard() {
	for _, by := range pic.void {
		by.Void = true
	}
}

// pose opens, changes and closes cases.
func (d *draft) pose(pic *picture) {
	pic.discard()
	for _, key := range sortedKeys(pic.questions) {
		q, id := pic.questions[key], caseID(d.row.ID, key)
		c := d.cases[id]
		switch {
		case c == nil:
			c = &caseDoc{Key: key, Opened: d.now}
			d.cases[id] = c
			d.note(Event{Kind: EventCaseOpened, CaseID: id, Why: q.reason})
		case c.Closed.IsZero() && c.is(q):
			continue
		case c.Closed.IsZero():
			d.note(Event{Kind: EventCase, CaseID: id, Why: q.reason})
		default:
			c.Opened = d.now
			d.note(Event{Kind: EventCaseOpened, CaseID: id, Why: q.reason})
		}
		c.Version++
		c.Kind, c.Reason, c.Accept, c.Deposits, c.Changed, c.Closed = q.kind, q.reason, q.accept, q.deposits, d.now, time.Time{}
	}
	for _, id := range sortedKeys(d.cases) {
		c := d.cases[id]
		if pic.questions[c.Key] != nil || !c.Closed.IsZero() {
			continue
		}
		c.Closed = d.now
		if len(c.Decisions) == 0 || c.Decisions[len(c.Decisions)-1].Version != c.Version {
			d.note(Event{Kind: EventCaseClosed, CaseID: id})
		}
	}
}

// is reports whether the case asks q.
func (c *caseDoc) is(q *question) bool {
	return c.Kind == q.kind && c.Reason == q.reason && c.Accept == q.accept && slices.EqualFunc(c.Deposits, q.deposits, func(a, b Deposit) bool {
		return a.PaymentID == b.PaymentID && a.Status == b.Status && a.Coin == b.Coin && a.Amount.Equal(b.Amount) && a.Asked.Equal(b.Asked)
	})
}

// change returns what differs from the record.
func (d *draft) change(pic *picture, due time.Time) (*Change, error) {
	change := new(Change)
	doc, err := encode(d.doc)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(doc, d.row.Doc) || d.row.State != string(pic.state) || !d.row.Due.Equal(due) {
		row := d.row
		row.Doc, row.State, row.Due = doc, string(pic.state), due
		change.Order = &row
	}
	add := func(kind PartKind, id string, open bool, at time.Time, v any) {
		if err != nil {
			return
		}
		var doc []byte
		if doc, err = encode(v); err == nil && !bytes.Equal(doc, d.loaded[docKey(kind, id)]) {
			change.Parts = append(change.Parts, Part{OrderID: d.row.ID, Kind: kind, ID: id, Open: open, At: at, Doc: doc})
		}
	}
	for _, id := range sortedKeys(d.cases) {
		c := d.cases[id]
		add(PartCase, id, c.Closed.IsZero(), c.Opened, c)
	}
	for _, coin := range sortedKeys(d.intents) {
		i := d.intents[coin]
		add(PartIntent, coin, i.State == intentSending || i.State == intentInDoubt, i.Began, i)
	}
	for _, id := range sortedKeys(d.payments) {
		v := d.payments[id].Facts.view()
		add(PartPayment, string(id), !v.isOver(), v.CreatedAt.Time, d.payments[id])
	}
	for _, e := range d.notes {
		if err == nil {
			var doc []byte
			doc, err = encode(e)
			change.Notes = append(change.Notes, Note{At: e.At, Doc: doc})
		}
	}
	change.Lines = d.lines
	return change, err
}

// isEmpty reports whether there is nothing to write.
func (c *Change) isEmpty() bool {
	return c.Order == nil && len(c.Parts)+len(c.Lines)+len(c.Notes) == 0
}

// order returns the order as the shop sees it.
func (d *draft) order(pic *picture) *Order {
	o := &Order{
		State: pic.state, Placed: d.doc.Placed, Fulfilled: d.doc.Fulfilled, Canceled: d.doc.Canceled, Failure: d.doc.Failure,
	}
	if d.doc.Terms != nil {
		o.Terms = *d.doc.Terms
	}
	totals := map[[2]string]Balance{}
	for _, id := range sortedKeys(d.payments) {
		o.Payments = append(o.Payments, d.payment(id, pic))
		for _, b := range pic.places[id] {
			key := [2]string{b.Coin, string(b.Bucket)}
			total := totals[key]
			totals[key] = Balance{b.Coin, b.Bucket, jovepay.NewAmount(total.Amount.Decimal().Add(b.Amount.Decimal())), total.Assumed || b.Assumed}
		}
	}
	for _, b := range totals {
		o.Money = append(o.Money, b)
	}
	o.Money = sortedPlaces(o.Money)
	if i := d.intents[invoiceCoin]; i != nil && i.State == intentOpen {
		o.Invoice = &Invoice{ID: i.InvoiceID, OrderID: d.row.ID, URL: i.URL}
	}
	for _, id := range sortedKeys(d.cases) {
		o.Cases = append(o.Cases, d.cases[id].public(d.row.ID, id))
	}
	slices.SortStableFunc(o.Cases, func(a, b *Case) int {
		switch {
		case a.Open() == b.Open():
			return a.Opened.Compare(b.Opened)
		case a.Open():
			return -1
		}
		return 1
	})
	return o
}

// payment returns a payment as the shop sees it.
func (d *draft) payment(id jovepay.ID, pic *picture) *Payment {
	v := d.payments[id].Facts.view()
	p := &Payment{
		ID: id, OrderID: publicOrderID(d.row.ID), ParentID: v.ParentPaymentID, InvoiceID: v.InvoiceID,
		Status: v.Status, Coin: v.PayCurrency, Network: v.Network, Address: v.PayAddress, Memo: v.PayinExtraID,
		Asked: v.asked, Received: v.ActuallyPaid, Created: v.CreatedAt.Time, Expires: v.ExpirationEstimateDate.Time,
		Places: sortedPlaces(pic.places[id]),
	}
	if left, ok := pic.left[id]; ok {
		p.Left = jovepay.NewAmount(left)
	}
	for coin, i := range d.intents {
		if i.PaymentID == id {
			p.ShownFor = coin
		}
	}
	return p
}
