package orders

import (
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/jovepay/jovepay-go"
)

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
		key += furtherKey // the root has another case
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
