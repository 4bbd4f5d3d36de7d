package jovepay

import (
	"bytes"
	"compress/gzip"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/jovepay/jovepay-go/internal/canonical"
)

// Diagnosis explains the verdict on a notification.
type Diagnosis struct {
	// Err is the result of Verify: nil if the signature is genuine.
	Err error

	// Verification says what matched, if the signature is genuine.
	Verification Verification

	// Tried lists the forms that were tried, each with every secret.
	Tried []IPNForm

	// Findings are sentences for a developer, the most helpful first. They contain
	// no secret and nothing of the body.
	Findings []string
}

// String returns the verdict and the findings, one per line.
func (d *Diagnosis) String() string {
	verdict := fmt.Sprintf("genuine: form %s, secret %d", d.Verification.Form, d.Verification.Secret)
	if d.Err != nil {
		verdict = d.Err.Error()
	}
	return strings.Join(append([]string{verdict}, d.Findings...), "\n- ")
}

func (d *Diagnosis) find(format string, args ...any) {
	d.Findings = append(d.Findings, fmt.Sprintf(format, args...))
}

// Diagnose explains, for a developer, why a signature that should match body doesn't. It
// says which forms were tried, whether another form, one of otherSecrets, another
// spelling of a secret or another rule would match, and whether the body looks changed in
// transit. It is slow, and reveals more than a sender may know: never respond to a
// request with it. [IPNVerifier.Handler] does not use it.
func (v *IPNVerifier) Diagnose(body []byte, signature string, otherSecrets ...string) *Diagnosis {
	work := v.begin()
	defer v.end(work)
	d := &Diagnosis{}
	d.Verification, d.Err = v.verify(work, body, signature)
	if d.Err == nil {
		return d
	}
	want, ok := d.readSignature(signature)
	switch {
	case len(body) > v.maxBytes:
		d.find("The body has %d bytes; the limit is %d.", len(body), v.maxBytes)
		return d
	case len(bytes.TrimSpace(body)) == 0:
		d.find("The body is empty: it may have already been read, and a request's body can be read once.")
		return d
	}
	wellFormed := v.read(work, body) == nil
	if ok && wellFormed {
		d.listTried(v, len(want))
	}
	found := ok && d.search(v, body, want, otherSecrets)
	d.look(body, wellFormed)
	if ok && !found {
		d.find("No known form or rule gives this signature with these secrets: the secret is different, or the body was changed.")
	}
	return d
}

func (d *Diagnosis) readSignature(signature string) (want []byte, ok bool) {
	signature = strings.TrimSpace(signature)
	want, err := hex.DecodeString(signature)
	switch {
	case signature == "":
		d.find("There is no signature: a proxy may have dropped the %s header, or the sender is not JovePay.", IPNSignatureHeader)
	case err != nil:
		d.find("The signature is not made of pairs of hexadecimal digits.")
	case len(want) != sha512.Size && len(want) != sha256.Size:
		d.find("The signature has %d digits; HMAC-SHA512 has 128 and HMAC-SHA256 has 64.", len(signature))
	default:
		return want, true
	}
	return nil, false
}

func (d *Diagnosis) listTried(v *IPNVerifier, size int) {
	if size == sha256.Size {
		if v.raw {
			d.Tried = []IPNForm{FormRaw}
		}
		return
	}
	for _, form := range sortedForms() {
		if v.forms[form] {
			d.Tried = append(d.Tried, IPNForm(form.String()))
		}
	}
}

// search looks for a key, a text and a rule that give the signature, the
// likeliest first, and reports whether it found them.
func (d *Diagnosis) search(v *IPNVerifier, body, want []byte, otherSecrets []string) bool {
	s := signatureSearch{v, candidateKeys(v, otherSecrets), want}
	for _, try := range []func([]byte) string{s.tryForms, s.tryReversals, s.tryOtherHash} {
		if finding := try(body); finding != "" {
			d.find("%s", finding)
			return true
		}
	}
	return false
}

// signatureSearch looks for what gives a signature.
type signatureSearch struct {
	v    *IPNVerifier
	keys []candidate
	want []byte // the signature
}

// findKey returns the first key whose MAC of text is the signature.
func (s signatureSearch) findKey(text []byte) (key candidate, ok bool) {
	if len(text) == 0 {
		return candidate{}, false
	}
	i := slices.IndexFunc(s.keys, func(c candidate) bool { return mac(c.key, text, s.want) })
	if i < 0 {
		return candidate{}, false
	}
	return s.keys[i], true
}

// tryForms tries every form, of body and of what body may contain.
func (s signatureSearch) tryForms(body []byte) (finding string) {
	for _, c := range unwrap(body, s.v.maxBytes) {
		for _, form := range knownForms() {
			text, size, accepted := form.textOf(c.body, s.v)
			if size != len(s.want) {
				continue
			}
			key, ok := s.findKey(text)
			if !ok {
				continue
			}
			finding = fmt.Sprintf("It matches with %s over the text of form %s", key.name, form)
			switch {
			case c.how != "":
				return finding + ", once the body is " + c.how + ". Give the verifier the bytes that JovePay sent."
			case !accepted:
				return finding + ", which this verifier does not accept."
			}
			return finding + "."
		}
	}
	return ""
}

// tryReversals tries the raw form of the body before a change in transit.
// The other forms are the same before and after such changes.
func (s signatureSearch) tryReversals(body []byte) (finding string) {
	if len(s.want) != sha256.Size {
		return ""
	}
	for _, change := range reversals() {
		original := change.reverse(body)
		if bytes.Equal(original, body) {
			continue
		}
		if key, ok := s.findKey(original); ok {
			return fmt.Sprintf("It matches with %s over the body before it was changed in transit: %s. Verify the bytes as they arrive, before anything parses them.", key.name, change.name)
		}
	}
	return ""
}

// tryOtherHash tries each form with the hash of the signature's size.
func (s signatureSearch) tryOtherHash(body []byte) (finding string) {
	for _, form := range knownForms() {
		text, size, _ := form.textOf(body, s.v)
		if key, ok := s.findKey(text); ok {
			return fmt.Sprintf("It matches with %s over the text of form %s, but with HMAC-SHA%d where the form has HMAC-SHA%d. "+
				"That text may be the body that was sent, and what arrived was re-serialized.", key.name, form, len(s.want)*8, size*8)
		}
	}
	return ""
}

// candidate is a key that a notification may have been signed with.
type candidate struct {
	name string
	key  []byte
}

// candidateKeys returns every secret unchanged, and then in its other spellings.
func candidateKeys(v *IPNVerifier, otherSecrets []string) []candidate {
	var given, spelled []candidate
	add := func(name, secret string) {
		given = append(given, candidate{name, []byte(secret)})
		for _, s := range spellings(secret) {
			spelled = append(spelled, candidate{name + s.name, s.key})
		}
	}
	for i, s := range v.secrets {
		add(fmt.Sprintf("secret %d", i), s())
	}
	for i, s := range otherSecrets {
		add(fmt.Sprintf("other secret %d", i), strings.TrimSpace(s))
	}
	return slices.DeleteFunc(append(given, spelled...), func(c candidate) bool { return !usableKey(c.key) })
}

// spellings returns what a secret may have been before someone copied it.
func spellings(secret string) []candidate {
	var all []candidate
	add := func(name, key string) {
		if key != "" && key != secret {
			all = append(all, candidate{name, []byte(key)})
		}
	}
	add(", without the byte order mark or another invisible character around it,", strings.TrimFunc(secret, invisible))
	add(", without the escaped line end behind it,", trimAll(secret, invisible))
	bare := trimAll(secret, func(r rune) bool { return invisible(r) || strings.ContainsRune("\"'`“”‘’\\", r) })
	add(", without the quotes around it,", bare)
	if decoded, err := url.PathUnescape(bare); err == nil {
		add(", decoded from a URL,", decoded)
	}
	if key, err := hex.DecodeString(bare); err == nil {
		add(", decoded from hexadecimal or base64,", string(key))
	}
	if key, ok := decodeBase64([]byte(bare)); ok {
		add(", decoded from hexadecimal or base64,", string(key))
	}
	return all
}

func invisible(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
}

// trimAll trims characters that around reports, and escaped line ends at the end, until
// none are left.
func trimAll(s string, around func(rune) bool) string {
	for before := ""; s != before; {
		before = s
		s = strings.TrimFunc(s, around)
		s = strings.TrimSuffix(strings.TrimSuffix(s, `\n`), `\r`)
	}
	return s
}

func knownForms() [5]IPNForm {
	return [...]IPNForm{FormJS, FormJSArrays, FormPHP, FormPython, FormRaw}
}

// textOf returns the text that the form signs, the size of its hash, and whether v accepts
// the form. A malformed body has no text but the raw one.
func (f IPNForm) textOf(body []byte, v *IPNVerifier) (text []byte, size int, accepted bool) {
	sorted, ok := f.canonical()
	if !ok {
		return body, sha256.Size, v.raw
	}
	var doc canonical.Document
	_ = doc.Parse(body, canonical.DefaultDepth, canonical.DefaultValues)
	return doc.Append(nil, sorted), sha512.Size, v.forms[sorted]
}

// mac reports whether the MAC of text, with the hash of its size, is want.
func mac(key, text, want []byte) bool {
	h := hmac.New(sha512.New, key)
	if len(want) == sha256.Size {
		h = hmac.New(sha256.New, key)
	}
	h.Write(text)
	return hmac.Equal(h.Sum(nil), want)
}

type reversal struct {
	name    string // of the change
	reverse func([]byte) []byte
}

// reversals undo the changes that middleware makes to a body.
func reversals() []reversal {
	replace := func(from, to string) func([]byte) []byte {
		return func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(from), []byte(to)) }
	}
	goEscapes := func(b []byte) []byte {
		for _, pair := range [][2]string{{`\u003c`, "<"}, {`\u003e`, ">"}, {`\u0026`, "&"}} {
			b = replace(pair[0], pair[1])(b)
		}
		return b
	}
	return []reversal{
		{"white space was added around it", bytes.TrimSpace},
		{"a line end was cut off", func(b []byte) []byte { return append(slices.Clip(b), '\n') }},
		{"it was indented", func(b []byte) []byte {
			compact := jsontext.Value(bytes.Clone(b))
			if compact.Compact() != nil {
				return b
			}
			return compact
		}},
		{"slashes were escaped, as PHP's json_encode does", replace(`\/`, `/`)},
		{"slashes were unescaped", replace(`/`, `\/`)},
		{"<, > and & were escaped, as Go's encoding/json does", goEscapes},
	}
}

// wrapped is what a body may contain, and how to extract it.
type wrapped struct {
	how  string
	body []byte
}

// unwrap returns body and what it may contain, up to a few layers deep, each of at most
// limit bytes.
func unwrap(body []byte, limit int) []wrapped {
	const most = 8
	all := []wrapped{{body: body}}
	for i := 0; i < len(all) && i < most; i++ {
		outer := all[i]
		add := func(how string, inner []byte) {
			if len(inner) > 0 && len(inner) <= limit {
				all = append(all, wrapped{strings.TrimPrefix(outer.how+" and "+how, " and "), inner})
			}
		}
		trimmed := bytes.TrimSpace(outer.body)
		if inner, ok := bytes.CutPrefix(trimmed, []byte("\ufeff")); ok {
			add("freed of its byte order mark", inner)
		}
		if r, err := gzip.NewReader(bytes.NewReader(outer.body)); err == nil {
			inner, _ := io.ReadAll(io.LimitReader(r, int64(limit)+1))
			add("decompressed with gzip", inner)
		}
		if inner, err := jsontext.AppendUnquote(nil, trimmed); err == nil {
			add("decoded from a JSON string", inner)
		}
		if inner, ok := decodeBase64(trimmed); ok {
			add("decoded from base64", inner)
		}
		if form, ok := readForm(trimmed); ok {
			for _, values := range form {
				for _, value := range values {
					add("taken out of a form", []byte(value))
				}
			}
		}
	}
	return all
}

// decodeBase64 decodes base64 of any kind.
func decodeBase64(text []byte) (decoded []byte, ok bool) {
	text = bytes.TrimRight(text, "=")
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if decoded, err := encoding.AppendDecode(nil, text); err == nil && len(decoded) > 0 {
			return decoded, true
		}
	}
	return nil, false
}

// readForm reads a URL-encoded form.
func readForm(text []byte) (form url.Values, ok bool) {
	odd := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("{}\"<>", r) }
	if !bytes.ContainsRune(text, '=') || bytes.ContainsFunc(text, odd) {
		return nil, false
	}
	form, err := url.ParseQuery(string(text))
	return form, err == nil
}

// look adds what the appearance of the body suggests.
func (d *Diagnosis) look(body []byte, wellFormed bool) {
	trimmed := bytes.TrimSpace(body)
	begins := func(with string) bool { return bytes.HasPrefix(trimmed, []byte(with)) }
	_, isBase64 := decodeBase64(trimmed)
	isBase64 = isBase64 && !jsontext.Value(trimmed).IsValid() // null, 1234
	_, isForm := readForm(trimmed)
	malformed, ok := errors.AsType[*canonical.Error](d.Err)
	truncated := ok && malformed.Reason == canonical.Truncated
	switch {
	case wellFormed:
		d.lookSerialized(body, trimmed)
	case begins("\x1f\x8b"):
		d.find("The body is compressed with gzip; what JovePay's guide shows as sent is not compressed. A proxy may have done it.")
	case begins("\x28\xb5\x2f\xfd"), begins("\x78\x01"), begins("\x78\x9c"), begins("\x78\xda"):
		d.find("The body is compressed; what JovePay's guide shows as sent is not. A proxy may have done it.")
	case begins("\xef\xbb\xbf"), begins("\xff\xfe"), begins("\xfe\xff"), bytes.IndexByte(body, 0) >= 0:
		d.find("The body has a byte order mark or is in UTF-16: it was re-encoded.")
	case begins(`"`):
		d.find("The body is a JSON string: it may have been encoded twice.")
	case begins("<"):
		d.find("The body looks like HTML or XML, not JSON.")
	case begins("--") && bytes.Contains(trimmed, []byte("form-data")):
		d.find("The body looks like a form of several parts, not JSON.")
	case isBase64:
		d.find("The body looks like base64, not JSON. A gateway may have encoded it.")
	case isForm:
		d.find("The body looks like a form, not JSON.")
	case begins("{") && truncated:
		d.find("The end of the body is missing: a size limit may have truncated it.")
	case !begins("{") && bytes.HasSuffix(trimmed, []byte("}")):
		d.find("The beginning of the body is missing: a part of it may have already been read, and a request's body can be read once.")
	}
}

// lookSerialized adds signs that the body was parsed and serialized again.
func (d *Diagnosis) lookSerialized(body, trimmed []byte) {
	compact := jsontext.Value(bytes.Clone(trimmed))
	if compact.Compact() == nil && len(compact) != len(trimmed) {
		d.find("The body has white space between its members; what JovePay's guide shows as sent is compact. It may have been re-serialized.")
	}
	if bytes.Contains(body, []byte(`\u003c`)) || bytes.Contains(body, []byte(`\u0026`)) {
		d.find(`The body has \u003c or \u0026, as Go's encoding/json writes. It may have been re-serialized.`)
	}
}
