package orders

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
)

// Hooks are the shop's own work. They run in the transaction that records why
// they are called, so that both are committed, or neither. A hook must not commit
// or roll back tx, must return the errors of tx, and must not call the book, which
// returns [ErrInHook]. It may be called again after its transaction was rolled
// back.
//
// If a hook fails or panics, or its transaction cannot be committed, for example
// because it ignored an error of tx, the transaction is rolled back, and what was reported
// is recorded in another one without hooks. The error is a [*HookError]. The hook
// is called again with each later event of the order, and by [Book.Run], until it
// succeeds.
type Hooks[Tx any] struct {
	// Fulfill ships the order. It is required. It is called when the order is
	// paid. Its effects in tx are committed at most once for an order; other
	// effects, such as an e-mail, can happen more than once: record them in tx,
	// and do them from there.
	Fulfill func(ctx context.Context, tx Tx, order *Order) error

	// Changed is called when an order's state is another one than at its last
	// call. It is optional. States that an order passes through within one
	// transaction, or while the hook fails, are skipped.
	Changed func(ctx context.Context, tx Tx, order *Order, from State) error

	// Review is called when a case opens, changes or closes. It is optional.
	Review func(ctx context.Context, tx Tx, c *Case) error

	// Other is called once for each event that is not about a payment, such as
	// that of a withdrawal. It is optional. If it fails, nothing is recorded.
	Other func(ctx context.Context, tx Tx, event jovepay.Event) error
}

// Book keeps orders: what was agreed on, what JovePay reported, what was decided
// and what was fulfilled. It is safe for concurrent use, by any number of replicas
// on one store. Make one with [New].
type Book[Tx any] struct {
	*rules
	settings
	client  *jovepay.Client
	store   Store[Tx]
	hooks   Hooks[Tx]
	flights singleflight.Group // of Pay and Invoice, by order and coin
}

// New returns a book that keeps its orders in store and creates their payments
// with client, which needs credentials for the payment list
// ([jovepay.WithCredentials]). The store's tables must exist.
//
// New asks the database for its settings. If they let it lose a committed
// transaction in a crash, the error is [ErrLosesCommits]: after such a crash, a
// customer could be shown a second payment. [WithLossyStore] accepts that.
func New[Tx any](client *jovepay.Client, store Store[Tx], hooks Hooks[Tx], opts ...Option) (*Book[Tx], error) {
	switch {
	case client == nil:
		return nil, errors.New("orders: client is nil")
	case store == nil:
		return nil, errors.New("orders: store is nil")
	case hooks.Fulfill == nil:
		return nil, errors.New("orders: hook Fulfill is required")
	}
	s := defaults()
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(&s); err != nil {
			return nil, fmt.Errorf("orders: %w", err)
		}
	}
	r, err := s.rules()
	if err != nil {
		return nil, fmt.Errorf("orders: %w", err)
	}
	b := &Book[Tx]{rules: r, settings: s, client: client, store: store, hooks: hooks}
	if err := b.check(); err != nil {
		return nil, err
	}
	return b, nil
}

// checkTime bounds the look at the database's settings.
const checkTime = 10 * time.Second

func (b *Book[Tx]) check() error {
	ctx, cancel := context.WithTimeout(context.Background(), checkTime) //nolint:forbidigo // New has no context: nobody waits for it
	defer cancel()
	err := b.store.Check(ctx)
	if b.lossy && errors.Is(err, ErrLosesCommits) {
		b.log.WarnContext(ctx, "jovepay: "+err.Error())
		return nil
	}
	return wrap(err)
}

// insideKey is the key of the context that hooks of a book get.
type insideKey struct{ book any }

// enter returns an error if ctx is that of one of the book's hooks, or has ended.
func (b *Book[Tx]) enter(ctx context.Context) error {
	if ctx.Value(insideKey{b}) != nil {
		return ErrInHook
	}
	return ctx.Err()
}

// errUnchanged rolls a transaction back without an error.
var errUnchanged = errors.New("orders: nothing to do")

// change lets edit change an order, calls the hooks that this requires, and
// commits. If a hook fails, or the commit after it, it commits the same without
// hooks, and returns a [HookError]. edit may be called several times. If it returns
// errUnchanged, nothing is committed.
func (b *Book[Tx]) change(ctx context.Context, scope Scope, edit func(*draft, *Record) error) error {
	var called string // the hook that was called last
	work := func(ctx context.Context, hook func(context.Context, Tx, *draft, *picture) error) error {
		err := b.store.Update(ctx, scope, func(ctx context.Context, tx Tx, r *Record) (*Change, error) {
			called = ""
			d, err := newDraft(scope.OrderID, r)
			if err != nil {
				return nil, err
			}
			if err := edit(d, r); err != nil {
				return nil, err
			}
			pic := b.derive(d.known())
			if err := hook(ctx, tx, d, &pic); err != nil {
				return nil, err
			}
			called = d.called
			return b.finish(d, &pic)
		})
		if errors.Is(err, errUnchanged) {
			return nil
		}
		return err
	}
	err := work(ctx, b.runHooks)
	failed, ok := errors.AsType[*HookError](err)
	switch {
	case ok:
	case err == nil || called == "":
		return wrap(err)
	default: // the hook may be why the transaction could not be committed
		failed = &HookError{Hook: called, OrderID: publicOrderID(scope.OrderID), err: err}
	}
	b.log.ErrorContext(ctx, "jovepay: hook failed", "hook", failed.Hook, "order", scope.OrderID, "error", failed.err)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTime) // it may have ended during the hook
	defer cancel()
	return cmp.Or(wrap(work(ctx, func(_ context.Context, _ Tx, d *draft, pic *picture) error {
		d.pose(pic)
		if b.isPending(d, pic) { // or another process has called the hook since
			d.fail(failed)
			*pic = b.derive(d.known())
			d.pose(pic)
		}
		return nil
	})), error(failed))
}

// saveTime bounds the recording of news whose hook has failed.
const saveTime = 10 * time.Second

// record is change for the book's own work. A hook that fails is no reason to fail
// that: the hook is called again later.
func (b *Book[Tx]) record(ctx context.Context, orderID string, edit func(*draft) error) error {
	err := b.change(ctx, Scope{OrderID: orderID}, func(d *draft, _ *Record) error { return edit(d) })
	if isHookError(err) {
		return nil
	}
	return err
}

// wrap adds the package's name to an error of the store.
func wrap(err error) error {
	if err == nil || strings.HasPrefix(err.Error(), "orders: ") {
		return err
	}
	return fmt.Errorf("orders: %w", err)
}

// finish books the coins and returns what to write. Work that is left, because a
// hook failed or was not called, is due after a pause.
func (b *Book[Tx]) finish(d *draft, pic *picture) (*Change, error) {
	d.book(pic)
	var due time.Time
	if b.isPending(d, pic) {
		due = d.now
		if d.doc.Failures > 0 {
			due = d.row.Due
			if !due.After(d.now) {
				due = d.now.Add(b.pause(d.doc.Failures))
			}
		}
	}
	change, err := d.change(pic, due)
	if err != nil || change.isEmpty() {
		return nil, err
	}
	return change, nil
}

// pause returns how long to wait after so many failures.
func (b *Book[Tx]) pause(failures int) time.Duration {
	return min(b.interval<<min(failures-1, 20), maxPause)
}

// maxPause is the longest time between attempts at a hook.
const maxPause = 10 * time.Minute

// isPending reports whether a hook has to be called.
func (b *Book[Tx]) isPending(d *draft, pic *picture) bool {
	if pic.paid && d.doc.Fulfilled.IsZero() {
		return true
	}
	if d.isPlaced() && d.doc.Told != pic.state {
		return true
	}
	for _, c := range d.cases {
		if c.Told != c.state() {
			return true
		}
	}
	return false
}

// runHooks calls the hooks that are due, and notes that they were called.
func (b *Book[Tx]) runHooks(ctx context.Context, tx Tx, d *draft, pic *picture) error {
	ctx = context.WithValue(ctx, insideKey{b}, true)
	pic.discard()
	if pic.paid && d.doc.Fulfilled.IsZero() {
		d.called = "Fulfill"
		if err := b.call("Fulfill", d.row.ID, func() error { return b.hooks.Fulfill(ctx, tx, d.order(pic)) }); err != nil {
			return err
		}
		d.doc.Fulfilled, d.doc.Failures, d.doc.Failure = d.now, 0, ""
		d.note(Event{Kind: EventFulfilled})
		*pic = b.derive(d.known())
	}
	d.pose(pic)
	if err := b.tell(ctx, tx, d, pic); err != nil {
		return err
	}
	if d.doc.Failures > 0 {
		d.doc.Failures, d.doc.Failure = 0, ""
		*pic = b.derive(d.known())
		d.pose(pic)
		return b.tell(ctx, tx, d, pic)
	}
	return nil
}

// tell calls Changed and Review.
func (b *Book[Tx]) tell(ctx context.Context, tx Tx, d *draft, pic *picture) error {
	if from := d.doc.Told; d.isPlaced() && from != pic.state {
		if b.hooks.Changed != nil {
			d.called = "Changed"
			if err := b.call("Changed", d.row.ID, func() error { return b.hooks.Changed(ctx, tx, d.order(pic), from) }); err != nil {
				return err
			}
		}
		d.doc.Told = pic.state
		d.note(Event{Kind: EventState, From: from, To: pic.state})
	}
	for _, id := range sortedKeys(d.cases) {
		c := d.cases[id]
		if c.Told == c.state() {
			continue
		}
		if b.hooks.Review != nil {
			d.called = "Review"
			if err := b.call("Review", d.row.ID, func() error { return b.hooks.Review(ctx, tx, c.public(d.row.ID, id)) }); err != nil {
				return err
			}
		}
		c.Told = c.state()
	}
	return nil
}

// call calls a hook. A panic is an error too.
func (b *Book[Tx]) call(name, orderID string, hook func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			cause, ok := p.(error)
			if !ok {
				cause = fmt.Errorf("%v", p)
			}
			err = &HookError{Hook: name, OrderID: publicOrderID(orderID), Stack: debug.Stack(), err: fmt.Errorf("panic: %w", cause)}
		}
	}()
	if err := hook(); err != nil {
		return &HookError{Hook: name, OrderID: publicOrderID(orderID), err: err}
	}
	return nil
}

// Place puts an order in the book, in the transaction tx in which the shop writes
// its own row. Placing it again with the same terms changes nothing; with other
// terms the error is [ErrTermsChanged]. Invalid terms are a
// [jovepay.ValidationError]. After an error, roll tx back.
func (b *Book[Tx]) Place(ctx context.Context, tx Tx, terms Terms) error {
	return b.place(ctx, tx, terms, Event{Kind: EventPlaced}, func(*draft) error { return nil })
}

// Past is what happened to an order before it was in the book.
type Past struct {
	// Payments are the order's payments as they were last reported: from the
	// shop's own records, or from [jovepay.PaymentsService.FindOrder]. The book
	// shows a live one to the customer instead of creating another.
	Payments []*jovepay.Payment

	// Fulfilled is when the order was shipped; zero if it was not. A fulfilled
	// order is never fulfilled again. One that is not, and whose payments pay
	// for it, is fulfilled by [Book.Run].
	Fulfilled time.Time

	// Canceled is when the order was canceled; zero if it was not.
	Canceled time.Time
}

// Import puts an order from before the book in it, with its payments, in the
// shop's transaction tx. What an inbox applied to the order is part of past, and
// is not applied again. Importing an order that is in the book is Place: past is
// ignored. No hook is called.
func (b *Book[Tx]) Import(ctx context.Context, tx Tx, terms Terms, past Past) error {
	return b.place(ctx, tx, terms, Event{Kind: EventImported}, func(d *draft) error {
		d.doc.Fulfilled, d.doc.Canceled = past.Fulfilled.UTC(), past.Canceled.UTC()
		for _, p := range past.Payments {
			if p == nil {
				return &jovepay.ValidationError{Field: "Payments", Reason: "has one that is nil"}
			}
			if p.OrderID != "" && p.OrderID != terms.OrderID {
				return &jovepay.ValidationError{Field: "Payments", Reason: fmt.Sprintf("payment %.64q is for order %.64q", p.ID, p.OrderID)}
			}
			f, err := factOf(p.Event())
			if err != nil {
				return err
			}
			d.learn(f, false) // a row of the list may have an address and no memo
		}
		return nil
	})
}

func (b *Book[Tx]) place(ctx context.Context, tx Tx, terms Terms, event Event, past func(*draft) error) error {
	if err := b.enter(ctx); err != nil {
		return err
	}
	if err := terms.validate(); err != nil {
		return err
	}
	err := b.store.Join(ctx, tx, Scope{OrderID: terms.OrderID, Create: true}, func(_ context.Context, _ Tx, r *Record) (*Change, error) {
		d, err := newDraft(terms.OrderID, r)
		switch {
		case err != nil:
			return nil, err
		case d.isPlaced() && d.doc.Terms.equal(terms):
			return nil, nil
		case d.isPlaced():
			return nil, fmt.Errorf("%w: order %q", ErrTermsChanged, terms.OrderID)
		}
		d.doc.Terms, d.doc.Placed = &terms, d.now
		d.note(event)
		if err := past(d); err != nil {
			return nil, err
		}
		pic := b.derive(d.known())
		d.pose(&pic)
		d.doc.Told = StatePlaced
		if event.Kind == EventImported && !pic.paid {
			d.doc.Told = pic.state // the shop knows
		}
		return b.finish(d, &pic)
	})
	return wrap(err)
}

// Get returns an order with everything that the book knows of it, or
// [ErrNotFound].
func (b *Book[Tx]) Get(ctx context.Context, orderID string) (*Order, error) {
	if err := b.enter(ctx); err != nil {
		return nil, err
	}
	order, err := b.load(ctx, orderID)
	if err != nil {
		return nil, err
	}
	notes, err := b.store.History(ctx, orderID)
	if err != nil {
		return nil, wrap(err)
	}
	for _, n := range notes {
		var e Event
		if err := decode(n.Doc, &e); err != nil {
			return nil, fmt.Errorf("orders: stored history of %q: %w", orderID, err)
		}
		e.At = n.At
		order.History = append(order.History, e)
	}
	return order, nil
}

// load returns an order that is in the book, without its history.
func (b *Book[Tx]) load(ctx context.Context, orderID string) (*Order, error) {
	d, err := b.read(ctx, orderID)
	if err != nil {
		return nil, err
	}
	pic := b.derive(d.known())
	return d.order(&pic), nil
}

// read reads an order that is in the book, to look at it.
func (b *Book[Tx]) read(ctx context.Context, orderID string) (*draft, error) {
	if !isOrderID(orderID) {
		return nil, notFound(orderID)
	}
	r, err := b.store.Load(ctx, orderID)
	if err != nil {
		return nil, wrap(err)
	}
	d, err := newDraft(orderID, r)
	if err != nil {
		return nil, err
	}
	if !d.isPlaced() {
		return nil, notFound(orderID)
	}
	return d, nil
}

func notFound(orderID string) error { return fmt.Errorf("%w: order %.100q", ErrNotFound, orderID) }

func closed(orderID string, state State) error {
	return fmt.Errorf("%w: order %.100q is %s", ErrClosed, orderID, state)
}

// An order that is not in the book, because no order is named, is kept under an id
// that no shop can have.
const noOrder = "\x01"

// publicOrderID returns the order id of a row.
func publicOrderID(id string) string {
	if strings.HasPrefix(id, noOrder) {
		return ""
	}
	return id
}

// isOrderID reports whether an order can have the id.
func isOrderID(id string) bool {
	r := jovepay.PaymentRequest{
		OrderID: id, PriceAmount: jovepay.MustAmount("1"), PriceCurrency: "usd", PayCurrency: "btc",
	}
	return id != "" && r.Validate() == nil
}

// factOf returns the fact that an event reports, or [inbox.ErrUnprocessable].
func factOf(event *jovepay.PaymentEvent) (fact, error) {
	entry, err := inbox.NewEntry(event)
	if err != nil {
		return fact{}, fmt.Errorf("orders: %w", err)
	}
	return newFact(event, entry), nil
}

func sortedKeys[K ~string, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
