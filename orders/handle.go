package orders

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
)

// Handle records an event and does what follows from it. It is the function for
// [jovepay.IPNVerifier.Handler] and for a relay. After an error, have the event
// delivered again: what could be recorded is recorded, and what was done is not
// done again.
//
// An event that cannot be identified is [inbox.ErrUnprocessable]. One of a payment
// whose order is not in the book is acknowledged, and opens a case if coins came;
// see [WithOwned].
func (b *Book[Tx]) Handle(ctx context.Context, event jovepay.Event) error {
	if err := b.enter(ctx); err != nil {
		return err
	}
	entry, err := inbox.NewEntry(event)
	if err != nil {
		return fmt.Errorf("orders: %w", err)
	}
	payment, ok := event.(*jovepay.PaymentEvent)
	if !ok {
		return b.other(ctx, event, entry)
	}
	_, err = b.learn(ctx, newFact(payment, entry), entry)
	return err
}

// other calls Other for an event that is not about a payment, once.
func (b *Book[Tx]) other(ctx context.Context, event jovepay.Event, entry inbox.Entry) error {
	return wrap(b.store.Update(ctx, Scope{Entry: entry}, func(ctx context.Context, tx Tx, r *Record) (*Change, error) {
		if b.hooks.Other == nil || r.Outcome != inbox.Applied {
			return nil, nil
		}
		ctx = context.WithValue(ctx, insideKey{b}, true)
		return nil, b.call("Other", "", func() error { return b.hooks.Other(ctx, tx, event) })
	}))
}

// elsewhereError says that a payment belongs to another order than its news name.
type elsewhereError struct{ orderID string }

func (e *elsewhereError) Error() string { return "orders: the payment is part of another order" }

// learn records a fact of a payment, and does what follows from it. It reports
// whether the payment is the book's.
func (b *Book[Tx]) learn(ctx context.Context, f fact, entry inbox.Entry) (recorded bool, err error) {
	ids := []jovepay.ID{f.Payment.ID}
	if parent := f.Payment.ParentPaymentID; isPartID(string(parent)) {
		ids = append(ids, parent)
	}
	orderID, err := b.orderOf(ctx, &f.Payment, ids)
	if err != nil {
		return false, err
	}
	scope := Scope{OrderID: orderID, Entry: entry, Payments: ids}
	for range maxMoves {
		recorded = false
		err = b.change(ctx, scope, func(d *draft, r *Record) error {
			if id, ok := r.Located[f.Payment.ID]; ok && id != scope.OrderID {
				return &elsewhereError{id}
			}
			if !d.isPlaced() && len(d.payments) == 0 && !b.concerns(scope.OrderID, f) {
				return errUnchanged
			}
			if !d.exists {
				return &elsewhereError{scope.OrderID}
			}
			d.learn(f, false)
			recorded = true
			return nil
		})
		elsewhere, ok := errors.AsType[*elsewhereError](err)
		if !ok {
			return recorded, err
		}
		scope.OrderID, scope.Create = elsewhere.orderID, true
	}
	return false, err
}

// isPartID reports whether a part can have the id. A store need not be able to look
// for others.
func isPartID(id string) bool {
	const longest = 160
	return id != "" && len(id) <= longest && !strings.ContainsFunc(id, func(c rune) bool { return c <= ' ' || c > '~' })
}

// maxMoves is how often the order of a payment can turn out to be another one:
// that of the payment, and then that order's row.
const maxMoves = 4

// orderOf returns the order that news of a payment name. If they name none, it is
// that of the payment or its parent, if it is known.
func (b *Book[Tx]) orderOf(ctx context.Context, p *jovepay.Payment, ids []jovepay.ID) (string, error) {
	if isOrderID(p.OrderID) {
		return p.OrderID, nil
	}
	located, err := b.store.Locate(ctx, ids...)
	if err != nil {
		return "", wrap(err)
	}
	for _, id := range ids {
		if orderID, ok := located[id]; ok {
			return orderID, nil
		}
	}
	return noOrder + string(p.ID), nil
}

// concerns reports whether a fact about an order that is not in the book is
// recorded: coins came, and they may be the shop's.
func (b *Book[Tx]) concerns(orderID string, f fact) bool {
	v := facts{f}.view()
	return v.hasCoins() && b.owned(publicOrderID(orderID))
}

// Report says what [Book.Reconcile] found.
type Report struct {
	Seen    int // payments: the sum of the counts below
	Changed int // with news of an order
	Known   int // without
	Failed  int // with an error
}

// maxErrors is the number of failures that are returned one by one.
const maxErrors = 10

// reconcilePage is how many payments are looked up together.
const reconcilePage = 500

// Reconcile makes up for lost notifications: it records the payments that JovePay
// lists since then, by the time of their creation, as if each had been notified in
// its present state. After a complete reconciliation, without an error, the sums of
// the ledger equal JovePay's.
//
// It can run at any time, on any number of replicas. A payment that fails counts as
// Failed, and Reconcile continues; the error joins the first ten failures. It costs
// one request for 500 payments.
func (b *Book[Tx]) Reconcile(ctx context.Context, since time.Time) (Report, error) {
	var report Report
	if err := b.enter(ctx); err != nil {
		return report, err
	}
	var failures []error
	var page []*jovepay.Payment
	for p, err := range b.client.Payments.All(ctx, jovepay.PaymentListOptions{
		DateFrom: since, SortBy: jovepay.SortByCreatedAt, OrderBy: jovepay.Ascending,
	}) {
		if err != nil {
			report.Seen, report.Failed = report.Seen+1, report.Failed+1
			failures = append(failures, fmt.Errorf("orders: payment list: %w", err))
			continue
		}
		if page = append(page, p); len(page) == reconcilePage {
			failures = append(failures, b.reconcilePage(ctx, page, &report)...)
			page = page[:0]
		}
		if ctx.Err() != nil {
			break
		}
	}
	failures = append(failures, b.reconcilePage(ctx, page, &report)...)
	return report, errors.Join(append(firstErrors(failures), ctx.Err())...)
}

// firstErrors returns the first failures, and how many more there are.
func firstErrors(failures []error) []error {
	if more := len(failures) - maxErrors; more > 0 {
		return append(failures[:maxErrors], fmt.Errorf("orders: %d more failures", more))
	}
	return failures
}

// reconcilePage records the payments of a page.
func (b *Book[Tx]) reconcilePage(ctx context.Context, page []*jovepay.Payment, report *Report) (failures []error) {
	ids := make([]jovepay.ID, len(page))
	for i, p := range page {
		ids[i] = p.ID
	}
	located, err := b.store.Locate(ctx, ids...)
	if err != nil {
		report.Seen, report.Failed = report.Seen+len(page), report.Failed+len(page)
		return []error{wrap(err)}
	}
	for _, p := range page {
		report.Seen++
		changed, err := b.reconcile(ctx, p, located)
		switch {
		case err != nil:
			report.Failed++
			failures = append(failures, fmt.Errorf("orders: payment %.64q: %w", p.ID, err))
		case changed:
			report.Changed++
		default:
			report.Known++
		}
	}
	return failures
}

// reconcile records a payment of the list, unless a lookup shows that it is known
// in this state: a lookup costs less than a transaction.
func (b *Book[Tx]) reconcile(ctx context.Context, p *jovepay.Payment, located map[jovepay.ID]string) (changed bool, err error) {
	event := p.Event()
	entry, err := inbox.NewEntry(event)
	if err != nil {
		return false, err
	}
	f := newFact(event, entry)
	_, isPart := refundedPart(&f.Payment) // which counts for nothing in an entry
	if _, known := located[p.ID]; known && !isPart {
		outcome, err := b.store.Lookup(ctx, entry)
		if err != nil || outcome == inbox.Duplicate {
			return false, wrap(err)
		}
	}
	return b.learn(ctx, f, entry)
}
