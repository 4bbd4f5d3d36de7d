package jovepaytest

import (
	"strconv"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/internal/emulator/engine"
)

// Pay makes the customer pay exactly what was asked, as [Server.PayAmount] does
// with a zero amount, and returns how the payment ends.
func (s *Server) Pay(id jovepay.ID) (*jovepay.Payment, error) {
	return s.PayAmount(id, jovepay.Amount{})
}

// PayAmount makes the customer pay amount, and returns how the payment ends: the
// coins arrive as in [Server.Deposit], and the payment runs through its statuses to
// finished, or to partially_paid if less came than was asked. With
// [WithAutoAdvance] it returns once the coins have arrived, and the rest comes
// with time.
func (s *Server) PayAmount(id jovepay.ID, amount jovepay.Amount) (*jovepay.Payment, error) {
	return perform(s, pay(), amountOnPayment{id, amount})
}

// Deposit makes the customer's coins arrive, and returns the payment that they
// count for, which is now confirming. The amount is in the payment's own coin; a
// null or zero amount is exactly what was asked.
//
// Coins for a payment that no longer waits, because it was paid or has expired,
// become a new payment with ParentPaymentID set.
func (s *Server) Deposit(id jovepay.ID, amount jovepay.Amount) (*jovepay.Payment, error) {
	return perform(s, deposit(), amountOnPayment{id, amount})
}

// DepositWrongAsset makes coins of another currency arrive at the payment's
// address, and returns the payment that they become: with ParentPaymentID set,
// and with the other currency as PayCurrency. The amount is in that currency;
// null or zero is the value of the price. The first payment continues to wait.
//
// The new payment is confirming. As JovePay's guide says, it waits for a person
// once it is confirmed: [Server.Advance] accepts it, [Server.Refund] sends the
// coins back. With [WithWrongAssetProcessing] it does not wait.
func (s *Server) DepositWrongAsset(id jovepay.ID, currency string, amount jovepay.Amount) (*jovepay.Payment, error) {
	return perform(s, depositWrongAsset(), wrongAsset{id, currency, amount})
}

// DepositWithoutMemo makes the customer's coins arrive without the memo that
// they need, PayinExtraID. The amount is as in [Server.Deposit]. All customers
// share the address, so nobody knows whose coins they are. The payment, which is
// returned, continues to wait and may expire, and the shop is not notified, until
// a person finds the coins: see [Server.FindDeposit]. If the payment has no memo
// it is an error.
func (s *Server) DepositWithoutMemo(id jovepay.ID, amount jovepay.Amount) (*jovepay.Payment, error) {
	return perform(s, depositWithoutMemo(), withoutMemo{id, amount})
}

// FindDeposit assigns the first coins of [Server.DepositWithoutMemo] to their
// payment, as a person at JovePay does. A payment that waits or has expired is
// confirming then, continues as if the coins had just arrived, and the shop is
// notified. If it was paid otherwise, the coins become a new payment as in
// [Server.Deposit], which is returned. Without such coins it is an error.
//
// What becomes of such coins is not documented by JovePay.
func (s *Server) FindDeposit(id jovepay.ID) (*jovepay.Payment, error) {
	return perform(s, findDeposit(), foundDeposit{id})
}

// DepositLate makes coins arrive for a payment that has expired or failed, as news
// of the same payment: it is returned as confirming, its ActuallyPaid grows by the
// amount, and it goes on to its end. The amount is as in [Server.Deposit], which
// makes such coins a separate payment. At any other status it is an error.
//
// Whether JovePay does one or the other is not documented: a shop should expect
// both.
func (s *Server) DepositLate(id jovepay.ID, amount jovepay.Amount) (*jovepay.Payment, error) {
	return perform(s, depositLate(), latePayment{id, amount})
}

// Refund sends the coins of a payment back to the customer, and returns it as
// refunded. It works at any status; it is an error if no coins came, or if they
// were refunded before.
func (s *Server) Refund(id jovepay.ID) (*jovepay.Payment, error) {
	return perform(s, refund(), refundOf{ID: id})
}

// RefundPart sends amount of a payment's coins back to the customer, and returns
// the payment as refunded. From then on the payment, wherever it is shown, and its
// notification report the amount as refunded_amount, a member that is not
// documented by JovePay: see Extra of [jovepay.Payment]. It is an error if fewer
// coins came, or if coins were refunded before. Null or zero is [Server.Refund],
// after which no amount is reported.
func (s *Server) RefundPart(id jovepay.ID, amount jovepay.Amount) (*jovepay.Payment, error) {
	return perform(s, refund(), refundOf{id, amount})
}

// Expire expires a waiting payment now, and returns it. It is an error if the
// payment does not wait. Coins that arrive later become a new payment: see
// [Server.Deposit].
func (s *Server) Expire(id jovepay.ID) (*jovepay.Payment, error) {
	return perform(s, expire(), onPayment{id})
}

// Advance moves a payment on by one status: waiting (which it leaves as if paid
// exactly), confirming, confirmed, sending, and finished or partially_paid. If no
// status follows it is an error.
func (s *Server) Advance(id jovepay.ID) (*jovepay.Payment, error) {
	return perform(s, advance(), onPayment{id})
}

// SetStatus gives a payment any status, even one that the SDK does not know, and
// changes nothing else: no coins come or go.
func (s *Server) SetStatus(id jovepay.ID, status jovepay.PaymentStatus) (*jovepay.Payment, error) {
	return perform(s, setStatus(), paymentStatus{id, status})
}

// CheckOut chooses a coin on an invoice's page, and returns the payment that this
// creates. An empty coin is the invoice's own.
func (s *Server) CheckOut(invoice jovepay.ID, payCurrency string) (*jovepay.Payment, error) {
	return perform(s, checkOut(), onInvoice{invoice, payCurrency})
}

func (s *Server) change(id jovepay.ID, do func(number int64) (engine.Payment, error)) (*jovepay.Payment, error) {
	number, err := numberOf(id)
	if err != nil {
		return nil, err
	}
	p, err := do(number)
	if err != nil {
		return nil, wrap(err)
	}
	return public(p)
}

// SetPrice sets the price of one unit of a currency in US dollars, for payments
// and estimates from now on. A new ticker becomes a coin that customers can pay
// with.
func (s *Server) SetPrice(currency string, usd jovepay.Amount) error {
	return second(perform(s, setPrice(), price{currency, usd}))
}

// SetMinimum sets the smallest payment in a currency, for payments from now on.
// Null is the default: a value of two dollars.
func (s *Server) SetMinimum(currency string, amount jovepay.Amount) error {
	return second(perform(s, setMinimum(), minimum{currency, amount}))
}

// SetCurrencies sets the coins that customers can pay with from now on. Each must
// have a price: see [Server.SetPrice].
func (s *Server) SetCurrencies(coins ...string) error {
	return second(perform(s, setCurrencies(), tickers{coins}))
}

// SetTokenLifetime sets how long a login lasts from now on, in whole seconds, at
// least one. Tokens issued before keep their time: [Server.MoveClock] expires
// them.
func (s *Server) SetTokenLifetime(d time.Duration) error {
	return second(perform(s, setTokenLifetime(), lifetime{d}))
}

// SetListLag makes GET /v1/payment show the payments as they were d ago by the
// server's clock: without those created since, and at the status and with the
// amounts of then. GET /v1/payment/{id} stays current, and so do the methods of
// Server. Of what happened before the lag was set, or on an earlier server of the
// same state, only creations are shown late. Zero ends the lag. A lag that is
// negative, or longer than a hundred years, is an error.
//
// How far JovePay's list can lag is not documented.
func (s *Server) SetListLag(d time.Duration) error {
	return second(perform(s, setListLag(), listLag{d}))
}

// Now returns the time by the server's clock, in UTC and whole milliseconds.
func (s *Server) Now() time.Time { return s.engine.Now() }

// MoveClock moves the server's clock forward and returns the new time. Whatever
// falls due in between happens before it returns, at the time when it is due and
// in that order: payments expire, and with [WithAutoAdvance] paid ones move on.
// Their notifications are sent in the same order; wait for them with
// [Server.WaitDeliveries]. Tokens expire, too.
//
// It works with any clock: a running one continues from the new time, the
// duration is added to one of [WithClock], and one of [WithFrozenClock] stops at
// the new time. A negative duration is an error, and so is more than a hundred
// years in all; zero processes what is due.
//
// It does not shorten what takes real time, such as a response's latency or the
// pause before a notification is retried.
func (s *Server) MoveClock(d time.Duration) (time.Time, error) {
	result, err := perform(s, moveClock(), clockMove{d})
	return result.Now, err
}

// numberOf reads an id as the engine counts them.
func numberOf(id jovepay.ID) (int64, error) {
	number, err := strconv.ParseInt(id.String(), 10, 64)
	if err != nil {
		return 0, wrap(engine.InvalidParam("id %q is not a number", id))
	}
	return number, nil
}
