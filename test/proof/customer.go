package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/shopspring/decimal"
	"golang.org/x/sync/errgroup"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/examples/orders/shop"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

const (
	customers = 16 // at the same time
	longWay   = 10 // one payment in longWay goes through every status
)

// market is the customers, with the shop and JovePay.
type market struct {
	server   *jovepaytest.Server
	jovepay  *jovepay.Client
	client   *http.Client
	replicas []*process
	courier  *courier
	callback string // URL for notifications
	seed     uint64
	orders   int

	done, retried atomic.Int64
}

// kind is how a customer behaves.
type kind int

const (
	exact     kind = iota // pays the amount due
	over                  // pays twice as much
	under                 // pays half
	expired               // does not pay
	refunded              // pays and gets a refund
	repeated              // pays twice
	otherCoin             // pays in a coin that the shop did not ask for
)

// kindOf returns the kind of an order's customer. Out of 20, 11 pay exactly, and
// there are one or two of each other kind.
func kindOf(seed uint64, order int) kind {
	random := rand.New(rand.NewPCG(seed, uint64(order))) //nolint:gosec // repeatable on purpose
	mix := [20]kind{11: over, 12: over, 13: under, 14: under, 15: expired, 16: refunded, 17: repeated, 18: repeated, 19: otherCoin}
	return mix[random.IntN(len(mix))]
}

func orderID(order int) string { return fmt.Sprintf("order-%06d", order) }

// open serves all customers.
func (m *market) open(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(customers)
	for i := range m.orders {
		if err := m.courier.room(ctx); err != nil {
			break
		}
		group.Go(func() error {
			if err := m.serve(ctx, i); err != nil {
				return fmt.Errorf("%s: %w", orderID(i), err)
			}
			m.done.Add(1)
			return nil
		})
	}
	return group.Wait()
}

// serve has one customer order and pay.
func (m *market) serve(ctx context.Context, i int) error {
	order, err := m.order(ctx, orderID(i))
	if err != nil {
		return err
	}
	pay := func(percent int64) error { return m.pay(order, percent, i%longWay == 0) }
	become := func(status jovepay.PaymentStatus) error {
		_, err := m.server.SetStatus(order.PaymentID, status)
		return err
	}
	switch kindOf(m.seed, i) {
	case exact:
		return pay(100)
	case over:
		return pay(200)
	case under:
		return pay(50)
	case expired:
		return become(jovepay.PaymentExpired)
	case refunded:
		return errors.Join(pay(100), become(jovepay.PaymentRefunded))
	case repeated:
		return errors.Join(pay(100), pay(100))
	case otherCoin:
		return m.payInOtherCoin(ctx, order)
	}
	return nil
}

// pay pays a percentage of the amount due. The payment has five events, or three
// without confirmed and sending.
func (m *market) pay(order *shop.Order, percent int64, allTheWay bool) error {
	part := order.PayAmount.Decimal().Mul(decimal.New(percent, -2)).Truncate(8) // btc's decimal places
	if allTheWay {
		_, err := m.server.PayAmount(order.PaymentID, jovepay.NewAmount(part))
		return err
	}
	payment, err := m.server.Deposit(order.PaymentID, jovepay.NewAmount(part))
	if err != nil {
		return err
	}
	end := jovepay.PaymentFinished
	if percent < 100 {
		end = jovepay.PaymentPartiallyPaid
	}
	_, err = m.server.SetStatus(payment.ID, end)
	return err
}

// payInOtherCoin creates and pays a payment for the order in another coin.
func (m *market) payInOtherCoin(ctx context.Context, order *shop.Order) error {
	payment, err := m.jovepay.Payments.Create(ctx, jovepay.PaymentRequest{
		PriceAmount:    order.PriceAmount,
		PriceCurrency:  order.PriceCurrency,
		PayCurrency:    "trx",
		OrderID:        order.ID,
		IPNCallbackURL: m.callback,
	})
	if err != nil {
		return err
	}
	_, err = m.server.Pay(payment.ID)
	return err
}

// order places an order and retries until it succeeds.
func (m *market) order(ctx context.Context, id string) (*shop.Order, error) {
	body, err := json.Marshal(shop.Order{
		PriceAmount: jovepay.MustAmount("49.99"), PriceCurrency: "usd", PayCurrency: "btc",
	})
	if err != nil {
		return nil, err
	}
	for {
		order, err := m.put(ctx, id, body)
		if err == nil {
			return order, nil
		}
		m.retried.Add(1)
		if pause(ctx, 50*time.Millisecond) != nil {
			return nil, errors.Join(ctx.Err(), err)
		}
	}
}

func (m *market) put(ctx context.Context, id string, body []byte) (*shop.Order, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, anyOf(ctx, m.replicas)+"/orders/"+id, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	response, err := m.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %s", response.Status)
	}
	order := new(shop.Order)
	return order, json.UnmarshalRead(response.Body, order)
}
