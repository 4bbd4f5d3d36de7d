package embedded_test

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
	"github.com/jovepay/jovepay-go/relay/jetstream/embedded"
)

// shop ships orders that were paid, unless its database is down.
type shop struct {
	verifier *jovepay.IPNVerifier
	box      *inbox.Inbox[inbox.NoTx]
	applied  chan inbox.Outcome
	down     atomic.Bool
}

func newShop() *shop {
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

func (s *shop) ship(_ context.Context, _ inbox.NoTx, event jovepay.Event) error {
	if s.down.Load() {
		return errors.New("the database is down")
	}
	if payment, ok := event.(*jovepay.PaymentEvent); ok && payment.Status == jovepay.PaymentFinished {
		fmt.Println("ship", payment.OrderID)
	}
	return nil
}

// open sets up the service that receives notifications.
func (s *shop) open(mux *http.ServeMux, dir string, opts ...relay.Option) (*relay.Broker, *relay.Relay, error) {
	broker, err := embedded.Open(dir) // or jetstream.Connect, or redisstream.Connect
	if err != nil {
		return nil, nil, err
	}
	events, err := relay.New(broker, s.verifier, opts...)
	if err != nil {
		return nil, nil, errors.Join(err, broker.Close())
	}
	mux.Handle("POST /ipn", events.Handler())
	return broker, events, nil
}

// work applies events until ctx ends.
func (s *shop) work(ctx context.Context, events *relay.Relay) error {
	return events.Run(ctx, s.box.Once(s.ship))
}

// replay lists the events that failed for too long, and replays them.
func (s *shop) replay(ctx context.Context, events *relay.Relay) (replayed int, err error) {
	for failed, err := range events.PoisonEvents(ctx) {
		if err != nil {
			return 0, err
		}
		if payment, ok := failed.Event.(*jovepay.PaymentEvent); ok {
			fmt.Println(payment.OrderID, payment.Status, "failed:", failed.Reason)
		}
	}
	return events.ReplayAll(ctx)
}

// notify does what JovePay does.
func (s *shop) notify(mux *http.ServeMux, body string) {
	request := httptest.NewRequest(http.MethodPost, "/ipn", strings.NewReader(body))
	request.Header.Set(jovepay.IPNSignatureHeader, s.verifier.Sign([]byte(body)))
	recorder := httptest.NewRecorder()
	mux.ServeHTTP(recorder, request)
	fmt.Println("status", recorder.Code)
}

// tempDir returns a directory, and a function that removes it.
func tempDir() (dir string, remove func()) {
	dir, err := os.MkdirTemp("", "events")
	if err != nil {
		log.Fatal(err)
	}
	return dir, func() { _ = os.RemoveAll(dir) }
}

// A notification that arrives three times is shipped once.
func Example() {
	dir, remove := tempDir()
	defer remove()
	shop, mux := newShop(), http.NewServeMux()
	broker, events, err := shop.open(mux, dir)
	if err != nil {
		log.Fatal(err)
	}
	defer broker.Close() //nolint:errcheck // the example ends here

	for range 3 {
		shop.notify(mux, `{"payment_id":1,"payment_status":"finished","order_id":"order-1"}`)
	}

	ctx, stop := context.WithCancel(context.Background())
	var workers sync.WaitGroup
	workers.Go(func() {
		if err := shop.work(ctx, events); err != nil {
			log.Println(err)
		}
	})
	fmt.Println(<-shop.applied)
	stop()
	workers.Wait()
	// Output:
	// status 200
	// status 200
	// status 200
	// ship order-1
	// applied
}

// An event that fails for longer than the retry time goes to the poison queue. It
// is replayed once the cause is fixed.
func Example_replay() {
	dir, remove := tempDir()
	defer remove()
	shop, mux := newShop(), http.NewServeMux()
	broker, events, err := shop.open(mux, dir, relay.WithRetryFor(0))
	if err != nil {
		log.Fatal(err)
	}
	defer broker.Close() //nolint:errcheck // the example ends here
	ctx, stop := context.WithCancel(context.Background())
	var workers sync.WaitGroup
	workers.Go(func() {
		if err := shop.work(ctx, events); err != nil {
			log.Println(err)
		}
	})

	shop.down.Store(true)
	shop.notify(mux, `{"payment_id":1,"payment_status":"finished","order_id":"order-1"}`)
	waitForPoison(ctx, events)

	shop.down.Store(false)
	replayed, err := shop.replay(ctx, events)
	fmt.Println(<-shop.applied)
	fmt.Println("replayed", replayed, err)
	stop()
	workers.Wait()
	// Output:
	// status 200
	// order-1 finished failed: inbox: payment:1: the database is down
	// ship order-1
	// applied
	// replayed 1 <nil>
}

// waitForPoison returns when an event is in the poison queue.
func waitForPoison(ctx context.Context, events *relay.Relay) {
	for {
		for _, err := range events.PoisonEvents(ctx) {
			if err == nil {
				return
			}
		}
	}
}
