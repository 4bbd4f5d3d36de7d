// Command ipn is a shop that receives JovePay's notifications. It shows what to
// write for five routers: see nethttp.go, chi.go, gin.go, echo.go and fiber.go.
//
//	JOVEPAY_IPN_SECRET=... go run . -router gin
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/jovepay/jovepay-go"
)

func main() {
	router := flag.String("router", "nethttp", "route requests with nethttp, chi, gin, echo or fiber")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:8080")
	if err == nil {
		err = serve(ctx, listener, *router, os.Getenv("JOVEPAY_IPN_SECRET"), func(payment *jovepay.PaymentEvent) error {
			slog.Info("payment changed", "order", payment.OrderID, "payment", payment.ID, "status", payment.Status)
			return nil
		})
	}
	if err != nil {
		log.Fatal(err)
	}
}

// serve receives notifications at POST /ipn until ctx is done. It returns when the
// requests in progress are complete.
func serve(ctx context.Context, listener net.Listener, router, secret string, update func(*jovepay.PaymentEvent) error) error {
	verifier, err := jovepay.NewIPNVerifier(secret)
	if err != nil {
		return err
	}
	server, err := newServer(router, verifier, &shop{update: update, applied: make(map[string]bool)}) //nolint:contextcheck // requests have their own
	if err != nil {
		return err
	}
	stopped := make(chan error, 1)
	context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		stopped <- server.Shutdown(grace)
	})
	if err := server.Serve(listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

const (
	readTimeout = 15 * time.Second
	idleTimeout = time.Minute
)

// server is an [http.Server] or its counterpart in fiber.
type server interface {
	Serve(listener net.Listener) error
	Shutdown(ctx context.Context) error
}

func newServer(router string, verifier *jovepay.IPNVerifier, shop *shop) (server, error) {
	var handler http.Handler
	switch router {
	case "nethttp":
		handler = netHTTPHandler(verifier, shop)
	case "chi":
		handler = chiHandler(verifier, shop)
	case "gin":
		handler = ginHandler(verifier, shop)
	case "echo":
		handler = echoHandler(verifier, shop)
	case "fiber":
		return fiberServer{fiberApp(verifier, shop)}, nil
	default:
		return nil, fmt.Errorf("no router %q: choose nethttp, chi, gin, echo or fiber", router)
	}
	return &http.Server{Handler: handler, ReadTimeout: readTimeout, IdleTimeout: idleTimeout}, nil
}
