package sqlstore_test

import (
	"context"
	"database/sql"
	"log/slog"
	"net/http"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/sqlstore"
)

// docs holds the snippets of docs/inbox.md as whole functions, so that they
// are compiled.
type docs struct {
	mux      *http.ServeMux
	verifier *jovepay.IPNVerifier
	client   *jovepay.Client
}

func (d docs) receive(ctx context.Context, db *sql.DB, fulfill inbox.Func[*sql.Tx]) error {
	mux, verifier := d.mux, d.verifier
	store, err := sqlstore.New(db, sqlstore.PostgreSQL)
	if err != nil {
		return err
	}
	if err := store.Migrate(ctx); err != nil {
		return err
	}
	box := inbox.New(store, inbox.WithLogger(slog.Default()))
	mux.Handle("POST /ipn", verifier.Handler(box.Once(fulfill)))
	return nil
}

func (d docs) reconcile(ctx context.Context, box *inbox.Inbox[*sql.Tx], fulfill inbox.Func[*sql.Tx]) (inbox.Report, error) {
	client := d.client
	since := jovepay.PaymentListOptions{DateFrom: time.Now().AddDate(0, 0, -14)}
	report, err := box.Reconcile(ctx, client.Payments.All(ctx, since), fulfill)
	return report, err
}

var _ = [...]any{docs.receive, docs.reconcile}
