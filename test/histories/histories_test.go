package histories_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/go-json-experiment/json"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
	"github.com/jovepay/jovepay-go/orders"
	"github.com/jovepay/jovepay-go/test/histories"
)

const (
	clients    = 4 // of one order
	calls      = 6 // of one client
	concurrent = 8 // orders
)

// Four clients at a time call Pay, Handle, Cancel, Resolve and Get for one order on
// three processes, which are killed and frozen all the time. There is an order of
// these calls, in which each takes place between its start and its end, that explains
// everything that was returned.
func TestHistories(t *testing.T) {
	t.Parallel()
	f := newField(t, build(t))
	verdicts := f.run(t, *countFlag)
	assert.Zero(t, verdicts[porcupine.Illegal], "histories that are not linearizable")
	assert.Zero(t, verdicts[porcupine.Unknown], "histories that could not be checked in time")
	assert.Equal(t, *countFlag, verdicts[porcupine.Ok])
	f.chaos.check(t, *countFlag)
	t.Logf("%d linearizable histories of %d operations; %s", verdicts[porcupine.Ok], f.total, &f.chaos)
}

// A book that is broken has a history that is not linearizable.
func TestSabotagedHistories(t *testing.T) {
	t.Parallel()
	for name, edits := range sabotages() {
		if name != "no intent" && !*allFlag {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newField(t, build(t, edits...))
			f.isSabotaged = true
			verdicts := f.run(t, max(*countFlag, 200))
			assert.Positive(t, verdicts[porcupine.Illegal], "%v", verdicts)
			t.Logf("found after %d histories", verdicts[porcupine.Ok]+verdicts[porcupine.Illegal])
		})
	}
}

// sabotages are changes that break the book.
func sabotages() map[string][]edit {
	return map[string][]edit{
		"no row lock": {{"pgxstore/statements.go", "selectOrder + ` FOR UPDATE`", "selectOrder"}},
		"version of a case unchecked": {
			{"orders/resolve.go", "case c.Version != r.Version:", "case false:"},
		},
		"no intent": {
			{"orders/pay.go", "case i.State == intentSending && !i.isPast(d.now):", "case false:"},
			{"orders/pay.go", "case i.State == intentSending:\n", "case false:\n"},
			{"orders/pay.go", "case i.State == intentInDoubt:\n", "case false:\n"},
		},
		"shown before it is saved": {
			{"orders/pay.go", "case next.send != nil:\n\t\t\terr = c.send(ctx, next.send, began)", `case next.send != nil:
			_ = began
			p, err := c.client.Payments.Create(ctx, *next.send.Request)
			if err != nil {
				return nil, err
			}
			go func() {
				time.Sleep(50 * time.Millisecond)
				_ = c.saveCreated(context.WithoutCancel(ctx), next.send, p)
			}()
			return &Payment{ID: p.ID}, nil`},
		},
	}
}

// field is where histories take place: JovePay, a database and three processes.
type field struct {
	*database
	server      *jovepaytest.Server
	replicas    []*replica
	chaos       chaos
	began       time.Time
	isSabotaged bool

	mu    sync.Mutex
	total int // operations
}

func newField(t *testing.T, program string) *field {
	t.Helper()
	f := &field{database: openDatabase(t), began: time.Now()}
	var err error
	f.server, err = jovepaytest.NewServer()
	require.NoError(t, err)
	t.Cleanup(f.server.Close)
	w := times{send: 500 * time.Millisecond, settle: 300 * time.Millisecond, crash: 700 * time.Millisecond}
	for range 3 {
		f.replicas = append(f.replicas, newReplica(t, program, f.database, f.server, w))
	}
	f.chaos = chaos{replicas: f.replicas, frozen: w.send * 3 / 2}
	return f
}

// run checks n histories, or those until the first that is not linearizable. It
// returns the number of each verdict.
func (f *field) run(t *testing.T, n int) map[porcupine.CheckResult]int {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	breaking := new(errgroup.Group)
	breaking.Go(func() error { return f.chaos.run(ctx) })
	verdicts := map[porcupine.CheckResult]int{}
	ships := map[string]bool{}
	group := new(errgroup.Group)
	group.SetLimit(concurrent)
	for i := range n {
		f.mu.Lock()
		isOver := verdicts[porcupine.Illegal] > 0
		f.mu.Unlock()
		if isOver {
			break
		}
		group.Go(func() error {
			h := &history{field: f, order: fmt.Sprintf("order-%d", i), parents: map[jovepay.ID]jovepay.ID{}}
			if err := h.play(ctx, i); err != nil {
				return fmt.Errorf("order %d: %w", i, err)
			}
			verdict, info := porcupine.CheckOperationsVerbose(model(h.made), h.operations, time.Minute)
			f.mu.Lock()
			defer f.mu.Unlock()
			f.total += len(h.operations)
			verdicts[verdict]++
			ships[h.order] = h.isFulfilled
			if verdict != porcupine.Ok && !f.isSabotaged {
				t.Error(h.explain(verdict, info))
			}
			return nil
		})
	}
	failed := group.Wait()
	stop()
	require.NoError(t, errors.Join(failed, breaking.Wait()))
	if !f.isSabotaged {
		shipped := f.shipments(t)
		for order, isFulfilled := range ships {
			want := 0
			if isFulfilled {
				want = 1
			}
			assert.Equal(t, want, shipped[order], "shipments of %s", order)
		}
	}
	return verdicts
}

// history is what happens to one order.
type history struct {
	*field
	order       string
	made        []*jovepay.Payment // by JovePay, when all is over
	isFulfilled bool

	mu         sync.Mutex
	operations []porcupine.Operation
	parents    map[jovepay.ID]jovepay.ID
	cases      []seenCase
	delivered  []delivery
	partials   map[jovepay.ID]bool // whose news were acknowledged

	market sync.Mutex // held while a customer acts
}

// seenCase is a case as somebody saw it.
type seenCase struct {
	id      string
	about   jovepay.ID
	version int
}

// delivery is the news of a payment.
type delivery struct {
	in   input
	body []byte
}

// play places the order, has the clients call the book, and looks at the order.
func (h *history) play(ctx context.Context, seed int) error {
	h.partials = map[jovepay.ID]bool{}
	placed := h.until(ctx, 0, "/place", url.Values{"order": {h.order}}, nil)
	if placed.Outcome != histories.OK {
		return fmt.Errorf("place: %s", placed.Error)
	}
	group := new(errgroup.Group)
	for i := range clients {
		group.Go(func() error {
			random := rand.New(rand.NewPCG(uint64(seed), uint64(i)))
			for range calls {
				if err := h.call(ctx, i, random); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	last := h.until(ctx, 1, "/get", url.Values{"order": {h.order}}, func(out histories.Response, call, end int64) {
		h.add(clients, input{verb: doGet}, output{outcome: out.Outcome, view: describe(out.View)}, call, end)
	})
	if last.Outcome != histories.OK {
		return fmt.Errorf("get: %s", last.Error)
	}
	h.isFulfilled = last.View.Fulfilled
	var err error
	h.made, err = h.payments()
	return err
}

// payments are those at JovePay for the order, without further deposits.
func (h *history) payments() ([]*jovepay.Payment, error) {
	all, err := h.server.Latest(100)
	return slices.DeleteFunc(all, func(p *jovepay.Payment) bool {
		return p.OrderID != h.order || p.ParentPaymentID != ""
	}), err
}

func (h *history) now() int64 { return int64(time.Since(h.began)) }

// add records an operation. One whose outcome is unknown can have its effect at any
// later time.
func (h *history) add(client int, in input, out output, call, end int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if out.outcome == histories.Unknown || in.verb == doCreate && out.outcome == histories.InDoubt {
		end = math.MaxInt64
	}
	h.operations = append(h.operations, porcupine.Operation{ClientId: client, Input: in, Output: out, Call: call, Return: end})
}

// until calls one replica after the other until one of them has done it.
func (h *history) until(ctx context.Context, first int, path string, query url.Values, record func(histories.Response, int64, int64)) histories.Response {
	for i := first; ; i++ {
		call := h.now()
		out, err := h.post(ctx, i, path, query, nil)
		if err == nil && out.Outcome == histories.OK {
			if record != nil {
				record(out, call, h.now())
			}
			return out
		}
		if pause(ctx, 10*time.Millisecond) != nil {
			return out
		}
	}
}

// post calls a replica, and gives up after some time.
func (h *history) post(ctx context.Context, i int, path string, query url.Values, body []byte) (histories.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return h.replicas[i%len(h.replicas)].post(ctx, path, query, body)
}

// call makes one random call.
func (h *history) call(ctx context.Context, client int, random *rand.Rand) error {
	replica := random.IntN(len(h.replicas))
	switch n := random.IntN(100); {
	case n < 35:
		coin := "btc"
		if random.IntN(5) == 0 {
			coin = "eth"
		}
		h.pay(ctx, client, replica, coin)
	case n < 65:
		return h.act(ctx, client, replica, random)
	case n < 69:
		h.simple(ctx, client, replica, "/cancel", url.Values{"order": {h.order}}, input{verb: doCancel})
	case n < 83:
		h.resolve(ctx, client, replica, random)
	default:
		h.get(ctx, client, replica)
	}
	return nil
}

// pay calls Pay, which is two operations: to make a payment known, and to show it.
func (h *history) pay(ctx context.Context, client, replica int, coin string) {
	call := h.now()
	out, err := h.post(ctx, replica, "/pay", url.Values{"order": {h.order}, "coin": {coin}}, nil)
	switch {
	case errors.Is(err, errDown):
		return
	case err != nil:
		out.Outcome = histories.Unknown
	}
	end := h.now()
	h.add(client, input{verb: doCreate, coin: coin}, output{outcome: out.Outcome}, call, end)
	if out.Outcome != histories.Unknown && out.Outcome != histories.InDoubt {
		h.add(client, input{verb: doPay, coin: coin}, output{outcome: out.Outcome, id: out.Payment}, call, end)
	}
}

// simple makes a call that is one operation.
func (h *history) simple(ctx context.Context, client, replica int, path string, query url.Values, in input) {
	call := h.now()
	out, err := h.post(ctx, replica, path, query, nil)
	switch {
	case errors.Is(err, errDown):
		return
	case err != nil:
		out.Outcome = histories.Unknown
	}
	h.add(client, in, output{outcome: out.Outcome}, call, h.now())
}

func (h *history) get(ctx context.Context, client, replica int) {
	call := h.now()
	out, err := h.post(ctx, replica, "/get", url.Values{"order": {h.order}}, nil)
	if err != nil || out.Outcome != histories.OK {
		return
	}
	h.add(client, input{verb: doGet}, output{outcome: out.Outcome, view: describe(out.View)}, call, h.now())
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range out.View.Cases {
		if about := aboutOf(c, h.parents); about != "" {
			h.cases = append(h.cases, seenCase{c.ID, about, c.Version})
		}
	}
}

// resolve decides a case as somebody saw it, which may be long ago. If nobody saw
// one, it looks.
func (h *history) resolve(ctx context.Context, client, replica int, random *rand.Rand) {
	h.mu.Lock()
	seen := slices.Clone(h.cases)
	h.mu.Unlock()
	if len(seen) == 0 {
		h.get(ctx, client, replica)
		return
	}
	c := seen[random.IntN(len(seen))]
	decision := orders.DecisionReject
	if random.IntN(3) == 0 {
		decision = orders.DecisionAccept
	}
	query := url.Values{"case": {c.id}, "version": {strconv.Itoa(c.version)}, "decision": {string(decision)}}
	h.simple(ctx, client, replica, "/resolve", query, input{verb: doResolve, id: c.about, version: c.version, decision: decision})
}

// act lets something happen to a payment, and delivers the news until they are
// acknowledged. Both are one operation: as soon as it happened, a replica can read
// of it.
func (h *history) act(ctx context.Context, client, replica int, random *rand.Rand) error {
	call := h.now()
	d, err := h.happen(random)
	if err != nil || d == nil {
		return err
	}
	for i := replica; ; i++ {
		out, err := h.post(ctx, i, "/handle", nil, d.body)
		if err == nil && out.Outcome == histories.OK {
			break
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
	h.add(client, d.in, output{outcome: histories.OK}, call, h.now())
	h.mu.Lock()
	defer h.mu.Unlock()
	h.delivered = append(h.delivered, *d)
	if d.in.news == partial {
		h.partials[d.in.id] = true
	}
	return nil
}

// happen lets something happen to a random payment of the order, or returns news
// that were delivered before. It returns nil if there is no payment.
func (h *history) happen(random *rand.Rand) (*delivery, error) {
	h.market.Lock()
	defer h.market.Unlock()
	all, err := h.payments()
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.delivered) > 0 && random.IntN(4) == 0 {
		return &h.delivered[random.IntN(len(h.delivered))], nil
	}
	if len(all) == 0 {
		return nil, nil
	}
	p := all[random.IntN(len(all))]
	in := input{verb: doHandle, id: p.ID, coin: p.PayCurrency}
	half := jovepay.NewAmount(p.PayAmount.Decimal().Div(decimal.NewFromInt(2)).Round(6))
	hasChild := slices.ContainsFunc(h.delivered, func(d delivery) bool { return d.in.id == p.ID && d.in.news == child })
	for _, parent := range h.parents {
		hasChild = hasChild || parent == p.ID
	}
	after := p
	switch n := random.IntN(10); {
	case p.Status == jovepay.PaymentWaiting && n < 4:
		after, err = h.server.PayAmount(p.ID, half)
	case p.Status == jovepay.PaymentWaiting && n < 6:
		after, err = h.server.Pay(p.ID)
	case p.Status == jovepay.PaymentWaiting && n < 8:
		after, err = h.server.Expire(p.ID)
	case p.Status == jovepay.PaymentPartiallyPaid && h.partials[p.ID] && !hasChild:
		after, err = h.server.PayAmount(p.ID, half)
	}
	if err != nil {
		return nil, err
	}
	in.news = newsOf(after.Status)
	if after.ParentPaymentID != "" {
		h.parents[after.ID], in.news = p.ID, child
	}
	body, err := json.Marshal(after)
	return &delivery{in, body}, err
}

// explain writes the history to a file, and returns what it says.
func (h *history) explain(verdict porcupine.CheckResult, info porcupine.LinearizationInfo) string {
	slices.SortFunc(h.operations, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", h.order, verdict)
	for _, o := range h.operations {
		fmt.Fprintf(&b, "%10d %10d client %d: %+v → %+v\n", o.Call/1e3, o.Return/1e3, o.ClientId, o.Input, o.Output)
	}
	path := filepath.Join(os.TempDir(), h.order+".html")
	if err := porcupine.VisualizePath(model(h.made), info, path); err == nil {
		fmt.Fprintf(&b, "see %s\n", path)
	}
	return b.String()
}

// chaos kills and freezes replicas.
type chaos struct {
	replicas []*replica
	frozen   time.Duration

	kills, killsAt, freezes int
}

// run breaks one replica after the other, until ctx ends. Then all of them serve.
func (c *chaos) run(ctx context.Context) error {
	random := rand.New(rand.NewPCG(1, 2))
	steps := histories.Steps()
	for pause(ctx, time.Duration(20+random.IntN(100))*time.Millisecond) == nil {
		r := c.replicas[random.IntN(len(c.replicas))]
		n := random.IntN(10)
		isHeld := false
		if n > 1 {
			isHeld = c.hold(ctx, r, steps[random.IntN(len(steps))])
		}
		if n >= 7 {
			c.freezes++
			r.freeze()
			_ = pause(ctx, c.frozen)
			r.wake(context.WithoutCancel(ctx))
			continue
		}
		c.kills++
		if isHeld {
			c.killsAt++
		}
		r.kill()
		if err := r.start(); err != nil {
			return err
		}
	}
	return nil
}

// hold waits for a replica to reach a step. It reports whether it did.
func (c *chaos) hold(ctx context.Context, r *replica, step histories.Step) bool {
	if _, err := r.call(ctx, "/hold", url.Values{"step": {string(step)}}); err != nil {
		return false
	}
	limit := time.NewTimer(300 * time.Millisecond)
	defer limit.Stop()
	select {
	case <-r.heldAt():
		return true
	case <-limit.C:
	case <-ctx.Done():
	}
	return false
}

// check checks that there were enough failures for n histories. A few histories can
// be over before a process is held.
func (c *chaos) check(t *testing.T, n int) {
	t.Helper()
	assert.Positive(t, c.kills)
	if n >= 500 {
		assert.Greater(t, c.killsAt, n/50, "kills at a step")
		assert.Greater(t, c.freezes, n/50)
	}
}

func (c *chaos) String() string {
	return fmt.Sprintf("%d kills, %d of them at a step, %d freezes", c.kills, c.killsAt, c.freezes)
}
