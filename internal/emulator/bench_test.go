package emulator_test

import (
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/internal/emulator"
	"github.com/jovepay/jovepay-go/internal/emulator/engine"
)

// BenchmarkList returns a page of 500 from the middle of 100,000 payments, in
// memory.
func BenchmarkList(b *testing.B) {
	e, err := engine.New(engine.Config{})
	require.NoError(b, err)
	require.NoError(b, e.Preload(100_000))
	token, err := e.Login(e.Account().Email, e.Account().Password)
	require.NoError(b, err)
	api := emulator.New(emulator.Config{Engine: e})
	r := httptest.NewRequestWithContext(b.Context(), "GET", "/v1/payment?limit=500&page=100", nil)
	r.Header.Set("X-Api-Key", e.Account().APIKey)
	r.Header.Set("Authorization", "Bearer "+token)
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		if w.Code != 200 {
			b.Fatal(w.Body)
		}
	}
}
