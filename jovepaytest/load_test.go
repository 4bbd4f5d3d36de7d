package jovepaytest_test

import (
	"net/http"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

// A thousand customers at the same time, all of whose payments wait before the
// first one pays: every payment is made once, every notification arrives once, in
// order and in a form that verifies, and nothing is left running.
func TestAThousandPaymentsAtOnce(t *testing.T) {
	const payments = 1000
	before := goleak.IgnoreCurrent()
	server, err := jovepaytest.NewServer()
	require.NoError(t, err)
	s := newShop(t, server)
	transport := &http.Transport{MaxConnsPerHost: 64, MaxIdleConnsPerHost: 64}
	client := newClient(t, server, jovepay.WithHTTPClient(&http.Client{Transport: transport}))

	made := make([]jovepay.ID, payments)
	behave(t, server, jovepaytest.IPNBehavior{
		Forms: []jovepay.IPNForm{jovepay.FormJS, jovepay.FormJSArrays, jovepay.FormPHP, jovepay.FormPython, jovepay.FormRaw},
	})
	var customers, waiting sync.WaitGroup
	waiting.Add(payments)
	for i := range payments {
		customers.Go(func() {
			request := order()
			request.OrderID, request.IPNCallbackURL = strconv.Itoa(i), s.url
			p, err := client.Payments.Create(t.Context(), request)
			waiting.Done()
			waiting.Wait()
			if !assert.NoError(t, err) {
				return
			}
			made[i] = p.ID
			_, err = server.Pay(p.ID)
			assert.NoError(t, err)
			p, err = client.Payments.Get(t.Context(), p.ID)
			assert.NoError(t, err)
			assert.Equal(t, jovepay.PaymentFinished, p.Status)
			assert.Equal(t, request.OrderID, p.OrderID)
		})
	}
	customers.Wait()
	require.NoError(t, server.WaitDeliveries(t.Context()))

	heard := map[jovepay.ID][]jovepay.PaymentStatus{}
	for _, event := range s.all() {
		p, ok := event.(*jovepay.PaymentEvent)
		require.True(t, ok)
		heard[p.ID] = append(heard[p.ID], p.Status)
	}
	assert.Len(t, heard, payments, "all ids are different")
	for _, id := range made {
		assert.Equal(t, life(), heard[id], "all of it, in order")
	}
	assert.Len(t, server.Deliveries(), payments*len(life()))
	assert.Equal(t, payments, server.Count("POST", "/v1/payment"))
	assert.Equal(t, payments, server.Count("GET", "/v1/payment/*"))
	for _, r := range server.Requests() {
		assert.True(t, r.Handled)
	}

	transport.CloseIdleConnections()
	s.close()
	server.Close()
	goleak.VerifyNone(t, before)
}
