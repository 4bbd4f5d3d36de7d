package stores_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/sqlstore"
)

// A shop on SQLite: the transaction that records the event also marks the order as
// paid and records its shipment. However often the event is delivered, the order is
// shipped once.
func Example() {
	ctx := context.Background()
	db, err := openShop(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close() //nolint:errcheck // nothing is open

	store, err := sqlstore.New(db, sqlstore.SQLite)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := store.Migrate(ctx); err != nil {
		fmt.Println(err)
		return
	}

	box := inbox.New(store)
	payment := jovepay.Payment{
		ID: "5524759814", Status: jovepay.PaymentFinished, OrderID: "order-1001",
		PriceAmount: jovepay.MustAmount("49.90"), PriceCurrency: "usd",
		PayAmount: jovepay.MustAmount("0.00078"), PayCurrency: "btc", ActuallyPaid: jovepay.MustAmount("0.00078"),
	}
	for range 3 {
		// In a service: http.Handle("POST /ipn", verifier.Handler(box.Once(fulfill)))
		outcome, err := box.Process(ctx, payment.Event(), fulfill)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(outcome)
	}
	// Output:
	// order-1001 will be shipped
	// applied
	// duplicate
	// duplicate
}

// fulfill is the shop's own work on an event.
func fulfill(ctx context.Context, tx *sql.Tx, event jovepay.Event) error {
	payment, ok := event.(*jovepay.PaymentEvent)
	if !ok {
		return nil
	}
	expected := jovepay.Expectation{OrderID: payment.OrderID, PriceCurrency: "usd"}
	row := tx.QueryRowContext(ctx, `SELECT price FROM orders WHERE id = ?`, payment.OrderID)
	if err := row.Scan(&expected.PriceAmount); err != nil {
		return err
	}
	if verdict := expected.Settle(&payment.Payment); !verdict.Fulfill() {
		_, err := tx.ExecContext(ctx, `UPDATE orders SET note = ? WHERE id = ?`, verdict.Reason, payment.OrderID)
		return err
	}
	// The order's own state makes it ship once, although a payment has several
	// events, and an order can have several payments.
	result, err := tx.ExecContext(ctx, `UPDATE orders SET paid = true WHERE id = ? AND NOT paid`, payment.OrderID)
	if err != nil {
		return err
	}
	if paid, err := result.RowsAffected(); err != nil || paid == 0 {
		return err
	}
	fmt.Println(payment.OrderID, "will be shipped")
	_, err = tx.ExecContext(ctx, `INSERT INTO shipments VALUES (?)`, payment.OrderID)
	return err
}

// openShop opens the shop's database, with one order in it.
func openShop(ctx context.Context) (*sql.DB, error) {
	dir, err := os.MkdirTemp("", "shop")
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "shop.db")+
		"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	_, err = db.ExecContext(ctx, `
		CREATE TABLE orders (id TEXT PRIMARY KEY, price TEXT NOT NULL, paid BOOLEAN NOT NULL DEFAULT false, note TEXT);
		CREATE TABLE shipments (order_id TEXT NOT NULL);
		INSERT INTO orders (id, price) VALUES ('order-1001', '49.90')`)
	return db, err
}
