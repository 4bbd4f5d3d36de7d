package engine_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/internal/emulator/engine"
)

func TestCheckKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{})
	key := w.Account().APIKey
	require.NoError(t, w.CheckKey(key))
	requireCode(t, engine.CodeAuthRequired, w.CheckKey(""))
	requireCode(t, engine.CodeWrongKey, w.CheckKey(strings.ToLower(key)))
	requireCode(t, engine.CodeWrongKey, w.CheckKey(key+" "))
}

func TestLoginIsCaseSensitive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{})
	email, password := w.Account().Email, w.Account().Password
	for name, try := range map[string][2]string{
		"e-mail in another case":   {strings.ToUpper(email), password},
		"password in another case": {email, strings.ToLower(password)},
		"nothing":                  {"", ""},
		"swapped":                  {password, email},
	} {
		_, err := w.Login(try[0], try[1])
		requireCode(t, engine.CodeWrongLogin, err)
		assert.NotContains(t, err.Error(), password, name)
	}
	token, err := w.Login(email, password)
	require.NoError(t, err)
	require.NoError(t, w.CheckToken(token))
}

func TestTokenExpires(t *testing.T) {
	t.Parallel()
	for _, lifetime := range []time.Duration{0, time.Second, time.Hour} {
		w := newWorld(t, engine.Config{TokenLifetime: lifetime})
		token := login(t, w)
		claims := claimsOf(t, token)
		if lifetime == 0 {
			lifetime = 300 * time.Second
		}
		assert.Equal(t, w.now.Unix(), claims["iat"])
		assert.Equal(t, w.now.Add(lifetime).Unix(), claims["exp"])
		w.now = w.now.Truncate(time.Second).Add(lifetime - time.Millisecond)
		require.NoError(t, w.CheckToken(token))
		w.pass(time.Millisecond)
		requireCode(t, engine.CodeWrongToken, w.CheckToken(token))
	}
}

func TestTokenLifetimeChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{})
	for _, d := range []time.Duration{0, -time.Second, 1500 * time.Millisecond, time.Millisecond} {
		requireCode(t, engine.CodeInvalidParams, w.SetTokenLifetime(d))
	}
	long := login(t, w)
	require.NoError(t, w.SetTokenLifetime(time.Second))
	short := login(t, w)
	w.pass(time.Second)
	require.NoError(t, w.CheckToken(long), "it keeps its time")
	requireCode(t, engine.CodeWrongToken, w.CheckToken(short))
}

func TestExpiredToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{})
	token, err := w.ExpiredToken()
	require.NoError(t, err)
	assert.True(t, w.Genuine(token))
	require.EqualError(t, w.CheckToken(token), "access token has expired")
}

func TestEveryLoginGivesAnotherToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{})
	one, two := login(t, w), login(t, w)
	assert.NotEqual(t, one, two)
	assert.NoError(t, w.CheckToken(one))
	assert.NoError(t, w.CheckToken(two))
}

func TestForgedTokensAreRejected(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{Seed: 1})
	token := login(t, w)
	parts := strings.Split(token, ".")
	encode := base64.RawURLEncoding.EncodeToString
	none := encode([]byte(`{"alg":"none","typ":"JWT"}`))
	later := encode([]byte(`{"id":"1","jti":1,"iat":1,"exp":9999999999}`))
	for name, forged := range map[string]string{
		"not a token":        "token",
		"dots only":          "..",
		"without signature":  parts[0] + "." + parts[1],
		"empty signature":    parts[0] + "." + parts[1] + ".",
		"algorithm none":     none + "." + parts[1] + ".",
		"another payload":    parts[0] + "." + later + "." + parts[2],
		"another signature":  parts[0] + "." + parts[1] + "." + strings.Repeat("A", len(parts[2])),
		"padded signature":   token + "==",
		"of another account": login(t, newWorld(t, engine.Config{Seed: 2})),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireCode(t, engine.CodeWrongToken, w.CheckToken(forged))
		})
	}
	requireCode(t, engine.CodeAuthRequired, w.CheckToken(""))
}

func login(t *testing.T, w *world) string {
	t.Helper()
	token, err := w.Login(w.Account().Email, w.Account().Password)
	require.NoError(t, err)
	return token
}

func claimsOf(t *testing.T, token string) map[string]int64 {
	t.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	require.NoError(t, err)
	var claims struct {
		IssuedAt int64 `json:"iat"`
		Expires  int64 `json:"exp"`
	}
	require.NoError(t, json.Unmarshal(payload, &claims))
	return map[string]int64{"iat": claims.IssuedAt, "exp": claims.Expires}
}
