package jovepay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// RetryPolicy says how often and how fast a failed request is retried. Zero fields
// have defaults.
//
// Which requests are retried is not configurable, because money depends on it.
// GET requests and the login are retried after network errors, 408, 429 and 5xx.
// A request that creates something is retried only if it provably was not
// processed: no connection was made (refused, DNS, TLS), nothing of it was
// written, or the response was 429; see [SafeToRetry]. Any other failure without a
// clear response is returned as [ErrOutcomeUnknown]. Nothing is retried after the
// context has ended.
//
// A request that creates something is sent once per attempt: net/http, which
// resends some requests by itself, cannot resend these.
//
// With credentials, a request is also retried with a new JWT after a 401, or
// after a 403 if it had a JWT. If a token that has just been issued is rejected,
// there is no further login for a minute.
type RetryPolicy struct {
	// MaxAttempts includes the first attempt: 1 never retries. Default 4.
	MaxAttempts int

	// BaseDelay is the maximum delay before the second attempt. The maximum
	// doubles with each further attempt, up to MaxDelay. The delay is a random
	// part of it ("full jitter"). Defaults 250 ms and 8 s.
	BaseDelay, MaxDelay time.Duration

	// MaxRetryAfter limits the delay that a server asks for with Retry-After.
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

// delay returns the delay after an attempt; the first is 1.
func (p RetryPolicy) delay(attempt int, err error) time.Duration {
	if response, ok := errors.AsType[*APIError](err); ok && response.RetryAfter > 0 {
		return min(response.RetryAfter, p.MaxRetryAfter)
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

// temporary reports whether the same request may succeed later.
func temporary(err error) bool {
	if response, ok := errors.AsType[*APIError](err); ok {
		return response.StatusCode == http.StatusRequestTimeout ||
			response.StatusCode == http.StatusTooManyRequests ||
			response.StatusCode >= 500
	}
	_, ok := errors.AsType[*TransportError](err)
	return ok
}

// pause waits for d or until ctx ends. It does not start a wait that the
// deadline of ctx would cut short.
func pause(ctx context.Context, d time.Duration) error {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < d {
		return cmp.Or(contextError(ctx), context.DeadlineExceeded)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return contextError(ctx)
}

// contextError returns nil until ctx ends, and then an error that matches both
// [context.Context.Err] and [context.Cause].
func contextError(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if err == nil || errors.Is(cause, err) {
		return cause
	}
	return fmt.Errorf("%w: %w", err, cause)
}

// addCause adds to err why ctx has ended, if it has and err doesn't say so:
// net/http returns the cause for HTTP/1 and the context's error for HTTP/2.
func addCause(ctx context.Context, err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // without the URL: method and path are in the error already
	}
	reason := contextError(ctx)
	switch {
	case err == nil || reason == nil || errors.Is(err, ctx.Err()) && errors.Is(err, context.Cause(ctx)):
		return err
	case errors.Is(reason, err):
		return reason
	}
	return fmt.Errorf("%w: %w", err, reason)
}

// veiled is an error whose text was changed to hide a secret. It can be matched
// but not unwrapped.
type veiled struct {
	text string
	is   func(target error) bool
}

func (v *veiled) Error() string { return v.text }

// Is reports whether the error with the secret matches target.
func (v *veiled) Is(target error) bool { return v.is(target) }

// retryAfter reads a Retry-After header in seconds or as a date. Anything else,
// and a time in the past, gives 0. A delay too long for a Duration gives about the
// longest one.
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, math.MaxInt64/uint64(time.Second))) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// pacer spaces requests evenly. Only the caller at the head of the queue holds a
// reservation, so that a caller who gives up leaves no gap: the limiter refunds a
// reservation in full only if no other has followed it.
type pacer struct {
	head    chan struct{}
	limiter *rate.Limiter
}

func newPacer(interval time.Duration) *pacer {
	return &pacer{make(chan struct{}, 1), rate.NewLimiter(rate.Every(interval), 1)}
}

func (p *pacer) wait(ctx context.Context) error {
	select {
	case p.head <- struct{}{}:
	case <-ctx.Done():
		return contextError(ctx)
	}
	defer func() { <-p.head }()
	if err := contextError(ctx); err != nil {
		return err
	}
	turn := p.limiter.Reserve()
	err := pause(ctx, turn.Delay())
	if err != nil {
		turn.Cancel()
	}
	return err
}

// SendBefore returns a context with which requests that create something are not sent
// at or after t. It is for a caller whose right to create ends at t, because another
// process may then take over.
//
// t is checked before every attempt, and each time that the HTTP transport reads the
// request's body, which net/http does right before it writes the body to the
// connection. If that is too late, the server gets the header at most. t passes when either the time that was left when SendBefore was called
// has elapsed, or this machine's clock shows t: neither a clock that is set back nor
// a suspended machine extends it. If there are several times, the earliest counts. No
// client can exclude that a process is stopped between the last check and the write;
// leave a margin.
//
// A request that is not sent fails with a [TransportError] that matches
// [context.DeadlineExceeded], and [SafeToRetry] reports true. If t passes between two
// reads of the body, or the request has none, a part of it may have been sent, and the
// error is [ErrOutcomeUnknown]. Logins, rate limits and delays before a retry are not
// waited for beyond t. A request that was sent before t waits for its response as
// long as ctx allows, and requests that create nothing are not affected.
//
// A RoundTripper that reads the body and sends it later escapes the check.
func SendBefore(ctx context.Context, t time.Time) context.Context {
	limit := sendLimit{set: time.Now(), left: time.Until(t), end: t.Round(0)}
	return context.WithValue(ctx, sendLimitsKey{}, append(slices.Clip(sendLimitsOf(ctx)), limit))
}

// sendLimit is one time that was given to SendBefore.
type sendLimit struct {
	set  time.Time     // when SendBefore was called
	left time.Duration // at that time
	end  time.Time     // by this machine's clock alone
}

type sendLimits []sendLimit

type sendLimitsKey struct{}

func sendLimitsOf(ctx context.Context) sendLimits {
	limits, _ := ctx.Value(sendLimitsKey{}).(sendLimits)
	return limits
}

// check returns an error if a limit has passed.
func (limits sendLimits) check() error {
	for _, limit := range limits {
		if time.Since(limit.set) >= limit.left || !time.Now().Round(0).Before(limit.end) {
			return errTooLate
		}
	}
	return nil
}

// bound returns ctx for what comes before the sending: it ends with the limits too.
func (limits sendLimits) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if len(limits) == 0 {
		return ctx, func() {}
	}
	deadline := func(limit sendLimit) time.Time { return limit.set.Add(limit.left) }
	first := slices.MinFunc(limits, func(a, b sendLimit) int { return deadline(a).Compare(deadline(b)) })
	return context.WithDeadlineCause(ctx, deadline(first), errTooLate)
}

var errTooLate = fmt.Errorf("not sent before the time set with SendBefore: %w", context.DeadlineExceeded)

// writeProof is the body of one attempt that creates something. It collects proof
// that nothing of the attempt can have been processed.
//
// net/http and other transports resend a request by themselves if they consider it
// idempotent (by its method, or by an Idempotency-Key that a RoundTripper adds) or
// unprocessed (because the server says so: REFUSED_STREAM, GOAWAY), provided that
// it has no body or one that can be read again. A writeProof exists even if it is
// empty, and can be read once: a transport that starts over gets an error, and no
// complete request is resent.
//
// Two witnesses must agree that nothing was sent: this body, which belongs to the
// attempt alone, was never read; and net/http's trace hooks saw no connection, or
// none to which the header was written. Another request with the same context can
// trigger the hooks, but cannot unread a body. Without hooks, as with a
// RoundTripper that does not end in net/http, there is no proof.
//
// A body that was withheld because of SendBefore is proof by itself. It was the only
// source of the content, its first Read failed, and every later one fails too. The
// header may have left: net/http flushes it before it reads a body of this type, and
// HTTP/2 sends it first anyway. But it announces a length of which no byte follows,
// and then the connection or the stream is closed: an incomplete request, which
// servers must not process, and without the content even one that does knows no
// price and no coin. A request without content is different, because its header says
// all that there is; and so is one whose content was read in part.
type writeProof struct {
	content []byte
	limits  sendLimits

	asked, connected, headersWritten, writeFailed atomic.Bool

	mu       sync.Mutex
	next     int  // position in content
	read     bool // Read was called, and was not too late
	late     bool // Read was called too late
	withheld bool // that was the first Read of some content
	closed   bool // Close was called
	over     bool // Read returns errors only
}

func (p *writeProof) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:      func(string) { p.asked.Store(true) },
		GotConn:      func(httptrace.GotConnInfo) { p.connected.Store(true) },
		WroteHeaders: func() { p.headersWritten.Store(true) },
		WroteRequest: func(info httptrace.WroteRequestInfo) { p.writeFailed.Store(info.Err != nil) },
	})
}

// Read reads the content once.
func (p *writeProof) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return 0, errReplay
	}
	if err := p.limits.check(); err != nil {
		p.over, p.late, p.withheld = true, true, !p.read && len(p.content) > 0
		return 0, err
	}
	p.read = true
	if p.next == len(p.content) {
		return 0, io.EOF
	}
	n := copy(b, p.content[p.next:])
	p.next += n
	return n, nil
}

var errReplay = errors.New("a request that creates something is sent once")

// Close ends the reading. A body that was not read yet can still be read: net/http
// closes it if a connection turns out to be unusable, and takes another one.
func (p *writeProof) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.over = p.over || p.read
	return nil
}

// isUnsent reports whether it is certain that no server can have processed the
// attempt, which ended with err. Afterwards the body cannot be read.
func (p *writeProof) isUnsent(ctx context.Context, err error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	switch {
	case p.withheld:
		return true
	case p.read || p.late || !p.asked.Load() || p.headersWritten.Load():
		return false
	case !p.connected.Load():
		return true
	case len(p.content) == 0:
		return false // the header is the whole request
	case p.writeFailed.Load():
		return true
	}
	// The transport has closed the body and written no header: the connection
	// was lost before that. Only a canceled call may return while the header is
	// still being written.
	canceled := ctx.Err() != nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
	return p.closed && !canceled
}

// addCause adds to err that the body was read too late, if it was and err doesn't say
// so.
func (p *writeProof) addCause(err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.late || errors.Is(err, errTooLate) {
		return err
	}
	return fmt.Errorf("%w: %w", errTooLate, err)
}

// noTimeError is the error of a request that was not retried because the context
// had ended, or would have ended during the delay.
func noTimeError(err, cause error) error {
	return fmt.Errorf("%w (no time to retry: %w)", err, cause)
}
