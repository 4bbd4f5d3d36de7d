package jovepay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// CreateOnce makes the payment for an order, and still only one where answers
// are lost on the way. It needs an OrderID, and credentials for the payment
// list ([WithCredentials]); without them it fails before anything is sent.
//
// If the outcome of a create is unknown, CreateOnce watches the payment list
// for a payment of the same order, price and coin that is not over, for the
// settle window ([WithSettleWindow]). If one is there it is returned. If none has come by
// the end of the window, the payment is taken as not created and is created
// again, as often as [RetryPolicy] has attempts. If the list cannot be read to
// the end of the window, or time runs out, the error is [ErrOutcomeUnknown],
// and nothing more is sent.
//
// What no client can promise: a server that applies a request only after the
// settle window makes a second payment, and so does a clock of this machine
// that is more than a day ahead of the server's. And CreateOnce is about one call, not
// about one order: after a crash, or when the customer comes back to the
// order, look for its payment with [PaymentsService.FindOrder] first.
func (s *PaymentsService) CreateOnce(ctx context.Context, req PaymentRequest) (*Payment, error) {
	if err := req.validate(); err != nil {
		return nil, err
	}
	if req.OrderID == "" {
		return nil, &ValidationError{"order_id", "is required by CreateOnce"}
	}
	if s.api.session == nil {
		return nil, &ValidationError{"credentials", "needed by CreateOnce for the payment list; see WithCredentials"}
	}
	start := time.Now()
	var doubt error // of an earlier attempt, though nothing was found of it
	for attempt := 1; ; attempt++ {
		created, err := s.Create(ctx, req)
		switch {
		case err == nil:
			return created, nil
		case !errors.Is(err, ErrOutcomeUnknown) && doubt == nil:
			return nil, err
		case !errors.Is(err, ErrOutcomeUnknown):
			return nil, fmt.Errorf("%w; before that: %w", err, doubt)
		}
		doubt = err
		found, err := s.settle(ctx, req, start)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%w; looking for order %q: %w", doubt, req.OrderID, err)
		case found != nil:
			return found, nil
		case attempt >= s.api.retry.MaxAttempts:
			return nil, fmt.Errorf("%w; order %q had no payment after attempt %d", doubt, req.OrderID, attempt)
		}
	}
}

const (
	// clockTolerance is how far this machine's clock may be ahead of JovePay's
	// for a payment just made to be found.
	clockTolerance = 24 * time.Hour

	// meanwhile is how far back from its start a call takes a payment of the
	// same order as made during the call.
	meanwhile = time.Minute
)

// settle looks for the payment that req asked for until it is found or the
// settle window is over.
func (s *PaymentsService) settle(ctx context.Context, req PaymentRequest, start time.Time) (*Payment, error) {
	window := s.api.settleWindow
	end := time.Now().Add(window)
	for attempt := 1; ; attempt++ {
		last := !time.Now().Before(end)
		payments, err := s.FindOrder(ctx, req.OrderID, start.Add(-clockTolerance))
		if err == nil {
			if found, err := pick(payments, req, start); found != nil || err != nil {
				return found, err
			}
		}
		if err != nil && (last || !temporary(err) || ctx.Err() != nil) {
			return nil, err
		}
		if last {
			return nil, nil
		}
		// Looks are spread over the window, the last one at its end.
		wait := min(time.Until(end), window>>max(1, 5-attempt))
		if err := pause(ctx, max(wait, 0)); err != nil {
			return nil, err
		}
	}
}

// pick returns the payment that req made, if it is among the payments of the
// order. Repeated deposits are not it, nor earlier payments that are over: the
// customer must not be sent to an address that has expired. One that was made
// during the call and is over, or is not what req asked for, leaves doubt,
// which is an error.
func pick(payments []*Payment, req PaymentRequest, start time.Time) (*Payment, error) {
	for _, p := range slices.Backward(payments) {
		asked := p.PriceAmount.Equal(req.PriceAmount) &&
			strings.EqualFold(p.PriceCurrency, req.PriceCurrency) &&
			strings.EqualFold(p.PayCurrency, req.PayCurrency)
		switch {
		case p.ParentPaymentID != "":
		case asked && !p.Status.Final():
			return p, nil
		case p.CreatedAt.IsZero() || p.CreatedAt.After(start.Add(-meanwhile)):
			return nil, fmt.Errorf("payment %s, %s, was made for it meanwhile: %s %s in %s", p.ID, p.Status, p.PriceAmount, p.PriceCurrency, p.PayCurrency)
		}
	}
	return nil, nil
}

// FindOrder returns all payments of an order that were created at or after
// since, oldest first, in one pass over the payment list; repeated deposits
// are among them. It needs credentials. The list has no filter for the order,
// so the cost grows with all payments since then: 500 of them are one request.
func (s *PaymentsService) FindOrder(ctx context.Context, orderID string, since time.Time) ([]*Payment, error) {
	if orderID == "" {
		return nil, &ValidationError{"order_id", "is required"}
	}
	var found []*Payment
	for p, err := range s.All(ctx, PaymentListOptions{DateFrom: since, SortBy: SortByCreatedAt, OrderBy: Ascending}) {
		if err != nil {
			return nil, err
		}
		if p.OrderID == orderID {
			found = append(found, p)
		}
	}
	return found, nil
}
