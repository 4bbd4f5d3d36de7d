package shop

import (
	"context"
	"errors"
	"fmt"

	"github.com/jovepay/jovepay-go/orders"
)

// ErrNotOdd is the error, for [errors.Is], of an order that needs no decision.
var ErrNotOdd = errors.New("shop: no payment needs a decision")

// Issue issues the ticket of an order after a person has reviewed its payments,
// and returns the code. It accepts all of the order's open cases. The error is
// [ErrNotFound] if there is no such order, and [ErrNotOdd] if it has no case that
// can be accepted or already has its ticket.
//
// Issue can be called while another process has the shop open.
func (s *Shop) Issue(ctx context.Context, id string, r orders.Reason) (code string, err error) {
	order, err := s.Find(ctx, id)
	if err != nil {
		return "", err
	}
	if order.Ticket != "" || len(order.OpenCases()) == 0 {
		return "", fmt.Errorf("%w: order %s is %s", ErrNotOdd, id, order.State)
	}
	for _, c := range order.OpenCases() {
		if c.Accept == "" {
			continue
		}
		_, err := s.Book.Resolve(ctx, c.ID, orders.Resolution{Decision: orders.DecisionAccept, Reason: r, Version: c.Version})
		if err != nil {
			return "", err
		}
	}
	order, err = s.Find(ctx, id)
	if err == nil && order.Ticket == "" {
		err = fmt.Errorf("%w: order %s is %s", ErrNotOdd, id, order.State)
	}
	if err != nil {
		return "", err
	}
	return order.Ticket, nil
}

// Cancel closes an order that is not paid. Coins that come later are a case.
func (s *Shop) Cancel(ctx context.Context, id string, r orders.Reason) error {
	err := s.Book.Cancel(ctx, id, r)
	if errors.Is(err, orders.ErrNotFound) {
		return ErrNotFound
	}
	return err
}
