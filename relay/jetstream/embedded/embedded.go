// Package embedded runs the NATS server of a JetStream broker in this process,
// on a directory: nothing to install, nothing to set up.
//
//	broker, err := embedded.Open("data/events")
//
// It is a separate module, so that only those who embed the server depend on it.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gofrs/flock"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/jovepay/jovepay-go/relay"
	"github.com/jovepay/jovepay-go/relay/jetstream"
	"github.com/jovepay/jovepay-go/relay/jetstream/internal/config"
)

const (
	readyTimeout = 30 * time.Second
	maxPayload   = 8 << 20 // above the longest notification that an IPNVerifier accepts by default
)

// Open starts a NATS server in this process and returns a broker on it. The
// server keeps its files in dir, which Open creates if it is missing, and does
// not listen on the network. Acknowledged messages have been written through to
// the disk: they survive a restart, and a power failure.
//
// A directory belongs to one process at a time. Open returns an error if dir is
// in use, or if the system cannot lock files. [relay.Broker.Close] stops the
// server.
func Open(dir string, opts ...jetstream.Option) (*relay.Broker, error) {
	c, err := config.New(opts)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("embedded: %w", err)
	}
	lock := flock.New(filepath.Join(dir, "lock"))
	switch locked, err := lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("embedded: directory %s cannot be locked: %w", dir, err)
	case !locked:
		return nil, fmt.Errorf("embedded: directory %s is in use by another process", dir)
	}
	srv, err := start(dir, c.Log)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("embedded: server: %w", err), lock.Close())
	}
	stop := func() error {
		srv.Shutdown()
		srv.WaitForShutdown()
		return lock.Close()
	}
	opts = append(slices.Clone(opts), jetstream.WithNATS(nats.InProcessServer(srv)), exclusive)
	broker, err := jetstream.Connect(context.Background(), "", opts...) //nolint:forbidigo // Connect bounds its own setup
	if err != nil {
		return nil, errors.Join(err, stop())
	}
	broker.Stop = stop
	return broker, nil
}

// exclusive says that this process is the only one on the server.
func exclusive(c *config.Config) error {
	c.Exclusive = true
	return nil
}

// start starts a server and waits until it is ready.
func start(dir string, log *slog.Logger) (*server.Server, error) {
	srv, err := server.NewServer(&server.Options{
		ServerName: "jovepay",
		DontListen: true,
		NoSigs:     true,
		JetStream:  true,
		StoreDir:   dir,
		SyncAlways: true,
		MaxPayload: maxPayload,
	})
	if err != nil {
		return nil, err
	}
	fatal := make(chan error, 1)
	srv.SetLoggerV2(serverLog{log, fatal}, false, false, false)
	srv.Start()
	select {
	case err = <-fatal:
	default:
		if srv.ReadyForConnections(readyTimeout) && srv.JetStreamEnabled() {
			return srv, nil
		}
		err = errors.New("not ready")
	}
	srv.Shutdown()
	srv.WaitForShutdown()
	return nil, err
}

// serverLog logs the messages of the server.
type serverLog struct {
	log   *slog.Logger
	fatal chan<- error // the reason for which the server did not start
}

// Fatalf logs why the server did not start, or has stopped.
func (l serverLog) Fatalf(format string, v ...any) {
	err := fmt.Errorf(format, v...)
	l.log.Error("nats-server", "error", err)
	select {
	case l.fatal <- err:
	default:
	}
}

// Errorf logs a failure.
func (l serverLog) Errorf(format string, v ...any) {
	l.log.Error("nats-server", "error", fmt.Sprintf(format, v...))
}

// Warnf logs a warning.
func (l serverLog) Warnf(format string, v ...any) {
	l.log.Warn("nats-server", "warning", fmt.Sprintf(format, v...))
}

// Noticef logs, at level Debug, that the server starts or stops.
func (l serverLog) Noticef(format string, v ...any) {
	l.log.Debug("nats-server", "notice", fmt.Sprintf(format, v...))
}

// Debugf does nothing.
func (serverLog) Debugf(string, ...any) {}

// Tracef does nothing.
func (serverLog) Tracef(string, ...any) {}
