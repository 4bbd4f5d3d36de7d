package jovepay_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

// errShop is why a shop ends a call.
var errShop = errors.New("shop closes")

// Wherever the context ends, the error matches the context's error and its
// cause.
func TestErrorsMatchTheCause(t *testing.T) {
	t.Parallel()
	const wait = 30 * time.Second // until the context ends
	get := func(ctx context.Context, c *jovepay.Client) error { _, err := c.Payments.Get(ctx, "1"); return err }
	create := func(ctx context.Context, c *jovepay.Client) error {
		_, err := c.Payments.Create(ctx, goods("1"))
		return err
	}
	list := func(ctx context.Context, c *jovepay.Client) error {
		_, err := c.Payments.List(ctx, jovepay.PaymentListOptions{})
		return err
	}
	second := func(ctx context.Context, c *jovepay.Client) error {
		if err := get(ctx, c); err != nil {
			return err
		}
		return get(ctx, c)
	}
	third := func(ctx context.Context, c *jovepay.Client) error {
		if err := get(ctx, c); err != nil {
			return err
		}
		go func() { _ = get(ctx, c) }()
		synctest.Wait()
		return get(ctx, c)
	}
	http1 := func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, context.Cause(r.Context())
	}
	http2 := func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() }
	stuck := func(r *http.Request) (*http.Response, error) {
		res := plainResponse(http.StatusOK, "")
		res.Body = io.NopCloser(stuckReader{r.Context()})
		return res, nil
	}
	fail := func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }
	ok := func(*http.Request) (*http.Response, error) {
		return plainResponse(http.StatusOK, `{"payment_id":1}`), nil
	}
	limit := jovepay.WithRateLimit(1, 24*time.Hour)
	for name, tt := range map[string]struct {
		respond func(*http.Request) (*http.Response, error)
		call    func(context.Context, *jovepay.Client) error
		foresee bool // the call ends before a deadline that it cannot keep
		opt     jovepay.Option
	}{
		"an attempt over HTTP/1":         {respond: http1, call: get},
		"an attempt over HTTP/2":         {respond: http2, call: get},
		"a create over HTTP/1":           {respond: http1, call: create},
		"a create over HTTP/2":           {respond: http2, call: create},
		"the body of a response":         {respond: stuck, call: get},
		"the body of a create":           {respond: stuck, call: create},
		"a login":                        {respond: http1, call: list},
		"a pause":                        {respond: fail, call: get, foresee: true, opt: jovepay.WithRetry(jovepay.RetryPolicy{BaseDelay: 1 << 60, MaxDelay: 1 << 60})},
		"the rate limit":                 {respond: ok, call: second, foresee: true, opt: limit},
		"the line before the rate limit": {respond: ok, call: third, foresee: true, opt: limit},
	} {
		test := func(name string, end error, context func(context.Context) (context.Context, func())) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context(t.Context())
				defer cancel()
				err := tt.call(ctx, newClient(t, jovepay.DefaultBaseURL, jovepay.WithHTTPClient(&http.Client{Transport: roundTripper(tt.respond)}),
					jovepay.WithCredentials(email, password), jovepay.WithTimeout(time.Hour), tt.opt))
				require.ErrorIs(t, err, end, name)
				require.ErrorIs(t, err, errShop, name)
				assertOneLine(t, err)
				time.Sleep(time.Minute) //nolint:forbidigo // fake time; a login goes on
			})
		}
		test(name, context.Canceled, func(ctx context.Context) (context.Context, func()) {
			ctx, cancel := context.WithCancelCause(ctx)
			time.AfterFunc(wait, func() { cancel(errShop) })
			return ctx, func() { cancel(nil) }
		})
		test(name+", canceled before", context.Canceled, func(ctx context.Context) (context.Context, func()) {
			ctx, cancel := context.WithCancelCause(ctx)
			cancel(errShop)
			return ctx, func() {}
		})
		test(name+", over before", context.DeadlineExceeded, func(ctx context.Context) (context.Context, func()) {
			return context.WithDeadlineCause(ctx, time.Now(), errShop)
		})
		if !tt.foresee {
			test(name+", over", context.DeadlineExceeded, func(ctx context.Context) (context.Context, func()) {
				return context.WithTimeoutCause(ctx, wait, errShop)
			})
		}
	}
}

// stuckReader gives nothing until its context ends.
type stuckReader struct{ ctx context.Context }

func (r stuckReader) Read([]byte) (int, error) { <-r.ctx.Done(); return 0, r.ctx.Err() }

// A cause may hold a secret, which the error then hides; it still matches.
func TestCausesWithSecretsMatch(t *testing.T) {
	t.Parallel()
	cause := fmt.Errorf("key %s: %w", apiKey, errShop)
	ctx, cancel := context.WithCancelCause(t.Context())
	_, err := responding(t, func(*http.Request) (*http.Response, error) {
		cancel(cause)
		return nil, cause
	}).Payments.Create(ctx, goods("1"))
	for _, target := range []error{context.Canceled, cause, errShop, jovepay.ErrOutcomeUnknown} {
		require.ErrorIs(t, err, target)
	}
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, errors.Unwrap(err)), apiKey)
}
