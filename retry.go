package jovepay

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// RetryPolicy says how often and how fast a failed request is repeated. A
// field that is zero takes its default.
//
// Which requests are repeated is fixed, because money hangs on it. GET
// requests and the login are repeated after a network error, 408, 429 and
// 5xx. A request that creates something is repeated only if it provably was
// not processed: no connection was made (refused, DNS, TLS), nothing of it was
// written, or the answer was 429. Any other failure without a clear answer is
// returned as [ErrOutcomeUnknown]. Nothing is repeated once the context is
// done. Besides, any request answered 401 is repeated once with a new JWT if
// credentials are configured.
type RetryPolicy struct {
	// MaxAttempts counts the first attempt too: 1 never repeats. Default 4.
	MaxAttempts int

	// BaseDelay bounds the wait before the second attempt; the bound doubles
	// with each further one up to MaxDelay. The wait is a random part of the
	// bound ("full jitter"). Defaults 250 ms and 8 s.
	BaseDelay, MaxDelay time.Duration

	// MaxRetryAfter caps the wait that a server asks for with Retry-After.
	// Default 30 s.
	MaxRetryAfter time.Duration
}

func (p RetryPolicy) withDefaults() RetryPolicy {
	orDefault(&p.MaxAttempts, 4)
	orDefault(&p.BaseDelay, 250*time.Millisecond)
	orDefault(&p.MaxDelay, 8*time.Second)
	orDefault(&p.MaxRetryAfter, 30*time.Second)
	return p
}

func orDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// delay returns how long to wait after the given attempt (1 is the first).
func (p RetryPolicy) delay(attempt int, err error) time.Duration {
	var answer *APIError
	if errors.As(err, &answer) && answer.RetryAfter > 0 {
		return min(answer.RetryAfter, p.MaxRetryAfter)
	}
	return jitter(p.BaseDelay, attempt, p.MaxDelay)
}

// jitter returns a random part of base doubled with each attempt after the
// first, up to limit.
func jitter(base time.Duration, attempt int, limit time.Duration) time.Duration {
	for ; attempt > 1 && base < limit; attempt-- {
		base += min(base, limit-base)
	}
	return rand.N(max(1, min(base, limit))) //nolint:gosec // spreads load, guards nothing
}

// repeatable reports whether the request may be sent again after err.
func (r *request) repeatable(err error) bool {
	if lost := (*TransportError)(nil); errors.As(err, &lost) {
		return lost.unsent || !r.creates
	}
	return temporary(err) && (!r.creates || errors.Is(err, ErrRateLimited))
}

// temporary reports whether the same request may well succeed later.
func temporary(err error) bool {
	if answer := (*APIError)(nil); errors.As(err, &answer) {
		return answer.StatusCode == http.StatusRequestTimeout ||
			answer.StatusCode == http.StatusTooManyRequests ||
			answer.StatusCode >= 500
	}
	lost := (*TransportError)(nil)
	return errors.As(err, &lost)
}

// pause waits for d or until the context is done. It does not start a wait
// that the context's deadline would cut short.
func pause(ctx context.Context, d time.Duration) error {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < d {
		return context.DeadlineExceeded
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// retryAfter reads a Retry-After header in seconds or as a date. Anything
// else, and times that are not ahead, give 0.
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// writeProof watches one attempt through net/http's trace hooks for proof that
// nothing of the request reached a server. Without hooks, as with a
// RoundTripper of the user's that does not end in net/http, there is no proof.
type writeProof struct {
	asked, connected, headersWritten, writeFailed atomic.Bool
}

func (p *writeProof) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:      func(string) { p.asked.Store(true) },
		GotConn:      func(httptrace.GotConnInfo) { p.connected.Store(true) },
		WroteHeaders: func() { p.headersWritten.Store(true) },
		WroteRequest: func(info httptrace.WroteRequestInfo) { p.writeFailed.Store(info.Err != nil) },
	})
}

// unsent reports whether it is certain that no server can have processed the
// request: no connection was had, or writing ended before the headers did.
func (p *writeProof) unsent() bool {
	return p.asked.Load() && (!p.connected.Load() || p.writeFailed.Load() && !p.headersWritten.Load())
}

// gaveUp is the error of a request that was not repeated because the context
// ended or would have ended during the wait.
func gaveUp(err, cause error) error {
	return fmt.Errorf("%w (no time to try again: %w)", err, cause)
}
