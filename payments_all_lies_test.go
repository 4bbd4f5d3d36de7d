package jovepay_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

// lie is a server whose list contradicts itself.
type lie struct {
	name  string
	n     int // payments
	cap   int // the largest page it gives, if not 0
	tell  func(*sheet)
	alter func(s *shelf, request int) // before the request; what is added is not asked for
	wrong string                      // part of the error; "" if every payment is found all the same; "or" if either is right
	most  int                         // requests
}

// lies is the table of docs/faults.md on lists that contradict themselves. On
// each of its kinds payments were lost without an error, or the reading never
// ended.
func lies() []lie {
	swap := func(s *shelf, i, j int) { s.rows[i], s.rows[j] = s.rows[j], s.rows[i] }
	return []lie{
		// Payments that move.
		{name: "two payments change places across a page's end, once", n: 95, alter: func(s *shelf, request int) {
			if request == 5 {
				swap(s, 39, 40)
			}
		}, most: 20},
		{name: "payments change places all the time", n: 95, alter: func(s *shelf, _ int) {
			for i := range 94 {
				if rand.IntN(4) == 0 {
					swap(s, i, i+1)
				}
			}
		}, wrong: "or", most: 60},
		{name: "another order each time", n: 95, alter: func(s *shelf, _ int) {
			rand.Shuffle(len(s.rows), func(i, j int) { swap(s, i, j) })
		}, wrong: "or", most: 60},
		{name: "replicas that order ties differently", n: 200, tell: func(s *sheet) {
			for i := 1; i+1 < len(s.list) && s.asked%2 == 0; i += 2 {
				s.list[i], s.list[i+1] = s.list[i+1], s.list[i]
			}
			s.cut(s.list, s.asked)
		}, wrong: "repeats 1 payments, and the total grew by 0", most: 90},
		{name: "a page of new payments comes first, once", n: 95, alter: func(s *shelf, request int) {
			for range map[int]int{5: 10}[request] {
				s.insert(0)
			}
		}, most: 20},
		{name: "three pages of new payments come first, once", n: 95, alter: func(s *shelf, request int) {
			for range map[int]int{5: 30}[request] {
				s.insert(0)
			}
		}, most: 24},
		{name: "a page of new payments comes last, twice", n: 95, alter: func(s *shelf, request int) {
			for range map[int]int{5: 10, 10: 10}[request] {
				s.insert(len(s.rows))
			}
		}, most: 14},
		{name: "payments change places while one comes last", n: 95, alter: func(s *shelf, request int) {
			if request == 5 {
				swap(s, 39, 40)
				s.insert(len(s.rows))
			}
		}, most: 24},
		{name: "payments change places while one comes first", n: 95, alter: func(s *shelf, request int) {
			if request == 5 {
				swap(s, 38, 40)
				s.insert(0)
			}
		}, most: 24},

		// The number of pages is not believed.
		{name: "pagesCount is too small", n: 200, tell: func(s *sheet) { s.pagesCount = 16 }, most: 22},
		{name: "pagesCount is zero-based", n: 95, tell: func(s *sheet) { s.pagesCount-- }, most: 12},
		{name: "pagesCount is 0", n: 95, tell: func(s *sheet) { s.pagesCount = 0 }, most: 12},
		{name: "pagesCount is negative", n: 95, tell: func(s *sheet) { s.pagesCount = -10 }, most: 12},
		{name: "pagesCount is enormous", n: 95, tell: func(s *sheet) { s.pagesCount = math.MaxInt32 }, most: 12},
		{name: "pagesCount is the page", n: 95, tell: func(s *sheet) { s.pagesCount = s.asked }, most: 12},

		// The total.
		{name: "total counts the page", n: 95, tell: func(s *sheet) { s.total, s.pagesCount = len(s.rows), 1 }, wrong: "the total is", most: 90},
		{name: "total counts the page, all full", n: 100, tell: func(s *sheet) { s.total, s.pagesCount = len(s.rows), 1 }, wrong: "the total is 10", most: 90},
		{name: "total counts the remainder", n: 95, tell: func(s *sheet) { s.total -= s.asked * s.size }, wrong: "total", most: 200},
		{name: "total counts what is before", n: 95, tell: func(s *sheet) { s.total = (s.asked + 1) * s.size }, wrong: "95 payments of 120", most: 90},
		{name: "total is one too small", n: 95, tell: func(s *sheet) { s.total-- }, wrong: "total is 94", most: 90},
		{name: "total is one too large", n: 95, tell: func(s *sheet) { s.total++ }, wrong: "95 payments of 96", most: 90},
		{name: "total is too small by whole pages", n: 200, tell: func(s *sheet) { s.total, s.pagesCount = 160, 16 }, wrong: "total is 160", most: 120},
		{name: "total is too large by whole pages", n: 200, tell: func(s *sheet) { s.total, s.pagesCount = 240, 24 }, wrong: "200 payments of 240", most: 150},
		{name: "total is the number of pages", n: 95, tell: func(s *sheet) { s.total = s.pagesCount }, wrong: "total is 10", most: 90},
		{name: "total is missing", n: 95, tell: func(s *sheet) { s.total = 0 }, most: 15},
		{name: "total is negative", n: 95, tell: func(s *sheet) { s.total = -1 }, most: 15},
		{name: "total is missing now and then", n: 95, tell: func(s *sheet) { s.total *= s.asked % 2 }, most: 15},
		{name: "total is enormous", n: 95, tell: func(s *sheet) { s.total, s.pagesCount = math.MaxInt, math.MaxInt/s.size+1 }, wrong: "95 payments of", most: 120},
		{name: "total grows with each request", n: 95, tell: func(s *sheet) { s.total += s.request }, wrong: "95 payments of", most: 60},
		{name: "total alternates between replicas", n: 95, tell: func(s *sheet) { s.total -= s.request % 2 * 3 }, wrong: "or", most: 90},
		{name: "a replica lags behind", n: 95, tell: func(s *sheet) {
			if s.request%2 == 0 {
				s.list, s.total = s.list[:92], 92
				s.cut(s.list, s.asked)
			}
		}, wrong: "or", most: 60},
		{name: "total shrinks with each request", n: 95, tell: func(s *sheet) { s.total += 1000 - s.request }, wrong: "95 payments of 9", most: 150},
		{name: "totals of payments that aren't shown", n: 95, tell: func(s *sheet) { s.rows = nil }, wrong: "page 0 is empty", most: 12},
		{name: "no numbers at all", n: 95, tell: func(s *sheet) { s.silent = true }, most: 15},

		// The page.
		{name: "always the first page", n: 95, tell: func(s *sheet) { s.cut(s.list, 0); s.page = 0 }, wrong: "page 2 repeats 10 payments", most: 60},
		{name: "always the first page, and the page as asked", n: 95, tell: func(s *sheet) { s.cut(s.list, 0) }, wrong: "page 2 repeats 10 payments", most: 60},
		{name: "always the first page, without numbers", n: 95, tell: func(s *sheet) { s.cut(s.list, 0); s.silent = true }, wrong: "page 2 repeats 10 payments", most: 30},
		{name: "always the first page, and the total grows", n: 95, tell: func(s *sheet) { s.cut(s.list, 0); s.total += 1_000_000 * s.request }, wrong: "repeat", most: 60},
		{name: "the page number is a lie", n: 95, tell: func(s *sheet) { s.page = 7 }, most: 12},
		{name: "pages numbered from 1", n: 95, tell: func(s *sheet) { s.cut(s.list, max(1, s.asked)-1) }, most: 15},
		{name: "pages numbered from 1, without numbers", n: 95, tell: func(s *sheet) { s.cut(s.list, max(1, s.asked)-1); s.silent = true }, most: 16},
		{name: "pages numbered from 1, all full", n: 100, tell: func(s *sheet) { s.cut(s.list, max(1, s.asked)-1) }, most: 15},
		{name: "each page twice", n: 95, tell: func(s *sheet) { s.cut(s.list, s.asked/2) }, wrong: "repeat", most: 120},

		// The end.
		{name: "404 past the end", n: 100, tell: func(s *sheet) { pastEnd(s, 404) }, most: 15},
		{name: "404 past the end, without numbers", n: 95, tell: func(s *sheet) { pastEnd(s, 404); s.silent = true }, most: 15},
		{name: "400 past the end", n: 100, tell: func(s *sheet) { pastEnd(s, 400) }, most: 15},
		{name: "404 too early", n: 95, tell: func(s *sheet) {
			if s.asked > 4 {
				s.status = http.StatusNotFound
			}
		}, wrong: "page 5 is empty, after 50 payments of 95", most: 90},
		{name: "the last page forever", n: 100, tell: func(s *sheet) { s.cut(s.list, min(s.asked, 9)) }, most: 15},
		{name: "the last page forever, without numbers", n: 95, tell: func(s *sheet) { s.cut(s.list, min(s.asked, 9)); s.silent = true }, wrong: "page 9 has 5 payments and is not the last", most: 60},
		{name: "an empty page in the middle", n: 95, tell: func(s *sheet) {
			if s.asked == 4 {
				s.rows = nil
			}
		}, wrong: "page 4 is empty, and page 5 isn't", most: 90},
		{name: "an empty page in the middle, once", n: 95, tell: func(s *sheet) {
			if s.request == 5 {
				s.rows = nil
			}
		}, most: 22},

		// The size of pages.
		{name: "smaller pages", n: 95, cap: 7, most: 16},
		{name: "smaller pages, without numbers", n: 95, cap: 7, tell: func(s *sheet) { s.silent = true }, most: 17},
		{name: "smaller pages, counted as asked", n: 95, cap: 7, tell: func(s *sheet) { s.limit = 10 }, most: 16},
		{name: "pages of one", n: 30, cap: 1, most: 32},
		{name: "smaller and smaller pages", n: 95, tell: func(s *sheet) { s.size = max(4, s.size-s.asked); s.cut(s.list, s.asked) }, wrong: "repeats", most: 150},
		{name: "smaller pages at the places of large ones", n: 95, tell: func(s *sheet) { s.rows = s.rows[:min(7, len(s.rows))] }, most: 30},
		{name: "page sizes that take turns", n: 95, tell: func(s *sheet) { s.size = min(s.size, 7+s.request%2*3); s.cut(s.list, s.asked) }, most: 40},
	}
}

func pastEnd(s *sheet, status int) {
	if s.asked > 0 && len(s.rows) == 0 {
		s.status = status
	}
}

// liesPage is what docs/faults.md says about them.
func liesPage() string {
	var b strings.Builder
	b.WriteString("\n## A payment list that contradicts itself\n\n" +
		"`Payments.All` with pages of 10 and a window of 1. *Pages* is how many a truthful\n" +
		"server needs for the same payments.\n\n" +
		"| What the server does | Pages | Requests, at most | The caller gets |\n" +
		"| --- | --- | --- | --- |\n")
	for _, l := range lies() {
		gets := map[string]string{"": "every payment", "or": "every payment, or an error"}[l.wrong]
		if gets == "" {
			gets = "an error: “" + l.wrong + "”"
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %s |\n", l.name, (l.n+9)/10, l.most, gets)
	}
	return b.String()
}

// Either every payment, or an error; after a bounded number of requests.
func TestAllOfLyingServers(t *testing.T) {
	t.Parallel()
	for _, l := range lies() {
		for _, window := range []int{1, 8} {
			t.Run(l.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := newShelf(l.n)
					s.cap, s.lie = l.cap, l.tell
					if l.alter != nil {
						s.before = func(request int) { l.alter(s, request) }
					}
					got, err := collect(t.Context(), s.client(t), jovepay.PaymentListOptions{Limit: 10, Window: window})
					t.Log(len(s.asked), "requests:", err)
					assert.LessOrEqual(t, len(s.asked), l.most+2*window*max(0, window-7), "requests")
					slices.Sort(got)
					if l.wrong == "" || l.wrong == "or" && err == nil {
						require.NoError(t, err)
						require.GreaterOrEqual(t, len(got), l.n)
						assert.Equal(t, upTo(l.n), got[:l.n])
						assert.Len(t, slices.Compact(got), s.last)
						return
					}
					require.ErrorContains(t, err, strings.TrimPrefix(l.wrong, "or"))
					assertOneLine(t, err)
					assert.Equal(t, got, slices.Compact(slices.Clone(got)), "twice")
				})
			})
		}
	}
}
