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

// together makes a call in a thousand goroutines at once, and returns their
// errors.
func together(call func() error) []error {
	errs := make([]error, crowd)
	var callers sync.WaitGroup
	gate := make(chan struct{})
	for i := range crowd {
		callers.Go(func() {
			<-gate
			errs[i] = call()
		})
	}
	close(gate)
	callers.Wait()
	return errs
}

func clientOf(tb testing.TB, server *jovepaytest.Server, opts ...jovepay.Option) *jovepay.Client {
	tb.Helper()
	return newClient(tb, server.URL, append([]jovepay.Option{
		jovepay.WithAPIKey(server.APIKey), jovepay.WithCredentials(server.Email, server.Password),
	}, opts...)...)
}

func listing(t *testing.T, client *jovepay.Client) func() error {
	t.Helper()
	return func() error {
		_, err := client.Payments.List(t.Context(), jovepay.PaymentListOptions{Limit: 1})
		return err
	}
}

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
	refused := 0
	for _, r := range server.Requests() {
		if r.Status == http.StatusUnauthorized {
			refused++
		}
	}
	assert.Positive(t, refused, "no request had the old token")
	assert.LessOrEqual(t, refused, crowd, "each is refused once at most")
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
	assert.Equal(t, 1, server.Count("POST", "/v1/auth"), "a refused password is not sent again at once")
	_, err = client.Payments.Create(t.Context(), goods("1"))
	require.NoError(t, err, "what needs no login goes on")
}

// authority is a fake JovePay, in one process for synctest: it gives out
// tokens and knows which of them hold.
type authority struct {
	mu       sync.Mutex
	logins   int
	requests int
	answer   func(login int) (status int, body string) // to a login
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
	return plainResponse(a.answer(a.logins)), nil
}

func (a *authority) client(t *testing.T) *jovepay.Client {
	t.Helper()
	if a.holds == nil {
		a.holds = func(jwt string) bool { return jwt != "" }
	}
	return responding(t, a.respond, jovepay.WithCredentials(email, password))
}

func tokens(int) (int, string) { return http.StatusOK, `{"token":"` + token() + `"}` }

func TestCanceledLeaderFailsNobodyElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &authority{answer: tokens, delay: 10 * time.Second}
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
		server := &authority{answer: tokens, delay: 1000 * time.Hour}
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
				server := &authority{answer: func(int) (int, string) { return http.StatusOK, `{"token":"` + tt.jwt + `"}` }}
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

func TestRefusedTwiceIsNoLoop(t *testing.T) {
	t.Parallel()
	server := &authority{answer: tokens, holds: func(string) bool { return false }}
	client := server.client(t)
	err := listing(t, client)()
	assertIs(t, err, jovepay.ErrUnauthorized)
	assert.Equal(t, 2, server.requests)
	assert.Equal(t, 2, server.logins, "one for the first token, one after the 401")

	server = &authority{answer: tokens, holds: func(string) bool { return false }}
	_, err = server.client(t).Payments.Create(t.Context(), goods("1"))
	assertIs(t, err, jovepay.ErrUnauthorized)
	assert.Equal(t, []int{2, 1}, []int{server.requests, server.logins}, "with a key, the first request has no token")

	_, err = answering(t, http.StatusUnauthorized, "").Payments.Get(t.Context(), "1")
	assertIs(t, err, jovepay.ErrUnauthorized)
}

func TestRefusedKeyIsHelpedByAToken(t *testing.T) {
	t.Parallel()
	server := &authority{answer: tokens}
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
	server := &authority{answer: tokens}
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

// A login that fails for a while is tried again by the next caller; only a
// refusal is remembered, and that for a minute.
func TestFailedLogins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		status := http.StatusServiceUnavailable
		server := &authority{answer: func(int) (int, string) { return status, `{"token":"` + token() + `"}` }}
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
		server := &authority{answer: func(int) (int, string) { return http.StatusOK, body }}
		err := listing(t, server.client(t))()
		failed := (*jovepay.APIError)(nil)
		require.ErrorAs(t, err, &failed, body)
		assert.Equal(t, "/v1/auth", failed.Path)
		assert.Empty(t, failed.Body, "what answers a login is not kept")
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
