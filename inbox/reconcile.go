package inbox

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/jovepay/jovepay-go"
)

// Report tells what [Inbox.Reconcile] found.
type Report struct {
	Seen     int // payments, the sum of the others
	Applied  int // now: their notification never came, or was not applied
	Already  int // applied in this state before
	Outdated int // applied in a newer state before
	Failed   int // neither, with an error
}

// maxErrors is how many failures Reconcile returns one by one.
const maxErrors = 10

// Reconcile is the cure for notifications that never came: it applies the
// payments of a list as if each had been notified in the state that it is in
// now. The events are those that the notifications would have been, with the
// same keys, so it does not matter which of the two comes first. A payment that
// was applied in that state costs one lookup.
//
//	lately := jovepay.PaymentListOptions{DateFrom: time.Now().AddDate(0, 0, -14)}
//	report, err := box.Reconcile(ctx, client.Payments.All(ctx, lately), fn)
//
// The list is by when a payment was created: reach back as far as one can
// still change, not only to the last run.
//
// It can run on every replica at once, beside deliveries, and again and again.
// When one payment fails it goes on with the next; when the list or ctx ends
// early it stops. The report is right in any case. The error joins the first ten
// failures and tells how many there were more.
//
// States that came and went between two runs are not seen. A list that reaches
// back to payments that were pruned applies them again; see [Inbox.Prune].
func (b *Inbox[Tx]) Reconcile(ctx context.Context, payments iter.Seq2[*jovepay.Payment, error], fn Func[Tx]) (Report, error) {
	var report Report
	var failures []error
	for payment, err := range payments {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("inbox: payment list: %w", err))
			break
		}
		report.Seen++
		outcome, err := b.reconcile(ctx, payment.Event(), fn)
		switch {
		case err != nil:
			report.Failed++
			if report.Failed <= maxErrors {
				failures = append(failures, err)
			}
		case outcome == Applied:
			report.Applied++
		case outcome == Duplicate:
			report.Already++
		default:
			report.Outdated++
		}
	}
	if more := report.Failed - maxErrors; more > 0 {
		failures = append(failures, fmt.Errorf("inbox: %d more payments failed", more))
	}
	return report, errors.Join(failures...)
}

// reconcile applies an event, after a look whether that is needed: a look costs
// less than a transaction.
func (b *Inbox[Tx]) reconcile(ctx context.Context, event jovepay.Event, fn Func[Tx]) (Outcome, error) {
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
