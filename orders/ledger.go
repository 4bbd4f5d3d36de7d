package orders

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/jovepay/jovepay-go"
)

// Bucket is the place of an amount in the ledger.
type Bucket string

// The buckets. Each amount that JovePay reports is in exactly one.
const (
	// BucketUnconfirmed: coins were seen, and their payment has not finished.
	BucketUnconfirmed Bucket = "unconfirmed"
	// BucketHeld: coins arrived, but not enough for the order.
	BucketHeld Bucket = "held"
	// BucketOrder: the coins that paid for the order.
	BucketOrder Bucket = "order"
	// BucketExcess: more than was asked for, or coins that a person rejected.
	// They belong to the customer until they are returned.
	BucketExcess Bucket = "excess"
	// BucketReview: coins about which a person has to decide.
	BucketReview Bucket = "review"
	// BucketRefunded: coins that were returned.
	BucketRefunded Bucket = "refunded"
)

// lineDoc is the rest of a line in the store.
type lineDoc struct {
	Assumed         bool           `json:"assumed,omitzero"`
	Fee             *jovepay.Fee   `json:"fee,omitzero"`
	Outcome         jovepay.Amount `json:"outcome,omitzero"`
	OutcomeCurrency string         `json:"outcome_currency,omitzero"`
}

// Line is a line of the ledger. Lines are never changed: when coins move from one
// bucket to another, there is a line for each.
type Line struct {
	At        time.Time // by the database's clock
	OrderID   string    // empty if the payment names none
	PaymentID jovepay.ID
	Coin      string         // ticker
	Bucket    Bucket         // where the coins are
	Amount    jovepay.Amount // what came to the bucket; negative if it left it
	Assumed   bool           // a refund whose amount JovePay did not report

	// What JovePay reported of the whole payment by then. Null and nil are
	// unknown, not zero.
	Outcome         jovepay.Amount // for the shop
	OutcomeCurrency string
	Fee             *jovepay.Fee
}

// Statement is the ledger between two times. It reads from the store when it is
// read.
type Statement struct {
	From, To time.Time

	page func(ctx context.Context, q LineQuery) ([]LineRow, error)
}

// Statement returns the ledger at or after from, and before to, by the database's
// clock. A zero time is no bound. Transactions that are in progress can still add
// lines to the last minutes: let to be a few minutes ago, and each line is in
// exactly one of consecutive statements.
func (b *Book[Tx]) Statement(ctx context.Context, from, to time.Time) (*Statement, error) {
	if err := b.enter(ctx); err != nil {
		return nil, err
	}
	if !from.IsZero() && !to.IsZero() && to.Before(from) {
		return nil, &jovepay.ValidationError{Field: "to", Reason: "want a time not before from"}
	}
	return &Statement{From: from, To: to, page: b.lines}, nil
}

func (b *Book[Tx]) lines(ctx context.Context, query LineQuery) ([]LineRow, error) {
	if err := b.enter(ctx); err != nil {
		return nil, err
	}
	return b.store.Lines(ctx, query)
}

// linePage is how many lines are read together.
const linePage = 1000

// Lines returns the lines, the oldest first. It holds no connection while the loop
// body runs. It ends with the first error.
func (s *Statement) Lines(ctx context.Context) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		query := LineQuery{From: s.From, To: s.To, Limit: linePage}
		for {
			rows, err := s.page(ctx, query)
			if err != nil {
				yield(Line{}, wrap(err))
				return
			}
			for _, row := range rows {
				line, err := row.line()
				if !yield(line, wrap(err)) || err != nil {
					return
				}
			}
			if len(rows) < linePage {
				return
			}
			query.After = &rows[len(rows)-1]
		}
	}
}

func (r LineRow) line() (Line, error) {
	var doc lineDoc
	if len(r.Doc) > 0 {
		if err := decode(r.Doc, &doc); err != nil {
			return Line{}, err
		}
	}
	return Line{
		At: r.At, OrderID: publicOrderID(r.OrderID), PaymentID: r.PaymentID, Coin: r.Coin, Bucket: r.Bucket, Amount: r.Amount,
		Assumed: doc.Assumed, Outcome: doc.Outcome, OutcomeCurrency: doc.OutcomeCurrency, Fee: doc.Fee,
	}, nil
}

// Sums returns what the lines add up to, by coin and bucket, sorted. It reads all
// lines.
func (s *Statement) Sums(ctx context.Context) ([]Balance, error) {
	sums := map[[2]string]Balance{}
	for line, err := range s.Lines(ctx) {
		if err != nil {
			return nil, err
		}
		key := [2]string{line.Coin, string(line.Bucket)}
		sums[key] = Balance{line.Coin, line.Bucket, jovepay.NewAmount(sums[key].Amount.Decimal().Add(line.Amount.Decimal())), sums[key].Assumed || line.Assumed}
	}
	var all []Balance
	for _, b := range sums {
		all = append(all, b)
	}
	return sortedPlaces(all), nil
}

// WriteCSV writes the lines as CSV with a header. A cell that a spreadsheet would
// take for a formula begins with an apostrophe. Unknown amounts are empty.
func (s *Statement) WriteCSV(ctx context.Context, w io.Writer) error {
	out := csv.NewWriter(w)
	err := out.Write([]string{
		"at", "order", "payment", "coin", "bucket", "amount", "assumed", "outcome", "outcome currency",
		"fee currency", "deposit fee", "withdrawal fee", "service fee",
	})
	if err != nil {
		return fmt.Errorf("orders: %w", err)
	}
	for line, err := range s.Lines(ctx) {
		if err != nil {
			return err
		}
		if err := out.Write(line.cells()); err != nil {
			return fmt.Errorf("orders: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("orders: %w", err)
	}
	return nil
}

func (l Line) cells() []string {
	assumed, fee := "", jovepay.Fee{}
	if l.Assumed {
		assumed = "assumed"
	}
	if l.Fee != nil {
		fee = *l.Fee
	}
	return []string{
		l.At.Format(time.RFC3339Nano), safeCell(l.OrderID), safeCell(string(l.PaymentID)), safeCell(l.Coin), string(l.Bucket), l.Amount.String(), assumed,
		l.Outcome.String(), safeCell(l.OutcomeCurrency),
		safeCell(fee.Currency), fee.DepositFee.String(), fee.WithdrawalFee.String(), fee.ServiceFee.String(),
	}
}

// safeCell returns a text that no spreadsheet takes for a formula.
func safeCell(text string) string {
	if text != "" && slices.Contains([]byte("=+-@\t\r\n|%'"), text[0]) || strings.HasPrefix(text, "＝") || strings.HasPrefix(text, "＋") ||
		strings.HasPrefix(text, "－") || strings.HasPrefix(text, "＠") {
		return "'" + text
	}
	return text
}
