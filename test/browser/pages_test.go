package browser_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/examples/storefront/shop"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

// The pages from the shop's first one to the payment.
func TestPagesToThePayment(t *testing.T) {
	t.Parallel()
	for name, script := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, b := newSite(t), newTab(t, script)
			b.open(t, s.url)
			b.sees(t, ".cards")
			b.looks(t, "tickets")
			b.press(t, `a[href="/items/evening"]`)
			b.sees(t, `input[value="btc"]:disabled`)
			b.looks(t, "item")
			b.click(t, `input[value="xrp"]`)
			b.press(t, `button[value="address"]`)
			b.sees(t, ".memo strong")
			b.looks(t, "order-waiting")
			order := s.order(t, b.address(t))
			assert.Equal(t, order.PayAddress, b.qr(t))
			assert.Equal(t, order.PayAddress, b.text(t, "#address"))
			assert.Equal(t, order.Memo, b.text(t, "#memo"))

			b.press(t, ".test a")
			b.sees(t, "#pay svg.qr")
			b.looks(t, "jovepay-payment")
			assert.Contains(t, b.qr(t), order.PayAddress)

			b.open(t, s.url+"/items/telescope")
			b.click(t, `input[value="usdttrc20"]`)
			b.press(t, `button[value="invoice"]`)
			b.sees(t, `form[action="/payment/choose"]`)
			b.looks(t, "jovepay-invoice")
		})
	}
}

// The response with the payment is lost, and the payment found later.
func TestUnknownOutcome(t *testing.T) {
	t.Parallel()
	for name, script := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, b := newSite(t), newTab(t, script)
			require.NoError(t, s.SetIPN(jovepaytest.IPNBehavior{Lose: jovepaytest.Hits{Percent: 100}}))
			require.NoError(t, s.Inject(
				jovepaytest.Fault{Method: http.MethodPost, Path: "/v1/payment", Cut: true, AfterEffect: true},
				jovepaytest.Fault{Method: http.MethodGet, Path: "/v1/payment", Status: http.StatusServiceUnavailable},
			))
			b.open(t, s.url+"/items/evening")
			b.click(t, `input[value="ltc"]`)
			b.press(t, `button[value="address"]`)
			b.sees(t, `[data-state="pending"]`)
			assert.Contains(t, b.text(t, "h1"), "don't know yet")
			b.looks(t, "order-unknown")
			s.ClearFaults()
			b.press(t, `form[action$="/retry"] button`)
			b.sees(t, `[data-state="`+string(shop.StateWaiting)+`"]`)
			payments, err := s.Payments()
			require.NoError(t, err)
			assert.Len(t, payments, 1)
		})
	}
}
