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

// bodyTimeout bounds how long Handler waits for the body of a notification.
const bodyTimeout = 15 * time.Second

// largestClaim is how much room a body gets for saying that it is long.
const largestClaim = 64 << 10

// signatureKey is where a request's header has the signature.
const signatureKey = "X-Jovepay-Sig"

// ParseRequest reads the body of r, verifies it with the signature in the
// x-jovepay-sig header and returns the event, as [IPNVerifier.Parse] does. The
// body is read up to the size limit, and can be read again by handlers that
// come after. Use it where [IPNVerifier.Handler] does not fit; respond to
// [ErrIPNTooLarge] with 413, to any other [ErrMalformedIPN] with 400, to the
// rest with 401, and to a failure of your own with 500, so that JovePay delivers
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
		return nil, fmt.Errorf("%w: none of its %d bytes are left: something has read the body before", ErrMalformedIPN, r.ContentLength)
	}
	if len(body) == 0 && r.ContentLength < 0 {
		return nil, fmt.Errorf("%w: the body is empty: something may have read it before", ErrMalformedIPN)
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

// readBody reads the body up to one byte over the limit, and puts it back.
func (v *IPNVerifier) readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	// A body of the announced length fits in without growing: reading its end
	// takes room too.
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

// rereadable is a body of which the front has been put back.
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

// Handler returns a handler that verifies notifications and gives each event
// to fn. It responds with a status and an empty body:
//
//   - 200 if fn returned nil. JovePay considers the notification delivered.
//   - 500 if fn returned an error or panicked. JovePay will deliver it again.
//   - 401 if the signature is missing or does not match.
//   - 400 if the body is malformed, 413 if it is too long, 405 if the request
//     is not a POST.
//
// What is not 200 or 405 is logged, to [slog.Default] unless [WithIPNLogger] says
// otherwise: what was rejected at level Warn, an error or a panic of fn at level
// Error.
//
// It waits for the body as long as the server's ReadTimeout says, or 15 seconds
// if there is none.
//
// fn is called for each delivery, and the same event is delivered more than
// once and not always in order: let it do its work once per [Event.Key]. Its
// context ends when the sender disconnects; wrap it with
// [context.WithoutCancel] for work that should be finished anyway.
func (v *IPNVerifier) Handler(fn func(context.Context, Event) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Not every ResponseWriter knows deadlines; one that does not is
		// guarded by the server's own timeouts.
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
			// The deadline stays: before it responds, the server reads what is
			// left of the body.
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

// hasReadTimeout reports whether the server itself bounds how long a body may
// take, which is then the operator's choice.
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

func rejectionStatus(err error) int {
	switch {
	case errors.Is(err, ErrIPNTooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, ErrMalformedIPN):
		return http.StatusBadRequest
	}
	return http.StatusUnauthorized
}

// call gives the event to fn and turns a panic into an error.
func (v *IPNVerifier) call(ctx context.Context, fn func(context.Context, Event) error, event Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("jovepay: IPN handler panicked: %v", p)
			v.logger().ErrorContext(ctx, "jovepay: notification handler panicked",
				"event", event.Key(), "panic", oneLine(fmt.Sprint(p), 300), "stack", string(debug.Stack()))
		}
	}()
	if err = fn(ctx, event); err != nil {
		v.logger().ErrorContext(ctx, "jovepay: notification handler failed", "event", event.Key(), "error", err)
	}
	return err
}
