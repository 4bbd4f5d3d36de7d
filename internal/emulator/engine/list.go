package engine

import (
	"cmp"
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// timeline holds payments in the order of creation.
type timeline []*record

// insert keeps the order even when the clock was set back.
func (t *timeline) insert(r *record) {
	n := len(*t)
	if n == 0 || !r.CreatedAt.Before((*t)[n-1].CreatedAt) {
		*t = append(*t, r)
		return
	}
	*t = slices.Insert(*t, t.after(r.CreatedAt), r)
}

// after is the index of the first payment created after the time.
func (t timeline) after(at time.Time) int {
	i, _ := slices.BinarySearchFunc(t, at, func(r *record, at time.Time) int {
		if r.CreatedAt.After(at) {
			return 1
		}
		return -1
	})
	return i
}

// between is the part of the timeline from one time to another, both
// included; a zero time is no bound.
func (t timeline) between(from, to time.Time) timeline {
	if !to.IsZero() {
		t = t[:t.after(to)]
	}
	if !from.IsZero() {
		// Creation times are whole milliseconds.
		t = t[t.after(from.Add(-time.Nanosecond)):]
	}
	return t
}

func (t timeline) copies(reverse bool) []Payment {
	payments := make([]Payment, len(t))
	for i, r := range t {
		payments[i] = r.Payment
	}
	if reverse {
		slices.Reverse(payments)
	}
	return payments
}

// ListOptions choose a page of the payments.
type ListOptions struct {
	Limit, Page int
	SortBy      string // "": created_at
	Descending  bool
	From, To    time.Time // of creation, both included; zero is no bound
	InvoiceID   int64     // 0: all
}

// MaxLimit is the largest page.
const MaxLimit = 500

// Page is one page of a list.
type Page struct {
	Payments []Payment
	Total    int // in all pages
}

// List returns one page. Sorted by creation it costs as much as the page,
// however many payments there are; any other order sorts them all.
func (e *Engine) List(o ListOptions) (Page, error) {
	if o.Limit < 1 || o.Limit > MaxLimit {
		return Page{}, InvalidParam("limit must be from 1 to %d", MaxLimit)
	}
	if o.Page < 0 {
		return Page{}, InvalidParam("page must not be negative")
	}
	if !o.From.IsZero() && !o.To.IsZero() && o.To.Before(o.From) {
		return Page{}, InvalidParam("dateFrom must not be after dateTo")
	}
	order, err := compareBy(o.SortBy)
	if err != nil {
		return Page{}, err
	}
	now := e.begin()
	defer e.mu.Unlock()
	past := e.past(now)
	all := e.created
	if o.InvoiceID != 0 {
		all = nil
		if invoice, ok := e.invoices[o.InvoiceID]; ok {
			all = invoice.payments
		}
	}
	all = all.between(o.From, past.bound(o.To))
	if order != nil {
		all = slices.Clone(all)
		slices.SortStableFunc(all, func(a, b *record) int { return order(past.of(&a.Payment), past.of(&b.Payment)) })
	}
	first := len(all)
	if o.Page <= len(all)/o.Limit { // else the product could overflow
		first = min(len(all), o.Page*o.Limit)
	}
	last := min(len(all), first+o.Limit)
	total := len(all)
	if o.Descending {
		first, last = total-last, total-first
	}
	payments := all[first:last].copies(o.Descending)
	for i := range payments {
		payments[i] = *past.of(&payments[i])
	}
	return Page{Payments: payments, Total: total}, nil
}

// compareBy returns the order of a sortBy parameter, nil for the order of
// creation.
func compareBy(sortBy string) (func(a, b *Payment) int, error) {
	amounts := func(of func(*Payment) decimal.Decimal) func(a, b *Payment) int {
		return func(a, b *Payment) int { return of(a).Cmp(of(b)) }
	}
	switch sortBy {
	case "", "created_at":
		return nil, nil
	case "payment_id":
		return by(func(p *Payment) int64 { return p.ID }), nil
	case "payment_status":
		return by(func(p *Payment) string { return p.Status }), nil
	case "pay_address":
		return by(func(p *Payment) string { return p.PayAddress }), nil
	case "price_amount":
		return amounts(func(p *Payment) decimal.Decimal { return p.PriceAmount }), nil
	case "price_currency":
		return by(func(p *Payment) string { return p.PriceCurrency }), nil
	case "pay_amount":
		return amounts(func(p *Payment) decimal.Decimal { return p.PayAmount }), nil
	case "actually_paid":
		return amounts(func(p *Payment) decimal.Decimal { return p.ActuallyPaid }), nil
	case "pay_currency":
		return by(func(p *Payment) string { return p.PayCurrency }), nil
	case "order_id":
		return by(func(p *Payment) string { return p.OrderID }), nil
	case "order_description":
		return by(func(p *Payment) string { return p.OrderDescription }), nil
	case "purchase_id":
		return by(func(p *Payment) int64 { return p.PurchaseID }), nil
	case "outcome_amount":
		return amounts(func(p *Payment) decimal.Decimal { return p.OutcomeAmount }), nil
	case "outcome_currency":
		return by(func(p *Payment) string { return p.PayoutCurrency }), nil
	default:
		return nil, InvalidParam("sortBy %.20q is not a field to sort by", sortBy)
	}
}

func by[K cmp.Ordered](key func(*Payment) K) func(a, b *Payment) int {
	return func(a, b *Payment) int { return cmp.Compare(key(a), key(b)) }
}
