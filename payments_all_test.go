package jovepay_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

func TestAllAtTheEmulator(t *testing.T) {
	t.Parallel()
	server := newServer(t, jovepaytest.WithPayments(1234))
	client := clientOf(t, server)
	made, err := server.Payments()
	require.NoError(t, err)
	want := make([]string, len(made))
	for i, payment := range made {
		want[i] = payment.ID.String()
	}
	for _, window := range []int{0, 1, 8, 100} {
		for _, order := range []jovepay.SortOrder{jovepay.Ascending, jovepay.Descending} {
			before := server.Count("GET", "/v1/payment")
			var got []string
			for payment, err := range client.Payments.All(t.Context(), jovepay.PaymentListOptions{Window: window, Limit: 100, OrderBy: order}) {
				require.NoError(t, err)
				got = append(got, payment.ID.String())
			}
			if order == jovepay.Descending {
				slices.Reverse(got)
			}
			require.Equal(t, want, got, "window %d", window)
			assert.Equal(t, 13, server.Count("GET", "/v1/payment")-before, "each page is read once")
		}
	}
	recent := 0
	from := made[1000].CreatedAt.Time
	for payment, err := range client.Payments.All(t.Context(), jovepay.PaymentListOptions{DateFrom: from, Limit: 7}) {
		require.NoError(t, err)
		assert.False(t, payment.CreatedAt.Before(from))
		recent++
	}
	assert.Equal(t, 234, recent)
}

func TestAllReadsAhead(t *testing.T) {
	t.Parallel()
	for window, most := range map[int]int{1: 1, 2: 2, 8: 8, 0: 8, 100: 20} {
		synctest.Test(t, func(t *testing.T) {
			s := newShelf(200)
			s.transit = func() time.Duration { return 5 * time.Millisecond }
			start := time.Now()
			got, err := collect(t.Context(), s.client(t), jovepay.PaymentListOptions{Window: window, Limit: 10})
			require.NoError(t, err)
			assert.Equal(t, upTo(200), got)
			assert.Equal(t, most, s.most, "window %d", window)
			if most == 8 {
				assert.LessOrEqual(t, time.Since(start), 40*time.Millisecond, "the first page, 19 more, and one that is empty, in 3 rounds")
			}
		})
	}
}

// Counts that contradict each other are no reason to read ahead.
func TestAllReadsAheadByCountsThatAgree(t *testing.T) {
	t.Parallel()
	for pagesCount, most := range map[int]int{20: 8, 0: 8, 19: 1, 21: 1} {
		synctest.Test(t, func(t *testing.T) {
			s := newShelf(200)
			s.transit = func() time.Duration { return 5 * time.Millisecond }
			s.lie = func(s *sheet) { s.pagesCount = pagesCount }
			got, err := collect(t.Context(), s.client(t), jovepay.PaymentListOptions{Window: 8, Limit: 10})
			require.NoError(t, err)
			assert.Equal(t, upTo(200), got)
			assert.Equal(t, most, s.most, "%d pages", pagesCount)
		})
	}
}

func TestAllStartsAtAPage(t *testing.T) {
	t.Parallel()
	for page, want := range map[int]int{0: 1, 3: 31, 9: 91} {
		got, err := collect(t.Context(), newShelf(95).client(t), jovepay.PaymentListOptions{Page: page, Limit: 10})
		require.NoError(t, err)
		assert.Equal(t, upTo(95)[want-1:], got)
	}
	got, err := collect(t.Context(), newShelf(95).client(t), jovepay.PaymentListOptions{Page: 10, Limit: 10})
	require.NoError(t, err)
	assert.Empty(t, got)
}

func TestAllOfLittle(t *testing.T) {
	t.Parallel()
	for _, silent := range []bool{false, true} {
		for _, n := range []int{0, 1, 9, 10, 11, 20} {
			s := newShelf(n)
			s.lie = func(s *sheet) { s.silent = silent }
			got, err := collect(t.Context(), s.client(t), jovepay.PaymentListOptions{Limit: 10})
			require.NoError(t, err)
			assert.Equal(t, upTo(n), got)
		}
	}
}

func TestAllRepeatsPages(t *testing.T) {
	t.Parallel()
	s := newShelf(100)
	failures := map[int]int{0: 3, 4: 3, 5: 1, 9: 2}
	s.fail = func(page int) int {
		if failures[page]--; failures[page] >= 0 {
			return http.StatusBadGateway
		}
		return 0
	}
	got, err := collect(t.Context(), s.client(t), jovepay.PaymentListOptions{Limit: 10})
	require.NoError(t, err)
	assert.Equal(t, upTo(100), got)
	assert.Len(t, s.asked, 11+9, "the last page is full, and one page more shows that it is the last")
}

func TestAllYieldsAnErrorOnce(t *testing.T) {
	t.Parallel()
	for _, bad := range []int{0, 1, 7} {
		synctest.Test(t, func(t *testing.T) {
			s := newShelf(100)
			s.transit = func() time.Duration { return time.Second }
			s.fail = func(page int) int {
				if page == bad {
					return http.StatusForbidden
				}
				return 0
			}
			rows, errs := 0, 0
			for payment, err := range s.client(t).Payments.All(t.Context(), jovepay.PaymentListOptions{Limit: 10}) {
				if err != nil {
					assertIs(t, err, jovepay.ErrForbidden)
					assert.Nil(t, payment)
					errs++
					continue
				}
				assert.Zero(t, errs, "a payment after the error")
				rows++
			}
			assert.Equal(t, []int{bad * 10, 1}, []int{rows, errs})
			assert.Zero(t, s.running)
		})
	}
}

func TestAllStopsReading(t *testing.T) {
	t.Parallel()
	opts := jovepay.PaymentListOptions{Limit: 10}
	leave := map[string]func(context.Context, *jovepay.Client) error{
		"break": func(ctx context.Context, client *jovepay.Client) error {
			for _, err := range client.Payments.All(ctx, opts) {
				return err
			}
			return nil
		},
		"break at the error": func(ctx context.Context, client *jovepay.Client) error {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			for _, err := range client.Payments.All(ctx, opts) {
				cancel()
				if err != nil {
					return nil
				}
			}
			return errors.New("walked to the end")
		},
		"panic": func(ctx context.Context, client *jovepay.Client) (err error) {
			defer func() { _ = recover() }()
			for _, err := range client.Payments.All(ctx, opts) {
				panic(err)
			}
			return nil
		},
		"context": func(ctx context.Context, client *jovepay.Client) error {
			ctx, cancel := context.WithTimeout(ctx, 5500*time.Millisecond)
			defer cancel()
			got, err := collect(ctx, client, opts)
			if !errors.Is(err, context.DeadlineExceeded) || len(got) == 0 {
				return fmt.Errorf("%d payments, %w", len(got), err)
			}
			return nil
		},
	}
	for name, walk := range leave {
		synctest.Test(t, func(t *testing.T) {
			s := newShelf(1000)
			s.transit = func() time.Duration { return time.Second }
			require.NoError(t, walk(t.Context(), s.client(t)), name)
			assert.Zero(t, s.running, "%s: still reading", name)
			asked := len(s.asked)
			time.Sleep(time.Hour) //nolint:forbidigo // fake time
			assert.Len(t, s.asked, asked, "%s: went on reading", name)
		})
	}
}

func TestAllCanBeWalkedAgain(t *testing.T) {
	t.Parallel()
	payments := newShelf(95).client(t).Payments.All(t.Context(), jovepay.PaymentListOptions{})
	var walks sync.WaitGroup
	for range 4 {
		walks.Go(func() {
			n := 0
			for _, err := range payments {
				assert.NoError(t, err)
				n++
			}
			assert.Equal(t, 95, n)
		})
	}
	walks.Wait()
}

// However many payments are added between two reads, the rows that they move
// are known.
func TestAllKnowsEveryRow(t *testing.T) {
	t.Parallel()
	s := newShelf(30_000)
	s.before = func(request int) {
		if request == 31 {
			for range 10_000 {
				s.insert(0)
			}
		}
	}
	got, err := collect(t.Context(), s.client(t), jovepay.PaymentListOptions{Window: 1})
	require.NoError(t, err)
	assert.True(t, slices.Equal(upTo(30_000), got[:30_000]))
	assert.Len(t, got, 40_000, "what is new before the pages already read comes last")
}

// The property that All is for: whatever happens to the list, no payment comes
// twice, and none that was there throughout is missing.
func TestAllOfAChangingList(t *testing.T) {
	t.Parallel()
	changes := map[string]func(*shelf, *rand.Rand){
		"new ones first":    func(s *shelf, _ *rand.Rand) { s.insert(0) },
		"new ones last":     func(s *shelf, _ *rand.Rand) { s.insert(len(s.rows)) },
		"new ones anywhere": func(s *shelf, r *rand.Rand) { s.insert(r.IntN(len(s.rows) + 1)) },
		"many new at once": func(s *shelf, r *rand.Rand) {
			for range r.IntN(40) {
				s.insert(r.IntN(len(s.rows) + 1))
			}
		},
		"some vanish": func(s *shelf, r *rand.Rand) {
			if len(s.rows) > 0 {
				at := r.IntN(len(s.rows))
				s.rows = slices.Delete(s.rows, at, at+1)
			}
		},
		"many vanish at once": func(s *shelf, r *rand.Rand) {
			if r.IntN(10) > 0 {
				return // or there is soon nothing left
			}
			at := r.IntN(len(s.rows) + 1)
			s.rows = slices.Delete(s.rows, at, min(len(s.rows), at+r.IntN(20)))
		},
	}
	for name, change := range changes {
		for _, window := range []int{1, 3, 8} {
			t.Run(fmt.Sprintf("%s, window %d", name, window), func(t *testing.T) {
				t.Parallel()
				for seed := range uint64(20) {
					synctest.Test(t, func(t *testing.T) { walkWhileChanging(t, change, window, seed) })
				}
			})
		}
	}
}

func walkWhileChanging(t *testing.T, change func(*shelf, *rand.Rand), window int, seed uint64) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	s := newShelf(r.IntN(300))
	s.transit = func() time.Duration { return time.Duration(r.IntN(100)) * time.Millisecond }
	changes, pace := r.IntN(100), time.Duration(1+r.IntN(100))*time.Millisecond
	var changing sync.WaitGroup
	start, limit := slices.Clone(s.rows), 1+r.IntN(20)
	changing.Go(func() {
		for range changes { // a list that grows faster than it is read never ends
			time.Sleep(pace) //nolint:forbidigo // fake time
			s.mu.Lock()
			change(s, r)
			s.mu.Unlock()
		}
	})
	got, err := collect(t.Context(), s.client(t), jovepay.PaymentListOptions{Window: window, Limit: limit})
	changing.Wait()
	require.NoError(t, err)

	times := map[int]int{}
	for _, id := range got {
		times[id]++
		require.Equal(t, 1, times[id], "seed %d: payment %d came twice", seed, id)
	}
	there := map[int]bool{}
	for _, id := range s.rows {
		there[id] = true
	}
	for _, id := range start {
		if there[id] {
			require.Equal(t, 1, times[id], "seed %d: payment %d was there throughout, and is missing of %d", seed, id, len(got))
		}
	}
}

// A page with more payments than were asked for is an error: what else of it is
// true, nobody knows.
func TestListRejectsLongerPages(t *testing.T) {
	t.Parallel()
	s := newShelf(95)
	s.lie = func(s *sheet) { s.rows = s.list }
	client := s.client(t)
	const want = "want at most 10 payments, page 0 has 95"
	_, err := client.Payments.List(t.Context(), jovepay.PaymentListOptions{Limit: 10})
	require.ErrorContains(t, err, want)
	got, err := collect(t.Context(), client, jovepay.PaymentListOptions{Limit: 10})
	require.ErrorContains(t, err, want)
	assert.Empty(t, got)
	list, err := client.Payments.List(t.Context(), jovepay.PaymentListOptions{})
	require.NoError(t, err, "no limit was asked for")
	assert.Len(t, list.Payments, 95)
}

// A row that names no payment is an error in its place: List has no use for
// such a page, and All reads on.
func TestAllReadsPastRowsWithoutID(t *testing.T) {
	t.Parallel()
	const page = `{"data":[{"payment_id":1},{"payment_status":"finished"},null,7,"x",{"payment_id":{}},{"payment_id":2}],"limit":500,"page":0,"pagesCount":1,"total":7}`
	client := newMockClient(t, loginResponder(page), jovepay.WithCredentials(email, password))
	var got []string
	for payment, err := range client.Payments.All(t.Context(), jovepay.PaymentListOptions{}) {
		if err != nil {
			got = append(got, err.Error())
			continue
		}
		got = append(got, string(payment.ID))
	}
	const missing = "jovepay: payment list: payment without payment_id in a list"
	assert.Equal(t, []string{"1", missing, missing, missing, missing, missing, "2"}, got)

	_, err := client.Payments.List(t.Context(), jovepay.PaymentListOptions{})
	require.ErrorContains(t, err, "payment without payment_id in a list")
	_, err = client.Payments.FindOrder(t.Context(), "order-1", time.Now())
	require.ErrorContains(t, err, missing)
}

// A panic in the caller's transport reaches the caller, not the process.
// An id is a text: one that starts with a zero is another one.
func TestAllTellsIDsApart(t *testing.T) {
	t.Parallel()
	ids := []string{"7", "07", "007", "0", "00", "a", "+7", "18446744073709551615", "18446744073709551616"}
	page := `{"data":[{"payment_id":"` + strings.Join(ids, `"},{"payment_id":"`) + `"}],"limit":500,"page":0,"pagesCount":1,"total":9}`
	client := newMockClient(t, loginResponder(page), jovepay.WithCredentials(email, password))
	var got []string
	for payment, err := range client.Payments.All(t.Context(), jovepay.PaymentListOptions{}) {
		require.NoError(t, err)
		got = append(got, string(payment.ID))
	}
	assert.Equal(t, ids, got)

	// A list that contradicts itself is an error with the number of payments met.
	client = newMockClient(t, loginResponder(strings.Replace(page, `"total":9`, `"total":8`, 1)), jovepay.WithCredentials(email, password), quickly)
	_, err := collect(t.Context(), client, jovepay.PaymentListOptions{})
	require.ErrorContains(t, err, "met 9 payments")
}

func TestAllPanicsInTheCaller(t *testing.T) {
	t.Parallel()
	for _, bad := range []int{0, 1, 7} {
		s := newShelf(100)
		s.lie = func(s *sheet) {
			if s.asked == bad {
				panic(http.ErrAbortHandler)
			}
		}
		rows := 0
		assert.PanicsWithValue(t, http.ErrAbortHandler, func() {
			for _, err := range s.client(t).Payments.All(t.Context(), jovepay.PaymentListOptions{Limit: 10}) {
				assert.NoError(t, err)
				rows++
			}
		})
		assert.Equal(t, bad*10, rows)
	}
}

// A transport that ends its goroutine, as FailNow does, must not stop the walk
// forever.
func TestAllSurvivesGoexit(t *testing.T) {
	t.Parallel()
	s := newShelf(100)
	s.lie = func(s *sheet) {
		if s.asked == 3 {
			runtime.Goexit()
		}
	}
	got, err := collect(t.Context(), s.client(t), jovepay.PaymentListOptions{Limit: 10})
	require.ErrorContains(t, err, "goroutine")
	assert.Equal(t, upTo(30), got)
}

// On a busy account, one payment is created each second while thousands are
// read.
func TestAllOnABusyAccount(t *testing.T) {
	t.Parallel()
	for _, order := range []jovepay.SortOrder{"", jovepay.Ascending, jovepay.Descending} {
		for _, limit := range []int{10, 100, 500} {
			for _, window := range []int{1, 8} {
				t.Run(fmt.Sprintf("%s, limit %d, window %d", cmp.Or(order, "default"), limit, window), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) { walkWhileBusy(t, order, limit, window) })
				})
			}
		}
	}
}

func walkWhileBusy(t *testing.T, order jovepay.SortOrder, limit, window int) {
	t.Helper()
	s := newShelf(5000)
	r := rand.New(rand.NewPCG(1, 2))
	s.transit = func() time.Duration { return time.Duration(50+r.IntN(100)) * time.Millisecond }
	want := upTo(5000)
	if order == jovepay.Descending {
		slices.Reverse(s.rows)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var growing sync.WaitGroup
	growing.Go(func() {
		for pause(ctx, time.Second) {
			s.mu.Lock()
			s.insert(map[bool]int{false: len(s.rows)}[order == jovepay.Descending])
			s.mu.Unlock()
		}
	})
	got, err := collect(t.Context(), s.client(t), jovepay.PaymentListOptions{OrderBy: order, Limit: limit, Window: window})
	cancel()
	growing.Wait()
	require.NoError(t, err)
	slices.Sort(got)
	assert.Equal(t, want, got[:5000])
	assert.Len(t, slices.Compact(slices.Clone(got)), len(got), "a payment came twice")
	t.Log(len(s.asked), "requests for", 5000/limit, "pages")
	assert.Less(t, len(s.asked), 4*5000/limit+20)
}

// Pages are not requested again at once.
func TestAllPausesBeforeItReadsAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(95)
		s.lie = func(s *sheet) { s.rows = nil }
		client := newClient(t, jovepay.DefaultBaseURL, jovepay.WithCredentials(email, password),
			jovepay.WithRetry(jovepay.RetryPolicy{BaseDelay: 10 * time.Second, MaxDelay: 10 * time.Second}),
			jovepay.WithHTTPClient(&http.Client{Transport: roundTripper(s.respond)}))
		start := time.Now()
		_, err := collect(t.Context(), client, jovepay.PaymentListOptions{Limit: 10})
		require.ErrorContains(t, err, "page 0 is empty")
		assert.Len(t, s.asked, 8)
		assert.Greater(t, time.Since(start), 3*time.Second, "seven pauses, each up to 10 s")

		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err = collect(ctx, client, jovepay.PaymentListOptions{Limit: 10})
		assertIs(t, err, context.DeadlineExceeded)
	})
}

// A list is read up to 4 times if its passes contradict each other, and up to 8
// times if growth explains most of them. A pass that only finds out how large
// the server's pages are doesn't count.
func TestAllGivesUp(t *testing.T) {
	t.Parallel()
	opts := jovepay.PaymentListOptions{Limit: 10, Window: 1}
	for limit, want := range map[int]string{10: "in 4 passes", 20: "in 5 passes"} {
		s := newShelf(25)
		s.cap, s.lie = 10, func(s *sheet) { s.total++ }
		opts.Limit = limit
		_, err := collect(t.Context(), s.client(t), opts)
		require.ErrorContains(t, err, want)
	}
	for limit, want := range map[int]string{10: "in 8 passes", 20: "in 9 passes"} {
		s := newShelf(25)
		passes := -limit / 20
		s.before = func(request int) {
			switch s.asked[request-1] {
			case 0:
				passes++
				s.insert(len(s.rows))
			case 1:
				s.insert(0)
			}
		}
		s.cap, s.lie = 10, func(s *sheet) {
			if s.asked == 1 && passes%3 == 0 {
				s.rows = nil
			}
		}
		opts.Limit = limit
		_, err := collect(t.Context(), s.client(t), opts)
		require.ErrorContains(t, err, want)
	}
}

// The page size is reduced up to 4 times, and no further.
func TestAllReducesThePageSize(t *testing.T) {
	t.Parallel()
	for smallest, want := range map[int]string{6: "", 5: "asked for 6; met 25 payments in 8 passes"} {
		s := newShelf(25)
		s.cap = 10
		s.before = func(request int) {
			if s.asked[request-1] == 0 {
				s.cap = max(smallest, s.cap-1)
			}
		}
		got, err := collect(t.Context(), s.client(t), jovepay.PaymentListOptions{Limit: 10, Window: 1})
		assert.Equal(t, upTo(25), got)
		if want == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, want)
	}
}

// Past the end, where a 400 or a 404 is the end of the list, other errors are
// errors; and so is a 400 before the end.
func TestAllFailsAtTheEnd(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		page, status int
		want         error
	}{
		{2, http.StatusForbidden, jovepay.ErrForbidden},
		{1, http.StatusBadRequest, jovepay.ErrInvalidRequest},
		{2, http.StatusBadRequest, nil},
	} {
		s := newShelf(20)
		s.fail = func(page int) int { return map[int]int{tt.page: tt.status}[page] }
		_, err := collect(t.Context(), s.client(t), jovepay.PaymentListOptions{Limit: 10})
		require.ErrorIs(t, err, tt.want)
	}
}

// A list without totals that adds one payment a page is read until 16 pages for
// each page of payments received, and 128 more, are exceeded.
func TestAllBoundsThePagesItReads(t *testing.T) {
	t.Parallel()
	s := newShelf(1000)
	s.lie = func(s *sheet) {
		s.rows, s.silent = s.list[s.asked:s.asked+50], true
	}
	_, err := collect(t.Context(), s.client(t), jovepay.PaymentListOptions{Limit: 50})
	require.ErrorContains(t, err, "193 pages were read, and only 242 payments met")
	assert.Len(t, s.asked, 193)
}

// The pages that All looks back over count too.
func TestAllBoundsThePagesItLooksBackOver(t *testing.T) {
	t.Parallel()
	s := newShelf(1000)
	s.lie = func(s *sheet) {
		s.total, s.pagesCount = 1_000_000-1000*s.request, 100_000-100*s.request
	}
	_, err := collect(t.Context(), s.client(t), jovepay.PaymentListOptions{Limit: 10, Window: 1})
	require.ErrorContains(t, err, "pages were read, and only")
	assert.Less(t, len(s.asked), 16*(len(s.rows)/10+8))
}

// After a fall of the total the payments are counted over, so that the third
// pass ends as soon as it has met the one that the second pass missed.
func TestAllCountsOverAfterAFall(t *testing.T) {
	t.Parallel()
	s := newShelf(25)
	passes := 0
	s.before = func(request int) {
		switch page := s.asked[request-1]; {
		case page == 0:
			passes++
		case page == 2 && passes == 1 && len(s.rows) == 25:
			s.rows = slices.Delete(s.rows, 0, 1)
		case page == 2 && passes == 2:
			s.insert(0)
		}
	}
	got, err := collect(t.Context(), s.client(t), jovepay.PaymentListOptions{Limit: 10, Window: 1})
	require.NoError(t, err)
	assert.Equal(t, upTo(26), got)
	assert.Equal(t, []int{0, 1, 2, 2, 1, 0, 1, 2, 0}, s.asked)
}

// As above, with the fall between the first pass, which misses two payments, and
// the second.
func TestAllCountsOverAfterAFallBetweenPasses(t *testing.T) {
	t.Parallel()
	s := newShelf(25)
	s.before = func(request int) {
		switch request {
		case 3:
			s.insert(15)
			s.insert(0)
		case 4:
			s.rows = slices.Delete(s.rows, 3, 4)
		}
	}
	got, err := collect(t.Context(), s.client(t), jovepay.PaymentListOptions{Limit: 10, Window: 1})
	require.NoError(t, err)
	assert.Equal(t, []int{0, 1, 2, 0, 1, 2}, s.asked)
	slices.Sort(got)
	assert.Equal(t, upTo(27), got)
}

// When payments vanish, All looks back over as many pages as they had room on.
func TestAllLooksBack(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		vanish map[int]int // before which request
		tell   func(*sheet)
		want   []int
	}{
		{vanish: map[int]int{2: 10}, want: []int{0, 1, 1, 0, 2, 3, 0, 1, 2, 3}},
		{vanish: map[int]int{3: 10}, want: []int{0, 1, 2, 2, 1, 3, 0, 1, 2, 3}},
		{vanish: map[int]int{3: 11}, want: []int{0, 1, 2, 2, 1, 0, 3, 0, 1, 2, 3}},
		{vanish: map[int]int{3: 12, 5: 23}, tell: func(s *sheet) { pastEnd(s, http.StatusNotFound) }, want: []int{0, 1, 2, 2, 1, 0, 3, 3, 0, 1}},
		{vanish: map[int]int{6: 21}, tell: fromOne, want: []int{0, 1, 1, 0, 2, 3, 3, 2, 1, 0, 1, 1, 0, 2, 3}},
	} {
		s := newShelf(45)
		s.before = func(request int) { s.rows = s.rows[tt.vanish[request]:] }
		s.lie = tt.tell
		got, err := collect(t.Context(), s.client(t), jovepay.PaymentListOptions{Limit: 10, Window: 1})
		require.NoError(t, err)
		assert.Subset(t, got, s.rows)
		assert.Equal(t, tt.want, s.asked)
	}
}

// fromOne numbers the pages from 1.
func fromOne(s *sheet) { s.cut(s.list, max(0, s.asked-1)) }

// A list that loses another payment whenever All looks back moves one onto the page
// that All holds meanwhile. That is no contradiction either, but a second one is.
func TestAllOfAListThatShrinksMeanwhile(t *testing.T) {
	t.Parallel()
	for moved, want := range map[int]string{1: "", 2: "page 2 repeats 2 payments, and the total grew by 1"} {
		s := newShelf(60)
		passes, lookingBack := 0, false
		s.before = func(request int) {
			last := 0
			if request > 1 {
				last = s.asked[request-2]
			}
			page := s.asked[request-1]
			lookingBack = page == 1 && last == 2
			if page == 0 {
				passes++
			}
			if lookingBack || page == 2 && last == 1 {
				s.rows = s.rows[1:]
			}
		}
		s.lie = func(s *sheet) {
			if lookingBack {
				s.rows = s.list[9+moved : 19+moved]
			}
		}
		got, err := collect(t.Context(), s.client(t), jovepay.PaymentListOptions{Limit: 10, Window: 1})
		if want != "" {
			require.ErrorContains(t, err, want)
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, upTo(60), got)
		assert.Equal(t, 3, passes)
	}
}

// A list that only loses payments is no contradiction.
func TestAllOfAShrinkingList(t *testing.T) {
	t.Parallel()
	s := newShelf(40)
	passes := 0
	s.before = func(request int) {
		switch page := s.asked[request-1]; {
		case page == 0:
			passes++
		case page == 2 && len(s.rows) > 40-passes:
			s.rows = slices.Delete(s.rows, 0, 1)
		}
	}
	got, err := collect(t.Context(), s.client(t), jovepay.PaymentListOptions{Limit: 10, Window: 1})
	require.NoError(t, err)
	assert.Equal(t, upTo(40), got)
	assert.Equal(t, 3, passes)
}

// The pages that All asks for, one after the other.
func TestAllAsksForEachPageOnce(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		n, cap int
		alter  func(s *shelf, request int)
		tell   func(*sheet)
		want   []int
	}{
		"a page of new payments moves the first page to the second place": {n: 25, alter: func(s *shelf, request int) {
			for range map[int]int{2: 10}[request] {
				s.insert(0)
			}
		}, want: []int{0, 1, 2, 3, 0}},
		"twice a page of new payments moves the first page to the third place": {n: 25, alter: func(s *shelf, request int) {
			for range map[int]int{2: 10, 3: 10}[request] {
				s.insert(0)
			}
		}, want: []int{0, 1, 2, 3, 4, 0, 1}},
		"as many new payments as were read": {n: 35, alter: func(s *shelf, request int) {
			for range map[int]int{4: 30}[request] {
				s.insert(0)
			}
		}, want: []int{0, 1, 2, 3, 4, 5, 6, 0, 1, 2}},
		"a new payment, of a server that counts from 1": {n: 25, alter: func(s *shelf, request int) {
			if request == 5 {
				s.insert(0)
			}
		}, tell: fromOne, want: []int{0, 1, 1, 0, 2, 3, 0, 1, 1, 0, 2, 3}},
		"a full page, without the limit":  {n: 10, tell: func(s *sheet) { s.limit = 0 }, want: []int{0, 1}},
		"a full page of a smaller server": {n: 5, cap: 5, want: []int{0, 1}},
		"no payments":                     {want: []int{0}},
		"no payments, counted as a page":  {tell: func(s *sheet) { s.pagesCount = 1 }, want: []int{0}},
		"no payments, counted as pages":   {tell: func(s *sheet) { s.pagesCount = 2 }, want: []int{0, 1}},
	} {
		s := newShelf(tt.n)
		s.cap, s.lie = tt.cap, tt.tell
		if tt.alter != nil {
			s.before = func(request int) { tt.alter(s, request) }
		}
		got, err := collect(t.Context(), s.client(t), jovepay.PaymentListOptions{Limit: 10, Window: 1})
		require.NoError(t, err, name)
		slices.Sort(got)
		assert.Equal(t, upTo(s.last), got, name)
		assert.Equal(t, tt.want, s.asked, name)
	}
}

// The first total of a pass is no growth that could explain a repeated payment.
func TestAllOfAFirstPageWithoutTotal(t *testing.T) {
	t.Parallel()
	s := newShelf(25)
	s.lie = func(s *sheet) {
		s.silent = s.asked == 0
		if s.asked == 1 {
			s.rows[0] = 10
		}
	}
	got, err := collect(t.Context(), s.client(t), jovepay.PaymentListOptions{Limit: 10, Window: 1})
	require.ErrorContains(t, err, "page 1 repeats 1 payments, and the total grew by 0")
	assert.NotContains(t, got, 11)
}

// Each payment by which the total grows explains one repeated payment, once.
func TestAllOfTooLittleGrowth(t *testing.T) {
	t.Parallel()
	for want, tell := range map[string]func(s *sheet){
		"page 1 repeats 2 payments, and the total grew by 1": func(s *sheet) {
			if s.asked > 0 {
				s.total++
			}
			if s.asked == 1 {
				copy(s.rows, []int{9, 10})
			}
		},
		"page 2 repeats 10 payments, and the total grew by 0": func(s *sheet) {
			if s.asked > 0 {
				s.total += 10
				s.pagesCount++
			}
			if s.asked == 1 || s.asked == 2 {
				s.cut(s.list, 0)
			}
		},
	} {
		s := newShelf(45)
		s.lie = tell
		got, err := collect(t.Context(), s.client(t), jovepay.PaymentListOptions{Limit: 10, Window: 1})
		require.ErrorContains(t, err, want)
		assert.NotContains(t, got, 11)
	}
}

// A server that repeats one page, and each time claims to have a page more, is
// found out once it has repeated three: it would never come to an end.
func TestAllTellsWhichPagesRepeat(t *testing.T) {
	t.Parallel()
	s := newShelf(10)
	s.lie = func(s *sheet) {
		s.cut(s.list, 0)
		s.total, s.pagesCount = 100+10*s.request, 10+s.request
	}
	got, err := collect(t.Context(), s.client(t), jovepay.PaymentListOptions{Limit: 10, Window: 1})
	require.ErrorContains(t, err, "pages 1 to 3 repeat earlier ones")
	assert.Equal(t, upTo(10), got)
}

// All asks for the oldest payments first, unless its options say how to sort.
func TestAllAsksForAnOrder(t *testing.T) {
	t.Parallel()
	for opts, want := range map[jovepay.PaymentListOptions]string{
		{}:                              "created_at asc",
		{OrderBy: jovepay.Descending}:   "created_at desc",
		{SortBy: jovepay.SortByOrderID}: "order_id asc",
		{SortBy: jovepay.SortByPriceAmount, OrderBy: jovepay.Descending}: "price_amount desc",
	} {
		s := newShelf(3)
		var got string
		client := newClient(t, jovepay.DefaultBaseURL, jovepay.WithCredentials(email, password),
			jovepay.WithHTTPClient(&http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				got = r.URL.Query().Get("sortBy") + " " + r.URL.Query().Get("orderBy")
				return s.respond(r)
			})}))
		_, err := collect(t.Context(), client, opts)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
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
		{name: "the page number is wrong", n: 95, tell: func(s *sheet) { s.page = 7 }, most: 12},
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
		{name: "page sizes that alternate", n: 95, tell: func(s *sheet) { s.size = min(s.size, 7+s.request%2*3); s.cut(s.list, s.asked) }, most: 40},
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

// shelf is a payment list that changes, responding in this process so that
// time can be fake.
type shelf struct {
	mu      sync.Mutex
	rows    []int // payment ids in the order of the list
	last    int   // the largest id
	asked   []int // pages
	running int
	most    int // that ran at the same time

	transit func() time.Duration // on the way to it, and the same back
	before  func(request int)    // under the lock, before the response to a request
	fail    func(page int) int   // status of an error, or 0
	cap     int                  // the largest page it gives, if not 0
	lie     func(*sheet)         // changes a page before it is sent
}

// sheet is a page of the list, as it is sent.
type sheet struct {
	asked, request          int // page number, and how many requests there were, this one too
	size                    int // of a page
	list                    []int
	rows                    []int
	limit, page, pagesCount int
	total                   int
	silent                  bool // without any number
	status                  int  // of an error
}

// cut fills in the rows from a list, as page number of the size.
func (s *sheet) cut(list []int, number int) {
	s.rows = nil
	if number >= 0 {
		first := min(len(list), number*s.size)
		s.rows = list[first:min(len(list), first+s.size)]
	}
}

func (s *sheet) text() string {
	var b strings.Builder
	b.WriteString(`{"data":[`)
	for i, id := range s.rows {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"payment_id":%d}`, id)
	}
	b.WriteByte(']')
	if !s.silent {
		fmt.Fprintf(&b, `,"limit":%d,"page":%d,"pagesCount":%d,"total":%d`, s.limit, s.page, s.pagesCount, s.total)
	}
	b.WriteByte('}')
	return b.String()
}

func newShelf(n int) *shelf {
	s := &shelf{last: n}
	for id := range n {
		s.rows = append(s.rows, id+1)
	}
	return s
}

func (s *shelf) insert(at int) {
	s.last++
	s.rows = slices.Insert(s.rows, at, s.last)
}

func (s *shelf) respond(r *http.Request) (*http.Response, error) {
	if r.URL.Path == "/v1/auth" {
		return plainResponse(http.StatusOK, `{"token":"`+token()+`"}`), nil
	}
	s.mu.Lock()
	s.running++
	s.most = max(s.most, s.running)
	s.mu.Unlock()
	defer func() { s.mu.Lock(); s.running--; s.mu.Unlock() }()
	if err := s.travel(r.Context()); err != nil {
		return nil, err
	}
	res := s.response(r)
	if err := s.travel(r.Context()); err != nil {
		return nil, err
	}
	return res, nil
}

func (s *shelf) travel(ctx context.Context) error {
	if s.transit == nil {
		return ctx.Err()
	}
	s.mu.Lock()
	d := s.transit()
	s.mu.Unlock()
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *shelf) response(r *http.Request) *http.Response {
	s.mu.Lock()
	defer s.mu.Unlock()
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	s.asked = append(s.asked, page)
	if s.before != nil {
		s.before(len(s.asked))
	}
	if s.fail != nil {
		if status := s.fail(page); status != 0 {
			return plainResponse(status, `{"message":"x"}`)
		}
	}
	size := cmp.Or(min(limit, cmp.Or(s.cap, limit)), 10)
	sent := &sheet{
		asked: page, request: len(s.asked), size: size, list: slices.Clone(s.rows),
		limit: size, page: page, pagesCount: (len(s.rows) + size - 1) / size, total: len(s.rows),
	}
	sent.cut(sent.list, page)
	if s.lie != nil {
		s.lie(sent)
	}
	if sent.status != 0 {
		return plainResponse(sent.status, `{"message":"x"}`)
	}
	return plainResponse(http.StatusOK, sent.text())
}

func (s *shelf) client(tb testing.TB) *jovepay.Client {
	tb.Helper()
	return newClient(tb, jovepay.DefaultBaseURL, jovepay.WithCredentials(email, password),
		jovepay.WithHTTPClient(&http.Client{Transport: roundTripper(s.respond)}))
}

// collect walks the list to its end.
func collect(ctx context.Context, client *jovepay.Client, opts jovepay.PaymentListOptions) (ids []int, err error) {
	for payment, failed := range client.Payments.All(ctx, opts) {
		if failed != nil {
			return ids, failed
		}
		id, _ := strconv.Atoi(payment.ID.String())
		ids = append(ids, id)
	}
	return ids, nil
}

func upTo(n int) []int { return newShelf(n).rows }

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
	total, pagesCount int // how each is reported
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
	// At least half of the worlds report a setting truthfully.
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

// count reports the totals.
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
// and no error where the list is right.
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
