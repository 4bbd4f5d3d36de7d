// Package control is the sandbox's control API: whatever a method of
// jovepaytest.Server does, as a call over HTTP.
package control

import (
	"errors"
	"fmt"
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

// maxBody is the largest body that is read, but for a journal to be replayed,
// which is maxJournal at most.
const (
	maxBody    = 64 << 10
	maxJournal = 256 << 20
)

// server does what the routes say.
type server struct{ *jovepaytest.Server }

// Route is one call of the API.
type Route struct {
	Method, Path string // the path below [Root]
	call         func(s server, w http.ResponseWriter, r *http.Request) error
}

// Routes returns the calls that there are.
func Routes() []Route {
	return []Route{
		{"GET", "account", answer(server.account)},
		{"POST", "payments/{id}/pay", take(server.pay)},
		{"POST", "payments/{id}/deposit", take(server.deposit)},
		{"POST", "payments/{id}/wrong-asset", take(server.wrongAsset)},
		{"POST", "payments/{id}/advance", take(server.advance)},
		{"POST", "payments/{id}/refund", take(server.refund)},
		{"POST", "payments/{id}/expire", take(server.expire)},
		{"POST", "payments/{id}/status", take(server.paymentStatus)},
		{"POST", "invoices/{id}/checkout", take(server.checkOut)},
		{"POST", "withdrawals", take(server.withdraw)},
		{"POST", "withdrawals/{id}/status", take(server.withdrawalStatus)},
		{"POST", "recurring", take(server.recur)},
		{"POST", "recurring/{id}/status", take(server.recurringStatus)},
		{"PUT", "prices/{ticker}", take(server.price)},
		{"PUT", "minimums/{ticker}", take(server.minimum)},
		{"PUT", "currencies", take(server.currencies)},
		{"GET", "clock", answer(server.clock)},
		{"POST", "clock", take(server.moveClock)},
		{"PUT", "token-lifetime", take(server.tokenLifetime)},
		{"POST", "faults", take(server.inject)},
		{"DELETE", "faults", answer(server.clearFaults)},
		{"PUT", "ipn", take(server.ipn)},
		{"POST", "ipn/send", take(server.sendIPN)},
		{"POST", "ipn/{number}/redeliver", take(server.redeliver)},
		{"GET", "deliveries", answer(server.deliveries)},
		{"GET", "journal", server.journal},
		{"POST", "replay", server.replay},
	}
}

// New returns the control API of a server. It answers below [Root].
func New(s *jovepaytest.Server) http.Handler {
	mux := http.NewServeMux()
	methods := make(map[string][]string)
	for _, route := range Routes() {
		mux.HandleFunc(route.Method+" "+Root+route.Path, func(w http.ResponseWriter, r *http.Request) {
			if err := route.call(server{s}, w, r); err != nil {
				fail(w, err)
			}
		})
		methods[route.Path] = append(methods[route.Path], route.Method)
	}
	for path, allowed := range methods {
		slices.Sort(allowed)
		mux.HandleFunc(Root+path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", strings.Join(allowed, ", "))
			Refuse(w, http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", r.Method+" is not allowed here")
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		Refuse(w, http.StatusNotFound, "NOT_FOUND", fmt.Sprintf("there is no %s %s; docs/sandbox.md lists the calls", r.Method, r.URL.Path))
	})
	return mux
}

// none is the body of calls that need nothing.
type none struct{}

// take is a call with a body of type T: one JSON object without members that T
// does not have. No body at all is an empty object.
func take[T any](do func(s server, r *http.Request, body T) (any, error)) func(server, http.ResponseWriter, *http.Request) error {
	return func(s server, w http.ResponseWriter, r *http.Request) error {
		var body T
		decoder := jsontext.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
		if decoder.PeekKind() == jsontext.KindNull { // which would be an empty object
			return unreadable{errNoObject}
		}
		err := json.UnmarshalDecode(decoder, &body, json.RejectUnknownMembers(true))
		if err == nil {
			if _, err = decoder.ReadToken(); err == nil {
				err = errors.New("there is something after it")
			}
		}
		if err != nil && !isEnd(err) {
			return unreadable{explain(err)}
		}
		result, err := do(s, r, body)
		if err != nil {
			return err
		}
		return write(w, http.StatusOK, result)
	}
}

// answer is a call without a body.
func answer(do func(s server) (any, error)) func(server, http.ResponseWriter, *http.Request) error {
	return func(s server, w http.ResponseWriter, _ *http.Request) error {
		result, err := do(s)
		if err != nil {
			return err
		}
		return write(w, http.StatusOK, result)
	}
}

// write answers; nil is an answer without content.
func write(w http.ResponseWriter, status int, result any) error {
	w.Header().Set("Cache-Control", "no-store")
	if result == nil {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	body, err := json.Marshal(result, jsontext.AllowInvalidUTF8(true)) // as in a body that was corrupted
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the caller may have left
	return nil
}

var errNoObject = errors.New("the body must be an object")

// explain says what is wrong with a body without the names that Go has for it.
func explain(err error) error {
	semantic, ok := errors.AsType[*json.SemanticError](err)
	if !ok {
		return err
	}
	switch name := semantic.JSONPointer.LastToken(); {
	case errors.Is(err, json.ErrUnknownName):
		return fmt.Errorf("member %.40q is not known", name)
	case name == "":
		return errNoObject
	case semantic.Err != nil:
		return fmt.Errorf("%s: %w", name, semantic.Err)
	default:
		return fmt.Errorf("%s must not be of the type %v", name, semantic.JSONKind)
	}
}

// unreadable is a body that is not what the call takes.
type unreadable struct{ error }

// Unwrap returns what is wrong with the body.
func (u unreadable) Unwrap() error { return u.error }

// undelivered is a notification that did not arrive.
type undelivered struct{ error }

// fail answers with an error in the form of JovePay's API.
func fail(w http.ResponseWriter, err error) {
	status, code := http.StatusInternalServerError, "INTERNAL_ERROR"
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		status, code = http.StatusRequestEntityTooLarge, "PAYLOAD_TOO_LARGE"
	} else if _, ok := errors.AsType[unreadable](err); ok {
		status, code = http.StatusBadRequest, "INVALID_REQUEST_PARAMS"
	} else if _, ok := errors.AsType[undelivered](err); ok {
		status, code = http.StatusBadGateway, "IPN_NOT_DELIVERED"
	} else if errors.Is(err, jovepay.ErrNotFound) {
		status, code = http.StatusNotFound, "NOT_FOUND"
	} else if errors.Is(err, jovepay.ErrInvalidRequest) {
		status, code = http.StatusBadRequest, "INVALID_REQUEST_PARAMS"
	}
	Refuse(w, status, code, strings.TrimPrefix(err.Error(), "jovepaytest: "))
}

// Refuse answers with an error in the form of JovePay's API.
func Refuse(w http.ResponseWriter, status int, code, message string) {
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
