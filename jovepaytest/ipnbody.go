package jovepaytest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/internal/emulator/ipn"
)

// The webhook examples of JovePay's guide.
const (
	paymentExample = `{"payment_id":123456789,"parent_payment_id":987654321,"invoice_id":null,` +
		`"payment_status":"finished","pay_address":"address","payin_extra_id":null,` +
		`"price_amount":1,"price_currency":"usd","pay_amount":15,"actually_paid":15,` +
		`"actually_paid_at_fiat":0,"pay_currency":"trx","order_id":null,"order_description":null,` +
		`"purchase_id":"123456789","outcome_amount":14.8106,"outcome_currency":"trx",` +
		`"payment_extra_ids":null,"fee":{"currency":"btc","depositFee":0.09853637216235617,` +
		`"withdrawalFee":0,"serviceFee":0}}`
	withdrawalExample = `{"id":"123456789","batch_withdrawal_id":"987654321","status":"CREATING",` +
		`"error":null,"currency":"usdttrc20","amount":"50","address":"address","fee":null,` +
		`"extra_id":null,"hash":null,"ipn_callback_url":"callback_url",` +
		`"created_at":"2023-07-27T15:29:40.803Z","requested_at":null,"updated_at":null}`
	recurringExample = `{"id":"1234567890","status":"FINISHED","currency":"trx",` +
		`"amount":"12.171365564140688","ipn_callback_url":"callback_url",` +
		`"created_at":"2023-07-26T14:20:11.531Z","updated_at":"2023-07-26T14:20:21.079Z"}`
)

// IPNBody returns the body of a notification, for [Server.SendIPN]: the
// example of JovePay's guide for the kind of the event, a payment, a
// withdrawal or a custodial recurring payment, with the event's fields that
// are not zero in place of the example's. What the event has in Extra is used
// in the same way, null included. A [*jovepay.UnknownEvent] is its Raw.
func IPNBody(event jovepay.Event) ([]byte, error) {
	switch e := event.(type) {
	case *jovepay.PaymentEvent:
		return fill(paymentExample, e)
	case *jovepay.WithdrawalEvent:
		return fill(withdrawalExample, e)
	case *jovepay.RecurringPaymentEvent:
		return fill(recurringExample, e)
	case *jovepay.UnknownEvent:
		return slices.Clone(e.Raw), nil
	default:
		return nil, errors.New("jovepaytest: no event")
	}
}

// member is a name and its value.
type member struct {
	name  string
	value jsontext.Value
}

// fill returns the example with the event's members in it.
func fill(example string, event jovepay.Event) ([]byte, error) {
	given, err := json.Marshal(event, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("jovepaytest: %w", err)
	}
	members := slices.Collect(membersOf([]byte(example)))
	for m := range membersOf(given) {
		same := func(other member) bool { return other.name == m.name }
		if i := slices.IndexFunc(members, same); i >= 0 {
			members[i].value = asKind(m.value, members[i].value.Kind())
		} else {
			members = append(members, m)
		}
	}
	body := []byte("{")
	for i, m := range members {
		if i > 0 {
			body = append(body, ',')
		}
		if body, err = jsontext.AppendQuote(body, m.name); err != nil {
			return nil, fmt.Errorf("jovepaytest: %w", err)
		}
		body = append(append(body, ':'), m.value...)
	}
	return append(body, '}'), nil
}

// membersOf yields the members of a JSON object that is known to be valid.
func membersOf(object []byte) iter.Seq[member] {
	return func(yield func(member) bool) {
		d := jsontext.NewDecoder(bytes.NewReader(object))
		_, err := d.ReadToken()
		for err == nil && d.PeekKind() == '"' {
			name, _ := d.ReadToken()
			m := member{name: name.String()}
			if m.value, err = d.ReadValue(); err == nil {
				m.value = m.value.Clone()
				if !yield(m) {
					return
				}
			}
		}
	}
}

// asKind writes a number as a string, or a string of digits as a number,
// where the guide's example does so: it has ids and amounts in both ways.
func asKind(value jsontext.Value, kind jsontext.Kind) jsontext.Value {
	switch {
	case kind == '"' && value.Kind() == '0':
		return jsontext.Value(`"` + string(value) + `"`)
	case kind == '0' && value.Kind() == '"':
		if bare := jsontext.Value(strings.Trim(string(value), `"`)); bare.Kind() == '0' && bare.IsValid() {
			return bare
		}
	}
	return value
}

// message is a notification that no payment causes. Only URL and Text are in
// the journal: what the others say is composed into Text.
type message struct {
	URL  string         `json:"url" usage:"where to send it" placeholder:"url" example:"http://127.0.0.1:8080/ipn"`
	Kind string         `json:"kind,omitzero" usage:"send the guide's example of a payment, withdrawal or recurring payment" placeholder:"kind" example:"payment"`
	With jsontext.Value `json:"with,omitzero" usage:"members that replace those of the kind's example" example:"{\"payment_status\":\"failed\"}"`
	Body jsontext.Value `json:"body,omitzero" usage:"send this JSON as it is, instead of a kind"`
	Text string         `json:"text,omitzero" usage:"send this text as it is, instead of a kind"`
}

func sendIPN() verb[message, none] {
	return verb[message, none]{Action: Action{
		Name: "SendIPN", Command: "send-ipn", Route: "POST ipn/send", Group: byNobody,
		Summary: "Sign a notification of your own and send it",
		Details: "Sign a notification and deliver it like any other. Fail unless the shop responds with a 2xx status.",
	}, wait: func(ctx context.Context, s *Server, m message) (none, error) {
		return none{}, wrapDelivery(s.ipns.Send(ctx, ipn.Notification{
			URL: m.URL, At: s.engine.Now(),
			Body: func(bool) ([]byte, error) { return []byte(m.Text), nil },
		}))
	}}
}

// compose writes the body that is asked for into Text.
func (m *message) compose() error {
	given := 0
	for _, is := range []bool{m.Kind != "", m.Body != nil, m.Text != ""} {
		if is {
			given++
		}
	}
	address, err := url.Parse(m.URL)
	switch {
	case err != nil || address.Scheme != "http" && address.Scheme != "https" || address.Host == "":
		return errors.New("url must be an absolute http or https URL")
	case given != 1:
		return errors.New("want one of kind, body and text")
	case m.Kind == "" && m.With != nil:
		return errors.New("with goes with a kind only")
	case m.Body != nil:
		m.Text = string(m.Body)
	case m.Kind != "":
		if m.Text, err = m.example(); err != nil {
			return err
		}
	}
	m.Kind, m.With, m.Body = "", nil, nil
	return nil
}

func (m *message) example() (string, error) {
	var event jovepay.Event
	switch m.Kind {
	case "payment":
		event = new(jovepay.PaymentEvent)
	case "withdrawal":
		event = new(jovepay.WithdrawalEvent)
	case "recurring":
		event = new(jovepay.RecurringPaymentEvent)
	default:
		return "", fmt.Errorf("kind must be payment, withdrawal or recurring, got %.40q", m.Kind)
	}
	if m.With != nil {
		if err := json.Unmarshal(m.With, event); err != nil {
			return "", fmt.Errorf("with: %w", explain(err))
		}
	}
	body, err := IPNBody(event)
	return string(body), err
}
