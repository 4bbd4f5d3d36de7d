package main

import (
	"context"
	"errors"
	"log/slog"
	"net"

	"github.com/gofiber/fiber/v3"
	recoverer "github.com/gofiber/fiber/v3/middleware/recover"

	"github.com/jovepay/jovepay-go"
)

// fiberApp receives notifications with fiber. Its requests are not net/http's,
// so the handler passes body and signature to the verifier.
func fiberApp(verifier *jovepay.IPNVerifier, shop *shop) *fiber.App {
	app := fiber.New(fiber.Config{ErrorHandler: respond, ReadTimeout: readTimeout, IdleTimeout: idleTimeout})
	app.Use(recoverer.New()) // without it a panic ends the program
	app.Post("/ipn", func(c fiber.Ctx) error {
		event, err := verifier.Parse(c.BodyRaw(), c.Get(jovepay.IPNSignatureHeader))
		if err != nil {
			return errors.Join(fiber.NewError(rejection(err)), err)
		}
		return shop.apply(c.Context(), event)
	})
	return app
}

// respond sends the status of an error. Fiber's default sends its text as well.
func respond(c fiber.Ctx, err error) error {
	status := fiber.StatusInternalServerError
	if known, ok := errors.AsType[*fiber.Error](err); ok {
		status = known.Code
	}
	slog.Error("request failed", "path", c.Path(), "status", status, "error", err)
	return c.SendStatus(status)
}

// fiberServer gives an app the methods of an [net/http.Server].
type fiberServer struct{ *fiber.App }

func (s fiberServer) Serve(listener net.Listener) error {
	return s.Listener(listener, fiber.ListenConfig{DisableStartupMessage: true})
}

func (s fiberServer) Shutdown(ctx context.Context) error { return s.ShutdownWithContext(ctx) }
