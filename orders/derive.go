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
	decided   []*Decided            // the oldest first
}

// picture is what follows.
type picture struct {
	state     State
	paid      bool // enough came, or a person accepted what came
	coinsSeen bool
	places    map[jovepay.ID][]Balance
	left      map[jovepay.ID]decimal.Decimal
	questions map[string]*question // by what they are about
	void      []*Decided           // decisions that count no more
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
	fits    bool // its order, price and coin are those that were agreed on
	denied  bool // a person decided against it when its amount or coin was another

	refunded decimal.Decimal // as JovePay reports
	assumed  bool            // the amount of the refund
	accepted decimal.Decimal // by people, as are the next two
	rejected decimal.Decimal
	returned decimal.Decimal
	open     decimal.Decimal // the rest, which the rules decide about
}

// total is what came and can pay for the order, or could before it was returned.
func (p *deposit) total() decimal.Decimal { return p.open.Add(p.accepted).Add(p.refunded) }

// isReturned reports whether JovePay returned coins of the payment.
func (p *deposit) isReturned() bool { return p.v.Status == jovepay.PaymentRefunded }

// group is a payment with the further deposits to its address.
type group struct {
	id     jovepay.ID
	root   *deposit // nil if it is not known, or names a parent itself
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
	groups   []*group          // sorted
	returned []*deposit        // they paid for the order, which was fulfilled, and JovePay returned coins of them
	broken   map[*Decided]bool // decisions that accepted more than there is now
}

// derive returns what follows from what is known.
func (r *rules) derive(k known) picture {
	d := &derivation{rules: r, known: k}
	d.places, d.left, d.questions = map[jovepay.ID][]Balance{}, map[jovepay.ID]decimal.Decimal{}, map[string]*question{}
	d.weighAll()
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

// weighAll looks at each payment. If a person accepted more than there is now,
// because coins were returned or exchanged since, and the order is not fulfilled,
// the decision is void: a person has to decide about the rest.
func (d *derivation) weighAll() {
	for {
		d.deposits, d.broken = nil, map[*Decided]bool{}
		for _, id := range slices.SortedFunc(maps.Keys(d.payments), compareIDs) {
			d.deposits = append(d.deposits, d.weigh(id))
		}
		if d.fulfilled || len(d.broken) == 0 {
			return
		}
		first := slices.IndexFunc(d.decided, func(by *Decided) bool { return d.broken[by] })
		d.void = append(d.void, d.decided[first]) // the next may be right without it
	}
}

// weigh looks at one payment. A refund comes before the decisions of people who
// knew of it, and after the others.
func (d *derivation) weigh(id jovepay.ID) *deposit {
	p := &deposit{id: id, v: d.payments[id]}
	p.coin = cmp.Or(p.v.receivedIn, p.v.coin)
	p.open = decimal.Max(p.v.received(), decimal.Zero)
	if p.v.hasCoins() {
		d.coinsSeen = true
	}
	d.apply(p, func(about Deposit) bool { return !about.isReturned() })
	if p.isReturned() {
		d.refund(p)
		d.apply(p, Deposit.isReturned)
	}
	p.class, p.verdict = d.judge(p)
	return p
}

// apply takes what people decided about the payment's coins from the open ones, as
// far as the decisions are chosen.
func (d *derivation) apply(p *deposit, choose func(Deposit) bool) {
	for _, by := range d.decided {
		if by.Kind == CaseRefund || by.Kind == CaseHook || d.isVoid(by) {
			continue
		}
		left := by.Amount.Decimal() // of a refund
		for _, about := range by.Deposits {
			if about.PaymentID == p.id && choose(about) {
				d.decide(by, p, about, left)
			}
			left = decimal.Max(left.Sub(about.Amount.Decimal()), decimal.Zero)
		}
	}
}

// decide applies a decision to the coins that it is about. left is what remains of
// the amount of a refund.
func (d *derivation) decide(by *Decided, p *deposit, about Deposit, left decimal.Decimal) {
	if about.Coin != p.coin || about.Amount.Sign() == 0 {
		if p.open.IsPositive() { // another amount, or another coin, was decided about
			d.breakIf(by, true)
			p.denied = p.denied || by.Decision != DecisionAccept
		}
		return
	}
	share := decimal.Min(about.Amount.Decimal(), p.open)
	d.breakIf(by, share.LessThan(about.Amount.Decimal()))
	p.open = p.open.Sub(share)
	switch by.Decision {
	case DecisionAccept:
		p.accepted = p.accepted.Add(share)
	case DecisionReject:
		p.rejected = p.rejected.Add(share)
	case DecisionRefunded:
		part := share
		if !by.Amount.IsNull() {
			part = decimal.Min(share, left)
		}
		p.returned = p.returned.Add(part)
		p.rejected = p.rejected.Add(share.Sub(part))
	}
}

// breakIf notes that a decision accepted more than there is.
func (d *derivation) breakIf(by *Decided, isBroken bool) {
	if isBroken && by.Pays && !d.isVoid(by) {
		d.broken[by] = true
	}
}

// isVoid reports whether a decision counts no more.
func (d *derivation) isVoid(by *Decided) bool { return by.Void || slices.Contains(d.void, by) }

// refund takes what JovePay returned: from the coins that people rejected, then
// from the open ones, then from the accepted ones.
func (d *derivation) refund(p *deposit) {
	left := p.v.refundedPart.Decimal()
	if p.assumed = !left.IsPositive(); p.assumed {
		left = p.v.received()
	}
	accepted := p.accepted
	for _, from := range []*decimal.Decimal{&p.rejected, &p.open, &p.accepted} {
		part := decimal.Min(left, *from)
		*from, left, p.refunded = from.Sub(part), left.Sub(part), p.refunded.Add(part)
	}
	for _, by := range d.decided {
		d.breakIf(by, slices.ContainsFunc(by.Deposits, func(about Deposit) bool {
			return about.PaymentID == p.id && !about.isReturned() && (about.Amount.Sign() == 0 || p.accepted.LessThan(accepted))
		}))
	}
}

// judge classifies the open coins of a payment.
func (d *derivation) judge(p *deposit) (class, jovepay.Verdict) {
	isDecided := p.accepted.Add(p.rejected).Add(p.returned).IsPositive() || d.isDecided(p.id)
	if d.terms == nil {
		if isDecided && p.open.IsZero() {
			return nothing, jovepay.Verdict{}
		}
		return p.odd(CaseNoOrder, "the order is not in the book")
	}
	verdict := d.settler.Settle(d.expectation(p), d.settled(p))
	switch verdict.Decision {
	case jovepay.DecisionWait, jovepay.DecisionFulfill, jovepay.DecisionOverpaid, jovepay.DecisionUnderpaid, jovepay.DecisionClosed:
		p.fits = true
	default:
	}
	switch {
	case p.open.IsZero() && (isDecided || p.isReturned()):
		return nothing, verdict
	case p.isReturned():
		return d.judgeRest(p)
	}
	switch verdict.Decision {
	case jovepay.DecisionWait:
		if p.v.hasCoins() {
			return unconfirmed, verdict
		}
		return nothing, verdict
	case jovepay.DecisionFulfill, jovepay.DecisionOverpaid, jovepay.DecisionUnderpaid:
		if p.denied {
			return p.odd(CaseUnclear, "it was not accepted when its amount or coin was another")
		}
		return arrived, verdict
	case jovepay.DecisionWrongAsset:
		return p.odd(CaseWrongAsset, verdict.Reason)
	case jovepay.DecisionMismatch:
		return p.odd(CaseMismatch, verdict.Reason)
	case jovepay.DecisionClosed:
		return p.odd(CaseClosed, verdict.Reason)
	default:
		return p.odd(CaseUnclear, verdict.Reason)
	}
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
	return slices.ContainsFunc(d.decided, func(by *Decided) bool {
		return by.Kind != CaseRefund && by.Kind != CaseHook && !d.isVoid(by) &&
			slices.ContainsFunc(by.Deposits, func(about Deposit) bool { return about.PaymentID == id && about.Amount.Sign() == 0 })
	})
}

// judgeRest classifies what a refund has left of a payment. Only if the order was
// fulfilled before can the rest be what pays for it without a person.
func (d *derivation) judgeRest(p *deposit) (class, jovepay.Verdict) {
	switch {
	case !d.fulfilled || !p.fits || p.denied:
		return p.odd(CaseUnclear, fmt.Sprintf("%s %s of it were returned", p.refunded, p.coin))
	case !p.v.isChild() && d.isEnough(p.open.Add(p.accepted), p.v.asked.Decimal()):
		return arrived, jovepay.Verdict{Decision: jovepay.DecisionFulfill}
	}
	return arrived, jovepay.Verdict{Decision: jovepay.DecisionUnderpaid}
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
	// Its price is that of its own amount.
	s.PriceAmount, s.PriceCurrency = d.terms.PriceAmount, cmp.Or(s.PriceCurrency, d.terms.PriceCurrency)
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
		case p.id == id && !p.v.isChild():
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
	switch {
	case g.root == nil || !g.root.fits || g.root.class == odd:
		return false, false
	case g.root.class == arrived && g.root.verdict.Fulfill():
		return true, false
	}
	return d.topUps && d.isEnough(g.sum, g.asked), true
}

// paidOnce reports whether a group paid for the order before coins of it were
// returned, and whether it took further deposits for that.
func (d *derivation) paidOnce(g *group) (paid, topUp bool) {
	if g.root == nil || !g.root.fits {
		return false, false
	}
	if g.root.isReturned() && d.isEnough(g.root.total(), g.asked) {
		return true, false
	}
	var total decimal.Decimal
	for _, p := range g.all() {
		total = total.Add(p.total())
	}
	return d.topUps && slices.ContainsFunc(g.all(), (*deposit).isReturned) && d.isEnough(total, g.asked), true
}

// award finds the group that pays, and places all amounts.
func (d *derivation) award() {
	payer := d.payer()
	if payer != nil {
		d.spend(payer)
	}
	for _, g := range d.groups {
		if g != payer {
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

// payer returns the group that pays for the order by the rules, or nil: nothing
// does, or what a person accepted. If several could, the one with the least id
// does, whichever came first. If the order was fulfilled and no group pays for it
// anymore, the one that did keeps what is left of it.
func (d *derivation) payer() *group {
	if d.paid = d.isAccepted(); d.paid || d.canceled && !d.fulfilled {
		return nil
	}
	for _, g := range d.groups {
		if pays, topUp := d.pays(g); pays {
			d.paid, g.topUp = true, topUp
			return g
		}
	}
	if !d.fulfilled || d.isAcceptanceReturned() {
		return nil
	}
	for _, g := range d.groups {
		if paid, topUp := d.paidOnce(g); paid {
			d.returned, g.topUp = g.all(), topUp
			return g
		}
	}
	return nil
}

// isAcceptanceReturned reports whether coins that a person accepted as payment of
// the order were returned.
func (d *derivation) isAcceptanceReturned() bool {
	for by := range d.broken {
		for _, about := range by.Deposits {
			for _, p := range d.deposits {
				if p.id == about.PaymentID && p.isReturned() {
					d.returned = append(d.returned, p)
				}
			}
		}
	}
	return len(d.returned) > 0
}

// isAccepted reports whether a person accepted coins as payment of the order that
// are all still there.
func (d *derivation) isAccepted() bool {
	return slices.ContainsFunc(d.decided, func(by *Decided) bool { return by.Pays && !d.broken[by] && !d.isVoid(by) })
}

// pays reports whether accepting a case of this kind pays for the order.
func (k CaseKind) pays() bool {
	switch k {
	case CaseOverpaid, CaseFurther, CaseRefund, CaseHook, CaseNoOrder:
		return false
	default:
		return true
	}
}

// spend places the coins of the group that pays for the order.
func (d *derivation) spend(g *group) {
	due, exact := g.asked, g.topUp && sameAmount(g.sum, g.asked)
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
			d.review(p, CaseFurther, "a further deposit came for an order that is paid")
			continue
		}
		part := decimal.Min(p.open, due)
		if exact || sameAmount(part, p.open) {
			part = p.open
		}
		due = decimal.Max(due.Sub(part), decimal.Zero)
		d.place(p, BucketOrder, part)
		if rest := p.open.Sub(part); rest.IsPositive() {
			d.place(p, BucketExcess, rest)
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
	case furthers && (!d.topUps || g.root == nil || !g.root.fits || g.root.class == odd):
		kind, bucket, reason = CaseTopUp, BucketReview, fmt.Sprintf("%s of %s %s came in several deposits", g.sum, g.asked, g.coin)
	}
	key := string(g.id)
	if g.root != nil && g.root.class == odd {
		key += furtherKey // the root has a case of its own
	}
	for _, p := range g.all() {
		if p.class == arrived {
			d.place(p, bucket, p.open)
			d.asking(key, kind, reason).add(p.deposit(p.open))
		}
	}
}

// furtherKey ends the key of a case about the further deposits to an address.
const furtherKey = " further"

// doubt places the coins of an odd payment.
func (d *derivation) doubt(p *deposit) {
	if p.class == odd {
		d.review(p, p.kind, p.reason)
	}
}

// review has a person decide about the open coins of one payment.
func (d *derivation) review(p *deposit, kind CaseKind, reason string) {
	d.place(p, BucketReview, p.open)
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

// acceptPays is what accepting a case does if the coins then pay for the order.
const acceptPays = "fulfills the order"

// acceptance says what accepting a case does.
func (d *derivation) acceptance(kind CaseKind) string {
	switch {
	case kind == CaseNoOrder:
		return ""
	case kind.pays() && !d.paid && !d.fulfilled:
		return acceptPays
	}
	return "keeps the coins"
}

// isReturned reports whether JovePay had returned coins of the payment by then.
func (d Deposit) isReturned() bool { return d.Status == jovepay.PaymentRefunded }

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
	if len(d.returned) > 0 {
		q := &question{kind: CaseRefund, reason: "the order was fulfilled, and coins that paid for it were returned", accept: "notes it"}
		for _, p := range d.deposits {
			if p.isReturned() && slices.Contains(d.returned, p) {
				q.add(p.deposit(p.refunded))
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
	return slices.ContainsFunc(d.decided, func(by *Decided) bool {
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
	case len(d.returned) > 0 && !d.has(BucketOrder):
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
