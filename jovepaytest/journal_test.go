package jovepaytest_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

func TestTwoRunsGiveTheSameJournal(t *testing.T) {
	t.Parallel()
	shop := newMoody(t)
	var journals []string
	for range 2 {
		shop.forget()
		b := newBusy(t, shop.URL)
		b.life()
		journals = append(journals, written(t, b.server))
	}
	require.Equal(t, strings.Split(journals[0], "\n"), strings.Split(journals[1], "\n"))
	require.Equal(t, journals[0], journals[1])
	assert.Greater(t, strings.Count(journals[0], "\n"), 150)
	for _, outcome := range []jovepaytest.DeliveryOutcome{
		jovepaytest.DeliveryDone, jovepaytest.DeliveryFailed, jovepaytest.DeliveryLost,
	} {
		assert.Contains(t, journals[0], fmt.Sprintf(`"outcome":%q`, outcome), "so the scenario had it")
	}
	assert.Contains(t, journals[0], `"corrupted":true`)

	other := newBusy(t, shop.URL, jovepaytest.WithSeed(8))
	shop.forget()
	other.life()
	assert.NotEqual(t, journals[0], written(t, other.server), "so it could have differed")
}

func TestJournalHasNoSecrets(t *testing.T) {
	t.Parallel()
	b := newBusy(t, newMoody(t).URL)
	b.life()
	b.must(b.server.SendIPN(b.t.Context(), b.shop+"/"+b.server.Password, []byte(`{"key":"`+b.server.IPNSecret+`"}`)))
	b.raw("POST", "/v1/payment", `{"order_id":"`+b.server.APIKey+`"}`, b.server.APIKey, "")
	text := written(t, b.server)
	for name, secret := range map[string]string{
		"key": b.server.APIKey, "password": b.server.Password, "IPN secret": b.server.IPNSecret,
		"another's password": "a real one", "token": base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)),
		"address": b.server.URL,
	} {
		assert.NotContains(t, text, secret, name)
	}
	assert.Contains(t, text, `{\"token\":\"[secret]\"}`)
	assert.Contains(t, text, "http://jovepay.invalid/payment/?iid=")
}

func TestJournalIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	b := newBusy(t, newMoody(t).URL)
	b.life()
	entries, err := jovepaytest.ReadJournal(strings.NewReader(written(t, b.server)))
	require.NoError(t, err)
	journal := b.server.Journal()
	require.Len(t, entries, len(journal))
	for i := range entries {
		require.Equal(t, journal[i], entries[i])
	}
}

func TestJournalIsInOrder(t *testing.T) {
	t.Parallel()
	server := newServer(t, busyOptions()...)
	client := newClient(t, server)
	s := newShop(t, server)
	s.failNext(1)
	p := createFor(t, client, s)
	_, err := server.Deposit(p.ID, jovepay.Amount{})
	require.NoError(t, err)
	_, err = server.Deposit("12", jovepay.Amount{})
	require.Error(t, err)
	require.NoError(t, server.WaitDeliveries(t.Context()))
	require.NoError(t, server.Redeliver(t.Context(), 2))

	var story []string
	for _, e := range server.Journal() {
		assert.Equal(t, noon(), e.Time)
		switch {
		case e.Request != nil:
			story = append(story, fmt.Sprint(e.Number, " ", e.Request.Method, " ", e.Request.Path, " ", e.Request.Status))
			assert.Contains(t, e.Request.Response, p.ID.String())
			assert.Equal(t, jovepaytest.CredentialValid, e.Request.Key)
			assert.Empty(t, e.Request.Token)
		case e.Action != nil:
			story = append(story, fmt.Sprint(e.Number, " ", e.Action.Name, " ", e.Action.Error))
		default:
			d := e.Delivery
			assert.Zero(t, d.Started)
			story = append(story, fmt.Sprint("  #", d.Number, ".", d.Attempt, " ", d.Status, " ", d.Outcome, " ", d.RepeatOf))
		}
	}
	assert.Equal(t, []string{
		"1 POST /v1/payment 201",
		"  #1.1 waiting failed 0",
		"  #1.2 waiting delivered 0",
		"2 Deposit ",
		"  #2.1 confirming delivered 0",
		"3 Deposit jovepaytest: payment 12 not found",
		"4 WaitDeliveries ",
		"5 Redeliver ",
		"  #3.1 confirming delivered 2",
	}, story)
	deposit := server.Journal()[3].Action
	assert.JSONEq(t, `{"id":"`+p.ID.String()+`"}`, string(deposit.Arguments))
	assert.Contains(t, string(deposit.Result), `"payment_status":"confirming"`)
}

func TestRedeliver(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	client := newClient(t, server)
	s := newShop(t, server)
	behave(t, server, jovepaytest.IPNBehavior{Forms: []jovepay.IPNForm{jovepay.FormPHP}, Lose: jovepaytest.Hits{Next: 1}})
	createFor(t, client, s)
	require.NoError(t, server.WaitDeliveries(t.Context()))
	assert.Empty(t, s.heard())
	behave(t, server, jovepaytest.IPNBehavior{Copies: 3, Shuffle: 9, Delay: time.Hour, Lose: jovepaytest.Hits{Percent: 100}})
	s.failNext(1)
	require.NoError(t, server.Redeliver(t.Context(), 1), "it meets no mishap, and is repeated if the shop fails")
	assert.Equal(t, []jovepay.PaymentStatus{jovepay.PaymentWaiting}, s.heard())
	got := server.Deliveries()
	require.Len(t, got, 3)
	assert.Equal(t, []int{0, 1, 1}, []int{got[0].RepeatOf, got[1].RepeatOf, got[2].RepeatOf})
	for _, d := range got[1:] {
		assert.Equal(t, got[0].Body, d.Body)
		assert.Equal(t, got[0].Signature, d.Signature)
		assert.Equal(t, got[0].PaymentID, d.PaymentID)
		assert.Equal(t, 2, d.Number)
	}
	require.ErrorContains(t, server.Redeliver(t.Context(), 3), "notification 3 is not in the journal, or was never signed")
	require.ErrorContains(t, server.Redeliver(t.Context(), 0), "notification 0")
}
