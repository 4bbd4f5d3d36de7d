package sandbox_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/jovepaytest"
)

// A login lasts as long as was said when it was made. It is made by hand, since
// the client goes by its own clock.
func TestControlTokenLifetime(t *testing.T) {
	t.Parallel()
	c := newCaller(t, jovepaytest.WithFrozenClock(time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)))
	ask := func(method, path, body, token string, target any) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, c.URL+path, strings.NewReader(body))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Api-Key", c.APIKey)
		r.Header.Set("Authorization", "Bearer "+token)
		answer, err := c.http.Do(r)
		require.NoError(t, err)
		defer answer.Body.Close()
		require.NoError(t, json.UnmarshalRead(answer.Body, target))
		return answer.StatusCode
	}
	login := func() string {
		t.Helper()
		var got struct {
			Token string `json:"token"`
		}
		body := `{"email":"` + c.Email + `","password":"` + c.Password + `"}`
		ask("POST", "/v1/auth", body, "", &got)
		require.NotEmpty(t, got.Token)
		return got.Token
	}
	list := func(token string) int {
		t.Helper()
		var got any
		return ask("GET", "/v1/payment", "", token, &got)
	}
	usual := login()
	c.must("PUT", "token-lifetime", `{"lifetime":"1s"}`, nil)
	short := login()
	assert.Equal(t, http.StatusOK, list(short))
	_, err := c.MoveClock(time.Second)
	require.NoError(t, err)
	assert.Equal(t, http.StatusUnauthorized, list(short))
	assert.Equal(t, http.StatusOK, list(usual), "it keeps its time")
}
