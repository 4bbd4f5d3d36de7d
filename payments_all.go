package jovepay

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
)

// How a list is read:
//
//   - A walk reads the list in passes, each from its start to its end, until a
//     pass is enough: until it proves that no payment is missing.
//   - A pass takes the list page by page. judge compares a page with the pass so
//     far and names the step to make: take it, read it again, look back, shrink
//     the pages, skip it, peek beyond it, end, or fail. step makes it.
//   - pages reads ahead, and marks knows which payments have been met.
//
// Two facts carry the proof. Pages that are read one after the other miss a
// payment only if another one repeats or the total falls in between. And once as
// many different payments have been met as a true total counts, none is
// missing, as long as none has vanished.

const (
	defaultWindow = 8
	largestPage   = 500

	maxPasses = 8  // through a list that changes
	maxOdd    = 4  // passes with contradictions that growth doesn't explain
	maxCuts   = 4  // reductions of the page size
	maxReads  = 16 // of a page, on average
	maxSmooth = 3  // passes in a row that growth explains, to be believed
)

// All returns an iterator over all payments that opts selects, page by page
// from opts.Page on. Each page is retried like any GET. An error ends the
// iteration, with one exception: a row without a payment_id yields an error in
// its place, and the loop may continue. Leaving the loop stops all reads before
// it returns. All needs credentials, as [PaymentsService.List] does.
//
// If opts doesn't set a sort order, All asks for the oldest payment first, so
// that payments created during the walk appear at its end.
//
// The list may change while it is read. Every payment that is in it throughout
// is yielded, and none twice, or the error names the contradiction. All trusts
// neither the total nor the number of pages: a list ends with an empty page, a
// 404, or a short page that agrees with the total. If payments repeat, the
// total falls, or the counts disagree, All pauses and reads the list again, up
// to 4 times, or 8 times if growth explains most of it; payments that only a
// later pass finds are yielded last. A list without totals is read one page at
// a time.
//
// The number of requests is bounded, whatever the server responds. A consistent
// list takes one for each page, and one more if the last page is full. The
// worst case is 40 for each page of payments received, plus 300, plus 10 times
// opts.Window.
//
// Two changes go unnoticed: payments that vanish without a change of the total,
// and payments that change places only between reads during which equally many
// are created, in three passes in a row.
//
// All works for lists sorted by a field that keeps its value: the SortField
// constants. It rejects others with a [ValidationError]. It reads up to
// opts.Window pages ahead at the same time. If the caller's transport panics in
// one of these reads, All panics with the same value in the caller's goroutine.
//
// All uses about 25 bytes of memory for each payment, to remember its id.
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
		v.require(opts.SortBy == "" || opts.SortBy.isFixed(), "sortBy", "want a field that keeps its value, such as created_at")
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
		if err := w.run(); err != nil && !errors.Is(err, errLoopLeft) { //nolint:contextcheck // pages holds it
			yield(nil, err)
		}
	}
}

// errLoopLeft ends a walk whose caller has left the loop.
var errLoopLeft = errors.New("jovepay: the loop was left")

// walk reads a list in passes until one of them proves that no payment is
// missing.
type walk struct {
	pages *pages
	start int // page
	yield func(*Payment, error) bool

	number int    // of the current pass, from 1
	last   pass   // the pass before it
	cuts   int    // passes that ended because the server's pages are smaller
	met    marks  // payments, with the pass that last met each
	since  int    // the first pass since the total fell
	known  int    // payments met since then
	summed bool   // a pass since then ended where the total said
	smooth int    // passes in a row, up to the last, that growth explains
	odds   int    // passes that growth doesn't explain
	odd    string // why the last pass was not enough
}

// run reads passes until one is enough.
func (w *walk) run() error {
	for w.number = 1; ; w.number++ {
		p, err := w.read()
		switch {
		case err != nil:
			return err
		case w.enough(p):
			return nil
		case w.odds >= maxOdd+w.cuts, w.number >= maxPasses+w.cuts:
			return fmt.Errorf("jovepay: payment list contradicts itself: %s; met %d payments in %d passes", w.odd, w.met.len(), w.number)
		}
		if err := w.pages.pause(w.number); err != nil {
			return err
		}
		if p.fell {
			w.recount(w.number + 1)
		}
		w.last = *p
	}
}

// read makes one pass.
func (w *walk) read() (*pass, error) {
	p := &pass{page: w.start, total: noTotal}
	w.pages.seek(w.start, w.pages.opts.Window)
	for !p.over {
		if err := w.step(p, w.pages.next()); err != nil {
			return nil, err
		}
		if w.pages.got > maxReads*(w.met.len()/w.pages.opts.Limit+maxReads/2) {
			return nil, fmt.Errorf("jovepay: payment list contradicts itself: %d pages were read, and only %d payments met", w.pages.got, w.met.len())
		}
	}
	return p, nil
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
	return p.repeats == 0 && !p.fell || w.smooth == maxSmooth
}

// recount starts counting the known payments over, with a pass.
func (w *walk) recount(pass int) { w.since, w.known, w.summed = pass, 0, false }

// judgment is what to do with a page.
type judgment int

const (
	take      judgment = iota // yield its payments
	readAgain                 // request it again
	lookBack                  // payments before it have vanished, so others have moved to pages already taken: read those again
	shrink                    // the server's pages are smaller than asked: start over with their size
	skip                      // it is the first page once more, from a server that numbers pages from 1: pass over it
	peek                      // it is empty, but the counts say that the list continues: look at the next one
	end                       // the list ended before it
	broken                    // it could not be read: fail
)

// judge compares a page with the pass so far.
func (w *walk) judge(p *pass, page page) judgment {
	if page.err != nil && !p.isBeyondEnd(page.err) {
		return broken
	}
	n, total := len(page.payments()), w.total(page.list)
	var (
		fell    = total != noTotal && total < p.total
		missing = n == 0 && max(total, p.total) > p.end
		agrees  = n > 0 && page.list.PagesCount == w.pages.count(page.list)
		old     = total == p.total && !slices.ContainsFunc(page.payments(), w.isNew)
		twice   = old && p.taken == 1 && p.page == 1 && n == p.size && (agrees || total == noTotal)
	)
	switch {
	case (fell || missing) && !p.reread:
		return readAgain
	case fell:
		return lookBack
	case n == 0 && !p.peeked && !w.mayEnd(p, page):
		return peek
	case n == 0, old && agrees && p.end == total:
		return end
	case twice && !p.reread:
		return readAgain
	case twice:
		return skip
	case !old && w.cuts < maxCuts && w.isShort(p, n, total):
		return shrink
	}
	return take
}

// step does with a page what was judged.
func (w *walk) step(p *pass, page page) error {
	switch w.judge(p, page) {
	case take:
		return w.take(p, page.list)
	case readAgain:
		return w.readAgain(p)
	case lookBack:
		if err := w.lookBack(p, w.total(page.list)); err != nil {
			return err
		}
		return w.step(p, page)
	case shrink:
		w.shrink(p, page.list)
	case skip:
		return w.skip(p, page.list)
	case peek:
		p.page, p.peeked = p.page+1, true
	case end:
		p.note(w.total(page.list))
		w.finish(p)
	case broken:
		return page.err
	}
	return nil
}

// isBeyondEnd reports whether err says that the page lies beyond the end.
func (p *pass) isBeyondEnd(err error) bool {
	return p.taken > 0 && (errors.Is(err, ErrNotFound) || errors.Is(err, ErrInvalidRequest) && p.end == p.total)
}

// mayEnd reports whether the counts allow the list to end with this empty page.
func (w *walk) mayEnd(p *pass, page page) bool {
	switch {
	case page.err != nil:
		return true
	case p.taken > 0:
		return p.agreed && p.total == p.end
	}
	return page.list.Total > 0 || page.list.Total == 0 && page.list.PagesCount <= 1
}

// isShort reports whether the first page, or the page before this one, shows
// that the server's pages have fewer payments than asked for.
func (w *walk) isShort(p *pass, n, total int) bool {
	if p.taken == 0 {
		return n < w.pages.opts.Limit && n != total
	}
	return p.size < w.pages.opts.Limit
}

// isNew reports whether this pass has not met the payment.
func (w *walk) isNew(payment *Payment) bool { return w.met.of(payment.ID) != w.number }

// total returns the number of payments, from the walk's start on, that a page
// reports.
func (w *walk) total(list *PaymentList) int {
	if list == nil || list.Total <= 0 {
		return noTotal
	}
	return max(0, list.Total-w.start*w.pages.opts.Limit)
}

// pass is one reading of a list from its start to its end.
type pass struct {
	page     int  // to take next
	reread   bool // that page was requested again
	skipped  int  // 1 if the server numbers its pages from 1
	peeked   bool // a page was empty, and this is the one after it
	taken    int  // pages
	size     int  // of the last page taken
	end      int  // of that page: its place in the list, from the walk's start
	agreed   bool // its counts agreed with each other
	total    int  // payments from the walk's start on, as last reported
	growth   int  // of the total, as far as it can still cause repeats
	rows     int  // payments met
	first    int  // of these, the ones that no pass had met before
	repeats  int  // payments met again
	idle     int  // pages in a row that had only repeats
	fell     bool // the total did
	rose     bool // the total did
	over     bool
	complete bool   // as many payments were met as there are
	odd      string // the first contradiction that growth doesn't explain
}

// noTotal is the total of a page that reports none.
const noTotal = -1

// contradict records the first contradiction.
func (p *pass) contradict(format string, args ...any) {
	if p.odd == "" {
		p.odd = fmt.Sprintf(format, args...)
	}
}

// note records the total of a page, if it reports one.
func (p *pass) note(total int) {
	if total != noTotal {
		p.total = total
	}
}

// take yields the payments of a page that no pass has met.
func (w *walk) take(p *pass, list *PaymentList) error {
	n, total, limit, rows := len(list.Payments), w.total(list), w.pages.opts.Limit, p.rows
	w.compare(p, total)
	if p.taken > 0 && p.size < limit {
		p.contradict("page %d has %d payments and is not the last, asked for %d", p.page-1, p.size, limit)
	}
	if p.peeked {
		p.contradict("page %d is empty, and page %d isn't", p.page-1, p.page)
	}
	if err := w.meet(p, list.Payments); err != nil {
		return err
	}
	p.explain(n-(p.rows-rows), n)
	p.note(total)
	p.end = (p.page-w.start-p.skipped)*limit + n
	p.size, p.agreed = n, list.PagesCount == w.pages.count(list)
	p.taken, p.page, p.reread = p.taken+1, p.page+1, false
	switch {
	case w.summed && w.known == total:
		p.complete, p.over = true, true
	case p.end == total && p.agreed && n < limit && (list.Limit <= 0 || n < list.Limit):
		w.finish(p)
	case p.idle > 2 && (p.odd != "" || p.idle*limit > p.rows):
		p.contradict("pages %d to %d repeat earlier ones", p.page-p.idle, p.page-1)
		p.over = true
	}
	w.pages.expect(list)
	return nil
}

// compare records how the total has changed since the previous page, or since
// the last pass.
func (w *walk) compare(p *pass, total int) {
	switch {
	case p.total != noTotal && total > p.total:
		p.growth += total - p.total
		p.rose = true
	case p.taken > 0:
	case total < w.last.total:
		w.recount(w.number)
	default:
		p.rose = w.last.fell && total > w.last.total
	}
}

// explain accounts for the payments on a page of n that this pass had already
// met. Each payment added before a page moves one onto it from the previous
// page, and one on to the next page if all of them are repeats.
func (p *pass) explain(repeats, n int) {
	if repeats > p.growth {
		p.contradict("page %d repeats %d payments, and the total grew by %d", p.page, repeats, p.growth)
	}
	p.repeats += repeats
	if repeats == n {
		p.growth = max(0, p.growth-repeats)
		p.idle++
		return
	}
	p.growth, p.idle = 0, 0
}

// meet marks payments and yields those that no pass has met.
func (w *walk) meet(p *pass, payments []*Payment) error {
	for _, payment := range payments {
		if payment.ID == "" {
			p.rows++
			if !w.yield(nil, fmt.Errorf("jovepay: payment list: %w", errRowWithoutID)) {
				return errLoopLeft
			}
			continue
		}
		before := w.met.set(payment.ID, w.number)
		if before < w.since {
			w.known++
		}
		if before != w.number {
			p.rows++
		}
		if before != 0 {
			continue
		}
		p.first++
		if !w.yield(payment, nil) {
			return errLoopLeft
		}
	}
	return nil
}

// readAgain requests the current page again, and restarts reading ahead slowly.
func (w *walk) readAgain(p *pass) error {
	p.reread = true
	w.pages.seek(p.page, 1)
	return w.pages.pause(1)
}

// skip passes over page 1 if page 0 is still the same: a server that numbers
// its pages from 1 returns the first one under both numbers.
func (w *walk) skip(p *pass, list *PaymentList) error {
	first, err := w.pages.read(0)
	if err != nil {
		return err
	}
	same := func(a, b *Payment) bool { return a.ID == b.ID }
	if !slices.EqualFunc(first.Payments, list.Payments, same) {
		return w.take(p, list)
	}
	p.page, p.skipped, p.reread = p.page+1, 1, false
	return nil
}

// lookBack reads the taken pages again, from the last one back, until it has
// covered as many payments as have vanished: that is how far others have moved.
// Payments that vanish meanwhile move others toward the pages still to read.
func (w *walk) lookBack(p *pass, total int) error {
	from, now := p.total, total
	w.pages.opts.Window = 1 // if pages were read out of order, it would be unclear which total is newer
	p.fell, p.total, p.end, w.summed = true, total, min(p.end, total), false
	for page, moved := p.page-1, 0; page >= w.start+p.skipped && moved < from-now; page-- {
		if err := w.pages.pause(1); err != nil {
			return err
		}
		moved += w.pages.opts.Limit
		list, err := w.pages.read(page)
		if errors.Is(err, ErrNotFound) {
			continue // the list has become shorter than that
		}
		if err != nil {
			return err
		}
		if err := w.meet(p, list.Payments); err != nil {
			return err
		}
		if reported := w.total(list); reported != noTotal {
			now = min(now, reported)
		}
	}
	p.growth += total - now // that many of the current page may have been met just now
	return nil
}

// shrink ends the pass and makes the next one ask for pages of the server's size.
func (w *walk) shrink(p *pass, list *PaymentList) {
	size := p.size
	if p.taken == 0 {
		size = len(list.Payments)
	}
	p.contradict("pages have %d payments, asked for %d", size, w.pages.opts.Limit)
	p.over = true
	w.cuts++
	w.pages.opts.Limit = size
}

// finish ends the pass at the end of the list.
func (w *walk) finish(p *pass) {
	p.over = true
	switch {
	case p.total == noTotal:
	case p.total > p.end:
		p.contradict("page %d is empty, after %d payments of %d", p.page, p.end, p.total)
	case p.total < p.end:
		p.contradict("the pages have room for %d payments, and the total is %d", p.end, p.total)
	default:
		w.summed = w.summed || !p.fell && p.skipped == 0
	}
}
