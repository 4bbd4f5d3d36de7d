package engine

import (
	"net/url"
	"time"

	"github.com/shopspring/decimal"
)

// InvoiceRequest is what an invoice was made for.
type InvoiceRequest struct {
	PriceAmount      decimal.Decimal
	PriceCurrency    string
	PayCurrency      string // "": the customer chooses
	IPNCallbackURL   string
	OrderID          string
	OrderDescription string
	SuccessURL       string
	CancelURL        string
	PartiallyPaidURL string
	FixedRate        bool
	FeePaidByUser    bool
}

// Invoice is a page on which a customer chooses a coin and pays.
type Invoice struct {
	InvoiceRequest
	ID        int64
	TokenID   int64
	CreatedAt time.Time
}

type invoiceRecord struct {
	Invoice
	payments timeline
}

// CreateInvoice makes an invoice.
func (e *Engine) CreateInvoice(req InvoiceRequest) (Invoice, error) {
	now := e.begin()
	defer e.mu.Unlock()
	return e.createInvoice(req, now)
}

func (e *Engine) createInvoice(req InvoiceRequest, at time.Time) (Invoice, error) {
	price, err := e.checkPrice(req.PriceAmount, req.PriceCurrency)
	if err != nil {
		return Invoice{}, err
	}
	req.PriceCurrency = price.Ticker
	if req.PayCurrency != "" {
		coin, err := e.lookupOffered("pay_currency", req.PayCurrency)
		if err != nil {
			return Invoice{}, err
		}
		req.PayCurrency = coin.Ticker
	}
	for _, link := range []struct{ field, url string }{
		{"ipn_callback_url", req.IPNCallbackURL},
		{"success_url", req.SuccessURL},
		{"cancel_url", req.CancelURL},
		{"partially_paid_url", req.PartiallyPaidURL},
	} {
		if err := checkCallback(link.field, link.url); err != nil {
			return Invoice{}, err
		}
	}
	r := &invoiceRecord{Invoice: Invoice{
		InvoiceRequest: req,
		ID:             e.ids.next(),
		TokenID:        e.ids.next(),
		CreatedAt:      at,
	}}
	e.invoices[r.ID] = r
	e.touch(kindInvoice, r.ID)
	return r.Invoice, nil
}

// checkCallback rejects what is not an absolute URL. None is fine.
func checkCallback(field, link string) error {
	if link == "" {
		return nil
	}
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return InvalidParam("%s must be a valid URL", field)
	}
	return nil
}

// Invoice returns the invoice with the id.
func (e *Engine) Invoice(id int64) (Invoice, error) {
	e.begin()
	defer e.mu.Unlock()
	r, err := e.invoice(id)
	if err != nil {
		return Invoice{}, err
	}
	return r.Invoice, nil
}

// InvoicePayments returns the payments that were made on the invoice, in the
// order of their creation, with those of repeated and wrong-asset deposits.
func (e *Engine) InvoicePayments(id int64) ([]Payment, error) {
	e.begin()
	defer e.mu.Unlock()
	r, err := e.invoice(id)
	if err != nil {
		return nil, err
	}
	return r.payments.copies(false), nil
}

func (e *Engine) invoice(id int64) (*invoiceRecord, error) {
	if r, ok := e.invoices[id]; ok {
		return r, nil
	}
	return nil, reject(CodeInvoiceNotFound, "invoice %d not found", id)
}

// PayInvoice is the customer choosing a coin on the invoice's page; an empty
// one is the invoice's own. The payment then waits for coins.
func (e *Engine) PayInvoice(id int64, payCurrency string) (Payment, error) {
	now := e.begin()
	defer e.mu.Unlock()
	invoice, err := e.invoice(id)
	if err != nil {
		return Payment{}, err
	}
	if payCurrency == "" {
		payCurrency = invoice.PayCurrency
	}
	req := PaymentRequest{
		PriceAmount:      invoice.PriceAmount,
		PriceCurrency:    invoice.PriceCurrency,
		PayCurrency:      payCurrency,
		IPNCallbackURL:   invoice.IPNCallbackURL,
		OrderID:          invoice.OrderID,
		OrderDescription: invoice.OrderDescription,
		FixedRate:        invoice.FixedRate,
		FeePaidByUser:    invoice.FeePaidByUser,
	}
	return e.createPayment(req, id, now)
}
