package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/relay"
	"github.com/jovepay/jovepay-go/relay/jetstream"
	"github.com/jovepay/jovepay-go/relay/jetstream/embedded"
)

// shutdownTime bounds the requests in progress when the service stops.
const shutdownTime = 20 * time.Second

// serve runs the service until ctx is done. It calls ready with its URL.
func serve(ctx context.Context, s settings, ready func(url string)) (err error) {
	verifier, err := jovepay.NewIPNVerifier(s.ipnSecret, jovepay.WithIPNLogger(s.log))
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.listen)
	if err != nil {
		return err
	}
	defer listener.Close() //nolint:errcheck // the server closes it too
	if s.callback == "" {
		s.callback = "http://" + listener.Addr().String() + "/ipn"
	}
	service, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, service.Close()) }()

	group, ctx := errgroup.WithContext(ctx)
	ipn := verifier.Handler(service.Handle)
	if s.broker == "jetstream" {
		broker, openErr := s.connect(ctx)
		if openErr != nil {
			return openErr
		}
		defer func() { err = errors.Join(err, broker.Close()) }()
		events, openErr := relay.New(broker, verifier, relay.WithLogger(s.log))
		if openErr != nil {
			return openErr
		}
		ipn = events.Handler()
		group.Go(func() error { return events.Run(ctx, service.Handle) })
	}
	server := &http.Server{Handler: service.Routes(ipn, s.log), ReadHeaderTimeout: 10 * time.Second}
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
		if err := service.Run(ctx); ctx.Err() == nil {
			return err
		}
		return nil
	})
	ready("http://" + listener.Addr().String())
	return group.Wait()
}

// connect opens the broker between the notifications and the work.
func (s *settings) connect(ctx context.Context) (*relay.Broker, error) {
	if s.nats == "" {
		return embedded.Open(s.data, jetstream.WithLogger(s.log)) //nolint:contextcheck // it lives until it is closed
	}
	return jetstream.Connect(ctx, s.nats, jetstream.WithLogger(s.log))
}
