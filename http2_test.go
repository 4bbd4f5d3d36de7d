package jovepay_test

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

// HTTP/2 refuses and repeats requests by rules of its own.
func TestHTTP2(t *testing.T) {
	t.Parallel()
	var paid ledger
	var second, conns atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 2 {
			second.Add(1)
		}
		n := rand.IntN(10)
		if n == 0 {
			panic(http.ErrAbortHandler) // before any effect: the stream is reset
		}
		if paid.process(r) != nil {
			panic(http.ErrAbortHandler)
		}
		switch n {
		case 1:
			panic(http.ErrAbortHandler) // after the effect
		case 2:
			w.Header().Set("Connection", "close") // ends the connection with GOAWAY
		case 3:
			_, _ = io.WriteString(w, `{"payment_id":1`)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler) // in the middle of the answer
		}
		_, _ = io.WriteString(w, `{"payment_id":1}`)
	}))
	server.EnableHTTP2 = true
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	server.StartTLS()
	defer server.Close()
	client := newClient(t, server.URL, jovepay.WithHTTPClient(server.Client()), jovepay.WithTimeout(20*time.Second))
	outcomes := createMany(t, client, 600, func() {}, unchanged)
	server.Client().CloseIdleConnections()
	server.Close()
	sum := paid.audit(t, outcomes)
	t.Logf("%+v, %d requests of HTTP/2 over %d connections", sum, second.Load(), conns.Load())
	assert.Positive(t, sum.created)
	assert.Positive(t, sum.unknown)
	assert.GreaterOrEqual(t, second.Load(), int32(600), "the test is about HTTP/2")
	assert.Greater(t, conns.Load(), int32(1), "no connection was ended with GOAWAY")
}

func TestHTTP2WithoutAnAnswer(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		<-r.Context().Done()
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	defer server.Client().CloseIdleConnections()
	client := newClient(t, server.URL, jovepay.WithHTTPClient(server.Client()), jovepay.WithTimeout(500*time.Millisecond))
	_, err := client.Payments.Create(t.Context(), goods("1"))
	assertIs(t, err, jovepay.ErrOutcomeUnknown)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.EqualValues(t, 1, asked.Load())

	var calls sync.WaitGroup
	for range 20 {
		calls.Go(func() {
			_, err := client.Payments.Create(t.Context(), goods("1"))
			assert.ErrorIs(t, err, jovepay.ErrOutcomeUnknown)
		})
	}
	for asked.Load() < 21 {
		<-time.After(time.Millisecond)
	}
	server.CloseClientConnections()
	calls.Wait()
	assert.EqualValues(t, 21, asked.Load(), "none was sent twice")
}
