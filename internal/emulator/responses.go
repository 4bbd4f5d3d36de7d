package emulator

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/jovepay/jovepay-go/internal/emulator/engine"
)

type statusResponse struct {
	Message string `json:"message"`
}

type loginResponse struct {
	Token string `json:"token"`
}

type errorResponse struct {
	Status     bool        `json:"status"`
	StatusCode int         `json:"statusCode"`
	Code       engine.Code `json:"code"`
	Message    string      `json:"message"`
}

type currenciesResponse struct {
	Currencies []any `json:"currencies"`
}

type limitsResponse struct {
	Currency  string `json:"currency"`
	MinAmount number `json:"min_amount"`
	MaxAmount number `json:"max_amount"`
}

// newCurrenciesResponse lists tickers, and objects with limits at a fixed rate.
func newCurrenciesResponse(coins []engine.Limits, fixedRate bool) currenciesResponse {
	list := make([]any, len(coins))
	for i, c := range coins {
		list[i] = c.Ticker
		if fixedRate {
			list[i] = limitsResponse{c.Ticker, exactly(c.Min), exactly(c.Max)}
		}
	}
	return currenciesResponse{list}
}

type minimumResponse struct {
	From           string `json:"currency_from"`
	To             string `json:"currency_to"`
	MinAmount      number `json:"min_amount"`
	FiatEquivalent number `json:"fiat_equivalent,omitzero"`
}

func newMinimumResponse(m engine.Minimum) minimumResponse {
	return minimumResponse{m.From, m.To, exactly(m.Min), unlessZero(m.Fiat)}
}

type estimateResponse struct {
	From            string         `json:"currency_from"`
	AmountFrom      number         `json:"amount_from"`
	To              string         `json:"currency_to"`
	EstimatedAmount jsontext.Value `json:"estimated_amount"`
}

// newEstimateResponse writes the estimate as a number for a price in fiat, and
// as a string otherwise.
func newEstimateResponse(e engine.Estimate) estimateResponse {
	estimated := e.Estimate.String()
	if !e.FromFiat {
		estimated = strconv.Quote(estimated)
	}
	return estimateResponse{e.From, exactly(e.Amount), e.To, jsontext.Value(estimated)}
}

type createdPayment struct {
	PaymentID              string `json:"payment_id"`
	PaymentStatus          string `json:"payment_status"`
	PayAddress             string `json:"pay_address"`
	PriceAmount            number `json:"price_amount"`
	PriceCurrency          string `json:"price_currency"`
	PayAmount              number `json:"pay_amount"`
	PayCurrency            string `json:"pay_currency"`
	OrderID                text   `json:"order_id"`
	OrderDescription       text   `json:"order_description"`
	IPNCallbackURL         text   `json:"ipn_callback_url"`
	CreatedAt              stamp  `json:"created_at"`
	UpdatedAt              stamp  `json:"updated_at"`
	PurchaseID             string `json:"purchase_id"`
	AmountReceived         number `json:"amount_received"`
	PayinExtraID           text   `json:"payin_extra_id"`
	SmartContract          text   `json:"smart_contract"`
	Network                string `json:"network"`
	NetworkPrecision       int32  `json:"network_precision"`
	TimeLimit              text   `json:"time_limit"`
	BurningPercent         text   `json:"burning_percent"`
	ExpirationEstimateDate stamp  `json:"expiration_estimate_date"`
}

// newCreatedPayment is the response to the creation of a payment: ids are
// strings.
func newCreatedPayment(p *engine.Payment) createdPayment {
	return createdPayment{
		PaymentID:              strconv.FormatInt(p.ID, 10),
		PaymentStatus:          p.Status,
		PayAddress:             p.PayAddress,
		PriceAmount:            exactly(p.PriceAmount),
		PriceCurrency:          p.PriceCurrency,
		PayAmount:              exactly(p.PayAmount),
		PayCurrency:            p.PayCurrency,
		OrderID:                text(p.OrderID),
		OrderDescription:       text(p.OrderDescription),
		IPNCallbackURL:         text(p.IPNCallbackURL),
		CreatedAt:              stamp(p.CreatedAt),
		UpdatedAt:              stamp(p.UpdatedAt),
		PurchaseID:             strconv.FormatInt(p.PurchaseID, 10),
		PayinExtraID:           text(p.PayinExtraID),
		SmartContract:          text(p.Coin.Contract),
		Network:                p.Coin.Network,
		NetworkPrecision:       p.Coin.Precision,
		ExpirationEstimateDate: stamp(p.ExpiresAt),
	}
}

type paymentResponse struct {
	PaymentID        idNumber   `json:"payment_id"`
	ParentPaymentID  idNumber   `json:"parent_payment_id"`
	InvoiceID        idNumber   `json:"invoice_id"`
	PaymentStatus    string     `json:"payment_status"`
	PayAddress       string     `json:"pay_address"`
	PayinExtraID     text       `json:"payin_extra_id"`
	PriceAmount      number     `json:"price_amount"`
	PriceCurrency    string     `json:"price_currency"`
	PayAmount        number     `json:"pay_amount"`
	ActuallyPaid     number     `json:"actually_paid"`
	PayCurrency      string     `json:"pay_currency"`
	OrderID          text       `json:"order_id"`
	OrderDescription text       `json:"order_description"`
	PurchaseID       purchaseID `json:"purchase_id"`
	OutcomeAmount    number     `json:"outcome_amount"`
	OutcomeCurrency  string     `json:"outcome_currency"`
	PayoutHash       text       `json:"payout_hash"`
	PayinHash        text       `json:"payin_hash"`
	CreatedAt        stamp      `json:"created_at"`
	UpdatedAt        stamp      `json:"updated_at"`
	BurningPercent   string     `json:"burning_percent"`
	Type             string     `json:"type"`
	PaymentExtraIDs  []int64    `json:"payment_extra_ids"`
	OriginType       string     `json:"origin_type,omitzero"`
	RefundedAmount   number     `json:"refunded_amount,omitzero"` // not documented by JovePay
}

// newPaymentResponse is a single payment: ids are numbers, and no burning percent
// is the string null.
func newPaymentResponse(p *engine.Payment) paymentResponse {
	a := paymentResponse{
		PaymentID:        idNumber(p.ID),
		ParentPaymentID:  idNumber(p.ParentID),
		InvoiceID:        idNumber(p.InvoiceID),
		PaymentStatus:    p.Status,
		PayAddress:       p.PayAddress,
		PayinExtraID:     text(p.PayinExtraID),
		PriceAmount:      exactly(p.PriceAmount),
		PriceCurrency:    p.PriceCurrency,
		PayAmount:        exactly(p.PayAmount),
		ActuallyPaid:     exactly(p.ActuallyPaid),
		PayCurrency:      p.PayCurrency,
		OrderID:          text(p.OrderID),
		OrderDescription: text(p.OrderDescription),
		PurchaseID:       purchaseID{number: p.PurchaseID},
		OutcomeAmount:    unlessZero(p.OutcomeAmount),
		OutcomeCurrency:  p.PayoutCurrency,
		PayoutHash:       text(p.PayoutHash()),
		PayinHash:        text(p.PayinHash()),
		CreatedAt:        stamp(p.CreatedAt),
		UpdatedAt:        stamp(p.UpdatedAt),
		BurningPercent:   "null",
		Type:             "crypto2crypto",
		PaymentExtraIDs:  p.ChildIDs,
		RefundedAmount:   unlessZero(p.Refunded),
	}
	if p.ParentID != 0 && !p.WrongAsset {
		a.OriginType = "REPEATED"
	}
	return a
}

// PaymentJSON returns the API's response to a request for the payment.
func PaymentJSON(p engine.Payment) ([]byte, error) { return encode(newPaymentResponse(&p)) }

type listResponse struct {
	Data       []paymentResponse `json:"data"`
	Limit      int               `json:"limit"`
	Page       int               `json:"page"`
	PagesCount int               `json:"pagesCount"`
	Total      int               `json:"total"`
}

// newListResponse is a page of payments, in which purchase ids are strings.
func newListResponse(page engine.Page, o engine.ListOptions) listResponse {
	rows := make([]paymentResponse, len(page.Payments))
	for i := range rows {
		rows[i] = newPaymentResponse(&page.Payments[i])
		rows[i].PurchaseID.quoted = true
	}
	return listResponse{
		Data: rows, Limit: o.Limit, Page: o.Page,
		PagesCount: (page.Total + o.Limit - 1) / o.Limit, Total: page.Total,
	}
}

type invoiceResponse struct {
	ID               string `json:"id"`
	TokenID          string `json:"token_id"`
	OrderID          text   `json:"order_id"`
	OrderDescription text   `json:"order_description"`
	PriceAmount      string `json:"price_amount"`
	PriceCurrency    string `json:"price_currency"`
	PayCurrency      text   `json:"pay_currency"`
	IPNCallbackURL   text   `json:"ipn_callback_url"`
	InvoiceURL       string `json:"invoice_url"`
	SuccessURL       text   `json:"success_url"`
	CancelURL        text   `json:"cancel_url"`
	PartiallyPaidURL text   `json:"partially_paid_url"`
	CreatedAt        stamp  `json:"created_at"`
	UpdatedAt        stamp  `json:"updated_at"`
	IsFixedRate      bool   `json:"is_fixed_rate"`
	IsFeePaidByUser  bool   `json:"is_fee_paid_by_user"`
}

// newInvoiceResponse is an invoice, whose price is a string.
func newInvoiceResponse(i *engine.Invoice, pageURL string) invoiceResponse {
	number := strconv.FormatInt(i.ID, 10)
	return invoiceResponse{
		ID:               number,
		TokenID:          strconv.FormatInt(i.TokenID, 10),
		OrderID:          text(i.OrderID),
		OrderDescription: text(i.OrderDescription),
		PriceAmount:      i.PriceAmount.String(),
		PriceCurrency:    i.PriceCurrency,
		PayCurrency:      text(i.PayCurrency),
		IPNCallbackURL:   text(i.IPNCallbackURL),
		InvoiceURL:       pageURL + "/payment/?iid=" + number,
		SuccessURL:       text(i.SuccessURL),
		CancelURL:        text(i.CancelURL),
		PartiallyPaidURL: text(i.PartiallyPaidURL),
		CreatedAt:        stamp(i.CreatedAt),
		UpdatedAt:        stamp(i.CreatedAt),
		IsFixedRate:      i.FixedRate,
		IsFeePaidByUser:  i.FeePaidByUser,
	}
}

// InvoiceJSON returns the API's response to the creation of the invoice.
func InvoiceJSON(i engine.Invoice, pageURL string) ([]byte, error) {
	return encode(newInvoiceResponse(&i, pageURL))
}
