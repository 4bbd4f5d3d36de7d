package jovepay_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

// members of a payment in a list.
type members = map[string]any

// gateway is a JovePay with habits of its own. It makes payments for order-1,
// and its list shows them in its own spelling, late, or never.
type gateway struct {
	till
	random *rand.Rand

	made    []members
	madeAt  []time.Time
	noise   []members
	spell   []func(members)
	lag     time.Duration // until a payment is in the list
	hides   bool          // payments are never in the list
	garbles bool          // the list contradicts itself
}

// listSpellings returns ways in which a list may show a payment.
func listSpellings() []func(members) {
	set := func(name string, value any) func(members) {
		return func(m members) { m[name] = value }
	}
	change := func(name string, change func(string) any) func(members) {
		return func(m members) {
			if text, ok := m[name].(string); ok {
				m[name] = change(text)
			}
		}
	}
	cut := func(n int) func(string) any {
		return func(s string) any { return s[:min(n, len(s))] }
	}
	return []func(members){
		func(members) {}, func(members) {}, func(members) {},
		change("order_id", func(s string) any { return strings.ToUpper(s) }),
		change("order_id", func(s string) any { return " " + s + "\u00a0" }),
		change("order_id", func(s string) any { return strings.ReplaceAll(s, "-", "_") }),
		change("order_id", cut(6)), change("order_id", cut(3)),
		set("parent_payment_id", 0), set("parent_payment_id", "0"), set("parent_payment_id", "null"),
		set("order_id", nil), set("order_id", ""), set("order_id", members{"id": "order-1"}),
		change("order_id", func(s string) any { return []string{s} }),
		change("pay_currency", func(s string) any { return strings.ToUpper(s) }),
		change("pay_currency", func(s string) any { return s + " (mainnet)" }),
		set("pay_currency", nil), set("pay_currency", "bitcoin"), set("price_currency", "USD"), set("price_currency", 840),
		set("price_amount", "49.900"), set("price_amount", 49.90000000000001), set("price_amount", 50), set("price_amount", "49,90"), set("price_amount", nil),
		set("payment_status", "WAITING"), set("payment_status", nil), set("payment_status", "expired"), set("payment_status", "canceled"),
		set("created_at", nil), set("created_at", "soon"),
		change("created_at", func(s string) any { return strings.Replace(s, "T", " ", 1) }),
		change("created_at", func(s string) any { return s[:min(len(s), len("2000-01-01"))] + "T00:00:00Z" }),
		set("pay_address", nil),
	}
}

func newGateway(random *rand.Rand) *gateway {
	pick := func(most time.Duration) time.Duration { return time.Duration(random.Int64N(int64(most))) }
	all := listSpellings()
	g := &gateway{random: random}
	for range random.IntN(4) {
		g.spell = append(g.spell, all[random.IntN(len(all))])
	}
	g.skew = [...]time.Duration{0, 0, pick(time.Hour), -pick(time.Hour), pick(240 * time.Hour), -pick(240 * time.Hour)}[random.IntN(6)]
	g.undated = g.skew > -20*time.Hour && random.IntN(5) == 0
	g.lag = [...]time.Duration{0, pick(settleWindow), pick(2 * settleWindow)}[random.IntN(3)]
	g.hides, g.garbles = random.IntN(10) == 0, random.IntN(10) == 0
	for i := range random.IntN(5) {
		other := g.payment(fmt.Sprint(1000+i), -pick(3*time.Hour))
		switch random.IntN(3) {
		case 0:
			other["order_id"] = fmt.Sprint("order-", 2+i*7)
		case 1:
			other["payment_status"], other["created_at"] = "expired", g.time(-time.Hour-pick(time.Hour))
		case 2:
			other["pay_currency"], other["created_at"] = "ltc", g.time(-time.Hour-pick(time.Hour))
		}
		g.noise = append(g.noise, other)
	}
	g.create, g.list, g.get = g.makes, g.shows, g.tells
	return g
}

func (g *gateway) time(later time.Duration) string {
	return time.Now().Add(g.skew + later).UTC().Format("2006-01-02T15:04:05.000Z")
}

func (g *gateway) payment(id string, later time.Duration) members {
	return members{
		"payment_id": id, "payment_status": "waiting", "order_id": "order-1", "price_amount": 49.9, "price_currency": "usd",
		"pay_currency": "btc", "pay_address": "bc1q" + id, "payin_extra_id": "77", "created_at": g.time(later),
	}
}

// makes loses the response to half of all creates that it processes, and to
// most that it does not.
func (g *gateway) makes(int) canned {
	id := ""
	if g.random.IntN(2) == 0 {
		id = fmt.Sprint(1 + len(g.made))
		g.made, g.madeAt = append(g.made, g.payment(id, 0)), append(g.madeAt, time.Now())
	}
	switch g.random.IntN(6) {
	case 0:
		return lost
	case 1:
		return canned{status: 500}
	case 2:
		return canned{status: 200, body: "garbage"}
	}
	if id == "" {
		return canned{status: 502, body: "<html>"}
	}
	switch g.random.IntN(4) {
	case 0:
		return canned{status: 201, body: `{"payment_id":"` + id + `","order_id":"ord`}
	case 1:
		return canned{status: 201, body: `{"payment_id":"` + id + `","order_id":"order-9"}`}
	case 2:
		return lost
	}
	return reply(g.made[len(g.made)-1], 201)
}

func reply(v any, status int) canned {
	body, err := jsonv2.Marshal(v)
	return canned{status: status, body: string(body), err: err}
}

func (g *gateway) shows(int) canned {
	if g.random.IntN(8) == 0 {
		return canned{status: 503}
	}
	from, err := time.Parse(time.RFC3339, g.from)
	rows := []members{}
	for _, p := range g.noise {
		rows = append(rows, g.spelled(p))
	}
	for i, p := range g.made {
		late := err == nil && g.madeAt[i].Add(g.skew).Before(from)
		if !g.hides && !late && time.Since(g.madeAt[i]) >= g.lag {
			rows = append(rows, g.spelled(p))
		}
	}
	if g.garbles {
		return reply(members{"data": []members{}, "total": 1 + len(rows), "pagesCount": 1}, 200)
	}
	return reply(members{"data": rows, "total": len(rows), "pagesCount": 1}, 200)
}

func (g *gateway) spelled(p members) members {
	row := maps.Clone(p)
	for _, spell := range g.spell {
		spell(row)
	}
	return row
}

func (g *gateway) tells(id jovepay.ID) canned {
	for _, p := range append(g.made, g.noise...) {
		if p["payment_id"] == string(id) {
			return reply(p, 200)
		}
	}
	return canned{status: 404}
}

// Whatever a gateway does and however it spells, one call makes one payment at
// most, unless a complete list does not show it until the window is over.
func TestCreateOnceAtRandomGateways(t *testing.T) {
	t.Parallel()
	gateways := 4000
	if testing.Short() {
		gateways = 500
	}
	outcomes := map[string]int{}
	for seed := range gateways {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(uint64(seed), 8))
			time.Sleep(time.Duration(random.Int64N(int64(24 * time.Hour)))) //nolint:forbidigo // fake time
			g := newGateway(random)
			payment, err := g.order(t.Context(), t)
			hidden := g.hides && !g.garbles || g.lag >= settleWindow
			switch {
			case err == nil:
				outcomes["returned"]++
				assert.NotEqual(t, canned{status: 404}, g.tells(payment.ID), "seed %d: payment %s is not the server's", seed, payment.ID)
				assert.NotEmpty(t, payment.PayAddress)
				assert.Equal(t, "order-1", payment.OrderID)
			case errors.Is(err, jovepay.ErrOutcomeUnknown):
				outcomes["unknown"]++
			default:
				require.NoError(t, err, "seed %d", seed)
			}
			if len(g.made) > 1 && !hidden {
				t.Errorf("seed %d: %d payments after %d creates: %v", seed, len(g.made), g.creates, err)
			}
			if g.creates > 1 {
				outcomes["created again"]++
			}
		})
	}
	t.Log(outcomes)
	for _, outcome := range []string{"returned", "unknown", "created again"} {
		assert.Greater(t, outcomes[outcome], gateways/20, "too rare to mean anything: %s", outcome)
	}
}
