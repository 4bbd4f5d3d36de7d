// Package testevent creates and signs the bodies of test notifications.
package testevent

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

// The kinds of events in JovePay's guide.
const (
	Payment    = "payment"
	Withdrawal = "withdrawal"
	Recurring  = "recurring"
)

// Kinds lists the kinds.
func Kinds() []string { return []string{Payment, Withdrawal, Recurring} }

// Event describes a test notification.
type Event struct {
	Kind   string   // one of Kinds
	Status string   // empty means finished, or FINISHED
	Set    []string // name=value; see Body
	Camel  bool     // use camel case names, as JovePay's shop plugins do
}

// Body returns the example of JovePay's guide for the kind, with the status and
// fields of the event.
//
// A value is read as JSON if it is valid JSON, or else as text. Fields that
// hold the shop's own text are text unless the value is null or in quotes.
// Unlike in the guide's example, parent_payment_id is null: with a parent, the
// event would be a repeated deposit, which no shop should fulfill.
func (e Event) Body() ([]byte, error) {
	extra, err := parseFields(e.Set)
	if err != nil {
		return nil, err
	}
	event, err := e.event(extra)
	if err != nil {
		return nil, err
	}
	body, err := jovepaytest.IPNBody(event)
	if err != nil || !e.Camel {
		return body, err
	}
	return camelNames(body)
}

func (e Event) event(extra map[string]json.RawMessage) (jovepay.Event, error) {
	response := jovepay.Response{Extra: extra}
	status := func(name, finished string) string {
		if extra[name] != nil {
			return "" // --set wins
		}
		return cmp.Or(e.Status, finished)
	}
	withdrawalStatus := func() jovepay.WithdrawalStatus {
		return jovepay.WithdrawalStatus(strings.ToUpper(status("status", string(jovepay.WithdrawalFinished))))
	}
	switch e.Kind {
	case Payment:
		payment := jovepay.Payment{Status: jovepay.PaymentStatus(status("payment_status", string(jovepay.PaymentFinished))), Response: response}
		setDefault(extra, "parent_payment_id", "null")
		if isUnpaid(payment.Status) {
			setDefault(extra, "actually_paid", "0")
			setDefault(extra, "outcome_amount", "null")
		}
		return &jovepay.PaymentEvent{Payment: payment}, nil
	case Withdrawal:
		return &jovepay.WithdrawalEvent{Status: withdrawalStatus(), Response: response}, nil
	case Recurring:
		return &jovepay.RecurringPaymentEvent{Status: withdrawalStatus(), Response: response}, nil
	}
	return nil, fmt.Errorf("kind: want one of %s, got %q", strings.Join(Kinds(), ", "), e.Kind)
}

// isUnpaid reports whether a payment with this status has received no coins.
func isUnpaid(status jovepay.PaymentStatus) bool {
	switch status {
	case jovepay.PaymentWaiting, jovepay.PaymentExpired, jovepay.PaymentCancelled, jovepay.PaymentCanceled:
		return true
	}
	return false
}

func setDefault(extra map[string]json.RawMessage, name, value string) {
	if extra[name] == nil {
		extra[name] = json.RawMessage(value)
	}
}

// parseFields parses fields of the form name=value.
func parseFields(set []string) (map[string]json.RawMessage, error) {
	extra := map[string]json.RawMessage{}
	for _, field := range set {
		name, value, ok := strings.Cut(field, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("field %q: want name=value", field)
		}
		if strings.ToLower(name) != name {
			return nil, fmt.Errorf("field %q: want a name in JovePay's guide, such as order_id", name)
		}
		literal := jsontext.Value(value)
		if !literal.IsValid() || isOwnText(name) && literal.Kind() != '"' && literal.Kind() != 'n' {
			var err error
			if literal, err = jsontext.AppendQuote(nil, value); err != nil {
				return nil, fmt.Errorf("field %q: %w", name, err)
			}
		}
		extra[name] = json.RawMessage(literal)
	}
	return extra, nil
}

// isOwnText reports whether a field holds the shop's own text, even if it looks
// like a number.
func isOwnText(name string) bool {
	return slices.Contains([]string{"order_id", "order_description", "payin_extra_id", "extra_id"}, name)
}

// Sign returns the signature of a body in the given form.
func Sign(secret string, body []byte, form jovepay.IPNForm) (string, error) {
	signer, err := jovepay.NewIPNVerifier(secret, jovepay.WithIPNForms(form))
	if err != nil {
		return "", err
	}
	signature := signer.Sign(body)
	if signature == "" {
		return "", errors.New("cannot sign the body: want one JSON object without duplicate names")
	}
	return signature, nil
}

// camelNames returns an object with its names in camel case.
func camelNames(object []byte) ([]byte, error) {
	in := jsontext.NewDecoder(bytes.NewReader(object))
	var out bytes.Buffer
	enc := jsontext.NewEncoder(&out)
	for {
		token, err := in.ReadToken()
		if err != nil {
			return nil, err
		}
		depth := in.StackDepth()
		if _, read := in.StackIndex(min(depth, 1)); depth == 1 && read%2 == 1 && token.Kind() == '"' { // a name
			token = jsontext.String(camel(token.String()))
		}
		if err := enc.WriteToken(token); err != nil {
			return nil, err
		}
		if depth == 0 {
			return bytes.TrimSpace(out.Bytes()), nil
		}
	}
}

// camel turns payment_id into paymentId.
func camel(snake string) string {
	words := strings.Split(snake, "_")
	for i, word := range words[1:] {
		if word != "" {
			words[i+1] = strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return strings.Join(words, "")
}
