package ipn

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEachPaymentInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		to := &shop{took: time.Second}
		s := newSender(t, to, Config{})
		for n := 1; n <= 4; n++ {
			s.Notify(say(1, n))
			s.Notify(say(2, 10*n))
		}
		start := time.Now()
		require.NoError(t, s.Wait(t.Context()))
		assert.Equal(t, 4*time.Second, time.Since(start), "two payments at the same time")
		assert.Equal(t, 2, to.together)

		var one, two []int
		for _, body := range to.bodies() {
			for n := 1; n <= 4; n++ {
				switch body {
				case saying(n)[0]:
					one = append(one, n)
				case saying(10 * n)[0]:
					two = append(two, n)
				}
			}
		}
		assert.Equal(t, []int{1, 2, 3, 4}, one)
		assert.Equal(t, []int{1, 2, 3, 4}, two)
		for i, d := range s.Deliveries() {
			assert.Equal(t, i+1, d.Number)
			assert.Equal(t, 1, d.Attempt)
			assert.Equal(t, int64(1+i%2), d.PaymentID)
			assert.Equal(t, Delivered, d.Outcome)
			assert.Equal(t, 200, d.StatusCode)
			require.NoError(t, d.Err)
			assert.Equal(t, time.Second, d.Ended.Sub(d.Started))
		}
	})
}

// A shop hears of a deposit after it has heard of the payment to which it came.
func TestChildrenLineUpWithTheirParent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		to := &shop{took: time.Second}
		s := newSender(t, to, Config{})
		s.Notify(say(1, 1))
		for n := 2; n <= 3; n++ {
			child := say(int64(n), n)
			child.ParentID = 1
			s.Notify(child)
		}
		s.Notify(say(1, 4))
		require.NoError(t, s.Wait(t.Context()))
		assert.Equal(t, 1, to.together)
		assert.Equal(t, saying(1, 2, 3, 4), to.bodies())
		assert.Equal(t, int64(3), s.Deliveries()[2].PaymentID)
	})
}

func TestRepeats(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		statuses []int
		outcomes []string
		took     time.Duration
		err      string
	}{
		"responds at once":     {[]int{204}, []string{Delivered}, 0, ""},
		"at the second":        {[]int{500, 200}, []string{Failed, Delivered}, time.Minute, ""},
		"at the last":          {[]int{500, 0, 299}, []string{Failed, Failed, Delivered}, 2 * time.Minute, ""},
		"never":                {[]int{500}, []string{Failed, Failed, GivenUp}, 2 * time.Minute, "given up after attempt 3: responded 500 Internal Server Error"},
		"no response":          {[]int{0}, []string{Failed, Failed, GivenUp}, 2 * time.Minute, "given up after attempt 3: connection refused"},
		"a redirect":           {[]int{302}, []string{Failed, Failed, GivenUp}, 2 * time.Minute, "given up after attempt 3: responded 302 Found"},
		"a rejection":          {[]int{401, 400, 413}, []string{Failed, Failed, GivenUp}, 2 * time.Minute, "given up after attempt 3: responded 413 Request Entity Too Large"},
		"informational status": {[]int{101}, []string{Failed, Failed, GivenUp}, 2 * time.Minute, "given up after attempt 3: responded 101 Switching Protocols"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				to := &shop{statuses: c.statuses}
				s := newSender(t, to, Config{Repeats: 2, Interval: time.Minute})
				start := time.Now()
				err := s.Send(t.Context(), say(1, 1))
				assert.Equal(t, c.took, time.Since(start))
				if c.err == "" {
					require.NoError(t, err)
				} else {
					require.EqualError(t, err, c.err)
				}
				assert.Equal(t, c.outcomes, outcomes(s))
				for i, d := range s.Deliveries() {
					assert.Equal(t, 1, d.Number)
					assert.Equal(t, i+1, d.Attempt)
					assert.Equal(t, c.statuses[min(i, len(c.statuses)-1)], d.StatusCode)
					assert.Equal(t, d.Outcome != Delivered, d.Err != nil)
				}
			})
		})
	}
}

func TestALaterEventWaitsForTheOneBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		to := &shop{statuses: []int{500, 500, 200}}
		s := newSender(t, to, Config{})
		s.Notify(say(1, 1))
		s.Notify(say(1, 2))
		s.Notify(say(2, 3))
		require.NoError(t, s.Wait(t.Context()))
		got := to.bodies()
		assert.ElementsMatch(t, saying(1, 3), got[:2], "another payment does not wait")
		assert.Equal(t, []string{Failed, Delivered, Delivered, Failed, Delivered}, outcomes(s))
		assert.Less(t, indexOf(got[2:], saying(1)[0]), indexOf(got[2:], saying(2)[0]))
	})
}

func indexOf(list []string, want string) int {
	for i, s := range list {
		if s == want {
			return i
		}
	}
	return -1
}

func TestNoResponseInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSender(t, &shop{took: time.Hour}, Config{})
		start := time.Now()
		require.EqualError(t, s.Send(t.Context(), say(1, 1)), "given up after attempt 2: no response within 10s")
		assert.Equal(t, 10*time.Second+time.Minute+10*time.Second, time.Since(start))
		assert.Equal(t, []string{Failed, GivenUp}, outcomes(s))
		assert.Zero(t, s.Deliveries()[0].StatusCode)
	})
}

func TestManyAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		to := &shop{took: time.Second}
		s := newSender(t, to, Config{})
		start := time.Now()
		for n := range 10 * maxWorkers {
			s.Notify(say(int64(n+1), n))
		}
		require.NoError(t, s.Wait(t.Context()))
		assert.Equal(t, maxWorkers, to.together, "but not too many")
		assert.Equal(t, 10*time.Second, time.Since(start))
		assert.Len(t, to.bodies(), 10*maxWorkers)
		s.mu.Lock()
		defer s.mu.Unlock()
		assert.Empty(t, s.lanes, "nothing is kept")
		assert.Zero(t, s.workers)
	})
}

func TestWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		to := &shop{took: 9 * time.Second}
		s := newSender(t, to, Config{})
		require.NoError(t, s.Wait(t.Context()), "nothing to wait for")
		s.Notify(say(1, 1))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, s.Wait(ctx), context.DeadlineExceeded)
		require.ErrorIs(t, s.Send(ctx, say(1, 2)), context.DeadlineExceeded)
		require.NoError(t, s.Wait(t.Context()), "the deliveries continued")
		assert.Equal(t, saying(1, 2), to.bodies())
	})
}

func TestCloseWhileDelivering(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		to := &shop{took: time.Hour}
		s := newSender(t, to, Config{})
		s.Notify(say(1, 1)) // in progress
		s.Notify(say(1, 2)) // behind it
		behave(t, s, Behavior{Delay: time.Hour})
		s.Notify(say(2, 3)) // delayed
		behave(t, s, Behavior{Shuffle: 5})
		s.Notify(say(3, 4)) // held, until somebody waits
		behave(t, s, Behavior{})
		synctest.Wait()
		errs := make(chan error, 2)
		go func() { errs <- s.Wait(t.Context()) }()
		go func() { errs <- s.Send(t.Context(), say(4, 5)) }()
		synctest.Wait()

		start := time.Now()
		s.Close()
		s.Close()
		assert.Zero(t, time.Since(start))
		for _, l := range s.lanes {
			assert.False(t, l.rest != nil && l.rest.Stop(), "no timer is left")
			assert.False(t, l.hold != nil && l.hold.Stop())
		}
		for range 2 {
			assert.ErrorIs(t, <-errs, errClosed)
		}
		require.ErrorIs(t, s.Wait(t.Context()), errClosed)
		require.ErrorIs(t, s.Send(t.Context(), say(5, 6)), errClosed)
		s.Notify(say(5, 7))
		pass(2 * time.Hour) // of the bubble: no timer is left that would send
		assert.ElementsMatch(t, saying(1, 4, 5), to.bodies())
		for _, d := range s.Deliveries() {
			assert.Equal(t, GivenUp, d.Outcome)
			assert.ErrorIs(t, d.Err, errClosed)
		}
	})
}

func TestTheContextClosesToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := NewSender(ctx, Config{Secret: "secret", Now: time.Now, Repeats: 5, Interval: time.Hour, Timeout: time.Hour})
		s.client.Transport = &shop{took: time.Minute}
		s.Notify(say(1, 1))
		synctest.Wait()
		cancel()
		s.Close()
		assert.Equal(t, []string{GivenUp}, outcomes(s))
	})
}

func TestABodyThatCannotBeMade(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		to := &shop{}
		s := newSender(t, to, Config{})
		n := say(1, 1)
		n.Body = func(bool) ([]byte, error) { return nil, errors.New("out of ink") }
		require.EqualError(t, s.Send(t.Context(), n), "out of ink")
		n.Body = func(bool) ([]byte, error) { return []byte(`{"a":1,"a":2}`), nil }
		require.ErrorContains(t, s.Send(t.Context(), n), "body has no js form: duplicate name")
		behave(t, s, Behavior{Forms: []string{FormRaw}})
		require.NoError(t, s.Send(t.Context(), n), "any body has a raw form")
		assert.Equal(t, []string{GivenUp, GivenUp, Delivered}, outcomes(s))
		assert.Equal(t, []string{`{"a":1,"a":2}`}, to.bodies())
	})
}

func TestSkipped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		to := &shop{}
		s := newSender(t, to, Config{})
		for _, url := range []string{
			"https://shop.example/ipn", "http://192.0.2.1/", "http://[2001:db8::1]/", "http://localhost.shop.example/",
			"http://127.0.0.1.shop.example/", "http://0.0.0.0/", "http://2130706433/", "http://[fe80::1%25lo]/",
			"ftp://localhost/", "http://", "/ipn", "", "http://127.0.0.1:port/", "http://a b/",
		} {
			n := say(7, 1)
			n.URL = url
			require.Error(t, s.Send(t.Context(), n), url)
		}
		require.NoError(t, s.Wait(t.Context()))
		assert.Empty(t, to.bodies())
		for i, d := range s.Deliveries() {
			assert.Equal(t, i+1, d.Number)
			assert.Zero(t, d.Attempt)
			assert.Equal(t, Skipped, d.Outcome)
			require.Error(t, d.Err)
			assert.Equal(t, int64(7), d.PaymentID)
			assert.Equal(t, time.Now(), d.Started)
		}
		for _, url := range []string{"http://127.0.0.1/", "https://127.8.9.1:1/", "http://[::1]:80/", "http://localhost:8080/a?b", "http://[::ffff:127.0.0.1]/"} {
			n := say(7, 1)
			n.URL = url
			require.NoError(t, s.Send(t.Context(), n), url)
		}
	})
}

func TestRemote(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSender(t, &shop{}, Config{Remote: true})
		n := say(7, 1)
		n.URL = "https://shop.example/ipn"
		require.NoError(t, s.Send(t.Context(), n))
		n.URL = "mailto:shop@shop.example"
		require.Error(t, s.Send(t.Context(), n))
	})
}

// A timer that fires late finds a lane that was forgotten. It must not take
// its successor away, or two lanes would serve one payment.
func TestALateTimerLeavesTheNextLaneAlone(t *testing.T) {
	t.Parallel()
	s := newSender(t, &shop{}, Config{})
	s.mu.Lock()
	defer s.mu.Unlock()
	late := s.lane(1)
	s.release(late)
	next := s.lane(1)
	assert.NotSame(t, late, next)
	s.release(late)
	assert.Same(t, next, s.lane(1))
}
