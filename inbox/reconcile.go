package inbox

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/jovepay/jovepay-go"
)

// Report says what [Inbox.Reconcile] found.
type Report struct {
	Seen     int // payments: the sum of the counts below
	Applied  int // just now: their notification was lost, or not applied
	Already  int // already applied in this state
	Outdated int // already applied in a newer state
	Failed   int // with an error
}

// maxErrors is the number of failures that Reconcile returns one by one.
const maxErrors = 10

// Reconcile makes up for lost notifications: it applies the payments of a list
// as if a notification of each one's present state had arrived. The events have
// the same keys as the notifications would have, so it does not matter which of
// the two arrives first. A payment that was already applied in its present state
// costs one lookup. One that the list reports more of is applied again, as newer.
//
//	lately := jovepay.PaymentListOptions{DateFrom: time.Now().AddDate(0, 0, -14)}
//	report, err := box.Reconcile(ctx, client.Payments.All(ctx, lately), fn)
//
// The list selects payments by the time they were created: go back as far as a
// payment can still change, not only to the last run.
//
// Reconcile can run at any time, on all replicas at once, and during deliveries.
// A payment that fails, or for which the list yields an error, counts as Failed,
// and Reconcile continues with the next one. It stops if the list ends with an
// error, or if ctx ends. The report is correct in every case. The error joins the
// first ten failures, the number of further ones, and the error that the list
// ended with.
//
// Reconcile does not see states between two runs. It applies pruned payments
// again if the list reaches back to them; see [Inbox.Prune].
func (b *Inbox[Tx]) Reconcile(ctx context.Context, payments iter.Seq2[*jovepay.Payment, error], fn Func[Tx]) (Report, error) {
	var r reconciliation
	var broken error // the last error, if nothing followed it in the list
	for payment, err := range payments {
		if broken != nil { // the list continues, so it was about one payment
			r.count("", broken)
			broken = nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			r.count(b.reconcile(ctx, payment, fn))
			continue
		}
		broken = fmt.Errorf("inbox: payment list: %w", err)
		if ctx.Err() != nil {
			break
		}
	}
	return r.result(broken)
}

// reconciliation is what one run of Reconcile has found so far.
type reconciliation struct {
	report   Report
	failures []error // at most maxErrors
}

func (r *reconciliation) count(outcome Outcome, err error) {
	r.report.Seen++
	switch {
	case err != nil:
		r.report.Failed++
		if r.report.Failed <= maxErrors {
			r.failures = append(r.failures, err)
		}
	case outcome == Applied:
		r.report.Applied++
	case outcome == Duplicate:
		r.report.Already++
	default:
		r.report.Outdated++
	}
}

func (r *reconciliation) result(broken error) (Report, error) {
	failures := r.failures
	if more := r.report.Failed - maxErrors; more > 0 {
		failures = append(failures, fmt.Errorf("inbox: %d more payments failed", more))
	}
	return r.report, errors.Join(append(failures, broken)...)
}

// reconcile applies a payment unless a lookup shows that it is not needed: a
// lookup costs less than a transaction.
func (b *Inbox[Tx]) reconcile(ctx context.Context, payment *jovepay.Payment, fn Func[Tx]) (Outcome, error) {
	if payment == nil {
		return "", fmt.Errorf("inbox: %w: the list has no payment here", ErrUnprocessable)
	}
	event := payment.Event()
	entry, err := NewEntry(event)
	if err != nil {
		return "", fmt.Errorf("inbox: %w", err)
	}
	outcome, err := b.store.Lookup(ctx, entry)
	if err != nil {
		return "", fmt.Errorf("inbox: %s: %w", entry.Subject, err)
	}
	if outcome != Pending {
		return outcome, nil
	}
	return b.apply(ctx, entry, event, fn)
}
