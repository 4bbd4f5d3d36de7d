package jovepay

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Answer is what every answer carries beside its fields.
type Answer struct {
	// Raw is the whole answer as it came. It is nil for payments in a list,
	// whose text is in the Raw of the list.
	Raw json.RawMessage `json:"-"`

	// Extra holds the members that this package does not know, by name.
	Extra map[string]json.RawMessage `json:",embed"`
}

func (a *Answer) accept(raw []byte) error {
	a.Raw = raw
	return nil
}

// decode reads an answer strictly as JSON: duplicate names, invalid UTF-8 and
// anything after the value are errors. A member of another type than expected
// is no error: it is read if its meaning is plain (a number where a string
// was expected) and left zero if not; it can be seen in the raw answer.
func decode(body []byte, out any) error {
	err := jsonv2.Unmarshal(body, out)
	if odd := (*jsonv2.SemanticError)(nil); errors.As(err, &odd) {
		return jsonv2.Unmarshal(body, out, jsonv2.WithUnmarshalers(lenient()))
	}
	return err
}

// lenient reads every kind of field that answers have from any kind of JSON.
func lenient() *jsonv2.Unmarshalers {
	return jsonv2.JoinUnmarshalers(
		lenientField(func(s *string, text string) { *s = text }),
		lenientField(func(s *PaymentStatus, text string) { *s = PaymentStatus(text) }),
		lenientField(func(b *bool, text string) { *b = text == "true" || text == "1" }),
		lenientField[int](nil),
		lenientField[Amount](nil),
		lenientField[ID](nil),
		lenientField[Time](nil),
		lenientField[[]ID](nil),
	)
}

// lenientField reads a T; from a scalar of another kind with fromText if that
// is given, as the content of a string if it is one, and else leaves T zero.
func lenientField[T any](fromText func(*T, string)) *jsonv2.Unmarshalers {
	return jsonv2.UnmarshalFromFunc(func(d *jsontext.Decoder, field *T) error {
		value, err := d.ReadValue()
		if err != nil {
			return err
		}
		if jsonv2.Unmarshal(value, field) == nil {
			return nil
		}
		var zero T
		*field = zero
		switch kind := value.Kind(); {
		case kind == '{' || kind == '[':
		case fromText != nil && kind == '"':
			if text, err := scalarText(value); err == nil {
				fromText(field, text)
			}
		case fromText != nil:
			fromText(field, string(value))
		case kind == '"':
			if text, err := scalarText(value); err == nil && jsonv2.Unmarshal([]byte(text), field) != nil {
				*field = zero
			}
		}
		return nil
	})
}

// readBounded reads the body whole; one over the limit is an error.
func readBounded(res *http.Response, limit int64) ([]byte, error) {
	if res.StatusCode == http.StatusSwitchingProtocols {
		return nil, nil // no body but the connection, which no context ends
	}
	var buf bytes.Buffer
	if n := res.ContentLength; n > 0 && n <= limit {
		buf.Grow(int(n) + bytes.MinRead)
	}
	_, err := buf.ReadFrom(io.LimitReader(res.Body, max(limit, limit+1))) // one more, unless that is beyond any int64
	if int64(buf.Len()) > limit {
		buf.Truncate(int(limit))
		return buf.Bytes(), errTooLong
	}
	return buf.Bytes(), err
}

var errTooLong = errors.New("answer is over the size limit")

// judge turns what was read into a success or an error. The read error, if
// any, counts only where the status is a success.
func judge(r *request, got *reply, readErr error) (*reply, error) {
	success := got.status >= 200 && got.status < 300
	switch {
	case success && readErr == nil:
		return got, nil
	case success && (r.creates || errors.Is(readErr, errTooLong)):
		return nil, unreadable(r, got, readErr)
	case success:
		return nil, &TransportError{Method: r.method, Path: r.path, err: got.hide.cause(readErr)}
	}
	e := apiError(r, got)
	e.Code, e.Message = describe(got)
	e.unknown = r.creates && mayBeProcessed(got.status)
	return nil, e
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
	e.unknown = r.creates
	if r.path != loginPath {
		e.err = got.hide.cause(cause)
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

// describe finds the code and message in an error's body, whatever sent it.
func describe(got *reply) (code, message string) {
	var body struct {
		Code    string         `json:"code"`
		Message jsontext.Value `json:"message"`
		Error   jsontext.Value `json:"error"`
	}
	valid := jsontext.Value(got.body).IsValid()
	switch {
	case decode(got.body, &body) == nil:
		message = cmp.Or(plainText(body.Message), plainText(body.Error))
	case valid:
		message = plainText(got.body)
	}
	code, message = oneLine(got.hide.text(body.Code), 100), oneLine(got.hide.text(message), 300)
	if code != "" || message != "" {
		return code, message
	}
	reason := cmp.Or(http.StatusText(got.status), "unknown status")
	kind, _, _ := strings.Cut(got.header.Get("Content-Type"), ";")
	switch {
	case got.status < 400 && got.header.Get("Location") != "":
		reason += ": redirect refused"
	case len(bytes.TrimSpace(got.body)) == 0:
		reason += ": empty answer"
	case !valid:
		reason += fmt.Sprintf(": answer is not JSON but %q", oneLine(got.hide.text(kind), 60))
	}
	return "", reason
}

// plainText returns a message that is a string or an array of strings.
func plainText(v jsontext.Value) string {
	var one string
	if jsonv2.Unmarshal(v, &one) == nil {
		return one
	}
	var many []string
	if jsonv2.Unmarshal(v, &many) == nil {
		return strings.Join(many, "; ")
	}
	return string(v)
}

// oneLine makes text from outside fit for a line of a log.
func oneLine(s string, limit int) string {
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "�"), func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' }), " ")
	if runes := []rune(s); len(runes) > limit {
		s = string(runes[:limit]) + "…"
	}
	return s
}
