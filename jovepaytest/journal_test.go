package jovepaytest_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

func noon() time.Time { return time.Date(2026, time.March, 14, 12, 0, 0, 0, time.UTC) }

// moody is a shop that fails at every third attempt for each payment. It can be
// told from one run to the next by nothing.
type moody struct {
	*httptest.Server
	mu   sync.Mutex
	seen map[string]int
}

func newMoody(t *testing.T) *moody {
	t.Helper()
	m := &moody{}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.seen[r.URL.Path]++
		if m.seen[r.URL.Path]%3 == 0 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(m.Close)
	m.forget()
	return m
}

func (m *moody) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen = map[string]int{}
}

// busy is a server on which everything happens that can, one thing after the
// other. The shop has an address for each order, so that what it answers does
// not depend on which order it hears of first.
type busy struct {
	t      *testing.T
	server *jovepaytest.Server
	client *jovepay.Client
	shop   string
}

func busyOptions(opts ...jovepaytest.Option) []jovepaytest.Option {
	return append([]jovepaytest.Option{
		jovepaytest.WithSeed(7), jovepaytest.WithFrozenClock(noon()), jovepaytest.WithIPNRetries(2, 0),
	}, opts...)
}

func newBusy(t *testing.T, shop string, opts ...jovepaytest.Option) *busy {
	t.Helper()
	server := newServer(t, busyOptions(opts...)...)
	client := newClient(t, server, jovepay.WithRetry(jovepay.RetryPolicy{BaseDelay: time.Microsecond, MaxRetryAfter: time.Microsecond}))
	return &busy{t: t, server: server, client: client, shop: shop}
}

func (b *busy) must(err error) {
	b.t.Helper()
	require.NoError(b.t, err)
}

func (b *busy) create(name string) jovepay.ID {
	b.t.Helper()
	request := order()
	request.OrderID, request.IPNCallbackURL = name, b.shop+"/"+name
	p, err := b.client.Payments.Create(b.t.Context(), request)
	require.NoError(b.t, err)
	return p.ID
}

func (b *busy) settle() {
	b.t.Helper()
	b.must(b.server.WaitDeliveries(b.t.Context()))
}

// life is a day in the life of a shop.
func (b *busy) life() {
	b.t.Helper()
	b.deposits()
	b.faults()
	b.mishaps()
	b.rest()
}

func (b *busy) deposits() {
	b.t.Helper()
	for i, amount := range []string{"0.001", "0.0005", "0.002", "0"} {
		id := b.create(fmt.Sprintf("deposit-%d", i))
		_, err := b.server.PayAmount(id, jovepay.MustAmount(amount))
		b.must(err)
		_, err = b.server.Deposit(id, jovepay.MustAmount("0.0001"))
		b.must(err)
		_, err = b.server.DepositWrongAsset(id, "ltc", jovepay.Amount{})
		b.must(err)
	}
	id := b.create("odd")
	_, err := b.server.Advance(id)
	b.must(err)
	_, err = b.server.SetStatus(id, "frozen")
	b.must(err)
	_, err = b.server.Refund(id)
	b.must(err)
	_, err = b.server.Refund(id)
	require.Error(b.t, err)
	_, err = b.server.Expire(b.create("expired"))
	b.must(err)
	invoice, err := b.client.Invoices.Create(b.t.Context(), jovepay.InvoiceRequest{
		PriceAmount: jovepay.MustAmount("49.90"), PriceCurrency: "eur",
		IPNCallbackURL: b.shop + "/invoice", SuccessURL: b.server.URL + "/thanks",
	})
	b.must(err)
	p, err := b.server.CheckOut(invoice.ID, "xrp")
	b.must(err)
	_, err = b.server.DepositWithoutMemo(p.ID, jovepay.MustAmount("30"))
	b.must(err)
	_, err = b.server.Pay(p.ID)
	b.must(err)
	_, err = b.server.FindDeposit(p.ID)
	b.must(err)
	b.settle()
}

func (b *busy) faults() {
	b.t.Helper()
	b.must(b.server.Inject(
		jovepaytest.Fault{Method: "GET", Path: "/v1/payment/*", Percent: 40, Status: 503},
		jovepaytest.Fault{Method: "GET", Path: "/v1/status", Times: 1, Cut: true},
		jovepaytest.Fault{Method: "POST", Path: "/v1/payment", Times: 1, AfterEffect: true, Cut: true},
		jovepaytest.Fault{Path: "/v1/currencies", Times: 2, Truncate: 10},
		jovepaytest.Fault{Path: "/v1/min-amount", Status: 429, Header: http.Header{"Retry-After": {"0"}}, Times: 1},
	))
	ctx := b.t.Context()
	_, _ = b.client.Status(ctx)
	_, err := b.client.Payments.Create(ctx, order())
	require.ErrorIs(b.t, err, jovepay.ErrOutcomeUnknown)
	_, _ = b.client.Currencies.List(ctx, jovepay.CurrencyListOptions{})
	_, _ = b.client.Estimates.MinAmount(ctx, jovepay.MinAmountOptions{From: "btc", To: "usdttrc20"})
	page, err := b.client.Payments.List(ctx, jovepay.PaymentListOptions{Limit: 100})
	b.must(err)
	for _, p := range page.Payments {
		_, _ = b.client.Payments.Get(ctx, p.ID)
	}
	b.server.ClearFaults()
}

func (b *busy) mishaps() {
	b.t.Helper()
	hits := jovepaytest.Hits{Percent: 25}
	b.must(b.server.SetIPN(jovepaytest.IPNBehavior{
		Forms:  []jovepay.IPNForm{jovepay.FormJS, jovepay.FormPHP, jovepay.FormRaw},
		Copies: 2, Shuffle: 4, Lose: hits, Corrupt: hits, Forge: hits,
	}))
	for i := range 3 {
		_, err := b.server.Pay(b.create(fmt.Sprintf("mishap-%d", i)))
		b.must(err)
	}
	b.settle()
	b.must(b.server.SetIPN(jovepaytest.IPNBehavior{
		CamelCase: true, Retries: new(1), Interval: new(time.Duration(0)), Timeout: time.Minute,
	}))
	b.must(b.server.SetTokenLifetime(time.Minute))
}

func (b *busy) rest() {
	b.t.Helper()
	b.create("waits forever")
	_, err := b.server.MoveClock(8 * 24 * time.Hour)
	b.must(err)
	b.must(b.server.SetPrice("btc", jovepay.MustAmount("128000")))
	b.must(b.server.SetPrice("pepe", jovepay.MustAmount("0.01")))
	b.must(b.server.SetMinimum("btc", jovepay.MustAmount("0.0001")))
	b.must(b.server.SetCurrencies("btc", "pepe"))
	request := order()
	request.Case = "success"
	request.IPNCallbackURL = b.shop + "/case"
	_, err = b.client.Payments.Create(b.t.Context(), request)
	b.must(err)
	w, err := b.server.Withdraw(jovepaytest.WithdrawalRequest{
		Currency: "ltc", Amount: jovepay.MustAmount("3"), Address: "Mabc", IPNCallbackURL: b.shop + "/withdrawal",
	})
	b.must(err)
	_, err = b.server.SetWithdrawalStatus(w.ID, jovepay.WithdrawalFinished)
	b.must(err)
	r, err := b.server.Recur(jovepaytest.RecurringRequest{
		Currency: "ltc", Amount: jovepay.MustAmount("3"), IPNCallbackURL: b.shop + "/recurring",
	})
	b.must(err)
	_, err = b.server.SetRecurringStatus(r.ID, jovepay.WithdrawalFinished)
	b.must(err)
	_ = b.server.SendIPN(b.t.Context(), b.shop+"/sent", []byte("\xff not JSON"))
	b.settle()
	b.must(b.server.Redeliver(b.t.Context(), 1))
	b.raw("GET", "/v1/payment/%31%2F2?x="+b.server.URL, "", "wrong", "wrong")
	b.raw("POST", "/v1/auth", `{"email":"a@b.example","password":"a real one"}`, "", "")
	b.raw("POST", "/v1/payment", `{"x":"`+strings.Repeat("é", 3000)+`"}`, b.server.APIKey, "")
	b.raw("POST", "/v1/payment", strings.Repeat(" ", 150_000), b.server.APIKey, "")
	token := b.raw("POST", "/v1/auth", `{"email":"`+b.server.Email+`","password":"`+b.server.Password+`"}`, "", "")
	b.raw("GET", "/v1/payment?token="+token, "", b.server.APIKey, token)
	_, err = b.server.MoveClock(time.Hour)
	b.must(err)
	b.raw("GET", "/v1/payment", "", b.server.APIKey, token)
	b.settle()
}

// raw sends a request and returns the token in the response, if there is one.
func (b *busy) raw(method, path, body, key, token string) string {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.server.URL+path, strings.NewReader(body))
	b.must(err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Api-Key", key)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	answer, err := transport.RoundTrip(r)
	b.must(err)
	defer answer.Body.Close()
	var login struct{ Token string }
	_ = json.NewDecoder(answer.Body).Decode(&login)
	return login.Token
}

func written(t *testing.T, server *jovepaytest.Server) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, server.WriteJournal(&out))
	return out.String()
}

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

func TestJournalTellsWhatHappenedInOrder(t *testing.T) {
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
