package emulator

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/shopspring/decimal"

	"github.com/jovepay/jovepay-go/internal/emulator/engine"
)

// withdrawal has the members of the withdrawal webhook in JovePay's guide, in
// its order.
type withdrawal struct {
	ID                string       `json:"id"`
	BatchWithdrawalID string       `json:"batch_withdrawal_id"`
	Status            string       `json:"status"`
	Error             text         `json:"error"`
	Currency          string       `json:"currency"`
	Amount            quotedAmount `json:"amount"`
	Address           string       `json:"address"`
	Fee               quotedAmount `json:"fee"`
	ExtraID           text         `json:"extra_id"`
	Hash              text         `json:"hash"`
	IPNCallbackURL    text         `json:"ipn_callback_url"`
	CreatedAt         stamp        `json:"created_at"`
	RequestedAt       stamp        `json:"requested_at"`
	UpdatedAt         stamp        `json:"updated_at"`
}

// recurring has the members of the custodial recurring payment in JovePay's
// guide, in its order.
type recurring struct {
	ID             string       `json:"id"`
	Status         string       `json:"status"`
	Currency       string       `json:"currency"`
	Amount         quotedAmount `json:"amount"`
	IPNCallbackURL text         `json:"ipn_callback_url"`
	CreatedAt      stamp        `json:"created_at"`
	UpdatedAt      stamp        `json:"updated_at"`
}

// TransferJSON returns the body of the notification of a withdrawal or a custodial
// recurring payment: as the guide shows it, or with names in camel case.
func TransferJSON(t *engine.Transfer, camelCase bool) ([]byte, error) {
	id := strconv.FormatInt(t.ID, 10)
	if t.Recurring {
		return encodeNamed(recurring{
			ID:             id,
			Status:         t.Status,
			Currency:       t.Currency,
			Amount:         quotedAmount(t.Amount),
			IPNCallbackURL: text(t.IPNCallbackURL),
			CreatedAt:      stamp(t.CreatedAt),
			UpdatedAt:      stamp(t.UpdatedAt),
		}, camelCase)
	}
	return encodeNamed(withdrawal{
		ID:                id,
		BatchWithdrawalID: strconv.FormatInt(t.BatchID, 10),
		Status:            t.Status,
		Error:             text(t.Error),
		Currency:          t.Currency,
		Amount:            quotedAmount(t.Amount),
		Address:           t.Address,
		Fee:               quotedAmount(t.Fee),
		ExtraID:           text(t.ExtraID),
		Hash:              text(t.Hash),
		IPNCallbackURL:    text(t.IPNCallbackURL),
		CreatedAt:         stamp(t.CreatedAt),
		RequestedAt:       stamp(t.RequestedAt),
		UpdatedAt:         stamp(t.UpdatedAt),
	}, camelCase)
}

// quotedAmount is an amount as a string; zero is null.
type quotedAmount decimal.Decimal

// MarshalJSONTo writes the string or null.
func (q quotedAmount) MarshalJSONTo(enc *jsontext.Encoder) error {
	if d := decimal.Decimal(q); !d.IsZero() {
		return enc.WriteToken(jsontext.String(d.String()))
	}
	return enc.WriteToken(jsontext.Null)
}
