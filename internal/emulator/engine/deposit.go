package engine

import (
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// Deposit makes coins arrive at the payment's address; zero is exactly what was
// asked. A waiting payment becomes confirming. Coins for a payment that no longer
// waits become a child payment, which is then returned.
func (e *Engine) Deposit(id int64, amount decimal.Decimal) (Payment, error) {
	now := e.begin()
	defer e.mu.Unlock()
	r, err := e.record(id)
	if err != nil {
		return Payment{}, err
	}
	coin := e.currencies[r.PayCurrency]
	if amount.IsZero() {
		amount = r.PayAmount
	}
	if err := checkDeposit("amount", amount, coin); err != nil {
		return Payment{}, err
	}
	if r.Status != PaymentWaiting {
		r = e.redeposit(r, coin, amount, now)
	}
	e.receive(r, amount, now)
	return r.Payment, nil
}

// DepositLate makes coins arrive for a payment that has expired or failed; zero is
// exactly what was asked. They are news of this payment, which becomes confirming,
// and not a child payment. Any other payment is rejected.
func (e *Engine) DepositLate(id int64, amount decimal.Decimal) (Payment, error) {
	now := e.begin()
	defer e.mu.Unlock()
	r, err := e.record(id)
	if err != nil {
		return Payment{}, err
	}
	if r.Status != PaymentExpired && r.Status != PaymentFailed {
		return Payment{}, reject(CodeWrongStatus, "payment %d is %s, only one that is expired or failed is paid late", id, r.Status)
	}
	if amount.IsZero() {
		amount = r.PayAmount
	}
	if err := checkDeposit("amount", amount, e.currencies[r.PayCurrency]); err != nil {
		return Payment{}, err
	}
	e.receive(r, r.ActuallyPaid.Add(amount), now)
	return r.Payment, nil
}

// DepositWrongAsset makes coins of another currency arrive at the payment's
// address; zero is the price converted to that currency now. They become a child
// payment, which is returned; the first payment is not changed.
func (e *Engine) DepositWrongAsset(id int64, ticker string, amount decimal.Decimal) (Payment, error) {
	now := e.begin()
	defer e.mu.Unlock()
	r, err := e.record(id)
	if err != nil {
		return Payment{}, err
	}
	r = e.parent(r)
	coin, err := e.lookup("currency", ticker)
	if err != nil {
		return Payment{}, err
	}
	switch {
	case coin.fiat:
		return Payment{}, InvalidParam("currency: %s is not a coin", coin.Ticker)
	case coin.Ticker == r.PayCurrency:
		return Payment{}, InvalidParam("currency: %s is what the payment asks for", coin.Ticker)
	}
	if amount.IsZero() {
		amount = convert(r.PriceAmount, e.currencies[r.PriceCurrency], coin)
	}
	if err := checkDeposit("amount", amount, coin); err != nil {
		return Payment{}, err
	}
	child := e.redeposit(r, coin, amount, now)
	e.receive(child, amount, now)
	return child.Payment, nil
}

// DepositWithoutMemo makes coins arrive at the payment's address without the memo;
// zero is exactly what was asked. The address is shared, so nobody knows whose
// they are until [Engine.FindDeposit].
func (e *Engine) DepositWithoutMemo(id int64, amount decimal.Decimal) (Payment, error) {
	e.begin()
	defer e.mu.Unlock()
	r, err := e.record(id)
	if err != nil {
		return Payment{}, err
	}
	if r.PayinExtraID == "" {
		return Payment{}, reject(CodeWrongStatus, "payment %d is in %s, which has no memo", id, r.PayCurrency)
	}
	if amount.IsZero() {
		amount = r.PayAmount
	}
	if err := checkDeposit("amount", amount, e.currencies[r.PayCurrency]); err != nil {
		return Payment{}, err
	}
	r.Unassigned = append(slices.Clone(r.Unassigned), amount)
	e.touch(kindPayment, r.ID)
	return r.Payment, nil
}

// FindDeposit assigns the first coins that came without the memo to their
// payment. A payment that waits or has expired becomes confirming; for any other
// they are a repeated deposit, whose child payment is returned.
func (e *Engine) FindDeposit(id int64) (Payment, error) {
	now := e.begin()
	defer e.mu.Unlock()
	r, err := e.record(id)
	if err != nil {
		return Payment{}, err
	}
	if len(r.Unassigned) == 0 {
		return Payment{}, reject(CodeWrongStatus, "no coins came for payment %d without the memo", id)
	}
	amount := r.Unassigned[0]
	r.Unassigned = slices.Clone(r.Unassigned[1:])
	e.touch(kindPayment, r.ID)
	if r.Status != PaymentWaiting && r.Status != PaymentExpired {
		r = e.redeposit(r, e.currencies[r.PayCurrency], amount, now)
	}
	e.receive(r, amount, now)
	return r.Payment, nil
}

// parent is the payment whose address the coins came to.
func (e *Engine) parent(r *record) *record {
	if r.ParentID != 0 {
		return e.payments[r.ParentID]
	}
	return r
}

// redeposit opens the child payment for coins that came to the address of
// another payment.
func (e *Engine) redeposit(r *record, coin *currency, amount decimal.Decimal, now time.Time) *record {
	parent := e.parent(r)
	req := *parent.PaymentRequest
	req.PayCurrency, req.PayAmount = coin.Ticker, amount
	req.PriceAmount = convert(amount, coin, e.currencies[req.PriceCurrency])
	req.PurchaseID = 0
	req.Case = ""
	child := e.open(&req, coin, parent.InvoiceID, now)
	child.ParentID = parent.ID
	child.WrongAsset = coin.Ticker != parent.PayCurrency
	child.PayAddress, child.PayinExtraID = parent.PayAddress, parent.PayinExtraID
	e.remember(parent, now)
	parent.ChildIDs = append(parent.ChildIDs, child.ID)
	parent.UpdatedAt = now
	e.touch(kindPayment, parent.ID)
	return child
}
