package jovepay

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/jovepay/jovepay-go/internal/canonical"
)

// Diagnosis is what is known about a notification and its signature.
type Diagnosis struct {
	// Err is what Verify says: nil if the signature is genuine.
	Err error

	// Verification tells what matched, if the signature is genuine.
	Verification Verification

	// Tried lists the forms that were compared, each with every secret.
	Tried []IPNForm

	// Findings are sentences for a developer, the most telling first. They
	// hold no secret and nothing of the body.
	Findings []string
}

// String returns the verdict and the findings, one on a line.
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

// Diagnose says why signature does not match body, for a developer who
// expects that it does: which forms were tried, whether a form that is not
// accepted, one of otherSecrets, or another rule would match, and whether the
// body looks changed on its way. It is slow and says more than a sender may
// know: never answer a request with it. [IPNVerifier.Handler] does not use it.
func (v *IPNVerifier) Diagnose(body []byte, signature string, otherSecrets ...string) *Diagnosis {
	work := v.begin()
	defer v.end(work)
	d := &Diagnosis{}
	d.Verification, d.Err = v.verify(work, body, signature)
	if d.Err == nil {
		return d
	}
	want, ok := d.readSignature(signature)
	if len(body) > v.maxBytes {
		d.find("The body has %d bytes; the limit is %d.", len(body), v.maxBytes)
		return d
	}
	var doc canonical.Document
	wellFormed := doc.Parse(body, canonical.DefaultDepth) == nil
	if ok {
		if wellFormed {
			d.listTried(v, len(want))
		}
		d.search(v, &doc, body, want, otherSecrets)
	}
	d.look(body, wellFormed)
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

// search looks for a key, a rule and a body that give the signature, the
// likeliest first.
func (d *Diagnosis) search(v *IPNVerifier, doc *canonical.Document, body, want []byte, otherSecrets []string) {
	keys := candidateKeys(v, otherSecrets)
	size := len(want)
	for _, key := range keys {
		for _, form := range knownForms() {
			text, right, accepted := form.textOf(doc, body, v)
			switch {
			case size != right || len(text) == 0 || !mac(key.key, text, want):
			case accepted:
				d.find("It matches with %s over the text of form %s.", key.name, form)
				return
			default:
				d.find("It matches with %s over the text of form %s, which this verifier was told not to accept.", key.name, form)
				return
			}
		}
	}
	for _, change := range undoings() {
		original := change.undo(body)
		if size != sha256.Size || bytes.Equal(original, body) {
			continue // the forms of the other hash take no notice of such changes
		}
		for _, key := range keys {
			if mac(key.key, original, want) {
				d.find("It matches with %s over the body before it was changed on its way: %s. Verify the bytes as they arrive, before anything parses them.", key.name, change.name)
				return
			}
		}
	}
	for _, key := range keys {
		for _, form := range knownForms() {
			if text, right, _ := form.textOf(doc, body, v); len(text) > 0 && mac(key.key, text, want) {
				d.find("It matches with %s over the text of form %s, but with HMAC-SHA%d where the form has HMAC-SHA%d. That text may be the body that was sent, and what arrived was re-serialised.", key.name, form, size*8, right*8)
				return
			}
		}
	}
	d.find("No form or rule that is known gives this signature with these secrets: the secret is another one, or the body was changed.")
}

// A candidate is a key that a notification may have been signed with.
type candidate struct {
	name string
	key  []byte
}

func candidateKeys(v *IPNVerifier, otherSecrets []string) []candidate {
	var keys []candidate
	for i, s := range v.secrets {
		keys = append(keys, candidate{fmt.Sprintf("secret %d", i), []byte(s())})
	}
	for i, s := range v.secrets {
		for _, decode := range []func(string) ([]byte, error){hex.DecodeString, base64.StdEncoding.DecodeString} {
			if key, err := decode(s()); err == nil {
				keys = append(keys, candidate{fmt.Sprintf("secret %d, decoded from hexadecimal or base64,", i), key})
			}
		}
	}
	for i, s := range otherSecrets {
		keys = append(keys, candidate{fmt.Sprintf("other secret %d", i), []byte(strings.TrimSpace(s))})
	}
	return keys
}

func knownForms() [5]IPNForm {
	return [...]IPNForm{FormJS, FormJSArrays, FormPHP, FormPython, FormRaw}
}

// textOf returns what the form signs, the size of its hash, and whether v
// accepts it. There is no text of a malformed body but the raw one.
func (f IPNForm) textOf(doc *canonical.Document, body []byte, v *IPNVerifier) (text []byte, size int, accepted bool) {
	if sorted, ok := f.canonical(); ok {
		return doc.Append(nil, sorted), sha512.Size, v.forms[sorted]
	}
	return body, sha256.Size, v.raw
}

// mac reports whether the MAC of text, with the hash of its size, is want.
func mac(key, text, want []byte) bool {
	h := hmac.New(sha512.New, key)
	if len(want) == sha256.Size {
		h = hmac.New(sha256.New, key)
	}
	return hmac.Equal(sum(h, text, nil), want)
}

type undoing struct {
	name string
	undo func([]byte) []byte
}

// undoings are the changes that middleware makes to a body, backwards.
func undoings() []undoing {
	replace := func(from, to string) func([]byte) []byte {
		return func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(from), []byte(to)) }
	}
	goEscapes := func(b []byte) []byte {
		for _, pair := range [][2]string{{`\u003c`, "<"}, {`\u003e`, ">"}, {`\u0026`, "&"}} {
			b = replace(pair[0], pair[1])(b)
		}
		return b
	}
	return []undoing{
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

// look tells what the body's looks say.
func (d *Diagnosis) look(body []byte, wellFormed bool) {
	trimmed := bytes.TrimSpace(body)
	switch {
	case len(trimmed) == 0:
		d.find("The body is empty: it may have been read before, and a request's body can be read once.")
	case wellFormed && jsontext.Value(trimmed).Kind() == '{':
		compact := jsontext.Value(bytes.Clone(trimmed))
		if compact.Compact() == nil && len(compact) != len(trimmed) {
			d.find("The body has white space between its members; what JovePay's guide shows as sent is compact. It may have been re-serialised.")
		}
		if bytes.Contains(body, []byte(`\u003c`)) || bytes.Contains(body, []byte(`\u0026`)) {
			d.find(`The body has \u003c or \u0026, as Go's encoding/json writes. It may have been re-serialised.`)
		}
	case trimmed[0] != '{' && bytes.ContainsRune(trimmed, '='):
		d.find("The body looks like a form, not JSON.")
	case trimmed[0] == '"':
		d.find("The body is a JSON string: it may have been encoded twice.")
	}
}
