package inbox_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
)

// Each event is newer than the one before it.
func TestOrder(t *testing.T) {
	t.Parallel()
	for name, life := range map[string][]jovepay.Event{
		"payment": {
			payment("1", jovepay.PaymentWaiting),
			payment("1", jovepay.PaymentConfirming),
			payment("1", "on_hold"),
			payment("1", jovepay.PaymentExpired),
			payment("1", jovepay.PaymentFailed),
			payment("1", jovepay.PaymentConfirmed), // money came, though no amount is reported
			payment("1", jovepay.PaymentSending),
			payment("1", jovepay.PaymentPartiallyPaid),
			payment("1", jovepay.PaymentWrongAssetConfirmed),
			payment("1", jovepay.PaymentWaiting, paid("3")),
			payment("1", jovepay.PaymentConfirming, paid("3")),
			payment("1", jovepay.PaymentConfirmed, paid("3")),
			payment("1", jovepay.PaymentSending, paid("3")),
			payment("1", "on_hold", paid("3")),
			payment("1", jovepay.PaymentPartiallyPaid, paid("3")),
			payment("1", jovepay.PaymentWrongAssetConfirmed, paid("3")),
			payment("1", jovepay.PaymentExpired, paid("3")),
			payment("1", jovepay.PaymentFailed, paid("3")),
			payment("1", jovepay.PaymentWaiting, paid("3.0000000000000004")),
			payment("1", jovepay.PaymentConfirming, paid("9.99")),
			payment("1", jovepay.PaymentConfirming, paid("10")),
			payment("1", jovepay.PaymentConfirming, paid("10"), outcome("9")),
			payment("1", jovepay.PaymentConfirming, paid("10"), outcome("9"), parent("7")),
			payment("1", jovepay.PaymentConfirming, paid("10"), outcome("10")),
			payment("1", jovepay.PaymentConfirmed, paid("10")),
			payment("1", jovepay.PaymentFinished),
			payment("1", jovepay.PaymentFinished, paid("3")),
			payment("1", jovepay.PaymentRefunded),
			payment("1", jovepay.PaymentRefunded, paid("3")),
		},
		"cancelled": {
			payment("1", jovepay.PaymentExpired),
			payment("1", jovepay.PaymentCancelled),
			payment("1", jovepay.PaymentSending),
			payment("1", jovepay.PaymentFinished),
		},
		"canceled": {
			payment("1", jovepay.PaymentExpired),
			payment("1", jovepay.PaymentCanceled),
			payment("1", jovepay.PaymentConfirming, paid("3")),
			payment("1", jovepay.PaymentCanceled, paid("3")),
			payment("1", jovepay.PaymentFinished),
		},
		"withdrawal": {
			withdrawal(jovepay.WithdrawalCreating, ""),
			withdrawal(jovepay.WithdrawalCreated, ""),
			withdrawal(jovepay.WithdrawalWaiting, ""),
			withdrawal(jovepay.WithdrawalProcessing, ""),
			withdrawal(jovepay.WithdrawalSending, ""),
			withdrawal(jovepay.WithdrawalSending, "0xabc"),
			withdrawal("ON_HOLD", ""),
			withdrawal(jovepay.WithdrawalFailed, ""),
			withdrawal(jovepay.WithdrawalFinished, "0xabc"),
		},
		"rejected": {
			withdrawal("ON_HOLD", ""),
			withdrawal(jovepay.WithdrawalRejected, ""),
			withdrawal(jovepay.WithdrawalFinished, ""),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var last inbox.Entry
			for i, event := range life {
				e, err := inbox.NewEntry(event)
				require.NoError(t, err)
				assert.Equal(t, inbox.Pending, e.Against(last), "event %d", i)
				assert.Equal(t, inbox.Duplicate, e.Against(e))
				if i > 0 {
					assert.Equal(t, inbox.Outdated, last.Against(e), "event %d", i)
					assert.Equal(t, last.Subject, e.Subject)
				}
				last = e
			}
		})
	}
}

func withdrawal(status jovepay.WithdrawalStatus, hash string) jovepay.Event {
	return &jovepay.WithdrawalEvent{ID: "1", Status: status, Hash: hash, Amount: jovepay.MustAmount("50")}
}

func allStatuses() []jovepay.PaymentStatus {
	return []jovepay.PaymentStatus{
		jovepay.PaymentWaiting, jovepay.PaymentConfirming, jovepay.PaymentConfirmed, jovepay.PaymentSending, jovepay.PaymentFinished,
		jovepay.PaymentPartiallyPaid, jovepay.PaymentFailed, jovepay.PaymentRefunded, jovepay.PaymentExpired,
		jovepay.PaymentCancelled, jovepay.PaymentCanceled, jovepay.PaymentWrongAssetConfirmed, "on_hold",
	}
}

// ends are the statuses of a payment that ended without success.
func ends() []jovepay.PaymentStatus {
	return []jovepay.PaymentStatus{jovepay.PaymentExpired, jovepay.PaymentFailed, jovepay.PaymentCancelled, jovepay.PaymentCanceled}
}

// received sets an amount; none if it is empty.
func received(amount string) func(*jovepay.Payment) {
	if amount == "" {
		return func(*jovepay.Payment) {}
	}
	return paid(amount)
}

// outcomes applies the events one after the other, as notifications, and
// again, to another inbox, as rows of a list.
func outcomes(t *testing.T, events ...*jovepay.PaymentEvent) []inbox.Outcome {
	t.Helper()
	notified, reconciled := inbox.New(new(inbox.Memory)), inbox.New(new(inbox.Memory))
	var all []inbox.Outcome
	for _, e := range events {
		outcome, err := notified.Process(t.Context(), e, nothing)
		require.NoError(t, err)
		all = append(all, outcome)
		report, err := reconciled.Reconcile(t.Context(), list(nil, of(e)), nothing)
		require.NoError(t, err)
		want := inbox.Report{Seen: 1}
		switch outcome {
		case inbox.Applied:
			want.Applied = 1
		case inbox.Duplicate:
			want.Already = 1
		default:
			want.Outdated = 1
		}
		assert.Equal(t, want, report)
	}
	return all
}

// A payment that expired, failed or was cancelled, and for which money comes
// after all, in whatever status.
func TestNewsOfMoneyIsNeverOutdated(t *testing.T) {
	t.Parallel()
	applied := []inbox.Outcome{inbox.Applied, inbox.Applied, inbox.Outdated, inbox.Duplicate}
	for _, end := range ends() {
		for _, before := range []string{"", "0", "3", "4.999999999999999"} {
			over := payment("1", end, received(before))
			for _, status := range allStatuses() {
				money := payment("1", status, paid("5"))
				assert.Equal(t, applied, outcomes(t, over, money, over, money), "%s with %q, then %s with 5", end, before, status)
			}
		}
		over := payment("1", end)
		for _, status := range []jovepay.PaymentStatus{
			jovepay.PaymentConfirmed, jovepay.PaymentSending, jovepay.PaymentPartiallyPaid,
			jovepay.PaymentFinished, jovepay.PaymentRefunded, jovepay.PaymentWrongAssetConfirmed,
		} {
			for _, amount := range []string{"", "0"} {
				money := payment("1", status, received(amount))
				assert.Equal(t, applied, outcomes(t, over, money, over, money), "%s, then %s with %q", end, status, amount)
			}
		}
	}
}

// A payment that ends after money came: its end is news, unless the payment is
// finished or refunded, or the report says that less came than is known.
func TestEndAfterMoney(t *testing.T) {
	t.Parallel()
	for _, end := range ends() {
		for _, status := range allStatuses() {
			money := payment("1", status, paid("5"))
			for _, amount := range []string{"", "0", "3"} {
				assert.Equal(t, inbox.Outdated, outcomes(t, money, payment("1", end, received(amount)))[1], "%s with 5, then %s with %q", status, end, amount)
			}
			if slices.Contains(ends(), status) {
				continue
			}
			want := inbox.Applied
			if status == jovepay.PaymentFinished || status == jovepay.PaymentRefunded {
				want = inbox.Outdated
			}
			assert.Equal(t, want, outcomes(t, money, payment("1", end, paid("5")))[1], "%s, then %s, with 5", status, end)
		}
		for _, status := range []jovepay.PaymentStatus{jovepay.PaymentWaiting, jovepay.PaymentConfirming, "on_hold"} {
			assert.Equal(t, []inbox.Outcome{inbox.Applied, inbox.Applied, inbox.Outdated},
				outcomes(t, payment("1", status), payment("1", end), payment("1", status)), "%s, then %s, nothing paid", status, end)
		}
	}
}

// Real notifications report finished and nothing received.
func TestFinishedWithoutAmountIsNews(t *testing.T) {
	t.Parallel()
	for _, status := range allStatuses() {
		if status == jovepay.PaymentFinished || status == jovepay.PaymentRefunded {
			continue
		}
		for _, amount := range []string{"", "0", "5"} {
			before := payment("1", status, received(amount))
			assert.Equal(t, []inbox.Outcome{inbox.Applied, inbox.Applied, inbox.Outdated},
				outcomes(t, before, payment("1", jovepay.PaymentFinished, paid("0")), before), "%s with %q", status, amount)
		}
	}
}

// An amount that is there and cannot be read may be money.
func TestUnreadableAmountIsNews(t *testing.T) {
	t.Parallel()
	verifier, err := jovepay.NewIPNVerifier("secret")
	require.NoError(t, err)
	for _, member := range []string{`"actually_paid":{"btc":5}`, `"actuallyPaid":[5]`, `"actually_paid":"five"`} {
		body := []byte(`{"payment_id":1,"payment_status":"confirming",` + member + `}`)
		event, err := verifier.Parse(body, verifier.Sign(body))
		require.NoError(t, err)
		box := inbox.New(new(inbox.Memory))
		for _, e := range []jovepay.Event{payment("1", jovepay.PaymentExpired), event} {
			outcome, err := box.Process(t.Context(), e, nothing)
			require.NoError(t, err)
			assert.Equal(t, inbox.Applied, outcome, member)
		}
	}
}

// A report of the same state that has one member less is older, whichever comes
// first.
func TestFullerReportIsNewer(t *testing.T) {
	t.Parallel()
	full := func() *jovepay.PaymentEvent {
		return payment("1", jovepay.PaymentPartiallyPaid, paid("3"), outcome("2"), parent("7"),
			func(p *jovepay.Payment) { p.InvoiceID, p.OutcomeCurrency = "9", "trx" })
	}
	for name, remove := range map[string]func(*jovepay.Payment){
		"actually_paid":     func(p *jovepay.Payment) { p.ActuallyPaid = jovepay.Amount{} },
		"pay_amount":        func(p *jovepay.Payment) { p.PayAmount = jovepay.Amount{} },
		"price_amount":      func(p *jovepay.Payment) { p.PriceAmount = jovepay.Amount{} },
		"outcome_amount":    func(p *jovepay.Payment) { p.OutcomeAmount = jovepay.Amount{} },
		"pay_currency":      func(p *jovepay.Payment) { p.PayCurrency = "" },
		"price_currency":    func(p *jovepay.Payment) { p.PriceCurrency = "" },
		"outcome_currency":  func(p *jovepay.Payment) { p.OutcomeCurrency = "" },
		"order_id":          func(p *jovepay.Payment) { p.OrderID = "" },
		"invoice_id":        func(p *jovepay.Payment) { p.InvoiceID = "" },
		"parent_payment_id": func(p *jovepay.Payment) { p.ParentPaymentID = "" },
	} {
		less := full()
		remove(&less.Payment)
		assert.Equal(t, []inbox.Outcome{inbox.Applied, inbox.Applied, inbox.Outdated, inbox.Duplicate},
			outcomes(t, less, full(), less, full()), name)
		assert.Equal(t, []inbox.Outcome{inbox.Applied, inbox.Outdated}, outcomes(t, full(), less), name)
	}
}

func TestFullerReportOfAWithdrawalIsNewer(t *testing.T) {
	t.Parallel()
	withdrawal := func() *jovepay.WithdrawalEvent {
		return &jovepay.WithdrawalEvent{
			ID: "1", Status: jovepay.WithdrawalSending, Currency: "btc", Hash: "0xabc",
			Amount: jovepay.MustAmount("50"), Fee: jovepay.MustAmount("1"),
		}
	}
	recurring := func() *jovepay.RecurringPaymentEvent {
		return &jovepay.RecurringPaymentEvent{ID: "1", Status: jovepay.WithdrawalFinished, Currency: "btc", Amount: jovepay.MustAmount("50")}
	}
	noAmount, noFee, noCurrency, noHash := withdrawal(), withdrawal(), withdrawal(), withdrawal()
	noAmount.Amount, noFee.Fee, noCurrency.Currency, noHash.Hash = jovepay.Amount{}, jovepay.Amount{}, "", ""
	nothingCharged, chargedInNothing := recurring(), recurring()
	nothingCharged.Amount, chargedInNothing.Currency = jovepay.Amount{}, ""
	for i, pair := range [][2]jovepay.Event{
		{noAmount, withdrawal()}, {noFee, withdrawal()}, {noCurrency, withdrawal()}, {noHash, withdrawal()},
		{nothingCharged, recurring()}, {chargedInNothing, recurring()},
	} {
		less, err := inbox.NewEntry(pair[0])
		require.NoError(t, err)
		more, err := inbox.NewEntry(pair[1])
		require.NoError(t, err)
		assert.Equal(t, inbox.Pending, more.Against(less), "pair %d", i)
		assert.Equal(t, inbox.Outdated, less.Against(more), "pair %d", i)
	}
}

// Whatever reports of a payment come in whatever order: what is applied last is
// the greatest of all, and no report of more money than was applied is
// outdated, unless the payment was finished or refunded.
func TestAnyOrderOfReports(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(8, 5))
	amounts := []string{"", "0", "3", "4.9", "5", "5.000000000000000001", "12"}
	for round := range 3000 {
		var events []*jovepay.PaymentEvent
		for range 2 + random.IntN(8) {
			e := payment("1", allStatuses()[random.IntN(len(allStatuses()))], received(amounts[random.IntN(len(amounts))]))
			if random.IntN(4) == 0 {
				e.OrderID = ""
			}
			events = append(events, e)
		}
		var applied *jovepay.PaymentEvent
		box := inbox.New(new(inbox.Memory))
		apply := func(_ context.Context, _ inbox.NoTx, e jovepay.Event) error {
			applied = e.(*jovepay.PaymentEvent)
			return nil
		}
		for _, e := range events {
			last := applied
			outcome, err := box.Process(t.Context(), e, apply)
			require.NoError(t, err)
			if outcome != inbox.Outdated || last.Status == jovepay.PaymentFinished || last.Status == jovepay.PaymentRefunded {
				continue
			}
			more := e.ActuallyPaid.Decimal().Sub(last.ActuallyPaid.Decimal())
			require.False(t, more.GreaterThan(jovepay.MustAmount("1e-15").Decimal()),
				"round %d: %s with %s after %s with %s", round, e.Status, e.ActuallyPaid, last.Status, last.ActuallyPaid)
		}
		require.Equal(t, newest(t, events), newest(t, []*jovepay.PaymentEvent{applied}), fmt.Sprint("round ", round))
	}
}

func newest(t *testing.T, events []*jovepay.PaymentEvent) (greatest string) {
	t.Helper()
	for _, event := range events {
		e, err := inbox.NewEntry(event)
		require.NoError(t, err)
		greatest = max(greatest, e.Position)
	}
	return greatest
}

// Amounts that are the same double take the same place: only the key tells
// them apart. Digits beyond a double are no reason to reject an amount.
func TestSameDoubleSamePlace(t *testing.T) {
	t.Parallel()
	place := func(amount string) string {
		e, err := inbox.NewEntry(payment("1", jovepay.PaymentConfirming, paid(amount), outcome(amount)))
		require.NoError(t, err, amount)
		return strings.TrimSuffix(e.Position, e.Key)
	}
	assert.Equal(t, place("50"), place("49.999999999999999999"))
	assert.Equal(t, place("50"), place("5e1"))
	assert.Equal(t, place("0.1"), place("0.1000000000000000055"))
	assert.Equal(t, place("0.3333333333333333"), place("0."+strings.Repeat("3", 59)))
	assert.Less(t, place("49.99999999999999"), place("50"))
	assert.Less(t, place("20999999.99999998"), place("20999999.99999999"))
}

// FuzzPosition compares positions with the amounts and statuses that they are
// made of.
func FuzzPosition(f *testing.F) {
	f.Add("waiting", "0", "0", "confirming", "0.1", "0")
	f.Add("finished", "9.99", "1", "finished", "10", "1")
	f.Add("finished", "1", "0.5", "finished", "1.0", "0.50")
	f.Add("finished", "1", "1", "finished", "1.1", "0")
	f.Add("on_hold", "", "1e3", "ON_HOLD", "1e-40", "-0")
	f.Add("expired", "0", "0", "confirming", "5", "0")
	f.Add("failed", "3", "0", "sending", "5", "0")
	f.Add("canceled", "", "0", "sending", "", "0")
	f.Add("confirming", "50", "1", "confirming", "49.999999999999999999", "1")
	ranks := []jovepay.PaymentStatus{"waiting", "confirming", "confirmed", "sending", "?", "partially_paid", "wrong_asset_confirmed", "expired", "failed", "finished", "refunded"}
	rank := func(s jovepay.PaymentStatus) int {
		if s == jovepay.PaymentCancelled || s == jovepay.PaymentCanceled {
			s = jovepay.PaymentFailed
		}
		if i := slices.Index(ranks, s); i >= 0 {
			return i
		}
		return slices.Index(ranks, "?")
	}
	stage := func(e *jovepay.PaymentEvent) int {
		switch {
		case e.Status == jovepay.PaymentRefunded:
			return 3
		case e.Status == jovepay.PaymentFinished:
			return 2
		case e.ActuallyPaid.Sign() > 0 || slices.Contains(ranks[2:4], e.Status) || slices.Contains(ranks[5:7], e.Status):
			return 1
		}
		return 0
	}
	double := func(a jovepay.Amount) float64 {
		f, _ := strconv.ParseFloat(a.String(), 64) // null gives 0
		return f
	}
	f.Fuzz(func(t *testing.T, status1, paid1, outcome1, status2, paid2, outcome2 string) {
		event := func(status, paid, outcome string) *jovepay.PaymentEvent {
			e := payment("1", jovepay.PaymentStatus(status))
			if e.ActuallyPaid.UnmarshalText([]byte(paid)) != nil || e.OutcomeAmount.UnmarshalText([]byte(outcome)) != nil {
				t.Skip("not an amount")
			}
			return e
		}
		e1, e2 := event(status1, paid1, outcome1), event(status2, paid2, outcome2)
		entry1, err1 := inbox.NewEntry(e1)
		entry2, err2 := inbox.NewEntry(e2)
		if err1 != nil || err2 != nil {
			require.True(t, err1 == nil || assert.ErrorIs(t, err1, inbox.ErrUnprocessable))
			require.True(t, err2 == nil || assert.ErrorIs(t, err2, inbox.ErrUnprocessable))
			return
		}
		want := cmp.Or(
			cmp.Compare(stage(e1), stage(e2)),
			cmp.Compare(double(e1.ActuallyPaid), double(e2.ActuallyPaid)),
			cmp.Compare(rank(e1.Status), rank(e2.Status)),
			cmp.Compare(double(e1.OutcomeAmount), double(e2.OutcomeAmount)),
			strings.Compare(e1.Key(), e2.Key()),
		)
		assert.Equal(t, want, strings.Compare(entry1.Position, entry2.Position), "%s\n%s", entry1.Position, entry2.Position)
		assert.Equal(t, entry1.Key == entry2.Key, entry1 == entry2, "one event, one entry")
		assert.LessOrEqual(t, len(entry1.Position), 255)
	})
}
