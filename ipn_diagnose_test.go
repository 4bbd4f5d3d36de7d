package jovepay_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

// What a diagnosis says of many deliveries.
const (
	respelled   = " That text may be the body that was sent, and what arrived was re-serialised."
	nothingFits = "No form or rule that is known gives this signature with these secrets: the secret is another one, or the body was changed."
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
			want:  "It matches with secret 0 over the text of form python, which this verifier was told not to accept.",
		},
		"raw not accepted": {
			opts: only(jovepay.FormPHP), body: shuffled, signature: mac256(ipnSecret, shuffled),
			want: "It matches with secret 0 over the text of form raw, which this verifier was told not to accept.",
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
		spaced  = "The body has white space between its members; what JovePay's guide shows as sent is compact. It may have been re-serialised."
		escaped = `The body has \u003c or \u0026, as Go's encoding/json writes. It may have been re-serialised.`
	)
	changed := func(what string) string {
		return "It matches with secret 0 over the body before it was changed on its way: " + what +
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

		"nothing":      {sent, "", []string{nothingFits, "The body is empty: it may have been read before, and a request's body can be read once."}},
		"a form":       {sent, "payment_id=1&payment_status=finished", []string{nothingFits, "The body looks like a form, not JSON."}},
		"JSON in JSON": {sent, `"{\"payment_id\":1}"`, []string{nothingFits, "The body is a JSON string: it may have been encoded twice."}},
		"reordered":    {`{"b":2,"a":1}`, `{"a": 1, "b": 2}`, []string{nothingFits, spaced}},
		"was sorted": {
			`{"a":1,"b":2}`, `{"b": 2, "a": 1}`,
			[]string{"It matches with secret 0 over the text of form js, but with HMAC-SHA256 where the form has HMAC-SHA512." + respelled, spaced},
		},
		"other values": {`{"a":"<"}`, `{"a": "\u003c!"}`, []string{nothingFits, spaced, escaped}},
		"not JSON":     {sent, "<html>", []string{nothingFits}},
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

func TestDiagnoseGenuine(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, "new", jovepay.WithFurtherSecret(ipnSecret))
	for _, form := range allForms() {
		d := v.Diagnose([]byte(`{"b":[1e-7],"a":"é"}`), signAs(t, form, `{"b":[1e-7],"a":"é"}`))
		assert.Equal(t, &jovepay.Diagnosis{Verification: jovepay.Verification{Form: form, Secret: 1}}, d)
		assert.Equal(t, fmt.Sprintf("genuine: form %s, secret 1", form), d.String())
	}
}

// TestDiagnoseChangesNothing asks for a diagnosis of every vector and refusal,
// with every secret there is. The verdict stays that of Verify, before and
// after, and nothing private is told.
func TestDiagnoseChangesNothing(t *testing.T) {
	t.Parallel()
	type delivery struct{ body, signature, secret string }
	var deliveries []delivery
	for _, v := range vectors(t) {
		deliveries = append(deliveries, delivery{string(v.Body), v.Sig, v.Secret})
	}
	for _, test := range refusedBodies() {
		deliveries = append(deliveries, delivery{test.body, mac256("other-5ecret", test.body), ipnSecret}, delivery{test.body, mac512(ipnSecret, test.body), ipnSecret})
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
