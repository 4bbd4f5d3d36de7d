package docs_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/jovepaytest"
	"github.com/jovepay/jovepay-go/orders"
)

// readme holds the snippets of README.md as whole functions.
type readme struct{}

func (readme) takePayment(ctx context.Context) error {
	client, err := jovepay.NewClient(jovepay.WithEnv()) // JOVEPAY_API_KEY, …
	if err != nil {
		return err
	}
	payment, err := client.Payments.Create(ctx, jovepay.PaymentRequest{
		PriceAmount:    jovepay.MustAmount("49.99"),
		PriceCurrency:  "usd",
		PayCurrency:    "btc",
		OrderID:        "order-1001",
		IPNCallbackURL: "https://shop.example/ipn",
	})
	if err != nil {
		return err
	}
	fmt.Println("Send", payment.PayAmount, payment.PayCurrency, "to", payment.PayAddress)
	return nil
}

type readmeShop struct{ events []*jovepay.PaymentEvent }

func (s *readmeShop) PaymentChanged(_ context.Context, event *jovepay.PaymentEvent) error {
	s.events = append(s.events, event)
	return nil
}

func (readme) receive(http *http.ServeMux, shop *readmeShop) error {
	verifier, err := jovepay.NewIPNVerifier(os.Getenv("JOVEPAY_IPN_SECRET"))
	if err != nil {
		return err
	}
	http.Handle("POST /ipn", verifier.Handler(func(ctx context.Context, event jovepay.Event) error {
		switch event := event.(type) {
		case *jovepay.PaymentEvent:
			return shop.PaymentChanged(ctx, event)
		default:
			return nil // acknowledged
		}
	}))
	return nil
}

type readmeOrder struct{ Expectation jovepay.Expectation }

func (readmeOrder) note(context.Context, *sql.Tx, jovepay.Verdict) error { return nil }
func (readmeOrder) fulfill(context.Context, *sql.Tx) error               { return nil }

func (readme) shipOnce(http *http.ServeMux, verifier *jovepay.IPNVerifier, box *inbox.Inbox[*sql.Tx],
	loadOrder func(ctx context.Context, tx *sql.Tx, id string) (readmeOrder, error),
) {
	http.Handle("POST /ipn", verifier.Handler(box.Once(func(ctx context.Context, tx *sql.Tx, event jovepay.Event) error {
		payment, ok := event.(*jovepay.PaymentEvent)
		if !ok {
			return nil
		}
		order, err := loadOrder(ctx, tx, payment.OrderID)
		if err != nil {
			return err
		}
		if verdict := order.Expectation.Settle(&payment.Payment); !verdict.Fulfill() {
			return order.note(ctx, tx, verdict)
		}
		return order.fulfill(ctx, tx) // once per order, whatever comes later
	})))
}

func (readme) book(ctx context.Context, http *http.ServeMux, client *jovepay.Client, verifier *jovepay.IPNVerifier,
	store orders.Store[*sql.Tx], ship func(ctx context.Context, tx *sql.Tx, orderID string) error,
) error {
	book, err := orders.New(client, store, orders.Hooks[*sql.Tx]{
		Fulfill: func(ctx context.Context, tx *sql.Tx, order *orders.Order) error {
			return ship(ctx, tx, order.OrderID) // once, in the transaction that records why
		},
	})
	if err != nil {
		return err
	}
	http.Handle("POST /ipn", verifier.Handler(book.Handle))
	go book.Run(ctx) // finishes what crashes left
	return nil
}

func (readme) checkout(ctx context.Context, tx *sql.Tx, book *orders.Book[*sql.Tx]) error {
	terms := orders.Terms{OrderID: "order-1001", PriceAmount: jovepay.MustAmount("49.99"), PriceCurrency: "usd"}
	if err := book.Place(ctx, tx, terms); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	payment, err := book.Pay(ctx, "order-1001", "btc")
	if err != nil {
		return err
	}
	fmt.Println("Send", payment.Left, payment.Coin, "to", payment.Address, payment.Memo)
	return nil
}

func (readme) once(ctx context.Context, client *jovepay.Client, request jovepay.PaymentRequest) (*jovepay.Payment, error) {
	payment, err := client.Payments.CreateOnce(ctx, request)
	if errors.Is(err, jovepay.ErrOutcomeUnknown) {
		log.Println("not known yet; do not create a second one:", err)
	}
	return payment, err
}

func (readme) quote(ctx context.Context, client *jovepay.Client) error {
	quote, err := client.Estimates.Quote(ctx, jovepay.QuoteOptions{
		PriceAmount:   jovepay.MustAmount("49.99"),
		PriceCurrency: "usd",
		PayCurrency:   "btc",
	})
	if err != nil {
		return err
	}
	fmt.Println(quote.PayAmount, quote.PayCurrency, "payable:", quote.Payable)
	return nil
}

func (readme) all(ctx context.Context, client *jovepay.Client) error {
	yesterday := time.Now().AddDate(0, 0, -1)
	for payment, err := range client.Payments.All(ctx, jovepay.PaymentListOptions{DateFrom: yesterday}) {
		if err != nil {
			return err
		}
		fmt.Println(payment.ID, payment.Status)
	}
	return nil
}

func (readme) wrong(err error) {
	if errors.Is(err, jovepay.ErrNotFound) {
		fmt.Println("no such payment")
	} else if apiError, ok := errors.AsType[*jovepay.APIError](err); ok {
		fmt.Println("JovePay said", apiError.StatusCode, apiError.Message, "in request", apiError.RequestID)
	}
}

func (readme) rotate(newSecret, oldSecret string) (*jovepay.IPNVerifier, error) {
	verifier, err := jovepay.NewIPNVerifier(newSecret, jovepay.WithFurtherSecret(oldSecret))
	return verifier, err
}

func (readme) emulate() error {
	server, err := jovepaytest.NewServer()
	if err != nil {
		return err
	}
	defer server.Close()
	client, err := server.Client()
	if err != nil {
		return err
	}
	_, err = client.Status(context.Background())
	return err
}

// TestReadmeRuns runs the snippets against the emulator.
func TestReadmeRuns(t *testing.T) { //nolint:paralleltest // it sets the environment
	server, err := jovepaytest.NewServer()
	require.NoError(t, err)
	defer server.Close()
	t.Setenv("JOVEPAY_BASE_URL", server.URL)
	t.Setenv("JOVEPAY_API_KEY", server.APIKey)
	t.Setenv("JOVEPAY_EMAIL", server.Email)
	t.Setenv("JOVEPAY_PASSWORD", server.Password)
	t.Setenv("JOVEPAY_IPN_SECRET", server.IPNSecret)
	client, err := server.Client()
	require.NoError(t, err)
	var r readme

	require.NoError(t, r.takePayment(t.Context()))
	_, err = r.once(t.Context(), client, jovepay.PaymentRequest{
		PriceAmount: jovepay.MustAmount("5"), PriceCurrency: "usd", PayCurrency: "trx", OrderID: "order-1002",
	})
	require.NoError(t, err)
	require.NoError(t, r.quote(t.Context(), client))
	require.NoError(t, r.all(t.Context(), client))
	require.NoError(t, r.emulate())
	require.NotNil(t, r.shipOnce) // compiled; package inbox runs one like it
	require.NotNil(t, r.book)     // compiled, as is the next; examples/orders runs them
	require.NotNil(t, r.checkout)
	_, err = client.Payments.Get(t.Context(), "1")
	require.ErrorIs(t, err, jovepay.ErrNotFound)
	r.wrong(err)

	verifier, err := r.rotate("new secret", server.IPNSecret)
	require.NoError(t, err)
	var mux http.ServeMux
	var shop readmeShop
	require.NoError(t, r.receive(&mux, &shop))
	body := `{"payment_id":5,"payment_status":"finished"}`
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/ipn", io.NopCloser(strings.NewReader(body)))
	require.NoError(t, err)
	old, err := jovepay.NewIPNVerifier(server.IPNSecret)
	require.NoError(t, err)
	request.Header.Set(jovepay.IPNSignatureHeader, old.Sign([]byte(body)))
	require.NoError(t, verifier.Verify([]byte(body), old.Sign([]byte(body))))
	mux.ServeHTTP(nopWriter{}, request)
	require.Len(t, shop.events, 1)
	assert.Equal(t, jovepay.PaymentFinished, shop.events[0].Status)
}

// What the README shows of the quickstart's output is what its test wants.
func TestReadmeShowsTheQuickstart(t *testing.T) {
	t.Parallel()
	wanted := strings.Split(read(t, "examples/quickstart/output.want"), "\n")
	shown := 0
	for _, block := range blocks(read(t, "README.md")) {
		if block.language != "console" {
			continue
		}
		output, ok := strings.CutPrefix(block.code, "$ go run ./examples/quickstart\n")
		require.True(t, ok, block.code)
		for line := range strings.Lines(strings.ReplaceAll(output, "...\n", "")) {
			next := slices.IndexFunc(wanted, func(part string) bool { return part != "" && strings.Contains(line, part) })
			require.GreaterOrEqual(t, next, 0, "%q is not in output.want, or not in this place", line)
			wanted = wanted[next+1:]
			shown++
		}
	}
	assert.GreaterOrEqual(t, shown, 3)
}

var (
	folded = regexp.MustCompile(`(?s)<details>.*?</details>`)
	markup = regexp.MustCompile(`\]\([^)]*\)|<[^>]*>`)
	word   = regexp.MustCompile(`[\w'’./-]*\w`)
)

// A stranger reads the README in a few minutes: everything else is folded away
// or under docs/.
func TestReadmeIsShort(t *testing.T) {
	t.Parallel()
	text := folded.ReplaceAllString(fenced.ReplaceAllString(read(t, "README.md"), ""), "")
	text = markup.ReplaceAllString(text, "")
	assert.LessOrEqual(t, len(word.FindAllString(text, -1)), 700)
}

func TestReadmeNamesTheGoVersion(t *testing.T) {
	t.Parallel()
	directive := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "go.mod"))
	require.NotNil(t, directive)
	text := read(t, "README.md")
	assert.Contains(t, text, "\nRequires Go "+directive[1]+". ")
	assert.Contains(t, text, "[![Go "+directive[1]+"+](https://img.shields.io/badge/go-"+directive[1]+"%2B-")
}

// nopWriter is a ResponseWriter for a test that looks at the effect only.
type nopWriter struct{}

func (nopWriter) Header() http.Header         { return http.Header{} }
func (nopWriter) Write(p []byte) (int, error) { return len(p), nil }
func (nopWriter) WriteHeader(int)             {}
