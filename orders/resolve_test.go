package orders

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
)

func TestResolutionsAreChecked(t *testing.T) {
	t.Parallel()
	by := Reason{By: "Ada", Why: "a friend"}
	for name, r := range map[string]Resolution{
		"no decision":            {Reason: by},
		"an unknown decision":    {Decision: "perhaps", Reason: by},
		"nobody decides":         {Decision: DecisionAccept, Reason: Reason{Why: "a friend"}},
		"no reason":              {Decision: DecisionAccept, Reason: Reason{By: "Ada"}},
		"an amount to accept":    {Decision: DecisionAccept, Amount: jovepay.MustAmount("1"), Reason: by},
		"a refund of nothing":    {Decision: DecisionRefunded, Amount: jovepay.MustAmount("0"), Reason: by},
		"a refund of minus five": {Decision: DecisionRefunded, Amount: jovepay.MustAmount("-5"), Reason: by},
	} {
		_, err := newBook(t).Resolve(t.Context(), "case_1", r)
		require.ErrorIs(t, err, jovepay.ErrInvalidRequest, name)
	}
	_, err := newBook(t).Resolve(t.Context(), "case_1", Resolution{Decision: DecisionAccept, Reason: by})
	require.ErrorIs(t, err, ErrNotFound)
}

// A decision is an event of the order's history, with who made it and why.
func TestDecisionsAreHistory(t *testing.T) {
	t.Parallel()
	ctx, b := t.Context(), newBook(t)
	require.NoError(t, b.Place(ctx, inbox.NoTx{}, *agreed()))
	partial := reported("1001", jovepay.PaymentPartiallyPaid, "30")
	require.NoError(t, b.Handle(ctx, partial.Event()))
	var open *Case
	for c, err := range b.Cases(ctx, CaseOptions{}) {
		require.NoError(t, err)
		open = c
	}
	require.NotNil(t, open)
	r := Resolution{Decision: DecisionRefunded, Amount: jovepay.MustAmount("10"), Version: open.Version, Reason: Reason{By: "Ada", Why: "asked for it"}}
	_, err := b.Resolve(ctx, open.ID, r)
	require.NoError(t, err)
	_, err = b.Resolve(ctx, open.ID, r)
	require.ErrorIs(t, err, ErrResolved)
	o, err := b.Get(ctx, "order-1")
	require.NoError(t, err)
	i := 0
	for ; i < len(o.History) && o.History[i].Kind != EventDecided; i++ {
	}
	require.Less(t, i, len(o.History))
	e := o.History[i]
	assert.Equal(t, "refunded 10 Ada asked for it "+open.ID, fmt.Sprint(e.Decision, " ", e.Amount, " ", e.By, " ", e.Why, " ", e.CaseID))
	for _, c := range o.Cases {
		assert.False(t, c.Open())
		assert.Equal(t, "Ada", c.Decisions[0].By)
	}
	for c, err := range b.Cases(ctx, CaseOptions{}) {
		require.NoError(t, err)
		assert.Fail(t, "a case is open", c.Reason)
	}
	closed := 0
	for _, err := range b.Cases(ctx, CaseOptions{Closed: true}) {
		require.NoError(t, err)
		closed++
	}
	assert.Equal(t, 1, closed)
}

// Canceling is for orders that are not paid.
func TestCancel(t *testing.T) {
	t.Parallel()
	ctx, b, by := t.Context(), newBook(t), Reason{By: "Ada", Why: "out of stock"}
	require.ErrorIs(t, b.Cancel(ctx, "order-1", by), ErrNotFound)
	require.ErrorIs(t, b.Cancel(ctx, "\x00", by), ErrNotFound)
	require.ErrorIs(t, b.Cancel(ctx, "order-1", Reason{}), jovepay.ErrInvalidRequest)
	require.NoError(t, b.Place(ctx, inbox.NoTx{}, *agreed()))
	partial, finished := reported("1001", jovepay.PaymentPartiallyPaid, "30"), reported("1001", jovepay.PaymentFinished, "50")
	require.NoError(t, b.Handle(ctx, partial.Event()))
	require.NoError(t, b.Cancel(ctx, "order-1", by))
	require.NoError(t, b.Cancel(ctx, "order-1", by), "again")
	o, err := b.Get(ctx, "order-1")
	require.NoError(t, err)
	assert.Equal(t, StateCanceled, o.State)
	require.Len(t, o.OpenCases(), 1)
	assert.Equal(t, CaseCanceled, o.OpenCases()[0].Kind)

	other := newBook(t)
	require.NoError(t, other.Place(ctx, inbox.NoTx{}, *agreed()))
	require.NoError(t, other.Handle(ctx, finished.Event()))
	require.ErrorIs(t, other.Cancel(ctx, "order-1", by), ErrClosed)
}
