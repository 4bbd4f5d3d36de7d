package orders

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/internal/double"
)

// memberRefunded is the member with the refunded part of a payment. It is not
// documented by JovePay; without it a refund is of the whole payment.
const memberRefunded = "refunded_amount"

// fact is one report of a payment: what a notification, a response or a row of
// the list said. Reports that are about the same state are one fact.
type fact struct {
	Position string          `json:"position"` // of [inbox.Entry]: newer facts have greater ones
	Payment  jovepay.Payment `json:"payment"`  // only the members that the book uses
	Fee      *jovepay.Fee    `json:"fee,omitzero"`
}

// newFact returns the fact that an event reports.
func newFact(event *jovepay.PaymentEvent, entry inbox.Entry) fact {
	p := &event.Payment
	f := fact{Position: entry.Position, Fee: event.Fee, Payment: jovepay.Payment{
		ID: p.ID, ParentPaymentID: p.ParentPaymentID, InvoiceID: p.InvoiceID, Status: p.Status, OrderID: p.OrderID,
		PriceAmount: p.PriceAmount, PriceCurrency: p.PriceCurrency,
		PayAddress: p.PayAddress, PayinExtraID: p.PayinExtraID, PayAmount: p.PayAmount, PayCurrency: ticker(p.PayCurrency),
		ActuallyPaid: p.ActuallyPaid, OutcomeAmount: p.OutcomeAmount, OutcomeCurrency: p.OutcomeCurrency,
		OriginType: p.OriginType, Network: p.Network, CreatedAt: p.CreatedAt, ExpirationEstimateDate: p.ExpirationEstimateDate,
	}}
	keep := func(name string, value json.RawMessage) {
		if f.Payment.Extra == nil {
			f.Payment.Extra = map[string]json.RawMessage{}
		}
		f.Payment.Extra[name] = value
	}
	for _, name := range slices.Sorted(maps.Keys(p.Extra)) {
		switch value := p.Extra[name]; {
		case memberName(name) == memberName(memberRefunded):
			keep(memberRefunded, value)
		case isUnreadable(name, value):
			keep(name, value)
		}
	}
	return f
}

// isUnreadable reports whether a member decides something and could not be read.
func isUnreadable(name string, value json.RawMessage) bool {
	p := jovepay.Payment{Response: jovepay.Response{Extra: map[string]json.RawMessage{name: value}}}
	_, ok := p.Unreadable()
	return ok
}

// memberName returns the name of a member, whichever way it is spelled.
func memberName(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

// texts returns where a payment has its texts, by [memberName].
func texts(p *jovepay.Payment) map[string]*string {
	return map[string]*string{
		"parentpaymentid": (*string)(&p.ParentPaymentID), "invoiceid": (*string)(&p.InvoiceID), "orderid": &p.OrderID,
		"pricecurrency": &p.PriceCurrency, "paycurrency": &p.PayCurrency, "outcomecurrency": &p.OutcomeCurrency,
		"origintype": &p.OriginType, "payaddress": &p.PayAddress, "payinextraid": &p.PayinExtraID, "network": &p.Network,
	}
}

// amounts returns where a payment has its amounts, by [memberName].
func amounts(p *jovepay.Payment) map[string]*jovepay.Amount {
	return map[string]*jovepay.Amount{
		"priceamount": &p.PriceAmount, "payamount": &p.PayAmount, "actuallypaid": &p.ActuallyPaid, "outcomeamount": &p.OutcomeAmount,
	}
}

// has reports whether a payment has a deciding member, in the member's field. An
// amount of zero is as good as none.
func has(p *jovepay.Payment, name string) bool {
	if text := texts(p)[name]; text != nil {
		return *text != ""
	}
	amount := amounts(p)[name]
	return amount == nil || amount.Sign() != 0 // it always has an id and a status
}

// unknownCoin is what a coin is called whose ticker cannot be one. No payment is
// asked for in it.
const unknownCoin = "(unknown)"

// ticker returns the coin's ticker as the ledger can have it.
func ticker(coin string) string {
	const longest = 32
	if len(coin) > longest || strings.ContainsFunc(coin, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return unknownCoin
	}
	return coin
}

// view is what all facts of a payment say together. Each member is from the
// newest fact that has it, so that the order in which facts arrived does not
// count, and a report with fewer members erases nothing. Extra has the deciding
// members that could not be read, and were not read since.
type view struct {
	jovepay.Payment

	coin         string         // that was asked for: of the oldest fact that names one, and is not of a wrong asset
	asked        jovepay.Amount // the most that was ever asked for
	receivedIn   string         // the coin of ActuallyPaid
	refundedPart jovepay.Amount // the most that was ever reported; null if it was not
	fee          *jovepay.Fee
}

// facts are what is known of a payment, the oldest first: every fact that a view
// takes a member from, and no other.
type facts []fact

// add returns the facts with f among them.
func (fs facts) add(f fact) facts {
	at, found := slices.BinarySearchFunc(fs, f, func(a, b fact) int { return strings.Compare(a.Position, b.Position) })
	merged := slices.Clone(fs)
	if found {
		// The same state, from another source: either may have members that
		// count for nothing in a position.
		merged[at] = complete(f, merged[at])
	} else {
		merged = slices.Insert(merged, at, f)
	}
	return merged.used()
}

// complete returns a with the members that only b has. If both have one, the
// lesser text counts, so that it does not matter which came first.
func complete(a, b fact) fact {
	p, q := &a.Payment, &b.Payment
	others, otherAmounts := texts(q), amounts(q)
	for name, text := range texts(p) {
		*text = lesser(*text, *others[name])
	}
	for name, amount := range amounts(p) {
		if other := otherAmounts[name]; lesser(amount.String(), other.String()) != amount.String() {
			*amount = *other
		}
	}
	for _, time := range [][2]*jovepay.Time{{&p.CreatedAt, &q.CreatedAt}, {&p.ExpirationEstimateDate, &q.ExpirationEstimateDate}} {
		if time[0].IsZero() || !time[1].IsZero() && time[1].Before(time[0].Time) {
			*time[0] = *time[1]
		}
	}
	p.Extra = maps.Clone(p.Extra)
	for name, value := range q.Extra {
		if p.Extra == nil {
			p.Extra = map[string]json.RawMessage{}
		}
		if a, b := refundOf(p.Extra[name]), refundOf(value); name == memberRefunded && !a.Equal(b) {
			if a.LessThan(b) {
				p.Extra[name] = value
			}
			continue
		}
		p.Extra[name] = json.RawMessage(lesser(string(p.Extra[name]), string(value)))
	}
	for name, value := range p.Extra {
		if isUnreadable(name, value) { // and is not known from elsewhere
			clearMember(p, memberName(name))
		}
	}
	if lesser(feeText(a.Fee), feeText(b.Fee)) != feeText(a.Fee) {
		a.Fee = b.Fee
	}
	return a
}

func clearMember(p *jovepay.Payment, name string) {
	if text := texts(p)[name]; text != nil {
		*text = ""
	}
	if amount := amounts(p)[name]; amount != nil {
		*amount = jovepay.Amount{}
	}
}

// feeText returns a text that only equal fees have in common.
func feeText(f *jovepay.Fee) string {
	if f == nil {
		return ""
	}
	return strings.Join([]string{f.Currency, f.DepositFee.String(), f.WithdrawalFee.String(), f.ServiceFee.String()}, " ")
}

// lesser returns the lesser of two texts, or the only one that is not empty.
func lesser(a, b string) string {
	if a == "" || b == "" {
		return cmp.Or(a, b)
	}
	return min(a, b)
}

// used returns the facts that a view takes a member from.
func (fs facts) used() facts {
	_, used := fs.fold()
	var kept facts
	for i, f := range fs {
		if used[i] {
			kept = append(kept, f)
		}
	}
	return kept
}

func (fs facts) view() view {
	v, _ := fs.fold()
	return v
}

// fold returns what the facts say together, and which of them it is from.
func (fs facts) fold() (v view, used []bool) {
	f := folding{view: &v, sources: map[string]int{}, unread: map[string]string{}}
	for i := range fs {
		f.add(i, &fs[i])
	}
	for member, name := range f.unread {
		if v.Extra == nil {
			v.Extra = map[string]json.RawMessage{}
		}
		v.Extra[name] = fs[f.sources[unreadKey+member]].Payment.Extra[name]
	}
	v.receivedIn = cmp.Or(v.receivedIn, v.PayCurrency)
	used = make([]bool, len(fs))
	for _, i := range f.sources {
		used[i] = true
	}
	return v, used
}

// folding makes a view of facts, added from the oldest to the newest.
type folding struct {
	*view

	sources map[string]int    // of each member: the fact that it is from
	unread  map[string]string // the members that could not be read, and the names that they have
	isAsked bool              // coin is what was asked for, not just what came
}

// unreadKey begins the key of the source of a member that could not be read.
const unreadKey = "unread "

// take notes that a member is from fact i, if that has it.
func (f *folding) take(member string, i int, has bool) bool {
	if has {
		f.sources[member] = i
	}
	return has
}

func (f *folding) text(member string, i int, to *string, from string) {
	if f.take(member, i, from != "") {
		*to = from
	}
}

// amount takes an amount. Zero is as good as none.
func (f *folding) amount(member string, i int, to *jovepay.Amount, from jovepay.Amount) bool {
	has := f.take(member, i, from.Sign() != 0)
	if has {
		*to = from
	}
	return has
}

func (f *folding) time(member string, i int, to *jovepay.Time, from jovepay.Time) {
	if f.take(member, i, !from.IsZero()) {
		*to = from
	}
}

// add adds the fact with index i.
func (f *folding) add(i int, from *fact) {
	p := &from.Payment
	f.take("top", i, true)
	f.ID, f.Status = p.ID, p.Status
	f.text("parent", i, (*string)(&f.ParentPaymentID), string(p.ParentPaymentID))
	f.text("invoice", i, (*string)(&f.InvoiceID), string(p.InvoiceID))
	f.text("order", i, &f.OrderID, p.OrderID)
	f.text("price currency", i, &f.PriceCurrency, p.PriceCurrency)
	f.text("address", i, &f.PayAddress, p.PayAddress)
	f.text("memo", i, &f.PayinExtraID, p.PayinExtraID)
	f.text("pay currency", i, &f.PayCurrency, p.PayCurrency)
	f.text("outcome currency", i, &f.OutcomeCurrency, p.OutcomeCurrency)
	f.text("origin", i, &f.OriginType, p.OriginType)
	f.text("network", i, &f.Network, p.Network)
	f.amount("price", i, &f.PriceAmount, p.PriceAmount)
	f.amount("pay", i, &f.PayAmount, p.PayAmount)
	f.amount("outcome", i, &f.OutcomeAmount, p.OutcomeAmount)
	f.time("created", i, &f.CreatedAt, p.CreatedAt)
	f.time("expires", i, &f.ExpirationEstimateDate, p.ExpirationEstimateDate)
	if f.take("fee", i, from.Fee != nil) {
		f.fee = from.Fee
	}
	f.addCoins(i, p)
	f.addUnread(i, p)
}

// addCoins adds what was asked for, what came and what was returned.
func (f *folding) addCoins(i int, p *jovepay.Payment) {
	if isAsked := p.Status != jovepay.PaymentWrongAssetConfirmed; f.coin == "" || isAsked && !f.isAsked {
		f.text("coin", i, &f.coin, p.PayCurrency)
		f.isAsked = isAsked && p.PayCurrency != ""
	}
	if p.PayAmount.Cmp(f.asked) > 0 {
		f.amount("asked", i, &f.asked, p.PayAmount)
	}
	if f.amount("paid", i, &f.ActuallyPaid, p.ActuallyPaid) {
		f.receivedIn = p.PayCurrency
	}
	if part, ok := refundedPart(p); f.take("refunded", i, ok && part.Cmp(f.refundedPart) > 0) {
		f.refundedPart = part
	}
}

// addUnread adds the deciding members that could not be read. They count until a
// newer fact has them.
func (f *folding) addUnread(i int, p *jovepay.Payment) {
	for member := range f.unread {
		if has(p, member) {
			delete(f.unread, member)
			delete(f.sources, unreadKey+member)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Extra)) {
		if member := memberName(name); f.take(unreadKey+member, i, isUnreadable(name, p.Extra[name])) {
			f.unread[member] = name
		}
	}
}

// smallest is how many decimal places an amount has at most, as in the inbox.
const smallest = 40

// refundOf returns the amount that a member reports as refunded, or zero.
func refundOf(value json.RawMessage) decimal.Decimal {
	var part jovepay.Amount
	if part.UnmarshalJSON(value) != nil || part.Sign() <= 0 || part.Decimal().Exponent() < -smallest {
		return decimal.Zero
	}
	return part.Decimal()
}

// refundedPart returns the part of a payment that was refunded, if p reports one.
func refundedPart(p *jovepay.Payment) (part jovepay.Amount, ok bool) {
	amount := refundOf(p.Extra[memberRefunded])
	return jovepay.NewAmount(amount), amount.IsPositive()
}

// received returns how much of the payment arrived.
func (v *view) received() decimal.Decimal { return v.ActuallyPaid.Decimal() }

// isChild reports whether the payment is a further deposit to an address that was
// already paid.
func (v *view) isChild() bool {
	return v.ParentPaymentID != "" || strings.EqualFold(v.OriginType, "REPEATED")
}

// hasCoins reports whether coins were seen.
func (v *view) hasCoins() bool {
	if _, unread := v.Unreadable(); unread || v.received().IsPositive() {
		return true // what could not be read may be an amount
	}
	switch v.Status {
	case jovepay.PaymentWaiting, jovepay.PaymentExpired, jovepay.PaymentFailed, jovepay.PaymentCancelled, jovepay.PaymentCanceled:
		return false
	}
	return v.Status.Known()
}

// isOver reports whether JovePay accepts no more coins as this payment.
func (v *view) isOver() bool {
	return v.Status.Final() && v.Status != jovepay.PaymentPartiallyPaid
}

// sameAmount reports whether two amounts are the same double, and so the same
// amount to JovePay.
func sameAmount(a, b decimal.Decimal) bool {
	return a.Equal(b) || double.Shortest(a.String()) == double.Shortest(b.String())
}
