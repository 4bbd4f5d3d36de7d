package browser_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/examples/storefront/shop"
)

// late is after a payment has expired.
const late = 8 * 24 * time.Hour

// stories are what customers do with the buttons of JovePay's page, and how the
// shop must show their order at the end.
var stories = map[string]struct {
	button string // empty: nothing, until the payment expires
	state  shop.State
	words  string
	ticket bool
}{
	"exact":       {"#do-exact", shop.StatePaid, "Paid, thank you", true},
	"under":       {"#do-under", shop.StateUnderpaid, "LTC missing", false},
	"over":        {"#do-over", shop.StateOverpaid, "LTC too much", true},
	"wrong-asset": {"#do-wrong", shop.StateWrongAsset, ", but we asked for Litecoin", false},
	"repeated":    {"#do-twice", shop.StatePaid, "as an additional payment. We will check it", true},
	"expired":     {"", shop.StateExpired, "has expired", false},
}

func TestStories(t *testing.T) {
	t.Parallel()
	for name, story := range stories {
		for _, script := range []bool{true, false} {
			for _, method := range []shop.Method{shop.ByAddress, shop.ByInvoice} {
				title := name + "-" + string(method)
				if !script {
					title += "-noscript"
				}
				t.Run(title, func(t *testing.T) {
					t.Parallel()
					s, b := newSite(t), newTab(t, script)
					order := s.buy(t, b, method)
					if story.button == "" {
						_, err := s.MoveClock(late)
						require.NoError(t, err)
					} else {
						b.press(t, story.button)
						b.sees(t, "#notifications tbody tr")
					}
					require.NoError(t, s.WaitDeliveries(t.Context()))
					s.back(t, b, order)
					b.sees(t, `[data-state="`+string(story.state)+`"]`)
					text := strings.ReplaceAll(b.text(t, "main"), "\u00a0", " ")
					assert.Contains(t, text, story.words)
					assert.Equal(t, story.ticket, eval[int](t, b, `document.querySelectorAll(".ticket code").length`) == 1)
					b.looks(t, "order-"+name+"-"+string(method))
				})
			}
		}
	}
}

// buy goes from the shop's first page to JovePay's payment page, and returns the
// URL of the order.
func (s *site) buy(t *testing.T, b *tab, method shop.Method) (order string) {
	t.Helper()
	b.open(t, s.url)
	b.sees(t, ".cards")
	b.press(t, `a[href="/items/evening"]`)
	b.click(t, `input[value="ltc"]`)
	b.press(t, `button[value="`+string(method)+`"]`)
	if method == shop.ByAddress {
		b.sees(t, `[data-state="waiting"]`)
		order = b.address(t)
		b.press(t, ".test a")
	} else {
		// The page between continues by itself.
		b.sees(t, `form[action="/payment/choose"]`)
		recent, err := s.shop.Recent(t.Context(), 1)
		require.NoError(t, err)
		order = s.url + "/orders/" + recent[0].ID
		b.press(t, `form[action="/payment/choose"] button`)
	}
	b.sees(t, "#pay svg.qr")
	return order
}

// back returns to the order by the link on JovePay's page or, if it has none, by
// its URL.
func (s *site) back(t *testing.T, b *tab, order string) {
	t.Helper()
	if eval[int](t, b, `document.querySelectorAll("#back-link").length`) == 1 {
		b.press(t, "#back-link")
		require.Equal(t, order, b.address(t))
		return
	}
	b.open(t, order)
}

// ways are the two ways to browse: with and without JavaScript.
var ways = map[string]bool{"script": true, "no script": false}

// The page of an order updates while it is open.
func TestShopPageUpdates(t *testing.T) {
	t.Parallel()
	for name, script := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, b := newSite(t), newTab(t, script)
			order := s.buy(t, b, shop.ByAddress)
			b.open(t, order)
			b.sees(t, `[data-state="waiting"]`)
			eval[string](t, b, `document.body.dataset.seen = "yes"`)
			id := s.order(t, order).PaymentID
			_, err := s.Advance(id)
			require.NoError(t, err)
			b.sees(t, `[data-state="confirming"]`)
			kept := eval[bool](t, b, `document.body.dataset.seen === "yes"`)
			assert.Equal(t, b.script, kept, "a script updates the page; without one it reloads")
			for range 3 {
				_, err = s.Advance(id)
				require.NoError(t, err)
			}
			b.sees(t, `[data-state="paid"]`)
			if b.script {
				assert.Equal(t, "Paid, thank you", b.text(t, "#spoken"))
			}
		})
	}
}
