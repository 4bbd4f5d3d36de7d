package jovepay_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

func TestDo(t *testing.T) {
	t.Parallel()
	address, last := recorder(t)
	client := newClient(t, address)
	ctx := t.Context()

	var raw []byte
	require.NoError(t, client.Do(ctx, http.MethodGet, "/v1/balance", struct {
		Coin string `url:"coin"`
	}{"btc"}, nil, &raw))
	assert.Equal(t, "GET /v1/balance?coin=btc", last().target)
	assert.Contains(t, string(raw), `"message":"OK"`)

	var out struct {
		ID jovepay.ID `json:"payment_id"`
	}
	require.NoError(t, client.Do(ctx, http.MethodPost, "/v1/invoice-payment", nil, map[string]any{"iid": 5}, &out))
	assert.Equal(t, jovepay.ID("1"), out.ID)
	assert.Equal(t, `{"iid":5}`, last().body)
	require.NoError(t, client.Do(ctx, http.MethodDelete, "/v1/x", url.Values{}, nil, nil))
	assert.Equal(t, "DELETE /v1/x", last().target)

	var wrong struct {
		ID []int `json:"payment_id"`
	}
	err := client.Do(ctx, http.MethodPost, "/v1/x", nil, nil, &wrong)
	require.ErrorIs(t, err, jovepay.ErrOutcomeUnknown, "an answer that does not fit may still be a success")
	err = client.Do(ctx, http.MethodGet, "/v1/x", nil, nil, &wrong)
	require.Error(t, err)
	require.NotErrorIs(t, err, jovepay.ErrOutcomeUnknown)

	require.NoError(t, newClient(t, address+"/np/v1").Do(ctx, http.MethodGet, "/v2/x", nil, nil, nil))
	assert.Equal(t, "GET /np/v2/x", last().target)

	failing := answering(t, http.StatusNotFound, answer(t, "error.json"))
	assert.ErrorIs(t, failing.Do(ctx, http.MethodGet, "/v1/x", nil, nil, nil), jovepay.ErrNotFound)
}

type (
	plainBytes []byte
	oddByte    byte
	hexBytes   []byte
)

func (h hexBytes) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h), nil }

func TestDoBodies(t *testing.T) {
	t.Parallel()
	const text = ` {"b": 1.0, "a":"ü"}` + "\n" // no encoder writes it this way
	address, last := recorder(t)
	client := newClient(t, address)
	raw := []byte(text)
	for name, tt := range map[string]struct {
		body any
		want string
	}{
		"bytes":                     {raw, text},
		"a pointer to bytes":        {&raw, text},
		"json.RawMessage":           {json.RawMessage(text), text},
		"jsontext.Value":            {jsontext.Value(text), text},
		"bytes of a type":           {plainBytes(text), text},
		"bytes of another kind":     {[]oddByte{'{', '}'}, "{}"},
		"bytes that are no JSON":    {[]byte("a=1&b=2"), "a=1&b=2"},
		"bytes with a text":         {hexBytes("\x01\xff"), `"01ff"`},
		"net.IP":                    {net.IPv4(127, 0, 0, 1), `"127.0.0.1"`},
		"bytes within":              {map[string][]byte{"a": {1}}, `{"a":"AQ=="}`},
		"a string":                  {"a", `"a"`},
		"nothing":                   {nil, ""},
		"no bytes":                  {[]byte{}, ""},
		"nil bytes":                 {[]byte(nil), ""},
		"nil json.RawMessage":       {json.RawMessage(nil), ""},
		"a nil pointer to a struct": {(*struct{})(nil), "null"},
		"an amount":                 {amount("1.10"), "1.10"},
	} {
		for _, method := range []string{"GET", "POST", "DELETE"} {
			require.NoError(t, client.Do(t.Context(), method, "/v1/x", nil, tt.body, nil), name)
			got := last()
			assert.Equal(t, tt.want, got.body, name)
			assert.Equal(t, tt.want != "", got.header.Get("Content-Type") == "application/json", name)
		}
	}
	for name, body := range map[string]any{
		"a reader":  strings.NewReader("{}"),
		"a buffer":  bytes.NewBufferString("{}"),
		"a file":    os.Stdin,
		"a channel": make(chan int),
		"a func":    func() {},
	} {
		err := client.Do(t.Context(), http.MethodPost, "/v1/x", nil, body, nil)
		assertRefused(t, err, "body")
		assertOneLine(t, err)
		assert.Equal(t, seen{}, last(), name)
	}
}

func TestDoRefusesResultsThatCannotBeSet(t *testing.T) {
	t.Parallel()
	address, last := recorder(t)
	client := newClient(t, address)
	for _, out := range []any{
		struct{}{}, 1, "", []byte{}, map[string]any{}, []string(nil), func() {}, make(chan int), json.RawMessage{},
		(*struct{})(nil), (*[]byte)(nil), (*any)(nil),
	} {
		assertRefused(t, client.Do(t.Context(), http.MethodPost, "/v1/x", nil, nil, out), "out")
	}
	assert.Equal(t, seen{}, last(), "nothing is sent")
	for _, out := range []any{nil, new(any), &map[string]any{}, new(json.RawMessage), new([]byte)} {
		require.NoError(t, client.Do(t.Context(), http.MethodPost, "/v1/x", nil, nil, out))
	}
}

func TestDoRefusesPaths(t *testing.T) {
	t.Parallel()
	address, last := recorder(t)
	client := newClient(t, address+"/np")
	for _, path := range []string{
		"", "/", "v1/x", "/status", "//evil.example/v1", "https://evil.example/v1/x", "@evil.example/v1",
		"/v1/..", "/v1/../x", "/v1/./x", "/v1/%2e%2e/x", "/v1/%2E%2e", "/v1/.%2e/x", "/v1/a%2f..%2fb", "/v1/a%5c..%5cb", "/v1/a/..%2F",
		`/v1\..\x`, "/v1/x?y=1", "/v1/x#y", "/v1/%zz", "/v1/%", "/v1/a b", "/v1/a\r\nX-Evil: 1", "/v1/\x00", "/v1/\x7f", "/vx",
	} {
		assertRefused(t, client.Do(t.Context(), http.MethodGet, path, nil, nil, nil), "path")
	}
	for _, path := range []string{"/v1/x", "/v2/x/", "/v1/a%2Fb", "/v1/..a/b..", "/v1/a:b@c", "/v1//x", "/v1/%252e%252e", "/v10"} {
		require.NoError(t, client.Do(t.Context(), http.MethodGet, path, nil, nil, nil), path)
		assert.Equal(t, "GET /np"+path, last().target)
	}
}
