package emulator

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"github.com/jovepay/jovepay-go/internal/emulator/engine"
)

const (
	// secretMark is written in place of a secret.
	secretMark = "[secret]"
	// OwnAddress is written in place of the server's own address, which has
	// another port with every run. It can never be looked up.
	OwnAddress = "http://jovepay.invalid"
)

// tokenForm is what every JWT looks like.
var tokenForm = regexp.MustCompile(`eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)?`)

// scrubber keeps secrets out of the journal, and what would make two runs differ.
type scrubber struct {
	hidden  []string
	address string
}

func newScrubber(account engine.Account, address string) scrubber {
	return scrubber{[]string{account.APIKey, account.Password, account.IPNSecret}, address}
}

// secrets hides keys, passwords and tokens.
func (s scrubber) secrets(text string) string {
	for _, secret := range s.hidden {
		if strings.Contains(text, secret) {
			text = strings.ReplaceAll(text, secret, secretMark)
		}
	}
	if strings.Contains(text, "eyJ") {
		text = tokenForm.ReplaceAllString(text, secretMark)
	}
	return text
}

// all hides the server's address too.
func (s scrubber) all(text string) string {
	if s.address != "" && strings.Contains(text, s.address) {
		text = s.anywhere(text)
	}
	return s.secrets(text)
}

// anywhere writes the server's address in the same way for every port. An
// address whose port only begins like the server's is somebody else's.
func (s scrubber) anywhere(text string) string {
	var out strings.Builder
	for {
		before, after, found := strings.Cut(text, s.address)
		out.WriteString(before)
		switch {
		case !found:
			return out.String()
		case after != "" && after[0] >= '0' && after[0] <= '9':
			out.WriteString(s.address)
		default:
			out.WriteString(OwnAddress)
		}
		text = after
	}
}

// body is all for a response's body, which can be long and rarely has anything to
// hide.
func (s scrubber) body(body []byte) []byte {
	for _, hidden := range append([]string{s.address, "eyJ"}, s.hidden...) {
		if hidden != "" && bytes.Contains(body, []byte(hidden)) {
			return []byte(s.all(string(body)))
		}
	}
	return body
}

// private reports whether a request's body may hold a password, which can be
// that of a real account by mistake: so misspelled paths count too.
func private(path string, body []byte) bool {
	return strings.Contains(strings.ToLower(path), "auth") || bytes.Contains(bytes.ToLower(body), []byte(`"password"`))
}

func fingerprint(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
