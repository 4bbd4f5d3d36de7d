package jovepay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// PaymentsService creates payments and follows them. Use it through
// [Client.Payments].
type PaymentsService struct {
	api   *api
	clock *serverClock // of the CreateOnce that the calls are part of; otherwise nil
}

// Payment is a payment to a deposit address, as JovePay reports it. The responses to
// Create, Get and List have different fields; missing ones are zero. JovePay's guide
// shows the fields of its payment webhook; the others are not documented by JovePay.
type Payment struct {
	ID              ID            `json:"payment_id,omitzero"`
	ParentPaymentID ID            `json:"parent_payment_id,omitzero"` // set on a repeated or wrong-asset deposit: the original payment
	InvoiceID       ID            `json:"invoice_id,omitzero"`
	PurchaseID      ID            `json:"purchase_id,omitzero"` // shared by payments for one purchase
	Status          PaymentStatus `json:"payment_status,omitzero"`

	OrderID          string `json:"order_id,omitzero"`          // the shop's own, as sent
	OrderDescription string `json:"order_description,omitzero"` // as sent

	PriceAmount   Amount `json:"price_amount,omitzero"`   // price of the goods
	PriceCurrency string `json:"price_currency,omitzero"` // ticker, such as "usd"

	PayAddress   string `json:"pay_address,omitzero"`    // where the customer sends the coins
	PayinExtraID string `json:"payin_extra_id,omitzero"` // memo or tag that the customer must add, or the coins are lost; empty for coins without one
	PayAmount    Amount `json:"pay_amount,omitzero"`     // amount to send
	PayCurrency  string `json:"pay_currency,omitzero"`   // ticker, such as "usdttrc20"

	ActuallyPaid       Amount `json:"actually_paid,omitzero"`         // amount received, in PayCurrency
	ActuallyPaidAtFiat Amount `json:"actually_paid_at_fiat,omitzero"` // the same in fiat; often 0
	AmountReceived     Amount `json:"amount_received,omitzero"`       // expected to be paid out

	OutcomeAmount   Amount `json:"outcome_amount,omitzero"`   // amount for the shop
	OutcomeCurrency string `json:"outcome_currency,omitzero"` // ticker
	PayinHash       string `json:"payin_hash,omitzero"`       // the customer's transaction
	PayoutHash      string `json:"payout_hash,omitzero"`      // the transaction to the shop

	PaymentExtraIDs []ID   `json:"payment_extra_ids,omitzero"` // repeated deposits to this payment
	OriginType      string `json:"origin_type,omitzero"`       // "REPEATED" on a repeated deposit
	Type            string `json:"type,omitzero"`              // such as "crypto2crypto"

	IPNCallbackURL   string `json:"ipn_callback_url,omitzero"`
	SmartContract    string `json:"smart_contract,omitzero"`
	Network          string `json:"network,omitzero"`
	NetworkPrecision int    `json:"network_precision,omitzero"` // decimals that the network carries
	TimeLimit        string `json:"time_limit,omitzero"`
	BurningPercent   Amount `json:"burning_percent,omitzero"`

	CreatedAt              Time `json:"created_at,omitzero"`
	UpdatedAt              Time `json:"updated_at,omitzero"`
	ExpirationEstimateDate Time `json:"expiration_estimate_date,omitzero"` // when the price or the address expires

	Response
}

func (p *Payment) accept(raw []byte) error {
	if p.ID == "" {
		return errors.New("payment without payment_id")
	}
	return p.Response.accept(raw)
}

// plainPayment has the fields and tags of a Payment, without its methods.
type (
	plainPayment  Payment
	listedPayment Payment // which lenient knows
)

// MarshalJSON writes the fields that are set, and Extra, as members of one object. A
// struct that embeds a Payment inherits this method, and so loses its own members:
// give the Payment a field name there.
func (p Payment) MarshalJSON() ([]byte, error) {
	fields := plainPayment(p)
	fields.Extra = nil
	return writeObject(&fields, p.Extra)
}

// UnmarshalJSON reads what MarshalJSON writes, and what JovePay sends. Members that
// have no field, or do not fit theirs, go to Extra. Currencies are converted to lower
// case. The text "null", and a parent or invoice of 0, mean none, except in the
// shop's own texts.
func (p *Payment) UnmarshalJSON(b []byte) error {
	err := readObject(b, (*plainPayment)(p), &p.Extra)
	(*plainPayment)(p).normalize()
	return err
}

func (p *plainPayment) normalize() {
	lowerTickers(&p.PriceCurrency, &p.PayCurrency, &p.OutcomeCurrency)
	noneIfNull(&p.PriceCurrency, &p.PayCurrency, &p.OutcomeCurrency, &p.PayAddress, &p.PayinExtraID, &p.PayinHash,
		&p.PayoutHash, &p.OriginType, &p.Type, &p.IPNCallbackURL, &p.SmartContract, &p.Network, &p.TimeLimit)
	for _, id := range [...]*ID{&p.ParentPaymentID, &p.InvoiceID} {
		if *id == "0" {
			*id = ""
		}
	}
}

// PaymentRequest describes a payment to create. PriceAmount, PriceCurrency and
// PayCurrency are required. JovePay's guide documents IPNCallbackURL; the other
// fields are not documented by JovePay.
type PaymentRequest struct {
	PriceAmount   Amount `json:"price_amount"`        // price of the goods, above zero
	PriceCurrency string `json:"price_currency"`      // lower-case ticker, such as "usd"
	PayCurrency   string `json:"pay_currency"`        // lower-case ticker of the coin to pay with
	PayAmount     Amount `json:"pay_amount,omitzero"` // amount of coins to ask for; null lets JovePay convert the price

	// OrderID is the shop's own; CreateOnce requires it. An id that a gateway
	// might change is rejected: one over 255 bytes, with white space at an end,
	// or with control or format characters.
	OrderID          string `json:"order_id,omitzero"`
	OrderDescription string `json:"order_description,omitzero"` // shown to the customer
	IPNCallbackURL   string `json:"ipn_callback_url,omitzero"`  // address for notifications; JovePay cannot reach localhost
	PurchaseID       ID     `json:"purchase_id,omitzero"`       // of an earlier payment for the same purchase

	PayoutAddress  string `json:"payout_address,omitzero"`  // where to pay out, instead of the account's wallet
	PayoutCurrency string `json:"payout_currency,omitzero"` // required with PayoutAddress
	PayoutExtraID  string `json:"payout_extra_id,omitzero"` // memo or tag for PayoutAddress

	FixedRate     bool   `json:"is_fixed_rate,omitzero"`       // fix the rate until the payment expires
	FeePaidByUser bool   `json:"is_fee_paid_by_user,omitzero"` // add the network fee to the customer's amount
	Case          string `json:"case,omitzero"`                // outcome to simulate, in a sandbox only
}

// Validate returns the [ValidationError] that Create would return without sending
// r, or nil.
func (r *PaymentRequest) Validate() error { return r.validate() }

func (r *PaymentRequest) validate() error {
	var v validation
	v.amount("price_amount", r.PriceAmount)
	v.ticker("price_currency", r.PriceCurrency)
	v.ticker("pay_currency", r.PayCurrency)
	v.optionalAmount("pay_amount", r.PayAmount)
	v.orderID("order_id", r.OrderID)
	v.require(utf8.ValidString(r.OrderDescription), "order_description", "want valid UTF-8")
	v.optionalURL("ipn_callback_url", r.IPNCallbackURL)
	v.verbatim("purchase_id", string(r.PurchaseID))
	v.verbatim("payout_address", r.PayoutAddress)
	v.verbatim("payout_extra_id", r.PayoutExtraID)
	v.verbatim("case", r.Case)
	v.optionalTicker("payout_currency", r.PayoutCurrency)
	v.require(r.PayoutAddress == "" || r.PayoutCurrency != "", "payout_currency", "is required with payout_address")
	return v.err
}

// Create creates a payment and returns it with the deposit address to show to the
// customer. If PayinExtraID is set, show it too: without the memo the coins are lost.
//
// A Create that may have been processed is never retried: its error is
// [ErrOutcomeUnknown]. The same goes for a response about another order, price or
// coin than was asked for; the payment's id is in the error and in [APIError.Body].
// [PaymentsService.CreateOnce] resolves unknown outcomes; [RetryPolicy] says what is
// retried.
//
// From JovePay's guide: POST /v1/payment.
func (s *PaymentsService) Create(ctx context.Context, req PaymentRequest) (*Payment, error) {
	if err := req.validate(); err != nil {
		return nil, err
	}
	return do[Payment](ctx, s.api, endpoint{
		method:  http.MethodPost,
		path:    "/v1/payment",
		body:    req,
		creates: true,
		auth:    withKey,
		clock:   s.clock,
	}, req.contradiction)
}

// contradiction returns an error if p is not the payment that r asks for. Missing
// members don't count, nor do different spellings of an order id or a ticker.
func (r *PaymentRequest) contradiction(p *Payment) error {
	switch {
	case isDeposit(p):
		return fmt.Errorf("payment %.64q is a further deposit to payment %.64q", p.ID, p.ParentPaymentID)
	case r.OrderID != "" && p.OrderID != "" && letters(p.OrderID) != letters(r.OrderID):
		return fmt.Errorf("payment %.64q is for order %.64q", p.ID, p.OrderID)
	case p.PayCurrency != "" && !mayBeSameCoin(p.PayCurrency, r.PayCurrency):
		return fmt.Errorf("payment %.64q is in %.64q", p.ID, p.PayCurrency)
	case p.PriceCurrency != "" && letters(p.PriceCurrency) != letters(r.PriceCurrency),
		!p.PriceAmount.IsNull() && !alike(p.PriceAmount, r.PriceAmount, rounding) && !isRounding(p.PriceAmount, r.PriceAmount):
		return fmt.Errorf("payment %.64q has the price %s %.64q", p.ID, p.PriceAmount, p.PriceCurrency)
	case !p.PayAmount.IsNull() && !r.PayAmount.IsNull() && !alike(p.PayAmount, r.PayAmount, rounding) &&
		(!r.FeePaidByUser || p.PayAmount.Cmp(r.PayAmount) < 0):
		return fmt.Errorf("payment %.64q asks for %s %.64q", p.ID, p.PayAmount, p.PayCurrency)
	}
	return nil
}

// isDeposit reports whether p is a further deposit to an address that was already
// paid.
func isDeposit(p *Payment) bool {
	return p.ParentPaymentID != "" || strings.EqualFold(p.OriginType, "REPEATED")
}

// letters returns what all spellings of an id or a ticker have in common: its letters
// and digits, in lower case, without leading zeros. It returns a text without any
// unchanged.
func letters(s string) string {
	kept := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
	return cmp.Or(strings.TrimLeft(kept, "0"), s)
}

// mayBeSameCoin reports whether a and b may be two names of one coin: a gateway may
// accept usdt and call it usdttrc20.
func mayBeSameCoin(a, b string) bool {
	a, b = letters(a), letters(b)
	return strings.HasPrefix(a, b) || strings.HasPrefix(b, a)
}

// rounding is the number of digits of an amount that survive if a gateway stores it
// as a floating-point number.
const rounding = 9

// alike reports whether a and b agree in about the given number of digits.
func alike(a, b Amount, digits int32) bool {
	x, y := a.Decimal(), b.Decimal()
	return !x.Sub(y).Abs().Shift(digits).GreaterThan(x.Abs())
}

// isRounding reports whether a gateway may have rounded or truncated price to kept: to
// cents or finer, and by less than a hundredth of the price.
func isRounding(kept, price Amount) bool {
	k, p := kept.Decimal(), price.Decimal()
	places := max(2, -k.Exponent())
	return alike(price, kept, 2) && (k.Equal(p.Round(places)) || k.Equal(p.Truncate(places)))
}

// Get returns the payment with the given id, or [ErrNotFound]. A response about
// another payment is an error.
//
// From JovePay's guide: GET /v1/payment/{payment_id}.
func (s *PaymentsService) Get(ctx context.Context, id ID) (*Payment, error) {
	var v validation
	segment := v.pathSegment("payment_id", id)
	if v.err != nil {
		return nil, v.err
	}
	return do[Payment](ctx, s.api, endpoint{
		method: http.MethodGet,
		path:   "/v1/payment/" + segment,
		auth:   withKey,
		clock:  s.clock,
	}, func(p *Payment) error {
		if p.ID != id {
			return fmt.Errorf("it is about payment %.64q instead of %.64q", p.ID, id)
		}
		return nil
	})
}

// SortField is the field that a payment list is sorted by. It can be any field that
// JovePay knows. The constants are those whose value never changes, so that a list
// sorted by them can be read page by page while it grows.
type SortField string

// Fields that never change after a payment has been created.
const (
	SortByCreatedAt     SortField = "created_at" // the default
	SortByPaymentID     SortField = "payment_id"
	SortByOrderID       SortField = "order_id"
	SortByPurchaseID    SortField = "purchase_id"
	SortByPriceAmount   SortField = "price_amount"
	SortByPriceCurrency SortField = "price_currency"
)

// isFixed reports whether f keeps its value for the life of a payment.
func (f SortField) isFixed() bool {
	switch f {
	case SortByCreatedAt, SortByPaymentID, SortByOrderID, SortByPurchaseID, SortByPriceAmount, SortByPriceCurrency:
		return true
	}
	return false
}

// SortOrder is the direction of a sorted list.
type SortOrder string

// The sort orders.
const (
	Ascending  SortOrder = "asc"
	Descending SortOrder = "desc"
)

// PaymentListOptions selects payments. The zero value selects all.
// JovePay's guide documents the list, but none of its options.
type PaymentListOptions struct {
	Limit     int       `url:"limit,omitempty"`                                           // payments on a page, 1 to 500; 0 leaves it to JovePay (All uses 500)
	Page      int       `url:"page,omitempty"`                                            // from 0; All starts there
	SortBy    SortField `url:"sortBy,omitempty"`                                          // empty leaves it to JovePay (All uses SortByCreatedAt)
	OrderBy   SortOrder `url:"orderBy,omitempty"`                                         // empty leaves it to JovePay (All uses Ascending)
	DateFrom  time.Time `url:"dateFrom,omitempty" layout:"2006-01-02T15:04:05.999Z07:00"` // payments created at or after this
	DateTo    time.Time `url:"dateTo,omitempty" layout:"2006-01-02T15:04:05.999Z07:00"`   // payments created at or before this
	InvoiceID ID        `url:"invoiceId,omitempty"`

	// Window is the maximum number of pages that All reads at the same time; 1
	// reads them one by one. Default 8. It is not sent.
	Window int `url:"-"`
}

func (o *PaymentListOptions) validate() error {
	var v validation
	v.require(o.Limit >= 0 && o.Limit <= 500, "limit", "want 1 to 500, or 0 for the default")
	v.require(o.Page >= 0, "page", "want 0 or more")
	v.require(o.OrderBy == "" || o.OrderBy == Ascending || o.OrderBy == Descending, "orderBy", `want "asc" or "desc"`)
	v.require(o.DateFrom.IsZero() || o.DateTo.IsZero() || !o.DateTo.Before(o.DateFrom), "dateTo", "want a time not before dateFrom")
	v.require(o.Window >= 0, "window", "want 1 or more pages, or 0 for the default")
	return v.err
}

// PaymentList is one page of payments, with the totals of the whole list. Its format
// is not documented by JovePay.
type PaymentList struct {
	Payments   []*Payment `json:"data"`
	Limit      int        `json:"limit"`      // of payments on a page
	Page       int        `json:"page"`       // this one, from 0
	PagesCount int        `json:"pagesCount"` // of the whole list
	Total      int        `json:"total"`      // payments in the whole list
	Response
}

func (l *PaymentList) accept(raw []byte) error {
	if l.Payments == nil {
		return errors.New("list without data") // not the same as an empty list
	}
	return l.Response.accept(raw)
}

// plainPaymentList names the type of its rows, which bounds their number.
type plainPaymentList struct {
	Payments   paymentRows `json:"data"`
	Limit      int         `json:"limit"`
	Page       int         `json:"page"`
	PagesCount int         `json:"pagesCount"`
	Total      int         `json:"total"`
	Response
}

// MarshalJSON writes the list with its payments, and Extra.
func (l PaymentList) MarshalJSON() ([]byte, error) {
	return writeObject(&plainPaymentList{l.Payments, l.Limit, l.Page, l.PagesCount, l.Total, Response{}}, l.Extra)
}

// UnmarshalJSON reads a list of at most 500 payments, each as
// [Payment.UnmarshalJSON] does.
func (l *PaymentList) UnmarshalJSON(b []byte) error {
	fields := plainPaymentList{l.Payments, l.Limit, l.Page, l.PagesCount, l.Total, l.Response}
	err := readObject(b, &fields, &fields.Extra)
	*l = PaymentList{fields.Payments, fields.Limit, fields.Page, fields.PagesCount, fields.Total, fields.Response}
	return err
}

// paymentRows are read one by one: a server that sends more than a page must not fill
// the memory.
type paymentRows []*Payment

// UnmarshalJSONFrom reads the rows of one page.
func (rows *paymentRows) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	return readRows(d, rows, largestPage, errTooManyRows, func(row **Payment) error {
		*row = new(Payment)
		if d.PeekKind() != '{' {
			return d.SkipValue()
		}
		err := jsonv2.UnmarshalDecode(d, (*listedPayment)(*row))
		(*plainPayment)(*row).normalize()
		return err
	})
}

var errRowWithoutID = errors.New("payment without payment_id in a list")

// complete returns an error if a row has no payment id.
func (l *PaymentList) complete() error {
	if slices.ContainsFunc(l.Payments, func(p *Payment) bool { return p.ID == "" }) {
		return errRowWithoutID
	}
	return nil
}

// List returns one page of payments. It needs credentials, see [WithCredentials];
// JovePay does not document this. A page with more payments than opts.Limit, or with a
// payment without an id, is an error. [PaymentsService.All] returns the payments of
// all pages.
//
// From JovePay's guide: GET /v1/payment.
func (s *PaymentsService) List(ctx context.Context, opts PaymentListOptions) (*PaymentList, error) {
	return s.list(ctx, opts, (*PaymentList).complete)
}

func (s *PaymentsService) list(ctx context.Context, opts PaymentListOptions, checks ...func(*PaymentList) error) (*PaymentList, error) {
	if err := opts.validate(); err != nil {
		return nil, err
	}
	list, err := do[PaymentList](ctx, s.api, endpoint{
		method: http.MethodGet,
		path:   "/v1/payment",
		query:  opts,
		auth:   withToken,
		clock:  s.clock,
	}, checks...)
	if err == nil && opts.Limit > 0 && len(list.Payments) > opts.Limit {
		return nil, fmt.Errorf("jovepay: payment list: want at most %d payments, page %d has %d", opts.Limit, opts.Page, len(list.Payments))
	}
	return list, err
}
