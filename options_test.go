package jovepay_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

func TestOptionsReject(t *testing.T) {
	t.Parallel()
	key := jovepay.WithAPIKey(apiKey)
	for name, opts := range map[string][]jovepay.Option{
		"empty key":                {jovepay.WithAPIKey("")},
		"blank key":                {jovepay.WithAPIKey(" \n")},
		"key with a line break":    {jovepay.WithAPIKey("a\r\nb")},
		"key with a space":         {jovepay.WithAPIKey("a b")},
		"key beyond ASCII":         {jovepay.WithAPIKey("ключ")},
		"no e-mail":                {jovepay.WithCredentials("", password)},
		"blank e-mail":             {jovepay.WithCredentials(" ", password)},
		"no password":              {jovepay.WithCredentials(email, "")},
		"no address":               {jovepay.WithBaseURL("")},
		"no scheme":                {jovepay.WithBaseURL("api.jovepay.io")},
		"no host":                  {jovepay.WithBaseURL("https://")},
		"port only":                {jovepay.WithBaseURL("https://:443")},
		"other scheme":             {jovepay.WithBaseURL("ftp://api.jovepay.io")},
		"opaque":                   {jovepay.WithBaseURL("https:api.jovepay.io")},
		"user":                     {jovepay.WithBaseURL("https://user:" + apiKey + "@api.jovepay.io")},
		"query":                    {jovepay.WithBaseURL("https://api.jovepay.io?" + apiKey)},
		"empty query":              {jovepay.WithBaseURL("https://api.jovepay.io?")},
		"fragment":                 {jovepay.WithBaseURL("https://api.jovepay.io#" + apiKey)},
		"unparsable":               {jovepay.WithBaseURL("https://api.jovepay.io/%zz" + apiKey)},
		"control character":        {jovepay.WithBaseURL("https://api.jovepay.io/\x00")},
		"plain http, key":          {jovepay.WithBaseURL("http://api.jovepay.io"), key},
		"plain http, key first":    {key, jovepay.WithBaseURL("http://api.jovepay.io")},
		"plain http, credentials":  {jovepay.WithCredentials(email, password), jovepay.WithBaseURL("http://api.jovepay.io")},
		"plain http, private":      {key, jovepay.WithBaseURL("http://192.168.0.1:8080")},
		"plain http, unspecified":  {key, jovepay.WithBaseURL("http://0.0.0.0")},
		"plain http, lookalike":    {key, jovepay.WithBaseURL("http://localhost.example.com")},
		"plain http, 127 in name":  {key, jovepay.WithBaseURL("http://127.0.0.1.example.com")},
		"nil HTTP client":          {jovepay.WithHTTPClient(nil)},
		"user agent, line break":   {jovepay.WithUserAgent("shop\r\nX-Api-Key: 1")},
		"user agent, beyond ASCII": {jovepay.WithUserAgent("läden")},
		"timeout zero":             {jovepay.WithTimeout(0)},
		"timeout negative":         {jovepay.WithTimeout(-time.Second)},
		"rate of none":             {jovepay.WithRateLimit(0, time.Second)},
		"negative rate":            {jovepay.WithRateLimit(-1, time.Second)},
		"rate in no time":          {jovepay.WithRateLimit(1, 0)},
		"settle window zero":       {jovepay.WithSettleWindow(0)},
		"response limit zero":      {jovepay.WithMaxResponseBytes(0)},
		"negative attempts":        {jovepay.WithRetry(jovepay.RetryPolicy{MaxAttempts: -1})},
		"negative delay":           {jovepay.WithRetry(jovepay.RetryPolicy{BaseDelay: -1})},
		"negative longest delay":   {jovepay.WithRetry(jovepay.RetryPolicy{MaxDelay: -1})},
		"negative cap":             {jovepay.WithRetry(jovepay.RetryPolicy{MaxRetryAfter: -1})},
	} {
		client, err := jovepay.NewClient(opts...)
		assert.Nil(t, client, name)
		if assert.Error(t, err, name) {
			assertOneLine(t, err)
			assert.NotContains(t, err.Error(), apiKey, name)
		}
	}
}

func TestOptionsAccept(t *testing.T) {
	t.Parallel()
	key := jovepay.WithAPIKey(" " + apiKey + "\n") // as read from a file
	for name, opts := range map[string][]jovepay.Option{
		"nothing":               nil,
		"a nil option":          {nil, key},
		"https":                 {key, jovepay.WithBaseURL("https://api.jovepay.io/")},
		"port":                  {key, jovepay.WithBaseURL("https://api.jovepay.io:8443")},
		"loopback":              {key, jovepay.WithBaseURL("http://127.0.0.1:8080")},
		"loopback, far end":     {key, jovepay.WithBaseURL("http://127.8.9.10")},
		"loopback, version 6":   {key, jovepay.WithBaseURL("http://[::1]:8080")},
		"localhost":             {key, jovepay.WithBaseURL("http://localhost")},
		"plain http, no secret": {jovepay.WithBaseURL("http://api.jovepay.io")},
		"plain http on purpose": {key, jovepay.WithBaseURL("http://gateway.internal"), jovepay.WithInsecureHTTP()},
		"everything": {
			key, jovepay.WithCredentials(email, password), jovepay.WithUserAgent("shop/1.0"), jovepay.WithTimeout(time.Second),
			jovepay.WithRateLimit(10, time.Second), jovepay.WithRetry(jovepay.RetryPolicy{}), jovepay.WithSettleWindow(time.Second),
			jovepay.WithMaxResponseBytes(1), jovepay.WithHTTPClient(&http.Client{}),
		},
	} {
		client, err := jovepay.NewClient(opts...)
		require.NoError(t, err, name)
		assert.NotNil(t, client, name)
	}
}

func TestWithEnv(t *testing.T) { //nolint:paralleltest // sets the environment
	for _, name := range []string{"JOVEPAY_API_KEY", "JOVEPAY_EMAIL", "JOVEPAY_PASSWORD", "JOVEPAY_BASE_URL"} {
		t.Setenv(name, "")
	}
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		text := `{"message":"` + r.Header.Get("X-Api-Key") + " " + r.Header.Get("Authorization") + `"}`
		if r.URL.Path == "/v1/auth" {
			text = `{"token":"` + strings.Repeat("j", 20) + `"}`
		}
		_, _ = w.Write([]byte(text))
	})
	seen := func(opts ...jovepay.Option) string {
		client, err := jovepay.NewClient(append(opts, jovepay.WithHTTPClient(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}))...)
		require.NoError(t, err)
		var out struct {
			Message string `json:"message"`
		}
		require.NoError(t, client.Do(t.Context(), http.MethodGet, "/v1/echo", nil, nil, &out))
		return out.Message
	}

	assert.Equal(t, " ", seen(jovepay.WithEnv(), jovepay.WithBaseURL(address)), "an empty environment sets nothing")
	assert.Equal(t, "mine ", seen(jovepay.WithAPIKey("mine"), jovepay.WithBaseURL(address), jovepay.WithEnv()), "and overrides nothing")

	t.Setenv("JOVEPAY_BASE_URL", address)
	t.Setenv("JOVEPAY_API_KEY", "from-env")
	assert.Equal(t, " ", seen(jovepay.WithBaseURL(address)), "nothing is read unless asked for")
	assert.Equal(t, "from-env ", seen(jovepay.WithEnv()))
	assert.Equal(t, "mine ", seen(jovepay.WithEnv(), jovepay.WithAPIKey("mine")), "a later option wins")
	assert.Equal(t, "from-env ", seen(jovepay.WithAPIKey("mine"), jovepay.WithEnv()))

	t.Setenv("JOVEPAY_EMAIL", email)
	_, err := jovepay.NewClient(jovepay.WithEnv())
	require.ErrorContains(t, err, "password")
	t.Setenv("JOVEPAY_PASSWORD", password)
	assert.Equal(t, "from-env Bearer "+strings.Repeat("j", 20), seen(jovepay.WithEnv()))

	t.Setenv("JOVEPAY_API_KEY", "bad key")
	_, err = jovepay.NewClient(jovepay.WithEnv())
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "bad key")
}
