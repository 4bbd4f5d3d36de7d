package engine_test

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/internal/emulator/engine"
)

func TestDuplicates(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{})
	require.NoError(t, w.Preload(3))
	create := func(order, coin string) engine.Payment {
		return w.createAs(t, func(r *engine.PaymentRequest) { r.OrderID, r.PayCurrency = order, coin })
	}
	over := func(p engine.Payment) {
		_, err := w.Expire(p.ID)
		require.NoError(t, err)
	}
	// One after the other, each over before the next; and another coin beside it.
	over(create("in turn", "btc"))
	over(create("in turn", "btc"))
	late := create("in turn", "btc")
	over(late)
	create("in turn", "btc")
	create("in turn", "eth")
	// Coins that come late make it no duplicate of its successor.
	_, err := w.DepositLate(late.ID, dec("0.001"))
	require.NoError(t, err)
	// No order, children, and the payments of an invoice.
	create("", "btc")
	paid := create("", "btc")
	_, err = w.Deposit(paid.ID, dec("0.001"))
	require.NoError(t, err)
	_, err = w.Deposit(paid.ID, dec("0.001"))
	require.NoError(t, err)
	invoice, err := w.CreateInvoice(engine.InvoiceRequest{PriceAmount: dec("20"), PriceCurrency: "usd", PayCurrency: "btc", OrderID: "invoiced"})
	require.NoError(t, err)
	for range 2 {
		_, err = w.PayInvoice(invoice.ID, "")
		require.NoError(t, err)
	}
	assert.Empty(t, w.Duplicates())

	// Two at once, and one beside one that is finished already.
	first, second := create("twice", "btc"), create("twice", "btc")
	finished := create("again", "btc")
	_, err = w.Deposit(finished.ID, dec("0.001"))
	require.NoError(t, err)
	_, err = w.Settle(finished.ID)
	require.NoError(t, err)
	w.pass(30 * 24 * time.Hour)
	again := create("again", "btc")
	assert.Equal(t, [][]int64{{first.ID, second.ID}, {finished.ID, again.ID}}, ids(w.Duplicates()))
}

func ids(groups [][]engine.Payment) (list [][]int64) {
	for _, group := range groups {
		var of []int64
		for _, p := range group {
			of = append(of, p.ID)
		}
		list = append(list, of)
	}
	return list
}

// Whatever the lives of the payments, those are found of which some other one was
// there at the same time.
func TestDuplicatesAreThoseThatOverlap(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		w := newWorld(t, engine.Config{})
		var made []engine.Payment
		for i := range 12 {
			w.pass(time.Duration(random.IntN(3)) * time.Minute)
			if i%2 == 0 || len(made) == 0 {
				made = append(made, w.createAs(t, func(r *engine.PaymentRequest) { r.OrderID = strconv.Itoa(random.IntN(2)) }))
			} else {
				_, _ = w.Expire(made[random.IntN(len(made))].ID)
			}
		}
		got := map[int64]bool{}
		for _, id := range slices.Concat(ids(w.Duplicates())...) {
			got[id] = true
		}
		all := w.Payments()
		for i, p := range all {
			there := false
			for j, other := range all {
				there = there || i != j && p.OrderID == other.OrderID &&
					(i < j && (p.OverAt.IsZero() || p.OverAt.After(other.CreatedAt)) ||
						j < i && (other.OverAt.IsZero() || other.OverAt.After(p.CreatedAt)))
			}
			require.Equal(t, there, got[p.ID], "%d of %v", i, all)
		}
	}
}

// A payment that was over before there was an OverAt in the state is over after
// a restart.
func TestRestoreKnowsWhatIsOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{})
	w.Keep()
	p := w.create(t)
	_, err := w.Expire(p.ID)
	require.NoError(t, err)
	s := shelf{}
	require.NoError(t, w.Save(s.save))
	key := [2]string{"payment", strconv.FormatInt(p.ID, 10)}
	s[key] = regexp.MustCompile(`,"OverAt":"[^"]*"`).ReplaceAllString(s[key], "")
	require.NotContains(t, s[key], "OverAt")
	again := newWorld(t, engine.Config{})
	require.NoError(t, again.Restore(s.records()))
	again.create(t)
	assert.Empty(t, again.Duplicates())
}
