package jovepay

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
)

const (
	defaultWindow = 8
	largestPage   = 500

	maxPasses = 8  // through a list that changes
	maxOdd    = 4  // of these, with what growth doesn't explain
	maxCuts   = 4  // of the page size
	maxReads  = 16 // of a page, on average
	settled   = 3  // passes in a row that growth explains, until it is believed
)

// All returns an iterator over all payments that opts selects, page after page
// from opts.Page on. Each page is retried on failure like any GET. An error is
// the last pair, except that a row without a payment_id gives an error in its
// place and the loop may go on. Leaving the loop stops all reading before it
// returns. All needs credentials, as [PaymentsService.List] does.
//
// If opts doesn't say how to sort, All asks for the oldest payment first:
// payments created during the walk then come at its end.
//
// The list may change while it is read. Every payment that is in it throughout
// is yielded, and none twice, or the error names the contradiction. All
// believes neither the total nor the number of pages: a list ends with an empty
// page, a 404, or a short page that agrees with the total. When payments come
// twice, the total falls, or the counts disagree, All pauses and reads the list
// again, up to 4 times, or 8 times if growth explains most of it; what only a
// later pass meets is yielded last. A list without totals is read one page at a
// time.
//
// The number of requests is bounded, whatever the server says. A list that
// agrees with itself costs one for each page, and one more if the last page is
// full. The worst is 40 for each page of payments received, and 300 and 10
// times opts.Window more.
//
// Two changes go unnoticed: payments that vanish if the total doesn't show it,
// and payments that change places only between reads between which as many are
// created, in three passes in a row.
//
// It works for lists sorted by a field that keeps its value: the SortField
// constants; All rejects others with a [ValidationError]. It reads ahead, up
// to opts.Window pages at the same time. If the caller's transport panics in
// one of these reads, All panics with the same value in the caller's goroutine.
//
// Memory grows by about 25 bytes for each payment, for the ids.
//
//	for payment, err := range client.Payments.All(ctx, jovepay.PaymentListOptions{}) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(payment.ID, payment.Status)
//	}
func (s *PaymentsService) All(ctx context.Context, opts PaymentListOptions) iter.Seq2[*Payment, error] {
	return func(yield func(*Payment, error) bool) {
		opts := opts // each loop has its own
		v := validation{opts.validate()}
		v.require(opts.SortBy == "" || opts.SortBy.fixed(), "sortBy", "want a field that keeps its value, such as created_at")
		if v.err != nil {
			yield(nil, v.err)
			return
		}
		orDefault(&opts.Limit, largestPage)
		orDefault(&opts.Window, defaultWindow)
		orDefault(&opts.SortBy, SortByCreatedAt)
		orDefault(&opts.OrderBy, Ascending)
		pages := newPages(ctx, s, opts)
		defer pages.stop()
		w := &walk{pages: pages, start: opts.Page, yield: yield, since: 1, met: newMarks()}
		if err := w.run(); err != nil && !errors.Is(err, errLeft) { //nolint:contextcheck // pages holds it
			yield(nil, err)
		}
	}
}

func (f SortField) fixed() bool {
	switch f {
	case SortByCreatedAt, SortByPaymentID, SortByOrderID, SortByPurchaseID, SortByPriceAmount, SortByPriceCurrency:
		return true
	}
	return false
}

// errLeft ends a walk whose caller has left the loop.
var errLeft = errors.New("jovepay: the loop was left")

// walk reads a list in passes until they show that no payment is missing.
//
// Two facts carry it. Pages that are read one after the other miss a payment
// only if another one comes twice or the total falls in between. And once as
// many different payments have been met as a true total counts, none is
// missing, as long as none has vanished.
type walk struct {
	pages *pages
	start int // page
	yield func(*Payment, error) bool

	pass   int    // number of this one, from 1
	last   pass   // the one before it
	cuts   int    // passes that ended because the server's pages are smaller
	met    marks  // payments, with the pass that met each last
	since  int    // the first pass since the total fell
	known  int    // payments met since then
	summed bool   // a pass since then ended where the total said
	smooth int    // passes in a row, up to the last, that growth explains
	odds   int    // passes that growth doesn't explain
	odd    string // why the last pass was not enough
}

// run reads passes until one is enough.
func (w *walk) run() error {
	for w.pass = 1; ; w.pass++ {
		p, err := w.read()
		switch {
		case err != nil:
			return err
		case w.enough(p):
			return nil
		case w.odds >= maxOdd+w.cuts, w.pass >= maxPasses+w.cuts:
			return fmt.Errorf("jovepay: payment list contradicts itself: %s; met %d payments in %d passes", w.odd, w.met.len(), w.pass)
		}
		if err := w.pages.pause(w.pass); err != nil {
			return err
		}
		if p.fell {
			w.renew(w.pass + 1)
		}
		w.last = *p
	}
}

// enough reports whether the passes so far have met every payment.
func (w *walk) enough(p *pass) bool {
	if p.complete {
		return true
	}
	if due := w.last.repeats; p.first < due && !p.fell && !w.last.fell {
		p.contradict("%d payments came twice, and %d new ones account for them", due, p.first)
	}
	if p.rose && p.fell {
		p.contradict("the total rises and falls")
	}
	if p.odd != "" {
		w.odd, w.smooth = p.odd, 0
		w.odds++
		return false
	}
	w.odd = "it changes faster than it can be read"
	w.smooth++
	return p.repeats == 0 && !p.fell || w.smooth == settled
}

// renew counts the payments that are still there anew, from a pass on.
func (w *walk) renew(pass int) { w.since, w.known, w.summed = pass, 0, false }

// read makes a pass.
func (w *walk) read() (*pass, error) {
	p := &pass{page: w.start, total: untold}
	w.pages.seek(w.start, w.pages.opts.Window)
	for !p.over {
		if err := w.handle(p, w.pages.next()); err != nil {
			return nil, err
		}
		if w.pages.got > maxReads*(w.met.len()/w.pages.opts.Limit+maxReads/2) {
			return nil, fmt.Errorf("jovepay: payment list contradicts itself: %d pages were read, and only %d payments met", w.pages.got, w.met.len())
		}
	}
	return p, nil
}

// handle does with a page what was judged.
func (w *walk) handle(p *pass, page page) error {
	switch w.judge(p, page) {
	case take:
		return w.take(p, page.list)
	case again:
		return w.again(p)
	case behind:
		if err := w.lookBack(p, w.told(page.list)); err != nil {
			return err
		}
		return w.handle(p, page)
	case smaller:
		w.cut(p, page.list)
	case skip:
		return w.skip(p, page.list)
	case peek:
		p.page, p.peeked = p.page+1, true
	case atEnd:
		p.tell(w.told(page.list))
		w.finish(p)
	case broken:
		return page.err
	}
	return nil
}

// step is what becomes of a page.
type step int

const (
	take    step = iota // its payments come next
	again               // it must be requested again
	behind              // payments before it have vanished, so others have moved to pages already taken
	smaller             // the server gives smaller pages: start over with that size
	skip                // it is the first page once more, from a server that numbers pages from 1
	peek                // it is empty, and the numbers don't say that the list ends here: look at the next one
	atEnd               // the list ended before it
	broken              // it could not be read
)

// judge compares a page with the pass so far.
func (w *walk) judge(p *pass, page page) step {
	if page.err != nil && !p.beyond(page.err) {
		return broken
	}
	n, total := len(page.payments()), w.told(page.list)
	var (
		fell    = total != untold && total < p.total
		missing = n == 0 && max(total, p.total) > p.end
		agrees  = n > 0 && page.list.PagesCount == w.pages.count(page.list)
		old     = n > 0 && p.taken > 0 && total == p.total && !slices.ContainsFunc(page.payments(), w.fresh)
		twice   = old && p.taken == 1 && p.page == 1 && n == p.size && (agrees || total == untold)
	)
	switch {
	case (fell || missing) && !p.reread:
		return again
	case fell:
		return behind
	case n == 0 && !p.peeked && !w.plausible(p, page):
		return peek
	case n == 0, old && agrees && p.end == total:
		return atEnd
	case twice && !p.reread:
		return again
	case twice:
		return skip
	case !old && w.cuts < maxCuts && w.tooShort(p, n, total):
		return smaller
	}
	return take
}

// beyond reports whether the error says that the page lies beyond the end.
func (p *pass) beyond(err error) bool {
	return p.taken > 0 && (errors.Is(err, ErrNotFound) || errors.Is(err, ErrInvalidRequest) && p.end == p.total)
}

// plausible reports whether the list may end with an empty page, by its numbers.
func (w *walk) plausible(p *pass, page page) bool {
	switch {
	case page.err != nil:
		return true
	case p.taken > 0:
		return p.agreed && p.total == p.end
	}
	return page.list.Total > 0 || page.list.Total == 0 && page.list.PagesCount <= 1
}

// tooShort reports whether the first page, or the one before this, shows that
// the server gives fewer payments on a page than it is asked for.
func (w *walk) tooShort(p *pass, n, total int) bool {
	if p.taken == 0 {
		return n < w.pages.opts.Limit && n != total
	}
	return p.size < w.pages.opts.Limit
}

// fresh reports whether this pass has not met the payment.
func (w *walk) fresh(payment *Payment) bool { return w.met.of(payment.ID) != w.pass }

// told returns how many payments a page says there are from the walk's start on.
func (w *walk) told(list *PaymentList) int {
	if list == nil || list.Total <= 0 {
		return untold
	}
	return max(0, list.Total-w.start*w.pages.opts.Limit)
}
