package engine

import "fmt"

// Code names a kind of error in a response of the API. The guide shows no
// errors; the codes are those of the API that JovePay's mirrors, where known.
type Code string

// The codes of the errors that the engine gives.
const (
	CodeInvalidParams       Code = "INVALID_REQUEST_PARAMS"
	CodeAuthRequired        Code = "AUTH_REQUIRED"
	CodeWrongKey            Code = "INVALID_API_KEY"
	CodeWrongLogin          Code = "INVALID_CREDENTIALS"
	CodeWrongToken          Code = "INVALID_ACCESS_TOKEN"
	CodePaymentNotFound     Code = "PAYMENT_NOT_FOUND"
	CodeInvoiceNotFound     Code = "INVOICE_NOT_FOUND"
	CodeCurrencyUnavailable Code = "CURRENCY_UNAVAILABLE"
	CodeAmountTooSmall      Code = "AMOUNT_MINIMAL_ERROR"
	CodeTransferNotFound    Code = "TRANSFER_NOT_FOUND"
	CodeFinalStatus         Code = "FINAL_STATUS"
	CodeWrongStatus         Code = "WRONG_STATUS"
)

// Error is why a request was rejected, as a client of the API sees it.
type Error struct {
	Code    Code
	Message string
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

func reject(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// InvalidParam is the rejection of a request of which a field or parameter
// breaks a rule.
func InvalidParam(format string, args ...any) *Error {
	return reject(CodeInvalidParams, format, args...)
}
