package engine

import (
	"cmp"
	"slices"
	"time"
)

// Create is a creation that takes effect later than it was received.
type Create struct {
	ID      int64
	At      time.Time       // when it takes effect
	Payment *PaymentRequest `json:",omitempty"` // what is created: this,
	Invoice *InvoiceRequest `json:",omitempty"` // or this
	Done    bool            `json:",omitzero"`  // it has taken effect, or was rejected
	MadeID  int64           `json:",omitzero"`  // the payment or the invoice; 0 if there is none
}

// CreatePaymentLater makes a payment after the time. Only then it is checked, and
// priced.
func (e *Engine) CreatePaymentLater(req PaymentRequest, after time.Duration) {
	e.postpone(Create{Payment: &req}, after)
}

// CreateInvoiceLater makes an invoice after the time. Only then it is checked.
func (e *Engine) CreateInvoiceLater(req InvoiceRequest, after time.Duration) {
	e.postpone(Create{Invoice: &req}, after)
}

func (e *Engine) postpone(c Create, after time.Duration) {
	now := e.begin()
	defer e.mu.Unlock()
	c.ID, c.At = e.ids.next(), now.Add(min(after, maxAhead)).Truncate(time.Millisecond)
	e.keep(&c)
	e.touch(kindCreate, c.ID)
}

// keep adds a create to those that are known and, unless it is done, to those
// that are due. At the same time the oldest takes effect first.
func (e *Engine) keep(c *Create) {
	e.creates[c.ID] = c
	if c.Done {
		return
	}
	i, _ := slices.BinarySearchFunc(e.late, c.At, func(other *Create, at time.Time) int {
		if other.At.After(at) {
			return 1
		}
		return -1
	})
	e.late = slices.Insert(e.late, i, c)
}

// takeEffect makes what the next create asks for, at its time.
func (e *Engine) takeEffect() {
	c := e.late[0]
	e.late = slices.Delete(e.late, 0, 1)
	c.Done = true
	e.touch(kindCreate, c.ID)
	if c.Payment != nil {
		if p, err := e.createPayment(*c.Payment, 0, c.At); err == nil {
			c.MadeID = p.ID
		}
	} else if i, err := e.createInvoice(*c.Invoice, c.At); err == nil {
		c.MadeID = i.ID
	}
}

// LateCreates returns the creates that take effect late, in the order in which
// they were received, with those that have.
func (e *Engine) LateCreates() []Create {
	e.begin()
	defer e.mu.Unlock()
	list := make([]Create, 0, len(e.creates))
	for _, c := range e.creates {
		list = append(list, *c)
	}
	slices.SortFunc(list, func(a, b Create) int { return cmp.Compare(a.ID, b.ID) })
	return list
}
