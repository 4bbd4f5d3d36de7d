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
	Seen     int // payments, the sum of the others
	Applied  int // now: their notification never came, or was not applied
	Already  int // applied in this state before
	Outdated int // applied in a newer state before
	Failed   int // neither, with an error
}

// maxErrors is how many failures Reconcile returns one by one.
const maxErrors = 10

// Reconcile makes up for lost notifications: it applies the payments of a list
// as if each had been notified in the state that it is in now. The events are
// those that the notifications would have been, with the same keys, so it does
// not matter which of the two comes first. A payment that was applied in that
// state costs one lookup; one that the list reports more of is applied again,
// as newer.
//
//	lately := jovepay.PaymentListOptions{DateFrom: time.Now().AddDate(0, 0, -14)}
//	report, err := box.Reconcile(ctx, client.Payments.All(ctx, lately), fn)
//
// The list is by when a payment was created: reach back as far as one can
// still change, not only to the last run.
//
// It can run on every replica at once, beside deliveries, and again and again.
// A payment that fails, or that the list yields an error for, counts as Failed,
// and Reconcile continues with the next. When the list ends with an error, or
// ctx ends, it stops. The report is right in any case. The error joins the
// first ten failures, says how many more there were, and holds the error that
// the list ended with.
//
// States that came and went between two runs are not seen. A list that reaches
// back to payments that were pruned applies them again; see [Inbox.Prune].
func (b *Inbox[Tx]) Reconcile(ctx context.Context, payments iter.Seq2[*jovepay.Payment, error], fn Func[Tx]) (Report, error) {
	var r reconciliation
	var broken error // what the list yielded last, if it was an error
	for payment, err := range payments {
		if broken != nil { // the list continues: it was one payment's
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

// reconciliation is what one run of Reconcile found so far.
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

// reconcile applies a payment, after a look whether that is needed: a look
// costs less than a transaction.
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
