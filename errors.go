package jovepay

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Sentinels for [errors.Is]. The first six classify the API's responses; a request
// that fails validation before it is sent is an ErrInvalidRequest too.
var (
	ErrInvalidRequest = errors.New("jovepay: invalid request")   // 400, 422, or rejected before sending
	ErrUnauthorized   = errors.New("jovepay: not authenticated") // 401: API key, token or password
	ErrForbidden      = errors.New("jovepay: not allowed")       // 403
	ErrNotFound       = errors.New("jovepay: not found")         // 404
	ErrRateLimited    = errors.New("jovepay: too many requests") // 429
	ErrServer         = errors.New("jovepay: server error")      // 5xx

	// ErrOutcomeUnknown means that a request to create something may or may
	// not have been processed: the response was lost, truncated, unreadable or
	// a server error. It was not retried. Don't retry it blindly, or the
	// customer may pay twice: look the order up with
	// [PaymentsService.FindOrder], or use [PaymentsService.CreateOnce] from
	// the start. If there was a response, it is in [APIError.Body].
	ErrOutcomeUnknown = errors.New("jovepay: outcome unknown")
)

// SafeToRetry reports whether err proves that the failed call created nothing
// at JovePay, so that the same call cannot create a second payment or invoice.
// It reports whether a retry is safe, not whether it helps: the client has
// already retried temporary failures (see [RetryPolicy]).
//
//	error                                                        safe
//	nil                                                          false
//	ErrOutcomeUnknown, also where it is one of several errors    false
//	ValidationError: nothing was sent                            true
//	TransportError before the request was sent: no connection,
//	  a context that ended first, no time to log in, too late
//	  for SendBefore                                             true
//	APIError of a rejected request: 4xx except 408, or a 2xx
//	  whose body is an error                                     true
//	any TransportError or APIError of a GET, HEAD or login       true
//	any other error                                              false
//
// An error that wraps one of these counts as that one.
func SafeToRetry(err error) bool {
	if errors.Is(err, ErrOutcomeUnknown) {
		return false
	}
	if _, ok := errors.AsType[*ValidationError](err); ok {
		return true
	}
	if e, ok := errors.AsType[*TransportError](err); ok {
		return e.effect == effectNone
	}
	e, ok := errors.AsType[*APIError](err)
	return ok && e.effect == effectNone
}

// effect is what a failed request may have done at JovePay. The zero value is
// for errors that this package did not make: it proves nothing.
type effect int

const (
	effectNone    effect = iota + 1 // it creates nothing, was not sent, or was rejected
	effectUnknown                   // it may have created something
)

// effectOf returns the effect of a request that has no effect, or may have one.
func effectOf(mayCreate bool) effect {
	if mayCreate {
		return effectUnknown
	}
	return effectNone
}

// APIError is an unsuccessful or undecodable response from JovePay, or from a
// proxy in front of it. Its text is one line and contains no secret. JovePay does
// not document its errors; fields that the response doesn't have are empty.
//
// A 2xx response whose body is an error, such as
// {"status":false,"statusCode":400,"code":"…","message":"…"}, is a rejection:
// nothing was created. StatusCode is then the 2xx, and [errors.Is] uses the
// statusCode in the body, if there is one. If such a body has other members too,
// such as a payment_id, the outcome of a request that creates something is
// unknown.
type APIError struct {
	StatusCode int    // HTTP status; 2xx if a success could not be decoded or its body is an error
	Code       string // JovePay's code such as INVALID_REQUEST_PARAMS; may be empty
	Message    string // what the response says, on one line
	RequestID  string // x-request-id or cf-ray, to quote to support; may be empty
	Method     string // of the request
	Path       string // of the request, without the query

	// RetryAfter is how long the server asks to wait; 0 if it doesn't.
	RetryAfter time.Duration

	// Body is the response as received, up to the size limit, so that a payment
	// id in an undecodable response is not lost. The client's secrets in it are
	// replaced. The response to a login is not kept.
	Body []byte

	err      error // why a success could not be decoded
	reported int   // the status in the body of a success; 0 if none
	effect   effect
}

// Error describes the response on one line.
func (e *APIError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "jovepay: %s %s: %d", e.Method, e.Path, e.StatusCode)
	for _, part := range []string{e.Code, e.Message} {
		if part != "" {
			b.WriteString(" " + part)
		}
	}
	if e.err != nil {
		b.WriteString(": " + oneLine(e.err.Error(), 300))
	}
	if e.RequestID != "" {
		fmt.Fprintf(&b, " (request id %s)", e.RequestID)
	}
	if e.effect == effectUnknown {
		b.WriteString("; outcome unknown")
	}
	return b.String()
}

// Is makes [errors.Is] work with this package's sentinels.
func (e *APIError) Is(target error) bool {
	if target == ErrOutcomeUnknown {
		return e.effect == effectUnknown
	}
	return target != nil && target == e.sentinel()
}

// Unwrap returns why a successful response could not be decoded, or nil.
func (e *APIError) Unwrap() error { return e.err }

func (e *APIError) sentinel() error {
	switch status := cmp.Or(e.reported, e.StatusCode); {
	case status == http.StatusBadRequest, status == http.StatusUnprocessableEntity:
		return ErrInvalidRequest
	case status == http.StatusUnauthorized:
		return ErrUnauthorized
	case status == http.StatusForbidden:
		return ErrForbidden
	case status == http.StatusNotFound:
		return ErrNotFound
	case status == http.StatusTooManyRequests:
		return ErrRateLimited
	case status >= 500:
		return ErrServer
	}
	return nil
}

// TransportError is a request without a response: the connection could not be
// made or broke, or the time was up. Unwrap returns the cause, so that [errors.Is]
// finds [context.DeadlineExceeded] and the like.
type TransportError struct {
	Method string // of the request
	Path   string // of the request, without the query

	err    error
	effect effect
}

// Error describes the failure on one line.
func (e *TransportError) Error() string {
	s := fmt.Sprintf("jovepay: %s %s: %s", e.Method, e.Path, oneLine(e.err.Error(), 300))
	if e.effect == effectUnknown {
		s += "; outcome unknown"
	}
	return s
}

// Is reports whether target is [ErrOutcomeUnknown] and the request may have
// been processed.
func (e *TransportError) Is(target error) bool {
	return target == ErrOutcomeUnknown && e.effect == effectUnknown
}

// Unwrap returns the cause.
func (e *TransportError) Unwrap() error { return e.err }

// ValidationError is a request, or another argument, that was rejected before
// anything was sent. [errors.Is] finds [ErrInvalidRequest] in it.
type ValidationError struct {
	Field  string // as JovePay names it, such as price_amount
	Reason string // what was expected
}

// Error names the field and what was expected.
func (e *ValidationError) Error() string {
	return fmt.Sprintf("jovepay: %s: %s", e.Field, e.Reason)
}

// Is reports whether target is [ErrInvalidRequest].
func (e *ValidationError) Is(target error) bool { return target == ErrInvalidRequest }
