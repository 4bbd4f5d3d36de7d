package orders

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/jovepay/jovepay-go"
)

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
	// A further deposit is priced by its amount alone.
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
