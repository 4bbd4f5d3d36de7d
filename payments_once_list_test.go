package jovepay_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

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
			for _, lose := range []func(int) canned{losing, saying(500, "")} { // without a Date of its own, and with one
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
	{"the payment, which cannot be read as a whole", row(), func(jovepay.ID) canned { return canned{status: 404} }, doubt},
	{"the payment, beside one for the order in another coin", func(look int) canned {
		return showing(paymentFor("order-1", "7"), with(paymentFor("order-1", "8"), coin("ltc")))(look)
	}, nil, found},
	{"an earlier payment for the order that is live, at the same price in the same coin", row(ago(time.Hour)), nil, found},
	{"an earlier payment for the order that is over", row(in("expired"), ago(time.Hour)), nil, ignored},
	{"an earlier payment for the order in another coin", row(coin("ltc"), ago(time.Hour)), nil, ignored},
	{"a payment for the order made since, in another coin, at another price, or over", row(in("failed")), nil, doubt},
	{"a payment for the order made since, whose coin or price is spelled beyond recognition", row(coin("bitcoin")), nil, doubt},
	{"a payment made since whose order id is changed, cut off or missing", row(order("")), nil, doubt},
	{"such a payment at another price and in another coin", row(order(""), coin("ltc"), price("7", "usd")), nil, ignored},
	{"a payment without a date for the order in another coin", row(coin("ltc"), undated), nil, doubt},
	{"a repeated deposit", row(func(p *jovepay.Payment) { p.ParentPaymentID = "3" }), nil, ignored},
	{"nothing, in a complete list", showing(), nil, ignored},
	{"fewer payments than it counts", saying(http.StatusOK, `{"data":[],"page":0,"pagesCount":1,"total":1}`), nil, doubt},
	{"the same page again and again", saying(http.StatusOK, `{"data":[{"payment_id":1,"order_id":"other"}],"page":0,"pagesCount":2,"total":2}`), nil, doubt},
	{"nothing that can be read", saying(http.StatusOK, "garbage"), nil, doubt},
	{"an error, until the settle window is over", saying(http.StatusServiceUnavailable, ""), nil, doubt},
}

// row is a list of one payment, made when it is read.
func row(changes ...func(*jovepay.Payment)) func(int) canned {
	return func(look int) canned { return showing(with(paymentFor("order-1", "7"), all(changes...)))(look) }
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
