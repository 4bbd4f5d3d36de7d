package jovepaytest

import (
	"slices"
	"strconv"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/internal/emulator/ipn"
)

// Delivery is one attempt to deliver a notification.
type Delivery struct {
	// Number is that of the notification, from 1, in the order in which the
	// events happened. All attempts have it, and every copy has its own.
	Number int `json:"number"`
	// Attempt counts from 1; it is 0 if none was made.
	Attempt int `json:"attempt"`
	// RepeatOf is the notification that [Server.Redeliver] sent again with this
	// one; 0 for all others.
	RepeatOf int `json:"repeat_of,omitzero"`
	// PaymentID and Status are those of the payment, withdrawal or recurring
	// payment; empty for [Server.SendIPN].
	PaymentID jovepay.ID            `json:"payment_id"`
	Status    jovepay.PaymentStatus `json:"status"`

	URL       string          `json:"url"`
	Form      jovepay.IPNForm `json:"form"`
	Body      string          `json:"body"`      // as it was sent
	Signature string          `json:"signature"` // as it was sent
	Corrupted bool            `json:"corrupted"` // a byte of the body was changed
	Forged    bool            `json:"forged"`    // another secret was used

	Outcome    DeliveryOutcome `json:"outcome"`
	StatusCode int             `json:"status_code"` // of the shop's response; 0 if there was none, or not yet
	Error      string          `json:"error"`       // why it failed or was not made; empty otherwise
	// Started and Ended are by the server's clock; Ended is zero until then.
	// A [Server.Journal] has neither.
	Started time.Time `json:"started,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`
}

// DeliveryOutcome is how an attempt ended.
type DeliveryOutcome string

// The outcomes of an attempt.
const (
	DeliverySending DeliveryOutcome = ipn.Sending   // no response yet
	DeliveryDone    DeliveryOutcome = ipn.Delivered // the shop responded with a 2xx status
	DeliveryFailed  DeliveryOutcome = ipn.Failed    // another attempt follows
	DeliveryGivenUp DeliveryOutcome = ipn.GivenUp   // failed, and no attempt follows
	DeliveryLost    DeliveryOutcome = ipn.Lost      // never sent: see IPNBehavior.Lose
	DeliverySkipped DeliveryOutcome = ipn.Skipped   // never sent: the address may not be called
)

// Deliveries returns the attempts to deliver notifications so far, sorted by
// number and attempt. It remembers the last 100,000 attempts at least.
func (s *Server) Deliveries() []Delivery { return newDeliveries(s.ipns.Deliveries()) }

// DeliveriesOf returns the [Server.Deliveries] of the given payments,
// withdrawals or recurring payments, in the same order, without reading all
// others. An unknown id has none.
func (s *Server) DeliveriesOf(ids ...jovepay.ID) []Delivery {
	var numbers []int64
	for _, id := range ids {
		if number, err := numberOf(id); err == nil && paymentID(number) == id {
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	return newDeliveries(s.ipns.DeliveriesOf(slices.Compact(numbers)))
}

func newDeliveries(entries []ipn.Delivery) []Delivery {
	deliveries := make([]Delivery, len(entries))
	for i, e := range entries {
		deliveries[i] = newDelivery(e)
	}
	return deliveries
}

func newDelivery(e ipn.Delivery) Delivery {
	return Delivery{
		Number:     e.Number,
		Attempt:    e.Attempt,
		RepeatOf:   e.RepeatOf,
		PaymentID:  paymentID(e.PaymentID),
		Status:     jovepay.PaymentStatus(e.Status),
		URL:        e.URL,
		Form:       jovepay.IPNForm(e.Form),
		Body:       e.Body,
		Signature:  e.Signature,
		Corrupted:  e.Corrupted,
		Forged:     e.Forged,
		Outcome:    DeliveryOutcome(e.Outcome),
		StatusCode: e.StatusCode,
		Error:      errorText(e.Err),
		Started:    e.Started,
		Ended:      e.Ended,
	}
}

func paymentID(id int64) jovepay.ID {
	if id == 0 {
		return ""
	}
	return jovepay.ID(strconv.FormatInt(id, 10))
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
