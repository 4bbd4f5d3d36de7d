package shop

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/orders"
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
	*orders.Order // what the book knows

	ID          string
	Created     time.Time
	Item        string // id
	PayCurrency string
	Method      Method
	Trouble     Trouble
	Ticket      string // the code; empty until the order is paid
	State       State

	// The payment that the customer chose to make to an address.
	PaymentID  jovepay.ID     // empty if there is none
	PayAmount  jovepay.Amount // in PayCurrency, to be sent to PayAddress
	PayAddress string
	Memo       string    // to send with the coins, or they are lost; often empty
	Expires    time.Time // zero if unknown

	InvoiceID  jovepay.ID
	InvoiceURL string // JovePay's page; empty if there is none
}

// Find returns an order, or [ErrNotFound].
func (s *Shop) Find(ctx context.Context, id string) (*Order, error) {
	o := &Order{ID: id}
	var created int64
	err := s.db.QueryRowContext(ctx, `SELECT created_ms, item, pay_currency, method, trouble, coalesce(tickets.code, '')
		FROM orders LEFT JOIN tickets ON tickets.order_id = orders.id WHERE orders.id = ?`, id).
		Scan(&created, &o.Item, &o.PayCurrency, &o.Method, &o.Trouble, &o.Ticket)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	o.Created = time.UnixMilli(created)
	if o.Order, err = s.Book.Get(ctx, id); err != nil {
		return nil, err
	}
	o.State = conclude(o.Order)
	if o.Invoice != nil {
		o.InvoiceID, o.InvoiceURL = o.Invoice.ID, o.Invoice.URL
	}
	for _, p := range o.Payments {
		if p.ShownFor == o.PayCurrency && o.Method == ByAddress {
			o.PaymentID, o.PayAmount, o.PayAddress, o.Memo, o.Expires = p.ID, p.Asked, p.Address, p.Memo, p.Expires
		}
	}
	return o, nil
}

// Payment returns a payment of the order, or nil.
func (o *Order) Payment(id jovepay.ID) *orders.Payment {
	for _, p := range o.Payments {
		if p.ID == id {
			return p
		}
	}
	return nil
}

// Recent returns the newest orders, the newest first.
func (s *Shop) Recent(ctx context.Context, limit int) (recent []*Order, err error) {
	ids, err := s.recent(ctx, limit)
	for _, id := range ids {
		order, err := s.Find(ctx, id)
		if err != nil {
			return recent, err
		}
		recent = append(recent, order)
	}
	return recent, err
}

func (s *Shop) recent(ctx context.Context, limit int) (ids []string, err error) {
	rows, err := s.db.QueryContext(ctx, `SELECT id FROM orders ORDER BY created_ms DESC LIMIT ?`, limit)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}
