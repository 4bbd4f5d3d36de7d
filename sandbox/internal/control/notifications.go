package control

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

type hits struct {
	Next    int `json:"next"`
	Percent int `json:"percent"`
}

type ipnBody struct {
	Forms     []jovepay.IPNForm `json:"forms"`
	CamelCase bool              `json:"camel_case"`
	Copies    int               `json:"copies"`
	Shuffle   int               `json:"shuffle"`
	AtOnce    bool              `json:"at_once"`
	Delay     span              `json:"delay"`
	Retries   *int              `json:"retries"`
	Interval  *span             `json:"interval"`
	Timeout   span              `json:"timeout"`
	Lose      hits              `json:"lose"`
	Corrupt   hits              `json:"corrupt"`
	Forge     hits              `json:"forge"`
}

func (s server) ipn(_ *http.Request, b ipnBody) (any, error) {
	return nil, s.SetIPN(jovepaytest.IPNBehavior{
		Forms: b.Forms, CamelCase: b.CamelCase, Copies: b.Copies, Shuffle: b.Shuffle, AtOnce: b.AtOnce,
		Delay: time.Duration(b.Delay), Retries: b.Retries, Interval: (*time.Duration)(b.Interval), Timeout: time.Duration(b.Timeout),
		Lose: jovepaytest.Hits(b.Lose), Corrupt: jovepaytest.Hits(b.Corrupt), Forge: jovepaytest.Hits(b.Forge),
	})
}

type sendBody struct {
	URL  string         `json:"url"`
	Kind string         `json:"kind"` // the guide's example of this kind,
	With jsontext.Value `json:"with"` // with these members in place of its own
	Body jsontext.Value `json:"body"` // instead of a kind: sent as it stands
}

func (s server) sendIPN(r *http.Request, b sendBody) (any, error) {
	body, err := b.compose()
	if err != nil {
		return nil, unreadable{err}
	}
	return nil, s.delivered(s.SendIPN(r.Context(), b.URL, body))
}

// delivered is the error of a delivery: the shop's, unless it is the state's.
func (s server) delivered(err error) error {
	if err == nil || s.Err() != nil {
		return err
	}
	return undelivered{err}
}

// compose returns the body of the notification that is asked for.
func (b *sendBody) compose() ([]byte, error) {
	switch {
	case !isAddress(b.URL):
		return nil, errors.New("url must be an absolute http or https address")
	case (b.Kind == "") == (b.Body == nil):
		return nil, errors.New("give either a kind or a body")
	case b.Kind == "" && b.With != nil:
		return nil, errors.New("with goes with a kind only")
	case b.Kind == "":
		return b.Body, nil
	}
	var event jovepay.Event
	switch b.Kind {
	case "payment":
		event = new(jovepay.PaymentEvent)
	case "withdrawal":
		event = new(jovepay.WithdrawalEvent)
	case "recurring":
		event = new(jovepay.RecurringPaymentEvent)
	default:
		return nil, fmt.Errorf("kind %q is none of payment, withdrawal and recurring", b.Kind)
	}
	if b.With != nil {
		if err := json.Unmarshal(b.With, event); err != nil {
			return nil, fmt.Errorf("with: %w", explain(err))
		}
	}
	return jovepaytest.IPNBody(event)
}

func isAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// redeliver sends a notification again.
func (s server) redeliver(r *http.Request, _ none) (any, error) {
	text := r.PathValue("number")
	number, err := strconv.Atoi(text)
	same := func(d jovepaytest.Delivery) bool { return d.Number == number }
	if err != nil || !slices.ContainsFunc(s.Deliveries(), same) {
		return nil, fmt.Errorf("notification %q: %w", text, jovepay.ErrNotFound)
	}
	return nil, s.delivered(s.Redeliver(r.Context(), number))
}

// deliveryAnswer has the names of the journal, and the times besides.
type deliveryAnswer struct {
	Number     int                         `json:"number"`
	Attempt    int                         `json:"attempt"`
	RepeatOf   int                         `json:"repeat_of,omitzero"`
	PaymentID  jovepay.ID                  `json:"payment_id"`
	Status     jovepay.PaymentStatus       `json:"status"`
	URL        string                      `json:"url"`
	Form       jovepay.IPNForm             `json:"form"`
	Body       string                      `json:"body"`
	Signature  string                      `json:"signature"`
	Corrupted  bool                        `json:"corrupted"`
	Forged     bool                        `json:"forged"`
	Outcome    jovepaytest.DeliveryOutcome `json:"outcome"`
	StatusCode int                         `json:"status_code"`
	Error      string                      `json:"error"`
	Started    time.Time                   `json:"started"`
	Ended      time.Time                   `json:"ended,omitzero"`
}

func (s server) deliveries() (any, error) {
	all := s.Deliveries()
	list := make([]deliveryAnswer, len(all))
	for i, d := range all {
		list[i] = deliveryAnswer{
			d.Number, d.Attempt, d.RepeatOf, d.PaymentID, d.Status, d.URL, d.Form, d.Body, d.Signature, d.Corrupted, d.Forged,
			d.Outcome, d.StatusCode, d.Error, d.Started, d.Ended,
		}
	}
	return struct {
		Deliveries []deliveryAnswer `json:"deliveries"`
	}{list}, nil
}
