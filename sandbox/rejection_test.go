package sandbox_test

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

// rejection is a call of the control API with the response that is due.
type rejection struct {
	method, path, body string
	status             int
	message            string // part of it
}

func (c *caller) rejects(calls []rejection) {
	c.t.Helper()
	for _, r := range calls {
		status, answer := c.call(r.method, r.path, r.body)
		assert.Equal(c.t, r.status, status, "%s %s %.60s: %s", r.method, r.path, r.body, answer)
		var told struct {
			Status     bool   `json:"status"`
			StatusCode int    `json:"statusCode"`
			Code       string `json:"code"`
			Message    string `json:"message"`
		}
		require.NoError(c.t, json.Unmarshal([]byte(answer), &told, json.RejectUnknownMembers(true)), answer)
		assert.Equal(c.t, r.status, told.StatusCode)
		assert.NotEmpty(c.t, told.Code)
		assert.Contains(c.t, told.Message, r.message)
		assert.NotContains(c.t, told.Message, "jovepaytest")
		assert.NotContains(c.t, told.Message, "unmarshal")
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
		{"POST", "payments/" + id + "/pay", `{"amount":"1"} {}`, 400, "after top-level value"},
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
