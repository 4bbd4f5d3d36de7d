package inboxwatermill_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/inboxwatermill"
	"github.com/jovepay/jovepay-go/inboxwatermill/jetstream"
)

// shop ships what was paid, unless its database is down.
type shop struct {
	verifier *jovepay.IPNVerifier
	box      *inbox.Inbox[inbox.NoTx]
	applied  chan inbox.Outcome
	down     atomic.Bool
}

func newExampleShop() *shop {
	verifier, err := jovepay.NewIPNVerifier("ipn-secret")
	if err != nil {
		log.Fatal(err)
	}
	s := &shop{verifier: verifier, applied: make(chan inbox.Outcome, 10)}
	s.box = inbox.New(new(inbox.Memory), inbox.WithObserver(func(_ context.Context, _ jovepay.Event, o inbox.Outcome) {
		s.applied <- o
	}))
	return s
}

func (s *shop) Ship(_ context.Context, _ inbox.NoTx, event jovepay.Event) error {
	if s.down.Load() {
		return errors.New("the database is down")
	}
	if payment, ok := event.(*jovepay.PaymentEvent); ok && payment.Status == jovepay.StatusFinished {
		fmt.Println("ship", payment.OrderID)
	}
	return nil
}

// open is the service that takes notifications.
func (s *shop) open(mux *http.ServeMux, dir string, opts ...inboxwatermill.Option) (*inboxwatermill.Engine, *inboxwatermill.Relay, error) {
	engine, err := jetstream.Embedded(dir) // or jetstream.Connect, or redisstream.Connect
	if err != nil {
		return nil, nil, err
	}
	relay, err := inboxwatermill.New(engine, s.verifier, opts...)
	if err != nil {
		return nil, nil, err
	}
	mux.Handle("POST /ipn", relay.Handler())
	return engine, relay, nil
}

// work applies events until ctx ends, in this process or any other.
func (s *shop) work(ctx context.Context, relay *inboxwatermill.Relay) error {
	return relay.Run(ctx, s.box.Handler(s.Ship))
}

// retry shows what failed to the end, and sends it through again.
func (s *shop) retry(ctx context.Context, relay *inboxwatermill.Relay) (replayed int, err error) {
	for failed, err := range relay.Poisoned(ctx) {
		if err != nil {
			return 0, err
		}
		if payment, ok := failed.Event.(*jovepay.PaymentEvent); ok {
			fmt.Println(payment.OrderID, payment.Status, "failed:", failed.Reason)
		}
	}
	return relay.ReplayAll(ctx)
}

// notify is what JovePay does.
func (s *shop) notify(mux *http.ServeMux, body string) {
	request := httptest.NewRequest(http.MethodPost, "/ipn", strings.NewReader(body))
	request.Header.Set(jovepay.IPNSignatureHeader, s.verifier.Sign([]byte(body)))
	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, request)
	fmt.Println("answered", answer.Code)
}

// temporary returns a directory, and what removes it.
func temporary() (dir string, remove func()) {
	dir, err := os.MkdirTemp("", "events")
	if err != nil {
		log.Fatal(err)
	}
	return dir, func() { _ = os.RemoveAll(dir) }
}

// A notification that comes three times is shipped once.
func Example() {
	dir, remove := temporary()
	defer remove()
	shop, mux := newExampleShop(), http.NewServeMux()
	engine, relay, err := shop.open(mux, dir)
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close() //nolint:errcheck // the example ends here

	for range 3 {
		shop.notify(mux, `{"payment_id":1,"payment_status":"finished","order_id":"order-1"}`)
	}

	ctx, stop := context.WithCancel(context.Background())
	var workers sync.WaitGroup
	workers.Go(func() {
		if err := shop.work(ctx, relay); err != nil {
			log.Println(err)
		}
	})
	fmt.Println(<-shop.applied)
	stop()
	workers.Wait()
	// Output:
	// answered 200
	// answered 200
	// answered 200
	// ship order-1
	// applied
}

// An event that fails for longer than it is tried again goes to the poison
// queue, and is replayed when the cause is mended.
func ExampleRelay_ReplayAll() {
	dir, remove := temporary()
	defer remove()
	shop, mux := newExampleShop(), http.NewServeMux()
	engine, relay, err := shop.open(mux, dir, inboxwatermill.WithRetryFor(0))
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close() //nolint:errcheck // the example ends here
	ctx, stop := context.WithCancel(context.Background())
	var workers sync.WaitGroup
	workers.Go(func() {
		if err := shop.work(ctx, relay); err != nil {
			log.Println(err)
		}
	})

	shop.down.Store(true)
	shop.notify(mux, `{"payment_id":1,"payment_status":"finished","order_id":"order-1"}`)
	waitForPoison(ctx, relay)

	shop.down.Store(false)
	replayed, err := shop.retry(ctx, relay)
	fmt.Println(<-shop.applied)
	fmt.Println("replayed", replayed, err)
	stop()
	workers.Wait()
	// Output:
	// answered 200
	// order-1 finished failed: inbox: payment:1: the database is down
	// ship order-1
	// applied
	// replayed 1 <nil>
}

// waitForPoison returns when there is an event in the poison queue.
func waitForPoison(ctx context.Context, relay *inboxwatermill.Relay) {
	for {
		for _, err := range relay.Poisoned(ctx) {
			if err == nil {
				return
			}
		}
	}
}
