package jovepay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"
)

// bodyTimeout limits how long Handler waits for the body of a notification.
const bodyTimeout = 15 * time.Second

// largestClaim is the memory that an announced length gets before the body arrives.
const largestClaim = 64 << 10

// signatureKey is the canonical name of the signature's header.
const signatureKey = "X-Jovepay-Sig"

// ParseRequest reads the body of r, verifies it with the signature in the x-jovepay-sig
// header, and returns the event, as [IPNVerifier.Parse] does. It reads the body up to the
// size limit, and later handlers can read it again. Use it if [IPNVerifier.Handler] does
// not fit. Respond to [ErrIPNTooLarge] with 413, to any other [ErrMalformedIPN] with 400,
// to other errors with 401, and to your own failures with 500, so that JovePay delivers
// the notification again.
func (v *IPNVerifier) ParseRequest(r *http.Request) (Event, error) {
	body, err := v.readBody(r)
	if limit, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, fmt.Errorf("%w: %w: over %d bytes", ErrMalformedIPN, ErrIPNTooLarge, limit.Limit)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: reading the body: %w", ErrMalformedIPN, err)
	}
	if len(body) > v.maxBytes {
		return nil, fmt.Errorf("%w: %w: over %d bytes", ErrMalformedIPN, ErrIPNTooLarge, v.maxBytes)
	}
	if len(body) == 0 && r.ContentLength > 0 {
		return nil, fmt.Errorf("%w: none of its %d bytes are left: something has already read the body", ErrMalformedIPN, r.ContentLength)
	}
	if len(body) == 0 && r.ContentLength < 0 {
		return nil, fmt.Errorf("%w: the body is empty: something may have already read it", ErrMalformedIPN)
	}
	switch signatures := r.Header[signatureKey]; len(signatures) {
	case 0:
		return nil, ErrSignatureMissing
	case 1:
		return v.Parse(body, signatures[0])
	default:
		return nil, fmt.Errorf("%w: more than one signature", ErrSignatureMismatch)
	}
}

// readBody reads the body up to one byte over the limit, and restores it.
func (v *IPNVerifier) readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	// A body of the announced length fits without growing; reading its end takes
	// space too.
	most := v.maxBytes + bytes.MinRead
	announced := int(min(max(r.ContentLength, 0), int64(v.maxBytes))) + bytes.MinRead
	body := make([]byte, 0, min(announced, largestClaim))
	var err error
	for err == nil && len(body) <= v.maxBytes {
		if len(body) == cap(body) {
			room := min(2*cap(body), most)
			if announced > len(body) {
				room = min(room, announced)
			}
			body = append(make([]byte, 0, room), body...)
		}
		var n int
		n, err = r.Body.Read(body[len(body):min(cap(body), v.maxBytes+1)])
		body = body[:len(body)+n]
	}
	r.Body = &rereadable{front: body, ReadCloser: r.Body}
	if err == io.EOF {
		err = nil
	}
	return body, err
}

// rereadable is a body whose front was read and put back.
type rereadable struct {
	front []byte
	io.ReadCloser
}

func (b *rereadable) Read(p []byte) (int, error) {
	if len(b.front) == 0 {
		return b.ReadCloser.Read(p)
	}
	n := copy(p, b.front)
	b.front = b.front[n:]
	return n, nil
}

// Handler returns a handler that verifies notifications and passes each event to fn. It
// responds with a status and an empty body:
//
//   - 200 if fn returned nil. JovePay considers the notification delivered.
//   - 500 if fn returned an error or panicked. JovePay will deliver it again.
//   - 401 if the signature is missing or does not match.
//   - 400 if the body is malformed, 413 if it is too long, 405 if the request
//     is not a POST.
//
// Every response except 200 and 405 is logged, to [slog.Default] or the logger of
// [WithIPNLogger]: rejections at level Warn, errors and panics of fn at level Error.
//
// Handler waits for the body for the server's ReadTimeout, or for 15 seconds if that is
// not set.
//
// fn is called for each delivery. The same event can be delivered several times, and
// events in any order: let fn do its work once per [Event.Key], or use package inbox. Its
// context ends when the sender disconnects; use [context.WithoutCancel] for work that
// should finish anyway.
func (v *IPNVerifier) Handler(fn func(context.Context, Event) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Not every ResponseWriter supports deadlines; without them, the server's
		// own timeouts apply.
		connection := http.NewResponseController(w)
		bounded := hasReadTimeout(r)
		if !bounded {
			_ = connection.SetReadDeadline(time.Now().Add(bodyTimeout))
		}
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		event, err := v.ParseRequest(r)
		if err != nil {
			// Keep the deadline: before it responds, the server reads the rest of
			// the body.
			v.logger().WarnContext(r.Context(), "jovepay: notification rejected", "error", err)
			w.WriteHeader(rejectionStatus(err))
			return
		}
		if !bounded {
			_ = connection.SetReadDeadline(time.Time{})
		}
		if err := v.call(r.Context(), fn, event); err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusOK)
	})
}

// hasReadTimeout reports whether the server itself limits the time for a body.
func hasReadTimeout(r *http.Request) bool {
	server, ok := r.Context().Value(http.ServerContextKey).(*http.Server)
	return ok && server.ReadTimeout > 0
}

func (v *IPNVerifier) logger() *slog.Logger {
	if v.log == nil {
		return slog.Default()
	}
	return v.log
}

// rejectionStatus returns the status for an error of ParseRequest.
func rejectionStatus(err error) int {
	switch {
	case errors.Is(err, ErrIPNTooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, ErrMalformedIPN):
		return http.StatusBadRequest
	}
	return http.StatusUnauthorized
}

// call passes the event to fn and turns a panic into an error.
func (v *IPNVerifier) call(ctx context.Context, fn func(context.Context, Event) error, event Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("jovepay: notification handler panicked: %v", p)
			v.logger().ErrorContext(ctx, "jovepay: notification handler panicked",
				"event", event.Key(), "panic", oneLine(fmt.Sprint(p), 300), "stack", string(debug.Stack()))
		}
	}()
	if err = fn(ctx, event); err != nil {
		v.logger().ErrorContext(ctx, "jovepay: notification handler failed", "event", event.Key(), "error", err)
	}
	return err
}
