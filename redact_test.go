package jovepay_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

func TestSecretsAreRedactedInEverySpelling(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{
		password, `a/b<c>&d'e"f\g`, `\\double\\`, "ünïcödé-\U0001F600-pass", "with\ttab and\nline", "100% & more", "x", "u0041u0041", "aaab",
	} {
		for name, spelled := range spellings(t, secret) {
			for _, frame := range []string{
				`{"message":"for %s!"}`, `{"message":"%s","x":"%s%s"}`, `<p>%s</p>`, `key=%s&x=1`, `%s`, `\\\%s`, `aaa%s`,
			} {
				body := strings.ReplaceAll(frame, "%s", spelled)
				client := newCannedClient(t, http.StatusBadRequest, body, jovepay.WithCredentials(email, secret))
				_, err := client.Payments.Get(t.Context(), "1")
				failed := (*jovepay.APIError)(nil)
				require.ErrorAs(t, err, &failed)
				if len(secret) > 1 {
					assert.NotContains(t, string(failed.Body), spelled, "%s: %s", name, frame)
					assert.NotContains(t, string(failed.Body), secret, "%s: %s", name, frame)
				}
				assert.NotContains(t, failed.Message, secret[len(secret)/2:], "%s: %s", name, frame)
				assert.LessOrEqual(t, len(failed.Body), len(body))
			}
		}
	}
}

// A size limit may cut a secret in two.
func TestHalfASecretAtTheEndIsRedacted(t *testing.T) {
	t.Parallel()
	const body = `{"message":"` + apiKey + `"}`
	for cut := strings.Index(body, apiKey) + 4; cut < len(body); cut++ {
		_, err := newCannedClient(t, http.StatusBadRequest, body, jovepay.WithMaxResponseBytes(int64(cut))).Payments.Get(t.Context(), "1")
		failed := (*jovepay.APIError)(nil)
		require.ErrorAs(t, err, &failed)
		assert.NotContains(t, string(failed.Body), apiKey[:4], "cut at %d", cut)
	}
}

// A server that chooses the token can fill a body with almost the token: the
// search would take hours.
func TestSearchForSecretsEnds(t *testing.T) {
	t.Parallel()
	for _, unit := range []string{"a", `\u0061`, "&#97;", "%61"} {
		jwt := strings.Repeat("a", 20_000) + "b"
		body := `{"payment_id":7,"x":"` + strings.Repeat(unit, 2<<20/len(unit)) + jwt
		client := newMockClient(t, func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/v1/auth" {
				return plainResponse(http.StatusOK, `{"token":"`+jwt+`"}`), nil
			}
			return plainResponse(http.StatusNotFound, body), nil
		}, jovepay.WithCredentials(email, password))
		start := time.Now()
		failed := (*jovepay.APIError)(nil)
		require.ErrorAs(t, listing(t, client)(), &failed)
		assert.Less(t, time.Since(start), 30*time.Second, unit)
		assert.Contains(t, string(failed.Body), `{"payment_id":7,"x":"`)
		assert.NotContains(t, string(failed.Body), jwt)
	}
}

func TestBodiesWithoutSecretsAreKept(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		"", "KEY-", "KEY-6f1d2c9", `{"x":"KEY-6f1d2c9a"}`, strings.Repeat(`\`, 100), `\u004bEY`, "%4", "%4b%45", "&", "&;", "&#;", "&#x;", "&#xffffffff;",
		"&nosuch;", `\`, `\u`, `\ud83d`, "+", "\xff\xfe",
	} {
		if body == "KEY-" || body == "KEY-6f1d2c9" {
			body += " " // at the end it would be a secret that was cut
		}
		_, err := newCannedClient(t, http.StatusBadRequest, body).Payments.Get(t.Context(), "1")
		failed := (*jovepay.APIError)(nil)
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, body, string(failed.Body))
	}
}

// Nothing that moves the cursor, hides text or turns it around gets into a log.
func TestErrorsHaveNoInvisibleCharacters(t *testing.T) {
	t.Parallel()
	odd := ""
	for _, r := range "\u0000\u0007\u001b\u007f\u0080\u0085\u009b\u009f\u00a0\u00ad\u061c\u1680\u180e\u2000\u200b\u200d\u200e\u200f" +
		"\u2028\u2029\u202a\u202e\u202f\u205f\u2060\u2066\u2069\u206f\u3000\ufeff\ufff9\U000E0001\U000E0061\U0001BCA0" {
		odd += "a" + string(r)
	}
	quoted, err := jsontext.AppendQuote(nil, odd)
	require.NoError(t, err)
	for _, body := range []string{`{"message":` + string(quoted) + `,"code":` + string(quoted) + `}`, `{"payment_id":{},` + string(quoted) + `:1}`, odd} {
		for _, status := range []int{http.StatusOK, http.StatusBadRequest} {
			client := newMockClient(t, func(*http.Request) (*http.Response, error) {
				res := plainResponse(status, body)
				res.Header = http.Header{"X-Request-Id": {odd}, "Content-Type": {odd}}
				return res, nil
			})
			_, err := client.Payments.Get(t.Context(), "1")
			require.Error(t, err)
			for _, r := range err.Error() {
				assert.True(t, r == ' ' || strings.ContainsRune(odd, r) == (r == 'a'), "%U in %q", r, err)
			}
		}
	}
}

// stringsIn walks all that can be reached from v, as debug printers do.
func stringsIn(v reflect.Value, met map[reflect.Value]bool) (found []string) {
	if !v.IsValid() || met[v] || len(met) > 10_000 {
		return nil
	}
	if v.CanInterface() && v.Type() == reflect.TypeFor[*http.Client]() {
		return nil // holds the bytes on the wire
	}
	switch v.Kind() { //nolint:exhaustive // the others hold no text
	case reflect.String:
		return []string{v.String()}
	case reflect.Pointer:
		if v.Type() == reflect.TypeFor[*http.Client]() {
			return nil
		}
		met[v] = true
		return stringsIn(v.Elem(), met)
	case reflect.Interface:
		return stringsIn(v.Elem(), met)
	case reflect.Struct:
		for _, field := range v.Fields() {
			found = append(found, stringsIn(field, met)...)
		}
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 && v.Kind() == reflect.Slice {
			return []string{string(v.Bytes())}
		}
		for i := range v.Len() {
			found = append(found, stringsIn(v.Index(i), met)...)
		}
	case reflect.Map:
		for key, value := range v.Seq2() {
			found = append(append(found, stringsIn(key, met)...), stringsIn(value, met)...)
		}
	}
	return found
}

// assertSilent checks that no secret is in what is printed of v, nor half of
// one, plain or in a usual encoding.
func assertSilent(t *testing.T, what string, v any) {
	t.Helper()
	text := printed(t, v)
	for _, secret := range []string{apiKey, password, jwt} {
		half := secret[len(secret)-len(secret)/2:]
		for _, s := range []string{secret, secret[:len(secret)/2], half} {
			quoted := strings.Trim(strconv.Quote(s), `"`)
			for _, form := range []string{s, quoted, hex.EncodeToString([]byte(s)), base64.StdEncoding.EncodeToString([]byte(s))} {
				if at := strings.Index(text, form); at >= 0 {
					t.Fatalf("%s: %T shows %q: …%q…", what, v, form, text[max(0, at-100):min(len(text), at+100)])
				}
			}
		}
	}
}

func TestNothingPrintsSecrets(t *testing.T) {
	t.Parallel()
	client := newMockClient(t, func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/v1/auth" {
			return plainResponse(http.StatusOK, `{"token":"`+jwt+`"}`), nil
		}
		return plainResponse(http.StatusOK, responseFile(t, "payment_list.json")), nil
	}, jovepay.WithCredentials(email, password))
	tok, err := client.Authenticate(t.Context())
	require.NoError(t, err)
	require.Equal(t, jwt, tok.Reveal())
	_, err = client.Payments.List(t.Context(), jovepay.PaymentListOptions{})
	require.NoError(t, err)

	for _, v := range []any{
		client, *client, client.Payments, *client.Payments, client.Invoices, *client.Invoices,
		client.Currencies, *client.Currencies, client.Estimates, *client.Estimates,
		tok, &tok, map[string]any{"token": tok}, []jovepay.Token{tok}, struct{ Token jovepay.Token }{tok},
		jovepay.WithAPIKey(apiKey), jovepay.WithCredentials(email, password),
		[]jovepay.Option{jovepay.WithAPIKey(apiKey), jovepay.WithCredentials(email, password)},
	} {
		assertSilent(t, "value", v)
	}
	assert.Contains(t, fmt.Sprint(tok), "redacted")
	assert.Empty(t, jovepay.Token{}.Reveal())
	assert.NotPanics(t, func() { printed(t, jovepay.Token{}); printed(t, jovepay.Client{}) })
}

// A server, or a proxy that reports what it could not pass on, may send the
// secrets back.
func TestEchoedSecretsAreRedacted(t *testing.T) {
	t.Parallel()
	all := apiKey + " " + password + " " + jwt
	quoted := strings.Trim(strconv.Quote(all), `"`)
	padding := strings.Repeat("x", 290) // cuts the message in the middle of a secret
	for _, tt := range []struct {
		name, body string
		header     http.Header
		status     int
	}{
		{name: "message", status: 400, body: `{"message":"` + quoted + `"}`},
		{name: "code", status: 400, body: `{"code":"` + quoted + `"}`},
		{name: "error", status: 403, body: `{"error":{"x":"` + quoted + `"}}`},
		{name: "array", status: 403, body: `{"message":["` + quoted + `"]}`},
		{name: "cut", status: 404, body: `{"message":"` + padding + quoted + `"}`},
		{name: "cut in another place", status: 404, body: `{"message":"` + padding + password + `"}`},
		{name: "JSON string", status: 422, body: `"` + quoted + `"`},
		{name: "name", status: 400, body: `{"` + quoted + `":1}`},
		{name: "HTML", status: 502, body: "<html>" + all + "</html>", header: http.Header{"Content-Type": {"text/html"}}},
		{name: "content type", status: 502, body: "x", header: http.Header{"Content-Type": {apiKey}}},
		{name: "request id", status: 500, header: http.Header{"X-Request-Id": {"for " + apiKey + " " + jwt}}},
		{name: "ray", status: 500, header: http.Header{"Cf-Ray": {apiKey}}},
		{name: "redirect", status: 302, header: http.Header{"Location": {"https://other.example/?key=" + apiKey}}},
		{name: "bad redirect", status: 302, header: http.Header{"Location": {"%zz:" + apiKey}}},
		{name: "not JSON", status: 200, body: all},
		{name: "no payment", status: 200, body: `{"message":"` + quoted + `"}`},
		{name: "duplicate names", status: 200, body: `{"` + quoted + `":1,"` + quoted + `":2}`},
		{name: "odd type", status: 200, body: `{"data":"` + quoted + `","currencies":{"` + quoted + `":1}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, loggedIn := range []bool{true, false} {
				client := newMockClient(t, func(r *http.Request) (*http.Response, error) {
					if loggedIn && r.URL.Path == "/v1/auth" {
						return plainResponse(http.StatusOK, `{"token":"`+jwt+`"}`), nil
					}
					body := tt.body
					if !loggedIn { // and so there is no JWT that is a secret
						body = strings.ReplaceAll(body, jwt, "")
					}
					res := plainResponse(tt.status, body)
					if tt.header != nil {
						res.Header = tt.header.Clone()
					}
					if !loggedIn {
						res.Header.Del("X-Request-Id")
					}
					return res, nil
				}, jovepay.WithCredentials(email, password))
				var out []int
				for _, call := range []func(context.Context) error{
					func(ctx context.Context) error {
						_, err := client.Payments.List(ctx, jovepay.PaymentListOptions{})
						return err
					},
					func(ctx context.Context) error { return client.Do(ctx, http.MethodPost, "/v1/x", nil, nil, &out) },
				} {
					err := call(t.Context())
					require.Error(t, err)
					assertSilent(t, tt.name, err)
				}
			}
		})
	}
}

// However the echo is escaped, the text of the error is clean, and so is Body.
func TestEscapedEchoIsRedacted(t *testing.T) {
	t.Parallel()
	_, err := newCannedClient(t, http.StatusBadRequest, `{"message":"\u004bEY-6f1d2c9b"}`).Payments.Get(t.Context(), "1")
	require.EqualError(t, err, "jovepay: GET /v1/payment/1: 400 [redacted]")
	failed := (*jovepay.APIError)(nil)
	require.ErrorAs(t, err, &failed)
	assert.JSONEq(t, `{"message":"[redacted]"}`, string(failed.Body))
}

// net/http quotes what it cannot understand of a response.
func TestEchoOnTheWireIsRedacted(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"HTTP/1.1 " + apiKey + "\r\n\r\n",
		apiKey + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\n" + apiKey + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: " + apiKey + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: " + apiKey + "\r\n\r\n",
	} {
		address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if assert.NoError(t, err) {
				_, _ = io.WriteString(conn, text)
				_ = conn.Close()
			}
		})
		_, err := newClient(t, address, jovepay.WithTimeout(5*time.Second)).Payments.Create(t.Context(), goods("1"))
		require.ErrorIs(t, err, jovepay.ErrOutcomeUnknown)
		assertSilent(t, text, err)
		assertOneLine(t, err)
	}
}

func TestPasswordsThatAreNoText(t *testing.T) {
	t.Parallel()
	client := newCannedClient(t, http.StatusUnauthorized, "no", jovepay.WithCredentials(email, "\xff\xfe"))
	_, err := client.Payments.Get(t.Context(), "1")
	require.Error(t, err)
}
