package jovepay_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/internal/canonical/canonicaltest"
)

// What a diagnosis says of many deliveries.
const (
	respelled   = " That text may be the body that was sent, and what arrived was re-serialized."
	nothingFits = "No known form or rule gives this signature with these secrets: the secret is different, or the body was changed."
)

func TestDiagnoseSignature(t *testing.T) {
	t.Parallel()
	const (
		sorted   = `{"a":1,"b":[2.0]}`
		shuffled = `{"b":[2.0],"a":1}`
		key      = "\x01 key of bytes"
	)
	all := allForms()[:4]
	raw := []jovepay.IPNForm{jovepay.FormRaw}
	only := func(forms ...jovepay.IPNForm) []jovepay.IPNOption {
		return []jovepay.IPNOption{jovepay.WithIPNForms(forms...)}
	}
	for name, test := range map[string]struct {
		opts            []jovepay.IPNOption
		body, signature string
		others          []string
		tried           []jovepay.IPNForm
		want            string
	}{
		"none": {
			body: sorted,
			want: "There is no signature: a proxy may have dropped the x-jovepay-sig header, or the sender is not JovePay.",
		},
		"not hexadecimal": {
			body: sorted, signature: "sha512=" + mac512(ipnSecret, sorted),
			want: "The signature is not made of pairs of hexadecimal digits.",
		},
		"another length": {
			body: sorted, signature: " " + mac512(ipnSecret, sorted)[:40],
			want: "The signature has 40 digits; HMAC-SHA512 has 128 and HMAC-SHA256 has 64.",
		},
		"body too large": {
			opts: []jovepay.IPNOption{jovepay.WithIPNMaxBytes(10)}, body: sorted, signature: mac256(ipnSecret, sorted),
			want: "The body has 17 bytes; the limit is 10.",
		},
		"nothing fits": {
			body: sorted, signature: mac512("?", sorted), others: []string{"another"}, tried: all,
			want: nothingFits,
		},
		"nothing fits, raw": {
			body: sorted, signature: mac256("?", sorted), tried: raw,
			want: nothingFits,
		},
		"malformed": {
			body: sorted + "}", signature: mac512(ipnSecret, sorted),
			want: nothingFits,
		},
		"malformed, but signed": {
			body: sorted + "}", signature: mac256(ipnSecret, sorted+"}"),
			want: "It matches with secret 0 over the text of form raw.",
		},
		"form not accepted": {
			opts: only(jovepay.FormJS, jovepay.FormRaw), body: shuffled, signature: mac512(ipnSecret, sorted),
			tried: []jovepay.IPNForm{jovepay.FormJS},
			want:  "It matches with secret 0 over the text of form python, which this verifier does not accept.",
		},
		"raw not accepted": {
			opts: only(jovepay.FormPHP), body: shuffled, signature: mac256(ipnSecret, shuffled),
			want: "It matches with secret 0 over the text of form raw, which this verifier does not accept.",
		},
		"another secret": {
			body: sorted, signature: mac512("old", `{"a":1,"b":{"0":2}}`), others: []string{"older", " old\n"}, tried: all,
			want: "It matches with other secret 1 over the text of form js.",
		},
		"another secret, the text being the body": {
			body: `{"a":1}`, signature: mac512("old", `{"a":1}`), others: []string{"old"}, tried: all,
			want: "It matches with other secret 0 over the text of form js.",
		},
		"another secret, raw": {
			body: shuffled, signature: mac256("old", shuffled), others: []string{"old"}, tried: raw,
			want: "It matches with other secret 0 over the text of form raw.",
		},
		"secret in hexadecimal": {
			opts: []jovepay.IPNOption{jovepay.WithFurtherSecret(hex.EncodeToString([]byte(key)))},
			body: sorted, signature: mac512(key, `{"a":1,"b":[2]}`), tried: all,
			want: "It matches with secret 1, decoded from hexadecimal or base64, over the text of form js-arrays.",
		},
		"secret in base64": {
			opts: []jovepay.IPNOption{jovepay.WithFurtherSecret(base64.StdEncoding.EncodeToString([]byte(key)))},
			body: sorted, signature: mac256(key, sorted), tried: raw,
			want: "It matches with secret 1, decoded from hexadecimal or base64, over the text of form raw.",
		},
		"the other hash over a body that was changed": {
			body: shuffled, signature: mac512(ipnSecret, shuffled+"\n"), tried: all,
			want: nothingFits,
		},
		"the other hash over the sorted text": {
			body: shuffled, signature: mac256(ipnSecret, sorted), tried: raw,
			want: "It matches with secret 0 over the text of form python, but with HMAC-SHA256 where the form has HMAC-SHA512." + respelled,
		},
		"the other hash over the body": {
			body: shuffled, signature: mac512(ipnSecret, shuffled), tried: all,
			want: "It matches with secret 0 over the text of form raw, but with HMAC-SHA512 where the form has HMAC-SHA256." + respelled,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVerifier(t, ipnSecret, test.opts...)
			d := v.Diagnose([]byte(test.body), test.signature, test.others...)
			require.Error(t, d.Err)
			assert.Equal(t, v.Verify([]byte(test.body), test.signature), d.Err)
			assert.Zero(t, d.Verification)
			assert.Equal(t, test.tried, d.Tried)
			assert.Equal(t, []string{test.want}, d.Findings)
			assert.Equal(t, d.Err.Error()+"\n- "+test.want, d.String())
		})
	}
}

// TestDiagnoseBody finds what middleware did to a body that JovePay's plugins
// would have signed as it was, and what can be seen without the signature.
func TestDiagnoseBody(t *testing.T) {
	t.Parallel()
	const (
		spaced     = "The body has white space between its members; what JovePay's guide shows as sent is compact. It may have been re-serialized."
		encoded    = "The body has a byte order mark or is in UTF-16: it was re-encoded."
		gzipped    = "The body is compressed with gzip; what JovePay's guide shows as sent is not compressed. A proxy may have done it."
		compressed = "The body is compressed; what JovePay's guide shows as sent is not. A proxy may have done it."
		escaped    = `The body has \u003c or \u0026, as Go's encoding/json writes. It may have been re-serialized.`
	)
	changed := func(what string) string {
		return "It matches with secret 0 over the body before it was changed in transit: " + what +
			". Verify the bytes as they arrive, before anything parses them."
	}
	const sent = `{"url":"https://shop.example/?a=1&b=<2>"}`
	for name, test := range map[string]struct {
		sent, arrived string
		want          []string
	}{
		"white space around": {sent, "\n" + sent + "\r\n", []string{changed("white space was added around it")}},
		"line end cut off":   {sent + "\n", sent, []string{changed("a line end was cut off")}},
		"indented":           {`{"a":[1,2]}`, "{\n  \"a\": [\n    1,\n    2\n  ]\n}", []string{changed("it was indented"), spaced}},
		"slashes escaped":    {sent, `{"url":"https:\/\/shop.example\/?a=1&b=<2>"}`, []string{changed("slashes were escaped, as PHP's json_encode does")}},
		"slashes unescaped":  {`{"url":"https:\/\/shop.example\/"}`, `{"url":"https://shop.example/"}`, []string{changed("slashes were unescaped")}},
		"escaped by Go": {
			sent, `{"url":"https://shop.example/?a=1\u0026b=\u003c2\u003e"}`,
			[]string{changed("<, > and & were escaped, as Go's encoding/json does"), escaped},
		},

		"nothing":      {sent, "", []string{"The body is empty: it may have already been read, and a request's body can be read once."}},
		"a form":       {sent, "payment_id=1&payment_status=finished", []string{"The body looks like a form, not JSON.", nothingFits}},
		"JSON in JSON": {sent, `"{\"payment_id\":1}"`, []string{"The body is a JSON string: it may have been encoded twice.", nothingFits}},
		"reordered":    {`{"b":2,"a":1}`, `{"a": 1, "b": 2}`, []string{spaced, nothingFits}},
		"was sorted": {
			`{"a":1,"b":2}`, `{"b": 2, "a": 1}`,
			[]string{"It matches with secret 0 over the text of form js, but with HMAC-SHA256 where the form has HMAC-SHA512." + respelled, spaced},
		},
		"other values":            {`{"a":"<"}`, `{"a": "\u003c!"}`, []string{spaced, escaped, nothingFits}},
		"HTML":                    {sent, "<html>", []string{"The body looks like HTML or XML, not JSON.", nothingFits}},
		"not JSON":                {sent, "hello there", []string{nothingFits}},
		"end cut off":             {sent, sent[:20], []string{"The end of the body is missing: a size limit may have truncated it.", nothingFits}},
		"front read":              {sent, sent[9:], []string{"The beginning of the body is missing: a part of it may have already been read, and a request's body can be read once.", nothingFits}},
		"white space":             {sent, " \r\n", []string{"The body is empty: it may have already been read, and a request's body can be read once."}},
		"parts":                   {sent, "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x--", []string{"The body looks like a form of several parts, not JSON.", nothingFits}},
		"gzip, cut off":           {sent, "\x1f\x8b\x08\x00=", []string{gzipped, nothingFits}},
		"zlib":                    {sent, "\x78\x9c=\x01", []string{compressed, nothingFits}},
		"zstd":                    {sent, "\x28\xb5\x2f\xfd=", []string{compressed, nothingFits}},
		"UTF-16":                  {sent, "{\x00\"\x00=\x00", []string{encoded, nothingFits}},
		"base64 of nothing known": {sent, "aGVsbG8gdGhlcmUgPSA=", []string{"The body looks like base64, not JSON. A gateway may have encoded it.", nothingFits}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVerifier(t, ipnSecret, jovepay.WithFurtherSecret("unused"))
			d := v.Diagnose([]byte(test.arrived), mac256(ipnSecret, test.sent), "unused too")
			require.Error(t, d.Err)
			assert.Equal(t, test.want, d.Findings)
		})
	}
}

// TestDiagnoseWrapped finds the body that was signed within the one that came,
// by either hash, and says what it looks like.
func TestDiagnoseWrapped(t *testing.T) {
	t.Parallel()
	const sent = `{"b":[1e-7],"a":"é/?&="}`
	zipped := func(s string) string {
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		_, err := w.Write([]byte(s))
		require.NoError(t, err)
		require.NoError(t, w.Close())
		return out.String()
	}
	encoded := func(e *base64.Encoding, s string) string { return e.EncodeToString([]byte(s)) }
	for name, test := range map[string]struct{ arrived, how, look string }{
		"gzip":           {zipped(sent), "decompressed with gzip", "The body is compressed with gzip;"},
		"base64":         {encoded(base64.StdEncoding, sent), "decoded from base64", "The body looks like base64,"},
		"base64 of URLs": {encoded(base64.RawURLEncoding, sent), "decoded from base64", "The body looks like base64,"},
		"JSON in JSON":   {quoted(t, sent), "decoded from a JSON string", "The body is a JSON string:"},
		"a form":         {"x=1&payload=" + url.QueryEscape(sent), "taken out of a form", "The body looks like a form,"},
		"BOM":            {"\ufeff" + sent, "freed of its byte order mark", "The body has a byte order mark"},
		"gzip in base64": {encoded(base64.StdEncoding, zipped(sent)), "decoded from base64 and decompressed with gzip", "The body looks like base64,"},
		"string in gzip": {zipped(quoted(t, sent)), "decompressed with gzip and decoded from a JSON string", "The body is compressed with gzip;"},
	} {
		for _, form := range []jovepay.IPNForm{jovepay.FormPHP, jovepay.FormRaw} {
			v := newVerifier(t, "another", jovepay.WithFurtherSecret(ipnSecret))
			d := v.Diagnose([]byte(test.arrived), signAs(t, form, sent))
			require.Len(t, d.Findings, 2, "%s: %s", name, d)
			assert.Equal(t, fmt.Sprintf("It matches with secret 1 over the text of form %s, once the body is %s. Give the verifier the bytes that JovePay sent.", form, test.how), d.Findings[0], name)
			assert.True(t, strings.HasPrefix(d.Findings[1], test.look), "%s: %s", name, d)
		}
	}
}

// TestDiagnoseNotBase64 gives JSON that is no object, which base64 could be too.
func TestDiagnoseNotBase64(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"null", "true", "1234", "12345678"} {
		d := newVerifier(t, ipnSecret).Diagnose([]byte(body), mac512("another", "{}"))
		require.ErrorIs(t, d.Err, jovepay.ErrMalformedIPN)
		assert.Equal(t, []string{nothingFits}, d.Findings, body)
	}
}

// TestDiagnoseBomb stops at the limit of the body.
func TestDiagnoseBomb(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	w := gzip.NewWriter(&bomb)
	_, err := w.Write(make([]byte, 8<<20))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	v := newVerifier(t, ipnSecret)
	d := v.Diagnose(bomb.Bytes(), mac256(ipnSecret, "{}"))
	assert.Contains(t, d.Findings[0], "The body is compressed")
	assert.Len(t, d.Findings, 2)
}

// TestDiagnoseSecrets finds the secret in another spelling.
func TestDiagnoseSecrets(t *testing.T) {
	t.Parallel()
	const (
		quotes    = ", without the quotes around it,"
		invisible = ", without the byte order mark or another invisible character around it,"
		lineEnd   = ", without the escaped line end behind it,"
		encoded   = ", decoded from hexadecimal or base64,"
		escaped   = ", decoded from a URL,"
	)
	const key = "k/+ 5ecret\x01?"
	for given, test := range map[string]struct{ key, how string }{
		`"` + ipnSecret + `"`:                             {ipnSecret, quotes},
		`'` + ipnSecret + `'`:                             {ipnSecret, quotes},
		"`" + ipnSecret + "`":                             {ipnSecret, quotes},
		"“" + ipnSecret + "”":                             {ipnSecret, quotes},
		`"` + ipnSecret:                                   {ipnSecret, quotes},
		"\ufeff" + ipnSecret:                              {ipnSecret, invisible},
		"\ufeff\"" + ipnSecret + "\"\r\n":                 {ipnSecret, quotes},
		"\"\ufeff" + ipnSecret + "\"":                     {ipnSecret, quotes},
		`" ` + ipnSecret + ` "`:                           {ipnSecret, quotes},
		`'"` + ipnSecret + `\r\n"'`:                       {ipnSecret, quotes},
		`\"` + ipnSecret + `\"`:                           {ipnSecret, quotes},
		"\u200b" + ipnSecret + "\x00":                     {ipnSecret, invisible},
		ipnSecret + `\n`:                                  {ipnSecret, lineEnd},
		ipnSecret + `\r\n`:                                {ipnSecret, lineEnd},
		hex.EncodeToString([]byte(key)):                   {key, encoded},
		`"` + hex.EncodeToString([]byte(key)):             {key, encoded},
		base64.StdEncoding.EncodeToString([]byte(key)):    {key, encoded},
		base64.RawStdEncoding.EncodeToString([]byte(key)): {key, encoded},
		base64.URLEncoding.EncodeToString([]byte(key)):    {key, encoded},
		url.PathEscape(key):                               {key, escaped},
	} {
		const body = `{"a":"é","b":[1e-7]}`
		for _, form := range allForms() {
			signature := newVerifier(t, test.key, jovepay.WithIPNForms(form)).Sign([]byte(body))
			for name, d := range map[string]*jovepay.Diagnosis{
				"secret 0":       newVerifier(t, given).Diagnose([]byte(body), signature),
				"other secret 0": newVerifier(t, "another").Diagnose([]byte(body), signature, given),
			} {
				require.Error(t, d.Err)
				require.NotEmpty(t, d.Findings)
				assert.Equal(t, fmt.Sprintf("It matches with %s%s over the text of form %s.", name, test.how, form), d.Findings[0], "%q", given)
				assert.NotContains(t, d.String(), test.key)
			}
		}
	}
}

func TestDiagnoseGenuine(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, "new", jovepay.WithFurtherSecret(ipnSecret))
	for _, form := range allForms() {
		d := v.Diagnose([]byte(`{"b":[1e-7],"a":"é"}`), signAs(t, form, `{"b":[1e-7],"a":"é"}`))
		assert.Equal(t, &jovepay.Diagnosis{Verification: jovepay.Verification{Form: form, Secret: 1}}, d)
		assert.Equal(t, fmt.Sprintf("genuine: form %s, secret 1", form), d.String())
	}
}

// TestDiagnoseChangesNothing asks for a diagnosis of every vector and rejection,
// with every secret there is. The verdict stays that of Verify, before and
// after, and nothing private is shown.
func TestDiagnoseChangesNothing(t *testing.T) {
	t.Parallel()
	type delivery struct{ body, signature, secret string }
	var deliveries []delivery
	for _, v := range canonicaltest.Vectors(t) {
		deliveries = append(deliveries, delivery{string(v.Body), v.Sig, v.Secret})
	}
	for _, test := range canonicaltest.Rejections() {
		deliveries = append(deliveries, delivery{test.Body, mac256("other-5ecret", test.Body), ipnSecret}, delivery{test.Body, mac512(ipnSecret, test.Body), ipnSecret})
	}
	for _, d := range deliveries {
		v := newVerifier(t, d.secret, jovepay.WithFurtherSecret("furth3r-secret"))
		before := v.Verify([]byte(d.body), d.signature)
		body := []byte(d.body)
		diagnosis := v.Diagnose(body, d.signature, "other-5ecret", "", "x")
		assert.Equal(t, before, diagnosis.Err)
		assert.Equal(t, d.body, string(body), "the body stays as it is")
		assert.Equal(t, before, v.Verify(body, d.signature))
		assert.Equal(t, before == nil, len(diagnosis.Findings) == 0)
		text := fmt.Sprintf("%s %+v %#v", diagnosis, diagnosis, *diagnosis)
		for _, private := range []string{d.secret, "furth3r-secret", "other-5ecret", d.signature, strings.TrimSpace(d.body)} {
			if len(private) > 12 {
				assert.NotContains(t, text, private)
			}
		}
	}
}
