package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/relay"
	"github.com/jovepay/jovepay-go/relay/internal/testshop"
	"github.com/jovepay/jovepay-go/relay/jetstream"
)

// TestServerRestarts stops the server three times while notifications arrive and are
// consumed. Those that got 200 are applied, once; the others get 500 immediately.
func TestServerRestarts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	srv := natsServer(t, dir, server.RANDOM_PORT)
	address, port := srv.ClientURL(), srv.Addr().(*net.TCPAddr).Port
	broker, err := jetstream.Connect(t.Context(), address, withAckWait(time.Second),
		jetstream.WithNATS(nats.ReconnectWait(10*time.Millisecond), nats.ReconnectJitter(0, 0)))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, broker.Close()) })
	shop := testshop.New(t)
	r := shop.Relay(t, broker)
	stop := shop.Start(t, r)

	shop.Notify(t, r, 0)
	shop.Expect(t, 0, finished, inbox.Applied)

	next, accepted := 1, map[int]bool{}
	deliver := func() int {
		code := shop.Deliver(r, testshop.Body(next, finished))
		if code == http.StatusOK {
			accepted[next] = true
		}
		next++
		return code
	}
	for range 3 {
		for range 30 {
			require.Equal(t, http.StatusOK, deliver())
		}
		stopServer(srv)
		require.Eventually(t, func() bool { return deliver() == http.StatusInternalServerError }, 10*time.Second, time.Millisecond)
		began := time.Now()
		require.Equal(t, http.StatusInternalServerError, deliver())
		assert.Less(t, time.Since(began), time.Second, "fails immediately")
		srv = natsServer(t, dir, port)
		require.Eventually(t, func() bool { return deliver() == http.StatusOK }, 10*time.Second, time.Millisecond)
	}
	done := map[jovepay.ID]bool{}
	for len(done) < len(accepted) {
		done[shop.Next(t).ID] = true
	}
	for id := range accepted {
		assert.Len(t, shop.Statuses(id), 1)
	}
	require.NoError(t, stop())
	stopServer(srv)
}

// TestConsumerGone deletes the durable consumer, as an administrator may: it is
// created again, and nothing is lost.
func TestConsumerGone(t *testing.T) {
	t.Parallel()
	broker, js := newBroker(t)
	shop := testshop.New(t)
	r := shop.Relay(t, broker, relay.WithWorkers(2))
	shop.Start(t, r)
	shop.Notify(t, r, 1)
	shop.Expect(t, 1, finished, inbox.Applied)
	require.Eventually(t, func() bool {
		stream, err := js.Stream(t.Context(), broker.Topic)
		return err == nil && stream.CachedInfo().State.Msgs == 0 // acknowledged
	}, 10*time.Second, time.Millisecond)
	require.NoError(t, js.DeleteConsumer(t.Context(), broker.Topic, broker.Topic))
	shop.Notify(t, r, 2)
	shop.Expect(t, 2, finished, inbox.Applied)
}

// TestLongWork works on an event for longer than AckWait: it is not delivered twice.
func TestLongWork(t *testing.T) {
	t.Parallel()
	const ackWait = 2 * time.Second
	broker, js := newBroker(t, withAckWait(ackWait))
	shop := testshop.New(t)
	var attempts atomic.Int32
	shop.Work(func(ctx context.Context, _ jovepay.Event) error {
		attempts.Add(1)
		consumer, err := js.Consumer(ctx, broker.Topic, broker.Topic)
		if err != nil {
			return err
		}
		for began := time.Now(); time.Since(began) < 2*ackWait; {
			info, err := consumer.Info(ctx)
			if err != nil {
				return err
			}
			if info.NumRedelivered > 0 {
				return errors.New("redelivered")
			}
		}
		return nil
	})
	r := shop.Relay(t, broker, relay.WithRetryFor(0))
	stop := shop.Start(t, r)
	shop.Notify(t, r, 1)
	shop.Expect(t, 1, finished, inbox.Applied)
	require.NoError(t, stop())
	assert.EqualValues(t, 1, attempts.Load())
	info, err := js.Stream(t.Context(), broker.Topic)
	require.NoError(t, err)
	assert.Zero(t, info.CachedInfo().State.Msgs, "an acknowledged message leaves the stream")
}

// TestConnectionCut cuts the consumer's connection between commit and acknowledgement,
// as if its process died: the message is delivered again after AckWait.
func TestConnectionCut(t *testing.T) {
	t.Parallel()
	srv := natsServer(t, t.TempDir(), server.RANDOM_PORT)
	t.Cleanup(func() { stopServer(srv) })
	connect := func() (*relay.Broker, func()) {
		conn := make(chan *nats.Conn, 1)
		broker, err := jetstream.Connect(t.Context(), srv.ClientURL(), withAckWait(500*time.Millisecond),
			jetstream.WithNATS(nats.ConnectHandler(func(c *nats.Conn) { conn <- c })))
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, broker.Close()) })
		return broker, func() { (<-conn).Close() }
	}
	first, cut := connect()
	shop := testshop.New(t)
	committed, release := make(chan struct{}), make(chan struct{})
	r := shop.Relay(t, first)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- r.Run(ctx, func(ctx context.Context, event jovepay.Event) error {
			err := shop.Apply(ctx, event)
			close(committed)
			<-release
			return err
		})
	}()
	shop.Notify(t, r, 1)
	<-committed
	shop.Expect(t, 1, finished, inbox.Applied)
	cut()
	close(release)

	second, _ := connect()
	shop.Start(t, shop.Relay(t, second))
	shop.Expect(t, 1, finished, inbox.Duplicate)
	assert.Len(t, shop.Statuses(1), 1)
	cancel()
	require.NoError(t, <-ended)
}

// TestExistingStreams are used, unchanged, if they keep the guarantees.
func TestExistingStreams(t *testing.T) {
	t.Parallel()
	srv := natsServer(t, t.TempDir(), server.RANDOM_PORT)
	t.Cleanup(func() { stopServer(srv) })
	js := management(t, srv)
	for i, test := range []struct {
		change func(*natsjs.StreamConfig)
		want   string
	}{
		{func(c *natsjs.StreamConfig) { c.Duplicates = 24 * time.Hour }, ""},
		{func(c *natsjs.StreamConfig) { c.MaxMsgs, c.Discard = 10, natsjs.DiscardNew }, ""},
		{func(c *natsjs.StreamConfig) {
			c.MaxMsgsPerSubject, c.Discard, c.DiscardNewPerSubject = 10, natsjs.DiscardNew, true
		}, ""},
		{func(c *natsjs.StreamConfig) { c.Duplicates = 0 }, "duplicate_window is 2m0s, want 1h0m0s or more"}, // the server's default
		{func(c *natsjs.StreamConfig) { c.Duplicates = time.Hour - 1 }, "duplicate_window is 59m59.999999999s"},
		{func(c *natsjs.StreamConfig) { c.Storage = natsjs.MemoryStorage }, "storage is Memory, want File"},
		{func(c *natsjs.StreamConfig) { c.PersistMode = natsjs.AsyncPersistMode }, "persist_mode is Async, want default"},
		{func(c *natsjs.StreamConfig) { c.MaxAge = 2 * time.Hour }, "max_age is 2h0m0s, want 0"},
		{func(c *natsjs.StreamConfig) { c.MaxMsgs, c.Discard = 10, natsjs.DiscardOld }, "discard is DiscardOld, want DiscardNew"},
		{func(c *natsjs.StreamConfig) { c.MaxBytes, c.Discard = 1000, natsjs.DiscardOld }, "discard is DiscardOld, want DiscardNew"},
		{func(c *natsjs.StreamConfig) { c.MaxMsgsPerSubject, c.Discard = 10, natsjs.DiscardNew }, "max_msgs_per_subject is 10, want discard_new_per_subject"},
		{func(c *natsjs.StreamConfig) { c.Retention = natsjs.LimitsPolicy }, "retention is Limits, want WorkQueue"},
		{func(c *natsjs.StreamConfig) { c.Retention = natsjs.InterestPolicy }, "retention is Interest, want WorkQueue"},
		{func(c *natsjs.StreamConfig) { c.Subjects = []string{"elsewhere"} }, "subjects is [elsewhere], want"},
		{func(c *natsjs.StreamConfig) {
			c.SubjectTransform = &natsjs.SubjectTransformConfig{Source: c.Name, Destination: "elsewhere"}
		}, "subject_transform is set, want none"},
		{func(c *natsjs.StreamConfig) { c.NoAck = true }, "no_ack is true, want false"},
		{func(c *natsjs.StreamConfig) { c.DenyDelete, c.Retention = true, natsjs.LimitsPolicy }, "deny_delete is true, want false"},
	} {
		name := fmt.Sprintf("shop-%d", i)
		config := natsjs.StreamConfig{Name: name, Subjects: []string{name}, Retention: natsjs.WorkQueuePolicy, Description: "mine", Duplicates: time.Hour}
		test.change(&config)
		_, err := js.CreateStream(t.Context(), config)
		require.NoError(t, err, "%d", i)
		broker, err := jetstream.Connect(t.Context(), srv.ClientURL(), jetstream.WithName(name))
		if test.want != "" {
			require.ErrorContains(t, err, "stream "+name+": ")
			require.ErrorContains(t, err, test.want)
			assert.NotContains(t, err.Error(), "\n")
			continue
		}
		require.NoError(t, err, "%d", i)
		require.NoError(t, broker.Close())
		stream, err := js.Stream(t.Context(), name)
		require.NoError(t, err)
		assert.Equal(t, "mine", stream.CachedInfo().Config.Description)
		assert.Equal(t, config.MaxMsgs, max(0, stream.CachedInfo().Config.MaxMsgs))
	}
}

// TestExistingPoisonStreams need no deduplication window, but must keep one message of
// each event.
func TestExistingPoisonStreams(t *testing.T) {
	t.Parallel()
	srv := natsServer(t, t.TempDir(), server.RANDOM_PORT)
	t.Cleanup(func() { stopServer(srv) })
	js := management(t, srv)
	for i, test := range []struct {
		change func(*natsjs.StreamConfig)
		want   string
	}{
		{func(*natsjs.StreamConfig) {}, ""},
		{func(c *natsjs.StreamConfig) { c.Subjects = append(c.Subjects, c.Name) }, ""},
		{func(c *natsjs.StreamConfig) { c.Discard, c.MaxMsgs = natsjs.DiscardNew, 1000 }, ""},
		{func(c *natsjs.StreamConfig) { c.Retention = natsjs.WorkQueuePolicy }, "retention is WorkQueue, want Limits"},
		{func(c *natsjs.StreamConfig) { c.Subjects = []string{c.Name} }, "subjects is [4-poison], want 4-poison.> among them"},
		{func(c *natsjs.StreamConfig) { c.MaxMsgsPerSubject = -1 }, "max_msgs_per_subject is -1, want 1"},
		{func(c *natsjs.StreamConfig) { c.MaxMsgsPerSubject = 2 }, "max_msgs_per_subject is 2, want 1"},
		{func(c *natsjs.StreamConfig) {
			c.Discard, c.DiscardNewPerSubject = natsjs.DiscardNew, true
		}, "max_msgs_per_subject is 1, want 1, without discard_new_per_subject"},
	} {
		name := strconv.Itoa(i)
		config := natsjs.StreamConfig{
			Name: name + "-poison", Subjects: []string{name + "-poison.>"}, MaxMsgsPerSubject: 1, Duplicates: time.Second,
		}
		test.change(&config)
		_, err := js.CreateStream(t.Context(), config)
		require.NoError(t, err, name)
		broker, err := jetstream.Connect(t.Context(), srv.ClientURL(), jetstream.WithName(name))
		if test.want != "" {
			require.ErrorContains(t, err, "stream "+name+"-poison: ")
			require.ErrorContains(t, err, test.want)
			continue
		}
		require.NoError(t, err, name)
		require.NoError(t, broker.Close())
	}
}

// TestForeignMessages publishes messages that anyone with access could publish.
func TestForeignMessages(t *testing.T) {
	t.Parallel()
	broker, js := newBroker(t)
	shop := testshop.New(t)
	r := shop.Relay(t, broker)
	twice := &nats.Msg{Subject: broker.Topic, Data: []byte("x"), Header: nats.Header{"A": {"1", "2"}}}
	for _, msg := range []*nats.Msg{twice, {Subject: broker.Topic}} {
		_, err := js.PublishMsg(t.Context(), msg)
		require.NoError(t, err)
	}
	shop.Start(t, r)
	shop.PoisonEvents(t, r, 2)
	shop.Notify(t, r, 1)
	shop.Expect(t, 1, finished, inbox.Applied)
}

func TestConnectFails(t *testing.T) {
	t.Parallel()
	_, err := jetstream.Connect(t.Context(), "nats://127.0.0.1:1")
	require.ErrorContains(t, err, "connect")

	plain, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true})
	require.NoError(t, err)
	go plain.Start()
	require.True(t, plain.ReadyForConnections(10*time.Second))
	t.Cleanup(func() { stopServer(plain) })
	_, err = jetstream.Connect(t.Context(), plain.ClientURL())
	require.ErrorIs(t, err, nats.ErrNoResponders, "without JetStream")

	srv := natsServer(t, t.TempDir(), server.RANDOM_PORT)
	t.Cleanup(func() { stopServer(srv) })
	_, err = jetstream.Connect(t.Context(), srv.ClientURL(), jetstream.WithReplicas(3))
	require.ErrorContains(t, err, "replicas", "there is only one server")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = jetstream.Connect(ctx, srv.ClientURL())
	require.ErrorIs(t, err, context.Canceled)
}
