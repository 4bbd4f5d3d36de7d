package emulator

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/shopspring/decimal"

	"github.com/jovepay/jovepay-go/internal/emulator/engine"
)

// notification has the members of the payment webhook in JovePay's guide, in
// its order.
type notification struct {
	PaymentID          idNumber `json:"payment_id"`
	ParentPaymentID    idNumber `json:"parent_payment_id"`
	InvoiceID          idNumber `json:"invoice_id"`
	PaymentStatus      string   `json:"payment_status"`
	PayAddress         string   `json:"pay_address"`
	PayinExtraID       text     `json:"payin_extra_id"`
	PriceAmount        number   `json:"price_amount"`
	PriceCurrency      string   `json:"price_currency"`
	PayAmount          number   `json:"pay_amount"`
	ActuallyPaid       number   `json:"actually_paid"`
	ActuallyPaidAtFiat number   `json:"actually_paid_at_fiat"`
	PayCurrency        string   `json:"pay_currency"`
	OrderID            text     `json:"order_id"`
	OrderDescription   text     `json:"order_description"`
	PurchaseID         string   `json:"purchase_id"`
	OutcomeAmount      number   `json:"outcome_amount"`
	OutcomeCurrency    string   `json:"outcome_currency"`
	PaymentExtraIDs    []int64  `json:"payment_extra_ids"`
	Fee                fee      `json:"fee"`

	// RefundedAmount is not documented by JovePay. It is missing unless a part was
	// refunded.
	RefundedAmount number `json:"refunded_amount,omitzero"`

	// TransactionID is known from the shop plugins alone.
	TransactionID string `json:"transaction_id,omitzero"`
}

type fee struct {
	Currency      string `json:"currency"`
	DepositFee    number `json:"depositFee"`
	WithdrawalFee number `json:"withdrawalFee"`
	ServiceFee    number `json:"serviceFee"`
}

// NotificationJSON returns the body of the payment's notification: as the guide
// shows it or, in camel case, with the names by which JovePay's shop plugins read
// it. Both have the same members, except for a transaction id that the guide does
// not have. As in the guide, the fiat value of what was paid is 0.
func NotificationJSON(p *engine.Payment, camelCase bool) ([]byte, error) {
	zero := exactly(decimal.Zero)
	n := notification{
		PaymentID:          idNumber(p.ID),
		ParentPaymentID:    idNumber(p.ParentID),
		InvoiceID:          idNumber(p.InvoiceID),
		PaymentStatus:      p.Status,
		PayAddress:         p.PayAddress,
		PayinExtraID:       text(p.PayinExtraID),
		PriceAmount:        exactly(p.PriceAmount),
		PriceCurrency:      p.PriceCurrency,
		PayAmount:          exactly(p.PayAmount),
		ActuallyPaid:       exactly(p.ActuallyPaid),
		ActuallyPaidAtFiat: zero,
		PayCurrency:        p.PayCurrency,
		OrderID:            text(p.OrderID),
		OrderDescription:   text(p.OrderDescription),
		PurchaseID:         strconv.FormatInt(p.PurchaseID, 10),
		OutcomeAmount:      unlessZero(p.OutcomeAmount),
		OutcomeCurrency:    p.PayoutCurrency,
		PaymentExtraIDs:    p.ChildIDs,
		Fee:                fee{p.PayoutCurrency, zero, zero, exactly(p.ServiceFee)},
		RefundedAmount:     unlessZero(p.Refunded),
	}
	if camelCase {
		n.TransactionID = p.PayinHash()
	}
	return encodeNamed(n, camelCase)
}

// named writes an object with its members' names in snake or camel case.
func encodeNamed(object any, camelCase bool) ([]byte, error) {
	snake, err := encode(object)
	if err != nil || !camelCase {
		return snake, err
	}
	return camelNames(snake)
}

// camelNames writes an object again with its members' names in camel case.
func camelNames(object []byte) ([]byte, error) {
	in := jsontext.NewDecoder(bytes.NewReader(object))
	var out bytes.Buffer
	enc := jsontext.NewEncoder(&out)
	for {
		token, err := in.ReadToken()
		if err != nil {
			return nil, err
		}
		depth := in.StackDepth()
		if depth == 1 {
			if _, read := in.StackIndex(1); read%2 == 1 { // a name
				token = jsontext.String(camel(token.String()))
			}
		}
		if err := enc.WriteToken(token); err != nil {
			return nil, err
		}
		if depth == 0 {
			return bytes.TrimSpace(out.Bytes()), nil
		}
	}
}

// camel turns payment_id into paymentId.
func camel(snake string) string {
	words := strings.Split(snake, "_")
	for i, word := range words[1:] {
		words[i+1] = strings.ToUpper(word[:1]) + word[1:]
	}
	return strings.Join(words, "")
}
