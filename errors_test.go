package jovepay_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

var sentinels = []error{
	jovepay.ErrInvalidRequest, jovepay.ErrUnauthorized, jovepay.ErrForbidden, jovepay.ErrNotFound,
	jovepay.ErrRateLimited, jovepay.ErrServer, jovepay.ErrOutcomeUnknown,
}

// assertIs checks that err is all of want and none of the other sentinels.
func assertIs(t *testing.T, err error, want ...error) {
	t.Helper()
	for _, sentinel := range sentinels {
		assert.Equal(t, slices.Contains(want, sentinel), errors.Is(err, sentinel), "%v is %v", err, sentinel)
	}
}

func TestStatusesBecomeSentinels(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]error{
		400: jovepay.ErrInvalidRequest, 422: jovepay.ErrInvalidRequest, 401: jovepay.ErrUnauthorized, 403: jovepay.ErrForbidden,
		404: jovepay.ErrNotFound, 429: jovepay.ErrRateLimited, 500: jovepay.ErrServer, 502: jovepay.ErrServer, 503: jovepay.ErrServer,
		504: jovepay.ErrServer, 520: jovepay.ErrServer, 599: jovepay.ErrServer,
		402: nil, 405: nil, 408: nil, 409: nil, 410: nil, 413: nil, 418: nil, 451: nil, 302: nil, 304: nil,
	} {
		client := answering(t, status, answer(t, "error.json"))
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

func TestErrorAnswers(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long ", 1000)
	for _, tt := range []struct {
		name, body, kind string
		code, message    string
	}{
		{name: "JSON", body: answer(t, "error.json"), code: "INVALID_REQUEST_PARAMS", message: "price_amount is required"},
		{name: "messages", body: answer(t, "error_array.json"), message: "price_amount must be a number; pay_currency should not be empty"},
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
		{name: "empty", body: ``, message: "I'm a teapot: empty answer"},
		{name: "blank", body: " \r\n ", message: "I'm a teapot: empty answer"},
		{name: "HTML", body: answer(t, "error_cloudflare.html"), kind: "text/html; charset=utf-8", message: `I'm a teapot: answer is not JSON but "text/html"`},
		{name: "untyped", body: "gateway timeout", message: `I'm a teapot: answer is not JSON but ""`},
		{name: "truncated", body: `{"message":"pri`, kind: "application/json", message: `I'm a teapot: answer is not JSON but "application/json"`},
		{name: "duplicates", body: `{"message":"a","message":"b"}`, kind: "application/json", message: `I'm a teapot: answer is not JSON but "application/json"`},
		{name: "binary", body: "\x00\xff\x1b[31m", kind: "image/png", message: `I'm a teapot: answer is not JSON but "image/png"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client := responding(t, func(*http.Request) (*http.Response, error) {
				res := plainResponse(http.StatusTeapot, tt.body)
				res.Header = http.Header{"Content-Type": {tt.kind}, "X-Request-Id": {"req-1"}, "Cf-Ray": {"ray-2"}}
				return res, nil
			})
			_, err := client.Payments.Get(t.Context(), "a b")
			assert.Equal(t, &jovepay.APIError{
				StatusCode: http.StatusTeapot, Code: tt.code, Message: tt.message, RequestID: "req-1",
				Method: "GET", Path: "/v1/payment/a%20b", Body: []byte(tt.body),
			}, err)
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
		client := responding(t, func(*http.Request) (*http.Response, error) {
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

// A name in an answer may be as long as the answer.
func TestUnreadableAnswersAreNotDumped(t *testing.T) {
	t.Parallel()
	name := strings.Repeat("name\\n", 100_000)
	_, err := answering(t, http.StatusOK, `{"`+name+`":1,"`+name+`":2}`).Payments.Get(t.Context(), "1")
	require.Error(t, err)
	assertOneLine(t, err)
	assert.Contains(t, err.Error(), "200 answer cannot be read: ")
}

func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	const limit = 1000
	payment := func(size int) string {
		text := `{"payment_id":1,"x":"`
		return text + strings.Repeat("x", size-len(text)-2) + `"}`
	}
	for _, status := range []int{http.StatusOK, http.StatusBadRequest} {
		for _, size := range []int{limit, limit + 1, 100 * limit} {
			for _, form := range []string{"length told", "streamed", "zipped"} {
				address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
					if form == "length told" {
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
	got, err := answering(t, http.StatusOK, payment(100), jovepay.WithMaxResponseBytes(math.MaxInt64)).Payments.Get(t.Context(), "1")
	require.NoError(t, err, "the largest limit is one")
	assert.Len(t, got.Raw, 100)
}

func TestTruncatedAnswers(t *testing.T) {
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
	require.ErrorAs(t, err, &failed, "a refusal is one, however short")
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
	client := responding(t, httpmock.NewErrorResponder(cause))
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
	assert.ErrorContains(t, err, "no answer within 500ms")

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
	client := responding(t, func(*http.Request) (*http.Response, error) {
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
