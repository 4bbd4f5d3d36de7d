package shop

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/orders"
)

// ErrInvalidOrder is the error, for [errors.Is], of an order that the shop
// rejects.
var ErrInvalidOrder = errors.New("shop: invalid order")

// NewOrderID returns an id that cannot be guessed. The form contains it, so that a
// form submitted twice is one order.
func NewOrderID() string { return rand.Text() }

var orderID = regexp.MustCompile(`^[A-Z2-7]{26}$`)

// Choice is what a customer chose.
type Choice struct {
	OrderID     string // of [NewOrderID]
	Item        Item
	PayCurrency string
	Method      Method
}

// Place takes an order and creates its payment. Calling it again for the same
// order shows the same payment. A customer who went back and chose another coin
// gets a payment in that one, unless coins have come.
//
// After an error the order may still exist, with its [Trouble]; [Shop.Retry]
// tries again.
func (s *Shop) Place(ctx context.Context, c Choice) error {
	if !orderID.MatchString(c.OrderID) || (c.Method != ByAddress && c.Method != ByInvoice) {
		return ErrInvalidOrder
	}
	way, err := s.prices.way(ctx, c.Item.Price, c.PayCurrency)
	if err != nil {
		return err
	}
	if !way.Payable() {
		return fmt.Errorf("%w: %s cannot be paid in %s", ErrInvalidOrder, c.Item.ID, c.PayCurrency)
	}
	if err := s.insert(ctx, &c); err != nil {
		return err
	}
	return s.pay(ctx, &c)
}

// insert adds an order to the shop's table and the book, unless it is there. The
// page of an invoice stays as it was first chosen.
func (s *Shop) insert(ctx context.Context, c *Choice) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // does nothing after a commit
	if _, err := tx.ExecContext(ctx, `INSERT INTO orders (id, created_ms, item, pay_currency, method) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
		c.OrderID, time.Now().UnixMilli(), c.Item.ID, c.PayCurrency, c.Method); err != nil {
		return err
	}
	if err := s.Book.Place(ctx, tx, orders.Terms{
		OrderID: c.OrderID, PriceAmount: c.Item.Price, PriceCurrency: priceCurrency, Description: itemName(c.Item.ID),
	}); err != nil {
		return err
	}
	if err := tx.QueryRowContext(ctx, `SELECT CASE method WHEN 'invoice' THEN pay_currency ELSE $2 END, CASE method WHEN 'invoice' THEN method ELSE $3 END
		FROM orders WHERE id = $1`, c.OrderID, c.PayCurrency, c.Method).Scan(&c.PayCurrency, &c.Method); err != nil {
		return err
	}
	return tx.Commit()
}

// Retry creates the payment of an order that has none, as the customer chose it.
func (s *Shop) Retry(ctx context.Context, id string) error {
	order, err := s.Find(ctx, id)
	if err != nil {
		return err
	}
	return s.pay(ctx, &Choice{OrderID: id, PayCurrency: order.PayCurrency, Method: order.Method})
}

// pay has the book create the payment or invoice, unless it is there, and notes
// the choice or the trouble.
func (s *Shop) pay(ctx context.Context, c *Choice) (err error) {
	if c.Method == ByInvoice {
		page := s.url + "/orders/" + c.OrderID
		_, err = s.Book.Invoice(ctx, c.OrderID, orders.InvoiceOptions{
			Coin: c.PayCurrency, SuccessURL: page, CancelURL: page, PartiallyPaidURL: page,
		})
	} else {
		_, err = s.Book.Pay(ctx, c.OrderID, c.PayCurrency)
	}
	ctx = context.WithoutCancel(ctx) // the customer may be gone
	switch {
	case errors.Is(err, orders.ErrClosed), errors.Is(err, orders.ErrCoinsSeen):
		return nil // the page shows what came
	case err != nil:
		_, noted := s.db.ExecContext(ctx, `UPDATE orders SET trouble = ? WHERE id = ?`, troubleOf(err), c.OrderID)
		return errors.Join(err, noted)
	}
	_, err = s.db.ExecContext(ctx, `UPDATE orders SET pay_currency = ?, method = ?, trouble = '' WHERE id = ?`, c.PayCurrency, c.Method, c.OrderID)
	return err
}

// troubleOf distinguishes a rejected payment from an unknown outcome.
func troubleOf(err error) Trouble {
	if _, inDoubt := errors.AsType[*orders.InDoubtError](err); !inDoubt && jovepay.SafeToRetry(err) {
		return TroubleRejected
	}
	return TroubleUnknown
}
