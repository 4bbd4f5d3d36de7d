package jovepay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// UnknownCreate is a [PaymentsService.Create] whose outcome is unknown.
type UnknownCreate struct {
	Request PaymentRequest // as it was sent; OrderID is required

	// Began is when Create was called, or an earlier time, by the clock of the
	// machine that calls FindCreated. It may have been stored by a process that
	// has since died. The earlier it is, the more payments may be this create's.
	Began time.Time

	// Err is the error of Create, or nil if it isn't known. If the response names
	// a payment, that payment counts as one that may be this create's.
	Err error

	// Others are payments that are known not to be this create's, such as those
	// for the same order in other coins. They are ignored.
	Others []ID
}

// FoundCreate is what the payment list shows of an [UnknownCreate]. If both fields
// are nil, nothing in a complete list can be the payment.
type FoundCreate struct {
	Payment *Payment // the payment as Get returns it, with address and memo; nil if it was not found
	Doubt   error    // why it is still unknown whether there is a payment; nil if that is known
}

// FindCreated returns the payments of creates whose outcome is unknown, in the order
// of the creates. It reads the payment list once for all of them, and each payment
// that it finds; it needs credentials ([WithCredentials]).
//
// FindCreated judges each create as [PaymentsService.CreateOnce] does, with the same
// rules for what is the payment, what may be, and what is from before the call. It
// looks once and doesn't wait: JovePay may apply a request, or list its payment, some
// time after the response was lost. A create without a payment may be sent again only
// if FindCreated was called after that time was over; a doubt may resolve by itself.
//
// Two creates never get the same payment: if a payment may be that of several, each
// has a doubt. If creates for one order have different coins, a payment that one of
// them asked for raises no doubt about those in other coins. Other payments for the
// order do, unless they are among [UnknownCreate.Others].
//
// The error is a [ValidationError], or says why the list could not be read
// completely. With such an error the payments that were found are returned
// nevertheless, and it is the Doubt of every other create. The list is read from a
// day before the earliest Began, twice if its responses show that the server's clock
// is behind, and completely if they have no Date.
func (s *PaymentsService) FindCreated(ctx context.Context, creates []UnknownCreate) ([]FoundCreate, error) {
	if s.api.session == nil {
		return nil, &ValidationError{"credentials", "needed by FindCreated for the payment list; see WithCredentials"}
	}
	clock := newServerClock()
	creations := make([]*creation, len(creates))
	for i, create := range creates {
		if err := create.validate(fmt.Sprintf("creates[%d].", i)); err != nil {
			return nil, err
		}
		creations[i] = newCreation(create, clock)
	}
	var err error
	if len(creations) > 0 {
		err = (&PaymentsService{s.api, clock}).look(ctx, creations)
	}
	found := make([]FoundCreate, len(creates))
	for i, c := range creations {
		found[i] = c.found
		if c.found.Doubt != nil {
			found[i].Doubt = fmt.Errorf("jovepay: looking for order %q in %s: %w", c.req.OrderID, c.req.PayCurrency, c.found.Doubt)
		}
	}
	if err != nil {
		err = fmt.Errorf("jovepay: looking for %d payments: %w", len(creates), err)
	}
	return found, err
}

func (c *UnknownCreate) validate(field string) error {
	if invalid, ok := errors.AsType[*ValidationError](c.Request.validate()); ok {
		return &ValidationError{field + invalid.Field, invalid.Reason}
	}
	var v validation
	v.require(c.Request.OrderID != "", field+"order_id", "is required by FindCreated")
	v.require(!c.Began.IsZero(), field+"Began", "want the time when Create was called")
	return v.err
}

// creation is a create whose payment is looked for.
type creation struct {
	req     PaymentRequest
	letters string    // of its order id
	began   time.Time // by this machine's clock as it is set now
	named   ID        // of the payment in an unsuccessful response; empty if there is none
	others  []ID      // that it is not

	own, doubtful, cut *Payment    // the last rows of the list that match
	found              FoundCreate // what follows
}

func newCreation(create UnknownCreate, clock *serverClock) *creation {
	return &creation{
		req:     create.Request,
		letters: letters(create.Request.OrderID),
		began:   clock.start.Add(-max(0, elapsed(create.Began, clock.start))),
		named:   responseID(create.Err),
		others:  create.Others,
	}
}

// isDecided reports whether there is a payment or a doubt.
func (c *creation) isDecided() bool { return c.found.Payment != nil || c.found.Doubt != nil }

// doubtError is a doubt that a later look at the list may resolve.
type doubtError struct{ error }

func (e doubtError) Unwrap() error { return e.error }

func doubtf(format string, args ...any) error {
	return doubtError{fmt.Errorf(format, args...)}
}

// look sets what is found of creations by reading the list once. It reads the list
// once more from an earlier time on, for those without payment or doubt, if the
// responses show that the server's clock is behind the first estimate. The service
// has a clock. An error is the doubt of every creation whose payment was not found;
// if there are none of these, there is no error.
func (s *PaymentsService) look(ctx context.Context, creations []*creation) error {
	earliest := slices.MinFunc(creations, func(a, b *creation) int { return a.began.Compare(b.began) }).began
	for range 2 {
		from := s.clock.listFrom(earliest)
		if err := newLookup(s, creations, earliest).run(ctx, from); err != nil {
			return err
		}
		creations = slices.DeleteFunc(slices.Clone(creations), (*creation).isDecided)
		if len(creations) == 0 || !s.clock.listFrom(earliest).Before(from.Add(-meanwhile/2)) {
			return nil
		}
	}
	for _, c := range creations {
		c.found.Doubt = doubtf("the server's clock jumps")
	}
	return nil
}

// lookup is one pass of the list for any number of creations. A row is compared only
// with the creations whose order ids its own may stand for, which are neighbors in
// the sorted creations, and with those that name it. A row that may stand for any
// order is compared with those of which nothing is known yet.
type lookup struct {
	payments  *PaymentsService // with a clock
	creations []*creation      // sorted by letters
	named     map[ID][]*creation
	earliest  time.Time // of all that began

	longest  int   // order id in the list so far, in characters
	nameless error // of a row without an id
}

func newLookup(s *PaymentsService, creations []*creation, earliest time.Time) *lookup {
	l := &lookup{payments: s, creations: slices.Clone(creations), named: map[ID][]*creation{}, earliest: earliest}
	slices.SortFunc(l.creations, func(a, b *creation) int { return cmp.Compare(a.letters, b.letters) })
	for _, c := range l.creations {
		c.own, c.doubtful, c.cut, c.found = nil, nil, nil, FoundCreate{}
		if c.named != "" {
			l.named[c.named] = append(l.named[c.named], c)
		}
	}
	return l
}

// run reads the list of the payments created since from and sets what is found. If
// several payments in the list are that of a creation, it is the last.
func (l *lookup) run(ctx context.Context, from time.Time) error {
	err := l.read(ctx, from)
	owners := map[ID]int{}
	for _, c := range l.creations {
		if c.own != nil {
			owners[c.own.ID]++
		}
	}
	var failed error
	var readers sync.WaitGroup
	defer readers.Wait()
	slots := make(chan struct{}, defaultWindow)
	for _, c := range l.creations {
		switch {
		case c.own != nil && owners[c.own.ID] > 1:
			c.found.Doubt = doubtf("payment %s may be that of %d creates", show(l.payments, c.own.ID), owners[c.own.ID])
		case c.own != nil:
			slots <- struct{}{}
			readers.Go(func() {
				defer func() { <-slots }()
				c.found = l.whole(ctx, c)
			})
		case err != nil:
			c.found.Doubt, failed = err, err // the rest of the list matters only to these
		default:
			c.found.Doubt = l.doubt(c)
		}
	}
	return failed
}

// read compares the rows of the list with the creations.
func (l *lookup) read(ctx context.Context, from time.Time) error {
	for p, err := range l.payments.All(ctx, PaymentListOptions{DateFrom: from, SortBy: SortByCreatedAt, OrderBy: Ascending}) {
		if errors.Is(err, errRowWithoutID) {
			l.nameless = err
			continue
		}
		if err != nil {
			return err
		}
		l.take(p)
	}
	return nil
}

// take compares a row with the creations that it may belong to.
func (l *lookup) take(p *Payment) {
	l.longest = max(l.longest, utf8.RuneCountInString(p.OrderID))
	for _, c := range l.named[p.ID] {
		l.judge(c, p)
	}
	order := letters(p.OrderID)
	first, _ := slices.BinarySearchFunc(l.creations, order, func(c *creation, order string) int { return cmp.Compare(c.letters, order) })
	end := first
	for end < len(l.creations) && l.creations[end].letters == order {
		end++
	}
	same := l.creations[first:end]
	asked := slices.ContainsFunc(same, func(c *creation) bool { return c.asksFor(p) })
	for _, c := range same {
		if !asked || !c.isInOtherCoin(p) {
			l.judge(c, p)
		}
	}
	switch {
	case isAnyOrder(p.OrderID):
		l.takeAnyOrder(p)
	case len(p.OrderID) >= l.longest: // otherwise a longer id shows that ids are not cut off there
		for ; end < len(l.creations) && strings.HasPrefix(l.creations[end].letters, order); end++ {
			l.judge(l.creations[end], p)
		}
	}
}

// takeAnyOrder compares a row that may stand for any order, and so leads to doubt at
// most, with the creations that don't have that yet.
func (l *lookup) takeAnyOrder(p *Payment) {
	if l.payments.clock.before(p.CreatedAt, l.earliest) {
		return
	}
	for _, c := range l.creations {
		if c.own == nil && c.doubtful == nil {
			l.judge(c, p)
		}
	}
}

// judge keeps a row that may be the payment of a creation.
func (l *lookup) judge(c *creation, p *Payment) {
	if p.ID != c.named && slices.Contains(c.others, p.ID) {
		return
	}
	switch c.match(p, l.payments.clock) {
	case ours:
		c.own = p
	case maybeOurs:
		c.doubtful = p
	case cutOff:
		if c.cut == nil || len(c.cut.OrderID) <= len(p.OrderID) {
			c.cut = p
		}
	case notOurs:
	}
}

// doubt returns why the complete list does not show that a creation without a payment
// of its own has none, or nil.
func (l *lookup) doubt(c *creation) error {
	p := c.doubtful
	if p == nil && c.cut != nil && len(c.cut.OrderID) >= l.longest {
		p = c.cut
	}
	s := l.payments
	switch {
	case p != nil:
		return doubtf("payment %s (%s) may be it: order %s, %s %s in %s", show(s, p.ID), show(s, p.Status),
			show(s, p.OrderID), p.PriceAmount, show(s, p.PriceCurrency), show(s, p.PayCurrency))
	case l.nameless != nil:
		return doubtf("it may be in the list: %w", l.nameless)
	case c.named != "":
		return doubtf("payment %s, which the response names, is not in the list", show(s, c.named))
	}
	return nil
}

// whole reads the whole payment of a creation: a row may lack the address or the
// memo, without which coins are lost.
func (l *lookup) whole(ctx context.Context, c *creation) FoundCreate {
	row, p, s := c.own, (*Payment)(nil), l.payments
	err := s.api.guard(func() (err error) {
		p, err = s.Get(ctx, row.ID)
		return err
	})
	if err == nil {
		err = c.req.contradiction(p)
	}
	switch {
	case err != nil:
		err = s.api.secrets.cause(err)
	case p.Status.Final():
		err = fmt.Errorf("it is %s", p.Status)
	case p.PayAddress == "":
		err = errors.New("it has no pay_address")
	case row.PayAddress != "" && row.PayAddress != p.PayAddress, row.PayinExtraID != "" && row.PayinExtraID != p.PayinExtraID:
		err = errors.New("it has another address there")
	default:
		return FoundCreate{Payment: p}
	}
	return FoundCreate{Doubt: doubtf("payment %s is in the list, but: %w", show(s, row.ID), err)}
}

// isInOtherCoin reports whether p is for the order in a coin that was not asked for,
// and is not the payment in an unsuccessful response.
func (c *creation) isInOtherCoin(p *Payment) bool {
	return p.OrderID == c.req.OrderID && p.ID != c.named && !mayBeSameCoin(p.PayCurrency, c.req.PayCurrency)
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
func (c *creation) match(p *Payment, clock *serverClock) match {
	order := c.order(p)
	asked := c.asksFor(p)
	earlier := clock.before(p.CreatedAt, c.began)
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
	id := letters(p.OrderID)
	switch {
	case p.OrderID == c.req.OrderID:
		return sameOrder
	case id == c.letters, isAnyOrder(p.OrderID):
		return likeOrder
	case strings.HasPrefix(c.letters, id):
		return cutOrder
	}
	return otherOrder
}

// isAnyOrder reports whether the order id of a row says too little to exclude any
// order.
func isAnyOrder(id string) bool {
	switch kept := letters(id); kept {
	case "0", "null", "undefined":
		return true
	default:
		return strings.TrimSpace(kept) == "" || strings.ContainsRune(id, utf8.RuneError) // a character was lost in transit
	}
}

// asksFor reports whether p states the order, price and coin that were asked for.
func (c *creation) asksFor(p *Payment) bool {
	return p.OrderID == c.req.OrderID && c.hasSameOffer(p)
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
