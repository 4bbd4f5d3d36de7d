package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/examples/storefront/shop"
	"github.com/jovepay/jovepay-go/examples/storefront/web"
	"github.com/jovepay/jovepay-go/orders"
)

const (
	// shutdownTime bounds the requests in progress when the shop closes.
	shutdownTime = 20 * time.Second

	// readTime bounds the time to read a request with its body.
	readTime = 15 * time.Second

	// since is how far back reconciliation looks: longer than a payment can take
	// from its creation to its end.
	since = 14 * 24 * time.Hour

	// patience and settleWindow limit how long customers wait for a response
	// that was lost. Then the page says so, and they can try again. crashWindow
	// is for payments that a crash interrupted.
	patience     = 10 * time.Second
	settleWindow = 8 * time.Second
	crashWindow  = 2 * time.Minute
)

// serve runs the shop until ctx is done. It calls ready with the shop's URL.
func serve(ctx context.Context, s settings, ready func(url string)) (err error) {
	verifier, err := jovepay.NewIPNVerifier(s.ipnSecret, jovepay.WithIPNLogger(s.log))
	if err != nil {
		return err
	}
	client, err := jovepay.NewClient(append([]jovepay.Option{jovepay.WithTimeout(patience)}, s.account...)...)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.listen)
	if err != nil {
		return err
	}
	defer listener.Close() //nolint:errcheck // the server closes it too
	here := "http://" + listener.Addr().String()
	if s.url == "" {
		s.url = here
	}
	tickets, err := shop.Open(ctx, shop.Settings{
		Database: s.database, Client: client, URL: s.url, Currencies: s.currencies,
		Options: []orders.Option{
			orders.WithTimes(patience, settleWindow, crashWindow), orders.WithReconciliation(s.every, since), orders.WithLogger(s.log),
		},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tickets.Close()) }()
	pages, err := web.New(web.Settings{Shop: tickets, Verifier: verifier, Log: s.log, Customer: s.customer})
	if err != nil {
		return err
	}

	group, ctx := errgroup.WithContext(ctx)
	server := newServer(pages)
	group.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		rest, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
		defer cancel()
		return server.Shutdown(rest)
	})
	group.Go(func() error {
		s.available(ctx, client)
		if err := tickets.Book.Run(ctx); ctx.Err() == nil {
			return err
		}
		return nil
	})
	ready(here)
	return group.Wait()
}

// newServer returns a server that bounds the time to read a request, but not the
// time to respond: creating a payment can take long.
func newServer(handler http.Handler) *http.Server {
	return &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: readTime, IdleTimeout: time.Minute}
}

// available logs an error if JovePay cannot be reached.
func (s *settings) available(ctx context.Context, client *jovepay.Client) {
	if _, err := client.Status(ctx); err != nil && ctx.Err() == nil {
		s.log.ErrorContext(ctx, "JovePay cannot be reached", "error", err)
	}
}
