package jovepaytest

import (
	"errors"
	"fmt"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/internal/emulator/engine"
	"github.com/jovepay/jovepay-go/internal/emulator/ipn"
)

// ErrNotDelivered is the error of [Server.SendIPN] and [Server.Redeliver] where
// the shop did not respond with a 2xx status.
var ErrNotDelivered = errors.New("jovepaytest: the notification was not delivered")

// rejection is an error of the engine in the SDK's terms.
type rejection struct{ error }

// Is reports whether the SDK has the error in that class.
func (r rejection) Is(target error) bool {
	if errors.Is(r.error, ipn.ErrUnknown) {
		return target == jovepay.ErrNotFound
	}
	e, ok := errors.AsType[*engine.Error](r.error)
	if !ok {
		return false
	}
	switch e.Code {
	case engine.CodePaymentNotFound, engine.CodeInvoiceNotFound, engine.CodeTransferNotFound:
		return target == jovepay.ErrNotFound
	default:
		return target == jovepay.ErrInvalidRequest
	}
}

// Unwrap returns the engine's error.
func (r rejection) Unwrap() error { return r.error }

// wrap makes an error of the engine the package's.
func wrap(err error) error {
	if err == nil {
		return nil
	}
	return rejection{fmt.Errorf("jovepaytest: %w", err)}
}

// invalid makes an error about a setting the package's.
func invalid(err error) error {
	if err == nil {
		return nil
	}
	return wrap(engine.InvalidParam("%s", err))
}

// wrapDelivery makes the error of a delivery the package's.
func wrapDelivery(err error) error {
	if err == nil || errors.Is(err, ipn.ErrUnknown) {
		return wrap(err)
	}
	return deliveryError{wrap(err)}
}

// deliveryError is why a notification was not delivered.
type deliveryError struct{ error }

// Is reports whether the target is [ErrNotDelivered].
func (deliveryError) Is(target error) bool { return target == ErrNotDelivered }

// Unwrap returns why.
func (e deliveryError) Unwrap() error { return e.error }

func second[T any](_ T, err error) error { return err }
