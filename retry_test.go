package jovepay_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

func TestRetryAfterIsObeyed(t *testing.T) {
	t.Parallel()
	const base = 250 * time.Millisecond
	epoch := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // where synctest's clock starts
	for _, tt := range []struct {
		header    string
		reported  time.Duration // in the error
		low, high time.Duration // of the pause
	}{
		{"7", 7 * time.Second, 7 * time.Second, 7 * time.Second},
		{" 7 ", 7 * time.Second, 7 * time.Second, 7 * time.Second},
		{"30", 30 * time.Second, 30 * time.Second, 30 * time.Second},
		{"31", 31 * time.Second, 30 * time.Second, 30 * time.Second},
		{"86400", 24 * time.Hour, 30 * time.Second, 30 * time.Second},
		{"2147483647", 2147483647 * time.Second, 30 * time.Second, 30 * time.Second},
		{epoch.Add(7 * time.Second).Format(http.TimeFormat), 7 * time.Second, 7 * time.Second, 7 * time.Second},
		{epoch.Add(7 * time.Second).Format(time.RFC850), 7 * time.Second, 7 * time.Second, 7 * time.Second},
		{epoch.Add(7 * time.Second).Format(time.ANSIC), 7 * time.Second, 7 * time.Second, 7 * time.Second},
		{epoch.AddDate(200, 0, 0).Format(http.TimeFormat), epoch.AddDate(200, 0, 0).Sub(epoch), 30 * time.Second, 30 * time.Second},
		{epoch.Add(-time.Hour).Format(http.TimeFormat), 0, 0, base},
		{epoch.Format(http.TimeFormat), 0, 0, base},
		{"0", 0, 0, base},
		{"-5", 0, 0, base},
		{"+5", 0, 0, base},
		{"1.5", 0, 0, base},
		{"1e3", 0, 0, base},
		{"0x10", 0, 0, base},
		{"7 seconds", 0, 0, base},
		{"tomorrow", 0, 0, base},
		{"", 0, 0, base},
		{"2147483648", 2147483648 * time.Second, 30 * time.Second, 30 * time.Second},
		{"9223372036", 9223372036 * time.Second, 30 * time.Second, 30 * time.Second},
		{"9223372037", 9223372036 * time.Second, 30 * time.Second, 30 * time.Second}, // more than a Duration holds
		{"9223372036854775808", 9223372036 * time.Second, 30 * time.Second, 30 * time.Second},
		{"18446744073709551615", 9223372036 * time.Second, 30 * time.Second, 30 * time.Second},
		{strings.Repeat("9", 1000), 9223372036 * time.Second, 30 * time.Second, 30 * time.Second},
		{strings.Repeat("0", 1000) + "7", 7 * time.Second, 7 * time.Second, 7 * time.Second},
		{"Fri, 31 Dec 9999 23:59:59 GMT", math.MaxInt64, 30 * time.Second, 30 * time.Second},
		{"Mon, 01 Jan 0001 00:00:00 GMT", 0, 0, base},
		{"-" + strings.Repeat("9", 1000), 0, 0, base},
		{"٧", 0, 0, base},
		{"1_000", 0, 0, base},
	} {
		for _, code := range []int{429, 503} {
			synctest.Test(t, func(t *testing.T) {
				_, client := play(t, status(code, "Retry-After", tt.header))
				_, err := client(jovepay.WithRetry(jovepay.RetryPolicy{MaxAttempts: 1})).Payments.Get(t.Context(), "1")
				failed := (*jovepay.APIError)(nil)
				require.ErrorAs(t, err, &failed)
				assert.Equal(t, tt.reported, failed.RetryAfter, "%q", tt.header)

				s, client := play(t, status(code, "Retry-After", tt.header), status(200))
				_, err = client().Payments.Get(t.Context(), "1")
				require.NoError(t, err)
				require.Len(t, s.pauses(), 1)
				assert.GreaterOrEqual(t, s.pauses()[0], tt.low, "%q", tt.header)
				assert.LessOrEqual(t, s.pauses()[0], tt.high, "%q", tt.header)
			})
		}
	}
}

func TestRetryAfterIsCapped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, client := play(t, status(429, "Retry-After", "3600"), status(200))
		_, err := client(jovepay.WithRetry(jovepay.RetryPolicy{MaxRetryAfter: time.Minute})).Payments.Create(t.Context(), goods("1"))
		require.NoError(t, err)
		assert.Equal(t, []time.Duration{time.Minute}, s.pauses())
	})
}

func TestPausesAreFullJitter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		bounds := []float64{0.1, 0.2, 0.4, 0.7, 0.7} // seconds
		low, high := make([]float64, len(bounds)), make([]float64, len(bounds))
		for range 300 {
			s, client := play(t, status(500), lost, status(503), status(408), status(429), status(500))
			_, err := client(jovepay.WithRetry(jovepay.RetryPolicy{
				MaxAttempts: 6, BaseDelay: 100 * time.Millisecond, MaxDelay: 700 * time.Millisecond,
			})).Payments.Get(t.Context(), "1")
			assertIs(t, err, jovepay.ErrServer)
			require.Len(t, s.pauses(), len(bounds))
			for i, pause := range s.pauses() {
				share := pause.Seconds() / bounds[i]
				low[i], high[i] = min(low[i], share-0.5), max(high[i], share-0.5)
				require.LessOrEqual(t, share, 1.0, "pause %d", i)
			}
		}
		for i := range bounds {
			assert.Less(t, low[i], -0.4, "pause %d is never short", i)
			assert.Greater(t, high[i], 0.4, "pause %d is never long", i)
		}
	})
}

func TestDefaultsOfTheRetryPolicy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		longest := make([]time.Duration, 3)
		for range 200 {
			s, client := play(t, lost)
			_, err := client().Payments.Get(t.Context(), "1")
			require.Error(t, err)
			require.Len(t, s.pauses(), 3, "4 attempts")
			for i, pause := range s.pauses() {
				longest[i] = max(longest[i], pause)
			}
		}
		for i, bound := range []time.Duration{250 * time.Millisecond, 500 * time.Millisecond, time.Second} {
			assert.LessOrEqual(t, longest[i], bound)
			assert.Greater(t, longest[i], bound*3/4)
		}
	})
}

func TestAttempts(t *testing.T) {
	t.Parallel()
	for policy, want := range map[int]int{0: 4, 1: 1, 2: 2, 9: 9} {
		synctest.Test(t, func(t *testing.T) {
			s, client := play(t, status(503))
			_, err := client(jovepay.WithRetry(jovepay.RetryPolicy{MaxAttempts: policy})).Payments.Get(t.Context(), "1")
			assertIs(t, err, jovepay.ErrServer)
			assert.Len(t, s.sent, want)
		})
	}
}

// Delays at the end of the range must not overflow into a panic.
func TestLargestRetryPolicy(t *testing.T) {
	t.Parallel()
	for _, base := range []time.Duration{1, 1 << 62, math.MaxInt64} {
		synctest.Test(t, func(t *testing.T) {
			_, client := play(t, status(503))
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			_, err := client(jovepay.WithRetry(jovepay.RetryPolicy{MaxAttempts: 100, BaseDelay: base, MaxDelay: math.MaxInt64, MaxRetryAfter: math.MaxInt64})).
				Payments.Get(ctx, "1")
			require.ErrorIs(t, err, context.DeadlineExceeded)
		})
	}
}

// A delay that cannot be doubled becomes the largest one.
func TestDelaysDontOverflow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, client := play(t, status(503))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s.each = func(n int) {
			if n == 2 {
				time.AfterFunc(time.Hour, cancel)
			}
		}
		_, err := client(jovepay.WithRetry(jovepay.RetryPolicy{MaxAttempts: 3, BaseDelay: 1 << 62, MaxDelay: math.MaxInt64})).
			Payments.Get(ctx, "1")
		require.ErrorIs(t, err, context.Canceled)
		assert.Len(t, s.sent, 2)
	})
}

func TestRetriesEndWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		s, client := play(t, status(429, "Retry-After", "20"))
		ctx, cancel := context.WithTimeout(t.Context(), 19*time.Second)
		defer cancel()
		_, err := client().Payments.Create(ctx, goods("1"))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assertIs(t, err, jovepay.ErrRateLimited)
		assertOneLine(t, err)
		assert.Zero(t, time.Since(start), "a wait that the deadline would cut short is not begun")
		assert.Len(t, s.sent, 1)

		ctx, stop := context.WithCancel(t.Context())
		time.AfterFunc(5*time.Second, stop)
		_, err = client().Payments.Create(ctx, goods("1"))
		require.ErrorIs(t, err, context.Canceled)
		assertIs(t, err, jovepay.ErrRateLimited)
		assert.Equal(t, 5*time.Second, time.Since(start))
		assert.Len(t, s.sent, 2)
	})
}

// Whatever is not a GET or HEAD may create something.
func TestMethodsThatAreRepeated(t *testing.T) {
	t.Parallel()
	for method, want := range map[string]int{"GET": 4, "HEAD": 4, "POST": 1, "PUT": 1, "PATCH": 1, "DELETE": 1, "OPTIONS": 1, "TRACE": 1} {
		for _, fail := range []canned{status(500), lost} {
			synctest.Test(t, func(t *testing.T) {
				s, client := play(t, fail)
				err := client().Do(t.Context(), method, "/v1/x", nil, nil, nil)
				assert.Equal(t, want == 1, errors.Is(err, jovepay.ErrOutcomeUnknown), method)
				assert.Len(t, s.sent, want, method)
			})
		}
	}
}

// assertPauses leaves the limiter, which counts in float64, a microsecond.
func assertPauses(t *testing.T, s *script, want ...time.Duration) {
	t.Helper()
	got := s.pauses()
	require.Len(t, got, len(want))
	for i := range want {
		assert.InDelta(t, want[i], got[i], float64(time.Microsecond), "pause %d", i)
	}
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, client := play(t, status(200))
		limited := client(jovepay.WithRateLimit(10, time.Second))
		var calls sync.WaitGroup
		for range 25 {
			calls.Go(func() {
				_, err := limited.Payments.Get(t.Context(), "1")
				assert.NoError(t, err)
			})
		}
		calls.Wait()
		require.Len(t, s.sent, 25)
		assertPauses(t, s, slices.Repeat([]time.Duration{100 * time.Millisecond}, 24)...)
	})
}

func TestRateLimitCountsRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, client := play(t, status(500), status(200))
		limited := client(jovepay.WithRateLimit(1, time.Minute))
		_, err := limited.Payments.Get(t.Context(), "1")
		require.NoError(t, err)
		_, err = limited.Payments.Get(t.Context(), "1")
		require.NoError(t, err)
		assertPauses(t, s, time.Minute, time.Minute)
	})
}

func TestRateLimitObeysTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		s, client := play(t, status(200))
		limited := client(jovepay.WithRateLimit(1, time.Hour))
		_, err := limited.Payments.Get(t.Context(), "1")
		require.NoError(t, err)

		short, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err = limited.Payments.Create(short, goods("1"))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assertIs(t, err)
		assert.Zero(t, time.Since(start))

		canceled, stop := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, stop)
		_, err = limited.Payments.Create(canceled, goods("1"))
		require.ErrorIs(t, err, context.Canceled)
		assertIs(t, err)
		assert.Equal(t, time.Second, time.Since(start))

		_, err = limited.Payments.Get(t.Context(), "1")
		require.NoError(t, err)
		assertPauses(t, s, time.Hour) // those who gave up took no turn
	})
}

// However many give up waiting, and when, nobody waits for them.
func TestRateLimitForgetsThoseWhoGaveUp(t *testing.T) {
	t.Parallel()
	for name, patience := range map[string]func(n int) time.Duration{
		"together":               func(int) time.Duration { return 50 * time.Millisecond },
		"the last first":         func(n int) time.Duration { return time.Duration(90-n) * time.Millisecond },
		"in their order":         func(n int) time.Duration { return time.Duration(n) * time.Millisecond },
		"with a moment between":  func(n int) time.Duration { return 50*time.Millisecond + time.Duration(n)*time.Nanosecond },
		"at the very next turn":  func(int) time.Duration { return 100 * time.Millisecond },
		"before they have begun": func(int) time.Duration { return 0 },
	} {
		for _, deadline := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				s, client := play(t, status(200))
				limited := client(jovepay.WithRateLimit(10, time.Second))
				_, err := limited.Payments.Get(t.Context(), "1")
				require.NoError(t, err)
				var calls sync.WaitGroup
				for n := range 80 {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					if deadline {
						ctx, cancel = context.WithTimeout(ctx, patience(n))
						defer cancel()
					} else {
						time.AfterFunc(patience(n), cancel)
					}
					calls.Go(func() {
						_, _ = limited.Payments.Get(ctx, "1")
					})
				}
				time.Sleep(time.Nanosecond) //nolint:forbidigo // fake time; the others are before us
				calls.Go(func() {
					_, err := limited.Payments.Get(t.Context(), "1")
					assert.NoError(t, err)
				})
				calls.Wait()
				for _, pause := range s.pauses() {
					assert.InDelta(t, 100*time.Millisecond, pause, float64(time.Microsecond), name)
				}
				assert.LessOrEqual(t, len(s.sent), 3, name) // at the very next turn, one may still have got it
			})
		}
	}
}

// No more than n requests start in any period, also where n does not divide it.
func TestRateLimitOfOddNumbers(t *testing.T) {
	t.Parallel()
	for _, n := range []int{3, 7, 1000} {
		synctest.Test(t, func(t *testing.T) {
			s, client := play(t, status(200))
			limited := client(jovepay.WithRateLimit(n, time.Second))
			for range n + 1 {
				_, err := limited.Payments.Get(t.Context(), "1")
				require.NoError(t, err)
			}
			assert.GreaterOrEqual(t, s.sent[n].Sub(s.sent[0]), time.Second-time.Microsecond, "%d", n)
		})
	}
}

// lastWords are what a server still says before it hangs up on a request that
// it has processed.
var lastWords = map[string]string{
	"nothing":             "",
	"half a status line":  "HTTP/1.1 20",
	"half a header":       "HTTP/1.1 201 Created\r\nContent-Le",
	"half a body":         "HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{\"payment_id\":1",
	"a request timeout":   "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
	"something else":      "220 smtp.example ESMTP\r\n",
	"a continue, no more": "HTTP/1.1 100 Continue\r\n\r\n",
}

// net/http repeats a request on a kept-alive connection by itself if it holds
// it to be idempotent: because of its method, or of a header that a
// RoundTripper adds.
func TestCreatesAreSentOnceOverHTTP1(t *testing.T) {
	t.Parallel()
	for name, words := range lastWords {
		for _, header := range []string{"", "Idempotency-Key", "X-Idempotency-Key", "Expect"} {
			t.Run(name+"/"+header, func(t *testing.T) {
				t.Parallel()
				for call := range creating(newClient(t, jovepay.DefaultBaseURL)) {
					server := &hangingUp{words: words}
					transport := &http.Transport{ExpectContinueTimeout: time.Millisecond}
					client := newClient(t, "http://"+listenAll(t, server.serve), jovepay.WithHTTPClient(&http.Client{
						Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
							if header != "" && r.Method != http.MethodGet {
								r = r.Clone(r.Context())
								r.Header.Set(header, "100-continue")
							}
							return transport.RoundTrip(r)
						}),
					}))
					_, err := client.Status(t.Context()) // leaves a connection idle
					require.NoError(t, err)
					err = creating(client)[call](t.Context())
					transport.CloseIdleConnections()
					assert.ErrorIs(t, err, jovepay.ErrOutcomeUnknown, call)
					assert.EqualValues(t, 1, server.requests.Load(), "%s: %v", call, err)
				}
			})
		}
	}
}

// hangingUp responds to a GET, and processes any other request before it hangs
// up with a few last words.
type hangingUp struct {
	words    string
	requests atomic.Int32 // other than GET
}

func (s *hangingUp) serve(conn *net.TCPConn) {
	in := bufio.NewReader(conn)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if r.Method != http.MethodGet {
			s.requests.Add(1)
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(conn, s.words)
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n"+`{"message":"OK"}`)
	}
}

// A RoundTripper may repeat requests as well. It gets no second body, so what
// it resends is never complete.
func TestTransportsThatRepeat(t *testing.T) {
	t.Parallel()
	var complete, odd atomic.Int32
	address := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			complete.Add(1)
		}
		panic(http.ErrAbortHandler)
	})
	for name, again := range map[string]func(*http.Request) *http.Request{
		"the same": func(r *http.Request) *http.Request { return r },
		"a clone":  func(r *http.Request) *http.Request { return r.Clone(r.Context()) },
		"GetBody": func(r *http.Request) *http.Request {
			if r.GetBody != nil || r.Body == nil || r.Body == http.NoBody {
				odd.Add(1)
			}
			return r
		},
	} {
		for call := range creating(newClient(t, jovepay.DefaultBaseURL)) {
			transport := &http.Transport{}
			client := newClient(t, address, jovepay.WithHTTPClient(&http.Client{
				Transport: roundTripper(func(r *http.Request) (res *http.Response, err error) {
					for range 3 {
						if res, err = transport.RoundTrip(again(r)); err == nil {
							break
						}
					}
					return res, err
				}),
			}))
			err := creating(client)[call](t.Context())
			transport.CloseIdleConnections()
			require.ErrorIs(t, err, jovepay.ErrOutcomeUnknown, call)
			assert.EqualValues(t, 1, complete.Swap(0), "%s, %s: %v", call, name, err)
		}
	}
	assert.Zero(t, odd.Load(), "a body is there, and cannot be had again")
}

// What the login and reads ask for can be sent any number of times.
func TestReadsAndTheLoginAreRepeatable(t *testing.T) {
	t.Parallel()
	var seen atomic.Int32
	client := newMockClient(t, func(r *http.Request) (*http.Response, error) {
		seen.Add(1)
		assert.True(t, r.Body == nil || r.GetBody != nil, r.URL.Path)
		return plainResponse(http.StatusOK, `{"token":"`+token()+`","payment_id":1,"data":[]}`), nil
	}, jovepay.WithCredentials(email, password))
	require.NoError(t, listing(t, client)())
	require.NoError(t, client.Do(t.Context(), http.MethodGet, "/v1/x", nil, map[string]int{"n": 1}, nil))
	assert.EqualValues(t, 3, seen.Load())
}

// A request that creates and has nothing to say is understood by servers.
func TestEmptyCreatesOnTheWire(t *testing.T) {
	t.Parallel()
	for _, second := range []bool{false, true} {
		var got atomic.Pointer[http.Request]
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			content, err := io.ReadAll(r.Body)
			assert.NoError(t, err)
			assert.Empty(t, content)
			got.Store(r)
			_, _ = io.WriteString(w, `{}`)
		}))
		server.EnableHTTP2 = second
		server.StartTLS()
		client := newClient(t, server.URL, jovepay.WithHTTPClient(server.Client()))
		for method, chunked := range map[string][]string{
			"POST": {"chunked"}, "PUT": {"chunked"}, "PATCH": {"chunked"}, "TRACE": {"chunked"}, "DELETE": nil, "OPTIONS": nil,
		} {
			for range 2 { // the second on the same connection, with nothing left of the first
				require.NoError(t, client.Do(t.Context(), method, "/v1/x", nil, nil, nil))
				r := got.Swap(nil)
				assert.Equal(t, method, r.Method)
				assert.Empty(t, r.Header.Get("Content-Type"))
				if !second {
					assert.Equal(t, chunked, r.TransferEncoding, method)
				}
			}
		}
		server.Client().CloseIdleConnections()
		server.Close()
	}
}

// A transport may make calls of its own with the context of ours, which then
// set off our hooks.
func TestCallsOfTheTransportAreNoProof(t *testing.T) {
	t.Parallel()
	var processed atomic.Int32
	address := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		processed.Add(1)
		panic(http.ErrAbortHandler)
	})
	closed := "http://" + closedPort(t)
	for call := range creating(newClient(t, jovepay.DefaultBaseURL)) {
		for _, first := range []bool{true, false} {
			transport := &http.Transport{}
			aside := func(r *http.Request) {
				own, err := http.NewRequestWithContext(r.Context(), http.MethodGet, closed, nil)
				assert.NoError(t, err)
				_, err = transport.RoundTrip(own) //nolint:bodyclose // it fails
				assert.Error(t, err)
			}
			client := newClient(t, address, jovepay.WithHTTPClient(&http.Client{
				Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
					if first {
						aside(r)
					}
					res, err := transport.RoundTrip(r.WithContext(t.Context()))
					if !first {
						aside(r)
					}
					return res, err
				}),
			}))
			err := creating(client)[call](t.Context())
			transport.CloseIdleConnections()
			require.ErrorIs(t, err, jovepay.ErrOutcomeUnknown, call)
			assert.EqualValues(t, 1, processed.Swap(0), call)
		}
	}
}

// An error is reported as it is while the context lasts, and the context's end
// is said once.
func TestErrorsSayTheContextOnce(t *testing.T) {
	t.Parallel()
	failing := func(err error) *jovepay.Client {
		return newClient(t, jovepay.DefaultBaseURL, jovepay.WithRetry(jovepay.RetryPolicy{MaxAttempts: 1}),
			jovepay.WithHTTPClient(&http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) { return nil, err })}))
	}
	_, err := failing(errors.New("cable cut")).Payments.Get(t.Context(), "1")
	require.EqualError(t, err, "jovepay: GET /v1/payment/1: cable cut")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = failing(context.Canceled).Payments.Get(ctx, "1")
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, 1, strings.Count(err.Error(), "canceled"), err)
}

// sending is a transport that sends nothing: it waits, reads the body piece by
// piece with waits in between, and then responds.
type sending struct {
	waits []time.Duration // before each read; the body is read to its end after the last one
	got   []byte          // of the content, from all requests
	calls int
}

func (s *sending) RoundTrip(r *http.Request) (*http.Response, error) {
	s.calls++
	for _, wait := range s.waits {
		time.Sleep(wait) //nolint:forbidigo // fake time
		b := make([]byte, 1)
		n, err := r.Body.Read(b)
		s.got = append(s.got, b[:n]...)
		if err != nil {
			return nil, err
		}
	}
	rest, err := io.ReadAll(r.Body)
	s.got = append(s.got, rest...)
	if err != nil {
		return nil, io.ErrClosedPipe // some transports have an error of their own
	}
	return plainResponse(http.StatusOK, `{"payment_id":1}`), nil
}

// A body is not read any more when the time is up, and if none of it was, nothing
// was sent.
func TestSendBeforeChecksEachRead(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		waits   []time.Duration
		sent    bool
		unknown bool
		got     int // bytes
	}{
		"in time":                  {waits: []time.Duration{59 * time.Second}, sent: true},
		"late":                     {waits: []time.Duration{time.Minute}},
		"late after the first":     {waits: []time.Duration{0, time.Minute}, unknown: true, got: 1},
		"just in time after that":  {waits: []time.Duration{0, time.Minute - 1}, sent: true},
		"much too late altogether": {waits: []time.Duration{time.Hour}},
	} {
		synctest.Test(t, func(t *testing.T) {
			transport := &sending{waits: tt.waits}
			client := newClient(t, jovepay.DefaultBaseURL, jovepay.WithHTTPClient(&http.Client{Transport: transport}), jovepay.WithTimeout(2*time.Hour))
			ctx := jovepay.SendBefore(t.Context(), time.Now().Add(time.Minute))
			_, err := client.Payments.Create(ctx, goods("1"))
			assert.Equal(t, 1, transport.calls, name)
			if tt.sent {
				require.NoError(t, err, name)
				return
			}
			require.ErrorIs(t, err, context.DeadlineExceeded, name)
			assert.True(t, isType[*jovepay.TransportError](err), name)
			assertOneLine(t, err)
			assert.Equal(t, tt.unknown, errors.Is(err, jovepay.ErrOutcomeUnknown), name)
			assert.Equal(t, !tt.unknown, jovepay.SafeToRetry(err), name)
			assert.Len(t, transport.got, tt.got, name)
		})
	}
}

// The header of a request without content says all that there is: if it may have been
// written, the outcome is unknown.
func TestSendBeforeDoubtsEmptyRequests(t *testing.T) {
	t.Parallel()
	for call := range creating(newClient(t, jovepay.DefaultBaseURL)) {
		synctest.Test(t, func(t *testing.T) {
			client := newClient(t, jovepay.DefaultBaseURL, jovepay.WithTimeout(time.Hour),
				jovepay.WithHTTPClient(&http.Client{Transport: &sending{waits: []time.Duration{time.Minute}}}))
			err := creating(client)[call](jovepay.SendBefore(t.Context(), time.Now().Add(time.Minute)))
			require.ErrorIs(t, err, context.DeadlineExceeded, call)
			empty := strings.HasSuffix(call, "without a body") || strings.HasSuffix(call, "with empty bytes")
			assert.Equal(t, !empty, jovepay.SafeToRetry(err), call)
		})
	}
}

// The content that was withheld is proof only for its own attempt.
func TestSendBeforeEndsTheReading(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, jovepay.DefaultBaseURL, jovepay.WithHTTPClient(&http.Client{
			Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				time.Sleep(time.Second) //nolint:forbidigo // fake time
				for range 3 {
					n, err := r.Body.Read(make([]byte, 10))
					assert.Zero(t, n)
					assert.Error(t, err)
				}
				return plainResponse(http.StatusInternalServerError, ""), nil
			}),
		}))
		_, err := client.Payments.Create(jovepay.SendBefore(t.Context(), time.Now().Add(time.Second)), goods("1"))
		assertIs(t, err, jovepay.ErrOutcomeUnknown, jovepay.ErrServer)
	})
}

// Nothing is sent late, and nothing waits for what would be late.
func TestSendBeforeWaitsForNothing(t *testing.T) {
	t.Parallel()
	assertUnsent := func(t *testing.T, err error) {
		t.Helper()
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.True(t, jovepay.SafeToRetry(err), "%v", err)
		assertOneLine(t, err)
	}
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		s, client := play(t, status(429, "Retry-After", "20"), status(200))
		late := jovepay.SendBefore(t.Context(), start)
		for name, call := range creating(client()) {
			err := call(late)
			assertUnsent(t, err)
			assert.Empty(t, s.sent, name)
		}
		_, err := client().Payments.Get(late, "1")
		require.NoError(t, err, "reading creates nothing")
		assert.Len(t, s.sent, 2)

		s, client = play(t, status(429, "Retry-After", "20"), status(200))
		start = time.Now()
		_, err = client().Payments.Create(jovepay.SendBefore(t.Context(), start.Add(19*time.Second)), goods("1"))
		assertUnsent(t, err)
		assertIs(t, err, jovepay.ErrRateLimited)
		assert.Zero(t, time.Since(start))
		assert.Len(t, s.sent, 1)

		s, client = play(t, status(429, "Retry-After", "20"), status(200))
		_, err = client().Payments.Create(jovepay.SendBefore(t.Context(), start.Add(21*time.Second)), goods("1"))
		require.NoError(t, err)
		assert.Len(t, s.sent, 2)

		s, client = play(t, status(200))
		limited := client(jovepay.WithRateLimit(1, time.Hour))
		start = time.Now()
		_, err = limited.Payments.Create(jovepay.SendBefore(t.Context(), start.Add(time.Minute)), goods("1"))
		require.NoError(t, err)
		_, err = limited.Payments.Create(jovepay.SendBefore(t.Context(), start.Add(time.Minute)), goods("1"))
		assertUnsent(t, err)
		assert.Zero(t, time.Since(start))
		assert.Len(t, s.sent, 1)
	})
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		client, err := jovepay.NewClient(jovepay.WithCredentials(email, password), jovepay.WithHTTPClient(&http.Client{
			Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				if r.URL.Path != "/v1/auth" {
					asked++
					_, err := io.Copy(io.Discard, r.Body)
					assert.NoError(t, err)
				}
				time.Sleep(10 * time.Second) //nolint:forbidigo // fake time
				return plainResponse(http.StatusOK, `{"token":"`+token()+`","payment_id":1}`), nil
			}),
		}))
		require.NoError(t, err)
		start := time.Now()
		_, err = client.Payments.Create(jovepay.SendBefore(t.Context(), start.Add(5*time.Second)), goods("1"))
		assertUnsent(t, err)
		assert.Equal(t, 5*time.Second, time.Since(start), "the login takes longer")
		assert.Zero(t, asked)
		time.Sleep(time.Minute) //nolint:forbidigo // fake time; the login is over
		_, err = client.Payments.Create(jovepay.SendBefore(t.Context(), time.Now().Add(5*time.Second)), goods("1"))
		require.NoError(t, err, "the response may come later")
		assert.Equal(t, 1, asked)
	})
}

// shifted returns t with its monotonic reading moved, as if this machine's clock had
// been set, or its monotonic clock had stopped for a while, since t was read.
func shifted(t time.Time, by time.Duration) time.Time {
	moved := t
	(*struct {
		wall uint64
		ext  int64
		loc  *time.Location
	})(unsafe.Pointer(&moved)).ext += int64(by)
	return moved
}

// Either clock is enough to be late. The times are real: synctest has no monotonic
// clock.
func TestSendBeforeHoldsByEachClock(t *testing.T) {
	t.Parallel()
	now := time.Now()
	require.Equal(t, time.Hour, shifted(now, time.Hour).Sub(now), "a Time is not what this test takes it for")
	require.True(t, shifted(now, time.Hour).Round(0).Equal(now.Round(0)))
	for name, tt := range map[string]struct {
		until []time.Time
		sent  bool
	}{
		"in time":                        {[]time.Time{now.Add(time.Hour)}, true},
		"in time, by another process":    {[]time.Time{now.Add(time.Hour).Round(0)}, true},
		"in time, at different times":    {[]time.Time{shifted(now.Add(time.Hour), time.Hour)}, true},
		"in time for both":               {[]time.Time{now.Add(time.Hour), now.Add(2 * time.Hour)}, true},
		"late":                           {[]time.Time{now}, false},
		"late, by another process":       {[]time.Time{now.Round(0)}, false},
		"a machine that was suspended":   {[]time.Time{shifted(now, time.Hour)}, false},
		"a clock that was set back":      {[]time.Time{shifted(now.Add(time.Hour), -time.Hour)}, false},
		"the earlier of two, given last": {[]time.Time{now.Add(time.Hour), now}, false},
		"the earlier of two":             {[]time.Time{now, now.Add(time.Hour)}, false},
	} {
		ctx := jovepay.SendBefore(t.Context(), tt.until[0])
		if len(tt.until) > 1 {
			ctx = jovepay.SendBefore(ctx, tt.until[1])
		}
		transport := &sending{}
		client := newClient(t, jovepay.DefaultBaseURL, jovepay.WithHTTPClient(&http.Client{Transport: transport}))
		_, err := client.Payments.Create(ctx, goods("1"))
		if tt.sent {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorIs(t, err, context.DeadlineExceeded, name)
		assert.True(t, jovepay.SafeToRetry(err), name)
		assert.Zero(t, transport.calls, name)
	}
}

// What was created once and lost may be found later, but is not created again.
func TestSendBeforeEndsCreateOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &till{create: losing, list: showing()}
		_, err := server.client(t).Payments.CreateOnce(jovepay.SendBefore(t.Context(), time.Now().Add(settleWindow)), goods("order-1"))
		assertIs(t, err, jovepay.ErrOutcomeUnknown)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.False(t, jovepay.SafeToRetry(err))
		assert.Equal(t, 1, server.creates)
		assert.Greater(t, len(server.looks), 1)
	})
}

// A connection that is there only when the time is up carries no content.
func TestSendBeforeOnTheWire(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{"a header of less than a buffer": "x", "a longer one": strings.Repeat("x", 10_000)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			received := make(chan []byte, 1)
			address := listen(t, func(conn *net.TCPConn) {
				all, _ := io.ReadAll(conn)
				received <- all
			})
			var dials atomic.Int32
			var end time.Time
			transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				dials.Add(1)
				<-time.After(time.Until(end))
				return new(net.Dialer).DialContext(ctx, network, address)
			}}
			client := newClient(t, "http://"+address, jovepay.WithUserAgent(value), jovepay.WithHTTPClient(&http.Client{Transport: transport}))
			end = time.Now().Add(20 * time.Millisecond)
			_, err := client.Payments.Create(jovepay.SendBefore(t.Context(), end), goods("1"))
			require.ErrorIs(t, err, context.DeadlineExceeded)
			assert.True(t, jovepay.SafeToRetry(err), "%v", err)
			r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(<-received)))
			require.NoError(t, err, "net/http sends the header first")
			content, err := io.ReadAll(r.Body)
			require.ErrorIs(t, err, io.ErrUnexpectedEOF, "the request is not complete")
			assert.Empty(t, content)
			assert.Positive(t, r.ContentLength)

			_, err = client.Payments.Create(jovepay.SendBefore(t.Context(), end), goods("1"))
			require.ErrorIs(t, err, context.DeadlineExceeded)
			assert.EqualValues(t, 1, dials.Load(), "not even a connection is made")
		})
	}
}

func TestSendBeforeOverHTTP2(t *testing.T) {
	t.Parallel()
	var complete atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if content, err := io.ReadAll(r.Body); err == nil || len(content) > 0 {
			complete.Add(1)
		}
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	client := newClient(t, server.URL, jovepay.WithHTTPClient(&http.Client{
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			content := r.Body
			r = r.Clone(r.Context())
			r.Body = slowBody{content}
			return server.Client().Transport.RoundTrip(r)
		}),
	}))
	for range 5 {
		_, err := client.Payments.Create(jovepay.SendBefore(t.Context(), time.Now().Add(10*time.Millisecond)), goods("1"))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.True(t, jovepay.SafeToRetry(err), "%v", err)
	}
	assert.Zero(t, complete.Load())
}

// slowBody is read a while after the header was written.
type slowBody struct{ io.ReadCloser }

func (b slowBody) Read(p []byte) (int, error) {
	<-time.After(15 * time.Millisecond)
	return b.ReadCloser.Read(p)
}
