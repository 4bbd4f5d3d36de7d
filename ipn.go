package jovepay

import (
	"bytes"
	"crypto/fips140"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"log/slog"
	"strings"
	"sync"

	"github.com/jovepay/jovepay-go/internal/canonical"
)

// IPNSignatureHeader is the header that carries a notification's signature, a
// MAC in hexadecimal digits. From JovePay's guide.
const IPNSignatureHeader = "x-jovepay-sig"

// Errors of [IPNVerifier], for [errors.Is]. Their text is for the shop's own
// log; from [IPNVerifier.Handler] the sender gets only a status code.
var (
	ErrSignatureMissing  = errors.New("jovepay: IPN has no signature")
	ErrSignatureMismatch = errors.New("jovepay: IPN signature does not match")
	ErrMalformedIPN      = errors.New("jovepay: IPN is malformed")

	// ErrIPNTooLarge says that the body is over the verifier's limit, or over
	// that of an [http.MaxBytesReader] around it. Such an error is
	// ErrMalformedIPN too: check for this one first, to respond with 413.
	ErrIPNTooLarge = errors.New("body is too large")
)

// IPNForm names a text that JovePay has published a verifier for. The three
// verifiers of its guide and those of its shop plugins sign different texts
// for the same notification, and which of them JovePay's server signs is not
// documented. An [IPNVerifier] accepts all five by default.
type IPNForm string

// The forms. The first four are HMAC-SHA512 over a text with sorted keys, and
// are equal for most notifications; the last is HMAC-SHA256 over the body.
const (
	FormJS       IPNForm = "js"        // the guide's Node example: arrays become objects
	FormJSArrays IPNForm = "js-arrays" // the same with arrays kept
	FormPHP      IPNForm = "php"       // the guide's PHP example
	FormPython   IPNForm = "python"    // the guide's Python example
	FormRaw      IPNForm = "raw"       // JovePay's shop plugins
)

// canonical returns the form of the canonical text; ok is false for raw.
func (f IPNForm) canonical() (form canonical.Form, ok bool) {
	for _, form := range sortedForms() {
		if form.String() == string(f) {
			return form, true
		}
	}
	return 0, false
}

// sortedForms lists the forms with sorted keys in the order they are tried.
func sortedForms() [4]canonical.Form {
	return [...]canonical.Form{canonical.JS, canonical.JSArrays, canonical.PHP, canonical.Python}
}

const (
	defaultIPNMaxBytes = 64 << 10
	retainedBytes      = 64 << 10 // a larger document is not kept for reuse

	// fipsSecretBytes is how long a key of HMAC must be in FIPS 140-3 mode.
	fipsSecretBytes = 112 / 8
)

// IPNVerifier distinguishes genuine notifications (IPN) from forged ones. It needs
// no client and no network. It is immutable and safe for concurrent use; printing
// it shows no secret. Make one with [NewIPNVerifier].
type IPNVerifier struct {
	secrets  []secret
	forms    [canonical.Python + 1]bool
	raw      bool
	maxBytes int
	log      *slog.Logger // nil: slog.Default()
	pool     *sync.Pool   // of *verification
}

// IPNOption configures an [IPNVerifier].
type IPNOption func(*IPNVerifier) error

// WithFurtherSecret accepts another secret too, so that the IPN secret can be
// rotated without losing notifications that are in flight. Which secret
// matched is in [Verification]. The option can be given more than once.
func WithFurtherSecret(secret string) IPNOption {
	return func(v *IPNVerifier) error { return v.addSecret(secret) }
}

// WithIPNForms accepts only the given forms. Use it once you know for certain which
// form JovePay signs for your account.
func WithIPNForms(forms ...IPNForm) IPNOption {
	return func(v *IPNVerifier) error {
		if len(forms) == 0 {
			return errors.New("jovepay: IPN forms: want at least one")
		}
		v.forms, v.raw = [len(v.forms)]bool{}, false
		for _, f := range forms {
			form, ok := f.canonical()
			switch {
			case ok:
				v.forms[form] = true
			case f == FormRaw:
				v.raw = true
			default:
				return fmt.Errorf("jovepay: IPN form %q is not known", f)
			}
		}
		return nil
	}
}

// WithIPNMaxBytes sets how long a notification may be. The default is 64 KiB;
// real ones have 1 or 2 KiB. Anybody can post to the address of a shop: a
// request in progress takes up to 1 MiB of memory, which thousands of values need,
// and 8 bytes for each byte of its body.
// Whatever the limit, a notification with more than 4,096 values or 512 levels
// is malformed.
func WithIPNMaxBytes(n int) IPNOption {
	return func(v *IPNVerifier) error {
		if n <= 0 || n >= 1<<30 {
			return fmt.Errorf("jovepay: IPN limit: want 1 byte to 1 GiB, got %d", n)
		}
		v.maxBytes = n
		return nil
	}
}

// WithIPNLogger logs what [IPNVerifier.Handler] rejects (level Warn) and where
// its function fails or panics (level Error) to log, without bodies, signatures
// or secrets. The default is [slog.Default] at the time of logging. To log
// nothing, pass slog.New([slog.DiscardHandler]).
func WithIPNLogger(log *slog.Logger) IPNOption {
	return func(v *IPNVerifier) error {
		if log == nil {
			return errors.New("jovepay: IPN logger is nil")
		}
		v.log = log
		return nil
	}
}

// NewIPNVerifier returns a verifier for notifications signed with the IPN
// secret from JovePay's dashboard. White space around the secret is dropped;
// an empty one is an error. Where FIPS 140-3 mode is enforced
// (GODEBUG=fips140=only), so is one of fewer than 14 bytes, which HMAC rejects
// as a key there.
func NewIPNVerifier(secret string, opts ...IPNOption) (*IPNVerifier, error) {
	v := &IPNVerifier{
		forms:    [...]bool{true, true, true, true},
		raw:      true,
		maxBytes: defaultIPNMaxBytes,
	}
	if err := v.addSecret(secret); err != nil {
		return nil, err
	}
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(v); err != nil {
			return nil, err
		}
	}
	v.pool = &sync.Pool{}
	return v, nil
}

func (v *IPNVerifier) addSecret(s string) error {
	s = strings.TrimSpace(s)
	if s == "" {
		return errors.New("jovepay: IPN secret is empty")
	}
	if !usableKey(s) {
		return fmt.Errorf("jovepay: IPN secret: FIPS 140-3 mode requires %d bytes or more", fipsSecretBytes)
	}
	v.secrets = append(v.secrets, newSecret(s))
	return nil
}

// usableKey reports whether [hmac.New] takes key; if not, it panics.
func usableKey[T string | []byte](key T) bool {
	return len(key) >= fipsSecretBytes || !fips140.Enforced()
}

// Verify reports whether signature, the value of the x-jovepay-sig header,
// is genuine for body: nil if it is, else an error that is
// [ErrSignatureMissing], [ErrSignatureMismatch] or [ErrMalformedIPN], and
// [ErrIPNTooLarge] with the last if the body is over the size limit. White
// space around the signature and upper case are tolerated.
//
// Verify does not keep body. It allocates nothing for ordinary notifications.
func (v *IPNVerifier) Verify(body []byte, signature string) error {
	work := v.begin()
	defer v.end(work)
	_, err := v.verify(work, body, signature)
	return err
}

// Parse verifies body as [IPNVerifier.Verify] does and returns the event in
// it. The event is read from the text that was signed, not from the body, so you
// act only on what JovePay signed: a number that was signed in the js or php form
// has at most the digits of a double. All bodies that one signature is valid for
// are the same event, with the same Key, fields, Raw and Extra. Extra has unknown
// members, members of an unexpected type, and camelCase members that differ from
// the same member in snake_case, which is the one that is read.
func (v *IPNVerifier) Parse(body []byte, signature string) (Event, error) {
	work := v.begin()
	defer v.end(work)
	found, err := v.verify(work, body, signature)
	if err != nil {
		return nil, err
	}
	raw, form := body, canonical.JSArrays // of the raw form, which has arrays as the body has them
	if signed, ok := found.Form.canonical(); ok {
		form = signed
		if form == canonical.JS && work.doc.Lists() || work.pieces {
			work.text = work.doc.Root(form).Append(work.text[:0])
		}
		raw = work.text
	}
	from := delivery{found, string(body), strings.TrimSpace(signature)}
	return newEvent(bytes.Clone(raw), work.doc.Root(form), from), nil
}

// Sign returns a signature that [IPNVerifier.Verify] accepts for body, made
// with the first secret in the js-arrays form, which equals those of JovePay's
// three reference verifiers for most notifications. It is for tests and tools.
// For a malformed body, which no form can sign, it is empty.
func (v *IPNVerifier) Sign(body []byte) string {
	work := v.begin()
	defer v.end(work)
	if v.read(work, body) != nil {
		return ""
	}
	if v.raw && v.forms == [len(v.forms)]bool{} {
		return hex.EncodeToString(work.keys[0].mac256(body))
	}
	work.write(v.signingForm())
	return hex.EncodeToString(work.keys[0].mac512(work.text))
}

func (v *IPNVerifier) signingForm() canonical.Form {
	for _, form := range [...]canonical.Form{canonical.JSArrays, canonical.JS, canonical.PHP} {
		if v.forms[form] {
			return form
		}
	}
	return canonical.Python
}

// verification is the memory of one verification, kept for the next.
type verification struct {
	doc    canonical.Document
	text   []byte // the text of the form that was tried last, or its last piece
	pieces bool   // the text came in pieces
	hex    [2 * sha512.Size]byte
	want   [sha512.Size]byte
	keys   []macs
}

// macs holds the states of one secret, and the room for their result.
type macs struct {
	sha512, sha256 hash.Hash
	sum            [sha512.Size]byte
}

func newVerification(secrets []secret) *verification {
	work := &verification{keys: make([]macs, len(secrets))}
	for i, s := range secrets {
		work.keys[i].sha512 = hmac.New(sha512.New, []byte(s()))
		work.keys[i].sha256 = hmac.New(sha256.New, []byte(s()))
	}
	return work
}

// mac512 returns the MAC of the text whose last piece is rest. It is good for
// one call after a write.
func (m *macs) mac512(rest []byte) []byte {
	m.sha512.Write(rest)
	return m.sha512.Sum(m.sum[:0])
}

func (m *macs) mac256(text []byte) []byte {
	m.sha256.Reset()
	m.sha256.Write(text)
	return m.sha256.Sum(m.sum[:0])
}

// write writes the text of the form to work.text, for mac512 of every key.
func (work *verification) write(form canonical.Form) {
	for i := range work.keys {
		work.keys[i].sha512.Reset()
	}
	work.pieces = false
	work.text = work.doc.Stream(work, work.text[:0], form)
}

// Write takes a piece of a text that is too long to be kept.
func (work *verification) Write(piece []byte) (int, error) {
	for i := range work.keys {
		work.keys[i].sha512.Write(piece)
	}
	work.pieces = true
	return len(piece), nil
}

func (v *IPNVerifier) begin() *verification {
	if work, ok := v.pool.Get().(*verification); ok {
		return work
	}
	return newVerification(v.secrets)
}

func (v *IPNVerifier) end(work *verification) {
	if work.doc.Retained()+cap(work.text) <= retainedBytes {
		v.pool.Put(work)
	}
}

// read reads body and rejects what is rejected no matter who signed it.
func (v *IPNVerifier) read(work *verification, body []byte) error {
	if len(body) > v.maxBytes {
		return fmt.Errorf("%w: %w: over %d bytes", ErrMalformedIPN, ErrIPNTooLarge, v.maxBytes)
	}
	if err := work.doc.Parse(body, canonical.DefaultDepth, canonical.DefaultValues); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformedIPN, err)
	}
	return nil
}

// verify finds the form and the secret that made the signature. The length of
// the signature determines the hash. A form whose text cannot differ from one that
// was tried is skipped.
func (v *IPNVerifier) verify(work *verification, body []byte, signature string) (Verification, error) {
	signature = strings.TrimSpace(signature)
	if signature == "" {
		return Verification{}, ErrSignatureMissing
	}
	want, ok := work.decodeSignature(signature)
	if !ok {
		return Verification{}, ErrSignatureMismatch
	}
	if err := v.read(work, body); err != nil {
		return Verification{}, err
	}
	if len(want) == sha256.Size {
		for i := range work.keys {
			if v.raw && hmac.Equal(work.keys[i].mac256(body), want) {
				return Verification{FormRaw, i}, nil
			}
		}
		return Verification{}, ErrSignatureMismatch
	}
	for _, form := range sortedForms() {
		if !v.forms[form] || v.tried(work, form) {
			continue
		}
		work.write(form)
		for i := range work.keys {
			if hmac.Equal(work.keys[i].mac512(work.text), want) {
				return Verification{IPNForm(form.String()), i}, nil
			}
		}
	}
	return Verification{}, ErrSignatureMismatch
}

// tried reports whether an accepted form before this one has the same text.
func (v *IPNVerifier) tried(work *verification, form canonical.Form) bool {
	for _, earlier := range sortedForms() {
		if earlier == form {
			return false
		}
		if v.forms[earlier] && !work.doc.Differ(earlier, form) {
			return true
		}
	}
	return false
}

// decodeSignature reads a MAC of one of the two lengths.
func (work *verification) decodeSignature(signature string) (mac []byte, ok bool) {
	if n := len(signature); n != 2*sha512.Size && n != 2*sha256.Size {
		return nil, false
	}
	n, err := hex.Decode(work.want[:], append(work.hex[:0], signature...))
	return work.want[:n], err == nil
}
