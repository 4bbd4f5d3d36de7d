package jovepay_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

const settleWindow = 16 * time.Second

// till is a JovePay in this process, whose creates and lists do as scripted. Its
// clock is this machine's, moved by skew; its rows are as paymentFor makes them.
type till struct {
	mu      sync.Mutex
	creates int
	looks   []time.Time // at the list, whatever number of requests one takes
	from    string      // dateFrom of the last request

	create  func(n int) canned
	lose    func(n int) canned // how assertVerdict has the first create lost; nil: without a response
	list    func(look int) canned
	get     func(id jovepay.ID) canned // nil: whole
	skew    time.Duration
	undated bool // no response has a Date
}

func (c *till) respond(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	res, err := c.serve(r).response()
	if err == nil && !c.undated {
		res.Header.Set("Date", time.Now().Add(c.skew).UTC().Format(http.TimeFormat))
	}
	return res, err
}

func (c *till) serve(r *http.Request) canned {
	id, ofOne := strings.CutPrefix(r.URL.Path, "/v1/payment/")
	switch {
	case r.URL.Path == "/v1/auth":
		return canned{status: http.StatusOK, body: `{"token":"` + token() + `"}`}
	case r.Method == http.MethodPost && r.URL.Path == "/v1/payment":
		c.creates++
		return c.create(c.creates)
	case r.URL.Path == "/v1/payment":
		c.from = r.URL.Query().Get("dateFrom")
		if n := len(c.looks); n == 0 || time.Since(c.looks[n-1]) > time.Millisecond {
			c.looks = append(c.looks, time.Now())
		}
		return c.list(len(c.looks))
	case ofOne && c.get != nil:
		return c.get(jovepay.ID(id))
	case ofOne:
		return whole(jovepay.ID(id))
	}
	return canned{status: http.StatusTeapot}
}

// whole is a payment for order-1 as a whole, as a list may not show it.
func whole(id jovepay.ID, changes ...func(*jovepay.Payment)) canned {
	p := paymentFor("order-1", id)
	p.PayAddress, p.PayinExtraID = "bc1qexample", "77"
	for _, change := range changes {
		change(&p)
	}
	body, err := jsonv2.Marshal(p)
	return canned{status: http.StatusOK, body: string(body), err: err}
}

// order makes the payment for order-1.
func (c *till) order(ctx context.Context, t *testing.T) (*jovepay.Payment, error) {
	t.Helper()
	return c.client(t).Payments.CreateOnce(ctx, goods("order-1"))
}

func (c *till) client(t *testing.T) *jovepay.Client {
	t.Helper()
	return newClient(t, jovepay.DefaultBaseURL, jovepay.WithCredentials(email, password), jovepay.WithSettleWindow(settleWindow),
		jovepay.WithHTTPClient(&http.Client{Transport: roundTripper(c.respond)}), quickly)
}

// paymentFor is what goods(orderID) leads to.
func paymentFor(orderID string, id jovepay.ID) jovepay.Payment {
	want := goods(orderID)
	return jovepay.Payment{
		ID: id, OrderID: orderID, Status: jovepay.PaymentWaiting, CreatedAt: jovepay.Time{Time: time.Now().UTC()},
		PriceAmount: want.PriceAmount, PriceCurrency: want.PriceCurrency, PayCurrency: want.PayCurrency,
	}
}

func showing(rows ...jovepay.Payment) func(int) canned {
	body, err := jsonv2.Marshal(map[string]any{"data": append([]jovepay.Payment{}, rows...), "total": len(rows), "pagesCount": 1})
	return func(int) canned { return canned{status: http.StatusOK, body: string(body), err: err} }
}

func losing(int) canned { return lost }

// losingLate loses the response at a time that no longer tells when the call began.
func losingLate(int) canned {
	time.Sleep(45 * time.Second) //nolint:forbidigo // fake time
	return lost
}

func saying(status int, body string) func(int) canned {
	return func(int) canned { return canned{status: status, body: body} }
}

// after responds in one way to the first n requests, and then in another.
func after(n int, first, then func(int) canned) func(int) canned {
	return func(i int) canned {
		if i <= n {
			return first(i)
		}
		return then(i - n)
	}
}

func TestCreateOnceWithoutTrouble(t *testing.T) {
	t.Parallel()
	server := &till{create: saying(http.StatusCreated, `{"payment_id":7}`)}
	payment, err := server.order(t.Context(), t)
	require.NoError(t, err)
	assert.Equal(t, jovepay.ID("7"), payment.ID)
	assert.Equal(t, 1, server.creates)
	assert.Empty(t, server.looks, "the list is for doubt only")
}

func TestCreateOncePassesClearRejectionsOn(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]error{400: jovepay.ErrInvalidRequest, 401: jovepay.ErrUnauthorized, 403: jovepay.ErrForbidden} {
		server := &till{create: saying(status, `{"message":"no"}`)}
		_, err := server.order(t.Context(), t)
		assertIs(t, err, want)
		assert.Empty(t, server.looks)
	}
}

func TestCreateOnceFindsWhatWasMade(t *testing.T) {
	t.Parallel()
	for _, unknown := range []func(int) canned{
		losing, saying(500, ""), saying(502, "<html>"), saying(408, ""), saying(200, "garbage"), saying(200, `{}`), saying(302, ""),
		saying(201, `{"payment_id":"7","pay_add`), saying(201, `{"payment_id":8,"order_id":"order-2"}`),
	} {
		for appears := range 6 { // at which look
			synctest.Test(t, func(t *testing.T) {
				server := &till{create: unknown, list: after(appears, showing(paymentFor("order-2", "6")), showing(paymentFor("order-2", "6"), paymentFor("order-1", "7")))}
				payment, err := server.order(t.Context(), t)
				require.NoError(t, err)
				assert.Equal(t, jovepay.ID("7"), payment.ID)
				assert.Equal(t, "bc1qexample", payment.PayAddress, "the whole payment")
				assert.Equal(t, "77", payment.PayinExtraID)
				assert.Equal(t, 1, server.creates)
				assert.Len(t, server.looks, appears+1)
			})
		}
	}
}

func TestCreateOnceCreatesAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		server := &till{create: after(2, losing, saying(201, `{"payment_id":"7"}`)), list: showing(paymentFor("order-2", "6"))}
		payment, err := server.order(t.Context(), t)
		require.NoError(t, err)
		assert.Equal(t, jovepay.ID("7"), payment.ID)
		assert.Equal(t, 3, server.creates)
		assert.GreaterOrEqual(t, time.Since(start), 2*settleWindow, "not before the window was over, each time")
		assert.Zero(t, server.looks[0].Sub(start), "the first look is at once")
		assert.LessOrEqual(t, len(server.looks), 16)
		for _, end := range []time.Duration{settleWindow, 2 * settleWindow} {
			atTheEnd := func(look time.Time) bool { return look.Sub(start) >= end && look.Sub(start) < end+time.Second }
			assert.True(t, slices.ContainsFunc(server.looks, atTheEnd), "the last look is at the end: %v", server.looks)
		}
	})
}

func TestCreateOnceGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &till{create: losing, list: showing()}
		payment, err := server.order(t.Context(), t)
		assert.Nil(t, payment)
		assertIs(t, err, jovepay.ErrOutcomeUnknown)
		assertOneLine(t, err)
		assert.ErrorContains(t, err, `order "order-1"`)
		assert.Equal(t, 4, server.creates)
	})
}

// When the list cannot be read, nobody knows, and nothing more is sent.
func TestCreateOnceWithoutAList(t *testing.T) {
	t.Parallel()
	for name, list := range map[string]func(int) canned{
		"lost":                  losing,
		"500":                   saying(500, ""),
		"429":                   saying(429, ""),
		"403":                   saying(403, ""),
		"404":                   saying(404, ""),
		"401":                   saying(401, ""),
		"HTML":                  saying(200, "<html>"),
		"no list":               saying(200, `{"message":"maintenance"}`),
		"empty object":          saying(200, `{}`),
		"null":                  saying(200, `{"data":null}`),
		"nameless payments":     saying(200, `{"data":[{}]}`),
		"counted but not shown": saying(200, `{"data":[],"page":0,"pagesCount":1,"total":1}`),
		"the same page over and over": saying(200,
			`{"data":[{"payment_id":1,"order_id":"other"}],"page":0,"pagesCount":2,"total":2}`),
		"lost at the end": after(4, showing(), losing),
	} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			server := &till{create: losing, list: list}
			_, err := server.order(t.Context(), t)
			require.ErrorIs(t, err, jovepay.ErrOutcomeUnknown, name)
			if name == "403" {
				assert.Zero(t, time.Since(start), "there is nothing to wait for")
			}
			assertOneLine(t, err)
			assert.Equal(t, 1, server.creates, name)
		})
	}
}

func TestCreateOnceLivesThroughTroubleWithTheList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &till{create: losing, list: after(2, saying(503, ""), showing(paymentFor("order-1", "7")))}
		payment, err := server.order(t.Context(), t)
		require.NoError(t, err)
		assert.Equal(t, jovepay.ID("7"), payment.ID)
		assert.Equal(t, 1, server.creates)
	})
}

// A rejection after an attempt in doubt does not hide the doubt.
func TestCreateOnceKeepsItsDoubt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &till{create: after(1, losing, saying(http.StatusBadRequest, `{"message":"closed"}`)), list: showing()}
		_, err := server.order(t.Context(), t)
		assertIs(t, err, jovepay.ErrOutcomeUnknown, jovepay.ErrInvalidRequest)
		assert.Equal(t, 2, server.creates)
	})
}

func TestCreateOnceEndsWithTheContext(t *testing.T) {
	t.Parallel()
	for _, limit := range []time.Duration{time.Second, settleWindow / 2, settleWindow - 1} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			server := &till{create: losing, list: showing()}
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			_, err := server.order(ctx, t)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			assertIs(t, err, jovepay.ErrOutcomeUnknown)
			assert.LessOrEqual(t, time.Since(start), limit)
			assert.Equal(t, 1, server.creates)

			ctx, stop := context.WithCancel(t.Context())
			time.AfterFunc(limit, stop)
			_, err = server.order(ctx, t)
			require.ErrorIs(t, err, context.Canceled)
			assertIs(t, err, jovepay.ErrOutcomeUnknown)
			assert.Equal(t, 2, server.creates)
		})
	}
}

// Whatever goes wrong after a create whose outcome is unknown, the error says
// that it is unknown.
func TestCreateOnceWhenTheLoginFails(t *testing.T) {
	t.Parallel()
	client := newClient(t, jovepay.DefaultBaseURL, jovepay.WithCredentials(email, password), jovepay.WithSettleWindow(time.Millisecond),
		jovepay.WithHTTPClient(&http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/v1/auth" {
				return plainResponse(http.StatusUnauthorized, ""), nil
			}
			return nil, io.ErrUnexpectedEOF
		})}))
	_, err := client.Payments.CreateOnce(t.Context(), goods("order-1"))
	assertIs(t, err, jovepay.ErrOutcomeUnknown, jovepay.ErrUnauthorized)
}

func TestFindOrder(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	client := clientOf(t, server)
	var want []jovepay.ID
	for _, order := range []string{"a", "b", "a", "A", "aa", "a"} {
		payment, err := client.Payments.Create(t.Context(), goods(order))
		require.NoError(t, err)
		if order == "a" {
			want = append(want, payment.ID)
		}
	}
	_, err := server.Pay(want[0])
	require.NoError(t, err)
	again, err := server.Deposit(want[0], amount("0.5"))
	require.NoError(t, err)
	require.Equal(t, "a", again.OrderID)

	found, err := client.Payments.FindOrder(t.Context(), "a", time.Now().Add(-time.Hour))
	require.NoError(t, err)
	var got []jovepay.ID
	for _, payment := range found {
		got = append(got, payment.ID)
	}
	assert.Equal(t, append(want, again.ID), got, "oldest first, repeated deposits among them")

	found, err = client.Payments.FindOrder(t.Context(), "a", time.Now().Add(time.Hour))
	require.NoError(t, err)
	assert.Empty(t, found)
}

// A response about something else than was asked for is not the payment, and
// is not lost either.
func TestCreateRejectsAnotherPayment(t *testing.T) {
	t.Parallel()
	for members, ok := range map[string]bool{
		`"order_id":"order-1","price_amount":"49.9","price_currency":"USD","pay_currency":"BTC"`: true,
		`"order_id":"ORDER-1","price_amount":49.90000000000001`:                                  true,
		`"order_id":null,"price_amount":null,"pay_currency":null,"parent_payment_id":null`:       true,
		`"order_id":" order-1 ","pay_amount":0.001`:                                              true,
		`"order_id":"order-2"`:     false,
		`"order_id":"order-"`:      false,
		`"order_id":"order-11"`:    false,
		`"pay_currency":"ltc"`:     false,
		`"pay_currency":"usdt"`:    false,
		`"price_currency":"eur"`:   false,
		`"price_amount":49.89`:     false,
		`"price_amount":"4990"`:    false,
		`"price_amount":0`:         false,
		`"pay_amount":0.0009`:      false,
		`"pay_amount":0.0011`:      false,
		`"parent_payment_id":6`:    false,
		`"origin_type":"REPEATED"`: false,
		`"order_id":"x\nlevel=info","pay_currency":"\u001b[2Jltc"`: false,
		`"order_id":"` + strings.Repeat("o", 1<<16) + `"`:          false,
	} {
		body := `{"payment_id":7,` + members + `}`
		client := newCannedClient(t, http.StatusCreated, body)
		payment, err := client.Payments.Create(t.Context(), with(goods("order-1"), func(r *jovepay.PaymentRequest) { r.PayAmount = amount("0.001") }))
		if ok {
			require.NoError(t, err, members)
			assert.Equal(t, jovepay.ID("7"), payment.ID)
			continue
		}
		assert.Nil(t, payment)
		assertIs(t, err, jovepay.ErrOutcomeUnknown)
		assertHarmless(t, err)
		require.ErrorContains(t, err, `payment "7"`, members)
		response := (*jovepay.APIError)(nil)
		require.ErrorAs(t, err, &response)
		assert.Equal(t, body, string(response.Body))
	}
	for asked, kept := range map[string]string{"33.333": "33.33", "33.299": "33.3", "49.995": "50", "49.9951": "49.99", "0.123456789": "0.12345679"} {
		client := newCannedClient(t, http.StatusCreated, `{"payment_id":7,"price_amount":`+kept+`}`)
		_, err := client.Payments.Create(t.Context(), with(goods("order-1"), func(r *jovepay.PaymentRequest) { r.PriceAmount = amount(asked) }))
		require.NoError(t, err, "%s is rounded to %s", asked, kept)
	}
	for asked, kept := range map[string]string{"33.333": "33.34", "33.3": "33", "0.014": "0.01", "0.001": "0", "33.33": "33.333"} {
		client := newCannedClient(t, http.StatusCreated, `{"payment_id":7,"price_amount":`+kept+`}`)
		_, err := client.Payments.Create(t.Context(), with(goods("order-1"), func(r *jovepay.PaymentRequest) { r.PriceAmount = amount(asked) }))
		require.ErrorIs(t, err, jovepay.ErrOutcomeUnknown, "%s is not rounded to %s", asked, kept)
	}
	more := newCannedClient(t, http.StatusCreated, `{"payment_id":7,"pay_amount":0.0011}`)
	_, err := more.Payments.Create(t.Context(), with(goods("order-1"), func(r *jovepay.PaymentRequest) { r.PayAmount, r.FeePaidByUser = amount("0.001"), true }))
	require.NoError(t, err, "the fee is on top")
}

// A response that names a payment shows that there is one, whatever the list
// shows.
func TestCreateOnceTrustsAResponseThatNamesAPayment(t *testing.T) {
	t.Parallel()
	other := func(p *jovepay.Payment) { p.OrderID, p.PayCurrency, p.PriceAmount = "order-2", "ltc", amount("7") }
	for _, body := range []string{`{"payment_id":7,"order_id":"order-2"}`, `{"payment_id":"7","pay_addr`, `{"x":{"payment_id":8},"payment_id":7,"payment_id":8}`, `{"payment_id":"7","x":}`} {
		for _, status := range []int{200, 201, 500} {
			for _, list := range []func(int) canned{showing(), showing(paymentFor("order-2", "6")), showing(with(paymentFor("order-1", "7"), other))} {
				synctest.Test(t, func(t *testing.T) {
					server := &till{create: saying(status, body), list: list}
					_, err := server.order(t.Context(), t)
					require.ErrorIs(t, err, jovepay.ErrOutcomeUnknown)
					require.ErrorContains(t, err, "payment 7")
					assert.Equal(t, 1, server.creates)
				})
			}
		}
	}
}

// Only a member of the response's own object names the payment.
func TestCreateOnceWithResponsesThatNameNone(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`["payment_id","7"]`, `"payment_id"`, `{"x":{"payment_id":7}}`, `{"payment_id":{}}`, `{"id":7}`, `{`, ``} {
		synctest.Test(t, func(t *testing.T) {
			server := &till{create: saying(500, body), list: showing()}
			_, err := server.order(t.Context(), t)
			require.ErrorIs(t, err, jovepay.ErrOutcomeUnknown, body)
			assert.Greater(t, server.creates, 1, "%s: %v", body, err)
		})
	}
}

func TestCreateOnceShowsNoHostileText(t *testing.T) {
	t.Parallel()
	for _, text := range hostileTexts() {
		for _, member := range []string{"payment_id", "payment_status", "order_id", "price_currency", "pay_currency"} {
			synctest.Test(t, func(t *testing.T) {
				row := map[string]string{"payment_id": "7", "payment_status": "on_hold", "order_id": "order-1", "price_amount": "50", "price_currency": "usd", "pay_currency": "btc"}
				row[member] = text
				list := cannedJSON(map[string]any{"data": []any{row}, "total": 1, "pagesCount": 1}, http.StatusOK)
				for _, server := range []*till{
					{create: losing, list: saying(list.status, list.body)},
					{create: losing, list: showing(paymentFor("order-1", "7")), get: func(jovepay.ID) canned { return cannedJSON(row, http.StatusOK) }},
				} {
					if payment, err := server.order(t.Context(), t); payment == nil {
						assertHarmless(t, err)
					}
				}
			})
		}
	}
}

// verdict is what CreateOnce makes of a list after a lost create.
type verdict string

const (
	found   verdict = "it is returned"
	doubt   verdict = "nothing is returned"
	ignored verdict = "a new one is created"
)

// creates is how many creates CreateOnce sends.
func (v verdict) creates() int {
	if v == ignored {
		return 2
	}
	return 1
}

// assertVerdict lets server lose a create, and holds what CreateOnce makes of
// its list, which has payment 7 or none, to want. It returns the error.
func assertVerdict(t *testing.T, want verdict, server *till, name string) error {
	t.Helper()
	lose := losing
	if server.lose != nil {
		lose = server.lose
	}
	server.create = after(1, lose, saying(http.StatusCreated, `{"payment_id":9}`))
	payment, err := server.order(t.Context(), t)
	assert.Equal(t, want.creates(), server.creates, name)
	switch want {
	case found:
		require.NoError(t, err, name)
		assert.Equal(t, jovepay.ID("7"), payment.ID, name)
		assert.NotEmpty(t, payment.PayAddress, name)
	case doubt:
		require.ErrorIs(t, err, jovepay.ErrOutcomeUnknown, name)
		assertOneLine(t, err)
		assert.Nil(t, payment, name)
	case ignored:
		require.NoError(t, err, name)
		assert.Equal(t, jovepay.ID("9"), payment.ID, name)
	}
	return err
}

// assertVerdictOn7 is assertVerdict for a list with payment 7, which the error
// names.
func assertVerdictOn7(t *testing.T, want verdict, server *till, name string) {
	t.Helper()
	if err := assertVerdict(t, want, server, name); want == doubt {
		assert.ErrorContains(t, err, "payment 7", name)
	}
}

func order(id string) func(*jovepay.Payment) {
	return func(p *jovepay.Payment) { p.OrderID = id }
}

func price(text, currency string) func(*jovepay.Payment) {
	return func(p *jovepay.Payment) { p.PriceAmount, p.PriceCurrency = amount(text), currency }
}

func coin(ticker string) func(*jovepay.Payment) {
	return func(p *jovepay.Payment) { p.PayCurrency = ticker }
}

func in(status jovepay.PaymentStatus) func(*jovepay.Payment) {
	return func(p *jovepay.Payment) { p.Status = status }
}

func ago(d time.Duration) func(*jovepay.Payment) {
	return func(p *jovepay.Payment) { p.CreatedAt.Time = p.CreatedAt.Add(-d) }
}

func undated(p *jovepay.Payment) { p.CreatedAt = jovepay.Time{} }

func all(changes ...func(*jovepay.Payment)) func(*jovepay.Payment) {
	return func(p *jovepay.Payment) {
		for _, change := range changes {
			change(p)
		}
	}
}

// Each row is in the list of a server that lost a create of order-1 at 49.90
// usd in btc. Without a change it is that payment.
func TestCreateOnceTellsPaymentsApart(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*jovepay.Payment)
		want   verdict
	}{
		"the same":                        {all(), found},
		"a lost character in the order":   {order("or\uFFFDer-1"), doubt},
		"the same in other digits":        {price("49.9000", "usd"), found},
		"the same with a rounding error":  {price("49.90000000000001", "usd"), found},
		"the same in other letters":       {all(price("49.90", "USD"), coin("BTC")), found},
		"the same with other punctuation": {all(price("49.90", " usd "), coin("b_t-c")), found},
		"the same, waiting for long":      {ago(50 * time.Minute), found},
		"the same, waiting for days":      {ago(50 * time.Hour), found},
		"the same, being paid":            {in(jovepay.PaymentConfirming), found},
		"the same, no date":               {undated, found},
		"the same, unknown status":        {in("on_hold"), found},
		"the same, no status":             {in(""), found},
		"unknown status, earlier":         {all(in("on_hold"), ago(2*time.Minute)), doubt},
		"no status, earlier":              {all(in(""), ago(2*time.Minute)), doubt},

		"another price meanwhile":           {price("50", "usd"), doubt},
		"a cent less":                       {price("49.89", "usd"), doubt},
		"another currency meanwhile":        {price("49.90", "eur"), doubt},
		"another coin meanwhile":            {coin("ltc"), doubt},
		"another price and coin meanwhile":  {all(price("5", "eur"), coin("ltc")), doubt},
		"the coin with its network":         {coin("btcln"), doubt},
		"another price, no date":            {all(price("50", "usd"), undated), doubt},
		"no price":                          {func(p *jovepay.Payment) { p.PriceAmount = jovepay.Amount{} }, doubt},
		"no currency":                       {price("49.90", ""), doubt},
		"no coin":                           {coin(""), doubt},
		"another price, half a minute ago":  {all(price("50", "usd"), ago(30*time.Second)), doubt},
		"another price, on a day":           {all(price("50", "usd"), func(p *jovepay.Payment) { p.CreatedAt.Time = p.CreatedAt.Truncate(24 * time.Hour) }), doubt},
		"another price, earlier":            {all(price("50", "usd"), ago(2*time.Minute)), ignored},
		"another coin, earlier":             {all(coin("ltc"), ago(2*time.Minute)), ignored},
		"expired, earlier":                  {all(in(jovepay.PaymentExpired), ago(2*time.Minute)), ignored},
		"finished, earlier":                 {all(in(jovepay.PaymentFinished), ago(2*time.Minute)), ignored},
		"partially paid, earlier":           {all(in(jovepay.PaymentPartiallyPaid), ago(2*time.Minute)), ignored},
		"failed meanwhile":                  {in(jovepay.PaymentFailed), doubt},
		"expired meanwhile":                 {in(jovepay.PaymentExpired), doubt},
		"canceled meanwhile":                {in("canceled"), doubt},
		"partially paid meanwhile":          {in(jovepay.PaymentPartiallyPaid), doubt},
		"finished, no date":                 {all(in(jovepay.PaymentFinished), undated), doubt},
		"a repeated deposit":                {func(p *jovepay.Payment) { p.ParentPaymentID = "3" }, ignored},
		"a repeated deposit, by its origin": {func(p *jovepay.Payment) { p.OriginType = "repeated" }, ignored},

		"another order":                         {order("order-11"), ignored},
		"another order, shorter":                {order("ordet-1"), ignored},
		"the order in capitals":                 {order("ORDER-1"), doubt},
		"the order with spaces":                 {order(" order-1 "), doubt},
		"the order without punctuation":         {order("order1"), doubt},
		"the order, escaped":                    {order("order&#45;1"), ignored},
		"the order, cut off":                    {order("order-"), doubt},
		"the order, cut off early":              {order("o"), doubt},
		"the order in capitals, no date":        {all(order("ORDER-1"), undated), doubt},
		"the order in capitals, earlier":        {all(order("ORDER-1"), ago(2*time.Minute)), ignored},
		"the order in capitals, over":           {all(order("ORDER-1"), in(jovepay.PaymentFailed)), doubt},
		"the order in capitals, another coin":   {all(order("ORDER-1"), coin("ltc")), doubt},
		"the order in capitals, another price":  {all(order("ORDER-1"), price("7", "usd")), doubt},
		"the order in capitals, all else other": {all(order("ORDER-1"), price("7", "usd"), coin("ltc")), ignored},
		"no order":                              {order(""), doubt},
		"a blank order":                         {order(" "), doubt},
		"the order null":                        {order("null"), doubt},
		"the order undefined":                   {order("undefined"), doubt},
		"the order 0":                           {order("0"), doubt},
		"no order, a rounded price":             {all(order(""), price("50", "usd"), coin("ltc")), doubt},
		"no order, a coin without its network":  {all(order(""), price("7", "usd"), coin("btcln")), doubt},
		"no order, no price, another coin":      {all(order(""), func(p *jovepay.Payment) { p.PriceAmount = jovepay.Amount{} }, coin("ltc")), doubt},
		"no order, earlier":                     {all(order(""), ago(2*time.Minute)), ignored},
		"no order, another price and coin":      {all(order(""), price("7", "usd"), coin("ltc")), ignored},
		"no order, another currency and coin":   {all(order(""), price("49.90", "eur"), coin("ltc")), doubt},
	} {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(time.Hour) //nolint:forbidigo // fake time, away from midnight
			assertVerdictOn7(t, tt.want, &till{list: showing(with(paymentFor("order-1", "7"), tt.change))}, name)
		})
	}
}

// A row has its own spelling of members that a Go value cannot have.
func TestCreateOnceReadsOddRows(t *testing.T) {
	t.Parallel()
	for members, want := range map[string]verdict{
		`"order_id":"order-1","price_amount":"49.90","price_currency":"usd","pay_currency":"btc"`:        found,
		`"order_id":"order-1","price_amount":4990e-2,"price_currency":"usd","pay_currency":"btc"`:        found,
		`"order_id":"order-1","price_amount":"49,90","price_currency":"usd","pay_currency":"btc"`:        doubt,
		`"order_id":"order-1","price_amount":{"value":49.9},"price_currency":"usd","pay_currency":"btc"`: doubt,
		`"order_id":"order-1"`: doubt,
		`"orderId":"order-1","price_amount":49.90,"price_currency":"usd","pay_currency":"btc"`:                             doubt,
		`"orderId":"order-1","priceAmount":49.90,"priceCurrency":"usd","payCurrency":"btc"`:                                doubt,
		`"order_id":null,"price_amount":49.90,"price_currency":"usd","pay_currency":"btc"`:                                 doubt,
		`"order_id":["order-1"],"price_amount":49.90,"price_currency":"usd","pay_currency":"btc"`:                          doubt,
		`"order_id":"order-2","price_amount":49.90,"price_currency":"usd","pay_currency":"btc"`:                            ignored,
		`"order_id":"order-1","price_amount":49.90,"price_currency":"usd","pay_currency":"btc","parent_payment_id":3`:      ignored,
		`"order_id":"order-1","price_amount":49.90,"price_currency":"usd","pay_currency":"btc","parent_payment_id":0`:      found,
		`"order_id":"order-1","price_amount":49.90,"price_currency":"usd","pay_currency":"btc","parent_payment_id":"0"`:    found,
		`"order_id":"order-1","price_amount":49.90,"price_currency":"usd","pay_currency":"btc","parent_payment_id":"null"`: found,
		`"order_id":"order-1","price_amount":49.90,"price_currency":"usd","pay_currency":"btc","parent_payment_id":{}`:     doubt,
		`"order_id":"order-1","price_amount":49.90,"price_currency":"usd","pay_currency":"btc","parentPaymentId":3`:        doubt,
	} {
		synctest.Test(t, func(t *testing.T) {
			list := `{"data":[{"payment_id":7,"payment_status":"waiting",` + members + `}],"total":1,"pagesCount":1}`
			assertVerdictOn7(t, want, &till{list: saying(http.StatusOK, list)}, members)
		})
	}
}

// A row without an id may be the payment, unless another row is.
func TestCreateOnceDoubtsRowsWithoutID(t *testing.T) {
	t.Parallel()
	const own = `{"payment_id":7,"payment_status":"waiting","order_id":"order-1","price_amount":49.90,"price_currency":"usd","pay_currency":"btc"}`
	for rows, want := range map[string]verdict{`{"order_id":"order-2"}`: doubt, `null`: doubt, `{},` + own: found, own + `,5`: found} {
		synctest.Test(t, func(t *testing.T) {
			list := fmt.Sprintf(`{"data":[%s],"total":%d,"pagesCount":1}`, rows, 1+strings.Count(rows, "},")+strings.Count(rows, ",5"))
			assertVerdict(t, want, &till{list: saying(http.StatusOK, list)}, rows)
		})
	}
}

func TestCreateOnceFindsItsPaymentAmongOthers(t *testing.T) {
	t.Parallel()
	other := func(id jovepay.ID, changes ...func(*jovepay.Payment)) jovepay.Payment {
		return with(paymentFor("order-1", id), all(changes...))
	}
	long := order("order-12345678901234567890")
	for name, tt := range map[string]struct {
		others func() []jovepay.Payment
		want   verdict
	}{
		"a newer one in another coin":  {func() []jovepay.Payment { return []jovepay.Payment{other("7"), other("8", coin("ltc"))} }, found},
		"an older one in another coin": {func() []jovepay.Payment { return []jovepay.Payment{other("6", coin("ltc")), other("7")} }, found},
		"a repeated deposit": {func() []jovepay.Payment {
			return []jovepay.Payment{other("7"), other("8", func(p *jovepay.Payment) { p.ParentPaymentID = "3" })}
		}, found},
		"an expired one":            {func() []jovepay.Payment { return []jovepay.Payment{other("7"), other("8", in("expired"))} }, found},
		"one without an order":      {func() []jovepay.Payment { return []jovepay.Payment{other("7"), other("8", order(""))} }, found},
		"an older one that is live": {func() []jovepay.Payment { return []jovepay.Payment{other("6", ago(time.Hour)), other("7")} }, found},
		"doubt, and one that is over": {func() []jovepay.Payment {
			return []jovepay.Payment{other("7", coin("")), other("8", in("expired"), ago(time.Hour))}
		}, doubt},

		"an order that is the beginning of ours, with longer ones": {func() []jovepay.Payment {
			return []jovepay.Payment{other("7", order("order-")), other("8", order("order-2"))}
		}, ignored},
		"an order that is the beginning of ours, with shorter ones": {func() []jovepay.Payment {
			return []jovepay.Payment{other("7", order("order-")), other("8", order("order"))}
		}, doubt},
		"an order that begins with ours": {func() []jovepay.Payment { return []jovepay.Payment{other("7", long)} }, ignored},
	} {
		synctest.Test(t, func(t *testing.T) {
			assertVerdictOn7(t, tt.want, &till{list: showing(tt.others()...)}, name)
		})
	}
}

// What is in doubt at first may be clear before the window is over.
func TestCreateOnceWaitsForItsDoubtToPass(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		unclear, complete := with(paymentFor("order-1", "7"), coin("")), paymentFor("order-1", "7")
		assertVerdictOn7(t, found, &till{list: after(3, showing(unclear), showing(complete))}, "the coin comes later")
		calls := 0
		assertVerdictOn7(t, found, &till{list: showing(complete), get: func(id jovepay.ID) canned {
			if calls++; calls < 3 {
				return whole(id, func(p *jovepay.Payment) { p.PayAddress = "" })
			}
			return whole(id)
		}}, "the address comes later")
	})
}

func TestCreateOnceReturnsTheWholePaymentOrNothing(t *testing.T) {
	t.Parallel()
	row := func(p *jovepay.Payment) { p.PayAddress, p.PayinExtraID = "bc1qexample", "77" }
	for name, get := range map[string]func(jovepay.ID) canned{
		"404":             func(jovepay.ID) canned { return canned{status: 404} },
		"403":             func(jovepay.ID) canned { return canned{status: 403} },
		"500":             func(jovepay.ID) canned { return canned{status: 500} },
		"lost":            func(jovepay.ID) canned { return lost },
		"garbage":         func(jovepay.ID) canned { return canned{status: 200, body: "garbage"} },
		"another payment": func(jovepay.ID) canned { return whole("8") },
		"no address":      func(id jovepay.ID) canned { return whole(id, func(p *jovepay.Payment) { p.PayAddress = "" }) },
		"another address": func(id jovepay.ID) canned { return whole(id, func(p *jovepay.Payment) { p.PayAddress = "bc1qother" }) },
		"no memo":         func(id jovepay.ID) canned { return whole(id, func(p *jovepay.Payment) { p.PayinExtraID = "" }) },
		"another memo":    func(id jovepay.ID) canned { return whole(id, func(p *jovepay.Payment) { p.PayinExtraID = "78" }) },
		"another order":   func(id jovepay.ID) canned { return whole(id, order("order-2")) },
		"another coin":    func(id jovepay.ID) canned { return whole(id, coin("ltc")) },
		"another price":   func(id jovepay.ID) canned { return whole(id, price("5", "usd")) },
		"over":            func(id jovepay.ID) canned { return whole(id, in("expired")) },
		"a deposit":       func(id jovepay.ID) canned { return whole(id, func(p *jovepay.Payment) { p.ParentPaymentID = "3" }) },
	} {
		synctest.Test(t, func(t *testing.T) {
			assertVerdictOn7(t, doubt, &till{list: showing(with(paymentFor("order-1", "7"), row)), get: get}, name)
		})
	}
	synctest.Test(t, func(t *testing.T) {
		brief := func(id jovepay.ID) canned {
			return canned{status: 200, body: `{"payment_id":"` + string(id) + `","payment_status":"waiting","pay_address":"bc1qexample","payin_extra_id":"77"}`}
		}
		assertVerdictOn7(t, found, &till{list: showing(with(paymentFor("order-1", "7"), row)), get: brief}, "what is missing contradicts nothing")
	})
}

// The server's clock counts, whatever this machine's says. The list has what the
// server made since dateFrom.
func TestCreateOnceGoesByTheServersClock(t *testing.T) {
	t.Parallel()
	respelled, over := order("ORDER-1"), in(jovepay.PaymentExpired)
	const day = 24 * time.Hour
	for name, tt := range map[string]struct {
		skews   []time.Duration // how far the server's clock is ahead of this machine's
		undated bool
		change  func(*jovepay.Payment)
		want    verdict
	}{
		"made now":                {[]time.Duration{-30 * day, -25 * time.Hour, -time.Hour, -90 * time.Second, 0, time.Hour, 30 * day}, false, all(), found},
		"made now, respelled":     {[]time.Duration{-30 * day, -25 * time.Hour, -time.Hour, -90 * time.Second, 0, time.Hour, 30 * day}, false, respelled, doubt},
		"made now, over":          {[]time.Duration{-30 * day, -25 * time.Hour, -time.Hour, -90 * time.Second, 0, time.Hour, 30 * day}, false, over, doubt},
		"made earlier, over":      {[]time.Duration{-30 * day, -25 * time.Hour, -time.Hour, -90 * time.Second, 0}, false, all(over, ago(2*time.Minute)), ignored},
		"made earlier, respelled": {[]time.Duration{-30 * day, -time.Hour, 0}, false, all(respelled, ago(2*time.Minute)), ignored},
		"made earlier, over, this machine's clock is behind": {[]time.Duration{time.Hour, 30 * day}, false, all(over, ago(2*time.Minute)), doubt},
		"made long ago, over":                                {[]time.Duration{-30 * day, -time.Hour, 0, time.Hour, 30 * day}, false, all(over, ago(60*day)), ignored},

		"no Date, made now":            {[]time.Duration{-30 * day, -25 * time.Hour, -time.Hour, 0, time.Hour, 30 * day}, true, all(), found},
		"no Date, made now, respelled": {[]time.Duration{-23 * time.Hour, -time.Hour, 0, time.Hour, 30 * day}, true, respelled, doubt},
		"no Date, made earlier, over":  {[]time.Duration{-time.Hour, 0, time.Hour}, true, all(over, ago(20*time.Hour)), doubt},
		"no Date, made long ago, over": {[]time.Duration{-30 * day, 0, 30 * day}, true, all(over, ago(60*day)), ignored},
	} {
		for _, skew := range tt.skews {
			for _, lose := range []func(int) canned{losing, saying(500, ""), losingLate} { // without its own Date, and with one
				synctest.Test(t, func(t *testing.T) {
					time.Sleep(61 * time.Minute) //nolint:forbidigo // fake time, away from midnight
					payment := with(paymentFor("order-1", "7"), all(ago(-skew), tt.change))
					server := &till{skew: skew, undated: tt.undated, lose: lose}
					server.list = func(look int) canned {
						from, err := time.Parse(time.RFC3339, server.from)
						if err == nil && payment.CreatedAt.Before(from) {
							return showing()(look)
						}
						return showing(payment)(look)
					}
					assertVerdictOn7(t, tt.want, server, fmt.Sprintf("%s, skew %v", name, skew))
				})
			}
		}
	}
}

// Of several rows that may be the payment, the last one counts, whatever rows
// name no payment.
func TestCreateOnceJudgesTheWholeList(t *testing.T) {
	t.Parallel()
	nameless, cut := paymentFor("order-1", ""), with(paymentFor("order-1", "7"), order("order-"))
	for name, tt := range map[string]struct {
		rows []jovepay.Payment
		want verdict
	}{
		"a nameless row first":          {[]jovepay.Payment{nameless, paymentFor("order-1", "7")}, found},
		"two orders, cut off alike":     {[]jovepay.Payment{with(cut, id("6")), cut}, doubt},
		"two orders, the longer later":  {[]jovepay.Payment{with(cut, all(id("6"), order("order"))), cut}, doubt},
		"two orders, the longer before": {[]jovepay.Payment{cut, with(cut, all(id("8"), order("order")))}, doubt},
	} {
		synctest.Test(t, func(t *testing.T) {
			assertVerdictOn7(t, tt.want, &till{list: showing(tt.rows...)}, name)
		})
	}
}

func id(id jovepay.ID) func(*jovepay.Payment) { return func(p *jovepay.Payment) { p.ID = id } }

// The list is read again, from an earlier time on, only if the server's clock
// turns out to be more than half a minute behind and nothing was found.
func TestCreateOnceReadsTheListAgain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		skew  time.Duration
		found bool
		want  int // requests of the first look
	}{
		{-29 * time.Second, false, 1},
		{-31 * time.Second, false, 2},
		{-time.Hour, false, 2},
		{-time.Hour, true, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			requests := map[int]int{} // by look
			server := &till{skew: tt.skew, create: after(1, losing, saying(http.StatusCreated, `{"payment_id":9}`))}
			server.list = func(look int) canned {
				requests[look]++
				if tt.found {
					return showing(paymentFor("order-1", "7"))(look)
				}
				return showing()(look)
			}
			_, err := server.order(t.Context(), t)
			require.NoError(t, err)
			assert.Equal(t, tt.want, requests[1], "skew %v", tt.skew)
		})
	}
}

// No Date, however wrong, lets a payment be created twice.
func TestCreateOnceWithAbsurdDates(t *testing.T) {
	t.Parallel()
	for _, date := range []string{
		"", "now", "Sat, 01 Jan 0001 00:00:00 GMT", "Mon, 01 Jan 0001 00:00:00 GMT", "Sat, 01 Jan 0000 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT",
		"Fri, 31 Dec 9999 23:59:59 GMT", "Sat, 01 Jan 2000 02:00:00 GMT", "Sat Jan  1 00:00:00 2000",
	} {
		for _, change := range []func(*jovepay.Payment){order("ORDER-1"), order(""), coin("bitcoin"), in("failed"), undated} {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Hour) //nolint:forbidigo // fake time, away from midnight
				payment := with(paymentFor("order-1", "7"), change)
				server := &till{undated: true, create: losing}
				server.list = func(look int) canned {
					from, err := time.Parse(time.RFC3339, server.from)
					list := showing(payment)(look)
					if err == nil && payment.CreatedAt.Before(from) && !payment.CreatedAt.IsZero() {
						list = showing()(look)
					}
					list.header = http.Header{"Date": {date}}
					return list
				}
				_, err := server.order(t.Context(), t)
				if err != nil {
					assert.ErrorIs(t, err, jovepay.ErrOutcomeUnknown, date)
				}
				assert.Equal(t, 1, server.creates, "Date: %s", date)
			})
		}
	}
}

// A server whose every Date is days before the last is not asked without end.
func TestCreateOnceWithAClockThatRunsBackwards(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &till{create: losing}
		server.list = func(look int) canned {
			server.skew -= 48 * time.Hour
			return showing()(look)
		}
		_, err := server.order(t.Context(), t)
		assertIs(t, err, jovepay.ErrOutcomeUnknown)
		assert.Equal(t, 1, server.creates)
		assert.LessOrEqual(t, len(server.looks), 10)
	})
}

// onceTable is the last table of docs/faults.md: a create of CreateOnce is lost,
// and its list shows something else than it should, whenever it is read.
var onceTable = []struct {
	shows string
	list  func(look int) canned
	get   func(jovepay.ID) canned
	want  verdict
}{

	{"the payment, even without its address and memo", row(), nil, found},
	{"the payment, but reading the whole payment fails", row(), func(jovepay.ID) canned { return canned{status: 404} }, doubt},
	{"the payment, and one for the order with another coin", func(look int) canned {
		return showing(paymentFor("order-1", "7"), with(paymentFor("order-1", "8"), coin("ltc")))(look)
	}, nil, found},
	{"an earlier payment for the order that is not final, with the same price and coin", row(ago(time.Hour)), nil, found},
	{"an earlier payment for the order with a final status", row(in("expired"), ago(time.Hour)), nil, ignored},
	{"an earlier payment for the order with another coin", row(coin("ltc"), ago(time.Hour)), nil, ignored},
	{"a payment for the order created since, with another coin or price or a final status", row(in("failed")), nil, doubt},
	{"a payment for the order created since, with an unrecognizable coin or price", row(coin("bitcoin")), nil, doubt},
	{"a payment created since whose order id is changed, truncated or missing", row(order("")), nil, doubt},
	{"such a payment with another price and coin", row(order(""), coin("ltc"), price("7", "usd")), nil, ignored},
	{"a payment without a date for the order, with another coin", row(coin("ltc"), undated), nil, doubt},
	{"a repeated deposit", row(func(p *jovepay.Payment) { p.ParentPaymentID = "3" }), nil, ignored},
	{"nothing, in a complete list", showing(), nil, ignored},
	{"fewer payments than it counts", saying(http.StatusOK, `{"data":[],"page":0,"pagesCount":1,"total":1}`), nil, doubt},
	{"the same page again and again", saying(http.StatusOK, `{"data":[{"payment_id":1,"order_id":"other"}],"page":0,"pagesCount":2,"total":2}`), nil, doubt},
	{"nothing readable", saying(http.StatusOK, "garbage"), nil, doubt},
	{"an error, until the settle window is over", saying(http.StatusServiceUnavailable, ""), nil, doubt},
}

func TestCreateOnceFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range onceTable {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(time.Hour) //nolint:forbidigo // fake time, away from midnight
			_ = assertVerdict(t, tt.want, &till{list: tt.list, get: tt.get}, tt.shows)
		})
	}
}

func oncePage() string {
	caller := map[verdict]string{found: "the payment, whole", doubt: "`ErrOutcomeUnknown`", ignored: "the new payment"}
	var b strings.Builder
	b.WriteString("\n## CreateOnce after a lost response\n\n" +
		"Whenever the payment list is read within the settle window, it shows what the\n" +
		"first column says (`TestCreateOnceFaults`). *Since* and *earlier* are by the\n" +
		"server's clock, compared with when the call began.\n\n" +
		"| What the payment list shows | Creates | the caller gets |\n| --- | --- | --- |\n")
	for _, row := range onceTable {
		fmt.Fprintf(&b, "| %s | %d | %s |\n", row.shows, row.want.creates(), caller[row.want])
	}
	return b.String()
}

// members of a payment in a list.
type members = map[string]any

// listSpellings returns ways in which a list may show a payment.
func listSpellings() []func(members) {
	set := func(name string, value any) func(members) {
		return func(m members) { m[name] = value }
	}
	change := func(name string, change func(string) any) func(members) {
		return func(m members) {
			if text, ok := m[name].(string); ok {
				m[name] = change(text)
			}
		}
	}
	cut := func(n int) func(string) any {
		return func(s string) any { return s[:min(n, len(s))] }
	}
	return []func(members){
		func(members) {}, func(members) {}, func(members) {},
		change("order_id", func(s string) any { return strings.ToUpper(s) }),
		change("order_id", func(s string) any { return " " + s + "\u00a0" }),
		change("order_id", func(s string) any { return strings.ReplaceAll(s, "-", "_") }),
		change("order_id", cut(6)), change("order_id", cut(3)),
		set("parent_payment_id", 0), set("parent_payment_id", "0"), set("parent_payment_id", "null"),
		set("order_id", nil), set("order_id", ""), set("order_id", members{"id": "order-1"}),
		change("order_id", func(s string) any { return []string{s} }),
		change("pay_currency", func(s string) any { return strings.ToUpper(s) }),
		change("pay_currency", func(s string) any { return s + " (mainnet)" }),
		set("pay_currency", nil), set("pay_currency", "bitcoin"), set("price_currency", "USD"), set("price_currency", 840),
		set("price_amount", "49.900"), set("price_amount", 49.90000000000001), set("price_amount", 50), set("price_amount", "49,90"), set("price_amount", nil),
		set("payment_status", "WAITING"), set("payment_status", nil), set("payment_status", "expired"), set("payment_status", "canceled"),
		set("created_at", nil), set("created_at", "soon"),
		change("created_at", func(s string) any { return strings.Replace(s, "T", " ", 1) }),
		change("created_at", func(s string) any { return s[:min(len(s), len("2000-01-01"))] + "T00:00:00Z" }),
		set("pay_address", nil),
	}
}

func newGateway(random *rand.Rand) *gateway {
	pick := func(most time.Duration) time.Duration { return time.Duration(random.Int64N(int64(most))) }
	all := listSpellings()
	g := &gateway{random: random}
	for range random.IntN(4) {
		g.spell = append(g.spell, all[random.IntN(len(all))])
	}
	g.skew = [...]time.Duration{0, 0, pick(time.Hour), -pick(time.Hour), pick(240 * time.Hour), -pick(240 * time.Hour)}[random.IntN(6)]
	g.undated = g.skew > -20*time.Hour && random.IntN(5) == 0
	g.lag = [...]time.Duration{0, pick(settleWindow), pick(2 * settleWindow)}[random.IntN(3)]
	g.hides, g.garbles = random.IntN(10) == 0, random.IntN(10) == 0
	for i := range random.IntN(5) {
		other := g.payment(fmt.Sprint(1000+i), -pick(3*time.Hour))
		switch random.IntN(3) {
		case 0:
			other["order_id"] = fmt.Sprint("order-", 2+i*7)
		case 1:
			other["payment_status"], other["created_at"] = "expired", g.time(-time.Hour-pick(time.Hour))
		case 2:
			other["pay_currency"], other["created_at"] = "ltc", g.time(-time.Hour-pick(time.Hour))
		}
		g.noise = append(g.noise, other)
	}
	g.create, g.list, g.get = g.makes, g.shows, g.gets
	return g
}

// Whatever a gateway does and however it spells, one call makes one payment at
// most, unless a complete list does not show it until the window is over.
func TestCreateOnceAtRandomGateways(t *testing.T) {
	t.Parallel()
	gateways := 4000
	if testing.Short() {
		gateways = 500
	}
	outcomes := map[string]int{}
	for seed := range gateways {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(uint64(seed), 8))
			time.Sleep(time.Duration(random.Int64N(int64(24 * time.Hour)))) //nolint:forbidigo // fake time
			g := newGateway(random)
			payment, err := g.order(t.Context(), t)
			hidden := g.hides && !g.garbles || g.lag >= settleWindow
			switch {
			case err == nil:
				outcomes["returned"]++
				assert.NotEqual(t, canned{status: 404}, g.gets(payment.ID), "seed %d: payment %s is not the server's", seed, payment.ID)
				assert.NotEmpty(t, payment.PayAddress)
				assert.Equal(t, "order-1", payment.OrderID)
			case errors.Is(err, jovepay.ErrOutcomeUnknown):
				outcomes["unknown"]++
			default:
				require.NoError(t, err, "seed %d", seed)
			}
			if len(g.made) > 1 && !hidden {
				t.Errorf("seed %d: %d payments after %d creates: %v", seed, len(g.made), g.creates, err)
			}
			if g.creates > 1 {
				outcomes["created again"]++
			}
		})
	}
	t.Log(outcomes)
	for _, outcome := range []string{"returned", "unknown", "created again"} {
		assert.Greater(t, outcomes[outcome], gateways/20, "too rare to mean anything: %s", outcome)
	}
}

// everythingGoesWrong has every kind of fault, about half of all creates and a
// fifth of everything else.
func everythingGoesWrong(elsewhere string, hangs bool) []jovepaytest.Fault {
	elsewhereHeader := http.Header{"Location": {elsewhere}}
	faults := []jovepaytest.Fault{
		{Percent: 6, Cut: true},
		{Percent: 6, Cut: true, AfterEffect: true},
		{Percent: 5, Truncate: 10},
		{Percent: 4, Status: 500},
		{Percent: 4, Status: 500, AfterEffect: true},
		{Percent: 4, Status: 502, Body: jovepaytest.BadGatewayPage},
		{Percent: 4, Status: 502, Body: jovepaytest.BadGatewayPage, AfterEffect: true},
		{Percent: 4, Status: 503, AfterEffect: true},
		{Percent: 3, Status: 408},
		{Percent: 3, Status: 408, AfterEffect: true},
		{Percent: 4, Status: 429},
		{Percent: 2, Status: 429, Header: http.Header{"Retry-After": {"1"}}},
		{Percent: 2, Status: 401},
		{Percent: 3, Status: 200, Body: "garbage"},
		{Percent: 3, Status: 200, Body: "garbage", AfterEffect: true},
		{Percent: 2, Status: 200, Body: `{"message":"OK"}`, AfterEffect: true},
		{Percent: 2, Empty: true},
		{Percent: 2, Size: 1 << 17},
		{Percent: 2, Status: 307, Header: elsewhereHeader},
		{Percent: 2, Status: 302, Header: elsewhereHeader, AfterEffect: true},
	}
	if hangs {
		faults = append(faults, jovepaytest.Fault{Hang: true, Skip: 9, Times: 1}, jovepaytest.Fault{Hang: true, AfterEffect: true, Skip: 9, Times: 1})
	}
	for i := range faults {
		faults[i].Method, faults[i].Path = "POST", "/v1/payment"
	}
	return append(faults,
		jovepaytest.Fault{Method: "GET", Percent: 5, Cut: true},
		jovepaytest.Fault{Method: "GET", Percent: 5, Status: 503},
		jovepaytest.Fault{Method: "GET", Percent: 5, Truncate: 5},
		jovepaytest.Fault{Method: "GET", Percent: 1, Status: 200, Body: "garbage"},
		jovepaytest.Fault{Method: "GET", Percent: 1, Status: 200, Body: `{"message":"OK"}`},
		jovepaytest.Fault{Path: "/v1/auth", Percent: 20, Status: 502, Body: jovepaytest.BadGatewayPage},
	)
}

// losses counts what became of orders.
type losses struct {
	mu                                                                      sync.Mutex
	orders, made, unknown, unknownMade, rejected, requests, creates, faults int
}

// Ten thousand orders, whatever goes wrong: one payment for each, or none or
// one where the caller got ErrOutcomeUnknown.
func TestCreateOnceUnderFaults(t *testing.T) {
	t.Parallel()
	const orders = 50 // of a shop, so that its list stays short
	shops := 200
	if testing.Short() {
		shops = 10
	}
	var strayed atomic.Int32
	other := serve(t, func(http.ResponseWriter, *http.Request) { strayed.Add(1) })
	var sum losses
	t.Cleanup(func() { // when all shops have closed
		t.Logf("%d orders: %d with one payment, %d unknown (%d of them with a payment), %d rejected; %d requests, %d of them creates, %d of these faulty",
			sum.orders, sum.made, sum.unknown, sum.unknownMade, sum.rejected, sum.requests, sum.creates, sum.faults)
		assert.Zero(t, strayed.Load())
		assert.Equal(t, shops*orders, sum.orders)
		assert.Greater(t, sum.faults, sum.orders/3, "too little went wrong")
		assert.Greater(t, sum.made, sum.orders*9/10, "too little was resolved")
	})
	for first := range 5 {
		t.Run(fmt.Sprint("shop ", first, " and on"), func(t *testing.T) {
			t.Parallel()
			for shop := first; shop < shops; shop += 5 {
				server := newServer(t, jovepaytest.WithSeed(uint64(shop)))
				require.NoError(t, server.Inject(everythingGoesWrong(other, shop < 4)...))
				sum.audit(t, server, orderAll(t, server, orders))
			}
		})
	}
}

// ordered is what CreateOnce returned for an order.
type ordered struct {
	id  jovepay.ID
	err error
}

// orderAll makes the payments for orders, 8 at a time, and stops the server.
func orderAll(t *testing.T, server *jovepaytest.Server, orders int) []ordered {
	t.Helper()
	client := clientOf(t, server, jovepay.WithMaxResponseBytes(1<<20), jovepay.WithTimeout(3*time.Second), jovepay.WithSettleWindow(20*time.Millisecond))
	results := make([]ordered, orders)
	var workers sync.WaitGroup
	var next atomic.Int32
	for range 8 {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < orders; i = int(next.Add(1)) - 1 {
				payment, err := client.Payments.CreateOnce(t.Context(), goods(fmt.Sprint("order-", i)))
				if results[i].err = err; err == nil {
					results[i].id = payment.ID
				}
			}
		})
	}
	workers.Wait()
	server.Close()
	return results
}

// audit compares the results of the calls with what the server has.
func (sum *losses) audit(t *testing.T, server *jovepaytest.Server, results []ordered) {
	t.Helper()
	sum.mu.Lock()
	defer sum.mu.Unlock()
	all, err := server.Payments()
	require.NoError(t, err)
	payments := map[string][]jovepay.ID{}
	for _, payment := range all {
		payments[payment.OrderID] = append(payments[payment.OrderID], payment.ID)
	}
	for i, result := range results {
		order := fmt.Sprint("order-", i)
		sum.orders++
		switch made := payments[order]; {
		case result.err == nil:
			assert.Equal(t, []jovepay.ID{result.id}, made, order)
			sum.made++
		case errors.Is(result.err, jovepay.ErrOutcomeUnknown):
			assert.LessOrEqual(t, len(made), 1, "%s: %v", order, result.err)
			assert.False(t, jovepay.SafeToRetry(result.err), "%s: %v", order, result.err)
			sum.unknown++
			sum.unknownMade += len(made)
		default:
			assert.Empty(t, made, "%s: %v", order, result.err)
			assert.True(t, jovepay.SafeToRetry(result.err), "%s: %v", order, result.err)
			sum.rejected++
		}
	}
	for _, r := range server.Requests() {
		sum.requests++
		if r.Method == http.MethodPost && r.Path == "/v1/payment" {
			sum.creates++
			if r.Fault {
				sum.faults++
			}
		}
	}
}
