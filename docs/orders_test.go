package docs_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/orders"
)

var updateOrders = flag.Bool("update-orders", false, "write the table of docs/orders.md")

// shop is an order of 49.99 usd that can be paid with 50 trx (payment A) or 0.002
// btc (payment B).
type shop struct {
	t       *testing.T
	book    *orders.Book[inbox.NoTx]
	shipped int
	fails   bool // the hook
}

func newShop(t *testing.T, opts ...orders.Option) *shop {
	t.Helper()
	client, err := jovepay.NewClient(jovepay.WithAPIKey("key"))
	require.NoError(t, err)
	s := &shop{t: t}
	s.book, err = orders.New(client, new(orders.Memory), orders.Hooks[inbox.NoTx]{
		Fulfill: func(context.Context, inbox.NoTx, *orders.Order) error {
			if s.fails {
				return errors.New("the warehouse is closed")
			}
			s.shipped++
			return nil
		},
	}, opts...)
	require.NoError(t, err)
	return s
}

// place puts the order in the book.
func (s *shop) place() {
	s.t.Helper()
	require.NoError(s.t, s.book.Place(s.t.Context(), inbox.NoTx{}, orders.Terms{
		OrderID: "order-1", PriceAmount: jovepay.MustAmount("49.99"), PriceCurrency: "usd",
	}))
}

// a reports that payment A, of 50 trx, has a status.
func (s *shop) a(status jovepay.PaymentStatus, paid string, changes ...func(*jovepay.Payment)) {
	s.t.Helper()
	s.hear("1001", "50", "trx", status, paid, changes)
}

// b reports that payment B, of 0.002 btc, has a status.
func (s *shop) b(status jovepay.PaymentStatus, paid string) {
	s.t.Helper()
	s.hear("1002", "0.002", "btc", status, paid, nil)
}

// further reports a further deposit to the address of payment A.
func (s *shop) further(status jovepay.PaymentStatus, paid string, changes ...func(*jovepay.Payment)) {
	s.t.Helper()
	changes = append([]func(*jovepay.Payment){func(p *jovepay.Payment) { p.ParentPaymentID, p.OriginType = "1001", "REPEATED" }}, changes...)
	s.hear("1003", "50", "trx", status, paid, changes)
}

func (s *shop) hear(id jovepay.ID, asked, coin string, status jovepay.PaymentStatus, paid string, changes []func(*jovepay.Payment)) {
	s.t.Helper()
	p := &jovepay.Payment{
		ID: id, OrderID: "order-1", Status: status, PriceAmount: jovepay.MustAmount("49.99"), PriceCurrency: "usd",
		PayAmount: jovepay.MustAmount(asked), PayCurrency: coin,
	}
	if paid != "" {
		p.ActuallyPaid = jovepay.MustAmount(paid)
	}
	for _, change := range changes {
		change(p)
	}
	err := s.book.Handle(s.t.Context(), p.Event())
	if !s.fails {
		require.NoError(s.t, err)
	}
}

// decide resolves the open case of a kind.
func (s *shop) decide(kind orders.CaseKind, r orders.Resolution) {
	s.t.Helper()
	for c, err := range s.book.Cases(s.t.Context(), orders.CaseOptions{}) {
		require.NoError(s.t, err)
		if c.Kind == kind {
			r.Version, r.Reason = c.Version, orders.Reason{By: "Ada", Why: "the customer called"}
			_, err := s.book.Resolve(s.t.Context(), c.ID, r)
			require.NoError(s.t, err)
			return
		}
	}
	require.Fail(s.t, "no such case", string(kind))
}

func (s *shop) accept(kind orders.CaseKind) {
	s.t.Helper()
	s.decide(kind, orders.Resolution{Decision: orders.DecisionAccept})
}

func (s *shop) reject(kind orders.CaseKind) {
	s.t.Helper()
	s.decide(kind, orders.Resolution{Decision: orders.DecisionReject})
}

// refunded notes that coins were returned by hand.
func (s *shop) refunded(kind orders.CaseKind, amount string) {
	s.t.Helper()
	r := orders.Resolution{Decision: orders.DecisionRefunded}
	if amount != "" {
		r.Amount = jovepay.MustAmount(amount)
	}
	s.decide(kind, r)
}

func (s *shop) cancel() {
	s.t.Helper()
	require.NoError(s.t, s.book.Cancel(s.t.Context(), "order-1", orders.Reason{By: "Ada", Why: "out of stock"}))
}

func otherCoin(p *jovepay.Payment) { p.PayCurrency = "usdttrc20" }

func otherPrice(p *jovepay.Payment) { p.PriceAmount = jovepay.MustAmount("9.99") }

func partly(amount string) func(*jovepay.Payment) {
	return func(p *jovepay.Payment) {
		p.Extra = map[string]json.RawMessage{"refunded_amount": json.RawMessage(amount)}
	}
}

// situation is a row of the table in docs/orders.md, with what is expected of it.
type situation struct {
	what    string
	opts    []orders.Option
	missing bool // the order is not in the book
	do      func(*shop)

	state   orders.State
	money   string // what came, by bucket
	cases   string // the open ones
	shipped bool
}

func situations() []situation {
	topUps := []orders.Option{orders.WithTopUps()}
	half := []orders.Option{orders.WithSettlePolicy(jovepay.SettlePolicy{Tolerance: jovepay.MustAmount("0.005")})}
	early := []orders.Option{orders.WithSettlePolicy(jovepay.SettlePolicy{FulfillFrom: jovepay.PaymentConfirmed})}
	waiting, confirming, confirmed, partial := jovepay.PaymentWaiting, jovepay.PaymentConfirming, jovepay.PaymentConfirmed, jovepay.PaymentPartiallyPaid
	finished, expired, refunded, odd := jovepay.PaymentFinished, jovepay.PaymentExpired, jovepay.PaymentRefunded, jovepay.PaymentWrongAssetConfirmed
	return []situation{
		// One payment.
		{what: "placed", do: func(*shop) {}, state: "placed"},
		{what: "A waits", do: func(s *shop) { s.a(waiting, "") }, state: "waiting"},
		{what: "A is confirming", do: func(s *shop) { s.a(confirming, "50") }, state: "confirming", money: "unconfirmed 50 trx"},
		{what: "A finishes", do: func(s *shop) { s.a(finished, "50") }, state: "fulfilled", money: "order 50 trx", shipped: true},
		{what: "A is confirmed, fulfill from confirmed", opts: early, do: func(s *shop) { s.a(confirmed, "50") }, state: "fulfilled", money: "order 50 trx", shipped: true},
		{what: "A finishes, then older news of it arrive", do: func(s *shop) { s.a(finished, "50"); s.a(waiting, "") }, state: "fulfilled", money: "order 50 trx", shipped: true},
		{what: "A finishes, then news of it without an amount arrive", do: func(s *shop) { s.a(finished, "50"); s.a(finished, "") }, state: "fulfilled", money: "order 50 trx", shipped: true},
		{what: "A finishes, and Fulfill fails", do: func(s *shop) { s.fails = true; s.a(finished, "50") }, state: "paid", money: "order 50 trx"},
		{what: "A finishes, and Fulfill fails twice, of two allowed attempts", opts: []orders.Option{orders.WithHookAttempts(2)},
			do: func(s *shop) { s.fails = true; s.a(finished, "50"); s.a(finished, "50") }, state: "paid", money: "order 50 trx", cases: "hook"},
		{what: "Fulfill failed too often, and works again when a person accepts", opts: []orders.Option{orders.WithHookAttempts(1)},
			do: func(s *shop) { s.fails = true; s.a(finished, "50"); s.fails = false; s.accept("hook") }, state: "fulfilled", money: "order 50 trx", shipped: true},
		{what: "A expires", do: func(s *shop) { s.a(waiting, ""); s.a(expired, "") }, state: "expired"},
		{what: "A finishes late, after it expired", do: func(s *shop) { s.a(expired, ""); s.a(finished, "50") }, state: "fulfilled", money: "order 50 trx", shipped: true},
		{what: "A expires with coins", do: func(s *shop) { s.a(confirming, "50"); s.a(expired, "50") }, state: "review", money: "review 50 trx", cases: "closed"},

		// Too little and too much.
		{what: "A is underpaid", do: func(s *shop) { s.a(partial, "30") }, state: "underpaid", money: "held 30 trx", cases: "underpaid"},
		{what: "A is underpaid, within the tolerance", opts: half, do: func(s *shop) { s.a(partial, "49.8") }, state: "fulfilled", money: "order 49.8 trx", shipped: true},
		{what: "A is underpaid, then the rest comes as the same payment", do: func(s *shop) { s.a(partial, "30"); s.a(finished, "50") },
			state: "fulfilled", money: "order 50 trx", shipped: true},
		{what: "A is underpaid, and a person accepts it", do: func(s *shop) { s.a(partial, "30"); s.accept("underpaid") },
			state: "fulfilled", money: "order 30 trx", shipped: true},
		{what: "A is underpaid and accepted, then the rest comes", do: func(s *shop) { s.a(partial, "30"); s.accept("underpaid"); s.a(finished, "50") },
			state: "fulfilled", money: "order 30 trx, review 20 trx", cases: "further", shipped: true},
		{what: "A is underpaid, and a person rejects it", do: func(s *shop) { s.a(partial, "30"); s.reject("underpaid") }, state: "expired", money: "excess 30 trx"},
		{what: "A is underpaid, and a person returns it", do: func(s *shop) { s.a(partial, "30"); s.refunded("underpaid", "") }, state: "refunded", money: "refunded 30 trx"},
		{what: "A is underpaid, and a person returns a part of it", do: func(s *shop) { s.a(partial, "30"); s.refunded("underpaid", "25") },
			state: "refunded", money: "excess 5 trx, refunded 25 trx"},
		{what: "A is overpaid", do: func(s *shop) { s.a(finished, "60") }, state: "fulfilled", money: "excess 10 trx, order 50 trx", cases: "overpaid", shipped: true},
		{what: "A is overpaid, and a person returns the excess", do: func(s *shop) { s.a(finished, "60"); s.refunded("overpaid", "") },
			state: "fulfilled", money: "order 50 trx, refunded 10 trx", shipped: true},
		{what: "A is overpaid, and JovePay returns the excess", do: func(s *shop) { s.a(finished, "60"); s.a(refunded, "60", partly("10")) },
			state: "fulfilled", money: "order 50 trx, refunded 10 trx", shipped: true},

		// Further deposits to the same address.
		{what: "A is underpaid, then topped up", do: func(s *shop) { s.a(partial, "30"); s.further(finished, "20") },
			state: "review", money: "review 50 trx", cases: "top_up"},
		{what: "A is topped up, and a person accepts the sum", do: func(s *shop) { s.a(partial, "30"); s.further(finished, "20"); s.accept("top_up") },
			state: "fulfilled", money: "order 50 trx", shipped: true},
		{what: "A is topped up, with the policy", opts: topUps, do: func(s *shop) { s.a(partial, "30"); s.further(finished, "20") },
			state: "fulfilled", money: "order 50 trx", shipped: true},
		{what: "A is topped up, but not enough, with the policy", opts: topUps, do: func(s *shop) { s.a(partial, "30"); s.further(finished, "19") },
			state: "underpaid", money: "held 49 trx", cases: "underpaid"},
		{what: "A is topped up with too much, with the policy", opts: topUps, do: func(s *shop) { s.a(partial, "30"); s.further(finished, "25") },
			state: "fulfilled", money: "excess 5 trx, order 50 trx", cases: "overpaid", shipped: true},
		{what: "A is paid twice: a further deposit", do: func(s *shop) { s.a(finished, "50"); s.further(finished, "50") },
			state: "fulfilled", money: "order 50 trx, review 50 trx", cases: "further", shipped: true},
		{what: "A is paid late: a further deposit after it expired", do: func(s *shop) { s.a(expired, ""); s.further(finished, "50") },
			state: "review", money: "review 50 trx", cases: "top_up"},
		{what: "A further deposit without a known parent", opts: topUps, do: func(s *shop) { s.further(finished, "50") },
			state: "review", money: "review 50 trx", cases: "top_up"},

		// Two coins.
		{what: "A and B both finish", do: func(s *shop) { s.b(finished, "0.002"); s.a(finished, "50") },
			state: "fulfilled", money: "order 50 trx, review 0.002 btc", cases: "further", shipped: true},
		{what: "A is underpaid, and B finishes", do: func(s *shop) { s.a(partial, "30"); s.b(finished, "0.002") },
			state: "fulfilled", money: "order 0.002 btc, review 30 trx", cases: "further", shipped: true},
		{what: "A finishes, and B expires", do: func(s *shop) { s.a(finished, "50"); s.b(expired, "") }, state: "fulfilled", money: "order 50 trx", shipped: true},
		{what: "A expires, and B still waits", do: func(s *shop) { s.a(expired, ""); s.b(waiting, "") }, state: "waiting"},
		{what: "A and B finish, and A is refunded", do: func(s *shop) { s.a(finished, "50"); s.b(finished, "0.002"); s.a(refunded, "50") },
			state: "fulfilled", money: "order 0.002 btc, refunded 50 trx (assumed)", shipped: true},

		// Another asset.
		{what: "A gets another asset", do: func(s *shop) { s.a(waiting, ""); s.a(odd, "49", otherCoin) },
			state: "review", money: "review 49 usdttrc20", cases: "wrong_asset"},
		{what: "A gets another asset, and JovePay's staff settle it later", do: func(s *shop) { s.a(waiting, ""); s.a(odd, "49", otherCoin); s.a(finished, "50") },
			state: "fulfilled", money: "order 50 trx", shipped: true},
		{what: "A gets another asset, a person rejects it, and JovePay's staff settle it later",
			do: func(s *shop) {
				s.a(waiting, "")
				s.a(odd, "49", otherCoin)
				s.reject("wrong_asset")
				s.a(finished, "50")
			},
			state: "review", money: "review 50 trx", cases: "unclear"},
		{what: "A finishes, and a further deposit in another asset is accepted", do: func(s *shop) { s.a(finished, "50"); s.further(odd, "49", otherCoin); s.accept("wrong_asset") },
			state: "fulfilled", money: "order 49 usdttrc20, order 50 trx", shipped: true},

		// Reports that don't fit, or don't say enough.
		{what: "A finishes with 0", do: func(s *shop) { s.a(finished, "0") }, state: "review", cases: "unclear"},
		{what: "A finishes with 0, and the amount is reported later", do: func(s *shop) { s.a(finished, "0"); s.a(finished, "50") },
			state: "fulfilled", money: "order 50 trx", shipped: true},
		{what: "A has an unknown status, and coins", do: func(s *shop) { s.a("resting", "50") }, state: "review", money: "review 50 trx", cases: "unclear"},
		{what: "A has an unknown status, and no coins", do: func(s *shop) { s.a("resting", "") }, state: "waiting"},
		{what: "A finishes, at another price", do: func(s *shop) { s.a(finished, "50", otherPrice) }, state: "review", money: "review 50 trx", cases: "mismatch"},
		{what: "A finishes, but is reported for another order later", do: func(s *shop) {
			s.a(waiting, "")
			s.a(finished, "50", func(p *jovepay.Payment) { p.OrderID = "order-2" })
		}, state: "review", money: "review 50 trx", cases: "mismatch"},
		{what: "A finishes, and its parent cannot be read", do: func(s *shop) {
			s.a(finished, "50", func(p *jovepay.Payment) {
				p.Extra = map[string]json.RawMessage{"parent_payment_id": json.RawMessage(`{}`)}
			})
		}, state: "review", money: "review 50 trx", cases: "unclear"},
		{what: "coins for an order that is not in the book", missing: true, do: func(s *shop) { s.a(finished, "50") },
			state: "not found", cases: "no_order"},
		{what: "coins for an order that is placed only then", missing: true, do: func(s *shop) { s.a(finished, "50"); s.place(); s.a(finished, "50") },
			state: "fulfilled", money: "order 50 trx", shipped: true},

		// Refunds.
		{what: "A finishes, and is refunded", do: func(s *shop) { s.a(finished, "50"); s.a(refunded, "50", partly("50")) },
			state: "refunded", money: "refunded 50 trx", cases: "refund", shipped: true},
		{what: "A finishes, and is refunded without an amount", do: func(s *shop) { s.a(finished, "50"); s.a(refunded, "") },
			state: "refunded", money: "refunded 50 trx (assumed)", cases: "refund", shipped: true},
		{what: "A finishes and is refunded, and a person has noted it", do: func(s *shop) { s.a(finished, "50"); s.a(refunded, ""); s.accept("refund") },
			state: "refunded", money: "refunded 50 trx (assumed)", shipped: true},
		{what: "A finishes, and a part of it is refunded", do: func(s *shop) { s.a(finished, "50"); s.a(refunded, "50", partly("20")) },
			state: "fulfilled", money: "order 30 trx, refunded 20 trx", cases: "refund", shipped: true},
		{what: "A is refunded before it finishes (the exception)", do: func(s *shop) { s.a(refunded, ""); s.a(finished, "50") },
			state: "refunded", money: "refunded 50 trx (assumed)"},
		{what: "a part of A is refunded before it finishes", do: func(s *shop) { s.a(refunded, "50", partly("20")) },
			state: "review", money: "refunded 20 trx, review 30 trx", cases: "unclear"},
		{what: "A is accepted as underpaid, then refunded", do: func(s *shop) { s.a(partial, "30"); s.accept("underpaid"); s.a(refunded, "") },
			state: "refunded", money: "refunded 30 trx (assumed)", cases: "refund", shipped: true},
		{what: "A is accepted, Fulfill fails, and a part is refunded", do: func(s *shop) {
			s.a(partial, "30")
			s.a(partial, "30")
			s.fails = true
			s.mustFail("underpaid")
			s.a(refunded, "30", partly("10"))
		}, state: "review", money: "refunded 10 trx, review 20 trx", cases: "unclear"},

		// Cancel.
		{what: "canceled", do: func(s *shop) { s.a(waiting, ""); s.cancel() }, state: "canceled"},
		{what: "canceled, then A finishes", do: func(s *shop) { s.a(waiting, ""); s.cancel(); s.a(finished, "50") },
			state: "canceled", money: "review 50 trx", cases: "canceled"},
		{what: "canceled, then A finishes and is accepted", do: func(s *shop) { s.cancel(); s.a(finished, "50"); s.accept("canceled") },
			state: "fulfilled", money: "order 50 trx", shipped: true},
		{what: "canceled, then A finishes and is refunded by hand", do: func(s *shop) { s.cancel(); s.a(finished, "50"); s.refunded("canceled", "") },
			state: "canceled", money: "refunded 50 trx"},
		{what: "canceled, then A is accepted, then refunded", do: func(s *shop) { s.cancel(); s.a(finished, "50"); s.accept("canceled"); s.a(refunded, "50") },
			state: "refunded", money: "refunded 50 trx (assumed)", cases: "refund", shipped: true},
	}
}

// mustFail accepts a case while Fulfill fails.
func (s *shop) mustFail(kind orders.CaseKind) {
	s.t.Helper()
	for c, err := range s.book.Cases(s.t.Context(), orders.CaseOptions{}) {
		require.NoError(s.t, err)
		_, err := s.book.Resolve(s.t.Context(), c.ID, orders.Resolution{
			Decision: orders.DecisionAccept, Version: c.Version, Reason: orders.Reason{By: "Ada", Why: "the customer called"},
		})
		require.Equal(s.t, kind, c.Kind)
		var failed *orders.HookError
		require.ErrorAs(s.t, err, &failed)
		return
	}
}

// run plays a situation and returns what came of it, as the situation says it.
func (w situation) run(t *testing.T) situation {
	t.Helper()
	s := newShop(t, w.opts...)
	if !w.missing {
		s.place()
	}
	w.do(s)
	got := situation{what: w.what, shipped: s.shipped > 0, state: "not found"}
	assert.LessOrEqual(t, s.shipped, 1)
	var cases []string
	for c, err := range s.book.Cases(t.Context(), orders.CaseOptions{}) {
		require.NoError(t, err)
		cases = append(cases, string(c.Kind))
	}
	slices.Sort(cases)
	got.cases = strings.Join(cases, ", ")
	o, err := s.book.Get(t.Context(), "order-1")
	if errors.Is(err, orders.ErrNotFound) {
		return got
	}
	require.NoError(t, err)
	assert.Equal(t, s.shipped > 0, !o.Fulfilled.IsZero())
	var money []string
	for _, b := range o.Money {
		text := fmt.Sprintf("%s %s %s", b.Bucket, b.Amount, b.Coin)
		if b.Assumed {
			text += " (assumed)"
		}
		money = append(money, text)
	}
	slices.Sort(money)
	got.state, got.money = o.State, strings.Join(money, ", ")
	sums := map[string]string{}
	statement, err := s.book.Statement(t.Context(), time.Time{}, time.Time{})
	require.NoError(t, err)
	balances, err := statement.Sums(t.Context())
	require.NoError(t, err)
	for _, b := range balances {
		if b.Amount.Sign() != 0 {
			sums[b.Coin+string(b.Bucket)] = b.Amount.Decimal().String()
		}
	}
	for _, b := range o.Money {
		assert.Equal(t, b.Amount.Decimal().String(), sums[b.Coin+string(b.Bucket)], "%s: %s in the ledger", b.Bucket, b.Coin)
	}
	assert.Len(t, sums, len(o.Money))
	return got
}

// buckets are the columns of the table.
var buckets = []orders.Bucket{
	orders.BucketOrder, orders.BucketReview, orders.BucketExcess, orders.BucketHeld, orders.BucketRefunded, orders.BucketUnconfirmed,
}

// row returns the row of the table.
func (w situation) row() string {
	cells := []string{w.what, "`" + string(w.state) + "`"}
	for _, bucket := range buckets {
		var found []string
		for m := range strings.SplitSeq(w.money, ", ") {
			if amount, ok := strings.CutPrefix(m, string(bucket)+" "); ok {
				found = append(found, amount)
			}
		}
		cells = append(cells, strings.Join(found, ", "))
	}
	cases := ""
	if w.cases != "" {
		cases = "`" + w.cases + "`"
	}
	shipped := ""
	if w.shipped {
		shipped = "yes"
	}
	return "| " + strings.Join(append(cells, cases, shipped), " | ") + " |\n"
}

// What comes of each situation is written by hand here, and by this test in
// docs/orders.md. The rest of the page is written by hand.
func TestOrders(t *testing.T) {
	t.Parallel()
	const file, mark, end = "docs/orders.md", "<!-- the table below is written by go test -run TestOrders -update-orders -->\n\n", "\n<!-- the table ends -->\n"
	var table strings.Builder
	table.WriteString("| what is known | state | for the order | in review | excess | held | refunded | unconfirmed | open cases | shipped |\n" +
		"| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, w := range situations() {
		got := w.run(t)
		assert.Equal(t, w.state, got.state, "%s: state", w.what)
		assert.Equal(t, w.money, got.money, "%s: money", w.what)
		assert.Equal(t, w.cases, got.cases, "%s: open cases", w.what)
		assert.Equal(t, w.shipped, got.shipped, "%s: shipped", w.what)
		table.WriteString(got.row())
	}
	page := read(t, file)
	head, rest, ok := strings.Cut(page, mark)
	require.True(t, ok, "%s has no mark", file)
	_, tail, ok := strings.Cut(rest, end)
	require.True(t, ok, "%s has no mark at the end of the table", file)
	want := head + mark + table.String() + end + tail
	if *updateOrders && !t.Failed() {
		require.NoError(t, os.WriteFile("../"+file, []byte(want), 0o644))
		return
	}
	assert.Equal(t, want, page, "%s and what the book does differ", file)
}
