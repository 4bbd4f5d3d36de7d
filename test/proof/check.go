package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jovepay/jovepay-go"
)

// result is the outcome of a proof.
type result struct {
	orders     int
	deliveries int64
	kills      int64
	fulfilled  int // orders
	doubled    int // orders with more than one shipment
	lost       int // orders that were paid but not fulfilled, or are missing
	seconds    float64

	unpaid int // orders that were fulfilled without being paid
	wrong  int // orders in a wrong state
}

func (r result) String() string {
	return fmt.Sprintf("proof: orders=%d deliveries=%d kills=%d fulfilled=%d doubled=%d lost=%d seconds=%.1f",
		r.orders, r.deliveries, r.kills, r.fulfilled, r.doubled, r.lost, r.seconds)
}

// verdict returns an error unless every order is right.
func (r result) verdict() error {
	if r.doubled+r.lost+r.unpaid+r.wrong == 0 {
		return nil
	}
	return fmt.Errorf("%d orders doubled, %d lost, %d fulfilled without being paid, %d in a wrong state", r.doubled, r.lost, r.unpaid, r.wrong)
}

// outcome is the final state of an order.
type outcome struct {
	state     jovepay.Decision
	shipments int
	reviews   int
}

// judge compares the outcome of an order with the expected one.
func (r *result) judge(k kind, got outcome) {
	state, payable, reviews := jovepay.DecisionFulfill, true, 0
	switch k {
	case exact:
	case over:
		state = jovepay.DecisionOverpaid
	case under:
		state, payable = jovepay.DecisionUnderpaid, false
	case expired:
		state, payable = jovepay.DecisionClosed, false
	case refunded:
		// A shop that receives the refund first does not ship.
		state, payable = jovepay.DecisionClosed, got.shipments > 0
	case repeated:
		reviews = 1
	case otherCoin:
		state, payable, reviews = jovepay.DecisionWait, false, 1
	}
	if got.shipments > 0 {
		r.fulfilled++
	}
	switch {
	case got.shipments > 1:
		r.doubled++
	case payable && got.shipments == 0:
		r.lost++
	case !payable && got.shipments > 0:
		r.unpaid++
	}
	if got.state != state || got.reviews != reviews {
		r.wrong++
	}
}

// check reads the database and judges all orders.
func (d *database) check(ctx context.Context, s settings) (result, error) {
	r := result{orders: s.orders}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	outcomes, err := d.outcomes(ctx)
	if err != nil {
		return r, err
	}
	for i := range s.orders {
		got, ok := outcomes[orderID(i)]
		delete(outcomes, orderID(i))
		if !ok {
			r.lost++
			continue
		}
		r.judge(kindOf(s.seed, i), got)
	}
	r.wrong += len(outcomes) // orders that nobody placed
	return r, nil
}

// outcomes reads the outcomes of all orders, and of shipments and reviews without
// an order.
func (d *database) outcomes(ctx context.Context) (outcomes map[string]outcome, err error) {
	rows, err := d.db.QueryContext(ctx, `
		SELECT id, max(state), sum(shipments), sum(reviews) FROM (
			SELECT id, state, 0 AS shipments, 0 AS reviews FROM orders UNION ALL
			SELECT order_id, '', 1, 0 FROM fulfillments UNION ALL
			SELECT order_id, '', 0, 1 FROM reviews
		) AS facts GROUP BY id`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	outcomes = map[string]outcome{}
	for rows.Next() {
		var id string
		var o outcome
		if err := rows.Scan(&id, &o.state, &o.shipments, &o.reviews); err != nil {
			return nil, err
		}
		outcomes[id] = o
	}
	return outcomes, rows.Err()
}
