package engine

import "github.com/shopspring/decimal"

// Bounds of an amount: far above any price or coin amount, and small enough
// that arithmetic on a hostile literal such as 1e999999999 costs nothing.
const (
	maxAmountLength = 64
	maxDecimals     = 18
	maxMagnitude    = 30
)

// ParseAmount reads a positive decimal: a JSON number, or a query parameter of
// the same form. The error is for the named field.
func ParseAmount(field, s string) (decimal.Decimal, error) {
	if len(s) > maxAmountLength {
		return decimal.Decimal{}, InvalidParam("%s must have at most %d characters", field, maxAmountLength)
	}
	d, err := decimal.NewFromString(s)
	if err != nil {
		return decimal.Decimal{}, InvalidParam("%s must be a number", field)
	}
	if err := checkAmount(field, d); err != nil {
		return decimal.Decimal{}, err
	}
	return d, nil
}

func checkAmount(field string, d decimal.Decimal) error {
	switch {
	case d.Sign() <= 0:
		return InvalidParam("%s must be greater than 0", field)
	case d.Exponent() < -maxDecimals:
		return InvalidParam("%s must have at most %d decimal places", field, maxDecimals)
	case d.Exponent() > maxMagnitude, d.NumDigits()+int(d.Exponent()) > maxMagnitude:
		return InvalidParam("%s is too large", field)
	}
	return nil
}
