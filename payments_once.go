package jovepay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

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
// [PaymentsService.FindOrder] first. [PaymentsService.FindCreated] looks for the
// payments of many creates at once.
func (s *PaymentsService) CreateOnce(ctx context.Context, req PaymentRequest) (*Payment, error) {
	v := validation{req.validate()}
	v.require(req.OrderID != "", "order_id", "is required by CreateOnce")
	v.require(s.api.session != nil, "credentials", "needed by CreateOnce for the payment list; see WithCredentials")
	if v.err != nil {
		return nil, v.err
	}
	clock := newServerClock()
	payments := &PaymentsService{s.api, clock}
	c := newCreation(UnknownCreate{Request: req, Began: clock.start}, clock)
	var doubt error // about an earlier attempt of which no payment was found
	for attempt := 1; ; attempt++ {
		created, err := payments.Create(ctx, req)
		switch {
		case err == nil:
			return created, nil
		case !errors.Is(err, ErrOutcomeUnknown) && doubt == nil:
			return nil, err
		case !errors.Is(err, ErrOutcomeUnknown):
			return nil, fmt.Errorf("%w; before that: %w", err, doubt)
		}
		doubt, c.named = err, responseID(err)
		found, err := payments.settle(ctx, c)
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

// settle looks for the payment until it is found or the settle window is over. If it
// returns neither a payment nor an error, the payment was not created.
func (s *PaymentsService) settle(ctx context.Context, c *creation) (*Payment, error) {
	window := s.api.settleWindow
	end := time.Now().Add(window)
	for attempt := 1; ; attempt++ {
		last := !time.Now().Before(end)
		_ = s.look(ctx, []*creation{c}) // if it fails, that is the doubt
		found, err := c.found.Payment, c.found.Doubt
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

const (
	// clockTolerance is how far a clock may be off if nothing shows the error: this
	// machine's if the server sends no Date, and that of the list's filter, which
	// may have a resolution of days.
	clockTolerance = 24 * time.Hour

	// meanwhile is how long before the start of a call, by the server's clock, a
	// payment may have been created and still count as created during the call.
	meanwhile = time.Minute
)

// serverClock translates times of this machine's clock into the server's. A nil
// serverClock records nothing.
type serverClock struct {
	start time.Time // when it was made, by this machine's clock

	mu     sync.Mutex
	behind time.Duration // the most that a response showed the server's clock to be behind
	seen   bool          // there was a response
	dated  bool          // there was one with a Date
}

func newServerClock() *serverClock { return &serverClock{start: time.Now()} }

// elapsed returns how much time has passed from one reading of this machine's clock
// to another. Of a clock that was set, and one that stopped while the machine was
// suspended, it believes the one that counts more.
func elapsed(from, to time.Time) time.Duration {
	return max(to.Sub(from), to.Round(0).Sub(from.Round(0)))
}

// note learns from the Date of a response.
func (c *serverClock) note(header http.Header) {
	if c == nil {
		return
	}
	now := c.start.Add(elapsed(c.start, time.Now()))
	date, err := http.ParseTime(header.Get("Date"))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = true
	if err != nil {
		return
	}
	c.dated = true
	c.behind = max(c.behind, now.Sub(date))
}

// listFrom returns a time from which a list has everything created since began, a
// time of this machine's clock. It is zero if nothing shows the server's clock.
func (c *serverClock) listFrom(began time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen && !c.dated {
		return time.Time{}
	}
	return began.Add(-c.behind).Add(-clockTolerance) // one by one: the sum may overflow
}

// before reports whether something was certainly created before began, a time of
// this machine's clock.
func (c *serverClock) before(created Time, began time.Time) bool {
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
	return latest.Before(began.Add(-c.behind).Add(-margin))
}
