package orders

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/jovepay/jovepay-go"
)

// How the state of an order follows from what is known of it:
//
//   - weigh looks at each payment alone: nothing came, or coins that are
//     unconfirmed, arrived, or odd.
//   - group puts further deposits under the payment to whose address they came.
//   - award finds the group that pays for the order, and places all amounts.
//   - conclude reads the state off the places.
//
// Nothing here depends on the order in which facts arrived.

// rules are the parts of a shop's policy that decide about money.
type rules struct {
	settler  jovepay.Settler
	policy   jovepay.SettlePolicy
	topUps   bool
	attempts int // of a hook until a case opens
}

// known is everything about an order that its state follows from.
type known struct {
	orderID   string
	terms     *Terms // nil if the order is not in the book
	fulfilled bool
	canceled  bool
	failures  int    // of hooks, since the last success
	failure   string // the last one
	invoiced  bool   // there is a page on which the customer can pay
	payments  map[jovepay.ID]view
	coins     map[jovepay.ID]string // that the book asked for
	decided   []Decided
}

// picture is what follows.
type picture struct {
	state     State
	paid      bool // enough came, or a person accepted what came
	coinsSeen bool
	places    map[jovepay.ID][]Balance
	left      map[jovepay.ID]decimal.Decimal
	questions map[string]*question // by what they are about
}

// question is a case that should be open.
type question struct {
	kind     CaseKind
	reason   string
	accept   string
	deposits []Deposit
}

// class says what is known of a payment's coins.
type class int

const (
	nothing     class = iota // none came, or people decided about all
	unconfirmed              // seen
	arrived                  // and countable
	odd                      // a person has to look
)

// deposit is a payment as it is weighed.
type deposit struct {
	id      jovepay.ID
	v       view
	coin    string
	kind    CaseKind // of an odd one
	reason  string
	class   class
	verdict jovepay.Verdict

	refunded decimal.Decimal // as JovePay reports
	assumed  bool            // the amount of the refund
	accepted decimal.Decimal // by people, as are the next two
	rejected decimal.Decimal
	returned decimal.Decimal
	open     decimal.Decimal // the rest, which the rules decide about
}

// group is a payment with the further deposits to its address.
type group struct {
	id     jovepay.ID
	root   *deposit // nil if it is not known
	others []*deposit
	asked  decimal.Decimal // zero if it is not known
	coin   string
	sum    decimal.Decimal // that arrived
	topUp  bool            // more than the root pays
}

type derivation struct {
	*rules
	known
	picture
	deposits []*deposit
	groups   []*group // sorted
}

// derive returns what follows from what is known.
func (r *rules) derive(k known) picture {
	d := &derivation{rules: r, known: k}
	d.places, d.left, d.questions = map[jovepay.ID][]Balance{}, map[jovepay.ID]decimal.Decimal{}, map[string]*question{}
	for _, id := range slices.SortedFunc(maps.Keys(k.payments), compareIDs) {
		d.deposits = append(d.deposits, d.weigh(id))
	}
	d.group()
	d.award()
	d.ask()
	d.conclude()
	return d.picture
}

// compareIDs sorts numbers by value, and everything else somehow.
func compareIDs(a, b jovepay.ID) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}

// weigh looks at one payment.
func (d *derivation) weigh(id jovepay.ID) *deposit {
	p := &deposit{id: id, v: d.payments[id]}
	p.coin = cmp.Or(p.v.receivedIn, p.v.coin)
	p.open = decimal.Max(p.v.received(), decimal.Zero)
	if p.v.hasCoins() {
		d.coinsSeen = true
	}
	if p.v.Status == jovepay.PaymentRefunded {
		p.refunded, p.assumed = p.open, true
		if part := p.v.refundedPart.Decimal(); part.IsPositive() && part.LessThan(p.open) {
			p.refunded, p.assumed = part, false
		} else if part.IsPositive() {
			p.assumed = false
		}
	}
	p.open = p.open.Sub(p.refunded)
	for i := range d.decided {
		p.apply(&d.decided[i])
	}
	p.class, p.verdict = d.judge(p)
	return p
}

// apply takes what people decided about the payment's coins from the open ones.
func (p *deposit) apply(decided *Decided) {
	left := decided.Amount.Decimal() // of a refund
	for _, about := range decided.Deposits {
		share := decimal.Min(about.Amount.Decimal(), p.open)
		if about.PaymentID != p.id || about.Coin != p.coin || decided.Kind == CaseRefund || decided.Kind == CaseHook && decided.Decision == DecisionAccept {
			left = decimal.Max(left.Sub(about.Amount.Decimal()), decimal.Zero)
			continue
		}
		p.open = p.open.Sub(share)
		switch decided.Decision {
		case DecisionAccept:
			p.accepted = p.accepted.Add(share)
		case DecisionReject:
			p.rejected = p.rejected.Add(share)
		case DecisionRefunded:
			part := share
			if !decided.Amount.IsNull() {
				part = decimal.Min(share, left)
				left = left.Sub(part)
			}
			p.returned = p.returned.Add(part)
			p.rejected = p.rejected.Add(share.Sub(part))
		}
	}
}

// judge classifies the open coins of a payment.
func (d *derivation) judge(p *deposit) (class, jovepay.Verdict) {
	isDecided := p.accepted.Add(p.rejected).Add(p.returned).IsPositive() || d.isDecided(p.id)
	switch {
	case isDecided && p.open.IsZero():
		return nothing, jovepay.Verdict{}
	case d.terms == nil:
		return p.odd(CaseNoOrder, "the order is not in the book")
	case p.v.Status == jovepay.PaymentRefunded:
		return d.judgeRest(p)
	}
	verdict := d.settler.Settle(d.expectation(p), d.settled(p))
	switch verdict.Decision {
	case jovepay.DecisionWait:
		if p.v.hasCoins() {
			return unconfirmed, verdict
		}
		return nothing, verdict
	case jovepay.DecisionFulfill, jovepay.DecisionOverpaid, jovepay.DecisionUnderpaid:
		return arrived, verdict
	case jovepay.DecisionWrongAsset:
		return p.odd(CaseWrongAsset, verdict.Reason)
	case jovepay.DecisionMismatch:
		return p.odd(CaseMismatch, verdict.Reason)
	case jovepay.DecisionClosed:
		return p.odd(CaseClosed, verdict.Reason)
	}
	return p.odd(CaseUnclear, verdict.Reason)
}

// odd returns the class of a payment that a person has to look at, if coins came.
func (p *deposit) odd(kind CaseKind, reason string) (class, jovepay.Verdict) {
	if !p.open.IsPositive() && !p.v.hasCoins() {
		return nothing, jovepay.Verdict{}
	}
	p.kind, p.reason = kind, reason
	return odd, jovepay.Verdict{}
}

// isDecided reports whether a person decided about a payment without an amount.
func (d *derivation) isDecided(id jovepay.ID) bool {
	return slices.ContainsFunc(d.decided, func(by Decided) bool {
		return by.Kind != CaseRefund && by.Kind != CaseHook &&
			slices.ContainsFunc(by.Deposits, func(about Deposit) bool { return about.PaymentID == id && about.Amount.Sign() == 0 })
	})
}

// judgeRest classifies what a refund has left of a payment.
func (d *derivation) judgeRest(p *deposit) (class, jovepay.Verdict) {
	switch {
	case !p.open.IsPositive():
		return nothing, jovepay.Verdict{}
	case d.fulfilled && !p.v.isChild() && d.isEnough(p.open, p.v.asked.Decimal()):
		return arrived, jovepay.Verdict{Decision: jovepay.DecisionFulfill}
	}
	return p.odd(CaseUnclear, fmt.Sprintf("%s %s of it were returned", p.refunded, p.coin))
}

// expectation is what a payment must match.
func (d *derivation) expectation(p *deposit) jovepay.Expectation {
	e := jovepay.Expectation{
		OrderID: d.terms.OrderID, PriceAmount: d.terms.PriceAmount, PriceCurrency: d.terms.PriceCurrency,
		PaymentID: p.id, PayCurrency: cmp.Or(d.coins[d.root(p.id)], d.rootCoin(p)),
	}
	if !p.v.isChild() {
		e.PayAmount = p.v.asked
	}
	return e
}

// rootCoin is the coin that was asked for.
func (d *derivation) rootCoin(p *deposit) string {
	if root, ok := d.payments[d.root(p.id)]; ok {
		return root.coin
	}
	return p.v.coin
}

// settled returns the payment as it is judged: with the open coins, and a further
// deposit as if it were a payment for its own amount. A payment without an order
// id belongs to its order because it, or its parent, is known.
func (d *derivation) settled(p *deposit) *jovepay.Payment {
	s := p.v.Payment
	s.OrderID = cmp.Or(s.OrderID, d.terms.OrderID)
	s.PayCurrency = p.coin
	if !p.open.Equal(p.v.received()) {
		s.ActuallyPaid = jovepay.NewAmount(p.open)
	}
	if !p.v.isChild() {
		if s.Status == jovepay.PaymentPartiallyPaid && !p.open.Equal(p.v.received()) {
			s.Status = jovepay.PaymentFinished
		}
		return &s
	}
	s.ParentPaymentID, s.OriginType = "", ""
	s.PayAmount = s.ActuallyPaid
	if s.Status == jovepay.PaymentPartiallyPaid {
		s.Status = jovepay.PaymentFinished
	}
	if s.PriceAmount.IsNull() {
		s.PriceAmount, s.PriceCurrency = d.terms.PriceAmount, d.terms.PriceCurrency
	}
	return &s
}

// root returns the first payment to the address that a payment came to.
func (d *derivation) root(id jovepay.ID) jovepay.ID {
	seen := map[jovepay.ID]bool{}
	for !seen[id] {
		seen[id] = true
		parent := d.payments[id].ParentPaymentID
		if parent == "" {
			return id
		}
		id = parent
	}
	return slices.MinFunc(slices.Collect(maps.Keys(seen)), compareIDs) // they name each other
}

// isEnough reports whether amount is what was asked for, within the tolerance.
func (d *derivation) isEnough(amount, asked decimal.Decimal) bool {
	enough := asked.Sub(asked.Mul(d.policy.Tolerance.Decimal()))
	return asked.IsPositive() && (amount.GreaterThanOrEqual(enough) || sameAmount(amount, enough))
}

// group puts the payments that can be added up together.
func (d *derivation) group() {
	groups := map[jovepay.ID]*group{}
	for _, p := range d.deposits {
		id := d.root(p.id)
		g := groups[id]
		if g == nil {
			g = &group{id: id}
			groups[id] = g
		}
		switch {
		case p.id == id:
			g.root, g.asked, g.coin = p, p.v.asked.Decimal(), cmp.Or(d.coins[id], p.v.coin)
		default:
			g.others = append(g.others, p)
		}
		if p.class == arrived {
			g.sum = g.sum.Add(p.open)
		}
	}
	d.groups = slices.SortedFunc(maps.Values(groups), func(a, b *group) int { return compareIDs(a.id, b.id) })
	for _, g := range d.groups {
		d.left[g.id] = decimal.Max(g.asked.Sub(g.received()), decimal.Zero)
	}
}

// received is what came to a group's address and was not returned.
func (g *group) received() (total decimal.Decimal) {
	for _, p := range g.all() {
		if p.class != odd {
			total = total.Add(p.open).Add(p.accepted)
		}
	}
	return total
}

func (g *group) all() []*deposit {
	if g.root == nil {
		return g.others
	}
	return append([]*deposit{g.root}, g.others...)
}

// pays reports whether a group pays for the order, and whether it takes further
// deposits for that.
func (d *derivation) pays(g *group) (pays, topUp bool) {
	if g.root != nil && g.root.class == arrived && g.root.verdict.Fulfill() {
		return true, false
	}
	return d.topUps && g.root != nil && g.root.class != odd && d.isEnough(g.sum, g.asked), true
}

// award finds the group that pays, and places all amounts.
func (d *derivation) award() {
	d.paid = d.isAccepted()
	winner := d.winner()
	if winner != nil {
		d.paid = true
		d.spend(winner)
	}
	for _, g := range d.groups {
		if g != winner {
			d.hold(g)
		}
	}
	for _, p := range d.deposits {
		d.place(p, BucketOrder, p.accepted)
		d.place(p, BucketExcess, p.rejected)
		d.place(p, BucketRefunded, p.returned)
		d.place(p, BucketRefunded, p.refunded)
		if p.class == unconfirmed {
			d.place(p, BucketUnconfirmed, p.open)
		}
	}
}

// winner returns the group that pays for the order by the rules, or nil. If there
// are several, the one with the least id does, whichever came first.
func (d *derivation) winner() *group {
	if d.paid || d.canceled && !d.fulfilled {
		return nil
	}
	for _, g := range d.groups {
		if pays, topUp := d.pays(g); pays {
			g.topUp = topUp
			return g
		}
	}
	return nil
}

// isAccepted reports whether a person accepted coins as payment of the order,
// which were not returned since.
func (d *derivation) isAccepted() bool {
	for _, by := range d.decided {
		if by.Decision != DecisionAccept || !by.Kind.pays() {
			continue
		}
		for _, about := range by.Deposits {
			if v, ok := d.payments[about.PaymentID]; ok && v.Status != jovepay.PaymentRefunded {
				return true
			}
		}
	}
	return false
}

// pays reports whether accepting a case of this kind pays for the order.
func (k CaseKind) pays() bool {
	switch k {
	case CaseOverpaid, CaseFurther, CaseRefund, CaseHook, CaseNoOrder:
		return false
	}
	return true
}

// spend places the coins of the group that pays for the order.
func (d *derivation) spend(g *group) {
	due := g.asked
	excess := &question{
		kind: CaseOverpaid, reason: fmt.Sprintf("more than %s %s came", g.asked, g.coin),
		accept: "keeps the excess",
	}
	for _, p := range g.all() {
		if p.class != arrived {
			d.doubt(p)
			continue
		}
		if p != g.root && !g.topUp {
			d.review(p, BucketReview, CaseFurther, "a further deposit came for an order that is paid")
			continue
		}
		part := decimal.Min(p.open, due)
		if rest := p.open.Sub(part); sameAmount(part, p.open) || sameAmount(rest, decimal.Zero) {
			part = p.open
		}
		due = decimal.Max(due.Sub(part), decimal.Zero)
		d.place(p, BucketOrder, part)
		d.place(p, BucketExcess, p.open.Sub(part))
		if rest := p.open.Sub(part); rest.IsPositive() {
			excess.deposits = append(excess.deposits, p.deposit(rest))
		}
	}
	if len(excess.deposits) > 0 {
		d.questions[string(g.id)] = excess
	}
}

// hold places the coins of a group that does not pay for the order.
func (d *derivation) hold(g *group) {
	for _, p := range g.all() {
		if p.class != arrived {
			d.doubt(p)
		}
	}
	if !g.sum.IsPositive() {
		return
	}
	kind, bucket, reason := CaseUnderpaid, BucketHeld, fmt.Sprintf("%s of %s %s came", g.sum, g.asked, g.coin)
	furthers := slices.ContainsFunc(g.others, func(p *deposit) bool { return p.class == arrived })
	switch {
	case d.paid || d.fulfilled:
		kind, bucket, reason = CaseFurther, BucketReview, fmt.Sprintf("%s %s came for an order that is paid", g.sum, g.coin)
	case d.canceled:
		kind, bucket, reason = CaseCanceled, BucketReview, fmt.Sprintf("%s %s came for an order that was canceled", g.sum, g.coin)
	case furthers && (!d.topUps || g.root == nil):
		kind, bucket, reason = CaseTopUp, BucketReview, fmt.Sprintf("%s of %s %s came in several deposits", g.sum, g.asked, g.coin)
	}
	for _, p := range g.all() {
		if p.class == arrived {
			d.place(p, bucket, p.open)
			d.asking(string(g.id), kind, reason).add(p.deposit(p.open))
		}
	}
}

// doubt places the coins of an odd payment.
func (d *derivation) doubt(p *deposit) {
	if p.class == odd {
		d.review(p, BucketReview, p.kind, p.reason)
	}
}

// review has a person decide about the open coins of one payment.
func (d *derivation) review(p *deposit, bucket Bucket, kind CaseKind, reason string) {
	d.place(p, bucket, p.open)
	d.asking(string(p.id), kind, reason).add(p.deposit(p.open))
}

// asking returns the question about key.
func (d *derivation) asking(key string, kind CaseKind, reason string) *question {
	q := d.questions[key]
	if q == nil {
		q = &question{kind: kind, reason: reason, accept: d.acceptance(kind)}
		d.questions[key] = q
	}
	return q
}

// acceptance says what accepting a case does.
func (d *derivation) acceptance(kind CaseKind) string {
	switch {
	case kind == CaseNoOrder:
		return ""
	case kind.pays() && !d.fulfilled:
		return "fulfills the order"
	}
	return "keeps the coins"
}

func (q *question) add(d Deposit) { q.deposits = append(q.deposits, d) }

func (p *deposit) deposit(amount decimal.Decimal) Deposit {
	return Deposit{PaymentID: p.id, Status: p.v.Status, Coin: p.coin, Amount: jovepay.NewAmount(amount), Asked: p.v.asked}
}

// place adds an amount of a payment to a bucket.
func (d *derivation) place(p *deposit, bucket Bucket, amount decimal.Decimal) {
	if !amount.IsPositive() {
		return
	}
	assumed := p.assumed && bucket == BucketRefunded && p.refunded.IsPositive()
	for i, b := range d.places[p.id] {
		if b.Bucket == bucket {
			d.places[p.id][i].Amount = jovepay.NewAmount(b.Amount.Decimal().Add(amount))
			d.places[p.id][i].Assumed = assumed
			return
		}
	}
	d.places[p.id] = append(d.places[p.id], Balance{Coin: p.coin, Bucket: bucket, Amount: jovepay.NewAmount(amount), Assumed: assumed})
}

// ask adds the questions about the whole order.
func (d *derivation) ask() {
	if d.fulfilled && !d.has(BucketOrder) && d.has(BucketRefunded) {
		q := &question{kind: CaseRefund, reason: "the order was fulfilled, and its coins were returned", accept: "notes it"}
		for _, p := range d.deposits {
			if back := p.refunded.Add(p.returned); back.IsPositive() {
				q.add(p.deposit(back))
			}
		}
		if !d.isNoted(q) {
			d.questions["refund"] = q
		}
	}
	if d.failures >= d.attempts {
		d.questions["hook"] = &question{kind: CaseHook, reason: d.failure, accept: "tries again now"}
	}
}

// isNoted reports whether a person has noted these refunds.
func (d *derivation) isNoted(q *question) bool {
	return slices.ContainsFunc(d.decided, func(by Decided) bool {
		return by.Kind == CaseRefund && slices.EqualFunc(by.Deposits, q.deposits, func(a, b Deposit) bool {
			return a.PaymentID == b.PaymentID && a.Amount.Equal(b.Amount)
		})
	})
}

// has reports whether there is anything in a bucket.
func (d *derivation) has(bucket Bucket) bool {
	for _, places := range d.places {
		if slices.ContainsFunc(places, func(b Balance) bool { return b.Bucket == bucket }) {
			return true
		}
	}
	return false
}

// conclude reads the state off the places.
func (d *derivation) conclude() {
	live, ended := d.invoiced, false
	confirming, review := false, false
	for _, p := range d.deposits {
		live = live || !p.v.isOver() && p.v.Status != jovepay.PaymentPartiallyPaid
		ended = ended || p.v.isOver() || p.v.Status == jovepay.PaymentPartiallyPaid
		confirming = confirming || p.class == unconfirmed
	}
	for _, q := range d.questions {
		review = review || q.kind != CaseUnderpaid && q.kind != CaseHook && q.kind != CaseRefund
	}
	switch {
	case d.fulfilled && !d.has(BucketOrder) && d.has(BucketRefunded):
		d.state = StateRefunded
	case d.fulfilled:
		d.state = StateFulfilled
	case d.paid:
		d.state = StatePaid
	case d.canceled:
		d.state = StateCanceled
	case confirming:
		d.state = StateConfirming
	case review:
		d.state = StateReview
	case d.has(BucketHeld):
		d.state = StateUnderpaid
	case live:
		d.state = StateWaiting
	case d.has(BucketRefunded):
		d.state = StateRefunded
	case ended:
		d.state = StateExpired
	default:
		d.state = StatePlaced
	}
}
