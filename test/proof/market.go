package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/sync/errgroup"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

const (
	longWay = 10 // the payments of one order in longWay go through every status
	price   = "49.99"
	btc     = "btc"
	eth     = "eth"
)

// market is the customers, with the shop and JovePay.
type market struct {
	*settings
	server   *jovepaytest.Server
	jovepay  *jovepay.Client
	client   *http.Client
	replicas []*process
	courier  *courier
	exchange *exchange
	staff    *staff
	callback string // URL for notifications

	done, retried, asked, doubts atomic.Int64
	shown                        atomic.Int64 // orders and coins with two live payments shown
}

func orderID(order int) string { return fmt.Sprintf("order-%06d", order) }

// open serves all customers.
func (m *market) open(ctx context.Context) error {
	all := plans(m.topUps)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(m.customers)
	for i := range m.orders {
		if err := m.courier.room(ctx); err != nil {
			break
		}
		group.Go(func() error {
			v := &visit{
				ctx: ctx, market: m, orderID: orderID(i), allWay: i%longWay == 0,
				seen: map[string]map[jovepay.ID]bool{}, over: map[jovepay.ID]bool{},
			}
			if err := v.order(); err != nil {
				return fmt.Errorf("%s: %w", v.orderID, err)
			}
			if p := planOf(all, m.seed, i); p != nil {
				if err := p.act(v); err != nil && !errors.Is(err, errStale) {
					return fmt.Errorf("%s, who %s: %w", v.orderID, p.name, err)
				}
			}
			m.done.Add(1)
			return nil
		})
	}
	return group.Wait()
}

// plantLate has the first creates of late orders applied late: of customers who pay
// exactly, spread over all orders.
func (m *market) plantLate() error {
	all, candidates := plans(m.topUps), []string{}
	for i := range m.orders {
		if p := planOf(all, m.seed, i); p != nil && p.name == all[0].name {
			candidates = append(candidates, orderID(i))
		}
	}
	if len(candidates) < m.late {
		return fmt.Errorf("late: want at most %d for %d orders, got %d", len(candidates), m.orders, m.late)
	}
	for i := range m.late {
		m.exchange.plant(candidates[i*len(candidates)/m.late])
	}
	return nil
}

// order places the visit's order.
func (v *visit) order() error {
	return v.market.insist(v.ctx, http.MethodPut, "/orders/"+v.orderID, map[string]string{"price_amount": price, "price_currency": "usd"})
}

func (m *market) cancelOrder(ctx context.Context, id string) error {
	return m.insist(ctx, http.MethodPost, "/orders/"+id+"/cancel", map[string]string{"by": "customer", "why": "changed my mind"})
}

// shown is a payment as the shop shows it.
type shown struct {
	ID      jovepay.ID     `json:"payment_id"`
	Coin    string         `json:"coin"`
	Address string         `json:"address"`
	Asked   jovepay.Amount `json:"asked"`
}

var (
	errClosed = errors.New("closed")
	errStale  = errors.New("the shop still shows a payment that has ended")
)

// staleTime is how long a customer asks for a new payment after one has ended. Then
// the order stays as it is, and is found to be wrong.
const staleTime = time.Minute

// ask asks for the payment in a coin, as several clients at the same time, until all
// are shown one that has not ended. All must be shown the same.
func (v *visit) ask(coin string) (*shown, error) {
	group, ctx := errgroup.WithContext(v.ctx)
	answers := make([]*shown, v.market.clients)
	for i := range answers {
		group.Go(func() (err error) {
			answers[i], err = v.insistOnPayment(ctx, coin, i == 0)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if v.seen[coin] == nil {
		v.seen[coin] = map[jovepay.ID]bool{}
	}
	before := len(v.seen[coin])
	for _, p := range answers {
		v.seen[coin][p.ID] = true
	}
	if len(v.seen[coin]) > 1 && before < 2 {
		v.market.shown.Add(1)
	}
	return answers[0], v.verify(coin, answers[0])
}

// verify compares what was shown with JovePay's payment.
func (v *visit) verify(coin string, p *shown) error {
	made, err := v.market.server.Payment(p.ID)
	switch {
	case err != nil:
		return fmt.Errorf("payment %s was shown: %w", p.ID, err)
	case made.OrderID != v.orderID || made.PayCurrency != coin || made.PayAddress != p.Address || !made.PayAmount.Equal(p.Asked):
		return fmt.Errorf("the shop shows payment %s with %s %s to %s, JovePay %s %s to %s for order %s",
			p.ID, p.Asked, p.Coin, p.Address, made.PayAmount, made.PayCurrency, made.PayAddress, made.OrderID)
	}
	return nil
}

// insistOnPayment is one client. An impatient one asks again before it should.
func (v *visit) insistOnPayment(ctx context.Context, coin string, impatient bool) (*shown, error) {
	begun := time.Now()
	for {
		v.market.asked.Add(1)
		status, body, err := v.market.send(ctx, http.MethodPost, "/orders/"+v.orderID+"/payments/"+coin, nil)
		wait := 50 * time.Millisecond
		switch {
		case err != nil:
		case status == http.StatusOK:
			p := new(shown)
			if err := json.Unmarshal(body, p); err != nil {
				return nil, err
			}
			if !v.over[p.ID] {
				return p, nil
			}
			if time.Since(begun) > staleTime {
				return nil, errStale
			}
			wait = 200 * time.Millisecond // the shop does not know yet that it has ended
		default:
			p := readProblem(body)
			switch p.Error {
			case "closed":
				return nil, errClosed
			case "in_doubt":
				v.market.doubts.Add(1)
				if wait = time.Until(p.RetryAt); wait <= 0 || impatient {
					wait = 500 * time.Millisecond
				}
			case "not_found", "coins_seen", "too_many_payments", "invalid":
				return nil, fmt.Errorf("no payment in %s: %s", coin, p.Error)
			}
		}
		v.market.retried.Add(1)
		if pause(ctx, wait) != nil {
			return nil, errors.Join(ctx.Err(), err)
		}
	}
}

// problem is an unsuccessful response of the shop.
type problem struct {
	Error   string    `json:"error"`
	RetryAt time.Time `json:"retry_at"`
}

func readProblem(body []byte) (p problem) {
	_ = json.Unmarshal(body, &p) // or a page of somebody else
	return p
}

// insist sends a request to any process until it succeeds, or can't.
func (m *market) insist(ctx context.Context, method, path string, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	for {
		status, response, err := m.send(ctx, method, path, text)
		switch {
		case err == nil && status == http.StatusOK:
			return nil
		case err == nil && status < http.StatusInternalServerError:
			return fmt.Errorf("%s %s: %s", method, path, response)
		}
		m.retried.Add(1)
		if pause(ctx, 50*time.Millisecond) != nil {
			return errors.Join(ctx.Err(), err)
		}
	}
}

// send sends a request to any process.
func (m *market) send(ctx context.Context, method, path string, body []byte) (status int, text []byte, err error) {
	r, err := http.NewRequestWithContext(ctx, method, anyOf(ctx, m.replicas)+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	response, err := m.client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	text, err = io.ReadAll(response.Body)
	return response.StatusCode, text, err
}
