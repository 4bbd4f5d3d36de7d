package jovepay_test

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

const settleWindow = 16 * time.Second

// till is a JovePay in this process, whose creates and lists do as told. Its
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

func saying(status int, body string) func(int) canned {
	return func(int) canned { return canned{status: status, body: body} }
}

// after answers the first n times in one way, and then in another.
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

func TestCreateOncePassesClearRefusalsOn(t *testing.T) {
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

// A refusal that comes after an attempt in doubt does not hide the doubt.
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
		client := answering(t, http.StatusCreated, body)
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
		client := answering(t, http.StatusCreated, `{"payment_id":7,"price_amount":`+kept+`}`)
		_, err := client.Payments.Create(t.Context(), with(goods("order-1"), func(r *jovepay.PaymentRequest) { r.PriceAmount = amount(asked) }))
		require.NoError(t, err, "%s is rounded to %s", asked, kept)
	}
	for asked, kept := range map[string]string{"33.333": "33.34", "33.3": "33", "0.014": "0.01", "0.001": "0", "33.33": "33.333"} {
		client := answering(t, http.StatusCreated, `{"payment_id":7,"price_amount":`+kept+`}`)
		_, err := client.Payments.Create(t.Context(), with(goods("order-1"), func(r *jovepay.PaymentRequest) { r.PriceAmount = amount(asked) }))
		require.ErrorIs(t, err, jovepay.ErrOutcomeUnknown, "%s is not rounded to %s", asked, kept)
	}
	more := answering(t, http.StatusCreated, `{"payment_id":7,"pay_amount":0.0011}`)
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

func TestCreateOnceShowsNoHostileText(t *testing.T) {
	t.Parallel()
	for _, text := range hostileTexts() {
		for _, member := range []string{"payment_id", "payment_status", "order_id", "price_currency", "pay_currency"} {
			synctest.Test(t, func(t *testing.T) {
				row := map[string]string{"payment_id": "7", "payment_status": "on_hold", "order_id": "order-1", "price_amount": "50", "price_currency": "usd", "pay_currency": "btc"}
				row[member] = text
				list := reply(map[string]any{"data": []any{row}, "total": 1, "pagesCount": 1}, http.StatusOK)
				for _, server := range []*till{
					{create: losing, list: saying(list.status, list.body)},
					{create: losing, list: showing(paymentFor("order-1", "7")), get: func(jovepay.ID) canned { return reply(row, http.StatusOK) }},
				} {
					if payment, err := server.order(t.Context(), t); payment == nil {
						assertHarmless(t, err)
					}
				}
			})
		}
	}
}
