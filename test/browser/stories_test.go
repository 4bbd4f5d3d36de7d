package browser_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/examples/storefront/shop"
)

// afterAll is longer than a payment waits.
const afterAll = 8 * 24 * time.Hour

// stories are what customers do on JovePay's page, by its buttons, and how the
// shop must show their order in the end.
var stories = map[string]struct {
	button string // empty: nothing, until it is too late
	state  shop.State
	words  string
	ticket bool
}{
	"exact":       {"#do-exact", shop.StatePaid, "Paid, thank you", true},
	"under":       {"#do-under", shop.StateUnderpaid, "LTC are missing", false},
	"over":        {"#do-over", shop.StateOverpaid, "LTC too much", true},
	"wrong-asset": {"#do-wrong", shop.StateWrongAsset, "came, but we asked for Litecoin", false},
	"repeated":    {"#do-twice", shop.StatePaid, "came as a further payment. A person here will look at it", true},
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
						_, err := s.MoveClock(afterAll)
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

// buy goes from the first page to the page of JovePay on which to pay, and
// returns the address of the order.
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
		// The page between goes on by itself.
		b.sees(t, `form[action="/payment/choose"]`)
		recent, err := s.shop.Recent(t.Context(), 1)
		require.NoError(t, err)
		order = s.url + "/orders/" + recent[0].ID
		b.press(t, `form[action="/payment/choose"] button`)
	}
	b.sees(t, "#pay svg.qr")
	return order
}

// back returns to the shop by the link of JovePay's page, or where it has none,
// as one who kept the address.
func (s *site) back(t *testing.T, b *tab, order string) {
	t.Helper()
	if eval[int](t, b, `document.querySelectorAll("#back-link").length`) == 1 {
		b.press(t, "#back-link")
		require.Equal(t, order, b.address(t))
		return
	}
	b.open(t, order)
}

// ways are how browsers are: with JavaScript and without.
var ways = map[string]bool{"script": true, "no script": false}

// TestShopFollowsByItself: the page of an order tells what happens while it is
// open.
func TestShopFollowsByItself(t *testing.T) {
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
			assert.Equal(t, b.script, kept, "a script changes the page, without one it is loaded again")
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
