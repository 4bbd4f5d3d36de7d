package jovepay

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/sync/singleflight"
)

const (
	loginPath = "/v1/auth"

	// loginTimeout bounds a login with its retries. It is independent of the
	// caller that happened to start it, since others wait for it too.
	loginTimeout = time.Minute

	// refusalMemory is how long a refused password is answered from memory,
	// so that a wrong one does not become a stream of logins.
	refusalMemory = time.Minute

	// assumedLifetime is for tokens that do not say when they expire.
	assumedLifetime = 4 * time.Minute

	// refreshMargin is how long before expiry a token is renewed, or a tenth
	// of its lifetime if that is shorter.
	refreshMargin = 30 * time.Second
)

// secret hides a string behind a function, so that no way of printing a value
// that holds it, however deep, can show it.
type secret func() string

func newSecret(s string) secret { return func() string { return s } }

// secrets are kept out of what comes from outside: a server may echo them.
type secrets []secret

// text returns s without the secrets, whether plain or as JSON spells them.
func (hide secrets) text(s string) string {
	for _, secret := range hide {
		quoted, _ := jsontext.AppendQuote(nil, secret()) // the worst is replaced characters
		s = strings.ReplaceAll(s, secret(), redacted)
		s = strings.ReplaceAll(s, string(quoted[1:len(quoted)-1]), redacted)
	}
	return s
}

func (hide secrets) body(b []byte) []byte {
	if clean := hide.text(string(b)); clean != string(b) {
		return []byte(clean)
	}
	return b
}

// cause returns what was wrong, without the address that net/http puts before
// its errors: the method and path are said already.
func (hide secrets) cause(err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		err = u.Err
	}
	if clean := hide.text(err.Error()); clean != err.Error() {
		return errors.New(clean)
	}
	return err
}

const redacted = "[redacted]"

// Token is a JWT from JovePay's login. Printing it never shows it. The zero
// value holds no token. A Token is immutable and safe for concurrent use.
type Token struct {
	value   secret
	renew   time.Time
	expires time.Time
}

// Reveal returns the token itself, for the Authorization header of a request
// that the SDK does not make. Treat it like a password.
func (t Token) Reveal() string {
	if t.value == nil {
		return ""
	}
	return t.value()
}

// Expires returns when the token ends by its own account (its exp claim, as
// this machine's clock tells the time), or, since JovePay's guide does not
// state a lifetime, four minutes after the login if it does not say.
func (t Token) Expires() time.Time { return t.expires }

// String returns a fixed text, so that no log shows the token.
func (t Token) String() string { return "jovepay.Token(redacted)" }

// Authenticate returns a JWT for the configured credentials: the current one
// while it lasts, else from a login that all callers share. Calling it is
// never necessary; the client logs in by itself. A wrong e-mail or password
// is [ErrUnauthorized], and is not sent again for a minute.
//
// From JovePay's guide: POST /v1/auth.
func (c *Client) Authenticate(ctx context.Context) (Token, error) {
	if c.api.session == nil {
		return Token{}, &ValidationError{"credentials", "needed to log in; see WithCredentials"}
	}
	return c.api.session.token(ctx)
}

// session keeps one JWT for all goroutines of a client.
type session struct {
	login func(context.Context) (string, error)

	flight singleflight.Group

	mu           sync.Mutex
	current      Token
	refusal      error
	refusedUntil time.Time
}

func newSession(a *api, email string, password secret) *session {
	return &session{login: func(ctx context.Context) (string, error) {
		answer, err := do[loginAnswer](ctx, a, endpoint{
			method: http.MethodPost,
			path:   loginPath,
			body:   loginRequest{email, password()},
			auth:   public,
		})
		if err != nil {
			return "", err
		}
		return answer.Token, nil
	}}
}

type loginRequest struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

type loginAnswer struct {
	Token string `json:"token"`
}

func (l *loginAnswer) accept([]byte) error {
	if l.Token == "" || strings.ContainsFunc(l.Token, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return errors.New("no usable token")
	}
	return nil
}

// token returns the current JWT, or one from a login that all waiting callers
// share. The login goes on if the caller that started it gives up.
func (s *session) token(ctx context.Context) (Token, error) {
	if t, err, ok := s.remembered(); ok {
		return t, err
	}
	flight := s.flight.DoChan("", func() (any, error) {
		if t, err, ok := s.remembered(); ok {
			return t, err
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loginTimeout)
		defer cancel()
		jwt, err := s.login(ctx)
		return s.remember(jwt, err)
	})
	select {
	case result := <-flight:
		if result.Err != nil {
			return Token{}, result.Err
		}
		return result.Val.(Token), nil //nolint:forcetypeassert // remember returns nothing else
	case <-ctx.Done():
		return Token{}, &TransportError{Method: http.MethodPost, Path: loginPath, err: ctx.Err(), unsent: true}
	}
}

// remembered returns the token if it is fresh, or the last refusal if it is
// recent; ok is false if a login is needed.
func (s *session) remembered() (t Token, err error, ok bool) { //nolint:revive // ok reads last
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.refusal != nil && now.Before(s.refusedUntil) {
		return Token{}, s.refusal, true
	}
	return s.current, nil, now.Before(s.current.renew)
}

func (s *session) remember(jwt string, err error) (Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.refusal = nil
	if err != nil {
		if errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrForbidden) {
			s.refusal, s.refusedUntil = err, now.Add(refusalMemory)
		}
		return Token{}, err
	}
	life := lifetime(jwt, now)
	s.current = Token{
		value:   newSecret(jwt),
		renew:   now.Add(life - min(refreshMargin, life/10)),
		expires: now.Add(life),
	}
	return s.current, nil
}

// drop forgets the token that was refused, unless it has been replaced since.
func (s *session) drop(refused string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current.Reveal() == refused {
		s.current = Token{}
	}
}

// lifetime reads how long a JWT lasts from its claims. The difference between
// exp and iat is preferred: it holds even where this clock is wrong.
func lifetime(jwt string, now time.Time) time.Duration {
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return assumedLifetime
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return assumedLifetime
	}
	var claims struct {
		IssuedAt Amount `json:"iat"`
		Expires  Amount `json:"exp"`
	}
	if json.Unmarshal(payload, &claims) != nil || claims.Expires.IsNull() {
		return assumedLifetime
	}
	issued := claims.IssuedAt.Decimal().IntPart()
	if claims.IssuedAt.IsNull() {
		issued = now.Unix()
	}
	const longest = 365 * 24 * 3600
	seconds := claims.Expires.Decimal().IntPart() - issued
	if seconds <= 0 || seconds > longest {
		return assumedLifetime
	}
	return time.Duration(seconds) * time.Second
}
