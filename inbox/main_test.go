package inbox_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/jovepay/jovepay-go"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// payment returns a payment's event. JovePay's list and its notifications have
// all these fields.
func payment(id jovepay.ID, status jovepay.PaymentStatus, change ...func(*jovepay.Payment)) *jovepay.PaymentEvent {
	p := jovepay.Payment{
		ID: id, Status: status, OrderID: "order-" + string(id),
		PriceAmount: jovepay.MustAmount("49.90"), PriceCurrency: "usd",
		PayAmount: jovepay.MustAmount("0.00078"), PayCurrency: "btc",
	}
	for _, c := range change {
		c(&p)
	}
	return p.Event()
}

func paid(amount string) func(*jovepay.Payment) {
	return func(p *jovepay.Payment) { p.ActuallyPaid = jovepay.MustAmount(amount) }
}

func outcome(amount string) func(*jovepay.Payment) {
	return func(p *jovepay.Payment) { p.OutcomeAmount = jovepay.MustAmount(amount) }
}

func parent(id jovepay.ID) func(*jovepay.Payment) {
	return func(p *jovepay.Payment) { p.ParentPaymentID = id }
}
