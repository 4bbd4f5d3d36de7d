package engine

import (
	"time"

	"github.com/shopspring/decimal"
)

// next is the status after this one in an ordinary life, or "" if this one is
// the last. The last step depends on what was paid.
func (p *Payment) next() string {
	switch p.Status {
	case PaymentWaiting:
		return PaymentConfirming
	case PaymentConfirming:
		return PaymentConfirmed
	case PaymentConfirmed:
		return PaymentSending
	case PaymentSending:
		if p.ActuallyPaid.LessThan(p.PayAmount) {
			return PaymentPartiallyPaid
		}
		return PaymentFinished
	default:
		return ""
	}
}

// move gives a payment a status, its first or the next.
func (e *Engine) move(r *record, status string, at time.Time) {
	e.remember(r, at)
	e.become(r, status, at)
}

// receive counts what has come for a payment in all, which is confirming then.
func (e *Engine) receive(r *record, paid decimal.Decimal, at time.Time) {
	e.remember(r, at)
	r.ActuallyPaid = paid
	e.become(r, PaymentConfirming, at)
}

// become is the only place where a status changes. What it was is remembered by
// then.
func (e *Engine) become(r *record, status string, at time.Time) {
	before := r.Status
	r.Status, r.UpdatedAt = status, at
	e.touch(kindPayment, r.ID)
	switch {
	case status == PaymentWaiting:
		e.expect(r, at)
	case r.next() == "":
		e.unschedule(r)
		e.settle(r)
	case e.runs(r):
		e.schedule(r, at.Add(e.stepEvery))
	default:
		e.unschedule(r)
	}
	if isOver(status) && r.OverAt.IsZero() {
		r.OverAt = at
	}
	if status != before {
		e.notify(r)
	}
}

// runs reports whether a paid payment moves on to its next status without a call.
func (e *Engine) runs(r *record) bool {
	if e.waitsForPerson(&r.Payment) {
		return false
	}
	return e.stepEvery > 0 || r.automatic() || r.WrongAsset && e.passWrongAssets
}

// waitsForPerson reports whether the payment waits for a person: coins of a wrong
// asset do, once they are confirmed.
func (e *Engine) waitsForPerson(p *Payment) bool {
	return p.WrongAsset && !e.passWrongAssets && p.Status == PaymentConfirmed
}

// automatic reports whether the payment runs to its end without a deposit.
func (p *Payment) automatic() bool { return p.Case != "" && p.Case != CaseCommon }

// expect sets when a waiting payment expires, or when its case begins.
func (e *Engine) expect(r *record, at time.Time) {
	r.ExpiresAt = at.Add(paymentLifetime)
	if r.FixedRate {
		r.ExpiresAt = at.Add(fixedRateLifetime)
	}
	if r.automatic() {
		e.schedule(r, at.Add(e.stepEvery))
		return
	}
	e.schedule(r, r.ExpiresAt)
}

// happen makes what is due happen to a payment.
func (e *Engine) happen(r *record, at time.Time) {
	if r.Status != PaymentWaiting {
		e.move(r, r.next(), at)
		return
	}
	switch r.Case {
	case CaseSuccess:
		e.receive(r, r.PayAmount, at)
	case CasePartiallyPaid:
		e.receive(r, r.PayAmount.DivRound(decimal.New(2, 0), r.Coin.Precision), at)
	case CaseFailed:
		e.move(r, PaymentFailed, at)
	default:
		e.move(r, PaymentExpired, at)
	}
}

// settle pays out what came, less the service fee, when a payment has ended
// well.
func (e *Engine) settle(r *record) {
	ended := r.Status == PaymentFinished || r.Status == PaymentPartiallyPaid
	if !ended || r.ActuallyPaid.IsZero() {
		return
	}
	paid, payout := e.currencies[r.PayCurrency], e.currencies[r.PayoutCurrency]
	kept := decimal.New(995, -3) // a service fee of 0.5 %
	r.OutcomeAmount = convert(r.ActuallyPaid.Mul(kept), paid, payout)
	r.ServiceFee = convert(r.ActuallyPaid, paid, payout).Sub(r.OutcomeAmount)
}

// Advance takes a payment one status further on its ordinary way. A waiting
// payment is paid exactly. A payment at its end is rejected.
func (e *Engine) Advance(id int64) (Payment, error) {
	now := e.begin()
	defer e.mu.Unlock()
	r, err := e.record(id)
	if err != nil {
		return Payment{}, err
	}
	if r.next() == "" {
		return Payment{}, reject(CodeFinalStatus, "payment %d is %s, no status follows", id, r.Status)
	}
	e.advance(r, now)
	return r.Payment, nil
}

func (e *Engine) advance(r *record, now time.Time) {
	if r.Status == PaymentWaiting {
		e.receive(r, r.PayAmount, now)
		return
	}
	e.move(r, r.next(), now)
}

// Settle takes a payment to its end on its ordinary way, or to where it waits for
// a person. A payment that is there already is not changed.
func (e *Engine) Settle(id int64) (Payment, error) {
	now := e.begin()
	defer e.mu.Unlock()
	r, err := e.record(id)
	if err != nil {
		return Payment{}, err
	}
	for r.next() != "" && !e.waitsForPerson(&r.Payment) {
		e.advance(r, now)
	}
	return r.Payment, nil
}

// SetStatus gives a payment any status, known or not, and changes nothing
// else: no coins arrive. A payment that waits again expires later again.
func (e *Engine) SetStatus(id int64, status string) (Payment, error) {
	if err := checkStatus(status); err != nil {
		return Payment{}, err
	}
	now := e.begin()
	defer e.mu.Unlock()
	r, err := e.record(id)
	if err != nil {
		return Payment{}, err
	}
	e.move(r, status, now)
	return r.Payment, nil
}

// Expire ends a waiting payment's time now. Any other payment is rejected.
func (e *Engine) Expire(id int64) (Payment, error) {
	now := e.begin()
	defer e.mu.Unlock()
	r, err := e.record(id)
	if err != nil {
		return Payment{}, err
	}
	if r.Status != PaymentWaiting {
		return Payment{}, reject(CodeWrongStatus, "payment %d is %s, only one that is waiting can expire", id, r.Status)
	}
	e.remember(r, now)
	r.ExpiresAt = now
	e.become(r, PaymentExpired, now)
	return r.Payment, nil
}

// Refund sends coins of a payment back to the customer, at any status; zero is
// all of them. A payment for which none came, or fewer, is rejected.
func (e *Engine) Refund(id int64, amount decimal.Decimal) (Payment, error) {
	now := e.begin()
	defer e.mu.Unlock()
	r, err := e.record(id)
	if err != nil {
		return Payment{}, err
	}
	if r.Status == PaymentRefunded || r.ActuallyPaid.IsZero() {
		return Payment{}, reject(CodeWrongStatus, "payment %d is %s, there is nothing to refund", id, r.Status)
	}
	if !amount.IsZero() {
		if err := checkDeposit("amount", amount, e.currencies[r.PayCurrency]); err != nil {
			return Payment{}, err
		}
		if amount.GreaterThan(r.ActuallyPaid) {
			return Payment{}, InvalidParam("amount %s is more than the %s %s that came", amount, r.ActuallyPaid, r.PayCurrency)
		}
	}
	e.remember(r, now)
	r.Refunded = amount
	e.become(r, PaymentRefunded, now)
	return r.Payment, nil
}
