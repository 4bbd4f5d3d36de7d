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
		{jovepay.DecisionWait, jovepay.PaymentWaiting, false, StateWaiting},
		{jovepay.DecisionWait, jovepay.PaymentConfirming, false, StateConfirming},
		{jovepay.DecisionWait, jovepay.PaymentSending, false, StateConfirming},
		{jovepay.DecisionFulfill, jovepay.PaymentFinished, true, StatePaid},
		{jovepay.DecisionFulfill, jovepay.PaymentFinished, false, StateRepeated},
		{jovepay.DecisionOverpaid, jovepay.PaymentFinished, true, StateOverpaid},
		{jovepay.DecisionOverpaid, jovepay.PaymentFinished, false, StateRepeated},
		{jovepay.DecisionUnderpaid, jovepay.PaymentPartiallyPaid, false, StateUnderpaid},
		{jovepay.DecisionWrongAsset, jovepay.PaymentConfirmed, false, StateWrongAsset},
		{jovepay.DecisionRepeated, jovepay.PaymentFinished, false, StateRepeated},
		{jovepay.DecisionRepeated, jovepay.PaymentRefunded, false, StateReturned},
		{jovepay.DecisionMismatch, jovepay.PaymentFinished, false, StateReview},
		{jovepay.DecisionUnknown, "frozen", false, StateReview},
		{jovepay.DecisionClosed, jovepay.PaymentExpired, false, StateExpired},
		{jovepay.DecisionClosed, jovepay.PaymentFailed, false, StateFailed},
		{jovepay.DecisionClosed, jovepay.PaymentCancelled, false, StateFailed},
		{jovepay.DecisionClosed, jovepay.PaymentRefunded, false, StateReturned},
		{jovepay.DecisionClosed, jovepay.PaymentRefunded, true, StateRefunded},
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
	paid := News{PaymentID: "1", Decision: jovepay.DecisionFulfill, Status: jovepay.PaymentFinished}
	under := News{PaymentID: "1", Decision: jovepay.DecisionUnderpaid, Status: jovepay.PaymentPartiallyPaid}
	waiting := News{PaymentID: "1", Decision: jovepay.DecisionWait, Status: jovepay.PaymentWaiting}
	expired := News{PaymentID: "1", Decision: jovepay.DecisionClosed, Status: jovepay.PaymentExpired}
	again := News{PaymentID: "2", Decision: jovepay.DecisionRepeated, Status: jovepay.PaymentConfirming}
	wrong := News{PaymentID: "3", Decision: jovepay.DecisionWrongAsset, Status: jovepay.PaymentConfirmed}
	back := News{PaymentID: "3", Decision: jovepay.DecisionWrongAsset, Status: jovepay.PaymentRefunded}
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
		"a second payment on the invoice":   {[]News{paid, {PaymentID: "4", Decision: jovepay.DecisionFulfill}}, "1", StatePaid},
	} {
		assert.Equal(t, row.want, conclude(row.last, row.paidBy), name)
		slices.Reverse(row.last)
		assert.Equal(t, row.want, conclude(row.last, row.paidBy), "%s, reversed", name)
	}
}

func TestLatestKeepsOneOfEachPayment(t *testing.T) {
	t.Parallel()
	all := []News{
		{PaymentID: "1", Status: jovepay.PaymentWaiting}, {PaymentID: "2", Status: jovepay.PaymentWaiting},
		{PaymentID: "1", Status: jovepay.PaymentExpired},
	}
	assert.Equal(t, []News{
		{PaymentID: "1", Status: jovepay.PaymentExpired}, {PaymentID: "2", Status: jovepay.PaymentWaiting},
	}, latest(all))
}
