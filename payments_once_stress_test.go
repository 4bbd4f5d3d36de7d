package jovepay_test

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

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
	mu                                                                     sync.Mutex
	orders, made, unknown, unknownMade, refused, requests, creates, faults int
}

// Ten thousand orders, whatever goes wrong: one payment for each, or none or
// one where the caller was told that nobody knows.
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
		t.Logf("%d orders: %d with one payment, %d unknown (%d of them with a payment), %d refused; %d requests, %d of them creates, %d of these faulty",
			sum.orders, sum.made, sum.unknown, sum.unknownMade, sum.refused, sum.requests, sum.creates, sum.faults)
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

// audit holds what callers were told against what the server has.
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
			sum.unknown++
			sum.unknownMade += len(made)
		default:
			assert.Empty(t, made, "%s: %v", order, result.err)
			sum.refused++
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
