package shop

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/jovepay/jovepay-go"
)

// News is a change of a payment with the shop's verdict, or [DecisionIssued].
type News struct {
	OrderID      string // as in the payment
	At           time.Time
	PaymentID    jovepay.ID // empty for DecisionIssued
	Status       jovepay.PaymentStatus
	Decision     jovepay.Decision
	Reason       string         // for the shop
	ActuallyPaid jovepay.Amount // in PayCurrency; null if not reported
	PayCurrency  string
	Difference   jovepay.Amount // missing or too much, in PayCurrency; null if neither
}

// record stores the news of a payment.
func record(ctx context.Context, q queryer, payment *jovepay.Payment, verdict jovepay.Verdict) error {
	_, err := q.ExecContext(ctx, `INSERT INTO news
		(order_id, at_ms, payment_id, status, decision, reason, actually_paid, pay_currency, difference)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		payment.OrderID, time.Now().UnixMilli(), payment.ID, payment.Status, verdict.Decision, verdict.Reason,
		payment.ActuallyPaid, payment.PayCurrency, verdict.Difference)
	return err
}

const selectNews = `SELECT order_id, at_ms, payment_id, status, decision, reason, actually_paid, pay_currency, difference FROM news `

func newsOf(ctx context.Context, q queryer, order string) ([]News, error) {
	return readNews(ctx, q, selectNews+`WHERE order_id = $1 ORDER BY number`, order)
}

func readNews(ctx context.Context, q queryer, query string, args ...any) (all []News, err error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var n News
		var at int64
		if err := rows.Scan(&n.OrderID, &at, &n.PaymentID, &n.Status, &n.Decision, &n.Reason, &n.ActuallyPaid, &n.PayCurrency, &n.Difference); err != nil {
			return nil, err
		}
		n.At = time.UnixMilli(at)
		all = append(all, n)
	}
	return all, rows.Err()
}

// Odd returns the last news of the payments that a person has to review: those
// that do not fit and those of too little. It omits payments that [Shop.Issue]
// settled.
func (s *Shop) Odd(ctx context.Context) ([]News, error) {
	last, err := readNews(ctx, s.db, selectNews+`WHERE number IN (SELECT max(number) FROM news GROUP BY payment_id)
		AND NOT EXISTS (SELECT 1 FROM news AS later WHERE later.order_id = news.order_id AND later.decision = $1 AND later.number >= news.number)
		ORDER BY number`, DecisionIssued)
	if err != nil {
		return nil, err
	}
	var odd []News
	for _, n := range last {
		var paidBy jovepay.ID
		err := s.db.QueryRowContext(ctx, `SELECT payment_id FROM tickets WHERE order_id = $1`, n.OrderID).Scan(&paidBy)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, err
		}
		if n.state(paidBy).odd() {
			odd = append(odd, n)
		}
	}
	return odd, nil
}

// latest returns the last news of each payment, in the order of their first news.
func latest(all []News) []News {
	var last []News
	place := map[jovepay.ID]int{}
	for _, n := range all {
		if at, ok := place[n.PaymentID]; ok {
			last[at] = n
			continue
		}
		place[n.PaymentID] = len(last)
		last = append(last, n)
	}
	return last
}
