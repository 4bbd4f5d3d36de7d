package engine

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// Account holds the secrets of the one merchant account. They open nothing but
// the emulator.
type Account struct {
	APIKey    string
	Email     string
	Password  string
	IPNSecret string
	tokenKey  []byte
}

func newAccount(seed uint64) Account {
	secret := func(n int64, alphabet string, length int) string {
		return draw(seed, streamAccount, n, alphabet, length)
	}
	key := secret(1, base32, 28)
	return Account{
		APIKey:    key[:7] + "-" + key[7:14] + "-" + key[14:21] + "-" + key[21:],
		Email:     "merchant-" + secret(2, digits, 6) + "@shop.example",
		Password:  secret(3, letters, 20),
		IPNSecret: secret(4, letters, 32),
		tokenKey:  []byte(secret(5, letters, 32)),
	}
}

// Account returns the secrets that the API accepts.
func (e *Engine) Account() Account { return e.account }

// CheckKey rejects a missing or wrong API key.
func (e *Engine) CheckKey(key string) error {
	if key == "" {
		return reject(CodeAuthRequired, "x-api-key header is empty (API key is required)")
	}
	if !equal(key, e.account.APIKey) {
		return reject(CodeWrongKey, "invalid api key")
	}
	return nil
}

const jwtHeader = `{"alg":"HS256","typ":"JWT"}`

type claims struct {
	ID       string `json:"id"`
	JWTID    uint64 `json:"jti"` // two logins in one second are two tokens
	IssuedAt int64  `json:"iat"`
	Expires  int64  `json:"exp"`
}

// Login returns a new token for the account. Case counts in both arguments.
func (e *Engine) Login(email, password string) (string, error) {
	sameEmail, samePassword := equal(email, e.account.Email), equal(password, e.account.Password)
	if !sameEmail || !samePassword {
		return "", reject(CodeWrongLogin, "wrong email or password")
	}
	now := e.begin()
	e.logins++
	id, lifetime := e.logins, e.lifetime
	e.mu.Unlock()
	return e.token(id, now, lifetime)
}

// ExpiredToken returns a token as from Login, but expired.
func (e *Engine) ExpiredToken() (string, error) { return e.token(0, e.Now(), 0) }

func (e *Engine) token(id uint64, issued time.Time, lifetime time.Duration) (string, error) {
	payload, err := json.Marshal(claims{
		ID:       draw(e.seed, streamAccount, 0, digits, 10),
		JWTID:    id,
		IssuedAt: issued.Unix(),
		Expires:  issued.Add(lifetime).Unix(),
	})
	if err != nil {
		return "", err
	}
	signed := encode([]byte(jwtHeader)) + "." + encode(payload)
	return signed + "." + encode(e.sign(signed)), nil
}

// SetTokenLifetime sets how long a login lasts from now on, in whole seconds.
// Tokens that there are keep their time.
func (e *Engine) SetTokenLifetime(d time.Duration) error {
	if err := checkTokenLifetime(d); err != nil {
		return err
	}
	e.begin()
	defer e.mu.Unlock()
	e.lifetime = d
	return nil
}

func checkTokenLifetime(d time.Duration) error {
	if d < time.Second || d%time.Second != 0 {
		return InvalidParam("token lifetime must be whole seconds, got %v", d)
	}
	return nil
}

// CheckToken rejects a token that is missing, not from Login, or expired.
func (e *Engine) CheckToken(token string) error {
	if token == "" {
		return reject(CodeAuthRequired, "authorization header is empty (Bearer JWT is required)")
	}
	invalid := reject(CodeWrongToken, "invalid access token")
	if !e.Genuine(token) {
		return invalid
	}
	_, body, _ := strings.Cut(token[:strings.LastIndexByte(token, '.')], ".")
	payload, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil {
		return invalid
	}
	var c claims
	if err := json.Unmarshal(payload, &c); err != nil {
		return invalid
	}
	if !e.Now().Before(time.Unix(c.Expires, 0)) {
		return reject(CodeWrongToken, "access token has expired")
	}
	return nil
}

// Genuine reports whether a token is from Login, be it expired or not.
func (e *Engine) Genuine(token string) bool {
	end := strings.LastIndexByte(token, '.')
	if end < 0 {
		return false
	}
	signature, err := base64.RawURLEncoding.DecodeString(token[end+1:])
	return err == nil && hmac.Equal(signature, e.sign(token[:end]))
}

func (e *Engine) sign(signed string) []byte {
	mac := hmac.New(sha256.New, e.account.tokenKey)
	mac.Write([]byte(signed))
	return mac.Sum(nil)
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func equal(a, b string) bool {
	return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}
