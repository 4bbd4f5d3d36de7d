package inbox_test

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
)

// The positions of past versions lie in databases: a change of this test is a
// change that they do not survive.
func TestEntryText(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		event jovepay.Event
		want  inbox.Entry
	}{
		"payment": {
			payment("5524759814", jovepay.StatusFinished, paid("1234.50"), outcome("0.00077")),
			inbox.Entry{
				Subject:  "payment:5524759814",
				Key:      "payment:KEY",
				Position: "80,041234.5,00.00077,0,payment:KEY",
			},
		},
		"repeated deposit, nothing paid": {
			payment("2", jovepay.StatusWaiting, parent("1")),
			inbox.Entry{Subject: "payment:2", Key: "payment:KEY", Position: "10,00,00,1,payment:KEY"},
		},
		"withdrawal": {
			&jovepay.WithdrawalEvent{
				ID: "7", Status: jovepay.WithdrawalSending, Hash: "0xabc",
				Amount: jovepay.MustAmount("50"), Fee: jovepay.MustAmount("1e-1"),
			},
			inbox.Entry{Subject: "withdrawal:7", Key: "withdrawal:KEY", Position: "40,0250,00.1,1,withdrawal:KEY"},
		},
		"recurring payment": {
			&jovepay.RecurringPaymentEvent{ID: "8", Status: jovepay.WithdrawalFinished, Amount: jovepay.MustAmount("1e3")},
			inbox.Entry{Subject: "recurring:8", Key: "recurring:KEY", Position: "80,041000,00,0,recurring:KEY"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := inbox.NewEntry(c.event)
			require.NoError(t, err)
			assert.Equal(t, c.event.Key(), got.Key)
			kind, hash, _ := strings.Cut(got.Key, ":")
			got.Key = kind + ":KEY"
			got.Position = strings.ReplaceAll(got.Position, hash, "KEY")
			assert.Equal(t, c.want, got)
		})
	}
}

func TestUnknownEventIsItsOwnSubject(t *testing.T) {
	t.Parallel()
	verifier, err := jovepay.NewIPNVerifier("secret")
	require.NoError(t, err)
	body := []byte(`{"news":"a kind of event that nobody knows"}`)
	event, err := verifier.Parse(body, verifier.Sign(body))
	require.NoError(t, err)
	require.IsType(t, &jovepay.UnknownEvent{}, event)
	got, err := inbox.NewEntry(event)
	require.NoError(t, err)
	assert.Equal(t, inbox.Entry{Subject: event.Key(), Key: event.Key(), Position: event.Key()}, got)
}

// Each event is newer than the one before it.
func TestOrder(t *testing.T) {
	t.Parallel()
	for name, life := range map[string][]jovepay.Event{
		"payment": {
			payment("1", jovepay.StatusWaiting),
			payment("1", jovepay.StatusConfirming),
			payment("1", jovepay.StatusConfirming, paid("9.99")),
			payment("1", jovepay.StatusConfirming, paid("10")),
			payment("1", jovepay.StatusConfirming, paid("10.000000000000000001")),
			payment("1", jovepay.StatusConfirmed),
			payment("1", jovepay.StatusConfirmed, outcome("9")),
			payment("1", jovepay.StatusConfirmed, outcome("9"), parent("7")),
			payment("1", jovepay.StatusConfirmed, outcome("10")),
			payment("1", jovepay.StatusConfirmed, paid("0.1"), outcome("10")),
			payment("1", jovepay.StatusSending, paid("1")),
			payment("1", "on_hold"),
			payment("1", jovepay.StatusPartiallyPaid),
			payment("1", jovepay.StatusExpired),
			payment("1", jovepay.StatusFailed),
			payment("1", jovepay.StatusFinished),
			payment("1", jovepay.StatusRefunded),
		},
		"cancelled": {
			payment("1", jovepay.StatusExpired),
			payment("1", jovepay.StatusCancelled),
			payment("1", jovepay.StatusFinished),
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

func TestUnprocessable(t *testing.T) {
	t.Parallel()
	price := func(amount string) func(*jovepay.Payment) {
		return func(p *jovepay.Payment) { p.PriceAmount = jovepay.MustAmount(amount) }
	}
	digits := strings.Repeat("9", 41)
	for name, c := range map[string]struct {
		event jovepay.Event
		want  string
	}{
		"nothing":           {nil, "it is a <nil>"},
		"no id":             {payment("", jovepay.StatusFinished), "payment without id"},
		"no withdrawal id":  {&jovepay.WithdrawalEvent{Status: jovepay.WithdrawalFinished}, "withdrawal without id"},
		"no recurring id":   {&jovepay.RecurringPaymentEvent{Status: jovepay.WithdrawalFinished}, "recurring without id"},
		"long id":           {payment(jovepay.ID(strings.Repeat("1", 129)), jovepay.StatusFinished), "payment id of 129 bytes"},
		"id with space":     {payment("1 2", jovepay.StatusFinished), `payment id "1 2"`},
		"id with NUL":       {payment("1\x00", jovepay.StatusFinished), `payment id "1\x00"`},
		"id with DEL":       {payment("1\x7f", jovepay.StatusFinished), `payment id "1\x7f"`},
		"id not ASCII":      {payment("é", jovepay.StatusFinished), `payment id "é"`},
		"id not UTF-8":      {payment("\xff", jovepay.StatusFinished), `payment id "\xff"`},
		"no status":         {payment("1", ""), "payment:1 without status"},
		"negative paid":     {payment("1", jovepay.StatusFinished, paid("-0.1")), "payment:1: amount -0.1 is negative"},
		"negative outcome":  {payment("1", jovepay.StatusFinished, outcome("-1")), "payment:1: amount -1 is negative"},
		"negative price":    {payment("1", jovepay.StatusFinished, price("-5")), "payment:1: amount -5 is negative"},
		"absurd":            {payment("1", jovepay.StatusFinished, paid("1e40")), "payment:1: amount 1e40 has over 40 digits before the point"},
		"absurd, in digits": {payment("1", jovepay.StatusFinished, paid(digits)), "payment:1: amount " + digits + " has over 40 digits before the point"},
		"absurdly small":    {payment("1", jovepay.StatusFinished, paid("1e-400")), "payment:1: amount 1e-400 has over 40 digits after the point"},
		"absurd fee":        {&jovepay.WithdrawalEvent{ID: "1", Status: "FINISHED", Fee: jovepay.MustAmount("1e99")}, "withdrawal:1: amount 1e99 has over 40 digits before the point"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := inbox.NewEntry(c.event)
			require.ErrorIs(t, err, inbox.ErrUnprocessable)
			require.EqualError(t, err, "event cannot be processed: "+c.want)
			assert.Zero(t, e)
		})
	}
}

// The columns of a store are as long as Entry says.
func TestLongestEntry(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("9", 40) + "." + strings.Repeat("9", 40)
	for _, event := range []jovepay.Event{
		payment(jovepay.ID(strings.Repeat("~", 128)), jovepay.StatusRefunded, paid(longest), outcome(longest)),
		&jovepay.WithdrawalEvent{
			ID: jovepay.ID(strings.Repeat("!", 128)), Status: jovepay.WithdrawalFinished,
			Amount: jovepay.MustAmount(longest), Fee: jovepay.MustAmount(longest),
		},
	} {
		e, err := inbox.NewEntry(event)
		require.NoError(t, err)
		assert.LessOrEqual(t, len(e.Subject), 160)
		assert.LessOrEqual(t, len(e.Key), 64)
		assert.LessOrEqual(t, len(e.Position), 255)
	}
}

// FuzzPosition compares positions with the amounts and statuses that they are
// made of.
func FuzzPosition(f *testing.F) {
	f.Add("waiting", "0", "0", "confirming", "0.1", "0")
	f.Add("finished", "9.99", "1", "finished", "10", "1")
	f.Add("finished", "1", "0.5", "finished", "1.0", "0.50")
	f.Add("finished", "1", "1", "finished", "1.1", "0")
	f.Add("on_hold", "", "1e3", "ON_HOLD", "1e-40", "-0")
	ranks := []jovepay.PaymentStatus{"waiting", "confirming", "confirmed", "sending", "?", "partially_paid", "expired", "failed", "finished", "refunded"}
	rank := func(s jovepay.PaymentStatus) int {
		if s == jovepay.StatusCancelled {
			s = jovepay.StatusFailed
		}
		if i := slices.Index(ranks, s); i >= 0 {
			return i
		}
		return slices.Index(ranks, "?")
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
			cmp.Compare(rank(e1.Status), rank(e2.Status)),
			e1.ActuallyPaid.Decimal().Cmp(e2.ActuallyPaid.Decimal()),
			e1.OutcomeAmount.Decimal().Cmp(e2.OutcomeAmount.Decimal()),
			strings.Compare(e1.Key(), e2.Key()),
		)
		assert.Equal(t, want, strings.Compare(entry1.Position, entry2.Position), "%s\n%s", entry1.Position, entry2.Position)
		assert.Equal(t, entry1.Key == entry2.Key, entry1 == entry2, "one event, one entry")
		assert.LessOrEqual(t, len(entry1.Position), 255)
	})
}
