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
	"strconv"
	"strings"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Response is the part that all responses and events have in common: the JSON they
// were read from.
type Response struct {
	// Raw is the whole response as received. It is nil for a payment in a
	// list, whose text is in the Raw of the list. It is not written to JSON.
	Raw json.RawMessage `json:"-"`

	// Extra holds, by name, the members that this package does not know, and
	// those that do not fit their field, such as an object instead of an
	// amount; the field is zero then. In JSON they are members next to the
	// fields; one with the name of a field that is set cannot be written.
	// Extra is nil if there are none.
	Extra map[string]json.RawMessage `json:",embed"`
}

func (a *Response) accept(raw []byte) error {
	a.Raw = raw
	return nil
}

// readLimited reads and decompresses the whole body; a body over the limit is an
// error. With an error it returns what it has read.
func readLimited(res *http.Response, limit int64) ([]byte, error) {
	if res.StatusCode == http.StatusSwitchingProtocols {
		return nil, nil // the body would be the connection, which no context ends
	}
	body, err := readAll(res.Body, res.ContentLength, limit)
	if kind := res.Header.Get("Content-Encoding"); len(body) == 0 || res.Uncompressed || !strings.EqualFold(kind, "gzip") {
		return body, err
	}
	text, gzipErr := gunzip(body, limit)
	return text, cmp.Or(err, gzipErr)
}

// gunzip returns the decompressed body, or body itself if it is not compressed.
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

// readAll reads r up to limit, in pieces: it uses memory for what it reads, not
// for the announced length, unless that is small.
func readAll(r io.Reader, announced, limit int64) ([]byte, error) {
	const smallest, largest = 512, 1 << 20
	var pieces [][]byte
	size, total := min(max(smallest, announced+1), largest), int64(0)
	for {
		left := limit - total
		piece := make([]byte, min(size, max(left, left+1))) // one more than the limit, unless that overflows
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

// fill is io.ReadFull, except that it returns r's own error.
func fill(r io.Reader, piece []byte) (n int, err error) {
	for n < len(piece) && err == nil {
		var m int
		m, err = r.Read(piece[n:])
		n += m
	}
	return n, err
}

var (
	errTooLong = errors.New("response is over the size limit")
	errNotGzip = errors.New("response is announced as gzip but is not")
)

// judge turns a response into a success or an error. The read error, if any,
// counts only if the status is a success.
func judge(r *request, got *response, readErr error) (*response, error) {
	success := got.status >= 200 && got.status < 300
	switch {
	case success && readErr == nil:
		if err := contradiction(r, got); err != nil {
			return nil, err
		}
		return got, nil
	case success && (r.creates || errors.Is(readErr, errTooLong) || errors.Is(readErr, errNotGzip)):
		return nil, unreadableError(r, got, readErr)
	case success:
		return nil, &TransportError{Method: r.method, Path: r.path, err: got.hide.cause(readErr), effect: effectNone}
	}
	e := apiError(r, got)
	e.Code, e.Message = describe(got)
	e.effect = effectOf(r.creates && mayBeProcessed(got.status))
	return nil, e
}

// contradiction returns the error of a success whose body is an error, or nil. A
// body that is only an error is a rejection, as an error status would be. If the
// body has other members too, both could be true: the outcome of a request that
// creates something is then unknown, and any other untyped request may have asked
// for something that has a status.
func contradiction(r *request, got *response) error {
	if !bytes.Contains(got.body, []byte(`"status`)) { // nearly always
		return nil
	}
	object, _ := readableJSON(got.body) // an unreadable body fails elsewhere
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

// mayBeProcessed reports whether a request that creates something may have done so
// despite a response with this status. A 4xx is a clear no, except for 408, with
// which a server, or a proxy in front of it, has stopped waiting.
func mayBeProcessed(status int) bool {
	return status < 400 || status == http.StatusRequestTimeout || status >= 500
}

// unreadableError is the error of a success that cannot be decoded.
func unreadableError(r *request, got *response, cause error) *APIError {
	e := apiError(r, got)
	e.Message = "response cannot be read"
	e.effect = effectOf(r.creates)
	if r.path != loginPath {
		e.err = got.hide.cause(shorten(cause))
	}
	return e
}

// shorten returns err without the parts that a hostile response can choose.
func shorten(err error) error {
	if broken, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return fmt.Errorf("byte %d%s: %w", broken.ByteOffset, within(broken.JSONPointer), broken.Err)
	}
	if odd, ok := errors.AsType[*jsonv2.SemanticError](err); ok {
		cause := odd.Err
		if cause == nil {
			cause = fmt.Errorf("cannot read JSON %v as %v", odd.JSONKind, odd.GoType)
		}
		return fmt.Errorf("byte %d%s: %w", odd.ByteOffset, within(odd.JSONPointer), cause)
	}
	return err
}

// within returns the place of an error, unless it is too long.
func within(place jsontext.Pointer) string {
	const longest = 200 // the server chooses the names in it
	if place == "" || len(place) > longest {
		return ""
	}
	return fmt.Sprintf(" in %q", string(place))
}

func apiError(r *request, got *response) *APIError {
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

// errorBody is the content of an error's body, whoever sent it.
type errorBody struct {
	code    string
	message string
	failed  bool // its status is false
	status  int  // the HTTP status in it; 0 if none
	hasMore bool // it has members that errors don't have
}

// readErrorBody reads an object that may describe an error.
func readErrorBody(object jsontext.Value) (said errorBody) {
	texts := map[string]jsontext.Value{}
	for name, value := range members(object) {
		switch name {
		case "status":
			said.failed = string(value) == "false"
		case "statusCode", "status_code":
			said.status = httpStatus(value)
		case "code":
			said.code, _ = sayText(value)
		case "message", "msg", "error", "detail", "details", "errors":
			texts[name] = value
		case "success", "path", "timestamp", "requestId", "request_id":
		default:
			said.hasMore = said.hasMore || !isEmpty(value)
		}
	}
	var parts []string
	for _, names := range [...][]string{{"message", "msg", "error"}, {"detail", "details", "errors"}} {
		for _, name := range names {
			if text := say(texts[name], name == "errors" || name == "details", 0); text != "" {
				parts = append(parts, text)
				break
			}
		}
	}
	said.message = strings.Join(parts, "; ")
	if said.code == "" {
		said.code, _ = sayText(membersNamed(texts["error"], "code")[0])
	}
	return said
}

// rejects reports whether the body says that the request failed, and why.
func (b errorBody) rejects() bool {
	if b.failed {
		return b.code != "" || b.message != "" || b.status != 0
	}
	return b.status >= http.StatusBadRequest && b.message != ""
}

// clean returns the code and message, fit for a line of a log.
func (b errorBody) clean(hide secrets) (code, message string) {
	return oneLine(hide.text(b.code), 100), oneLine(hide.text(b.message), 300)
}

// describe returns the code and message of an error's body, whoever sent it.
func describe(got *response) (code, message string) {
	value, unread := readableJSON(got.body)
	said := errorBody{message: say(value, false, 0)}
	if value.Kind() == '{' {
		said = readErrorBody(value)
	}
	if code, message = said.clean(got.hide); code != "" || message != "" {
		return code, message
	}
	reason := cmp.Or(http.StatusText(got.status), "unknown status")
	kind, _, _ := strings.Cut(got.header.Get("Content-Type"), ";")
	switch {
	case got.status < 400 && got.header.Get("Location") != "":
		reason += ": redirect not followed"
	case len(bytes.TrimSpace(got.body)) == 0:
		reason += ": empty response"
	case overLimit(unread):
		reason += ": " + unread.Error()
	case unread != nil:
		reason += fmt.Sprintf(": response is not JSON but %q", oneLine(got.hide.text(kind[:min(len(kind), longestText)]), 60))
	}
	return "", reason
}

// httpStatus reads a status, with or without quotes; 0 if there is none.
func httpStatus(value jsontext.Value) int {
	text, _ := sayText(value)
	status, err := strconv.Atoi(text)
	if err != nil || status < 100 || status > 599 {
		return 0
	}
	return status
}

func isEmpty(value jsontext.Value) bool {
	switch string(bytes.TrimSpace(value)) {
	case "null", `""`, "{}", "[]":
		return true
	}
	return false
}

// say returns the text of a message: a string, a list of messages, an object with
// a message, or, with byField, messages for each field. Any other value is
// returned as JSON; null and a missing value are "".
func say(value jsontext.Value, byField bool, depth int) string {
	const deepest = 8
	if text, ok := sayText(value); ok {
		return text
	}
	var parts []string
	switch {
	case len(value) == 0 || isEmpty(value):
		return ""
	case depth > deepest:
	case value.Kind() == '[':
		parts = sayAll(value, depth)
	case value.Kind() == '{':
		for _, named := range membersNamed(value, "message", "msg", "detail", "error") {
			if text := say(named, false, depth+1); text != "" {
				return text
			}
		}
		if byField {
			parts = sayFields(value, depth)
		}
	}
	if len(parts) == 0 {
		return clip(value)
	}
	return strings.Join(parts, "; ")
}

// sayAll returns the messages of a list, or nil if it has anything else.
func sayAll(list jsontext.Value, depth int) (parts []string) {
	size := 0
	for element := range elements(list) {
		if kind := element.Kind(); kind != '"' && kind != '{' {
			return nil
		}
		text := say(element, true, depth+1)
		parts = append(parts, text)
		if size += len(text) + 1; size > longestText {
			break
		}
	}
	return parts
}

// sayFields returns the messages for each field.
func sayFields(object jsontext.Value, depth int) (parts []string) {
	size := 0
	for name, value := range members(object) {
		if text := say(value, true, depth+1); text != "" {
			parts = append(parts, name[:min(len(name), longestText)]+": "+text)
			size += len(name) + len(text)
		}
		if size > longestText {
			break
		}
	}
	return parts
}

// sayText returns the text of a string or number, or the beginning of a long one;
// ok is false for anything else.
func sayText(value jsontext.Value) (text string, ok bool) {
	if kind := value.Kind(); kind != '"' && kind != '0' {
		return "", false
	}
	if len(value) <= longestText {
		text, err := scalarText(value)
		return text, err == nil
	}
	const longestEscape = 12
	for cut := range longestEscape {
		head := append(slices.Clip(value[:longestText-cut]), '"')
		if text, err := scalarText(head); err == nil && value.Kind() == '"' {
			return text, true
		}
	}
	return clip(value), true
}

// clip returns the beginning of a value's JSON.
func clip(value jsontext.Value) string {
	return string(bytes.TrimSpace(value[:min(len(value), longestText)]))
}
