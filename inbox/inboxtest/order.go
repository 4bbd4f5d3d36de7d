package inboxtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
)

// lifecycle returns the statuses of a successful payment that is then refunded,
// in order.
func lifecycle() []jovepay.PaymentStatus {
	return []jovepay.PaymentStatus{
		jovepay.PaymentWaiting, jovepay.PaymentConfirming, jovepay.PaymentSending,
		jovepay.PaymentFinished, jovepay.PaymentRefunded,
	}
}

func (k *kit[Tx]) outOfOrder() {
	number := 0
	for order := range permutations(lifecycle()) {
		number++
		var last inbox.Entry
		for _, status := range append(order, order...) {
			e := k.entry(jovepay.ID(fmt.Sprint(number)), status)
			want := inbox.Outdated
			switch {
			case e.Position > last.Position:
				want, last = inbox.Applied, e
			case e == last:
				want = inbox.Duplicate
			}
			k.expect(want, e)
		}
		if last.Position != k.entry(jovepay.ID(fmt.Sprint(number)), jovepay.PaymentRefunded).Position {
			k.t.Fatalf("%v ends at %s", order, last.Position)
		}
		if k.t.Failed() {
			k.t.Fatalf("in the order %v", order)
		}
	}
}

// permutations yields all orders of the statuses.
func permutations(all []jovepay.PaymentStatus) func(yield func([]jovepay.PaymentStatus) bool) {
	return func(yield func([]jovepay.PaymentStatus) bool) {
		var extend func(begun, rest []jovepay.PaymentStatus) bool
		extend = func(begun, rest []jovepay.PaymentStatus) bool {
			if len(rest) == 0 {
				return yield(slices.Clone(begun))
			}
			for i := range rest {
				others := slices.Delete(slices.Clone(rest), i, i+1)
				if !extend(append(begun, rest[i]), others) {
					return false
				}
			}
			return true
		}
		extend(nil, all)
	}
}

func (k *kit[Tx]) shuffled() {
	for round := range 5 {
		id := jovepay.ID(fmt.Sprint(round))
		statuses := slices.Repeat(lifecycle(), crowd/len(lifecycle()))
		rand.Shuffle(len(statuses), func(i, j int) { //nolint:gosec // not a secret
			statuses[i], statuses[j] = statuses[j], statuses[i]
		})
		k.together(len(statuses), func(i int) inbox.Entry { return k.entry(id, statuses[i]) })
		k.expectLookup(inbox.Duplicate, k.entry(id, jovepay.PaymentRefunded))
		k.expectLookup(inbox.Outdated, k.entry(id, jovepay.PaymentFinished))
	}
	seen := map[string]bool{}
	for _, key := range k.applied {
		if seen[key] {
			k.t.Errorf("%s was applied twice", key)
		}
		seen[key] = true
	}
}

func (k *kit[Tx]) moneyAfterEnd() {
	received := func(p *jovepay.Payment) { p.ActuallyPaid = jovepay.MustAmount("0.0005") }
	for _, end := range []jovepay.PaymentStatus{
		jovepay.PaymentExpired, jovepay.PaymentFailed, jovepay.PaymentCancelled, jovepay.PaymentCanceled,
	} {
		for _, status := range []jovepay.PaymentStatus{
			jovepay.PaymentConfirming, jovepay.PaymentConfirmed, jovepay.PaymentSending,
			jovepay.PaymentPartiallyPaid, jovepay.PaymentFinished,
		} {
			id := jovepay.ID(end + "-" + status)
			over, money := k.entry(id, end), k.entry(id, status, received)
			k.expect(inbox.Applied, over)
			k.expectLookup(inbox.Pending, money)
			k.expect(inbox.Applied, money)
			k.expect(inbox.Outdated, over)
			k.expect(inbox.Duplicate, money)
		}
	}
}

func (k *kit[Tx]) fullerReport() {
	first := inbox.Entry{Subject: "payment:1", Key: "k", Position: "80,0250,80,00,0,05,k"}
	fuller := inbox.Entry{Subject: "payment:1", Key: "k", Position: "80,0250,80,00,0,06,k"}
	k.expect(inbox.Applied, first)
	k.expectLookup(inbox.Pending, fuller)
	k.expect(inbox.Applied, fuller)
	k.expect(inbox.Outdated, first)
	k.expect(inbox.Duplicate, fuller)
}

func (k *kit[Tx]) bytewise() {
	// Each list sorts by its bytes, and otherwise in most languages.
	for i, positions := range [][]string{
		{"10,0116", "10,0116,", "10,0116.1", "10,01160"},
		{"B", "a", "ab"},
		{"A-b", "A.a", "AZ", "Aa"},
		{strings.Repeat("9", 254), strings.Repeat("9", 254) + "0", strings.Repeat("9", 254) + "1"},
	} {
		subject := fmt.Sprint("payment:", i)
		for j, position := range positions {
			k.expect(inbox.Applied, inbox.Entry{Subject: subject, Key: fmt.Sprint(i, "-", j), Position: position})
		}
		for j, position := range positions {
			want := inbox.Outdated
			if j == len(positions)-1 {
				want = inbox.Duplicate
			}
			k.expect(want, inbox.Entry{Subject: subject, Key: fmt.Sprint(i, "-", j), Position: position})
		}
	}
	for _, subject := range []string{"payment:a", "payment:A", "payment:a-", "payment:" + strings.Repeat("x", 152), "payment:" + strings.Repeat("x", 151) + "y"} {
		e := inbox.Entry{Subject: subject, Key: strings.Repeat("k", 64), Position: "1"}
		k.expect(inbox.Applied, e)
		e.Key = strings.Repeat("k", 63) + "K"
		k.expect(inbox.Outdated, e)
	}
}

func (k *kit[Tx]) lookup() {
	older := k.entry("1", jovepay.PaymentConfirming)
	e := k.entry("1", jovepay.PaymentFinished)
	newer := k.entry("1", jovepay.PaymentRefunded)
	for range 2 {
		k.expectLookup(inbox.Pending, e)
	}
	k.expect(inbox.Applied, e)
	k.expectLookup(inbox.Outdated, older)
	k.expectLookup(inbox.Duplicate, e)
	k.expectLookup(inbox.Pending, newer)
	k.expectLookup(inbox.Pending, k.entry("2", jovepay.PaymentWaiting))

	ctx, cancel := context.WithCancel(k.t.Context())
	cancel()
	if outcome, err := k.Store.Lookup(ctx, e); outcome != "" || err == nil {
		k.t.Errorf("Lookup after the context's end = %q, %v; want an error", outcome, err)
	}
}
