package ipn

import (
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
	j.end(first, time.Time{}, Delivered, 200, nil) // a slow answer to what is forgotten does no harm
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
