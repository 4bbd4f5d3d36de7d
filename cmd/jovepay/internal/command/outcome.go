package command

import (
	"bytes"
	"errors"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/fail"
)

// resource is what a request creates, as the name of its ID in the response.
type resource string

const (
	aPayment  resource = "payment_id"
	anInvoice resource = "id"
)

// lostHint says what to do if the response is lost.
func (r resource) lostHint() string {
	if r == anInvoice {
		return "The invoice may exist, and no list shows invoices that nobody has paid. If you create another one, send the customer only that one's page."
	}
	return "It may have been created. Don't just run the command again: check \"jovepay payment list\" first."
}

// unknownOutcome adds to an error what is known about a resource that may have
// been created: its ID, if the response has it.
func unknownOutcome(err error, created resource) error {
	if !errors.Is(err, jovepay.ErrOutcomeUnknown) {
		return err
	}
	unknown := fail.With(fail.OutcomeUnknown, created.lostHint(), err)
	if response, ok := errors.AsType[*jovepay.APIError](err); ok {
		unknown.ID = findID(response.Body, string(created))
	}
	return unknown
}

// printFailure adds to the error of printing a resource that it was created,
// and its ID.
func printFailure(err error, id jovepay.ID) error {
	if err == nil {
		return nil
	}
	unknown := fail.With(fail.OutcomeUnknown, "It was created but could not be printed. Don't run the command again.", err)
	unknown.ID = id
	return unknown
}

// findID returns a member of a JSON object that may be truncated or malformed
// after it.
func findID(body []byte, member string) jovepay.ID {
	d := jsontext.NewDecoder(bytes.NewReader(body))
	if token, err := d.ReadToken(); err != nil || token.Kind() != '{' {
		return ""
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return ""
		}
		found := name.String() == member
		value, err := d.ReadValue()
		if err != nil || d.InputOffset() == int64(len(body)) && value.Kind() != '"' {
			return "" // a number at the end may be truncated
		}
		var id jovepay.ID
		if found && id.UnmarshalJSON(value) == nil {
			return id
		}
	}
	return ""
}
