package ipn

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// maxDeliveries bounds what the journal remembers.
const maxDeliveries = 100_000

// The outcomes of an attempt.
const (
	Sending   = "sending"
	Delivered = "delivered"
	Failed    = "failed"
	GivenUp   = "given up"
	Lost      = "lost"
	Skipped   = "skipped"
)

// Delivery is one attempt as the journal has it. It is documented in package
// jovepaytest, whose Delivery has the same fields.
type Delivery struct {
	Number    int
	Attempt   int
	RepeatOf  int
	PaymentID int64
	Status    string

	URL       string
	Form      string
	Body      string
	Signature string
	Corrupted bool
	Forged    bool

	Outcome    string
	StatusCode int
	Err        error
	Started    time.Time
	Ended      time.Time

	At time.Time // when the event happened
}

// journal remembers the last attempts. Its zero value is empty.
type journal struct {
	mu        sync.Mutex
	list      []*Delivery
	byPayment map[int64][]*Delivery // the same ones
}

// open adds an attempt, which belongs to the journal from then on.
func (j *journal) open(d *Delivery) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.list) >= 2*maxDeliveries {
		j.list = append(j.list[:0], j.list[len(j.list)-maxDeliveries:]...)
		j.byPayment = nil
		for _, kept := range j.list {
			j.index(kept)
		}
	}
	j.list = append(j.list, d)
	j.index(d)
}

func (j *journal) index(d *Delivery) {
	if j.byPayment == nil {
		j.byPayment = make(map[int64][]*Delivery)
	}
	j.byPayment[d.PaymentID] = append(j.byPayment[d.PaymentID], d)
}

// end records how an attempt ended.
func (j *journal) end(d *Delivery, at time.Time, outcome string, status int, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	d.Ended, d.Outcome, d.StatusCode, d.Err = at, outcome, status, err
}

// last returns a copy of the notification's last attempt that was signed, or
// nil if there is none.
func (j *journal) last(number int) *Delivery {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, d := range slices.Backward(j.list) {
		if d.Number == number && d.Signature != "" {
			found := *d
			return &found
		}
	}
	return nil
}

// copies returns the attempts in the order of the notifications: which of two
// payments was served first is random, and is not shown.
func (j *journal) copies() []Delivery {
	j.mu.Lock()
	defer j.mu.Unlock()
	return byNumber(j.list)
}

// of returns those of the payments, each of which is named once, in the same
// order. It costs as much as these.
func (j *journal) of(payments []int64) []Delivery {
	j.mu.Lock()
	defer j.mu.Unlock()
	var list []*Delivery
	for _, id := range payments {
		list = append(list, j.byPayment[id]...)
	}
	return byNumber(list)
}

func byNumber(list []*Delivery) []Delivery {
	deliveries := make([]Delivery, len(list))
	for i, d := range list {
		deliveries[i] = *d
	}
	slices.SortStableFunc(deliveries, func(a, b Delivery) int {
		return cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.Attempt, b.Attempt))
	})
	return deliveries
}
