package jovepay_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

// spellings returns a secret in the spellings in which servers and proxies
// echo what they got.
func spellings(t *testing.T, secret string) map[string]string {
	t.Helper()
	quote := func(s string, opts ...jsonv2.Options) string {
		text, err := jsonv2.Marshal(s, opts...)
		require.NoError(t, err)
		return string(text[1 : len(text)-1])
	}
	var units, upper, decimal, hex, percent strings.Builder
	for _, u := range utf16.Encode([]rune(secret)) {
		fmt.Fprintf(&units, `\u%04x`, u)
		fmt.Fprintf(&upper, `\u%04X`, u)
	}
	for _, r := range secret {
		fmt.Fprintf(&decimal, "&#%d;", r)
		fmt.Fprintf(&hex, "&#x%X;", r)
	}
	for _, c := range []byte(secret) {
		fmt.Fprintf(&percent, "%%%02x", c)
	}
	plain, forHTML := quote(secret), quote(secret, jsontext.EscapeForHTML(true))
	return map[string]string{
		"plain":              secret,
		"JSON":               plain,
		"JSON for HTML":      forHTML,
		"PHP":                strings.ReplaceAll(plain, "/", `\/`),
		"code units":         units.String(),
		"upper-case units":   upper.String(),
		"JSON in JSON":       quote(forHTML),
		"JSON twice in JSON": quote(quote(forHTML)),
		"query":              url.QueryEscape(secret),
		"path":               url.PathEscape(secret),
		"percent":            percent.String(),
		"HTML":               html.EscapeString(secret),
		"decimal entities":   decimal.String(),
		"hex entities":       hex.String(),
		"HTML in JSON":       quote(html.EscapeString(secret), jsontext.EscapeForHTML(true)),
	}
}

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
				client := answering(t, http.StatusBadRequest, body, jovepay.WithCredentials(email, secret))
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
		_, err := answering(t, http.StatusBadRequest, body, jovepay.WithMaxResponseBytes(int64(cut))).Payments.Get(t.Context(), "1")
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
		client := responding(t, func(r *http.Request) (*http.Response, error) {
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
		_, err := answering(t, http.StatusBadRequest, body).Payments.Get(t.Context(), "1")
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
			client := responding(t, func(*http.Request) (*http.Response, error) {
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
