package orders

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
)

// want checks the state, the money and the open cases of an order.
func (s *shelf) want(state State, money, open string) *shelf {
	s.t.Helper()
	assert.Equal(s.t, state, s.pic.state, s.outcome())
	assert.Equal(s.t, money, s.money(), s.outcome())
	assert.Equal(s.t, open, s.open(), s.outcome())
	return s
}

func TestTopUps(t *testing.T) {
	t.Parallel()
	partial := reported("1001", jovepay.PaymentPartiallyPaid, "30")
	half := WithSettlePolicy(jovepay.SettlePolicy{Tolerance: jovepay.MustAmount("0.005")})
	further := func(id jovepay.ID, paid string, changes ...news) jovepay.Payment {
		return reported(id, jovepay.PaymentFinished, paid, append([]news{childOf("1001")}, changes...)...)
	}
	for name, c := range map[string]struct {
		opts  []Option
		news  []jovepay.Payment
		state State
		money string
		open  string
	}{
		"within the tolerance":       {[]Option{half}, []jovepay.Payment{partial, further("1003", "19.8")}, StateFulfilled, "order: 49.8 trx", ""},
		"a hair below the tolerance": {[]Option{half}, []jovepay.Payment{partial, further("1003", "19.7")}, StateUnderpaid, "held: 49.7 trx", "underpaid"},
		"a sum that is the same double": {nil, []jovepay.Payment{partial, further("1003", "19.999999999999999999")},
			StateFulfilled, "order: 49.999999999999999999 trx", ""},
		"more by what a double cannot hold": {nil, []jovepay.Payment{reported("1001", jovepay.PaymentPartiallyPaid, "49.999"), further("1003", "0.001000000000000001")},
			StateFulfilled, "order: 50.000000000000000001 trx", ""},
		"the first payment is reported again": {nil, []jovepay.Payment{partial, further("1003", "10"), partial, further("1003", "10"), partial},
			StateUnderpaid, "held: 40 trx", "underpaid"},
		"a further deposit to a further deposit": {nil, []jovepay.Payment{partial, further("1003", "10"), reported("1004", jovepay.PaymentFinished, "10", childOf("1003"))},
			StateFulfilled, "order: 50 trx", ""},
		"the parent is not known": {nil, []jovepay.Payment{further("1003", "50")}, StateReview, "review: 50 trx", "top_up"},
		"no parent is named": {nil, []jovepay.Payment{reported("1003", jovepay.PaymentFinished, "50", func(p *jovepay.Payment) { p.OriginType = "REPEATED" })},
			StateReview, "review: 50 trx", "top_up"},
		"a payment names itself": {nil, []jovepay.Payment{reported("1001", jovepay.PaymentFinished, "50", childOf("1001"))}, StateReview, "review: 50 trx", "top_up"},
		"two payments name each other": {nil, []jovepay.Payment{reported("1001", jovepay.PaymentFinished, "50", childOf("1003")), further("1003", "50")},
			StateReview, "review: 100 trx", "top_up"},
		"in another coin": {nil, []jovepay.Payment{partial, further("1003", "20", inTether)},
			StateReview, "held: 30 trx, review: 20 usdttrc20", "underpaid, wrong_asset"},
		"in another coin and in the right one": {nil, []jovepay.Payment{partial, further("1003", "20", inTether), further("1004", "20")},
			StateFulfilled, "order: 50 trx, review: 20 usdttrc20", "wrong_asset"},
		"refunded before the sum was there": {nil, []jovepay.Payment{partial, reported("1003", jovepay.PaymentRefunded, "10", childOf("1001")), further("1004", "10")},
			StateUnderpaid, "held: 40 trx, refunded: 10 trx (assumed)", "underpaid"},
		"refunded after the sum was there": {nil, []jovepay.Payment{partial, further("1003", "20"), reported("1003", jovepay.PaymentRefunded, "20", childOf("1001"))},
			StateFulfilled, "order: 30 trx, refunded: 20 trx (assumed)", "refund"},
		"to an expired payment": {nil, []jovepay.Payment{reported("1001", jovepay.PaymentExpired, ""), further("1003", "30"), further("1004", "20")},
			StateFulfilled, "order: 50 trx", ""},
		"not confirmed yet": {nil, []jovepay.Payment{partial, reported("1003", jovepay.PaymentConfirming, "20", childOf("1001"))},
			StateConfirming, "held: 30 trx, unconfirmed: 20 trx", "underpaid"},
		"to a payment at another price, with nothing on it": {nil, []jovepay.Payment{
			reported("1001", jovepay.PaymentWaiting, "", func(p *jovepay.Payment) {
				p.PriceAmount, p.PayAmount = jovepay.MustAmount("1"), jovepay.MustAmount("1")
			}),
			further("1003", "1", func(p *jovepay.Payment) { p.PriceAmount = jovepay.Amount{} }),
		}, StateReview, "review: 1 trx", "top_up"},
		"to a payment that a person has to look at": {nil, []jovepay.Payment{reported("1001", "resting", "30"), further("1003", "20")},
			StateReview, "review: 50 trx", "top_up, unclear"},
		"with no amount": {nil, []jovepay.Payment{partial, further("1003", "")}, StateReview, "held: 30 trx", "unclear, underpaid"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShelf(t, agreed(), append(c.opts, WithTopUps())...).hear(c.news...)
			s.want(c.state, c.money, c.open)
			assert.Equal(t, c.state == StateFulfilled, s.shipped())
			plain := newShelf(t, agreed(), c.opts...).hear(c.news...)
			assert.False(t, plain.shipped(), "without the policy no further deposit ships")
		})
	}
}

// What a person decided stays in force, or does not, whatever comes later.
func TestDecisionsAndLaterNews(t *testing.T) {
	t.Parallel()
	partial, finished := reported("1001", jovepay.PaymentPartiallyPaid, "30"), reported("1001", jovepay.PaymentFinished, "50")
	other := reported("1002", jovepay.PaymentFinished, "0.002")
	further := reported("1003", jovepay.PaymentFinished, "20", childOf("1001"))
	odd := reported("1003", jovepay.PaymentWrongAssetConfirmed, "49", childOf("1001"), inTether)
	shelf := func() *shelf { return newShelf(t, agreed()) }

	// Accepting coins for a paid order does not displace those that pay.
	shelf().hear(finished, odd).accept(CaseWrongAsset).want(StateFulfilled, "order: 49 usdttrc20, order: 50 trx", "")
	// An accepted payment pays; what comes after it is further.
	shelf().hear(partial).accept(CaseUnderpaid).hear(other).want(StateFulfilled, "order: 30 trx, review: 0.002 btc", "further")
	// If it is returned, what is left pays.
	shelf().hear(partial).accept(CaseUnderpaid).hear(other, reported("1001", jovepay.PaymentRefunded, "")).
		want(StateFulfilled, "order: 0.002 btc, refunded: 30 trx (assumed)", "")
	// A rejected payment leaves the way to another.
	shelf().hear(partial).reject(CaseUnderpaid).hear(other).want(StateFulfilled, "excess: 30 trx, order: 0.002 btc", "")
	// Rejected coins are those that JovePay returns first.
	shelf().hear(reported("1001", jovepay.PaymentFinished, "60")).reject(CaseOverpaid).want(StateFulfilled, "excess: 10 trx, order: 50 trx", "").
		hear(reported("1001", jovepay.PaymentRefunded, "60", returning("10"))).want(StateFulfilled, "order: 50 trx, refunded: 10 trx", "")
	// A person decides about what a refund left.
	shelf().hear(reported("1001", jovepay.PaymentRefunded, "50", returning("20"))).reject(CaseUnclear).
		want(StateRefunded, "excess: 30 trx, refunded: 20 trx", "")
	shelf().hear(reported("1001", jovepay.PaymentRefunded, "50", returning("20"))).accept(CaseUnclear).
		want(StateFulfilled, "order: 30 trx, refunded: 20 trx", "").
		hear(reported("1001", jovepay.PaymentRefunded, "50", returning("50"))).want(StateRefunded, "refunded: 50 trx", "refund")
	// Returned by hand, and by JovePay: no amount is counted twice.
	shelf().hear(partial).giveBack(CaseUnderpaid, "10").want(StateRefunded, "excess: 20 trx, refunded: 10 trx", "").
		hear(reported("1001", jovepay.PaymentRefunded, "")).want(StateRefunded, "refunded: 30 trx (assumed)", "")
	// A payment without an amount was accepted; its amount comes later.
	shelf().hear(reported("1001", jovepay.PaymentFinished, "0")).accept(CaseUnclear).want(StateFulfilled, "", "").
		hear(finished).want(StateFulfilled, "order: 50 trx", "")
	// One that was rejected is not shipped when its amount comes.
	rejected := shelf().hear(reported("1001", jovepay.PaymentFinished, "0")).reject(CaseUnclear).want(StateExpired, "", "").
		hear(finished).want(StateReview, "review: 50 trx", "unclear")
	assert.False(t, rejected.shipped())
	rejected.accept(CaseUnclear).want(StateFulfilled, "order: 50 trx", "")

	// A sum was accepted, and a part of it was returned before the order shipped.
	s := shelf().hear(partial, further)
	s.fails = true
	s.accept(CaseTopUp).want(StatePaid, "order: 50 trx", "").
		hear(reported("1003", jovepay.PaymentRefunded, "", childOf("1001"))).want(StateUnderpaid, "held: 30 trx, refunded: 20 trx (assumed)", "underpaid")
	s.fails = false
	s.follow()
	assert.False(t, s.shipped(), "a person accepted 50, not 30")
	s.accept(CaseUnderpaid).want(StateFulfilled, "order: 30 trx, refunded: 20 trx (assumed)", "")

	// The void acceptance does not come back when something else ships the order.
	s = shelf().hear(partial, further)
	s.fails = true
	s.accept(CaseTopUp).hear(reported("1003", jovepay.PaymentRefunded, "", childOf("1001"))).reject(CaseUnderpaid)
	s.fails = false
	s.hear(other).want(StateFulfilled, "excess: 30 trx, order: 0.002 btc, refunded: 20 trx (assumed)", "")

	// Coins that were kept while something else paid don't pay later.
	s = shelf()
	s.fails = true
	s.hear(finished, odd).accept(CaseWrongAsset).hear(reported("1001", jovepay.PaymentRefunded, ""))
	s.fails = false
	s.follow()
	assert.False(t, s.shipped(), "a person kept the coins, and did not accept them as payment")

	// An order that is not in the book cannot be accepted.
	s = newShelf(t, nil).hear(finished).want(StateReview, "review: 50 trx", "no_order")
	require.ErrorIs(t, s.resolve(DecisionAccept, CaseNoOrder, ""), jovepay.ErrInvalidRequest)
	s.giveBack(CaseNoOrder, "").want(StateRefunded, "refunded: 50 trx", "")
}

// A case changes its version with what came, and opens again after a decision.
func TestCaseVersions(t *testing.T) {
	t.Parallel()
	s := newShelf(t, agreed()).hear(reported("1001", jovepay.PaymentPartiallyPaid, "30"))
	id := caseID("order-1", "1001")
	c := s.d.cases[id]
	require.NotNil(t, c)
	assert.Equal(t, 1, c.Version)
	s.hear(reported("1001", jovepay.PaymentPartiallyPaid, "30"), reported("1001", jovepay.PaymentPartiallyPaid, ""))
	assert.Equal(t, 1, c.Version, "nothing new")
	s.hear(reported("1001", jovepay.PaymentPartiallyPaid, "40"))
	assert.Equal(t, 2, c.Version)
	assert.Equal(t, "40", c.Deposits[0].Amount.String())

	by := Reason{By: "Ada", Why: "a friend"}
	require.ErrorIs(t, s.d.decide(id, Resolution{Decision: DecisionAccept, Reason: by, Version: 1}), ErrCaseChanged)
	require.ErrorIs(t, s.d.decide("case_none", Resolution{Decision: DecisionAccept, Reason: by, Version: 1}), ErrNotFound)
	require.ErrorIs(t, s.resolve(DecisionRefunded, CaseUnderpaid, "41"), jovepay.ErrInvalidRequest, "more than came")
	s.reject(CaseUnderpaid)
	assert.False(t, c.Closed.IsZero())
	require.ErrorIs(t, s.d.decide(id, Resolution{Decision: DecisionAccept, Reason: by, Version: 2}), ErrResolved)
	s.hear(reported("1001", jovepay.PaymentPartiallyPaid, "45"))
	assert.True(t, c.Closed.IsZero(), "more coins came")
	assert.Equal(t, 3, c.Version)
	assert.Equal(t, "5", c.Deposits[0].Amount.String(), "only what is new")
	assert.Equal(t, "Ada", c.Decisions[0].By)

	s = newShelf(t, agreed()).hear(reported("1001", jovepay.PaymentPartiallyPaid, "30"), reported("1001", jovepay.PaymentFinished, "50"))
	assert.False(t, s.d.cases[id].Closed.IsZero(), "later news closed it")
	assert.Empty(t, s.d.cases[id].Decisions)
}

// A refund of several coins can only be of all.
func TestRefundOfSeveralCoins(t *testing.T) {
	t.Parallel()
	c := &caseDoc{Deposits: []Deposit{{Coin: "trx", Amount: jovepay.MustAmount("1")}, {Coin: "btc", Amount: jovepay.MustAmount("1")}}}
	require.ErrorIs(t, c.checkRefund(Resolution{Decision: DecisionRefunded, Amount: jovepay.MustAmount("1")}), jovepay.ErrInvalidRequest)
	require.NoError(t, c.checkRefund(Resolution{Decision: DecisionRefunded}))
}

// A case about a hook can only be accepted, which tries again.
func TestCaseAboutAHook(t *testing.T) {
	t.Parallel()
	client, err := jovepay.NewClient(jovepay.WithAPIKey("key"))
	require.NoError(t, err)
	failure, attempts := errors.New("no stock"), 0
	b, err := New(client, new(Memory), Hooks[inbox.NoTx]{
		Fulfill: func(context.Context, inbox.NoTx, *Order) error { attempts++; return failure },
	}, WithHookAttempts(2))
	require.NoError(t, err)
	ctx := t.Context()
	require.NoError(t, b.Place(ctx, inbox.NoTx{}, *agreed()))
	finished := reported("1001", jovepay.PaymentFinished, "50")
	require.ErrorIs(t, b.Handle(ctx, finished.Event()), failure)
	require.ErrorIs(t, b.Handle(ctx, finished.Event()), failure)
	o, err := b.Get(ctx, "order-1")
	require.NoError(t, err)
	require.Len(t, o.OpenCases(), 1)
	c := o.OpenCases()[0]
	assert.Equal(t, CaseHook, c.Kind)
	decide := func(decision Decision) (*Order, error) {
		return b.Resolve(ctx, c.ID, Resolution{Decision: decision, Version: c.Version, Reason: Reason{By: "Ada", Why: "restocked"}})
	}
	_, err = decide(DecisionReject)
	require.ErrorIs(t, err, jovepay.ErrInvalidRequest)
	failure = nil
	o, err = decide(DecisionAccept)
	require.NoError(t, err)
	assert.Equal(t, StateFulfilled, o.State)
	assert.Empty(t, o.OpenCases())
	assert.Equal(t, 3, attempts)
}
