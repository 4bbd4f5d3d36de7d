package jovepay

import (
	"context"
	"errors"
	"net/http"

	"golang.org/x/sync/errgroup"
)

// EstimatesService converts prices to coins. Use it through [Client.Estimates].
type EstimatesService struct{ api *api }

// Estimate is the present value of an amount in another currency. Its fields are not
// documented by JovePay.
type Estimate struct {
	CurrencyFrom    string `json:"currency_from"`
	AmountFrom      Amount `json:"amount_from"` // in CurrencyFrom
	CurrencyTo      string `json:"currency_to"`
	EstimatedAmount Amount `json:"estimated_amount"` // in CurrencyTo
	Response
}

func (e *Estimate) accept(raw []byte) error {
	if e.EstimatedAmount.IsNull() {
		return errors.New("estimate without estimated_amount")
	}
	return e.Response.accept(raw)
}

type plainEstimate Estimate // without the methods

// MarshalJSON writes the fields and Extra.
func (e Estimate) MarshalJSON() ([]byte, error) {
	fields := plainEstimate(e)
	fields.Extra = nil
	return writeObject(&fields, e.Extra)
}

// UnmarshalJSON reads an estimate as [Payment.UnmarshalJSON] reads a payment.
func (e *Estimate) UnmarshalJSON(b []byte) error {
	err := readObject(b, (*plainEstimate)(e), &e.Extra)
	lowerTickers(&e.CurrencyFrom, &e.CurrencyTo)
	return err
}

// EstimateOptions is an amount to convert. All fields are required. Their names in the
// query are not documented by JovePay.
type EstimateOptions struct {
	Amount Amount `url:"amount"`        // above zero, in From
	From   string `url:"currency_from"` // lower-case ticker, such as "usd"
	To     string `url:"currency_to"`   // lower-case ticker, such as "btc"
}

// Get converts an amount to another currency. Compare the result with
// [EstimatesService.MinAmount], or use [EstimatesService.Quote] for both.
//
// From JovePay's guide: GET /v1/estimate.
func (s *EstimatesService) Get(ctx context.Context, opts EstimateOptions) (*Estimate, error) {
	var v validation
	v.amount("amount", opts.Amount)
	v.ticker("currency_from", opts.From)
	v.ticker("currency_to", opts.To)
	if v.err != nil {
		return nil, v.err
	}
	return do[Estimate](ctx, s.api, endpoint{
		method: http.MethodGet,
		path:   "/v1/estimate",
		query:  opts,
		auth:   withKey,
	})
}

// MinAmount is the minimum amount of a payment in a currency. Its fields are not
// documented by JovePay.
type MinAmount struct {
	CurrencyFrom   string `json:"currency_from"`
	CurrencyTo     string `json:"currency_to"`
	MinAmount      Amount `json:"min_amount"`               // in CurrencyFrom
	FiatEquivalent Amount `json:"fiat_equivalent,omitzero"` // of MinAmount, if it was asked for
	Response
}

func (m *MinAmount) accept(raw []byte) error {
	if m.MinAmount.IsNull() {
		return errors.New("minimum without min_amount")
	}
	return m.Response.accept(raw)
}

type plainMinimum MinAmount // without the methods

// MarshalJSON writes the fields and Extra.
func (m MinAmount) MarshalJSON() ([]byte, error) {
	fields := plainMinimum(m)
	fields.Extra = nil
	return writeObject(&fields, m.Extra)
}

// UnmarshalJSON reads a minimum as [Payment.UnmarshalJSON] reads a payment.
func (m *MinAmount) UnmarshalJSON(b []byte) error {
	err := readObject(b, (*plainMinimum)(m), &m.Extra)
	lowerTickers(&m.CurrencyFrom, &m.CurrencyTo)
	return err
}

// MinAmountOptions selects the currencies of a payment. From is required. The names in
// the query are not documented by JovePay.
type MinAmountOptions struct {
	From           string `url:"currency_from"`                 // what the customer pays with, such as "btc"
	To             string `url:"currency_to,omitempty"`         // what is paid out; empty for the account's payout currency
	FiatEquivalent string `url:"fiat_equivalent,omitempty"`     // also return the minimum in this currency, such as "usd"
	FixedRate      bool   `url:"is_fixed_rate,omitempty"`       // for payments at a fixed rate
	FeePaidByUser  bool   `url:"is_fee_paid_by_user,omitempty"` // for payments whose fee the customer pays
}

// MinAmount returns the minimum amount of a payment in a currency.
//
// From JovePay's guide: GET /v1/min-amount.
func (s *EstimatesService) MinAmount(ctx context.Context, opts MinAmountOptions) (*MinAmount, error) {
	var v validation
	v.ticker("currency_from", opts.From)
	v.optionalTicker("currency_to", opts.To)
	v.optionalTicker("fiat_equivalent", opts.FiatEquivalent)
	if v.err != nil {
		return nil, v.err
	}
	return do[MinAmount](ctx, s.api, endpoint{
		method: http.MethodGet,
		path:   "/v1/min-amount",
		query:  opts,
		auth:   withKey,
	})
}

// Quote is a price in coins, and whether it reaches the minimum.
type Quote struct {
	PriceAmount   Amount
	PriceCurrency string
	PayAmount     Amount // the price in PayCurrency, estimated
	PayCurrency   string
	MinAmount     Amount // the minimum, in PayCurrency

	// Payable is true if PayAmount is at least MinAmount. A payment below the
	// minimum would not be processed.
	Payable bool
}

// QuoteOptions is a price and the coin to pay it with. The first three fields are
// required.
type QuoteOptions struct {
	PriceAmount    Amount // above zero
	PriceCurrency  string // lower-case ticker, such as "usd"
	PayCurrency    string // lower-case ticker, such as "btc"
	PayoutCurrency string // what is paid out; empty for the account's payout currency
	FixedRate      bool   // for a payment at a fixed rate
	FeePaidByUser  bool   // for a payment whose fee the customer pays
}

// Quote converts a price to a coin and checks the minimum, with two requests at the
// same time. The standard flow of JovePay's guide makes both before creating a
// payment.
func (s *EstimatesService) Quote(ctx context.Context, opts QuoteOptions) (*Quote, error) {
	var v validation
	v.amount("price_amount", opts.PriceAmount)
	v.ticker("price_currency", opts.PriceCurrency)
	v.ticker("pay_currency", opts.PayCurrency)
	v.optionalTicker("payout_currency", opts.PayoutCurrency)
	if v.err != nil {
		return nil, v.err
	}
	var estimate *Estimate
	var minimum *MinAmount
	group, ctx := errgroup.WithContext(ctx)
	ask := func(fn func() error) { group.Go(func() error { return s.api.guard(fn) }) }
	ask(func() (err error) {
		estimate, err = s.Get(ctx, EstimateOptions{opts.PriceAmount, opts.PriceCurrency, opts.PayCurrency})
		return err
	})
	ask(func() (err error) {
		minimum, err = s.MinAmount(ctx, MinAmountOptions{
			From:          opts.PayCurrency,
			To:            opts.PayoutCurrency,
			FixedRate:     opts.FixedRate,
			FeePaidByUser: opts.FeePaidByUser,
		})
		return err
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return &Quote{
		PriceAmount:   opts.PriceAmount,
		PriceCurrency: opts.PriceCurrency,
		PayAmount:     estimate.EstimatedAmount,
		PayCurrency:   opts.PayCurrency,
		MinAmount:     minimum.MinAmount,
		Payable:       estimate.EstimatedAmount.Cmp(minimum.MinAmount) >= 0,
	}, nil
}
