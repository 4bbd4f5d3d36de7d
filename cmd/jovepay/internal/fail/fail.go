// Package fail says how a command ended: the exit codes, which error has
// which, and what is told of it.
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

// The exit codes. They are part of the program's interface: scripts rely on
// them, so none changes its meaning.
const (
	Done           Code = 0
	Failed         Code = 1
	WrongUse       Code = 2
	Unauthorized   Code = 3
	NotFound       Code = 4
	OutcomeUnknown Code = 5
	NotGenuine     Code = 6
	Unpaid         Code = 7
	TimedOut       Code = 8
	Interrupted    Code = 130 // 128 + SIGINT, as shells have it
	Unread         Code = 141 // 128 + SIGPIPE
	Terminated     Code = 143 // 128 + SIGTERM
)

// Meaning is an exit code explained.
type Meaning struct {
	Code Code
	Kind string // its name in JSON
	Text string // for people
}

// Meanings lists all exit codes in order.
func Meanings() []Meaning {
	return []Meaning{
		{Done, "done", "Done."},
		{Failed, "failed", "It failed for another reason than those below: JovePay refused the request or is out of order, there is no connection, a file cannot be read."},
		{WrongUse, "wrong_use", "Wrong use: a flag, an argument or a setting. Nothing was sent."},
		{Unauthorized, "unauthorized", "Not authenticated or not allowed: the API key, the e-mail or the password is missing or wrong."},
		{NotFound, "not_found", "There is no such payment or endpoint."},
		{OutcomeUnknown, "outcome_unknown", "A request that creates something may have been processed: its answer was lost. Do not simply repeat it; look for its order with \"jovepay payment list --order-id\"."},
		{NotGenuine, "not_genuine", "A notification is not genuine: its signature is missing or does not match, or its body is malformed."},
		{Unpaid, "unpaid", "The payment ended without being paid in full: partially_paid, failed, refunded, expired, cancelled or wrong_asset_confirmed."},
		{TimedOut, "timed_out", "The time given with --timeout is over. Nothing is known to have failed."},
		{Interrupted, "interrupted", "Interrupted with Ctrl-C (SIGINT)."},
		{Unread, "unread", "Whatever read the output has gone, as \"head\" does. The rest was not written, and no error is printed."},
		{Terminated, "terminated", "Ended from outside (SIGTERM)."},
	}
}

// String returns the name that the code has in JSON.
func (c Code) String() string {
	for _, m := range Meanings() {
		if m.Code == c {
			return m.Kind
		}
	}
	return "failed"
}

// SignalError is why a context ended: the program got a signal.
type SignalError struct{ os.Signal }

// Error names the signal.
func (s SignalError) Error() string { return s.String() }

func (s SignalError) code() Code {
	if s.Signal == syscall.SIGTERM {
		return Terminated
	}
	return Interrupted
}

// Error is an error with an exit code of its own.
type Error struct {
	Code Code
	// Hint says what to do; it may be empty.
	Hint string
	// ID is that of a payment or invoice that may exist although its request
	// failed; it may be empty.
	ID  jovepay.ID
	err error
}

// Error says what went wrong.
func (e *Error) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.err }

// With returns err with an exit code and a hint.
func With(code Code, hint string, err error) *Error {
	return &Error{Code: code, Hint: hint, err: err}
}

// Usage returns an error of wrong use.
func Usage(format string, args ...any) error {
	return With(WrongUse, "", fmt.Errorf(format, args...))
}

// CodeOf returns the exit code for an error that a command ended with under
// the given context. That something may have been made comes before all else.
func CodeOf(ctx context.Context, err error) Code {
	var (
		own        *Error
		validation *jovepay.ValidationError
		signal     SignalError
	)
	switch {
	case err == nil:
		return Done
	case errors.Is(err, jovepay.ErrOutcomeUnknown):
		return OutcomeUnknown
	case errors.As(err, &own) && own.Code != Failed:
		return own.Code
	case ctx.Err() != nil && errors.As(context.Cause(ctx), &signal):
		return signal.code()
	case unread(err):
		return Unread
	case errors.As(err, &validation):
		return WrongUse
	case errors.Is(err, jovepay.ErrUnauthorized), errors.Is(err, jovepay.ErrForbidden):
		return Unauthorized
	case errors.Is(err, jovepay.ErrNotFound):
		return NotFound
	case errors.Is(err, jovepay.ErrSignatureMissing), errors.Is(err, jovepay.ErrSignatureMismatch), errors.Is(err, jovepay.ErrMalformedIPN):
		return NotGenuine
	}
	return Failed
}

// unread reports whether an error is that nobody reads the output any more. A
// connection that breaks is no error of a file's.
func unread(err error) bool {
	file := (*fs.PathError)(nil)
	return errors.As(err, &file) && errors.Is(file, syscall.EPIPE)
}

// Report is what is told of an error, in this form as JSON.
type Report struct {
	Kind      string     `json:"kind"`
	ExitCode  Code       `json:"exit_code"`
	Message   string     `json:"message"`
	Hint      string     `json:"hint,omitzero"`
	ID        jovepay.ID `json:"id,omitzero"`         // of what may exist all the same
	Status    int        `json:"status,omitzero"`     // of the answer
	Code      string     `json:"code,omitzero"`       // JovePay's
	RequestID string     `json:"request_id,omitzero"` // to quote to support
}

// ReportOf describes an error that a command ended with.
func ReportOf(ctx context.Context, err error) Report {
	code := CodeOf(ctx, err)
	r := Report{Kind: code.String(), ExitCode: code, Message: err.Error()}
	if code == Interrupted || code == Terminated {
		r.Message = code.String() // what it was doing is known to whoever ended it
	}
	if own := (*Error)(nil); errors.As(err, &own) {
		r.Hint, r.ID = own.Hint, own.ID
	}
	if answer := (*jovepay.APIError)(nil); errors.As(err, &answer) {
		r.Status, r.Code, r.RequestID = answer.StatusCode, answer.Code, answer.RequestID
	}
	return r
}
