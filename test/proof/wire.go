package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/jovepay/jovepay-go"
)

// step is where a create is when something happens to the process that sent it.
type step int

const (
	stepDropped  step = iota // sent, and lost on the way
	stepArrived              // sent, and not applied yet
	stepApplied              // applied, and not responded to
	stepAnswered             // responded to
	steps                    // their number
)

// wire is between a process and JovePay. It sees each create, and lets chaos strike
// at any step of it.
type wire struct {
	exchange *exchange
	server   *http.Server
	url      string
	armed    atomic.Pointer[trap]
}

// trap is something that happens to a process during its next create.
type trap struct {
	at     step
	strike func()
	sprung chan struct{} // closed after the strike
}

// idleConns is how many connections to a host are kept.
const idleConns = 256

// trapTime is how long a trap waits for a response.
const trapTime = 5 * time.Second

// exchange is what all wires share.
type exchange struct {
	target  string // URL of JovePay
	client  *http.Client
	creates atomic.Int64
	created func(n int64) // is called before each create is passed on

	mu   sync.Mutex
	late map[string]*held // by order id
}

// held is a create that is applied after the settle window.
type held struct {
	request *http.Request // nil: not sent yet
	body    []byte
	payment jovepay.ID // that it created
}

func newExchange(target string, created func(int64)) *exchange {
	return &exchange{
		target: target, created: created, late: map[string]*held{},
		client: &http.Client{
			Transport:     &http.Transport{MaxIdleConnsPerHost: idleConns, DisableCompression: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// plant has the first create of an order held back until release.
func (x *exchange) plant(orderID string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.late[orderID] = new(held)
}

// isLate reports whether an order's first create is held back.
func (x *exchange) isLate(orderID string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.late[orderID] != nil
}

// hold keeps a create back, if it is the first one of an order for which that is
// planned.
func (x *exchange) hold(r *http.Request, body []byte) bool {
	var of struct {
		OrderID string `json:"order_id"`
	}
	if json.Unmarshal(body, &of) != nil {
		return false
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	h := x.late[of.OrderID]
	if h == nil || h.request != nil {
		return false
	}
	h.request, h.body = r.Clone(context.WithoutCancel(r.Context())), body
	return true
}

// release applies the create that was held back. The process that sent it has given
// it up long ago.
func (x *exchange) release(orderID string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	h := x.late[orderID]
	if h == nil || h.request == nil {
		return errors.New("its first create was never sent")
	}
	response, err := x.pass(h.request.Context(), h.request, h.body)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var payment jovepay.Payment
	if err := json.UnmarshalRead(response.Body, &payment); err != nil {
		return fmt.Errorf("a late create: status %s: %w", response.Status, err)
	}
	h.payment = payment.ID
	return nil
}

// strays returns the payments that were created late, with their orders.
func (x *exchange) strays() map[jovepay.ID]string {
	x.mu.Lock()
	defer x.mu.Unlock()
	all := map[jovepay.ID]string{}
	for orderID, h := range x.late {
		if h.payment != "" {
			all[h.payment] = orderID
		}
	}
	return all
}

func newWire(ctx context.Context, x *exchange) (*wire, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &wire{exchange: x, url: "http://" + listener.Addr().String()}
	w.server = &http.Server{Handler: w} //nolint:gosec // its clients are ours
	go func() { _ = w.server.Serve(listener) }()
	return w, nil
}

func (w *wire) close() { _ = w.server.Close() }

// arm sets a trap. disarm removes it, if it has not been sprung.
func (w *wire) arm(at step, strike func()) *trap {
	t := &trap{at, strike, make(chan struct{})}
	w.armed.Store(t)
	return t
}

func (w *wire) disarm(t *trap) bool { return w.armed.CompareAndSwap(t, nil) }

// ServeHTTP passes a request on.
func (w *wire) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	isCreate := r.Method == http.MethodPost && r.URL.Path == "/v1/payment"
	if !isCreate {
		w.answer(r.Context(), out, r, body)
		return
	}
	if w.exchange.hold(r, body) {
		cut(out)
		return
	}
	w.exchange.created(w.exchange.creates.Add(1))
	t := w.armed.Swap(nil)
	if t == nil {
		w.answer(r.Context(), out, r, body)
		return
	}
	defer close(t.sprung)
	// JovePay gets the request even if its client is killed. It may never respond.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), trapTime)
	defer cancel()
	switch t.at {
	case stepDropped:
		t.strike()
		cut(out)
	case stepArrived:
		t.strike()
		w.answer(ctx, out, r, body)
	case stepApplied:
		response, err := w.exchange.pass(ctx, r, body)
		t.strike()
		deliver(out, response, err)
	case stepAnswered, steps:
		w.answer(ctx, out, r, body)
		_ = http.NewResponseController(out).Flush()
		t.strike()
	}
}

func (w *wire) answer(ctx context.Context, out http.ResponseWriter, r *http.Request, body []byte) {
	response, err := w.exchange.pass(ctx, r, body)
	if err == nil && r.Method == http.MethodGet && r.URL.Path == "/v1/payment" {
		err = forget(response)
	}
	deliver(out, response, err)
}

// forget removes the amount from the rows of some refunded payments in a list:
// JovePay's guide does not say that it is always there.
func forget(response *http.Response) error {
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil || !bytes.Contains(body, []byte(`"refunded"`)) {
		return err
	}
	var list map[string]jsontext.Value
	var rows []jsontext.Value
	if json.Unmarshal(body, &list) != nil || json.Unmarshal(list["data"], &rows) != nil {
		return nil //nolint:nilerr // not a list, but an error of JovePay
	}
	for i, row := range rows {
		var of notice
		if bytes.Contains(row, []byte(`"refunded"`)) && json.Unmarshal(row, &of) == nil && of.forgets() {
			if rows[i], err = without(row, "actually_paid"); err != nil {
				return err
			}
		}
	}
	if list["data"], err = json.Marshal(rows); err != nil {
		return err
	}
	if body, err = json.Marshal(list); err != nil {
		return err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	response.Header.Del("Content-Length")
	return nil
}

// notice is what JovePay says of a payment.
type notice struct {
	ID     jovepay.ID            `json:"payment_id"`
	Status jovepay.PaymentStatus `json:"payment_status"`
}

// forgets reports whether JovePay doesn't report the amount of a payment anymore
// once it is refunded.
func (n notice) forgets() bool { return fateOf([]byte(n.ID))%3 == 0 }

// without returns an object without a member.
func without(object []byte, member string) (jsontext.Value, error) {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(object, &members); err != nil {
		return nil, err
	}
	delete(members, member)
	return json.Marshal(members, json.Deterministic(true))
}

// pass sends a request to JovePay.
func (x *exchange) pass(ctx context.Context, r *http.Request, body []byte) (*http.Response, error) {
	on, err := http.NewRequestWithContext(ctx, r.Method, x.target+r.URL.RequestURI(), io.NopCloser(bytes.NewReader(body))) //nolint:gosec // target is the emulator
	if err != nil {
		return nil, err
	}
	on.ContentLength = int64(len(body))
	if len(body) == 0 {
		on.Body = http.NoBody
	}
	on.Header = r.Header.Clone()
	return x.client.Do(on) //nolint:gosec // see above
}

// deliver passes a response on, or cuts the connection if there is none.
func deliver(out http.ResponseWriter, response *http.Response, err error) {
	if err != nil {
		cut(out)
		return
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		cut(out)
		return
	}
	maps.Copy(out.Header(), response.Header)
	out.WriteHeader(response.StatusCode)
	_, _ = out.Write(body)
}

// cut closes the connection without a response.
func cut(out http.ResponseWriter) {
	conn, _, err := http.NewResponseController(out).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}
