package jetstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/jovepay/jovepay-go/relay"
)

const (
	readyTimeout = 30 * time.Second
	maxPayload   = 8 << 20 // above the longest notification that an IPNVerifier takes by default
)

// Embedded returns the engine on a NATS server that runs in this process and
// keeps its files under dir, which is created if need be. The server does not
// listen on the network. What it acknowledges has been written through to the
// disk, and is there when the process starts again, even after a power failure.
//
// A directory belongs to one process at a time: opening it a second time is an
// error, as it is where the system cannot lock files. [relay.Engine.Close]
// stops the server.
func Embedded(dir string, opts ...Option) (*relay.Engine, error) {
	s, err := newSettings(opts)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("jetstream: %w", err)
	}
	lock := flock.New(filepath.Join(dir, "lock"))
	switch locked, err := lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("jetstream: directory %s cannot be locked: %w", dir, err)
	case !locked:
		return nil, fmt.Errorf("jetstream: directory %s is in use by another process", dir)
	}
	srv, err := start(dir, s.slog)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("jetstream: server: %w", err), lock.Close())
	}
	stop := func() error {
		srv.Shutdown()
		srv.WaitForShutdown()
		return lock.Close()
	}
	s.alone = true
	engine, err := s.connect(context.Background(), "", nats.InProcessServer(srv)) //nolint:forbidigo // bounded by setupTimeout
	if err != nil {
		return nil, errors.Join(err, stop())
	}
	engine.Stop = stop
	return engine, nil
}

// start returns a server that is ready.
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

// serverLog hands on what the server says.
type serverLog struct {
	log   *slog.Logger
	fatal chan<- error // why the server did not start
}

// Fatalf is why the server did not start, or will not go on.
func (l serverLog) Fatalf(format string, v ...any) {
	err := fmt.Errorf(format, v...)
	l.log.Error("nats-server", "error", err)
	select {
	case l.fatal <- err:
	default:
	}
}

// Errorf is what failed.
func (l serverLog) Errorf(format string, v ...any) {
	l.log.Error("nats-server", "error", fmt.Sprintf(format, v...))
}

// Warnf is what may fail.
func (l serverLog) Warnf(format string, v ...any) {
	l.log.Warn("nats-server", "warning", fmt.Sprintf(format, v...))
}

// Noticef is about the start and the end.
func (l serverLog) Noticef(format string, v ...any) {
	l.log.Debug("nats-server", "notice", fmt.Sprintf(format, v...))
}

// Debugf is switched off.
func (serverLog) Debugf(string, ...any) {}

// Tracef is switched off.
func (serverLog) Tracef(string, ...any) {}
