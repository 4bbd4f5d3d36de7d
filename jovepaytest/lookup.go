package jovepaytest

import (
	"time"

	"github.com/go-json-experiment/json"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/internal/emulator"
	"github.com/jovepay/jovepay-go/internal/emulator/engine"
)

// Payment returns a payment as GET /v1/payment/{id} does, without a request. Like
// every payment that the server returns, it also has the fields that JovePay's
// API returns only when a payment is created: Network, NetworkPrecision,
// SmartContract, IPNCallbackURL and ExpirationEstimateDate. Its Raw is the
// response, without them.
func (s *Server) Payment(id jovepay.ID) (*jovepay.Payment, error) {
	return lookUp(s, func() (*jovepay.Payment, error) { return s.change(id, s.engine.Payment) })
}

// Payments returns all payments in the order in which they were created,
// without a request. The sum of their ActuallyPaid, each in its PayCurrency, is all
// that customers have sent, except for coins without a memo that nobody has found.
func (s *Server) Payments() ([]*jovepay.Payment, error) {
	return lookUp(s, func() ([]*jovepay.Payment, error) { return publicAll(s.engine.Payments()) })
}

// Latest returns the last n payments created, or all if there are fewer, the
// latest first, without a request. Unlike [Server.Payments] it does not read all
// others.
func (s *Server) Latest(n int) ([]*jovepay.Payment, error) {
	return lookUp(s, func() ([]*jovepay.Payment, error) { return publicAll(s.engine.Latest(n)) })
}

// Duplicates returns the payments of which an order had more than one in the same
// coin at the same time: a list for each order and coin, of those that were
// created before another was over, in the order of their creation. It is empty if
// all is well. A payment is over when it first expires, fails or is refunded; one
// beside a finished payment is a duplicate too. Payments without an order id, of
// invoices, of [WithPayments] and with a parent don't count.
func (s *Server) Duplicates() ([][]*jovepay.Payment, error) {
	return lookUp(s, func() ([][]*jovepay.Payment, error) {
		groups := s.engine.Duplicates()
		duplicates := make([][]*jovepay.Payment, len(groups))
		for i, group := range groups {
			var err error
			if duplicates[i], err = publicAll(group); err != nil {
				return nil, err
			}
		}
		return duplicates, nil
	})
}

// LateCreate is a create that a [Fault] with EffectAfter hit.
type LateCreate struct {
	OrderID string
	At      time.Time // when it takes effect
	Done    bool      // it has taken effect, or was rejected
	// PaymentID or InvoiceID is what it created; both are empty if there is
	// nothing, or nothing yet.
	PaymentID jovepay.ID
	InvoiceID jovepay.ID
}

// LateCreates returns the creates that take effect later than they were
// received, in the order in which they were received, with those that already
// have.
func (s *Server) LateCreates() ([]LateCreate, error) {
	return lookUp(s, func() ([]LateCreate, error) {
		creates := s.engine.LateCreates()
		list := make([]LateCreate, len(creates))
		for i, c := range creates {
			list[i] = LateCreate{At: c.At, Done: c.Done}
			if c.Payment != nil {
				list[i].OrderID, list[i].PaymentID = c.Payment.OrderID, paymentID(c.MadeID)
			} else {
				list[i].OrderID, list[i].InvoiceID = c.Invoice.OrderID, paymentID(c.MadeID)
			}
		}
		return list, nil
	})
}

// Invoice returns an invoice as POST /v1/invoice returned it.
func (s *Server) Invoice(id jovepay.ID) (*jovepay.Invoice, error) {
	number, err := numberOf(id)
	if err != nil {
		return nil, err
	}
	i, err := lookUp(s, func() (engine.Invoice, error) { return s.engine.Invoice(number) })
	if err != nil {
		return nil, wrap(err)
	}
	raw, err := emulator.InvoiceJSON(i, s.URL)
	if err != nil {
		return nil, wrap(err)
	}
	invoice := new(jovepay.Invoice)
	if err := json.Unmarshal(raw, invoice); err != nil {
		return nil, wrap(err)
	}
	invoice.Raw = raw
	return invoice, nil
}

// InvoicePayments returns the payments of an invoice in the order in which they
// were created, including those of repeated and wrong-asset deposits.
func (s *Server) InvoicePayments(id jovepay.ID) ([]*jovepay.Payment, error) {
	number, err := numberOf(id)
	if err != nil {
		return nil, err
	}
	return lookUp(s, func() ([]*jovepay.Payment, error) {
		all, err := s.engine.InvoicePayments(number)
		if err != nil {
			return nil, wrap(err)
		}
		return publicAll(all)
	})
}

// Currencies returns the coins that customers can pay with now, in the full form;
// GET /v1/currencies returns only their codes.
func (s *Server) Currencies() ([]jovepay.Currency, error) {
	offered, err := lookUp(s, func() ([]engine.Limits, error) { return s.engine.Currencies(), nil })
	if err != nil {
		return nil, err
	}
	list := make([]jovepay.Currency, len(offered))
	for i, c := range offered {
		list[i] = jovepay.Currency{
			Code:          c.Ticker,
			Name:          c.Name,
			Network:       c.Network,
			Enabled:       true,
			MinAmount:     jovepay.NewAmount(c.Min),
			MaxAmount:     jovepay.NewAmount(c.Max),
			ExtraIDExists: c.Memo,
		}
	}
	return list, nil
}

// Estimate converts an amount of one currency to another at the current prices,
// as GET /v1/estimate does.
func (s *Server) Estimate(amount jovepay.Amount, from, to string) (jovepay.Amount, error) {
	e, err := lookUp(s, func() (engine.Estimate, error) { return s.engine.Estimate(amount.Decimal(), from, to) })
	if err != nil {
		return jovepay.Amount{}, wrap(err)
	}
	return jovepay.NewAmount(e.Estimate), nil
}

// public reads the payment from the API's response, so that there is one
// description of it.
func public(p engine.Payment) (*jovepay.Payment, error) {
	raw, err := emulator.PaymentJSON(p)
	if err != nil {
		return nil, wrap(err)
	}
	payment := new(jovepay.Payment)
	if err := json.Unmarshal(raw, payment); err != nil {
		return nil, wrap(err)
	}
	payment.Raw = raw
	payment.Network, payment.NetworkPrecision = p.Coin.Network, int(p.Coin.Precision)
	payment.SmartContract = p.Coin.Contract
	payment.IPNCallbackURL = p.IPNCallbackURL
	payment.ExpirationEstimateDate = jovepay.Time{Time: p.ExpiresAt}
	return payment, nil
}

func publicAll(all []engine.Payment) ([]*jovepay.Payment, error) {
	payments := make([]*jovepay.Payment, len(all))
	for i, p := range all {
		var err error
		if payments[i], err = public(p); err != nil {
			return nil, err
		}
	}
	return payments, nil
}
