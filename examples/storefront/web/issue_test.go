package web_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/examples/storefront/shop"
	"github.com/jovepay/jovepay-go/orders"
)

// odd returns the reasons why a person has to decide.
func (r *rig) odd(t *testing.T) (reasons []string) {
	t.Helper()
	require.NoError(t, r.server.WaitDeliveries(t.Context()))
	for c, err := range r.shop.Book.Cases(t.Context(), orders.CaseOptions{}) {
		require.NoError(t, err)
		reasons = append(reasons, c.Reason)
	}
	return reasons
}

// staff returns who decides, and why.
func staff() orders.Reason { return orders.Reason{By: "Ada", Why: "the customer wrote to us"} }

// A person issues the ticket of an underpaid order.
func TestPersonIssuesTheTicket(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.order(t, "btc", shop.ByAddress)
	payment := r.payment(t, id)
	require.NoError(t, pay("0.0005")(r.server, payment))
	assert.Equal(t, []string{"0.0005 of 0.00078109 btc came"}, r.odd(t))
	require.NoError(t, pay("0.00028109")(r.server, payment))
	assert.Equal(t, []string{"0.00078109 of 0.00078109 btc came in several deposits"}, r.odd(t))

	code, err := r.shop.Issue(t.Context(), id, staff())
	require.NoError(t, err)
	page := r.requires(t, id, shop.StatePaid)
	assert.Contains(t, page, "Ticket code:</span> <code>"+code+"</code>")
	assert.Contains(t, page, "Ticket issued after a manual review")
	assert.NotContains(t, page, "will look at it")
	assert.NotContains(t, page, `id="address"`, "nothing is left to pay")
	assert.Empty(t, r.odd(t))
	r.reconcile(t)
	assert.Equal(t, page, r.requires(t, id, shop.StatePaid))

	_, err = r.shop.Issue(t.Context(), id, staff())
	require.ErrorIs(t, err, shop.ErrNotOdd)
	assert.Equal(t, 1, r.count(t, `SELECT count(*) FROM tickets`))

	// A later payment needs another review, and the ticket stays valid.
	require.NoError(t, pay("0.001")(r.server, payment))
	page = r.requires(t, id, shop.StatePaid)
	assert.Contains(t, page, "Also:</strong> We received 0.001\u00a0BTC as an additional payment. We will check")
	assert.Len(t, r.odd(t), 1)

	// The ticket becomes invalid when the payments that it was issued for have been
	// refunded.
	payments, err := r.server.Payments()
	require.NoError(t, err)
	require.Len(t, payments, 3)
	for i, state := range []shop.State{shop.StatePaid, shop.StateRefunded, shop.StateRefunded} {
		require.NoError(t, refund(r.server, payments[i].ID))
		page = r.requires(t, id, state)
		assert.Equal(t, state == shop.StatePaid, strings.Contains(page, code))
	}
}

// Issue settles one order, and others stay listed.
func TestIssueSettlesOneOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first, second := r.order(t, "btc", shop.ByInvoice), r.order(t, "btc", shop.ByAddress)
	require.NoError(t, pay("0.0005")(r.server, r.payment(t, first)))
	require.NoError(t, payWrongly(r.server, r.payment(t, second)))
	assert.Len(t, r.odd(t), 2)
	_, err := r.shop.Issue(t.Context(), first, staff())
	require.NoError(t, err)
	r.requires(t, first, shop.StatePaid)
	assert.Equal(t, []string{`paid in "ltc" instead of "btc"`}, r.odd(t))
	_, err = r.shop.Issue(t.Context(), second, staff())
	require.NoError(t, err)
	assert.Empty(t, r.odd(t))

	// The right coins arrive nevertheless: there is one ticket.
	require.NoError(t, pay("")(r.server, r.payment(t, second)))
	r.requires(t, second, shop.StatePaid)
	assert.Equal(t, []string{"0.00078109 btc came for an order that is paid"}, r.odd(t))
	assert.Equal(t, 2, r.count(t, `SELECT count(*) FROM tickets`))
}

func TestNothingIsIssuedWithoutNeed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, err := r.shop.Issue(t.Context(), shop.NewOrderID(), staff())
	require.ErrorIs(t, err, shop.ErrNotFound)
	for name, acts := range map[string][]act{
		"waiting": nil, "paid": {pay("")}, "paid twice": {pay(""), pay("")}, "expired": {expire},
		"confirming": {arrive}, "sent back": {pay("0.0005"), refund},
	} {
		id := r.order(t, "btc", shop.ByAddress)
		payment := r.payment(t, id)
		for _, act := range acts {
			require.NoError(t, act(r.server, payment), name)
		}
		require.NoError(t, r.server.WaitDeliveries(t.Context()))
		before, err := r.shop.Find(t.Context(), id)
		require.NoError(t, err)
		_, err = r.shop.Issue(t.Context(), id, staff())
		require.ErrorIs(t, err, shop.ErrNotOdd, name)
		after, err := r.shop.Find(t.Context(), id)
		require.NoError(t, err)
		assert.Equal(t, before, after, name)
	}
}
