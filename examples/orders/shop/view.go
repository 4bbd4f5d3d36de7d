package shop

import (
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/orders"
)

// Order is an order in a response. To place one, only its price is needed.
type Order struct {
	ID            string         `json:"id,omitzero"`
	PriceAmount   jovepay.Amount `json:"price_amount"`
	PriceCurrency string         `json:"price_currency"`

	State     orders.State     `json:"state,omitzero"`
	Fulfilled time.Time        `json:"fulfilled,omitzero"`
	Failure   string           `json:"failure,omitzero"` // of the last hook that failed
	Payments  []Payment        `json:"payments,omitzero"`
	Money     []orders.Balance `json:"money,omitzero"` // what came, by coin and bucket
	Cases     []Case           `json:"cases,omitzero"`
	Shipments int              `json:"shipments"` // at most 1
}

// Payment is a payment in a response: what the customer has to send, and where.
type Payment struct {
	ID       jovepay.ID            `json:"payment_id"`
	ParentID jovepay.ID            `json:"parent_id,omitzero"`
	Status   jovepay.PaymentStatus `json:"status"`
	Coin     string                `json:"coin"`
	Network  string                `json:"network,omitzero"`
	Address  string                `json:"address"`
	Memo     string                `json:"memo,omitzero"`
	Asked    jovepay.Amount        `json:"asked"`
	Received jovepay.Amount        `json:"received"`
	Left     jovepay.Amount        `json:"left"`
	Expires  time.Time             `json:"expires,omitzero"`
}

// Case is a question for a person, in a response.
type Case struct {
	ID       string           `json:"id"`
	OrderID  string           `json:"order_id,omitzero"`
	Version  int              `json:"version"`
	Kind     orders.CaseKind  `json:"kind"`
	Reason   string           `json:"reason"`
	Accept   string           `json:"accept,omitzero"`
	Open     bool             `json:"open"`
	Opened   time.Time        `json:"opened"`
	Deposits []orders.Deposit `json:"deposits,omitzero"`
}

// Decision is what a person decides about a case that they saw.
type Decision struct {
	Decision orders.Decision `json:"decision"`
	Amount   jovepay.Amount  `json:"amount,omitzero"` // refunded
	By       string          `json:"by"`
	Why      string          `json:"why"`
	Version  int             `json:"version"`
}

func viewOrder(o *orders.Order) *Order {
	view := &Order{
		ID: o.OrderID, PriceAmount: o.PriceAmount, PriceCurrency: o.PriceCurrency,
		State: o.State, Fulfilled: o.Fulfilled, Failure: o.Failure, Money: o.Money,
	}
	for _, p := range o.Payments {
		view.Payments = append(view.Payments, viewPayment(p))
	}
	for _, c := range o.Cases {
		view.Cases = append(view.Cases, viewCase(c))
	}
	return view
}

func viewPayment(p *orders.Payment) Payment {
	return Payment{
		ID: p.ID, ParentID: p.ParentID, Status: p.Status, Coin: p.Coin, Network: p.Network, Address: p.Address, Memo: p.Memo,
		Asked: p.Asked, Received: p.Received, Left: p.Left, Expires: p.Expires,
	}
}

func viewCase(c *orders.Case) Case {
	return Case{
		ID: c.ID, OrderID: c.OrderID, Version: c.Version, Kind: c.Kind, Reason: c.Reason, Accept: c.Accept,
		Open: c.Open(), Opened: c.Opened, Deposits: c.Deposits,
	}
}
