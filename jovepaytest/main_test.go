package jovepaytest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newServer(t *testing.T, opts ...jovepaytest.Option) *jovepaytest.Server {
	t.Helper()
	server, err := jovepaytest.NewServer(opts...)
	require.NoError(t, err)
	t.Cleanup(server.Close)
	return server
}

func newClient(t *testing.T, server *jovepaytest.Server, opts ...jovepay.Option) *jovepay.Client {
	t.Helper()
	client, err := server.Client(opts...)
	require.NoError(t, err)
	return client
}

// order is a payment of 64 dollars in btc, which is 0.001 btc.
func order() jovepay.PaymentRequest {
	return jovepay.PaymentRequest{
		PriceAmount: jovepay.MustAmount("64"), PriceCurrency: "usd", PayCurrency: "btc", OrderID: "order-1",
	}
}

func create(t *testing.T, client *jovepay.Client) *jovepay.Payment {
	t.Helper()
	p, err := client.Payments.Create(t.Context(), order())
	require.NoError(t, err)
	return p
}

// hands is a clock that moves when the test says so.
type hands struct {
	mu  sync.Mutex
	now time.Time
}

func newHands() *hands { return &hands{now: time.Date(2026, time.March, 14, 12, 0, 0, 0, time.UTC)} }

func (h *hands) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hands) Pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

func second(_ *jovepay.Payment, err error) error { return err }

// shop is the receiving end, which verifies every notification.
type shop struct {
	url   string
	close func() // once, or at the end of the test

	mu     sync.Mutex
	events []jovepay.Event
	fail   int // the next n events
	codes  []int
}

// newShop opens a shop that takes what the server signs.
func newShop(t *testing.T, server *jovepaytest.Server, opts ...jovepay.IPNOption) *shop {
	t.Helper()
	verifier, err := jovepay.NewIPNVerifier(server.IPNSecret, opts...)
	require.NoError(t, err)
	s := &shop{}
	handler := verifier.Handler(func(_ context.Context, event jovepay.Event) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.fail > 0 {
			s.fail--
			return errors.New("out of order")
		}
		s.events = append(s.events, event)
		return nil
	})
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		response := httptest.NewRecorder()
		handler.ServeHTTP(response, r)
		s.mu.Lock()
		s.codes = append(s.codes, response.Code)
		s.mu.Unlock()
		w.WriteHeader(response.Code)
	}))
	t.Cleanup(listener.Close)
	s.url, s.close = listener.URL+"/ipn", listener.Close
	return s
}

func (s *shop) failNext(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = n
}

// heard returns the statuses of the payments that it was notified of, in order.
func (s *shop) heard() (list []jovepay.PaymentStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, event := range s.events {
		if payment, ok := event.(*jovepay.PaymentEvent); ok {
			list = append(list, payment.Status)
		}
	}
	return list
}

// all returns every event that it was notified of, in order.
func (s *shop) all() []jovepay.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}

// responses returns the status codes that it responded with, in order.
func (s *shop) responses() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]int(nil), s.codes...)
}

// createFor makes a payment whose notifications go to the shop.
func createFor(t *testing.T, client *jovepay.Client, s *shop) *jovepay.Payment {
	t.Helper()
	request := order()
	request.IPNCallbackURL = s.url
	p, err := client.Payments.Create(t.Context(), request)
	require.NoError(t, err)
	return p
}

// pay lets the customer pay exactly, and waits until the shop knows.
func pay(t *testing.T, server *jovepaytest.Server, id jovepay.ID) {
	t.Helper()
	_, err := server.Pay(id)
	require.NoError(t, err)
	require.NoError(t, server.WaitDeliveries(t.Context()))
}

func behave(t *testing.T, server *jovepaytest.Server, b jovepaytest.IPNBehavior) {
	t.Helper()
	require.NoError(t, server.SetIPN(b))
}

func outcomes(server *jovepaytest.Server) (list []jovepaytest.DeliveryOutcome) {
	for _, d := range server.Deliveries() {
		list = append(list, d.Outcome)
	}
	return list
}

// life is every status of a payment that goes well.
func life() []jovepay.PaymentStatus {
	return []jovepay.PaymentStatus{
		jovepay.PaymentWaiting, jovepay.PaymentConfirming, jovepay.PaymentConfirmed, jovepay.PaymentSending, jovepay.PaymentFinished,
	}
}

func noon() time.Time { return time.Date(2026, time.March, 14, 12, 0, 0, 0, time.UTC) }

// moody is a shop that fails at every third attempt for each payment. Nothing
// about it differs from one run to the next.
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
// other. The shop has an address for each order, so that what it responds does
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
	id = b.create("expired")
	_, err = b.server.Expire(id)
	b.must(err)
	_, err = b.server.DepositLate(id, jovepay.MustAmount("0.0009"))
	b.must(err)
	_, err = b.server.RefundPart(id, jovepay.MustAmount("0.0002"))
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
	b.must(b.server.SetListLag(time.Minute))
	_, err = b.client.Payments.List(ctx, jovepay.PaymentListOptions{Limit: 100})
	b.must(err)
	b.must(b.server.SetListLag(0))
	b.late()
}

// late creates what takes effect when the clock moves, in the rest of the life.
func (b *busy) late() {
	b.t.Helper()
	for i, fault := range []jovepaytest.Fault{
		{EffectAfter: 3 * time.Minute, Cut: true},
		{EffectAfter: 3 * time.Minute, Status: 502, Body: jovepaytest.BadGatewayPage},
	} {
		fault.Times = 1
		b.must(b.server.Inject(fault))
		request := order()
		request.OrderID = fmt.Sprintf("late-%d", i)
		request.IPNCallbackURL = b.shop + "/" + request.OrderID
		_, err := b.client.Payments.Create(b.t.Context(), request)
		require.ErrorIs(b.t, err, jovepay.ErrOutcomeUnknown)
	}
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
	response, err := transport.RoundTrip(r)
	b.must(err)
	defer response.Body.Close()
	var login struct{ Token string }
	_ = json.NewDecoder(response.Body).Decode(&login)
	return login.Token
}

func written(t *testing.T, server *jovepaytest.Server) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, server.WriteJournal(&out))
	return out.String()
}

func replay(t *testing.T, server *jovepaytest.Server, journal string) []jovepaytest.Difference {
	t.Helper()
	differences, err := server.Replay(t.Context(), strings.NewReader(journal))
	require.NoError(t, err)
	return differences
}

func action(t *testing.T, name string) jovepaytest.Action {
	t.Helper()
	for _, a := range jovepaytest.Actions() {
		if a.Name == name {
			return a
		}
	}
	t.Fatal("no action " + name)
	return jovepaytest.Action{}
}

// login is a login by hand.
func login(t *testing.T, server *jovepaytest.Server) string {
	t.Helper()
	body := fmt.Sprintf(`{"email":%q,"password":%q}`, server.Email, server.Password)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/v1/auth", strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	var token struct{ Token string }
	require.NoError(t, json.NewDecoder(response.Body).Decode(&token))
	return token.Token
}

// list returns the status of a list asked for by hand.
func list(t *testing.T, server *jovepaytest.Server, token string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/v1/payment", nil)
	require.NoError(t, err)
	r.Header.Set("X-Api-Key", server.APIKey)
	r.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	return response.StatusCode
}
