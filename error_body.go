package jovepay

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// errorBody is what the body of an error says, whatever sent it.
type errorBody struct {
	code    string
	message string
	failed  bool // its status is false
	status  int  // the HTTP status that it tells, 0 if none
	hasMore bool // it has members that no error has
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

// rejects reports whether the body says that the request failed and why.
func (b errorBody) rejects() bool {
	if b.failed {
		return b.code != "" || b.message != "" || b.status != 0
	}
	return b.status >= http.StatusBadRequest && b.message != ""
}

// clean returns the code and message fit for a line of a log.
func (b errorBody) clean(hide secrets) (code, message string) {
	return oneLine(hide.text(b.code), 100), oneLine(hide.text(b.message), 300)
}

// describe finds the code and message in an error's body, whatever sent it.
func describe(got *reply) (code, message string) {
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
		reason += ": redirect refused"
	case len(bytes.TrimSpace(got.body)) == 0:
		reason += ": empty answer"
	case overLimit(unread):
		reason += ": " + unread.Error()
	case unread != nil:
		reason += fmt.Sprintf(": answer is not JSON but %q", oneLine(got.hide.text(kind[:min(len(kind), longestText)]), 60))
	}
	return "", reason
}

// checkJSON returns why body is not JSON, read strictly and within the limits.
func checkJSON(body []byte) error {
	if err := checkSize(body); err != nil {
		return err
	}
	if !jsontext.Value(body).IsValid() {
		return errNotJSON
	}
	return nil
}

// readableJSON returns body, repaired if need be, or why it cannot be read.
func readableJSON(body []byte) (jsontext.Value, error) {
	err := checkJSON(body)
	if err == nil {
		return body, nil
	}
	if whole := repair(body); whole != nil && !overLimit(err) && checkJSON(whole) == nil {
		return whole, nil
	}
	return nil, err
}

// httpStatus reads a status in quotes or not; 0 if there is none.
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

// membersNamed returns the members of an object that have the given names, nil
// where there is none.
func membersNamed(object jsontext.Value, names ...string) []jsontext.Value {
	found := make([]jsontext.Value, len(names))
	for name, value := range members(object) {
		if i := slices.Index(names, name); i >= 0 {
			found[i] = value
		}
	}
	return found
}

// say returns the text of a message: a string, a list of messages, an object
// that has a message, or, with byField, messages for each field. Anything else
// is said as it is, and null and a missing value are "".
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

// sayAll returns the messages of a list, none if it has something else.
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

// sayText returns the text of a string or number, the beginning of one that is
// long; ok is false for anything else.
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

// clip returns the beginning of a value as it is.
func clip(value jsontext.Value) string {
	return string(bytes.TrimSpace(value[:min(len(value), longestText)]))
}
