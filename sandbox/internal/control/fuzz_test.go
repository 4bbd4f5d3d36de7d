package control_test

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
	"github.com/jovepay/jovepay-go/sandbox/internal/control"
)

// No body makes a call fail on the sandbox's side, and every response with
// content is JSON.
func FuzzCall(f *testing.F) {
	routes := slices.DeleteFunc(control.Routes(), func(r control.Route) bool {
		return r.Path == "ipn/send" || r.Path == "replay" // they go out to wherever the body says
	})
	for i := range routes {
		f.Add(i, "")
		f.Add(i, `{"amount":"0.5","currency":"eth","status":"odd"}`)
		f.Add(i, `{"usd":1e9,"currencies":["btc"],"advance":"1h","percent":5,"status":500}`)
		f.Add(i, "{\"status\":\"\xff\"}")
	}
	server, err := jovepaytest.NewServer()
	require.NoError(f, err)
	f.Cleanup(server.Close)
	client, err := server.Client()
	require.NoError(f, err)
	p, err := client.Payments.Create(f.Context(), jovepay.PaymentRequest{
		PriceAmount: jovepay.MustAmount("10"), PriceCurrency: "usd", PayCurrency: "btc", OrderID: "A",
	})
	require.NoError(f, err)
	handler := control.New(server)
	fill := strings.NewReplacer("{id}", p.ID.String(), "{currency}", "btc", "{number}", "1")
	for _, route := range routes {
		require.NotContains(f, fill.Replace(route.Path), "{", "a route has an argument that no payment and no coin is filled in for")
	}
	f.Fuzz(func(t *testing.T, call int, body string) {
		route := routes[(call%len(routes)+len(routes))%len(routes)]
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(route.Method, control.Root+fill.Replace(route.Path), strings.NewReader(body)))
		if w.Code >= 500 {
			t.Errorf("%s %s %q: %d %s", route.Method, route.Path, body, w.Code, w.Body)
		}
		if response := w.Body.Bytes(); len(response) > 0 && route.Path != "journal" && !jsontext.Value(response).IsValid() {
			t.Errorf("%s %s %q: %q is not JSON", route.Method, route.Path, body, response)
		}
	})
}
