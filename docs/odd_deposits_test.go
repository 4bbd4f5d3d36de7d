package docs_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/jovepay/jovepay-go"
)

// desk notes what a shop did about an order, as docs/odd-deposits.md does it.
type desk struct{ did string }

func (d *desk) judge(expected jovepay.Expectation, event *jovepay.PaymentEvent, order string) error {
	ship, tell, closeOrder, askPerson := d.ship, d.tell, d.close, d.ask
	verdict := expected.Settle(&event.Payment)
	switch verdict.Decision {
	case jovepay.DecisionFulfill:
		return ship(order)
	case jovepay.DecisionOverpaid:
		return errors.Join(ship(order), tell(order, "You paid %s %s too much.", verdict.Difference, event.PayCurrency))
	case jovepay.DecisionUnderpaid:
		return tell(order, "%s %s are missing.", verdict.Difference, event.PayCurrency)
	case jovepay.DecisionWait:
		return nil
	case jovepay.DecisionClosed:
		return closeOrder(order, verdict.Reason)
	default:
		return askPerson(order, verdict.Reason)
	}
}

func (d *desk) tolerant(expected jovepay.Expectation, event *jovepay.PaymentEvent) bool {
	settler, err := jovepay.NewSettler(jovepay.SettlePolicy{Tolerance: jovepay.MustAmount("0.005")})
	if err != nil {
		return false
	}
	verdict := settler.Settle(expected, &event.Payment)
	return verdict.Fulfill()
}

func (d *desk) ship(order string) error {
	d.did += "ship " + order + "; "
	return nil
}

func (d *desk) tell(_, format string, args ...any) error {
	d.did += fmt.Sprintf(format, args...) + "; "
	return nil
}

func (d *desk) close(_, reason string) error {
	d.did += "close: " + reason + "; "
	return nil
}

func (d *desk) ask(_, reason string) error {
	d.did += "ask: " + reason + "; "
	return nil
}

// TestOddDeposits runs what docs/odd-deposits.md shows.
func TestOddDeposits(t *testing.T) {
	t.Parallel()
	payment := &jovepay.Payment{
		ID: "1", OrderID: "A-1", Status: jovepay.PaymentWaiting,
		PriceAmount: jovepay.MustAmount("49.99"), PriceCurrency: "usd",
		PayAmount: jovepay.MustAmount("50"), PayCurrency: "trx",
	}
	expected := payment.Expectation() // keep it with the order

	for _, test := range []struct {
		status   jovepay.PaymentStatus
		paid     string
		coin     string
		parent   jovepay.ID
		did      string
		tolerant bool
	}{
		{jovepay.PaymentConfirming, "50", "trx", "", "", false},
		{jovepay.PaymentFinished, "50", "trx", "", "ship A-1; ", true},
		{jovepay.PaymentFinished, "50.5", "trx", "", "ship A-1; You paid 0.5 trx too much.; ", true},
		{jovepay.PaymentPartiallyPaid, "49.9", "trx", "", "0.1 trx are missing.; ", true},
		{jovepay.PaymentPartiallyPaid, "40", "trx", "", "10 trx are missing.; ", false},
		{jovepay.PaymentFinished, "50", "trx", "1", "ask: further deposit after payment 1; ", false},
		{jovepay.PaymentFinished, "50", "ltc", "1", `ask: paid in "ltc" instead of "trx"; `, false},
		{jovepay.PaymentExpired, "0", "trx", "", "close: payment is expired; ", false},
	} {
		news := *payment
		news.Status, news.ActuallyPaid, news.PayCurrency = test.status, jovepay.MustAmount(test.paid), test.coin
		if test.parent != "" {
			news.ID, news.ParentPaymentID = "2", test.parent
		}
		var d desk
		assert.NoError(t, d.judge(expected, news.Event(), "A-1"))
		assert.Equal(t, test.did, d.did)
		assert.Equal(t, test.tolerant, d.tolerant(expected, news.Event()), test.did)
	}
}
