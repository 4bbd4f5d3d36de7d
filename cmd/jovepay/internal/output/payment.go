package output

import (
	"strings"
	"time"

	"github.com/jovepay/jovepay-go"
)

// Payment adds the fields of a payment. For one that waits for coins, it adds a
// warning if they need a memo and, if qr is true, the address as a QR code.
func (t *Text) Payment(p *jovepay.Payment, qr bool, width int, color bool) {
	t.Fields(
		Field{"payment", string(p.ID)},
		Field{"status", string(p.Status)},
		Field{"order", p.OrderID},
		Field{"description", p.OrderDescription},
		Field{"parent payment", string(p.ParentPaymentID)},
		Field{"repeated deposits", joinIDs(p.PaymentExtraIDs)},
		Field{"invoice", string(p.InvoiceID)},
		Field{"price", Money(p.PriceAmount, p.PriceCurrency)},
		Field{"send", Money(p.PayAmount, p.PayCurrency)},
		Field{"to", p.PayAddress},
		Field{"memo", p.PayinExtraID},
		Field{"network", p.Network},
		Field{"paid", paidAmount(p)},
		Field{"you receive", Money(p.OutcomeAmount, p.OutcomeCurrency)},
		Field{"created", Time(p.CreatedAt)},
		Field{"expires", Time(p.ExpirationEstimateDate)},
		Field{"IPN URL", p.IPNCallbackURL},
	)
	if p.Status != jovepay.PaymentWaiting || p.PayAddress == "" {
		return
	}
	if p.PayinExtraID != "" {
		t.Line("\n! Send the memo %s with the coins. Without it, they are lost.", p.PayinExtraID)
	}
	if qr {
		t.Code(p.PayAddress, width, color)
	}
}

// Code adds a QR code, or a line that says why there is none.
func (t *Text) Code(content string, width int, color bool) {
	code, wide, err := QR(content, color)
	switch {
	case err != nil:
		t.Line("\n(The text is too long for a QR code.)")
	case wide > width:
		t.Line("\n(To show the QR code, make the window at least %d characters wide.)", wide)
	default:
		t.Block("\n" + code)
	}
}

// PaymentHeadings returns the headings of a table of payments.
func PaymentHeadings() []string {
	return []string{"PAYMENT", "CREATED", "STATUS", "PRICE", "AMOUNT", "PAID", "ORDER", "PARENT"}
}

// PaymentRow returns the row of a payment under [PaymentHeadings].
func PaymentRow(p *jovepay.Payment) []string {
	return []string{
		string(p.ID), Time(p.CreatedAt), string(p.Status), Money(p.PriceAmount, p.PriceCurrency),
		Money(p.PayAmount, p.PayCurrency), paidAmount(p), p.OrderID, string(p.ParentPaymentID),
	}
}

func paidAmount(p *jovepay.Payment) string {
	if p.ActuallyPaid.Sign() == 0 {
		return ""
	}
	return Money(p.ActuallyPaid, p.PayCurrency)
}

// Money formats an amount and its currency, or "" for a null amount.
func Money(amount jovepay.Amount, currency string) string {
	if amount.IsNull() {
		return ""
	}
	return strings.TrimSpace(amount.String() + " " + strings.ToLower(currency))
}

// Time formats a time in UTC to the second, or "" for the zero time.
func Time(at jovepay.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}

func joinIDs(list []jovepay.ID) string {
	texts := make([]string, len(list))
	for i, id := range list {
		texts[i] = string(id)
	}
	return strings.Join(texts, ", ")
}
