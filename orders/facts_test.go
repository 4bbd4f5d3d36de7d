package orders

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
)

// choice picks values: at random, or by the bytes of a fuzz target.
type choice func(n int) int

func pick[T any](choose choice, values ...T) T { return values[choose(len(values))] }

// anyFact returns a fact of payment 1001 with few possible members, so that many
// facts have the same position.
func anyFact(t *testing.T, choose choice) fact {
	t.Helper()
	amount := func(texts ...string) (a jovepay.Amount) {
		if text := pick(choose, texts...); text != "" {
			a = jovepay.MustAmount(text)
		}
		return a
	}
	e := jovepay.PaymentEvent{Payment: jovepay.Payment{
		ID: "1001", Status: pick(choose, jovepay.PaymentWaiting, jovepay.PaymentConfirming, jovepay.PaymentPartiallyPaid,
			jovepay.PaymentWrongAssetConfirmed, jovepay.PaymentFinished, jovepay.PaymentRefunded),
		ParentPaymentID: pick[jovepay.ID](choose, "", "", "7"), InvoiceID: pick[jovepay.ID](choose, "", "8"),
		OrderID: pick(choose, "", "order-1", "order-2"), PriceAmount: amount("", "49.99", "9"), PriceCurrency: pick(choose, "", "usd", "eur"),
		PayAddress: pick(choose, "", "T1", "T2"), PayinExtraID: pick(choose, "", "memo"), Network: pick(choose, "", "trx"),
		PayAmount: amount("", "0", "50", "49.999999999999999999", "60"), PayCurrency: pick(choose, "", "trx", "btc"),
		ActuallyPaid: amount("", "0", "20", "20.0", "50", "50.000000000000000001"), OutcomeAmount: amount("", "0", "3"),
		OutcomeCurrency: pick(choose, "", "usdt"), OriginType: pick(choose, "", "", "REPEATED"),
		CreatedAt: pick(choose, jovepay.Time{}, jovepay.Time{Time: time.Unix(1e9, 0).UTC()}, jovepay.Time{Time: time.Unix(2e9, 0).UTC()}),
	}, Fee: pick(choose, nil, &jovepay.Fee{Currency: "trx", ServiceFee: jovepay.MustAmount("1")}, &jovepay.Fee{Currency: "btc"})}
	if name := pick(choose, "", "", "refunded_amount", "refundedAmount", "parent_payment_id", "origin_type", "order_id", "paidTo"); name != "" {
		e.Extra = map[string]json.RawMessage{name: json.RawMessage(pick(choose, `{}`, `5`, `10`, `"7.5"`, `null`))}
		if isUnreadable(name, json.RawMessage(`{}`)) {
			e.Extra[name] = json.RawMessage(`{}`)
		}
		switch name { // a member is either read or not
		case "parent_payment_id":
			e.ParentPaymentID = ""
		case "origin_type":
			e.OriginType = ""
		case "order_id":
			e.OrderID = ""
		}
	}
	entry, err := inbox.NewEntry(&e)
	require.NoError(t, err)
	return newFact(&e, entry)
}

// text writes facts, to compare them.
func text(t *testing.T, v any) string {
	t.Helper()
	doc, err := encode(v)
	require.NoError(t, err)
	return string(doc)
}

// viewText writes a view, to compare it.
func viewText(t *testing.T, v view) string {
	t.Helper()
	extra := text(t, v.Extra)
	v.Extra = nil
	return fmt.Sprintf("%s %s %q %q %q %q %s", text(t, v.Payment), extra, v.coin, v.asked, v.receivedIn, v.refundedPart, text(t, v.fee))
}

func merge(all ...fact) (fs facts) {
	for _, f := range all {
		fs = fs.add(f)
	}
	return fs
}

// checkFacts checks what must be true of any facts.
func checkFacts(t *testing.T, all []fact, shuffled []fact) {
	t.Helper()
	merged := merge(all...)
	assert.Equal(t, text(t, merged), text(t, merge(shuffled...)), "the order of news counts")
	assert.Equal(t, text(t, merged), text(t, merge(append(shuffled, all...)...)), "repeated news count")
	for _, f := range merged {
		assert.Equal(t, text(t, merged), text(t, merged.add(f)), "what is kept counts again")
	}
	var read facts
	require.NoError(t, decode([]byte(text(t, merged)), &read))
	assert.Equal(t, text(t, merged), text(t, read), "facts change when they are stored")
	assert.Equal(t, viewText(t, merged.view()), viewText(t, read.view()))

	// Nothing is dropped that a view needs: it is that of all facts, merged only
	// where they have the same position.
	whole := map[string]fact{}
	for _, f := range all {
		if same, ok := whole[f.Position]; ok {
			f = complete(f, same)
		}
		whole[f.Position] = f
	}
	var kept facts
	for _, position := range sortedKeys(whole) {
		kept = append(kept, whole[position])
	}
	assert.Equal(t, viewText(t, kept.view()), viewText(t, merged.view()), "compaction loses something")
	v := merged.view()
	for _, f := range all {
		if f.Payment.ActuallyPaid.Sign() > 0 {
			assert.True(t, v.received().IsPositive(), "an amount was erased")
		}
		asked := f.Payment.PayAmount.Decimal()
		assert.True(t, v.asked.Decimal().GreaterThanOrEqual(asked) || sameAmount(v.asked.Decimal(), asked), "more was asked for")
		if part, ok := refundedPart(&f.Payment); ok {
			assert.GreaterOrEqual(t, v.refundedPart.Cmp(part), 0, "more was returned")
		}
		if f.Payment.ParentPaymentID != "" || f.Payment.OriginType != "" {
			_, unread := v.Unreadable()
			assert.True(t, v.isChild() || unread, "a further deposit became a first one")
		}
	}
}

func TestFacts(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	most := 0
	for range 400 {
		all := make([]fact, 1+random.IntN(9))
		for i := range all {
			all[i] = anyFact(t, random.IntN)
		}
		shuffled := make([]fact, len(all))
		for to, from := range random.Perm(len(all)) {
			shuffled[to] = all[from]
		}
		checkFacts(t, all, shuffled)
		if t.Failed() {
			return
		}
		most = max(most, len(merge(all...)))
	}
	t.Logf("at most %d facts were kept", most)
}

// Facts of the same state, from two sources, complete each other.
func TestFactsOfOneState(t *testing.T) {
	t.Parallel()
	listed := reported("1001", jovepay.PaymentFinished, "50")
	notified := listed
	listed.PayAddress, listed.PayinExtraID = "T1", "memo"
	notified.Extra = map[string]json.RawMessage{memberRefunded: json.RawMessage("5")}
	a, err := factOf(listed.Event())
	require.NoError(t, err)
	b, err := factOf(notified.Event())
	require.NoError(t, err)
	require.Equal(t, a.Position, b.Position)
	fs := merge(a, b)
	require.Len(t, fs, 1)
	v := fs.view()
	assert.Equal(t, "T1", v.PayAddress)
	assert.Equal(t, "memo", v.PayinExtraID)
	assert.Equal(t, "5", v.refundedPart.String())
	for _, part := range []string{"20", "5", "100"} {
		listed.Extra = map[string]json.RawMessage{memberRefunded: json.RawMessage(part)}
		a, err = factOf(listed.Event())
		require.NoError(t, err)
		fs = fs.add(a)
	}
	v = fs.view()
	assert.Equal(t, "100", v.refundedPart.String(), "refunds only grow")
	listed.Extra = nil
	assert.NotContains(t, listed.Extra, memberRefunded, "the event is left as it was")
}

// A later report with fewer members erases nothing. 0 and missing are alike.
func TestFactsAreNotErasedByAbsence(t *testing.T) {
	t.Parallel()
	full := reported("1001", jovepay.PaymentFinished, "50", func(p *jovepay.Payment) { p.PayAddress, p.Network = "T1", "trx" })
	for _, paid := range []string{"", "0", "0.00"} {
		bare := jovepay.Payment{ID: "1001", Status: jovepay.PaymentRefunded}
		if paid != "" {
			bare.ActuallyPaid, bare.PayAmount, bare.PriceAmount = jovepay.MustAmount(paid), jovepay.MustAmount(paid), jovepay.MustAmount(paid)
		}
		f, err := factOf(full.Event())
		require.NoError(t, err)
		g, err := factOf(bare.Event())
		require.NoError(t, err)
		require.Greater(t, g.Position, f.Position)
		v := merge(f, g).view()
		assert.Equal(t, jovepay.PaymentRefunded, v.Status)
		assert.Equal(t, "50", v.ActuallyPaid.String())
		assert.Equal(t, "50", v.PayAmount.String())
		assert.Equal(t, "49.99", v.PriceAmount.String())
		assert.Equal(t, "T1, trx, order-1, trx", v.PayAddress+", "+v.Network+", "+v.OrderID+", "+v.PayCurrency)
	}
}

// What could not be read counts until newer news can be read.
func TestFactsKeepWhatCouldNotBeRead(t *testing.T) {
	t.Parallel()
	learn := func(all ...jovepay.Payment) view {
		var fs facts
		for _, p := range all {
			f, err := factOf(p.Event())
			require.NoError(t, err)
			fs = fs.add(f)
		}
		return fs.view()
	}
	odd := reported("1001", jovepay.PaymentConfirming, "50", unreadableMember("parentPaymentId"))
	v := learn(odd, reported("1001", jovepay.PaymentFinished, "50"))
	name, ok := v.Unreadable()
	assert.True(t, ok, "missing from the newer news")
	assert.Equal(t, "parentPaymentId", name)
	v = learn(odd, reported("1001", jovepay.PaymentFinished, "50", childOf("7")))
	_, ok = v.Unreadable()
	assert.False(t, ok, "read from the newer news")
	v = learn(reported("1001", jovepay.PaymentWaiting, "", unreadableMember("actually_paid")), reported("1001", jovepay.PaymentFinished, "0"))
	_, ok = v.Unreadable()
	assert.True(t, ok, "0 is as good as missing")
}

func FuzzFacts(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("0123456789"))
	f.Add([]byte{5, 0, 0, 1, 1, 1, 0, 0, 0, 2, 1, 4, 0, 0, 0, 0, 0, 2, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		choose := func(n int) int {
			if len(data) == 0 {
				return 0
			}
			i := int(data[0]) % n
			data = data[1:]
			return i
		}
		var all []fact
		for len(all) < 6 && (len(data) > 0 || len(all) < 2) {
			all = append(all, anyFact(t, choose))
		}
		reversed := make([]fact, len(all))
		for i := range all {
			reversed[len(all)-1-i] = all[i]
		}
		checkFacts(t, all, reversed)
	})
}
