package page

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/shopspring/decimal"

	"github.com/jovepay/jovepay-go"
)

// action is a button of the sandbox's panel.
type action struct {
	Name, Label, About string
	Refused            string // why it cannot be pressed now, or ""
}

// actionsFor returns the buttons beside a payment.
func actionsFor(p *jovepay.Payment) []action {
	again := action{Name: "twice", Label: "Pay twice", About: "The right amount, two times: the second is a payment of its own."}
	gone, none, rest := "", "", ""
	if p.Status != jovepay.PaymentWaiting {
		gone = "The payment no longer waits."
		again.Label, again.About = "Pay again", "The right amount once more, or late: a payment of its own."
	}
	if p.ActuallyPaid.Sign() <= 0 || p.Status == jovepay.PaymentRefunded {
		none = "There is nothing to pay back."
	}
	switch p.Status {
	case jovepay.PaymentWaiting, jovepay.PaymentConfirming, jovepay.PaymentConfirmed, jovepay.PaymentSending:
	default:
		rest = "No step follows by itself."
	}
	return []action{
		{"exact", "Pay exactly", "The right amount of the right coin.", gone},
		{"under", "Pay half", "Too little: it ends as partially paid.", gone},
		{"over", "Pay half more", "One and a half times the amount.", gone},
		{"wrong", "Pay a wrong asset", "Another coin of the same worth, to this address.", ""},
		again,
		{"expire", "Let it expire", "The time is over, now.", gone},
		{"advance", "One step on", "The next status, as if the network had gone on.", rest},
		{"refund", "Pay back", "JovePay sends the coins back.", none},
	}
}

// act does what a button of the panel says, and shows the payment again.
func (h *handler) act(w http.ResponseWriter, r *http.Request) {
	if !h.readForm(w, r) {
		return
	}
	id := jovepay.ID(r.PostForm.Get("pid"))
	h.pressing.Lock()
	defer h.pressing.Unlock()
	p, err := h.server.Payment(id)
	if err != nil {
		h.failed(w, "payment", id, err)
		return
	}
	name, known := r.PostForm.Get("do"), false
	for _, a := range actionsFor(p) {
		if a.Name != name {
			continue
		}
		known = true
		if a.Refused != "" {
			// Pressed twice, or on a page that was out of date: the page that
			// follows shows why.
			show(w, r, p)
			return
		}
	}
	if !known {
		h.problem(w, http.StatusBadRequest, "There is no such button", fmt.Sprintf("The form asks for %q.", name), address(id))
		return
	}
	if err := h.play(p, name); err != nil {
		status := http.StatusConflict
		if h.server.Err() != nil { // the state cannot be saved
			status = http.StatusInternalServerError
		}
		h.problem(w, status, "That is not possible now", reason(err), address(id))
		return
	}
	show(w, r, p)
}

// play is the customer, the network or JovePay's staff.
func (h *handler) play(p *jovepay.Payment, name string) (err error) {
	switch name {
	case "exact":
		_, err = h.server.Pay(p.ID)
	case "under":
		return h.payPart(p, 1)
	case "over":
		return h.payPart(p, 3)
	case "wrong":
		return h.payWrong(p)
	case "twice":
		if p.Status == jovepay.PaymentWaiting {
			if _, err := h.server.Pay(p.ID); err != nil {
				return err
			}
		}
		_, err = h.server.Pay(p.ID)
	case "expire":
		_, err = h.server.Expire(p.ID)
	case "advance":
		_, err = h.server.Advance(p.ID)
	case "refund":
		_, err = h.server.Refund(p.ID)
	}
	return err
}

// payPart pays so many halves of what is asked for, at no more decimal places
// than the coin has.
func (h *handler) payPart(p *jovepay.Payment, halves int64) error {
	places := int32(p.NetworkPrecision) //nolint:gosec // a few dozen at most
	part := p.PayAmount.Decimal().Mul(decimal.New(5*halves, -1)).Truncate(places)
	if part.IsZero() { // which would be the whole
		return fmt.Errorf("half of %s %s is too small for the coin", p.PayAmount, p.PayCurrency)
	}
	_, err := h.server.PayAmount(p.ID, jovepay.NewAmount(part))
	return err
}

// payWrong pays what the price is worth in another coin, in one of the same
// network if there is one: such coins can be sent to the address.
func (h *handler) payWrong(p *jovepay.Payment) error {
	currencies, err := h.server.Currencies()
	if err != nil {
		return err
	}
	other := ""
	for _, c := range currencies {
		switch {
		case c.Code == p.PayCurrency:
		case c.Network == p.Network:
			_, err := h.server.DepositWrongAsset(p.ID, c.Code, jovepay.Amount{})
			return err
		case other == "":
			other = c.Code
		}
	}
	if other == "" {
		return errors.New("the sandbox has no other coin")
	}
	_, err = h.server.DepositWrongAsset(p.ID, other, jovepay.Amount{})
	return err
}
