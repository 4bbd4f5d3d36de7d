package emulator

import (
	"errors"
	"net/http"

	"github.com/go-json-experiment/json"

	"github.com/jovepay/jovepay-go/internal/emulator/engine"
)

// response is an http.ResponseWriter that keeps what JovePay would send, so that
// a fault can still change it.
type response struct {
	status int
	header http.Header
	body   []byte
}

func newResponse() *response { return &response{status: http.StatusOK, header: http.Header{}} }

// Header returns the header to be sent.
func (a *response) Header() http.Header { return a.header }

// WriteHeader sets the status.
func (a *response) WriteHeader(status int) { a.status = status }

// Write appends to the body.
func (a *response) Write(b []byte) (int, error) {
	a.body = append(a.body, b...)
	return len(b), nil
}

func encode(v any) ([]byte, error) { return json.Marshal(v, json.FormatNilSliceAsNull(true)) }

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := encode(v)
	if err != nil {
		writeError(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body) // to memory
}

func writeStatus(w http.ResponseWriter, status int, code engine.Code, message string) {
	writeJSON(w, status, errorResponse{StatusCode: status, Code: code, Message: message})
}

// writeError writes an error in the form of the API that JovePay's mirrors.
func writeError(w http.ResponseWriter, err error) {
	if errors.Is(err, errNotJSON) {
		writeStatus(w, http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE", err.Error())
		return
	}
	known, ok := errors.AsType[*engine.Error](err)
	if !ok {
		writeStatus(w, http.StatusInternalServerError, "INTERNAL_ERROR", "internal error")
		return
	}
	status := http.StatusBadRequest
	switch known.Code {
	case engine.CodeAuthRequired, engine.CodeWrongLogin, engine.CodeWrongToken:
		status = http.StatusUnauthorized
	case engine.CodeWrongKey:
		status = http.StatusForbidden
	case engine.CodePaymentNotFound, engine.CodeInvoiceNotFound:
		status = http.StatusNotFound
	default:
	}
	writeStatus(w, status, known.Code, known.Message)
}
