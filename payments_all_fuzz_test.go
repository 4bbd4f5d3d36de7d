package jovepay_test

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

// tape hands out the bytes of a fuzz input, and zeros after its end.
type tape struct{ rest []byte }

func (s *tape) next() int {
	if len(s.rest) == 0 {
		return 0
	}
	b := s.rest[0]
	s.rest = s.rest[1:]
	return int(b)
}

func (s *tape) upTo(n int) int { return s.next() % n }

// world is a payment list with the ways in which it changes and lies, all of
// them read from a tape.
type world struct {
	*shelf
	tape

	// Settings.
	change, changes   int // what happens to the list before a request, and how often
	total, pagesCount int // how each is told
	past              int // what comes past the end
	size              int // how the pages are cut
	fromOne, deaf     bool
	replicas, hiccups bool

	stayed   map[int]bool // payments that were there throughout
	smallest int          // page
}

// Ways to change. Payments are either added or vanish: a total does not show
// both at once.
const (
	changeNothing = iota
	addFirst
	addLast
	addAnywhere
	addPages
	vanish
	vanishMany
	changePlaces
	changePlacesAndAddFirst
	changePlacesAndAddLast
	shuffle
	changeKinds
)

func newWorld(input []byte) (*world, jovepay.PaymentListOptions) {
	w := &world{tape: tape{input}, smallest: math.MaxInt}
	w.shelf = newShelf(w.upTo(64))
	opts := jovepay.PaymentListOptions{Limit: 1 + w.upTo(12), Window: 1 + w.upTo(9)}
	w.change, w.changes = w.upTo(changeKinds), w.upTo(12)
	// Half of the worlds tell the truth about a setting, or more.
	w.total, w.pagesCount, w.past, w.size = max(0, w.upTo(24)-12), max(0, w.upTo(8)-4), w.upTo(4), max(0, w.upTo(10)-5)
	flags := w.next()
	w.fromOne, w.deaf, w.replicas, w.hiccups = flags&7 == 7, flags&56 == 56, flags&192 == 192, flags&65 == 65
	w.lie = w.distort
	w.before = func(int) { w.alter() }
	return w, opts
}

// alter changes the list before a request.
func (w *world) alter() {
	if w.stayed == nil {
		w.stayed = map[int]bool{}
		for _, id := range w.rows {
			w.stayed[id] = true
		}
	}
	op := w.next()
	if w.changes == 0 || op%4 == 0 {
		return
	}
	w.changes--
	n := len(w.rows)
	at := w.upTo(n + 1)
	switch w.change {
	case addFirst:
		w.insert(0)
	case addLast:
		w.insert(n)
	case addAnywhere:
		w.insert(at)
	case addPages:
		for range 1 + at%24 {
			w.insert(0)
		}
	case vanish, vanishMany:
		end := min(n, at+1)
		if w.change == vanishMany {
			end = min(n, at+1+op%6)
		}
		for _, id := range w.rows[at:end] {
			delete(w.stayed, id)
		}
		w.rows = slices.Delete(w.rows, at, end)
	case changePlaces, changePlacesAndAddFirst, changePlacesAndAddLast:
		if to := at + 1 + op/4%3; to < n {
			w.rows[at], w.rows[to] = w.rows[to], w.rows[at]
		}
		if op%4 > 1 && w.change == changePlacesAndAddFirst {
			w.insert(0)
		}
		if op%4 > 1 && w.change == changePlacesAndAddLast {
			w.insert(len(w.rows))
		}
	case shuffle:
		for i := range w.rows {
			j := w.upTo(n)
			w.rows[i], w.rows[j] = w.rows[j], w.rows[i]
		}
	}
}

// distort is what a page says instead of the truth.
func (w *world) distort(s *sheet) {
	number := s.asked
	if w.fromOne {
		number = max(1, number) - 1
	}
	if w.deaf {
		number = 0
	}
	if w.replicas && s.request%2 == 1 {
		for i := 0; i+1 < len(s.list); i += 2 {
			s.list[i], s.list[i+1] = s.list[i+1], s.list[i]
		}
	}
	switch w.size {
	case 1:
		s.size = min(s.size, 5)
	case 2:
		s.size = min(s.size, 3+s.request%4)
	case 3:
		s.size = max(1, s.size-s.asked)
	case 4:
		s.cut(s.list, number)
		s.rows = s.rows[:min(len(s.rows), 4)]
	}
	if w.size != 4 {
		s.cut(s.list, number)
	}
	if n := len(s.rows); n > 0 {
		w.smallest = min(w.smallest, n)
	}
	w.count(s)
	w.end(s, number)
	if w.hiccups {
		switch w.upTo(8) {
		case 1:
			if w.total == 0 { // else it may look just like the end
				s.rows = nil
			}
		case 2:
			s.status = http.StatusBadGateway
		}
	}
}

// count tells the totals.
func (w *world) count(s *sheet) {
	truth := s.total
	s.pagesCount = [...]int{(truth + s.size - 1) / s.size, 0, -1, math.MaxInt32}[w.pagesCount]
	switch w.total {
	case 1:
		s.total = len(s.rows)
	case 2:
		s.total = truth - s.asked*s.size
	case 3:
		s.total = truth + 1
	case 4:
		s.total = max(0, truth-1)
	case 5:
		s.total = max(0, truth-s.size)
	case 6:
		s.total = truth + s.size
	case 7:
		s.total = 0
	case 8:
		s.total = -truth
	case 9:
		s.total = math.MaxInt
	case 10:
		s.total = truth - s.request%2*min(3, truth)
	case 11:
		s.total = max(0, truth+w.upTo(7)-3)
	}
	if w.next()%16 == 15 {
		s.page = w.next()
	}
}

// end is what comes past the end of the list.
func (w *world) end(s *sheet, number int) {
	if len(s.rows) > 0 || s.asked == 0 {
		return
	}
	switch w.past {
	case 1:
		s.status = http.StatusNotFound
	case 2:
		s.status = http.StatusBadRequest
	case 3:
		s.cut(s.list, min(number, max(0, len(s.list)-1)/s.size))
	}
}

// truthful reports whether the list says nothing that isn't so, and changes no
// more than a list does.
func (w *world) truthful() bool {
	return w.total == 0 && w.pagesCount == 0 && w.past < 2 && w.size < 2 && !w.fromOne && !w.deaf && !w.replicas && !w.hiccups &&
		w.change < changePlaces
}

// silent reports whether nothing that the list says or shows can give its
// losses away: payments vanish and the total doesn't say so, or it is the same
// as a shorter list without them.
func (w *world) silent() bool {
	untold := w.total == 1 || w.total == 7 || w.total == 8
	switch {
	case w.change == vanish, w.change == vanishMany:
		return w.total != 0
	case w.deaf:
		return w.total == 1
	case w.size == 4: // the rows are not shown on any page
		return w.total != 0
	}
	return untold && w.size == 3
}

// FuzzAll holds All to its promise: every payment that was in the list
// throughout and none twice, or an error; after a bounded number of requests;
// and no error where the list tells the truth.
func FuzzAll(f *testing.F) {
	for kind := range byte(changeKinds) {
		f.Add([]byte{40, 9, 3, kind, 11, 0, 0, 0, 0, 0, 1, 5, 0, 2, 9, 0, 3, 17, 0, 1, 22, 0})
	}
	for total := range byte(12) {
		f.Add([]byte{40, 9, 3, 0, 0, 12 + total, 0, total, 0, 0})
	}
	for _, flags := range []byte{7, 56, 192, 65} {
		f.Add([]byte{40, 9, 3, 7, 3, 0, 0, 0, flags, flags, 1, 2, 3, 4, 5, 6, 7, 8})
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		w, opts := newWorld(input)
		truthful, silent := w.truthful(), w.silent()
		setting := fmt.Sprintf("%d payments, limit %d, window %d: change %d×%d, total %d, pagesCount %d, past %d, size %d, from one %t, deaf %t, replicas %t, hiccups %t",
			len(w.rows), opts.Limit, opts.Window, w.change, w.changes, w.total, w.pagesCount, w.past, w.size, w.fromOne, w.deaf, w.replicas, w.hiccups)
		times := map[int]int{}
		var failed error
		for payment, err := range w.client(t).Payments.All(t.Context(), opts) {
			if failed = err; err != nil {
				break
			}
			id, err := strconv.Atoi(payment.ID.String())
			require.NoError(t, err)
			times[id]++
			require.Equal(t, 1, times[id], "%s: payment %d came twice", setting, id)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		most := 40*(len(times)/min(w.smallest, opts.Limit)+1) + 300 + 10*opts.Window
		require.LessOrEqual(t, len(w.asked), most, "%s: requests for %d payments", setting, len(times))
		for id := range times {
			require.LessOrEqual(t, id, w.last, "%s: payment %d never was", setting, id)
		}
		if failed != nil {
			require.False(t, truthful, "%s: %v", setting, failed)
			return
		}
		for id := range w.stayed {
			require.True(t, silent || times[id] == 1, "%s: payment %d was there throughout and is missing, of %d", setting, id, len(times))
		}
	})
}
