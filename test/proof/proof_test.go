package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/orders"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// runProof runs a proof and returns its last line. It skips the test if the proof
// needs a database and there is none.
func runProof(t *testing.T, args ...string) (last string, err error) {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir()) // the logs of a run that failed
	var out bytes.Buffer
	err = run(t.Context(), append(args,
		"-postgres", cmp.Or(os.Getenv("JOVEPAY_TEST_POSTGRES"), "postgres://postgres@127.0.0.1:5432/test?sslmode=disable"),
		"-mariadb", cmp.Or(os.Getenv("JOVEPAY_TEST_MARIADB"), "root@tcp(127.0.0.1:3306)/test")), &out)
	if errors.Is(err, errNoDatabase) && os.Getenv("JOVEPAY_REQUIRE_DATABASES") == "" {
		t.Skip(err)
	}
	t.Log(out.String())
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	return lines[len(lines)-1], err
}

func TestProof(t *testing.T) {
	for name, args := range map[string][]string{
		"PostgreSQL": nil,
		"SQLite":     {"-store", "sqlite"},
		"late":       {"-late", "3", "-topups"},
	} {
		t.Run(name, func(t *testing.T) {
			last, err := runProof(t, append(args, "-orders", "100")...)
			require.NoError(t, err)
			payments := "0"
			if name == "late" {
				payments = "3"
			}
			assert.Regexp(t, `^proof: orders=100 deliveries=\d+ kills=\d+ freezes=\d+ fulfilled=\d\d doubled=0 lost=0 payments=`+payments+
				` shown=0 unaccounted=0 seconds=`, last)
		})
	}
}

// TestSabotageIsFound runs each sabotage, with JOVEPAY_SABOTAGE=all, or those that
// are found quickly.
func TestSabotageIsFound(t *testing.T) {
	found := map[string]string{
		"no-intent":          `payments=[1-9]`,
		"intent-not-durable": `payments=[1-9]`,
		"no-deadline":        `payments=[1-9]`,
		"early-look":         `payments=[1-9]`,
		"no-adoption":        `payments=[1-9]`,
		"no-lock":            `payments=[1-9]`,
		"separate-fulfill":   `doubled=[1-9]`,
		"no-order":           `lost=[1-9]`,
		"erased":             `unaccounted=[1-9]`,
		"double-topup":       `doubled=0`, // shipped without being paid: see the error
	}
	quick := []string{"no-intent", "erased", "double-topup"}
	for _, s := range sabotages() {
		stores := s.stores
		if stores == nil {
			stores = []string{postgres}
		}
		for _, store := range stores {
			t.Run(s.name+"/"+store, func(t *testing.T) {
				if os.Getenv("JOVEPAY_SABOTAGE") != "all" && !slices.Contains(quick, s.name) {
					t.Skip("with JOVEPAY_SABOTAGE=all")
				}
				last, err := runProof(t, "-sabotage", s.name, "-store", store, "-orders", "300")
				require.ErrorContains(t, err, "orders doubled")
				require.Contains(t, found, s.name)
				assert.Regexp(t, found[s.name], last)
				if s.name == "double-topup" {
					assert.NotContains(t, err.Error(), " 0 fulfilled without being paid")
				}
			})
		}
	}
}

// TestSabotagesFit tests that every text that a sabotage replaces is there, once.
func TestSabotagesFit(t *testing.T) {
	t.Parallel()
	for _, s := range sabotages() {
		_, err := s.overlay(t.TempDir())
		assert.NoError(t, err)
	}
	_, err := (&sabotage{edits: []edit{{"orders/doc.go", "no such text", ""}}}).overlay(t.TempDir())
	require.ErrorContains(t, err, "has 0 times: no such text")
	_, err = (&sabotage{edits: []edit{{"orders/nothing.go", "", ""}}}).overlay(t.TempDir())
	require.ErrorIs(t, err, os.ErrNotExist)
}

// TestDocsHaveThePlans compares the table of docs/proof.md with the customers.
func TestDocsHaveThePlans(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/proof.md")
	require.NoError(t, err)
	total := 0
	for _, p := range plans(false) {
		total += p.weight
		var states, shipments, cases []string
		for _, o := range p.want {
			var kinds []string
			for _, kind := range o.cases {
				kinds = append(kinds, "`"+string(kind)+"`")
			}
			states = append(states, "`"+string(o.state)+"`")
			shipments = append(shipments, strconv.Itoa(o.shipments))
			cases = append(cases, cmp.Or(strings.Join(kinds, ", "), "none"))
		}
		row := []string{p.name, strconv.Itoa(p.weight), strings.Join(states, " or "), strings.Join(shipments, " or "), strings.Join(cases, " or ")}
		assert.Contains(t, string(text), "\n| "+strings.Join(row, " | ")+" |\n")
	}
	assert.Equal(t, 40, total)
	for _, name := range sabotageNames() {
		assert.Contains(t, string(text), "\n| `"+name+"` |")
	}
}

func TestNoDatabase(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	err := run(t.Context(), []string{"-postgres", "postgres://nobody@127.0.0.1:1/none"}, new(bytes.Buffer))
	require.ErrorIs(t, err, errNoDatabase)
	err = run(t.Context(), []string{"-store", "mariadb", "-mariadb", "nobody@tcp(127.0.0.1:1)/none"}, new(bytes.Buffer))
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
		"orders: want 1 or more":        "-orders 0",
		"late: want 0 or more":          "-late -1",
		`store "paper" is not known`:    "-store paper",
		`broker "steam" is not known`:   "-broker steam",
		`sabotage "luck" is not known`:  "-sabotage luck",
		"is for postgres and mariadb":   "-sabotage no-lock -store sqlite",
		"flag provided but not defined": "-what",
	} {
		assert.ErrorContains(t, run(t.Context(), strings.Fields(args), new(bytes.Buffer)), want)
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	exactly := &plan{want: []outcome{end(orders.StateFulfilled, 1)}}
	further := &plan{want: []outcome{end(orders.StateFulfilled, 1, orders.CaseFurther)}}
	half := &plan{want: []outcome{end(orders.StateUnderpaid, 0, orders.CaseUnderpaid)}}
	refund := &plan{want: []outcome{end(orders.StateRefunded, 1, orders.CaseRefund), end(orders.StateRefunded, 0)}}
	for name, row := range map[string]struct {
		plan *plan
		got  outcome
		want result
	}{
		"paid, shipped":              {exactly, end(orders.StateFulfilled, 1), result{fulfilled: 1}},
		"paid, not shipped":          {exactly, end(orders.StatePaid, 0), result{lost: 1, wrong: 1}},
		"paid, shipped twice":        {exactly, end(orders.StateFulfilled, 2), result{fulfilled: 1, doubled: 1}},
		"paid, with a needless case": {exactly, end(orders.StateFulfilled, 1, orders.CaseFurther), result{fulfilled: 1, wrong: 1}},
		"paid twice":                 {further, end(orders.StateFulfilled, 1, orders.CaseFurther), result{fulfilled: 1}},
		"paid twice, not noticed":    {further, end(orders.StateFulfilled, 1), result{fulfilled: 1, wrong: 1}},
		"half, not shipped":          {half, end(orders.StateUnderpaid, 0, orders.CaseUnderpaid), result{}},
		"half, shipped":              {half, end(orders.StateUnderpaid, 1, orders.CaseUnderpaid), result{fulfilled: 1, unpaid: 1, wrong: 1}},
		"refund, shipped before":     {refund, end(orders.StateRefunded, 1, orders.CaseRefund), result{fulfilled: 1}},
		"refund, not shipped":        {refund, end(orders.StateRefunded, 0), result{}},
		"refund, shipped twice":      {refund, end(orders.StateRefunded, 2, orders.CaseRefund), result{fulfilled: 1, doubled: 1}},
		"refund, not noticed":        {refund, end(orders.StateFulfilled, 1), result{fulfilled: 1, wrong: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got result
			got.judge("order", row.plan, row.got)
			got.sample = nil
			assert.Equal(t, row.want, got)
			if row.want.doubled+row.want.lost+row.want.unpaid+row.want.wrong > 0 {
				assert.Error(t, got.verdict())
			} else {
				assert.NoError(t, got.verdict())
			}
		})
	}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	require.NoError(t, result{payments: 2, late: 2, found: 2}.verdict())
	for _, r := range []result{
		{payments: 1}, {shown: 1}, {unaccounted: 1},
		{payments: 1, late: 2, found: 2}, {payments: 3, late: 2, found: 2}, {payments: 2, late: 2, found: 1},
	} {
		assert.Error(t, r.verdict(), r)
	}
}

// books opens a database with the tables that the proof reads.
func books(t *testing.T, s *settings, statements ...string) *database {
	t.Helper()
	d, err := openDatabase(t.Context(), s, t.TempDir(), 1)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, d.close(context.WithoutCancel(t.Context()))) })
	for _, statement := range append([]string{
		`CREATE TABLE jovepay_orders (id TEXT, state TEXT)`,
		`CREATE TABLE fulfillments (order_id TEXT)`,
		`CREATE TABLE jovepay_order_parts (order_id TEXT, kind TEXT, id TEXT, open BOOLEAN, doc TEXT)`,
		`CREATE TABLE jovepay_ledger (payment_id TEXT, coin TEXT, bucket TEXT, amount TEXT)`,
	}, statements...) {
		_, err := d.db.ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
	return d
}

func TestCheckCounts(t *testing.T) {
	t.Parallel()
	s := &settings{orders: 3, store: sqlite}
	all := plans(false)
	for slices.ContainsFunc([]int{0, 1, 2}, func(i int) bool { return planOf(all, s.seed, i).name != all[0].name }) {
		s.seed++
	}
	d := books(t, s,
		`INSERT INTO jovepay_orders VALUES ('order-000000', 'fulfilled'), ('order-000001', 'fulfilled')`,
		`INSERT INTO fulfillments VALUES ('order-000000'), ('order-000000'), ('order-000001'), ('order-000009')`,
		`INSERT INTO jovepay_order_parts VALUES ('order-000001', 'case', 'c', true, '{"kind":"further"}')`)
	got, err := d.check(t.Context(), s)
	require.NoError(t, err)
	got.sample = nil
	assert.Equal(t, result{orders: 3, fulfilled: 2, doubled: 1, lost: 1, wrong: 2}, got,
		"one is doubled, one has a case, one is missing, and one was never placed")
}

func TestAuditCounts(t *testing.T) {
	t.Parallel()
	payment := func(id, paid string, status jovepay.PaymentStatus, back string) *jovepay.Payment {
		p := &jovepay.Payment{ID: jovepay.ID(id), PayCurrency: "btc", Status: status, ActuallyPaid: jovepay.MustAmount(paid)}
		if back != "" {
			p.Extra = map[string]json.RawMessage{"refunded_amount": json.RawMessage(back)}
		}
		return p
	}
	payments := []*jovepay.Payment{
		payment("1", "0.3", jovepay.PaymentFinished, ""), payment("2", "0.3", jovepay.PaymentRefunded, ""),
		payment("3", "0.3", jovepay.PaymentRefunded, "0.1"), payment("4", "0", jovepay.PaymentWaiting, ""),
	}
	const right = `INSERT INTO jovepay_ledger VALUES ('1', 'btc', 'unconfirmed', '0.3'), ('1', 'btc', 'unconfirmed', '-0.3'), ('1', 'btc', 'order', '0.3'),
		('2', 'btc', 'refunded', '0.3'), ('3', 'btc', 'refunded', '0.1'), ('3', 'btc', 'review', '0.2')`
	for name, row := range map[string]struct {
		more string
		want int
	}{
		"right":                     {`SELECT 1`, 0},
		"booked twice":              {`INSERT INTO jovepay_ledger VALUES ('1', 'btc', 'order', '0.3')`, 1},
		"in another coin":           {`UPDATE jovepay_ledger SET coin = 'eth' WHERE payment_id = '1'`, 2},
		"not booked":                {`DELETE FROM jovepay_ledger WHERE payment_id = '2'`, 1},
		"refunded, booked as order": {`UPDATE jovepay_ledger SET bucket = 'order' WHERE payment_id = '2'`, 1},
		"another part refunded":     {`UPDATE jovepay_ledger SET bucket = 'refunded' WHERE payment_id = '3'`, 1},
		"a payment that is not":     {`INSERT INTO jovepay_ledger VALUES ('9', 'btc', 'order', '0.3')`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := books(t, &settings{store: sqlite}, right, row.more)
			var r result
			require.NoError(t, d.audit(t.Context(), &r, payments))
			assert.Equal(t, row.want, r.unaccounted, r.sample)
		})
	}
}

func TestProxyCutsStallsAndCloses(t *testing.T) {
	t.Parallel()
	target, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = target.Close() }()
	c, err := newProxy(t.Context(), target.Addr().String())
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

	c.stall(stallsCommits)
	_, err = far.Write([]byte("COMMIT"))
	require.NoError(t, err)
	require.NoError(t, near.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	_, err = near.Read(got)
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	c.stall(noStall)
	require.NoError(t, near.SetReadDeadline(time.Time{}))
	whole := make([]byte, 6)
	_, err = io.ReadFull(near, whole)
	require.NoError(t, err)
	assert.Equal(t, "COMMIT", string(whole))

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
