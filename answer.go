package jovepay

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Answer is what every response carries beside its fields.
type Answer struct {
	// Raw is the whole response as it came. It is nil for payments in a list,
	// whose text is in the Raw of the list, and is not written to JSON.
	Raw json.RawMessage `json:"-"`

	// Extra holds, by name, the members that this package does not know and
	// those that do not fit their field, which is zero then: an object where an
	// amount was expected, for one. In JSON they are members beside the fields;
	// one with the name of a field that is set cannot be written. It is nil if
	// there are none.
	Extra map[string]json.RawMessage `json:",embed"`
}

func (a *Answer) accept(raw []byte) error {
	a.Raw = raw
	return nil
}

// readBounded reads the body whole and unpacks it if it is packed; one over
// the limit is an error. What was read is returned beside an error, too.
func readBounded(res *http.Response, limit int64) ([]byte, error) {
	if res.StatusCode == http.StatusSwitchingProtocols {
		return nil, nil // no body but the connection, which no context ends
	}
	body, err := readAll(res.Body, res.ContentLength, limit)
	if kind := res.Header.Get("Content-Encoding"); len(body) == 0 || res.Uncompressed || !strings.EqualFold(kind, "gzip") {
		return body, err
	}
	text, unpackErr := gunzip(body, limit)
	return text, cmp.Or(err, unpackErr)
}

// gunzip returns the text that body holds, or body itself if it holds none.
func gunzip(body []byte, limit int64) ([]byte, error) {
	unpacked, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return body, fmt.Errorf("%w: %w", errNotGzip, err)
	}
	text, err := readAll(unpacked, -1, limit)
	if err != nil && !errors.Is(err, errTooLong) && !errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("%w: %w", errNotGzip, err)
	}
	if err != nil && len(text) == 0 {
		return body, err
	}
	return text, err
}

// readAll reads r up to limit, in pieces: memory is used for what came, not
// for the length that was announced, unless that is small.
func readAll(r io.Reader, announced, limit int64) ([]byte, error) {
	const smallest, largest = 512, 1 << 20
	var pieces [][]byte
	size, total := min(max(smallest, announced+1), largest), int64(0)
	for {
		left := limit - total
		piece := make([]byte, min(size, max(left, left+1))) // one more, unless that is beyond any int64
		n, err := fill(r, piece)
		total += int64(n)
		pieces = append(pieces, piece[:n])
		if err != nil || total > limit {
			body := pieces[0]
			if len(pieces) > 1 {
				body = slices.Concat(pieces...)
			}
			switch {
			case total > limit:
				return body[:limit], errTooLong
			case errors.Is(err, io.EOF):
				return body, nil
			}
			return body, err
		}
		size = min(2*size, largest)
	}
}

// fill is io.ReadFull with r's own error.
func fill(r io.Reader, piece []byte) (n int, err error) {
	for n < len(piece) && err == nil {
		var m int
		m, err = r.Read(piece[n:])
		n += m
	}
	return n, err
}

var (
	errTooLong = errors.New("answer is over the size limit")
	errNotGzip = errors.New("response is announced as gzip and is not")
)

// judge turns what was read into a success or an error. The read error, if
// any, counts only where the status is a success.
func judge(r *request, got *reply, readErr error) (*reply, error) {
	success := got.status >= 200 && got.status < 300
	switch {
	case success && readErr == nil:
		if err := contradiction(r, got); err != nil {
			return nil, err
		}
		return got, nil
	case success && (r.creates || errors.Is(readErr, errTooLong) || errors.Is(readErr, errNotGzip)):
		return nil, unreadable(r, got, readErr)
	case success:
		return nil, &TransportError{Method: r.method, Path: r.path, err: got.hide.cause(readErr), effect: effectNone}
	}
	e := apiError(r, got)
	e.Code, e.Message = describe(got)
	e.effect = effectOf(r.creates && mayBeProcessed(got.status))
	return nil, e
}

// contradiction returns the error of a success whose body says that it is
// none, or nil. A body that is nothing but an error is a rejection, as an
// error status would be. In one that is something besides, both could be true:
// the outcome of a creating request is unknown then, and another untyped
// request may have asked for something that has a status.
func contradiction(r *request, got *reply) error {
	if !bytes.Contains(got.body, []byte(`"status`)) { // nearly always
		return nil
	}
	object, _ := readableJSON(got.body) // a body that cannot be read fails elsewhere
	if object.Kind() != '{' {
		return nil
	}
	said := readErrorBody(object)
	if !said.rejects() || said.hasMore && r.untyped && !r.creates {
		return nil
	}
	e := apiError(r, got)
	e.Code, e.Message = said.clean(got.hide)
	e.reported = said.status
	e.effect = effectOf(r.creates && (said.hasMore || said.status != 0 && mayBeProcessed(said.status)))
	return e
}

// mayBeProcessed reports whether a request that creates something may have
// done so although this status was answered. A 4xx is a clear no, save for
// 408: the server stopped waiting, perhaps a proxy before it.
func mayBeProcessed(status int) bool {
	return status < 400 || status == http.StatusRequestTimeout || status >= 500
}

// unreadable is the error for a success that cannot be read.
func unreadable(r *request, got *reply, cause error) *APIError {
	e := apiError(r, got)
	e.Message = "answer cannot be read"
	e.effect = effectOf(r.creates)
	if r.path != loginPath {
		e.err = got.hide.cause(shortened(cause))
	}
	return e
}

func apiError(r *request, got *reply) *APIError {
	e := &APIError{
		StatusCode: got.status,
		RequestID:  oneLine(got.hide.text(cmp.Or(got.header.Get("X-Request-Id"), got.header.Get("Cf-Ray"))), 100),
		Method:     r.method,
		Path:       r.path,
		RetryAfter: retryAfter(got.header.Get("Retry-After"), time.Now()),
	}
	if r.path != loginPath {
		e.Body = got.hide.body(got.body)
	}
	return e
}
