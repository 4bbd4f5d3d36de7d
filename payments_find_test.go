package jovepay_test

import (
	"cmp"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

// unknown is a create of goods(orderID) in a coin, begun a while ago.
func unknown(orderID, coin string, ago time.Duration) jovepay.UnknownCreate {
	request := goods(orderID)
	request.PayCurrency = coin
	return jovepay.UnknownCreate{Request: request, Began: time.Now().Add(-ago).Round(0)}
}

// assertFound holds what was found to want: the ids of payments, "doubt" or "".
func assertFound(t *testing.T, name string, got []jovepay.FoundCreate, want ...string) {
	t.Helper()
	var all []string
	for _, found := range got {
		switch {
		case found.Payment != nil:
			assert.NoError(t, found.Doubt)
			assert.NotEmpty(t, found.Payment.PayAddress)
			all = append(all, found.Payment.ID.String())
		case found.Doubt != nil:
			assertOneLine(t, found.Doubt)
			all = append(all, "doubt")
		default:
			all = append(all, "")
		}
	}
	assert.Equal(t, want, all, "%s: %v", name, got)
}

func TestFindCreatedAtTheEmulator(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	client := clientOf(t, server)
	began := time.Now()
	require.NoError(t, server.Inject(
		jovepaytest.Fault{Method: "POST", Path: "/v1/payment", Times: 2, Cut: true, AfterEffect: true},
		jovepaytest.Fault{Method: "POST", Path: "/v1/payment", Times: 2, Cut: true},
	))
	var creates []jovepay.UnknownCreate
	for i := range 4 {
		create := jovepay.UnknownCreate{Request: goods(fmt.Sprint("order-", i)), Began: began}
		_, create.Err = client.Payments.Create(t.Context(), create.Request)
		require.ErrorIs(t, create.Err, jovepay.ErrOutcomeUnknown)
		creates = append(creates, create)
	}
	_, err := client.Payments.Create(t.Context(), goods("order-4"))
	require.NoError(t, err)
	made, err := server.Payments()
	require.NoError(t, err)
	require.Len(t, made, 3)

	found, err := client.Payments.FindCreated(t.Context(), creates)
	require.NoError(t, err)
	assertFound(t, "emulator", found, made[0].ID.String(), made[1].ID.String(), "", "")
	assert.Equal(t, 1, server.Count("GET", "/v1/payment"))
}

func TestFindCreatedRejects(t *testing.T) {
	t.Parallel()
	client := newMockClient(t, func(*http.Request) (*http.Response, error) {
		t.Error("something was sent")
		return nil, io.ErrUnexpectedEOF
	})
	_, err := client.Payments.FindCreated(t.Context(), nil)
	assertRejected(t, err, "credentials")
	server := &till{}
	for field, spoil := range map[string]func(*jovepay.UnknownCreate){
		"creates[1].order_id":     func(c *jovepay.UnknownCreate) { c.Request.OrderID = "" },
		"creates[1].price_amount": func(c *jovepay.UnknownCreate) { c.Request.PriceAmount = jovepay.Amount{} },
		"creates[1].Began":        func(c *jovepay.UnknownCreate) { c.Began = time.Time{} },
	} {
		_, err := server.client(t).Payments.FindCreated(t.Context(), []jovepay.UnknownCreate{unknown("order-1", "btc", 0), with(unknown("order-2", "btc", 0), spoil)})
		assertRejected(t, err, field)
	}
	found, err := server.client(t).Payments.FindCreated(t.Context(), nil)
	require.NoError(t, err)
	assert.Empty(t, found)
	assert.Empty(t, server.looks)
}

// An order's creates in several coins don't raise doubt about each other, but a
// payment that nobody asked for does, and nobody gets one that may be another's.
func TestFindCreatedOfOneOrder(t *testing.T) {
	t.Parallel()
	type creates = []jovepay.UnknownCreate
	row := func(id jovepay.ID, changes ...func(*jovepay.Payment)) jovepay.Payment {
		return with(paymentFor("order-1", id), all(changes...))
	}
	btc, ltc := unknown("order-1", "btc", 0), unknown("order-1", "ltc", 0)
	btc.Began, ltc.Began = time.Date(2000, 1, 1, 1, 0, 0, 0, time.UTC), time.Date(2000, 1, 1, 1, 0, 0, 0, time.UTC)
	others := func(c jovepay.UnknownCreate, ids ...jovepay.ID) jovepay.UnknownCreate { c.Others = ids; return c }
	for name, tt := range map[string]struct {
		creates creates
		rows    func() []jovepay.Payment
		want    []string
	}{
		"both made":            {creates{ltc, btc}, func() []jovepay.Payment { return []jovepay.Payment{row("7"), row("8", coin("ltc"))} }, []string{"8", "7"}},
		"one made":             {creates{ltc, btc}, func() []jovepay.Payment { return []jovepay.Payment{row("7")} }, []string{"", "7"}},
		"one made, and over":   {creates{ltc, btc}, func() []jovepay.Payment { return []jovepay.Payment{row("7", in("expired"))} }, []string{"", "doubt"}},
		"one alone":            {creates{ltc}, func() []jovepay.Payment { return []jovepay.Payment{row("7")} }, []string{"doubt"}},
		"one alone, explained": {creates{others(ltc, "7")}, func() []jovepay.Payment { return []jovepay.Payment{row("7")} }, []string{""}},
		"its own, explained":   {creates{others(btc, "6", "7")}, func() []jovepay.Payment { return []jovepay.Payment{row("6"), row("7"), row("8")} }, []string{"8"}},
		"in a third coin":      {creates{ltc, btc}, func() []jovepay.Payment { return []jovepay.Payment{row("7", coin("xmr"))} }, []string{"doubt", "doubt"}},
		"at another price":     {creates{ltc, btc}, func() []jovepay.Payment { return []jovepay.Payment{row("7", price("7", "usd"))} }, []string{"doubt", "doubt"}},
		"in like coins": {creates{unknown("order-1", "usdt", 0), unknown("order-1", "usdttrc20", 0)}, func() []jovepay.Payment { return []jovepay.Payment{row("7", coin("usdttrc20"))} },
			[]string{"doubt", "7"}},
		"twice the same create":       {creates{btc, btc, ltc}, func() []jovepay.Payment { return []jovepay.Payment{row("7")} }, []string{"doubt", "doubt", ""}},
		"twice, with two":             {creates{btc, btc}, func() []jovepay.Payment { return []jovepay.Payment{row("7"), row("8")} }, []string{"doubt", "doubt"}},
		"twice, with none":            {creates{btc, btc}, func() []jovepay.Payment { return nil }, []string{"", ""}},
		"an order that is like it":    {creates{btc, unknown("ORDER-1", "btc", 0)}, func() []jovepay.Payment { return []jovepay.Payment{row("7")} }, []string{"7", "doubt"}},
		"an order in the list's null": {creates{btc, unknown("null", "btc", 0)}, func() []jovepay.Payment { return []jovepay.Payment{row("6", order("")), row("7", order("null"))} }, []string{"doubt", "7"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(time.Hour) //nolint:forbidigo // fake time, away from midnight
			server := &till{list: showing(tt.rows()...)}
			server.get = func(id jovepay.ID) canned {
				for _, p := range tt.rows() {
					if p.ID == id {
						p.PayAddress = "bc1qexample"
						return cannedJSON(p, http.StatusOK)
					}
				}
				return canned{status: http.StatusNotFound}
			}
			found, err := server.client(t).Payments.FindCreated(t.Context(), tt.creates)
			require.NoError(t, err, name)
			assertFound(t, name, found, tt.want...)
		})
	}
}

// The payment that the response to a create names raises doubt for that create only.
func TestFindCreatedTrustsResponsesThatNameAPayment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Hour) //nolint:forbidigo // fake time, away from midnight
		server := &till{create: saying(500, `{"payment_id":7}`)}
		client := server.client(t)
		first, second := unknown("order-1", "btc", 0), unknown("order-2", "btc", 0)
		_, first.Err = client.Payments.Create(t.Context(), first.Request)
		for says, rows := range map[string][]jovepay.Payment{"is not in the list": nil, "may be it": {with(paymentFor("order-3", "7"), all(price("7", "usd"), coin("ltc"), ago(48*time.Hour)))}} {
			server.list = showing(rows...)
			found, err := client.Payments.FindCreated(t.Context(), []jovepay.UnknownCreate{first, second})
			require.NoError(t, err)
			assertFound(t, "the first is named", found, "doubt", "")
			require.ErrorContains(t, found[0].Doubt, "payment 7")
			require.ErrorContains(t, found[0].Doubt, says)
			require.ErrorContains(t, found[0].Doubt, `order "order-1" in btc`)
		}
	})
}

// When the list fails, what was found is returned, and everything else is doubt.
func TestFindCreatedWithoutAWholeList(t *testing.T) {
	t.Parallel()
	full := make([]jovepay.Payment, 500)
	for i := range full {
		full[i] = with(paymentFor(fmt.Sprint("order-", i), jovepay.ID(strconv.Itoa(i+1))), func(p *jovepay.Payment) { p.CreatedAt = jovepay.Time{} })
	}
	requests := 0
	server := &till{}
	server.list = func(int) canned {
		if requests++; requests == 1 {
			return cannedJSON(map[string]any{"data": full, "total": 501, "pagesCount": 2}, http.StatusOK)
		}
		return canned{status: http.StatusForbidden}
	}
	server.get = func(jovepay.ID) canned { return whole("2", order("order-1")) }
	creates := []jovepay.UnknownCreate{unknown("order-501", "btc", 0), unknown("order-1", "btc", 0)}
	found, err := server.client(t).Payments.FindCreated(t.Context(), creates)
	assertIs(t, err, jovepay.ErrForbidden)
	assertOneLine(t, err)
	assertFound(t, "half a list", found, "doubt", "2")
	require.ErrorIs(t, found[0].Doubt, jovepay.ErrForbidden)

	requests = 0
	found, err = server.client(t).Payments.FindCreated(t.Context(), creates[1:])
	require.NoError(t, err, "the rest of the list doesn't matter")
	assertFound(t, "half a list", found, "2")
}

// What counts is when Create was called, by the server's clock, however long ago that
// was and whatever clocks show.
func TestFindCreatedGoesByWhenCreateWasCalled(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for _, tt := range []struct {
		skew    time.Duration // of the server's clock
		undated bool
		made    time.Duration // after the call began
		want    string
	}{
		{0, false, -2 * time.Minute, ""},
		{0, false, -30 * time.Second, "doubt"},
		{0, false, 5 * time.Second, "doubt"},
		{-time.Hour, false, -2 * time.Minute, ""},
		{-time.Hour, false, -30 * time.Second, "doubt"},
		{-time.Hour, false, 5 * time.Second, "doubt"},
		{-30 * day, false, -2 * time.Minute, ""},
		{-30 * day, false, 5 * time.Second, "doubt"},
		{time.Hour, false, -2 * time.Minute, "doubt"},
		{time.Hour, false, 5 * time.Second, "doubt"},
		{0, true, -25 * time.Hour, ""},
		{0, true, -23 * time.Hour, "doubt"},
		{-time.Hour, true, 5 * time.Second, "doubt"},
	} {
		for _, age := range []time.Duration{0, 10 * time.Minute, 3 * day} { // of the create
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(10*day + 61*time.Minute) //nolint:forbidigo // fake time, away from midnight
				payment := with(paymentFor("order-1", "7"), all(coin("xmr"), ago(age-tt.made-tt.skew)))
				server := &till{skew: tt.skew, undated: tt.undated}
				server.list = func(look int) canned {
					from, err := time.Parse(time.RFC3339, server.from)
					if err == nil && payment.CreatedAt.Before(from) {
						return showing()(look)
					}
					return showing(payment)(look)
				}
				found, err := server.client(t).Payments.FindCreated(t.Context(), []jovepay.UnknownCreate{unknown("order-1", "btc", age)})
				require.NoError(t, err)
				assertFound(t, fmt.Sprint(tt, age), found, tt.want)
			})
		}
	}
}

// Of what this machine's clocks show to have passed since Began, the longer counts.
func TestFindCreatedDistrustsItsClocks(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, tt := range map[string]struct {
		began time.Time
		want  string
	}{
		"now":                           {now, ""},
		"an hour ago":                   {now.Add(-time.Hour), "doubt"},
		"by another process":            {now.Add(-time.Hour).Round(0), "doubt"},
		"the machine was suspended":     {shifted(now.Add(-time.Hour), time.Hour), "doubt"},
		"the clock was set back by one": {shifted(now, -time.Hour), "doubt"},
	} {
		server := &till{list: row(coin("xmr"), func(p *jovepay.Payment) { p.CreatedAt.Time = now.Add(-30*time.Minute + 1) })}
		found, err := server.client(t).Payments.FindCreated(t.Context(), []jovepay.UnknownCreate{{Request: goods("order-1"), Began: tt.began}})
		require.NoError(t, err)
		assertFound(t, name, found, tt.want)
	}
}

// A time in the future is taken for now.
func TestFindCreatedFromTheFuture(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Hour) //nolint:forbidigo // fake time, away from midnight
		server := &till{list: row(coin("xmr"))}
		found, err := server.client(t).Payments.FindCreated(t.Context(), []jovepay.UnknownCreate{unknown("order-1", "btc", -time.Hour)})
		require.NoError(t, err)
		assertFound(t, "the future", found, "doubt")
	})
}

// randomCreates are for different orders, some of whose ids look alike.
func randomCreates(random *rand.Rand) (creates []jovepay.UnknownCreate) {
	orders := []string{"order-1", "ORDER-1", "order-12", "order-123", "order-2", "or", "null", "0", "00", "x", "12", "--", "order-\u00e9"}
	random.Shuffle(len(orders), func(i, j int) { orders[i], orders[j] = orders[j], orders[i] })
	for _, id := range orders[:1+random.IntN(len(orders))] {
		create := unknown(id, []string{"btc", "ltc", "usdt"}[random.IntN(3)], time.Duration(random.IntN(3))*time.Hour)
		if random.IntN(4) == 0 {
			create.Others = []jovepay.ID{"2", "3"}
		}
		creates = append(creates, create)
	}
	return creates
}

func randomRows(random *rand.Rand, creates []jovepay.UnknownCreate) (rows []jovepay.Payment) {
	pick := func(texts ...string) string { return texts[random.IntN(len(texts))] }
	for i := range random.IntN(12) {
		request := creates[random.IntN(len(creates))].Request
		p := with(paymentFor(request.OrderID, jovepay.ID(strconv.Itoa(i+1))), coin(request.PayCurrency))
		for range random.IntN(4) {
			p = with(p, [...]func(*jovepay.Payment){
				order(string([]rune(p.OrderID)[:random.IntN(len([]rune(p.OrderID))+1)])),
				order(strings.ToUpper(p.OrderID)),
				order(pick("", " ", "null", "0", "undefined", "or\uFFFDer", "order-1234567", "y", "order1", "-")),
				coin(pick("", "btc", "ltc", "usdttrc20", "xmr")),
				price(pick("49.90", "50", "7"), pick("usd", "eur", "")),
				in(jovepay.PaymentStatus(pick("expired", "finished", "on_hold", ""))),
				ago(time.Duration(random.IntN(200)) * time.Minute),
				undated,
				func(p *jovepay.Payment) { p.ParentPaymentID = "3" },
				id(""),
			}[random.IntN(10)])
		}
		rows = append(rows, p)
	}
	return rows
}

// One look for many creates shows what a look for each alone does.
func TestFindCreatedJudgesEachAsAlone(t *testing.T) {
	t.Parallel()
	lists := 3000
	if testing.Short() {
		lists = 300
	}
	outcomes := map[string]int{}
	for seed := range lists {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(10 * time.Hour) //nolint:forbidigo // fake time, away from midnight
			random := rand.New(rand.NewPCG(uint64(seed), 9))
			creates := randomCreates(random)
			rows := randomRows(random, creates)
			server := &till{list: showing(rows...)}
			server.get = func(id jovepay.ID) canned {
				p := rows[slices.IndexFunc(rows, func(p jovepay.Payment) bool { return p.ID == id })]
				return cannedJSON(with(p, func(p *jovepay.Payment) { p.PayAddress = "bc1qexample" }), http.StatusOK)
			}
			if random.IntN(4) == 0 {
				failed := &till{create: saying(http.StatusBadGateway, `{"payment_id":4}`)}
				_, creates[0].Err = failed.client(t).Payments.Create(t.Context(), creates[0].Request)
			}
			client := server.client(t)
			together, err := client.Payments.FindCreated(t.Context(), creates)
			require.NoError(t, err)
			for i, create := range creates {
				alone, err := client.Payments.FindCreated(t.Context(), []jovepay.UnknownCreate{create})
				require.NoError(t, err)
				require.Equal(t, alone[0].Payment, together[i].Payment, "seed %d: %q", seed, create.Request.OrderID)
				require.Equal(t, fmt.Sprint(alone[0].Doubt), fmt.Sprint(together[i].Doubt), "seed %d: %q", seed, create.Request.OrderID)
				switch {
				case alone[0].Payment != nil:
					outcomes["payment"]++
				case alone[0].Doubt != nil:
					outcomes["doubt"]++
				default:
					outcomes["none"]++
				}
			}
		})
	}
	t.Log(outcomes)
	for _, outcome := range []string{"payment", "doubt", "none"} {
		assert.Greater(t, outcomes[outcome], lists/10, "too rare to mean anything: %s", outcome)
	}
}

// A thousand creates among a hundred thousand payments take one pass of the list.
func TestFindCreatedOfAThousand(t *testing.T) {
	t.Parallel()
	const payments, creates, size = 99_999, 1000, 500
	now := time.Now()
	var pages, gets atomic.Int32
	text := func(b *strings.Builder, i int) { // payment i is for order-i, and one in a hundred is for none
		p := paymentFor(fmt.Sprint("order-", i), jovepay.ID(strconv.Itoa(i)))
		p.CreatedAt.Time = now.Add(-time.Hour)
		if i%100 == 99 {
			p = with(p, all(order(""), price("7", "usd"), coin("ltc"), ago(-time.Hour)))
		}
		b.WriteString(cannedJSON(p, http.StatusOK).body)
	}
	client := newClient(t, jovepay.DefaultBaseURL, jovepay.WithCredentials(email, password), jovepay.WithHTTPClient(&http.Client{
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/v1/auth" {
				return plainResponse(http.StatusOK, `{"token":"`+token()+`"}`), nil
			}
			b := new(strings.Builder)
			if id, ofOne := strings.CutPrefix(r.URL.Path, "/v1/payment/"); ofOne {
				gets.Add(1)
				i, err := strconv.Atoi(id)
				text(b, i)
				return plainResponse(http.StatusOK, strings.TrimSuffix(b.String(), "}")+`,"pay_address":"bc1qexample"}`), err
			}
			pages.Add(1)
			page, err := strconv.Atoi(cmp.Or(r.URL.Query().Get("page"), "0"))
			b.WriteString(`{"data":[`)
			for i := page * size; i < min(payments, (page+1)*size); i++ {
				if i > page*size {
					b.WriteByte(',')
				}
				text(b, i+1)
			}
			fmt.Fprintf(b, `],"limit":%d,"page":%d,"pagesCount":%d,"total":%d}`, size, page, (payments+size-1)/size, payments)
			res := plainResponse(http.StatusOK, b.String())
			res.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
			return res, err
		}),
	}))
	list := make([]jovepay.UnknownCreate, creates)
	for i := range list {
		list[i] = jovepay.UnknownCreate{Request: goods(fmt.Sprint("order-", 50+110*i)), Began: now} // the last ones are beyond the list
	}
	found, err := client.Payments.FindCreated(t.Context(), list)
	require.NoError(t, err)
	made := 0
	for i, create := range list {
		require.NoError(t, found[i].Doubt)
		if 50+110*i > payments {
			require.Nil(t, found[i].Payment, create.Request.OrderID)
			continue
		}
		made++
		require.NotNil(t, found[i].Payment, create.Request.OrderID)
		require.Equal(t, create.Request.OrderID, found[i].Payment.OrderID)
	}
	assert.Equal(t, 909, made)
	assert.EqualValues(t, made, gets.Load())
	assert.EqualValues(t, (payments+size-1)/size, pages.Load())
}
