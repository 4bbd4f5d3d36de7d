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
)

const (
	// shutdownTime is how long requests under way may take when the shop closes.
	shutdownTime = 20 * time.Second

	// readTime is how long a request may take to come, with its body.
	readTime = 15 * time.Second

	// since is how far back reconciliation reaches: further than a payment can
	// take from its creation to its end.
	since = 14 * 24 * time.Hour

	// patience and settleWindow keep customers from waiting long for an answer
	// that got lost. They are told that nobody knows, and can try again.
	patience     = 10 * time.Second
	settleWindow = 8 * time.Second
)

// serve runs the shop until ctx ends. When it is ready, it tells its URL.
func serve(ctx context.Context, s settings, ready func(url string)) (err error) {
	verifier, err := jovepay.NewIPNVerifier(s.ipnSecret, jovepay.WithIPNLogger(s.log))
	if err != nil {
		return err
	}
	account := append([]jovepay.Option{jovepay.WithTimeout(patience), jovepay.WithSettleWindow(settleWindow)}, s.account...)
	client, err := jovepay.NewClient(account...)
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
	orders, err := shop.Open(ctx, shop.Settings{Database: s.database, Client: client, URL: s.url, Currencies: s.currencies})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, orders.Close()) }()
	pages, err := web.New(web.Settings{Shop: orders, Verifier: verifier, Log: s.log, Customer: s.customer})
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
		s.reconcile(ctx, orders)
		return nil
	})
	ready(here)
	return group.Wait()
}

// newServer returns a server on which a slow sender holds no connection. How
// long an answer may take is not bounded: making a payment takes its time.
func newServer(handler http.Handler) *http.Server {
	return &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: readTime, IdleTimeout: time.Minute}
}

// available tells in the log whether JovePay can be reached.
func (s *settings) available(ctx context.Context, client *jovepay.Client) {
	if _, err := client.Status(ctx); err != nil && ctx.Err() == nil {
		s.log.ErrorContext(ctx, "JovePay cannot be reached", "error", err)
	}
}

// reconcile looks at the start, and then now and again, for what notifications
// never told.
func (s *settings) reconcile(ctx context.Context, orders *shop.Shop) {
	ticker := time.NewTicker(s.every)
	defer ticker.Stop()
	for {
		report, err := orders.Reconcile(ctx, time.Now().Add(-since))
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			s.log.ErrorContext(ctx, "reconciliation failed", "report", report, "error", err)
		case report.Applied > 0:
			s.log.WarnContext(ctx, "notifications had been missing", "payments", report.Applied)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
