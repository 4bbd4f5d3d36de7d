package orders

import (
	"context"
	"errors"
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
	leaseTime      = time.Minute
)

// partPage is how many parts are read together.
const partPage = 500

// doubtful is an intent in doubt.
type doubtful struct {
	orderID, coin string
	intent        intentDoc
}

// settleDoubts settles the creates in doubt with one pass of the payment list. One
// replica does it at a time; the others leave it to that.
func (b *Book[Tx]) settleDoubts(ctx context.Context) error {
	doubts, err := b.doubts(ctx)
	if err != nil || len(doubts) == 0 {
		return err
	}
	return b.alone(ctx, leaseDoubts, func(ctx context.Context) error {
		now, err := b.now(ctx)
		if err != nil {
			return err
		}
		creates := make([]jovepay.UnknownCreate, len(doubts))
		for i, d := range doubts {
			creates[i] = jovepay.UnknownCreate{Request: *d.intent.Request, Began: time.Now().Add(-now.Sub(d.intent.Began))}
		}
		found, err := b.client.Payments.FindCreated(ctx, creates)
		failures := []error{wrap(err)}
		for i, f := range found {
			failures = append(failures, b.settleDoubt(ctx, doubts[i], f, err == nil && !now.Before(doubts[i].intent.Settles)))
		}
		return errors.Join(failures...)
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
		return b.endIntent(ctx, d.orderID, d.coin, d.intent.Token, func(draft *draft, own *intentDoc) {
			own.open(f.Payment.ID)
			draft.learn(fact, f.Payment.PayAddress != "")
		})
	case f.Doubt == nil && isProof:
		return b.endIntent(ctx, d.orderID, d.coin, d.intent.Token, func(_ *draft, own *intentDoc) { own.free() })
	}
	return nil
}

// doubts returns the creates of payments in doubt. Those whose sender has not
// reported back in time are put in doubt.
func (b *Book[Tx]) doubts(ctx context.Context) (doubts []doubtful, err error) {
	now, err := b.now(ctx)
	if err != nil {
		return nil, err
	}
	query := PartQuery{Kind: PartIntent, Open: true, Limit: partPage}
	for {
		parts, err := b.store.Parts(ctx, query)
		if err != nil {
			return nil, wrap(err)
		}
		for _, part := range parts {
			d := doubtful{orderID: part.OrderID, coin: part.ID}
			if err := decode(part.Doc, &d.intent); err != nil {
				return nil, err
			}
			if d.coin == invoiceCoin || d.intent.State == intentSending && !d.intent.isPast(now) {
				continue
			}
			if d.intent.State == intentSending {
				d.intent.doubt(d.intent.Deadline.Add(b.crash))
				err := b.endIntent(ctx, d.orderID, d.coin, d.intent.Token, func(draft *draft, own *intentDoc) {
					if own.State != intentSending {
						return
					}
					own.doubt(own.Deadline.Add(b.crash))
					draft.note(Event{Kind: EventDoubt, Coin: d.coin, Why: "the process that sent it has not reported back"})
				})
				if err != nil {
					return nil, err
				}
			}
			doubts = append(doubts, d)
		}
		if len(parts) < partPage {
			return doubts, nil
		}
		query.After = &parts[len(parts)-1]
	}
}

// now returns the time by the database's clock.
func (b *Book[Tx]) now(ctx context.Context) (time.Time, error) {
	r, err := b.store.Load(ctx, noOrder) // which is nobody's
	if err != nil {
		return time.Time{}, wrap(err)
	}
	return r.Now, nil
}

// alone calls work if no other replica is doing the same, and keeps the lease until
// it ends.
func (b *Book[Tx]) alone(ctx context.Context, lease string, work func(context.Context) error) error {
	has, err := b.store.Acquire(ctx, lease, b.holder, leaseTime)
	if err != nil || !has {
		return wrap(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for sleep(ctx, leaseTime/3) == nil {
			if has, err := b.store.Acquire(ctx, lease, b.holder, leaseTime); err != nil || !has {
				cancel() // somebody else may have it
			}
		}
	}()
	err = work(ctx)
	cancel()
	<-done
	return err
}
