package page

import (
	"slices"

	"github.com/jovepay/jovepay-go"
)

// offer is a coin on the page of an invoice.
type offer struct {
	coin
	Code, Amount string
	Minimum      string // of a coin for which the price is too low, otherwise ""
	Checked      bool
}

// choice is the page of an invoice.
type choice struct {
	frame
	InvoiceID string
	Order     order
	Fixed     bool // the shop chose the coin
	Coins     []offer
	Payable   bool   // at least one of the coins can be chosen
	Earlier   []line // payments that the invoice already has
	CancelURL string
}

// choice returns the page of an invoice.
func (h *handler) choice(id jovepay.ID) (*choice, error) {
	invoice, err := h.server.Invoice(id)
	if err != nil {
		return nil, err
	}
	payments, err := h.server.InvoicePayments(id)
	if err != nil {
		return nil, err
	}
	payments = slices.DeleteFunc(payments, func(p *jovepay.Payment) bool { return p.ParentPaymentID != "" })
	c := &choice{
		frame:     frame{Title: "Choose how to pay"},
		InvoiceID: id.String(),
		Order:     order{invoice.OrderDescription, invoice.OrderID, price(invoice.PriceAmount, invoice.PriceCurrency)},
		Fixed:     invoice.PayCurrency != "",
		Earlier:   lines(payments),
		CancelURL: invoice.CancelURL,
	}
	currencies, err := h.server.Currencies()
	if err != nil {
		return nil, err
	}
	for i := range currencies {
		if c.Fixed && currencies[i].Code != invoice.PayCurrency {
			continue
		}
		o, err := h.offer(&currencies[i], invoice)
		if err != nil {
			return nil, err
		}
		o.Checked = c.Fixed && o.Minimum == ""
		c.Payable = c.Payable || o.Minimum == ""
		c.Coins = append(c.Coins, o)
	}
	return c, nil
}

// offer converts the price of the invoice to a coin and checks the minimum.
func (h *handler) offer(c *jovepay.Currency, invoice *jovepay.Invoice) (offer, error) {
	amount, err := h.server.Estimate(invoice.PriceAmount, invoice.PriceCurrency, c.Code)
	if err != nil {
		return offer{}, err
	}
	o := offer{coin: describe(c.Code, c.Network), Code: c.Code, Amount: amount.String()}
	if amount.Cmp(c.MinAmount) < 0 {
		o.Minimum = c.MinAmount.String()
	}
	return o, nil
}
