package sandbox_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
	"github.com/jovepay/jovepay-go/sandbox"
	"github.com/jovepay/jovepay-go/sandbox/internal/control"
)

// caller makes calls of the control API.
type caller struct {
	*sandbox.Sandbox
	t    *testing.T
	http *http.Client
}

func newCaller(t *testing.T, opts ...jovepaytest.Option) *caller {
	t.Helper()
	return &caller{newSandbox(t, opts...), t, browser(t)}
}

// call returns status and body of the response.
func (c *caller) call(method, path, body string) (int, string) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.URL+"/sandbox/v1/"+path, strings.NewReader(body))
	require.NoError(c.t, err)
	resp, err := c.http.Do(req)
	require.NoError(c.t, err)
	defer resp.Body.Close()
	response, err := io.ReadAll(resp.Body)
	require.NoError(c.t, err)
	return resp.StatusCode, string(response)
}

// must is a call that succeeds; the response is read into target, if there is
// one.
func (c *caller) must(method, path, body string, target any) {
	c.t.Helper()
	status, response := c.call(method, path, body)
	require.Less(c.t, status, 300, "%s %s: %s", method, path, response)
	if target == nil {
		assert.Equal(c.t, http.StatusNoContent, status, response)
		return
	}
	require.NoError(c.t, json.Unmarshal([]byte(response), target), response)
}

// payment makes one that waits for btc.
func (c *caller) payment(callback string) *jovepay.Payment {
	c.t.Helper()
	return c.paymentIn("btc", callback)
}

func (c *caller) paymentIn(coin, callback string) *jovepay.Payment {
	c.t.Helper()
	client, err := c.Client()
	require.NoError(c.t, err)
	p, err := client.Payments.Create(c.t.Context(), jovepay.PaymentRequest{
		PriceAmount: jovepay.MustAmount("64"), PriceCurrency: "usd", PayCurrency: coin, OrderID: "A-1", IPNCallbackURL: callback,
	})
	require.NoError(c.t, err)
	return p
}

// Every response about a payment is the API's own.
func TestControlPayments(t *testing.T) {
	t.Parallel()
	c := newCaller(t, jovepaytest.WithFrozenClock(time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)))
	var p jovepay.Payment
	step := func(id jovepay.ID, what, body string, status jovepay.PaymentStatus, paid string) {
		t.Helper()
		p = jovepay.Payment{}
		c.must("POST", "payments/"+id.String()+"/"+what, body, &p)
		assert.Equal(t, status, p.Status)
		assert.Equal(t, paid, p.ActuallyPaid.String())
		shown, err := c.Payment(p.ID)
		require.NoError(t, err)
		_, response := c.call("POST", "payments/"+p.ID.String()+"/status", `{"status":"`+string(status)+`"}`)
		assert.JSONEq(t, string(shown.Raw), response)
	}
	id := c.payment("").ID
	step(id, "pay", "", "finished", "0.001")
	step(id, "refund", "", "refunded", "0.001")
	step(id, "pay", `{"amount":0.0005}`, "finished", "0.0005")
	assert.Equal(t, id, p.ParentPaymentID)
	step(c.payment("").ID, "pay", `{"amount":"0.0005"}`, "partially_paid", "0.0005")
	id = c.payment("").ID
	step(id, "deposit", "{}", "confirming", "0.001")
	step(id, "advance", "", "confirmed", "0.001")
	step(id, "status", `{"status":"odd"}`, "odd", "0.001")
	id = c.payment("").ID
	step(id, "wrong-asset", `{"currency":"eth","amount":"0.01"}`, "confirming", "0.01")
	assert.Equal(t, "eth", p.PayCurrency)
	step(id, "expire", "", "expired", "0")

	client, err := c.Client()
	require.NoError(t, err)
	invoice, err := client.Invoices.Create(t.Context(), jovepay.InvoiceRequest{PriceAmount: jovepay.MustAmount("5"), PriceCurrency: "usd"})
	require.NoError(t, err)
	c.must("POST", "invoices/"+invoice.ID.String()+"/checkout", `{"pay_currency":"trx"}`, &p)
	assert.Equal(t, invoice.ID, p.InvoiceID)
}

func TestControlTransfers(t *testing.T) {
	t.Parallel()
	c := newCaller(t)
	var w jovepay.WithdrawalEvent
	c.must("POST", "withdrawals", `{"currency":"trx","amount":50,"address":"there","extra_id":"7"}`, &w)
	assert.Equal(t, jovepay.WithdrawalStatus("CREATING"), w.Status)
	c.must("POST", "withdrawals/"+w.ID.String()+"/status", `{"status":"FINISHED"}`, &w)
	assert.Equal(t, jovepay.WithdrawalStatus("FINISHED"), w.Status)
	assert.Equal(t, "50", w.Amount.String())
	assert.NotEmpty(t, w.Hash)
	var r jovepay.RecurringPaymentEvent
	c.must("POST", "recurring", `{"currency":"trx","amount":"12.5"}`, &r)
	c.must("POST", "recurring/"+r.ID.String()+"/status", `{"status":"FINISHED"}`, &r)
	assert.Equal(t, "12.5", r.Amount.String())
	status, _ := c.call("POST", "recurring/"+w.ID.String()+"/status", `{"status":"FINISHED"}`)
	assert.Equal(t, http.StatusNotFound, status)
}

func TestControlSettings(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)
	c := newCaller(t, jovepaytest.WithFrozenClock(at))
	account := map[string]string{}
	c.must("GET", "account", "", &account)
	assert.Equal(t, map[string]string{
		"base_url": c.URL, "api_key": c.APIKey, "email": c.Email, "password": c.Password, "ipn_secret": c.IPNSecret,
	}, account)

	c.must("PUT", "prices/btc", `{"usd":"50000"}`, nil)
	c.must("PUT", "prices/new", `{"usd":2}`, nil)
	c.must("PUT", "minimums/new", `{"amount":"3"}`, nil)
	c.must("PUT", "currencies", `{"currencies":["btc","new"]}`, nil)
	coins, err := c.Currencies()
	require.NoError(t, err)
	require.Len(t, coins, 2)
	assert.Equal(t, "0.00004", coins[0].MinAmount.String())
	assert.Equal(t, "3", coins[1].MinAmount.String())
	c.must("PUT", "minimums/new", `{"amount":null}`, nil)
	coins, err = c.Currencies()
	require.NoError(t, err)
	assert.Equal(t, "1", coins[1].MinAmount.String())

	var clock struct {
		Now time.Time `json:"now"`
	}
	c.must("GET", "clock", "", &clock)
	assert.Equal(t, at, clock.Now)
	p := c.payment("")
	c.must("POST", "clock", `{"advance":"200h"}`, &clock)
	assert.Equal(t, at.Add(200*time.Hour), clock.Now)
	p, err = c.Payment(p.ID)
	require.NoError(t, err)
	assert.Equal(t, jovepay.PaymentExpired, p.Status)

	c.must("POST", "faults", `{"method":"GET","path":"/v1/status","times":2,"status":429,"header":{"Retry-After":["7"]},"body":"slow"}`, nil)
	resp, err := c.http.Get(c.URL + "/v1/status")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, http.StatusTooManyRequests, resp.StatusCode)
	assert.Equal(t, "7", resp.Header.Get("Retry-After"))
	c.must("DELETE", "faults", "", nil)
	resp, err = c.http.Get(c.URL + "/v1/status")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, http.StatusOK, resp.StatusCode)
}

// listener is a shop that keeps what it was sent.
func listener(t *testing.T) (address string, bodies func() []string) {
	t.Helper()
	got := make(chan string, 100)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- r.Header.Get("x-jovepay-sig") + " " + string(body)
	}))
	t.Cleanup(s.Close)
	return s.URL, func() []string {
		var all []string
		for len(got) > 0 {
			all = append(all, <-got)
		}
		return all
	}
}

func TestControlNotifications(t *testing.T) {
	t.Parallel()
	c := newCaller(t, jovepaytest.WithIPNRetries(0, 0))
	shop, received := listener(t)
	c.payment(shop)
	require.NoError(t, c.WaitDeliveries(t.Context()))
	first := received()
	require.Len(t, first, 1)
	c.must("POST", "ipn/1/redeliver", "", nil)
	assert.Equal(t, first, received(), "byte for byte")

	c.must("PUT", "ipn", `{"copies":2,"forms":["raw"],"lose":{"next":1},"corrupt":{"next":0},"forge":{"percent":0},"delay":"1ms"}`, nil)
	status, response := c.call("POST", "ipn/send", `{"url":"`+shop+`","body":{"some": "thing"}}`)
	assert.Equal(t, http.StatusBadGateway, status)
	assert.Contains(t, response, "lost")
	sent := received()
	require.Len(t, sent, 1, "one of two copies was lost")
	assert.True(t, strings.HasSuffix(sent[0], `{"some": "thing"}`), sent[0])
	c.must("PUT", "ipn", "", nil)
	for kind, member := range map[string]string{"payment": `"order_id":"B-7"`, "withdrawal": `"status":"FAILED"`, "recurring": `"amount":"12.5"`} {
		c.must("POST", "ipn/send", `{"url":"`+shop+`","kind":"`+kind+`","with":{`+member+`}}`, nil)
		sent := received()
		require.Len(t, sent, 1)
		assert.Contains(t, sent[0], member)
	}

	var list struct {
		Deliveries []struct {
			Number     int    `json:"number"`
			RepeatOf   int    `json:"repeat_of"`
			Outcome    string `json:"outcome"`
			StatusCode int    `json:"status_code"`
		} `json:"deliveries"`
	}
	_, response = c.call("GET", "deliveries", "")
	require.NoError(t, json.Unmarshal([]byte(response), &list))
	require.Len(t, list.Deliveries, len(c.Deliveries()))
	assert.Equal(t, 1, list.Deliveries[1].RepeatOf)
	assert.Equal(t, "delivered", list.Deliveries[0].Outcome)
	assert.Equal(t, 200, list.Deliveries[0].StatusCode)

	var broken atomic.Int32
	closed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		broken.Add(1)
		w.WriteHeader(http.StatusTeapot)
	}))
	t.Cleanup(closed.Close)
	status, response = c.call("POST", "ipn/send", `{"url":"`+closed.URL+`","kind":"payment"}`)
	assert.Equal(t, http.StatusBadGateway, status)
	assert.Contains(t, response, "418")
	assert.EqualValues(t, 1, broken.Load())
	c.must("PUT", "ipn", `{"retries":2,"interval":"0s"}`, nil)
	_, response = c.call("POST", "ipn/send", `{"url":"`+closed.URL+`","kind":"payment"}`)
	assert.Contains(t, response, "given up after attempt 3")
	assert.EqualValues(t, 4, broken.Load())
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or it would not notice the end
		<-r.Context().Done()
	}))
	t.Cleanup(silent.Close)
	c.must("PUT", "ipn", `{"timeout":"10ms"}`, nil)
	_, response = c.call("POST", "ipn/send", `{"url":"`+silent.URL+`","kind":"payment"}`)
	assert.Contains(t, response, "given up after attempt 1: no response within 10ms")
}

// filling is a state whose disk is full, once it is.
type filling struct{ full atomic.Bool }

func (*filling) Load(context.Context) ([]jovepaytest.StateRecord, error) { return nil, nil }

func (f *filling) Save(context.Context, []jovepaytest.StateRecord) error {
	if f.full.Load() {
		return errors.New("disk is full")
	}
	return nil
}

func TestStateFails(t *testing.T) {
	t.Parallel()
	disk := new(filling)
	s, err := sandbox.New(sandbox.WithServer(jovepaytest.WithState(disk)))
	require.NoError(t, err)
	c := &caller{s, t, browser(t)}
	p := c.payment("")
	disk.full.Store(true)
	status, response := c.call("POST", "payments/"+p.ID.String()+"/pay", "")
	assert.Equal(t, http.StatusInternalServerError, status)
	assert.Contains(t, response, "disk is full")
	shop := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(shop.Close)
	for _, r := range [][3]string{
		{"PUT", "prices/btc", `{"usd":1}`},
		{"PUT", "ipn", ""},
		{"PUT", "token-lifetime", `{"lifetime":"9s"}`},
		{"POST", "faults", `{"cut":true}`},
		{"DELETE", "faults", ""},
		{"POST", "ipn/send", `{"kind":"payment","url":"` + shop.URL + `"}`},
		{"POST", "ipn/1/redeliver", ""},
	} {
		status, response := c.call(r[0], r[1], r[2])
		assert.Equal(t, http.StatusInternalServerError, status, r)
		assert.Contains(t, response, "disk is full", r)
	}
	resp, err := c.http.PostForm(s.URL+"/payment/act", url.Values{"pid": {p.ID.String()}, "do": {"twice"}})
	require.NoError(t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, errors.Join(err, resp.Body.Close()))
	assert.Equal(t, http.StatusInternalServerError, resp.StatusCode)
	assert.Contains(t, string(body), "disk is full")
	assert.ErrorContains(t, s.Close(), "disk is full")
}

// A journal that is done again on a fresh sandbox comes out the same.
func TestControlJournal(t *testing.T) {
	t.Parallel()
	at := jovepaytest.WithFrozenClock(time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC))
	first := newCaller(t, at)
	p := first.payment("")
	var response jovepay.Payment
	first.must("POST", "payments/"+p.ID.String()+"/pay", `{"amount":"0.0009"}`, &response)
	first.must("POST", "payments/"+p.ID.String()+"/pay", "", &response)
	status, journal := first.call("GET", "journal", "")
	require.Equal(t, http.StatusOK, status)
	for _, secret := range []string{first.APIKey, first.Password, first.IPNSecret} {
		assert.NotContains(t, journal, secret)
	}
	type result struct {
		Differences []struct {
			Line int    `json:"line"`
			Text string `json:"text"`
		} `json:"differences"`
	}
	var same result
	newCaller(t, at).must("POST", "replay", journal, &same)
	assert.Empty(t, same.Differences)
	var other result
	newCaller(t, at, jovepaytest.WithSeed(7)).must("POST", "replay", journal, &other)
	require.NotEmpty(t, other.Differences)
	assert.Equal(t, 1, other.Differences[0].Line)
	assert.Contains(t, other.Differences[0].Text, "POST /v1/payment")
}

var update = flag.Bool("update", false, "write the tables of docs/sandbox.md")

// tables returns what docs/sandbox.md says about the calls, by the names of the
// places where it does.
func tables() map[string]string {
	actions := make(map[string]jovepaytest.Action)
	tables := make(map[string]string)
	for _, a := range jovepaytest.Actions() {
		actions[a.Route] = a
		rows := "| member | value | meaning |\n| --- | --- | --- |\n"
		for _, argument := range a.Arguments {
			value := argument.Placeholder
			if value == "" {
				value = "boolean"
			}
			rows += fmt.Sprintf("| `%s` | %s | %s |\n", argument.Name, value, argument.Usage)
		}
		tables[a.Name] = rows
	}
	calls := "| call | arguments | does | returns |\n| --- | --- | --- | --- |\n"
	for _, r := range control.Routes() {
		call := r.Method + " " + r.Path
		var arguments []string
		for _, argument := range actions[call].Arguments {
			switch name := "`" + argument.Name + "`"; {
			case strings.Contains(call, "{"+argument.Name+"}"):
			case len(actions[call].Arguments) > 6: // in a separate table
				arguments = []string{"see below"}
			case argument.Optional:
				arguments = append(arguments, "["+name+"]")
			default:
				arguments = append(arguments, name)
			}
		}
		calls += fmt.Sprintf("| `%s` | %s | %s | %s |\n", call, strings.Join(arguments, " "), r.Does, r.Returns)
	}
	tables["calls"] = calls
	return tables
}

// docs/sandbox.md has the tables that the actions give; -update writes them.
func TestDocumentedTables(t *testing.T) {
	t.Parallel()
	const file = "../docs/sandbox.md"
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	all, found := tables(), 0
	places := regexp.MustCompile(`(?s)<!-- begin (\w+) -->\n(.*?)<!-- end \w+ -->`)
	want := places.ReplaceAllStringFunc(string(text), func(place string) string {
		found++
		name := places.FindStringSubmatch(place)[1]
		return "<!-- begin " + name + " -->\n" + all[name] + "<!-- end " + name + " -->"
	})
	require.Equal(t, 4, found)
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(want), 0o600))
		return
	}
	assert.Equal(t, want, string(text), "go test -run TestDocumentedTables -update writes the tables")
}

// Each example of docs/sandbox.md works, and each call has one.
func TestDocumentedExamples(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/sandbox.md")
	require.NoError(t, err)
	var there []string
	mux := http.NewServeMux()
	for _, r := range control.Routes() {
		there = append(there, r.Method+" "+r.Path)
		mux.HandleFunc(r.Method+" /sandbox/v1/"+r.Path, http.NotFound)
	}

	c := newCaller(t, jovepaytest.WithIPNRetries(0, 0))
	client, err := c.Client()
	require.NoError(t, err)
	invoice, err := client.Invoices.Create(t.Context(), jovepay.InvoiceRequest{PriceAmount: jovepay.MustAmount("5"), PriceCurrency: "usd"})
	require.NoError(t, err)
	shop, _ := listener(t)
	withdrawal, err := c.Withdraw(jovepaytest.WithdrawalRequest{Currency: "trx", Amount: jovepay.MustAmount("1"), Address: "there"})
	require.NoError(t, err)
	recurring, err := c.Recur(jovepaytest.RecurringRequest{Currency: "trx", Amount: jovepay.MustAmount("1")})
	require.NoError(t, err)
	fill := strings.NewReplacer("http://127.0.0.1:4010", c.URL,
		"$MEMO", c.paymentIn("xrp", shop).ID.String(), "$PAYMENT", c.payment(shop).ID.String(), "$WAITING", c.payment(shop).ID.String(), "$LATE", c.payment("").ID.String(),
		"$INVOICE", invoice.ID.String(), "$WITHDRAWAL", withdrawal.ID.String(), "$RECURRING", recurring.ID.String(), "'$SHOP'", shop)
	example := regexp.MustCompile(`(?m)^curl (?:-X ([A-Z]+) ?)?(?:-d '(.*)' |--data-binary (@journal\.jsonl) )?(http\S+)$`)
	tried := map[string]bool{}
	lines := regexp.MustCompile(`(?m)^curl .*$`).FindAllString(string(text), -1)
	for _, line := range lines {
		line = fill.Replace(line)
		m := example.FindStringSubmatch(line)
		require.NotNil(t, m, line)
		method, body, path := m[1], m[2], strings.TrimPrefix(m[4], c.URL+"/sandbox/v1/")
		if method == "" {
			method = "GET"
			if body+m[3] != "" {
				method = "POST"
			}
		}
		to := c
		if m[3] != "" { // on a fresh one
			_, body = c.call("GET", "journal", "")
			to = newCaller(t)
		}
		status, response := to.call(method, path, body)
		assert.Less(t, status, 300, "%s: %s", line, response)
		require.NoError(t, c.WaitDeliveries(t.Context()))
		req := httptest.NewRequest(method, "/sandbox/v1/"+path, nil)
		_, pattern := mux.Handler(req)
		tried[strings.Replace(pattern, "/sandbox/v1/", "", 1)] = true
	}
	for _, call := range there {
		assert.True(t, tried[call], "no example of %s", call)
	}
}

// rejection is a call of the control API with the response that is due.
type rejection struct {
	method, path, body string
	status             int
	message            string // part of it
}

func (c *caller) rejects(calls []rejection) {
	c.t.Helper()
	for _, r := range calls {
		status, response := c.call(r.method, r.path, r.body)
		assert.Equal(c.t, r.status, status, "%s %s %.60s: %s", r.method, r.path, r.body, response)
		var rejected struct {
			Status     bool   `json:"status"`
			StatusCode int    `json:"statusCode"`
			Code       string `json:"code"`
			Message    string `json:"message"`
		}
		require.NoError(c.t, json.Unmarshal([]byte(response), &rejected, json.RejectUnknownMembers(true)), response)
		assert.Equal(c.t, r.status, rejected.StatusCode)
		assert.NotEmpty(c.t, rejected.Code)
		assert.Contains(c.t, rejected.Message, r.message)
		assert.NotContains(c.t, rejected.Message, "jovepaytest")
		assert.NotContains(c.t, rejected.Message, "unmarshal")
	}
}

func TestControlRejectsForPayments(t *testing.T) {
	t.Parallel()
	c := newCaller(t)
	id := c.payment("").ID.String()
	c.rejects([]rejection{
		{"POST", "payments/" + id + "/rob", "", 404, ""},
		{"GET", "payments/" + id + "/pay", "", 405, "GET is not allowed"},
		{"POST", "payments/1/pay", "", 404, "payment 1 not found"},
		{"POST", "payments/x/pay", "", 400, "not a number"},
		{"POST", "payments/" + id + "/pay", "{", 400, ""},
		{"POST", "payments/" + id + "/pay", "[]", 400, "the arguments must be an object"},
		{"POST", "payments/" + id + "/pay", " null ", 400, "the arguments must be an object"},
		{"POST", "payments/" + id + "/refund", "null", 400, "the arguments must be an object"},
		{"POST", "payments/" + id + "/pay", `{"amount":"1"} {}`, 400, "after top-level value after offset 15"},
		{"POST", "payments/" + id + "/pay", `{"id":"1"}`, 400, "duplicate"},
		{"POST", "payments/%FF/pay", "", 400, "id: want text in UTF-8"},
		{"POST", "payments/" + id + "/pay", `{"amount":"1","amount":"2"}`, 400, "duplicate"},
		{"POST", "payments/" + id + "/pay", `{"amuont":"1"}`, 400, `unknown argument "amuont"`},
		{"POST", "payments/" + id + "/pay", `{"Amount":"1"}`, 400, "Amount"},
		{"POST", "payments/" + id + "/pay", `{"amount":"x"}`, 400, "amount: "},
		{"POST", "payments/" + id + "/pay", `{"amount":"-1"}`, 400, ""},
		{"POST", "payments/" + id + "/pay", `{"amount":"0.123456789"}`, 400, "8 decimal places"},
		{"POST", "payments/" + id + "/pay", `{"amount":"` + strings.Repeat("1", 70<<10) + `"}`, 413, ""},
		{"POST", "payments/" + id + "/wrong-asset", `{"currency":"btc"}`, 400, "btc"},
		{"POST", "payments/" + id + "/refund", "", 400, "nothing to refund"},
		{"POST", "payments/" + id + "/refund", `{"why":"not"}`, 400, "why"},
		{"POST", "payments/" + id + "/status", "", 400, "status"},
	})
	p, err := c.Payment(jovepay.ID(id))
	require.NoError(t, err)
	assert.Equal(t, jovepay.PaymentWaiting, p.Status)
}

func TestControlRejectsForNotifications(t *testing.T) {
	t.Parallel()
	newCaller(t).rejects([]rejection{
		{"PUT", "ipn", "null", 400, "the arguments must be an object"},
		{"PUT", "ipn", `{"forms":["none"]}`, 400, "none"},
		{"PUT", "ipn", `{"copies":-1}`, 400, ""},
		{"PUT", "ipn", `{"retries":-1}`, 400, "retries"},
		{"PUT", "ipn", `{"interval":"-1s"}`, 400, "interval"},
		{"PUT", "ipn", `{"timeout":"-1s"}`, 400, "timeout"},
		{"PUT", "ipn", `{"timeout":5}`, 400, "timeout: "},
		{"POST", "ipn/send", `{"kind":"payment"}`, 400, "url"},
		{"POST", "ipn/send", `{"url":"http://127.0.0.1:1"}`, 400, "want one of kind, body and text"},
		{"POST", "ipn/send", `{"url":"http://127.0.0.1:1","kind":"payment","body":{}}`, 400, "want one of kind, body and text"},
		{"POST", "ipn/send", `{"url":"http://127.0.0.1:1","kind":"letter"}`, 400, "letter"},
		{"POST", "ipn/send", `{"url":"http://127.0.0.1:1","body":{},"with":{}}`, 400, "with"},
		{"POST", "ipn/send", `{"url":"http://127.0.0.1:1","kind":"payment","with":[]}`, 400, "with"},
		{"POST", "ipn/1/redeliver", "", 404, "notification"},
		{"POST", "ipn/x/redeliver", "", 400, "number: want a whole number"},
		{"POST", "replay", "no journal", 400, "line 1"},
	})
}

func TestControlRejectsForTheRest(t *testing.T) {
	t.Parallel()
	newCaller(t).rejects([]rejection{
		{"GET", "", "", 404, "docs/sandbox.md"},
		{"GET", "nothing", "", 404, ""},
		{"DELETE", "clock", "", 405, ""},
		{"POST", "invoices/1/checkout", "", 404, "invoice 1 not found"},
		{"POST", "withdrawals", "", 400, ""},
		{"POST", "withdrawals/1/status", `{"status":"FINISHED"}`, 404, ""},
		{"POST", "recurring", `{"currency":"usd","amount":1}`, 400, "usd"},
		{"POST", "recurring/1/status", `{"status":"FINISHED"}`, 404, ""},
		{"PUT", "prices/btc", `{"usd":null}`, 400, ""},
		{"PUT", "prices/a%20b", `{"usd":1}`, 400, "letters"},
		{"PUT", "minimums/none", `{"amount":1}`, 400, "none"},
		{"PUT", "currencies", `{"currencies":["none"]}`, 400, "none"},
		{"PUT", "currencies", "", 400, "currencies is required"},
		{"PUT", "currencies", `{"currencies":null}`, 400, "currencies is required"},
		{"POST", "clock", `{"advance":"tomorrow"}`, 400, "duration"},
		{"POST", "clock", `{"advance":"-1s"}`, 400, "forward"},
		{"POST", "clock", `{"advance":7}`, 400, "advance: want a duration"},
		{"PUT", "token-lifetime", "", 400, "lifetime is required"},
		{"PUT", "token-lifetime", `{"lifetime":"0s"}`, 400, "whole seconds"},
		{"PUT", "token-lifetime", `{"lifetime":"1.5s"}`, 400, "whole seconds"},
		{"POST", "faults", `{"times":"once"}`, 400, "times must not be of the type string"},
		{"POST", "faults", `{"percent":200}`, 400, ""},
	})
}
