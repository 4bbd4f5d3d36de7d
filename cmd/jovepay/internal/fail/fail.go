// Package fail defines the exit codes of the program and maps errors to them.
package fail

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/jovepay/jovepay-go"
)

// Code is an exit code of the program.
type Code int

// The exit codes. Scripts rely on them: none may change its meaning.
const (
	Done           Code = 0
	Failed         Code = 1
	BadUsage       Code = 2
	Unauthorized   Code = 3
	NotFound       Code = 4
	OutcomeUnknown Code = 5
	NotGenuine     Code = 6
	Unpaid         Code = 7
	TimedOut       Code = 8
	Interrupted    Code = 130 // 128 + SIGINT, as in shells
	BrokenPipe     Code = 141 // 128 + SIGPIPE
	Terminated     Code = 143 // 128 + SIGTERM
)

// Meaning documents an exit code.
type Meaning struct {
	Code Code
	Kind string // its name in JSON
	Text string // for people
}

// Meanings lists all exit codes in order.
func Meanings() []Meaning {
	return []Meaning{
		{Done, "done", "Success."},
		{Failed, "failed", "Any other failure, such as a rejected request, no connection or an unreadable file."},
		{BadUsage, "usage", "An invalid flag, argument or setting. Nothing was sent."},
		{Unauthorized, "unauthorized", "The API key, email or password is missing or wrong, or the account may not do this."},
		{NotFound, "not_found", "No such payment or endpoint."},
		{OutcomeUnknown, "outcome_unknown", "A create may have been processed, but its response was lost. Don't just run the command again: look for the order with \"jovepay payment list --order-id\"."},
		{NotGenuine, "not_genuine", "A notification is not genuine: its signature is missing or wrong, or its body is malformed."},
		{Unpaid, "unpaid", "The payment ended without being paid in full: partially_paid, failed, refunded, expired, cancelled or wrong_asset_confirmed."},
		{TimedOut, "timed_out", "The duration given with --timeout has passed. Nothing is known to have failed."},
		{Interrupted, "interrupted", "Interrupted with Ctrl-C (SIGINT)."},
		{BrokenPipe, "broken_pipe", "The program that read the output has exited, as \"head\" does. The rest was not written, and no error is printed."},
		{Terminated, "terminated", "Terminated (SIGTERM)."},
	}
}

// String returns the name of the code in JSON.
func (c Code) String() string {
	for _, m := range Meanings() {
		if m.Code == c {
			return m.Kind
		}
	}
	return "failed"
}

// SignalError is the cause of a context that ended because of a signal.
type SignalError struct{ os.Signal }

// Error names the signal.
func (s SignalError) Error() string { return s.String() }

func (s SignalError) code() Code {
	if s.Signal == syscall.SIGTERM {
		return Terminated
	}
	return Interrupted
}

// Error is an error with its own exit code.
type Error struct {
	Code Code
	// Hint says what to do about it, in whole sentences; it may be empty.
	Hint string
	// ID is that of a payment or invoice that may exist although its request
	// failed; it may be empty.
	ID  jovepay.ID
	err error
}

// Error says what failed.
func (e *Error) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.err }

// With returns err with an exit code and a hint.
func With(code Code, hint string, err error) *Error {
	return &Error{Code: code, Hint: hint, err: err}
}

// Usage returns an error with the code BadUsage.
func Usage(format string, args ...any) error {
	return With(BadUsage, "", fmt.Errorf(format, args...))
}

// CodeOf returns the exit code for the error that a command returned under the
// given context. A create with an unknown outcome takes precedence over
// everything else.
func CodeOf(ctx context.Context, err error) Code {
	own, isOwn := errors.AsType[*Error](err)
	signal, isSignal := errors.AsType[SignalError](context.Cause(ctx))
	_, isInvalid := errors.AsType[*jovepay.ValidationError](err)
	switch {
	case err == nil:
		return Done
	case errors.Is(err, jovepay.ErrOutcomeUnknown):
		return OutcomeUnknown
	case isOwn && own.Code != Failed:
		return own.Code
	case isSignal:
		return signal.code()
	case isBrokenPipe(err):
		return BrokenPipe
	case isInvalid:
		return BadUsage
	case errors.Is(err, jovepay.ErrUnauthorized), errors.Is(err, jovepay.ErrForbidden):
		return Unauthorized
	case errors.Is(err, jovepay.ErrNotFound):
		return NotFound
	case errors.Is(err, jovepay.ErrSignatureMissing), errors.Is(err, jovepay.ErrSignatureMismatch), errors.Is(err, jovepay.ErrMalformedIPN):
		return NotGenuine
	}
	return Failed
}

// isBrokenPipe reports whether the output has no reader anymore. A broken
// network connection is not a [fs.PathError].
func isBrokenPipe(err error) bool {
	file, ok := errors.AsType[*fs.PathError](err)
	return ok && errors.Is(file, syscall.EPIPE)
}

// Report describes an error to the user, in this form as JSON.
type Report struct {
	Kind      string     `json:"kind"`
	ExitCode  Code       `json:"exit_code"`
	Message   string     `json:"message"`
	Hint      string     `json:"hint,omitzero"`
	ID        jovepay.ID `json:"id,omitzero"`         // of a payment or invoice that may exist nevertheless
	Status    int        `json:"status,omitzero"`     // of the response
	Code      string     `json:"code,omitzero"`       // JovePay's error code
	RequestID string     `json:"request_id,omitzero"` // for JovePay's support
}

// ReportOf describes the error that a command returned.
func ReportOf(ctx context.Context, err error) Report {
	code := CodeOf(ctx, err)
	r := Report{Kind: code.String(), ExitCode: code, Message: err.Error()}
	if code == Interrupted || code == Terminated {
		r.Message = code.String() // the user knows what was interrupted
	}
	if own, ok := errors.AsType[*Error](err); ok {
		r.Hint, r.ID = own.Hint, own.ID
	}
	if response, ok := errors.AsType[*jovepay.APIError](err); ok {
		r.Status, r.Code, r.RequestID = response.StatusCode, response.Code, response.RequestID
	}
	return r
}
