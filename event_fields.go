package jovepay

import "strings"

// fields are the places for the members of an object.
type fields interface {
	// field returns the place of the member that JovePay's guide calls name,
	// or nil if there is none.
	field(name string) any
}

// place returns where a member belongs and what the guide calls it; nil if it
// belongs nowhere. The guide has snake case, and camel case in a fee; the
// bodies that JovePay's shop plugins read have camel case. Both are read
// everywhere.
func place(of fields, name string) (field any, known string) {
	if field = of.field(name); field != nil {
		return field, name
	}
	if known = otherCase(name); otherCase(known) != name {
		return nil, "" // such as "amount_"
	}
	return of.field(known), known
}

// otherCase returns a name of snake case in camel case and the reverse.
func otherCase(name string) string {
	const longest = 32 // no name that is known is longer
	if len(name) > longest {
		return ""
	}
	snake := strings.Contains(name, "_")
	other := make([]byte, 0, 2*longest)
	for i, c := range []byte(name) {
		upper := 'A' <= c && c <= 'Z'
		switch {
		case upper && snake:
			return ""
		case upper:
			other = append(other, '_', c-'A'+'a')
		case c == '_':
		case i > 0 && name[i-1] == '_' && 'a' <= c && c <= 'z':
			other = append(other, c-'a'+'A')
		default:
			other = append(other, c)
		}
	}
	return string(other)
}

func (e *PaymentEvent) field(name string) any {
	switch name {
	case "payment_id":
		return &e.ID
	case "parent_payment_id":
		return &e.ParentPaymentID
	case "invoice_id":
		return &e.InvoiceID
	case "purchase_id":
		return &e.PurchaseID
	case "payment_status":
		return &e.Status
	case "order_id":
		return &e.OrderID
	case "order_description":
		return &e.OrderDescription
	case "price_amount":
		return &e.PriceAmount
	case "price_currency":
		return &e.PriceCurrency
	case "pay_address":
		return &e.PayAddress
	case "payin_extra_id":
		return &e.PayinExtraID
	case "pay_amount":
		return &e.PayAmount
	case "pay_currency":
		return &e.PayCurrency
	case "actually_paid":
		return &e.ActuallyPaid
	case "actually_paid_at_fiat":
		return &e.ActuallyPaidAtFiat
	case "amount_received":
		return &e.AmountReceived
	case "outcome_amount":
		return &e.OutcomeAmount
	case "outcome_currency":
		return &e.OutcomeCurrency
	case "payment_extra_ids":
		return &e.PaymentExtraIDs
	case "fee":
		return &e.Fee
	case "transaction_id":
		return &e.TransactionID
	}
	return e.rareField(name)
}

// rareField has the fields that the answers to requests carry, but none of the
// known notifications.
func (e *PaymentEvent) rareField(name string) any {
	switch name {
	case "payin_hash":
		return &e.PayinHash
	case "payout_hash":
		return &e.PayoutHash
	case "origin_type":
		return &e.OriginType
	case "type":
		return &e.Type
	case "ipn_callback_url":
		return &e.IPNCallbackURL
	case "smart_contract":
		return &e.SmartContract
	case "network":
		return &e.Network
	case "network_precision":
		return &e.NetworkPrecision
	case "time_limit":
		return &e.TimeLimit
	case "burning_percent":
		return &e.BurningPercent
	case "created_at":
		return &e.CreatedAt
	case "updated_at":
		return &e.UpdatedAt
	case "expiration_estimate_date":
		return &e.ExpirationEstimateDate
	}
	return nil
}

func (f *Fee) field(name string) any {
	switch name {
	case "currency":
		return &f.Currency
	case "depositFee":
		return &f.DepositFee
	case "withdrawalFee":
		return &f.WithdrawalFee
	case "serviceFee":
		return &f.ServiceFee
	}
	return nil
}

func (e *WithdrawalEvent) field(name string) any {
	switch name {
	case "id":
		return &e.ID
	case "batch_withdrawal_id":
		return &e.BatchWithdrawalID
	case "status":
		return &e.Status
	case "error":
		return &e.Error
	case "currency":
		return &e.Currency
	case "amount":
		return &e.Amount
	case "address":
		return &e.Address
	case "extra_id":
		return &e.ExtraID
	case "fee":
		return &e.Fee
	case "hash":
		return &e.Hash
	case "ipn_callback_url":
		return &e.IPNCallbackURL
	case "created_at":
		return &e.CreatedAt
	case "requested_at":
		return &e.RequestedAt
	case "updated_at":
		return &e.UpdatedAt
	}
	return nil
}

func (e *RecurringPaymentEvent) field(name string) any {
	switch name {
	case "id":
		return &e.ID
	case "status":
		return &e.Status
	case "currency":
		return &e.Currency
	case "amount":
		return &e.Amount
	case "ipn_callback_url":
		return &e.IPNCallbackURL
	case "created_at":
		return &e.CreatedAt
	case "updated_at":
		return &e.UpdatedAt
	}
	return nil
}
