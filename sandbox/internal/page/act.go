package page

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/shopspring/decimal"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

// action is a button of the sandbox's panel.
type action struct {
	Name, Label, About string
	Disabled           string // why it is disabled, or ""

	press func(ctx context.Context, server *jovepaytest.Server) error
}

// actionsFor returns the buttons for a payment: some ways to pay it, and the
// actions that have a label.
func actionsFor(p *jovepay.Payment) []action {
	actions := waysToPay(p)
	for _, a := range jovepaytest.Actions() {
		if a.Label == "" || !a.Applies(p) {
			continue
		}
		actions = append(actions, action{a.Command, a.Label, a.Summary + ".", a.Blocked(p),
			func(ctx context.Context, server *jovepaytest.Server) error {
				id, err := json.Marshal(map[string]jovepay.ID{"id": p.ID})
				if err == nil {
					_, err = a.Do(ctx, server, id)
				}
				return err
			},
		})
	}
	return actions
}

// waysToPay returns the buttons that pay, each with another amount or coin.
func waysToPay(p *jovepay.Payment) []action {
	waiting := p.Status == jovepay.PaymentWaiting
	paid := ""
	twice := action{Name: "twice", Label: "Pay twice", About: "The exact amount, two times. The second becomes a separate payment."}
	if !waiting {
		paid = "The payment no longer waits."
		twice.Label, twice.About = "Pay again", "The exact amount once more, or late. It becomes a separate payment."
	}
	pay := func(_ context.Context, server *jovepaytest.Server) error {
		_, err := server.Pay(p.ID)
		return err
	}
	twice.press = func(ctx context.Context, server *jovepaytest.Server) error {
		if waiting {
			if err := pay(ctx, server); err != nil {
				return err
			}
		}
		return pay(ctx, server)
	}
	return []action{
		{"exact", "Pay exactly", "The exact amount of the right coin.", paid, pay},
		{"under", "Pay half", "Too little: it ends as partially paid.", paid, payHalves(p, 1)},
		{"over", "Pay half more", "One and a half times the amount.", paid, payHalves(p, 3)},
		{"wrong", "Pay in a wrong coin", "Another coin of the same value, to this address.", "", payWrong(p)},
		twice,
	}
}

// payHalves pays n halves of the amount, rounded down to the coin's decimal
// places.
func payHalves(p *jovepay.Payment, n int64) func(context.Context, *jovepaytest.Server) error {
	return func(_ context.Context, server *jovepaytest.Server) error {
		places := int32(p.NetworkPrecision) //nolint:gosec // a few dozen at most
		part := p.PayAmount.Decimal().Mul(decimal.New(5*n, -1)).Truncate(places)
		if part.IsZero() { // which would pay all of it
			return fmt.Errorf("half of %s %s is too small for the coin", p.PayAmount, p.PayCurrency)
		}
		_, err := server.PayAmount(p.ID, jovepay.NewAmount(part))
		return err
	}
}

// payWrong pays the value of the price in another coin, one of the same network
// if there is one: such coins can be sent to the address.
func payWrong(p *jovepay.Payment) func(context.Context, *jovepaytest.Server) error {
	return func(_ context.Context, server *jovepaytest.Server) error {
		currencies, err := server.Currencies()
		if err != nil {
			return err
		}
		other := ""
		for _, c := range currencies {
			if c.Code == p.PayCurrency {
				continue
			}
			if c.Network == p.Network {
				other = c.Code
				break
			}
			if other == "" {
				other = c.Code
			}
		}
		if other == "" {
			return errors.New("the sandbox has no other coin")
		}
		_, err = server.DepositWrongAsset(p.ID, other, jovepay.Amount{})
		return err
	}
}

// act presses a button of the panel, and shows the payment again.
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
	button := findAction(actionsFor(p), r.PostForm.Get("do"))
	switch {
	case button == nil:
		h.problem(w, http.StatusBadRequest, "Unknown button", fmt.Sprintf("The form has the button %q.", r.PostForm.Get("do")), address(id))
		return
	case button.Disabled != "":
		// Pressed twice, or on an outdated page: the page that follows says why.
		show(w, r, p)
		return
	}
	if err := button.press(r.Context(), h.server); err != nil {
		status := http.StatusConflict
		if h.server.Err() != nil { // the state cannot be saved
			status = http.StatusInternalServerError
		}
		h.problem(w, status, "This isn't possible now", reason(err), address(id))
		return
	}
	show(w, r, p)
}

func findAction(actions []action, name string) *action {
	for i := range actions {
		if actions[i].Name == name {
			return &actions[i]
		}
	}
	return nil
}
