package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/shopspring/decimal"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/orders"
)

// plan is what a customer does, and what must have become of the order in the end.
type plan struct {
	name   string
	weight int // out of all
	act    func(v *visit) error
	want   []outcome // one of these
}

// outcome is the final state of an order.
type outcome struct {
	state     orders.State
	shipments int
	cases     []orders.CaseKind // the open ones, sorted
}

// end returns an outcome.
func end(state orders.State, shipments int, cases ...orders.CaseKind) outcome {
	return outcome{state, shipments, cases}
}

// plans are the customers. The names and outcomes are in the table of docs/proof.md.
func plans(topUps bool) []plan {
	unpaid, inDeposits := end(orders.StateReview, 0, orders.CaseTopUp), topUpAccepted
	if topUps {
		unpaid, inDeposits = end(orders.StateUnderpaid, 0, orders.CaseUnderpaid), topUp
	}
	return []plan{
		{"pays exactly", 12, payExactly, []outcome{end(orders.StateFulfilled, 1)}},
		{"pays too much", 2, payTooMuch, []outcome{end(orders.StateFulfilled, 1, orders.CaseOverpaid)}},
		{"pays half", 1, payHalf, []outcome{end(orders.StateUnderpaid, 0, orders.CaseUnderpaid)}},
		{"pays nine tenths, and staff accept", 1, payAlmost, []outcome{end(orders.StateFulfilled, 1)}},
		{"pays half, and staff return it", 1, payHalfForNothing, []outcome{end(orders.StateRefunded, 0)}},
		{"pays in two deposits", 3, inDeposits, []outcome{end(orders.StateFulfilled, 1)}},
		{"pays nine tenths in two deposits", 1, topUpTooLittle, []outcome{unpaid}},
		{"pays twice", 1, payTwice, []outcome{end(orders.StateFulfilled, 1, orders.CaseFurther)}},
		{"pays twice, and staff reject the second", 1, payTwiceRejected, []outcome{end(orders.StateFulfilled, 1)}},
		{"does not pay", 1, letExpire, []outcome{end(orders.StateExpired, 0)}},
		{"comes back after the payment has expired", 2, comeBack, []outcome{end(orders.StateFulfilled, 1)}},
		{"pays an expired payment", 1, payLate, []outcome{end(orders.StateFulfilled, 1)}},
		{"pays the new payment and the expired one", 1, payBoth, []outcome{end(orders.StateFulfilled, 1, orders.CaseFurther)}},
		{"chooses another coin", 2, changeCoin, []outcome{end(orders.StateFulfilled, 1)}},
		{"pays in two coins", 1, payTwoCoins, []outcome{end(orders.StateFulfilled, 1, orders.CaseFurther)}},
		{"pays in a coin nobody asked for", 1, payWrongAsset, []outcome{end(orders.StateReview, 0, orders.CaseWrongAsset)}},
		{"pays a payment that the shop did not create", 1, payOutside, []outcome{end(orders.StateFulfilled, 1)}},
		{"gets a refund", 1, getRefund, []outcome{
			end(orders.StateRefunded, 1, orders.CaseRefund), end(orders.StateRefunded, 0),
		}},
		{"gets a part back", 1, getPart, []outcome{
			end(orders.StateFulfilled, 1, orders.CaseRefund), end(orders.StateReview, 0, orders.CaseUnclear),
		}},
		{"pays too much and gets the excess back", 1, getExcess, []outcome{
			end(orders.StateFulfilled, 1), end(orders.StateReview, 0, orders.CaseUnclear),
		}},
		{"cancels", 1, cancel, []outcome{end(orders.StateCanceled, 0)}},
		{"cancels and pays", 1, cancelAndPay, []outcome{end(orders.StateCanceled, 0, orders.CaseCanceled)}},
		{"cancels and pays, and staff accept", 1, cancelAndPayAccepted, []outcome{end(orders.StateFulfilled, 1)}},
		{"looks and leaves", 1, func(*visit) error { return nil }, []outcome{end(orders.StatePlaced, 0)}},
	}
}

// planOf returns the plan of an order's customer.
func planOf(all []plan, seed uint64, order int) *plan {
	total := 0
	for _, p := range all {
		total += p.weight
	}
	random := rand.New(rand.NewPCG(seed, uint64(order))) //nolint:gosec // repeatable on purpose
	left := random.IntN(total)
	for i := range all {
		if left -= all[i].weight; left < 0 {
			return &all[i]
		}
	}
	return nil
}

func payExactly(v *visit) error {
	p, err := v.ask(btc)
	if err != nil {
		return err
	}
	if v.isLate() { // another payment for the same appears, that nobody was shown
		if err := v.market.exchange.release(v.orderID); err != nil {
			return err
		}
		if _, err := v.ask(btc); err != nil {
			return err
		}
	}
	return v.pay(p, 100)
}

func payTooMuch(v *visit) error { return v.askAndPay(200) }

func payHalf(v *visit) error { return v.askAndPay(50) }

func payAlmost(v *visit) error { return v.payLess(90, orders.DecisionAccept) }

func payHalfForNothing(v *visit) error { return v.payLess(50, orders.DecisionRefunded) }

// payLess pays a percentage of what is asked, and staff decide about it.
func (v *visit) payLess(percent int64, decision orders.Decision) error {
	p, err := v.ask(btc)
	if err != nil {
		return err
	}
	v.later(orders.CaseUnderpaid, decision, part(p.Asked, percent))
	return v.pay(p, percent)
}

// topUp pays the rest to the same address.
func topUp(v *visit) error {
	p, err := v.ask(btc)
	if err != nil {
		return err
	}
	first := part(p.Asked, 40)
	if err := v.deposit(p.ID, first, jovepay.PaymentPartiallyPaid); err != nil {
		return err
	}
	return v.deposit(p.ID, jovepay.NewAmount(p.Asked.Decimal().Sub(first.Decimal())), jovepay.PaymentFinished)
}

// topUpAccepted is topUp without the policy: staff accept the sum.
func topUpAccepted(v *visit) error {
	p, err := v.ask(btc)
	if err != nil {
		return err
	}
	v.later(orders.CaseTopUp, orders.DecisionAccept, p.Asked)
	return topUp(v)
}

func topUpTooLittle(v *visit) error {
	p, err := v.ask(btc)
	if err != nil {
		return err
	}
	return errors.Join(
		v.deposit(p.ID, part(p.Asked, 60), jovepay.PaymentPartiallyPaid),
		v.deposit(p.ID, part(p.Asked, 30), jovepay.PaymentFinished))
}

func payTwice(v *visit) error {
	p, err := v.ask(btc)
	if err != nil {
		return err
	}
	return errors.Join(v.pay(p, 100), v.pay(p, 100))
}

func payTwiceRejected(v *visit) error {
	p, err := v.ask(btc)
	if err != nil {
		return err
	}
	v.later(orders.CaseFurther, orders.DecisionReject, p.Asked)
	return errors.Join(v.pay(p, 100), v.pay(p, 100))
}

func letExpire(v *visit) error {
	p, err := v.ask(btc)
	if err != nil {
		return err
	}
	return v.expire(btc, p)
}

func comeBack(v *visit) error {
	if err := letExpire(v); err != nil {
		return err
	}
	return v.askAndPay(100)
}

func payLate(v *visit) error {
	p, err := v.ask(btc)
	if err != nil {
		return err
	}
	return errors.Join(v.expire(btc, p), v.payLate(p))
}

func payBoth(v *visit) error {
	old, err := v.ask(btc)
	if err != nil {
		return err
	}
	if err := v.expire(btc, old); err != nil {
		return err
	}
	p, err := v.ask(btc)
	if err != nil {
		return err
	}
	return errors.Join(v.pay(p, 100), v.payLate(old))
}

func changeCoin(v *visit) error {
	if _, err := v.ask(btc); err != nil {
		return err
	}
	p, err := v.ask(eth)
	if err != nil {
		return err
	}
	return v.pay(p, 100)
}

func payTwoCoins(v *visit) error {
	first, err := v.ask(btc)
	if err != nil {
		return err
	}
	second, err := v.ask(eth)
	if err != nil {
		return err
	}
	return errors.Join(v.pay(first, 100), v.pay(second, 100))
}

func payWrongAsset(v *visit) error {
	p, err := v.ask(eth)
	if err != nil {
		return err
	}
	wrong, err := v.market.server.DepositWrongAsset(p.ID, "trx", jovepay.Amount{})
	if err != nil {
		return err
	}
	_, err = v.market.server.Advance(wrong.ID) // and there it waits for a person
	return err
}

// payOutside pays a payment that somebody created for the order without the shop.
func payOutside(v *visit) error {
	p, err := v.market.jovepay.Payments.Create(v.ctx, jovepay.PaymentRequest{
		PriceAmount: jovepay.MustAmount(price), PriceCurrency: "usd", PayCurrency: "trx",
		OrderID: v.orderID, IPNCallbackURL: v.market.callback,
	})
	if err != nil {
		return err
	}
	_, err = v.market.server.Pay(p.ID)
	return err
}

func getRefund(v *visit) error {
	p, err := v.ask(btc)
	if err != nil {
		return err
	}
	if err := v.pay(p, 100); err != nil {
		return err
	}
	_, err = v.market.server.Refund(p.ID)
	return err
}

func getPart(v *visit) error {
	p, err := v.ask(btc)
	if err != nil {
		return err
	}
	if err := v.pay(p, 100); err != nil {
		return err
	}
	_, err = v.market.server.RefundPart(p.ID, part(p.Asked, 40))
	return err
}

func getExcess(v *visit) error {
	p, err := v.ask(btc)
	if err != nil {
		return err
	}
	if err := v.pay(p, 200); err != nil {
		return err
	}
	_, err = v.market.server.RefundPart(p.ID, p.Asked)
	return err
}

// cancel cancels the order. Afterwards the shop must not show a payment.
func cancel(v *visit) error {
	p, err := v.ask(btc)
	if err != nil {
		return err
	}
	return v.cancel(p)
}

func (v *visit) cancel(p *shown) error {
	if err := v.market.cancelOrder(v.ctx, v.orderID); err != nil {
		return err
	}
	switch again, err := v.ask(btc); {
	case errors.Is(err, errClosed):
		return nil
	case err != nil:
		return err
	default:
		return fmt.Errorf("the order was canceled, and payment %s was shown after %s", again.ID, p.ID)
	}
}

func cancelAndPay(v *visit) error {
	p, err := v.ask(btc)
	if err != nil {
		return err
	}
	return errors.Join(v.cancel(p), v.pay(p, 100))
}

func cancelAndPayAccepted(v *visit) error {
	p, err := v.ask(btc)
	if err != nil {
		return err
	}
	v.later(orders.CaseCanceled, orders.DecisionAccept, p.Asked)
	return errors.Join(v.cancel(p), v.pay(p, 100))
}

// visit is one customer with an order.
type visit struct {
	ctx     context.Context //nolint:containedctx // a visit is one call
	market  *market
	orderID string
	allWay  bool // payments go through every status

	seen map[string]map[jovepay.ID]bool // what was shown, by coin, since the last payment ended
	over map[jovepay.ID]bool            // payments that have ended
}

// isLate reports whether the order's first create is applied late.
func (v *visit) isLate() bool { return v.market.exchange.isLate(v.orderID) }

// askAndPay asks for a payment and pays a percentage of what is asked.
func (v *visit) askAndPay(percent int64) error {
	p, err := v.ask(btc)
	if err != nil {
		return err
	}
	return v.pay(p, percent)
}

// part returns a percentage of an amount, to btc's decimal places.
func part(amount jovepay.Amount, percent int64) jovepay.Amount {
	return jovepay.NewAmount(amount.Decimal().Mul(decimal.New(percent, -2)).Truncate(8))
}

// pay pays a percentage of what is asked.
func (v *visit) pay(p *shown, percent int64) error {
	amount := p.Asked
	if percent != 100 {
		amount = part(p.Asked, percent)
	}
	status := jovepay.PaymentFinished
	if percent < 100 {
		status = jovepay.PaymentPartiallyPaid
	}
	return v.deposit(p.ID, amount, status)
}

// deposit sends coins to a payment's address. The payment, or the separate one for a
// further deposit, has five events, or three without confirmed and sending.
func (v *visit) deposit(id jovepay.ID, amount jovepay.Amount, end jovepay.PaymentStatus) error {
	if v.allWay {
		_, err := v.market.server.PayAmount(id, amount)
		return err
	}
	payment, err := v.market.server.Deposit(id, amount)
	if err != nil {
		return err
	}
	_, err = v.market.server.SetStatus(payment.ID, end)
	return err
}

// payLate pays an expired payment.
func (v *visit) payLate(p *shown) error {
	if _, err := v.market.server.DepositLate(p.ID, p.Asked); err != nil {
		return err
	}
	_, err := v.market.server.SetStatus(p.ID, jovepay.PaymentFinished)
	return err
}

// expire ends a payment without coins.
func (v *visit) expire(coin string, p *shown) error {
	v.over[p.ID] = true
	delete(v.seen, coin)
	_, err := v.market.server.Expire(p.ID)
	return err
}

// later has staff decide about the order's case, once it has all the coins.
func (v *visit) later(kind orders.CaseKind, decision orders.Decision, coins jovepay.Amount) {
	v.market.staff.add(task{orderID: v.orderID, kind: kind, coins: coins, decision: decision})
}
