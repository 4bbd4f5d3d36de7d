package orders

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
)

// agreed are the terms of the order in these tests: 49.99 usd. It is paid with 50
// trx (payment 1001) or 0.002 btc (payment 1002).
func agreed() *Terms {
	return &Terms{OrderID: "order-1", PriceAmount: jovepay.MustAmount("49.99"), PriceCurrency: "usd"}
}

// news is a report of a payment of the order.
type news func(*jovepay.Payment)

// reported returns news of a payment that asks for 50 trx, or 0.002 btc if it is
// 1002. An amount of "" is not reported.
func reported(id jovepay.ID, status jovepay.PaymentStatus, paid string, changes ...news) jovepay.Payment {
	p := jovepay.Payment{
		ID: id, OrderID: "order-1", Status: status, PriceAmount: jovepay.MustAmount("49.99"), PriceCurrency: "usd",
		PayAmount: jovepay.MustAmount("50"), PayCurrency: "trx",
	}
	if id == "1002" {
		p.PayAmount, p.PayCurrency = jovepay.MustAmount("0.002"), "btc"
	}
	if paid != "" {
		p.ActuallyPaid = jovepay.MustAmount(paid)
	}
	for _, change := range changes {
		change(&p)
	}
	return p
}

// childOf makes a payment a further deposit. JovePay reports as its price what its
// coins were worth when they came.
func childOf(parent jovepay.ID) news {
	return func(p *jovepay.Payment) {
		p.ParentPaymentID, p.OriginType, p.PriceAmount = parent, "REPEATED", jovepay.MustAmount("12.5")
	}
}

func inTether(p *jovepay.Payment) { p.PayCurrency = "usdttrc20" }

func returning(part string) news {
	return func(p *jovepay.Payment) { p.Extra = map[string]json.RawMessage{memberRefunded: json.RawMessage(part)} }
}

func unreadableMember(name string) news {
	return func(p *jovepay.Payment) { p.Extra = map[string]json.RawMessage{name: json.RawMessage(`{}`)} }
}

// shelf is an order that hears of payments and fulfills at once, without a store.
type shelf struct {
	t     *testing.T
	rules *rules
	d     *draft
	pic   picture
	fails bool // Fulfill does
	lines map[string]decimal.Decimal
	clock time.Time
}

func strict(t *testing.T, options ...Option) *rules {
	t.Helper()
	s := defaults()
	for _, opt := range options {
		require.NoError(t, opt(&s))
	}
	r, err := s.rules()
	require.NoError(t, err)
	return r
}

func newShelf(t *testing.T, terms *Terms, options ...Option) *shelf {
	t.Helper()
	s := &shelf{t: t, rules: strict(t, options...), lines: map[string]decimal.Decimal{}, clock: time.Unix(1e9, 0).UTC()}
	var err error
	s.d, err = newDraft("order-1", &Record{Now: s.clock})
	require.NoError(t, err)
	s.d.doc.Terms = terms
	s.follow()
	return s
}

// hear records news and does what follows.
func (s *shelf) hear(all ...jovepay.Payment) *shelf {
	s.t.Helper()
	for _, p := range all {
		f, err := factOf(p.Event())
		require.NoError(s.t, err)
		s.d.learn(f, false)
		s.follow()
	}
	return s
}

// follow does what a transaction of the book does after a change.
func (s *shelf) follow() {
	s.t.Helper()
	s.clock = s.clock.Add(time.Second)
	s.d.now = s.clock
	s.pic = s.rules.derive(s.d.known())
	s.pic.discard()
	if s.pic.paid && s.d.doc.Fulfilled.IsZero() && !s.fails {
		s.d.doc.Fulfilled = s.clock
		s.pic = s.rules.derive(s.d.known())
	}
	s.d.pose(&s.pic)
	s.d.lines = nil
	s.d.book(&s.pic)
	for _, l := range s.d.lines {
		key := strings.Join([]string{string(l.PaymentID), l.Coin, string(l.Bucket)}, " ")
		s.lines[key] = s.lines[key].Add(l.Amount.Decimal())
	}
	checkPlaces(s.t, s.d, &s.pic)
	s.checkLines()
}

// checkPlaces checks that each amount is in exactly one place.
func checkPlaces(t *testing.T, d *draft, pic *picture) {
	t.Helper()
	for id, p := range d.payments {
		var sum decimal.Decimal
		seen := map[Bucket]bool{}
		for _, b := range pic.places[id] {
			if seen[b.Bucket] || !b.Amount.Decimal().IsPositive() {
				t.Fatalf("payment %s is in %v", id, pic.places[id])
			}
			seen[b.Bucket] = true
			sum = sum.Add(b.Amount.Decimal())
		}
		v := p.Facts.view()
		if !sum.Equal(v.received()) {
			t.Fatalf("payment %s: %s of %s are in %v", id, sum, v.received(), pic.places[id])
		}
	}
}

// checkLines checks that the lines of the ledger add up to the places.
func (s *shelf) checkLines() {
	s.t.Helper()
	left := maps.Clone(s.lines)
	for id, places := range s.pic.places {
		for _, b := range places {
			key := strings.Join([]string{string(id), b.Coin, string(b.Bucket)}, " ")
			left[key] = left[key].Sub(b.Amount.Decimal())
		}
	}
	for key, rest := range left {
		if !rest.IsZero() {
			s.t.Fatalf("the ledger has %s too much: %s", rest, key)
		}
	}
}

// resolve decides about the only open case, or the one of the kind.
func (s *shelf) resolve(decision Decision, kind CaseKind, amount string) error {
	s.t.Helper()
	for _, id := range sortedKeys(s.d.cases) {
		c := s.d.cases[id]
		if c.Kind != kind || !c.Closed.IsZero() {
			continue
		}
		r := Resolution{Decision: decision, Reason: Reason{By: "Ada", Why: "test"}, Version: c.Version}
		if amount != "" {
			r.Amount = jovepay.MustAmount(amount)
		}
		require.NoError(s.t, r.validate())
		err := s.d.decide(id, r)
		s.follow()
		return err
	}
	return fmt.Errorf("no open case of kind %s: %v", kind, s.outcome())
}

func (s *shelf) accept(kind CaseKind) *shelf {
	s.t.Helper()
	require.NoError(s.t, s.resolve(DecisionAccept, kind, ""))
	return s
}

func (s *shelf) reject(kind CaseKind) *shelf {
	s.t.Helper()
	require.NoError(s.t, s.resolve(DecisionReject, kind, ""))
	return s
}

// giveBack notes that coins were returned by hand.
func (s *shelf) giveBack(kind CaseKind, amount string) *shelf {
	s.t.Helper()
	require.NoError(s.t, s.resolve(DecisionRefunded, kind, amount))
	return s
}

// money writes what is in the buckets, sorted.
func (s *shelf) money() string { return money(s.d.order(&s.pic).Money) }

func money(balances []Balance) string {
	var all []string
	for _, b := range balances {
		text := fmt.Sprintf("%s: %s %s", b.Bucket, b.Amount, b.Coin)
		if b.Assumed {
			text += " (assumed)"
		}
		all = append(all, text)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// open writes the kinds of the open cases, sorted.
func (s *shelf) open() string {
	var kinds []string
	for _, c := range s.d.order(&s.pic).OpenCases() {
		kinds = append(kinds, string(c.Kind))
	}
	slices.Sort(kinds)
	return strings.Join(kinds, ", ")
}

func (s *shelf) shipped() bool { return !s.d.doc.Fulfilled.IsZero() }

// outcome writes everything that must not depend on the order of news.
func (s *shelf) outcome() string { return outcome(&s.pic, s.shipped()) }

func outcome(pic *picture, shipped bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, shipped %t\n", pic.state, shipped)
	for _, id := range sortedKeys(pic.places) {
		fmt.Fprintf(&b, "%s is in %s\n", id, money(pic.places[id]))
	}
	for _, id := range sortedKeys(pic.left) {
		fmt.Fprintf(&b, "%s left %s\n", id, pic.left[id])
	}
	for _, key := range sortedKeys(pic.questions) {
		q := pic.questions[key]
		fmt.Fprintf(&b, "case %s: %s, %s, %q, %v\n", key, q.kind, q.reason, q.accept, q.deposits)
	}
	return b.String()
}

// palette are the facts whose permutations are tested.
func palette() []jovepay.Payment {
	return []jovepay.Payment{
		reported("1001", jovepay.PaymentWaiting, ""),
		reported("1001", jovepay.PaymentConfirming, "50"),
		reported("1001", jovepay.PaymentPartiallyPaid, "30"),
		reported("1001", jovepay.PaymentExpired, ""), // after that, the others are late
		reported("1001", jovepay.PaymentWrongAssetConfirmed, "49", inTether),
		reported("1001", jovepay.PaymentFinished, "50"),
		reported("1001", jovepay.PaymentFinished, "60"),
		reported("1001", jovepay.PaymentRefunded, ""),
		reported("1001", jovepay.PaymentRefunded, "50", returning("20")),
		reported("1002", jovepay.PaymentWaiting, ""),
		reported("1002", jovepay.PaymentConfirming, "0.002"),
		reported("1002", jovepay.PaymentFinished, "0.002"),
		reported("1003", jovepay.PaymentWaiting, "", childOf("1001")),
		reported("1003", jovepay.PaymentFinished, "20", childOf("1001")),
		reported("1004", jovepay.PaymentWrongAssetConfirmed, "49", childOf("1001"), inTether),
		reported("1004", jovepay.PaymentFinished, "48", childOf("1001")), // settled by JovePay's staff
	}
}

// lattice follows every order in which sets of facts can arrive. Orders of the same
// facts that lead to the same records are followed together from there on, so each
// is checked without being walked alone.
type lattice struct {
	t        *testing.T
	rules    *rules
	palette  []jovepay.Payment
	facts    []fact
	merged   map[string]facts          // what is known of a payment, by its text
	after    map[string]string         // that text after one more fact, by both
	pictures map[string]*latticeResult // by what is known of all payments, and whether it was shipped
}

type latticeResult struct {
	pic     picture
	outcome string
}

// place in a lattice: what is known after some facts.
type latticeNode struct {
	known   [4]string // of payments 1001 to 1004
	shipped bool
	clean   bool // payment 1001 finished, and no refund of it was known
}

func newLattice(t *testing.T, palette []jovepay.Payment, options ...Option) *lattice {
	t.Helper()
	l := &lattice{
		t: t, rules: strict(t, options...), palette: palette,
		merged: map[string]facts{"": nil}, after: map[string]string{}, pictures: map[string]*latticeResult{},
	}
	for _, p := range palette {
		f, err := factOf(p.Event())
		require.NoError(t, err)
		l.facts = append(l.facts, f)
	}
	return l
}

func (l *lattice) add(n latticeNode, i int) latticeNode {
	slot := &n.known[l.palette[i].ID[3]-'1']
	key := fmt.Sprint(i, *slot)
	next, ok := l.after[key]
	if !ok {
		merged := l.merged[*slot].add(l.facts[i])
		doc, err := encode(merged)
		require.NoError(l.t, err)
		next = string(doc)
		l.merged[next], l.after[key] = merged, next
	}
	*slot = next
	if l.look(n).pic.paid {
		n.shipped = true
	}
	return n
}

func (l *lattice) look(n latticeNode) *latticeResult {
	key := strings.Join(n.known[:], "\n") + fmt.Sprint(n.shipped)
	r := l.pictures[key]
	if r == nil {
		k := known{orderID: "order-1", terms: agreed(), fulfilled: n.shipped, payments: map[jovepay.ID]view{}}
		d := &draft{payments: map[jovepay.ID]*paymentDoc{}}
		for i, text := range n.known {
			if text != "" {
				id := jovepay.ID(fmt.Sprint(1001 + i))
				k.payments[id] = l.merged[text].view()
				d.payments[id] = &paymentDoc{Facts: l.merged[text]}
			}
		}
		pic := l.rules.derive(k)
		checkPlaces(l.t, d, &pic)
		r = &latticeResult{pic, outcome(&pic, n.shipped)}
		l.pictures[key] = r
	}
	return r
}

// walk visits each set of at most limit facts, with how many permutations lead to
// each end.
func (l *lattice) walk(limit int, step func(latticeNode, int) latticeNode, visit func(set uint, ends map[latticeNode]int)) {
	layer := map[uint]map[latticeNode]int{0: {latticeNode{}: 1}}
	for range limit {
		next := map[uint]map[latticeNode]int{}
		for set, ends := range layer {
			for i := range l.palette {
				bigger := set | 1<<i
				if bigger == set {
					continue
				}
				if next[bigger] == nil {
					next[bigger] = map[latticeNode]int{}
				}
				for end, n := range ends {
					next[bigger][step(end, i)] += n
				}
			}
		}
		for _, set := range slices.Sorted(maps.Keys(next)) {
			visit(set, next[set])
		}
		layer = next
	}
}

// Every permutation of every set of up to six facts gives one state, one ledger
// and the same cases, but for the one exception: if a refund of a payment arrives
// before the news that the payment finished, and nothing else pays, the order is
// never shipped.
func TestPermutations(t *testing.T) {
	t.Parallel()
	l := newLattice(t, palette())
	has := func(set uint, status jovepay.PaymentStatus, id jovepay.ID) bool {
		return slices.ContainsFunc(l.palette, func(p jovepay.Payment) bool {
			i := slices.IndexFunc(l.palette, func(q jovepay.Payment) bool {
				return q.ID == p.ID && q.Status == p.Status && q.ActuallyPaid.Equal(p.ActuallyPaid)
			})
			return p.ID == id && p.Status == status && set&(1<<i) != 0
		})
	}
	seen := map[latticeNode]bool{} // those in which a refund of 1001 is known
	step := func(n latticeNode, i int) latticeNode {
		isRefunded := strings.Contains(n.known[0], `"refunded"`)
		next := l.add(n, i)
		next.clean = n.clean || l.palette[i].ID == "1001" && l.palette[i].Status == jovepay.PaymentFinished && !isRefunded
		seen[next] = true
		return next
	}
	sets, permutations, exceptions := 0, 0, 0
	l.walk(6, step, func(set uint, ends map[latticeNode]int) {
		sets++
		outcomes := map[bool]map[string]bool{true: {}, false: {}}
		bpaid := has(set, jovepay.PaymentFinished, "1002")
		for end, n := range ends {
			permutations += n
			outcomes[end.shipped][l.look(end).outcome] = true
			if !end.shipped && strings.Contains(l.look(end).outcome, string(BucketOrder)+":") {
				t.Fatalf("set %b: coins for an order that is not shipped: %s", set, l.look(end).outcome)
			}
			if end.shipped != (end.clean || bpaid) {
				t.Fatalf("set %b: shipped %t, but 1001 finished unrefunded %t, 1002 finished %t", set, end.shipped, end.clean, bpaid)
			}
		}
		isException := !bpaid && has(set, jovepay.PaymentRefunded, "1001") && has(set, jovepay.PaymentFinished, "1001")
		switch n := len(outcomes[true]) + len(outcomes[false]); {
		case isException && n == 2 && len(outcomes[true]) == 1:
			exceptions++
		case isException || n != 1:
			t.Fatalf("set %b: %d outcomes: %v", set, n, outcomes)
		}
	})
	t.Logf("%d sets, %d permutations, %d states, %d sets with the exception", sets, permutations, len(seen), exceptions)
	assert.Positive(t, exceptions)
	want, all := 0, len(l.palette)
	for size, n := 1, 1; size <= 6; size++ {
		n *= all - size + 1
		want += n
	}
	assert.Equal(t, want, permutations, "every permutation is counted")
}

// A book with a store comes to what TestPermutations says, whatever the order.
func TestPermutationsInABook(t *testing.T) {
	t.Parallel()
	l := newLattice(t, palette())
	client, err := jovepay.NewClient(jovepay.WithAPIKey("key"))
	require.NoError(t, err)
	check := func(order []int) {
		store, shipped := new(Memory), 0
		b, err := New(client, store, Hooks[inbox.NoTx]{Fulfill: func(context.Context, inbox.NoTx, *Order) error { shipped++; return nil }})
		require.NoError(t, err)
		require.NoError(t, b.Place(t.Context(), inbox.NoTx{}, *agreed()))
		var n latticeNode
		for _, i := range order {
			require.NoError(t, b.Handle(t.Context(), l.palette[i].Event()))
			n = l.add(n, i)
			r, err := store.Load(t.Context(), "order-1")
			require.NoError(t, err)
			d, err := newDraft("order-1", r)
			require.NoError(t, err)
			pic := b.derive(d.known())
			want := l.look(n)
			if got := outcome(&pic, shipped == 1); got != want.outcome {
				t.Fatalf("%v: got %s, want %s", order, got, want.outcome)
			}
			if got := storedCases(d); got != askedCases(&want.pic) {
				t.Fatalf("%v: open cases %s, want %s", order, got, askedCases(&want.pic))
			}
		}
		s, err := b.Statement(t.Context(), time.Time{}, time.Time{})
		require.NoError(t, err)
		sums, err := s.Sums(t.Context())
		require.NoError(t, err)
		o, err := b.Get(t.Context(), "order-1")
		require.NoError(t, err)
		sums = slices.DeleteFunc(sums, func(b Balance) bool { return b.Amount.Sign() == 0 })
		require.Equal(t, amountsOf(o.Money), amountsOf(sums), order)
	}
	n := 0
	for i := range l.palette {
		for j := range l.palette {
			if i != j {
				n++
				check([]int{i, j})
			}
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 600 {
		n++
		check(random.Perm(len(l.palette))[:6])
	}
	t.Logf("%d permutations", n)
}

func amountsOf(balances []Balance) map[string]string {
	all := map[string]string{}
	for _, b := range balances {
		all[b.Coin+" "+string(b.Bucket)] = b.Amount.Decimal().String()
	}
	return all
}

func storedCases(d *draft) string {
	var all []string
	for _, c := range d.cases {
		if c.Closed.IsZero() {
			all = append(all, fmt.Sprint(c.Key, c.Kind, c.Reason, c.Accept, c.Deposits))
		}
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

func askedCases(pic *picture) string {
	var all []string
	for key, q := range pic.questions {
		all = append(all, fmt.Sprint(key, q.kind, q.reason, q.accept, q.deposits))
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

// With top-ups, too, the order of news counts only if coins are returned after
// they paid.
func TestPermutationsOfTopUps(t *testing.T) {
	t.Parallel()
	l := newLattice(t, []jovepay.Payment{
		reported("1001", jovepay.PaymentWaiting, ""),
		reported("1001", jovepay.PaymentPartiallyPaid, "30"),
		reported("1001", jovepay.PaymentExpired, ""),
		reported("1001", jovepay.PaymentRefunded, "30"),
		reported("1002", jovepay.PaymentFinished, "0.002"),
		reported("1003", jovepay.PaymentWaiting, "", childOf("1001")),
		reported("1003", jovepay.PaymentFinished, "20", childOf("1001")),
		reported("1003", jovepay.PaymentRefunded, "20", childOf("1001")),
		reported("1004", jovepay.PaymentFinished, "20", childOf("1003")),
		reported("1004", jovepay.PaymentWrongAssetConfirmed, "20", childOf("1001"), inTether),
	}, WithTopUps())
	sets, permutations, exceptions := 0, 0, 0
	l.walk(6, l.add, func(set uint, ends map[latticeNode]int) {
		sets++
		outcomes := map[string]bool{}
		shipped := map[bool]bool{}
		for end, n := range ends {
			permutations += n
			outcomes[l.look(end).outcome] = true
			shipped[end.shipped] = true
		}
		if len(outcomes) > 1 {
			exceptions++
			const refunds = 1<<3 | 1<<7
			if set&refunds == 0 || set&(1<<4) != 0 || len(outcomes) != 2 || len(shipped) != 2 {
				t.Fatalf("set %b: %v", set, outcomes)
			}
		}
	})
	t.Logf("%d sets, %d permutations, %d sets with the exception", sets, permutations, exceptions)
	assert.Positive(t, exceptions)
}
