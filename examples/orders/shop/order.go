package shop

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/jovepay/jovepay-go"
)

// ErrNotFound is the error, for [errors.Is], of an order that does not exist.
var ErrNotFound = errors.New("shop: no such order")

// Order is what a customer buys. The customer sets the fields up to PayCurrency,
// the shop the others.
type Order struct {
	ID            string         `json:"id"`
	PriceAmount   jovepay.Amount `json:"price_amount"`
	PriceCurrency string         `json:"price_currency"`
	PayCurrency   string         `json:"pay_currency"`

	PaymentID  jovepay.ID       `json:"payment_id"`
	PayAmount  jovepay.Amount   `json:"pay_amount"` // in PayCurrency, to send to PayAddress
	PayAddress string           `json:"pay_address"`
	State      jovepay.Decision `json:"state"` // the last verdict on the payment
	Fulfilled  bool             `json:"fulfilled"`
	Shipments  int              `json:"shipments"` // at most 1; set by [Shop.Find] only

	created time.Time
}

// expectation is what the order's payment must match.
func (o *Order) expectation() jovepay.Expectation {
	return jovepay.Expectation{
		OrderID:       o.ID,
		PriceAmount:   o.PriceAmount,
		PriceCurrency: o.PriceCurrency,
		PayCurrency:   o.PayCurrency,
		PaymentID:     o.PaymentID,
	}
}

// Create stores an order and creates its payment. Calling it again for the same
// order, even after a crash, returns the same payment.
func (s *Shop) Create(ctx context.Context, order Order) (*Order, error) {
	result, err := s.db.ExecContext(ctx, `INSERT INTO orders (id, created_ms, price_amount, price_currency, pay_currency)
		VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING`,
		order.ID, time.Now().UnixMilli(), order.PriceAmount, order.PriceCurrency, order.PayCurrency)
	if err != nil {
		return nil, err
	}
	inserted, err := result.RowsAffected()
	if err != nil {
		return nil, err
	}
	saved, err := find(ctx, s.db, order.ID)
	if err != nil || saved.PaymentID != "" {
		return saved, err
	}
	payment, err := s.pay(ctx, saved, inserted > 0)
	if err != nil {
		return nil, err
	}
	return adopt(ctx, s.db, saved.ID, payment)
}

// clockTolerance is how far the shop's clock may be ahead of JovePay's.
const clockTolerance = 24 * time.Hour

// pay creates the payment of an order. An order that is not new may already have
// one, created before a crash.
func (s *Shop) pay(ctx context.Context, order *Order, isNew bool) (*jovepay.Payment, error) {
	if !isNew {
		payments, err := s.client.Payments.FindOrder(ctx, order.ID, order.created.Add(-clockTolerance))
		if err != nil {
			return nil, err
		}
		for _, payment := range payments {
			if belongs(order, payment.Event()) {
				return s.client.Payments.Get(ctx, payment.ID) // a list may omit the address
			}
		}
	}
	return s.client.Payments.CreateOnce(ctx, jovepay.PaymentRequest{
		PriceAmount:    order.PriceAmount,
		PriceCurrency:  order.PriceCurrency,
		PayCurrency:    order.PayCurrency,
		OrderID:        order.ID,
		IPNCallbackURL: s.callback,
	})
}

// Find returns an order, or [ErrNotFound].
func (s *Shop) Find(ctx context.Context, id string) (*Order, error) {
	order, err := find(ctx, s.db, id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	err = s.db.QueryRowContext(ctx, `SELECT count(*) FROM fulfillments WHERE order_id = $1`, id).Scan(&order.Shipments)
	return order, err
}

// queryer is a database or a transaction.
type queryer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func find(ctx context.Context, q queryer, id string) (*Order, error) {
	order := &Order{ID: id}
	var created int64
	err := q.QueryRowContext(ctx, `SELECT created_ms, price_amount, price_currency, pay_currency,
		payment_id, pay_amount, pay_address, state, fulfilled FROM orders WHERE id = $1`, id).
		Scan(&created, &order.PriceAmount, &order.PriceCurrency, &order.PayCurrency,
			&order.PaymentID, &order.PayAmount, &order.PayAddress, &order.State, &order.Fulfilled)
	order.created = time.UnixMilli(created)
	return order, err
}

// adopt stores the payment as that of its order, unless the order has another, and
// returns the order.
func adopt(ctx context.Context, q queryer, id string, payment *jovepay.Payment) (*Order, error) {
	_, err := q.ExecContext(ctx, `UPDATE orders SET payment_id = $2, pay_amount = $3, pay_address = $4
		WHERE id = $1 AND payment_id = ''`, id, payment.ID, payment.PayAmount, payment.PayAddress)
	if err != nil {
		return nil, err
	}
	return find(ctx, q, id)
}
