package inbox_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
)

var errStore = errors.New("the store is down")

// downStore is a store that cannot be reached.
type downStore struct{}

func (downStore) Apply(context.Context, inbox.Entry, func(context.Context, inbox.NoTx) error) (inbox.Outcome, error) {
	return "", errStore
}

func (downStore) Lookup(context.Context, inbox.Entry) (inbox.Outcome, error) { return "", errStore }

func (downStore) Prune(context.Context, time.Time) (int64, error) { return 3, errStore }

func TestProcess(t *testing.T) {
	t.Parallel()
	type seen struct {
		event   jovepay.Event
		outcome inbox.Outcome
	}
	var observed []seen
	var log bytes.Buffer
	box := inbox.New(new(inbox.Memory),
		inbox.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))),
		inbox.WithObserver(func(_ context.Context, event jovepay.Event, outcome inbox.Outcome) {
			observed = append(observed, seen{event, outcome})
		}))
	waiting, finished := payment("1", jovepay.PaymentWaiting), payment("1", jovepay.PaymentFinished)
	want := []seen{{finished, inbox.Applied}, {finished, inbox.Duplicate}, {waiting, inbox.Outdated}}
	calls := 0
	for _, w := range want {
		got, err := box.Process(t.Context(), w.event, func(_ context.Context, _ inbox.NoTx, event jovepay.Event) error {
			calls++
			assert.Same(t, w.event, event)
			return nil
		})
		require.NoError(t, err)
		assert.Equal(t, w.outcome, got)
	}
	assert.Equal(t, 1, calls)
	assert.Equal(t, want, observed)

	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	require.Len(t, lines, 3)
	for i, line := range []string{
		`level=DEBUG msg="jovepay: event applied" subject=payment:1 event=` + finished.Key(),
		`level=INFO msg="jovepay: event duplicate" subject=payment:1 event=` + finished.Key(),
		`level=WARN msg="jovepay: event outdated" subject=payment:1 event=` + waiting.Key(),
	} {
		assert.True(t, strings.HasSuffix(lines[i], line), "%s\n%s", line, lines[i])
	}
}

func TestProcessFails(t *testing.T) {
	t.Parallel()
	errShop := errors.New("no goods left")
	for name, c := range map[string]struct {
		store   inbox.Store[inbox.NoTx]
		event   jovepay.Event
		is      error
		message string
	}{
		"function":      {new(inbox.Memory), payment("1", jovepay.PaymentFinished), errShop, "inbox: payment:1: no goods left"},
		"store":         {downStore{}, payment("1", jovepay.PaymentFinished), errStore, "inbox: payment:1: the store is down"},
		"unprocessable": {new(inbox.Memory), payment("", jovepay.PaymentFinished), inbox.ErrUnprocessable, "inbox: event cannot be processed: payment without id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			box := inbox.New(c.store, inbox.WithObserver(func(context.Context, jovepay.Event, inbox.Outcome) {
				t.Error("observed")
			}))
			got, err := box.Process(t.Context(), c.event, func(context.Context, inbox.NoTx, jovepay.Event) error { return errShop })
			assert.Empty(t, got)
			require.ErrorIs(t, err, c.is)
			require.EqualError(t, err, c.message)
		})
	}
}

func TestPruneFails(t *testing.T) {
	t.Parallel()
	n, err := inbox.New(downStore{}).Prune(t.Context(), time.Now())
	require.EqualError(t, err, "inbox: prune: the store is down")
	assert.EqualValues(t, 3, n, "what was pruned before the failure")
}

// The response decides whether JovePay retries.
func TestHandlerResponses(t *testing.T) {
	t.Parallel()
	const (
		waiting  = `{"payment_id":1,"payment_status":"waiting","price_amount":5,"actually_paid":0}`
		finished = `{"payment_id":1,"payment_status":"finished","price_amount":5,"actually_paid":5}`
		unknown  = `{"news":"of a kind that nobody knows"}`
		other    = `{"payment_id":2,"payment_status":"finished","price_amount":5,"actually_paid":5}`
	)
	verifier, err := jovepay.NewIPNVerifier("secret")
	require.NoError(t, err)
	var store inbox.Memory
	var called []string
	fail := false
	working := func(_ context.Context, _ inbox.NoTx, event jovepay.Event) error {
		if fail {
			return errStore
		}
		if p, ok := event.(*jovepay.PaymentEvent); ok {
			called = append(called, string(p.ID)+" "+string(p.Status))
		}
		return nil
	}
	panicking := func(context.Context, inbox.NoTx, jovepay.Event) error { panic("a bug in the shop") }
	up := verifier.Handler(inbox.New(&store).Once(working))
	down := verifier.Handler(inbox.New(downStore{}).Once(working))
	broken := verifier.Handler(inbox.New(&store).Once(panicking))
	for _, c := range []struct {
		name    string
		handler http.Handler
		body    string
		fails   bool
		want    int
	}{
		{"the shop fails", up, finished, true, 500},
		{"the shop panics", broken, finished, false, 500},
		{"the store is down", down, finished, false, 500},
		{"applied", up, finished, false, 200},
		{"duplicate, though the shop would fail", up, finished, true, 200},
		{"outdated", up, waiting, false, 200},
		{"unknown kind", up, unknown, false, 200},
		{"no id", up, `{"payment_status":"finished","price_amount":5}`, false, 500},
		{"no status", up, `{"payment_id":3,"price_amount":5}`, false, 500},
		{"negative", up, `{"payment_id":3,"payment_status":"finished","actually_paid":-5}`, false, 500},
		{"absurd", up, `{"payment_id":3,"payment_status":"finished","actually_paid":1e300}`, false, 500},
		{"after all that", up, other, false, 200},
	} {
		fail = c.fails
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/ipn", strings.NewReader(c.body))
		r.Header.Set(jovepay.IPNSignatureHeader, verifier.Sign([]byte(c.body)))
		w := httptest.NewRecorder()
		c.handler.ServeHTTP(w, r)
		assert.Equal(t, c.want, w.Code, c.name)
	}
	assert.Equal(t, []string{"1 finished", "2 finished"}, called)

	n, err := store.Prune(t.Context(), time.Now().Add(time.Hour))
	require.NoError(t, err)
	assert.EqualValues(t, 3, n, "two payments and the unknown event; nothing is recorded of the others")
}
