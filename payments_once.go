package jovepay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// CreateOnce creates the payment for an order, and only one, even if a response is
// lost. It requires an OrderID, and credentials for the payment list
// ([WithCredentials]); without them it fails and sends nothing.
//
// If the outcome of a create is unknown, CreateOnce watches the payment list for the
// settle window ([WithSettleWindow]). If the list has an open payment for the same
// order, price and coin, CreateOnce reads it, with its address and memo, and returns
// it. It creates the payment again, up to the attempts of [RetryPolicy], only if at
// the end of the window a complete list has nothing that could be the payment. In
// every other case the error is [ErrOutcomeUnknown], and nothing more is sent: the
// list cannot be read or contradicts itself, the time is up, or the list has a payment
// that may be the one. That is any payment created since the start of the call that is
// not provably another: one for the order with another price or coin, one without an
// order id, or one whose order id is truncated or spelled differently. Payments from
// before the call that are final, or have another price or coin, don't count.
//
// A payment is from before the call if it is older than the call both by the server's
// clock, which the Date of its responses shows, and by this machine's. If the server
// sends no Date, CreateOnce reads the whole list, and only payments more than a day
// older than the call are from before it.
//
// No client can promise more: if a server applies a request only after the settle
// window, or lists its payment only then, there will be a second payment. And
// CreateOnce is about one call, not about one order: after a crash, or when the
// customer returns to the order, look for its payment with
// [PaymentsService.FindOrder] first.
func (s *PaymentsService) CreateOnce(ctx context.Context, req PaymentRequest) (*Payment, error) {
	v := validation{req.validate()}
	v.require(req.OrderID != "", "order_id", "is required by CreateOnce")
	v.require(s.api.session != nil, "credentials", "needed by CreateOnce for the payment list; see WithCredentials")
	if v.err != nil {
		return nil, v.err
	}
	c := &creation{req: req, payments: &PaymentsService{s.api, newServerClock()}}
	var doubt error // about an earlier attempt of which no payment was found
	for attempt := 1; ; attempt++ {
		created, err := c.payments.Create(ctx, req)
		switch {
		case err == nil:
			return created, nil
		case !errors.Is(err, ErrOutcomeUnknown) && doubt == nil:
			return nil, err
		case !errors.Is(err, ErrOutcomeUnknown):
			return nil, fmt.Errorf("%w; before that: %w", err, doubt)
		}
		doubt, c.named = err, responseID(err)
		found, err := c.settle(ctx)
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

// responseID returns the payment id in the response to a failed create, which may be
// truncated.
func responseID(err error) (id ID) {
	response, ok := errors.AsType[*APIError](err)
	if !ok {
		return ""
	}
	d := jsontext.NewDecoder(bytes.NewReader(response.Body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if token, err := d.ReadToken(); err != nil || token.Kind() != '{' {
		return ""
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return ""
		}
		member := name.String()
		value, err := d.ReadValue()
		if err != nil || member == "payment_id" && id.UnmarshalJSON(value) == nil {
			return id
		}
	}
	return ""
}

// creation is one call of CreateOnce.
type creation struct {
	req      PaymentRequest
	payments *PaymentsService // with a clock
	named    ID               // of the payment in an unsuccessful response; empty if there is none
}

// doubtError is a doubt that a later look at the list may resolve.
type doubtError struct{ error }

func (e doubtError) Unwrap() error { return e.error }

func doubtf(format string, args ...any) error {
	return doubtError{fmt.Errorf(format, args...)}
}

// settle looks for the payment until it is found or the settle window is over. If it
// returns neither a payment nor an error, the payment was not created.
func (c *creation) settle(ctx context.Context) (*Payment, error) {
	window := c.payments.api.settleWindow
	end := time.Now().Add(window)
	for attempt := 1; ; attempt++ {
		last := !time.Now().Before(end)
		found, err := c.look(ctx)
		_, doubt := errors.AsType[doubtError](err)
		mayPass := ctx.Err() == nil && (temporary(err) || doubt)
		if found != nil || last || err != nil && !mayPass {
			return found, err
		}
		// Spread the looks over the window, with the last one at its end.
		wait := min(time.Until(end), window>>max(1, 5-attempt))
		if err := pause(ctx, max(wait, 0)); err != nil {
			return nil, err
		}
	}
}

// look reads the list once, or once more from an earlier time on if the responses
// show that the server's clock is behind the first estimate.
func (c *creation) look(ctx context.Context) (*Payment, error) {
	for range 2 {
		from := c.payments.clock.listFrom()
		found, err := c.search(ctx, from)
		if found != nil || err != nil || !c.payments.clock.listFrom().Before(from.Add(-meanwhile/2)) {
			return found, err
		}
	}
	return nil, doubtf("the server's clock jumps")
}

// search looks for the payment in the list of those created since from. If there are
// several, it returns the newest.
func (c *creation) search(ctx context.Context, from time.Time) (*Payment, error) {
	var own, doubtful, cut *Payment
	var nameless error
	longest := 0 // order id in the list, in characters
	for p, err := range c.payments.All(ctx, PaymentListOptions{DateFrom: from, SortBy: SortByCreatedAt, OrderBy: Ascending}) {
		if errors.Is(err, errRowWithoutID) {
			nameless = err
			continue
		}
		if err != nil && own != nil {
			break // the rest of the list cannot change what was found
		}
		if err != nil {
			return nil, err
		}
		longest = max(longest, utf8.RuneCountInString(p.OrderID))
		switch c.match(p) {
		case ours:
			own = p
		case maybeOurs:
			doubtful = p
		case cutOff:
			if cut == nil || len(cut.OrderID) <= len(p.OrderID) {
				cut = p
			}
		case notOurs:
		}
	}
	if doubtful == nil && cut != nil && len(cut.OrderID) >= longest {
		doubtful = cut
	}
	switch {
	case own != nil:
		return c.whole(ctx, own)
	case doubtful != nil:
		s := c.payments
		return nil, doubtf("payment %s (%s) may be it: order %s, %s %s in %s", show(s, doubtful.ID), show(s, doubtful.Status),
			show(s, doubtful.OrderID), doubtful.PriceAmount, show(s, doubtful.PriceCurrency), show(s, doubtful.PayCurrency))
	case nameless != nil:
		return nil, doubtf("it may be in the list: %w", nameless)
	case c.named != "":
		return nil, doubtf("payment %s, which the response names, is not in the list", show(c.payments, c.named))
	}
	return nil, nil
}

// whole reads the whole payment of a row: a row may lack the address or the memo,
// without which coins are lost.
func (c *creation) whole(ctx context.Context, row *Payment) (*Payment, error) {
	p, err := c.payments.Get(ctx, row.ID)
	if err == nil {
		err = c.req.contradiction(p)
	}
	switch {
	case err != nil:
		err = c.payments.api.secrets.cause(err)
	case p.Status.Final():
		err = fmt.Errorf("it is %s", p.Status)
	case p.PayAddress == "":
		err = errors.New("it has no pay_address")
	case row.PayAddress != "" && row.PayAddress != p.PayAddress, row.PayinExtraID != "" && row.PayinExtraID != p.PayinExtraID:
		err = errors.New("it has another address there")
	default:
		return p, nil
	}
	return nil, doubtf("payment %s is in the list, but: %w", show(c.payments, row.ID), err)
}

// match says how a row of the list relates to a creation.
type match int

const (
	notOurs   match = iota // provably another payment
	cutOff                 // another payment, unless the gateway truncates order ids
	maybeOurs              // undecided
	ours                   // the payment
)

// match judges a row. The first case that applies decides.
func (c *creation) match(p *Payment) match {
	order := c.order(p)
	asked := order == sameOrder && c.hasSameOffer(p)
	earlier := c.payments.clock.before(p.CreatedAt)
	switch {
	case asked && !p.Status.Final() && (p.Status.Known() || !earlier):
		return ours
	case p.ID == c.named, asked && !p.Status.Known():
		return maybeOurs
	case isDeposit(p), earlier:
		return notOurs
	case order == sameOrder:
		return maybeOurs
	case order == otherOrder, c.hasOtherOffer(p):
		return notOurs
	case order == cutOrder:
		return cutOff
	}
	return maybeOurs
}

// likeness says how the order id of a row relates to that of a creation.
type likeness int

const (
	otherOrder likeness = iota
	cutOrder            // it is the beginning of ours
	likeOrder           // it is ours in another spelling, or missing
	sameOrder
)

func (c *creation) order(p *Payment) likeness {
	id, own := letters(p.OrderID), letters(c.req.OrderID)
	switch {
	case p.OrderID == c.req.OrderID:
		return sameOrder
	case id == own, strings.TrimSpace(id) == "", id == "0", id == "null", id == "undefined",
		strings.ContainsRune(p.OrderID, utf8.RuneError): // a character was lost in transit
		return likeOrder
	case strings.HasPrefix(own, id):
		return cutOrder
	}
	return otherOrder
}

// hasSameOffer reports whether p states the price and coin that were asked for.
func (c *creation) hasSameOffer(p *Payment) bool {
	_, unread := unreadableMember(p.Extra)
	return !unread && !p.PriceAmount.IsNull() && p.PriceCurrency != "" &&
		letters(p.PayCurrency) == letters(c.req.PayCurrency) && c.req.contradiction(p) == nil
}

// hasOtherOffer reports whether both the price and the coin of p differ by more than
// rounding and spelling can explain.
func (c *creation) hasOtherOffer(p *Payment) bool {
	return !p.PriceAmount.IsNull() && !alike(c.req.PriceAmount, p.PriceAmount, 2) && !mayBeSameCoin(p.PayCurrency, c.req.PayCurrency)
}

const (
	// clockTolerance is how far a clock may be off if nothing shows the error: this
	// machine's if the server sends no Date, and that of the list's filter, which
	// may have a resolution of days.
	clockTolerance = 24 * time.Hour

	// meanwhile is how long before the start of a call, by the server's clock, a
	// payment may have been created and still count as created during the call.
	meanwhile = time.Minute
)

// serverClock knows when a call began by the server's clock. A nil serverClock
// records nothing.
type serverClock struct {
	start time.Time // by this machine's clock

	mu    sync.Mutex
	began time.Time // the earliest by any clock
	seen  bool      // there was a response
	dated bool      // there was one with a Date
}

func newServerClock() *serverClock {
	now := time.Now()
	return &serverClock{start: now, began: now}
}

// note learns from the Date of a response. The time since the start of the call does
// not depend on the setting of this machine's clock.
func (c *serverClock) note(header http.Header) {
	if c == nil {
		return
	}
	passed := time.Since(c.start)
	date, err := http.ParseTime(header.Get("Date"))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = true
	if err != nil {
		return
	}
	c.dated = true
	if began := date.Add(-passed); began.Before(c.began) {
		c.began = began
	}
}

// listFrom returns a time from which a list has everything created since the call
// began. It is zero if nothing shows the server's clock.
func (c *serverClock) listFrom() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen && !c.dated {
		return time.Time{}
	}
	return c.began.Add(-clockTolerance)
}

// before reports whether something was certainly created before the call began.
func (c *serverClock) before(created Time) bool {
	if created.IsZero() {
		return false
	}
	latest := created.Time
	if latest.Equal(latest.Truncate(24 * time.Hour)) {
		latest = latest.Add(24 * time.Hour) // it may be a date without a time
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	margin := clockTolerance
	if c.dated {
		margin = meanwhile
	}
	return latest.Before(c.began.Add(-margin))
}

// FindOrder returns all payments of an order that were created at or after since,
// oldest first, including repeated deposits. Payments in a list may lack the address
// and the memo: read a payment with [PaymentsService.Get] before a customer pays it.
// FindOrder needs credentials. The list cannot be filtered by order, so the cost grows
// with the number of all payments since then: one request for 500 of them.
//
// FindOrder finds payments by the exact order id. Ids that a gateway might change are
// rejected, here and by [PaymentsService.Create].
func (s *PaymentsService) FindOrder(ctx context.Context, orderID string, since time.Time) ([]*Payment, error) {
	var v validation
	v.require(orderID != "", "order_id", "is required")
	v.orderID("order_id", orderID)
	if v.err != nil {
		return nil, v.err
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
