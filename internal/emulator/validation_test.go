package emulator_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/jovepay/jovepay-go/internal/emulator"
)

func TestBodiesAreReadStrictly(t *testing.T) {
	t.Parallel()
	s := newSite(t, emulator.Config{})
	const payment, invoice, auth = "/v1/payment", "/v1/invoice", "/v1/auth"
	for _, c := range []struct{ target, body, message string }{
		{payment, ` `, "request body is not valid JSON"},
		{payment, `{`, "request body is not valid JSON"},
		{payment, goodPayment + `{}`, "request body is not valid JSON"},
		{payment, goodPayment + `x`, "request body is not valid JSON"},
		{payment, "{\"order_id\":\"\xff\"}", "request body is not valid JSON"},
		{payment, `{"order_id":"\ud800"}`, "request body is not valid JSON"},
		{payment, "\ufeff" + goodPayment, "request body is not valid JSON"},
		{payment, `[]`, "request body must be a JSON object"},
		{payment, `"x"`, "request body must be a JSON object"},
		{payment, `12`, "request body must be a JSON object"},
		{payment, `{}`, "price_amount is required"},
		{payment, `{"price_amount":null}`, "price_amount is required"},
		{payment, `{"price_amount":1}`, "price_currency is required"},
		{payment, `{"price_amount":1,"price_currency":""}`, "price_currency is required"},
		{payment, `{"price_amount":1,"price_currency":"usd"}`, "pay_currency is required"},
		{payment, `{"price_amount":1,"price_amount":1}`, `field "price_amount" is given more than once`},
		{payment, `{"priceAmount":1}`, `unknown field "priceAmount"`},
		{payment, `{"PRICE_AMOUNT":1}`, `unknown field "PRICE_AMOUNT"`},
		{payment, `{"":1}`, `unknown field ""`},
		{payment, `{"price_amount":"1"}`, "price_amount must be a number"},
		{payment, `{"price_amount":true}`, "price_amount must be a number"},
		{payment, `{"price_amount":[1]}`, "price_amount must be a number"},
		{payment, `{"price_amount":{"a":{"b":1}}}`, "price_amount must be a number"},
		{payment, `{"price_amount":0}`, "price_amount must be greater than 0"},
		{payment, `{"price_amount":-5}`, "price_amount must be greater than 0"},
		{payment, `{"price_amount":1e400}`, "price_amount is too large"},
		{payment, `{"price_amount":1e99999999999}`, "price_amount must be a number"},
		{payment, `{"price_amount":0.0000000000000000001}`, "price_amount must have at most 18 decimal places"},
		{payment, `{"pay_amount":"1"}`, "pay_amount must be a number"},
		{payment, `{"pay_amount":0}`, "pay_amount must be greater than 0"},
		{payment, `{"price_currency":1}`, "price_currency must be a string"},
		{payment, `{"pay_currency":true}`, "pay_currency must be a string"},
		{payment, `{"pay_currency":["btc"]}`, "pay_currency must be a string"},
		{payment, `{"ipn_callback_url":1}`, "ipn_callback_url must be a string"},
		{payment, `{"order_id":1001}`, "order_id must be a string"},
		{payment, `{"order_description":{}}`, "order_description must be a string"},
		{payment, `{"payout_address":1}`, "payout_address must be a string"},
		{payment, `{"payout_currency":1}`, "payout_currency must be a string"},
		{payment, `{"payout_extra_id":1}`, "payout_extra_id must be a string"},
		{payment, `{"case":1}`, "case must be a string"},
		{payment, `{"purchase_id":"abc"}`, "purchase_id must be a number"},
		{payment, `{"purchase_id":1.5}`, "purchase_id must be a number"},
		{payment, `{"purchase_id":-1}`, "purchase_id must be a number"},
		{payment, `{"purchase_id":""}`, "purchase_id must be a number"},
		{payment, `{"purchase_id":[1]}`, "purchase_id must be a number"},
		{payment, `{"is_fixed_rate":"true"}`, "is_fixed_rate must be true or false"},
		{payment, `{"fixed_rate":1}`, "fixed_rate must be true or false"},
		{payment, `{"is_fee_paid_by_user":"no"}`, "is_fee_paid_by_user must be true or false"},
		{invoice, `{}`, "price_amount is required"},
		{invoice, `{"price_amount":1}`, "price_currency is required"},
		{invoice, `{"price_amount":"1"}`, "price_amount must be a number"},
		{invoice, `{"success_url":1}`, "success_url must be a string"},
		{invoice, `{"cancel_url":1}`, "cancel_url must be a string"},
		{invoice, `{"partially_paid_url":1}`, "partially_paid_url must be a string"},
		{invoice, `{"payout_address":"x"}`, `unknown field "payout_address"`},
		{invoice, `{"is_fixed_rate":0}`, "is_fixed_rate must be true or false"},
		{auth, `{}`, "email is required"},
		{auth, `{"email":"a"}`, "password is required"},
		{auth, `{"email":1}`, "email must be a string"},
		{auth, `{"email":"a","password":1}`, "password must be a string"},
		{auth, `{"email":"a","password":"b","otp":"1"}`, `unknown field "otp"`},
	} {
		got := s.do(t, "POST", c.target, c.body)
		assert.Equal(t, rejection(400, "INVALID_REQUEST_PARAMS", c.message), got.body, c.body)
		assert.Equal(t, 400, got.status)
	}
	assert.Empty(t, s.engine.Payments())
}

func TestBodiesThatAreAccepted(t *testing.T) {
	t.Parallel()
	s := newSite(t, emulator.Config{})
	for _, body := range []string{
		goodPayment,
		" \n" + goodPayment + "\t",
		`{"price_amount":64,"price_currency":"usd","pay_currency":"btc","order_id":null,"pay_amount":null,"is_fixed_rate":null,"purchase_id":null,"case":null}`,
		`{"price_amount":6.4e1,"price_currency":"USD","pay_currency":"BTC","purchase_id":"123","is_fixed_rate":true,"is_fee_paid_by_user":true}`,
		`{"price_amount":64,"price_currency":"usd","pay_currency":"btc","purchase_id":123,"fixed_rate":true,"case":"common","payout_address":"T1","payout_currency":"trx","payout_extra_id":"5"}`,
	} {
		got := s.do(t, "POST", "/v1/payment", body)
		assert.Equal(t, 201, got.status, got.body)
	}
	all := s.engine.Payments()
	assert.EqualValues(t, 123, all[3].PurchaseID)
	assert.EqualValues(t, 123, all[4].PurchaseID)
	assert.True(t, all[3].FixedRate && all[3].FeePaidByUser && all[4].FixedRate)
	assert.Equal(t, "trx", all[4].PayoutCurrency)
}

func TestContentTypeMustBeJSON(t *testing.T) {
	t.Parallel()
	s := newSite(t, emulator.Config{})
	for contentType, want := range map[string]int{
		"application/json": 201, "application/json; charset=utf-8": 201, "Application/JSON": 201,
		"": 415, "text/plain": 415, "application/x-www-form-urlencoded": 415, "application/json; =": 415, "json": 415,
	} {
		r := s.request(t, "POST", "/v1/payment", goodPayment)
		r.Header.Set("Content-Type", contentType)
		got := s.send(t, r)
		assert.Equal(t, want, got.status, contentType)
		if want == 415 {
			assert.Equal(t, rejection(415, "UNSUPPORTED_MEDIA_TYPE", "content-type must be application/json"), got.body)
		}
	}
}

func TestQueriesAreReadStrictly(t *testing.T) {
	t.Parallel()
	s := newSite(t, emulator.Config{})
	for target, message := range map[string]string{
		"/v1/status?a=1":                                                    `unknown parameter "a"`,
		"/v1/status?%zz":                                                    "query string is malformed",
		"/v1/currencies?fixed_rate=yes":                                     "fixed_rate must be false or true",
		"/v1/currencies?fixed_rate=":                                        "fixed_rate must not be empty",
		"/v1/currencies?fixed_rate=true&fixed_rate=true":                    "fixed_rate is given more than once",
		"/v1/min-amount":                                                    "currency_from is required",
		"/v1/min-amount?currency_from=btc&currency_to=":                     "currency_to must not be empty",
		"/v1/min-amount?currency_from=btc&is_fixed_rate=1":                  "is_fixed_rate must be false or true",
		"/v1/min-amount?currency_from=btc&is_fee_paid_by_user=1":            "is_fee_paid_by_user must be false or true",
		"/v1/min-amount?currency_from=btc&fiat_equivalent=eth":              "fiat_equivalent must be a fiat currency",
		"/v1/min-amount?currency_from=btc&from=x":                           `unknown parameter "from"`,
		"/v1/estimate":                                                      "amount is required",
		"/v1/estimate?amount=x&currency_from=usd&currency_to=btc":           "amount must be a number",
		"/v1/estimate?amount=-1&currency_from=usd&currency_to=btc":          "amount must be greater than 0",
		"/v1/estimate?amount=1e999999999&currency_from=usd&currency_to=btc": "amount must be a number",
		"/v1/estimate?amount=1":                                             "currency_from is required",
		"/v1/estimate?amount=1&currency_from=usd":                           "currency_to is required",
		"/v1/payment?limit=0":                                               "limit must be from 1 to 500",
		"/v1/payment?limit=501":                                             "limit must be from 1 to 500",
		"/v1/payment?limit=x":                                               "limit must be a number",
		"/v1/payment?limit=99999999999999999999":                            "limit must be a number",
		"/v1/payment?page=-1":                                               "page must not be negative",
		"/v1/payment?page=1.5":                                              "page must be a number",
		"/v1/payment?sortBy=color":                                          `sortBy "color" is not a field to sort by`,
		"/v1/payment?sort_by=created_at":                                    `unknown parameter "sort_by"`,
		"/v1/payment?orderBy=up":                                            "orderBy must be asc or desc",
		"/v1/payment?dateFrom=yesterday":                                    "dateFrom must be a date (YYYY-MM-DD) or an RFC 3339 time",
		"/v1/payment?dateTo=2026-02-30":                                     "dateTo must be a date (YYYY-MM-DD) or an RFC 3339 time",
		"/v1/payment?dateFrom=2026-03-02&dateTo=2026-03-01":                 "dateFrom must not be after dateTo",
		"/v1/payment?invoiceId=abc":                                         "invoiceId must be a number",
		"/v1/payment/abc":                                                   "payment id must be a number",
		"/v1/payment/1.0":                                                   "payment id must be a number",
		"/v1/payment/99999999999999999999":                                  "payment id must be a number",
		"/v1/payment/1?a=1":                                                 `unknown parameter "a"`,
	} {
		got := s.do(t, "GET", target, "")
		assert.Equal(t, rejection(400, "INVALID_REQUEST_PARAMS", message), got.body, target)
		assert.Equal(t, 400, got.status)
	}
	got := s.do(t, "POST", "/v1/payment?dry=1", goodPayment)
	assert.Equal(t, rejection(400, "INVALID_REQUEST_PARAMS", `unknown parameter "dry"`), got.body)
}

func TestOtherRejections(t *testing.T) {
	t.Parallel()
	s := newSite(t, emulator.Config{})
	for _, c := range []struct {
		method, target, body string
		want                 string
	}{
		{"GET", "/v1/payment/1", "", rejection(404, "PAYMENT_NOT_FOUND", "payment 1 not found")},
		{"GET", "/v1/estimate?amount=1&currency_from=usd&currency_to=zzz", "", rejection(400, "CURRENCY_UNAVAILABLE", `currency_to: currency "zzz" is not available`)},
		{"POST", "/v1/payment", `{"price_amount":1,"price_currency":"usd","pay_currency":"btc"}`, rejection(400, "AMOUNT_MINIMAL_ERROR", "pay_amount 0.00001563 btc is less than minimal: 0.00003125")},
	} {
		assert.Equal(t, c.want, s.do(t, c.method, c.target, c.body).body)
	}
}

func TestDatesOfTheList(t *testing.T) {
	t.Parallel()
	s := newSite(t, emulator.Config{}) // it is 2026-03-14T12:00:00Z
	s.do(t, "POST", "/v1/payment", goodPayment)
	for query, total := range map[string]string{
		"dateFrom=2026-03-14&dateTo=2026-03-14":             `"total":1}`,
		"dateTo=2026-03-13":                                 `"total":0}`,
		"dateFrom=2026-03-15":                               `"total":0}`,
		"dateTo=2026-03-14T12:00:00Z":                       `"total":1}`,
		"dateTo=2026-03-14T11:59:59.999Z":                   `"total":0}`,
		"dateFrom=2026-03-14T12:00:00.001Z":                 `"total":0}`,
		"dateFrom=2026-03-14T14:00:00%2B02:00":              `"total":1}`,
		"invoiceId=5":                                       `"total":0}`,
		"sortBy=pay_amount&orderBy=desc&limit=500&page=0":   `"total":1}`,
		"sortBy=created_at&orderBy=asc&dateFrom=2020-01-01": `"total":1}`,
	} {
		assert.Contains(t, s.do(t, "GET", "/v1/payment?"+query, "").body, total, query)
	}
}
