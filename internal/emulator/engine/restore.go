package engine

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/shopspring/decimal"
)

// Restore gives a new engine the state of another when it saved the records. It
// restores all of them, or fails with an error that names one; the engine is of
// no use then. Without records the state is new.
func (e *Engine) Restore(records []Record) error {
	if len(records) == 0 {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	r := restoration{engine: e, ids: make(map[int64]string), seen: make(map[[2]string]bool, len(records))}
	for _, record := range records {
		if err := r.read(record); err != nil {
			return about(record.Kind, record.ID, err)
		}
	}
	for _, step := range []func() error{r.account, r.currencies, r.invoices, r.payments, r.families, r.transfers, r.creates} {
		if err := step(); err != nil {
			return err
		}
	}
	e.saved = e.accountRecord()
	return nil
}

// checks collects the first thing that is wrong with a record.
type checks struct{ err error }

func (c *checks) add(err error) {
	if c.err == nil {
		c.err = err
	}
}

func (c *checks) require(ok bool, format string, args ...any) {
	if c.err == nil && !ok {
		c.err = fmt.Errorf(format, args...)
	}
}

func about[ID int64 | string](kind string, id ID, err error) error {
	return fmt.Errorf("record %s %v: %w", kind, id, err)
}

// restoration turns records into an engine. First all are read, then they are
// put together, in the order of what they refer to.
type restoration struct {
	engine *Engine
	seen   map[[2]string]bool
	ids    map[int64]string // the kind of record that has the id

	accounts        []accountRecord
	createRecords   []Create
	currencyRecords []currencyRecord
	invoiceRecords  []Invoice
	paymentRecords  []paymentRecord
	transferRecords []Transfer
}

func (r *restoration) read(record Record) error {
	key := [2]string{record.Kind, record.ID}
	if r.seen[key] {
		return errors.New("it is there twice")
	}
	r.seen[key] = true
	switch record.Kind {
	case kindAccount:
		return readInto(&r.accounts, record, func(*accountRecord) string { return accountID })
	case kindCreate:
		return readInto(&r.createRecords, record, func(c *Create) string { return strconv.FormatInt(c.ID, 10) })
	case kindCurrency:
		return readInto(&r.currencyRecords, record, func(c *currencyRecord) string { return c.Ticker })
	case kindInvoice:
		return readInto(&r.invoiceRecords, record, func(i *Invoice) string { return strconv.FormatInt(i.ID, 10) })
	case kindPayment:
		return readInto(&r.paymentRecords, record, func(p *paymentRecord) string { return strconv.FormatInt(p.ID, 10) })
	case kindTransfer:
		return readInto(&r.transferRecords, record, func(t *Transfer) string { return strconv.FormatInt(t.ID, 10) })
	default:
		return errors.New("its kind is not known")
	}
}

// readInto appends what the record holds, which must have the record's id.
func readInto[T any](list *[]T, record Record, id func(*T) string) error {
	var value T
	if err := json.Unmarshal(record.Data, &value, json.RejectUnknownMembers(true)); err != nil {
		return err
	}
	if p, ok := any(&value).(*paymentRecord); ok && p.PaymentRequest == nil {
		return errors.New("it has no request")
	}
	if got := id(&value); got != record.ID {
		return fmt.Errorf("its data are those of %q", got)
	}
	*list = append(*list, value)
	return nil
}

func (r *restoration) account() error {
	if len(r.accounts) == 0 {
		return fmt.Errorf("record %s %s is missing", kindAccount, accountID)
	}
	a, e := r.accounts[0], r.engine
	switch first := e.ids.bottom; {
	case a.Version != stateVersion:
		return about(kindAccount, accountID, fmt.Errorf("version %d is not %d", a.Version, stateVersion))
	case a.Seed != e.seed:
		return about(kindAccount, accountID, fmt.Errorf("seed %d is not the server's, %d", a.Seed, e.seed))
	case a.IDs < first || (a.IDs-first)%idStep != 0:
		return about(kindAccount, accountID, fmt.Errorf("%d is not where the ids of the seed can be", a.IDs))
	case a.Ahead < 0 || time.Duration(a.Ahead) > maxAhead:
		return about(kindAccount, accountID, fmt.Errorf("the clock cannot be ahead by %v", time.Duration(a.Ahead)))
	}
	e.ids.bottom, e.logins, e.ahead = a.IDs, a.Logins, time.Duration(a.Ahead)
	return nil
}

func (r *restoration) currencies() error {
	e := r.engine
	slices.SortFunc(r.currencyRecords, func(a, b currencyRecord) int { return cmp.Compare(a.Place, b.Place) })
	for _, record := range r.currencyRecords {
		c, known := e.currencies[record.Ticker]
		if !known {
			if !isTicker(record.Ticker) {
				return about(kindCurrency, record.Ticker, errors.New("it is no ticker"))
			}
			c = newCurrency(record.Ticker)
			e.addCurrency(c)
		}
		if place := slices.Index(e.tickers, record.Ticker); place != record.Place {
			return about(kindCurrency, record.Ticker, fmt.Errorf("place %d should be %d", record.Place, place))
		}
		var check checks
		check.add(checkAmount("price", record.USD))
		check.add(checkKept("minimum", record.Minimum))
		check.require(!c.fiat || !record.Offered, "it is not a coin")
		if check.err != nil {
			return about(kindCurrency, record.Ticker, check.err)
		}
		c.usd, c.minimum, c.offered = record.USD, record.Minimum, record.Offered
	}
	return nil
}

func (r *restoration) invoices() error {
	for _, i := range r.invoiceRecords {
		var check checks
		check.add(r.claim(i.ID, kindInvoice))
		check.add(r.claim(i.TokenID, kindInvoice))
		check.add(r.checkPriced(i.PriceCurrency, i.PriceAmount))
		check.add(checkTimes(i.CreatedAt))
		if i.PayCurrency != "" {
			check.add(r.coin(i.PayCurrency))
		}
		if check.err != nil {
			return about(kindInvoice, i.ID, check.err)
		}
		r.engine.invoices[i.ID] = &invoiceRecord{Invoice: i}
	}
	return nil
}

// payments come in the order of their ids, which is that of their making.
func (r *restoration) payments() error {
	e := r.engine
	slices.SortFunc(r.paymentRecords, func(a, b paymentRecord) int { return cmp.Compare(a.ID, b.ID) })
	for i := range r.paymentRecords {
		p := &r.paymentRecords[i]
		if err := r.checkPayment(p); err != nil {
			return about(kindPayment, p.ID, err)
		}
		p.Coin, p.seed = &e.currencies[p.PayCurrency].Coin, e.seed
		if len(p.ChildIDs) == 0 {
			p.ChildIDs = nil // which is written in another way than an empty list
		}
		if isOver(p.Status) && p.OverAt.IsZero() {
			p.OverAt = p.UpdatedAt // saved before there was an OverAt
		}
		made := &record{Payment: p.Payment}
		e.payments[p.ID] = made
		e.created.insert(made)
		if invoice := e.invoices[p.InvoiceID]; invoice != nil {
			invoice.payments.insert(made)
		}
		if !p.Due.IsZero() {
			e.schedule(made, p.Due)
		}
	}
	return nil
}

func (r *restoration) checkPayment(p *paymentRecord) error {
	var check checks
	check.add(r.claim(p.ID, kindPayment))
	check.add(checkStatus(p.Status))
	check.add(checkCase(p.Case))
	check.add(r.checkPriced(p.PriceCurrency, p.PriceAmount))
	check.add(checkKept("pay_amount", p.PayAmount))
	check.add(checkKept("actually_paid", p.ActuallyPaid))
	for _, amount := range p.Unassigned {
		check.add(checkKept("unassigned", amount))
	}
	check.require(len(p.Unassigned) == 0 || p.PayinExtraID != "", "it has deposits without a memo, but no memo")
	check.add(checkKept("outcome_amount", p.OutcomeAmount))
	check.add(checkKept("service_fee", p.ServiceFee))
	check.add(checkKept("refunded", p.Refunded))
	check.add(checkTimes(p.CreatedAt, p.UpdatedAt))
	check.add(r.coin(p.PayCurrency))
	check.require(r.engine.currencies[p.PayoutCurrency] != nil, "currency %.20q is not known", p.PayoutCurrency)
	check.require(p.InvoiceID == 0 || r.engine.invoices[p.InvoiceID] != nil, "its invoice %d is missing", p.InvoiceID)
	check.require(p.PurchaseID > 0 && p.PayAddress != "", "its purchase or its address is missing")
	check.require(p.Status != PaymentWaiting || !p.Due.IsZero(), "it waits without an end")
	check.require(p.next() != "" || p.Due.IsZero(), "nothing is due at status %s", p.Status)
	return check.err
}

// families checks that parents and children know each other.
func (r *restoration) families() error {
	e := r.engine
	children := make(map[int64][]int64)
	for _, p := range r.paymentRecords { // sorted
		if p.ParentID == 0 {
			continue
		}
		parent, ok := e.payments[p.ParentID]
		switch {
		case !ok:
			return about(kindPayment, p.ID, fmt.Errorf("its parent %d is missing", p.ParentID))
		case parent.ParentID != 0:
			return about(kindPayment, p.ID, fmt.Errorf("its parent %d is a child", p.ParentID))
		}
		children[p.ParentID] = append(children[p.ParentID], p.ID)
	}
	for _, p := range r.paymentRecords {
		if !slices.Equal(p.ChildIDs, children[p.ID]) {
			return about(kindPayment, p.ID, fmt.Errorf("its children are %d, not %d", children[p.ID], p.ChildIDs))
		}
	}
	return nil
}

func (r *restoration) transfers() error {
	for _, t := range r.transferRecords {
		var check checks
		check.add(r.claim(t.ID, kindTransfer))
		check.add(checkStatus(t.Status))
		check.add(checkKept("amount", t.Amount))
		check.add(checkKept("fee", t.Fee))
		check.add(checkTimes(t.CreatedAt))
		check.add(r.coin(t.Currency))
		if !t.Recurring {
			check.add(r.claim(t.BatchID, kindTransfer))
		}
		if check.err != nil {
			return about(kindTransfer, t.ID, check.err)
		}
		r.engine.transfers[t.ID] = &t
	}
	return nil
}

// creates come last: what they have made is there by now.
func (r *restoration) creates() error {
	e := r.engine
	slices.SortFunc(r.createRecords, func(a, b Create) int { return cmp.Compare(a.ID, b.ID) })
	for _, c := range r.createRecords {
		var check checks
		check.add(r.claim(c.ID, kindCreate))
		check.add(checkTimes(c.At))
		check.require((c.Payment != nil) != (c.Invoice != nil), "it wants one of a payment and an invoice")
		check.require(c.Done || c.MadeID == 0, "it has made something before its time")
		switch {
		case c.MadeID == 0:
		case c.Payment != nil:
			check.require(e.payments[c.MadeID] != nil, "its payment %d is missing", c.MadeID)
		default:
			check.require(e.invoices[c.MadeID] != nil, "its invoice %d is missing", c.MadeID)
		}
		if check.err != nil {
			return about(kindCreate, c.ID, check.err)
		}
		e.keep(&c)
	}
	return nil
}

// claim assigns an id, once.
func (r *restoration) claim(id int64, kind string) error {
	if id >= r.engine.ids.bottom || id <= 0 {
		return fmt.Errorf("id %d was not assigned yet: ids are below %d", id, r.engine.ids.bottom)
	}
	if other, taken := r.ids[id]; taken {
		return fmt.Errorf("id %d is also that of a record %s", id, other)
	}
	r.ids[id] = kind
	return nil
}

func (r *restoration) checkPriced(ticker string, amount decimal.Decimal) error {
	if r.engine.currencies[ticker] == nil {
		return fmt.Errorf("currency %.20q is not known", ticker)
	}
	return checkKept("price_amount", amount)
}

func (r *restoration) coin(ticker string) error {
	if c, ok := r.engine.currencies[ticker]; !ok || c.fiat {
		return fmt.Errorf("coin %.20q is not known", ticker)
	}
	return nil
}

// checkKept rejects amounts that the engine never makes and whose arithmetic
// could take long. Those that it converts can exceed what it accepts.
func checkKept(field string, d decimal.Decimal) error {
	const most = 100
	if d.Sign() < 0 || d.Exponent() < -most || d.Exponent() > most || d.NumDigits() > 2*most {
		return fmt.Errorf("%s is out of bounds", field)
	}
	return nil
}

func checkTimes(times ...time.Time) error {
	for _, at := range times {
		if at.IsZero() {
			return errors.New("a time is missing")
		}
	}
	return nil
}
