package orders

import (
	"errors"
	"fmt"
	"time"

	"github.com/jovepay/jovepay-go"
)

// Errors of a [Book], for [errors.Is]. Those of the client and of the database are
// wrapped.
var (
	// ErrNotFound: the order, or the case, is not in the book.
	ErrNotFound = errors.New("orders: not found")
	// ErrTermsChanged: the order is in the book with other terms.
	ErrTermsChanged = errors.New("orders: the order has other terms")
	// ErrClosed: the order takes no more payments: it is paid, fulfilled,
	// refunded or canceled.
	ErrClosed = errors.New("orders: the order is closed")
	// ErrCoinsSeen: coins were seen for the order, so that it gets no other
	// payment, in another coin or in the same.
	ErrCoinsSeen = errors.New("orders: coins were seen for the order")
	// ErrTooManyPayments: the order has as many payments as [WithMaxPayments]
	// allows.
	ErrTooManyPayments = errors.New("orders: the order has too many payments")
	// ErrCaseChanged: the case is not what the person saw.
	ErrCaseChanged = errors.New("orders: the case has changed")
	// ErrResolved: the case is closed.
	ErrResolved = errors.New("orders: the case is closed")
	// ErrInHook: a hook called the book.
	ErrInHook = errors.New("orders: a hook must not call the book")
	// ErrLosesCommits: the database is configured so that it can lose a
	// committed transaction in a crash. See [New].
	ErrLosesCommits = errors.New("orders: the database can lose committed transactions")
)

// InDoubtError means that it is not known whether JovePay created the payment of
// an order. Nothing more is sent before that is known: ask again at RetryAt.
// errors.Is finds [jovepay.ErrOutcomeUnknown], and the cause if there is one.
type InDoubtError struct {
	OrderID string
	Coin    string    // empty for an invoice
	RetryAt time.Time // by the database's clock

	err error // the cause; may be nil
}

// Error says which payment is in doubt, and until when.
func (e *InDoubtError) Error() string {
	s := fmt.Sprintf("orders: order %.100q: a payment in %q may exist; ask again at %s", e.OrderID, e.Coin, e.RetryAt.Format(time.RFC3339))
	if e.err != nil {
		s += ": " + e.err.Error()
	}
	return s
}

// Is reports whether target is [jovepay.ErrOutcomeUnknown]: that is what is in doubt,
// whatever the cause, and [jovepay.SafeToRetry] is false.
func (e *InDoubtError) Is(target error) bool { return target == jovepay.ErrOutcomeUnknown }

// Unwrap returns the cause, or nil.
func (e *InDoubtError) Unwrap() error { return e.err }

// HookError is a hook that failed, or whose transaction could not be committed. What
// was reported is recorded nevertheless, and the hook will be called again.
type HookError struct {
	Hook    string // Fulfill, Changed, Review or Other; the last one called if the commit failed
	OrderID string
	Stack   []byte // of a panic; nil if there was none

	err error
}

// Error says which hook failed.
func (e *HookError) Error() string {
	return fmt.Sprintf("orders: hook %s for order %.100q: %v", e.Hook, e.OrderID, e.err)
}

// Unwrap returns the hook's error.
func (e *HookError) Unwrap() error { return e.err }

func isHookError(err error) bool {
	_, ok := errors.AsType[*HookError](err)
	return ok
}

func isNotFound(err error) bool { return errors.Is(err, ErrNotFound) }
