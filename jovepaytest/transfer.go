package jovepaytest

import (
	"github.com/go-json-experiment/json"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/internal/emulator"
	"github.com/jovepay/jovepay-go/internal/emulator/engine"
)

// WithdrawalRequest is a withdrawal from the merchant's balance. Currency,
// Amount and Address are required.
type WithdrawalRequest struct {
	Currency       string         `json:"currency" usage:"a coin" placeholder:"coin" example:"trx"`                          // ticker of a coin
	Amount         jovepay.Amount `json:"amount" usage:"coins to withdraw" example:"50"`                                     // in Currency
	Address        string         `json:"address" usage:"where they go; any text" placeholder:"address" example:"somewhere"` // where the coins go; any text, since none go
	ExtraID        string         `json:"extra_id,omitzero" usage:"memo or tag of the address" placeholder:"memo"`           // memo or tag of Address
	IPNCallbackURL string         `json:"ipn_callback_url,omitzero" usage:"where notifications go" placeholder:"url"`        // where notifications go; empty for none
}

// Withdraw makes a withdrawal and returns it as its first notification shows it,
// with the status CREATING as in JovePay's guide. Only
// [Server.SetWithdrawalStatus] takes it further.
//
// The guide shows a withdrawal's notifications. How to request one is not
// documented by JovePay, so the server's API has no endpoint for it.
func (s *Server) Withdraw(r WithdrawalRequest) (*jovepay.WithdrawalEvent, error) {
	return perform(s, withdraw(), r)
}

// SetWithdrawalStatus gives a withdrawal any status, and returns it as its
// notification shows it. From SENDING and FINISHED on it has a fee and a hash; at
// FAILED and REJECTED it has an error. These are invented: the guide shows only
// the names of the fields.
func (s *Server) SetWithdrawalStatus(id jovepay.ID, status jovepay.WithdrawalStatus) (*jovepay.WithdrawalEvent, error) {
	return perform(s, setWithdrawalStatus(), onWithdrawal{id, status})
}

// RecurringRequest is a custodial recurring payment. Currency and Amount are
// required.
type RecurringRequest struct {
	Currency       string         `json:"currency" usage:"a coin" placeholder:"coin" example:"trx"`                   // ticker of a coin
	Amount         jovepay.Amount `json:"amount" usage:"coins to charge" example:"12.5"`                              // in Currency
	IPNCallbackURL string         `json:"ipn_callback_url,omitzero" usage:"where notifications go" placeholder:"url"` // where notifications go; empty for none
}

// Recur makes one custodial recurring payment and returns it as its first
// notification shows it, with the status WAITING, which is not documented by
// JovePay: its guide shows FINISHED. Only [Server.SetRecurringStatus] takes it
// further.
func (s *Server) Recur(r RecurringRequest) (*jovepay.RecurringPaymentEvent, error) {
	return perform(s, recur(), r)
}

// SetRecurringStatus gives a custodial recurring payment any status, and returns
// it as its notification shows it.
func (s *Server) SetRecurringStatus(id jovepay.ID, status jovepay.WithdrawalStatus) (*jovepay.RecurringPaymentEvent, error) {
	return perform(s, setRecurringStatus(), onRecurring{id, status})
}

func setTransfer[E transferEvent](s *Server, id jovepay.ID, recurring bool, status jovepay.WithdrawalStatus) (*E, error) {
	number, err := numberOf(id)
	if err != nil {
		return nil, err
	}
	return event[E](s.engine.SetTransferStatus(number, recurring, string(status)))
}

type transferEvent interface {
	jovepay.WithdrawalEvent | jovepay.RecurringPaymentEvent
}

// event reads the event from the body of its notification, so that there is one
// description of it.
func event[E transferEvent](t engine.Transfer, err error) (*E, error) {
	if err != nil {
		return nil, wrap(err)
	}
	body, err := emulator.TransferJSON(&t, false)
	if err != nil {
		return nil, wrap(err)
	}
	e := new(E)
	if err := json.Unmarshal(body, e); err != nil {
		return nil, wrap(err)
	}
	switch e := any(e).(type) {
	case *jovepay.WithdrawalEvent:
		e.Raw = body
	case *jovepay.RecurringPaymentEvent:
		e.Raw = body
	}
	return e, nil
}
