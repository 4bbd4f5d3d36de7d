package jovepay

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"golang.org/x/sync/singleflight"
)

const (
	loginPath = "/v1/auth"

	// loginTimeout bounds a login with its retries. It is independent of the
	// caller that happened to start it, since others wait for it too.
	loginTimeout = time.Minute

	// refusalMemory is how long a rejected password or a token that was
	// rejected at once is remembered, so that neither becomes a stream of
	// logins.
	refusalMemory = time.Minute

	// assumedLifetime is for tokens that do not say when they expire.
	assumedLifetime = 4 * time.Minute

	// refreshMargin is how long before expiry a token is renewed, or a tenth
	// of its lifetime if that is shorter.
	refreshMargin = 30 * time.Second
)

// Token is a JWT from JovePay's login. Printing it never shows it. The zero
// value holds no token. A Token is immutable and safe for concurrent use.
type Token struct {
	value   secret
	login   int // which login it is from, counted from 1
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

// isRejectedBy reports whether err is a response that another token may help
// with. A 403 to a request without a token is about the API key, and the body
// of a success is no reason to send a request once more.
func (t Token) isRejectedBy(err error) bool {
	response, ok := errors.AsType[*APIError](err)
	if !ok {
		return false
	}
	return response.StatusCode == http.StatusUnauthorized ||
		response.StatusCode == http.StatusForbidden && t.value != nil
}

// Authenticate returns a JWT for the configured credentials: the current one
// while it lasts, else from a login that all callers share. Calling it is
// never necessary; the client logs in by itself. A token is renewed shortly
// before it expires, and is used to its end if that fails. A wrong e-mail or
// password is [ErrUnauthorized], and is not sent again for a minute.
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
	logins       int // successful ones
	refusal      error
	refusedUntil time.Time
	heldUntil    time.Time // until then a rejected token is not replaced
}

func newSession(a *api, email string, password secret) *session {
	return &session{login: func(ctx context.Context) (jwt string, err error) {
		err = a.guard(func() error {
			answer, err := do[loginResponse](ctx, a, endpoint{
				method: http.MethodPost,
				path:   loginPath,
				body:   loginRequest{email, password()},
				auth:   public,
			})
			if err == nil {
				jwt = answer.Token
			}
			return err
		})
		return jwt, err
	}}
}

type loginRequest struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

type loginResponse struct {
	Token string `json:"token"`
}

func (l *loginResponse) accept([]byte) error {
	if l.Token == "" || strings.ContainsFunc(l.Token, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return errors.New("no usable token")
	}
	return nil
}

// token returns the current JWT, or one from a login that all waiting callers
// share. The login goes on if the caller that started it gives up. While the
// current token lasts, nobody waits for more than half of its remaining time.
func (s *session) token(ctx context.Context) (Token, error) {
	current, err, ok := s.recall()
	if ok {
		return current, err
	}
	if ctx.Err() != nil {
		return Token{}, loginWaitError(ctx)
	}
	flight := s.flight.DoChan("", func() (any, error) {
		if t, err, ok := s.recall(); ok {
			return t, err
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loginTimeout)
		defer cancel()
		jwt, err := s.login(ctx)
		return s.remember(jwt, err)
	})
	var late <-chan time.Time
	if left := time.Until(current.expires); left > 0 {
		late = time.After(left / 2)
	}
	select {
	case result := <-flight:
		if result.Err != nil {
			return Token{}, result.Err
		}
		return result.Val.(Token), nil //nolint:forcetypeassert // remember returns nothing else
	case <-late:
		return s.keep(current), nil
	case <-ctx.Done():
		return Token{}, loginWaitError(ctx)
	}
}

func loginWaitError(ctx context.Context) error {
	return &TransportError{Method: http.MethodPost, Path: loginPath, err: contextError(ctx), effect: effectNone}
}

// recall returns the token if it needs no renewal, or what the last login
// has led to if it was rejected not long ago; ok is false if a login is needed.
func (s *session) recall() (t Token, err error, ok bool) { //nolint:revive // ok reads last
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	refused := s.refusal != nil && now.Before(s.refusedUntil)
	switch {
	case now.Before(s.current.renew), refused && now.Before(s.current.expires):
		return s.current, nil, true
	case refused:
		return Token{}, s.refusal, true
	}
	return s.current, nil, false
}

// remember takes the result of a login. A failed one is no harm while the
// token that it was to replace lasts.
func (s *session) remember(jwt string, err error) (Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.refusal = nil
	if err != nil {
		if errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrForbidden) {
			s.refusal, s.refusedUntil = err, now.Add(refusalMemory)
		}
		if now.Before(s.current.expires) {
			s.postpone(now)
			return s.current, nil
		}
		return Token{}, err
	}
	life := lifetime(jwt, now)
	s.logins++
	s.current = Token{
		value:   newSecret(jwt),
		login:   s.logins,
		renew:   now.Add(life - min(refreshMargin, life/10)),
		expires: now.Add(life),
	}
	return s.current, nil
}

// keep goes on with a token whose renewal takes long.
func (s *session) keep(t Token) Token {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current.login == t.login {
		s.postpone(time.Now())
	}
	return t
}

// postpone leaves the current token alone for half of its remaining time.
func (s *session) postpone(now time.Time) {
	s.current.renew = now.Add(s.current.expires.Sub(now) / 2)
}

// replace returns a token to use instead of one that a server rejected, which
// is the zero Token for a request that had none: the current one if it is
// another, else one from a login. It returns the zero Token if no login would
// help: the rejected token is itself from a login after the first since, or
// was so for another call in the last minute.
func (s *session) replace(ctx context.Context, rejected Token, since int) (Token, error) {
	if s.isExhausted(rejected, since) {
		return Token{}, nil
	}
	return s.token(ctx)
}

func (s *session) isExhausted(rejected Token, since int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if rejected.login > since {
		s.heldUntil = now.Add(refusalMemory)
		return true
	}
	if rejected.login != s.current.login {
		return false
	}
	if now.Before(s.heldUntil) {
		return true
	}
	s.current = Token{}
	return false
}

// count returns how many logins there have been.
func (s *session) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logins
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
	if jsonv2.Unmarshal(payload, &claims) != nil || claims.Expires.IsNull() {
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
