package jovepay

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
)

const (
	defaultWindow = 8
	largestPage   = 500

	maxPasses = 4 // through a list that contradicts itself
	maxCuts   = 4 // of the page size
	settled   = 3 // passes in a row that growth explains, until it is believed
)

// All returns an iterator over all payments that opts selects, page after page
// from opts.Page on. Each page is retried on failure like any GET. An error is
// yielded once, as the last pair. Leaving the loop stops all reading before it
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
// again, up to 4 times; what only a later pass meets is yielded last. A list
// without totals is read one page at a time.
//
// The number of requests is bounded, whatever the server says. A list that
// agrees with itself costs one for each page, and one more if the last page is
// full. At worst it is 20 for each page of payments received, and 30 times
// opts.Window more.
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
// Memory grows by about 30 bytes for each payment, for the ids.
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
		w := &walk{pages: newPages(ctx, s, opts), start: opts.Page, yield: yield, since: 1, met: newMarks()}
		defer w.pages.stop()
		if err := w.run(); err != nil && !errors.Is(err, errLeft) {
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
// Two facts carry it. Pages that follow each other miss a payment only if
// another one comes twice or the total falls in between. And a list whose
// total is true has been read once as many different payments have been met.
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
		case w.pass >= maxPasses+w.cuts:
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
		return false
	}
	w.odd = "it changes faster than it can be read"
	w.smooth++
	return p.repeats == 0 && !p.fell || w.smooth == settled
}

// renew counts the payments that are still there anew, from a pass on.
func (w *walk) renew(pass int) { w.since, w.known, w.summed = pass, 0, false }

// pass is one reading of a list from its start to its end.
type pass struct {
	page     int  // to be taken next
	reread   bool // that page has been requested again
	skipped  int  // 1 if the server numbers its pages from 1
	agreed   bool // the numbers of the last page did
	peeked   bool // a page was empty, and the one after it is at hand
	taken    int  // pages
	size     int  // of the last page taken
	end      int  // of that page: its place in the list, from the walk's start
	total    int  // payments from the walk's start on, as told last
	growth   int  // of the total, as far as it can still cause repeats
	rows     int  // payments met
	first    int  // those that no pass had met before
	repeats  int  // payments that came again
	idle     int  // pages in a row that brought only repeats
	lookedAt int  // pages, when looking back
	fell     bool // the total did
	rose     bool // the total did
	over     bool
	complete bool   // as many payments have been met as there are
	odd      string // the first thing that growth doesn't explain
}

// untold is the total of a page without one.
const untold = -1

func (p *pass) contradict(format string, args ...any) {
	if p.odd == "" {
		p.odd = fmt.Sprintf(format, args...)
	}
}

// tell notes the total of a page, if it has one.
func (p *pass) tell(total int) {
	if total != untold {
		p.total = total
	}
}

// read makes a pass.
func (w *walk) read() (*pass, error) {
	p := &pass{page: w.start, total: untold}
	w.pages.seek(w.start, w.pages.opts.Window)
	for !p.over {
		if err := w.handle(p, w.pages.next()); err != nil {
			return nil, err
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
	case ended:
		if page.err == nil {
			p.tell(w.told(page.list))
		}
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
	smaller             // the server gives smaller pages: begin anew with that size
	skip                // it is the first page once more, from a server that numbers pages from 1
	peek                // it is empty, and no total says that the list ends here: look at the next one
	ended               // the list ended before it
	broken              // it could not be read
)

// judge compares a page with the pass so far.
func (w *walk) judge(p *pass, page page) step {
	if page.err != nil && !p.beyond(page.err) {
		return broken
	}
	n, total := 0, untold
	if page.err == nil {
		n, total = len(page.list.Payments), w.told(page.list)
	}
	fell := total != untold && total < p.total
	missing := n == 0 && max(total, p.total) > p.end
	old := n > 0 && p.taken > 0 && !slices.ContainsFunc(page.list.Payments, w.fresh)
	still := total == p.total
	agrees := n > 0 && page.list.PagesCount == w.pages.count(page.list)
	twice := old && still && (agrees || total == untold) && p.page == 1 && p.taken == 1 && n == p.size
	switch {
	case (fell || missing || twice) && !p.reread:
		return again
	case fell:
		return behind
	case n == 0 && page.err == nil && !p.peeked && !w.plausible(p, page.list):
		return peek
	case n == 0, old && still && agrees && p.end == total:
		return ended
	case twice:
		return skip
	case !old && w.cuts < maxCuts && n > 0 && w.tooShort(p, n, total):
		return smaller
	}
	return take
}

// beyond reports whether the error says that the page lies beyond the end.
func (p *pass) beyond(err error) bool {
	return p.taken > 0 && (errors.Is(err, ErrNotFound) || errors.Is(err, ErrInvalidRequest) && p.end == p.total)
}

// plausible reports whether the numbers say that the list ends with an empty
// page.
func (w *walk) plausible(p *pass, list *PaymentList) bool {
	if p.taken == 0 {
		return list.Limit > 0 && list.Total == 0 && list.PagesCount == 0 || list.Total > 0
	}
	return p.agreed && p.total == p.end
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

// told returns how many payments there are from the walk's start on.
func (w *walk) told(list *PaymentList) int {
	if list.Total <= 0 {
		return untold
	}
	return max(0, list.Total-w.start*w.pages.opts.Limit)
}

// take yields the payments of a page that were not met before.
func (w *walk) take(p *pass, list *PaymentList) error {
	n, total, limit := len(list.Payments), w.told(list), w.pages.opts.Limit
	switch {
	case p.taken == 0 && total < w.last.total:
		w.renew(w.pass)
	case p.taken == 0:
		p.rose = w.last.fell && total > w.last.total
	case p.taken > 0 && p.total != untold && total > p.total:
		p.growth += total - p.total
		p.rose = true
	}
	if p.taken > 0 && p.size < limit {
		p.contradict("page %d has %d payments and is not the last, asked for %d", p.page-1, p.size, limit)
	}
	if p.peeked {
		p.contradict("page %d is empty, and page %d isn't", p.page-1, p.page)
	}
	before := p.rows
	if err := w.meet(p, list.Payments); err != nil {
		return err
	}
	repeats := n - (p.rows - before)
	if repeats > p.growth {
		p.contradict("page %d repeats %d payments, and the total grew by %d", p.page, repeats, p.growth)
	}
	p.repeats += repeats
	p.growth = max(0, p.growth-repeats)
	p.idle++
	if repeats < n {
		p.growth, p.idle = 0, 0
	}
	p.end = (p.page-w.start-p.skipped)*limit + n
	p.size, p.taken, p.page, p.reread = n, p.taken+1, p.page+1, false
	p.tell(total)
	p.agreed = list.PagesCount == w.pages.count(list)
	switch {
	case w.summed && w.known == total:
		p.complete, p.over = true, true
	case p.end == total && w.short(list):
		w.finish(p)
	case p.idle > 2 && (p.odd != "" || p.idle*limit > p.rows):
		p.contradict("pages %d to %d repeat earlier ones", p.page-p.idle, p.page-1)
		p.over = true
	}
	w.pages.expect(list)
	return nil
}

// short reports whether a page is shorter than it could be, by all of its
// numbers.
func (w *walk) short(list *PaymentList) bool {
	n := len(list.Payments)
	return n < w.pages.opts.Limit && n < list.Limit && list.PagesCount == w.pages.count(list)
}

// meet notes payments and yields those that no pass had met.
func (w *walk) meet(p *pass, payments []*Payment) error {
	for _, payment := range payments {
		before := w.met.set(payment.ID, w.pass)
		if before < w.since {
			w.known++
		}
		if before != w.pass {
			p.rows++
		}
		if before != 0 {
			continue
		}
		p.first++
		if !w.yield(payment, nil) {
			return errLeft
		}
	}
	return nil
}

// again requests the page at hand once more, and reads ahead with care.
func (w *walk) again(p *pass) error {
	p.reread = true
	w.pages.seek(p.page, 1)
	return w.pages.pause(1)
}

// skip passes over page 1 if page 0 is still the same: a server that numbers
// its pages from 1 gives the first one under both numbers.
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

// lookBack reads the pages again that payments have moved to, from the last one
// back, since so many have vanished. Payments that vanish meanwhile move others
// toward the pages still to be read.
func (w *walk) lookBack(p *pass, total int) error {
	from, now := p.total, total
	w.pages.opts.Window = 1 // pages read in another order than they are taken would blur which total is newer
	p.fell, p.total, p.end, w.summed = true, total, min(p.end, total), false
	for page, moved := p.page-1, 0; page >= w.start+p.skipped && moved < from-now; page-- {
		if p.lookedAt++; p.lookedAt > 2*p.taken+32 {
			p.contradict("the total falls again and again, from %d to %d on page %d", from, total, p.page)
			return nil
		}
		if err := w.pages.pause(1); err != nil {
			return err
		}
		list, err := w.pages.read(page)
		if err != nil {
			return err
		}
		if err := w.meet(p, list.Payments); err != nil {
			return err
		}
		if told := w.told(list); told != untold {
			now = min(now, told)
		}
		moved += w.pages.opts.Limit
	}
	p.growth += total - now // as many of the page at hand may have been met now
	return nil
}

// cut ends the pass and makes the next one ask for pages as the server gives.
func (w *walk) cut(p *pass, list *PaymentList) {
	size := p.size
	if p.taken == 0 {
		size = len(list.Payments)
	}
	p.contradict("pages have %d payments, asked for %d", size, w.pages.opts.Limit)
	p.over = true
	w.cuts++
	w.pages.opts.Limit = size
}

// finish ends the pass where the list ended.
func (w *walk) finish(p *pass) {
	p.over = true
	switch {
	case p.total == untold:
	case p.total > p.end:
		p.contradict("page %d is empty, after %d payments of %d", p.page, p.end, p.total)
	case p.total < p.end:
		p.contradict("the pages have room for %d payments, and the total is %d", p.end, p.total)
	default:
		w.summed = w.summed || !p.fell && p.skipped == 0
	}
}

// marks holds the number of the pass that met a payment last; 0 is none. Ids
// that are plain numbers, as JovePay's are, are kept as such: they take a
// third of the memory.
type marks struct {
	numbers map[uint64]uint8
	others  map[ID]uint8
}

func newMarks() marks { return marks{map[uint64]uint8{}, map[ID]uint8{}} }

func (m *marks) len() int { return len(m.numbers) + len(m.others) }

func (m *marks) of(id ID) int {
	if n, ok := plainNumber(id); ok {
		return int(m.numbers[n])
	}
	return int(m.others[id])
}

// set marks a payment with a pass and returns the mark that it had.
func (m *marks) set(id ID, pass int) int {
	before := m.of(id)
	if n, ok := plainNumber(id); ok {
		m.numbers[n] = uint8(pass)
	} else {
		m.others[id] = uint8(pass)
	}
	return before
}

func plainNumber(id ID) (uint64, bool) {
	n, err := strconv.ParseUint(string(id), 10, 64)
	return n, err == nil && (id[0] != '0' || len(id) == 1)
}
