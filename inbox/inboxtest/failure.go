package inboxtest

import (
	"context"
	"fmt"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
)

// failure: when the function fails, its error is returned, its writes are
// undone, and the event is applied when it is delivered again. What was applied
// to the payment before stays.
func (k *kit[Tx]) failure() {
	for _, status := range life() {
		e := k.entry("1", status)
		k.expectError(k.t.Context(), errShop, e, func(context.Context, Tx) error { return errShop })
		k.expect(inbox.Applied, e)
	}
}

// panics: a panic undoes everything and reaches the caller.
func (k *kit[Tx]) panics() {
	e := k.entry("1", jovepay.PaymentFinished)
	reached := func() (reached any) {
		defer func() { reached = recover() }()
		_, err := k.apply(k.t.Context(), e, func(context.Context, Tx) error { panic(errShop) }) //nolint:forbidigo // it is what is tested
		k.t.Errorf("Apply = %v; want the panic", err)
		return nil
	}()
	if reached != any(errShop) {
		k.t.Errorf("the caller recovered %v; want what the function panicked with", reached)
	}
	k.expectLookup(inbox.Pending, e)
	k.expect(inbox.Applied, e)
}

// poisoned: an event that always fails is never recorded, and stands in the way
// of no other.
func (k *kit[Tx]) poisoned() {
	poison := k.entry("poison", jovepay.PaymentFinished)
	for i := range 10 {
		k.expectError(k.t.Context(), errShop, poison, func(context.Context, Tx) error { return errShop })
		k.expect(inbox.Applied, k.entry(jovepay.ID(fmt.Sprint(i)), jovepay.PaymentFinished))
	}
	// Not even for the payment itself.
	k.expect(inbox.Applied, k.entry("poison", jovepay.PaymentRefunded))
	k.expect(inbox.Outdated, poison)
}

// contextEnded: nothing is begun after the context's end.
func (k *kit[Tx]) contextEnded() {
	ctx, cancel := context.WithCancel(k.t.Context())
	cancel()
	e := k.entry("1", jovepay.PaymentFinished)
	k.expectError(ctx, context.Canceled, e, func(context.Context, Tx) error {
		k.t.Error("the function was called after the context's end")
		return nil
	})
	k.expect(inbox.Applied, e)
}

// contextEnds: when the context ends between the function's write and the
// commit, as when a process is told to stop, nothing is applied, whether or not
// the function looks at the context.
func (k *kit[Tx]) contextEnds() {
	for _, heeds := range []bool{false, true} {
		e := k.entry(jovepay.ID(fmt.Sprint(heeds)), jovepay.PaymentFinished)
		ctx, cancel := context.WithCancel(k.t.Context())
		k.expectError(ctx, context.Canceled, e, func(ctx context.Context, _ Tx) error {
			cancel()
			if heeds {
				return ctx.Err()
			}
			return nil
		})
		k.expect(inbox.Applied, e)
	}
}

// lostConnection: when the connection breaks between the function's write and
// the commit, nothing is applied, and the store works on.
func (k *kit[Tx]) lostConnection() {
	if k.Cut == nil {
		k.t.Skip("the harness has no Cut")
	}
	for i := range 5 {
		e := k.entry(jovepay.ID(fmt.Sprint(i)), jovepay.PaymentFinished)
		outcome, err := k.apply(k.t.Context(), e, func(ctx context.Context, tx Tx) error {
			if err := k.Cut(ctx, tx); err != nil {
				k.t.Errorf("Cut: %v", err)
			}
			return nil
		})
		if outcome != "" || err == nil {
			k.t.Errorf("Apply = %q, %v; want an error", outcome, err)
		}
		k.expectLookup(inbox.Pending, e)
		k.expect(inbox.Applied, e)
	}
}
