package orders

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/jovepay/jovepay-go"
)

// newToken returns a token that nobody else has.
func newToken() string { return rand.Text() }

// flightTimes is how many send times the work of a call may take: to wait for
// another process, to send, and to save what was created.
const flightTimes = 3

// fly shares the work for one order and coin among the callers in this process. It
// continues when they give up, so that a payment that was created is saved.
func fly[T any, Tx any](ctx context.Context, b *Book[Tx], key string, work func(context.Context) (T, error)) (T, error) {
	var none T
	if err := b.enter(ctx); err != nil {
		return none, err
	}
	result := b.flights.DoChan(key, func() (value any, err error) {
		defer func() {
			if p := recover(); p != nil { // nobody else could: it is a separate goroutine
				err = fmt.Errorf("orders: panic: %v\n%s", p, debug.Stack())
			}
		}()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flightTimes*b.sendTime)
		defer cancel()
		return work(ctx)
	})
	select {
	case r := <-result:
		value, ok := r.Val.(T)
		if r.Err != nil || !ok {
			return none, r.Err
		}
		return value, nil
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// Pay returns the payment to show to the customer who wants to pay the order in
// coin, a ticker. It creates the payment if there is none.
//
// Shown: for one order and coin, Pay returns the same live payment to everyone, on
// all replicas, through a crash at any step, as long as the database keeps its
// commits. A payment is saved before it is returned. Made: JovePay has at most one
// such payment, unless it applies a create later than the settle window; without
// an idempotency key no client can promise more. Such a stray is shown to nobody.
// Its notification or [Book.Reconcile] finds it, and coins on it are judged like
// those of any other payment of the order.
//
// A payment is over when JovePay says so: one that should have expired is read
// first. After that, Pay creates a new one at the new rate; coins that come to the
// old address are still recorded. Another coin is another payment, until coins are
// seen for the order.
//
// The work continues if ctx ends, for up to three times the send time of
// [WithTimes]. Errors are [ErrNotFound],
// [ErrClosed], [ErrCoinsSeen], [ErrTooManyPayments], an [*InDoubtError], and those
// of the client and the database, such as [jovepay.ErrInvalidRequest] for a coin
// that does not exist. After each of them it is safe to call Pay again.
func (b *Book[Tx]) Pay(ctx context.Context, orderID, coin string) (*Payment, error) {
	r := jovepay.PaymentRequest{
		OrderID: "1", PriceAmount: jovepay.MustAmount("1"), PriceCurrency: "usd", PayCurrency: coin,
	}
	if err := r.Validate(); err != nil { // or it could be invoiceCoin
		return nil, err
	}
	return fly(ctx, b, orderID+"\x00"+coin, func(ctx context.Context) (*Payment, error) {
		c := &checkout[Tx]{Book: b, orderID: orderID, coin: coin}
		return c.run(ctx)
	})
}

// checkout is one call of Pay: it looks at the intent until there is a payment to
// show.
type checkout[Tx any] struct {
	*Book[Tx]
	orderID, coin string
	fetched       jovepay.ID // was read in this call
	looked        bool       // the list was, in this call
	waits         int
}

// step is what a look at the intent led to. The zero step is a create in doubt.
type step struct {
	show    *Payment
	bind    jovepay.ID // the payment shown, to become that of the intent
	fetch   jovepay.ID // to be read first
	send    *intentDoc // just begun by this call
	waiting bool       // for another process
}

func (c *checkout[Tx]) run(ctx context.Context) (*Payment, error) {
	for {
		began := time.Now()
		next, err := c.look(ctx)
		switch {
		case err != nil:
			return nil, err
		case next.show != nil:
			return next.show, nil
		case next.fetch != "":
			err = c.fetch(ctx, next.fetch)
		case next.send != nil:
			err = c.send(ctx, next.send, began)
		case next.waiting:
			err = c.wait(ctx)
		default:
			err = c.resolve(ctx, nil)
		}
		if err != nil {
			return nil, err
		}
	}
}

// look finds out what to do: without a lock if the payment is there, and otherwise
// in a transaction, in which a create can begin.
func (c *checkout[Tx]) look(ctx context.Context) (next step, err error) {
	d, err := c.read(ctx, c.orderID)
	if err != nil {
		return step{}, err
	}
	next, err = c.judge(d)
	if err != nil || next.show != nil && next.bind == "" || next.fetch != "" || next.waiting {
		return next, err
	}
	// If the commit fails, the intent may be committed nevertheless. Then nothing
	// is sent: whoever finds it waits for its deadline.
	err = c.record(ctx, c.orderID, func(d *draft) (err error) {
		next, err = c.judge(d)
		switch {
		case err != nil:
		case next.send != nil:
			d.intents[c.coin] = next.send
		case next.bind != "":
			d.intents[c.coin] = &intentDoc{State: intentOpen, Began: d.now, Deadline: d.now, PaymentID: next.bind}
		}
		return err
	})
	return next, err
}

// judge decides what to do. In a transaction, it changes the draft.
func (c *checkout[Tx]) judge(d *draft) (step, error) {
	if !d.isPlaced() {
		return step{}, notFound(c.orderID)
	}
	pic := c.derive(d.known())
	if pic.state.isClosed() {
		return step{}, closed(c.orderID, pic.state)
	}
	i := d.intents[c.coin]
	if i == nil {
		i = &intentDoc{State: intentFree}
	}
	if id := d.reuse(c.coin, i); id != "" {
		next := c.show(d, id, &pic)
		if i.PaymentID != id {
			next.bind = id
		}
		return next, nil
	}
	if pic.coinsSeen {
		return step{}, fmt.Errorf("%w: order %.100q", ErrCoinsSeen, c.orderID)
	}
	switch {
	case i.State == intentSending && !i.isPast(d.now):
		return step{waiting: true}, nil
	case i.State == intentSending:
		d.lost(c.coin, i, c.crash)
		return step{}, nil
	case i.State == intentInDoubt:
		return step{}, nil
	case d.made() >= c.maxPayments:
		return step{}, fmt.Errorf("%w: order %.100q has %d", ErrTooManyPayments, c.orderID, d.made())
	}
	request := c.request(d.doc.Terms)
	if err := request.Validate(); err != nil { // or it could not be looked up after a crash
		return step{}, err
	}
	return step{send: &intentDoc{
		State: intentSending, Token: newToken(), Began: d.now, Deadline: d.now.Add(c.sendTime),
		Request: request, Prior: sortedKeys(d.payments),
	}}, nil
}

// reuse returns the live payment to show for a coin, if there is one.
func (d *draft) reuse(coin string, i *intentDoc) jovepay.ID {
	if p := d.payments[i.PaymentID]; i.State == intentOpen && p != nil {
		if v := p.Facts.view(); !v.isOver() {
			return i.PaymentID
		}
	}
	if i.State == intentSending || i.State == intentInDoubt {
		return ""
	}
	for _, id := range sortedKeys(d.payments) {
		v := d.payments[id].Facts.view()
		e := jovepay.Expectation{
			OrderID: d.doc.Terms.OrderID, PriceAmount: d.doc.Terms.PriceAmount, PriceCurrency: d.doc.Terms.PriceCurrency, PayCurrency: coin,
		}
		if v.coin == coin && v.InvoiceID == "" && !v.isOver() && e.Settle(&v.Payment).Decision == jovepay.DecisionWait {
			return id
		}
	}
	return ""
}

// made returns the number of payments that were created, or may have been.
func (d *draft) made() (n int) {
	for _, p := range d.payments {
		if v := p.Facts.view(); !v.isChild() && v.InvoiceID == "" {
			n++
		}
	}
	for _, i := range d.intents {
		if i.State == intentSending || i.State == intentInDoubt {
			n++
		}
	}
	return n
}

// show returns the payment, or says that it has to be read first: because its
// address or memo may be missing, or because it should have expired.
func (c *checkout[Tx]) show(d *draft, id jovepay.ID, pic *picture) step {
	v, p := d.payments[id].Facts.view(), d.payments[id]
	expired := !v.ExpirationEstimateDate.IsZero() && !d.now.Before(v.ExpirationEstimateDate.Time)
	if c.fetched != id && (!p.Whole || expired && !v.hasCoins()) {
		return step{fetch: id}
	}
	return step{show: d.payment(id, pic)}
}

// request is what is sent to create the payment.
func (c *checkout[Tx]) request(t *Terms) *jovepay.PaymentRequest {
	r := jovepay.PaymentRequest{IPNCallbackURL: c.callback, OrderDescription: t.Description}
	c.customize(&r)
	r.OrderID, r.PriceAmount, r.PriceCurrency, r.PayCurrency = t.OrderID, t.PriceAmount, t.PriceCurrency, c.coin
	return &r
}

// fetch reads a payment.
func (c *checkout[Tx]) fetch(ctx context.Context, id jovepay.ID) error {
	c.fetched = id
	p, err := c.client.Payments.Get(ctx, id)
	if err != nil {
		return fmt.Errorf("orders: read payment %s of order %.100q: %w", id, c.orderID, err)
	}
	return c.save(ctx, p, func(*draft) {})
}

// save records a payment that was read or created, and lets edit change the intent
// in the same transaction.
func (c *checkout[Tx]) save(ctx context.Context, p *jovepay.Payment, edit func(*draft)) error {
	f, err := factOf(p.Event())
	if err != nil {
		return err
	}
	return c.record(ctx, c.orderID, func(d *draft) error {
		edit(d)
		d.learn(f, p.PayAddress != "")
		return nil
	})
}

// send creates the payment. The intent is committed, and nobody else sends before
// its deadline has passed.
func (c *checkout[Tx]) send(ctx context.Context, i *intentDoc, began time.Time) error {
	// By this process's clocks the deadline is earlier than by the database's:
	// began was before the intent.
	deadline := began.Add(c.sendTime)
	sending, cancel := context.WithDeadline(jovepay.SendBefore(ctx, deadline), deadline)
	p, err := c.client.Payments.Create(sending, *i.Request)
	cancel()
	switch {
	case err == nil:
		return c.saveCreated(ctx, i, p)
	case jovepay.SafeToRetry(err):
		freed := c.endIntent(ctx, c.orderID, c.coin, i.Token, func(_ *draft, own *intentDoc) { own.free() })
		return errors.Join(fmt.Errorf("orders: order %.100q: %w", c.orderID, err), freed)
	}
	noted := c.endIntent(ctx, c.orderID, c.coin, i.Token, func(d *draft, own *intentDoc) {
		own.doubt(d.now.Add(c.settle))
		d.note(Event{Kind: EventDoubt, Coin: c.coin, Why: err.Error()})
	})
	if noted != nil {
		return errors.Join(fmt.Errorf("orders: order %.100q: %w", c.orderID, err), noted)
	}
	c.looked = false // the payment may be in the list already
	return c.resolve(ctx, err)
}

// saveCreated records a payment that was created, and opens its intent. It tries
// again while ctx lasts, so that the payment's id is not lost.
func (c *checkout[Tx]) saveCreated(ctx context.Context, i *intentDoc, p *jovepay.Payment) error {
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := c.save(ctx, p, func(d *draft) {
			if own := d.intents[c.coin]; own != nil && own.Token == i.Token && own.State != intentOpen {
				own.open(p.ID)
			}
		})
		if err == nil {
			return nil
		}
		if sleep(ctx, pause) != nil {
			return fmt.Errorf("orders: payment %s of order %.100q was created, but could not be saved: %w", p.ID, c.orderID, err)
		}
	}
}

// wait waits for another process to finish what it began.
func (c *checkout[Tx]) wait(ctx context.Context) error {
	c.waits++
	return sleep(ctx, min(10*time.Millisecond<<min(c.waits, 10), 500*time.Millisecond))
}

// resolve finds out about a create in doubt, if it can be known already. cause is
// why it is in doubt; it may be nil. If the list can't be read now, Run reads it
// later.
func (c *checkout[Tx]) resolve(ctx context.Context, cause error) error {
	if !c.looked {
		c.looked = true
		cause = cmp.Or(cause, c.settleDoubts(ctx))
	}
	d, err := c.read(ctx, c.orderID)
	if err != nil {
		return err
	}
	i := d.intents[c.coin]
	if i == nil || i.State != intentInDoubt {
		return nil
	}
	doubt := &InDoubtError{OrderID: c.orderID, Coin: c.coin, RetryAt: i.Settles, err: cause}
	if !d.now.Before(i.Settles) {
		doubt.RetryAt = d.now.Add(c.interval)
	}
	return doubt
}

// sleep waits for d, or returns the error of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
