package output

import (
	"strings"
	"time"

	"github.com/jovepay/jovepay-go"
)

// Payment adds what there is to know of a payment, and for one that waits for
// coins how to send them: the address as a QR code if qr is true and it fits,
// and a warning if the coins need a memo.
func (t *Text) Payment(p *jovepay.Payment, qr bool, width int, color bool) {
	t.Fields(
		Field{"payment", string(p.ID)},
		Field{"status", string(p.Status)},
		Field{"order", p.OrderID},
		Field{"description", p.OrderDescription},
		Field{"second deposit to", string(p.ParentPaymentID)},
		Field{"second deposits", ids(p.PaymentExtraIDs)},
		Field{"invoice", string(p.InvoiceID)},
		Field{"price", Money(p.PriceAmount, p.PriceCurrency)},
		Field{"send", Money(p.PayAmount, p.PayCurrency)},
		Field{"to", p.PayAddress},
		Field{"memo", p.PayinExtraID},
		Field{"network", p.Network},
		Field{"paid", paid(p)},
		Field{"you get", Money(p.OutcomeAmount, p.OutcomeCurrency)},
		Field{"created", Time(p.CreatedAt)},
		Field{"expires", Time(p.ExpirationEstimateDate)},
		Field{"notifies", p.IPNCallbackURL},
	)
	if p.Status != jovepay.PaymentWaiting || p.PayAddress == "" {
		return
	}
	if p.PayinExtraID != "" {
		t.Line("\n! The memo %s must be sent with the coins. Without it they are lost.", p.PayinExtraID)
	}
	if qr {
		t.Code(p.PayAddress, width, color)
	}
}

// Code adds a QR code, or says why there is none.
func (t *Text) Code(content string, width int, color bool) {
	code, wide, err := QR(content, color)
	switch {
	case err != nil:
		t.Line("\n(It is too long for a QR code.)")
	case wide > width:
		t.Line("\n(The QR code needs a window %d characters wide.)", wide)
	default:
		t.Block("\n" + code)
	}
}

// PaymentHeadings are the headings of a list of payments.
func PaymentHeadings() []string {
	return []string{"PAYMENT", "CREATED", "STATUS", "PRICE", "TO PAY", "PAID", "ORDER", "PARENT"}
}

// PaymentRow is a payment in a list.
func PaymentRow(p *jovepay.Payment) []string {
	return []string{
		string(p.ID), Time(p.CreatedAt), string(p.Status), Money(p.PriceAmount, p.PriceCurrency),
		Money(p.PayAmount, p.PayCurrency), paid(p), p.OrderID, string(p.ParentPaymentID),
	}
}

func paid(p *jovepay.Payment) string {
	if p.ActuallyPaid.Sign() == 0 {
		return ""
	}
	return Money(p.ActuallyPaid, p.PayCurrency)
}

// Money writes an amount and its currency; nothing for no amount.
func Money(amount jovepay.Amount, currency string) string {
	if amount.IsNull() {
		return ""
	}
	return strings.TrimSpace(amount.String() + " " + strings.ToLower(currency))
}

// Time writes a time in UTC to the second; nothing for no time.
func Time(at jovepay.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}

func ids(list []jovepay.ID) string {
	texts := make([]string, len(list))
	for i, id := range list {
		texts[i] = string(id)
	}
	return strings.Join(texts, ", ")
}
