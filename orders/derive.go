package orders

import (
	"cmp"
	"maps"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/jovepay/jovepay-go"
)

// How the state of an order follows from what is known of it:
//
//   - weigh (weigh.go) looks at each payment alone: nothing came, or coins that
//     are unconfirmed, arrived, or odd.
//   - group puts further deposits under the payment to whose address they came.
//   - award (award.go) finds the group that pays for the order, and places all
//     amounts.
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
