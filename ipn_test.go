package jovepay_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

// The webhook examples of JovePay's guide, without its white space.
const (
	guidePayment = `{"payment_id":123456789,"parent_payment_id":987654321,"invoice_id":null,` +
		`"payment_status":"finished","pay_address":"address","payin_extra_id":null,"price_amount":1,` +
		`"price_currency":"usd","pay_amount":15,"actually_paid":15,"actually_paid_at_fiat":0,` +
		`"pay_currency":"trx","order_id":null,"order_description":null,"purchase_id":"123456789",` +
		`"outcome_amount":14.8106,"outcome_currency":"trx","payment_extra_ids":null,"fee":{"currency":"btc",` +
		`"depositFee":0.09853637216235617,"withdrawalFee":0,"serviceFee":0}}`
	guideWithdrawal = `{"id":"123456789","batch_withdrawal_id":"987654321","status":"CREATING","error":null,` +
		`"currency":"usdttrc20","amount":"50","address":"address","fee":null,"extra_id":null,"hash":null,` +
		`"ipn_callback_url":"callback_url","created_at":"2023-07-27T15:29:40.803Z","requested_at":null,"updated_at":null}`
	guideRecurring = `{"id":"1234567890","status":"FINISHED","currency":"trx","amount":"12.171365564140688",` +
		`"ipn_callback_url":"callback_url","created_at":"2023-07-26T14:20:11.531Z","updated_at":"2023-07-26T14:20:21.079Z"}`
)

// ipnSecret is an IPN key as tests use it; nothing printed may hold it.
const ipnSecret = "Ipn-5ecret/9f2b+61"

// allForms are the forms in the order in which they are tried.
func allForms() []jovepay.IPNForm {
	return []jovepay.IPNForm{jovepay.FormJS, jovepay.FormJSArrays, jovepay.FormPHP, jovepay.FormPython, jovepay.FormRaw}
}

func newVerifier(tb testing.TB, secret string, opts ...jovepay.IPNOption) *jovepay.IPNVerifier {
	tb.Helper()
	v, err := jovepay.NewIPNVerifier(secret, opts...)
	require.NoError(tb, err)
	return v
}

// mac512 and mac256 sign a text as it is, in no form.
func mac512(secret, text string) string {
	h := hmac.New(sha512.New, []byte(secret))
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))
}

func mac256(secret, text string) string {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))
}

// signAs signs a body that is not malformed in one form.
func signAs(tb testing.TB, form jovepay.IPNForm, body string) string {
	tb.Helper()
	signature := newVerifier(tb, ipnSecret, jovepay.WithIPNForms(form)).Sign([]byte(body))
	require.NotEmpty(tb, signature, "malformed: %.200q", body)
	return signature
}

// parseAs returns the event of a body that was signed in one form.
func parseAs(tb testing.TB, form jovepay.IPNForm, body string) jovepay.Event {
	tb.Helper()
	event, err := newVerifier(tb, ipnSecret, jovepay.WithIPNForms(form)).Parse([]byte(body), signAs(tb, form, body))
	require.NoError(tb, err, "%.200q", body)
	return event
}

// post returns the request that delivers a body.
func post(tb testing.TB, body, signature string) *http.Request {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), http.MethodPost, "/ipn", strings.NewReader(body))
	if signature != "" {
		r.Header.Set(jovepay.IPNSignatureHeader, signature)
	}
	return r
}

// kind is what the vectors call the kind of an event.
func kind(event jovepay.Event) string {
	switch event.(type) {
	case *jovepay.PaymentEvent:
		return "payment"
	case *jovepay.WithdrawalEvent:
		return "withdrawal"
	case *jovepay.RecurringPaymentEvent:
		return "recurring"
	case *jovepay.UnknownEvent:
		return "other"
	}
	return "none"
}

// A vector is one line of testdata/ipn-vectors.jsonl, made by the interpreters
// that JovePay's reference verifiers run on.
type vector struct {
	ID     string          `json:"id"`
	Class  string          `json:"class"`
	Body   []byte          `json:"body_b64"`
	Secret string          `json:"secret"`
	Expect string          `json:"expect"`
	Sig    string          `json:"sig"`
	Signer jovepay.IPNForm `json:"signer"`
	Event  string          `json:"event"`
}

func vectors(tb testing.TB) []vector {
	tb.Helper()
	file, err := os.ReadFile("testdata/ipn-vectors.jsonl")
	require.NoError(tb, err)
	var all []vector
	lines := bufio.NewScanner(bytes.NewReader(file))
	lines.Buffer(nil, len(file))
	for lines.Scan() {
		var v vector
		require.NoError(tb, json.Unmarshal(lines.Bytes(), &v))
		all = append(all, v)
	}
	require.NoError(tb, lines.Err())
	return all
}

// refusals tells why each class of vectors is refused.
func refusals() map[string]error {
	return map[string]error{
		"n.const":       jovepay.ErrMalformedIPN,
		"n.control":     jovepay.ErrMalformedIPN,
		"n.dup":         jovepay.ErrMalformedIPN,
		"n.empty":       jovepay.ErrMalformedIPN,
		"n.lone":        jovepay.ErrMalformedIPN,
		"n.nan":         jovepay.ErrMalformedIPN,
		"n.proto":       jovepay.ErrMalformedIPN,
		"n.syntax":      jovepay.ErrMalformedIPN,
		"n.toplevel":    jovepay.ErrMalformedIPN,
		"n.trailing":    jovepay.ErrMalformedIPN,
		"n.trunc":       jovepay.ErrMalformedIPN,
		"n.utf8":        jovepay.ErrMalformedIPN,
		"n.secret":      jovepay.ErrSignatureMismatch,
		"n.sig_alg":     jovepay.ErrSignatureMismatch,
		"n.sig_half":    jovepay.ErrSignatureMismatch,
		"n.sig_long":    jovepay.ErrSignatureMismatch,
		"n.sig_nonhex":  jovepay.ErrSignatureMismatch,
		"n.sig_odd":     jovepay.ErrSignatureMismatch,
		"n.tamper":      jovepay.ErrSignatureMismatch,
		"n.sig_empty":   jovepay.ErrSignatureMissing,
		"n.sig_missing": jovepay.ErrSignatureMissing,
	}
}

func TestIPNVectors(t *testing.T) {
	t.Parallel()
	all := vectors(t)
	require.Len(t, all, 311)
	for _, line := range all {
		t.Run(line.Class+"/"+line.ID, func(t *testing.T) {
			t.Parallel()
			v := newVerifier(t, line.Secret)
			event, err := v.Parse(line.Body, line.Sig)
			assert.Equal(t, err, v.Verify(line.Body, line.Sig), "Verify and Parse agree")

			r := post(t, string(line.Body), line.Sig)
			fromRequest, requestErr := v.ParseRequest(r)
			assert.Equal(t, err, requestErr)
			if line.Expect == "reject" {
				require.ErrorIs(t, err, refusals()[line.Class])
				assert.Nil(t, event)
				return
			}
			require.Equal(t, "accept", line.Expect)
			require.NoError(t, err)
			assert.Equal(t, line.Event, kind(event))
			assert.Equal(t, event, fromRequest)

			alone, err := newVerifier(t, line.Secret, jovepay.WithIPNForms(line.Signer)).Parse(line.Body, line.Sig)
			require.NoError(t, err, "the form that signed is enough")
			assert.Equal(t, line.Signer, alone.Verification().Form)
			assert.Equal(t, line.Event, kind(alone))

			_, err = newVerifier(t, line.Secret+"x").Parse(line.Body, line.Sig)
			assert.ErrorIs(t, err, jovepay.ErrSignatureMismatch, "another secret")
			_, err = v.Parse(bytes.Replace(line.Body, []byte(`"`), []byte(`"x`), 1), line.Sig)
			assert.ErrorIs(t, err, jovepay.ErrSignatureMismatch, "another body")
		})
	}
}

// TestIPNFormsApart signs the guide's bodies and bodies on which all forms
// differ in each form: that one is found and no other will do.
func TestIPNFormsApart(t *testing.T) {
	t.Parallel()
	const apart = `{"id":7,"amount":0.00001234,"name":"é","list":[1e2],"rate":5.0}`
	texts := map[jovepay.IPNForm]string{
		jovepay.FormJS:       `{"amount":0.00001234,"id":7,"list":{"0":100},"name":"é","rate":5}`,
		jovepay.FormJSArrays: `{"amount":0.00001234,"id":7,"list":[100],"name":"é","rate":5}`,
		jovepay.FormPHP:      `{"amount":1.234e-5,"id":7,"list":[100],"name":"\u00e9","rate":5}`,
		jovepay.FormPython:   `{"amount":1.234e-05,"id":7,"list":[100.0],"name":"\u00e9","rate":5.0}`,
	}
	for _, form := range allForms() {
		t.Run(string(form), func(t *testing.T) {
			t.Parallel()
			signature := mac256(ipnSecret, apart)
			if form != jovepay.FormRaw {
				signature = mac512(ipnSecret, texts[form])
			}
			assert.Equal(t, signature, signAs(t, form, apart))
			event, err := newVerifier(t, ipnSecret).Parse([]byte(apart), signature)
			require.NoError(t, err)
			assert.Equal(t, jovepay.Verification{Form: form}, event.Verification())
			for _, other := range allForms() {
				err := newVerifier(t, ipnSecret, jovepay.WithIPNForms(other)).Verify([]byte(apart), signature)
				if other == form {
					assert.NoError(t, err)
				} else {
					assert.ErrorIs(t, err, jovepay.ErrSignatureMismatch, "accepted as %s", other)
				}
			}
		})
	}
	t.Run("the abandoned recipe", func(t *testing.T) {
		t.Parallel()
		// JSON.stringify(p, Object.keys(p).sort()) leaves the fee unsigned.
		signature := mac512(ipnSecret, `{"fee":{},"payment_id":1}`)
		err := newVerifier(t, ipnSecret).Verify([]byte(`{"payment_id":1,"fee":{"serviceFee":5}}`), signature)
		assert.ErrorIs(t, err, jovepay.ErrSignatureMismatch)
	})
}

func TestIPNVerifierIsConcurrent(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, ipnSecret)
	for _, body := range []string{guidePayment, guideWithdrawal, guideRecurring, `{"all":["é",1e-7,{"1":2}]}`} {
		for _, form := range allForms() {
			signature := signAs(t, form, body)
			want := parseAs(t, form, body).Key()
			t.Run("", func(t *testing.T) {
				t.Parallel()
				for range 200 {
					event, err := v.Parse([]byte(body), signature)
					require.NoError(t, err)
					require.Equal(t, want, event.Key())
					require.ErrorIs(t, v.Verify([]byte(body), strings.Repeat("0", len(signature))), jovepay.ErrSignatureMismatch)
				}
			})
		}
	}
}

func TestVerifyAllocatesNothing(t *testing.T) {
	if build, ok := debug.ReadBuildInfo(); ok && slices.Contains(build.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		t.Skip("the race detector allocates")
	}
	v := newVerifier(t, ipnSecret, jovepay.WithFurtherSecret("another"))
	for _, form := range allForms() {
		body, signature := []byte(guidePayment), signAs(t, form, guidePayment)
		// The collector may empty the verifier's pool; on average that is nothing.
		allocs := testing.AllocsPerRun(1000, func() {
			if v.Verify(body, signature) != nil {
				t.Error("refused")
			}
		})
		assert.Zero(t, allocs, form)
	}
}

// accept is a function that takes every event.
func accept(context.Context, jovepay.Event) error { return nil }

// TestParseLongText reads events whose text is so long, by escapes, that it goes
// to the MAC in pieces.
func TestParseLongText(t *testing.T) {
	t.Parallel()
	for _, char := range []string{"é", "\x7f", "😀", "x", `\u0001`} {
		description := strings.Repeat(char, 60_000/len(char))
		body := `{"payment_id":1,"order_id":"A-1","order_description":"` + description + `","payment_extra_ids":[7],"` + char + `":[{}]}`
		for _, form := range allForms() {
			e := parseAs(t, form, body).(*jovepay.PaymentEvent)
			assert.Equal(t, strings.ReplaceAll(description, `\u0001`, "\x01"), e.OrderDescription, form)
			assert.Equal(t, []jovepay.ID{"7"}, e.PaymentExtraIDs, form)
			assert.Equal(t, jovepay.ID("1"), e.ID, form)
			assert.True(t, json.Valid(e.Raw), form)
			if form != jovepay.FormRaw {
				assert.Equal(t, mac512(ipnSecret, string(e.Raw)) == signAs(t, form, body), form != jovepay.FormJS, form)
			}
		}
		v := newVerifier(t, ipnSecret)
		require.ErrorIs(t, v.Verify([]byte(body), mac512("forger", body)), jovepay.ErrSignatureMismatch)
	}
}
