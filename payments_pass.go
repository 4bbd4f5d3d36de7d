package jovepay

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
)

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

// take yields the payments of a page that were not met before.
func (w *walk) take(p *pass, list *PaymentList) error {
	n, total, limit, rows := len(list.Payments), w.told(list), w.pages.opts.Limit, p.rows
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
	p.tell(total)
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

// compare notes how the total has changed since the page before, or since the
// last pass.
func (w *walk) compare(p *pass, total int) {
	switch {
	case p.taken > 0 && p.total != untold && total > p.total:
		p.growth += total - p.total
		p.rose = true
	case p.taken > 0:
	case total < w.last.total:
		w.renew(w.pass)
	default:
		p.rose = w.last.fell && total > w.last.total
	}
}

// explain accounts for the payments of a page of n that this pass had met.
// Each payment added before a page moves one onto it from the page before, and
// on to the next one if the page is full of them.
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

// meet notes payments and yields those that no pass had met.
func (w *walk) meet(p *pass, payments []*Payment) error {
	for _, payment := range payments {
		if payment.ID == "" {
			p.rows++
			if !w.yield(nil, fmt.Errorf("jovepay: payment list: %w", errRowWithoutID)) {
				return errLeft
			}
			continue
		}
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
		if err := w.pages.pause(1); err != nil {
			return err
		}
		moved += w.pages.opts.Limit
		list, err := w.pages.read(page)
		if errors.Is(err, ErrNotFound) {
			continue // the list has become that short
		}
		if err != nil {
			return err
		}
		if err := w.meet(p, list.Payments); err != nil {
			return err
		}
		if told := w.told(list); told != untold {
			now = min(now, told)
		}
	}
	p.growth += total - now // as many of the page at hand may have been met just now
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

// marks holds, for each payment, the number of the pass that met it last, or 0.
// Ids that are plain numbers, as JovePay's are, are kept as numbers, which take
// less memory.
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
	before, mark := m.of(id), uint8(pass) //nolint:gosec // there are few passes
	if n, ok := plainNumber(id); ok {
		m.numbers[n] = mark
	} else {
		m.others[id] = mark
	}
	return before
}

func plainNumber(id ID) (uint64, bool) {
	n, err := strconv.ParseUint(string(id), 10, 64)
	return n, err == nil && (id[0] != '0' || len(id) == 1)
}
