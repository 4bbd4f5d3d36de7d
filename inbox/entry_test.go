package inbox_test

import (
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
			payment("5524759814", jovepay.PaymentFinished, paid("1234.50"), outcome("0.00077")),
			inbox.Entry{
				Subject:  "payment:5524759814",
				Key:      "payment:KEY",
				Position: "80,041234.5,80,00.00077,0,07,payment:KEY",
			},
		},
		"repeated deposit, nothing paid": {
			payment("2", jovepay.PaymentWaiting, parent("1")),
			inbox.Entry{Subject: "payment:2", Key: "payment:KEY", Position: "10,00,10,00,1,05,payment:KEY"},
		},
		"withdrawal": {
			&jovepay.WithdrawalEvent{
				ID: "7", Status: jovepay.WithdrawalSending, Hash: "0xabc",
				Amount: jovepay.MustAmount("50"), Fee: jovepay.MustAmount("1e-1"),
			},
			inbox.Entry{Subject: "withdrawal:7", Key: "withdrawal:KEY", Position: "40,0250,00,00.1,1,02,withdrawal:KEY"},
		},
		"recurring payment": {
			&jovepay.RecurringPaymentEvent{ID: "8", Status: jovepay.WithdrawalFinished, Amount: jovepay.MustAmount("1e3")},
			inbox.Entry{Subject: "recurring:8", Key: "recurring:KEY", Position: "80,041000,00,00,0,01,recurring:KEY"},
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
		"nothing":           {nil, "unexpected type <nil>"},
		"no id":             {payment("", jovepay.PaymentFinished), "payment without id"},
		"no withdrawal id":  {&jovepay.WithdrawalEvent{Status: jovepay.WithdrawalFinished}, "withdrawal without id"},
		"no recurring id":   {&jovepay.RecurringPaymentEvent{Status: jovepay.WithdrawalFinished}, "recurring without id"},
		"long id":           {payment(jovepay.ID(strings.Repeat("1", 129)), jovepay.PaymentFinished), "payment id of 129 bytes"},
		"id with space":     {payment("1 2", jovepay.PaymentFinished), `payment id "1 2"`},
		"id with NUL":       {payment("1\x00", jovepay.PaymentFinished), `payment id "1\x00"`},
		"id with DEL":       {payment("1\x7f", jovepay.PaymentFinished), `payment id "1\x7f"`},
		"id not ASCII":      {payment("é", jovepay.PaymentFinished), `payment id "é"`},
		"id not UTF-8":      {payment("\xff", jovepay.PaymentFinished), `payment id "\xff"`},
		"no status":         {payment("1", ""), "payment:1 without status"},
		"negative paid":     {payment("1", jovepay.PaymentFinished, paid("-0.1")), "payment:1: amount -0.1 is negative"},
		"negative outcome":  {payment("1", jovepay.PaymentFinished, outcome("-1")), "payment:1: amount -1 is negative"},
		"negative price":    {payment("1", jovepay.PaymentFinished, price("-5")), "payment:1: amount -5 is negative"},
		"absurd":            {payment("1", jovepay.PaymentFinished, paid("1e40")), "payment:1: amount 1e40 has over 40 digits before the point"},
		"absurd, in digits": {payment("1", jovepay.PaymentFinished, paid(digits)), "payment:1: amount " + digits + " has over 40 digits before the point"},
		"absurdly small":    {payment("1", jovepay.PaymentFinished, paid("1e-400")), "payment:1: amount 1e-400 has over 40 digits after the point"},
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

// The limits of [inbox.NewEntry] are the longest id and amounts that it takes.
func TestProcessableToTheLimit(t *testing.T) {
	t.Parallel()
	for name, event := range map[string]jovepay.Event{
		"id of 128 bytes":            payment(jovepay.ID(strings.Repeat("1", 128)), jovepay.PaymentFinished),
		"visible ASCII":              payment("!~", jovepay.PaymentFinished),
		"40 digits before the point": payment("1", jovepay.PaymentFinished, paid("9e39")),
		"40 digits after the point":  payment("1", jovepay.PaymentFinished, paid("1e-40")),
		"zero":                       payment("1", jovepay.PaymentFinished, paid("0")),
	} {
		_, err := inbox.NewEntry(event)
		assert.NoError(t, err, name)
	}
	_, err := inbox.NewEntry(payment("1", jovepay.PaymentFinished, paid("1e-41")))
	assert.ErrorIs(t, err, inbox.ErrUnprocessable)
}

// The columns of a store are as long as Entry says.
func TestLongestEntry(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("9", 40) + "." + strings.Repeat("9", 40)
	for _, event := range []jovepay.Event{
		payment(jovepay.ID(strings.Repeat("~", 128)), jovepay.PaymentRefunded, paid(longest), outcome(longest)),
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
