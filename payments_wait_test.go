package jovepay_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

func TestWaitUntilFinal(t *testing.T) {
	t.Parallel()
	for _, final := range []jovepay.PaymentStatus{
		"finished", "failed", "refunded", "expired", "cancelled", "canceled", "wrong_asset_confirmed",
	} {
		synctest.Test(t, func(t *testing.T) {
			s, client := play(t, inStatus("waiting"), inStatus("confirming"), inStatus("on_hold"), inStatus("partially_paid"),
				inStatus("partially_paid"), inStatus("sending"), inStatus(final))
			payment, err := client().Payments.Wait(t.Context(), "1", jovepay.WaitOptions{})
			require.NoError(t, err)
			assert.Equal(t, final, payment.Status)
			assert.Len(t, s.sent, 7)
		})
	}
}

func TestWaitUntilACondition(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, client := play(t, inStatus("waiting"), inStatus("partially_paid"), inStatus("finished"))
		paidSomething := func(p *jovepay.Payment) bool { return p.Status != jovepay.PaymentWaiting }
		payment, err := client().Payments.Wait(t.Context(), "1", jovepay.WaitOptions{Until: paidSomething})
		require.NoError(t, err)
		assert.Equal(t, jovepay.PaymentPartiallyPaid, payment.Status)
		assert.Len(t, s.sent, 2)

		s, client = play(t, inStatus("finished"), inStatus("finished"), inStatus("refunded"))
		refunded := func(p *jovepay.Payment) bool { return p.Status == jovepay.PaymentRefunded }
		payment, err = client().Payments.Wait(t.Context(), "1", jovepay.WaitOptions{Until: refunded})
		require.NoError(t, err)
		assert.Equal(t, jovepay.PaymentRefunded, payment.Status, "the condition alone decides")
		assert.Len(t, s.sent, 3)
	})
}

func TestWaitPolls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shortest := slices.Repeat([]float64{1}, 8)
		want := []float64{2, 4, 8, 16, 30, 30, 2, 4} // seconds: a change starts over
		for range 100 {
			s, client := play(t, inStatus("waiting"), inStatus("waiting"), inStatus("waiting"), inStatus("waiting"),
				inStatus("waiting"), inStatus("waiting"), inStatus("confirming"), inStatus("confirming"), inStatus("finished"))
			_, err := client().Payments.Wait(t.Context(), "1", jovepay.WaitOptions{})
			require.NoError(t, err)
			require.Len(t, s.pauses(), len(want))
			for i, pause := range s.pauses() {
				share := pause.Seconds() / want[i]
				assert.LessOrEqual(t, share, 1.0, "pause %d", i)
				assert.GreaterOrEqual(t, share, 0.75, "pause %d", i)
				shortest[i] = min(shortest[i], share)
			}
		}
		for i := range want {
			assert.Less(t, shortest[i], 0.8, "pause %d has no jitter", i)
		}
	})
}

func TestWaitSurvivesTemporaryErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		responses := []canned{inStatus("waiting")}
		for range 10 {
			responses = append(responses, status(503), lost, status(429), status(500), status(408), lost)
		}
		s, client := play(t, append(responses, inStatus("finished"))...)
		payment, err := client().Payments.Wait(t.Context(), "1", jovepay.WaitOptions{})
		require.NoError(t, err)
		assert.Equal(t, jovepay.PaymentFinished, payment.Status)
		assert.Len(t, s.sent, 62)
	})
}

func TestWaitEndsWithOtherErrors(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]error{404: jovepay.ErrNotFound, 401: jovepay.ErrUnauthorized, 403: jovepay.ErrForbidden, 400: jovepay.ErrInvalidRequest} {
		synctest.Test(t, func(t *testing.T) {
			s, client := play(t, inStatus("waiting"), status(code))
			payment, err := client().Payments.Wait(t.Context(), "1", jovepay.WaitOptions{})
			assertIs(t, err, want)
			assert.Equal(t, jovepay.PaymentWaiting, payment.Status, "as last seen")
			assert.Len(t, s.sent, 2)
		})
	}
}

// Whatever a server says about another payment is not about this one.
func TestWaitAndGetWantThePaymentThatTheyAskFor(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"payment_id":999,"payment_status":"finished"}`, `{"payment_id":"70","payment_status":"finished"}`, `{"payment_id":7.5}`,
		`{"payment_id":"07","payment_status":"finished"}`, `{"payment_id":" 7","payment_status":"finished"}`, `{"payment_id":"\u202e7\n\u001b[31m"}`,
		`{"payment_id":999,"parent_payment_id":7,"payment_status":"finished"}`, `{"payment_id":"` + strings.Repeat("7", 100_000) + `"}`,
	} {
		synctest.Test(t, func(t *testing.T) {
			s, client := play(t, inStatus("waiting"), canned{status: http.StatusOK, body: strings.Replace(body, "7", "1", 1)}, inStatus("finished"))
			payment, err := client().Payments.Wait(t.Context(), "1", jovepay.WaitOptions{})
			assertIs(t, err)
			assertOneLine(t, err)
			assert.Equal(t, jovepay.PaymentWaiting, payment.Status, "as last seen")
			assert.Len(t, s.sent, 2)
		})
		client := newCannedClient(t, http.StatusOK, body)
		payment, err := client.Payments.Get(t.Context(), "7")
		assertIs(t, err)
		assertOneLine(t, err)
		assert.Nil(t, payment)
		failed := (*jovepay.APIError)(nil)
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, body, string(failed.Body))
	}
	for _, body := range []string{`{"payment_id":7}`, `{"payment_id":"7"}`, `{"payment_id":70e-1}`} {
		_, err := newCannedClient(t, http.StatusOK, body).Payments.Get(t.Context(), "7")
		require.NoError(t, err, body)
	}
}

func TestWaitShowsNoHostileText(t *testing.T) {
	t.Parallel()
	for _, text := range hostileTexts() {
		synctest.Test(t, func(t *testing.T) {
			body, err := jsonv2.Marshal(map[string]string{"payment_id": "1", "payment_status": text})
			require.NoError(t, err)
			_, client := play(t, canned{status: http.StatusOK, body: string(body)})
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_, err = client(jovepay.WithCredentials(email, password)).Payments.Wait(ctx, "1", jovepay.WaitOptions{})
			require.ErrorIs(t, err, context.DeadlineExceeded)
			assertHarmless(t, err)
		})
		if utf8.ValidString(text) && text != "" {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, err := newCannedClient(t, http.StatusOK, "", jovepay.WithCredentials(email, password)).Payments.Wait(ctx, jovepay.ID(text), jovepay.WaitOptions{})
			assertHarmless(t, err)
		}
	}
}

func TestWaitEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, fail := range []canned{inStatus("waiting"), status(503), lost, status(429, "Retry-After", "3600")} {
			start := time.Now()
			_, client := play(t, inStatus("confirming"), fail)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
			payment, err := client().Payments.Wait(ctx, "1", jovepay.WaitOptions{})
			cancel()
			require.ErrorIs(t, err, context.DeadlineExceeded)
			assertIs(t, err)
			assertOneLine(t, err)
			assert.NotNil(t, payment, "as last seen")
			assert.LessOrEqual(t, time.Since(start), 10*time.Minute)
		}

		_, client := play(t, inStatus("waiting"))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Hour, cancel)
		_, err := client().Payments.Wait(ctx, "1", jovepay.WaitOptions{})
		require.ErrorIs(t, err, context.Canceled)
		assert.ErrorContains(t, err, "waiting for payment 1 (waiting)")

		payment, err := client().Payments.Wait(ctx, "1", jovepay.WaitOptions{})
		require.ErrorIs(t, err, context.Canceled, "it was over before it began")
		assert.Nil(t, payment)
	})
}

func TestWaitUsesTheTimeItHas(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for range 50 {
			s, client := play(t, inStatus("waiting"))
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			end := time.Now().Add(time.Minute)
			_, err := client().Payments.Wait(ctx, "1", jovepay.WaitOptions{})
			cancel()
			require.ErrorIs(t, err, context.DeadlineExceeded)
			assert.LessOrEqual(t, end.Sub(s.sent[len(s.sent)-1]), 2*time.Second, "the last look was long before the end")
			assert.LessOrEqual(t, len(s.sent), 20)
		}
	})
}

// A payment that is finished is returned, even if there was no time left.
func TestWaitReturnsWhatItHas(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s, client := play(t, inStatus("waiting"), inStatus("finished"))
		s.each = func(n int) {
			if n == 2 {
				cancel()
			}
		}
		payment, err := client().Payments.Wait(ctx, "1", jovepay.WaitOptions{})
		require.NoError(t, err)
		assert.Equal(t, jovepay.PaymentFinished, payment.Status)
	})
}

func TestWaitNeverOverlaps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		polls, running := 0, 0
		client := newMockClient(t, func(*http.Request) (*http.Response, error) {
			mu.Lock()
			polls++
			running++
			assert.Equal(t, 1, running, "polls overlap")
			n := polls
			mu.Unlock()
			time.Sleep(20 * time.Second) //nolint:forbidigo // fake time, much slower than the polls
			mu.Lock()
			running--
			mu.Unlock()
			if n == 20 {
				return inStatus("finished").response()
			}
			return inStatus("waiting").response()
		})
		_, err := client.Payments.Wait(t.Context(), "1", jovepay.WaitOptions{MinInterval: time.Second, MaxInterval: time.Second})
		require.NoError(t, err)
		assert.Equal(t, 20, polls)
	})
}

func TestWaitAtTheEmulator(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	client := clientOf(t, server)
	id := createAt(t, server)
	look := jovepay.WaitOptions{MinInterval: time.Millisecond, MaxInterval: time.Millisecond}
	var steps sync.WaitGroup
	steps.Go(func() {
		for server.Count("GET", "/v1/payment/*") < 3 {
			<-time.After(time.Millisecond)
		}
		_, err := server.Pay(id)
		assert.NoError(t, err)
	})
	payment, err := client.Payments.Wait(t.Context(), id, look)
	steps.Wait()
	require.NoError(t, err)
	assert.Equal(t, jovepay.PaymentFinished, payment.Status)
	assert.True(t, payment.ActuallyPaid.Equal(payment.PayAmount))
}
