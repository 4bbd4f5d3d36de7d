package jovepay

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
)

// pages reads a list page by page, and as far ahead of the current page as the
// list is known to reach.
type pages struct {
	service *PaymentsService
	opts    PaymentListOptions // of the page that next returns
	last    int                // page to read ahead to
	width   int                // pages to read at the same time
	got     int                // pages returned

	ctx     context.Context //nolint:containedctx // lives as long as the loop
	cancel  context.CancelFunc
	readers sync.WaitGroup

	ahead []chan page     // pages requested; the first is opts.Page
	slots chan struct{}   // one for each page being read
	wants context.Context //nolint:containedctx // ends when the pages ahead are dropped
	drop  context.CancelFunc
}

// page is the result of reading one page.
type page struct {
	list     *PaymentList
	err      error
	panicked any
}

// payments returns the payments on the page, or nil if it was not read.
func (p page) payments() []*Payment {
	if p.list == nil {
		return nil
	}
	return p.list.Payments
}

func newPages(ctx context.Context, s *PaymentsService, opts PaymentListOptions) *pages {
	r := &pages{service: s, opts: opts, drop: func() {}}
	r.ctx, r.cancel = context.WithCancel(ctx)
	return r
}

// stop ends all reads and waits for them.
func (r *pages) stop() {
	r.cancel()
	r.readers.Wait()
}

// seek makes number the page that next returns, and drops the pages ahead.
func (r *pages) seek(number, width int) {
	r.drop()
	r.wants, r.drop = context.WithCancel(r.ctx)
	r.opts.Page, r.last, r.width, r.ahead = number, 0, width, nil
	r.slots = make(chan struct{}, r.opts.Window)
}

// expect reads ahead up to the end that a page reports, if its counts agree, and
// one page further if the last one must be full. Each page that was taken lets
// the window grow.
func (r *pages) expect(list *PaymentList) {
	r.last = 0
	if list.Total > 0 && (list.PagesCount == 0 || list.PagesCount == r.count(list)) {
		r.last = list.Total / r.opts.Limit
	}
	r.width = min(r.width+1, r.opts.Window)
}

// count returns how many pages the total of a list fills.
func (r *pages) count(list *PaymentList) int { return (list.Total-1)/r.opts.Limit + 1 }

// next returns the current page. A few more pages are queued than are read at the
// same time, so that a slow one leaves no reader idle.
func (r *pages) next() page {
	for len(r.ahead) == 0 || len(r.ahead) < r.width+r.width/4 && r.opts.Page+len(r.ahead) <= r.last {
		r.request(r.opts.Page + len(r.ahead))
	}
	first := <-r.ahead[0]
	r.ahead = slices.Delete(r.ahead, 0, 1)
	r.opts.Page++
	r.got++
	if first.panicked != nil {
		panic(first.panicked) //nolint:forbidigo // the transport's own panic, where the caller can recover it
	}
	return first
}

// request reads a page in another goroutine when a slot is free.
func (r *pages) request(number int) {
	opts, wants, slots, result := r.opts, r.wants, r.slots, make(chan page, 1)
	opts.Page = number
	r.ahead = append(r.ahead, result)
	r.readers.Go(func() {
		select {
		case slots <- struct{}{}:
		case <-wants.Done():
			result <- page{err: context.Cause(wants)}
			return
		}
		got := page{err: errGoexit}
		defer func() {
			got.panicked = recover()
			<-slots
			result <- got
		}()
		got.list, got.err = r.service.list(wants, opts)
	})
}

// read reads one page now.
func (r *pages) read(number int) (*PaymentList, error) {
	opts := r.opts
	opts.Page = number
	r.got++
	return r.service.list(r.ctx, opts)
}

// pause waits before pages are requested again.
func (r *pages) pause(attempt int) error {
	if err := pause(r.ctx, r.service.api.retry.delay(attempt, nil)); err != nil {
		return fmt.Errorf("jovepay: payment list: no time to read it again: %w", err)
	}
	return nil
}

// marks holds the number of the pass that last met each payment, or 0. Ids that
// are plain numbers, as JovePay's are, are kept as numbers, which take less
// memory.
type marks struct {
	numbers map[uint64]uint8
	others  map[ID]uint8
}

func newMarks() marks { return marks{map[uint64]uint8{}, map[ID]uint8{}} }

func (m *marks) len() int { return len(m.numbers) + len(m.others) }

// of returns the mark of a payment.
func (m *marks) of(id ID) int {
	if n, ok := plainNumber(id); ok {
		return int(m.numbers[n])
	}
	return int(m.others[id])
}

// set marks a payment with a pass and returns its previous mark.
func (m *marks) set(id ID, pass int) int {
	before, mark := m.of(id), uint8(pass) //nolint:gosec // at most maxPasses+maxCuts
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
