package emulator_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/internal/emulator"
)

// exchanges are the requests of the journal, and must be all there is.
func (s *site) exchanges(t *testing.T) (list []emulator.Exchange) {
	t.Helper()
	for i, e := range s.Entries() {
		require.Equal(t, i+1, e.Number)
		require.NotNil(t, e.Exchange)
		list = append(list, *e.Exchange)
	}
	return list
}

func TestExchange(t *testing.T) {
	t.Parallel()
	s := newSite(t, emulator.Config{})
	created := s.do(t, "POST", "/v1/payment", goodPayment)
	s.do(t, "GET", "/v1/payment/a%2Fb", "")
	for range 6 {
		s.do(t, "POST", "/v1/payment", goodPayment)
	}
	list := s.do(t, "GET", "/v1/payment?limit=100", "")

	got := s.exchanges(t)
	assert.Equal(t, "application/json", got[0].ContentType)
	assert.Zero(t, strings.Compare(goodPayment, got[0].Body), "byte for byte")
	assert.Equal(t, len(goodPayment), got[0].BodySize)
	assert.Equal(t, created.body, got[0].Response)
	assert.Empty(t, got[0].ResponseSHA256)
	assert.Equal(t, "/v1/payment/a/b", got[1].Path)
	assert.Equal(t, "/v1/payment/a%2Fb", got[1].RawPath)
	sum := sha256.Sum256([]byte(list.body))
	assert.Equal(t, list.body[:4<<10], got[8].Response)
	assert.Equal(t, hex.EncodeToString(sum[:]), got[8].ResponseSHA256)
}

func TestCredentialsOfAnExchange(t *testing.T) {
	t.Parallel()
	s := newSite(t, emulator.Config{})
	account := s.engine.Account()
	old, err := s.engine.Login(account.Email, account.Password)
	require.NoError(t, err)
	_, err = s.engine.MoveClock(5 * time.Minute)
	require.NoError(t, err)
	fresh, err := s.engine.Login(account.Email, account.Password)
	require.NoError(t, err)
	for _, c := range []struct {
		key, authorization string
		wantKey, wantToken emulator.Credential
	}{
		{"", "", "", ""},
		{account.APIKey, "Bearer " + fresh, emulator.CredentialValid, emulator.CredentialValid},
		{account.APIKey + "x", "Bearer " + old, emulator.CredentialWrong, emulator.CredentialExpired},
		{"", "Bearer " + fresh + "x", "", emulator.CredentialWrong},
		{"", "Bearer x", "", emulator.CredentialWrong},
		{"", "Basic " + fresh, "", ""},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/v1/status", nil)
		require.NoError(t, err)
		r.Header.Set("X-Api-Key", c.key)
		r.Header.Set("Authorization", c.authorization)
		response, err := s.client.Do(r)
		require.NoError(t, err)
		response.Body.Close()
		all := s.exchanges(t)
		assert.Equal(t, c.wantKey, all[len(all)-1].Key)
		assert.Equal(t, c.wantToken, all[len(all)-1].Token)
	}
}

func TestExchangesHoldNoPassword(t *testing.T) {
	t.Parallel()
	s := newSite(t, emulator.Config{})
	for _, c := range []struct{ path, body string }{
		{"/v1/auth", `{"email":"a@b.example","password":"hunter2"}`},
		{"/v1/auth", `hunter2`},
		{"/v1/Auth", `hunter2`},
		{"/v1/auth/", `hunter2`},
		{"/v1//auth", `hunter2`},
		{"/v1/payment", `{"Password":"hunter2"}`},
	} {
		s.do(t, "POST", c.path, c.body)
	}
	for _, x := range s.exchanges(t) {
		assert.Empty(t, x.Body, x.Path)
		assert.Zero(t, x.BodySize, x.Path)
		assert.NotContains(t, x.Response, "hunter2", x.Path)
	}
	s.do(t, "POST", "/v1/auth", strings.Repeat("x", 200_000))
	all := s.exchanges(t)
	last := all[len(all)-1]
	assert.Equal(t, 413, last.Status)
	assert.Equal(t, 100<<10+1, last.BodySize, "it was too large, and that is all")
}

// What cannot be saved is not reported, and the save is retried.
func TestNoResponseBeforeTheSave(t *testing.T) {
	t.Parallel()
	failure := errors.New("the disk is full")
	var works atomic.Bool
	s := newSite(t, emulator.Config{Save: func() error {
		if works.Load() {
			return nil
		}
		return failure
	}})
	got := s.do(t, "POST", "/v1/payment", goodPayment)
	assert.Equal(t, 500, got.status)
	assert.JSONEq(t, `{"status":false,"statusCode":500,"code":"INTERNAL_ERROR","message":"internal error"}`, got.body)
	assert.Equal(t, "application/json; charset=utf-8", got.header.Get("Content-Type"))
	assert.Equal(t, 500, s.exchanges(t)[0].Status)
	assert.True(t, s.exchanges(t)[0].Handled)

	err := s.Finish(s.Act("Pay", []byte(`{}`)), []byte(`{}`), nil)
	require.ErrorIs(t, err, failure)
	action := s.Entries()[1].Action
	assert.Equal(t, failure.Error(), action.Error)
	assert.Nil(t, action.Result)
	works.Store(true)
	assert.Equal(t, 200, s.do(t, "GET", "/v1/payment", "").status)
}
