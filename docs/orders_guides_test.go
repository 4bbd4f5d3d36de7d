package docs_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/orders"
)

// guides holds the snippets of the guides to package orders as whole functions.
type guides struct {
	client *jovepay.Client
	store  orders.Store[*sql.Tx]
	book   *orders.Book[*sql.Tx]
	hooks  orders.Hooks[*sql.Tx]
}

type guidePage struct{}

func (guidePage) askAgain(time.Time) error          { return nil }
func (guidePage) showOrder(string) error            { return nil }
func (guidePage) showPayment(*orders.Payment) error { return nil }
func (guidePage) showCase(string) error             { return nil }

func (g guides) pay(ctx context.Context, page guidePage, orderID, coin string) error {
	book := g.book
	payment, err := book.Pay(ctx, orderID, coin)
	doubt, inDoubt := errors.AsType[*orders.InDoubtError](err)
	switch {
	case inDoubt:
		return page.askAgain(doubt.RetryAt)
	case errors.Is(err, orders.ErrClosed), errors.Is(err, orders.ErrCoinsSeen):
		return page.showOrder(orderID)
	case err != nil:
		return err
	}
	return page.showPayment(payment)
}

func (g guides) topUps() (*orders.Book[*sql.Tx], error) {
	client, store, hooks := g.client, g.store, g.hooks
	book, err := orders.New(client, store, hooks, orders.WithTopUps(), orders.WithSettlePolicy(jovepay.SettlePolicy{
		Tolerance: jovepay.MustAmount("0.005"), // half a percent may be missing
	}))
	return book, err
}

func (g guides) cases(ctx context.Context) error {
	book := g.book
	for c, err := range book.Cases(ctx, orders.CaseOptions{}) {
		if err != nil {
			return err
		}
		fmt.Println(c.ID, c.OrderID, c.Kind, c.Reason, c.Deposits, c.Accept)
	}
	return nil
}

func (g guides) resolve(ctx context.Context, page guidePage, c *orders.Case) error {
	book := g.book
	order, err := book.Resolve(ctx, c.ID, orders.Resolution{
		Decision: orders.DecisionAccept,
		Reason:   orders.Reason{By: "kim@shop.example", Why: "the customer wrote, the rate is the same"},
		Version:  c.Version,
	})
	if errors.Is(err, orders.ErrCaseChanged) {
		return page.showCase(c.ID)
	}
	_ = order
	return err
}

func (g guides) statement(ctx context.Context, from, to time.Time, file io.Writer) error {
	book := g.book
	statement, err := book.Statement(ctx, from, to)
	if err != nil {
		return err
	}
	return statement.WriteCSV(ctx, file)
}

func (guides) fulfill() orders.Hooks[*sql.Tx] {
	hooks := orders.Hooks[*sql.Tx]{
		Fulfill: func(ctx context.Context, tx *sql.Tx, order *orders.Order) error {
			_, err := tx.ExecContext(ctx, `UPDATE orders SET paid = true WHERE id = $1`, order.OrderID)
			return err
		},
	}
	return hooks
}

type oldOrder struct {
	ID               string
	Created, Shipped time.Time
	Price            jovepay.Amount
}

func (g guides) imports(ctx context.Context, tx *sql.Tx, old oldOrder) error {
	client, book := g.client, g.book
	payments, err := client.Payments.FindOrder(ctx, old.ID, old.Created.Add(-24*time.Hour))
	if err != nil {
		return err
	}
	return book.Import(ctx, tx, orders.Terms{
		OrderID: old.ID, PriceAmount: old.Price, PriceCurrency: "usd",
	}, orders.Past{Payments: payments, Fulfilled: old.Shipped})
}

func (g guides) serve(ctx context.Context, http *http.ServeMux, verifier *jovepay.IPNVerifier) {
	book := g.book
	http.Handle("POST /ipn", verifier.Handler(book.Handle))
	go book.Run(ctx)
}

var _ = [...]any{
	guides.pay, guides.topUps, guides.cases, guides.resolve, guides.statement, guides.fulfill, guides.imports, guides.serve,
}
