package jovepay_test

import (
	"cmp"
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

// revoking is a server that takes only its latest token, and may revoke it.
type revoking struct {
	authority
	status  int    // for a token that it does not take; 401 if 0
	keyOnly bool   // takes the API key without a token
	current string // the token that it takes
	calls   map[string]int
}

func (r *revoking) client(t *testing.T, opts ...jovepay.Option) *jovepay.Client {
	t.Helper()
	r.calls = map[string]int{}
	return responding(t, func(q *http.Request) (*http.Response, error) {
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

func getting(t *testing.T, client *jovepay.Client) func() error {
	t.Helper()
	return func() error { _, err := client.Payments.Get(t.Context(), "1"); return err }
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
// a thousand calls make two logins in a minute. All at the same time may make
// one more, for those that begin between the second and its rejection.
func TestNoStormOfLogins(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		for name, call := range map[string]func(*testing.T, *jovepay.Client) func() error{
			"List": listing, "Get": getting,
		} {
			for _, atOnce := range []bool{true, false} {
				synctest.Test(t, func(t *testing.T) {
					server := &authority{answer: tokens, holds: func(string) bool { return false }, rejects: status}
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
					few := map[bool]int{false: 2, true: 3}[atOnce]
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
	server := &authority{answer: tokens}
	server.holds = func(jwt string) bool { return jwt != "" }
	client := responding(t, func(r *http.Request) (*http.Response, error) {
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

// Shortly before it expires a token still holds: a login that fails, is
// refused, or takes long is no reason to fail a call.
func TestFailedRenewalKeepsTheToken(t *testing.T) {
	t.Parallel()
	for name, renewal := range map[string]struct {
		status int
		delay  time.Duration
	}{
		"fails":      {status: http.StatusServiceUnavailable},
		"is refused": {status: http.StatusUnauthorized},
		"is no use":  {status: http.StatusOK},
		"hangs":      {status: http.StatusServiceUnavailable, delay: 1000 * time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			server := &authority{answer: func(n int) (int, string) {
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
			server.answer, server.delay = tokens, 0
			server.mu.Unlock()
			time.Sleep(2 * time.Minute) //nolint:forbidigo // fake time
			require.NoError(t, listing(t, client)(), name)
		})
	}
}

// Who has no time left starts nothing.
func TestDoneContextStartsNoLogin(t *testing.T) {
	t.Parallel()
	server := &authority{answer: tokens, holds: func(string) bool { return false }}
	client := server.client(t)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := client.Authenticate(over)
	require.ErrorIs(t, err, context.Canceled)
	_, err = client.Payments.List(over, jovepay.PaymentListOptions{})
	require.ErrorIs(t, err, context.Canceled)
	assertIs(t, err)
	assert.Zero(t, server.logins)

	// Nor does one whose time is over with the rejection.
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
		answer: func(int) (int, string) { return http.StatusServiceUnavailable, `{"message":"maintenance"}` },
		holds:  func(string) bool { return false },
	}
	_, err := server.client(t).Payments.Create(t.Context(), goods("1"))
	assertIs(t, err, jovepay.ErrServer, jovepay.ErrUnauthorized)
	assertOneLine(t, err)
	assert.Equal(t, 1, server.requests)
}
