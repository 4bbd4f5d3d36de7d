package jovepay

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
)

const (
	defaultWindow  = 8
	largestPage    = 500
	rememberedRows = 20 * largestPage
)

// All returns an iterator over all payments that opts selects, in their order,
// page after page from opts.Page on. It reads ahead, up to opts.Window pages at
// the same time, each repeated on failure as any GET. An error is yielded
// once, as the last pair. Leaving the loop stops all reading before it
// returns. It needs credentials, as List does.
//
// Payments may be created while the list is walked, and rows then move from
// page to page: every payment that was in the list throughout is still
// yielded, and none twice. This holds for lists sorted by a field that keeps
// its value (the SortField constants; others are refused with a
// [ValidationError]), as long as the server tells the total, and no more than
// 10,000 payments are added between two reads of neighbouring pages. One
// payment that vanishes while another is added is not noticed.
//
// Memory does not grow with the length of the list.
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
		w := &walk{service: s, opts: opts, seen: map[ID]struct{}{}, dropped: make(chan struct{})}
		defer w.stop()
		w.ctx, w.cancel = context.WithCancel(ctx)
		w.drop()
		if err := w.run(yield); err != nil {
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

// walk is one run through a list that may change under it.
type walk struct {
	service *PaymentsService
	opts    PaymentListOptions

	ctx     context.Context //nolint:containedctx // lives as long as the loop it serves
	cancel  context.CancelFunc
	readers sync.WaitGroup
	ahead   []chan page   // pages asked for, the first is w.opts.Page
	slots   chan struct{} // one for each page that is being read
	dropped chan struct{} // closed when the pages ahead are not wanted any more

	seen   map[ID]struct{} // ids of the last rows, for rows that moved back
	ring   []ID            // the same in the order they were met
	oldest int             // where ring is overwritten once it is full
}

type page struct {
	list *PaymentList
	err  error
}

// run yields page after page. The total serves as the list's clock: it grows
// with every payment added.
//
//   - A page that was read at an older time than the one before it may miss
//     rows that have moved onto it since: it and those after it are read anew.
//   - A smaller total even then means that payments have vanished, and rows
//     moved to pages that were done: the walk goes back that far.
//   - Rows that have moved onto a later page are known by their ids.
//   - A page without the rows that its total promises is read anew, once.
func (w *walk) run(yield func(*Payment, error) bool) error {
	start, total, again := w.opts.Page, 0, false
	for pages := 0; ; {
		p := w.next(pages)
		if p.err != nil {
			return p.err
		}
		missing := total - p.list.Total
		size := min(w.opts.Limit, cmp.Or(max(0, p.list.Limit), w.opts.Limit)) // the server's, if it gives less
		hollow := len(p.list.Payments) == 0 && p.list.Total > 0 && w.opts.Page <= (p.list.Total-1)/size
		if missing > 0 || hollow {
			switch {
			case again && missing > 0:
				w.opts.Page = max(start, w.opts.Page-1-missing/size)
				total = p.list.Total
			case again:
				return fmt.Errorf("jovepay: payment list: page %d is empty, with %d payments in all", w.opts.Page, p.list.Total)
			}
			w.drop()
			again = !again
			continue
		}
		total, pages, again = p.list.Total, p.list.PagesCount, false
		fresh := 0
		for _, payment := range p.list.Payments {
			if !w.first(payment.ID) {
				continue
			}
			if !yield(payment, nil) {
				return nil
			}
			fresh++
		}
		if w.opts.Page < pages && fresh == 0 && len(p.list.Payments) > 0 && p.list.Page != w.opts.Page {
			return fmt.Errorf("jovepay: payment list: asked for page %d, got page %d again", w.opts.Page, p.list.Page)
		}
		w.opts.Page++
		if pages > 0 && w.opts.Page >= pages || pages == 0 && fresh == 0 {
			return nil
		}
	}
}

// next returns the page at hand. Ahead of it a window of pages is read at the
// same time, up to the end of the list, and a few more wait for their turn, so
// that a page which comes late does not leave the others idle.
func (w *walk) next(pages int) page {
	for len(w.ahead) < w.opts.Window+w.opts.Window/4 && (len(w.ahead) == 0 || w.opts.Page+len(w.ahead) < pages) {
		opts, slots, dropped, result := w.opts, w.slots, w.dropped, make(chan page, 1)
		opts.Page += len(w.ahead)
		w.ahead = append(w.ahead, result)
		w.readers.Go(func() {
			select {
			case slots <- struct{}{}:
			case <-dropped:
				return
			}
			list, err := w.service.List(w.ctx, opts)
			<-slots
			result <- page{list, err}
		})
	}
	first := <-w.ahead[0]
	w.ahead = slices.Delete(w.ahead, 0, 1)
	return first
}

// drop gives up the pages ahead: those under way end by themselves, and the
// others are not begun.
func (w *walk) drop() {
	close(w.dropped)
	w.ahead, w.slots, w.dropped = nil, make(chan struct{}, w.opts.Window), make(chan struct{})
}

// first reports whether a payment is met for the first time.
func (w *walk) first(id ID) bool {
	if _, ok := w.seen[id]; ok {
		return false
	}
	if len(w.ring) < rememberedRows {
		w.ring = append(w.ring, id)
	} else {
		delete(w.seen, w.ring[w.oldest])
		w.ring[w.oldest] = id
		w.oldest = (w.oldest + 1) % rememberedRows
	}
	w.seen[id] = struct{}{}
	return true
}

// stop ends all reading and waits for it.
func (w *walk) stop() {
	w.cancel()
	w.readers.Wait()
}
