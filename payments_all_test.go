package jovepay_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"slices"
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
	const want = "asked for 10 payments at most, page 0 has 95"
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
	client := responding(t, answeringLogin(page), jovepay.WithCredentials(email, password))
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

// pause waits, and reports whether it was not interrupted.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
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

// All asks for the oldest payments first, unless it is told how to sort.
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
