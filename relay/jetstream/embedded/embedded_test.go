package embedded_test

import (
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/relay"
	"github.com/jovepay/jovepay-go/relay/internal/testshop"
	"github.com/jovepay/jovepay-go/relay/jetstream"
	"github.com/jovepay/jovepay-go/relay/jetstream/embedded"
	"github.com/jovepay/jovepay-go/relay/relaytest"
)

func TestEmbedded(t *testing.T) {
	t.Parallel()
	relaytest.Run(t, func(t *testing.T) relaytest.Harness {
		t.Helper()
		dir := t.TempDir()
		conns := make(chan *nats.Conn, 1)
		var conn *nats.Conn
		var opened *relay.Broker
		return relaytest.Harness{
			Open: func() *relay.Broker {
				var err error
				opened, err = embedded.Open(dir, never(), jetstream.WithNATS(nats.ConnectHandler(func(c *nats.Conn) { conns <- c })))
				require.NoError(t, err)
				conn = <-conns
				return opened
			},
			Backlog: func() int { return backlog(t, conn, opened) },
		}
	})
}

// TestServer checks that the server writes through to the disk and does not listen.
func TestServer(t *testing.T) {
	t.Parallel()
	srv, err := embedded.Start(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { stopServer(srv) })
	assert.True(t, srv.JetStreamConfig().SyncAlways)
	assert.Nil(t, srv.Addr())
}

// TestDirectory opens a directory that is in use, and again after it was closed.
func TestDirectory(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "b")
	first, err := embedded.Open(dir)
	require.NoError(t, err)
	_, err = embedded.Open(dir)
	require.ErrorContains(t, err, "in use")
	other, err := embedded.Open(filepath.Join(t.TempDir(), "c"))
	require.NoError(t, err)
	require.NoError(t, other.Close())
	require.NoError(t, first.Close())
	again, err := embedded.Open(dir)
	require.NoError(t, err)
	require.NoError(t, again.Close())
}

func TestEmbeddedFails(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := embedded.Open(file)
	require.ErrorContains(t, err, "not a directory")

	// The directory cannot be locked.
	unlocked := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(unlocked, "lock"), 0o700))
	_, err = embedded.Open(unlocked)
	require.ErrorContains(t, err, "cannot be locked")

	// The server cannot create its own directory.
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "jetstream"), nil, 0o600))
	var log lockedBuffer
	_, err = embedded.Open(dir, jetstream.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	require.ErrorContains(t, err, "JetStream")
	assert.Contains(t, log.String(), "nats-server")

	_, err = embedded.Open(t.TempDir(), jetstream.WithReplicas(3))
	require.ErrorContains(t, err, "replicas")
}

func TestOptions(t *testing.T) {
	t.Parallel()
	_, err := embedded.Open(t.TempDir(), jetstream.WithName("a.b"))
	require.ErrorContains(t, err, `name "a.b"`)
	broker, err := embedded.Open(t.TempDir(), nil, jetstream.WithName("shop_1"), nil)
	require.NoError(t, err)
	assert.Equal(t, "shop_1", broker.Topic)
	assert.Equal(t, "shop_1-poison", broker.PoisonTopic)
	require.NoError(t, broker.Close())
}

// TestRestartForgetsIDs of acknowledged messages, and no others. Only the inbox
// remembers forever.
func TestRestartForgetsIDs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := func() *relay.Broker {
		broker, err := embedded.Open(dir)
		require.NoError(t, err)
		return broker
	}
	shop, broker := testshop.New(t), open()
	r := shop.Relay(t, broker)
	stop := shop.Start(t, r)
	shop.Notify(t, r, 1)
	shop.Expect(t, 1, finished, inbox.Applied)
	require.NoError(t, stop())
	shop.Notify(t, r, 2)
	require.NoError(t, broker.Close())

	broker = open()
	t.Cleanup(func() { assert.NoError(t, broker.Close()) })
	r = shop.Relay(t, broker, relay.WithWorkers(1))
	shop.Notify(t, r, 1)
	shop.Notify(t, r, 2)
	stop = shop.Start(t, r)
	assert.ElementsMatch(t, []testshop.Outcome{
		{ID: "2", Status: finished, Outcome: inbox.Applied},
		{ID: "1", Status: finished, Outcome: inbox.Duplicate},
	}, []testshop.Outcome{shop.Next(t), shop.Next(t)})
	require.NoError(t, stop())
	assert.Empty(t, shop.Outcomes)
}

// TestCloseWhileSubscribing ends every subscription, or rejects it.
func TestCloseWhileSubscribing(t *testing.T) {
	t.Parallel()
	broker, err := embedded.Open(t.TempDir())
	require.NoError(t, err)
	var callers sync.WaitGroup
	for range 50 {
		callers.Go(func() {
			messages, err := broker.Subscriber.Subscribe(t.Context(), broker.Topic)
			if err != nil {
				return
			}
			for range messages {
				t.Error("a message")
			}
		})
	}
	require.NoError(t, broker.Close())
	callers.Wait()
	_, err = broker.Subscriber.Subscribe(t.Context(), broker.Topic)
	require.Error(t, err)
	require.NoError(t, broker.Subscriber.Close(), "twice")
}

// TestLongNotification is as long as the verifier accepts.
func TestLongNotification(t *testing.T) {
	t.Parallel()
	broker, err := embedded.Open(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, broker.Close()) })
	shop := testshop.New(t)
	r := shop.Relay(t, broker)
	head := `{"payment_id":1,"payment_status":"finished","order_description":"`
	body := head + strings.Repeat("x", 64<<10-len(head)-2) + `"}`
	require.Len(t, body, 64<<10)
	require.Equal(t, http.StatusOK, shop.Deliver(r, body))
	shop.Start(t, r)
	shop.Expect(t, 1, finished, inbox.Applied)
}

// TestKilled leaves a message with a process that was killed. No other process can hold
// it, so it is delivered as soon as the directory is opened again.
func TestKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	broker, err := embedded.Open(dir, never())
	require.NoError(t, err)
	shop := testshop.New(t)
	shop.Notify(t, shop.Relay(t, broker), 1)
	require.NoError(t, broker.Close())

	srv, err := embedded.Start(dir)
	require.NoError(t, err)
	conn, err := nats.Connect("", nats.InProcessServer(srv))
	require.NoError(t, err)
	js, err := natsjs.New(conn)
	require.NoError(t, err)
	consumer, err := js.Consumer(t.Context(), broker.Topic, broker.Topic)
	require.NoError(t, err)
	_, err = consumer.Next()
	require.NoError(t, err)
	conn.Close()
	stopServer(srv)

	broker, err = embedded.Open(dir, never())
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, broker.Close()) })
	shop.Start(t, shop.Relay(t, broker))
	shop.Expect(t, 1, finished, inbox.Applied)
}
