package jovepaytest

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/internal/emulator/engine"
)

// refusal is an error of the engine in the SDK's terms.
type refusal struct{ error }

// Is reports whether the SDK sorts the refusal so.
func (r refusal) Is(target error) bool {
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
func (r refusal) Unwrap() error { return r.error }

// wrap makes an error of the engine the package's.
func wrap(err error) error {
	if err == nil {
		return nil
	}
	return refusal{fmt.Errorf("jovepaytest: %w", err)}
}

// invalid makes an error about a setting the package's.
func invalid(err error) error {
	if err == nil {
		return nil
	}
	return wrap(engine.InvalidParam("%s", err))
}

// numberOf reads an id as the engine counts them.
func numberOf(id jovepay.ID) (int64, error) {
	number, err := strconv.ParseInt(id.String(), 10, 64)
	if err != nil {
		return 0, wrap(engine.InvalidParam("id %q is not a number", id))
	}
	return number, nil
}
