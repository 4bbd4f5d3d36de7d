package jovepay_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
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
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/internal/canonical"
)

// handled returns the response of a handler.
func handled(tb testing.TB, h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	tb.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// logLines returns the lines of a log in JSON, without what is of the moment.
func logLines(tb testing.TB, log *bytes.Buffer) []map[string]any {
	tb.Helper()
	var lines []map[string]any
	for text := range strings.Lines(log.String()) {
		var line map[string]any
		require.NoError(tb, json.Unmarshal([]byte(text), &line))
		delete(line, "time")
		lines = append(lines, line)
	}
	return lines
}

func TestHandlerResponses(t *testing.T) {
	t.Parallel()
	signature := mac256(ipnSecret, guidePayment)
	oops := errors.New("no stock")
	key := parseAs(t, jovepay.FormRaw, guidePayment).Key()
	rejected := func(why string) map[string]any {
		return map[string]any{"level": "WARN", "msg": "jovepay: notification rejected", "error": why}
	}
	twice := post(t, guidePayment, signature)
	twice.Header.Add(jovepay.IPNSignatureHeader, signature)
	limited := post(t, guidePayment, signature)
	limited.Body = http.MaxBytesReader(nil, limited.Body, 100)
	broken := post(t, guidePayment, signature)
	broken.Body = io.NopCloser(io.MultiReader(strings.NewReader(guidePayment), iotest.ErrReader(errors.New("reset"))))
	noBody := post(t, "", signature)
	noBody.Body = nil

	for name, test := range map[string]struct {
		request *http.Request
		fn      func(context.Context, jovepay.Event) error
		status  int
		called  bool
		log     map[string]any
	}{
		"genuine":            {post(t, guidePayment, signature), accept, 200, true, nil},
		"sorted":             {post(t, guidePayment, signAs(t, jovepay.FormJS, guidePayment)), accept, 200, true, nil},
		"unknown kind":       {post(t, "{}", mac256(ipnSecret, "{}")), accept, 200, true, nil},
		"no signature":       {post(t, guidePayment, ""), accept, 401, false, rejected("jovepay: IPN has no signature")},
		"blank signature":    {post(t, guidePayment, "  "), accept, 401, false, rejected("jovepay: IPN has no signature")},
		"forged":             {post(t, guidePayment, mac256("x", guidePayment)), accept, 401, false, rejected("jovepay: IPN signature does not match")},
		"changed":            {post(t, guidePayment+" ", signature), accept, 401, false, rejected("jovepay: IPN signature does not match")},
		"two signatures":     {twice, accept, 401, false, rejected("jovepay: IPN signature does not match: more than one signature")},
		"malformed":          {post(t, `{"a":1,"a":2}`, signature), accept, 400, false, rejected("jovepay: IPN is malformed: duplicate name at byte 7")},
		"empty":              {post(t, "", signature), accept, 400, false, rejected("jovepay: IPN is malformed: not a JSON object at byte 0")},
		"no body":            {noBody, accept, 400, false, rejected("jovepay: IPN is malformed: not a JSON object at byte 0")},
		"connection breaks":  {broken, accept, 400, false, rejected("jovepay: IPN is malformed: reading the body: reset")},
		"too large":          {post(t, guidePayment+strings.Repeat(" ", 100), signature), accept, 413, false, rejected("jovepay: IPN is malformed: body is too large: over 600 bytes")},
		"over another limit": {limited, accept, 413, false, rejected("jovepay: IPN is malformed: body is too large: over 100 bytes")},
		"function fails": {
			post(t, guidePayment, signature), func(context.Context, jovepay.Event) error { return oops }, 500, true,
			map[string]any{"level": "ERROR", "msg": "jovepay: notification handler failed", "event": key, "error": "no stock"},
		},
		"function panics": {
			post(t, guidePayment, signature), func(context.Context, jovepay.Event) error { panic("oh no") }, 500, true,
			map[string]any{"level": "ERROR", "msg": "jovepay: notification handler panicked", "event": key, "panic": "oh no"},
		},
		"function panics on purpose": {
			post(t, guidePayment, signature), func(context.Context, jovepay.Event) error { panic(http.ErrAbortHandler) }, 500, true,
			map[string]any{"level": "ERROR", "msg": "jovepay: notification handler panicked", "event": key, "panic": "net/http: abort Handler"},
		},
		"no function": {
			post(t, guidePayment, signature), nil, 500, false,
			map[string]any{"level": "ERROR", "msg": "jovepay: notification handler panicked", "event": key, "panic": "runtime error: invalid memory address or nil pointer dereference"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			v := newVerifier(t, ipnSecret, jovepay.WithIPNMaxBytes(600), jovepay.WithIPNLogger(slog.New(slog.NewJSONHandler(&log, nil))))
			called := 0
			fn := test.fn
			if fn != nil {
				fn = func(ctx context.Context, event jovepay.Event) error {
					called++
					assert.Equal(t, test.request.Context(), ctx)
					assert.NotNil(t, event)
					return test.fn(ctx, event)
				}
			}
			w := handled(t, v.Handler(fn), test.request)
			assert.Equal(t, test.status, w.Code)
			assert.Empty(t, w.Body.String(), "the sender learns nothing more")
			assert.Empty(t, w.Header())
			assert.Equal(t, test.called, called == 1)

			lines := logLines(t, &log)
			if test.log == nil {
				assert.Empty(t, lines)
				return
			}
			require.Len(t, lines, 1)
			if stack, ok := lines[0]["stack"].(string); ok {
				assert.Contains(t, stack, "ipn_http", "where it panicked")
				delete(lines[0], "stack")
			}
			assert.Equal(t, test.log, lines[0])
			for _, private := range []string{ipnSecret, signature, "payment_id", "123456789", "14.8106"} {
				assert.NotContains(t, log.String(), private)
			}
		})
	}
}

func TestHandlerMethods(t *testing.T) {
	t.Parallel()
	h := newVerifier(t, ipnSecret).Handler(accept)
	for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "post", "POSTS"} {
		r := post(t, guidePayment, mac256(ipnSecret, guidePayment))
		r.Method = method
		w := handled(t, h, r)
		assert.Equal(t, http.StatusMethodNotAllowed, w.Code, method)
		assert.Equal(t, http.Header{"Allow": {"POST"}}, w.Header(), method)
		assert.Empty(t, w.Body.String())
		left, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		assert.Len(t, left, len(guidePayment), "the body is not read")
	}
}

// TestHandlerLogsByDefault logs to what is slog's default at that moment, one
// line each, and nothing of what was posted.
func TestHandlerLogsByDefault(t *testing.T) {
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	var v = newVerifier(t, ipnSecret)
	ordinary := errors.New("no stock\nlevel=INFO msg=forged")
	fails := v.Handler(func(context.Context, jovepay.Event) error { return ordinary })
	panics := v.Handler(func(context.Context, jovepay.Event) error { panic("oh\nno\u2028\x1b[31m") })
	signature := mac256(ipnSecret, guidePayment)
	for name, test := range map[string]struct {
		h               http.Handler
		body, signature string
		status          int
		want            string
	}{
		"rejected": {fails, guidePayment, "", 401, `level=WARN msg="jovepay: notification rejected" error="jovepay: IPN has no signature"`},
		"hostile":  {fails, `{"a":"` + "\x1b\n" + `"}`, signature, 400, `level=WARN msg="jovepay: notification rejected" error="jovepay: IPN is malformed: control character in a string at byte 6"`},
		"fails":    {fails, guidePayment, signature, 500, `level=ERROR msg="jovepay: notification handler failed" event=payment:`},
		"panics":   {panics, guidePayment, signature, 500, `level=ERROR msg="jovepay: notification handler panicked" event=payment:`},
	} {
		var log bytes.Buffer
		slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
		assert.Equal(t, test.status, handled(t, test.h, post(t, test.body, test.signature)).Code, name)
		text := log.String()
		assert.Contains(t, text, test.want, name)
		assert.Equal(t, 1, strings.Count(text, "\n"), "%s: one line: %s", name, text)
		for _, private := range []string{ipnSecret, signature, guidePayment[:40], "\x1b", "\u2028"} {
			assert.NotContains(t, text, private, name)
		}
	}
}

// TestHandlerSilenced logs nothing if that was asked for.
func TestHandlerSilenced(t *testing.T) {
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	var log bytes.Buffer
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	h := newVerifier(t, ipnSecret, jovepay.WithIPNLogger(slog.New(slog.DiscardHandler))).
		Handler(func(context.Context, jovepay.Event) error { panic("silent") })
	assert.Equal(t, 401, handled(t, h, post(t, guidePayment, "")).Code)
	assert.Equal(t, 500, handled(t, h, post(t, guidePayment, mac256(ipnSecret, guidePayment))).Code)
	assert.Empty(t, log.String())
}

// TestParseRequestConsumedUnannounced reads a body of unannounced length twice.
func TestParseRequestConsumedUnannounced(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodPost, "/", struct{ io.Reader }{strings.NewReader(guidePayment)})
	_, err := io.Copy(io.Discard, r.Body)
	require.NoError(t, err)
	r.Header.Set(jovepay.IPNSignatureHeader, mac256(ipnSecret, guidePayment))
	_, err = newVerifier(t, ipnSecret).ParseRequest(r)
	require.ErrorIs(t, err, jovepay.ErrMalformedIPN)
	assert.EqualError(t, err, "jovepay: IPN is malformed: the body is empty: something may have already read it")
}

// TestParseRequestConsumed says so if something has already read the body.
func TestParseRequestConsumed(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, ipnSecret)
	consume := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, err := io.Copy(io.Discard, r.Body)
			assert.NoError(t, err)
			next.ServeHTTP(w, r)
		})
	}
	server := httptest.NewServer(consume(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		event, err := v.ParseRequest(r)
		assert.Nil(t, event)
		assert.ErrorIs(t, err, jovepay.ErrMalformedIPN)
		assert.EqualError(t, err, fmt.Sprintf("jovepay: IPN is malformed: none of its %d bytes are left: something has already read the body", len(guidePayment)))
	})))
	t.Cleanup(server.Close)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader(guidePayment))
	require.NoError(t, err)
	r.Header.Set(jovepay.IPNSignatureHeader, mac256(ipnSecret, guidePayment))
	response, err := server.Client().Do(r)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
}

// TestParseRequestLeavesTheBody reads the body again after each verdict.
func TestParseRequestLeavesTheBody(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long ", 1000)
	for name, test := range map[string]struct {
		body, signature string
		want            error
	}{
		"genuine":      {guidePayment, mac256(ipnSecret, guidePayment), nil},
		"forged":       {guidePayment, mac256("x", guidePayment), jovepay.ErrSignatureMismatch},
		"no signature": {guidePayment, "", jovepay.ErrSignatureMissing},
		"malformed":    {"{", mac256(ipnSecret, "{"), jovepay.ErrMalformedIPN},
		"empty":        {"", mac256(ipnSecret, ""), jovepay.ErrMalformedIPN},
		"too large":    {long, mac256(ipnSecret, long), jovepay.ErrMalformedIPN},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVerifier(t, ipnSecret, jovepay.WithIPNMaxBytes(600))
			body := &closingBody{Reader: iotest.OneByteReader(strings.NewReader(test.body))}
			r := post(t, "", test.signature)
			r.Body = body
			for range 3 { // it can be parsed again and again
				_, err := v.ParseRequest(r)
				require.ErrorIs(t, err, test.want)
			}
			again, err := io.ReadAll(r.Body)
			require.NoError(t, err)
			assert.Equal(t, test.body, string(again))
			assert.False(t, body.closed, "that is for the server")
			require.NoError(t, r.Body.Close())
			assert.True(t, body.closed)
		})
	}
}

// A closingBody reports whether it was closed.
type closingBody struct {
	io.Reader
	closed bool
}

func (b *closingBody) Close() error {
	b.closed = true
	return nil
}

// TestParseRequestReadsNoMore leaves what is over the limit to the sender.
func TestParseRequestReadsNoMore(t *testing.T) {
	t.Parallel()
	counted := &countingReader{Reader: strings.NewReader(strings.Repeat("x", 1<<20))}
	r := post(t, "", "00")
	r.Body = io.NopCloser(counted)
	_, err := newVerifier(t, ipnSecret, jovepay.WithIPNMaxBytes(1000)).ParseRequest(r)
	require.ErrorIs(t, err, jovepay.ErrMalformedIPN)
	require.ErrorIs(t, err, jovepay.ErrIPNTooLarge)
	assert.LessOrEqual(t, counted.n, 1001)

	r = post(t, "", "00")
	r.Body = http.MaxBytesReader(nil, io.NopCloser(strings.NewReader("{         }")), 10)
	_, err = newVerifier(t, ipnSecret).ParseRequest(r)
	require.ErrorIs(t, err, jovepay.ErrMalformedIPN)
	require.ErrorIs(t, err, jovepay.ErrIPNTooLarge, "another's limit")

	r = post(t, "", "00")
	r.Body = io.NopCloser(iotest.ErrReader(io.ErrUnexpectedEOF))
	_, err = newVerifier(t, ipnSecret).ParseRequest(r)
	require.ErrorIs(t, err, jovepay.ErrMalformedIPN)
	require.NotErrorIs(t, err, jovepay.ErrIPNTooLarge)
}

type countingReader struct {
	io.Reader
	n int
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.n += n
	return n, err
}

// TestParseRequestBrokenBody says why the body could not be read, and gives
// handlers after it what came.
func TestParseRequestBrokenBody(t *testing.T) {
	t.Parallel()
	r := post(t, "", mac256(ipnSecret, guidePayment))
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"payment`), iotest.ErrReader(io.ErrUnexpectedEOF)))
	event, err := newVerifier(t, ipnSecret).ParseRequest(r)
	require.ErrorIs(t, err, jovepay.ErrMalformedIPN)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.Nil(t, event)
	again, err := io.ReadAll(r.Body)
	assert.Equal(t, `{"payment`, string(again))
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

// TestParseRequestHeader finds the header however it is spelled.
func TestParseRequestHeader(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, ipnSecret)
	for _, name := range []string{"x-jovepay-sig", "X-JOVEPAY-SIG", "X-Jovepay-Sig"} {
		r := post(t, guidePayment, "")
		r.Header.Set(name, " "+strings.ToUpper(mac256(ipnSecret, guidePayment))+" ")
		event, err := v.ParseRequest(r)
		require.NoError(t, err)
		assert.Equal(t, jovepay.FormRaw, event.Verification().Form)
	}
	r := post(t, guidePayment, "")
	r.Header.Add(jovepay.IPNSignatureHeader, "")
	r.Header.Add(jovepay.IPNSignatureHeader, mac256(ipnSecret, guidePayment))
	_, err := v.ParseRequest(r)
	assert.ErrorIs(t, err, jovepay.ErrSignatureMismatch, "which of two is meant is not known")
}

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
				responses := bufio.NewReader(connection)
				for range 2 {
					go func() {
						_, _ = io.WriteString(connection, head(len(guidePayment), mac256(ipnSecret, guidePayment))+guidePayment)
					}()
					response, err := http.ReadResponse(responses, nil)
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

	var classes [5]atomic.Int32
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
				classes[response.StatusCode/100-1].Add(1)
			}
		})
	}
	senders.Wait()
	assert.EqualValues(t, clients*each*8/10, called.Load())
	assert.EqualValues(t, clients*each*8/10, classes[1].Load())
	assert.EqualValues(t, clients*each*2/10, classes[3].Load())
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
	for name, body := range hostileBodies(1 << 20) {
		for _, announced := range []int64{int64(len(body)), -1} {
			took, _ := parseMemory(t, body, announced)
			assert.Less(t, took, 8*len(body), "%s, %d bytes, announced %d", name, len(body), announced)
		}
	}
}

// TestParseRequestMemoryOfValues has short bodies of the most values, each of which
// takes as much memory as it can: all of them together take up to 1 MiB more.
func TestParseRequestMemoryOfValues(t *testing.T) {
	var names, fractions strings.Builder
	for i := canonical.DefaultValues - 3; i > 0; i-- {
		fmt.Fprintf(&names, `,"%d":1`, i)
		fmt.Fprintf(&fractions, `,"%d":1e-9`, i)
	}
	for name, body := range map[string]string{
		"names":               `{"é":1` + names.String() + "}",
		"names and fractions": `{"é":1e-9` + fractions.String() + "}",
		"zeros":               `{"a":[` + strings.Repeat("0,", canonical.DefaultValues-3) + "0]}",
		"fractions":           `{"a":[` + strings.Repeat("1e-9,", canonical.DefaultValues-3) + "0]}",
	} {
		took, err := parseMemory(t, body, int64(len(body)))
		require.ErrorIs(t, err, jovepay.ErrSignatureMismatch, "%s: not all of it is read", name)
		assert.Less(t, took, 8*len(body)+1<<20, "%s, %d bytes", name, len(body))
	}
}

// parseMemory returns how much is allocated for a forged body, and why it is rejected.
func parseMemory(t *testing.T, body string, announced int64) (took int, err error) {
	t.Helper()
	v := newVerifier(t, ipnSecret, jovepay.WithIPNMaxBytes(2<<20))
	r := post(t, body, mac512("forger", "{}"))
	r.ContentLength = announced
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = v.ParseRequest(r)
	runtime.ReadMemStats(&after)
	require.Error(t, err)
	return int(after.TotalAlloc - before.TotalAlloc), err
}
