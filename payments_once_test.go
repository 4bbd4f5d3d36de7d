package jovepay_test

import (
	"context"
	"io"
	"net/http"
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

// till is a JovePay in this process, whose creates and lists do as told.
type till struct {
	mu      sync.Mutex
	creates int
	looks   []time.Time // at the list

	create func(n int) canned
	list   func(look int) canned
}

func (c *till) respond(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch r.Method + " " + r.URL.Path {
	case "POST /v1/auth":
		return plainResponse(http.StatusOK, `{"token":"`+token()+`"}`), nil
	case "POST /v1/payment":
		c.creates++
		return c.create(c.creates).response()
	case "GET /v1/payment":
		c.looks = append(c.looks, time.Now())
		return c.list(len(c.looks)).response()
	}
	return plainResponse(http.StatusTeapot, ""), nil
}

// order makes the payment for order-1.
func (c *till) order(ctx context.Context, t *testing.T) (*jovepay.Payment, error) {
	t.Helper()
	client := newClient(t, jovepay.DefaultBaseURL, jovepay.WithCredentials(email, password), jovepay.WithSettleWindow(settleWindow),
		jovepay.WithHTTPClient(&http.Client{Transport: roundTripper(c.respond)}), quickly)
	return client.Payments.CreateOnce(ctx, goods("order-1"))
}

// paymentFor is what goods(orderID) leads to.
func paymentFor(orderID string, id jovepay.ID) jovepay.Payment {
	want := goods(orderID)
	return jovepay.Payment{
		ID: id, OrderID: orderID, Status: jovepay.StatusWaiting, CreatedAt: jovepay.Time{Time: time.Now().UTC()},
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
	} {
		for appears := range 6 { // at which look
			synctest.Test(t, func(t *testing.T) {
				server := &till{create: unknown, list: after(appears, showing(paymentFor("order-2", "6")), showing(paymentFor("order-2", "6"), paymentFor("order-1", "7")))}
				payment, err := server.order(t.Context(), t)
				require.NoError(t, err)
				assert.Equal(t, jovepay.ID("7"), payment.ID)
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
		half := server.looks[:len(server.looks)/2]
		assert.Zero(t, half[0].Sub(start), "the first look is at once")
		assert.GreaterOrEqual(t, half[len(half)-1].Sub(start), settleWindow, "the last look is at the end")
		assert.LessOrEqual(t, len(half), 8)
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
		server := &till{create: losing, list: after(9, saying(503, ""), showing(paymentFor("order-1", "7")))}
		payment, err := server.order(t.Context(), t)
		require.NoError(t, err)
		assert.Equal(t, jovepay.ID("7"), payment.ID)
		assert.Equal(t, 1, server.creates)
	})
}

func TestCreateOnceTellsPaymentsApart(t *testing.T) {
	t.Parallel()
	type change = func(*jovepay.Payment)
	for name, tt := range map[string]struct {
		change  change
		found   bool // it is returned
		doubt   bool // nothing is
		ignored bool // a new one is made
	}{
		"the same":                   {func(*jovepay.Payment) {}, true, false, false},
		"the same in other digits":   {func(p *jovepay.Payment) { p.PriceAmount = amount("49.9000") }, true, false, false},
		"the same in other letters":  {func(p *jovepay.Payment) { p.PriceCurrency, p.PayCurrency = "USD", "BTC" }, true, false, false},
		"the same, waiting for long": {func(p *jovepay.Payment) { p.CreatedAt.Time = p.CreatedAt.Add(-50 * time.Minute) }, true, false, false},
		"the same, being paid":       {func(p *jovepay.Payment) { p.Status = jovepay.StatusConfirming }, true, false, false},
		"the same, unknown status":   {func(p *jovepay.Payment) { p.Status = "on_hold" }, true, false, false},
		"another price meanwhile":    {func(p *jovepay.Payment) { p.PriceAmount = amount("50") }, false, true, false},
		"another currency meanwhile": {func(p *jovepay.Payment) { p.PriceCurrency = "eur" }, false, true, false},
		"another coin meanwhile":     {func(p *jovepay.Payment) { p.PayCurrency = "ltc" }, false, true, false},
		"another price, no date":     {func(p *jovepay.Payment) { p.PriceAmount, p.CreatedAt = amount("50"), jovepay.Time{} }, false, true, false},
		"no price":                   {func(p *jovepay.Payment) { p.PriceAmount = jovepay.Amount{} }, false, true, false},
		"another price, earlier": {func(p *jovepay.Payment) {
			p.PriceAmount, p.CreatedAt.Time = amount("50"), p.CreatedAt.Add(-2*time.Minute)
		}, false, false, true},
		"expired, earlier": {func(p *jovepay.Payment) {
			p.Status, p.CreatedAt.Time = jovepay.StatusExpired, p.CreatedAt.Add(-2*time.Minute)
		}, false, false, true},
		"finished, earlier": {func(p *jovepay.Payment) {
			p.Status, p.CreatedAt.Time = jovepay.StatusFinished, p.CreatedAt.Add(-2*time.Minute)
		}, false, false, true},
		"failed meanwhile":             {func(p *jovepay.Payment) { p.Status = jovepay.StatusFailed }, false, true, false},
		"expired meanwhile":            {func(p *jovepay.Payment) { p.Status = jovepay.StatusExpired }, false, true, false},
		"partially paid meanwhile":     {func(p *jovepay.Payment) { p.Status = jovepay.StatusPartiallyPaid }, false, true, false},
		"finished, no date":            {func(p *jovepay.Payment) { p.Status, p.CreatedAt = jovepay.StatusFinished, jovepay.Time{} }, false, true, false},
		"a repeated deposit":           {func(p *jovepay.Payment) { p.ParentPaymentID = "3" }, false, false, true},
		"another order":                {func(p *jovepay.Payment) { p.OrderID = "order-11" }, false, false, true},
		"another order, by its letter": {func(p *jovepay.Payment) { p.OrderID = "ORDER-1" }, false, false, true},
		"no order":                     {func(p *jovepay.Payment) { p.OrderID = "" }, false, false, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			server := &till{create: after(1, losing, saying(201, `{"payment_id":9}`)), list: showing(with(paymentFor("order-1", "7"), tt.change))}
			payment, err := server.order(t.Context(), t)
			switch {
			case tt.found:
				require.NoError(t, err, name)
				assert.Equal(t, jovepay.ID("7"), payment.ID, name)
				assert.Equal(t, 1, server.creates, name)
			case tt.doubt:
				assertIs(t, err, jovepay.ErrOutcomeUnknown)
				require.ErrorContains(t, err, "payment 7", name)
				assert.Equal(t, 1, server.creates, name)
			case tt.ignored:
				require.NoError(t, err, name)
				assert.Equal(t, jovepay.ID("9"), payment.ID, name)
				assert.Equal(t, 2, server.creates, name)
			}
		})
	}
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
	_, err := server.Pay(want[0], jovepay.Amount{})
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
