// Package control is the sandbox's control API: each action of jovepaytest as a
// call over HTTP.
package control

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

// Root is where the control API is.
const Root = "/sandbox/v1/"

// maxBody is the largest body that is read; a journal to be repeated may have
// maxJournal.
const (
	maxBody    = 64 << 10
	maxJournal = 256 << 20
)

// Route is one call of the API.
type Route struct {
	Method, Path string // the path below [Root]
	// Does and Returns say what it does, and what the response has.
	Does, Returns string

	call func(s *jovepaytest.Server, w http.ResponseWriter, r *http.Request) error
}

// Routes returns the calls that there are: those of the server's actions, and
// those that show what it knows.
func Routes() []Route {
	var routes []Route
	for _, a := range jovepaytest.Actions() {
		method, path, _ := strings.Cut(a.Route, " ")
		routes = append(routes, Route{method, path, a.Summary, a.Returns, do(a)})
	}
	return append(routes,
		Route{"GET", "account", "Show the account", "base URL, key, e-mail, password, IPN secret", account},
		Route{"GET", "clock", "Show the clock", "time", clock},
		Route{"GET", "deliveries", "Show every attempt to deliver a notification", "deliveries", deliveries},
		Route{"GET", "journal", "Show everything that has happened", "JSON lines", journal},
		Route{"POST", "replay", "Repeat a journal, on a new sandbox", "differences", replay},
	)
}

// New returns the control API of a server. It serves what is below [Root].
func New(s *jovepaytest.Server) http.Handler {
	mux := http.NewServeMux()
	methods := make(map[string][]string)
	for _, route := range Routes() {
		mux.HandleFunc(route.Method+" "+Root+route.Path, func(w http.ResponseWriter, r *http.Request) {
			if err := route.call(s, w, r); err != nil {
				fail(w, err)
			}
		})
		methods[route.Path] = append(methods[route.Path], route.Method)
	}
	for path, allowed := range methods {
		slices.Sort(allowed)
		mux.HandleFunc(Root+path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", strings.Join(allowed, ", "))
			Reject(w, http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", r.Method+" is not allowed here")
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		Reject(w, http.StatusNotFound, "NOT_FOUND", fmt.Sprintf("there is no %s %s; docs/sandbox.md lists the calls", r.Method, r.URL.Path))
	})
	return mux
}

// do is the call of an action. Its arguments are the members of the body, which
// is one JSON object or empty, and what the path has in braces.
func do(a jovepaytest.Action) func(*jovepaytest.Server, http.ResponseWriter, *http.Request) error {
	return func(s *jovepaytest.Server, w http.ResponseWriter, r *http.Request) error {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			return unreadable{err}
		}
		arguments, err := join(a, r, bytes.TrimSpace(body))
		if err != nil {
			return unreadable{err}
		}
		result, err := a.Do(r.Context(), s, arguments)
		if err != nil {
			return err
		}
		if result == nil {
			return write(w, http.StatusNoContent, nil)
		}
		return write(w, http.StatusOK, jsontext.Value(result))
	}
}

// join adds the arguments in the path to the body.
func join(a jovepaytest.Action, r *http.Request, body []byte) ([]byte, error) {
	var object []byte
	for _, argument := range a.Arguments {
		if !strings.Contains(a.Route, "{"+argument.Name+"}") {
			continue
		}
		value, err := argument.JSON(r.PathValue(argument.Name))
		if err != nil {
			return nil, err
		}
		object = fmt.Appendf(object, "%q:%s,", argument.Name, value)
	}
	if len(body) == 0 {
		body = []byte("{}")
	}
	if len(object) == 0 || body[0] != '{' || !jsontext.Value(body).IsValid() {
		return body, nil // Do says what is wrong with it, and where
	}
	if rest := bytes.TrimSpace(body[1:]); len(rest) > 0 && rest[0] == '}' {
		object = bytes.TrimSuffix(object, []byte(","))
	}
	return slices.Concat([]byte("{"), object, body[1:]), nil
}

// write responds; a nil result is a response without content.
func write(w http.ResponseWriter, status int, result any) error {
	w.Header().Set("Cache-Control", "no-store")
	if result == nil {
		w.WriteHeader(status)
		return nil
	}
	body, err := json.Marshal(result, jsontext.AllowInvalidUTF8(true)) // as in a body that was corrupted
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) //nolint:gosec // JSON, which no browser may take for a page; the caller may have left
	return nil
}

// unreadable is a request that cannot be understood.
type unreadable struct{ error }

// Unwrap returns what is wrong with it.
func (u unreadable) Unwrap() error { return u.error }

// fail responds with an error in the form of JovePay's API.
func fail(w http.ResponseWriter, err error) {
	status, code := http.StatusInternalServerError, "INTERNAL_ERROR"
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		status, code = http.StatusRequestEntityTooLarge, "PAYLOAD_TOO_LARGE"
	} else if _, ok := errors.AsType[unreadable](err); ok {
		status, code = http.StatusBadRequest, "INVALID_REQUEST_PARAMS"
	} else if errors.Is(err, jovepaytest.ErrNotDelivered) {
		status, code = http.StatusBadGateway, "IPN_NOT_DELIVERED"
	} else if errors.Is(err, jovepay.ErrNotFound) {
		status, code = http.StatusNotFound, "NOT_FOUND"
	} else if errors.Is(err, jovepay.ErrInvalidRequest) {
		status, code = http.StatusBadRequest, "INVALID_REQUEST_PARAMS"
	}
	Reject(w, status, code, strings.TrimPrefix(err.Error(), "jovepaytest: "))
}

// Reject responds with an error in the form of JovePay's API.
func Reject(w http.ResponseWriter, status int, code, message string) {
	err := write(w, status, struct {
		Status     bool   `json:"status"`
		StatusCode int    `json:"statusCode"`
		Code       string `json:"code"`
		Message    string `json:"message"`
	}{false, status, code, message})
	if err != nil {
		http.Error(w, message, status)
	}
}
