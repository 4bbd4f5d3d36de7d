package relay_test

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
	"github.com/jovepay/jovepay-go/relay"
	"github.com/jovepay/jovepay-go/relay/jetstream"
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
	if payment, ok := event.(*jovepay.PaymentEvent); ok && payment.Status == jovepay.PaymentFinished {
		fmt.Println("ship", payment.OrderID)
	}
	return nil
}

// open is the service that takes notifications.
func (s *shop) open(mux *http.ServeMux, dir string, opts ...relay.Option) (*relay.Engine, *relay.Relay, error) {
	engine, err := jetstream.Embedded(dir) // or jetstream.Connect, or redisstream.Connect
	if err != nil {
		return nil, nil, err
	}
	consumer, err := relay.New(engine, s.verifier, opts...)
	if err != nil {
		return nil, nil, err
	}
	mux.Handle("POST /ipn", consumer.Handler())
	return engine, consumer, nil
}

// work applies events until ctx ends, in this process or any other.
func (s *shop) work(ctx context.Context, consumer *relay.Relay) error {
	return consumer.Run(ctx, s.box.Once(s.Ship))
}

// retry shows what failed to the end, and sends it through again.
func (s *shop) retry(ctx context.Context, consumer *relay.Relay) (replayed int, err error) {
	for failed, err := range consumer.Poisoned(ctx) {
		if err != nil {
			return 0, err
		}
		if payment, ok := failed.Event.(*jovepay.PaymentEvent); ok {
			fmt.Println(payment.OrderID, payment.Status, "failed:", failed.Reason)
		}
	}
	return consumer.ReplayAll(ctx)
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
	engine, consumer, err := shop.open(mux, dir)
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
		if err := shop.work(ctx, consumer); err != nil {
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
	engine, consumer, err := shop.open(mux, dir, relay.WithRetryFor(0))
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close() //nolint:errcheck // the example ends here
	ctx, stop := context.WithCancel(context.Background())
	var workers sync.WaitGroup
	workers.Go(func() {
		if err := shop.work(ctx, consumer); err != nil {
			log.Println(err)
		}
	})

	shop.down.Store(true)
	shop.notify(mux, `{"payment_id":1,"payment_status":"finished","order_id":"order-1"}`)
	waitForPoison(ctx, consumer)

	shop.down.Store(false)
	replayed, err := shop.retry(ctx, consumer)
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
func waitForPoison(ctx context.Context, consumer *relay.Relay) {
	for {
		for _, err := range consumer.Poisoned(ctx) {
			if err == nil {
				return
			}
		}
	}
}
