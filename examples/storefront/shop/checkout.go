package shop

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/jovepay/jovepay-go"
)

// ErrInvalidOrder is the error, for [errors.Is], of an order that the shop
// rejects.
var ErrInvalidOrder = errors.New("shop: invalid order")

// setupTime bounds the creation of a payment.
const setupTime = 30 * time.Second

// lookBack is how far the shop's clock may be ahead of JovePay's when the shop
// looks for an earlier payment.
const lookBack = 24 * time.Hour

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
// order changes nothing.
//
// After an error the order may still exist, with its [Trouble]; [Shop.SetUp]
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
	_, err = s.db.ExecContext(ctx, `INSERT INTO orders
		(id, created_ms, item, price_amount, price_currency, pay_currency, method, state)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING`,
		c.OrderID, time.Now().UnixMilli(), c.Item.ID, c.Item.Price, priceCurrency, c.PayCurrency, c.Method, StatePending)
	if err != nil {
		return err
	}
	return s.SetUp(ctx, c.OrderID)
}

// SetUp creates the payment of an order that has none, or finds the one created
// before. Concurrent calls for an order share the work, which continues when the
// customer leaves.
func (s *Shop) SetUp(ctx context.Context, id string) error {
	_, err, _ := s.setups.Do(id, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), setupTime)
		defer cancel()
		return nil, s.setUp(ctx, id)
	})
	return err
}

func (s *Shop) setUp(ctx context.Context, id string) error {
	order, err := s.Find(ctx, id)
	if err != nil || order.PaymentID != "" || order.InvoiceID != "" {
		return err
	}
	if order.Method == ByInvoice {
		err = s.createInvoice(ctx, order)
	} else {
		err = s.createPayment(ctx, order)
	}
	// ctx may have expired; store the result nevertheless.
	ctx = context.WithoutCancel(ctx)
	if err != nil {
		_, noted := s.db.ExecContext(ctx, `UPDATE orders SET trouble = $2 WHERE id = $1 AND payment_id = '' AND invoice_id = ''`, id, troubleOf(err))
		return errors.Join(err, noted)
	}
	return restate(ctx, s.db, id)
}

// troubleOf tells a rejected payment from an unknown outcome.
func troubleOf(err error) Trouble {
	if errors.Is(err, jovepay.ErrOutcomeUnknown) || errors.Is(err, context.DeadlineExceeded) {
		return TroubleUnknown
	}
	return TroubleRejected
}

// createPayment creates the payment of an order, unless an earlier attempt
// created one whose response was lost.
func (s *Shop) createPayment(ctx context.Context, order *Order) error {
	if order.Trouble != "" || time.Since(order.Created) > setupTime {
		found, err := s.client.Payments.FindOrder(ctx, order.ID, order.Created.Add(-lookBack))
		if err != nil {
			return unknown(err)
		}
		for _, payment := range found {
			if belongs(order, payment) {
				whole, err := s.client.Payments.Get(ctx, payment.ID) // a list may omit the address
				if err != nil {
					return unknown(err)
				}
				return unknown(adopt(ctx, s.db, order, whole))
			}
		}
	}
	payment, err := s.client.Payments.CreateOnce(ctx, jovepay.PaymentRequest{
		PriceAmount:      order.PriceAmount,
		PriceCurrency:    order.PriceCurrency,
		PayCurrency:      order.PayCurrency,
		OrderID:          order.ID,
		OrderDescription: itemName(order.Item),
		IPNCallbackURL:   s.url + "/ipn",
	})
	if err != nil {
		return err
	}
	return unknown(adopt(context.WithoutCancel(ctx), s.db, order, payment))
}

// createInvoice creates the invoice of an order. If the response is lost, SetUp
// creates another one: the customer never saw the first.
func (s *Shop) createInvoice(ctx context.Context, order *Order) error {
	page := s.url + "/orders/" + order.ID
	invoice, err := s.client.Invoices.Create(ctx, jovepay.InvoiceRequest{
		PriceAmount:      order.PriceAmount,
		PriceCurrency:    order.PriceCurrency,
		PayCurrency:      order.PayCurrency,
		OrderID:          order.ID,
		OrderDescription: itemName(order.Item),
		IPNCallbackURL:   s.url + "/ipn",
		SuccessURL:       page,
		CancelURL:        page,
		PartiallyPaidURL: page,
	})
	if err != nil {
		return err
	}
	_, err = s.db.ExecContext(context.WithoutCancel(ctx), `UPDATE orders SET invoice_id = $2, invoice_url = $3, trouble = '' WHERE id = $1`,
		order.ID, invoice.ID, invoice.URL)
	return unknown(err)
}

// unknown marks an error, if there is one, as an unknown outcome: JovePay may have
// the payment, or the shop could not store it.
func unknown(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", jovepay.ErrOutcomeUnknown, err)
}
