package inboxtest

import (
	"context"
	"fmt"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
)

func (k *kit[Tx]) failure() {
	for _, status := range lifecycle() {
		e := k.entry("1", status)
		k.expectError(k.t.Context(), errShop, e, func(context.Context, Tx) error { return errShop })
		k.expect(inbox.Applied, e)
	}
}

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

func (k *kit[Tx]) poisoned() {
	poison := k.entry("poison", jovepay.PaymentFinished)
	for i := range 10 {
		k.expectError(k.t.Context(), errShop, poison, func(context.Context, Tx) error { return errShop })
		k.expect(inbox.Applied, k.entry(jovepay.ID(fmt.Sprint(i)), jovepay.PaymentFinished))
	}
	// It does not even block its own payment.
	k.expect(inbox.Applied, k.entry("poison", jovepay.PaymentRefunded))
	k.expect(inbox.Outdated, poison)
}

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
