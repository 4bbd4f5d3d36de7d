package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/shopspring/decimal"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
	"github.com/jovepay/jovepay-go/orders"
)

// result is the outcome of a proof.
type result struct {
	orders      int
	deliveries  int64
	kills       int64
	freezes     int64
	fulfilled   int // orders
	doubled     int // orders with more than one shipment
	lost        int // orders that were paid but not fulfilled, or are missing
	payments    int // orders and coins with more than one payment at a time
	shown       int // orders and coins for which two of them were shown
	unaccounted int // payments whose coins are not what the ledger says
	seconds     float64

	unpaid int      // orders that were fulfilled without being paid
	wrong  int      // orders in a wrong state, or with other cases
	late   int      // creates that were applied after the settle window
	found  int      // payments of these in the book, with their orders
	sample []string // what is wrong, of some orders
}

func (r result) String() string {
	return fmt.Sprintf("proof: orders=%d deliveries=%d kills=%d freezes=%d fulfilled=%d doubled=%d lost=%d payments=%d shown=%d unaccounted=%d seconds=%.1f",
		r.orders, r.deliveries, r.kills, r.freezes, r.fulfilled, r.doubled, r.lost, r.payments, r.shown, r.unaccounted, r.seconds)
}

// verdict returns an error unless everything is right.
func (r result) verdict() error {
	if r.doubled+r.lost+r.shown+r.unaccounted+r.unpaid+r.wrong == 0 && r.payments == r.late && r.found == r.late {
		return nil
	}
	return fmt.Errorf("%d orders doubled, %d lost, %d fulfilled without being paid, %d in a wrong state; "+
		"%d with several payments at a time, of which %d were planted and %d of these found; %d shown several; %d payments unaccounted for",
		r.doubled, r.lost, r.unpaid, r.wrong, r.payments, r.late, r.found, r.shown, r.unaccounted)
}

// note keeps what is wrong with some orders.
func (r *result) note(format string, args ...any) {
	if len(r.sample) < 20 {
		r.sample = append(r.sample, fmt.Sprintf(format, args...))
	}
}

// is reports whether two outcomes are the same.
func (o outcome) is(p outcome) bool {
	return o.state == p.state && o.shipments == p.shipments && slices.Equal(o.cases, p.cases)
}

// judge compares the outcome of an order with those that the plan allows.
func (r *result) judge(orderID string, p *plan, got outcome) {
	slices.Sort(got.cases)
	mustShip := !slices.ContainsFunc(p.want, func(o outcome) bool { return o.shipments == 0 })
	mayShip := slices.ContainsFunc(p.want, func(o outcome) bool { return o.shipments > 0 })
	if got.shipments > 0 {
		r.fulfilled++
	}
	switch {
	case got.shipments > 1:
		r.doubled++
	case mustShip && got.shipments == 0:
		r.lost++
	case !mayShip && got.shipments > 0:
		r.unpaid++
	}
	right := func(o outcome) bool { return o.is(outcome{got.state, min(got.shipments, 1), got.cases}) }
	if !slices.ContainsFunc(p.want, right) {
		r.wrong++
		r.note("%s, who %s: got %v, want %v", orderID, p.name, got, p.want)
	}
}

// check reads the database and judges all orders.
func (d *database) check(ctx context.Context, s *settings) (result, error) {
	r := result{orders: s.orders, late: s.late}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	outcomes, err := d.outcomes(ctx)
	if err != nil {
		return r, err
	}
	all := plans(s.topUps)
	for i := range s.orders {
		id := orderID(i)
		got, ok := outcomes[id]
		delete(outcomes, id)
		if !ok {
			r.lost++
			r.note("%s is missing", id)
			continue
		}
		r.judge(id, planOf(all, s.seed, i), *got)
	}
	for id := range outcomes {
		r.wrong++
		r.note("%q was never placed", id)
	}
	return r, nil
}

// outcomes reads the outcomes of all orders, and of shipments and cases without an
// order.
func (d *database) outcomes(ctx context.Context) (map[string]*outcome, error) {
	outcomes := map[string]*outcome{}
	of := func(id string) *outcome {
		if outcomes[id] == nil {
			outcomes[id] = new(outcome)
		}
		return outcomes[id]
	}
	return outcomes, errors.Join(
		each(ctx, d.db, `SELECT id, state FROM jovepay_orders`, func(scan scanFunc) error {
			var id, state string
			err := scan(&id, &state)
			of(id).state = orders.State(state)
			return err
		}),
		each(ctx, d.db, `SELECT order_id FROM fulfillments`, func(scan scanFunc) error {
			var id string
			err := scan(&id)
			of(id).shipments++
			return err
		}),
		each(ctx, d.db, `SELECT order_id, doc FROM jovepay_order_parts WHERE kind = 'case' AND open`, func(scan scanFunc) error {
			var id, doc string
			if err := scan(&id, &doc); err != nil {
				return err
			}
			var c struct {
				Kind orders.CaseKind `json:"kind"`
			}
			err := json.Unmarshal([]byte(doc), &c)
			of(id).cases = append(of(id).cases, c.Kind)
			return err
		}))
}

// scanFunc is the method Scan of a row.
type scanFunc func(dest ...any) error

// each calls read for each row of a query.
func each(ctx context.Context, db *sql.DB, text string, read func(scanFunc) error) (err error) {
	rows, err := db.QueryContext(ctx, text)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := read(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// audit compares the ledger with the coins that came to JovePay: of each payment in
// total, and what JovePay returned of it.
func (d *database) audit(ctx context.Context, r *result, payments []*jovepay.Payment) error {
	type account struct{ total, refunded decimal.Decimal }
	type key struct{ payment, coin string }
	ledger := map[key]account{}
	err := each(ctx, d.db, `SELECT payment_id, coin, bucket, amount FROM jovepay_ledger`, func(scan scanFunc) error {
		var k key
		var bucket, text string
		if err := scan(&k.payment, &k.coin, &bucket, &text); err != nil {
			return err
		}
		amount, err := decimal.NewFromString(text)
		a := ledger[k]
		a.total = a.total.Add(amount)
		if bucket == string(orders.BucketRefunded) {
			a.refunded = a.refunded.Add(amount)
		}
		ledger[k] = a
		return err
	})
	if err != nil {
		return err
	}
	for _, p := range payments {
		k := key{string(p.ID), p.PayCurrency}
		got, want := ledger[k], account{total: p.ActuallyPaid.Decimal(), refunded: refunded(p)}
		delete(ledger, k)
		back := got.refunded.Equal(want.refunded) || p.Status != jovepay.PaymentRefunded // else staff returned it
		if !got.total.Equal(want.total) || !back {
			r.unaccounted++
			r.note("payment %s of %s, %s: the ledger has %v, JovePay %v", p.ID, p.OrderID, p.Status, got, want)
		}
	}
	for k, a := range ledger {
		if !a.total.IsZero() {
			r.unaccounted++
			r.note("payment %s: the ledger has %s %s, which JovePay does not", k.payment, a.total, k.coin)
		}
	}
	return nil
}

// refunded returns what JovePay returned of a payment.
func refunded(p *jovepay.Payment) decimal.Decimal {
	if p.Status != jovepay.PaymentRefunded {
		return decimal.Decimal{}
	}
	var part jovepay.Amount
	if text, ok := p.Extra["refunded_amount"]; ok && part.UnmarshalJSON(text) == nil && part.Sign() > 0 {
		return part.Decimal()
	}
	return p.ActuallyPaid.Decimal()
}

// count counts the payments of which an order had several at a time, and looks for
// those that were planted.
func (d *database) count(ctx context.Context, r *result, server *jovepaytest.Server, strays map[jovepay.ID]string) error {
	duplicates, err := server.Duplicates()
	if err != nil {
		return err
	}
	r.payments = len(duplicates)
	planted := map[string]bool{}
	for _, orderID := range strays {
		planted[orderID] = true
	}
	for _, group := range duplicates {
		if !planted[group[0].OrderID] {
			r.note("order %s had %d payments at a time, from %s to %s", group[0].OrderID, len(group),
				group[0].CreatedAt.Format(time.StampMilli), group[len(group)-1].CreatedAt.Format(time.StampMilli))
		}
	}
	if len(strays) == 0 {
		return nil
	}
	return each(ctx, d.db, `SELECT order_id, id FROM jovepay_order_parts WHERE kind = 'payment'`, func(scan scanFunc) error {
		var orderID, id string
		err := scan(&orderID, &id)
		if strays[jovepay.ID(id)] == orderID && orderID != "" {
			r.found++
		}
		return err
	})
}

// pending returns the number of orders whose hooks have to be called.
func (d *database) pending(ctx context.Context) (n int, err error) {
	err = d.db.QueryRowContext(ctx, `SELECT count(*) FROM jovepay_orders WHERE due IS NOT NULL`).Scan(&n)
	return n, err
}
