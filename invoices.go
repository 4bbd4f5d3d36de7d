package jovepay

import (
	"context"
	"errors"
	"net/http"
)

// InvoicesService creates invoices: hosted pages where the customer chooses a coin and
// pays. Use it through [Client.Invoices].
type InvoicesService struct{ api *api }

// Invoice is a hosted payment page. None of its fields is documented by JovePay.
type Invoice struct {
	ID      ID     `json:"id,omitzero"`
	TokenID ID     `json:"token_id,omitzero"`
	URL     string `json:"invoice_url,omitzero"` // send the customer here

	OrderID          string `json:"order_id,omitzero"`
	OrderDescription string `json:"order_description,omitzero"`
	PriceAmount      Amount `json:"price_amount,omitzero"`
	PriceCurrency    string `json:"price_currency,omitzero"`
	PayCurrency      string `json:"pay_currency,omitzero"` // empty if the customer may choose

	IPNCallbackURL   string `json:"ipn_callback_url,omitzero"`
	SuccessURL       string `json:"success_url,omitzero"`
	CancelURL        string `json:"cancel_url,omitzero"`
	PartiallyPaidURL string `json:"partially_paid_url,omitzero"`

	FixedRate     bool `json:"is_fixed_rate,omitzero"`
	FeePaidByUser bool `json:"is_fee_paid_by_user,omitzero"`
	CreatedAt     Time `json:"created_at,omitzero"`
	UpdatedAt     Time `json:"updated_at,omitzero"`

	Response
}

func (i *Invoice) accept(raw []byte) error {
	if i.ID == "" {
		return errors.New("invoice without id")
	}
	return i.Response.accept(raw)
}

type plainInvoice Invoice // without the methods

// MarshalJSON writes the fields that are set, and Extra.
func (i Invoice) MarshalJSON() ([]byte, error) {
	fields := plainInvoice(i)
	fields.Extra = nil
	return writeObject(&fields, i.Extra)
}

// UnmarshalJSON reads an invoice as [Payment.UnmarshalJSON] reads a payment.
func (i *Invoice) UnmarshalJSON(b []byte) error {
	err := readObject(b, (*plainInvoice)(i), &i.Extra)
	lowerTickers(&i.PriceCurrency, &i.PayCurrency)
	noneIfNull(&i.PriceCurrency, &i.PayCurrency, &i.URL, &i.IPNCallbackURL, &i.SuccessURL, &i.CancelURL, &i.PartiallyPaidURL)
	return err
}

// InvoiceRequest describes an invoice to create. PriceAmount and PriceCurrency are
// required. JovePay's guide documents SuccessURL and IPNCallbackURL; the other fields
// are not documented by JovePay.
type InvoiceRequest struct {
	PriceAmount   Amount `json:"price_amount"`          // price of the goods, above zero
	PriceCurrency string `json:"price_currency"`        // lower-case ticker, such as "usd"
	PayCurrency   string `json:"pay_currency,omitzero"` // lower-case ticker; empty lets the customer choose

	OrderID          string `json:"order_id,omitzero"`          // the shop's own, as in a PaymentRequest
	OrderDescription string `json:"order_description,omitzero"` // shown to the customer
	IPNCallbackURL   string `json:"ipn_callback_url,omitzero"`  // address for notifications; JovePay cannot reach localhost

	SuccessURL       string `json:"success_url,omitzero"`        // where to send the customer after paying
	CancelURL        string `json:"cancel_url,omitzero"`         // after giving up
	PartiallyPaidURL string `json:"partially_paid_url,omitzero"` // after paying too little

	FixedRate     bool `json:"is_fixed_rate,omitzero"`       // fix the rate until the payment expires
	FeePaidByUser bool `json:"is_fee_paid_by_user,omitzero"` // add the network fee to the customer's amount
}

func (r *InvoiceRequest) validate() error {
	var v validation
	v.amount("price_amount", r.PriceAmount)
	v.ticker("price_currency", r.PriceCurrency)
	v.optionalTicker("pay_currency", r.PayCurrency)
	v.orderID("order_id", r.OrderID)
	v.optionalURL("ipn_callback_url", r.IPNCallbackURL)
	v.optionalURL("success_url", r.SuccessURL)
	v.optionalURL("cancel_url", r.CancelURL)
	v.optionalURL("partially_paid_url", r.PartiallyPaidURL)
	return v.err
}

// Create creates an invoice; send the customer to its URL. The payments made on it have
// its id as InvoiceID. Like any request that creates something, it is never retried if
// it may have been processed: see [ErrOutcomeUnknown]. A second invoice does less harm
// than a second payment, because the customer sees only one of them.
//
// From JovePay's guide: POST /v1/invoice.
func (s *InvoicesService) Create(ctx context.Context, req InvoiceRequest) (*Invoice, error) {
	if err := req.validate(); err != nil {
		return nil, err
	}
	return do[Invoice](ctx, s.api, endpoint{
		method:  http.MethodPost,
		path:    "/v1/invoice",
		body:    req,
		creates: true,
		auth:    withKey,
	})
}
