package jovepay_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

// A pipeListener accepts connections within the process, so that time can be
// that of a synctest bubble.
type pipeListener struct {
	connections chan net.Conn
	closed      chan struct{}
	once        sync.Once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case connection := <-l.connections:
		return connection, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (*pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// connectTo serves h on a pipe until the test ends and returns the sender's
// end of it. A timeout of 0 is none.
func connectTo(t *testing.T, h http.Handler, timeout time.Duration) net.Conn {
	t.Helper()
	listener := &pipeListener{connections: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: h, ReadTimeout: timeout, ErrorLog: log.New(io.Discard, "", 0)}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	sender, receiver := net.Pipe()
	listener.connections <- receiver
	t.Cleanup(func() {
		_ = sender.Close()
		_ = server.Close()
		serving.Wait()
		<-time.After(time.Second) // of the bubble: net/http lingers over a connection for half of one
	})
	return sender
}

// head is the beginning of a request that delivers a body of n bytes.
func head(n int, signature string) string {
	return fmt.Sprintf("POST /ipn HTTP/1.1\r\nHost: shop\r\nContent-Length: %d\r\n%s: %s\r\n\r\n", n, jovepay.IPNSignatureHeader, signature)
}

// TestHandlerSlowBody lets a sender stop in the middle of a body. The handler
// waits for 15 seconds or as long as the server says, no more.
func TestHandlerSlowBody(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 5000)
	for name, test := range map[string]struct {
		timeout time.Duration
		send    string
		status  int
		took    time.Duration
	}{
		"nothing":              {0, head(500, "00"), 400, 15 * time.Second},
		"half":                 {0, head(500, "00") + `{"payment_id":1`, 400, 15 * time.Second},
		"a chunk":              {0, "POST / HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":", 400, 15 * time.Second},
		"too large and no end": {0, head(100<<10, "00") + long, 413, 15 * time.Second},
		"too large, all there": {0, head(5000, "00") + long, 413, 0},
		"forged, all there":    {0, head(2, mac256("x", "{}")) + "{}", 401, 0},
		"another method":       {0, strings.Replace(head(500, "00"), "POST", "PUT", 1), 405, 15 * time.Second},
		"no body to wait for":  {0, "GET / HTTP/1.1\r\nHost: shop\r\n\r\n", 405, 0},
		"impatient server":     {time.Second, head(500, "00") + "{", 400, time.Second},
		"patient server":       {time.Hour, head(500, "00") + "{", 400, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				v := newVerifier(t, ipnSecret, jovepay.WithIPNMaxBytes(1000))
				connection := connectTo(t, v.Handler(func(context.Context, jovepay.Event) error {
					t.Error("called")
					return nil
				}), test.timeout)
				begun := time.Now()
				go func() { _, _ = io.WriteString(connection, test.send) }()
				require.NoError(t, connection.SetReadDeadline(begun.Add(2*time.Hour)))
				response, err := http.ReadResponse(bufio.NewReader(connection), nil)
				require.NoError(t, err)
				defer response.Body.Close()
				assert.Equal(t, test.status, response.StatusCode)
				assert.Equal(t, test.took, time.Since(begun))
			})
		})
	}
}

// TestHandlerSlowFunction lets the function take its time: the deadline is for
// the body alone, also where somebody else has read it before. The same
// connection then delivers the next event.
func TestHandlerSlowFunction(t *testing.T) {
	t.Parallel()
	slow := newVerifier(t, ipnSecret).Handler(func(ctx context.Context, _ jovepay.Event) error {
		select {
		case <-time.After(time.Hour):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	for name, h := range map[string]http.Handler{
		"alone": slow,
		"behind middleware": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			assert.NoError(t, err)
			r.Body = io.NopCloser(bytes.NewReader(body))
			slow.ServeHTTP(w, r)
		}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				connection := connectTo(t, h, 0)
				answers := bufio.NewReader(connection)
				for range 2 {
					go func() {
						_, _ = io.WriteString(connection, head(len(guidePayment), mac256(ipnSecret, guidePayment))+guidePayment)
					}()
					response, err := http.ReadResponse(answers, nil)
					require.NoError(t, err)
					assert.Equal(t, 200, response.StatusCode)
					require.NoError(t, response.Body.Close())
					<-time.After(time.Hour)
				}
			})
		})
	}
}

// TestHandlerSenderLeaves ends the function's context.
func TestHandlerSenderLeaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		v := newVerifier(t, ipnSecret, jovepay.WithIPNLogger(slog.New(slog.NewJSONHandler(&log, nil))))
		connection := connectTo(t, v.Handler(func(ctx context.Context, _ jovepay.Event) error {
			<-ctx.Done()
			return ctx.Err()
		}), 0)
		_, err := io.WriteString(connection, head(len(guidePayment), mac256(ipnSecret, guidePayment))+guidePayment)
		require.NoError(t, err)
		synctest.Wait()
		require.NoError(t, connection.Close())
		synctest.Wait()
		assert.Contains(t, log.String(), "context canceled")
	})
}

// TestHandlerBodyCutOff closes the connection in the middle of a body.
func TestHandlerBodyCutOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		v := newVerifier(t, ipnSecret, jovepay.WithIPNLogger(slog.New(slog.NewJSONHandler(&log, nil))))
		connection := connectTo(t, v.Handler(func(context.Context, jovepay.Event) error {
			t.Error("called")
			return nil
		}), 0)
		// The part that came is an event, and signed.
		_, err := io.WriteString(connection, head(len(guidePayment)+1, mac256(ipnSecret, guidePayment))+guidePayment)
		require.NoError(t, err)
		require.NoError(t, connection.Close())
		synctest.Wait()
		assert.Contains(t, log.String(), "jovepay: IPN is malformed: reading the body: unexpected EOF")
	})
}

// TestHandlerTransfers delivers a body in the ways of HTTP.
func TestHandlerTransfers(t *testing.T) {
	t.Parallel()
	var events atomic.Int32
	h := newVerifier(t, ipnSecret).Handler(func(_ context.Context, event jovepay.Event) error {
		assert.Equal(t, "payment", kind(event))
		events.Add(1)
		return nil
	})
	plain, two := httptest.NewServer(h), httptest.NewUnstartedServer(h)
	two.EnableHTTP2 = true
	two.StartTLS()
	t.Cleanup(plain.Close)
	t.Cleanup(two.Close)
	for name, server := range map[string]*httptest.Server{"HTTP/1.1": plain, "HTTP/2.0": two} {
		for _, body := range []io.Reader{
			strings.NewReader(guidePayment),
			io.MultiReader(strings.NewReader(guidePayment[:100]), strings.NewReader(guidePayment[100:])), // chunked
		} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, body)
			require.NoError(t, err)
			r.Header.Set(jovepay.IPNSignatureHeader, mac256(ipnSecret, guidePayment))
			r.Header.Set("Expect", "100-continue")
			response, err := server.Client().Do(r)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			assert.Equal(t, 200, response.StatusCode)
			assert.Equal(t, name, response.Proto)
			assert.Zero(t, response.ContentLength)
		}
	}
	assert.EqualValues(t, 4, events.Load())
}

// TestHandlerUnderLoad sends 10,000 notifications over 100 connections, a fifth
// of them not genuine.
func TestHandlerUnderLoad(t *testing.T) {
	t.Parallel()
	const clients, each = 100, 100
	var called atomic.Int32
	v := newVerifier(t, ipnSecret, jovepay.WithIPNMaxBytes(2000))
	server := httptest.NewServer(v.Handler(func(_ context.Context, event jovepay.Event) error {
		called.Add(1)
		e := event.(*jovepay.PaymentEvent)
		if string(e.ID)+"-"+string(e.Status) != e.OrderID {
			return fmt.Errorf("a mixed-up event: %s", e.Raw)
		}
		return nil
	}))
	t.Cleanup(server.Close)
	transport := &http.Transport{MaxIdleConnsPerHost: clients}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport}

	var answers [5]atomic.Int32
	var senders sync.WaitGroup
	for c := range clients {
		senders.Go(func() {
			for i := range each {
				body := fmt.Sprintf(`{"payment_status":"s%d","payment_id":%d,"order_id":"%d-s%d","pad":[%q]}`, i, c, c, i, strings.Repeat("é", i))
				signature := v.Sign([]byte(body))
				switch i % 10 {
				case 3:
					signature = mac512("forger", body)
				case 7:
					body = body[:len(body)-1]
				}
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader(body))
				if !assert.NoError(t, err) {
					return
				}
				r.Header.Set(jovepay.IPNSignatureHeader, signature)
				response, err := client.Do(r)
				if !assert.NoError(t, err) {
					return
				}
				text, err := io.ReadAll(response.Body)
				assert.NoError(t, err)
				assert.Empty(t, text)
				response.Body.Close()
				want := map[int]int{3: 401, 7: 400}[i%10]
				if want == 0 {
					want = 200
				}
				assert.Equal(t, want, response.StatusCode)
				answers[response.StatusCode/100-1].Add(1)
			}
		})
	}
	senders.Wait()
	assert.EqualValues(t, clients*each*8/10, called.Load())
	assert.EqualValues(t, clients*each*8/10, answers[1].Load())
	assert.EqualValues(t, clients*each*2/10, answers[3].Load())
}

// TestHandlerAllAtOnce has 2,000 events in the function at the same moment:
// none waits for another, and none gets another's text.
func TestHandlerAllAtOnce(t *testing.T) {
	t.Parallel()
	const senders = 2000
	var inside sync.WaitGroup
	inside.Add(senders)
	v := newVerifier(t, ipnSecret)
	h := v.Handler(func(_ context.Context, event jovepay.Event) error {
		inside.Done()
		inside.Wait()
		e := event.(*jovepay.PaymentEvent)
		if want := fmt.Sprintf(`{"order_id":"%s","payment_id":%s}`, e.OrderID, e.ID); string(e.Raw) != want || e.OrderID != e.ID.String() {
			return fmt.Errorf("a mixed-up event: %s", e.Raw)
		}
		return nil
	})
	var sent sync.WaitGroup
	for i := range senders {
		sent.Go(func() {
			body := fmt.Sprintf(`{"payment_id":%d,"order_id":"%d"}`, i, i)
			assert.Equal(t, 200, handled(t, h, post(t, body, v.Sign([]byte(body)))).Code)
		})
	}
	sent.Wait()
}

// hostileBodies are of about n bytes and meant to take much memory.
func hostileBodies(n int) map[string]string {
	fill := func(before, item, after string) string {
		return before + strings.Repeat(item, max(0, n-len(before)-len(after))/len(item)) + after
	}
	bodies := sizedBodies(n)
	maps.Copy(bodies, map[string]string{
		"DEL":        fill(`{"a":"`, "\x7f", `"}`),
		"wide":       fill(`{"a":"`, "é", `"}`),
		"zeros":      fill(`{"a":[`, "0,", "0]}"),
		"objects":    fill(`{"a":[`, `{},`, "0]}"),
		"open lists": fill(`{"a":`, "[", ""),
		"controls":   fill(`{"a":"`, `\u0001`, `"}`),
		"digits":     fill(`{"a":0.`, "7", "}"),
		"many names": `{"0":1` + fill("", `,"\u0031":1`, "}"),
		"a name":     fill(`{"`, "é", `":1}`),
	})
	return bodies
}

// TestHandlerMemory posts bodies of 1 MiB that are meant to take much memory,
// 100 of each kind at once: with the default limit all of them together take
// less than 256 MiB.
func TestHandlerMemory(t *testing.T) {
	h := newVerifier(t, ipnSecret, jovepay.WithIPNLogger(slog.New(slog.DiscardHandler))).Handler(accept)
	forged := mac512("forger", "{}")
	for name, body := range hostileBodies(1 << 20) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var senders sync.WaitGroup
		for i := range 100 {
			senders.Go(func() {
				r := post(t, body, forged)
				if i%2 == 1 {
					r.ContentLength = -1
				}
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				assert.Contains(t, []int{400, 401, 413}, w.Code, name)
			})
		}
		senders.Wait()
		runtime.ReadMemStats(&after)
		// All that was allocated, though not all of it at one time.
		assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(256<<20), name)
	}
}

// TestParseRequestMemory raises the limit: what a forged body takes in all, from
// the first byte to the verdict, stays below 8 bytes for each of its bytes.
func TestParseRequestMemory(t *testing.T) {
	v := newVerifier(t, ipnSecret, jovepay.WithIPNMaxBytes(2<<20))
	for name, body := range hostileBodies(1 << 20) {
		for _, announced := range []int64{int64(len(body)), -1} {
			r := post(t, body, mac512("forger", "{}"))
			r.ContentLength = announced
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := v.ParseRequest(r)
			runtime.ReadMemStats(&after)
			require.Error(t, err)
			assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(8*len(body)), "%s, %d bytes, announced %d", name, len(body), announced)
		}
	}
}
