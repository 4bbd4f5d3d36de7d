package emulator_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/internal/emulator"
)

func TestJournal(t *testing.T) {
	t.Parallel()
	s := newSite(t, emulator.Config{})
	noon := time.Date(2026, time.March, 14, 12, 0, 0, 0, time.UTC)
	assert.Empty(t, s.Requests())
	s.do(t, "POST", "/v1/payment", goodPayment)
	require.NoError(t, s.Inject(emulator.Fault{Status: 503, Times: 1}))
	s.do(t, "GET", "/v1/payment?limit=1&page=2", "")
	s.do(t, "GET", "/v1/payment/abc", "")
	account := s.engine.Account()
	s.do(t, "POST", "/v1/auth", `{"email":"`+account.Email+`","password":"`+account.Password+`"}`)

	got := s.Requests()
	ids := map[string]bool{}
	for i := range got {
		ids[got[i].ID] = true
		got[i].ID = ""
	}
	assert.Len(t, ids, 4)
	assert.Equal(t, []emulator.Request{
		{Time: noon, Method: "POST", Path: "/v1/payment", Body: goodPayment, Status: 201, Handled: true},
		{Time: noon, Method: "GET", Path: "/v1/payment", Query: "limit=1&page=2", Status: 503, Fault: true},
		{Time: noon, Method: "GET", Path: "/v1/payment/abc", Status: 400, Handled: true},
		{Time: noon, Method: "POST", Path: "/v1/auth", Status: 200, Handled: true},
	}, got)
	got[0].Path = "changed"
	assert.Equal(t, "/v1/payment", s.Requests()[0].Path, "it is a copy")

	for _, c := range []struct {
		method, path string
		want         int
	}{{"", "", 4}, {"GET", "", 2}, {"", "/v1/payment", 2}, {"GET", "/v1/payment", 1}, {"", "/v1/payment*", 3}, {"PUT", "", 0}} {
		assert.Equal(t, c.want, s.Count(c.method, c.path), "%s %s", c.method, c.path)
	}
}

func TestJournalHasTheRequestID(t *testing.T) {
	t.Parallel()
	s := newSite(t, emulator.Config{})
	got := s.do(t, "GET", "/v1/status", "")
	assert.Equal(t, s.Requests()[0].ID, got.header.Get("X-Request-Id"))
}

func TestJournalKeepsTheBeginningOfLongBodies(t *testing.T) {
	t.Parallel()
	s := newSite(t, emulator.Config{})
	s.do(t, "POST", "/v1/payment", strings.Repeat("x", 50_000))
	assert.Equal(t, strings.Repeat("x", 4<<10), s.Requests()[0].Body)
}
