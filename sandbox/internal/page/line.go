package page

import (
	"strings"

	"github.com/jovepay/jovepay-go"
)

// line is a payment in a list.
type line struct {
	ID, Amount, Ticker, Label, Tone string
	Why                             string // why it is in the list; may be empty
}

// lines returns the payments as a list shows them.
func lines(payments []*jovepay.Payment) []line {
	list := make([]line, len(payments))
	for i, p := range payments {
		amount := p.PayAmount
		if p.ActuallyPaid.Sign() > 0 {
			amount = p.ActuallyPaid
		}
		o := outlookOf(p.Status)
		list[i] = line{
			ID: p.ID.String(), Amount: amount.String(), Ticker: describe(p.PayCurrency, p.Network).full(),
			Label: o.Label, Tone: o.Tone,
		}
	}
	return list
}

// price shows an amount as a price tag does: "5.00 USD".
func price(amount jovepay.Amount, currency string) string {
	digits := amount.String()
	if d := amount.Decimal(); d.Exponent() > -2 {
		digits = d.StringFixed(2)
	}
	return digits + " " + strings.ToUpper(currency)
}
