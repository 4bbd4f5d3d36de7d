// Package testevent makes the bodies of test notifications and signs them.
package testevent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

// The kinds of events that JovePay's guide shows.
const (
	Payment    = "payment"
	Withdrawal = "withdrawal"
	Recurring  = "recurring"
)

// Kinds lists the kinds.
func Kinds() []string { return []string{Payment, Withdrawal, Recurring} }

// Forms lists the forms of a signature.
func Forms() []string {
	return []string{
		string(jovepay.FormJS), string(jovepay.FormJSArrays), string(jovepay.FormPHP),
		string(jovepay.FormPython), string(jovepay.FormRaw),
	}
}

// An Event says which body to make.
type Event struct {
	Kind   string   // one of Kinds
	Status string   // empty is finished, or FINISHED
	Set    []string // name=value; see Body
	Camel  bool     // names in camel case, as JovePay's shop plugins read them
}

// Body returns the example of JovePay's guide for the kind, with the status and
// the fields of the event in it.
//
// A value is JSON where it is valid JSON, else text; that of a field that holds
// the shop's own text is text unless it is null or in quotes. The example's
// parent_payment_id is left null: with a parent, the event would be that of a
// repeated deposit, which no shop should fulfill.
func (e Event) Body() ([]byte, error) {
	extra, err := members(e.Set)
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
	answer := jovepay.Answer{Extra: extra}
	status := func(name, otherwise string) string {
		switch {
		case extra[name] != nil:
			return "" // the field wins
		case e.Status != "":
			return e.Status
		}
		return otherwise
	}
	switch e.Kind {
	case Payment:
		payment := jovepay.Payment{Status: jovepay.PaymentStatus(status("payment_status", string(jovepay.PaymentFinished))), Answer: answer}
		otherwise(extra, "parent_payment_id", "null")
		if nothingPaid(payment.Status) {
			otherwise(extra, "actually_paid", "0")
			otherwise(extra, "outcome_amount", "null")
		}
		return &jovepay.PaymentEvent{Payment: payment}, nil
	case Withdrawal:
		return &jovepay.WithdrawalEvent{Status: jovepay.WithdrawalStatus(strings.ToUpper(status("status", string(jovepay.WithdrawalFinished)))), Answer: answer}, nil
	case Recurring:
		return &jovepay.RecurringPaymentEvent{Status: jovepay.WithdrawalStatus(strings.ToUpper(status("status", string(jovepay.WithdrawalFinished)))), Answer: answer}, nil
	}
	return nil, fmt.Errorf("kind %q: want one of %s", e.Kind, strings.Join(Kinds(), ", "))
}

// nothingPaid reports whether a payment with this status has no coins, as the
// example has.
func nothingPaid(status jovepay.PaymentStatus) bool {
	switch status {
	case jovepay.PaymentWaiting, jovepay.PaymentExpired, jovepay.PaymentCancelled, jovepay.PaymentCanceled:
		return true
	}
	return false
}

func otherwise(extra map[string]json.RawMessage, name, value string) {
	if extra[name] == nil {
		extra[name] = json.RawMessage(value)
	}
}

// members reads fields of the form name=value.
func members(set []string) (map[string]json.RawMessage, error) {
	extra := map[string]json.RawMessage{}
	for _, field := range set {
		name, value, ok := strings.Cut(field, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("field %q: want name=value", field)
		}
		if strings.ToLower(name) != name {
			return nil, fmt.Errorf("field %q: want a name as JovePay's guide has it, such as order_id", name)
		}
		literal := jsontext.Value(value)
		if !literal.IsValid() || ownText(name) && literal.Kind() != '"' && literal.Kind() != 'n' {
			var err error
			if literal, err = jsontext.AppendQuote(nil, value); err != nil {
				return nil, fmt.Errorf("field %q: %w", name, err)
			}
		}
		extra[name] = json.RawMessage(literal)
	}
	return extra, nil
}

// ownText reports whether a field holds what the shop itself wrote, which is
// text even if it looks like a number.
func ownText(name string) bool {
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
		return "", errors.New("the body cannot be signed: want one JSON object without duplicate names")
	}
	return signature, nil
}

// camelNames writes an object again with its members' names in camel case.
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
