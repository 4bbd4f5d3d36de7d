package jovepay_test

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

const crowd = 1000

func TestOneLoginServesAll(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	client := clientOf(t, server)
	for _, err := range together(listing(t, client)) {
		require.NoError(t, err)
	}
	assert.Equal(t, 1, server.Count("POST", "/v1/auth"))
	assert.Equal(t, crowd, server.Count("GET", "/v1/payment"))
}

// The server's clock runs ahead, so that the token is over for the server
// while it is still fresh for the client.
func TestExpiredTokenUnderLoad(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	server := newServer(t, jovepaytest.WithClock(func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }))
	client := clientOf(t, server)
	for _, err := range together(listing(t, client)) {
		require.NoError(t, err)
	}
	ahead.Store(int64(time.Hour))
	for _, err := range together(listing(t, client)) {
		require.NoError(t, err)
	}
	assert.Equal(t, 2, server.Count("POST", "/v1/auth"), "one login more")
	rejected := 0
	for _, r := range server.Requests() {
		if r.Status == http.StatusUnauthorized {
			rejected++
		}
	}
	assert.Positive(t, rejected, "no request had the old token")
	assert.LessOrEqual(t, rejected, crowd, "each is rejected at most once")
}

func TestWrongPassword(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	client := clientOf(t, server, jovepay.WithCredentials(server.Email, "wrong"))
	for _, err := range together(listing(t, client)) {
		assertIs(t, err, jovepay.ErrUnauthorized)
		assert.NotErrorAs(t, err, new(*jovepay.TransportError), "not a network error")
	}
	assert.Equal(t, 1, server.Count("POST", "/v1/auth"))
	assert.Zero(t, server.Count("GET", ""))
	_, err := client.Authenticate(t.Context())
	assertIs(t, err, jovepay.ErrUnauthorized)
	assert.Equal(t, 1, server.Count("POST", "/v1/auth"), "a rejected password is not retried immediately")
	_, err = client.Payments.Create(t.Context(), goods("1"))
	require.NoError(t, err, "calls that need no login continue")
}

// authority is a fake JovePay, in one process for synctest: it gives out
// tokens and knows which of them hold.
type authority struct {
	mu       sync.Mutex
	logins   int
	requests int
	login    func(n int) (status int, body string) // to a login
	holds    func(jwt string) bool
	rejects  int           // the status for what does not hold; 401 if 0
	delay    time.Duration // of a login
}

func (a *authority) respond(r *http.Request) (*http.Response, error) {
	if r.URL.Path != "/v1/auth" {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.requests++
		if !a.holds(r.Header.Get("Authorization")) {
			return plainResponse(cmp.Or(a.rejects, http.StatusUnauthorized), `{"message":"token"}`), nil
		}
		return plainResponse(http.StatusOK, `{"data":[],"payment_id":1}`), nil
	}
	a.mu.Lock()
	delay := a.delay
	a.mu.Unlock()
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.logins++
	return plainResponse(a.login(a.logins)), nil
}

func (a *authority) client(t *testing.T) *jovepay.Client {
	t.Helper()
	if a.holds == nil {
		a.holds = func(jwt string) bool { return jwt != "" }
	}
	return newMockClient(t, a.respond, jovepay.WithCredentials(email, password))
}

func tokens(int) (int, string) { return http.StatusOK, `{"token":"` + token() + `"}` }

func TestCanceledLeaderFailsNobodyElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &authority{login: tokens, delay: 10 * time.Second}
		client := server.client(t)
		leader, cancel := context.WithCancel(t.Context())
		var failed error
		var callers sync.WaitGroup
		callers.Go(func() { _, failed = client.Authenticate(leader) })
		synctest.Wait()
		for range 100 {
			callers.Go(func() {
				tok, err := client.Authenticate(t.Context())
				assert.NoError(t, err)
				assert.NotEmpty(t, tok.Reveal())
			})
		}
		impatient, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		callers.Go(func() {
			start := time.Now()
			_, err := client.Authenticate(impatient)
			assert.ErrorIs(t, err, context.DeadlineExceeded, "every waiter obeys its own context")
			assert.Equal(t, time.Second, time.Since(start))
		})
		synctest.Wait()
		cancel()
		callers.Wait()
		require.ErrorIs(t, failed, context.Canceled)
		assertIs(t, failed)
		assert.Equal(t, 1, server.logins)
	})
}

// A login that nobody waits for any more still ends.
func TestLoginIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &authority{login: tokens, delay: 1000 * time.Hour}
		client := server.client(t)
		start := time.Now()
		_, err := client.Authenticate(t.Context())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.LessOrEqual(t, time.Since(start), time.Minute)
	})
}

func TestTokensAreRefreshedAhead(t *testing.T) {
	t.Parallel()
	jwtOf := func(claims string) string {
		return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
	}
	at := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	for name, tt := range map[string]struct {
		jwt   string
		fresh time.Duration // how long it is used
	}{
		"300 s":             {jwtOf(fmt.Sprintf(`{"iat":%d,"exp":%d}`, at, at+300)), 270 * time.Second},
		"an hour":           {jwtOf(fmt.Sprintf(`{"iat":%d,"exp":%d}`, at, at+3600)), 3570 * time.Second},
		"short":             {jwtOf(fmt.Sprintf(`{"iat":%d,"exp":%d}`, at, at+20)), 18 * time.Second},
		"no iat":            {jwtOf(fmt.Sprintf(`{"exp":%d}`, at+300)), 270 * time.Second},
		"fractions":         {jwtOf(fmt.Sprintf(`{"iat":%d.9,"exp":%d.0}`, at, at+300)), 270 * time.Second},
		"exponents":         {jwtOf(`{"iat":1e9,"exp":1000000300}`), 270 * time.Second},
		"a clock far ahead": {jwtOf(fmt.Sprintf(`{"iat":%d,"exp":%d}`, at+86400, at+86700)), 270 * time.Second},
		"a clock far back":  {jwtOf(fmt.Sprintf(`{"iat":%d,"exp":%d}`, at-86400, at-86100)), 270 * time.Second},
		"padded":            {jwtOf(fmt.Sprintf(`{"iat":%d,"exp":%d} `, at, at+300)) + "=", 270 * time.Second},
		"no exp":            {jwtOf(`{}`), 216 * time.Second},
		"exp null":          {jwtOf(`{"exp":null}`), 216 * time.Second},
		"exp before iat":    {jwtOf(`{"iat":300,"exp":1}`), 216 * time.Second},
		"exp in 100 years":  {jwtOf(fmt.Sprintf(`{"iat":%d,"exp":%d}`, at, at+100*365*86400)), 216 * time.Second},
		"exp beyond all":    {jwtOf(`{"exp":1e400}`), 216 * time.Second},
		"exp a word":        {jwtOf(`{"exp":"soon"}`), 216 * time.Second},
		"claims no object":  {jwtOf(`[]`), 216 * time.Second},
		"claims no JSON":    {jwtOf(`{`), 216 * time.Second},
		"claims no base64":  {"e30.***.c2ln", 216 * time.Second},
		"opaque":            {"0123456789abcdef", 216 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := &authority{login: func(int) (int, string) { return http.StatusOK, `{"token":"` + tt.jwt + `"}` }}
				client := server.client(t)
				tok, err := client.Authenticate(t.Context())
				require.NoError(t, err)
				assert.Equal(t, tt.jwt, tok.Reveal())
				assert.Greater(t, time.Until(tok.Expires()), tt.fresh)

				time.Sleep(tt.fresh - 1) //nolint:forbidigo // fake time
				require.NoError(t, listing(t, client)())
				assert.Equal(t, 1, server.logins)
				time.Sleep(time.Nanosecond) //nolint:forbidigo // fake time
				require.NoError(t, listing(t, client)())
				assert.Equal(t, 2, server.logins)
			})
		})
	}
}

func TestRejectedTwiceIsNoLoop(t *testing.T) {
	t.Parallel()
	server := &authority{login: tokens, holds: func(string) bool { return false }}
	client := server.client(t)
	err := listing(t, client)()
	assertIs(t, err, jovepay.ErrUnauthorized)
	assert.Equal(t, 2, server.requests)
	assert.Equal(t, 2, server.logins, "one for the first token, one after the 401")

	server = &authority{login: tokens, holds: func(string) bool { return false }}
	_, err = server.client(t).Payments.Create(t.Context(), goods("1"))
	assertIs(t, err, jovepay.ErrUnauthorized)
	assert.Equal(t, []int{2, 1}, []int{server.requests, server.logins}, "with a key, the first request has no token")

	_, err = newCannedClient(t, http.StatusUnauthorized, "").Payments.Get(t.Context(), "1")
	assertIs(t, err, jovepay.ErrUnauthorized)
}

func TestRejectedKeyIsHelpedByAToken(t *testing.T) {
	t.Parallel()
	server := &authority{login: tokens}
	client := server.client(t)
	_, err := client.Payments.Create(t.Context(), goods("1"))
	require.NoError(t, err)
	assert.Equal(t, []int{2, 1}, []int{server.requests, server.logins})
	_, err = client.Payments.Get(t.Context(), "1")
	require.NoError(t, err)
	assert.Equal(t, 1, server.logins, "the token is used again")
}

func TestCredentialsOnly(t *testing.T) {
	t.Parallel()
	var keys atomic.Int32
	server := &authority{login: tokens}
	client, err := jovepay.NewClient(quickly, jovepay.WithCredentials(email, password),
		jovepay.WithHTTPClient(&http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			keys.Add(int32(len(r.Header.Values("X-Api-Key"))))
			return server.respond(r)
		})}))
	require.NoError(t, err)
	server.holds = func(jwt string) bool { return jwt != "" }
	_, err = client.Payments.Create(t.Context(), goods("1"))
	require.NoError(t, err)
	require.NoError(t, listing(t, client)())
	assert.Equal(t, []int{2, 1}, []int{server.requests, server.logins}, "without a key, every request has a token")
	assert.Zero(t, keys.Load())
}

// A login that fails temporarily is retried by the next caller; only a rejection is
// remembered, for a minute.
func TestFailedLogins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		status := http.StatusServiceUnavailable
		server := &authority{login: func(int) (int, string) { return status, `{"token":"` + token() + `"}` }}
		client := server.client(t)
		assertIs(t, listing(t, client)(), jovepay.ErrServer)
		assert.Equal(t, 4, server.logins, "it is repeated as a GET is")

		status = http.StatusForbidden
		assertIs(t, listing(t, client)(), jovepay.ErrForbidden)
		assertIs(t, listing(t, client)(), jovepay.ErrForbidden)
		assert.Equal(t, 5, server.logins)

		status = http.StatusOK
		time.Sleep(time.Minute) //nolint:forbidigo // fake time
		require.NoError(t, listing(t, client)())
		assert.Equal(t, 6, server.logins)
		assert.Equal(t, 1, server.requests)
	})
}

func TestUnusableTokens(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		``, `{}`, `{"token":""}`, `{"token":null}`, `{"token":{}}`, `{"token":"a b"}`, `{"token":"a\r\nX-Evil: 1"}`, `{"token":"é"}`,
		`{"token":"a","token":"b"}`, `"eyJ"`, `<html>`,
	} {
		server := &authority{login: func(int) (int, string) { return http.StatusOK, body }}
		err := listing(t, server.client(t))()
		failed := (*jovepay.APIError)(nil)
		require.ErrorAs(t, err, &failed, body)
		assert.Equal(t, "/v1/auth", failed.Path)
		assert.Empty(t, failed.Body, "the response to a login is not kept")
		assertIs(t, err)
		assert.Zero(t, server.requests)
	}
}

func TestLoginAsItIsSent(t *testing.T) {
	t.Parallel()
	var sent atomic.Value
	client := newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		sent.Store(seen{r.Method + " " + r.RequestURI, string(body), r.Header})
		_, _ = io.WriteString(w, `{"token":"`+jwt+`"}`)
	}), jovepay.WithCredentials(" Shop@Example.com", password))
	_, err := client.Authenticate(t.Context())
	require.NoError(t, err)
	got := sent.Load().(seen)
	assert.Equal(t, "POST /v1/auth", got.target)
	assert.JSONEq(t, `{"email":" Shop@Example.com","password":"Pa55 \"w\\rd\" <&> 9c41"}`, got.body, "as given")
	assert.Empty(t, got.header.Get("X-Api-Key"), "a login needs no key")
	assert.Empty(t, got.header.Get("Authorization"))
}

// revoking is a server that accepts only its latest token, and may revoke it.
type revoking struct {
	authority
	status  int    // for a token that it rejects; 401 if 0
	keyOnly bool   // accepts the API key without a token
	current string // the token that it accepts
	calls   map[string]int
}

func (r *revoking) client(t *testing.T, opts ...jovepay.Option) *jovepay.Client {
	t.Helper()
	r.calls = map[string]int{}
	return newMockClient(t, func(q *http.Request) (*http.Response, error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.calls[q.Method+" "+q.URL.Path]++
		jwt := q.Header.Get("Authorization")
		switch {
		case q.URL.Path == "/v1/auth":
			fresh := token()
			r.current = "Bearer " + fresh
			return plainResponse(http.StatusOK, `{"token":"`+fresh+`"}`), nil
		case r.keyOnly && jwt == "", jwt != "" && jwt == r.current:
			return plainResponse(http.StatusOK, `{"data":[],"payment_id":1}`), nil
		}
		return plainResponse(cmp.Or(r.status, http.StatusUnauthorized), `{"message":"token"}`), nil
	}, append([]jovepay.Option{jovepay.WithCredentials(email, password)}, opts...)...)
}

func (r *revoking) revoke() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.current = ""
	clear(r.calls)
}

// A token that the server has revoked is replaced at its first rejection, by
// 401 or 403, whichever call meets it, and by one login for all.
func TestStaleTokensAreReplaced(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		server := &revoking{status: status}
		client := server.client(t)
		require.NoError(t, listing(t, client)())
		server.revoke()
		require.NoError(t, listing(t, client)(), "%d", status)
		assert.Equal(t, map[string]int{"GET /v1/payment": 2, "POST /v1/auth": 1}, server.calls, "%d", status)

		server.revoke()
		for _, err := range together(listing(t, client)) {
			require.NoError(t, err, "%d", status)
		}
		assert.Equal(t, 1, server.calls["POST /v1/auth"], "%d", status)
		assert.LessOrEqual(t, server.calls["GET /v1/payment"], 2*crowd, "%d", status)
	}
}

// The same for calls that try the API key first: the token at hand is tried,
// and then one from a login.
func TestStaleTokensBesideARejectedKey(t *testing.T) {
	t.Parallel()
	server := &revoking{}
	client := server.client(t)
	require.NoError(t, listing(t, client)())
	require.NoError(t, getting(t, client)(), "the token at hand helps")
	assert.Equal(t, 1, server.calls["POST /v1/auth"])
	server.revoke()
	require.NoError(t, getting(t, client)())
	assert.Equal(t, map[string]int{"GET /v1/payment/1": 3, "POST /v1/auth": 1}, server.calls)
	server.revoke()
	for _, err := range together(func() error { _, err := client.Payments.Create(t.Context(), goods("1")); return err }) {
		require.NoError(t, err)
	}
	assert.Equal(t, 1, server.calls["POST /v1/auth"])
}

// A wrong API key is a 403, about which no token can do anything.
func TestForbiddenKeyMakesNoLogin(t *testing.T) {
	t.Parallel()
	server := &revoking{status: http.StatusForbidden}
	client := server.client(t)
	for range 10 {
		assertIs(t, getting(t, client)(), jovepay.ErrForbidden)
	}
	assert.Equal(t, map[string]int{"GET /v1/payment/1": 10}, server.calls)
	require.NoError(t, listing(t, client)())
	assertIs(t, getting(t, client)(), jovepay.ErrForbidden)
	assert.Equal(t, 1, server.calls["POST /v1/auth"])
}

// If fresh tokens are rejected, more of them do not help: one after the other,
// a thousand calls make two logins in a minute, one after the other or all at the
// same time.
func TestNoStormOfLogins(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		for name, call := range map[string]func(*testing.T, *jovepay.Client) func() error{
			"List": listing, "Get": getting,
		} {
			for _, atOnce := range []bool{true, false} {
				synctest.Test(t, func(t *testing.T) {
					server := &authority{login: tokens, holds: func(string) bool { return false }, rejects: status}
					client := server.client(t)
					want := map[int]error{401: jovepay.ErrUnauthorized, 403: jovepay.ErrForbidden}[status]
					storm := func() {
						if atOnce {
							for _, err := range together(call(t, client)) {
								assertIs(t, err, want)
							}
							return
						}
						for range crowd {
							assertIs(t, call(t, client)(), want)
						}
					}
					storm()
					const few = 2
					assert.LessOrEqual(t, server.logins, few, "%s %d", name, status)
					assert.LessOrEqual(t, server.requests, 3*crowd, "%s %d", name, status)

					time.Sleep(time.Minute) //nolint:forbidigo // fake time
					before := server.logins
					storm()
					assert.LessOrEqual(t, server.logins, before+few-1, "%s %d", name, status)

					time.Sleep(time.Minute) //nolint:forbidigo // fake time
					server.holds = func(jwt string) bool { return jwt != "" }
					if name == "Get" && status == http.StatusForbidden {
						return // the key is meant
					}
					for _, err := range together(call(t, client)) {
						assert.NoError(t, err, "%s %d: it recovers", name, status)
					}
				})
			}
		}
	}
}

// Calls that a token cannot help do not spoil it for those that it can.
func TestRejectedCallsLeaveTheTokenToOthers(t *testing.T) {
	t.Parallel()
	server := &authority{login: tokens}
	server.holds = func(jwt string) bool { return jwt != "" }
	client := newMockClient(t, func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodPost && r.URL.Path == "/v1/payment" {
			return plainResponse(http.StatusUnauthorized, `{}`), nil // the key may not create
		}
		return server.respond(r)
	}, jovepay.WithCredentials(email, password))
	for range 100 {
		require.NoError(t, listing(t, client)())
		_, err := client.Payments.Create(t.Context(), goods("1"))
		assertIs(t, err, jovepay.ErrUnauthorized)
	}
	assert.LessOrEqual(t, server.logins, 2)
}

// Shortly before it expires a token is still valid: a login that fails, is
// rejected or takes long is no reason to fail a call.
func TestFailedRenewalKeepsTheToken(t *testing.T) {
	t.Parallel()
	for name, renewal := range map[string]struct {
		status int
		delay  time.Duration
	}{
		"fails":       {status: http.StatusServiceUnavailable},
		"is rejected": {status: http.StatusUnauthorized},
		"is no use":   {status: http.StatusOK},
		"hangs":       {status: http.StatusServiceUnavailable, delay: 1000 * time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			server := &authority{login: func(n int) (int, string) {
				if n > 1 {
					return renewal.status, `{}`
				}
				return tokens(n)
			}}
			client := server.client(t)
			first, err := client.Authenticate(t.Context())
			require.NoError(t, err)
			time.Sleep(time.Until(first.Expires()) - 29*time.Second) //nolint:forbidigo // fake time; renewal is due
			server.mu.Lock()
			server.delay = renewal.delay
			server.mu.Unlock()
			for time.Until(first.Expires()) > 10*time.Second {
				require.NoError(t, listing(t, client)(), name)
				time.Sleep(time.Second) //nolint:forbidigo // fake time
			}
			server.mu.Lock()
			logins := server.logins
			server.mu.Unlock()
			assert.LessOrEqual(t, logins, 1+4*4, "%s: not with every call", name)

			time.Sleep(11 * time.Second) //nolint:forbidigo // fake time
			require.Error(t, listing(t, client)(), "%s: it is over", name)
			server.mu.Lock()
			server.login, server.delay = tokens, 0
			server.mu.Unlock()
			time.Sleep(2 * time.Minute) //nolint:forbidigo // fake time
			require.NoError(t, listing(t, client)(), name)
		})
	}
}

// Who has no time left starts nothing.
func TestDoneContextStartsNoLogin(t *testing.T) {
	t.Parallel()
	server := &authority{login: tokens, holds: func(string) bool { return false }}
	client := server.client(t)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := client.Authenticate(over)
	require.ErrorIs(t, err, context.Canceled)
	_, err = client.Payments.List(over, jovepay.PaymentListOptions{})
	require.ErrorIs(t, err, context.Canceled)
	assertIs(t, err)
	assert.Zero(t, server.logins)

	// Nor does one that expires at the same time as the rejection.
	ctx, cancel := context.WithCancel(t.Context())
	server.holds = func(string) bool { cancel(); return false }
	_, err = client.Payments.Create(ctx, goods("1"))
	require.ErrorIs(t, err, context.Canceled)
	assertIs(t, err, jovepay.ErrUnauthorized)
	assert.Equal(t, []int{0, 1}, []int{server.logins, server.requests})
}

// If a rejected request would need a login, and that fails, the error shows
// both.
func TestRejectedAndNoLogin(t *testing.T) {
	t.Parallel()
	server := &authority{
		login: func(int) (int, string) { return http.StatusServiceUnavailable, `{"message":"maintenance"}` },
		holds: func(string) bool { return false },
	}
	_, err := server.client(t).Payments.Create(t.Context(), goods("1"))
	assertIs(t, err, jovepay.ErrServer, jovepay.ErrUnauthorized)
	assertOneLine(t, err)
	assert.Equal(t, 1, server.requests)
}
