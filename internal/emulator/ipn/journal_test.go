package ipn

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestJournalForgetsTheOldest(t *testing.T) {
	t.Parallel()
	j := journal{}
	first := &Delivery{Number: 1}
	j.open(first)
	for n := range 2 * maxDeliveries {
		j.open(&Delivery{Number: n + 2})
	}
	got := j.copies()
	assert.Len(t, got, maxDeliveries+1)
	assert.Equal(t, 2*maxDeliveries+1, got[maxDeliveries].Number)
	j.end(first, time.Time{}, Delivered, 200, nil) // a slow response to what is forgotten does no harm
	assert.Equal(t, got, j.copies())
}

func TestJournalIsInTheOrderOfTheNotifications(t *testing.T) {
	t.Parallel()
	j := journal{}
	for _, d := range []Delivery{{Number: 2, Attempt: 1}, {Number: 1, Attempt: 1}, {Number: 2, Attempt: 2}, {Number: 3}, {Number: 1, Attempt: 2}} {
		j.open(&d)
	}
	assert.Equal(t, []Delivery{
		{Number: 1, Attempt: 1}, {Number: 1, Attempt: 2}, {Number: 2, Attempt: 1}, {Number: 2, Attempt: 2}, {Number: 3},
	}, j.copies())
}

// What is found by payment is what the whole list has of it.
func TestJournalByPayment(t *testing.T) {
	t.Parallel()
	j := journal{}
	assert.Empty(t, j.of([]int64{0, 1}))
	agree := func() {
		t.Helper()
		for _, payments := range [][]int64{{0}, {1}, {2, 1}, {4, 0, 3, 5}, {9}, nil} {
			whole := slices.DeleteFunc(j.copies(), func(d Delivery) bool { return !slices.Contains(payments, d.PaymentID) })
			assert.True(t, slices.Equal(whole, j.of(payments)), payments) // too long to be shown
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for number := range 200 {
		j.open(&Delivery{Number: 200 - number, Attempt: random.IntN(3), PaymentID: int64(random.IntN(6))})
	}
	agree()
	last := &Delivery{Number: 201, PaymentID: 1}
	j.open(last)
	j.end(last, time.Time{}, Delivered, 200, nil)
	agree()
	for n := range 2 * maxDeliveries {
		j.open(&Delivery{Number: n + 202, PaymentID: int64(n % 7)})
	}
	assert.Less(t, len(j.copies()), 2*maxDeliveries, "the oldest are forgotten")
	agree()
}
