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

	// loginTimeout limits a login with its retries. It is independent of the
	// caller that happened to start it, because others wait for it too.
	loginTimeout = time.Minute

	// rejectionMemory is how long a rejected password, or a new token that was
	// rejected, prevents further logins.
	rejectionMemory = time.Minute

	// assumedLifetime is the lifetime of a token that does not state one.
	assumedLifetime = 4 * time.Minute

	// refreshMargin is how long before expiry a token is renewed, or a tenth
	// of its lifetime if that is shorter.
	refreshMargin = 30 * time.Second
)

// Token is a JWT from JovePay's login. Printing a Token never reveals it. The zero
// value is no token. A Token is immutable and safe for concurrent use.
type Token struct {
	value   secret
	login   int // number of the login that issued it, from 1
	renew   time.Time
	expires time.Time
}

// Reveal returns the token itself, for the Authorization header of a request that
// the SDK does not make. Treat it like a password.
func (t Token) Reveal() string {
	if t.value == nil {
		return ""
	}
	return t.value()
}

// Expires returns the time at which the token expires by its exp claim, on this
// machine's clock. For a token without one it is four minutes after the login:
// JovePay's guide states no lifetime.
func (t Token) Expires() time.Time { return t.expires }

// String returns a fixed text, so that no log shows the token.
func (t Token) String() string { return "jovepay.Token(redacted)" }

// isRejectedBy reports whether err is a response that another token may change. A
// 403 to a request without a token is about the API key, and an error in the body
// of a success is no reason for a retry.
func (t Token) isRejectedBy(err error) bool {
	response, ok := errors.AsType[*APIError](err)
	if !ok {
		return false
	}
	return response.StatusCode == http.StatusUnauthorized ||
		response.StatusCode == http.StatusForbidden && t.value != nil
}

// Authenticate returns a JWT for the configured credentials: the current one if it
// is still valid, or one from a login that all callers share. Calling Authenticate
// is never necessary; the client logs in by itself. A token is renewed shortly
// before it expires, and remains in use until then if the renewal fails. A wrong
// e-mail or password is [ErrUnauthorized], and is not sent again for a minute.
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

	mu            sync.Mutex
	current       Token
	logins        int   // successful ones
	rejection     error // of the last login, if it was rejected
	rejectedUntil time.Time
	proven        int       // the last login whose token a request succeeded with
	replaced      time.Time // when a rejected token was last dropped
	heldUntil     time.Time // until then a rejected token is not replaced
}

func newSession(a *api, email string, password secret) *session {
	return &session{login: func(ctx context.Context) (jwt string, err error) {
		err = a.guard(func() error {
			response, err := do[loginResponse](ctx, a, endpoint{
				method: http.MethodPost,
				path:   loginPath,
				body:   loginRequest{email, password()},
				auth:   public,
			})
			if err == nil {
				jwt = response.Token
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
// share. The login continues even if the caller that started it gives up. While the
// current token is valid, no caller waits for more than half of its remaining time.
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

// recall returns the token if it needs no renewal, or the rejection of the last
// login if that is recent; ok is false if a login is needed.
func (s *session) recall() (t Token, err error, ok bool) { //nolint:revive // ok reads last
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	rejected := s.rejection != nil && now.Before(s.rejectedUntil)
	switch {
	case now.Before(s.current.renew), rejected && now.Before(s.current.expires):
		return s.current, nil, true
	case rejected:
		return Token{}, s.rejection, true
	}
	return s.current, nil, false
}

// remember records the result of a login. A failure does not matter while the token
// that it should replace is valid.
func (s *session) remember(jwt string, err error) (Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.rejection = nil
	if err != nil {
		if errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrForbidden) {
			s.rejection, s.rejectedUntil = err, now.Add(rejectionMemory)
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

// keep continues to use a token whose renewal takes long.
func (s *session) keep(t Token) Token {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current.login == t.login {
		s.postpone(time.Now())
	}
	return t
}

// postpone renews the current token after half of its remaining time.
func (s *session) postpone(now time.Time) {
	s.current.renew = now.Add(s.current.expires.Sub(now) / 2)
}

// replace returns a token to use instead of a rejected one, which is the zero Token
// for a request that had none. It returns the current token if that is another one,
// or one from a login. It returns the zero Token if a login would not help: the
// rejected token is from a login after the first since ones, or was so for another
// call within the last minute, or itself replaced one within the last minute and has
// never worked.
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
		s.heldUntil = now.Add(rejectionMemory)
		return true
	}
	if rejected.login != s.current.login {
		return false
	}
	if now.Before(s.heldUntil) {
		return true
	}
	if rejected.login > s.proven && now.Before(s.replaced.Add(rejectionMemory)) {
		s.heldUntil = now.Add(rejectionMemory)
		return true
	}
	if s.current.value != nil {
		s.replaced = now
	}
	s.current = Token{}
	return false
}

// confirm records that a request with t succeeded.
func (s *session) confirm(t Token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.proven = max(s.proven, t.login)
}

// count returns the number of successful logins.
func (s *session) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logins
}

// lifetime returns the lifetime of a JWT by its claims: the difference between exp
// and iat, which is correct even if this machine's clock is wrong, or between exp
// and now if there is no iat.
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
