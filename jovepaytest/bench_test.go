package jovepaytest_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

// BenchmarkCreate compares creating payments over HTTP with a handler that
// only reads and writes bodies of the same sizes.
func BenchmarkCreate(b *testing.B) {
	const body = `{"price_amount":64,"price_currency":"usd","pay_currency":"btc","order_id":"order-1001","ipn_callback_url":"https://shop.example/ipn"}`
	server, err := jovepaytest.NewServer()
	require.NoError(b, err)
	defer server.Close()

	response := post(b, http.DefaultClient, server.URL, server.APIKey, body)
	empty := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			b.Error(err)
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(http.StatusCreated)
		if _, err := w.Write(response); err != nil {
			b.Error(err)
		}
	}))
	defer empty.Close()

	for name, url := range map[string]string{"emulator": server.URL, "empty": empty.URL} {
		b.Run(name, func(b *testing.B) {
			client := &http.Client{Transport: &http.Transport{
				MaxIdleConnsPerHost: 64, DialContext: (&net.Dialer{}).DialContext,
			}}
			defer client.CloseIdleConnections()
			b.SetParallelism(4)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					post(b, client, url, server.APIKey, body)
				}
			})
		})
	}
}

func post(b *testing.B, client *http.Client, url, key, body string) []byte {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url+"/v1/payment", strings.NewReader(body))
	if err != nil {
		b.Error(err)
		return nil
	}
	r.Header.Set("X-Api-Key", key)
	r.Header.Set("Content-Type", "application/json")
	response, err := client.Do(r)
	if err != nil {
		b.Error(err)
		return nil
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusCreated {
		b.Error(response.Status, err)
	}
	return read
}

// BenchmarkIPN delivers notifications to shops that only respond, of as many
// payments as there can be at the same time.
func BenchmarkIPN(b *testing.B) {
	server, err := jovepaytest.NewServer()
	require.NoError(b, err)
	defer server.Close()
	shop := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer shop.Close()
	body, err := jovepaytest.IPNBody(&jovepay.PaymentEvent{})
	require.NoError(b, err)
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := server.SendIPN(b.Context(), shop.URL, body); err != nil {
				b.Error(err)
			}
		}
	})
}
