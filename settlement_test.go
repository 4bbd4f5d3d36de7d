package jovepay_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

// created is the payment that the shop made: 49.99 usd, to be paid with 50 trx.
func created() jovepay.Payment {
	return jovepay.Payment{
		ID: "1001", OrderID: "order-1", Status: jovepay.StatusWaiting,
		PriceAmount: jovepay.MustAmount("49.99"), PriceCurrency: "usd",
		PayAmount: jovepay.MustAmount("50"), PayCurrency: "trx",
		ActuallyPaid: jovepay.MustAmount("0"),
	}
}

// settlementCase is a row of the table in docs/settlement.md.
type settlementCase struct {
	came       string
	status     jovepay.PaymentStatus
	paid       string
	change     func(*jovepay.Payment)
	opts       []jovepay.SettleOption
	loose      bool // the shop did not keep the amount that was asked for
	want       jovepay.Decision
	difference string
}

func settlementCases() []settlementCase {
	from := []jovepay.SettleOption{jovepay.FulfilFrom(jovepay.StatusConfirmed)}
	half := []jovepay.SettleOption{jovepay.Tolerate(jovepay.MustAmount("0.005"))}
	return []settlementCase{
		{came: "finished, exactly what was asked", status: "finished", paid: "50", want: jovepay.DecisionFulfil},
		{came: "finished, the same amount with other digits", status: "finished", paid: "50.000", want: jovepay.DecisionFulfil},
		{came: "finished, 0.5 more", status: "finished", paid: "50.5", want: jovepay.DecisionOverpaid, difference: "0.5"},
		{came: "finished, 1e-18 less", status: "finished", paid: "49.999999999999999999", want: jovepay.DecisionUnderpaid, difference: "0.000000000000000001"},
		{came: "finished, 0.25 less, half a percent tolerated", status: "finished", paid: "49.75", opts: half, want: jovepay.DecisionFulfil},
		{came: "finished, 0.26 less, half a percent tolerated", status: "finished", paid: "49.74", opts: half, want: jovepay.DecisionUnderpaid, difference: "0.26"},
		{came: "partially paid, 20 less", status: "partially_paid", paid: "30", want: jovepay.DecisionUnderpaid, difference: "20"},
		{came: "partially paid, 0.1 less, half a percent tolerated", status: "partially_paid", paid: "49.9", opts: half, want: jovepay.DecisionFulfil},
		{came: "partially paid, yet the full amount", status: "partially_paid", paid: "50", want: jovepay.DecisionUnknown},
		{came: "waiting", status: "waiting", paid: "0", want: jovepay.DecisionWait},
		{came: "confirming, full amount", status: "confirming", paid: "50", want: jovepay.DecisionWait},
		{came: "confirmed, full amount", status: "confirmed", paid: "50", want: jovepay.DecisionWait},
		{came: "sending, full amount", status: "sending", paid: "50", want: jovepay.DecisionWait},
		{came: "confirming, full amount, fulfil from confirmed", status: "confirming", paid: "50", opts: from, want: jovepay.DecisionWait},
		{came: "confirmed, full amount, fulfil from confirmed", status: "confirmed", paid: "50", opts: from, want: jovepay.DecisionFulfil},
		{came: "confirmed, 1 less, fulfil from confirmed", status: "confirmed", paid: "49", opts: from, want: jovepay.DecisionUnderpaid, difference: "1"},
		{came: "failed", status: "failed", paid: "50", want: jovepay.DecisionClosed},
		{came: "expired", status: "expired", paid: "0", want: jovepay.DecisionClosed},
		{came: "refunded", status: "refunded", paid: "50", want: jovepay.DecisionClosed},
		{came: "cancelled", status: "cancelled", paid: "50", want: jovepay.DecisionClosed},
		{came: "a status that is not known", status: "resting", paid: "50", want: jovepay.DecisionUnknown},
		{came: "finished, amount not told", status: "finished", paid: "", want: jovepay.DecisionUnknown},
		{came: "finished, a negative amount", status: "finished", paid: "-50", want: jovepay.DecisionUnknown},
		{came: "finished, nothing asked for", status: "finished", paid: "50", want: jovepay.DecisionUnknown,
			change: func(p *jovepay.Payment) { p.PayAmount = jovepay.MustAmount("0") }, loose: true},
		{came: "finished, in another coin", status: "finished", paid: "50", want: jovepay.DecisionWrongAsset,
			change: func(p *jovepay.Payment) { p.PayCurrency = "trc" }},
		{came: "finished, in another coin, as a deposit with a parent", status: "finished", paid: "50", want: jovepay.DecisionWrongAsset,
			change: func(p *jovepay.Payment) { p.ID, p.ParentPaymentID, p.PayCurrency = "1002", "1001", "usdttrc20" }},
		{came: "finished, a deposit with a parent", status: "finished", paid: "50", want: jovepay.DecisionRepeated,
			change: func(p *jovepay.Payment) { p.ID, p.ParentPaymentID = "1002", "1001" }},
		{came: "finished, origin REPEATED", status: "finished", paid: "50", want: jovepay.DecisionRepeated,
			change: func(p *jovepay.Payment) { p.OriginType = "REPEATED" }},
		{came: "finished, another payment of the order", status: "finished", paid: "50", want: jovepay.DecisionMismatch,
			change: func(p *jovepay.Payment) { p.ID = "2002" }},
		{came: "finished, another order", status: "finished", paid: "50", want: jovepay.DecisionMismatch,
			change: func(p *jovepay.Payment) { p.OrderID = "order-2" }},
		{came: "finished, less asked for than at first", status: "finished", paid: "49", want: jovepay.DecisionMismatch,
			change: func(p *jovepay.Payment) { p.PayAmount = jovepay.MustAmount("49") }},
		{came: "finished, another price", status: "finished", paid: "50", want: jovepay.DecisionMismatch,
			change: func(p *jovepay.Payment) { p.PriceAmount = jovepay.MustAmount("49.98") }},
		{came: "finished, another price currency", status: "finished", paid: "50", want: jovepay.DecisionMismatch,
			change: func(p *jovepay.Payment) { p.PriceCurrency = "eur" }},
		{came: "finished, on another invoice", status: "finished", paid: "50", want: jovepay.DecisionMismatch,
			change: func(p *jovepay.Payment) { p.InvoiceID = "77" }},
	}
}

func (c settlementCase) row() string {
	return fmt.Sprintf("| %s | `%s` | %s |", c.came, c.want, c.difference)
}

func TestSettle(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("docs/settlement.md")
	require.NoError(t, err)
	cases := settlementCases()
	rows := strings.Count(string(doc), "\n| ") - 2 // the head and its rule
	assert.Equal(t, len(cases), rows, "rows of docs/settlement.md")
	for _, c := range cases {
		t.Run(c.came, func(t *testing.T) {
			t.Parallel()
			assert.Contains(t, string(doc), c.row()+"\n")
			expected := created()
			expectation := expected.Expectation()
			if strings.Contains(c.came, "invoice") {
				expectation.InvoiceID = "76"
			}
			if c.loose {
				expectation.PayAmount = jovepay.Amount{}
			}
			p := created()
			p.Status = c.status
			p.ActuallyPaid = jovepay.Amount{}
			if c.paid != "" {
				p.ActuallyPaid = jovepay.MustAmount(c.paid)
			}
			if c.change != nil {
				c.change(&p)
			}
			v := expectation.Settle(&p, c.opts...)
			assert.Equal(t, c.want, v.Decision, v.Reason)
			assert.Equal(t, c.difference, v.Difference.String())
			assert.NotEmpty(t, v.Reason)
			assert.Equal(t, c.want == jovepay.DecisionFulfil || c.want == jovepay.DecisionOverpaid, v.Fulfil())
		})
	}
}

func TestSettleNeedsAnExpectation(t *testing.T) {
	t.Parallel()
	p := jovepay.Payment{Status: jovepay.StatusFinished}
	assert.Equal(t, jovepay.DecisionMismatch, jovepay.Expectation{}.Settle(&p).Decision)
}

func TestSettleIgnoresTheCaseOfTickers(t *testing.T) {
	t.Parallel()
	p := created()
	e := p.Expectation()
	p.Status, p.ActuallyPaid = jovepay.StatusFinished, p.PayAmount
	p.PriceCurrency, p.PayCurrency = "USD", "TRX"
	assert.Equal(t, jovepay.DecisionFulfil, e.Settle(&p).Decision)
}

func TestSettleOptionsOutOfRangeNeverFulfil(t *testing.T) {
	t.Parallel()
	p := created()
	e := p.Expectation()
	p.Status, p.ActuallyPaid = jovepay.StatusFinished, p.PayAmount
	for _, part := range []string{"0.51", "1", "5", "-0.005"} {
		v := e.Settle(&p, jovepay.Tolerate(jovepay.MustAmount(part)))
		assert.Equal(t, jovepay.DecisionUnknown, v.Decision, part)
		assert.Contains(t, v.Reason, part)
	}
	for _, from := range []jovepay.PaymentStatus{"", "waiting", "confirming", "refunded", "nonsense"} {
		assert.Equal(t, jovepay.DecisionUnknown, e.Settle(&p, jovepay.FulfilFrom(from)).Decision, from)
	}
	assert.Equal(t, jovepay.DecisionFulfil, e.Settle(&p, nil, jovepay.FulfilFrom(jovepay.StatusFinished)).Decision)
}

// Whatever events come in whatever order, none is judged fit to ship unless it
// tells of enough of the right asset, in this payment, for this order.
func TestSettleNeverFulfilsOnTooLittle(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 49))
	pick := func(values ...string) string { return values[random.IntN(len(values))] }
	base := created()
	expectation := base.Expectation()
	tolerance := decimal.RequireFromString("0.01")
	fulfilled := 0
	for range 200_000 {
		p := created()
		p.Status = jovepay.PaymentStatus(pick("finished", "finished", "confirmed", "sending", "partially_paid", "waiting", "refunded", "failed", "odd", ""))
		p.ID = jovepay.ID(pick("1001", "1001", "1001", "2002"))
		p.ParentPaymentID = jovepay.ID(pick("", "", "", "1001", "5"))
		p.OriginType = pick("", "", "", "REPEATED")
		p.OrderID = pick("order-1", "order-1", "order-1", "order-2", "")
		p.PayCurrency = pick("trx", "trx", "TRX", "btc", "")
		p.PriceCurrency = pick("usd", "usd", "eur", "")
		p.PriceAmount = jovepay.MustAmount(pick("49.99", "49.99", "49.990", "4.999"))
		p.PayAmount = jovepay.MustAmount(pick("50", "50", "50.0", "5", "0", "500"))
		p.ActuallyPaid = jovepay.MustAmount(pick("50", "49.5", "49.49", "5e1", "0", "-50", "500", "49.999"))
		var opts []jovepay.SettleOption
		least := base.PayAmount.Decimal()
		if random.IntN(2) == 0 {
			opts = append(opts, jovepay.Tolerate(jovepay.NewAmount(tolerance)))
			least = least.Sub(least.Mul(tolerance))
		}
		if random.IntN(2) == 0 {
			opts = append(opts, jovepay.FulfilFrom(jovepay.StatusConfirmed))
		}
		if v := expectation.Settle(&p, opts...); v.Fulfil() {
			fulfilled++
			require.True(t, p.ActuallyPaid.Decimal().GreaterThanOrEqual(least), "%+v", p)
			require.Equal(t, jovepay.ID("1001"), p.ID)
			require.Empty(t, p.ParentPaymentID)
			require.Empty(t, p.OriginType)
			require.Equal(t, "order-1", p.OrderID)
			require.Equal(t, "trx", strings.ToLower(p.PayCurrency))
			require.Equal(t, "usd", p.PriceCurrency)
			require.True(t, p.PriceAmount.Equal(expectation.PriceAmount))
			require.NotContains(t, []jovepay.PaymentStatus{"waiting", "refunded", "failed", "odd", ""}, p.Status)
		}
	}
	assert.Greater(t, fulfilled, 100, "the test never met a payment that is fit to ship")
}

func ExampleExpectation_Settle() {
	expected := jovepay.Expectation{
		OrderID:       "order-1001",
		PriceAmount:   jovepay.MustAmount("49.99"),
		PriceCurrency: "usd",
		PayCurrency:   "trx",
	}
	news := jovepay.Payment{
		ID:            "5745459419",
		OrderID:       "order-1001",
		Status:        jovepay.StatusPartiallyPaid,
		PriceAmount:   jovepay.MustAmount("49.99"),
		PriceCurrency: "usd",
		PayAmount:     jovepay.MustAmount("150"),
		PayCurrency:   "trx",
		ActuallyPaid:  jovepay.MustAmount("140"),
	}
	verdict := expected.Settle(&news)
	fmt.Println(verdict.Decision, verdict.Difference, verdict.Fulfil())
	// Output: underpaid 10 false
}
