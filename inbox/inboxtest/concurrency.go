package inboxtest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
)

// crowd is the number of goroutines that apply at the same time.
const crowd = 50

// together applies n entries at the same time and counts the outcomes. It
// reports errors. Each call takes a while, so that the calls overlap.
func (k *kit[Tx]) together(n int, choose func(i int) inbox.Entry) map[inbox.Outcome]int {
	k.t.Helper()
	var (
		outcomes = make([]inbox.Outcome, n)
		start    = make(chan struct{})
		callers  sync.WaitGroup
	)
	for i := range n {
		e := choose(i)
		callers.Go(func() {
			<-start
			var err error
			if outcomes[i], err = k.apply(k.t.Context(), e, pause); err != nil {
				k.t.Errorf("Apply: %v", err)
			}
		})
	}
	close(start)
	callers.Wait()
	return count(outcomes)
}

func pause[Tx any](context.Context, Tx) error {
	<-time.After(time.Millisecond)
	return nil
}

func count(outcomes []inbox.Outcome) map[inbox.Outcome]int {
	counts := map[inbox.Outcome]int{}
	for _, outcome := range outcomes {
		counts[outcome]++
	}
	return counts
}

func (k *kit[Tx]) once() {
	for _, status := range lifecycle() {
		e := k.entry("1", status)
		counts := k.together(crowd, func(int) inbox.Entry { return e })
		if counts[inbox.Applied] != 1 || counts[inbox.Duplicate] != crowd-1 {
			k.t.Errorf("%s: %v; want 1 applied, %d duplicates", status, counts, crowd-1)
		}
	}
}

func (k *kit[Tx]) manySubjects() {
	counts := k.together(2*crowd, func(i int) inbox.Entry {
		return k.entry(jovepay.ID(fmt.Sprint(i/2)), jovepay.PaymentWaiting)
	})
	if counts[inbox.Applied] != crowd || counts[inbox.Duplicate] != crowd {
		k.t.Errorf("%v; want %d applied and as many duplicates", counts, crowd)
	}
}

// result is what Apply returned in a goroutine.
type result struct {
	outcome inbox.Outcome
	err     error
}

// hold applies e in a goroutine and returns when the function has been called;
// the function returns the error that is sent to release.
func (k *kit[Tx]) hold(e inbox.Entry) (release chan<- error, done <-chan result) {
	k.t.Helper()
	inside, end, results := make(chan struct{}), make(chan error, 1), make(chan result, 1)
	go func() {
		var first sync.Once
		outcome, err := k.apply(k.t.Context(), e, func(ctx context.Context, _ Tx) error {
			first.Do(func() { close(inside) })
			select {
			case err := <-end:
				return err
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		results <- result{outcome, err}
	}()
	select {
	case <-inside:
	case r := <-results:
		k.t.Fatalf("Apply = %q, %v without calling the function", r.outcome, r.err)
	case <-time.After(patience):
		k.t.Fatal("Apply hangs")
	}
	return end, results
}

func (k *kit[Tx]) waits() {
	e := k.entry("1", jovepay.PaymentFinished)
	release, holder := k.hold(e)

	ctx, cancel := context.WithTimeout(k.t.Context(), moment)
	defer cancel()
	impatient := make(chan result, 1)
	go func() {
		outcome, err := k.apply(ctx, e, nil)
		impatient <- result{outcome, err}
	}()
	select {
	case r := <-impatient:
		if r.outcome != "" || r.err == nil || ctx.Err() == nil {
			k.t.Errorf("Apply during another = %q, %v; want it to wait until its context ends", r.outcome, r.err)
		}
	case <-time.After(impatience):
		k.t.Error("Apply waits for another although its context has ended")
	}
	k.expectLookup(inbox.Pending, e)

	patient := make(chan result, 1)
	go func() {
		outcome, err := k.apply(k.t.Context(), e, nil)
		patient <- result{outcome, err}
	}()
	release <- nil
	if r := <-holder; r.outcome != inbox.Applied || r.err != nil {
		k.t.Errorf("the holder got %q, %v; want it applied", r.outcome, r.err)
	}
	if r := <-patient; r.outcome != inbox.Duplicate || r.err != nil {
		k.t.Errorf("the one that waited got %q, %v; want a duplicate", r.outcome, r.err)
	}
}

func (k *kit[Tx]) holderFails() {
	e := k.entry("1", jovepay.PaymentFinished)
	release, holder := k.hold(e)
	var (
		outcomes = make([]inbox.Outcome, 8)
		waiting  sync.WaitGroup
	)
	for i := range outcomes {
		waiting.Go(func() {
			var err error
			if outcomes[i], err = k.apply(k.t.Context(), e, nil); err != nil {
				k.t.Errorf("Apply: %v", err)
			}
		})
	}
	// Give the others time to enter the store. If they are late, the test is
	// weaker, not wrong.
	<-time.After(moment)
	release <- errShop
	if r := <-holder; r.outcome != "" || r.err == nil {
		k.t.Errorf("the holder got %q, %v; want its error", r.outcome, r.err)
	}
	waiting.Wait()
	if counts := count(outcomes); counts[inbox.Applied] != 1 || counts[inbox.Duplicate] != len(outcomes)-1 {
		k.t.Errorf("%v; want 1 applied, %d duplicates", counts, len(outcomes)-1)
	}
}
