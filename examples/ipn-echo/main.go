// Command ipn-echo is a shop that takes JovePay's notifications in a handler of
// echo's own kind; echo.WrapHandler(verifier.Handler(shop.hear)) would do as well.
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

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

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
	verifier, err := jovepay.NewIPNVerifier(secret)
	if err != nil {
		return err
	}
	shop := &shop{verifier: verifier, apply: apply, done: make(map[string]bool)}
	router := echo.New()
	router.Use(middleware.RequestLogger(), middleware.Recover())
	router.POST("/ipn", shop.receive)

	server := &http.Server{Handler: router, ReadTimeout: 15 * time.Second, IdleTimeout: time.Minute}
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
	verifier *jovepay.IPNVerifier
	apply    func(*jovepay.PaymentEvent) error
	mu       sync.Mutex
	done     map[string]bool // by the key of the event
}

// receive answers POST /ipn.
func (s *shop) receive(c echo.Context) error {
	event, err := s.verifier.ParseRequest(c.Request())
	if errors.Is(err, jovepay.ErrIPNTooLarge) {
		return echo.ErrStatusRequestEntityTooLarge.WithInternal(err)
	} else if errors.Is(err, jovepay.ErrMalformedIPN) {
		return echo.ErrBadRequest.WithInternal(err)
	} else if err != nil {
		return echo.ErrUnauthorized.WithInternal(err)
	} else if err := s.hear(c.Request().Context(), event); err != nil {
		return err // echo answers 500, and keeps the reason to itself
	}
	return c.NoContent(http.StatusOK)
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
