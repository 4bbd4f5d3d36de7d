package histories_test

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
	"github.com/jovepay/jovepay-go/test/histories"
)

// customers are served at the same time.
const customers = 16

// PostgreSQL fails over to its replica while orders are placed, paid and fulfilled.
// If commits wait for the replica, nothing is lost, and nothing happens twice.
func TestFailover(t *testing.T) {
	t.Parallel()
	c := failOver(t, true, 0)
	assert.Equal(t, losses{}, c)
}

// If commits do not wait, those of the last moments are lost. After Reconcile the
// ledger has what JovePay has.
func TestFailoverWithLosses(t *testing.T) {
	t.Parallel()
	const lag = time.Second // a replica that keeps up loses too little to count
	l := failOver(t, false, lag)
	assert.Positive(t, l.orders+l.fulfillments)
	assert.Equal(t, l.fulfillments, l.twice+l.stranded, "fulfillments that were lost happen again, unless their order was lost")
}

// losses is what was acknowledged and is not there anymore.
type losses struct {
	orders       int // that were placed
	fulfillments int // lost ones
	twice        int // fulfillments that were lost, and happened again
	stranded     int // fulfillments that were lost with their order; the coins are a case
	shownTwice   int // orders with two payments that were shown
	duplicates   int // orders with two live payments at JovePay
}

// purchase is what a customer was told.
type purchase struct {
	order        string
	isPlaced     bool
	isFulfilled  bool // Handle has acknowledged the whole payment
	shown        map[jovepay.ID]bool
	wasForgotten bool // the book does not know the order anymore
}

// sale has orders placed, paid and handled by three replicas.
type sale struct {
	server    *jovepaytest.Server
	replicas  []*replica
	purchases []*purchase
	done      atomic.Int64
}

func failOver(t *testing.T, isSynchronous bool, lag time.Duration) (l losses) {
	t.Helper()
	c := newCluster(t, isSynchronous)
	d := &database{address: c.address(), schema: "shop"}
	require.NoError(t, d.open(t, t.Context()))
	d.migrate(t)
	server, err := jovepaytest.NewServer()
	require.NoError(t, err)
	t.Cleanup(server.Close)
	s := &sale{server: server}
	program := build(t)
	for range 3 {
		s.replicas = append(s.replicas, newReplica(t, program, d, server,
			times{send: 2 * time.Second, settle: time.Second, crash: 2 * time.Second}))
	}
	s.run(t, *ordersFlag, func(ctx context.Context) error { return c.failOver(ctx, lag) })

	before := d.shipments(t)
	placed := d.placed(t)
	for _, p := range s.purchases {
		if p.isPlaced && !placed[p.order] {
			l.orders++
		}
		if p.isFulfilled && before[p.order] == 0 {
			l.fulfillments++
		}
		if len(p.shown) > 1 {
			l.shownTwice++
		}
	}
	duplicates, err := server.Duplicates()
	require.NoError(t, err)
	l.duplicates = len(duplicates)
	out, err := s.replicas[0].call(t.Context(), "/reconcile", nil)
	require.NoError(t, err)
	require.Equal(t, histories.OK, out.Outcome, out.Error)

	after := d.shipments(t)
	for _, p := range s.purchases {
		switch {
		case after[p.order] > 1:
			t.Errorf("%s was fulfilled %d times in one database", p.order, after[p.order])
		case placed[p.order] && after[p.order] == 0:
			t.Errorf("%s was paid and is not fulfilled", p.order)
		case p.isFulfilled && before[p.order] == 0 && after[p.order] == 1:
			l.twice++
		case p.isFulfilled && after[p.order] == 0:
			l.stranded++
		}
	}
	assert.Equal(t, s.received(t), d.ledger(t), "coins by order: JovePay's, and the ledger's")
	t.Logf("%d orders, synchronous: %t, lag: %v: %+v", len(s.purchases), isSynchronous, lag, l)
	return l
}

// run serves n customers, and fails over when half of them are served.
func (s *sale) run(t *testing.T, n int, failOver func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(customers + 1)
	half := make(chan struct{})
	var once sync.Once
	group.Go(func() error {
		select {
		case <-half:
			return failOver(ctx)
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	for i := range n {
		p := &purchase{order: fmt.Sprintf("order-%d", i), shown: map[jovepay.ID]bool{}}
		s.purchases = append(s.purchases, p)
		group.Go(func() error {
			if err := s.serve(ctx, p, i); err != nil {
				return fmt.Errorf("%s: %w", p.order, err)
			}
			if s.done.Add(1) >= int64(n/2) {
				once.Do(func() { close(half) })
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
}

// serve places an order, asks for its payment twice, pays it, and delivers the news.
func (s *sale) serve(ctx context.Context, p *purchase, i int) error {
	if _, err := s.call(ctx, i, "/place", url.Values{"order": {p.order}}, nil); err != nil {
		return err
	}
	p.isPlaced = true
	var last jovepay.ID
	for n := range 2 {
		out, err := s.call(ctx, i+n, "/pay", url.Values{"order": {p.order}, "coin": {"btc"}}, nil)
		if err != nil {
			return err
		}
		if out.Outcome == histories.NotFound {
			p.wasForgotten = true
			break
		}
		last = out.Payment
		p.shown[last] = true
	}
	if last == "" {
		return nil
	}
	payment, err := s.server.Pay(last)
	if err != nil {
		return err
	}
	body, err := json.Marshal(payment)
	if err != nil {
		return err
	}
	if _, err := s.call(ctx, i, "/handle", nil, body); err != nil {
		return err
	}
	p.isFulfilled = !p.wasForgotten
	return nil
}

// call calls replicas until one of them has done it, or does not know the order.
func (s *sale) call(ctx context.Context, first int, path string, query url.Values, body []byte) (histories.Response, error) {
	for i := first; ; i++ {
		out, err := s.post(ctx, i, path, query, body)
		if err == nil && (out.Outcome == histories.OK || out.Outcome == histories.NotFound) {
			return out, nil
		}
		wait := 50 * time.Millisecond
		if out.Outcome == histories.InDoubt {
			wait = max(wait, time.Until(out.RetryAt))
		}
		if ended := pause(ctx, wait); ended != nil {
			return out, fmt.Errorf("%w; the last response: %s, %w", ended, out.Error, err)
		}
	}
}

func (s *sale) post(ctx context.Context, i int, path string, query url.Values, body []byte) (histories.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	return s.replicas[i%len(s.replicas)].post(ctx, path, query, body)
}

// received returns what JovePay received, by order.
func (s *sale) received(t *testing.T) map[string]string {
	t.Helper()
	all, err := s.server.Payments()
	require.NoError(t, err)
	sums := map[string]decimal.Decimal{}
	for _, p := range all {
		if p.ActuallyPaid.Sign() > 0 {
			sums[p.OrderID] = sums[p.OrderID].Add(p.ActuallyPaid.Decimal())
		}
	}
	texts := map[string]string{}
	for order, sum := range sums {
		texts[order] = sum.String()
	}
	return texts
}

// ledger returns what is in the ledger, by order.
func (d *database) ledger(t *testing.T) map[string]string {
	t.Helper()
	return collect(t, d, "SELECT order_id, trim_scale(sum(amount::numeric))::text FROM jovepay_ledger GROUP BY order_id")
}

// placed returns the orders that the shop has, after checking that the book has the
// same.
func (d *database) placed(t *testing.T) map[string]bool {
	t.Helper()
	shop := collect(t, d, "SELECT id, '' FROM shop_orders")
	book := collect(t, d, "SELECT id, '' FROM jovepay_orders WHERE doc::text LIKE '%\"terms\"%'")
	assert.Equal(t, shop, book, "orders of the shop, and of the book")
	all := map[string]bool{}
	for id := range shop {
		all[id] = true
	}
	return all
}

// collect returns the rows of two columns.
func collect(t *testing.T, d *database, sql string) map[string]string {
	t.Helper()
	rows, err := d.pool.Query(t.Context(), sql)
	require.NoError(t, err)
	all := map[string]string{}
	var key, value string
	_, err = pgx.ForEachRow(rows, []any{&key, &value}, func() error {
		all[key] = value
		return nil
	})
	require.NoError(t, err)
	return all
}
