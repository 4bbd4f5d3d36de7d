package jovepaytest

import (
	"context"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/internal/emulator"
	"github.com/jovepay/jovepay-go/internal/emulator/engine"
)

// The groups of actions, by who does them.
const (
	byCustomer = "Customer"
	byJovePay  = "Network and JovePay"
	byMerchant = "Merchant"
	byNobody   = "Failures and time"
)

// Groups returns the groups of [Actions], in order.
func Groups() []string { return []string{byCustomer, byJovePay, byMerchant, byNobody} }

// Actions returns everything that can be done to a [Server].
//
// To add an action, add it here, and the method of Server that performs it.
func Actions() []Action {
	return []Action{
		pay().action(), deposit().action(), depositWrongAsset().action(), depositWithoutMemo().action(), depositLate().action(), checkOut().action(),
		advance().action(), findDeposit().action(), expire().action(), refund().action(), setStatus().action(),
		setWithdrawalStatus().action(), setRecurringStatus().action(),
		withdraw().action(), recur().action(),
		setPrice().action(), setMinimum().action(), setCurrencies().action(), setTokenLifetime().action(),
		moveClock().action(), setListLag().action(), inject().action(), clearFaults().action(),
		setIPN().action(), sendIPN().action(), redeliver().action(), waitDeliveries().action(),
	}
}

// The arguments that several actions have.
type (
	onPayment struct {
		ID jovepay.ID `json:"id" usage:"the payment" example:"5745459419"`
	}
	amountOnPayment struct {
		ID     jovepay.ID     `json:"id" usage:"the payment" example:"5745459419"`
		Amount jovepay.Amount `json:"amount,omitzero" usage:"coins to send; exactly what was asked if missing" example:"0.0001"`
	}
	onWithdrawal struct {
		ID     jovepay.ID               `json:"id" usage:"the withdrawal" example:"7012345678"`
		Status jovepay.WithdrawalStatus `json:"status" usage:"any status" placeholder:"status" example:"FINISHED"`
	}
	onRecurring struct {
		ID     jovepay.ID               `json:"id" usage:"the recurring payment" example:"8012345678"`
		Status jovepay.WithdrawalStatus `json:"status" usage:"any status" placeholder:"status" example:"FINISHED"`
	}
)

func pay() verb[amountOnPayment, *jovepay.Payment] {
	return verb[amountOnPayment, *jovepay.Payment]{Action: Action{
		Name: "Pay", Command: "pay", Route: "POST payments/{id}/pay", Group: byCustomer,
		Summary: "Pay a payment and run it to its end",
		Details: "Send coins to the payment's address and run the payment to its end. Less than was asked leaves it " +
			"partially_paid. If the payment no longer waits, the coins become a separate payment, with parent_payment_id.",
	}, do: func(s *Server, a amountOnPayment) (*jovepay.Payment, error) {
		p, err := s.deposit(a)
		if err != nil || s.auto {
			return p, err
		}
		return s.change(p.ID, s.engine.Settle)
	}}
}

func deposit() verb[amountOnPayment, *jovepay.Payment] {
	return verb[amountOnPayment, *jovepay.Payment]{Action: Action{
		Name: "Deposit", Command: "deposit", Route: "POST payments/{id}/deposit", Group: byCustomer,
		Summary: "Send coins to a payment, without confirmations",
		Details: "Send coins to the payment's address. The payment is confirming; \"advance\" takes it further, one status at a time.",
	}, do: func(s *Server, a amountOnPayment) (*jovepay.Payment, error) { return s.deposit(a) }}
}

func (s *Server) deposit(a amountOnPayment) (*jovepay.Payment, error) {
	return s.change(a.ID, func(number int64) (engine.Payment, error) {
		return s.engine.Deposit(number, a.Amount.Decimal())
	})
}

type wrongAsset struct {
	ID       jovepay.ID     `json:"id" usage:"the payment" example:"5745459419"`
	Currency string         `json:"currency" usage:"what is sent" placeholder:"coin" example:"eth"`
	Amount   jovepay.Amount `json:"amount,omitzero" usage:"coins to send; worth the price if missing" example:"0.01"`
}

func depositWrongAsset() verb[wrongAsset, *jovepay.Payment] {
	return verb[wrongAsset, *jovepay.Payment]{Action: Action{
		Name: "DepositWrongAsset", Command: "wrong-asset", Route: "POST payments/{id}/wrong-asset", Group: byCustomer,
		Summary: "Send another coin to a payment's address",
		Details: "Send another coin to the payment's address. It becomes a separate payment, which is returned and waits " +
			"for a person once it is confirmed. The first payment continues to wait for the right coin.",
	}, do: func(s *Server, a wrongAsset) (*jovepay.Payment, error) {
		return s.change(a.ID, func(number int64) (engine.Payment, error) {
			return s.engine.DepositWrongAsset(number, a.Currency, a.Amount.Decimal())
		})
	}}
}

type withoutMemo struct {
	ID     jovepay.ID     `json:"id" usage:"a payment with a memo, such as in xrp" example:"5745459420"`
	Amount jovepay.Amount `json:"amount,omitzero" usage:"coins to send; exactly what was asked if missing" example:"10"`
}

func depositWithoutMemo() verb[withoutMemo, *jovepay.Payment] {
	return verb[withoutMemo, *jovepay.Payment]{Action: Action{
		Name: "DepositWithoutMemo", Command: "without-memo", Route: "POST payments/{id}/without-memo", Group: byCustomer,
		Summary: "Send coins that nobody can assign",
		Details: "Send coins to the payment's address without the memo. Nobody knows whose they are, so the payment continues " +
			"to wait, and may expire, until \"find-deposit\".",
		Label:   "Pay without the memo",
		applies: hasMemo,
	}, do: func(s *Server, a withoutMemo) (*jovepay.Payment, error) {
		return s.change(a.ID, func(number int64) (engine.Payment, error) {
			return s.engine.DepositWithoutMemo(number, a.Amount.Decimal())
		})
	}}
}

func hasMemo(p *jovepay.Payment) bool { return p.PayinExtraID != "" }

type foundDeposit struct {
	ID jovepay.ID `json:"id" usage:"the payment that the coins were sent for" example:"5745459420"`
}

func findDeposit() verb[foundDeposit, *jovepay.Payment] {
	return verb[foundDeposit, *jovepay.Payment]{Action: Action{
		Name: "FindDeposit", Command: "find-deposit", Route: "POST payments/{id}/find-deposit", Group: byJovePay,
		Summary: "Find coins that came without the memo",
		Details: "Assign the first coins that came without the memo to their payment, as a person at JovePay does. A payment " +
			"that waits or has expired becomes confirming. If it was paid otherwise, the coins become a separate payment.",
		Label:   "Find the coins",
		applies: hasMemo,
	}, do: func(s *Server, a foundDeposit) (*jovepay.Payment, error) {
		return s.change(a.ID, s.engine.FindDeposit)
	}}
}

type latePayment struct {
	ID     jovepay.ID     `json:"id" usage:"a payment that has expired or failed" example:"5745459421"`
	Amount jovepay.Amount `json:"amount,omitzero" usage:"coins to send; exactly what was asked if missing" example:"0.0001"`
}

func depositLate() verb[latePayment, *jovepay.Payment] {
	return verb[latePayment, *jovepay.Payment]{Action: Action{
		Name: "DepositLate", Command: "late-deposit", Route: "POST payments/{id}/late-deposit", Group: byCustomer,
		Summary: "Send coins to an expired or failed payment",
		Details: "Send coins to the address of a payment that has expired or failed. They are news of the same payment, which is " +
			"confirming again, and not a separate payment as with \"deposit\".",
		Label: "Pay late",
		blocked: func(p *jovepay.Payment) string {
			if p.Status != jovepay.PaymentExpired && p.Status != jovepay.PaymentFailed {
				return "The payment has not expired or failed."
			}
			return ""
		},
	}, do: func(s *Server, a latePayment) (*jovepay.Payment, error) {
		return s.change(a.ID, func(number int64) (engine.Payment, error) {
			return s.engine.DepositLate(number, a.Amount.Decimal())
		})
	}}
}

type onInvoice struct {
	ID          jovepay.ID `json:"id" usage:"the invoice" example:"6012345678"`
	PayCurrency string     `json:"pay_currency,omitzero" usage:"the coin to pay with; the invoice's own if missing" placeholder:"coin" example:"btc"`
}

func checkOut() verb[onInvoice, *jovepay.Payment] {
	return verb[onInvoice, *jovepay.Payment]{Action: Action{
		Name: "CheckOut", Command: "checkout", Route: "POST invoices/{id}/checkout", Group: byCustomer,
		Summary: "Open an invoice and choose a coin",
		Details: "Create the payment that an invoice's page creates once the customer has chosen a coin.",
	}, do: func(s *Server, a onInvoice) (*jovepay.Payment, error) {
		return s.change(a.ID, func(number int64) (engine.Payment, error) { return s.engine.PayInvoice(number, a.PayCurrency) })
	}}
}

func advance() verb[onPayment, *jovepay.Payment] {
	return verb[onPayment, *jovepay.Payment]{Action: Action{
		Name: "Advance", Command: "advance", Route: "POST payments/{id}/advance", Group: byJovePay,
		Summary: "Move a payment on by one status",
		Details: "Move a payment on by one status. A waiting payment counts as paid exactly.",
		Label:   "One step on",
		blocked: func(p *jovepay.Payment) string {
			switch p.Status {
			case jovepay.PaymentWaiting, jovepay.PaymentConfirming, jovepay.PaymentConfirmed, jovepay.PaymentSending:
				return ""
			default:
				return "No status follows."
			}
		},
	}, do: func(s *Server, a onPayment) (*jovepay.Payment, error) {
		return s.change(a.ID, s.engine.Advance)
	}}
}

func expire() verb[onPayment, *jovepay.Payment] {
	return verb[onPayment, *jovepay.Payment]{Action: Action{
		Name: "Expire", Command: "expire", Route: "POST payments/{id}/expire", Group: byJovePay,
		Summary: "Expire a waiting payment now",
		Details: "Expire a waiting payment, whatever time it had left. Coins that arrive later become a separate payment.",
		Label:   "Let it expire",
		blocked: func(p *jovepay.Payment) string {
			if p.Status != jovepay.PaymentWaiting {
				return "The payment no longer waits."
			}
			return ""
		},
	}, do: func(s *Server, a onPayment) (*jovepay.Payment, error) {
		return s.change(a.ID, s.engine.Expire)
	}}
}

type refundOf struct {
	ID     jovepay.ID     `json:"id" usage:"the payment" example:"5745459419"`
	Amount jovepay.Amount `json:"amount,omitzero" usage:"coins to send back; all that came if missing" example:"0.0001"`
}

func refund() verb[refundOf, *jovepay.Payment] {
	return verb[refundOf, *jovepay.Payment]{Action: Action{
		Name: "Refund", Command: "refund", Route: "POST payments/{id}/refund", Group: byJovePay,
		Summary: "Send a payment's coins back to the customer",
		Details: "Send the coins of a payment back to the customer, at whatever status it is. With an amount, the payment and its " +
			"notification report it as refunded_amount, which JovePay does not document.",
		Label: "Refund",
		blocked: func(p *jovepay.Payment) string {
			if p.ActuallyPaid.Sign() <= 0 || p.Status == jovepay.PaymentRefunded {
				return "There is nothing to pay back."
			}
			return ""
		},
	}, do: func(s *Server, a refundOf) (*jovepay.Payment, error) {
		return s.change(a.ID, func(number int64) (engine.Payment, error) { return s.engine.Refund(number, a.Amount.Decimal()) })
	}}
}

type paymentStatus struct {
	ID     jovepay.ID            `json:"id" usage:"the payment" example:"5745459419"`
	Status jovepay.PaymentStatus `json:"status" usage:"any status" placeholder:"status" example:"failed"`
}

func setStatus() verb[paymentStatus, *jovepay.Payment] {
	return verb[paymentStatus, *jovepay.Payment]{Action: Action{
		Name: "SetStatus", Command: "status", Route: "POST payments/{id}/status", Group: byJovePay,
		Summary: "Give a payment any status",
		Details: "Give a payment a status, known or not, and change nothing else: no coins come or go.",
	}, do: func(s *Server, a paymentStatus) (*jovepay.Payment, error) {
		return s.change(a.ID, func(number int64) (engine.Payment, error) { return s.engine.SetStatus(number, string(a.Status)) })
	}}
}

func setWithdrawalStatus() verb[onWithdrawal, *jovepay.WithdrawalEvent] {
	return verb[onWithdrawal, *jovepay.WithdrawalEvent]{Action: Action{
		Name: "SetWithdrawalStatus", Command: "withdrawal-status", Route: "POST withdrawals/{id}/status", Group: byJovePay,
		Summary: "Give a withdrawal any status",
		Details: "Give a withdrawal any status. From SENDING and FINISHED on it has a fee and a hash; at FAILED and REJECTED it has an error.",
	}, do: func(s *Server, a onWithdrawal) (*jovepay.WithdrawalEvent, error) {
		return setTransfer[jovepay.WithdrawalEvent](s, a.ID, false, a.Status)
	}}
}

func setRecurringStatus() verb[onRecurring, *jovepay.RecurringPaymentEvent] {
	return verb[onRecurring, *jovepay.RecurringPaymentEvent]{Action: Action{
		Name: "SetRecurringStatus", Command: "recurring-status", Route: "POST recurring/{id}/status", Group: byJovePay,
		Summary: "Give a recurring payment any status",
		Details: "Give a custodial recurring payment any status.",
	}, do: func(s *Server, a onRecurring) (*jovepay.RecurringPaymentEvent, error) {
		return setTransfer[jovepay.RecurringPaymentEvent](s, a.ID, true, a.Status)
	}}
}

func withdraw() verb[WithdrawalRequest, *jovepay.WithdrawalEvent] {
	return verb[WithdrawalRequest, *jovepay.WithdrawalEvent]{Action: Action{
		Name: "Withdraw", Command: "withdraw", Route: "POST withdrawals", Group: byMerchant,
		Summary: "Make a withdrawal from the balance",
		Details: "Make a withdrawal and return it as its first notification shows it, with the status CREATING. Only \"withdrawal-status\" takes it further.",
	}, do: func(s *Server, r WithdrawalRequest) (*jovepay.WithdrawalEvent, error) {
		return event[jovepay.WithdrawalEvent](s.engine.CreateTransfer(engine.TransferRequest{
			Currency: r.Currency, Amount: r.Amount.Decimal(), Address: r.Address, ExtraID: r.ExtraID, IPNCallbackURL: r.IPNCallbackURL,
		}))
	}}
}

func recur() verb[RecurringRequest, *jovepay.RecurringPaymentEvent] {
	return verb[RecurringRequest, *jovepay.RecurringPaymentEvent]{Action: Action{
		Name: "Recur", Command: "recur", Route: "POST recurring", Group: byMerchant,
		Summary: "Make a custodial recurring payment",
		Details: "Make one custodial recurring payment and return it as its first notification shows it. Only \"recurring-status\" takes it further.",
	}, do: func(s *Server, r RecurringRequest) (*jovepay.RecurringPaymentEvent, error) {
		return event[jovepay.RecurringPaymentEvent](s.engine.CreateTransfer(engine.TransferRequest{
			Recurring: true, Currency: r.Currency, Amount: r.Amount.Decimal(), IPNCallbackURL: r.IPNCallbackURL,
		}))
	}}
}

type price struct {
	Currency string         `json:"currency" usage:"a coin or a currency; a new ticker becomes a coin" placeholder:"coin" example:"btc"`
	USD      jovepay.Amount `json:"usd" usage:"the price of one unit in US dollars" example:"97000"`
}

func setPrice() verb[price, none] {
	return verb[price, none]{Action: Action{
		Name: "SetPrice", Command: "price", Route: "PUT prices/{currency}", Group: byMerchant,
		Summary: "Set the price of a coin",
		Details: "Set the price of one unit in US dollars, for estimates and payments from now on. A new ticker becomes a coin that customers can pay with.",
	}, do: func(s *Server, a price) (none, error) {
		return none{}, wrap(s.engine.SetPrice(a.Currency, a.USD.Decimal()))
	}}
}

type minimum struct {
	Currency string         `json:"currency" usage:"the coin" placeholder:"coin" example:"btc"`
	Amount   jovepay.Amount `json:"amount,omitzero" usage:"the smallest payment; worth two dollars if missing" example:"0.00005"`
}

func setMinimum() verb[minimum, none] {
	return verb[minimum, none]{Action: Action{
		Name: "SetMinimum", Command: "minimum", Route: "PUT minimums/{currency}", Group: byMerchant,
		Summary: "Set the smallest payment in a coin",
		Details: "Set the smallest payment in a coin, for payments from now on. Without an amount it is worth two dollars again.",
	}, do: func(s *Server, a minimum) (none, error) {
		return none{}, wrap(s.engine.SetMinimum(a.Currency, a.Amount.Decimal()))
	}}
}

type tickers struct {
	Currencies []string `json:"currencies" usage:"the coins" placeholder:"coins" example:"btc,eth,ltc,trx,usdttrc20,xrp"`
}

func setCurrencies() verb[tickers, none] {
	return verb[tickers, none]{Action: Action{
		Name: "SetCurrencies", Command: "currencies", Route: "PUT currencies", Group: byMerchant,
		Summary: "Set the coins that customers can pay with",
		Details: "Set the coins that customers can pay with from now on. Each must have a price.",
	}, do: func(s *Server, a tickers) (none, error) {
		return none{}, wrap(s.engine.SetCurrencies(a.Currencies...))
	}}
}

type lifetime struct {
	Lifetime time.Duration `json:"lifetime" usage:"whole seconds" example:"5m"`
}

func setTokenLifetime() verb[lifetime, none] {
	return verb[lifetime, none]{Action: Action{
		Name: "SetTokenLifetime", Command: "token-lifetime", Route: "PUT token-lifetime", Group: byNobody,
		Summary: "Set how long logins last",
		Details: "Set how long logins last from now on. Tokens issued before keep their time.",
	}, do: func(s *Server, a lifetime) (none, error) {
		return none{}, wrap(s.engine.SetTokenLifetime(a.Lifetime))
	}}
}

type clockMove struct {
	Advance time.Duration `json:"advance,omitzero" usage:"how far to move the clock" example:"168h"`
}

type clockResult struct {
	Now time.Time `json:"now"`
}

func moveClock() verb[clockMove, clockResult] {
	return verb[clockMove, clockResult]{Action: Action{
		Name: "MoveClock", Command: "clock", Route: "POST clock", Group: byNobody,
		Summary: "Move the clock forward",
		Details: "Move the clock forward. What falls due happens at once, in order: payments expire, confirmations come in. " +
			"A clock cannot be moved back.",
	}, do: func(s *Server, a clockMove) (clockResult, error) {
		now, err := s.engine.MoveClock(a.Advance)
		s.pace.Wake()
		return clockResult{now}, wrap(err)
	}}
}

type listLag struct {
	Lag time.Duration `json:"lag" usage:"how far the list lags behind; 0s is not at all" example:"30s"`
}

func setListLag() verb[listLag, none] {
	return verb[listLag, none]{Action: Action{
		Name: "SetListLag", Command: "list-lag", Route: "PUT list-lag", Group: byNobody,
		Summary: "Set how far the list of payments lags",
		Details: "Set how far the list of payments lags behind by the sandbox's clock. It shows the payments as they were then; " +
			"each payment by itself is up to date.",
	}, do: func(s *Server, a listLag) (none, error) {
		return none{}, wrap(s.engine.SetListLag(a.Lag))
	}}
}

func inject() verb[Fault, none] {
	return verb[Fault, none]{Action: Action{
		Name: "Inject", Command: "fault", Route: "POST faults", Group: byNobody,
		Summary: "Make requests fail",
		Details: "Add a fault to subsequent requests to the API. Of several that match a request, the one added first hits it.",
	}, do: func(s *Server, f Fault) (none, error) {
		return none{}, invalid(s.api.Inject(emulator.Fault(f)))
	}}
}

func clearFaults() verb[none, none] {
	return verb[none, none]{Action: Action{
		Name: "ClearFaults", Command: "clear-faults", Route: "DELETE faults", Group: byNobody,
		Summary: "Remove all faults",
		Details: "Remove all faults, so that requests succeed again.",
	}, do: func(s *Server, _ none) (none, error) { s.api.ClearFaults(); return none{}, nil }}
}

func setIPN() verb[IPNBehavior, none] {
	return verb[IPNBehavior, none]{Action: Action{
		Name: "SetIPN", Command: "ipn", Route: "PUT ipn", Group: byNobody,
		Summary: "Set how notifications are sent",
		Details: "Set how notifications are sent, all of it. A missing setting is the default, or as the server was started.",
	}, do: func(s *Server, b IPNBehavior) (none, error) {
		return none{}, invalid(s.ipns.SetBehavior(b.behavior()))
	}}
}

type notificationNumber struct {
	Number int `json:"number" usage:"the notification's number, as in the deliveries" example:"1"`
}

func redeliver() verb[notificationNumber, none] {
	return verb[notificationNumber, none]{Action: Action{
		Name: "Redeliver", Command: "redeliver", Route: "POST ipn/{number}/redeliver", Group: byNobody,
		Summary: "Send a notification again, byte for byte",
		Details: "Send a notification again, byte for byte as at its last attempt, with the same signature. Fail unless the shop responds with a 2xx status.",
	}, wait: func(ctx context.Context, s *Server, a notificationNumber) (none, error) {
		return none{}, wrapDelivery(s.ipns.Again(ctx, a.Number, s.engine.Now()))
	}}
}

func waitDeliveries() verb[none, none] {
	return verb[none, none]{Action: Action{
		Name: "WaitDeliveries", Command: "wait", Route: "POST deliveries/wait", Group: byNobody,
		Summary: "Wait until all notifications are delivered",
		Details: "Wait until every notification of what has happened so far is delivered or given up.",
	}, wait: func(ctx context.Context, s *Server, _ none) (none, error) { return none{}, wrap(s.ipns.Wait(ctx)) }}
}
