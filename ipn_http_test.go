package jovepay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

// handled returns what a handler answers.
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

func TestHandlerAnswers(t *testing.T) {
	t.Parallel()
	signature := mac256(ipnSecret, guidePayment)
	oops := errors.New("no stock")
	key := parseAs(t, jovepay.FormRaw, guidePayment).Key()
	refused := func(why string) map[string]any {
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
		"no signature":       {post(t, guidePayment, ""), accept, 401, false, refused("jovepay: IPN has no signature")},
		"blank signature":    {post(t, guidePayment, "  "), accept, 401, false, refused("jovepay: IPN has no signature")},
		"forged":             {post(t, guidePayment, mac256("x", guidePayment)), accept, 401, false, refused("jovepay: IPN signature does not match")},
		"changed":            {post(t, guidePayment+" ", signature), accept, 401, false, refused("jovepay: IPN signature does not match")},
		"two signatures":     {twice, accept, 401, false, refused("jovepay: IPN signature does not match: more than one signature")},
		"malformed":          {post(t, `{"a":1,"a":2}`, signature), accept, 400, false, refused("jovepay: IPN is malformed: duplicate name at byte 7")},
		"empty":              {post(t, "", signature), accept, 400, false, refused("jovepay: IPN is malformed: not a JSON object at byte 0")},
		"no body":            {noBody, accept, 400, false, refused("jovepay: IPN is malformed: not a JSON object at byte 0")},
		"connection breaks":  {broken, accept, 400, false, refused("jovepay: IPN is malformed: reading the body: reset")},
		"too large":          {post(t, guidePayment+strings.Repeat(" ", 100), signature), accept, 413, false, refused("jovepay: IPN is malformed: body is too large: over 600 bytes")},
		"over another limit": {limited, accept, 413, false, refused("jovepay: IPN is malformed: body is too large: over 100 bytes")},
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
	assert.EqualError(t, err, "jovepay: IPN is malformed: the body is empty: something may have read it before")
}

// TestParseRequestConsumed says so if something has read the body before.
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
		assert.EqualError(t, err, fmt.Sprintf("jovepay: IPN is malformed: none of its %d bytes are left: something has read the body before", len(guidePayment)))
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

// A closingBody tells whether it was closed.
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
