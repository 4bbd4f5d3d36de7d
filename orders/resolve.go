package orders

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/jovepay/jovepay-go"
)

// Cancel closes an order that is not paid: it gets no more payments, and coins that
// come for it are a case. Canceling it again changes nothing. The error of an order
// that is paid or fulfilled is [ErrClosed].
func (b *Book[Tx]) Cancel(ctx context.Context, orderID string, r Reason) error {
	if err := b.enter(ctx); err != nil {
		return err
	}
	if err := r.validate(); err != nil {
		return err
	}
	if !isOrderID(orderID) {
		return notFound(orderID)
	}
	return b.change(ctx, Scope{OrderID: orderID}, func(d *draft, _ *Record) error {
		if !d.isPlaced() {
			return notFound(orderID)
		}
		if !d.doc.Canceled.IsZero() {
			return nil
		}
		if pic := b.derive(d.known()); pic.paid || !d.doc.Fulfilled.IsZero() {
			return closed(orderID, pic.state)
		}
		d.doc.Canceled = d.now
		d.note(Event{Kind: EventCanceled, By: r.By, Why: r.Why})
		return nil
	})
}

// Resolve records a person's decision about a case, does what follows from it, and
// returns the order. The error is [ErrCaseChanged] if the case is not the version
// that the person saw, [ErrResolved] if it is closed, and [ErrNotFound] if there is
// none. If a hook fails, the decision is recorded, and Resolve returns the order
// with a [*HookError].
func (b *Book[Tx]) Resolve(ctx context.Context, caseID string, r Resolution) (*Order, error) {
	if err := b.enter(ctx); err != nil {
		return nil, err
	}
	if err := r.validate(); err != nil {
		return nil, err
	}
	var parts []Part
	if isPartID(caseID) {
		var err error
		if parts, err = b.store.Parts(ctx, PartQuery{Kind: PartCase, ID: caseID, Limit: 1}); err != nil {
			return nil, wrap(err)
		}
	}
	if len(parts) == 0 {
		return nil, fmt.Errorf("%w: case %.100q", ErrNotFound, caseID)
	}
	orderID := parts[0].OrderID
	failed := b.change(ctx, Scope{OrderID: orderID}, func(d *draft, _ *Record) error {
		return d.decide(caseID, r)
	})
	record, err := b.store.Load(ctx, orderID)
	if err != nil {
		return nil, wrap(err)
	}
	d, err := newDraft(orderID, record)
	if err != nil {
		return nil, err
	}
	pic := b.derive(d.known())
	order := d.order(&pic)
	if failed != nil && !isHookError(failed) {
		return nil, failed
	}
	return order, failed
}

func (r Resolution) validate() error {
	switch r.Decision {
	case DecisionAccept, DecisionReject, DecisionRefunded:
	default:
		return &jovepay.ValidationError{Field: "Decision", Reason: fmt.Sprintf("want accept, reject or refunded, got %.40q", r.Decision)}
	}
	if !r.Amount.IsNull() && (r.Decision != DecisionRefunded || r.Amount.Sign() <= 0 || r.Amount.Decimal().Exponent() < -smallest) {
		return &jovepay.ValidationError{Field: "Amount", Reason: "want an amount above zero, and only of a refund"}
	}
	return r.Reason.validate()
}

// decide records a decision.
func (d *draft) decide(caseID string, r Resolution) error {
	c := d.cases[caseID]
	switch {
	case c == nil:
		return fmt.Errorf("%w: case %.100q", ErrNotFound, caseID)
	case !c.Closed.IsZero():
		return fmt.Errorf("%w: %s", ErrResolved, caseID)
	case c.Version != r.Version:
		return fmt.Errorf("%w: %s is at version %d, not %d", ErrCaseChanged, caseID, c.Version, r.Version)
	case r.Decision == DecisionAccept && c.Accept == "":
		return &jovepay.ValidationError{Field: "Decision", Reason: "this case cannot be accepted: " + c.Reason}
	case r.Decision != DecisionAccept && (c.Kind == CaseRefund || c.Kind == CaseHook):
		return &jovepay.ValidationError{Field: "Decision", Reason: fmt.Sprintf("a case of kind %s can only be accepted", c.Kind)}
	}
	if err := c.checkRefund(r); err != nil {
		return err
	}
	c.Decisions = append(c.Decisions, Decided{
		At: d.now, Kind: c.Kind, Decision: r.Decision, Amount: r.Amount, Reason: r.Reason, Version: r.Version,
		Pays: r.Decision == DecisionAccept && c.Accept == acceptPays, Deposits: c.Deposits,
	})
	if c.Kind == CaseHook {
		d.doc.Failures = 0
	}
	d.note(Event{Kind: EventDecided, CaseID: caseID, Decision: r.Decision, Amount: r.Amount, By: r.By, Why: r.Why})
	return nil
}

// checkRefund rejects a refund of more than came, or of an amount in several coins.
func (c *caseDoc) checkRefund(r Resolution) error {
	if r.Amount.IsNull() || len(c.Deposits) == 0 {
		return nil
	}
	coin := c.Deposits[0].Coin
	for _, p := range c.Deposits {
		if p.Coin != coin {
			return &jovepay.ValidationError{Field: "Amount", Reason: "the case has several coins: refund all or none"}
		}
	}
	if came := sum(c.Deposits, coin); r.Amount.Decimal().GreaterThan(came) {
		return &jovepay.ValidationError{Field: "Amount", Reason: fmt.Sprintf("want at most %s %s, got %s", came, coin, r.Amount)}
	}
	return nil
}

// CaseOptions selects cases. The zero value selects the open ones.
type CaseOptions struct {
	Closed bool      // closed ones too
	Before time.Time // only those opened before; zero for any
}

// Cases returns the cases that wait for a person, the oldest first. It holds no
// connection while the loop body runs, which may call the book. It ends with the
// first error.
func (b *Book[Tx]) Cases(ctx context.Context, opts CaseOptions) iter.Seq2[*Case, error] {
	return func(yield func(*Case, error) bool) {
		query := PartQuery{Kind: PartCase, Open: !opts.Closed, Before: opts.Before, Limit: partPage}
		for {
			parts, err := b.partsOf(ctx, query)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, part := range parts {
				var doc caseDoc
				err := decode(part.Doc, &doc)
				if !yield(doc.public(part.OrderID, part.ID), wrap(err)) || err != nil {
					return
				}
			}
			if len(parts) < partPage {
				return
			}
			query.After = &parts[len(parts)-1]
		}
	}
}

func (b *Book[Tx]) partsOf(ctx context.Context, query PartQuery) ([]Part, error) {
	if err := b.enter(ctx); err != nil {
		return nil, err
	}
	parts, err := b.store.Parts(ctx, query)
	return parts, wrap(err)
}

// ListOptions selects orders. The zero value selects all.
type ListOptions struct {
	States   []State   // one of these; empty for any
	From, To time.Time // placed at or after From, and before To; zero for no bound
}

// orderPage is how many orders are read together.
const orderPage = 100

// All returns orders, the oldest first, without their history. It holds no
// connection while the loop body runs, which may call the book. It ends with the
// first error.
func (b *Book[Tx]) All(ctx context.Context, opts ListOptions) iter.Seq2[*Order, error] {
	return func(yield func(*Order, error) bool) {
		query := OrderQuery{From: opts.From, To: opts.To, Limit: orderPage}
		for _, s := range opts.States {
			query.States = append(query.States, string(s))
		}
		for {
			rows, err := b.rows(ctx, query)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, row := range rows {
				order, err := b.load(ctx, row.ID)
				if isNotFound(err) {
					continue // coins for an order that is not in the book
				}
				if !yield(order, err) || err != nil {
					return
				}
			}
			if len(rows) < orderPage {
				return
			}
			query.AfterCreated, query.AfterID = rows[len(rows)-1].Created, rows[len(rows)-1].ID
		}
	}
}

func (b *Book[Tx]) rows(ctx context.Context, query OrderQuery) ([]OrderRow, error) {
	if err := b.enter(ctx); err != nil {
		return nil, err
	}
	rows, err := b.store.Orders(ctx, query)
	return rows, wrap(err)
}
