package engine

// isOver reports whether nobody is to pay a payment of this status any more, so
// that another one may take its place.
func isOver(status string) bool {
	return status == PaymentExpired || status == PaymentFailed || status == PaymentRefunded
}

// Duplicates returns, for each order and coin, the payments of which one was
// created before another was over: at least two each, in the order of their
// creation. Payments without an order, those of invoices and children do not count.
func (e *Engine) Duplicates() [][]Payment {
	e.begin()
	defer e.mu.Unlock()
	type key struct{ order, coin string }
	groups := make(map[key]timeline)
	var keys []key
	for _, r := range e.created {
		if r.OrderID == "" || r.InvoiceID != 0 || r.ParentID != 0 {
			continue
		}
		k := key{r.OrderID, r.PayCurrency}
		if len(groups[k]) == 0 {
			keys = append(keys, k)
		}
		groups[k] = append(groups[k], r)
	}
	var all [][]Payment
	for _, k := range keys {
		if found := groups[k].overlapping(); len(found) > 0 {
			all = append(all, found.copies(false))
		}
	}
	return all
}

// overlapping returns the payments of which one was created before another was
// over.
func (t timeline) overlapping() (found timeline) {
	last := 0 // the one that is over last, of those before
	marked := make([]bool, len(t))
	for i := 1; i < len(t); i++ {
		if over := t[last].OverAt; over.IsZero() || over.After(t[i].CreatedAt) {
			marked[last], marked[i] = true, true
		}
		if over := t[i].OverAt; !t[last].OverAt.IsZero() && (over.IsZero() || over.After(t[last].OverAt)) {
			last = i
		}
	}
	for i, r := range t {
		if marked[i] {
			found = append(found, r)
		}
	}
	return found
}
