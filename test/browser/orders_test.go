package browser_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/examples/storefront/shop"
	"github.com/jovepay/jovepay-go/jovepaytest"
	"github.com/jovepay/jovepay-go/orders"
)

// choose opens the form of the evening and chooses a coin.
func (s *site) choose(t *testing.T, b *tab, coin string) {
	t.Helper()
	b.open(t, s.url+"/items/evening")
	b.click(t, `input[value="`+coin+`"]`)
}

// main waits until the page shows the state, and returns its text.
func (b *tab) main(t *testing.T, state shop.State) string {
	t.Helper()
	b.sees(t, `[data-state="`+string(state)+`"]`)
	return strings.ReplaceAll(b.text(t, "main"), "\u00a0", " ")
}

// tickets returns the number of tickets on the page in the tab.
func (b *tab) tickets(t *testing.T) int {
	t.Helper()
	return eval[int](t, b, `document.querySelectorAll(".ticket code").length`)
}

// made returns the payments for an order at JovePay, without further deposits.
func (s *site) made(t *testing.T, id string) (made []*jovepay.Payment) {
	t.Helper()
	payments, err := s.Payments()
	require.NoError(t, err)
	for _, p := range payments {
		if p.OrderID == id && p.ParentPaymentID == "" {
			made = append(made, p)
		}
	}
	return made
}

// A customer has the same form in two tabs and presses pay in both at the same
// moment: both show one address.
func TestTwoTabsPressPay(t *testing.T) {
	t.Parallel()
	for name, script := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			tabs := [2]*tab{newTab(t, script), newTab(t, script)}
			for _, b := range tabs {
				s.choose(t, b, "ltc")
			}
			id := eval[string](t, tabs[0], `document.querySelector("[name=order]").value`)
			eval[string](t, tabs[1], `document.querySelector("[name=order]").value = "`+id+`"`)
			// The response takes a while, so that they meet.
			require.NoError(t, s.Inject(jovepaytest.Fault{Method: http.MethodPost, Path: "/v1/payment", Delay: time.Second}))
			for _, b := range tabs {
				eval[bool](t, b, `document.querySelector("button[value=address]").click() === undefined`)
			}
			for _, b := range tabs {
				b.sees(t, "#address")
			}
			assert.Equal(t, tabs[0].address(t), tabs[1].address(t))
			assert.Equal(t, tabs[0].text(t, "#address"), tabs[1].text(t, "#address"))
			assert.Len(t, s.made(t, id), 1)
			assert.Equal(t, 1, s.Count(http.MethodPost, "/v1/payment"))
		})
	}
}

// The customer pays too little, and then the rest. A person issues the ticket.
func TestUnderpaidThenToppedUp(t *testing.T) {
	t.Parallel()
	for name, script := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, b := newSite(t), newTab(t, script)
			at := s.buy(t, b, shop.ByAddress)
			b.press(t, "#do-under")
			b.sees(t, "#notifications tbody tr")
			require.NoError(t, s.WaitDeliveries(t.Context()))
			b.open(t, at)
			assert.Contains(t, b.main(t, shop.StateUnderpaid), "LTC missing")
			rest := b.text(t, "#amount")

			order := s.order(t, at)
			_, err := s.PayAmount(order.PaymentID, jovepay.MustAmount(rest))
			require.NoError(t, err)
			require.NoError(t, s.WaitDeliveries(t.Context()))
			b.open(t, at)
			assert.Contains(t, b.main(t, shop.StateRepeated), "We received "+rest+" LTC as an additional payment")
			assert.Equal(t, 0, b.tickets(t))
			b.looks(t, "order-topped-up")

			code, err := s.shop.Issue(t.Context(), order.ID, orders.Reason{By: "Ada", Why: "the rest came"})
			require.NoError(t, err)
			b.open(t, at)
			assert.Contains(t, b.main(t, shop.StatePaid), code)
		})
	}
}

// The customer goes back to the form, chooses another coin, and pays in both: one
// ticket, and a word about the second payment.
func TestPaidInTwoCoins(t *testing.T) {
	t.Parallel()
	for name, script := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, b := newSite(t), newTab(t, script)
			s.choose(t, b, "ltc")
			id := eval[string](t, b, `document.querySelector("[name=order]").value`)
			b.press(t, `button[value="address"]`)
			b.sees(t, "#address")
			at, first := b.address(t), s.order(t, b.address(t))

			s.choose(t, b, "xrp")
			eval[string](t, b, `document.querySelector("[name=order]").value = "`+id+`"`) // as a page that the browser kept
			b.press(t, `button[value="address"]`)
			b.sees(t, "#memo")
			assert.Equal(t, at, b.address(t))
			second := s.order(t, at)
			assert.NotEqual(t, first.PayAddress, second.PayAddress)

			for _, paid := range []*shop.Order{first, second} {
				_, err := s.Pay(paid.PaymentID)
				require.NoError(t, err)
				require.NoError(t, s.WaitDeliveries(t.Context()))
			}
			b.open(t, at)
			assert.Contains(t, b.main(t, shop.StatePaid), "We received "+second.PayAmount.String()+" XRP as an additional payment. We will check it")
			assert.Equal(t, 1, b.tickets(t))
			b.looks(t, "order-two-coins")
		})
	}
}

// The shop cancels the order, and the customer pays nevertheless.
func TestCanceledThenPaid(t *testing.T) {
	t.Parallel()
	for name, script := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, b := newSite(t), newTab(t, script)
			s.choose(t, b, "ltc")
			b.press(t, `button[value="address"]`)
			b.sees(t, "#address")
			at, order := b.address(t), s.order(t, b.address(t))
			require.NoError(t, s.shop.Cancel(t.Context(), order.ID, orders.Reason{By: "Ada", Why: "sold out"}))
			assert.Contains(t, b.main(t, shop.StateCanceled), "This order was canceled") // the open page updates

			_, err := s.Pay(order.PaymentID)
			require.NoError(t, err)
			require.NoError(t, s.WaitDeliveries(t.Context()))
			b.open(t, at)
			assert.Contains(t, b.main(t, shop.StateCanceled), "We received "+order.PayAmount.String()+" LTC as an additional payment. We will check it")
			assert.Equal(t, 0, b.tickets(t))
			b.looks(t, "order-canceled")
		})
	}
}
