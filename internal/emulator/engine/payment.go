package engine

import (
	"time"

	"github.com/shopspring/decimal"
)

// The statuses of a payment that the engine itself gives.
const (
	PaymentWaiting       = "waiting"
	PaymentConfirming    = "confirming"
	PaymentConfirmed     = "confirmed"
	PaymentSending       = "sending"
	PaymentPartiallyPaid = "partially_paid"
	PaymentFinished      = "finished"
	PaymentFailed        = "failed"
	PaymentExpired       = "expired"
	PaymentRefunded      = "refunded"
)

// The cases that a request may have: what becomes of the payment without any
// deposit.
const (
	CaseCommon        = "common"
	CaseSuccess       = "success"
	CasePartiallyPaid = "partially_paid"
	CaseFailed        = "failed"
)

// PaymentRequest is what a payment was made for.
type PaymentRequest struct {
	PriceAmount      decimal.Decimal
	PriceCurrency    string
	PayAmount        decimal.Decimal // 0: estimated from the price
	PayCurrency      string
	IPNCallbackURL   string
	OrderID          string
	OrderDescription string
	PurchaseID       int64 // 0: a new one
	PayoutAddress    string
	PayoutCurrency   string // "": the account's
	PayoutExtraID    string
	FixedRate        bool
	FeePaidByUser    bool
	Case             string // "": common
}

// Payment is the state of a payment at one moment.
type Payment struct {
	*PaymentRequest // completed by the engine, then never changed

	ID        int64
	ParentID  int64 // the payment to whose address these coins came again, or 0
	InvoiceID int64 // or 0
	ChildIDs  []int64
	Status    string

	// WrongAsset reports whether these coins are of another currency than that of
	// their parent.
	WrongAsset bool

	PayAddress    string
	PayinExtraID  string            // the memo to add, or ""
	Unassigned    []decimal.Decimal `json:",omitempty"` // deposits without the memo: nobody knows that they are this payment's
	ActuallyPaid  decimal.Decimal   // 0 until a deposit
	OutcomeAmount decimal.Decimal   // 0 until it is settled
	ServiceFee    decimal.Decimal   // in the payout currency; 0 until it is settled
	Refunded      decimal.Decimal   `json:",omitzero"` // the part that was sent back; 0 if it was all or nothing

	CreatedAt, UpdatedAt, ExpiresAt time.Time

	// OverAt is when it first expired, failed or was refunded, or zero.
	OverAt time.Time `json:",omitzero"`

	Coin *Coin `json:"-"` // of PayCurrency
	seed uint64
}

// PayinHash is the id of the deposit on the chain, or "" before one.
func (p *Payment) PayinHash() string {
	return p.hash(streamPayin, p.ActuallyPaid)
}

// PayoutHash is the id of the payout on the chain, or "" before one.
func (p *Payment) PayoutHash() string {
	return p.hash(streamPayout, p.OutcomeAmount)
}

func (p *Payment) hash(stream uint64, moved decimal.Decimal) string {
	if moved.IsZero() {
		return ""
	}
	return draw(p.seed, stream, p.ID, hexits, 64)
}

// record is a payment with its place in the engine.
type record struct {
	Payment
	due   time.Time // when it changes by itself, while place > 0
	place int       // in the deadlines, from 1; 0 is none
}

// CreatePayment makes a payment that waits for coins.
func (e *Engine) CreatePayment(req PaymentRequest) (Payment, error) {
	now := e.begin()
	defer e.mu.Unlock()
	return e.createPayment(req, 0, now)
}

// createPayment makes a payment, which may be that of an invoice.
func (e *Engine) createPayment(req PaymentRequest, invoice int64, at time.Time) (Payment, error) {
	coin, err := e.complete(&req)
	if err != nil {
		return Payment{}, err
	}
	r := e.open(&req, coin, invoice, at)
	e.move(r, PaymentWaiting, at)
	return r.Payment, nil
}

// complete checks a request and fills in what it leaves to JovePay.
func (e *Engine) complete(req *PaymentRequest) (*currency, error) {
	price, err := e.checkPrice(req.PriceAmount, req.PriceCurrency)
	if err != nil {
		return nil, err
	}
	coin, err := e.lookupOffered("pay_currency", req.PayCurrency)
	if err != nil {
		return nil, err
	}
	if err := e.checkPayout(req); err != nil {
		return nil, err
	}
	if err := checkCallback("ipn_callback_url", req.IPNCallbackURL); err != nil {
		return nil, err
	}
	if req.PurchaseID < 0 {
		return nil, InvalidParam("purchase_id must be a number")
	}
	if err := checkCase(req.Case); err != nil {
		return nil, err
	}
	if req.PayAmount.IsZero() {
		req.PayAmount = convert(req.PriceAmount, price, coin)
	} else if err := checkDeposit("pay_amount", req.PayAmount, coin); err != nil {
		return nil, err
	}
	if least := coin.least(); req.PayAmount.LessThan(least) {
		return nil, reject(CodeAmountTooSmall, "pay_amount %s %s is less than minimal: %s", req.PayAmount, coin.Ticker, least)
	}
	req.PriceCurrency, req.PayCurrency = price.Ticker, coin.Ticker
	return coin, nil
}

func checkCase(name string) error {
	switch name {
	case "", CaseCommon, CaseSuccess, CasePartiallyPaid, CaseFailed:
		return nil
	}
	return InvalidParam("case must be one of common, success, partially_paid, failed")
}

func (e *Engine) checkPrice(amount decimal.Decimal, ticker string) (*currency, error) {
	if err := checkAmount("price_amount", amount); err != nil {
		return nil, err
	}
	return e.lookup("price_currency", ticker)
}

func (e *Engine) checkPayout(req *PaymentRequest) error {
	if req.PayoutCurrency == "" {
		if req.PayoutAddress != "" || req.PayoutExtraID != "" {
			return InvalidParam("payout_currency is required with payout_address")
		}
		req.PayoutCurrency = payoutTicker
		return nil
	}
	c, err := e.lookup("payout_currency", req.PayoutCurrency)
	if err != nil {
		return err
	}
	req.PayoutCurrency = c.Ticker
	return nil
}

// checkDeposit rejects an amount that the coin's chain cannot carry.
func checkDeposit(field string, amount decimal.Decimal, coin *currency) error {
	if err := checkAmount(field, amount); err != nil {
		return err
	}
	if !amount.Equal(amount.Truncate(coin.Precision)) {
		return InvalidParam("%s must have at most %d decimal places in %s", field, coin.Precision, coin.Ticker)
	}
	return nil
}

// open makes a payment with its own address, to which the caller gives
// its first status.
func (e *Engine) open(req *PaymentRequest, coin *currency, invoice int64, now time.Time) *record {
	if req.PurchaseID == 0 {
		req.PurchaseID = e.ids.next()
	}
	r := &record{Payment: Payment{
		PaymentRequest: req,
		ID:             e.ids.next(),
		InvoiceID:      invoice,
		CreatedAt:      now,
		Coin:           &coin.Coin,
		seed:           e.seed,
	}}
	form := coin.address
	r.PayAddress = form.prefix + draw(e.seed, streamAddress, r.ID, form.alphabet, form.length-len(form.prefix))
	if coin.Memo {
		r.PayinExtraID = "1" + draw(e.seed, streamExtraID, r.ID, digits, 8)
	}
	e.payments[r.ID] = r
	e.created.insert(r)
	if inv, ok := e.invoices[invoice]; ok {
		inv.payments.insert(r)
	}
	return r
}

// Payment returns the payment with the id.
func (e *Engine) Payment(id int64) (Payment, error) {
	e.begin()
	defer e.mu.Unlock()
	r, err := e.record(id)
	if err != nil {
		return Payment{}, err
	}
	return r.Payment, nil
}

func (e *Engine) record(id int64) (*record, error) {
	if r, ok := e.payments[id]; ok {
		return r, nil
	}
	return nil, reject(CodePaymentNotFound, "payment %d not found", id)
}

// Payments returns all payments in the order in which they were created.
func (e *Engine) Payments() []Payment {
	e.begin()
	defer e.mu.Unlock()
	return e.created.copies(false)
}

// Latest returns the last n payments created, or as many as there are, the
// latest first. It costs as much as these, however many there are.
func (e *Engine) Latest(n int) []Payment {
	e.begin()
	defer e.mu.Unlock()
	n = max(0, min(n, len(e.created)))
	return e.created[len(e.created)-n:].copies(true)
}

// Preload adds n finished payments, created one second apart until now. It is
// for tests of long lists; the payments share one request.
func (e *Engine) Preload(n int) error {
	now := e.begin()
	defer e.mu.Unlock()
	req := PaymentRequest{
		PriceAmount:   decimal.New(4999, -2),
		PriceCurrency: "usd", PayCurrency: "btc",
		OrderID: "preloaded",
	}
	coin, err := e.complete(&req)
	if err != nil {
		return err
	}
	for i := range n {
		at := now.Add(time.Duration(i+1-n) * time.Second)
		r := e.open(&req, coin, 0, at)
		r.ActuallyPaid = req.PayAmount
		r.OverAt = at // they are not of one order
		e.move(r, PaymentFinished, at)
	}
	return nil
}
