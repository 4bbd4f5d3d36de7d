package jovepay

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// pages reads a list page after page, and ahead of the page at hand as many as
// the list is known to have.
type pages struct {
	service *PaymentsService
	opts    PaymentListOptions // of the page that next returns
	last    int                // to read ahead to
	width   int                // pages to read at the same time
	got     int                // pages read and returned

	ctx     context.Context //nolint:containedctx // lives as long as the loop it serves
	cancel  context.CancelFunc
	readers sync.WaitGroup

	ahead []chan page     // pages requested, the first is opts.Page
	slots chan struct{}   // one for each page that is being read
	wants context.Context //nolint:containedctx // ends when the pages ahead are not wanted any more
	drop  context.CancelFunc
}

// page is what became of reading one.
type page struct {
	list     *PaymentList
	err      error
	panicked any
}

// payments returns the payments on the page, if there is one.
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

// stop ends all reading and waits for it.
func (r *pages) stop() {
	r.cancel()
	r.readers.Wait()
}

// seek makes number the page that next returns, and drops those ahead.
func (r *pages) seek(number, width int) {
	r.drop()
	r.wants, r.drop = context.WithCancel(r.ctx)
	r.opts.Page, r.last, r.width, r.ahead = number, 0, width, nil
	r.slots = make(chan struct{}, r.opts.Window)
}

// expect reads ahead up to the end that a page tells, if its counts agree, and
// one page further if the last one must be full. The numbers of a page that
// was read in good order let the window grow.
func (r *pages) expect(list *PaymentList) {
	r.last = 0
	if list.Total > 0 && (list.PagesCount == 0 || list.PagesCount == r.count(list)) {
		r.last = list.Total / r.opts.Limit
	}
	r.width = min(r.width+1, r.opts.Window)
}

// count returns how many pages the total of a list fills.
func (r *pages) count(list *PaymentList) int { return (list.Total-1)/r.opts.Limit + 1 }

// next returns the page at hand. A few more pages than are read at the same
// time wait for their turn, so that one that comes late leaves none idle.
func (r *pages) next() page {
	for len(r.ahead) == 0 || len(r.ahead) < r.width+r.width/4 && r.opts.Page+len(r.ahead) <= r.last {
		r.request(r.opts.Page + len(r.ahead))
	}
	first := <-r.ahead[0]
	r.ahead = slices.Delete(r.ahead, 0, 1)
	r.opts.Page++
	r.got++
	if first.panicked != nil {
		panic(first.panicked) //nolint:forbidigo // the caller's own, where the caller can recover it
	}
	return first
}

// request reads a page in another goroutine once it is its turn.
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
