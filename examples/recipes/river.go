package recipes

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/jovepay/jovepay-go/orders"
)

// Receipt is the job that sends the e-mail about a fulfilled order.
type Receipt struct {
	OrderID string `json:"order_id"`
}

// Kind implements [river.JobArgs].
func (Receipt) Kind() string { return "receipt" }

// RiverHooks enqueues a receipt in the book's transaction: it is enqueued if, and
// only if, the order is fulfilled. No crash after the commit loses it.
func RiverHooks(jobs *river.Client[pgx.Tx]) orders.Hooks[pgx.Tx] {
	return orders.Hooks[pgx.Tx]{
		Fulfill: func(ctx context.Context, tx pgx.Tx, order *orders.Order) error {
			_, err := jobs.InsertTx(ctx, tx, Receipt{OrderID: order.OrderID}, nil)
			return err
		},
	}
}

// ReceiptWorker sends receipts. River retries one that failed or was interrupted,
// so an e-mail can be sent twice, unless Send passes the order id on as a key that
// the mail service recognizes.
type ReceiptWorker struct {
	river.WorkerDefaults[Receipt]

	Send func(ctx context.Context, orderID string) error
}

// Work implements [river.Worker].
func (w *ReceiptWorker) Work(ctx context.Context, job *river.Job[Receipt]) error {
	return w.Send(ctx, job.Args.OrderID)
}
