package orders

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
)

// Memory is a [Store] in memory, for tests and for programs that may forget their
// orders when they end. It is an [inbox.Store] too, so that one Memory serves
// both. The zero value is ready to use. A Memory is safe for concurrent use, and
// must not be copied after first use.
//
// It has no transactions of the shop: what a hook did before it failed remains.
// Its own changes are all or nothing, so [Memory.Join] commits at once. Its clock
// is [time.Now].
type Memory struct {
	mu      sync.Mutex
	turns   map[string]*turn
	entries map[string]applied // by subject
	orders  map[string]*stored
	owners  map[partKey]string // the orders of payments and cases
	lines   []LineRow
	seq     int64 // of the last line or note
	leases  map[string]lease
}

// turn is held by the call that works on an order or a subject.
type turn struct {
	taken chan struct{} // full while it is held
	users int           // calls that hold it or wait
}

// applied is what the inbox has of a subject.
type applied struct {
	entry inbox.Entry
	at    time.Time
}

// stored is an order with all that belongs to it.
type stored struct {
	row   OrderRow
	parts map[partKey]Part
	notes []Note
}

// partKey identifies a part within its order.
type partKey struct {
	kind PartKind
	id   string
}

// lease is who has a lease, and until when.
type lease struct {
	holder string
	until  time.Time
}

var (
	_ Store[inbox.NoTx]       = (*Memory)(nil)
	_ inbox.Store[inbox.NoTx] = (*Memory)(nil)
)

var (
	errMissingOrder = errors.New("orders: change of a missing order")
	errOtherOrder   = errors.New("orders: part of another order")
)

// Update implements [Store].
func (m *Memory) Update(ctx context.Context, s Scope, work Work[inbox.NoTx]) error {
	if s.Entry != (inbox.Entry{}) {
		leave, err := m.enter(ctx, "entry "+s.Entry.Subject)
		if err != nil {
			return err
		}
		defer leave()
	}
	if s.OrderID != "" {
		leave, err := m.enter(ctx, "order "+s.OrderID)
		if err != nil {
			return err
		}
		defer leave()
	}
	r := m.record(s)
	var created time.Time
	if r.Order != nil {
		created = r.Order.Created // work may change the record
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	change, err := work(ctx, inbox.NoTx{}, r)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return err
	}
	return m.commit(s, change, created)
}

// Join implements [Store]. It is [Memory.Update] without the entry: there is no
// transaction to join.
func (m *Memory) Join(ctx context.Context, _ inbox.NoTx, s Scope, work Work[inbox.NoTx]) error {
	s.Entry = inbox.Entry{}
	return m.Update(ctx, s, work)
}

// Apply implements [inbox.Store].
func (m *Memory) Apply(ctx context.Context, e inbox.Entry, apply func(context.Context, inbox.NoTx) error) (inbox.Outcome, error) {
	var outcome inbox.Outcome
	err := m.Update(ctx, Scope{Entry: e}, func(ctx context.Context, tx inbox.NoTx, r *Record) (*Change, error) {
		if outcome = r.Outcome; outcome != inbox.Applied {
			return nil, nil
		}
		return nil, apply(ctx, tx)
	})
	if err != nil {
		return "", err
	}
	return outcome, nil
}

// Prune implements [inbox.Store]. It deletes no orders.
func (m *Memory) Prune(ctx context.Context, before time.Time) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	had := len(m.entries)
	maps.DeleteFunc(m.entries, func(_ string, a applied) bool { return a.at.Before(before) })
	return int64(had - len(m.entries)), nil
}

// Load implements [Store].
func (m *Memory) Load(ctx context.Context, orderID string) (*Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return m.record(Scope{OrderID: orderID}), nil
}

// Locate implements [Store].
func (m *Memory) Locate(ctx context.Context, payments ...jovepay.ID) (map[jovepay.ID]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return m.record(Scope{Payments: payments}).Located, nil
}

// Lookup implements [Store] and [inbox.Store].
func (m *Memory) Lookup(ctx context.Context, e inbox.Entry) (inbox.Outcome, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return e.Against(m.entries[e.Subject].entry), nil
}

// Orders implements [Store].
func (m *Memory) Orders(ctx context.Context, q OrderQuery) ([]OrderRow, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	after := OrderRow{ID: q.AfterID, Created: q.AfterCreated}
	var rows []OrderRow
	for _, o := range m.orders {
		if (len(q.States) == 0 || slices.Contains(q.States, o.row.State)) &&
			within(o.row.Created, q.From, q.To) &&
			(q.AfterID == "" || compareOrders(o.row, after) > 0) {
			rows = append(rows, copyOrder(o.row))
		}
	}
	slices.SortFunc(rows, compareOrders)
	return first(rows, q.Limit), nil
}

// Due implements [Store].
func (m *Memory) Due(ctx context.Context, limit int) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := clock()
	var rows []OrderRow
	for _, o := range m.orders {
		if !o.row.Due.IsZero() && !o.row.Due.After(now) {
			rows = append(rows, o.row)
		}
	}
	slices.SortFunc(rows, func(a, b OrderRow) int {
		return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID))
	})
	var ids []string
	for _, row := range first(rows, limit) {
		ids = append(ids, row.ID)
	}
	return ids, nil
}

// Parts implements [Store].
func (m *Memory) Parts(ctx context.Context, q PartQuery) ([]Part, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var parts []Part
	for _, o := range m.orders {
		for _, p := range o.parts {
			if p.Kind == q.Kind && (q.ID == "" || p.ID == q.ID) && (p.Open || !q.Open) &&
				within(p.At, time.Time{}, q.Before) && (q.After == nil || compareParts(p, *q.After) > 0) {
				parts = append(parts, copyPart(p))
			}
		}
	}
	slices.SortFunc(parts, compareParts)
	return first(parts, q.Limit), nil
}

// Lines implements [Store].
func (m *Memory) Lines(ctx context.Context, q LineQuery) ([]LineRow, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var lines []LineRow
	for _, l := range m.lines {
		if (q.OrderID == "" || l.OrderID == q.OrderID) && within(l.At, q.From, q.To) &&
			(q.After == nil || compareLines(l, *q.After) > 0) {
			l.Doc = bytes.Clone(l.Doc)
			lines = append(lines, l)
		}
	}
	slices.SortFunc(lines, compareLines)
	return first(lines, q.Limit), nil
}

// History implements [Store].
func (m *Memory) History(ctx context.Context, orderID string) ([]Note, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	o := m.orders[orderID]
	if o == nil {
		return nil, nil
	}
	notes := slices.Clone(o.notes)
	for i := range notes {
		notes[i].Doc = bytes.Clone(notes[i].Doc)
	}
	return notes, nil
}

// Acquire implements [Store].
func (m *Memory) Acquire(ctx context.Context, name, holder string, d time.Duration) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := clock()
	if l := m.leases[name]; l.holder != holder && l.until.After(now) {
		return false, nil
	}
	if m.leases == nil {
		m.leases = map[string]lease{}
	}
	m.leases[name] = lease{holder, now.Add(d)}
	return true, nil
}

// Check implements [Store]. It always returns nil: a Memory is chosen by programs
// that may forget.
func (m *Memory) Check(context.Context) error { return nil }

// enter waits for the named turn. The caller ends it with leave.
func (m *Memory) enter(ctx context.Context, name string) (leave func(), err error) {
	t := m.queue(name)
	select {
	case t.taken <- struct{}{}:
		return func() { <-t.taken; m.unqueue(name, t) }, nil
	case <-ctx.Done():
		m.unqueue(name, t)
		return nil, ctx.Err()
	}
}

func (m *Memory) queue(name string) *turn {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.turns[name]
	if t == nil {
		if m.turns == nil {
			m.turns = map[string]*turn{}
		}
		t = &turn{taken: make(chan struct{}, 1)}
		m.turns[name] = t
	}
	t.users++
	return t
}

func (m *Memory) unqueue(name string, t *turn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if t.users--; t.users == 0 {
		delete(m.turns, name)
	}
}

// record copies what s selects.
func (m *Memory) record(s Scope) *Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := &Record{Now: clock(), Located: map[jovepay.ID]string{}}
	if s.Entry != (inbox.Entry{}) {
		r.Outcome = s.Entry.Against(m.entries[s.Entry.Subject].entry)
		if r.Outcome == inbox.Pending {
			r.Outcome = inbox.Applied
		}
	}
	for _, id := range s.Payments {
		if order, ok := m.owners[partKey{PartPayment, string(id)}]; ok {
			r.Located[id] = order
		}
	}
	o := m.orders[s.OrderID]
	if o == nil {
		if s.Create && s.OrderID != "" {
			r.Order = &OrderRow{ID: s.OrderID, Created: r.Now, Version: 1}
		}
		return r
	}
	row := copyOrder(o.row)
	r.Order = &row
	for _, p := range o.parts {
		r.Parts = append(r.Parts, copyPart(p))
	}
	slices.SortFunc(r.Parts, func(a, b Part) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
	})
	return r
}

// commit writes all of a change, or nothing.
func (m *Memory) commit(s Scope, c *Change, created time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	o := m.orders[s.OrderID]
	if o == nil && s.Create && s.OrderID != "" {
		o = &stored{row: OrderRow{ID: s.OrderID, Created: created, Version: 1}, parts: map[partKey]Part{}}
	}
	if c == nil {
		c = new(Change)
	}
	if o == nil && (c.Order != nil || len(c.Parts)+len(c.Lines)+len(c.Notes) > 0) {
		return fmt.Errorf("%w: %q", errMissingOrder, s.OrderID)
	}
	for _, p := range c.Parts {
		if owner, ok := m.owners[p.key()]; ok && owner != s.OrderID {
			return fmt.Errorf("%w: %s %s of %q, not of %q", errOtherOrder, p.Kind, p.ID, owner, s.OrderID)
		}
	}
	// Nothing fails from here on.
	m.apply(s.Entry)
	if o == nil {
		return nil
	}
	if m.orders == nil {
		m.orders, m.owners = map[string]*stored{}, map[partKey]string{}
	}
	m.orders[s.OrderID] = o
	m.write(o, c)
	return nil
}

// apply records an entry that is newer than the last of its subject.
func (m *Memory) apply(e inbox.Entry) {
	if e == (inbox.Entry{}) || e.Against(m.entries[e.Subject].entry) != inbox.Pending {
		return
	}
	if m.entries == nil {
		m.entries = map[string]applied{}
	}
	m.entries[e.Subject] = applied{e, clock()}
}

// write copies a change into an order.
func (m *Memory) write(o *stored, c *Change) {
	if c.Order != nil {
		o.row.State, o.row.Due, o.row.Doc = c.Order.State, kept(c.Order.Due), bytes.Clone(c.Order.Doc)
		o.row.Version++
	}
	for _, p := range c.Parts {
		p = copyPart(p)
		p.OrderID, p.At = o.row.ID, kept(p.At)
		o.parts[p.key()] = p
		if p.Kind != PartIntent {
			m.owners[p.key()] = o.row.ID
		}
	}
	for _, l := range c.Lines {
		m.seq++
		l.Seq, l.OrderID, l.At, l.Doc = m.seq, o.row.ID, kept(l.At), bytes.Clone(l.Doc)
		m.lines = append(m.lines, l)
	}
	for _, n := range c.Notes {
		m.seq++
		o.notes = append(o.notes, Note{Seq: m.seq, At: kept(n.At), Doc: bytes.Clone(n.Doc)})
	}
}

func (p Part) key() partKey { return partKey{p.Kind, p.ID} }

func clock() time.Time { return kept(time.Now()) }

// kept is a time as a database keeps it.
func kept(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

func copyOrder(o OrderRow) OrderRow {
	o.Doc = bytes.Clone(o.Doc)
	return o
}

func copyPart(p Part) Part {
	p.Doc = bytes.Clone(p.Doc)
	return p
}

func compareOrders(a, b OrderRow) int {
	return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
}

func compareParts(a, b Part) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.OrderID, b.OrderID), cmp.Compare(a.ID, b.ID))
}

func compareLines(a, b LineRow) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Seq, b.Seq))
}

// within reports whether t is at or after from, and before to; a zero bound is
// none.
func within(t, from, to time.Time) bool {
	return !t.Before(from) && (to.IsZero() || t.Before(to))
}

func first[T any](all []T, limit int) []T { return all[:min(len(all), max(limit, 0))] }
