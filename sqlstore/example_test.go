package sqlstore_test //nolint:testableexamples // no driver is here; the one that runs is in test/stores

import (
	"context"
	"database/sql"
	"log/slog"
	"net/http"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/sqlstore"
)

// A shop on PostgreSQL: the order is paid in the transaction that records the
// event.
func Example() {
	ctx := context.Background()
	db, err := sql.Open("pgx", "postgres://shop@localhost/shop") // with _ "github.com/jackc/pgx/v5/stdlib"
	if err != nil {
		slog.Error("open the database", "error", err)
		return
	}
	store, err := sqlstore.New(db, sqlstore.PostgreSQL)
	if err != nil {
		slog.Error("make the store", "error", err)
		return
	}
	if err := store.Migrate(ctx); err != nil {
		slog.Error("create the table", "error", err)
		return
	}
	verifier, err := jovepay.NewIPNVerifier("the IPN secret")
	if err != nil {
		slog.Error("make the verifier", "error", err)
		return
	}
	box := inbox.New(store, inbox.WithLogger(slog.Default()))
	http.Handle("POST /ipn", verifier.Handler(box.Once(pay)))
}

// pay is the shop's own work on an event.
func pay(ctx context.Context, tx *sql.Tx, event jovepay.Event) error {
	payment, ok := event.(*jovepay.PaymentEvent)
	if !ok {
		return nil
	}
	expected := jovepay.Expectation{OrderID: payment.OrderID, PriceCurrency: "usd"}
	row := tx.QueryRowContext(ctx, `SELECT price FROM orders WHERE id = $1`, payment.OrderID)
	if err := row.Scan(&expected.PriceAmount); err != nil {
		return err
	}
	if !expected.Settle(&payment.Payment).Fulfill() {
		return nil
	}
	// The order's own state makes it ship once, although a payment has several
	// events, and an order can have several payments.
	_, err := tx.ExecContext(ctx, `UPDATE orders SET paid = true WHERE id = $1 AND NOT paid`, payment.OrderID)
	return err
}
