package jovepaytest_test

import (
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/internal/canonical/canonicaltest"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

// references are verifiers that are not ours: those of JovePay's guide, and of
// its shop plugins, each in its own language.
func references() map[jovepay.IPNForm]canonicaltest.Interpreter {
	node, php := canonicaltest.Node("testdata/verify.js"), canonicaltest.PHPScript("testdata/verify.php")
	return map[jovepay.IPNForm]canonicaltest.Interpreter{
		jovepay.FormJS:       node,
		jovepay.FormJSArrays: node,
		jovepay.FormPHP:      php,
		jovepay.FormPython:   canonicaltest.PythonScript("testdata/verify.py"),
		jovepay.FormRaw:      php,
	}
}

// judge returns what the reference says of each delivery: genuine or forged.
func judge(t *testing.T, reference canonicaltest.Interpreter, secret string, deliveries []jovepaytest.Delivery) []string {
	t.Helper()
	lines := make([]string, len(deliveries))
	for i, d := range deliveries {
		lines[i] = fmt.Sprint(d.Form, " ", secret, " ", d.Signature, " ", base64.StdEncoding.EncodeToString([]byte(d.Body)))
	}
	return reference.Lines(t, lines)
}

// awkward makes payments whose notifications are written differently by each
// language: amounts below 1e-4, with 18 decimals, integer-like order ids,
// characters beyond ASCII, and lists of second deposits.
func awkward(t *testing.T, server *jovepaytest.Server, s *shop) {
	t.Helper()
	client := newClient(t, server)
	require.NoError(t, server.SetPrice("btc", jovepay.MustAmount("97531.2468")))
	for _, c := range []struct{ price, coin, paid, description string }{
		{"2.01", "btc", "0.00000001", "plain"},
		{"3.3", "eth", "0.001234567890123456", `"quotes" \ and / slashes </script>`},
		{"1000000000000", "doge", "", "é ü 漢字 \u2028\u2029 \u007f 🦀"},
		{"49.90", "xrp", "0.000001", "\t\n\u0001"},
		{"64", "usdttrc20", "64.000001", ""},
	} {
		p, err := client.Payments.Create(t.Context(), jovepay.PaymentRequest{
			PriceAmount: jovepay.MustAmount(c.price), PriceCurrency: "usd", PayCurrency: c.coin,
			OrderID: "1001", OrderDescription: c.description, IPNCallbackURL: s.url,
		})
		require.NoError(t, err)
		var paid jovepay.Amount
		if c.paid != "" {
			paid = jovepay.MustAmount(c.paid)
		}
		for range 2 {
			_, err = server.PayAmount(p.ID, paid)
			require.NoError(t, err)
		}
		_, err = server.SetStatus(p.ID, jovepay.PaymentRefunded)
		require.NoError(t, err)
	}
	for _, event := range []jovepay.Event{
		&jovepay.PaymentEvent{}, &jovepay.WithdrawalEvent{Fee: jovepay.MustAmount("0.00000012")}, &jovepay.RecurringPaymentEvent{},
	} {
		body, err := jovepaytest.IPNBody(event)
		require.NoError(t, err)
		require.NoError(t, server.SendIPN(t.Context(), s.url, body))
	}
	require.NoError(t, server.WaitDeliveries(t.Context()))
}

func TestTheReferencesAcceptWhatIsSent(t *testing.T) {
	t.Parallel()
	for form, reference := range references() {
		for name, camelCase := range map[string]bool{"snake case": false, "camel case": true} {
			t.Run(string(form)+"/"+name, func(t *testing.T) {
				t.Parallel()
				server := newServer(t)
				behave(t, server, jovepaytest.IPNBehavior{Forms: []jovepay.IPNForm{form}, CamelCase: camelCase})
				s := newShop(t, server, jovepay.WithIPNForms(form))
				awkward(t, server, s)
				got := server.Deliveries()
				require.Len(t, got, 5*10+3)
				assert.Len(t, s.events, len(got), "our verifier took them all, in this form alone")
				for i, verdict := range judge(t, reference, server.IPNSecret, got) {
					assert.Equal(t, "genuine", verdict, got[i].Body)
				}
			})
		}
	}
}

func TestTheReferencesRejectWhatIsForged(t *testing.T) {
	t.Parallel()
	for form, reference := range references() {
		t.Run(string(form), func(t *testing.T) {
			t.Parallel()
			server := newServer(t, jovepaytest.WithIPNRetries(0, 0))
			s := newShop(t, server)
			p := createFor(t, newClient(t, server), s)
			require.NoError(t, server.WaitDeliveries(t.Context()))
			for i := range 40 {
				behave(t, server, jovepaytest.IPNBehavior{
					Forms:   []jovepay.IPNForm{form},
					Corrupt: jovepaytest.Hits{Next: i % 2}, Forge: jovepaytest.Hits{Next: i / 2 % 2},
				})
				_, err := server.SetStatus(p.ID, []jovepay.PaymentStatus{"confirming", "waiting"}[i%2])
				require.NoError(t, err)
				require.NoError(t, server.WaitDeliveries(t.Context()))
			}
			got := server.Deliveries()[1:]
			require.Len(t, got, 40)
			verdicts := judge(t, reference, server.IPNSecret, got)
			require.Len(t, verdicts, len(got))
			for i, d := range got {
				genuine := d.Outcome == jovepaytest.DeliveryDone
				assert.Equal(t, genuine, verdicts[i] == "genuine", "we and they agree on %s", d.Body)
				assert.Equal(t, genuine, !d.Corrupted && !d.Forged)
			}
		})
	}
}
