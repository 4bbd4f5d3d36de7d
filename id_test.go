package jovepay_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

func TestIDReadsNumbersAndStrings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		want jovepay.ID
	}{
		{`5745459419`, "5745459419"},
		{`"5745459419"`, "5745459419"},
		{`9007199254740993`, "9007199254740993"}, // beyond a float64
		{strings.Repeat("9", 300), jovepay.ID(strings.Repeat("9", 300))},
		{`0`, "0"},
		{`-5`, "-5"},
		{`1200.0`, "1200"},
		{`12e2`, "1200"},
		{`5.745459419e9`, "5745459419"},
		{`"1200.0"`, "1200.0"},
		{`"01HZX-ü/\"\u00e9"`, `01HZX-ü/"é`},
		{`null`, ""},
		{`""`, ""},
		{`"null"`, ""},
	} {
		one, two := jovepay.ID("before"), jovepay.ID("before")
		require.NoError(t, one.UnmarshalJSON([]byte(tt.in)), tt.in)
		require.NoError(t, jsonv2.Unmarshal([]byte(" "+tt.in+" "), &two), tt.in)
		assert.Equal(t, tt.want, one, tt.in)
		assert.Equal(t, tt.want, two, tt.in)
		assert.Equal(t, string(tt.want), one.String())

		written, err := json.Marshal(one)
		require.NoError(t, err)
		var again string
		require.NoError(t, json.Unmarshal(written, &again), "an ID is written as a string")
		assert.Equal(t, string(tt.want), again)
	}
	for _, in := range []string{`1.5`, `true`, `{}`, `[1]`, `1e999`, `1e-1`, `"1\ufffd"`, `"1�"`} {
		assert.Error(t, jsonv2.Unmarshal([]byte(in), new(jovepay.ID)), in)
		assert.Error(t, json.Unmarshal([]byte(in), new(jovepay.ID)), in)
	}
}

func TestTimeReadsEveryForm(t *testing.T) {
	t.Parallel()
	utc := time.Date(2026, 11, 23, 2, 39, 2, 0, time.UTC)
	for _, tt := range []struct {
		in   string
		want time.Time
	}{
		{`"2026-11-23T02:39:02Z"`, utc},
		{`"2026-11-23T02:39:02.000Z"`, utc},
		{`"2026-11-23T02:39:02.123456789Z"`, utc.Add(123456789)},
		{`"2026-11-23T05:39:02+03:00"`, utc},
		{`"2026-11-23T02:39:02"`, utc},
		{`"2026-11-23T02:39:02.5"`, utc.Add(time.Second / 2)},
		{`"2026-11-23 02:39:02"`, utc},
		{`"2026-11-23 02:39:02.25"`, utc.Add(time.Second / 4)},
		{`"2026-11-23 02:39:02Z"`, utc},
		{`"2026-11-22 21:39:02-05:00"`, utc},
		{`"2026-11-23T02:39:02+0000"`, utc},
		{`"2026-11-22T21:39:02.5-0500"`, utc.Add(time.Second / 2)},
		{`"2026-11-23 02:39:02+0000"`, utc},
		{`"2026-11-23 02:39:02 +0000"`, utc},
		{`"2026-11-23 05:39:02 +03:00"`, utc},
		{`"2026-11-23"`, utc.Truncate(24 * time.Hour)},
		{`1795401542`, utc},
		{`"1795401542"`, utc},
		{`1795401542.25`, utc.Add(time.Second / 4)},
		{`1795401542000`, utc},
		{`"1795401542097"`, utc.Add(97 * time.Millisecond)},
		{`1795401542097.125`, utc.Add(97125 * time.Microsecond)},
		{`1.795401542097e12`, utc.Add(97 * time.Millisecond)},
		{`100000000`, time.Date(1973, 3, 3, 9, 46, 40, 0, time.UTC)},
		{`99999999999`, time.Date(5138, 11, 16, 9, 46, 39, 0, time.UTC)},
		{`100000000000`, time.Date(1973, 3, 3, 9, 46, 40, 0, time.UTC)},
		{`99999999999999`, time.Date(5138, 11, 16, 9, 46, 39, 999_000_000, time.UTC)},
	} {
		var got jovepay.Time
		require.NoError(t, json.Unmarshal([]byte(tt.in), &got), tt.in)
		assert.True(t, tt.want.Equal(got.Time), "%s became %s", tt.in, got)

		written, err := jsonv2.Marshal(got)
		require.NoError(t, err)
		var again jovepay.Time
		require.NoError(t, jsonv2.Unmarshal(written, &again), string(written))
		assert.True(t, got.Equal(again.Time), "%s was written as %s", tt.in, written)
		same, err := json.Marshal(again)
		require.NoError(t, err)
		assert.Equal(t, string(written), string(same))
	}
	for _, in := range []string{
		`"yesterday"`, `"2026-13-01T00:00:00Z"`, `"2026-11"`, `"24:00"`, `true`, `{}`, `[]`,
		`0`, `"0"`, `1`, `-1795401542`, `"-1795401542000"`, `99999999`, `100000000000000`, `1795401542097125`, `1e400`, `1e-400`, `20261123`,
		`"` + strings.Repeat("2026-11-23 ", 100_000) + `"`, strings.Repeat("9", 100_000), `" 1795401542"`, `"0x6b03c3c6"`, `"2026-11-23T02:39:02\u0000"`,
	} {
		err := json.Unmarshal([]byte(in), new(jovepay.Time))
		require.Error(t, err, in)
		assert.NotContains(t, err.Error(), "\n")
		assert.Less(t, len(err.Error()), 200)
	}
}

func TestTimeNull(t *testing.T) {
	t.Parallel()
	for _, in := range []string{`null`, `""`, `"null"`} {
		got := jovepay.Time{Time: time.Now()}
		require.NoError(t, json.Unmarshal([]byte(in), &got))
		assert.True(t, got.IsZero(), in)
	}
	written, err := json.Marshal(struct{ T jovepay.Time }{})
	require.NoError(t, err)
	assert.JSONEq(t, `{"T":null}`, string(written))
}

func TestPaymentStatus(t *testing.T) {
	t.Parallel()
	final := map[jovepay.PaymentStatus]bool{
		jovepay.PaymentWaiting:       false,
		jovepay.PaymentConfirming:    false,
		jovepay.PaymentConfirmed:     false,
		jovepay.PaymentSending:       false,
		jovepay.PaymentPartiallyPaid: true,
		jovepay.PaymentFinished:      true,
		jovepay.PaymentFailed:        true,
		jovepay.PaymentRefunded:      true,
		jovepay.PaymentExpired:       true,
		jovepay.PaymentCancelled:     true,
	}
	for status, want := range final {
		assert.True(t, status.Known(), status)
		assert.Equal(t, want, status.Final(), status)
	}
	for _, status := range []jovepay.PaymentStatus{"", "FINISHED", "on_hold"} {
		assert.False(t, status.Known(), status)
		assert.False(t, status.Final(), status)
	}
}
