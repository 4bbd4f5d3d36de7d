package jovepay_test

import (
	"compress/gzip"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

var sentinels = []error{
	jovepay.ErrInvalidRequest, jovepay.ErrUnauthorized, jovepay.ErrForbidden, jovepay.ErrNotFound,
	jovepay.ErrRateLimited, jovepay.ErrServer, jovepay.ErrOutcomeUnknown,
}

func TestStatusesBecomeSentinels(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]error{
		400: jovepay.ErrInvalidRequest, 422: jovepay.ErrInvalidRequest, 401: jovepay.ErrUnauthorized, 403: jovepay.ErrForbidden,
		404: jovepay.ErrNotFound, 429: jovepay.ErrRateLimited, 500: jovepay.ErrServer, 502: jovepay.ErrServer, 503: jovepay.ErrServer,
		504: jovepay.ErrServer, 520: jovepay.ErrServer, 599: jovepay.ErrServer,
		402: nil, 405: nil, 408: nil, 409: nil, 410: nil, 413: nil, 418: nil, 451: nil, 302: nil, 304: nil,
	} {
		client := newCannedClient(t, status, responseFile(t, "error.json"))
		_, err := client.Payments.Get(t.Context(), "1")
		if want == nil {
			assertIs(t, err)
		} else {
			assertIs(t, err, want)
		}
		failed := (*jovepay.APIError)(nil)
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, status, failed.StatusCode)
		assert.Equal(t, "INVALID_REQUEST_PARAMS", failed.Code)
		assert.NoError(t, errors.Unwrap(failed))
	}
}

func TestErrorResponses(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long ", 1000)
	for _, tt := range []struct {
		name, body, kind string
		code, message    string
	}{
		{name: "JSON", body: responseFile(t, "error.json"), code: "INVALID_REQUEST_PARAMS", message: "price_amount is required"},
		{name: "messages", body: responseFile(t, "error_array.json"), message: "price_amount must be a number; pay_currency should not be empty"},
		{name: "error only", body: `{"error":"Bad Request"}`, message: "Bad Request"},
		{name: "error object", body: `{"error":{"reason":"x"}}`, message: `{"reason":"x"}`},
		{name: "message object", body: `{"message":{"en":"no"}}`, message: `{"en":"no"}`},
		{name: "message null", body: `{"message":null,"error":"no"}`, message: "no"},
		{name: "mixed array", body: `{"message":["a",1]}`, message: `["a",1]`},
		{name: "code number", body: `{"code":1020,"message":"no"}`, code: "1020", message: "no"},
		{name: "code object", body: `{"code":{},"message":"no"}`, message: "no"},
		{name: "lines", body: `{"message":"one\ntwo\r\n\tthree four\u2028five","code":"A\nB"}`, code: "A B", message: "one two three four five"},
		{name: "long", body: `{"message":"` + long + `","code":"` + long + `"}`, code: strings.Repeat("long ", 20) + "…", message: strings.Repeat("long ", 60) + "…"},
		{name: "msg", body: `{"msg":"coin is off"}`, message: "coin is off"},
		{name: "detail", body: `{"detail":"coin is off"}`, message: "coin is off"},
		{name: "details", body: `{"details":["coin is off","try ltc"]}`, message: "coin is off; try ltc"},
		{name: "errors", body: `{"errors":[{"message":"coin is off"},{"msg":"try ltc"}]}`, message: "coin is off; try ltc"},
		{name: "errors as texts", body: `{"errors":["coin is off","try ltc"]}`, message: "coin is off; try ltc"},
		{name: "errors by field", body: `{"errors":{"pay_currency":["is off","try ltc"],"price_amount":"is low"}}`, message: "pay_currency: is off; try ltc; price_amount: is low"},
		{name: "errors by field, nested", body: `{"errors":{"pay_currency":{"message":"is off"}}}`, message: "pay_currency: is off"},
		{name: "error and its code", body: `{"error":{"message":"coin is off","code":"OFF"}}`, code: "OFF", message: "coin is off"},
		{name: "message and errors", body: `{"message":"Validation failed","error":"Bad Request","errors":{"pay_currency":["is off"]}}`, message: "Validation failed; pay_currency: is off"},
		{name: "messages with objects", body: `{"message":[{"message":"coin is off"},"try ltc"]}`, message: "coin is off; try ltc"},
		{name: "list of errors", body: `[{"message":"coin is off"}]`, message: "coin is off"},
		{name: "empty message", body: `{"message":"","error":[],"errors":{},"detail":"coin is off"}`, message: "coin is off"},
		{name: "null texts", body: `{"message":null,"errors":null}`, message: "I'm a teapot"},
		{name: "deep", body: `{"message":` + strings.Repeat(`{"message":`, 20) + `"x"` + strings.Repeat(`}`, 21), message: strings.Repeat(`{"message":`, 11) + `"x"` + strings.Repeat(`}`, 11)},
		{name: "half a character", body: `{"message":"coin is off\ud83d"}`, message: "coin is off\uFFFD"},
		{name: "not to be seen", body: `{"message":"a\u0085b\u009bc\u202ed\u2066e\ufefff\u200bg\u00a0h\u2029i\u00adj\ue000k"}`, message: "a b c d e f g h i j k"},
		{name: "JSON string", body: `"no such thing"`, message: "no such thing"},
		{name: "JSON array", body: `["one","two"]`, message: "one; two"},
		{name: "empty object", body: `{}`, message: "I'm a teapot"},
		{name: "null", body: `null`, message: "I'm a teapot"},
		{name: "empty", body: ``, message: "I'm a teapot: empty response"},
		{name: "blank", body: " \r\n ", message: "I'm a teapot: empty response"},
		{name: "HTML", body: responseFile(t, "error_cloudflare.html"), kind: "text/html; charset=utf-8", message: `I'm a teapot: response is not JSON but "text/html"`},
		{name: "untyped", body: "gateway timeout", message: `I'm a teapot: response is not JSON but ""`},
		{name: "truncated", body: `{"message":"pri`, kind: "application/json", message: `I'm a teapot: response is not JSON but "application/json"`},
		{name: "duplicates", body: `{"message":"a","message":"b"}`, kind: "application/json", message: `I'm a teapot: response is not JSON but "application/json"`},
		{name: "binary", body: "\x00\xff\x1b[31m", kind: "image/png", message: `I'm a teapot: response is not JSON but "image/png"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client := newMockClient(t, func(*http.Request) (*http.Response, error) {
				res := plainResponse(http.StatusTeapot, tt.body)
				res.Header = http.Header{"Content-Type": {tt.kind}, "X-Request-Id": {"req-1"}, "Cf-Ray": {"ray-2"}}
				return res, nil
			})
			_, err := client.Payments.Get(t.Context(), "a b")
			failed := (*jovepay.APIError)(nil)
			require.ErrorAs(t, err, &failed)
			assert.EqualExportedValues(t, jovepay.APIError{
				StatusCode: http.StatusTeapot, Code: tt.code, Message: tt.message, RequestID: "req-1",
				Method: "GET", Path: "/v1/payment/a%20b", Body: []byte(tt.body),
			}, *failed)
			assertIs(t, err)
			require.NoError(t, errors.Unwrap(failed))
			text := "jovepay: GET /v1/payment/a%20b: 418 "
			if tt.code != "" {
				text += tt.code + " "
			}
			assert.EqualError(t, err, text+tt.message+" (request id req-1)")
		})
	}
}

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ id, ray, want string }{
		{"", "8e6b3f0a1c2d3e4f-FRA", "8e6b3f0a1c2d3e4f-FRA"},
		{"a\tb ", "", "a b"},
		{strings.Repeat("x", 5000), "", strings.Repeat("x", 100) + "…"},
		{"", "", ""},
	} {
		client := newMockClient(t, func(*http.Request) (*http.Response, error) {
			res := plainResponse(http.StatusNotFound, "")
			res.Header = http.Header{"X-Request-Id": {tt.id}, "Cf-Ray": {tt.ray}}
			return res, nil
		})
		_, err := client.Payments.Get(t.Context(), "1")
		failed := (*jovepay.APIError)(nil)
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, tt.want, failed.RequestID)
		assert.Equal(t, tt.want != "", strings.Contains(err.Error(), "request id"))
	}
}

// A name in a response may be as long as the response.
func TestUnreadableResponsesAreNotDumped(t *testing.T) {
	t.Parallel()
	name := strings.Repeat("name\\n", 100_000)
	_, err := newCannedClient(t, http.StatusOK, `{"`+name+`":1,"`+name+`":2}`).Payments.Get(t.Context(), "1")
	require.Error(t, err)
	assertOneLine(t, err)
	assert.Contains(t, err.Error(), "200 response cannot be read: ")
}

func TestResponsesAreBounded(t *testing.T) {
	t.Parallel()
	const limit = 1000
	payment := func(size int) string {
		text := `{"payment_id":1,"x":"`
		return text + strings.Repeat("x", size-len(text)-2) + `"}`
	}
	for _, status := range []int{http.StatusOK, http.StatusBadRequest} {
		for _, size := range []int{limit, limit + 1, 100 * limit} {
			for _, form := range []string{"length announced", "streamed", "zipped"} {
				address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
					if form == "length announced" {
						w.Header().Set("Content-Length", fmt.Sprint(size))
					}
					if form != "zipped" {
						w.WriteHeader(status)
						_, _ = io.WriteString(w, payment(size))
						return
					}
					w.Header().Set("Content-Encoding", "gzip")
					w.WriteHeader(status)
					zipped := gzip.NewWriter(w)
					_, _ = io.WriteString(zipped, payment(size))
					_ = zipped.Close()
				})
				got, err := newClient(t, address, jovepay.WithMaxResponseBytes(limit)).Payments.Get(t.Context(), "1")
				if status == http.StatusOK && size == limit {
					require.NoError(t, err, form)
					assert.Len(t, got.Raw, limit)
					continue
				}
				failed := (*jovepay.APIError)(nil)
				require.ErrorAs(t, err, &failed, "%s, %d bytes", form, size)
				assert.Equal(t, status, failed.StatusCode)
				assert.Equal(t, payment(size)[:limit], string(failed.Body), "%s: what was read is kept", form)
				assertOneLine(t, err)
				if status == http.StatusOK {
					assert.ErrorContains(t, err, "over the size limit")
				}
			}
		}
	}
	got, err := newCannedClient(t, http.StatusOK, payment(100), jovepay.WithMaxResponseBytes(math.MaxInt64)).Payments.Get(t.Context(), "1")
	require.NoError(t, err, "the largest limit is one")
	assert.Len(t, got.Raw, 100)
}

func TestTruncatedResponses(t *testing.T) {
	t.Parallel()
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		status := http.StatusOK
		if r.Method == http.MethodDelete {
			status = http.StatusConflict
		}
		w.Header().Set("Content-Length", "1000")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"payment_id":"57","message":"as`)
	})
	client := newClient(t, address)
	ctx := t.Context()

	_, err := client.Payments.Create(ctx, goods("1"))
	assertIs(t, err, jovepay.ErrOutcomeUnknown)
	failed := (*jovepay.APIError)(nil)
	require.ErrorAs(t, err, &failed)
	assert.Contains(t, string(failed.Body), `"payment_id":"57"`, "the id is not lost")
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)

	_, err = client.Payments.Get(ctx, "1")
	assertIs(t, err)
	lost := (*jovepay.TransportError)(nil)
	require.ErrorAs(t, err, &lost)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assertOneLine(t, err)

	err = client.Do(ctx, http.MethodDelete, "/v1/x", nil, nil, nil)
	require.ErrorAs(t, err, &failed, "an unsuccessful response is one, however short")
	assert.Equal(t, http.StatusConflict, failed.StatusCode)
	assertIs(t, err)
}

// After a 101 the body is the connection, whose reading no context ends.
func TestSwitchingProtocolsDoesNotHang(t *testing.T) {
	t.Parallel()
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if assert.NoError(t, err) {
			_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
			_, _ = io.Copy(io.Discard, conn)
			_ = conn.Close()
		}
	})
	_, err := newClient(t, address, jovepay.WithTimeout(5*time.Second)).Payments.Create(t.Context(), goods("1"))
	assertIs(t, err, jovepay.ErrOutcomeUnknown)
	failed := (*jovepay.APIError)(nil)
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, http.StatusSwitchingProtocols, failed.StatusCode)
}

func TestTransportErrors(t *testing.T) {
	t.Parallel()
	cause := &net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection\nreset " + strings.Repeat("x", 5000))}
	client := newMockClient(t, httpmock.NewErrorResponder(cause))
	_, err := client.Payments.Get(t.Context(), "1")
	lost := (*jovepay.TransportError)(nil)
	require.ErrorAs(t, err, &lost)
	assert.Equal(t, "GET /v1/payment/1", lost.Method+" "+lost.Path)
	require.ErrorIs(t, err, cause)
	assertIs(t, err)
	assertOneLine(t, err)
	assert.NotContains(t, err.Error(), "https://", "the address is not repeated")

	_, err = client.Payments.Create(t.Context(), goods("1"))
	assertIs(t, err, jovepay.ErrOutcomeUnknown)
	assert.ErrorContains(t, err, "; outcome unknown")
}

func TestTimeoutsAreDeadlines(t *testing.T) {
	t.Parallel()
	address := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	client := newClient(t, address, jovepay.WithTimeout(500*time.Millisecond))
	_, err := client.Payments.Create(t.Context(), goods("1"))
	assertIs(t, err, jovepay.ErrOutcomeUnknown)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.ErrorContains(t, err, "no response within 500ms")

	patient := newClient(t, address)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	_, err = patient.Payments.Create(ctx, goods("1"))
	assertIs(t, err, jovepay.ErrOutcomeUnknown)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

// Nothing is sent for a context that is over, and then nothing is unknown.
func TestContextsThatAreOver(t *testing.T) {
	t.Parallel()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	client := newMockClient(t, func(*http.Request) (*http.Response, error) {
		t.Error("sent")
		return nil, io.EOF
	}, jovepay.WithCredentials(email, password), jovepay.WithRateLimit(1, time.Hour))
	for name, call := range map[string]func() error{
		"create": func() error { _, err := client.Payments.Create(over, goods("1")); return err },
		"once":   func() error { _, err := client.Payments.CreateOnce(over, goods("1")); return err },
		"get":    func() error { _, err := client.Payments.Get(over, "1"); return err },
		"wait":   func() error { _, err := client.Payments.Wait(over, "1", jovepay.WaitOptions{}); return err },
		"status": func() error { _, err := client.Status(over); return err },
		"quote": func() error {
			_, err := client.Estimates.Quote(over, jovepay.QuoteOptions{PriceAmount: amount("1"), PriceCurrency: "usd", PayCurrency: "btc"})
			return err
		},
	} {
		err := call()
		require.ErrorIs(t, err, context.Canceled, name)
		assertIs(t, err)
		assertOneLine(t, err)
	}
}

var updateFaults = flag.Bool("update-faults", false, "write docs/faults.md from the table in errors_test.go")

// faultTable is the table of docs/faults.md. Create is tested with faults that
// strike after the payment was made, where a fault can. A zero outcome is not
// in the document.
var faultTable = []struct {
	name               string
	fault              jovepaytest.Fault // none: the server is not reached
	http2              *http2Fault       // instead, for a server of HTTP/2
	get, login, create outcome
}{
	{
		name:   "connection refused",
		get:    outcome{0, 1, "TransportError"},
		login:  outcome{0, 1, "TransportError"},
		create: outcome{0, 1, "TransportError"},
	},
	{
		name:   "TLS handshake fails",
		get:    outcome{0, 1, "TransportError"},
		login:  outcome{0, 1, "TransportError"},
		create: outcome{0, 1, "TransportError"},
	},
	{
		name:   "connection cut before any effect",
		fault:  jovepaytest.Fault{Cut: true},
		get:    outcome{4, 2, "TransportError"},
		login:  outcome{4, 2, "TransportError"},
		create: outcome{1, 1, "TransportError, ErrOutcomeUnknown"},
	},
	{
		name:   "connection cut after the effect",
		fault:  jovepaytest.Fault{Cut: true, AfterEffect: true},
		get:    outcome{4, 2, "TransportError"},
		login:  outcome{4, 2, "TransportError"},
		create: outcome{1, 1, "TransportError, ErrOutcomeUnknown"},
	},
	{
		name:   "no response in time",
		fault:  jovepaytest.Fault{Hang: true, AfterEffect: true},
		get:    outcome{4, 2, "TransportError, context.DeadlineExceeded"},
		login:  outcome{4, 2, "TransportError, context.DeadlineExceeded"},
		create: outcome{1, 1, "TransportError, context.DeadlineExceeded, ErrOutcomeUnknown"},
	},
	{
		name:   "401",
		fault:  jovepaytest.Fault{Status: 401},
		get:    outcome{2, 2, "APIError, ErrUnauthorized"},
		login:  outcome{1, 1, "APIError, ErrUnauthorized"},
		create: outcome{2, 2, "APIError, ErrUnauthorized"},
	},
	{
		name:   "403",
		fault:  jovepaytest.Fault{Status: 403},
		get:    outcome{1, 1, "APIError, ErrForbidden"},
		login:  outcome{1, 1, "APIError, ErrForbidden"},
		create: outcome{1, 1, "APIError, ErrForbidden"},
	},
	{
		name:   "404",
		fault:  jovepaytest.Fault{Status: 404},
		get:    outcome{1, 1, "APIError, ErrNotFound"},
		login:  outcome{1, 1, "APIError, ErrNotFound"},
		create: outcome{1, 1, "APIError, ErrNotFound"},
	},
	{
		name:   "408",
		fault:  jovepaytest.Fault{Status: 408, AfterEffect: true},
		get:    outcome{4, 2, "APIError"},
		login:  outcome{4, 2, "APIError"},
		create: outcome{1, 1, "APIError, ErrOutcomeUnknown"},
	},
	{
		name:   "429 with Retry-After",
		fault:  jovepaytest.Fault{Status: 429, Header: http.Header{"Retry-After": {"1"}}},
		get:    outcome{4, 2, "APIError, ErrRateLimited"},
		login:  outcome{4, 2, "APIError, ErrRateLimited"},
		create: outcome{4, 2, "APIError, ErrRateLimited"},
	},
	{
		name:   "429 without Retry-After",
		fault:  jovepaytest.Fault{Status: 429},
		get:    outcome{4, 2, "APIError, ErrRateLimited"},
		login:  outcome{4, 2, "APIError, ErrRateLimited"},
		create: outcome{4, 2, "APIError, ErrRateLimited"},
	},
	{
		name:   "500",
		fault:  jovepaytest.Fault{Status: 500, AfterEffect: true},
		get:    outcome{4, 2, "APIError, ErrServer"},
		login:  outcome{4, 2, "APIError, ErrServer"},
		create: outcome{1, 1, "APIError, ErrServer, ErrOutcomeUnknown"},
	},
	{
		name:   "502 with a page of HTML",
		fault:  jovepaytest.Fault{Status: 502, Body: jovepaytest.BadGatewayPage, AfterEffect: true},
		get:    outcome{4, 2, "APIError, ErrServer"},
		login:  outcome{4, 2, "APIError, ErrServer"},
		create: outcome{1, 1, "APIError, ErrServer, ErrOutcomeUnknown"},
	},
	{
		name:   "503",
		fault:  jovepaytest.Fault{Status: 503, AfterEffect: true},
		get:    outcome{4, 2, "APIError, ErrServer"},
		login:  outcome{4, 2, "APIError, ErrServer"},
		create: outcome{1, 1, "APIError, ErrServer, ErrOutcomeUnknown"},
	},
	{
		name:   "200 with garbage",
		fault:  jovepaytest.Fault{Status: 200, Body: "garbage", AfterEffect: true},
		get:    outcome{1, 1, "APIError"},
		login:  outcome{1, 1, "APIError"},
		create: outcome{1, 1, "APIError, ErrOutcomeUnknown"},
	},
	{
		name:   "200 about another payment",
		fault:  jovepaytest.Fault{Status: 200, Body: `{"payment_id":1,"order_id":"another"}`, AfterEffect: true},
		get:    outcome{1, 1, "APIError"},
		login:  outcome{1, 1, "APIError"},
		create: outcome{1, 1, "APIError, ErrOutcomeUnknown"},
	},
	{
		name:   "success, truncated",
		fault:  jovepaytest.Fault{Truncate: 10},
		get:    outcome{4, 2, "TransportError"},
		login:  outcome{4, 2, "TransportError"},
		create: outcome{1, 1, "APIError, ErrOutcomeUnknown"},
	},
	{
		name:   "success, too slow",
		fault:  jovepaytest.Fault{Drip: 100 * time.Millisecond},
		get:    outcome{4, 2, "TransportError, context.DeadlineExceeded"},
		login:  outcome{4, 2, "TransportError, context.DeadlineExceeded"},
		create: outcome{1, 1, "APIError, context.DeadlineExceeded, ErrOutcomeUnknown"},
	},
	{
		name:   "redirect to another host",
		fault:  jovepaytest.Fault{Status: 307, Header: http.Header{"Location": {elsewhere}}, AfterEffect: true},
		get:    outcome{1, 1, "APIError"},
		login:  outcome{1, 1, "APIError"},
		create: outcome{1, 1, "APIError, ErrOutcomeUnknown"},
	},
	{
		name:   "success, body over the limit",
		fault:  jovepaytest.Fault{Size: 1 << 20},
		get:    outcome{1, 1, "APIError"},
		login:  outcome{1, 1, "APIError"},
		create: outcome{1, 1, "APIError, ErrOutcomeUnknown"},
	},
	{
		name:   "HTTP/2: stream reset",
		http2:  &http2Fault{code: resetCode("INTERNAL_ERROR")},
		get:    outcome{4, 2, "TransportError"},
		login:  outcome{4, 2, "TransportError"},
		create: outcome{1, 1, "TransportError, ErrOutcomeUnknown"},
	},
	{
		name:   "HTTP/2: stream reset, with a part of the request unread",
		http2:  &http2Fault{code: resetCode("CANCEL"), early: true},
		get:    outcome{4, 2, "TransportError"},
		login:  outcome{4, 2, "TransportError"},
		create: outcome{1, 1, "TransportError, ErrOutcomeUnknown"},
	},
	{
		name:   "HTTP/2: stream refused (REFUSED_STREAM)",
		http2:  &http2Fault{code: resetCode("REFUSED_STREAM")},
		create: outcome{1, 1, "TransportError, ErrOutcomeUnknown"},
	},
	{
		name:   "HTTP/2: stream reset with PROTOCOL_ERROR",
		http2:  &http2Fault{code: resetCode("PROTOCOL_ERROR")},
		create: outcome{1, 1, "TransportError, ErrOutcomeUnknown"},
	},
	{
		name:   "HTTP/2: GOAWAY that declares the request unprocessed",
		http2:  &http2Fault{goAway: true, behind: 2},
		create: outcome{1, 1, "TransportError, ErrOutcomeUnknown"},
	},
	{
		name:   "HTTP/2: GOAWAY, and the connection ends",
		http2:  &http2Fault{goAway: true},
		get:    outcome{4, 2, "TransportError"},
		login:  outcome{4, 2, "TransportError"},
		create: outcome{1, 1, "TransportError, ErrOutcomeUnknown"},
	},
}

func TestFaults(t *testing.T) {
	t.Parallel()
	var strayed atomic.Int32
	other := serve(t, func(http.ResponseWriter, *http.Request) { strayed.Add(1) })
	t.Cleanup(func() { assert.Zero(t, strayed.Load(), "another host was asked") })

	for _, row := range faultTable {
		if row.fault.Header.Get("Location") == elsewhere {
			row.fault.Header = http.Header{"Location": {other}}
		}
		for name, want := range map[string]outcome{"get": row.get, "login": row.login, "create": row.create} {
			if row.http2 != nil {
				testHTTP2Fault(t, row.name, name, *row.http2, want)
				continue
			}
			for _, once := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/once=%t", row.name, name, once), func(t *testing.T) {
					t.Parallel()
					f := newFaulty(t, row.name, once)
					got := f.call(t, name, row.fault)
					recovers := once && want.recovers()
					payments := 0
					if name == "create" && (recovers || row.fault.AfterEffect || row.fault.Truncate > 0 || row.fault.Size > 0 || row.fault.Drip > 0) {
						payments = 1
					}
					assert.Equal(t, payments, got.payments, "payments")
					if name != "login" && row.name != "401" {
						assert.Zero(t, got.logins, "a login was of no use")
					} else if name != "login" {
						assert.Equal(t, 1, got.logins, "a 401 makes one login")
					}
					if f.unreachable {
						assert.EqualValues(t, map[bool]int{true: 2, false: 4}[once], f.dials.Load(), "attempts to connect")
					}
					if once {
						assert.Equal(t, want.once, got.requests, "requests")
					} else {
						assert.Equal(t, want.always, got.requests, "requests")
					}
					if recovers {
						require.NoError(t, got.err, "the next attempt succeeds")
						return
					}
					require.Error(t, got.err)
					assert.Equal(t, want.err, kindOf(got.err))
					assert.Equal(t, !errors.Is(got.err, jovepay.ErrOutcomeUnknown), jovepay.SafeToRetry(got.err))
					if name == "create" && jovepay.SafeToRetry(got.err) {
						assert.Zero(t, got.payments, "it is said to be safe to create again")
					}
					assertOneLine(t, got.err)
				})
			}
		}
	}
}

// testHTTP2Fault makes one call to a server of HTTP/2 that strikes each time,
// and one to a server that strikes the first time only.
func testHTTP2Fault(t *testing.T, row, name string, fault http2Fault, want outcome) {
	t.Helper()
	if want == (outcome{}) {
		return
	}
	for _, once := range []bool{false, true} {
		t.Run(fmt.Sprintf("%s/%s/once=%t", row, name, once), func(t *testing.T) {
			t.Parallel()
			server := &rawHTTP2{fault: fault, once: once}
			address, transport := server.start(t)
			client := newClient(t, address, jovepay.WithHTTPClient(&http.Client{Transport: transport}), jovepay.WithCredentials(email, password))
			err := map[string]func() error{
				"get":    getting(t, client),
				"login":  func() error { _, err := client.Authenticate(t.Context()); return err },
				"create": func() error { _, err := client.Payments.Create(t.Context(), goods("1")); return err },
			}[name]()
			if once && want.recovers() {
				require.NoError(t, err)
				assert.EqualValues(t, want.once, server.requests.Load())
				return
			}
			assert.Equal(t, want.err, kindOf(err))
			assert.Equal(t, !errors.Is(err, jovepay.ErrOutcomeUnknown), jovepay.SafeToRetry(err))
			assertOneLine(t, err)
			assert.EqualValues(t, want.always, server.requests.Load())
		})
	}
}

func newFaulty(t *testing.T, name string, once bool) *faulty {
	t.Helper()
	server := newServer(t)
	base, err := url.Parse(server.URL)
	require.NoError(t, err)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	address := server.URL
	wrong := ""
	switch name {
	case "connection refused":
		wrong = closedPort(t)
	case "TLS handshake fails":
		front := startTLS(t, httputil.NewSingleHostReverseProxy(base))
		address = front.URL
		transport.TLSClientConfig = front.Client().Transport.(*http.Transport).TLSClientConfig
		wrong = listen(t, func(*net.TCPConn) {}) // hangs up on everyone
	}
	f := &faulty{server: server, once: once, unreachable: wrong != ""}
	transport.DialContext = func(ctx context.Context, network, to string) (net.Conn, error) {
		if f.dials.Add(1) == 1 && f.unreachable || f.unreachable && !once {
			to = wrong
		}
		return new(net.Dialer).DialContext(ctx, network, to)
	}
	opts := []jovepay.Option{
		jovepay.WithBaseURL(address), jovepay.WithAPIKey(server.APIKey), jovepay.WithCredentials(server.Email, server.Password),
		jovepay.WithHTTPClient(&http.Client{Transport: transport}), jovepay.WithMaxResponseBytes(1 << 16), quickly,
	}
	if name == "no response in time" || name == "success, too slow" {
		opts = append(opts, jovepay.WithTimeout(500*time.Millisecond))
	}
	f.client, err = jovepay.NewClient(opts...)
	require.NoError(t, err)
	return f
}

func startTLS(t *testing.T, handler http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewTLSServer(handler)
	t.Cleanup(func() {
		server.Client().CloseIdleConnections()
		server.Close()
	})
	return server
}

func isType[T error](err error) bool {
	_, ok := errors.AsType[T](err)
	return ok
}

// kindOf names what errors.Is and errors.As find in err.
func kindOf(err error) string {
	var found []string
	add := func(ok bool, name string) {
		if ok {
			found = append(found, name)
		}
	}
	add(isType[*jovepay.APIError](err), "APIError")
	add(isType[*jovepay.TransportError](err), "TransportError")
	add(isType[*jovepay.ValidationError](err), "ValidationError")
	add(errors.Is(err, context.DeadlineExceeded), "context.DeadlineExceeded")
	for i, name := range []string{"ErrInvalidRequest", "ErrUnauthorized", "ErrForbidden", "ErrNotFound", "ErrRateLimited", "ErrServer", "ErrOutcomeUnknown"} {
		add(errors.Is(err, sentinels[i]), name)
	}
	return strings.Join(found, ", ")
}

// The page is written by hand down to the mark, by this test below it.
func TestFaultsAreDocumented(t *testing.T) {
	t.Parallel()
	const file, mark = "docs/faults.md", "<!-- the tables below are written by go test -run TestFaultsAreDocumented -update-faults -->\n"
	page, err := os.ReadFile(file)
	require.NoError(t, err)
	head, _, ok := strings.Cut(string(page), mark)
	require.True(t, ok, "%s has no mark", file)
	want := head + mark + faultPage()
	if *updateFaults {
		require.NoError(t, os.WriteFile(file, []byte(want), 0o644))
		return
	}
	assert.Equal(t, want, string(page), "%s and faultTable differ", file)
}

func faultPage() string {
	var b strings.Builder
	for i, call := range []string{"A GET", "The login", "A request that creates"} {
		fmt.Fprintf(&b, "\n## %s\n\n"+
			"| Fault | Each time: requests | the caller gets | First time only: requests | the caller gets |\n"+
			"| --- | --- | --- | --- | --- |\n", call)
		for _, row := range faultTable {
			o := [...]outcome{row.get, row.login, row.create}[i]
			if o == (outcome{}) {
				continue
			}
			then := "the same"
			if o.recovers() {
				then = "the response"
			}
			fmt.Fprintf(&b, "| %s | %d | `%s` | %d | %s |\n", row.name, o.always, strings.ReplaceAll(o.err, ", ", "`, `"), o.once, then)
		}
	}
	b.WriteString(liesPage())
	return b.String() + oncePage()
}

// The rows of SafeToRetry's table, for a request that creates and one that
// reads.
func TestSafeToRetry(t *testing.T) {
	t.Parallel()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	create := func(ctx context.Context, client *jovepay.Client) error {
		_, err := client.Payments.Create(ctx, goods("1"))
		return err
	}
	get := func(ctx context.Context, client *jovepay.Client) error {
		_, err := client.Payments.Get(ctx, "1")
		return err
	}
	for status, safe := range map[int]bool{
		302: false, 400: true, 401: true, 403: true, 404: true, 408: false, 409: true, 422: true, 429: true, 500: false, 502: false, 503: false,
	} {
		client := newCannedClient(t, status, `{"message":"no"}`, quickly)
		assert.Equal(t, safe, jovepay.SafeToRetry(create(t.Context(), client)), "create: %d", status)
		assert.True(t, jovepay.SafeToRetry(get(t.Context(), client)), "get: %d", status)
	}
	for body, safe := range map[string]bool{
		`{"status":false,"message":"no"}`:                  true,
		`{"status":false,"statusCode":400,"message":"no"}`: true,
		`{"status":false,"statusCode":500,"message":"no"}`: false,
		`{"status":false,"message":"no","payment_id":"1"}`: false,
		`{"payment_id":"1","payment_status":"waiting"`:     false,
		`<html>`: false,
		`{"payment_id":"1","order_id":"another one entirely"}`: false,
	} {
		client := newCannedClient(t, 201, body, quickly)
		assert.Equal(t, safe, jovepay.SafeToRetry(create(t.Context(), client)), body)
	}

	invalid := create(t.Context(), newCannedClient(t, 200, "", quickly))
	for name, c := range map[string]struct {
		err  error
		safe bool
	}{
		"nil":                             {nil, false},
		"another error":                   {io.EOF, false},
		"a context's error":               {context.Canceled, false},
		"a read cut off":                  {get(t.Context(), newMockClient(t, httpmock.NewErrorResponder(io.EOF), quickly)), true},
		"a create cut off":                {create(t.Context(), newMockClient(t, httpmock.NewErrorResponder(io.EOF), quickly)), false},
		"canceled before sending":         {create(over, newCannedClient(t, 200, "", quickly)), true},
		"canceled before the login":       {create(over, newClient(t, "https://jovepay.test", jovepay.WithCredentials(email, password))), true},
		"validation":                      {&jovepay.ValidationError{Field: "price_amount", Reason: "is required"}, true},
		"wrapped validation":              {fmt.Errorf("checkout: %w", &jovepay.ValidationError{}), true},
		"wrapped doubt":                   {fmt.Errorf("checkout: %w", invalid), false},
		"doubt beside a safe error":       {errors.Join(&jovepay.ValidationError{}, invalid), false},
		"the sentinel of doubt":           {jovepay.ErrOutcomeUnknown, false},
		"another sentinel":                {jovepay.ErrRateLimited, false},
		"an APIError made elsewhere":      {&jovepay.APIError{StatusCode: 400}, false},
		"a TransportError made elsewhere": {fmt.Errorf("%w", &jovepay.TransportError{}), false},
	} {
		assert.Equal(t, c.safe, jovepay.SafeToRetry(c.err), name)
	}
}

func ExampleSafeToRetry() {
	client, err := jovepay.NewClient(jovepay.WithAPIKey("key"))
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.Payments.Create(context.Background(), jovepay.PaymentRequest{PriceAmount: jovepay.MustAmount("0")})
	if jovepay.SafeToRetry(err) {
		fmt.Println("nothing was created:", err)
	}
	// Output: nothing was created: jovepay: price_amount: want an amount above zero, got 0
}
