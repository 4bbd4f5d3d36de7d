// Command ipn is a shop that takes JovePay's notifications with
// net/http alone.
//
//	JOVEPAY_IPN_SECRET=... go run .
package main

import (
	"context"
	"errors"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/jovepay/jovepay-go"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:8080")
	if err == nil {
		err = serve(ctx, listener, os.Getenv("JOVEPAY_IPN_SECRET"), func(payment *jovepay.PaymentEvent) error {
			slog.Info("payment changed", "order", payment.OrderID, "payment", payment.ID, "status", payment.Status)
			return nil
		})
	}
	if err != nil {
		log.Fatal(err)
	}
}

// serve takes notifications until ctx ends and those under way are answered.
func serve(ctx context.Context, listener net.Listener, secret string, apply func(*jovepay.PaymentEvent) error) error {
	verifier, err := jovepay.NewIPNVerifier(secret, jovepay.WithIPNLogger(slog.Default()))
	if err != nil {
		return err
	}
	shop := &shop{apply: apply, done: make(map[string]bool)}
	mux := http.NewServeMux()
	mux.Handle("POST /ipn", verifier.Handler(shop.hear))

	server := &http.Server{Handler: mux, ReadTimeout: 15 * time.Second, IdleTimeout: time.Minute}
	stopped := make(chan error, 1)
	context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		stopped <- server.Shutdown(grace)
	})
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

// shop applies each event once, in memory. Package inbox does so in a database.
type shop struct {
	apply func(*jovepay.PaymentEvent) error
	mu    sync.Mutex
	done  map[string]bool // by the key of the event
}

// hear takes an event. When it fails, JovePay sends the event again.
func (s *shop) hear(_ context.Context, event jovepay.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	payment, ok := event.(*jovepay.PaymentEvent)
	if !ok || s.done[event.Key()] {
		return nil // nothing to do: it counts as delivered
	}
	if err := s.apply(payment); err != nil {
		return err
	}
	s.done[event.Key()] = true
	return nil
}
