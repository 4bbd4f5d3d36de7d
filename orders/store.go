package orders

import (
	"context"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
)

// Store keeps the orders of a [Book] in a database. Tx is the transaction that
// the shop's hooks work in, such as [*database/sql.Tx].
//
// A Store keeps what it is given and understands none of it: the rules are in
// the Book. It is safe for concurrent use, by any number of processes if its
// database is. It compares order ids, part ids and payment ids byte by byte, and
// accepts any valid UTF-8 without NUL, up to 255 bytes. Times are those of the
// database's clock, to the microsecond. Package orderstest tests everything
// stated here.
type Store[Tx any] interface {
	// Update begins a transaction, records s.Entry, locks the order and loads
	// it, calls work, writes the change that work returns, and commits.
	//
	// Of two calls for one order, one waits until the other has ended; calls
	// for different orders don't wait for each other, unless they record
	// entries of one subject. If work fails or panics, ctx ends, or the commit
	// fails, nothing of the transaction remains; the error is returned, and the
	// panic continues. If the connection is lost during the commit, Update
	// returns an error, although the transaction may be committed. What Update
	// has committed survives a crash of the database.
	//
	// work may be called again after its transaction was rolled back for a
	// temporary reason, such as a deadlock.
	Update(ctx context.Context, s Scope, work Work[Tx]) error

	// Join is Update in a transaction of the caller, who commits it or rolls
	// it back. It ignores s.Entry. If it fails, the caller must roll back.
	Join(ctx context.Context, tx Tx, s Scope, work Work[Tx]) error

	// Load returns an order as it is committed, without waiting for
	// transactions. Record.Order is nil if there is none.
	Load(ctx context.Context, orderID string) (*Record, error)

	// Locate returns, for each of the payments that is a part of an order, the
	// order's id.
	Locate(ctx context.Context, payments ...jovepay.ID) (map[jovepay.ID]string, error)

	// Lookup returns [inbox.Pending] if Update would record e, and otherwise
	// [inbox.Duplicate] or [inbox.Outdated]. It waits for no transaction and
	// changes nothing.
	Lookup(ctx context.Context, e inbox.Entry) (inbox.Outcome, error)

	// Orders returns a page of orders, sorted by creation and id.
	Orders(ctx context.Context, q OrderQuery) ([]OrderRow, error)

	// Due returns the ids of at most limit orders whose Due is set and has
	// passed, the most overdue first.
	Due(ctx context.Context, limit int) ([]string, error)

	// Parts returns a page of parts, sorted by At, order id and id.
	Parts(ctx context.Context, q PartQuery) ([]Part, error)

	// Lines returns a page of the ledger, sorted by At and Seq.
	Lines(ctx context.Context, q LineQuery) ([]LineRow, error)

	// History returns the notes of an order, in the order of their writing.
	History(ctx context.Context, orderID string) ([]Note, error)

	// Acquire gives the named lease to holder for d, if nobody else has it, or
	// extends it. It reports whether holder has it now. With a d of 0 holder
	// gives it up.
	Acquire(ctx context.Context, lease, holder string, d time.Duration) (bool, error)

	// Check returns an error that wraps [ErrLosesCommits] if the database is
	// configured so that a committed transaction can be lost in a crash.
	Check(ctx context.Context) error
}

// Work is what [Store.Update] does to an order: it returns what to change. A nil
// Change changes nothing. The record is its own; tx must neither be committed nor
// rolled back.
type Work[Tx any] func(ctx context.Context, tx Tx, r *Record) (*Change, error)

// Scope selects what a transaction of a [Store] records, locks and loads.
type Scope struct {
	// OrderID is the order to lock and load. It is empty for an event that is
	// about no order: then nothing is loaded.
	OrderID string

	// Create inserts an order that is missing, with nothing but its id.
	Create bool

	// Entry is the event to record in the inbox, if it is newer than what is
	// recorded for its subject. The zero Entry records nothing.
	Entry inbox.Entry

	// Payments are to be located, as by [Store.Locate].
	Payments []jovepay.ID
}

// Record is what a [Store] has of an order.
type Record struct {
	Now     time.Time             // of the database, in UTC: when the order was locked, or read
	Outcome inbox.Outcome         // of Scope.Entry: Applied, Duplicate or Outdated; empty without one
	Order   *OrderRow             // nil if there is none
	Parts   []Part                // of the order, sorted by kind and id
	Located map[jovepay.ID]string // the orders of Scope.Payments
}

// OrderRow is an order in a [Store]. The zero Due and an empty Doc are what
// Scope.Create inserts.
type OrderRow struct {
	ID      string
	Created time.Time // set by the store
	Version int64     // set by the store: grows by one with each change of the row
	State   string    // at most 32 bytes of ASCII
	Due     time.Time // when work is due; zero if none is
	Doc     []byte    // JSON
}

// PartKind is the kind of a [Part].
type PartKind string

// The kinds of parts.
const (
	PartPayment PartKind = "payment" // its ID is the payment's, and is a part of one order only
	PartIntent  PartKind = "intent"  // its ID is the coin
	PartCase    PartKind = "case"    // its ID is a part of one order only
)

// Part is a part of an order in a [Store]. An order has one part of each kind
// and id.
type Part struct {
	OrderID string // set by the store
	Kind    PartKind
	ID      string    // at most 160 bytes of visible ASCII
	Open    bool      // it waits for something
	At      time.Time // what it is sorted by
	Doc     []byte    // JSON
}

// LineRow is a line of the ledger in a [Store].
type LineRow struct {
	Seq       int64 // set by the store: unique, and growing within an order
	At        time.Time
	OrderID   string // set by the store
	PaymentID jovepay.ID
	Coin      string         // ticker, at most 32 bytes of ASCII
	Bucket    Bucket         // at most 32 bytes of ASCII
	Amount    jovepay.Amount // added to the bucket; negative if it leaves it
	Doc       []byte         // JSON, or empty
}

// Note is an event in an order's history in a [Store].
type Note struct {
	Seq int64 // set by the store: unique, and growing within an order
	At  time.Time
	Doc []byte // JSON
}

// Change is what a transaction of a [Store] writes. It is an error to change an
// order that is missing, or to write a payment or a case of another order.
type Change struct {
	Order *OrderRow // its State, Due and Doc; nil leaves the order as it is
	Parts []Part    // inserted, or replaced where kind and id exist
	Lines []LineRow // appended to the ledger
	Notes []Note    // appended to the history
}

// OrderQuery selects orders. The zero value selects all, up to Limit.
type OrderQuery struct {
	States       []string  // one of these; empty for any
	From, To     time.Time // created at or after From, and before To; zero for no bound
	AfterCreated time.Time // with AfterID, the last order of the page before
	AfterID      string
	Limit        int
}

// PartQuery selects parts of all orders.
type PartQuery struct {
	Kind   PartKind
	ID     string    // only this id; empty for any
	Open   bool      // only open parts
	Before time.Time // only parts with At before this; zero for no bound
	After  *Part     // the last part of the page before; nil for the first page
	Limit  int
}

// LineQuery selects lines of the ledger.
type LineQuery struct {
	OrderID  string    // only this order; empty for any
	From, To time.Time // at or after From, and before To; zero for no bound
	After    *LineRow  // the last line of the page before; nil for the first page
	Limit    int
}
