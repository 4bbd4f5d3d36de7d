package shop

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/jovepay/jovepay-go"
)

func TestStateOfOnePayment(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		decision jovepay.Decision
		status   jovepay.PaymentStatus
		bought   bool
		want     State
	}{
		{jovepay.DecisionWait, jovepay.StatusWaiting, false, StateWaiting},
		{jovepay.DecisionWait, jovepay.StatusConfirming, false, StateConfirming},
		{jovepay.DecisionWait, jovepay.StatusSending, false, StateConfirming},
		{jovepay.DecisionFulfil, jovepay.StatusFinished, true, StatePaid},
		{jovepay.DecisionFulfil, jovepay.StatusFinished, false, StateRepeated},
		{jovepay.DecisionOverpaid, jovepay.StatusFinished, true, StateOverpaid},
		{jovepay.DecisionOverpaid, jovepay.StatusFinished, false, StateRepeated},
		{jovepay.DecisionUnderpaid, jovepay.StatusPartiallyPaid, false, StateUnderpaid},
		{jovepay.DecisionWrongAsset, jovepay.StatusConfirmed, false, StateWrongAsset},
		{jovepay.DecisionRepeated, jovepay.StatusFinished, false, StateRepeated},
		{jovepay.DecisionRepeated, jovepay.StatusRefunded, false, StateReturned},
		{jovepay.DecisionMismatch, jovepay.StatusFinished, false, StateReview},
		{jovepay.DecisionUnknown, "frozen", false, StateReview},
		{jovepay.DecisionClosed, jovepay.StatusExpired, false, StateExpired},
		{jovepay.DecisionClosed, jovepay.StatusFailed, false, StateFailed},
		{jovepay.DecisionClosed, jovepay.StatusCancelled, false, StateFailed},
		{jovepay.DecisionClosed, jovepay.StatusRefunded, false, StateReturned},
		{jovepay.DecisionClosed, jovepay.StatusRefunded, true, StateRefunded},
	} {
		n := News{PaymentID: "1", Decision: row.decision, Status: row.status}
		paidBy := jovepay.ID("")
		if row.bought {
			paidBy = "1"
		}
		assert.Equal(t, row.want, n.state(paidBy), "%s %s", row.decision, row.status)
	}
}

func TestConcludeFromSeveralPayments(t *testing.T) {
	t.Parallel()
	paid := News{PaymentID: "1", Decision: jovepay.DecisionFulfil, Status: jovepay.StatusFinished}
	under := News{PaymentID: "1", Decision: jovepay.DecisionUnderpaid, Status: jovepay.StatusPartiallyPaid}
	waiting := News{PaymentID: "1", Decision: jovepay.DecisionWait, Status: jovepay.StatusWaiting}
	expired := News{PaymentID: "1", Decision: jovepay.DecisionClosed, Status: jovepay.StatusExpired}
	again := News{PaymentID: "2", Decision: jovepay.DecisionRepeated, Status: jovepay.StatusConfirming}
	wrong := News{PaymentID: "3", Decision: jovepay.DecisionWrongAsset, Status: jovepay.StatusConfirmed}
	back := News{PaymentID: "3", Decision: jovepay.DecisionWrongAsset, Status: jovepay.StatusRefunded}
	for name, row := range map[string]struct {
		last   []News
		paidBy jovepay.ID
		want   State
	}{
		"none":                              {nil, "", StatePending},
		"paid and again":                    {[]News{paid, again}, "1", StatePaid},
		"too little and the rest":           {[]News{under, again}, "", StateRepeated},
		"another coin, and still waiting":   {[]News{waiting, wrong}, "", StateWrongAsset},
		"another coin, sent back":           {[]News{waiting, back}, "", StateWaiting},
		"another coin, sent back, too late": {[]News{expired, back}, "", StateReturned},
		"another coin, then the right one":  {[]News{paid, wrong}, "1", StatePaid},
		"too late":                          {[]News{expired, again}, "", StateRepeated},
		"a second payment on the invoice":   {[]News{paid, {PaymentID: "4", Decision: jovepay.DecisionFulfil}}, "1", StatePaid},
	} {
		assert.Equal(t, row.want, conclude(row.last, row.paidBy), name)
		slices.Reverse(row.last)
		assert.Equal(t, row.want, conclude(row.last, row.paidBy), "%s, the other way round", name)
	}
}

func TestLatestKeepsOneOfEachPayment(t *testing.T) {
	t.Parallel()
	all := []News{
		{PaymentID: "1", Status: jovepay.StatusWaiting}, {PaymentID: "2", Status: jovepay.StatusWaiting},
		{PaymentID: "1", Status: jovepay.StatusExpired},
	}
	assert.Equal(t, []News{
		{PaymentID: "1", Status: jovepay.StatusExpired}, {PaymentID: "2", Status: jovepay.StatusWaiting},
	}, latest(all))
}
