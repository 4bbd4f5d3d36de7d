package engine

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/shopspring/decimal"
)

// The kinds of records that make up the engine's state.
const (
	kindAccount  = "account"
	kindCreate   = "create"
	kindCurrency = "currency"
	kindInvoice  = "invoice"
	kindPayment  = "payment"
	kindTransfer = "transfer"
)

// accountID is the id of the one record of its kind.
const accountID = "main"

// stateVersion is raised when a record changes its form. The members of a
// record are named as the fields are, so a field's new name is such a change.
const stateVersion = 1

// Record is a part of the engine's state in a form that can be kept.
type Record struct {
	Kind, ID string
	Data     []byte // JSON
}

// accountRecord is what the engine knows besides what has its own id.
type accountRecord struct {
	Version int
	Seed    uint64
	IDs     int64 // below which all ids are
	Logins  uint64
	Ahead   int64 // of the clock, in nanoseconds
}

// currencyRecord is a currency that has changed.
type currencyRecord struct {
	Ticker  string
	Place   int // in the list of coins; -1 for fiat money
	Offered bool
	USD     decimal.Decimal
	Minimum decimal.Decimal
}

// paymentRecord is a payment and when it is due to change, if it is.
type paymentRecord struct {
	Payment
	Due time.Time `json:",omitzero"`
}

// mark names a record that is to be saved.
type mark struct {
	kind   string
	number int64
	ticker string
}

// id is the mark's record's.
func (m mark) id() string {
	if m.kind == kindCurrency {
		return m.ticker
	}
	return strconv.FormatInt(m.number, 10)
}

// Keep makes the engine remember what [Engine.Save] is to save. It is called
// before anything changes, but for [Engine.Restore].
func (e *Engine) Keep() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.unsaved = make(map[mark]struct{})
}

// touch marks a record that was changed or created, or will be before the lock is
// released. Everything that changes a record calls it.
func (e *Engine) touch(kind string, number int64) { e.mark(mark{kind: kind, number: number}) }

func (e *Engine) touchCurrency(ticker string) { e.mark(mark{kind: kindCurrency, ticker: ticker}) }

func (e *Engine) mark(m mark) {
	if e.unsaved != nil {
		e.unsaved[m] = struct{}{}
	}
}

// Save hands the records that have changed since the last time to save, which
// is not called if there are none. If it fails they count as changed still.
// One call must have ended before the next begins.
func (e *Engine) Save(save func([]Record) error) error {
	marks, account, values := e.collect()
	if len(values) == 0 {
		return nil
	}
	records := make([]Record, 0, len(values))
	err := error(nil)
	for i, value := range values {
		r := Record{Kind: kindAccount, ID: accountID}
		if i < len(marks) {
			r.Kind, r.ID = marks[i].kind, marks[i].id()
		}
		if r.Data, err = json.Marshal(value); err != nil {
			break
		}
		records = append(records, r)
	}
	if err == nil {
		err = save(records)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err != nil {
		for _, m := range marks {
			e.mark(m)
		}
		return err
	}
	e.saved = account
	return nil
}

// collect takes the marks off and returns what they stand for, in an order that
// does not depend on chance; the account, if it changed, is the last.
func (e *Engine) collect() (marks []mark, account accountRecord, values []any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	marks = slices.SortedFunc(maps.Keys(e.unsaved), func(a, b mark) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.number, b.number), cmp.Compare(a.ticker, b.ticker))
	})
	clear(e.unsaved)
	for _, m := range marks {
		values = append(values, e.value(m))
	}
	account = e.accountRecord()
	if account != e.saved {
		values = append(values, account)
	}
	return marks, account, values
}

func (e *Engine) accountRecord() accountRecord {
	return accountRecord{Version: stateVersion, Seed: e.seed, IDs: e.ids.bottom, Logins: e.logins, Ahead: int64(e.ahead)}
}

// value is a copy of what the mark stands for. It is called under the lock.
func (e *Engine) value(m mark) any {
	switch m.kind {
	case kindCurrency:
		c := e.currencies[m.ticker]
		return currencyRecord{c.Ticker, slices.Index(e.tickers, c.Ticker), c.offered, c.usd, c.minimum}
	case kindCreate:
		return *e.creates[m.number]
	case kindInvoice:
		return e.invoices[m.number].Invoice
	case kindTransfer:
		return *e.transfers[m.number]
	default:
		p := paymentRecord{Payment: e.payments[m.number].Payment}
		if r := e.payments[m.number]; r.place > 0 {
			p.Due = r.due
		}
		return p
	}
}
