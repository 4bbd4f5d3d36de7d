package page

import (
	"slices"

	"github.com/jovepay/jovepay-go"
)

// offer is a coin that the customer may choose.
type offer struct {
	coin
	Code, Amount string
	Refused      string // why it cannot be chosen, or ""
	Checked      bool
}

// choice is everything on the page of an invoice.
type choice struct {
	frame
	InvoiceID string
	Order     order
	Fixed     bool // the shop has chosen the coin
	Coins     []offer
	Payable   bool // one of the coins can be chosen
	Earlier   []line
	CancelURL string
}

// choice gathers what the page of an invoice shows.
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
		o.Checked = c.Fixed && o.Refused == ""
		c.Payable = c.Payable || o.Refused == ""
		c.Coins = append(c.Coins, o)
	}
	return c, nil
}

// offer says what the invoice costs in a coin, and whether that is enough.
func (h *handler) offer(c *jovepay.Currency, invoice *jovepay.Invoice) (offer, error) {
	amount, err := h.server.Estimate(invoice.PriceAmount, invoice.PriceCurrency, c.Code)
	if err != nil {
		return offer{}, err
	}
	o := offer{coin: describe(c.Code, c.Network), Code: c.Code, Amount: amount.String()}
	if amount.Cmp(c.MinAmount) < 0 {
		o.Refused = "Too little: from " + c.MinAmount.String() + " " + o.Ticker
	}
	return o, nil
}
