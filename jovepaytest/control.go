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

// Deposit is the customer's coins arriving, and returns the payment that they
// count for, which is confirming now. The amount is in the payment's own coin;
// a null or zero amount is exactly what was asked for.
//
// Coins for a payment that no longer waits, because it was paid or has
// expired, become a new payment with ParentPaymentID set.
func (s *Server) Deposit(id jovepay.ID, amount jovepay.Amount) (*jovepay.Payment, error) {
	return perform(s, deposit(), amountOnPayment{id, amount})
}

// DepositWrongAsset is the customer's coins of another currency arriving at the
// payment's address, and returns the payment that they become: with
// ParentPaymentID set, and with what came as PayCurrency. The amount is in that
// currency; null or zero is what the price is in it. The payment itself goes on
// waiting.
//
// The new payment is confirming, and as JovePay's guide says it waits for a
// person once it is confirmed: [Server.Advance] goes on, [Server.Refund] sends
// the coins back. [WithWrongAssetProcessing] lets it run on by itself.
func (s *Server) DepositWrongAsset(id jovepay.ID, currency string, amount jovepay.Amount) (*jovepay.Payment, error) {
	return perform(s, depositWrongAsset(), wrongAsset{id, currency, amount})
}

// DepositWithoutMemo is the customer's coins arriving without the memo that
// they need: PayinExtraID. The amount is as in [Server.Deposit]. The address is
// shared by all customers, so nobody knows whose coins they are. The payment,
// which is returned, goes on waiting and may expire, and the shop is not
// notified, until a person finds the coins: see [Server.FindDeposit]. A payment
// without a memo is an error.
func (s *Server) DepositWithoutMemo(id jovepay.ID, amount jovepay.Amount) (*jovepay.Payment, error) {
	return perform(s, depositWithoutMemo(), withoutMemo{id, amount})
}

// FindDeposit is a person at JovePay assigning the first coins of
// [Server.DepositWithoutMemo] to their payment. A payment that waits or has
// expired is confirming then, and continues as if they had just come; its
// notifications are sent. If it was paid otherwise, the coins are a payment of
// their own as in [Server.Deposit], which is returned. Without such coins it is
// an error.
//
// What JovePay does with such coins is not documented by JovePay.
func (s *Server) FindDeposit(id jovepay.ID) (*jovepay.Payment, error) {
	return perform(s, findDeposit(), foundDeposit{id})
}

// Refund sends the coins of a payment back to the customer, and returns it as
// refunded. That can happen at any status; it is an error if no coins came, or
// if they went back before.
func (s *Server) Refund(id jovepay.ID) (*jovepay.Payment, error) {
	return perform(s, refund(), onPayment{id})
}

// Expire ends the time that a waiting payment has, and returns it as expired.
// Where it does not wait it is an error. Coins that arrive later are a payment
// of their own: see [Server.Deposit].
func (s *Server) Expire(id jovepay.ID) (*jovepay.Payment, error) {
	return perform(s, expire(), onPayment{id})
}

// Advance takes a payment one status further on its ordinary way: waiting
// (which it leaves as if paid exactly), confirming, confirmed, sending, and
// finished or partially_paid. Where no status follows it is an error.
func (s *Server) Advance(id jovepay.ID) (*jovepay.Payment, error) {
	return perform(s, advance(), onPayment{id})
}

// SetStatus gives a payment any status, one that the SDK does not know
// included, and changes nothing else: no coins come or go.
func (s *Server) SetStatus(id jovepay.ID, status jovepay.PaymentStatus) (*jovepay.Payment, error) {
	return perform(s, setStatus(), paymentStatus{id, status})
}

// CheckOut is the customer opening an invoice's page and choosing a coin, and
// returns the payment that this makes. An empty coin is the invoice's own.
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

// SetPrice sets what one unit of a currency costs in US dollars, for payments
// and estimates from now on. A ticker that was not known becomes a coin that
// customers can pay with.
func (s *Server) SetPrice(currency string, usd jovepay.Amount) error {
	return second(perform(s, setPrice(), price{currency, usd}))
}

// SetMinimum sets the smallest payment in a currency. Null makes it follow the
// price again, as it does at first: it is then worth two dollars.
func (s *Server) SetMinimum(currency string, amount jovepay.Amount) error {
	return second(perform(s, setMinimum(), minimum{currency, amount}))
}

// SetCurrencies says which coins customers can pay with from now on. It is an
// error to name one without a price; see [Server.SetPrice].
func (s *Server) SetCurrencies(coins ...string) error {
	return second(perform(s, setCurrencies(), tickers{coins}))
}

// SetTokenLifetime sets how long a login lasts from now on, in whole seconds; less
// than one is an error. Tokens that there are keep their time: [Server.MoveClock]
// ends those.
func (s *Server) SetTokenLifetime(d time.Duration) error {
	return second(perform(s, setTokenLifetime(), lifetime{d}))
}

// Now returns the time by the server's clock, in UTC and whole milliseconds.
func (s *Server) Now() time.Time { return s.engine.Now() }

// MoveClock sets the server's clock forward and returns the new time. Whatever
// falls due in between happens before it returns, each thing at the time when it
// is due, and in that order: payments expire, and with [WithAutoAdvance] paid
// ones move on. Their notifications are sent in the same order; wait for them
// with [Server.WaitDeliveries]. Tokens end, too.
//
// It works with any clock: one that runs goes on from the new time, one of
// [WithClock] is added to, one of [WithFrozenClock] stands again. A negative
// duration is an error, and so is more than a hundred years in all; zero lets
// happen what is due.
//
// What passes in real time, such as a response's latency or the pause before a
// notification is sent again, is not shortened.
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
