package jovepay_test

import (
	"bytes"
	"crypto/fips140"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

func TestIPNSecrets(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ given, key string }{
		"ordinary":                   {ipnSecret, ipnSecret},
		"one byte":                   {"k", "k"},
		"a block of SHA-256":         {strings.Repeat("k", 64), strings.Repeat("k", 64)},
		"longer than that":           {strings.Repeat("k", 65), strings.Repeat("k", 65)},
		"a block of SHA-512":         {strings.Repeat("k", 128), strings.Repeat("k", 128)},
		"longer than that too":       {strings.Repeat("k", 129), strings.Repeat("k", 129)},
		"very long":                  {strings.Repeat("é", 5000), strings.Repeat("é", 5000)},
		"beyond ASCII":               {"clé 鍵 🔑", "clé 鍵 🔑"},
		"no UTF-8":                   {"\xff\xfe\x00k", "\xff\xfe\x00k"},
		"hexadecimal is not decoded": {"6b6579", "6b6579"},
		"space around it":            {" \t" + ipnSecret + "\r\n", ipnSecret},
		"space within it":            {"two words", "two words"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVerifier(t, test.given)
			const text = `{"a":1}`
			assert.NoError(t, v.Verify([]byte(text), mac512(test.key, text)))
			assert.NoError(t, v.Verify([]byte(text), mac256(test.key, text)))
			assert.Equal(t, mac512(test.key, text), v.Sign([]byte(text)))
			for _, other := range []string{test.key + "x", "x" + test.key, test.key[1:], strings.ToUpper(test.key) + "X"} {
				assert.ErrorIs(t, v.Verify([]byte(text), mac512(other, text)), jovepay.ErrSignatureMismatch)
				assert.ErrorIs(t, v.Verify([]byte(text), mac256(other, text)), jovepay.ErrSignatureMismatch)
			}
		})
	}
}

func TestIPNSecretMissing(t *testing.T) {
	t.Parallel()
	for _, blank := range []string{"", " ", "\t\r\n ", "\u00a0"} {
		v, err := jovepay.NewIPNVerifier(blank)
		require.EqualError(t, err, "jovepay: IPN secret is empty")
		assert.Nil(t, v)
		v, err = jovepay.NewIPNVerifier(ipnSecret, jovepay.WithFurtherSecret(blank))
		require.Error(t, err)
		assert.Nil(t, v)
	}
}

func TestIPNSecretRotation(t *testing.T) {
	t.Parallel()
	secrets := []string{"new", "old", "older"}
	v := newVerifier(t, secrets[0], jovepay.WithFurtherSecret(secrets[1]), nil, jovepay.WithFurtherSecret(" older "))
	for i, secret := range secrets {
		for _, form := range allForms() {
			signer := newVerifier(t, secret, jovepay.WithIPNForms(form))
			body := []byte(`{"payment_id":1,"x":[1e-7,"é"]}`)
			event, err := v.Parse(body, signer.Sign(body))
			require.NoError(t, err)
			assert.Equal(t, jovepay.Verification{Form: form, Secret: i}, event.Verification())
		}
	}
	err := v.Verify([]byte(guidePayment), mac256("newold", guidePayment))
	assert.ErrorIs(t, err, jovepay.ErrSignatureMismatch)
	assert.Equal(t, newVerifier(t, "new").Sign([]byte(guidePayment)), v.Sign([]byte(guidePayment)), "the first signs")
}

func TestIPNOptionsRefused(t *testing.T) {
	t.Parallel()
	for want, opt := range map[string]jovepay.IPNOption{
		"jovepay: IPN forms: want at least one":                    jovepay.WithIPNForms(),
		`jovepay: IPN form "sorted" is not known`:                  jovepay.WithIPNForms(jovepay.FormJS, "sorted"),
		`jovepay: IPN form "" is not known`:                        jovepay.WithIPNForms(""),
		"jovepay: IPN limit: want 1 byte to 1 GiB, got 0":          jovepay.WithIPNMaxBytes(0),
		"jovepay: IPN limit: want 1 byte to 1 GiB, got -1":         jovepay.WithIPNMaxBytes(-1),
		"jovepay: IPN limit: want 1 byte to 1 GiB, got 1073741824": jovepay.WithIPNMaxBytes(1 << 30),
		"jovepay: IPN logger is nil":                               jovepay.WithIPNLogger(nil),
	} {
		v, err := jovepay.NewIPNVerifier(ipnSecret, opt)
		assert.EqualError(t, err, want)
		assert.Nil(t, v)
	}
}

// TestIPNSignatures tells what of a header is the right MAC and what is not.
func TestIPNSignatures(t *testing.T) {
	t.Parallel()
	const body = `{"b":1,"a":2}`
	const text = `{"a":2,"b":1}`
	sum := func(h func() hash.Hash, text string) string {
		mac := hmac.New(h, []byte(ipnSecret))
		mac.Write([]byte(text))
		return hex.EncodeToString(mac.Sum(nil))
	}
	plain := func(text string) string {
		digest := sha512.Sum512([]byte(text))
		return hex.EncodeToString(digest[:])
	}
	long, short := mac512(ipnSecret, text), mac256(ipnSecret, body)
	decoded, err := hex.DecodeString(long)
	require.NoError(t, err)

	for name, test := range map[string]struct {
		signature string
		want      error
	}{
		"sorted":                  {long, nil},
		"raw":                     {short, nil},
		"upper case":              {strings.ToUpper(long), nil},
		"raw in upper case":       {strings.ToUpper(short), nil},
		"both cases":              {strings.ToUpper(long[:64]) + long[64:], nil},
		"space around":            {" \t" + long + "\r\n", nil},
		"raw with space around":   {" " + short + " ", nil},
		"missing":                 {"", jovepay.ErrSignatureMissing},
		"blank":                   {" \t", jovepay.ErrSignatureMissing},
		"space within":            {long[:64] + " " + long[64:], jovepay.ErrSignatureMismatch},
		"two in one":              {long + "," + long, jovepay.ErrSignatureMismatch},
		"prefixed":                {"sha512=" + long, jovepay.ErrSignatureMismatch},
		"with 0x":                 {"0x" + long, jovepay.ErrSignatureMismatch},
		"quoted":                  {`"` + long + `"`, jovepay.ErrSignatureMismatch},
		"odd length":              {long[:127], jovepay.ErrSignatureMismatch},
		"odd length, longer":      {long + "0", jovepay.ErrSignatureMismatch},
		"one byte short":          {long[:126], jovepay.ErrSignatureMismatch},
		"one byte long":           {long + "00", jovepay.ErrSignatureMismatch},
		"half of it":              {long[:64], jovepay.ErrSignatureMismatch},
		"twice":                   {long + long, jovepay.ErrSignatureMismatch},
		"raw twice":               {short + short, jovepay.ErrSignatureMismatch},
		"raw and zeros":           {short + strings.Repeat("0", 64), jovepay.ErrSignatureMismatch},
		"not hexadecimal":         {"g" + long[1:], jovepay.ErrSignatureMismatch},
		"not hexadecimal at last": {long[:127] + "g", jovepay.ErrSignatureMismatch},
		"fullwidth digits":        {strings.Repeat("０", 42) + "00", jovepay.ErrSignatureMismatch},
		"NUL":                     {long[:127] + "\x00", jovepay.ErrSignatureMismatch},
		"base64":                  {base64.StdEncoding.EncodeToString(decoded), jovepay.ErrSignatureMismatch},
		"the bytes":               {string(decoded), jovepay.ErrSignatureMismatch},
		"zeros":                   {strings.Repeat("0", 128), jovepay.ErrSignatureMismatch},
		"raw zeros":               {strings.Repeat("0", 64), jovepay.ErrSignatureMismatch},
		"a megabyte":              {strings.Repeat("0", 1<<20), jovepay.ErrSignatureMismatch},
		"the word null":           {"null", jovepay.ErrSignatureMismatch},

		"SHA-256 of the sorted text": {mac256(ipnSecret, text), jovepay.ErrSignatureMismatch},
		"SHA-512 of the body":        {mac512(ipnSecret, body), jovepay.ErrSignatureMismatch},
		"SHA-1":                      {sum(sha1.New, text), jovepay.ErrSignatureMismatch},
		"SHA-384":                    {sum(sha512.New384, text), jovepay.ErrSignatureMismatch},
		"SHA-512/256":                {sum(sha512.New512_256, body), jovepay.ErrSignatureMismatch},
		"SHA-224":                    {sum(sha256.New224, text), jovepay.ErrSignatureMismatch},
		"no key":                     {mac512("", text), jovepay.ErrSignatureMismatch},
		"a plain digest":             {plain(text), jovepay.ErrSignatureMismatch},
		"a digest of key and text":   {plain(ipnSecret + text), jovepay.ErrSignatureMismatch},
		"of a white list of names":   {mac512(ipnSecret, `{}`), jovepay.ErrSignatureMismatch},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVerifier(t, ipnSecret)
			err := v.Verify([]byte(body), test.signature)
			if test.want == nil {
				assert.NoError(t, err)
				return
			}
			assert.ErrorIs(t, err, test.want)
			event, err := v.Parse([]byte(body), test.signature)
			assert.ErrorIs(t, err, test.want)
			assert.Nil(t, event)
		})
	}
}

// TestIPNSignatureBits flips each bit of each signature.
func TestIPNSignatureBits(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, ipnSecret)
	for _, form := range allForms() {
		mac, err := hex.DecodeString(signAs(t, form, guidePayment))
		require.NoError(t, err)
		for i := range len(mac) * 8 {
			mac[i/8] ^= 1 << (i % 8)
			assert.ErrorIs(t, v.Verify([]byte(guidePayment), hex.EncodeToString(mac)), jovepay.ErrSignatureMismatch)
			mac[i/8] ^= 1 << (i % 8)
		}
		assert.NoError(t, v.Verify([]byte(guidePayment), hex.EncodeToString(mac)))
	}
}

// TestIPNSignBodies tells which form Sign signs.
func TestIPNSignBodies(t *testing.T) {
	t.Parallel()
	const body = `{"z":[1],"a":5.0}`
	for want, forms := range map[string][]jovepay.IPNForm{
		mac512(ipnSecret, `{"a":5,"z":[1]}`):     {jovepay.FormRaw, jovepay.FormPython, jovepay.FormJS, jovepay.FormJSArrays},
		mac512(ipnSecret, `{"a":5,"z":{"0":1}}`): {jovepay.FormRaw, jovepay.FormPHP, jovepay.FormJS},
		mac512(ipnSecret, `{"a":5.0,"z":[1]}`):   {jovepay.FormPython, jovepay.FormRaw},
		mac256(ipnSecret, body):                  {jovepay.FormRaw},
	} {
		v := newVerifier(t, ipnSecret, jovepay.WithIPNForms(forms...))
		assert.Equal(t, want, v.Sign([]byte(body)), forms)
		assert.NoError(t, v.Verify([]byte(body), want), "what it signs it accepts")
	}
	assert.Equal(t, mac512(ipnSecret, `{"a":5,"z":[1]}`), newVerifier(t, ipnSecret).Sign([]byte(body)), "by default")
}

// TestIPNSecretUnderFIPS is for GODEBUG=fips140=only, and runs itself under it:
// a secret that HMAC does not take as a key there is an error, never a panic.
func TestIPNSecretUnderFIPS(t *testing.T) {
	t.Parallel()
	if !fips140.Enforced() {
		program, err := os.Executable()
		require.NoError(t, err)
		child := exec.CommandContext(t.Context(), program, "-test.run=^TestIPNSecretUnderFIPS$", "-test.v")
		child.Env = append(os.Environ(), "GODEBUG=fips140=only")
		out, err := child.CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Contains(t, string(out), "--- PASS: TestIPNSecretUnderFIPS")
		return
	}
	for _, short := range []string{"k", "13 bytes long", " 13 bytes long\n", "ééééééé"[:13]} {
		v, err := jovepay.NewIPNVerifier(short)
		require.EqualError(t, err, "jovepay: IPN secret: FIPS 140-3 mode requires 14 bytes or more")
		assert.Nil(t, v)
		assert.NotContains(t, err.Error(), short)
		v, err = jovepay.NewIPNVerifier(ipnSecret, jovepay.WithFurtherSecret(short))
		require.Error(t, err)
		assert.Nil(t, v)
	}
	for _, secret := range []string{"14 bytes long!", ipnSecret, strings.Repeat("k", 500)} {
		v := newVerifier(t, secret, jovepay.WithFurtherSecret(ipnSecret+"2"))
		for _, form := range allForms() {
			for _, signer := range []string{secret, ipnSecret + "2"} {
				body := []byte(`{"payment_id":1,"x":[1e-7,"é"]}`)
				signature := newVerifier(t, signer, jovepay.WithIPNForms(form)).Sign(body)
				event, err := v.Parse(body, signature)
				require.NoError(t, err)
				assert.NotEmpty(t, event.Key())
			}
		}
		for _, form := range allForms() {
			d := v.Diagnose([]byte(`{}`), newVerifier(t, "another secret", jovepay.WithIPNForms(form)).Sign([]byte(`{}`)), "short", "", "another secret")
			assert.Contains(t, d.Findings[0], "It matches with other secret 2")
		}
	}
}

// TestIPNSecretsNeverPrinted prints everything that has to do with a secret in
// every way.
func TestIPNSecretsNeverPrinted(t *testing.T) {
	t.Parallel()
	const further = "Furth3r-5ecret/0b44"
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	option := jovepay.WithFurtherSecret(further)
	v := newVerifier(t, ipnSecret, option, jovepay.WithIPNLogger(logger))

	things := []any{v, *v, option, []jovepay.IPNOption{option}, map[string]any{"verifier": v}, struct{ V *jovepay.IPNVerifier }{v}}
	for _, body := range []string{guidePayment, guideWithdrawal, guideRecurring, `{"unknown":1}`} {
		event, err := v.Parse([]byte(body), newVerifier(t, further).Sign([]byte(body)))
		require.NoError(t, err)
		things = append(things, event, event.Key(), event.Verification())
	}
	for _, signature := range []string{"", "00", mac512("other", guidePayment), mac256("third", guidePayment), mac512(ipnSecret, guidePayment), v.Sign([]byte(guidePayment))} {
		things = append(things,
			v.Verify([]byte(guidePayment), signature), v.Verify([]byte("{"), signature),
			v.Diagnose([]byte(guidePayment), signature, "other", further), *v.Diagnose([]byte("{"), signature))
	}
	_, err := jovepay.NewIPNVerifier(ipnSecret, option, jovepay.WithIPNForms("none"))
	things = append(things, err)

	var printed strings.Builder
	for _, thing := range things {
		fmt.Fprintf(&printed, "%v %+v %#v %s %q %x %d\n", thing, thing, thing, thing, thing, thing, thing)
		logger.Info("printed", "thing", thing)
		slog.New(slog.NewTextHandler(&printed, nil)).Info("printed", "thing", thing)
		if text, err := json.Marshal(thing); err == nil {
			printed.Write(text)
		}
	}
	for _, secret := range []string{ipnSecret, further} {
		for _, spelling := range []string{secret, secret[1 : len(secret)-1], fmt.Sprintf("%x", secret), fmt.Sprintf("%d", []byte(secret)), base64.StdEncoding.EncodeToString([]byte(secret))} {
			assert.NotContains(t, printed.String(), spelling)
			assert.NotContains(t, log.String(), spelling)
		}
	}
	assert.Contains(t, log.String(), "printed")
}
