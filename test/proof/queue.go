package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	stream       = "jovepay-ipn"
	retryStream  = stream + "-retry"
	poisonStream = stream + "-poison"
	drainTime    = 5 * time.Minute
)

// queue is the NATS server, a separate process.
type queue struct {
	server  *process
	address string
}

func openQueue(ctx context.Context, dir string) (*queue, error) {
	// The port must stay the same after a restart.
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		return nil, err
	}
	server, err := newProcess(dir, "nats", nil, filepath.Join(dir, "natsserver"), address, filepath.Join(dir, "nats"))
	if err != nil {
		return nil, err
	}
	return &queue{server, address}, server.start(ctx)
}

func (q *queue) url() string { return "nats://" + q.address }

// drain waits until all events have been consumed. It returns an error if one
// ended in the poison queue: every failure was temporary.
func (q *queue) drain(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, drainTime, errors.New("events are left in the queue"))
	defer cancel()
	conn, err := nats.Connect(q.url())
	if err != nil {
		return err
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		return err
	}
	for {
		left, err := messages(ctx, js, stream)
		if err != nil {
			return errors.Join(err, context.Cause(ctx))
		}
		// In this order: a failed event enters the retry stream before it leaves the first.
		retried, err := messages(ctx, js, retryStream)
		if err != nil {
			return errors.Join(err, context.Cause(ctx))
		}
		if left == 0 && retried == 0 {
			break
		}
		if pause(ctx, 200*time.Millisecond) != nil {
			return context.Cause(ctx)
		}
	}
	poisoned, err := messages(ctx, js, poisonStream)
	if err == nil && poisoned > 0 {
		err = fmt.Errorf("%d events in the poison queue", poisoned)
	}
	return err
}

func messages(ctx context.Context, js jetstream.JetStream, name string) (uint64, error) {
	s, err := js.Stream(ctx, name)
	if err != nil {
		return 0, err
	}
	info, err := s.Info(ctx)
	if err != nil {
		return 0, err
	}
	return info.State.Msgs, nil
}
