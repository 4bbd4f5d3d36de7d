package jovepay_test

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

// ledger counts how often each order was processed.
type ledger struct {
	mu    sync.Mutex
	times map[string]int
}

func (l *ledger) process(r *http.Request) error {
	var order struct {
		ID string `json:"order_id"`
	}
	if err := jsonv2.UnmarshalRead(r.Body, &order); err != nil {
		return err // an incomplete request is not processed
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.times == nil {
		l.times = map[string]int{}
	}
	l.times[order.ID]++
	return nil
}

// tally sorts the outcomes of creates.
type tally struct{ created, unknown, refused int }

// audit holds what callers were told against what was processed. The server
// must have stopped.
func (l *ledger) audit(t *testing.T, outcomes map[string]error) (sum tally) {
	t.Helper()
	for order, err := range outcomes {
		times := l.times[order]
		switch {
		case err == nil:
			sum.created++
			assert.Equal(t, 1, times, "%s was created", order)
		case errors.Is(err, jovepay.ErrOutcomeUnknown):
			sum.unknown++
			assert.LessOrEqual(t, times, 1, "%s: %v", order, err)
		default:
			sum.refused++
			assert.Zero(t, times, "%s was processed, although %v", order, err)
		}
	}
	return sum
}

// createMany makes a payment for each of many orders, 8 at a time.
func createMany(t *testing.T, client *jovepay.Client, orders int, before func(), change func(*jovepay.PaymentRequest)) map[string]error {
	t.Helper()
	var mu sync.Mutex
	outcomes := map[string]error{}
	var workers sync.WaitGroup
	var next atomic.Int32
	for range 8 {
		workers.Go(func() {
			for {
				n := int(next.Add(1))
				if n > orders {
					return
				}
				before()
				order := fmt.Sprint("order-", n)
				request := with(goods(order), change)
				request.OrderDescription += strings.Repeat("i", n) // no two have the same length
				_, err := client.Payments.Create(t.Context(), request)
				mu.Lock()
				outcomes[order] = err
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	require.Len(t, outcomes, orders)
	return outcomes
}

func unchanged(*jovepay.PaymentRequest) {}

// A server closes connections that have been idle, and may do so at the very
// moment when a create is sent on one.
func TestIdleConnectionsClosedByTheServer(t *testing.T) {
	t.Parallel()
	var paid ledger
	var conns atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && paid.process(r) != nil {
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, `{"payment_id":1}`)
	}))
	const idle = 2 * time.Millisecond
	server.Config.IdleTimeout = idle
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	client := newClient(t, server.URL)
	outcomes := createMany(t, client, 400, func() {
		_, err := client.Payments.Get(t.Context(), "1") // leaves a connection idle
		assert.NoError(t, err)
		<-time.After(idle - time.Duration(rand.IntN(400))*time.Microsecond)
	}, unchanged)
	server.Close()
	sum := paid.audit(t, outcomes)
	t.Logf("%+v over %d connections", sum, conns.Load())
	assert.Zero(t, sum.refused)
	assert.Greater(t, conns.Load(), int32(8), "no connection was closed while idle")
}

// The same, with certainty: the connection is closed while it is idle, and
// the client has not noticed yet.
func TestIdleConnectionClosedBeforeACreate(t *testing.T) {
	t.Parallel()
	var paid ledger
	var conns atomic.Int32
	client := newClient(t, "http://"+listen(t, func(conn *net.TCPConn) {
		conns.Add(1)
		serveOne(conn, &paid)
	}))
	outcomes := map[string]error{}
	for range 50 {
		order := fmt.Sprint("order-", len(outcomes))
		_, outcomes[order] = client.Payments.Create(t.Context(), goods(order))
	}
	sum := paid.audit(t, outcomes)
	t.Logf("%+v over %d connections", sum, conns.Load())
	assert.Zero(t, sum.refused)
	assert.Positive(t, sum.created)
}

// serveOne answers one request as if it kept the connection.
func serveOne(conn net.Conn, paid *ledger) {
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	buf := make([]byte, 64<<10)
	n := 0
	for !strings.HasSuffix(string(buf[:n]), "}") {
		more, err := conn.Read(buf[n:])
		if err != nil {
			return
		}
		n += more
	}
	_, body, _ := strings.Cut(string(buf[:n]), "\r\n\r\n")
	r := httptest.NewRequest(http.MethodPost, "/v1/payment", strings.NewReader(body))
	if paid.process(r) == nil {
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n"+`{"payment_id":1}`)
	}
}

// cutter passes connections on to a server and cuts each after a number of
// bytes in either direction.
type cutter struct {
	listener net.Listener
	to       string
	limit    func() (up, down int64)
	running  sync.WaitGroup
}

func startCutter(t *testing.T, to string, limit func() (up, down int64)) *cutter {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	c := &cutter{listener: listener, to: to, limit: limit}
	c.running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			c.running.Go(func() { c.pass(conn) })
		}
	})
	t.Cleanup(c.stop)
	return c
}

func (c *cutter) stop() {
	_ = c.listener.Close()
	c.running.Wait()
}

func (c *cutter) pass(client net.Conn) {
	server, err := net.Dial("tcp", c.to)
	if err != nil {
		_ = client.Close()
		return
	}
	up, down := c.limit()
	if rand.IntN(2) == 0 {
		_ = client.(*net.TCPConn).SetLinger(0) // reset instead of an end
	}
	var cut sync.Once
	closeBoth := func() { _ = client.Close(); _ = server.Close() }
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.CopyN(server, client, up); cut.Do(closeBoth) })
	both.Go(func() { _, _ = io.CopyN(client, server, down); cut.Do(closeBoth) })
	both.Wait()
}

// Wherever a connection breaks: if the SDK says that nothing was processed, or
// repeats on that ground, then nothing was.
func TestConnectionsCutAnywhere(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		orders, request int // about how many bytes a request has
		opts            []jovepay.Option
		change          func(*jovepay.PaymentRequest)
	}{
		"small requests": {1000, 400, nil, unchanged},
		"large bodies": {300, 70_000, nil, func(r *jovepay.PaymentRequest) {
			r.OrderDescription = strings.Repeat("x", 65_000)
		}},
		"large headers":   {300, 70_000, []jovepay.Option{jovepay.WithUserAgent(strings.Repeat("x", 65_000))}, unchanged},
		"too little time": {1000, 400, []jovepay.Option{jovepay.WithTimeout(500 * time.Microsecond)}, unchanged},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var paid ledger
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if paid.process(r) != nil {
					panic(http.ErrAbortHandler)
				}
				_, _ = io.WriteString(w, `{"payment_id":1,"x":"`+strings.Repeat("x", 200)+`"}`)
			}))
			defer server.Close()
			c := startCutter(t, server.Listener.Addr().String(), func() (up, down int64) {
				if rand.IntN(3) == 0 {
					return 1 << 40, rand.Int64N(1000)
				}
				return rand.Int64N(int64(tt.request) * 3), 1 << 40
			})
			client := newClient(t, "http://"+c.listener.Addr().String(), append([]jovepay.Option{jovepay.WithTimeout(20 * time.Second)}, tt.opts...)...)
			outcomes := createMany(t, client, tt.orders, func() {}, tt.change)
			server.Close() // ends the idle connections, too
			c.stop()
			sum := paid.audit(t, outcomes)
			t.Logf("%+v", sum)
			assert.Positive(t, sum.unknown)
		})
	}
}

// A server may act before it has read the body to its end.
func TestServerThatActsOnTheHeader(t *testing.T) {
	t.Parallel()
	var acted atomic.Int32
	client := newClient(t, "http://"+listen(t, func(conn *net.TCPConn) {
		if r, err := http.ReadRequest(bufio.NewReader(conn)); err == nil && r.Method == http.MethodPost {
			acted.Add(1)
		}
		_ = conn.SetLinger(0)
	}))
	for n := range 5 {
		err := client.Do(t.Context(), http.MethodPost, "/v1/x", nil, strings.Repeat("x", 4<<20), nil)
		assertIs(t, err, jovepay.ErrOutcomeUnknown)
		assert.EqualValues(t, n+1, acted.Load())
	}
}

// What net/http's hooks and the body show of a request that failed, and what
// follows.
func TestProofOfNothingWritten(t *testing.T) {
	t.Parallel()
	broken := httptrace.WroteRequestInfo{Err: io.ErrClosedPipe}
	connected := func(h *httptrace.ClientTrace) { h.GetConn(""); h.GotConn(httptrace.GotConnInfo{}) }
	none, one := make([]byte, 0), make([]byte, 1)
	for name, tt := range map[string]struct {
		hooks  func(*httptrace.ClientTrace)
		unsent bool
		read   []byte // what the body is read into, if it is
		closed bool   // the body is closed
		err    error  // if not an unexpected end
	}{
		"no connection, but the body was read":                           {hooks: func(h *httptrace.ClientTrace) { h.GetConn("") }, read: one},
		"no connection, but the body was touched":                        {hooks: func(h *httptrace.ClientTrace) { h.GetConn("") }, read: none},
		"no connection, the body given back":                             {hooks: func(h *httptrace.ClientTrace) { h.GetConn("") }, closed: true, unsent: true},
		"no hooks, the body given back":                                  {hooks: func(*httptrace.ClientTrace) {}, closed: true},
		"a connection, the body given back":                              {hooks: connected, closed: true, unsent: true},
		"a connection, the body read and given back":                     {hooks: connected, read: one, closed: true},
		"a connection, the body given back by a call that was canceled":  {hooks: connected, closed: true, err: context.Canceled},
		"a connection, the body given back by a call that took too long": {hooks: connected, closed: true, err: context.DeadlineExceeded},
		"the header written, the body given back":                        {hooks: func(h *httptrace.ClientTrace) { connected(h); h.WroteHeaders() }, closed: true},
		"the header broke off, but the body was read":                    {hooks: func(h *httptrace.ClientTrace) { connected(h); h.WroteRequest(broken) }, read: one},
		"no hooks, as with a transport of another kind":                  {hooks: func(*httptrace.ClientTrace) {}},
		"no connection": {hooks: func(h *httptrace.ClientTrace) { h.GetConn("") }, unsent: true},
		"a connection":  {hooks: connected},
		"the header broke off": {hooks: func(h *httptrace.ClientTrace) {
			h.GetConn("")
			h.GotConn(httptrace.GotConnInfo{})
			h.WroteRequest(broken)
		}, unsent: true},
		"the body broke off": {hooks: func(h *httptrace.ClientTrace) {
			h.GetConn("")
			h.GotConn(httptrace.GotConnInfo{})
			h.WroteHeaders()
			h.WroteRequest(broken)
		}},
		"all written": {hooks: func(h *httptrace.ClientTrace) {
			h.GetConn("")
			h.GotConn(httptrace.GotConnInfo{})
			h.WroteHeaders()
			h.WroteRequest(httptrace.WroteRequestInfo{})
		}},
		"the header broke off, and was then written by net/http itself": {hooks: func(h *httptrace.ClientTrace) {
			h.GetConn("")
			h.GotConn(httptrace.GotConnInfo{})
			h.WroteRequest(broken)
			h.GetConn("")
			h.GotConn(httptrace.GotConnInfo{})
			h.WroteHeaders()
			h.WroteRequest(httptrace.WroteRequestInfo{})
		}},
		"written, and no connection for net/http's own repetition": {hooks: func(h *httptrace.ClientTrace) {
			h.GetConn("")
			h.GotConn(httptrace.GotConnInfo{})
			h.WroteHeaders()
			h.WroteRequest(broken)
			h.GetConn("")
		}},
	} {
		asked := 0
		client := newClient(t, jovepay.DefaultBaseURL, jovepay.WithHTTPClient(&http.Client{
			Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				asked++
				tt.hooks(httptrace.ContextClientTrace(r.Context()))
				if tt.read != nil {
					_, _ = r.Body.Read(tt.read)
				}
				if tt.closed {
					_ = r.Body.Close()
				}
				return nil, cmp.Or(tt.err, io.ErrUnexpectedEOF)
			}),
		}))
		_, err := client.Payments.Create(t.Context(), goods("1"))
		require.ErrorIs(t, err, cmp.Or(tt.err, io.ErrUnexpectedEOF), name)
		assert.Equal(t, tt.unsent, !errors.Is(err, jovepay.ErrOutcomeUnknown), name)
		assert.Equal(t, map[bool]int{true: 4, false: 1}[tt.unsent], asked, name)
	}
}
