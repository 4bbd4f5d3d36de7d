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
	Currency       string         // ticker of a coin
	Amount         jovepay.Amount // in Currency
	Address        string         // where the coins go; any text, since none go
	ExtraID        string         // memo or tag of Address
	IPNCallbackURL string         // where notifications go; empty for none
}

// Withdraw makes a withdrawal and returns it as its first notification tells of
// it: with the status CREATING, as in JovePay's guide. [Server.SetWithdrawalStatus]
// takes it further; nothing else does.
//
// The guide shows what a withdrawal's notifications look like; how one is asked
// for is not documented by JovePay, so the server's API has no endpoint for it.
func (s *Server) Withdraw(r WithdrawalRequest) (*jovepay.WithdrawalEvent, error) {
	return act(s, "Withdraw", arguments{Withdrawal: &r}, func() (*jovepay.WithdrawalEvent, error) {
		return event[jovepay.WithdrawalEvent](s.engine.CreateTransfer(engine.TransferRequest{
			Currency:       r.Currency,
			Amount:         r.Amount.Decimal(),
			Address:        r.Address,
			ExtraID:        r.ExtraID,
			IPNCallbackURL: r.IPNCallbackURL,
		}))
	})
}

// SetWithdrawalStatus gives a withdrawal any status, and returns it as its
// notification tells of it. From SENDING and FINISHED on it has a fee and a
// hash; at FAILED and REJECTED it has an error. These are invented: the guide
// shows the names of the fields alone.
func (s *Server) SetWithdrawalStatus(id jovepay.ID, status jovepay.WithdrawalStatus) (*jovepay.WithdrawalEvent, error) {
	return setTransfer[jovepay.WithdrawalEvent](s, "SetWithdrawalStatus", id, false, status)
}

// RecurringRequest is a custodial recurring payment. Currency and Amount are
// required.
type RecurringRequest struct {
	Currency       string         // ticker of a coin
	Amount         jovepay.Amount // in Currency
	IPNCallbackURL string         // where notifications go; empty for none
}

// Recur makes one custodial recurring payment and returns it as its first
// notification tells of it: with the status WAITING, which is not documented by
// JovePay. Its guide shows FINISHED. [Server.SetRecurringStatus] takes it
// further; nothing else does.
func (s *Server) Recur(r RecurringRequest) (*jovepay.RecurringPaymentEvent, error) {
	return act(s, "Recur", arguments{Recurring: &r}, func() (*jovepay.RecurringPaymentEvent, error) {
		return event[jovepay.RecurringPaymentEvent](s.engine.CreateTransfer(engine.TransferRequest{
			Recurring:      true,
			Currency:       r.Currency,
			Amount:         r.Amount.Decimal(),
			IPNCallbackURL: r.IPNCallbackURL,
		}))
	})
}

// SetRecurringStatus gives a custodial recurring payment any status, and returns
// it as its notification tells of it.
func (s *Server) SetRecurringStatus(id jovepay.ID, status jovepay.WithdrawalStatus) (*jovepay.RecurringPaymentEvent, error) {
	return setTransfer[jovepay.RecurringPaymentEvent](s, "SetRecurringStatus", id, true, status)
}

func setTransfer[E transferEvent](s *Server, action string, id jovepay.ID, recurring bool, status jovepay.WithdrawalStatus) (*E, error) {
	return act(s, action, arguments{ID: id, Status: string(status)}, func() (*E, error) {
		number, err := numberOf(id)
		if err != nil {
			return nil, err
		}
		return event[E](s.engine.SetTransferStatus(number, recurring, string(status)))
	})
}

type transferEvent interface {
	jovepay.WithdrawalEvent | jovepay.RecurringPaymentEvent
}

// event reads the event from the body of its notification, so that there is one
// account of it.
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
