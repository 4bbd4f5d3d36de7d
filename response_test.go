package jovepay_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

// What servers really send, and how it reads, in a response, in a list and
// from JSON that was stored.
func TestPaymentMembersAsSent(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ member, want string }{
		{`"updated_at":1765249461097`, `"updated_at":"2025-12-09T03:04:21.097Z"`},
		{`"updated_at":"1765249461097"`, `"updated_at":"2025-12-09T03:04:21.097Z"`},
		{`"created_at":1765249461`, `"created_at":"2025-12-09T03:04:21Z"`},
		{`"created_at":"2023-07-26T14:20:11+0000"`, `"created_at":"2023-07-26T14:20:11Z"`},
		{`"created_at":"2023-07-26"`, `"created_at":"2023-07-26T00:00:00Z"`},
		{`"created_at":"null"`, ``},
		{`"created_at":""`, ``},
		{`"expiration_estimate_date":"null"`, ``},
		{`"payin_extra_id":"null"`, ``},
		{`"parent_payment_id":0`, ``},
		{`"parent_payment_id":"0"`, ``},
		{`"parent_payment_id":"null"`, ``},
		{`"parent_payment_id":""`, ``},
		{`"parent_payment_id":null`, ``},
		{`"invoice_id":"null"`, ``},
		{`"invoice_id":0`, ``},
		{`"purchase_id":"null"`, ``},
		{`"burning_percent":"null"`, ``},
		{`"actually_paid":"null"`, ``},
		{`"actually_paid":0`, `"actually_paid":0`},
		{`"outcome_currency":"null"`, ``},
		{`"outcome_currency":"USDTTRC20"`, `"outcome_currency":"usdttrc20"`},
		{`"payout_hash":"null"`, ``},
		{`"origin_type":"null"`, ``},
		{`"payment_extra_ids":"null"`, ``},
		{`"payment_extra_ids":""`, ``},
		{`"network_precision":"null"`, ``},
		{`"network_precision":""`, ``},
		{`"network_precision":8.0`, `"network_precision":8`},
		{`"time_limit":1200`, `"time_limit":"1200"`},
		{`"time_limit":1.2e3`, `"time_limit":"1200"`},
		{`"order_description":"null"`, `"order_description":"null"`}, // the shop's own
		{`"order_description":"x\ud83d"`, `"order_description":"x` + "\uFFFD" + `"`},
		{`"order_description":"x\ud83dy"`, `"order_description":"x` + "\uFFFD" + `y"`},
		{`"order_description":"\udc00\ud83d\ude00"`, `"order_description":"` + "\uFFFD\U0001F600" + `"`},
		{`"order_description":"\\ud83d"`, `"order_description":"\\ud83d"`},
		{"\"order_description\":\"M\xfcller\"", `"order_description":"M` + "\uFFFD" + `ller"`},
		{"\"note\":\"M\xfcller\"", `"note":"M` + "\uFFFD" + `ller"`},
		// What does not fit is kept as it came, so that it is not taken for absent.
		{`"actually_paid":{"btc":1}`, `"actually_paid":{"btc":1}`},
		{`"parent_payment_id":[5]`, `"parent_payment_id":[5]`},
		{`"parent_payment_id":true`, `"parent_payment_id":true`},
		{`"invoice_id":1.5`, `"invoice_id":1.5`},
		{`"purchase_id":"5\ud83d"`, `"purchase_id":"5\ufffd"`},
		{`"origin_type":{}`, `"origin_type":{}`},
		{`"origin_type":1`, `"origin_type":1`},
		{`"origin_type":true`, `"origin_type":true`},
		{`"outcome_currency":5`, `"outcome_currency":5`},
		{`"outcome_amount":"about 5"`, `"outcome_amount":"about 5"`},
		{`"outcome_currency":["btc"]`, `"outcome_currency":["btc"]`},
		{`"payment_extra_ids":5`, `"payment_extra_ids":5`},
		{`"payment_extra_ids":{"0":5}`, `"payment_extra_ids":{"0":5}`},
		{`"created_at":"yesterday"`, `"created_at":"yesterday"`},
		{`"created_at":-1`, `"created_at":-1`},
		{`"network_precision":8.5`, `"network_precision":8.5`},
		{`"new_member":{"a":[1,2]}`, `"new_member":{"a":[1,2]}`},
	} {
		want := withMember(tt.want)
		if tt.want == "" {
			want = strings.TrimSuffix(withMember(""), ",}") + "}"
		}
		body := withMember(tt.member)
		client := newMockClient(t, loginResponder(body), jovepay.WithCredentials(email, password))
		got, err := client.Payments.Get(t.Context(), "7")
		require.NoError(t, err, tt.member)
		assert.Equal(t, body, string(got.Raw), "as it came")
		assertStored(t, want, got)

		client = newMockClient(t, loginResponder(`{"data":[`+withMember(`"x":1`)+`,`+body+`],"total":2}`), jovepay.WithCredentials(email, password))
		list, err := client.Payments.List(t.Context(), jovepay.PaymentListOptions{})
		require.NoError(t, err, tt.member)
		require.Len(t, list.Payments, 2)
		assertStored(t, want, list.Payments[1])

		var stored jovepay.Payment
		require.NoError(t, json.Unmarshal([]byte(body), &stored), tt.member)
		assertStored(t, want, &stored)
		var event jovepay.PaymentEvent
		require.NoError(t, json.Unmarshal([]byte(body), &event), tt.member)
		assertStored(t, want, &event.Payment)
	}
}

// assertStored compares what is written of p, whatever the order of members.
func assertStored(t *testing.T, want string, p *jovepay.Payment) {
	t.Helper()
	got, err := json.Marshal(p)
	require.NoError(t, err)
	assert.JSONEq(t, strings.Replace(want, `"payment_id":7`, `"payment_id":"7"`, 1), string(got))
}

func TestTickersAreReadInLowerCase(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"currencies":["BTC","usdttrc20"]}`:                                                   "btc usdttrc20",
		`{"currencies":[{"code":"USDTTRC20","name":"Tether USD (Tron)","enable":true}]}`:       "usdttrc20",
		`{"currencies":[{"currency":"BTC","min_amount":0.0001}]}`:                              "btc",
		`{"currencies":[{"code":"BTC","currency":"ETH"},{"currency":"\u004cTC","code":null}]}`: "btc ltc",
		"{\"currencies\":[\"\u212Aas\"]}":                                                      "\u212Aas", // no Kelvin for a k
	} {
		list, err := newCannedClient(t, http.StatusOK, body).Currencies.List(t.Context(), jovepay.CurrencyListOptions{})
		require.NoError(t, err, body)
		var codes []string
		for _, c := range list.Currencies {
			codes = append(codes, c.Code)
		}
		assert.Equal(t, want, strings.Join(codes, " "))
	}
	ctx := t.Context()
	estimate, err := newCannedClient(t, http.StatusOK, `{"currency_from":"USD","currency_to":"BTC","estimated_amount":1}`).
		Estimates.Get(ctx, jovepay.EstimateOptions{Amount: amount("1"), From: "usd", To: "btc"})
	require.NoError(t, err)
	assert.Equal(t, "usd btc", estimate.CurrencyFrom+" "+estimate.CurrencyTo)
	minimum, err := newCannedClient(t, http.StatusOK, `{"currency_from":"BTC","currency_to":"USD","min_amount":"1"}`).
		Estimates.MinAmount(ctx, jovepay.MinAmountOptions{From: "btc"})
	require.NoError(t, err)
	assert.Equal(t, "btc usd", minimum.CurrencyFrom+" "+minimum.CurrencyTo)
	invoice, err := newCannedClient(t, http.StatusOK, `{"id":1,"price_currency":"USD","pay_currency":"null","cancel_url":"null","order_id":"null"}`).
		Invoices.Create(ctx, jovepay.InvoiceRequest{PriceAmount: amount("1"), PriceCurrency: "usd"})
	require.NoError(t, err)
	assert.Equal(t, "usd,,,null", strings.Join([]string{invoice.PriceCurrency, invoice.PayCurrency, invoice.CancelURL, invoice.OrderID}, ","))
}

func TestForeignRowWithHalfACharacter(t *testing.T) {
	t.Parallel()
	client := newMockClient(t, loginResponder(`{"data":[{"payment_id":1,"order_description":"x\ud83d"},{"payment_id":2,"order_id":"A-1"}],`+
		`"limit":500,"page":0,"pagesCount":1,"total":2}`), jovepay.WithCredentials(email, password))
	list, err := client.Payments.List(t.Context(), jovepay.PaymentListOptions{})
	require.NoError(t, err)
	require.Len(t, list.Payments, 2)
	assert.Equal(t, "x\uFFFD", list.Payments[0].OrderDescription)
	assert.Equal(t, "A-1", list.Payments[1].OrderID)

	for _, body := range []string{
		`{"data":[{"payment_id":1,"payment_id":2,"order_description":"x\ud83d"}]}`,
		`{"data":[{"payment_id":1,"a\ud83d":1,"a\ud83d":2}]}`,
		`{"data":[{"payment_id":1,"order_description":"x\ud83d"}]} x`,
		`{"data":[{"payment_id":"1\ud83d"}]}`,
	} {
		client := newMockClient(t, loginResponder(body), jovepay.WithCredentials(email, password))
		_, err := client.Payments.List(t.Context(), jovepay.PaymentListOptions{})
		assert.ErrorAs(t, err, new(*jovepay.APIError), "the rest stays strict: %s", body)
	}
}

// The calls whose successes a body may contradict.
func rejectable() map[string]func(context.Context, *jovepay.Client) error {
	return map[string]func(context.Context, *jovepay.Client) error{
		"status": func(ctx context.Context, c *jovepay.Client) error { _, err := c.Status(ctx); return err },
		"get":    func(ctx context.Context, c *jovepay.Client) error { _, err := c.Payments.Get(ctx, "1"); return err },
		"create": func(ctx context.Context, c *jovepay.Client) error {
			_, err := c.Payments.Create(ctx, goods("1"))
			return err
		},
		"invoice": func(ctx context.Context, c *jovepay.Client) error {
			_, err := c.Invoices.Create(ctx, jovepay.InvoiceRequest{PriceAmount: amount("1"), PriceCurrency: "usd"})
			return err
		},
		"do get": func(ctx context.Context, c *jovepay.Client) error {
			return c.Do(ctx, http.MethodGet, "/v1/x", nil, nil, nil)
		},
		"do post": func(ctx context.Context, c *jovepay.Client) error {
			return c.Do(ctx, http.MethodPost, "/v1/x", nil, nil, nil)
		},
	}
}

func TestRejectionsWithASuccessStatus(t *testing.T) {
	t.Parallel()
	const reason = `"code":"AMOUNT_MINIMAL_ERROR","message":"amountTo is too small"`
	for _, tt := range []struct {
		body    string
		is      error // that errors.Is finds
		unknown bool  // the outcome of a create
	}{
		{body: `{"status":false,"statusCode":400,` + reason + `}`, is: jovepay.ErrInvalidRequest},
		{body: `{"status":false,` + reason + `}`},
		{body: `{"status" : false , "statusCode" : "403" , ` + reason + `,"path":"/v1/payment","timestamp":"now"}`, is: jovepay.ErrForbidden},
		{body: `{"status":false,"status_code":404,` + reason + `,"data":null,"result":{}}`, is: jovepay.ErrNotFound},
		{body: `{"statusCode":422,` + reason + `}`, is: jovepay.ErrInvalidRequest},
		{body: `{"status":false,"statusCode":429,` + reason + `}`, is: jovepay.ErrRateLimited},
		{body: `{"status":false,` + reason + `,"payment_id":null,"id":""}`},
		{body: `{"status":false,"code":"AMOUNT_MINIMAL_ERROR","error":{"message":"amountTo is too small"}}`},
		{body: `{"status":false,"statusCode":500,` + reason + `}`, is: jovepay.ErrServer, unknown: true},
		{body: `{"status":false,"statusCode":201,` + reason + `}`, unknown: true},
	} {
		for name, call := range rejectable() {
			sent := 0
			err := call(t.Context(), newMockClient(t, func(*http.Request) (*http.Response, error) {
				sent++
				return plainResponse(http.StatusOK, tt.body), nil
			}))
			assert.Equal(t, 1, sent, "%s: %s", name, tt.body)
			failed := (*jovepay.APIError)(nil)
			require.ErrorAs(t, err, &failed, "%s: %s", name, tt.body)
			assert.Equal(t, http.StatusOK, failed.StatusCode)
			assert.Equal(t, "AMOUNT_MINIMAL_ERROR", failed.Code)
			assert.Equal(t, "amountTo is too small", failed.Message)
			assert.Equal(t, tt.body, string(failed.Body))
			var want []error
			if tt.is != nil {
				want = append(want, tt.is)
			}
			if creates := name == "create" || name == "invoice" || name == "do post"; creates && tt.unknown {
				want = append(want, jovepay.ErrOutcomeUnknown)
			}
			assertIs(t, err, want...)
			assertOneLine(t, err)
		}
	}
}

// A rejection is no doubt: the order can be created when its cause is fixed.
func TestCreateOnceSendsARejectedPaymentOnce(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]error{
		"400": jovepay.ErrInvalidRequest, "401": jovepay.ErrUnauthorized, "403": jovepay.ErrForbidden, "429": jovepay.ErrRateLimited,
	} {
		sent := 0
		client := newMockClient(t, func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPost && r.URL.Path == "/v1/payment" {
				sent++
				return plainResponse(http.StatusOK, `{"status":false,"statusCode":`+status+`,"code":"NO","message":"not today"}`), nil
			}
			return loginResponder(`{"data":[],"limit":500,"page":0,"pagesCount":0,"total":0}`)(r)
		}, jovepay.WithCredentials(email, password))
		_, err := client.Payments.CreateOnce(t.Context(), goods("A-1"))
		assertIs(t, err, want)
		assert.ErrorContains(t, err, "NO not today")
		assert.Equal(t, 1, sent, status)
	}
}

// A body that is an error and something else leaves a create in doubt, and is
// no success for a read whose response has no status.
func TestContradictionsAreDoubt(t *testing.T) {
	t.Parallel()
	for _, more := range []string{`"payment_id":7,"id":7`, `"payment_id":"7","id":"7"`, `"data":{"payment_id":7}`, `"pay_address":"bc1q"`, `"trace":"x"`} {
		body := `{"status":false,"code":"A","message":"no",` + more + `}`
		for name, call := range rejectable() {
			err := call(t.Context(), newCannedClient(t, http.StatusCreated, body))
			switch name {
			case "create", "invoice", "do post":
				assertIs(t, err, jovepay.ErrOutcomeUnknown)
			case "do get":
				require.NoError(t, err)
			default:
				require.Error(t, err, name)
			}
			if name != "do get" {
				failed := (*jovepay.APIError)(nil)
				require.ErrorAs(t, err, &failed)
				assert.Equal(t, body, string(failed.Body), "the id is not lost")
				assert.Equal(t, "A no", failed.Code+" "+failed.Message)
			}
		}
	}
}

func TestFalseAsDataIsNoRejection(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"status":false}`, `{"id":5,"status":false,"title":"plan"}`, `[{"status":false,"message":"x"}]`, `false`,
		`{"status":"false","message":"x"}`, `{"status":true,"message":"x","code":"y"}`, `{"status":0,"message":"x"}`,
		`{"data":{"status":false,"code":"x","message":"y"}}`, `{"payment_status":false,"message":"x"}`, `{"statusCode":200,"message":"OK"}`,
		`{"status":false,"message":null}`, `{"status":false,"message":""}`, `{"message":"x","code":"BTC"}`, `{"statusCode":500}`,
	} {
		for name, call := range rejectable() {
			if name == "do get" || name == "do post" {
				assert.NoError(t, call(t.Context(), newCannedClient(t, http.StatusOK, body)), "%s: %s", name, body)
			}
		}
	}
	for _, body := range []string{`{"id":5,"status":false,"message":"paused"}`, `{"status":false,"code":"BTC","rates":[1]}`} {
		var out map[string]any
		require.NoError(t, newCannedClient(t, http.StatusOK, body).Do(t.Context(), http.MethodGet, "/v1/x", nil, nil, &out), body)
		assert.Equal(t, false, out["status"])
	}
}

// A login that is rejected so is not kept, as any login.
func TestRejectedLoginWithASuccessStatus(t *testing.T) {
	t.Parallel()
	client := newCannedClient(t, http.StatusOK, `{"status":false,"statusCode":401,"code":"AUTH","message":"wrong password"}`, jovepay.WithCredentials(email, password))
	_, err := client.Authenticate(t.Context())
	assertIs(t, err, jovepay.ErrUnauthorized)
	failed := (*jovepay.APIError)(nil)
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, "AUTH wrong password", failed.Code+" "+failed.Message)
	assert.Empty(t, failed.Body)
}

// A body that is announced as gzip is kept, whatever it is.
func TestGzip(t *testing.T) {
	t.Parallel()
	const body = `{"payment_id":"57","message":"as it came"}`
	zip := func(text string) string {
		var b strings.Builder
		w := gzip.NewWriter(&b)
		_, err := io.WriteString(w, text)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		return b.String()
	}
	corrupt := []byte(zip(body + strings.Repeat(" ", 1000)))
	corrupt[len(corrupt)-5] ^= 1 // of the checksum
	for _, tt := range []struct{ name, sent, kept string }{
		{"plain", body, body},
		{"short", `{}`, `{}`},
		{"one byte", `5`, `5`},
		{"plain with a gzip header", "\x1f\x8b" + body, "\x1f\x8b" + body},
		{"wrong checksum", string(corrupt), body + strings.Repeat(" ", 1000)},
	} {
		for _, status := range []int{http.StatusCreated, http.StatusBadRequest} {
			address := serve(t, func(w http.ResponseWriter, r *http.Request) {
				assert.Equal(t, "gzip", r.Header.Get("Accept-Encoding"))
				w.Header().Set("Content-Encoding", "gzip")
				w.WriteHeader(status)
				_, _ = io.WriteString(w, tt.sent)
			})
			client := newClient(t, address)
			for name, call := range rejectable() {
				err := call(t.Context(), client)
				failed := (*jovepay.APIError)(nil)
				require.ErrorAs(t, err, &failed, "%s, %d, %s", tt.name, status, name)
				assert.Equal(t, tt.kept, string(failed.Body), tt.name)
				creates := name == "create" || name == "invoice" || name == "do post"
				assert.Equal(t, creates && status == http.StatusCreated, errors.Is(err, jovepay.ErrOutcomeUnknown), "%s, %d, %s", tt.name, status, name)
				assertOneLine(t, err)
			}
		}
	}
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "GZIP")
		_, _ = io.WriteString(w, zip(body))
	})
	got, err := newClient(t, address).Payments.Get(t.Context(), "57")
	require.NoError(t, err)
	assert.Len(t, got.Raw, len(body))
	empty := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.WriteHeader(http.StatusNoContent)
	})
	require.NoError(t, newClient(t, empty).Do(t.Context(), http.MethodPost, "/v1/x", nil, nil, nil))

	truncated := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = io.WriteString(w, zip(body)[:30])
	})
	_, err = newClient(t, truncated).Payments.Create(t.Context(), goods("1"))
	assertIs(t, err, jovepay.ErrOutcomeUnknown)
	bomb := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = io.WriteString(w, zip(body+strings.Repeat(" ", 10<<20)))
	})
	_, err = newClient(t, bomb, jovepay.WithMaxResponseBytes(1000)).Payments.Get(t.Context(), "57")
	require.ErrorContains(t, err, "over the size limit")
}

var hostileFigures = flag.Bool("hostile-figures", false, "log what hostile responses cost, at 16 MB")

// hostile are bodies of about size bytes that are expensive for a naive reader.
func hostile(size int) map[string]string {
	fill := func(before, unit, after string) string {
		n := (size - len(before) - len(after)) / len(unit)
		return before + strings.Repeat(unit, n) + after
	}
	numbered := func(before, format, after string) string {
		var b strings.Builder
		b.WriteString(before)
		for i := 0; b.Len() < size; i++ {
			fmt.Fprintf(&b, format, i)
		}
		b.WriteString(after)
		return b.String()
	}
	bodies := map[string]string{
		"rows":             fill(`{"data":[{}`, `,{}`, `]}`),
		"rows of payments": fill(`{"data":[{"payment_id":1}`, `,{"payment_id":1}`, `],"limit":10,"page":0,"pagesCount":1,"total":10}`),
		"tickers":          fill(`{"currencies":["a"`, `,"a"`, `]}`),
		"coins":            fill(`{"currencies":[{}`, `,{}`, `]}`),
		"long tickers":     fill(`{"currencies":["a"`, `,"`+strings.Repeat("a", 200)+`"`, `]}`),
		"coins with extra": fill(`{"currencies":[{}`, `,{"a":1,"b":2,"x":"`+strings.Repeat("a", 1600)+`"}`, `]}`),
		"members":          numbered(`{"payment_id":1,"id":1`, `,"%x":1`, `}`),
		"fewer members":    numbered(`{"payment_id":1,"id":1`, `,"%x":"`+strings.Repeat("a", 40)+`"`, `}`),
		"rows with extra":  numbered(`{"data":[{"payment_id":1,"x":1`, `,"%x":"`+strings.Repeat("a", 40)+`"`, `}]}`),
		"children":         fill(`{"payment_id":1,"payment_extra_ids":[1`, `,1`, `]}`),
		"quoted children":  fill(`{"payment_id":1,"payment_extra_ids":"[12`, `,12`, `]"}`),
		"unknown array":    fill(`{"payment_id":1,"x":[1`, `,1`, `]}`),
		"unknown objects":  fill(`{"payment_id":1,"x":[{}`, `,{}`, `]}`),
		"misfit":           fill(`{"payment_id":1,"price_amount":[1`, `,1`, `]}`),
		"depth":            fill(`{"payment_id":1,"x":`, `[`, ``),
		"object depth":     fill(`{"payment_id":1,"x":`, `{"a":`, ``),
		"text":             fill(`{"payment_id":1,"order_description":"`, `a`, `"}`),
		"escaped text":     fill(`{"payment_id":1,"order_description":"`, `\u00e9`, `"}`),
		"half characters":  fill(`{"payment_id":1,"order_description":"`, `\ud83d`, `"}`),
		"invalid UTF-8":    fill(`{"payment_id":1,"order_description":"`, "\xff", `"}`),
		"latin 1":          fill(`{"payment_id":1,"order_description":"`, strings.Repeat("a", 20)+"\xe4", `"}`),
		"number":           fill(`{"payment_id":1,"price_amount":`, `9`, `}`),
		"id":               fill(`{"payment_id":`, `9`, `}`),
		"time":             fill(`{"payment_id":1,"created_at":"`, `9`, `"}`),
		"name":             fill(`{"payment_id":1,"`, `a`, `":1}`),
		"duplicate":        fill(`{"payment_id":1,"`, `a`, `":1,"a":1,"a":1}`),
		"message":          fill(`{"message":"`, `a`, `"}`),
		"spaced message":   fill(`{"message":"`, `a `, `"}`),
		"blank message":    fill(`{"message":"`, `\n`, `"}`),
		"messages":         fill(`{"message":["a"`, `,"a"`, `]}`),
		"long messages":    fill(`{"message":["a"`, `,"`+strings.Repeat("a ", 200)+`"`, `]}`),
		"errors":           fill(`{"errors":[{}`, `,{}`, `]}`),
		"nested errors":    fill(`{"errors":`, `[`, ``),
		"few nested":       `{"errors":` + strings.Repeat("[", 900) + fill(`"`, `a `, `"`) + strings.Repeat("]", 900) + `}`,
		"error objects":    numbered(`{"errors":{"a":"b"`, `,"%x":"`+strings.Repeat("a", 40)+`"`, `}}`),
		"nested message":   fill(`{"message":{"message":{"message":{"message":{"message":"`, `a`, `"}}}}}`),
		"rejection":        fill(`{"status":false,"code":"A","message":"`, `a`, `"}`),
		"code":             fill(`{"code":"`, `\/`, `"}`),
		"HTML":             fill(`<html>`, `&lt;`, ``),
		"backslashes":      fill(`{"message":"`, `\\`, `"}`),
		"percent signs":    fill(`{"message":"`, `%`, `"}`),
		"string":           fill(`"`, `\u2028`, `"`),
		"blank":            fill(` `, ` `, ``),
		"secret":           fill(`{"message":"`, apiKey, `"}`),
		"letters":          fill(`{"message":"`, `K,`, `"}`),
		"base64":           fill(`{"message":"`, `YWJj`, `"}`),
	}
	return bodies
}

// Peak memory is at most eight times the response, whatever it contains, and
// the time grows with its length only.
func TestHostileResponsesAreCheap(t *testing.T) { //nolint:paralleltest // reads the heap
	const most = 8.0
	size := 2 << 20
	if *hostileFigures {
		size = 15 << 20
	}
	for name, body := range hostile(size) {
		for call, act := range hostileCalls() {
			for _, status := range []int{http.StatusOK, http.StatusBadRequest} {
				if status == http.StatusBadRequest && call != "get" {
					continue // errors are read alike
				}
				peak, took := peakOf(t, status, body, act)
				if *hostileFigures {
					t.Logf("%-17s %-10s %d: %5.1f times, %v", name, call, status, peak/float64(len(body)), took.Round(time.Millisecond))
				}
				assert.LessOrEqual(t, peak/float64(len(body)), most, "%s, %s, %d", name, call, status)
				assert.Less(t, took, 10*time.Second, "%s, %s, %d", name, call, status)
			}
		}
	}
}

type hostileCall func(context.Context, *jovepay.Client) error

func hostileCalls() map[string]hostileCall {
	return map[string]hostileCall{
		"get": func(ctx context.Context, c *jovepay.Client) error { _, err := c.Payments.Get(ctx, "1"); return err },
		"create": func(ctx context.Context, c *jovepay.Client) error {
			_, err := c.Payments.Create(ctx, goods("1"))
			return err
		},
		"list": func(ctx context.Context, c *jovepay.Client) error {
			_, err := c.Payments.List(ctx, jovepay.PaymentListOptions{Limit: 10})
			return err
		},
		"currencies": func(ctx context.Context, c *jovepay.Client) error {
			_, err := c.Currencies.List(ctx, jovepay.CurrencyListOptions{})
			return err
		},
	}
}

// peakOf returns the most that was on the heap during a call, beyond what was
// before.
func peakOf(t *testing.T, status int, body string, act hostileCall) (peak float64, took time.Duration) {
	t.Helper()
	client := newClient(t, jovepay.DefaultBaseURL, jovepay.WithCredentials(email, password),
		jovepay.WithHTTPClient(&http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/v1/auth" {
				return plainResponse(http.StatusOK, `{"token":"`+token()+`"}`), nil
			}
			return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), ContentLength: -1, Request: r}, nil
		})}))
	_, err := client.Authenticate(t.Context())
	require.NoError(t, err)

	heap := func() uint64 {
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	runtime.GC()
	before := heap()
	most, done, watched := before, make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		for {
			most = max(most, heap())
			select {
			case <-done:
				return
			case <-time.After(500 * time.Microsecond):
			}
		}
	}()
	start := time.Now()
	err = act(t.Context(), client)
	took = time.Since(start)
	close(done)
	<-watched
	if _, failed := errors.AsType[*jovepay.APIError](err); failed {
		assertOneLine(t, err)
	}
	return float64(most - before), took
}
