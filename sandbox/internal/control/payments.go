package control

import (
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

func id(r *http.Request) jovepay.ID { return jovepay.ID(r.PathValue("id")) }

// shown is a payment as JovePay's API shows it.
func shown(p *jovepay.Payment, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return jsontext.Value(p.Raw), nil
}

type amountBody struct {
	Amount jovepay.Amount `json:"amount"`
}

func (s server) pay(r *http.Request, b amountBody) (any, error) {
	return shown(s.PayAmount(id(r), b.Amount))
}

func (s server) deposit(r *http.Request, b amountBody) (any, error) {
	return shown(s.Deposit(id(r), b.Amount))
}

type wrongAssetBody struct {
	Currency string         `json:"currency"`
	Amount   jovepay.Amount `json:"amount"`
}

func (s server) wrongAsset(r *http.Request, b wrongAssetBody) (any, error) {
	return shown(s.DepositWrongAsset(id(r), b.Currency, b.Amount))
}

func (s server) advance(r *http.Request, _ none) (any, error) { return shown(s.Advance(id(r))) }
func (s server) refund(r *http.Request, _ none) (any, error)  { return shown(s.Refund(id(r))) }
func (s server) expire(r *http.Request, _ none) (any, error)  { return shown(s.Expire(id(r))) }

type statusBody struct {
	Status string `json:"status"`
}

func (s server) paymentStatus(r *http.Request, b statusBody) (any, error) {
	return shown(s.SetStatus(id(r), jovepay.PaymentStatus(b.Status)))
}

type checkOutBody struct {
	PayCurrency string `json:"pay_currency"`
}

func (s server) checkOut(r *http.Request, b checkOutBody) (any, error) {
	return shown(s.CheckOut(id(r), b.PayCurrency))
}

type withdrawalBody struct {
	Currency       string         `json:"currency"`
	Amount         jovepay.Amount `json:"amount"`
	Address        string         `json:"address"`
	ExtraID        string         `json:"extra_id"`
	IPNCallbackURL string         `json:"ipn_callback_url"`
}

func (s server) withdraw(_ *http.Request, b withdrawalBody) (any, error) {
	return withdrawal(s.Withdraw(jovepaytest.WithdrawalRequest(b)))
}

func (s server) withdrawalStatus(r *http.Request, b statusBody) (any, error) {
	return withdrawal(s.SetWithdrawalStatus(id(r), jovepay.WithdrawalStatus(b.Status)))
}

// withdrawal is one as its notification tells of it.
func withdrawal(e *jovepay.WithdrawalEvent, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return jsontext.Value(e.Raw), nil
}

type recurringBody struct {
	Currency       string         `json:"currency"`
	Amount         jovepay.Amount `json:"amount"`
	IPNCallbackURL string         `json:"ipn_callback_url"`
}

func (s server) recur(_ *http.Request, b recurringBody) (any, error) {
	return recurring(s.Recur(jovepaytest.RecurringRequest(b)))
}

func (s server) recurringStatus(r *http.Request, b statusBody) (any, error) {
	return recurring(s.SetRecurringStatus(id(r), jovepay.WithdrawalStatus(b.Status)))
}

// recurring is a recurring payment as its notification tells of it.
func recurring(e *jovepay.RecurringPaymentEvent, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return jsontext.Value(e.Raw), nil
}
