package jovepay_test

import (
	"encoding/json"
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
		ID: "1001", OrderID: "order-1", Status: jovepay.PaymentWaiting,
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
	policy     jovepay.SettlePolicy
	loose      bool // the shop did not keep the amount that was asked for
	want       jovepay.Decision
	difference string
}

func settlementCases() []settlementCase {
	from := jovepay.SettlePolicy{FulfillFrom: jovepay.PaymentConfirmed}
	half := jovepay.SettlePolicy{Tolerance: jovepay.MustAmount("0.005")}
	return []settlementCase{
		{came: "finished, exactly what was asked", status: "finished", paid: "50", want: jovepay.DecisionFulfill},
		{came: "finished, the same amount with other digits", status: "finished", paid: "50.000", want: jovepay.DecisionFulfill},
		{came: "finished, 0.5 more", status: "finished", paid: "50.5", want: jovepay.DecisionOverpaid, difference: "0.5"},
		{came: "finished, 1e-18 less, which is the same double", status: "finished", paid: "49.999999999999999999", want: jovepay.DecisionFulfill},
		{came: "finished, 1e-18 more, which is the same double", status: "finished", paid: "50.000000000000000001", want: jovepay.DecisionFulfill},
		{came: "finished, 1e-14 less", status: "finished", paid: "49.99999999999999", want: jovepay.DecisionUnderpaid, difference: "0.00000000000001"},
		{came: "finished, 0.25 less, half a percent tolerated", status: "finished", paid: "49.75", policy: half, want: jovepay.DecisionFulfill},
		{came: "finished, 0.26 less, half a percent tolerated", status: "finished", paid: "49.74", policy: half, want: jovepay.DecisionUnderpaid, difference: "0.26"},
		{came: "partially paid, 20 less", status: "partially_paid", paid: "30", want: jovepay.DecisionUnderpaid, difference: "20"},
		{came: "partially paid, 0.1 less, half a percent tolerated", status: "partially_paid", paid: "49.9", policy: half, want: jovepay.DecisionFulfill},
		{came: "partially paid, yet the full amount", status: "partially_paid", paid: "50", want: jovepay.DecisionUnknown},
		{came: "partially paid, the same double as the full amount", status: "partially_paid", paid: "49.999999999999999999", want: jovepay.DecisionUnknown},
		{came: "partially paid, no amount", status: "partially_paid", want: jovepay.DecisionUnknown},
		{came: "partially paid, zero", status: "partially_paid", paid: "0", want: jovepay.DecisionUnknown},
		{came: "waiting", status: "waiting", paid: "0", want: jovepay.DecisionWait},
		{came: "confirming, full amount", status: "confirming", paid: "50", want: jovepay.DecisionWait},
		{came: "confirmed, full amount", status: "confirmed", paid: "50", want: jovepay.DecisionWait},
		{came: "sending, full amount", status: "sending", paid: "50", want: jovepay.DecisionWait},
		{came: "confirming, full amount, fulfill from confirmed", status: "confirming", paid: "50", policy: from, want: jovepay.DecisionWait},
		{came: "confirmed, full amount, fulfill from confirmed", status: "confirmed", paid: "50", policy: from, want: jovepay.DecisionFulfill},
		{came: "confirmed, 1 less, fulfill from confirmed", status: "confirmed", paid: "49", policy: from, want: jovepay.DecisionUnderpaid, difference: "1"},
		{came: "confirmed, zero, fulfill from confirmed", status: "confirmed", paid: "0", policy: from, want: jovepay.DecisionUnknown},
		{came: "sending, no amount, fulfill from confirmed", status: "sending", policy: from, want: jovepay.DecisionUnknown},
		{came: "sending, no amount", status: "sending", want: jovepay.DecisionWait},
		{came: "failed", status: "failed", paid: "50", want: jovepay.DecisionClosed},
		{came: "expired", status: "expired", paid: "0", want: jovepay.DecisionClosed},
		{came: "refunded", status: "refunded", paid: "50", want: jovepay.DecisionClosed},
		{came: "cancelled", status: "cancelled", paid: "50", want: jovepay.DecisionClosed},
		{came: "canceled, in the other spelling", status: "canceled", paid: "0", want: jovepay.DecisionClosed},
		{came: "wrong_asset_confirmed", status: "wrong_asset_confirmed", paid: "50", want: jovepay.DecisionWrongAsset},
		{came: "wrong_asset_confirmed, as a deposit with a parent", status: "wrong_asset_confirmed", paid: "50", want: jovepay.DecisionWrongAsset,
			change: func(p *jovepay.Payment) { p.ID, p.ParentPaymentID = "1002", "1001" }},
		{came: "a status that is not known", status: "resting", paid: "50", want: jovepay.DecisionUnknown},
		{came: "finished, no amount", status: "finished", paid: "", want: jovepay.DecisionUnknown},
		{came: "finished, zero", status: "finished", paid: "0", want: jovepay.DecisionUnknown},
		{came: "finished, less than any double", status: "finished", paid: "1e-400", want: jovepay.DecisionUnknown},
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
		{came: "finished, asked for the same double as at first", status: "finished", paid: "50", want: jovepay.DecisionFulfill,
			change: func(p *jovepay.Payment) { p.PayAmount = jovepay.MustAmount("49.999999999999999999") }},
		{came: "finished, at a price that is the same double", status: "finished", paid: "50", want: jovepay.DecisionFulfill,
			change: func(p *jovepay.Payment) { p.PriceAmount = jovepay.MustAmount("49.990000000000000001") }},
		{came: "finished, a deciding member cannot be read", status: "finished", paid: "50", want: jovepay.DecisionUnknown,
			change: func(p *jovepay.Payment) {
				p.Extra = map[string]json.RawMessage{"parent_payment_id": []byte(`{"id":1}`)}
			}},
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
			settler, err := jovepay.NewSettler(c.policy)
			require.NoError(t, err)
			v := settler.Settle(expectation, &p)
			assert.Equal(t, c.want, v.Decision, v.Reason)
			assert.Equal(t, c.difference, v.Difference.String())
			assert.NotEmpty(t, v.Reason)
			assert.Equal(t, c.want == jovepay.DecisionFulfill || c.want == jovepay.DecisionOverpaid, v.Fulfill())
		})
	}
}

// A mistake in the expectation is named, whatever is paid.
func TestSettleNeedsAnExpectation(t *testing.T) {
	t.Parallel()
	amount := jovepay.MustAmount
	for name, c := range map[string]struct {
		spoil func(*jovepay.Expectation)
		want  string
	}{
		"no order":            {func(e *jovepay.Expectation) { e.OrderID = "" }, "invalid expectation: order_id: is required"},
		"no currency":         {func(e *jovepay.Expectation) { e.PriceCurrency = "" }, "invalid expectation: price_currency: is required"},
		"no price":            {func(e *jovepay.Expectation) { e.PriceAmount = jovepay.Amount{} }, `invalid expectation: price_amount: want an amount above zero, got ""`},
		"price of zero":       {func(e *jovepay.Expectation) { e.PriceAmount = amount("0.00") }, `invalid expectation: price_amount: want an amount above zero, got "0.00"`},
		"price of minus zero": {func(e *jovepay.Expectation) { e.PriceAmount = amount("-0") }, `invalid expectation: price_amount: want an amount above zero, got "-0"`},
		"negative price":      {func(e *jovepay.Expectation) { e.PriceAmount = amount("-49.99") }, `invalid expectation: price_amount: want an amount above zero, got "-49.99"`},
		"vanishing price":     {func(e *jovepay.Expectation) { e.PriceAmount = amount("1e-400") }, `invalid expectation: price_amount: want an amount above zero, got "1e-400"`},
		"pay amount of zero":  {func(e *jovepay.Expectation) { e.PayAmount = amount("0") }, `invalid expectation: pay_amount: want an amount above zero, or null, got "0"`},
		"negative pay amount": {func(e *jovepay.Expectation) { e.PayAmount = amount("-50") }, `invalid expectation: pay_amount: want an amount above zero, or null, got "-50"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := created()
			e := p.Expectation()
			c.spoil(&e)
			p.Status, p.ActuallyPaid = jovepay.PaymentFinished, p.PayAmount
			p.OrderID, p.PriceAmount, p.PriceCurrency = e.OrderID, e.PriceAmount, e.PriceCurrency
			v := e.Settle(&p)
			assert.Equal(t, jovepay.DecisionMismatch, v.Decision)
			assert.Equal(t, c.want, v.Reason)
		})
	}
	p := jovepay.Payment{Status: jovepay.PaymentFinished}
	assert.Equal(t, jovepay.DecisionMismatch, jovepay.Expectation{}.Settle(&p).Decision)
}

// What decides and cannot be read is in Extra, under any spelling of its name;
// it never counts as missing. What does not decide does not matter.
func TestSettleNeverSkipsWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	settle := func(name, value string) jovepay.Verdict {
		p := created()
		e := p.Expectation()
		p.Status, p.ActuallyPaid = jovepay.PaymentFinished, p.PayAmount
		p.Extra = map[string]json.RawMessage{"zzz": []byte("1"), name: []byte(value)}
		return e.Settle(&p)
	}
	for _, name := range []string{
		"payment_id", "paymentId", "parent_payment_id", "parentPaymentId", "Parent_Payment_Id", "PARENTPAYMENTID",
		"origin_type", "originType", "invoice_id", "invoiceId", "order_id", "orderId", "payment_status", "paymentStatus",
		"price_amount", "priceAmount", "price_currency", "priceCurrency", "pay_amount", "payAmount",
		"pay_currency", "payCurrency", "actually_paid", "actuallyPaid",
		"outcome_amount", "outcomeAmount", "outcome_currency", "outcomeCurrency",
	} {
		for _, value := range []string{`{}`, `[]`, `[1]`, `{"id":1}`, `true`, `false`, `"odd"`, `7`} {
			v := settle(name, value)
			assert.Equal(t, jovepay.DecisionUnknown, v.Decision, "%s: %s", name, value)
			assert.Contains(t, v.Reason, name)
		}
		assert.Equal(t, jovepay.DecisionFulfill, settle(name, "null").Decision, name)
	}
	for _, name := range []string{"fee", "new", "order_description", "payinExtraId", "id", "status", "amount", ""} {
		assert.Equal(t, jovepay.DecisionFulfill, settle(name, "[1]").Decision, name)
	}
}

// A member of another type than expected is not read as text, whether it comes
// in a notification, in a response, or from JSON that was stored.
func TestSettleOnUnexpectedTypes(t *testing.T) {
	t.Parallel()
	const rest = `"payment_id":"7","payment_status":"finished","order_id":"A-1","price_amount":5,"price_currency":"usd",` +
		`"pay_amount":2,"pay_currency":"btc","actually_paid":2`
	e := jovepay.Expectation{OrderID: "A-1", PriceAmount: jovepay.MustAmount("5"), PriceCurrency: "usd"}
	bodies := []string{`{` + rest + `,"origin_type":1}`, `{` + rest + `,"origin_type":true}`, `{` + rest + `,"parent_payment_id":true}`}
	for _, word := range []string{`"payment_status":"finished"`, `"order_id":"A-1"`, `"price_currency":"usd"`, `"pay_currency":"btc"`} {
		name, _, _ := strings.Cut(word, ":")
		bodies = append(bodies, `{`+strings.Replace(rest, word, name+":true", 1)+`}`)
		if name != `"order_id"` {
			bodies = append(bodies, `{`+strings.Replace(rest, word, name+":7", 1)+`}`)
		}
	}
	for _, body := range bodies {
		event := parseAs(t, jovepay.FormRaw, body).(*jovepay.PaymentEvent)
		assert.Equal(t, jovepay.DecisionUnknown, e.Settle(&event.Payment).Decision, body)
		got, err := newCannedClient(t, 200, body).Payments.Get(t.Context(), "7")
		require.NoError(t, err, body)
		assert.Equal(t, jovepay.DecisionUnknown, e.Settle(got).Decision, body)
		stored, err := json.Marshal(event)
		require.NoError(t, err, body)
		var read jovepay.PaymentEvent
		require.NoError(t, json.Unmarshal(stored, &read), body)
		assert.Equal(t, jovepay.DecisionUnknown, e.Settle(&read.Payment).Decision, body)
		assert.Equal(t, event.Key(), read.Key(), body)
	}
}

// An invoice is compared where one is expected, and only there.
func TestSettleComparesTheInvoice(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		expected, paid jovepay.ID
		want           jovepay.Decision
	}{
		{"76", "76", jovepay.DecisionFulfill},
		{"76", "77", jovepay.DecisionMismatch},
		{"76", "", jovepay.DecisionMismatch},
		{"", "76", jovepay.DecisionFulfill},
		{"", "", jovepay.DecisionFulfill},
	} {
		p := created()
		e := p.Expectation()
		e.InvoiceID, p.InvoiceID = c.expected, c.paid
		p.Status, p.ActuallyPaid = jovepay.PaymentFinished, p.PayAmount
		assert.Equal(t, c.want, e.Settle(&p).Decision, "expected %q, paid %q", c.expected, c.paid)
	}
}

// Doubles that differ are amounts that differ, however small the difference
// beside them.
func TestSettleSeesRealDifferences(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		asked, paid string
		want        jovepay.Decision
	}{
		{"20999999.99999999", "20999999.99999998", jovepay.DecisionUnderpaid},
		{"20999999.99999999", "21000000", jovepay.DecisionOverpaid},
		{"0.000000000000000002", "0.000000000000000001", jovepay.DecisionUnderpaid},
		{"9007199254740992", "9007199254740991", jovepay.DecisionUnderpaid},
		{"9007199254740992", "9007199254740993", jovepay.DecisionFulfill},
		{"0.3", "0.30000000000000004", jovepay.DecisionOverpaid},
		{"0.12345678901234568", "0.123456789012345678", jovepay.DecisionFulfill},
		{"0.123456789012345678", "0.12345678901234568", jovepay.DecisionFulfill},
		{"1e399", "1e400", jovepay.DecisionOverpaid},
		{"1e400", "1e399", jovepay.DecisionUnderpaid},
	} {
		p := created()
		p.PayAmount = jovepay.MustAmount(c.asked)
		e := p.Expectation()
		p.Status, p.ActuallyPaid = jovepay.PaymentFinished, jovepay.MustAmount(c.paid)
		v := e.Settle(&p)
		assert.Equal(t, c.want, v.Decision, "%s of %s: %s", c.paid, c.asked, v.Reason)
	}
	p := created()
	e := p.Expectation()
	p.Status, p.ActuallyPaid = jovepay.PaymentFinished, jovepay.MustAmount("49.749999999999999999")
	half, err := jovepay.NewSettler(jovepay.SettlePolicy{Tolerance: jovepay.MustAmount("0.005")})
	require.NoError(t, err)
	assert.Equal(t, jovepay.DecisionFulfill, half.Settle(e, &p).Decision, "the same double as the least that is tolerated")
}

func TestSettleIgnoresTheCaseOfTickers(t *testing.T) {
	t.Parallel()
	p := created()
	e := p.Expectation()
	p.Status, p.ActuallyPaid = jovepay.PaymentFinished, p.PayAmount
	p.PriceCurrency, p.PayCurrency = "USD", "TRX"
	assert.Equal(t, jovepay.DecisionFulfill, e.Settle(&p).Decision)
}

// Unicode folds letters beyond ASCII to ASCII ones: KELVIN SIGN is no K, LONG
// S no s.
func TestSettleKeepsOtherLettersApart(t *testing.T) {
	t.Parallel()
	for ticker, other := range map[string]string{"kas": "\u212Aas", "usd": "u\u017Fd", "\xff": "\xfe"} {
		require.NotEqual(t, ticker, other)
		p := created()
		p.PriceCurrency, p.PayCurrency = ticker, ticker
		e := p.Expectation()
		p.Status, p.ActuallyPaid = jovepay.PaymentFinished, p.PayAmount
		require.Equal(t, jovepay.DecisionFulfill, e.Settle(&p).Decision)
		p.PayCurrency = other
		assert.Equal(t, jovepay.DecisionWrongAsset, e.Settle(&p).Decision)
		p.PayCurrency, p.PriceCurrency = ticker, other
		assert.Equal(t, jovepay.DecisionMismatch, e.Settle(&p).Decision)
	}
}

// A reason is one line, whatever the news says.
func TestSettleReasonIsOneLine(t *testing.T) {
	t.Parallel()
	base := created()
	for _, change := range []func(*jovepay.Payment){
		func(p *jovepay.Payment) { p.ParentPaymentID = "1\n2" },
		func(p *jovepay.Payment) { p.ID = "1\r\n2" },
		func(p *jovepay.Payment) { p.PriceCurrency = "usd\n" + strings.Repeat("x", 1000) },
		func(p *jovepay.Payment) {
			p.Extra = map[string]json.RawMessage{"order_id": []byte("[\n" + strings.Repeat("1,", 1000) + "1]")}
		},
	} {
		p := base
		p.Status, p.ActuallyPaid = jovepay.PaymentFinished, p.PayAmount
		change(&p)
		expectation := base.Expectation()
		reason := expectation.Settle(&p).Reason
		assert.NotContains(t, reason, "\n")
		assert.Less(t, len(reason), 400)
	}
}

func TestNewSettlerRejectsInvalidPolicies(t *testing.T) {
	t.Parallel()
	for _, part := range []string{"0.51", "0.5000000000000000001", "1", "5", "-0.005", "-1e-400"} {
		_, err := jovepay.NewSettler(jovepay.SettlePolicy{Tolerance: jovepay.MustAmount(part)})
		require.ErrorIs(t, err, jovepay.ErrInvalidRequest, part)
		assert.EqualError(t, err, "jovepay: Tolerance: want a part from 0 to 0.5, such as 0.005 for half a percent, got "+part)
	}
	for _, from := range []jovepay.PaymentStatus{"waiting", "confirming", "partially_paid", "refunded", "nonsense", "Finished"} {
		_, err := jovepay.NewSettler(jovepay.SettlePolicy{FulfillFrom: from})
		require.ErrorIs(t, err, jovepay.ErrInvalidRequest, from)
		assert.EqualError(t, err, fmt.Sprintf("jovepay: FulfillFrom: want confirmed, sending or finished, got %q", from))
	}
	for _, policy := range []jovepay.SettlePolicy{
		{},
		{FulfillFrom: jovepay.PaymentConfirmed, Tolerance: jovepay.MustAmount("0.5")},
		{FulfillFrom: jovepay.PaymentSending, Tolerance: jovepay.MustAmount("0")},
		{FulfillFrom: jovepay.PaymentFinished, Tolerance: jovepay.MustAmount("-0")},
	} {
		_, err := jovepay.NewSettler(policy)
		assert.NoError(t, err, policy)
	}
}

func TestZeroSettlerIsTheDefault(t *testing.T) {
	t.Parallel()
	p := created()
	e := p.Expectation()
	for _, status := range []jovepay.PaymentStatus{"waiting", "confirmed", "sending", "finished", "partially_paid", "odd"} {
		for _, paid := range []string{"50", "49.99", "0", "51"} {
			p.Status, p.ActuallyPaid = status, jovepay.MustAmount(paid)
			assert.Equal(t, e.Settle(&p), jovepay.Settler{}.Settle(e, &p), "%s %s", status, paid)
		}
	}
}

// Whatever events come in whatever order, none is judged fit to ship unless it
// reports enough of the right asset, in this payment, for this order.
func TestSettleNeverFulfillsOnTooLittle(t *testing.T) {
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
		var policy jovepay.SettlePolicy
		least := base.PayAmount.Decimal()
		if random.IntN(2) == 0 {
			policy.Tolerance = jovepay.NewAmount(tolerance)
			least = least.Sub(least.Mul(tolerance))
		}
		if random.IntN(2) == 0 {
			policy.FulfillFrom = jovepay.PaymentConfirmed
		}
		settler, err := jovepay.NewSettler(policy)
		require.NoError(t, err)
		if v := settler.Settle(expectation, &p); v.Fulfill() {
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
		Status:        jovepay.PaymentPartiallyPaid,
		PriceAmount:   jovepay.MustAmount("49.99"),
		PriceCurrency: "usd",
		PayAmount:     jovepay.MustAmount("150"),
		PayCurrency:   "trx",
		ActuallyPaid:  jovepay.MustAmount("140"),
	}
	verdict := expected.Settle(&news)
	fmt.Println(verdict.Decision, verdict.Difference, verdict.Fulfill())
	// Output: underpaid 10 false
}

func ExampleNewSettler() {
	// Rather lose half a percent than a customer.
	settler, err := jovepay.NewSettler(jovepay.SettlePolicy{Tolerance: jovepay.MustAmount("0.005")})
	if err != nil {
		fmt.Println(err)
		return
	}
	payment := &jovepay.Payment{
		ID:            "5745459419",
		OrderID:       "order-1001",
		Status:        jovepay.PaymentWaiting,
		PriceAmount:   jovepay.MustAmount("49.99"),
		PriceCurrency: "usd",
		PayAmount:     jovepay.MustAmount("150"),
		PayCurrency:   "trx",
	}
	expected := payment.Expectation()
	payment.Status, payment.ActuallyPaid = jovepay.PaymentPartiallyPaid, jovepay.MustAmount("149.5")

	fmt.Println(expected.Settle(payment).Decision)
	fmt.Println(settler.Settle(expected, payment).Decision)
	// Output:
	// underpaid
	// fulfill
}

func TestExpectationComesBackAsStored(t *testing.T) {
	t.Parallel()
	amount := jovepay.MustAmount
	for name, e := range map[string]jovepay.Expectation{
		"payment":           {OrderID: "A-1", PriceAmount: amount("49.90"), PriceCurrency: "usd", PaymentID: "5745459419", PayCurrency: "trx", PayAmount: amount("1e2")},
		"invoice":           {OrderID: "A-1", PriceAmount: amount("49.90"), PriceCurrency: "USD", InvoiceID: "76"},
		"more than doubles": {OrderID: "A-1", PriceAmount: amount("0.123456789012345678901234567890"), PriceCurrency: "btc", PaymentID: "92233720368547758070"},
		"other characters":  {OrderID: "\"é<&>\u2028\\", PriceAmount: amount("1"), PriceCurrency: "usd"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			value, err := e.Value()
			require.NoError(t, err)
			text, ok := value.(string)
			require.True(t, ok)
			for _, src := range []any{text, []byte(text)} {
				got := jovepay.Expectation{PayCurrency: "left over"}
				require.NoError(t, got.Scan(src))
				assert.Equal(t, e, got)
			}
			// Inside another JSON document, amounts are numbers.
			document, err := json.Marshal(map[string]any{"Order": e})
			require.NoError(t, err)
			var back struct{ Order jovepay.Expectation }
			require.NoError(t, json.Unmarshal(document, &back))
			assert.Equal(t, e, back.Order)
		})
	}
}

func TestZeroExpectationIsNull(t *testing.T) {
	t.Parallel()
	value, err := jovepay.Expectation{}.Value()
	require.NoError(t, err)
	assert.Nil(t, value)
	p := created()
	e := p.Expectation()
	require.NoError(t, e.Scan(nil))
	assert.Equal(t, jovepay.Expectation{}, e)
	p.Status, p.ActuallyPaid = jovepay.PaymentFinished, p.PayAmount
	assert.Equal(t, jovepay.DecisionMismatch, e.Settle(&p).Decision)
}

func TestExpectationOfOneFieldIsNotNull(t *testing.T) {
	t.Parallel()
	for _, e := range []jovepay.Expectation{
		{OrderID: "A-1"},
		{PriceAmount: jovepay.MustAmount("49.99")},
		{PriceCurrency: "usd"},
		{PaymentID: "5077125051"},
		{InvoiceID: "4522625843"},
		{PayCurrency: "btc"},
		{PayAmount: jovepay.MustAmount("0.001")},
	} {
		_, err := e.Value()
		var invalid *jovepay.ValidationError
		assert.ErrorAs(t, err, &invalid, "%+v", e)
	}
}

func TestExpectationScanReadsNullMembers(t *testing.T) {
	t.Parallel()
	var e jovepay.Expectation
	require.NoError(t, e.Scan(`{"order_id":"A-1","price_amount":"49.99","price_currency":"usd","payment_id":null,"pay_amount":null}`))
	assert.Equal(t, jovepay.Expectation{OrderID: "A-1", PriceAmount: jovepay.MustAmount("49.99"), PriceCurrency: "usd"}, e)
}

// Without the member that is not known, each of these would accept payments
// that the stored expectation may not.
func TestExpectationScanRejectsUnknownMembers(t *testing.T) {
	t.Parallel()
	for _, member := range []string{"later", "paymentId", "Payment_ID", "payment_id ", "payin_extra_id", "payment_status"} {
		var e jovepay.Expectation
		err := e.Scan(`{"order_id":"A-1","price_amount":"49.99","price_currency":"usd","` + member + `":"7"}`)
		require.ErrorContains(t, err, "jovepay: expectation: ", member)
		require.ErrorContains(t, err, member)
		assert.Zero(t, e, member)
	}
}

func TestExpectationScanRejects(t *testing.T) {
	t.Parallel()
	for _, src := range []any{
		"", "null", "[]", "{}", "nonsense", 7, int64(7), 7.5, true,
		`{"order_id":"A-1","price_amount":"49.99"}`,
		`{"order_id":"A-1","price_currency":"usd"}`,
		`{"price_amount":"49.99","price_currency":"usd"}`,
		`{"order_id":5,"price_amount":"49.99","price_currency":"usd"}`,
		`{"order_id":"A-1","price_amount":"0","price_currency":"usd"}`,
		`{"order_id":"A-1","price_amount":"-1","price_currency":"usd"}`,
		`{"order_id":"A-1","price_amount":"49,99","price_currency":"usd"}`,
		`{"order_id":"A-1","price_amount":true,"price_currency":"usd"}`,
		`{"order_id":"A-1","price_amount":"49.99","price_currency":"usd","pay_amount":"0"}`,
		`{"order_id":"A-1","price_amount":"49.99","price_amount":"0.01","price_currency":"usd"}`,
		`{"order_id":"A-1","price_amount":"49.99","price_currency":"usd"} {}`,
		`{"order_id":"A-1","price_amount":"49.99","price_currency":"usd"`,
		`{"Order_ID":"A-1","price_amount":"49.99","price_currency":"usd"}`,
		"{\"order_id\":\"A-\xff\",\"price_amount\":\"49.99\",\"price_currency\":\"usd\"}",
	} {
		p := created()
		e := p.Expectation()
		require.Error(t, e.Scan(src), "%v", src)
		assert.Equal(t, p.Expectation(), e, "%v", src)
	}
}

func TestExpectationThatWouldNotComeBackIsNotStored(t *testing.T) {
	t.Parallel()
	p := created()
	for name, spoil := range map[string]func(*jovepay.Expectation){
		"no order":         func(e *jovepay.Expectation) { e.OrderID = "" },
		"no price":         func(e *jovepay.Expectation) { e.PriceAmount = jovepay.Amount{} },
		"zero pay amount":  func(e *jovepay.Expectation) { e.PayAmount = jovepay.MustAmount("0") },
		"invalid UTF-8":    func(e *jovepay.Expectation) { e.OrderID = "A-\xff" },
		"null for an id":   func(e *jovepay.Expectation) { e.PaymentID = "null" },
		"beyond any limit": func(e *jovepay.Expectation) { e.PriceAmount = jovepay.NewAmount(decimal.New(1, 500)) },
	} {
		e := p.Expectation()
		spoil(&e)
		_, err := e.Value()
		assert.Error(t, err, name)
	}
}

// An Expectation is a column like any other: it implements [driver.Valuer] and
// [sql.Scanner].
func ExampleExpectation_Scan() {
	payment := &jovepay.Payment{
		ID:            "5745459419",
		OrderID:       "order-1001",
		PriceAmount:   jovepay.MustAmount("49.90"),
		PriceCurrency: "usd",
		PayAmount:     jovepay.MustAmount("150.000001"),
		PayCurrency:   "trx",
	}
	value, _ := payment.Expectation().Value() // INSERT INTO orders (id, expected) VALUES (?, ?)
	fmt.Println(value)

	var expected jovepay.Expectation
	_ = expected.Scan(value) // SELECT expected FROM orders WHERE id = ?
	fmt.Println(expected.OrderID, expected.PriceAmount, expected.PriceCurrency)
	// Output:
	// {"order_id":"order-1001","price_amount":"49.90","price_currency":"usd","payment_id":"5745459419","pay_currency":"trx","pay_amount":"150.000001"}
	// order-1001 49.90 usd
}
