package ipn

import (
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/internal/canonical"
)

func TestBehaviorsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	s := newSender(t, &shop{}, Config{})
	behave(t, s, Behavior{Copies: 2})
	for message, b := range map[string]Behavior{
		`form "jsx" is not known`:                                 {Forms: []string{"js", "jsx"}},
		`form "" is not known`:                                    {Forms: []string{""}},
		"hits: want next 0 or more, percent 0 to 100, got -1, 0":  {Lose: Hits{Next: -1}},
		"hits: want next 0 or more, percent 0 to 100, got 1, 101": {Corrupt: Hits{Next: 1, Percent: 101}},
		"hits: want next 0 or more, percent 0 to 100, got 0, -1":  {Forge: Hits{Percent: -1}},
		"copies: want 0 to 1000, got -1":                          {Copies: -1},
		"copies: want 0 to 1000, got 1001":                        {Copies: 1001},
		"shuffle: want 0 or more, got -1":                         {Shuffle: -1},
		"delay: want 0 or more, got -1ns":                         {Delay: -1},
		"retries: want 0 or more, got -1":                         {Retries: new(-1)},
		"interval: want 0 or more, got -1ns":                      {Interval: new(time.Duration(-1))},
		"timeout: want 0 or more, got -1ns":                       {Timeout: -1},
	} {
		require.EqualError(t, s.SetBehavior(b), message)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	assert.Equal(t, Behavior{Copies: 2}, s.behavior, "as it was before")
}

func TestCopies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		to := &shop{}
		s := newSender(t, to, Config{})
		behave(t, s, Behavior{Copies: 3})
		require.NoError(t, s.Send(t.Context(), say(1, 1)))
		require.NoError(t, s.Send(t.Context(), say(1, 2)))
		assert.Equal(t, saying(1, 1, 1, 2, 2, 2), to.bodies())
		assert.Equal(t, 6, s.Deliveries()[5].Number)
	})
}

func TestShuffle(t *testing.T) {
	t.Parallel()
	order := func(t *testing.T, seed uint64) (got []string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			to := &shop{}
			s := newSender(t, to, Config{Seed: seed})
			behave(t, s, Behavior{Shuffle: 5})
			for n := 1; n <= 10; n++ {
				s.Notify(say(1, n))
			}
			require.NoError(t, s.Wait(t.Context()))
			got = to.bodies()
			for i, d := range s.Deliveries() {
				assert.Equal(t, saying(i + 1)[0], d.Body, "the journal is in the order in which it happened")
			}
		})
		return got
	}
	orders := map[string]bool{}
	for seed := range uint64(20) {
		got := order(t, seed)
		assert.ElementsMatch(t, saying(1, 2, 3, 4, 5), got[:5], "within the window")
		assert.ElementsMatch(t, saying(6, 7, 8, 9, 10), got[5:])
		assert.Equal(t, got, order(t, seed), "the same seed")
		orders[got[0]+got[1]+got[2]] = true
	}
	assert.Greater(t, len(orders), 10, "other seeds")
}

func TestShuffleDoesNotHoldForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		to := &shop{}
		s := newSender(t, to, Config{Seed: 4})
		behave(t, s, Behavior{Shuffle: 10})
		for n := 1; n <= 7; n++ {
			s.Notify(say(1, n))
		}
		s.Notify(say(2, 9))
		pass(shuffleTime - 1)
		synctest.Wait()
		assert.Empty(t, to.bodies())
		pass(1)
		synctest.Wait()
		assert.ElementsMatch(t, saying(1, 2, 3, 4, 5, 6, 7, 9), to.bodies())
		assert.NotEqual(t, saying(1, 2, 3, 4, 5, 6, 7), slices.DeleteFunc(to.bodies(), func(b string) bool { return b == saying(9)[0] }))

		s.Notify(say(1, 10))
		behave(t, s, Behavior{})
		s.Notify(say(1, 11)) // which is not to be shuffled, but lets the other go
		synctest.Wait()
		assert.Len(t, to.bodies(), 10)
	})
}

func TestAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		to := &shop{took: time.Second}
		s := newSender(t, to, Config{})
		behave(t, s, Behavior{AtOnce: true, Copies: 3, Shuffle: 6})
		start := time.Now()
		s.Notify(say(1, 1))
		s.Notify(say(1, 2))
		require.NoError(t, s.Wait(t.Context()))
		assert.Equal(t, time.Second, time.Since(start))
		assert.Equal(t, 6, to.together)
	})
}

func TestDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		to := &shop{statuses: []int{500, 200}}
		s := newSender(t, to, Config{})
		behave(t, s, Behavior{Delay: time.Hour})
		start := time.Now()
		s.Notify(say(1, 1))
		pass(time.Minute)
		s.Notify(say(1, 2))
		require.NoError(t, s.Wait(t.Context()))
		var after []time.Duration
		for _, at := range to.at {
			after = append(after, at.Sub(start))
		}
		assert.Equal(t, []time.Duration{time.Hour, 61 * time.Minute, 61 * time.Minute}, after, "only the first attempt is delayed")
	})
}

func TestLose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		to := &shop{}
		s := newSender(t, to, Config{})
		behave(t, s, Behavior{Lose: Hits{Next: 2}})
		require.ErrorIs(t, s.Send(t.Context(), say(1, 1)), errLost)
		require.ErrorIs(t, s.Send(t.Context(), say(1, 2)), errLost)
		require.NoError(t, s.Send(t.Context(), say(1, 3)))
		assert.Equal(t, []string{Lost, Lost, Delivered}, outcomes(s))
		assert.Equal(t, saying(3), to.bodies())
		assert.Equal(t, saying(1)[0], s.Deliveries()[0].Body, "what the shop missed")

		to.statuses = []int{0, 500, 200}
		s.Notify(say(1, 4))
		synctest.Wait()
		behave(t, s, Behavior{Lose: Hits{Percent: 100}})
		require.NoError(t, s.Wait(t.Context()))
		assert.Equal(t, saying(3, 4, 4), to.bodies(), "what was sent once is not lost later")
	})
}

// Single attempts are hit, and the behavior of the moment counts.
func TestCorruptAndForge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		to := &shop{statuses: []int{401, 401, 200}}
		s := newSender(t, to, Config{Repeats: 2, Interval: time.Minute})
		behave(t, s, Behavior{Corrupt: Hits{Next: 1}, Forge: Hits{Percent: 100}})
		s.Notify(say(1, 5))
		pass(time.Second)
		behave(t, s, Behavior{Forge: Hits{Next: 1}, Forms: []string{FormRaw}})
		require.NoError(t, s.Wait(t.Context()))
		got := s.Deliveries()
		assert.Equal(t, []bool{true, false, false}, []bool{got[0].Corrupted, got[1].Corrupted, got[2].Corrupted})
		assert.Equal(t, []bool{true, true, false}, []bool{got[0].Forged, got[1].Forged, got[2].Forged})
		assert.Equal(t, []string{"js", "raw", "raw"}, []string{got[0].Form, got[1].Form, got[2].Form})
		assert.Equal(t, []string{`{"n":6}`, `{"n":5}`, `{"n":5}`}, to.bodies())
		for i, d := range got {
			genuine, err := Sign("secret", []byte(saying(5)[0]), d.Form)
			require.NoError(t, err)
			assert.Equal(t, i == 2, d.Signature == genuine)
		}
	})
}

func TestPercentsFollowTheSeed(t *testing.T) {
	t.Parallel()
	const all = 1000
	run := func(seed uint64) (got []Delivery) {
		synctest.Test(t, func(t *testing.T) {
			s := newSender(t, &shop{}, Config{Seed: seed})
			behave(t, s, Behavior{
				Forms: []string{"js", "js-arrays", "php", "python", "raw"},
				Lose:  Hits{Percent: 10}, Corrupt: Hits{Percent: 25}, Forge: Hits{Percent: 50},
			})
			for n := range all {
				s.Notify(say(int64(n+1), n))
			}
			require.NoError(t, s.Wait(t.Context()))
			got = s.Deliveries()
		})
		return got
	}
	got := run(1)
	assert.Equal(t, got, run(1))
	assert.NotEqual(t, got, run(2))
	share := func(is func(d Delivery) bool) float64 {
		hits := 0
		for _, d := range got {
			if is(d) {
				hits++
			}
		}
		return float64(hits) / all
	}
	assert.InDelta(t, 0.10, share(func(d Delivery) bool { return d.Outcome == Lost }), 0.04)
	assert.InDelta(t, 0.90*0.25, share(func(d Delivery) bool { return d.Corrupted }), 0.05)
	assert.InDelta(t, 0.90*0.50, share(func(d Delivery) bool { return d.Forged }), 0.05)
	for _, form := range []string{"js", "js-arrays", "php", "python", "raw"} {
		assert.InDelta(t, 0.20, share(func(d Delivery) bool { return d.Form == form }), 0.05, form)
	}
}

func TestTheSettingsAreCopied(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSender(t, &shop{}, Config{})
		forms := []string{"php"}
		behave(t, s, Behavior{Forms: forms})
		forms[0] = "no form"
		require.NoError(t, s.Send(t.Context(), say(1, 1)))
	})
}

func TestCamelCaseIsOfTheMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSender(t, &shop{}, Config{})
		var asked []bool
		n := say(1, 1)
		n.Body = func(camelCase bool) ([]byte, error) {
			asked = append(asked, camelCase)
			return []byte("{}"), nil
		}
		behave(t, s, Behavior{CamelCase: true, Delay: time.Hour})
		s.Notify(n)
		behave(t, s, Behavior{})
		s.Notify(n)
		require.NoError(t, s.Wait(t.Context()))
		assert.Equal(t, []bool{true, false}, asked)
	})
}

// FuzzCorrupt holds that a corrupted body is another one by one byte, and if it
// has a number and can be signed, says something else in every form.
func FuzzCorrupt(f *testing.F) {
	f.Add([]byte(`{"payment_id":123,"pay_amount":0.0000012345678901234567,"x":"\u0041"}`), uint64(3))
	f.Add([]byte(`{"a":1e-5,"b":[9,-0.0,1E400],"c":"2026-03-14T00:00:00.5Z"}`), uint64(9))
	f.Add([]byte(`{"a":12345678901234567.8}`), uint64(1))
	f.Add([]byte(`{}`), uint64(0))
	f.Add([]byte(nil), uint64(0))
	f.Fuzz(func(t *testing.T, body []byte, at uint64) {
		before := slices.Clone(body)
		changed := corrupt(body, at)
		require.Equal(t, before, body, "the original is left alone")
		require.Len(t, changed, len(body))
		differs := 0
		for i := range body {
			if body[i] != changed[i] {
				differs++
			}
		}
		require.Equal(t, min(1, len(body)), differs)
		var one, other canonical.Document
		if one.Parse(body, canonical.DefaultDepth, canonical.DefaultValues) != nil || other.Parse(changed, canonical.DefaultDepth, canonical.DefaultValues) != nil || !jsontext.Value(body).IsValid() {
			return
		}
		for _, form := range [...]canonical.Form{canonical.JS, canonical.JSArrays, canonical.PHP, canonical.Python} {
			if hasDigit(body) && !hasHugeOrTinyNumber(body) {
				require.NotEqual(t, string(one.Append(nil, form)), string(other.Append(nil, form)), form.String())
			}
		}
	})
}

func hasDigit(body []byte) bool { return slices.ContainsFunc(body, isDigit) }

// hasHugeOrTinyNumber reports whether an exponent may hide a digit's change: 0e7
// and 0e8 are the same number.
func hasHugeOrTinyNumber(body []byte) bool {
	return slices.ContainsFunc(body, func(c byte) bool { return c == 'e' || c == 'E' })
}

func TestHits(t *testing.T) {
	t.Parallel()
	chance := rand.New(rand.NewPCG(1, 2))
	h := Hits{Next: 2}
	assert.Equal(t, []bool{true, true, false}, []bool{h.take(chance), h.take(chance), h.take(chance)})
	always := Hits{Percent: 100}
	for range 1000 {
		require.True(t, always.take(chance))
	}
}

// New values of retries, interval and timeout also count for deliveries in
// progress; if they are missing, the sender's own count again.
func TestTermsChangeWhileItRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		to := &shop{statuses: []int{500}}
		s := newSender(t, to, Config{Repeats: 1, Interval: time.Minute})
		start := time.Now()
		s.Notify(say(1, 1))
		synctest.Wait()
		behave(t, s, Behavior{Retries: new(2), Interval: new(time.Hour)})
		require.NoError(t, s.Wait(t.Context()))
		assert.Equal(t, []string{Failed, Failed, GivenUp}, outcomes(s))
		assert.Equal(t, time.Hour+time.Minute, time.Since(start), "the pause that had begun was a minute")

		start = time.Now()
		behave(t, s, Behavior{Retries: new(0)})
		require.ErrorContains(t, s.Send(t.Context(), say(1, 2)), "given up after attempt 1: responded 500")
		behave(t, s, Behavior{Retries: new(3), Interval: new(time.Duration(0))})
		require.ErrorContains(t, s.Send(t.Context(), say(1, 3)), "given up after attempt 4")
		require.ErrorContains(t, s.Again(t.Context(), 3, time.Now()), "given up after attempt 4", "a redelivery too")
		assert.Zero(t, time.Since(start))
		behave(t, s, Behavior{})
		require.ErrorContains(t, s.Send(t.Context(), say(1, 4)), "given up after attempt 2")
		assert.Equal(t, time.Minute, time.Since(start))

		to.took = time.Minute
		behave(t, s, Behavior{Retries: new(0), Timeout: time.Second})
		require.ErrorContains(t, s.Send(t.Context(), say(1, 5)), "no response within 1s")
		behave(t, s, Behavior{Retries: new(0)})
		require.ErrorContains(t, s.Send(t.Context(), say(1, 6)), "no response within 10s")
		assert.Equal(t, time.Minute+11*time.Second, time.Since(start))
	})
}

func TestABehaviorIsItsSendersAlone(t *testing.T) {
	t.Parallel()
	s := newSender(t, &shop{}, Config{})
	b := Behavior{Retries: new(1), Interval: new(time.Hour)}
	behave(t, s, b)
	*b.Retries, *b.Interval = 7, 0
	assert.Equal(t, Behavior{Retries: new(1), Interval: new(time.Hour)}, s.behavior)
	assert.Equal(t, terms{1, time.Hour, 10 * time.Second}, s.current())
}
