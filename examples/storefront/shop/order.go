package shop

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/jovepay/jovepay-go"
)

// ErrNotFound is the error, for [errors.Is], of an order or item that does not
// exist.
var ErrNotFound = errors.New("shop: not found")

// Method is how a customer pays.
type Method string

// The methods.
const (
	ByAddress Method = "address" // coins to an address that the shop shows
	ByInvoice Method = "invoice" // on JovePay's page
)

// Trouble is the reason why an order has no payment. It is empty while the
// payment is being created.
type Trouble string

// The troubles.
const (
	// TroubleUnknown: it is unknown whether JovePay created the payment.
	TroubleUnknown Trouble = "unknown"
	// TroubleRejected: JovePay rejected the payment.
	TroubleRejected Trouble = "rejected"
)

// Order is what a customer buys, with its payment and its state.
type Order struct {
	ID            string
	Created       time.Time
	Item          string // id
	PriceAmount   jovepay.Amount
	PriceCurrency string
	PayCurrency   string
	Method        Method

	PaymentID  jovepay.ID
	PayAmount  jovepay.Amount // in PayCurrency, to be sent to PayAddress
	PayAddress string
	Memo       string    // to send with the coins, or they are lost; often empty
	Expires    time.Time // zero if unknown
	InvoiceID  jovepay.ID
	InvoiceURL string // JovePay's page

	Trouble Trouble
	State   State
	News    []News // of its payments, the oldest first
	Ticket  string // the code; empty until the order is paid

	paidBy jovepay.ID // the payment that the ticket is for; empty if a person issued it
}

// expectation is what the order's payment must match.
func (o *Order) expectation() jovepay.Expectation {
	return jovepay.Expectation{
		OrderID:       o.ID,
		PriceAmount:   o.PriceAmount,
		PriceCurrency: o.PriceCurrency,
		PaymentID:     o.PaymentID,
		InvoiceID:     o.InvoiceID,
		PayCurrency:   o.PayCurrency,
		PayAmount:     o.PayAmount,
	}
}

// queryer is a database or a transaction.
type queryer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Find returns an order, or [ErrNotFound].
func (s *Shop) Find(ctx context.Context, id string) (*Order, error) {
	return find(ctx, s.db, id)
}

func find(ctx context.Context, q queryer, id string) (*Order, error) {
	o := &Order{ID: id}
	var created, expires int64
	err := q.QueryRowContext(ctx, `SELECT created_ms, item, price_amount, price_currency, pay_currency, method,
			orders.payment_id, pay_amount, pay_address, memo, expires_ms, invoice_id, invoice_url, trouble, state,
			coalesce(tickets.code, ''), coalesce(tickets.payment_id, '')
		FROM orders LEFT JOIN tickets ON tickets.order_id = orders.id WHERE orders.id = $1`, id).
		Scan(&created, &o.Item, &o.PriceAmount, &o.PriceCurrency, &o.PayCurrency, &o.Method,
			&o.PaymentID, &o.PayAmount, &o.PayAddress, &o.Memo, &expires, &o.InvoiceID, &o.InvoiceURL, &o.Trouble, &o.State,
			&o.Ticket, &o.paidBy)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	o.Created = time.UnixMilli(created)
	if expires > 0 {
		o.Expires = time.UnixMilli(expires)
	}
	o.News, err = newsOf(ctx, q, id)
	return o, err
}

// Recent returns the newest orders, the newest first, without their news.
func (s *Shop) Recent(ctx context.Context, limit int) (orders []*Order, err error) {
	rows, err := s.db.QueryContext(ctx, `SELECT id, created_ms, item, price_amount, price_currency, pay_currency, state
		FROM orders ORDER BY created_ms DESC LIMIT $1`, limit)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		o, created := new(Order), int64(0)
		if err := rows.Scan(&o.ID, &created, &o.Item, &o.PriceAmount, &o.PriceCurrency, &o.PayCurrency, &o.State); err != nil {
			return nil, err
		}
		o.Created = time.UnixMilli(created)
		orders = append(orders, o)
	}
	return orders, rows.Err()
}
