package orders

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jovepay/jovepay-go"
)

// endIntent lets edit end an intent, unless it is somebody else's by now.
func (b *Book[Tx]) endIntent(ctx context.Context, orderID, coin, token string, edit func(*draft, *intentDoc)) error {
	return b.record(ctx, orderID, func(d *draft) error {
		own := d.intents[coin]
		if own == nil || own.Token != token || own.State == intentOpen {
			return errUnchanged
		}
		edit(d, own)
		return nil
	})
}

// A lease lets one replica at a time do what one is enough for.
const (
	leaseDoubts    = "doubts"
	leaseReconcile = "reconcile"
	leaseTime      = 15 * time.Second
)

// partPage is how many parts are read together.
const partPage = 500

// doubtful is an intent in doubt.
type doubtful struct {
	orderID, coin string
	token         string
	settles       time.Time
	create        jovepay.UnknownCreate
}

// settleDoubts settles the creates in doubt with one pass of the payment list. One
// replica does it at a time; the others leave it to that.
func (b *Book[Tx]) settleDoubts(ctx context.Context) error {
	return b.alone(ctx, leaseDoubts, b.interval/2, func(ctx context.Context) error {
		now, doubts, unread := b.doubts(ctx)
		if len(doubts) == 0 {
			return unread
		}
		creates := make([]jovepay.UnknownCreate, len(doubts))
		for i, d := range doubts {
			creates[i] = d.create
		}
		found, err := b.client.Payments.FindCreated(ctx, creates)
		failures := []error{unread, wrap(err)}
		for i, f := range found {
			isProof := err == nil && !now.Before(doubts[i].settles)
			failures = append(failures, b.settleDoubt(ctx, doubts[i], f, isProof))
		}
		failures = slices.DeleteFunc(failures, func(err error) bool { return err == nil })
		return errors.Join(firstErrors(failures)...)
	})
}

// settleDoubt ends an intent in doubt with what the list says of it. isProof says
// that the list was complete, and read from after the settle window.
func (b *Book[Tx]) settleDoubt(ctx context.Context, d doubtful, f jovepay.FoundCreate, isProof bool) error {
	switch {
	case f.Payment != nil:
		fact, err := factOf(f.Payment.Event())
		if err != nil {
			return err
		}
		return b.endIntent(ctx, d.orderID, d.coin, d.token, func(draft *draft, own *intentDoc) {
			own.open(f.Payment.ID)
			draft.learn(fact, f.Payment.PayAddress != "")
		})
	case f.Doubt == nil && isProof:
		return b.endIntent(ctx, d.orderID, d.coin, d.token, func(_ *draft, own *intentDoc) { own.free() })
	case f.Doubt != nil:
		b.log.WarnContext(ctx, "jovepay: create is in doubt", "order", d.orderID, "coin", d.coin, "reason", f.Doubt)
	}
	return nil
}

// doubts returns the creates of payments in doubt, and a time before which all were
// looked up. A create whose sender has not reported back in time is put in doubt. An
// order that cannot be read does not keep others waiting: the error is returned with
// the creates of those.
func (b *Book[Tx]) doubts(ctx context.Context) (now time.Time, doubts []doubtful, err error) {
	query := PartQuery{Kind: PartIntent, Open: true, Limit: partPage}
	var failures []error
	for {
		parts, err := b.store.Parts(ctx, query)
		if err != nil {
			return now, doubts, errors.Join(append(firstErrors(failures), wrap(err))...)
		}
		for _, part := range parts {
			if part.ID == invoiceCoin {
				continue
			}
			d, at, err := b.doubt(ctx, part.OrderID, part.ID)
			if err != nil {
				failures = append(failures, err)
				continue
			}
			if now.IsZero() {
				now = at
			}
			if d != nil {
				doubts = append(doubts, *d)
			}
		}
		if len(parts) < partPage {
			return now, doubts, errors.Join(firstErrors(failures)...)
		}
		query.After = &parts[len(parts)-1]
	}
}

// doubt returns the create of an order in a coin if it is in doubt, and otherwise
// nil, and when that was so.
func (b *Book[Tx]) doubt(ctx context.Context, orderID, coin string) (doubt *doubtful, at time.Time, err error) {
	d, err := b.read(ctx, orderID)
	if err != nil {
		return nil, at, err
	}
	i := d.intents[coin]
	if i != nil && i.State == intentSending && i.isPast(d.now) {
		err = b.endIntent(ctx, orderID, coin, i.Token, func(locked *draft, own *intentDoc) {
			locked.lost(coin, own, b.crash)
		})
		d.lost(coin, i, b.crash)
	}
	if err != nil || i == nil || i.State != intentInDoubt {
		return nil, d.now, err
	}
	return &doubtful{orderID, coin, i.Token, i.Settles, d.unknown(coin, d.now.Sub(i.Began), nil)}, d.now, nil
}

// lost puts an intent in doubt whose sender has not reported back in time.
func (d *draft) lost(coin string, i *intentDoc, window time.Duration) {
	if i.State == intentSending {
		i.doubt(i.Deadline.Add(window))
		d.note(Event{Kind: EventDoubt, Coin: coin, Why: "the process that sent it has not reported back"})
	}
}

// alone calls work if nobody else is doing the same, on this replica or another, or
// has done it less than rest ago. It keeps the lease until work ends.
func (b *Book[Tx]) alone(ctx context.Context, lease string, rest time.Duration, work func(context.Context) error) error {
	holder := newToken()
	has, err := b.store.Acquire(ctx, lease, holder, leaseTime)
	if err != nil || !has {
		return wrap(err)
	}
	working, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for sleep(working, leaseTime/3) == nil {
			if has, err := b.store.Acquire(working, lease, holder, leaseTime); err != nil || !has {
				cancel() // somebody else may have it
			}
		}
	}()
	err = work(working)
	cancel()
	<-done
	if err != nil {
		rest = 0
	}
	ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), saveTime)
	defer cancel()
	_, released := b.store.Acquire(ctx, lease, holder, rest)
	return errors.Join(err, wrap(released))
}
