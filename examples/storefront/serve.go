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
	// shutdownTime bounds the requests in progress when the shop closes.
	shutdownTime = 20 * time.Second

	// readTime bounds the time to read a request with its body.
	readTime = 15 * time.Second

	// since is how far back reconciliation looks: longer than a payment can take
	// from its creation to its end.
	since = 14 * 24 * time.Hour

	// patience and settleWindow limit how long customers wait for a response
	// that was lost. Then the page says so, and they can try again.
	patience     = 10 * time.Second
	settleWindow = 8 * time.Second
)

// serve runs the shop until ctx is done. It calls ready with the shop's URL.
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

// reconcile makes up for lost notifications, at the start and then regularly.
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
			s.log.WarnContext(ctx, "notifications were lost", "payments", report.Applied)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
