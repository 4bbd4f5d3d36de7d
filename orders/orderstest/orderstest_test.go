package orderstest_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/orders"
	"github.com/jovepay/jovepay-go/orders/orderstest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// A store that is right passes.
func TestSoundStore(t *testing.T) {
	t.Parallel()
	orderstest.Run(t, func(*testing.T) orderstest.Harness[*tx] { return harness(func(*broken) {}) })
}

// brokenStore names a broken store to run the kit on, in a separate process:
// the kit's verdict on it is a failed test.
const brokenStore = "JOVEPAY_TEST_BROKEN_STORE"

// The kit is worth what it finds: each store breaks one promise, and the
// subtests that it must not pass are named.
func TestFindsWhatIsBroken(t *testing.T) {
	t.Parallel()
	if os.Getenv(brokenStore) != "" {
		t.Skip("only the broken store is tested")
	}
	for name, breakage := range breakages() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fails := strings.Fields(breakage.fails)
			test := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestBrokenStore$/^("+strings.Join(fails, "|")+")$", "-test.v")
			test.Env = append(os.Environ(), brokenStore+"="+name)
			out, err := test.CombinedOutput()
			require.Error(t, err, "the broken store passes:\n%s", out)
			for _, subtest := range fails {
				assert.Contains(t, string(out), "--- FAIL: TestBrokenStore/"+subtest+" ", "%.10000s", out)
			}
		})
	}
}

func TestBrokenStore(t *testing.T) {
	t.Parallel()
	name := os.Getenv(brokenStore)
	if name == "" {
		t.Skip("run by TestFindsWhatIsBroken")
	}
	breakage, ok := breakages()[name]
	require.True(t, ok, name)
	orderstest.Run(t, func(*testing.T) orderstest.Harness[*tx] { return harness(breakage.apply) })
}

func harness(spoil func(*broken)) orderstest.Harness[*tx] {
	sound := new(shop)
	b := &broken{Store: sound}
	h := orderstest.Harness[*tx]{
		Store: b, Other: new(shop), Begin: b.begin, Write: write, Written: sound.written, SetCreated: sound.setCreated,
		Cut:       func(_ context.Context, t *tx) error { t.cut = true; return nil },
		CutCommit: func(_ context.Context, t *tx, received bool) error { t.cut, t.late = !received, received; return nil },
	}
	spoil(b)
	if b.other != nil {
		h.Other = b.other
	}
	return h
}

type (
	record = orders.Record
	change = orders.Change
	scope  = orders.Scope
	work   = orders.Work[*tx]
)

// shop is an orders.Memory with transactions of the shop.
type shop struct {
	orders.Memory
	mu      sync.Mutex
	notes   []string
	created map[string]time.Time // that differ
}

// tx is a transaction of the shop.
type tx struct {
	notes     []string
	joined    map[string]*joined
	cut, late bool // the connection breaks before, or during the commit
}

var errCut = errors.New("connection lost")

func write(_ context.Context, t *tx, note string) error {
	t.notes = append(t.notes, note)
	return nil
}

func (s *shop) written(context.Context) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.notes), nil
}

func (s *shop) keep(t *tx) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notes = append(s.notes, t.notes...)
}

func (s *shop) setCreated(_ context.Context, id string, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.created == nil {
		s.created = map[string]time.Time{}
	}
	s.created[id] = at
	return nil
}

func (s *shop) correct(row *orders.OrderRow) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, ok := s.created[row.ID]; ok {
		row.Created = at
	}
}

func (s *shop) Load(ctx context.Context, id string) (*record, error) {
	r, err := s.Memory.Load(ctx, id)
	if err == nil && r.Order != nil {
		s.correct(r.Order)
	}
	return r, err
}

func (s *shop) Orders(ctx context.Context, q orders.OrderQuery) ([]orders.OrderRow, error) {
	rows, err := s.Memory.Orders(ctx, orders.OrderQuery{States: q.States, Limit: 1000})
	for i := range rows {
		s.correct(&rows[i])
	}
	compare := func(a, b orders.OrderRow) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	}
	rows = slices.DeleteFunc(rows, func(o orders.OrderRow) bool {
		return o.Created.Before(q.From) || !q.To.IsZero() && !o.Created.Before(q.To) ||
			q.AfterID != "" && compare(o, orders.OrderRow{ID: q.AfterID, Created: q.AfterCreated}) <= 0
	})
	slices.SortFunc(rows, compare)
	return rows[:min(len(rows), q.Limit)], err
}

func (s *shop) Update(ctx context.Context, sc scope, w work) error {
	t := new(tx)
	err := s.Memory.Update(ctx, sc, func(ctx context.Context, _ inbox.NoTx, r *record) (*change, error) {
		c, err := w(ctx, t, r)
		if err == nil && t.cut {
			err = errCut
		}
		return c, err
	})
	if err != nil {
		return err
	}
	s.keep(t)
	if t.late {
		return errCut
	}
	return nil
}

// joined is an order that a transaction of the shop holds: a call of Update that
// ends with the transaction.
type joined struct {
	record *record
	total  change
	end    chan error // nil to commit
	done   chan error
}

func (s *shop) begin(t *tx) (commit, rollback func() error) {
	end := func(how error) error {
		for _, j := range t.joined {
			j.end <- how
			if err := <-j.done; !errors.Is(err, how) {
				return err
			}
		}
		if how == nil {
			s.keep(t)
		}
		return nil
	}
	return func() error { return end(nil) }, func() error { return end(errCut) }
}

func (s *shop) Join(ctx context.Context, t *tx, sc scope, w work) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j := t.joined[sc.OrderID]
	if j == nil {
		var err error
		if j, err = s.hold(ctx, sc); err != nil {
			return err
		}
		if t.joined == nil {
			t.joined = map[string]*joined{}
		}
		t.joined[sc.OrderID] = j
	}
	r := *j.record
	r.Parts = slices.Clone(r.Parts)
	if r.Order != nil {
		order := *r.Order
		r.Order = &order
	}
	r.Located = s.locate(ctx, t, sc.Payments)
	c, err := w(ctx, t, &r)
	if err == nil && c != nil {
		j.write(c)
	}
	return err
}

// hold begins the Update that holds an order.
func (s *shop) hold(ctx context.Context, sc scope) (*joined, error) {
	sc.Entry = inbox.Entry{}
	j := &joined{end: make(chan error, 1), done: make(chan error, 1)}
	started := make(chan struct{})
	// The order is held after the Join has returned and its context has ended.
	held, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer giveUp()
		j.done <- s.Memory.Update(held, sc, func(_ context.Context, _ inbox.NoTx, r *record) (*change, error) {
			j.record = r
			close(started)
			return &j.total, <-j.end
		})
	}()
	select {
	case <-started:
		return j, nil
	case <-ctx.Done():
		giveUp()
		j.end <- errCut
		return nil, errors.Join(ctx.Err(), <-j.done)
	}
}

func (s *shop) locate(ctx context.Context, t *tx, payments []jovepay.ID) map[jovepay.ID]string {
	located, _ := s.Locate(ctx, payments...)
	for id, j := range t.joined {
		for _, p := range j.total.Parts {
			if payment := jovepay.ID(p.ID); p.Kind == orders.PartPayment && slices.Contains(payments, payment) {
				located[payment] = id
			}
		}
	}
	return located
}

// write adds a change to what the transaction will commit, and to what its next
// Join of the order sees.
func (j *joined) write(c *change) {
	if c.Order != nil {
		j.total.Order = c.Order
		row := j.record.Order
		row.State, row.Due, row.Doc, row.Version = c.Order.State, c.Order.Due, c.Order.Doc, row.Version+1
	}
	j.total.Parts = replace(j.total.Parts, c.Parts)
	j.record.Parts = replace(j.record.Parts, c.Parts)
	j.total.Lines = append(j.total.Lines, c.Lines...)
	j.total.Notes = append(j.total.Notes, c.Notes...)
}

func replace(parts, with []orders.Part) []orders.Part {
	parts = slices.Concat(slices.DeleteFunc(slices.Clone(parts), func(p orders.Part) bool {
		return slices.ContainsFunc(with, func(o orders.Part) bool { return o.Kind == p.Kind && o.ID == p.ID })
	}), with)
	slices.SortFunc(parts, func(a, b orders.Part) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID)) })
	return parts
}

// broken is a store that breaks one promise. What is nil is sound.
type broken struct {
	orders.Store[*tx]
	other orders.Store[*tx]

	id     func(string) string                                                  // spoils the ids of orders
	change func(r *record, c *change) *change                                   // spoils what work returns
	record func(r *record)                                                      // spoils what is loaded
	lines  func(lines []orders.LineRow) []orders.LineRow                        // spoils a page
	update func(ctx context.Context, s scope, w work) error                     // replaces Update
	join   func(ctx context.Context, t *tx, s scope, w work) error              // replaces Join
	load   func(ctx context.Context, id string) (*record, error)                // replaces Load
	locate func(ids []jovepay.ID) []jovepay.ID                                  // spoils the arguments of Locate
	query  func(o *orders.OrderQuery, p *orders.PartQuery, l *orders.LineQuery) // spoils queries; two of the three are nil
	due    func(ctx context.Context, limit int) ([]string, error)               // replaces Due
	lookup func(ctx context.Context, e inbox.Entry) (inbox.Outcome, error)
	lease  func(ctx context.Context, name, holder string, d time.Duration) (bool, error)
}

func (b *broken) shop() *shop { return b.Store.(*shop) }

func (b *broken) begin(context.Context) (t *tx, commit, rollback func() error, err error) {
	t = new(tx)
	commit, rollback = b.shop().begin(t)
	return t, commit, rollback, nil
}

func (b *broken) named(id string) string {
	if b.id == nil {
		return id
	}
	return b.id(id)
}

func (b *broken) spoiled(w work) work {
	return func(ctx context.Context, t *tx, r *record) (*change, error) {
		if b.record != nil {
			b.record(r)
		}
		loaded := *r
		c, err := w(ctx, t, r)
		if c != nil && b.change != nil {
			c = b.change(&loaded, c)
		}
		return c, err
	}
}

func (b *broken) Update(ctx context.Context, s scope, w work) error {
	s.OrderID = b.named(s.OrderID)
	if b.update != nil {
		return b.update(ctx, s, w)
	}
	return b.Store.Update(ctx, s, b.spoiled(w))
}

func (b *broken) Join(ctx context.Context, t *tx, s scope, w work) error {
	s.OrderID = b.named(s.OrderID)
	if b.join != nil {
		return b.join(ctx, t, s, w)
	}
	return b.Store.Join(ctx, t, s, b.spoiled(w))
}

func (b *broken) Load(ctx context.Context, id string) (*record, error) {
	id = b.named(id)
	if b.load != nil {
		return b.load(ctx, id)
	}
	r, err := b.Store.Load(ctx, id)
	if err == nil && b.record != nil {
		b.record(r)
	}
	return r, err
}

func (b *broken) Locate(ctx context.Context, ids ...jovepay.ID) (map[jovepay.ID]string, error) {
	if b.locate != nil {
		ids = b.locate(ids)
	}
	return b.Store.Locate(ctx, ids...)
}

func (b *broken) Lookup(ctx context.Context, e inbox.Entry) (inbox.Outcome, error) {
	if b.lookup != nil {
		return b.lookup(ctx, e)
	}
	return b.Store.Lookup(ctx, e)
}

func (b *broken) Orders(ctx context.Context, q orders.OrderQuery) ([]orders.OrderRow, error) {
	if b.query != nil {
		b.query(&q, nil, nil)
	}
	return b.Store.Orders(ctx, q)
}

func (b *broken) Parts(ctx context.Context, q orders.PartQuery) ([]orders.Part, error) {
	if b.query != nil {
		b.query(nil, &q, nil)
	}
	return b.Store.Parts(ctx, q)
}

func (b *broken) Lines(ctx context.Context, q orders.LineQuery) ([]orders.LineRow, error) {
	q.OrderID = b.named(q.OrderID)
	if b.query != nil {
		b.query(nil, nil, &q)
	}
	lines, err := b.Store.Lines(ctx, q)
	if b.lines != nil {
		lines = b.lines(lines)
	}
	return lines, err
}

func (b *broken) History(ctx context.Context, id string) ([]orders.Note, error) {
	return b.Store.History(ctx, b.named(id))
}

func (b *broken) Due(ctx context.Context, limit int) ([]string, error) {
	if b.due != nil {
		return b.due(ctx, limit)
	}
	return b.Store.Due(ctx, limit)
}

func (b *broken) Acquire(ctx context.Context, name, holder string, d time.Duration) (bool, error) {
	if b.lease != nil {
		return b.lease(ctx, name, holder, d)
	}
	return b.Store.Acquire(ctx, name, holder, d)
}

// breakage is a way to break a store, and the subtests that must find it.
type breakage struct {
	fails string
	apply func(b *broken)
}

func breakages() map[string]breakage {
	all := map[string]breakage{}
	for _, some := range []map[string]breakage{inKeeping(), inUpdate(), inFailure(), inWaiting(), inJoin(), inReading(), inLeases()} {
		maps.Copy(all, some)
	}
	return all
}

// inKeeping are mistakes of columns.
func inKeeping() map[string]breakage {
	ids := func(spoil func(string) string) func(*broken) { return func(b *broken) { b.id = spoil } }
	docs := func(spoil func([]byte) []byte) func(*broken) {
		return func(b *broken) {
			b.change = func(_ *record, c *change) *change {
				if c.Order != nil {
					c.Order.Doc = spoil(c.Order.Doc)
				}
				for i := range c.Parts {
					c.Parts[i].Doc = spoil(c.Parts[i].Doc)
				}
				return c
			}
		}
	}
	times := func(spoil func(time.Time) time.Time) func(*broken) {
		return func(b *broken) {
			b.record = func(r *record) {
				if r.Order != nil {
					r.Order.Due, r.Order.Created = spoil(r.Order.Due), spoil(r.Order.Created)
				}
				for i := range r.Parts {
					r.Parts[i].At = spoil(r.Parts[i].At)
				}
			}
		}
	}
	amounts := func(spoil func(jovepay.Amount) jovepay.Amount) func(*broken) {
		return func(b *broken) {
			b.lines = func(lines []orders.LineRow) []orders.LineRow {
				for i := range lines {
					lines[i].Amount = spoil(lines[i].Amount)
				}
				return lines
			}
		}
	}
	return map[string]breakage{
		"ignores case":        {"BinaryIDs", ids(strings.ToLower)},
		"ignores spaces":      {"BinaryIDs", ids(func(id string) string { return strings.TrimRight(id, " ") })},
		"normalizes":          {"BinaryIDs", ids(strings.NewReplacer("e\u0301", "\u00e9").Replace)},
		"cuts ids":            {"BinaryIDs", ids(func(id string) string { return id[:min(len(id), 254)] })},
		"unescapes":           {"BinaryIDs", ids(strings.NewReplacer(`\\`, `\`).Replace)},
		"drops controls":      {"BinaryIDs", ids(func(id string) string { return strings.TrimLeft(id, "\u0001") })},
		"compacts docs":       {"Docs", docs(func(doc []byte) []byte { return bytes.ReplaceAll(doc, []byte(": "), []byte(":")) })},
		"cuts docs":           {"Docs", docs(func(doc []byte) []byte { return doc[:min(len(doc), 1<<16-1)] })},
		"keeps milliseconds":  {"Times", times(func(t time.Time) time.Time { return t.Truncate(time.Millisecond) })},
		"returns local times": {"Times", times(time.Time.Local)},
		"ignores zones":       {"Times", times(func(t time.Time) time.Time { return t.Add(time.Hour) })},
		"adds up in a float": {"Amounts", amounts(func(a jovepay.Amount) jovepay.Amount {
			f, _ := strconv.ParseFloat(a.String(), 64)
			return jovepay.MustAmount(strconv.FormatFloat(f, 'g', -1, 64))
		})},
		"normalizes amounts":   {"Amounts", amounts(func(a jovepay.Amount) jovepay.Amount { return jovepay.NewAmount(a.Decimal()) })},
		"returns what it has":  {"Own", returnsWhatItHas},
		"pads ids of payments": {"PartIDs", func(b *broken) { b.locate = trimmed }},
	}
}

// trimmed compares as a padded column does.
func trimmed(ids []jovepay.ID) []jovepay.ID {
	ids = slices.Clone(ids)
	for i, id := range ids {
		ids[i] = jovepay.ID(strings.TrimRight(string(id), " "))
	}
	return ids
}

func returnsWhatItHas(b *broken) {
	var mu sync.Mutex
	cache := map[string]*record{}
	b.load = func(ctx context.Context, id string) (*record, error) {
		mu.Lock()
		defer mu.Unlock()
		if cache[id] == nil {
			r, err := b.Store.Load(ctx, id)
			if err != nil {
				return nil, err
			}
			cache[id] = r
		}
		return cache[id], nil
	}
}

// inUpdate are mistakes of statements.
func inUpdate() map[string]breakage {
	changes := func(spoil func(r *record, c *change) *change) func(*broken) {
		return func(b *broken) { b.change = spoil }
	}
	records := func(spoil func(r *record)) func(*broken) { return func(b *broken) { b.record = spoil } }
	scopes := func(spoil func(s *scope)) func(*broken) {
		return func(b *broken) {
			b.update = func(ctx context.Context, s scope, w work) error {
				spoil(&s)
				return b.Store.Update(ctx, s, w)
			}
		}
	}
	return map[string]breakage{
		"creates always":   {"Create NothingToChange", scopes(func(s *scope) { s.Create = true })},
		"creates never":    {"Create CreateOnce", scopes(func(s *scope) { s.Create = false })},
		"records nothing":  {"Outcomes EntryOnce NoOrder NothingToChange", scopes(func(s *scope) { s.Entry = inbox.Entry{} })},
		"knows no subject": {"Outcomes NoOrder EntryWaits", scopes(func(s *scope) { s.Entry.Subject += s.Entry.Key })},
		"knows only keys":  {"Outcomes", scopes(func(s *scope) { s.Entry.Position = s.Entry.Key })},
		"locates nothing":  {"Locates UnknownIDs NoOrder", scopes(func(s *scope) { s.Payments = nil })},
		"locates one":      {"Locates", scopes(func(s *scope) { s.Payments = s.Payments[:min(len(s.Payments), 1)] })},
		"knows no duplicates": {"Outcomes EntryOnce", records(func(r *record) {
			if r.Outcome == inbox.Duplicate {
				r.Outcome = inbox.Outdated
			}
		})},
		"skips duplicates": {"Outcomes", func(b *broken) {
			b.update = func(ctx context.Context, s scope, w work) error {
				return b.Store.Update(ctx, s, func(ctx context.Context, t *tx, r *record) (*change, error) {
					if r.Outcome == inbox.Duplicate {
						return nil, nil
					}
					return w(ctx, t, r)
				})
			}
		}},
		"records only with a change": {"NothingToChange NoOrder", func(b *broken) {
			b.update = func(ctx context.Context, s scope, w work) error {
				err := b.Store.Update(ctx, s, func(ctx context.Context, t *tx, r *record) (*change, error) {
					c, err := w(ctx, t, r)
					if c == nil && err == nil {
						err = errCut
					}
					return c, err
				})
				if errors.Is(err, errCut) {
					return nil
				}
				return err
			}
		}},
		"sorts parts by id": {"Replaces", records(func(r *record) {
			slices.SortFunc(r.Parts, func(a, b orders.Part) int { return cmp.Compare(a.ID, b.ID) })
		})},
		"loads only what is open": {"Replaces PartIDs", records(func(r *record) { r.Parts = slices.DeleteFunc(r.Parts, func(p orders.Part) bool { return !p.Open }) })},
		"counts no versions": {"Changes Once", records(func(r *record) {
			if r.Order != nil {
				r.Order.Version = 1
			}
		})},
		"writes an empty order": {"Changes NothingToChange", changes(func(_ *record, c *change) *change {
			if c.Order == nil {
				c.Order = new(orders.OrderRow)
			}
			return c
		})},
		"forgets due": {"Times Changes Due", changes(func(r *record, c *change) *change {
			if c.Order != nil && c.Order.Due.IsZero() && r.Order != nil {
				c.Order.Due = r.Order.Due
			}
			return c
		})},
		"never replaces": {"Replaces Once", changes(func(r *record, c *change) *change {
			c.Parts = slices.DeleteFunc(slices.Clone(c.Parts), func(p orders.Part) bool {
				return slices.ContainsFunc(r.Parts, func(o orders.Part) bool { return o.Kind == p.Kind && o.ID == p.ID })
			})
			return c
		})},
		"writes a hundred": {"ManyRows", changes(func(_ *record, c *change) *change { c.Lines = c.Lines[:min(len(c.Lines), 100)]; return c })},
		"writes backwards": {"Appends ManyRows", changes(func(_ *record, c *change) *change {
			backwards := *c
			backwards.Lines, backwards.Notes = slices.Clone(c.Lines), slices.Clone(c.Notes)
			slices.Reverse(backwards.Lines)
			slices.Reverse(backwards.Notes)
			return &backwards
		})},
		"loses changes of missing orders": {"MissingOrder", func(b *broken) {
			b.update = func(ctx context.Context, s scope, w work) error {
				err := b.Store.Update(ctx, s, w)
				if err != nil && strings.Contains(err.Error(), "missing order") {
					return nil
				}
				return err
			}
		}},
		"lets payments move": {"OneOrderOnly", func(b *broken) {
			b.update = func(ctx context.Context, s scope, w work) error {
				err := b.Store.Update(ctx, s, w)
				if err != nil && strings.Contains(err.Error(), "another order") {
					return nil
				}
				return err
			}
		}},
	}
}

// inFailure are mistakes of transactions.
func inFailure() map[string]breakage {
	twice := func(ctx context.Context, b *broken, s scope, w work, first func(c *change) *change) error {
		var c *change
		err := b.Store.Update(ctx, s, func(ctx context.Context, t *tx, r *record) (_ *change, err error) {
			c, err = w(ctx, t, r)
			return c, err
		})
		if err != nil && c != nil {
			s.Create = true
			_ = b.Store.Update(context.WithoutCancel(ctx), s, func(context.Context, *tx, *record) (*change, error) { return first(c), nil })
		}
		return err
	}
	partly := func(part func(c *change) *change) func(*broken) {
		return func(b *broken) {
			b.update = func(ctx context.Context, s scope, w work) error { return twice(ctx, b, s, w, part) }
		}
	}
	return map[string]breakage{
		"writes after failure":     {"Failure ContextEnds LostConnection UnknownCommit", partly(func(c *change) *change { return c })},
		"keeps some after failure": {"Failure UnknownCommit", partly(func(c *change) *change { return &change{Notes: c.Notes} })},
		"keeps only the entry":     {"Failure LostConnection UnknownCommit", partly(func(*change) *change { return nil })},
		"records too early": {"Failure Panic ContextEnds", func(b *broken) {
			b.update = func(ctx context.Context, s scope, w work) error {
				if err := b.Store.Update(ctx, scope{Entry: s.Entry}, func(context.Context, *tx, *record) (*change, error) { return nil, nil }); err != nil {
					return err
				}
				return b.Store.Update(ctx, s, w)
			}
		}},
		"keeps failed writes of the shop": {"Failure Panic ContextEnds LostConnection UnknownCommit", func(b *broken) {
			b.update = func(ctx context.Context, s scope, w work) (err error) {
				var last *tx
				defer func() {
					if last != nil && (err != nil && !last.late || last.cut) {
						b.shop().keep(last)
					}
				}()
				err = errShop
				return b.Store.Update(ctx, s, func(ctx context.Context, t *tx, r *record) (*change, error) {
					last = t
					return w(ctx, t, r)
				})
			}
		}},
		"loses writes of the shop": {"Create Once", func(b *broken) {
			b.update = func(ctx context.Context, s scope, w work) error {
				return b.Store.Update(ctx, s, func(ctx context.Context, t *tx, r *record) (*change, error) {
					c, err := w(ctx, t, r)
					t.notes = nil
					return c, err
				})
			}
		}},
		"hides errors": {"Failure ContextEnds", func(b *broken) {
			b.update = func(ctx context.Context, s scope, w work) error {
				if err := b.Store.Update(ctx, s, w); err != nil {
					return errors.New("update failed")
				}
				return nil
			}
		}},
		"hides lost connections": {"LostConnection UnknownCommit", func(b *broken) {
			b.update = func(ctx context.Context, s scope, w work) error {
				if err := b.Store.Update(ctx, s, w); !errors.Is(err, errCut) {
					return err
				}
				return nil
			}
		}},
		"swallows panics": {"Panic", func(b *broken) {
			b.update = func(ctx context.Context, s scope, w work) error {
				defer func() { _ = recover() }()
				return b.Store.Update(ctx, s, w)
			}
		}},
		"ignores contexts": {"ContextEnded ContextEnds", func(b *broken) {
			b.update = func(ctx context.Context, s scope, w work) error {
				return b.Store.Update(context.WithoutCancel(ctx), s, w)
			}
			b.due = func(ctx context.Context, limit int) ([]string, error) {
				return b.Store.Due(context.WithoutCancel(ctx), limit)
			}
		}},
	}
}

var errShop = errors.New("not returned")

// inWaiting are mistakes of locks.
func inWaiting() map[string]breakage {
	return map[string]breakage{
		"does not wait": {"Once CreateOnce Waits", func(b *broken) {
			b.update = func(ctx context.Context, s scope, w work) error {
				r, err := b.Store.Load(ctx, s.OrderID)
				if err != nil {
					return err
				}
				if r.Order == nil && s.Create {
					r.Order = &orders.OrderRow{ID: s.OrderID}
				}
				t := new(tx)
				c, err := w(ctx, t, r)
				if err != nil {
					return err
				}
				return b.Store.Update(ctx, s, func(_ context.Context, other *tx, _ *record) (*change, error) {
					other.notes = t.notes
					return c, nil
				})
			}
		}},
		"waits forever": {"Waits", func(b *broken) {
			var turns sync.Map
			b.update = func(ctx context.Context, s scope, w work) error {
				turn, _ := turns.LoadOrStore(s.OrderID, new(sync.Mutex))
				turn.(*sync.Mutex).Lock()
				defer turn.(*sync.Mutex).Unlock()
				return b.Store.Update(ctx, s, w)
			}
		}},
		"has one lock for all": {"Frozen", func(b *broken) {
			turn := make(chan struct{}, 1)
			b.update = func(ctx context.Context, s scope, w work) error {
				select {
				case turn <- struct{}{}:
					defer func() { <-turn }()
				case <-ctx.Done():
					return ctx.Err()
				}
				return b.Store.Update(ctx, s, w)
			}
		}},
		"locks to read": {"Frozen", func(b *broken) {
			b.load = func(ctx context.Context, id string) (found *record, err error) {
				err = b.Store.Update(ctx, scope{OrderID: id}, func(_ context.Context, _ *tx, r *record) (*change, error) {
					found = r
					return nil, nil
				})
				return found, err
			}
		}},
		"waits to look up": {"Frozen", func(b *broken) {
			b.lookup = func(ctx context.Context, e inbox.Entry) (outcome inbox.Outcome, err error) {
				err = b.Store.Update(ctx, scope{Entry: e}, func(_ context.Context, _ *tx, r *record) (*change, error) {
					if outcome = r.Outcome; outcome == inbox.Applied {
						outcome = inbox.Pending
						return nil, errCut
					}
					return nil, nil
				})
				if errors.Is(err, errCut) {
					err = nil
				}
				return outcome, err
			}
		}},
		"has parts from before the lock":    {"Once CreateOnce Waits", fromBefore(func(before, r *record) { r.Parts = before.Parts })},
		"has the time from before the lock": {"Now", fromBefore(func(before, r *record) { r.Now = before.Now })},
	}
}

// fromBefore loads before it locks.
func fromBefore(mix func(before, r *record)) func(*broken) {
	return func(b *broken) {
		b.update = func(ctx context.Context, s scope, w work) error {
			before, err := b.Store.Load(ctx, s.OrderID)
			if err != nil {
				return err
			}
			return b.Store.Update(ctx, s, func(ctx context.Context, t *tx, r *record) (*change, error) {
				mix(before, r)
				return w(ctx, t, r)
			})
		}
	}
}

func inJoin() map[string]breakage {
	return map[string]breakage{
		"joins nothing": {"JoinRollsBack JoinWaits", func(b *broken) {
			b.join = func(ctx context.Context, t *tx, s scope, w work) error {
				s.Entry = inbox.Entry{}
				return b.shop().Memory.Update(ctx, s, func(ctx context.Context, _ inbox.NoTx, r *record) (*change, error) { return w(ctx, t, r) })
			}
		}},
		"joins with the entry": {"Join", func(b *broken) {
			b.join = func(ctx context.Context, t *tx, s scope, w work) error {
				if err := b.Store.Update(ctx, scope{Entry: s.Entry}, func(context.Context, *tx, *record) (*change, error) { return nil, nil }); err != nil {
					return err
				}
				return b.Store.Join(ctx, t, s, w)
			}
		}},
		"joins without a lock": {"JoinWaits JoinOnce", func(b *broken) {
			b.join = func(ctx context.Context, t *tx, s scope, w work) error {
				r, err := b.Store.Load(ctx, s.OrderID)
				if err != nil {
					return err
				}
				if r.Order == nil && s.Create {
					r.Order = &orders.OrderRow{ID: s.OrderID}
				}
				c, err := w(ctx, t, r)
				if err != nil {
					return err
				}
				return b.Store.Join(ctx, t, s, func(context.Context, *tx, *record) (*change, error) { return c, nil })
			}
		}},
		"joins with what is committed": {"JoinTwice", func(b *broken) {
			b.join = func(ctx context.Context, t *tx, s scope, w work) error {
				return b.Store.Join(ctx, t, s, func(ctx context.Context, t *tx, r *record) (*change, error) {
					committed, err := b.Store.Load(ctx, s.OrderID)
					if err != nil {
						return nil, err
					}
					if committed.Order != nil {
						r.Order, r.Parts = committed.Order, committed.Parts
					}
					return w(ctx, t, r)
				})
			}
		}},
		"joins and hides errors": {"JoinFails", func(b *broken) {
			b.join = func(ctx context.Context, t *tx, s scope, w work) error {
				if err := b.Store.Join(ctx, t, s, w); err != nil {
					return errors.New("join failed")
				}
				return nil
			}
		}},
	}
}

func inReading() map[string]breakage {
	queries := func(spoil func(o *orders.OrderQuery, p *orders.PartQuery, l *orders.LineQuery)) func(*broken) {
		return func(b *broken) {
			b.query = func(o *orders.OrderQuery, p *orders.PartQuery, l *orders.LineQuery) {
				spoil(cmp.Or(o, new(orders.OrderQuery)), cmp.Or(p, new(orders.PartQuery)), cmp.Or(l, new(orders.LineQuery)))
			}
		}
	}
	const last = "\U0010ffff\U0010ffff" // sorts after all ids
	return map[string]breakage{
		"pages orders by time": {"Orders", queries(func(o *orders.OrderQuery, _ *orders.PartQuery, _ *orders.LineQuery) {
			if o.AfterID != "" {
				o.AfterID = last
			}
		})},
		"pages orders by id": {"Orders", queries(func(o *orders.OrderQuery, _ *orders.PartQuery, _ *orders.LineQuery) {
			if o.AfterID != "" {
				o.AfterCreated = time.Time{}
			}
		})},
		"repeats orders": {"Orders", queries(func(o *orders.OrderQuery, _ *orders.PartQuery, _ *orders.LineQuery) {
			o.AfterCreated = o.AfterCreated.Add(-time.Microsecond)
		})},
		"pages parts by time": {"Parts BinaryIDs", queries(func(_ *orders.OrderQuery, p *orders.PartQuery, _ *orders.LineQuery) {
			if p.After != nil {
				p.After = &orders.Part{At: p.After.At, OrderID: last}
			}
		})},
		"pages parts by order": {"Parts", queries(func(_ *orders.OrderQuery, p *orders.PartQuery, _ *orders.LineQuery) {
			if p.After != nil {
				p.After = &orders.Part{At: p.After.At, OrderID: p.After.OrderID, ID: last}
			}
		})},
		"pages lines by time": {"Lines", queries(func(_ *orders.OrderQuery, _ *orders.PartQuery, l *orders.LineQuery) {
			if l.After != nil {
				l.After = &orders.LineRow{At: l.After.At, Seq: 1 << 62}
			}
		})},
		"pages lines by seq": {"Lines", queries(func(_ *orders.OrderQuery, _ *orders.PartQuery, l *orders.LineQuery) {
			if l.After != nil {
				l.From = l.After.At
			}
			l.After = nil
		})},
		"ignores states": {"Orders", queries(func(o *orders.OrderQuery, _ *orders.PartQuery, _ *orders.LineQuery) { o.States = nil })},
		"ignores kinds":  {"Parts", queries(func(_ *orders.OrderQuery, p *orders.PartQuery, _ *orders.LineQuery) { p.Kind = orders.PartIntent })},
		"ignores open":   {"Parts", queries(func(_ *orders.OrderQuery, p *orders.PartQuery, _ *orders.LineQuery) { p.Open = false })},
		"ignores bounds": {"Orders Parts Lines", queries(func(o *orders.OrderQuery, p *orders.PartQuery, l *orders.LineQuery) {
			o.From, p.Before, l.To = time.Time{}, time.Time{}, time.Time{}
		})},
		"includes the end": {"Orders Parts Lines", queries(func(o *orders.OrderQuery, p *orders.PartQuery, l *orders.LineQuery) {
			for _, t := range []*time.Time{&o.To, &p.Before, &l.To} {
				if !t.IsZero() {
					*t = t.Add(time.Microsecond)
				}
			}
		})},
		"excludes the start": {"Orders Lines", queries(func(o *orders.OrderQuery, _ *orders.PartQuery, l *orders.LineQuery) {
			for _, t := range []*time.Time{&o.From, &l.From} {
				if !t.IsZero() {
					*t = t.Add(time.Microsecond)
				}
			}
		})},
		"has all lines of all orders": {"Lines BinaryIDs", queries(func(_ *orders.OrderQuery, _ *orders.PartQuery, l *orders.LineQuery) { l.OrderID = "" })},
		"has no limit": {"Orders Parts Lines", queries(func(o *orders.OrderQuery, p *orders.PartQuery, l *orders.LineQuery) {
			o.Limit, p.Limit, l.Limit = 1000, 1000, 1000
		})},
		"is never due": {"Due Frozen", func(b *broken) { b.due = func(context.Context, int) ([]string, error) { return nil, nil } }},
		"has the least overdue first": {"Due", func(b *broken) {
			b.due = func(ctx context.Context, limit int) ([]string, error) {
				ids, err := b.Store.Due(ctx, 1000)
				slices.Reverse(ids)
				return ids[:min(len(ids), limit)], err
			}
		}},
		"has one account": {"Accounts Frozen", func(b *broken) { b.other = b.Store }},
	}
}

func inLeases() map[string]breakage {
	leases := func(acquire func(ctx context.Context, b *broken, name, holder string, d time.Duration) (bool, error)) func(*broken) {
		return func(b *broken) {
			b.lease = func(ctx context.Context, name, holder string, d time.Duration) (bool, error) {
				return acquire(ctx, b, name, holder, d)
			}
		}
	}
	return map[string]breakage{
		"gives leases to all":    {"Lease LeaseOnce LeaseExpires", leases(func(context.Context, *broken, string, string, time.Duration) (bool, error) { return true, nil })},
		"gives leases to nobody": {"Lease LeaseOnce LeaseExpires", leases(func(context.Context, *broken, string, string, time.Duration) (bool, error) { return false, nil })},
		"has one lease": {"Lease", leases(func(ctx context.Context, b *broken, _, holder string, d time.Duration) (bool, error) {
			return b.Store.Acquire(ctx, "", holder, d)
		})},
		"has leases forever": {"LeaseOnce LeaseExpires", leases(func(ctx context.Context, b *broken, name, holder string, d time.Duration) (bool, error) {
			return b.Store.Acquire(ctx, name, holder, d+time.Hour)
		})},
		"has leases too short": {"LeaseExpires", leases(func(ctx context.Context, b *broken, name, holder string, d time.Duration) (bool, error) {
			return b.Store.Acquire(ctx, name, holder, d/2)
		})},
		"gives up no leases": {"Lease", leases(func(ctx context.Context, b *broken, name, holder string, d time.Duration) (bool, error) {
			return b.Store.Acquire(ctx, name, holder, max(d, time.Minute))
		})},
		"extends no leases": {"Lease", leases(func(ctx context.Context, b *broken, name, holder string, d time.Duration) (bool, error) {
			return b.Store.Acquire(ctx, name, fmt.Sprint(holder, time.Now()), d)
		})},
	}
}
