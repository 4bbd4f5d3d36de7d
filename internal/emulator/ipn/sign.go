package ipn

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"

	"github.com/jovepay/jovepay-go/internal/canonical"
)

// FormRaw is the form of JovePay's shop plugins: HMAC-SHA256 over the body as
// it is. The other forms are HMAC-SHA512 over a canonical text, and have the
// names of those.
const FormRaw = "raw"

// Sign returns the signature of body in the form, as it is in the header. It
// is an error if the form is not known, or needs a body that can be read and
// this one cannot.
func Sign(secret string, body []byte, form string) (string, error) {
	if form == FormRaw {
		return mac(sha256.New, secret, body), nil
	}
	f, err := canonicalForm(form)
	if err != nil {
		return "", err
	}
	var doc canonical.Document
	if err := doc.Parse(body, canonical.DefaultDepth, canonical.DefaultValues); err != nil {
		return "", fmt.Errorf("body has no %s form: %w", form, err)
	}
	return mac(sha512.New, secret, doc.Append(nil, f)), nil
}

func canonicalForm(name string) (canonical.Form, error) {
	for _, f := range [...]canonical.Form{canonical.JS, canonical.JSArrays, canonical.PHP, canonical.Python} {
		if f.String() == name {
			return f, nil
		}
	}
	return 0, fmt.Errorf("form %q is not known", name)
}

func mac(hash func() hash.Hash, secret string, text []byte) string {
	h := hmac.New(hash, []byte(secret))
	h.Write(text)
	return hex.EncodeToString(h.Sum(nil))
}
