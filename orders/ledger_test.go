package orders

import (
	"bytes"
	"context"
	"flag"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
)

var updateCSV = flag.Bool("update-csv", false, "write testdata/statement.csv")

func newBook(t *testing.T) *Book[inbox.NoTx] {
	t.Helper()
	client, err := jovepay.NewClient(jovepay.WithAPIKey("key"))
	require.NoError(t, err)
	b, err := New(client, new(Memory), Hooks[inbox.NoTx]{Fulfill: func(context.Context, inbox.NoTx, *Order) error { return nil }})
	require.NoError(t, err)
	return b
}

// The statement of a day: what came, where it went, what is not known.
func TestStatement(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		b := newBook(t)
		noon := time.Now().Add(12 * time.Hour)
		require.NoError(t, b.Place(ctx, inbox.NoTx{}, Terms{OrderID: `=cmd|' /C calc'!A0`, PriceAmount: jovepay.MustAmount("49.99"), PriceCurrency: "usd"}))
		tell := func(p jovepay.Payment, fee *jovepay.Fee) {
			t.Helper()
			p.OrderID = `=cmd|' /C calc'!A0`
			<-time.After(time.Second)
			require.NoError(t, b.Handle(ctx, &jovepay.PaymentEvent{Payment: p, Fee: fee}))
		}
		tell(reported("1001", jovepay.PaymentConfirming, "60"), nil)
		tell(reported("1001", jovepay.PaymentFinished, "60", func(p *jovepay.Payment) {
			p.OutcomeAmount, p.OutcomeCurrency = jovepay.MustAmount("59.7"), "usdttrc20"
		}), &jovepay.Fee{Currency: "usdttrc20", ServiceFee: jovepay.MustAmount("0.3"), DepositFee: jovepay.MustAmount("0")})
		<-time.After(time.Until(noon))
		tell(reported("-1002", jovepay.PaymentFinished, "0.5", func(p *jovepay.Payment) { p.PayCurrency, p.PayAmount = "+btc", jovepay.MustAmount("0.5") }), nil)
		tell(reported("1001", jovepay.PaymentRefunded, ""), nil)

		all, err := b.Statement(ctx, time.Time{}, time.Time{})
		require.NoError(t, err)
		var csv bytes.Buffer
		require.NoError(t, all.WriteCSV(ctx, &csv))
		if *updateCSV {
			require.NoError(t, os.WriteFile("testdata/statement.csv", csv.Bytes(), 0o644))
		}
		golden, err := os.ReadFile("testdata/statement.csv")
		require.NoError(t, err)
		assert.Equal(t, string(golden), csv.String())

		// What was not reported is null, not 0.
		first := collect(t, all)[0]
		assert.Nil(t, first.Fee)
		assert.True(t, first.Outcome.IsNull())
		finished := slices.IndexFunc(collect(t, all), func(l Line) bool { return l.Fee != nil })
		require.Positive(t, finished)
		fee := collect(t, all)[finished].Fee
		assert.True(t, fee.WithdrawalFee.IsNull())
		assert.Equal(t, "0", fee.DepositFee.String())

		// The sums are where the coins are.
		sums, err := all.Sums(ctx)
		require.NoError(t, err)
		o, err := b.Get(ctx, `=cmd|' /C calc'!A0`)
		require.NoError(t, err)
		assert.Equal(t, amountsOf(o.Money), amountsOf(slices.DeleteFunc(slices.Clone(sums), func(b Balance) bool { return b.Amount.Sign() == 0 })))
		i := slices.IndexFunc(sums, func(b Balance) bool { return b.Bucket == BucketRefunded })
		require.GreaterOrEqual(t, i, 0)
		assert.True(t, sums[i].Assumed)

		// Each line is in exactly one of consecutive statements.
		morning, err := b.Statement(ctx, time.Time{}, noon)
		require.NoError(t, err)
		evening, err := b.Statement(ctx, noon, time.Time{})
		require.NoError(t, err)
		require.NotEmpty(t, collect(t, morning))
		require.NotEmpty(t, collect(t, evening))
		assert.Equal(t, collect(t, all), append(collect(t, morning), collect(t, evening)...))

		_, err = b.Statement(ctx, noon, noon.Add(-time.Second))
		require.ErrorIs(t, err, jovepay.ErrInvalidRequest)
	})
}

func collect(t *testing.T, s *Statement) (lines []Line) {
	t.Helper()
	for line, err := range s.Lines(t.Context()) {
		require.NoError(t, err)
		lines = append(lines, line)
	}
	return lines
}

// More lines than a page has are read once each, in order, and the loop can end
// early.
func TestStatementPages(t *testing.T) {
	t.Parallel()
	const n = 2*linePage + 7
	asked := 0
	s := &Statement{page: func(_ context.Context, q LineQuery) ([]LineRow, error) {
		asked++
		next := int64(1)
		if q.After != nil {
			next = q.After.Seq + 1
		}
		var rows []LineRow
		for seq := next; seq <= n && len(rows) < q.Limit; seq++ {
			rows = append(rows, LineRow{Seq: seq, Coin: "trx", Bucket: BucketHeld, Amount: jovepay.MustAmount("1")})
		}
		return rows, nil
	}}
	sums, err := s.Sums(t.Context())
	require.NoError(t, err)
	require.Len(t, sums, 1)
	assert.Equal(t, "2007", sums[0].Amount.String())
	assert.Equal(t, 3, asked)
	for _, err := range s.Lines(t.Context()) {
		require.NoError(t, err)
		break
	}
	assert.Equal(t, 4, asked)

	s.page = func(context.Context, LineQuery) ([]LineRow, error) { return nil, context.DeadlineExceeded }
	_, err = s.Sums(t.Context())
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorIs(t, s.WriteCSV(t.Context(), new(bytes.Buffer)), context.DeadlineExceeded)
	s.page = func(context.Context, LineQuery) ([]LineRow, error) { return []LineRow{{Doc: []byte(`{"new":1}`)}}, nil }
	_, err = s.Sums(t.Context())
	require.Error(t, err, "a line of a newer version")
}

func TestSafeCell(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", "order-1": "order-1", "=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t=1", "\r=1": "'\r=1",
		"\n=1": "'\n=1", "|x": "'|x", "%x": "'%x", "'x": "''x", "＝1": "'＝1", "＋1": "'＋1", "－1": "'－1", "＠x": "'＠x", "a=b": "a=b",
	} {
		assert.Equal(t, want, safeCell(text), "%q", text)
	}
}
