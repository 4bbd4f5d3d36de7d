package main

import (
	"bytes"
	"cmp"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/jovepay/jovepay-go"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// runProof runs a proof and returns its last line. It skips the test if the proof
// needs a database and there is none.
func runProof(t *testing.T, args ...string) (last string, err error) {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir()) // the logs of a run that failed
	var out bytes.Buffer
	address := cmp.Or(os.Getenv("JOVEPAY_TEST_POSTGRES"), "postgres://postgres@127.0.0.1:5432/test?sslmode=disable")
	err = run(t.Context(), append(args, "-postgres", address), &out)
	if errors.Is(err, errNoDatabase) && os.Getenv("JOVEPAY_REQUIRE_DATABASES") == "" {
		t.Skip(err)
	}
	t.Log(out.String())
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	return lines[len(lines)-1], err
}

func TestEachOrderOnce(t *testing.T) {
	for name, args := range map[string][]string{
		"PostgreSQL": nil,
		"SQLite":     {"-store", "sqlite"},
	} {
		t.Run(name, func(t *testing.T) {
			last, err := runProof(t, append(args, "-orders", "100")...)
			require.NoError(t, err)
			assert.Regexp(t, `^proof: orders=100 deliveries=\d+ kills=\d+ fulfilled=\d\d doubled=0 lost=0 seconds=`, last)
		})
	}
}

func TestSabotageIsFound(t *testing.T) {
	last, err := runProof(t, "-sabotage", "-orders", "300")
	require.ErrorContains(t, err, "orders doubled")
	assert.Regexp(t, `doubled=[1-9]`, last)
}

func TestNoDatabase(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	err := run(t.Context(), []string{"-postgres", "postgres://nobody@127.0.0.1:1/none"}, new(bytes.Buffer))
	require.ErrorIs(t, err, errNoDatabase)
}

func TestTimeout(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	err := run(t.Context(), []string{"-store", "sqlite", "-timeout", "1ns"}, new(bytes.Buffer))
	require.ErrorContains(t, err, "not done after 1ns")
}

func TestCommandLineIsChecked(t *testing.T) {
	for want, args := range map[string]string{
		"unexpected argument":           "more",
		"want 1 or more":                "-orders 0",
		`store "paper" is not known`:    "-store paper",
		`broker "steam" is not known`:   "-broker steam",
		"sabotage is for":               "-sabotage -store sqlite",
		"flag provided but not defined": "-what",
	} {
		assert.ErrorContains(t, run(t.Context(), strings.Fields(args), new(bytes.Buffer)), want)
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	fulfill, closed, wait := jovepay.DecisionFulfill, jovepay.DecisionClosed, jovepay.DecisionWait
	for name, row := range map[string]struct {
		kind kind
		got  outcome
		want result
	}{
		"paid, shipped":                {exact, outcome{fulfill, 1, 0}, result{fulfilled: 1}},
		"paid, not shipped":            {exact, outcome{fulfill, 0, 0}, result{lost: 1}},
		"paid, not noticed":            {exact, outcome{wait, 0, 0}, result{lost: 1, wrong: 1}},
		"paid, shipped twice":          {exact, outcome{fulfill, 2, 0}, result{fulfilled: 1, doubled: 1}},
		"paid, needlessly reviewed":    {exact, outcome{fulfill, 1, 1}, result{fulfilled: 1, wrong: 1}},
		"too much, shipped":            {over, outcome{jovepay.DecisionOverpaid, 1, 0}, result{fulfilled: 1}},
		"too much, not noticed":        {over, outcome{fulfill, 1, 0}, result{fulfilled: 1, wrong: 1}},
		"half, not shipped":            {under, outcome{jovepay.DecisionUnderpaid, 0, 0}, result{}},
		"half, shipped":                {under, outcome{jovepay.DecisionUnderpaid, 1, 0}, result{fulfilled: 1, unpaid: 1}},
		"expired":                      {expired, outcome{closed, 0, 0}, result{}},
		"expired, shipped":             {expired, outcome{closed, 1, 0}, result{fulfilled: 1, unpaid: 1}},
		"expired, waiting":             {expired, outcome{wait, 0, 0}, result{wrong: 1}},
		"refunded, shipped before":     {refunded, outcome{closed, 1, 0}, result{fulfilled: 1}},
		"refunded, not shipped":        {refunded, outcome{closed, 0, 0}, result{}},
		"refunded, shipped twice":      {refunded, outcome{closed, 2, 0}, result{fulfilled: 1, doubled: 1}},
		"refunded, not noticed":        {refunded, outcome{fulfill, 1, 0}, result{fulfilled: 1, wrong: 1}},
		"paid twice, shipped":          {repeated, outcome{fulfill, 1, 1}, result{fulfilled: 1}},
		"paid twice, not noticed":      {repeated, outcome{fulfill, 1, 0}, result{fulfilled: 1, wrong: 1}},
		"paid twice, shipped twice":    {repeated, outcome{fulfill, 2, 1}, result{fulfilled: 1, doubled: 1}},
		"in another coin":              {otherCoin, outcome{wait, 0, 1}, result{}},
		"in another coin, shipped":     {otherCoin, outcome{wait, 1, 1}, result{fulfilled: 1, unpaid: 1}},
		"in another coin, not noticed": {otherCoin, outcome{wait, 0, 0}, result{wrong: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got result
			got.judge(row.kind, row.got)
			assert.Equal(t, row.want, got)
			if row.want.doubled+row.want.lost+row.want.unpaid+row.want.wrong > 0 {
				assert.Error(t, got.verdict())
			} else {
				assert.NoError(t, got.verdict())
			}
		})
	}
}

func TestCheckCounts(t *testing.T) {
	t.Parallel()
	s := settings{orders: 2, store: "sqlite"}
	for kindOf(s.seed, 0) != exact || kindOf(s.seed, 1) != exact {
		s.seed++
	}
	d, err := openDatabase(t.Context(), s, t.TempDir(), 1)
	require.NoError(t, err)
	defer func() { require.NoError(t, d.close(t.Context())) }()
	for _, statement := range []string{
		`CREATE TABLE orders (id TEXT, state TEXT)`,
		`CREATE TABLE fulfillments (order_id TEXT)`,
		`CREATE TABLE reviews (order_id TEXT)`,
		`INSERT INTO orders VALUES ('order-000000', 'fulfill')`,
		`INSERT INTO fulfillments VALUES ('order-000000'), ('order-000000'), ('order-000009')`,
	} {
		_, err := d.db.ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
	got, err := d.check(t.Context(), s)
	require.NoError(t, err)
	assert.Equal(t, result{orders: 2, fulfilled: 1, doubled: 1, lost: 1, wrong: 1}, got,
		"one is doubled, one is missing, and one was never placed")
}

func TestCutterCutsAndCloses(t *testing.T) {
	t.Parallel()
	target, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = target.Close() }()
	c, err := newCutter(t.Context(), target.Addr().String())
	require.NoError(t, err)
	near, err := net.Dial("tcp", c.address())
	require.NoError(t, err)
	defer func() { _ = near.Close() }()
	far, err := target.Accept()
	require.NoError(t, err)
	defer func() { _ = far.Close() }()

	_, err = near.Write([]byte("x"))
	require.NoError(t, err)
	got := make([]byte, 1)
	_, err = far.Read(got)
	require.NoError(t, err)
	assert.Equal(t, "x", string(got))

	random := rand.New(rand.NewPCG(1, 1))
	cut := 0
	for range 20 {
		cut += c.cut(random)
	}
	assert.Equal(t, 1, cut)
	_, err = near.Read(got)
	require.Error(t, err)
	_, err = far.Read(got)
	require.Error(t, err)
	c.close()
	_, err = net.Dial("tcp", c.address())
	require.Error(t, err)
}
