// Command ipn-fiber is a shop that takes JovePay's notifications with fiber,
// whose requests are not net/http's: body and signature are handed over.
//
//	JOVEPAY_IPN_SECRET=... go run .
package main

import (
	"context"
	"errors"
	"log"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/gofiber/fiber/v3"
	recoverer "github.com/gofiber/fiber/v3/middleware/recover"

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
	app := fiber.New(fiber.Config{ErrorHandler: refuse, ReadTimeout: 15 * time.Second, IdleTimeout: time.Minute})
	app.Use(recoverer.New()) // without it a panic ends the program
	app.Post("/ipn", shop.receive)
	stopped := make(chan error, 1)
	context.AfterFunc(ctx, func() { stopped <- app.ShutdownWithTimeout(10 * time.Second) })
	if err := app.Listener(listener, fiber.ListenConfig{DisableStartupMessage: true}); err != nil {
		return err
	}
	return <-stopped
}

// refuse answers a status alone. Fiber's own way is to answer the error's text.
func refuse(c fiber.Ctx, err error) error {
	status := fiber.StatusInternalServerError
	if known, ok := errors.AsType[*fiber.Error](err); ok {
		status = known.Code
	}
	slog.Error("request failed", "path", c.Path(), "status", status, "error", err)
	return c.SendStatus(status)
}

// shop applies each event once, in memory. Package inbox does so in a database.
type shop struct {
	verifier *jovepay.IPNVerifier
	apply    func(*jovepay.PaymentEvent) error
	mu       sync.Mutex
	done     map[string]bool // by the key of the event
}

// receive answers POST /ipn.
func (s *shop) receive(c fiber.Ctx) error {
	event, err := s.verifier.Parse(c.BodyRaw(), c.Get(jovepay.IPNSignatureHeader))
	if errors.Is(err, jovepay.ErrIPNTooLarge) {
		return errors.Join(fiber.ErrRequestEntityTooLarge, err)
	} else if errors.Is(err, jovepay.ErrMalformedIPN) {
		return errors.Join(fiber.ErrBadRequest, err)
	} else if err != nil {
		return errors.Join(fiber.ErrUnauthorized, err)
	}
	return s.hear(c.Context(), event)
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
