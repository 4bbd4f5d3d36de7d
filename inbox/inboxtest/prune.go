package inboxtest

import (
	"fmt"
	"sync"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
)

// Far enough from now for the clocks of two machines.
const (
	pruned = 300 // more than fit into one small batch
	apart  = 24 * time.Hour
)

func (k *kit[Tx]) expectPruned(want int64, before time.Time) {
	k.t.Helper()
	if n, err := k.Store.Prune(k.t.Context(), before); n != want || err != nil {
		k.t.Errorf("Prune = %d, %v; want %d", n, err, want)
	}
}

func (k *kit[Tx]) prune() {
	k.expectPruned(0, time.Now().Add(apart))
	for i := range pruned {
		k.expect(inbox.Applied, k.entry(jovepay.ID(fmt.Sprint(i)), jovepay.PaymentFinished))
	}
	k.expectPruned(0, time.Now().Add(-apart))
	k.expect(inbox.Duplicate, k.entry("0", jovepay.PaymentFinished))
	k.expectPruned(pruned, time.Now().Add(apart))
	for i := range pruned {
		k.expectLookup(inbox.Pending, k.entry(jovepay.ID(fmt.Sprint(i)), jovepay.PaymentFinished))
	}
	k.expect(inbox.Applied, k.entry("0", jovepay.PaymentFinished))
	k.expect(inbox.Outdated, k.entry("0", jovepay.PaymentWaiting))
}

func (k *kit[Tx]) pruneBeside() {
	var pruning sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		pruning.Go(func() {
			for {
				if _, err := k.Store.Prune(k.t.Context(), time.Now().Add(apart)); err != nil {
					k.t.Errorf("Prune: %v", err)
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for range 4 {
		for _, status := range lifecycle() {
			k.together(crowd/5, func(i int) inbox.Entry {
				return k.entry(jovepay.ID(fmt.Sprint(i)), status)
			})
		}
	}
	close(stop)
	pruning.Wait()
	e := k.entry("last", jovepay.PaymentFinished)
	k.expect(inbox.Applied, e)
	k.expect(inbox.Duplicate, e)
}
