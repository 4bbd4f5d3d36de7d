package emulator_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/jovepay/jovepay-go/internal/emulator"
	"github.com/jovepay/jovepay-go/internal/emulator/engine"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// site is an API under a real server, with a clock that stands still.
type site struct {
	*emulator.API
	engine *engine.Engine
	url    string
	client *http.Client
	stop   context.CancelFunc // ends the context of every request
}

func newSite(t *testing.T, cfg emulator.Config) *site {
	t.Helper()
	noon := time.Date(2026, time.March, 14, 12, 0, 0, 0, time.UTC)
	e, err := engine.New(engine.Config{Seed: cfg.Seed, Now: func() time.Time { return noon }})
	require.NoError(t, err)
	cfg.Engine = e
	cfg.PageURL = "https://pay.example"
	api := emulator.New(cfg)
	server := httptest.NewUnstartedServer(api)
	base, stop := context.WithCancel(t.Context())
	server.Config.BaseContext = func(net.Listener) context.Context { return base }
	server.Start()
	client := &http.Client{Transport: &http.Transport{}, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	t.Cleanup(func() {
		stop()
		client.CloseIdleConnections()
		server.Close()
	})
	return &site{api, e, server.URL, client, stop}
}

// result is a response as it was read.
type result struct {
	status int
	header http.Header
	body   string
}

// request is a request with the key and a token, to be changed before it is
// sent.
func (s *site) request(t *testing.T, method, target, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+target, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("X-Api-Key", s.engine.Account().APIKey)
	token, err := s.engine.Login(s.engine.Account().Email, s.engine.Account().Password)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

func (s *site) send(t *testing.T, r *http.Request) result {
	t.Helper()
	response, err := s.client.Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return result{response.StatusCode, response.Header, string(body)}
}

func (s *site) do(t *testing.T, method, target, body string) result {
	t.Helper()
	return s.send(t, s.request(t, method, target, body))
}

// rejection is the JSON of an error.
func rejection(status int, code, message string) string {
	return `{"status":false,"statusCode":` + strconv.Itoa(status) + `,"code":"` + code + `","message":` + strconv.Quote(message) + `}`
}

const goodPayment = `{"price_amount":64,"price_currency":"usd","pay_currency":"btc","order_id":"order-1"}`

func TestResponsesToTheByte(t *testing.T) {
	t.Parallel()
	s := newSite(t, emulator.Config{Seed: 1})
	for _, step := range []struct {
		method, target, body string
		status               int
		want                 string
	}{
		{"GET", "/v1/status", "", 200, `{"message":"OK"}`},
		{"GET", "/v1/currencies", "", 200, `{"currencies":["btc","eth","ltc","trx","usdttrc20","usdterc20","xrp","xlm","bnbbsc","sol","doge","xmr"]}`},
		{"GET", "/v1/min-amount?currency_from=btc&fiat_equivalent=usd", "", 200, `{"currency_from":"btc","currency_to":"usdttrc20","min_amount":0.00003125,"fiat_equivalent":2}`},
		{"GET", "/v1/min-amount?currency_from=eth&currency_to=trx&is_fixed_rate=true&is_fee_paid_by_user=false", "", 200, `{"currency_from":"eth","currency_to":"trx","min_amount":0.00064516}`},
		{"GET", "/v1/estimate?amount=3999.50&currency_from=usd&currency_to=btc", "", 200, `{"currency_from":"usd","amount_from":3999.5,"currency_to":"btc","estimated_amount":0.06249219}`},
		{"GET", "/v1/estimate?amount=1&currency_from=eth&currency_to=btc", "", 200, `{"currency_from":"eth","amount_from":1,"currency_to":"btc","estimated_amount":"0.0484375"}`},
		{"POST", "/v1/payment", `{"price_amount":4.0e-1,"price_currency":"eth","pay_currency":"xlm","pay_amount":11272.7272727,"order_id":"o\u00e9","order_description":"\u2028","ipn_callback_url":"https://shop.example/ipn"}`, 201,
			`{"payment_id":"<id>","payment_status":"waiting","pay_address":"<address>","price_amount":0.4,"price_currency":"eth","pay_amount":11272.7272727,"pay_currency":"xlm","order_id":"oé","order_description":"` + "\u2028" + `","ipn_callback_url":"https://shop.example/ipn","created_at":"2026-03-14T12:00:00.000Z","updated_at":"2026-03-14T12:00:00.000Z","purchase_id":"<purchase>","amount_received":null,"payin_extra_id":"<memo>","smart_contract":null,"network":"xlm","network_precision":7,"time_limit":null,"burning_percent":null,"expiration_estimate_date":"2026-03-21T12:00:00.000Z"}`},
		{"GET", "/v1/payment/<id>", "", 200, `<payment>`},
		{"GET", "/v1/payment?limit=5", "", 200, `{"data":[<row>],"limit":5,"page":0,"pagesCount":1,"total":1}`},
		{"GET", "/v1/payment?page=3", "", 200, `{"data":[],"limit":10,"page":3,"pagesCount":1,"total":1}`},
		{"POST", "/v1/invoice", `{"price_amount":49.90,"price_currency":"eur","success_url":"https://shop.example/thanks","is_fixed_rate":true}`, 201,
			`{"id":"<invoice>","token_id":"<token>","order_id":null,"order_description":null,"price_amount":"49.9","price_currency":"eur","pay_currency":null,"ipn_callback_url":null,"invoice_url":"https://pay.example/payment/?iid=<invoice>","success_url":"https://shop.example/thanks","cancel_url":null,"partially_paid_url":null,"created_at":"2026-03-14T12:00:00.000Z","updated_at":"2026-03-14T12:00:00.000Z","is_fixed_rate":true,"is_fee_paid_by_user":false}`},
	} {
		got := s.do(t, step.method, s.fill(step.target), step.body)
		assert.Equal(t, step.status, got.status, step.target)
		assert.Equal(t, s.fill(step.want), s.fillInvoice(got.body), step.target)
		assert.Equal(t, "application/json; charset=utf-8", got.header.Get("Content-Type"))
		assert.Regexp(t, `^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`, got.header.Get("X-Request-Id"))
	}
}

// fill puts the ids of the first payment in place of their names.
func (s *site) fill(text string) string {
	all := s.engine.Payments()
	if len(all) == 0 {
		return text
	}
	p := all[0]
	row := `{"payment_id":<id>,"parent_payment_id":null,"invoice_id":null,"payment_status":"waiting","pay_address":"<address>","payin_extra_id":"<memo>","price_amount":0.4,"price_currency":"eth","pay_amount":11272.7272727,"actually_paid":0,"pay_currency":"xlm","order_id":"oé","order_description":"` + "\u2028" + `","purchase_id":<p>,"outcome_amount":null,"outcome_currency":"usdttrc20","payout_hash":null,"payin_hash":null,"created_at":"2026-03-14T12:00:00.000Z","updated_at":"2026-03-14T12:00:00.000Z","burning_percent":"null","type":"crypto2crypto","payment_extra_ids":null}`
	text = strings.NewReplacer(
		"<payment>", strings.Replace(row, "<p>", "<purchase>", 1),
		"<row>", strings.Replace(row, "<p>", `"<purchase>"`, 1),
	).Replace(text)
	return strings.NewReplacer("<id>", strconv.FormatInt(p.ID, 10), "<purchase>", strconv.FormatInt(p.PurchaseID, 10),
		"<address>", p.PayAddress, "<memo>", p.PayinExtraID).Replace(text)
}

// fillInvoice puts names in place of the ids of an invoice.
func (s *site) fillInvoice(body string) string {
	id, rest, found := strings.Cut(strings.TrimPrefix(body, `{"id":"`), `","token_id":"`)
	if !found {
		return body
	}
	token, _, _ := strings.Cut(rest, `"`)
	return strings.NewReplacer(id, "<invoice>", token, "<token>").Replace(body)
}

func TestFixedRateCurrenciesAreObjects(t *testing.T) {
	t.Parallel()
	s := newSite(t, emulator.Config{})
	require.NoError(t, s.engine.SetCurrencies("btc", "trx"))
	for query, want := range map[string]string{
		"?fixed_rate=true":  `{"currencies":[{"currency":"btc","min_amount":0.00003125,"max_amount":31.25},{"currency":"trx","min_amount":16,"max_amount":16000000}]}`,
		"?fixed_rate=false": `{"currencies":["btc","trx"]}`,
		"":                  `{"currencies":["btc","trx"]}`,
	} {
		assert.Equal(t, want, s.do(t, "GET", "/v1/currencies"+query, "").body)
	}
}

func TestPaidPaymentResponses(t *testing.T) {
	t.Parallel()
	s := newSite(t, emulator.Config{})
	s.do(t, "POST", "/v1/payment", goodPayment)
	id := s.engine.Payments()[0].ID
	for range 4 {
		_, err := s.engine.Advance(id)
		require.NoError(t, err)
	}
	child, err := s.engine.Deposit(id, s.engine.Payments()[0].PayAmount)
	require.NoError(t, err)
	paid := s.do(t, "GET", "/v1/payment/"+strconv.FormatInt(id, 10), "").body
	for _, part := range []string{
		`"payment_status":"finished"`, `"actually_paid":0.001`, `"outcome_amount":63.68`, `"payin_hash":"`, `"payout_hash":"`,
		`"payment_extra_ids":[` + strconv.FormatInt(child.ID, 10) + `]`,
	} {
		assert.Contains(t, paid, part)
	}
	assert.NotContains(t, paid, "origin_type")
	repeated := s.do(t, "GET", "/v1/payment/"+strconv.FormatInt(child.ID, 10), "").body
	assert.Contains(t, repeated, `"parent_payment_id":`+strconv.FormatInt(id, 10))
	assert.Contains(t, repeated, `"origin_type":"REPEATED"`)
}

func TestLoginOverHTTP(t *testing.T) {
	t.Parallel()
	s := newSite(t, emulator.Config{})
	account := s.engine.Account()
	login := func(email, password string) result {
		r := s.request(t, "POST", "/v1/auth", `{"email":`+strconv.Quote(email)+`,"password":`+strconv.Quote(password)+`}`)
		r.Header.Del("X-Api-Key")
		r.Header.Del("Authorization")
		return s.send(t, r)
	}
	good := login(account.Email, account.Password)
	require.Equal(t, 200, good.status)
	assert.Regexp(t, `^{"token":"[\w-]+\.[\w-]+\.[\w-]+"}$`, good.body)
	bad := login(account.Email, strings.ToUpper(account.Password))
	assert.Equal(t, rejection(401, "INVALID_CREDENTIALS", "wrong email or password"), bad.body)
	assert.Equal(t, 401, bad.status)
}

func TestWhoMayAsk(t *testing.T) {
	t.Parallel()
	s := newSite(t, emulator.Config{})
	const (
		noKey    = `401 AUTH_REQUIRED`
		wrongKey = `403 INVALID_API_KEY`
		noToken  = `401 AUTH_REQUIRED`
		badToken = `401 INVALID_ACCESS_TOKEN`
		ok       = `200`
	)
	drop := func(names ...string) func(http.Header) {
		return func(h http.Header) {
			for _, name := range names {
				h.Del(name)
			}
		}
	}
	set := func(name, value string) func(http.Header) {
		return func(h http.Header) { h.Set(name, value) }
	}
	for name, c := range map[string]struct {
		change                 func(http.Header)
		status, get, list, put string
	}{
		"everything":         {drop(), ok, ok, ok, "201"},
		"nothing":            {drop("X-Api-Key", "Authorization"), ok, noKey, noKey, noKey},
		"key only":           {drop("Authorization"), ok, ok, noToken, "201"},
		"token only":         {drop("X-Api-Key"), ok, ok, noKey, "201"},
		"wrong key":          {set("X-Api-Key", "wrong"), ok, wrongKey, wrongKey, wrongKey},
		"wrong token":        {set("Authorization", "Bearer a.b.c"), ok, ok, badToken, "201"},
		"basic credentials":  {set("Authorization", "Basic YTpi"), ok, ok, noToken, "201"},
		"scheme in any case": {func(h http.Header) { h.Set("Authorization", strings.Replace(h.Get("Authorization"), "B", "b", 1)) }, ok, ok, ok, "201"},
		"wrong token only": {func(h http.Header) { h.Del("X-Api-Key"); h.Set("Authorization", "Bearer a.b.c") },
			ok, badToken, noKey, badToken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, e := range []struct{ method, target, body, want string }{
				{"GET", "/v1/status", "", c.status},
				{"GET", "/v1/currencies", "", c.get},
				{"GET", "/v1/min-amount?currency_from=btc", "", c.get},
				{"GET", "/v1/estimate?amount=1&currency_from=usd&currency_to=btc", "", c.get},
				{"GET", "/v1/payment", "", c.list},
				{"POST", "/v1/payment", goodPayment, c.put},
				{"POST", "/v1/invoice", `{"price_amount":1,"price_currency":"usd"}`, c.put},
			} {
				r := s.request(t, e.method, e.target, e.body)
				c.change(r.Header)
				got := s.send(t, r)
				status, code, _ := strings.Cut(e.want, " ")
				assert.Equal(t, status, strconv.Itoa(got.status), e.method+e.target)
				assert.Contains(t, got.body, code)
			}
		})
	}
}

func TestUnknownEndpointsAndMethods(t *testing.T) {
	t.Parallel()
	s := newSite(t, emulator.Config{})
	for _, target := range []string{"/", "/v1", "/v1/", "/v1/payments", "/v2/status", "/v1/payment/1/2", "/v1/payment/", "//v1/status", "/v1/payment/..%2fstatus", "/v1/payment/%2e%2e", "/v1/./status"} {
		got := s.do(t, "GET", target, "")
		assert.Equal(t, 404, got.status, target)
		assert.Equal(t, rejection(404, "NOT_FOUND", "no such endpoint"), got.body, target)
	}
	for target, allow := range map[string]string{
		"/v1/status": "GET", "/v1/auth": "POST", "/v1/payment": "GET, POST", "/v1/payment/1": "GET", "/v1/invoice": "POST",
	} {
		got := s.do(t, "DELETE", target, "")
		assert.Equal(t, 405, got.status, target)
		assert.Equal(t, allow, got.header.Get("Allow"))
		assert.Equal(t, rejection(405, "METHOD_NOT_ALLOWED", "DELETE is not allowed here"), got.body)
	}
	head := s.do(t, "HEAD", "/v1/status", "")
	assert.Equal(t, 200, head.status)
	assert.Empty(t, head.body)
}

func TestBodyLimits(t *testing.T) {
	t.Parallel()
	s := newSite(t, emulator.Config{})
	fits := strings.Replace(goodPayment, "order-1", strings.Repeat("x", 100<<10-len(goodPayment)), 1)
	assert.Equal(t, 201, s.do(t, "POST", "/v1/payment", fits).status)
	before := len(s.engine.Payments())
	got := s.do(t, "POST", "/v1/payment", strings.Replace(goodPayment, "order-1", strings.Repeat("x", 100<<10), 1))
	assert.Equal(t, 413, got.status)
	assert.Equal(t, rejection(413, "PAYLOAD_TOO_LARGE", "request body is too large"), got.body)
	assert.Len(t, s.engine.Payments(), before)
}

// A client that breaks off in the middle of its body has asked nothing.
func TestHalfARequestHasNoEffect(t *testing.T) {
	t.Parallel()
	s := newSite(t, emulator.Config{})
	r := s.request(t, "POST", "/v1/payment", "")
	r.Header.Set("Content-Type", "application/json")
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader(goodPayment), brokenReader{}))
	r.ContentLength = int64(len(goodPayment) + 10)
	response, err := s.client.Do(r)
	if err == nil {
		response.Body.Close()
	}
	require.Error(t, err)
	require.Eventually(t, func() bool { return s.Count("POST", "") == 1 }, 5*time.Second, time.Millisecond)
	assert.False(t, s.Requests()[0].Handled)
	assert.Empty(t, s.engine.Payments())
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestSameSeedSameResponsesAndJournal(t *testing.T) {
	t.Parallel()
	run := func() ([]byte, []emulator.Request) {
		s := newSite(t, emulator.Config{Seed: 99})
		require.NoError(t, s.Inject(emulator.Fault{Percent: 40, Status: 503}))
		var all bytes.Buffer
		for i := range 40 {
			got := s.do(t, "POST", "/v1/payment", goodPayment)
			all.WriteString(got.body + got.header.Get("X-Request-Id"))
			all.WriteString(s.do(t, "GET", "/v1/payment?orderBy=desc&limit="+strconv.Itoa(i+1), "").body)
		}
		return all.Bytes(), s.Requests()
	}
	responses, journal := run()
	again, secondJournal := run()
	assert.Equal(t, string(responses), string(again))
	assert.Equal(t, journal, secondJournal)
	assert.Contains(t, string(responses), "SERVICE_UNAVAILABLE")
	assert.Contains(t, string(responses), "payment_id")
}
