package orders

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"
)

// Run finishes what crashes and failures left, until ctx ends: it calls hooks that
// failed again, settles creates in doubt, and reconciles. Run it on every replica;
// what one is enough for, one does. It returns the error of ctx. Other errors are
// logged ([WithLogger]), and their work is tried again at the next turn
// ([WithInterval]).
func (b *Book[Tx]) Run(ctx context.Context) error {
	if err := b.enter(ctx); err != nil {
		return err
	}
	var reconciled time.Time
	for {
		b.attempt(ctx, "finish orders", b.finishDue)
		b.attempt(ctx, "settle creates in doubt", b.settleDoubts)
		if time.Since(reconciled) >= b.reconcileEvery {
			reconciled = time.Now()
			b.attempt(ctx, "reconcile", b.reconcileRecent)
		}
		if err := sleep(ctx, b.interval); err != nil {
			return err
		}
	}
}

// attempt does a part of Run, and logs its error.
func (b *Book[Tx]) attempt(ctx context.Context, what string, work func(context.Context) error) {
	if err := work(ctx); err != nil && ctx.Err() == nil {
		b.log.LogAttrs(ctx, slog.LevelError, "jovepay: "+what+" failed", slog.Any("error", err))
	}
}

// duePage is how many orders with work that is due are read together.
const duePage = 500

// finishDue calls the hooks that are due. A hook that fails puts its order off, and
// an order that cannot be read does not keep others waiting.
func (b *Book[Tx]) finishDue(ctx context.Context) error {
	tried := map[string]bool{}
	var failures []error
	for limit := duePage; ; {
		ids, err := b.store.Due(ctx, limit)
		if err != nil {
			return errors.Join(append(firstErrors(failures), wrap(err))...)
		}
		isLast := len(ids) < limit
		ids = slices.DeleteFunc(ids, func(id string) bool { return tried[id] })
		switch {
		case len(ids) == 0 && isLast:
			return errors.Join(firstErrors(failures)...)
		case len(ids) == 0:
			limit += duePage // those that failed are still due, and come first
		}
		for _, id := range ids {
			tried[id] = true
			if err := b.record(ctx, id, func(*draft) error { return nil }); err != nil {
				failures = append(failures, err)
			}
		}
	}
}

// reconcileRecent reconciles recent payments, once for all replicas.
func (b *Book[Tx]) reconcileRecent(ctx context.Context) error {
	return b.alone(ctx, leaseReconcile, b.reconcileEvery*9/10, func(ctx context.Context) error {
		report, err := b.Reconcile(ctx, time.Now().Add(-b.lookBack))
		b.log.LogAttrs(ctx, slog.LevelInfo, "jovepay: reconciled", slog.Int("seen", report.Seen),
			slog.Int("changed", report.Changed), slog.Int("failed", report.Failed))
		return err
	})
}
