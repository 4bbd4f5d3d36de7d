package relay_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/relay"
)

// Any publisher and subscriber of Watermill make a broker; here they are Go
// channels, which keep nothing when the process ends. Packages jetstream and
// redisstream return brokers that do.
func Example() {
	channels := gochannel.NewGoChannel(gochannel.Config{Persistent: true}, watermill.NopLogger{})
	broker := &relay.Broker{
		Topic: "events", RetryTopic: "events-retry", PoisonTopic: "events-poison",
		Publisher: channels, Subscriber: channels,
	}
	defer broker.Close() //nolint:errcheck // the example ends here
	verifier, err := jovepay.NewIPNVerifier("ipn-secret")
	if err != nil {
		log.Fatal(err)
	}
	events, err := relay.New(broker, verifier, relay.WithWorkers(1))
	if err != nil {
		log.Fatal(err)
	}

	// The service that receives notifications.
	mux := http.NewServeMux()
	mux.Handle("POST /ipn", events.Handler())

	// The workers, in this process or in any others.
	shipped := make(chan string)
	box := inbox.New(new(inbox.Memory))
	ctx, stop := context.WithCancel(context.Background())
	var workers sync.WaitGroup
	workers.Go(func() {
		err := events.Run(ctx, box.Once(func(_ context.Context, _ inbox.NoTx, event jovepay.Event) error {
			if payment, ok := event.(*jovepay.PaymentEvent); ok && payment.Status == jovepay.PaymentFinished {
				shipped <- payment.OrderID
			}
			return nil
		}))
		if err != nil {
			log.Println(err)
		}
	})

	// JovePay sends a notification.
	body := `{"payment_id":1,"payment_status":"finished","order_id":"order-1"}`
	request := httptest.NewRequest(http.MethodPost, "/ipn", strings.NewReader(body))
	request.Header.Set(jovepay.IPNSignatureHeader, verifier.Sign([]byte(body)))
	recorder := httptest.NewRecorder()
	mux.ServeHTTP(recorder, request)
	fmt.Println("status", recorder.Code)
	fmt.Println("ship", <-shipped)

	stop()
	workers.Wait()
	// Output:
	// status 200
	// ship order-1
}
